// Package api is the JSON API below /api/v1: one table of operations, from which requests
// are routed and checked, answers written, and the description of all of it made. It knows
// a supervisord by an interface, and of HTTP only what a status is called.
package api

import (
	"context"
	"time"

	"supervisor/xmlrpc"
)

// Root is what the paths of all operations begin with.
const Root = "/api/v1"

// Backend is a supervisord. All its errors are *xmlrpc.Fault, or those of the context. A
// NAMESPEC is "name", "group:name", "group:*", "all" or a pattern with * ? [abc]; if it
// names nothing the fault is BAD_NAME. While supervisord goes down the fault is
// SHUTDOWN_STATE.
type Backend interface {
	Overview(ctx context.Context) (Overview, error)
	// Programs returns those that one of names stands for, or all without any, by group
	// and name.
	Programs(ctx context.Context, names []string) ([]Program, error)

	// What follows returns what became of each process, by group and name.

	StartPrograms(ctx context.Context, namespec string, c Change) ([]Result, error)
	StopPrograms(ctx context.Context, namespec string, c Change) ([]Result, error)
	RestartPrograms(ctx context.Context, namespec string, c Change) ([]Result, error)
	SignalPrograms(ctx context.Context, namespec, signal string) ([]Result, error)
	ClearPrograms(ctx context.Context, namespec string) ([]Result, error)
	WritePrograms(ctx context.Context, namespec, data string) ([]Result, error)

	// Shutdown and Restart begin to stop everything, the latter to begin anew.
	Shutdown(ctx context.Context) (bool, error)
	Restart(ctx context.Context) (bool, error)
}

// Overview is what there is to say of supervisord itself.
type Overview struct {
	Version    string // of Supervisor whose behaviour it is, and ours
	Identifier string
	PID        int
	Started    time.Time // when it began with its present configuration
	States     map[xmlrpc.State]int
}

// Program is all that is known of one process at one moment.
type Program struct {
	Name, Group string
	State       xmlrpc.State
	PID         int           // 0 without a child
	Start, Stop time.Time     // zero for never
	Uptime      time.Duration // of the present child
	Restarts    int
	Ended       string // how the last child ended: "exit status 1"; empty if none has
	ExitStatus  int    // of the last child; -1 after death by a signal
	SpawnErr    string
	Description string
	Status      string // what it says of itself (STATUS= of ready=notify)
	Ready       bool   // RUNNING, and healthy if its health is checked
	Checked     bool   // its health is checked
	Well        bool   // the last word of that was good
	Ill         string // why it is not healthy; empty if it is, or if nobody knows yet
	DependsOn   []Dependency
	WaitingFor  string    // "db (ready)"; empty for nothing
	NextStart   time.Time // by itself; zero for none
	Logs        [2]Log    // stdout, stderr
}

// Namespec returns how the process is named to people.
func (p *Program) Namespec() string { return xmlrpc.Namespec(p.Group, p.Name) }

// Dependency is something that has to be so before a program starts.
type Dependency struct {
	Name       string // of the other program
	Conditions string // "ready"; more than one with ", "
	Met        bool
}

// Log is where an output goes.
type Log struct {
	Path string // empty for nowhere
	Size int64  // in bytes; -1 if nobody knows
}

// Change is how something is to be changed. The zero value waits for nothing longer than
// it takes to begin.
type Change struct {
	Wait    bool          // for the end of it
	Timeout time.Duration // of all waiting; 0: none
	NoDeps  bool          // start it without what it depends on
}

// Result is what became of one process.
type Result struct {
	Name, Group string
	OK          bool        // it is as was asked for
	Code        xmlrpc.Code // Success, or a fault's code; 0 if the time was over before
	Detail      string
}

// Namespec returns how the process is named to people.
func (r *Result) Namespec() string { return xmlrpc.Namespec(r.Group, r.Name) }

// Request is a request for a path below Root.
type Request struct {
	Method string
	Target string // path and query as they were sent
	Type   string // the Content-Type of the body
	Body   []byte // UTF-8
	// Buffer returns an empty buffer, in which the answer may be. It is called once at
	// most.
	Buffer func() []byte
	// Room says whether n bytes may be taken.
	Room func(n int) bool
}

// Answer is what a Request is answered.
type Answer struct {
	Status int
	Type   string // Content-Type
	Allow  string // methods, with status 405
	Body   []byte
}

// Content types of answers.
const (
	JSON    = "application/json"
	Problem = "application/problem+json"
)

// Serve answers a request.
func Serve(ctx context.Context, b Backend, r Request) Answer {
	c := call{ctx: ctx, backend: b, room: r.Room}
	op, err := c.route(&r)
	if err == nil {
		err = c.check(op, &r)
	}
	var status int
	if err == nil {
		c.dst = r.Buffer()
		status, err = op.serve(&c)
	}
	if err != nil {
		return failure(err)
	}
	return Answer{Status: status, Type: JSON, Body: c.dst}
}
