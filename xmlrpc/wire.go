// Package xmlrpc is the wire between supervisord and its clients: the codec,
// both ends of a call, and the words both ends share. It knows nothing of what
// a method does.
package xmlrpc

import (
	"strconv"
	"strings"
)

// State is the state of a process. The numbers and names are Supervisor's own;
// clients hold fixed tables of them, so there will never be another one.
type State int

const (
	Stopped  State = 0
	Starting State = 10
	Running  State = 20
	Backoff  State = 30
	Stopping State = 40
	Exited   State = 100
	Fatal    State = 200
	Unknown  State = 1000
)

// States returns all states there are.
func States() []State {
	return []State{Stopped, Starting, Running, Backoff, Stopping, Exited, Fatal, Unknown}
}

// String returns the name that clients see, for example "RUNNING".
func (s State) String() string {
	switch s {
	case Stopped:
		return "STOPPED"
	case Starting:
		return "STARTING"
	case Running:
		return "RUNNING"
	case Backoff:
		return "BACKOFF"
	case Stopping:
		return "STOPPING"
	case Exited:
		return "EXITED"
	case Fatal:
		return "FATAL"
	default:
		return "UNKNOWN"
	}
}

// Up reports whether a process in this state counts as started: a start is
// refused with ALREADY_STARTED, a stop has something to do.
func (s State) Up() bool { return s == Starting || s == Running || s == Backoff }

// Down reports whether nothing of the process is left to wait for.
func (s State) Down() bool {
	return s == Stopped || s == Exited || s == Fatal || s == Unknown
}

// Signallable reports whether there is a child that a signal can be sent to.
func (s State) Signallable() bool { return s == Starting || s == Running || s == Stopping }

// ProcessInfo is the answer of supervisor.getProcessInfo, one element of
// getAllProcessInfo. Times are Unix seconds, 0 for never.
type ProcessInfo struct {
	Name, Group      string
	Start, Stop, Now int64
	State            State
	SpawnErr         string // why the last start failed; empty if it did not
	ExitStatus       int    // of the last exit; -1 after death by a signal
	StdoutLogfile    string // empty without a log; also sent as "logfile"
	StderrLogfile    string
	PID              int    // 0 unless a child exists
	Description      string // the third column of status

	// Restarts is how often it was started again since its group was added, and
	// Ended how its last child ended ("exit status 1", "terminated by SIGKILL"),
	// empty if none has. They are for our own pages: they do not go over the wire,
	// where no key may be added.
	Restarts int
	Ended    string
}

// Namespec returns how the process is named to people: "group:name", or only
// the name where the group is called the same.
func (p *ProcessInfo) Namespec() string { return Namespec(p.Group, p.Name) }

// ConfigInfo is one element of the answer of supervisor.getAllConfigInfo.
// Strings that are not set are "none"; sizes are bytes.
type ConfigInfo struct {
	Name, Group           string
	InUse, Autostart      bool
	Autorestart           any // bool, or the string "unexpected"
	GroupPrio             int
	ProcessPrio           int
	Command, Directory    string
	UID                   any // int, or the string "none"
	ExitCodes             []int
	KillAsGroup           bool
	RedirectStderr        bool
	StartRetries          int
	StartSecs             int
	StopSignal            int
	StopWaitSecs          int
	ServerURL             string
	StdoutLogfile         string
	StdoutLogfileBackups  int
	StdoutLogfileMaxBytes int64
	StdoutCaptureMaxBytes int64
	StdoutEventsEnabled   bool
	StdoutSyslog          bool
	StderrLogfile         string
	StderrLogfileBackups  int
	StderrLogfileMaxBytes int64
	StderrCaptureMaxBytes int64
	StderrEventsEnabled   bool
	StderrSyslog          bool
}

// Result is what a group or "all" method says of one process.
type Result struct {
	Name, Group string
	Status      Code   // Success, or the fault's code
	Description string // "OK", or the fault's text
}

// Namespec returns how the process is named to people.
func (r *Result) Namespec() string { return Namespec(r.Group, r.Name) }

// Tail is the answer of the tailProcess*Log methods.
type Tail struct {
	Bytes    string
	Offset   int64 // the size of the log
	Overflow bool  // the log holds more than was asked for
}

// TailText is a Tail whose bytes are read while the answer is written.
type TailText struct {
	Text     Text
	Offset   int64
	Overflow bool
}

// Changes is the answer of supervisor.reloadConfig, as group names. On the wire
// it is wrapped in one more array.
type Changes struct{ Added, Changed, Removed []string }

// StateInfo is the answer of supervisor.getState.
type StateInfo struct {
	Code int
	Name string
}

// Code is a fault code of Supervisor's interface.
type Code int

const (
	UnknownMethod        Code = 1
	IncorrectParameters  Code = 2
	BadArguments         Code = 3
	SignatureUnsupported Code = 4
	ShutdownState        Code = 6
	BadName              Code = 10
	BadSignal            Code = 11
	NoFile               Code = 20
	NotExecutable        Code = 21
	Failed               Code = 30
	AbnormalTermination  Code = 40
	SpawnError           Code = 50
	AlreadyStarted       Code = 60
	NotRunning           Code = 70
	Success              Code = 80
	AlreadyAdded         Code = 90
	StillRunning         Code = 91
	CantReread           Code = 92
)

// String returns the name that begins a fault's text, for example "BAD_NAME".
func (c Code) String() string {
	switch c {
	case UnknownMethod:
		return "UNKNOWN_METHOD"
	case IncorrectParameters:
		return "INCORRECT_PARAMETERS"
	case BadArguments:
		return "BAD_ARGUMENTS"
	case SignatureUnsupported:
		return "SIGNATURE_UNSUPPORTED"
	case ShutdownState:
		return "SHUTDOWN_STATE"
	case BadName:
		return "BAD_NAME"
	case BadSignal:
		return "BAD_SIGNAL"
	case NoFile:
		return "NO_FILE"
	case NotExecutable:
		return "NOT_EXECUTABLE"
	case Failed:
		return "FAILED"
	case AbnormalTermination:
		return "ABNORMAL_TERMINATION"
	case SpawnError:
		return "SPAWN_ERROR"
	case AlreadyStarted:
		return "ALREADY_STARTED"
	case NotRunning:
		return "NOT_RUNNING"
	case Success:
		return "SUCCESS"
	case AlreadyAdded:
		return "ALREADY_ADDED"
	case StillRunning:
		return "STILL_RUNNING"
	case CantReread:
		return "CANT_REREAD"
	default:
		return "FAULT_" + strconv.Itoa(int(c))
	}
}

// Fault is an error that the other end of a call gets to see.
type Fault struct {
	Code Code
	Text string // the code's name, then ": " and the detail if there is one
}

// NewFault returns the fault code with Supervisor's text for it: its name, and
// detail behind a colon. Without a detail only the name is the text; an empty
// detail is one, as BAD_NAME of the name "" is.
func NewFault(code Code, detail ...string) *Fault {
	if len(detail) == 0 {
		return &Fault{Code: code, Text: code.String()}
	}
	return &Fault{Code: code, Text: code.String() + ": " + detail[0]}
}

// Error returns the fault as Python's client prints it, which scripts grep for.
func (f *Fault) Error() string {
	return "<Fault " + strconv.Itoa(int(f.Code)) + ": '" + f.Text + "'>"
}

// Detail returns Text without what it usually begins with: the name of Code.
func (f *Fault) Detail() string { return strings.TrimPrefix(f.Text, f.Code.String()+": ") }

// Namespec returns how a process is named to people and in arguments:
// "group:name", or only the name where the group is called the same.
func Namespec(group, name string) string {
	if group == name {
		return name
	}
	return group + ":" + name
}

// SplitNamespec takes a name apart as an argument of a method: "name" is the
// process name of the group of that name, "group:name" one of its processes,
// and "group:*" or "group:" the whole group, for which whole is true. Only the
// first colon divides.
func SplitNamespec(namespec string) (group, name string, whole bool) {
	group, name, found := strings.Cut(namespec, ":")
	if !found {
		return namespec, namespec, false
	}
	if name == "" || name == "*" {
		return group, "", true
	}
	return group, name, false
}
