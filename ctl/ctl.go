// Package ctl is supervisorctl: its actions, its shell, its exit statuses. It
// knows a supervisord only by the wire, so it works with any of them.
package ctl

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// Options is what the command line and the configuration file ask for.
type Options struct {
	// ServerURL is "http://host[:port]" or "unix:///path". It is not looked at
	// before the first action that needs a server.
	ServerURL string

	// Username and Password are sent only if both are set; Has tells an empty
	// one from none.
	Username, Password       string
	HasUsername, HasPassword bool

	// Prompt is what the shell asks with, without the "> " behind it.
	Prompt string

	// HistoryFile keeps the lines typed at the shell. Empty: nothing is kept.
	HistoryFile string

	// Interactive asks for name and password, and for consent, also where an
	// action is given. The shell is always interactive.
	Interactive bool

	// Args are the words of one action. Without any text in them, Run is a shell.
	Args []string

	// Color is "auto", "always" or "never". Auto is colour only on a terminal that
	// can show it. Empty is auto in the shell, and never for one action.
	Color string

	// JSON has status print JSON. Other actions refuse it.
	JSON bool

	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Exit statuses, after the LSB's list for init scripts. They are interface:
// scripts and configuration tools decide by them.
const (
	exitFailed        = 1
	exitInvalid       = 2
	exitUnimplemented = 3
	exitRefused       = 4
	exitNotInstalled  = 5
	exitNotRunning    = 7
	exitTimeout       = 124 // as timeout(1)
	exitInterrupted   = 130 // as a shell reports death by SIGINT

	exitStatusDown    = 3 // status: some process is not up
	exitStatusUnknown = 4 // status: no such process, or no server
)

// Run carries out the action of o.Args and returns its exit status, or runs the
// shell, whose status is always 0.
//
// Ctrl-C is left to the operating system while one action runs, so the caller
// must not catch SIGINT: a shell then sees the death by signal that scripts
// expect. Run catches it itself for the shell and for what ends only by Ctrl-C.
func Run(ctx context.Context, o Options) int {
	s := newSession(o, dial)
	defer s.close()
	if len(o.Args) == 0 {
		return s.shell(ctx)
	}
	// Words are joined and taken apart again: callers pass "signal USR1" as one.
	line := strings.Join(o.Args, " ")
	if action, _ := splitLine(inifile.TrimSpace(line)); o.JSON && action != "" && action != "status" {
		s.fail(exitInvalid, "Error: --json is for status, not for ", action)
		return s.status
	}
	s.execute(ctx, line)
	return s.status
}

// daemon is the part of a supervisord that the actions use. *xmlrpc.Client has
// it. It is safe for concurrent use.
type daemon interface {
	APIVersion(ctx context.Context) (string, error)
	SupervisorVersion(ctx context.Context) (string, error)
	PID(ctx context.Context) (int, error)
	ReadLog(ctx context.Context, offset, length int64) (string, error)
	Shutdown(ctx context.Context) (bool, error)
	Restart(ctx context.Context) (bool, error)
	ReloadConfig(ctx context.Context) (xmlrpc.Changes, error)
	AddProcessGroup(ctx context.Context, name string) (bool, error)
	RemoveProcessGroup(ctx context.Context, name string) (bool, error)
	StartProcess(ctx context.Context, namespec string, wait bool) (bool, error)
	StartProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error)
	StartAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error)
	StopProcess(ctx context.Context, namespec string, wait bool) (bool, error)
	StopProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error)
	StopAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error)
	SignalProcess(ctx context.Context, namespec, signal string) (bool, error)
	SignalProcessGroup(ctx context.Context, group, signal string) ([]xmlrpc.Result, error)
	SignalAllProcesses(ctx context.Context, signal string) ([]xmlrpc.Result, error)
	AllProcessInfo(ctx context.Context) ([]xmlrpc.ProcessInfo, error)
	ProcessInfo(ctx context.Context, namespec string) (xmlrpc.ProcessInfo, error)
	AllConfigInfo(ctx context.Context) ([]xmlrpc.ConfigInfo, error)
	ReadProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (string, error)
	TailProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (xmlrpc.Tail, error)
	ClearProcessLogs(ctx context.Context, namespec string) (bool, error)
	ClearAllProcessLogs(ctx context.Context) ([]xmlrpc.Result, error)
	SendProcessStdin(ctx context.Context, namespec, chars string) (bool, error)

	// JSON asks the JSON API, if the server has one.
	JSON(ctx context.Context, method, path, body string) (xmlrpc.JSONAnswer, error)

	// Stream passes on what GET path sends, until the server ends it, fn fails
	// or ctx is done.
	Stream(ctx context.Context, path string, fn func([]byte) error) error
	Close()
}

// dialer makes the client of one server. It does not connect yet.
type dialer func(url, username, password string) (daemon, error)

func dial(url, username, password string) (daemon, error) {
	c, err := xmlrpc.NewClient(url, username, password)
	if err != nil {
		return nil, err // not c, which would be an interface that holds nil
	}
	c.ConnectTime, c.AnswerTime = connectTime, answerTime
	return watched{c, watchPeriod}, nil
}

// session is what the actions of one run of supervisorctl share.
type session struct {
	o      Options
	dial   dialer
	server daemon // nil until an action needs it
	in     *input
	out    *bufio.Writer
	err    io.Writer
	status int  // of the last thing that went wrong
	left   bool // by quit, or by Ctrl-C while an action ran

	// person is set if stdout is a terminal that shows more than plain text:
	// there, and only there, is help added to what Supervisor would print.
	person bool

	keyboard *keyboard // nil unless both stdin and stdout are terminals
	history  history
	known    *[]xmlrpc.ProcessInfo // what completion has asked for on this line

	// interrupts gets SIGINT; nil while nobody catches it. endless is set by an
	// action that only Ctrl-C ends, for which it is then no reason to leave.
	interrupts chan os.Signal
	endless    bool
}

func newSession(o Options, dial dialer) *session {
	s := &session{o: o, dial: dial, in: &input{r: o.Stdin}, out: bufio.NewWriter(o.Stdout), err: o.Stderr}
	if f, ok := o.Stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		kind := os.Getenv("TERM")
		s.person = kind != "" && kind != "dumb"
		if in, ok := o.Stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
			s.keyboard = &keyboard{in: in, out: f, input: s.in, plain: !s.person, catches: func() bool { return s.interrupts != nil }}
		}
	}
	return s
}

func (s *session) close() {
	s.flush()
	s.hangUp()
}

// client returns the server of the session, for which one connection is kept.
func (s *session) client() (daemon, error) {
	if s.server != nil {
		return s.server, nil
	}
	username, password := s.o.Username, s.o.Password
	if !s.o.HasUsername || !s.o.HasPassword {
		username, password = "", ""
	}
	d, err := s.dial(s.o.ServerURL, username, password)
	s.server = d
	return d, err
}

func (s *session) hangUp() {
	if s.server != nil {
		s.server.Close()
		s.server = nil
	}
}

// say prints one line.
func (s *session) say(parts ...string) {
	for _, p := range parts {
		s.out.WriteString(p)
	}
	s.out.WriteByte('\n')
}

// flush makes what has been said visible, before anything that may take time.
// Its error is not looked at: without a reader the signal SIGPIPE ends us, and a
// full disk is no reason to leave processes unstarted.
func (s *session) flush() { s.out.Flush() }

// fail says a line and lets the run end with status.
func (s *session) fail(status int, parts ...string) {
	s.say(parts...)
	s.status = status
}

var errInterrupted = errors.New("interrupted")

// catchInterrupts makes SIGINT an event for untilInterrupt instead of the end.
func (s *session) catchInterrupts() (stop func()) {
	s.interrupts = make(chan os.Signal, 1)
	if !signal.Ignored(os.Interrupt) { // "command &" of a shell without job control
		signal.Notify(s.interrupts, os.Interrupt)
	}
	return func() {
		signal.Stop(s.interrupts)
		s.interrupts = nil
	}
}

// untilInterrupt returns a context that the next SIGINT ends. After stop the
// signal is left for whoever comes next.
func (s *session) untilInterrupt(ctx context.Context) (limited context.Context, stop func()) {
	limited, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case sig := <-s.interrupts:
			cancel(errInterrupted)
			if !interrupted(limited) { // stop came first
				select {
				case s.interrupts <- sig:
				default: // another one waits there
				}
			}
		case <-limited.Done():
		}
	}()
	return limited, func() {
		cancel(nil)
		<-ended
	}
}

// untilCtrlC is interruptible for an action that has no other end.
func (s *session) untilCtrlC(ctx context.Context) (context.Context, func()) {
	s.endless = true
	return s.interruptible(ctx)
}

// interruptible is untilInterrupt for an action, in a shell or alone.
func (s *session) interruptible(ctx context.Context) (context.Context, func()) {
	if s.interrupts != nil { // the shell has made ctx end already
		return ctx, func() {}
	}
	stop := s.catchInterrupts()
	ctx, cancel := s.untilInterrupt(ctx)
	return ctx, func() { cancel(); stop() }
}

func interrupted(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errInterrupted)
}
