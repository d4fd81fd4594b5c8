module supervisor

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	golang.org/x/term v0.47.0
	gopkg.in/ini.v1 v1.67.3
)

require golang.org/x/sys v0.49.0 // indirect
