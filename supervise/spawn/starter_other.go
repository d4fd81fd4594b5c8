//go:build unix && (!linux || portable)

package spawn

import (
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
)

// Arguments are what a program is given, its command line or its environment.
type Arguments = []string

// NewArguments returns some that are there already, followed by own. A NUL in
// one of those is an error.
func NewArguments(shared Arguments, own []string) (Arguments, error) {
	for _, text := range own {
		if strings.IndexByte(text, 0) >= 0 {
			return nil, syscall.EINVAL
		}
	}
	return slices.Concat(shared, own), nil
}

// Starters is what those who start children have in common: nothing here.
type Starters struct{}

// Starter starts children.
type Starter struct{}

// NewStarter need not be told the limit of open files: ForkExec knows it.
func NewStarter(*Starters, *syscall.Rlimit) (Starter, error) { return Starter{}, nil }

func (Starter) Close() {}

func (Starter) Reserve(int) {}

// start starts a child. failedInChild says that it was not the fork that failed,
// but one of the steps after it. pidfd is readable when the child has ended; -1 for none.
func (Starter) start(child *Child, o *Order, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	pid, failedInChild, err = forkExec(child, o, o.Argv, o.Environ, user)
	return pid, openPID(pid), failedInChild, err
}

// Child is what can be seen of a child, and done about it, while a starter is at
// work: on Linux more.
type Child struct {
	pid  atomic.Int64
	stop atomic.Bool
}

// PID returns the child's pid, 0 without one.
func (c *Child) PID() int { return int(c.pid.Load()) }

// Forked tells that there is a child, or with 0 that there is none any more.
func (c *Child) Forked(pid int) { c.pid.Store(int64(pid)) }

// Stop gives the order to stop. It returns the pid of a child that has to be signalled,
// and 0 if there is none and will be none.
func (c *Child) Stop() (pid int) {
	c.stop.Store(true)
	return c.PID()
}

// Stopped reports whether there was an order to stop.
func (c *Child) Stopped() bool { return c.stop.Load() }

// Signal sends a signal to the child, or to its process group.
func (c *Child) Signal(sig syscall.Signal, group bool) error {
	pid := c.PID()
	if pid == 0 {
		return syscall.ESRCH
	}
	if group {
		pid = -pid
	}
	return syscall.Kill(pid, sig)
}

// Buried tells that somebody has waited for the child.
func (c *Child) Buried() { c.pid.Store(0) }

// Doing says what keeps a child: here nobody knows.
func (c *Child) Doing() string { return "" }
