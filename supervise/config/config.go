// Package config reads Supervisor's configuration: which settings there are, what they
// mean, what holds without them, and what is wrong with them. Its result is a Config, which
// never changes.
//
// It leaves to inifile how a file is written, and to the daemon what is done with a Config:
// nothing here opens, starts or changes anything.
//
// Begin with Config and Program in this file, then table.go, which has a row for each key.
package config

import (
	"io/fs"
	"strings"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/life"
	"supervisor/supervise/limits"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/order"
)

// Config is everything that one reading of the configuration file says, after
// defaults, expansions, command line and checks. It is never changed.
type Config struct {
	Path string // the file as named on the command line or found by the search
	Here string // its directory, absolute

	// Order is which programs wait for which others, all of Groups; nil if none does.
	Order *order.Graph

	// [supervisord], in the manual's order.
	MinFDs          int    // soft limit of open files that a start asks for
	MinProcs        int    // the same for processes
	Directory       string // taken when going into the background; "" for none
	User            *User  // whom the daemon becomes; nil to stay who it is
	Umask           int    // taken when going into the background
	Logfile         string // absolute, or "syslog"
	LogfileMaxBytes int64  // 0: never rotated
	LogfileBackups  int
	LogLevel        logs.Level
	Pidfile         string // absolute
	Identifier      string
	NoDaemon        bool
	Silent          bool
	ChildLogDir     string // where AUTO logs go, absolute
	NoCleanup       bool   // keep AUTO logs of earlier runs
	StripANSI       bool
	Subreaper       bool // ours: adopt orphaned grandchildren (Linux)

	// Ours too.
	// EnvironmentFiles are for every program, before its own; each Program has them.
	EnvironmentFiles []string
	LogFormat        lines.Format // of the daemon's own log: Text and Raw are the same
	ExitOnFatal      bool         // ExitOnFatal for every program
	ExitWhenEmpty    bool         // end when nothing runs or will
	ExitStatus       bool         // end with the status of the program that is the cause

	API bool // the JSON API is offered

	// Environment is environment as configured. Each Program has it already; a
	// later reading wants it as Overrides.Environment.
	Environment map[string]string

	Groups  []*Group // by (priority, name); of those with one name the first runs
	Servers []Server // inet in file order, then unix in file order

	// RPCNamespaces are the namespaces that serve the standard methods: the x of
	// each [rpcinterface:x] that names Supervisor's factory, in file order.
	RPCNamespaces []string

	// Notes are what reading the file had to say; they are logged once the log
	// is open, and dropped at a reread.
	Notes []Note
}

// ByName returns the groups by their names; of those with one name the first.
func (c *Config) ByName() map[string]*Group {
	byName := make(map[string]*Group, len(c.Groups))
	for _, g := range c.Groups {
		if byName[g.Name] == nil {
			byName[g.Name] = g
		}
	}
	return byName
}

// Note is a remark about the configuration that is no error.
type Note struct {
	Level logs.Level
	Text  string
	Pos   inifile.Position // where what it is about was read
}

// User is a resolved account.
type User struct {
	Name   string
	UID    int
	GID    int   // primary group
	Groups []int // what setgroups gets: the primary group first
}

// Server is one [unix_http_server] or [inet_http_server].
type Server struct {
	Section  string      // its name, for example "inet_http_server:b"
	Network  string      // "unix" or "tcp"
	Address  string      // path of the socket, or host:port; without host, every IPv4 address
	Mode     fs.FileMode // of a unix socket
	UID, GID int         // owner of a unix socket; -1 leaves it unchanged
	Username string      // "": no authentication
	Password string      // plain, or "{SHA}" and the hexadecimal SHA-1

	// AllowedHosts are names that requests may ask for besides addresses, localhost
	// and the server's own; "*" is any. Empty: the server decides.
	AllowedHosts []string
}

// URL returns the address as clients write it: unix://PATH or http://HOST:PORT,
// with localhost for a server that listens on every address.
func (c Server) URL() string {
	if c.Network == "unix" {
		return "unix://" + c.Address
	}
	if port, ok := strings.CutPrefix(strings.TrimPrefix(c.Address, "[]"), ":"); ok {
		return "http://localhost:" + port
	}
	return "http://" + c.Address
}

// Kind says what sort of section a group comes from.
type Kind int

const (
	ProgramGroup Kind = iota // [program:x] or [group:x]
	ListenerPool             // [eventlistener:x]
	FastCGIGroup             // [fcgi-program:x]
)

// Group is a process group as configured.
type Group struct {
	Name     string
	Priority int
	Kind     Kind
	Programs []*Program // in order of definition; of those with one name the last runs

	// [eventlistener:x] only.
	BufferSize    int      // events held back at most
	Events        []string // subscribed event types, in order of the names
	ResultHandler string

	// [fcgi-program:x] only. In a [group:y] each member has its own.
	Socket *FastCGISocket
}

// FastCGISocket is the socket that the processes of a fcgi-program share.
type FastCGISocket struct {
	URL      string // "unix:///run/x.sock" or "tcp://host:9000", as logged
	Network  string // "unix" or "tcp"
	Address  string // path, or host:port
	OwnerUID int    // -1: unchanged
	OwnerGID int    // -1: unchanged
	Mode     fs.FileMode
	Backlog  int // 0: as many as the system allows
}

// Running returns the programs that run: of several with one name the last, in
// the place of the first.
func (g *Group) Running() []*Program {
	place := map[string]int{}
	var programs []*Program
	for _, p := range g.Programs {
		if i, taken := place[p.Name]; taken {
			programs[i] = p
			continue
		}
		place[p.Name] = len(programs)
		programs = append(programs, p)
	}
	return programs
}

// Program is the settings of one process: one [program:x] (or fcgi-program,
// eventlistener) with its process number filled in.
type Program struct {
	Name    string // process name
	Group   string // group name
	Section string // that it was read from, for example "program:x"

	// Policy is what the life cycle knows of it.
	life.Policy

	Command   string // as written, expanded
	Priority  int
	Autostart bool
	User      *User // nil: the daemon's
	Umask     int   // -1: the daemon's
	Directory string
	ChangeDir bool // Directory is set; an empty one cannot be entered

	// Ours: see the table of keys.
	// EnvironmentFiles are read at every start, in this order; a - before a name allows
	// that it is missing. What they say is below Environment.
	EnvironmentFiles []string
	UserEnvironment  bool // HOME, USER, LOGNAME and SHELL of User, or of the daemon's account
	Limits           limits.Settings
	ExitOn           ExitOn
	Needs            []order.Need
	DependsTimeout   time.Duration // 0: for ever
	Ready            Readiness
	Health           Health
	Watchdog         time.Duration // 0: none
	Lines            LineFormat

	RedirectStderr bool
	Logs           [2]Log // by logs.Channel

	// Environment is [supervisord] environment overlaid by the program's own.
	Environment map[string]string
	// ServerURL is what SUPERVISOR_SERVER_URL says; "" exports none.
	ServerURL string
	// ServerURLAuto is set if serverurl is not set or AUTO: ServerURL is then the
	// address of one of the servers, "" without any.
	ServerURLAuto bool

	// Socket is set for an fcgi-program: its fd 0 is this socket.
	Socket *FastCGISocket
	// Listener is set for processes of an event listener pool.
	Listener bool
}

// Log is where one output of a child goes.
type Log struct {
	Path            string // "" for none; ignored when Auto
	Blank           bool   // none because the value is empty, which is shown as it is
	Auto            bool   // a generated name in childlogdir
	MaxBytes        int64  // 0: never rotated
	Backups         int
	CaptureMaxBytes int64 // 0: no capture mode
	EventsEnabled   bool  // PROCESS_LOG events
	Syslog          bool
}

// HasAutoLog reports whether an output goes to a log with a generated name.
func (p *Program) HasAutoLog(ch logs.Channel) bool {
	return p.Logs[ch].Auto && !(ch == logs.Stderr && p.RedirectStderr)
}
