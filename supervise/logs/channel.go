package logs

// Channel is one of the two outputs of a child.
type Channel int

const (
	Stdout Channel = iota
	Stderr
)

// String returns "stdout" or "stderr".
func (c Channel) String() string {
	if c == Stderr {
		return "stderr"
	}
	return "stdout"
}
