//go:build unix

// Package pidproxy is the role of that name: it starts a daemon that leaves its pid in a
// file, hands on signals to it, and stays until it is gone.
package pidproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// handedOn are the signals that are handed on, and whether they ask for the end.
var handedOn = [...]struct {
	signal syscall.Signal
	name   string
	last   bool
}{
	{syscall.SIGHUP, "SIGHUP", false},
	{syscall.SIGUSR1, "SIGUSR1", false},
	{syscall.SIGUSR2, "SIGUSR2", false},
	{syscall.SIGTERM, "SIGTERM", true},
	{syscall.SIGINT, "SIGINT", true},
	{syscall.SIGQUIT, "SIGQUIT", true},
}

// Run is the whole of the role: it runs a command, and sends signals that it gets
// to the process whose pid is in a file. args are its own name, the file, the
// command and the command's arguments. The command is taken relative to the
// current directory, never from PATH.
//
// The result is the exit status: the command's, 128+n if signal n ended it, 127 if
// it could not be run, 0 after ctx was cancelled, 1 if args are too few. After
// Supervisor's pidproxy.py, except that this one sees the end of the command at once
// and passes its status on, that a pid which does not exist is no reason to end, and
// that after TERM, INT or QUIT it stays until both are gone, the process it was handed
// on to and the command: a stop that is reported is one.
func Run(ctx context.Context, args []string, stdout io.Writer) int {
	if len(args) < 3 {
		p := proxy{stdout: stdout}
		p.say(usage, strings.Join(args[:min(len(args), 1)], ""))
		return 1
	}
	signals := make(chan os.Signal, 16)
	for _, s := range handedOn {
		signal.Notify(signals, s.signal)
	}
	defer signal.Stop(signals)
	// The command starts with these ignored, as everything does that Python starts.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGPIPE, syscall.SIGXFSZ)

	p := proxy{file: args[1], stdout: stdout}
	return p.run(ctx, args[2:], signals)
}

const usage = `pidproxy -- run command and proxy signals to it via its pidfile.

Runs a command that puts itself into the background and writes its pid to a
file, so that supervisord has something to watch.  Each signal received is
sent to the process named in the pidfile.

Usage: %s <pidfile name> <command> [<cmdarg1> ...]

`

type proxy struct {
	file   string // where the pid is
	stdout io.Writer
}

// run starts the command and returns the exit status.
func (p *proxy) run(ctx context.Context, command []string, signals <-chan os.Signal) int {
	path, err := filepath.Abs(command[0])
	if err != nil {
		path = command[0] // the current directory is gone; it may be absolute
	}
	pid, err := syscall.ForkExec(path, command, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		p.say("couldn't exec %s: %v\n", path, err)
		return 127
	}
	ended := make(chan int, 1)
	go func() { ended <- waitStatus(pid) }()
	status, running := 0, true
	var target <-chan struct{} // of a stop: the end of the process that was told; nil without
	for {
		select {
		case status = <-ended:
			ended, running = nil, false
			if target == nil {
				return status
			}
		case <-target:
			target = nil
			if !running {
				return status
			}
		case <-ctx.Done():
			return 0
		case sig := <-signals:
			if told := p.handOn(sig); told > 0 && target == nil {
				target = processEnd(told)
			}
		}
	}
}

// handOn sends a signal to the process that the file names now. It returns the pid of
// that if the signal asks for the end, else 0. What cannot be sent is said.
func (p *proxy) handOn(sig os.Signal) (stopping int) {
	for _, s := range handedOn {
		if s.signal != sig {
			continue
		}
		pid, err := readPid(p.file)
		if err != nil {
			p.say("Can't read child pidfile %s!\n", p.file)
			return 0
		}
		if err := syscall.Kill(pid, s.signal); err != nil {
			p.say("Can't send %s to pid %d: %v\n", s.name, pid, err)
			return 0
		}
		if s.last {
			return pid
		}
	}
	return 0
}

// say writes to standard output.
func (p *proxy) say(format string, args ...any) {
	// If that is closed, there is nowhere else to say so.
	_, _ = fmt.Fprintf(p.stdout, format, args...)
}

// readPid reads a pid from a file. What is not more than 0 is none: kill would
// take it for a process group.
func readPid(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err == nil && pid <= 0 {
		err = strconv.ErrRange
	}
	return pid, err
}

// waitStatus waits for the end of a process and returns its status as a shell
// would have it.
func waitStatus(pid int) int {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EINTR) {
			return 1 // somebody else has waited for it
		}
	}
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
