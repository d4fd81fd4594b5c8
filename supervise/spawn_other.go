//go:build unix && !linux

package supervise

import (
	"slices"
	"sync/atomic"
	"syscall"
)

// arguments are what a program is given, its command line or its environment.
type arguments = []string

// newArguments returns some that are there already, followed by own.
func newArguments(shared arguments, own []string) (arguments, error) {
	return slices.Concat(shared, own), nil
}

// starters is what those who start children have in common: nothing here.
type starters struct{}

// starter starts children.
type starter struct{}

// newStarter need not be told the limit of open files: ForkExec knows it.
func newStarter(*starters, *syscall.Rlimit) (starter, error) { return starter{}, nil }

func (starter) Close() {}

func (starter) Reserve(int) {}

// start starts a child. failedInChild says that it was not the fork that failed,
// but one of the steps after it. There is no pidfd.
func (starter) start(child *childProgress, o *spawnOrder, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	pid, failedInChild, err = forkExec(child, o, o.Argv, o.Environ, user)
	return pid, -1, failedInChild, err
}

// childProgress is what can be seen of a child, and done about it, while a starter is at
// work: on Linux more.
type childProgress struct {
	pid  atomic.Int64
	stop atomic.Bool
}

// PID returns the child's pid, 0 without one.
func (c *childProgress) PID() int { return int(c.pid.Load()) }

// Forked tells that there is a child, or with 0 that there is none any more.
func (c *childProgress) Forked(pid int) { c.pid.Store(int64(pid)) }

// Stop gives the order to stop. It returns the pid of a child that has to be signalled,
// and 0 if there is none and will be none.
func (c *childProgress) Stop() (pid int) {
	c.stop.Store(true)
	return c.PID()
}

// Stopped reports whether there was an order to stop.
func (c *childProgress) Stopped() bool { return c.stop.Load() }

// Signal sends a signal to the child, or to its process group.
func (c *childProgress) Signal(sig syscall.Signal, group bool) error {
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
func (c *childProgress) Buried() { c.pid.Store(0) }

// Doing says what keeps a child: here nobody knows.
func (c *childProgress) Doing() string { return "" }
