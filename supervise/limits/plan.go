package limits

import (
	"fmt"
	"syscall"

	"supervisor/supervise/sys"
)

// Plan is the system calls that give a child its limits. The calls point into memory that
// the plan keeps: it has to live until they were made. It does not change, and can be used
// for any number of children.
type Plan struct {
	// BeforeUser are the calls to be made before the child changes its user, while it
	// still has what privileges the supervisor has.
	BeforeUser []Call
	// Last are the calls to be made last, after the user and the directory have been
	// changed: with them the child gives privileges up.
	Last []Call

	keep []any
}

// SetsOpenFiles reports whether the plan has the limit of open files, which then must
// not be set back to the one that the supervisor was started with.
func (s *Settings) SetsOpenFiles() bool {
	for _, r := range s.Rlimits {
		if r.Name == "nofile" {
			return true
		}
	}
	return false
}

// Call is one system call.
type Call struct {
	Trap uintptr
	Args [6]uintptr

	// Opens says that what the call returns is a descriptor, for the calls with OnOpened
	// behind it: it is their first argument.
	Opens, OnOpened bool

	// May are errors that are none.
	May [2]syscall.Errno

	Key   string // of the setting: nice
	Value string // that it is set to, as the call has it
	Name  string // of the system call: setpriority
}

// Refused says that the system refused a call: "nice=-5: setpriority: permission denied
// (EACCES)".
type Refused struct {
	Call  *Call
	Errno syscall.Errno
}

func (e *Refused) Error() string {
	return fmt.Sprintf("%s=%s: %s: %v (%s)", e.Call.Key, e.Call.Value, e.Call.Name, e.Errno, sys.ErrnoName(e.Errno))
}

func (e *Refused) Unwrap() error { return e.Errno }
