//go:build unix && !linux

package supervise

import (
	"slices"
	"syscall"
)

// pipeCloexec makes a pipe whose ends are closed by exec.
func pipeCloexec(fds *[2]int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(fds[:]); err != nil {
		return err
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return nil
}

// socketCloexec makes a stream socket that no child inherits by accident.
func socketCloexec(family int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// dupCloexec makes a copy of a descriptor that no child inherits by accident.
func dupCloexec(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	twin, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(twin)
	}
	return twin, err
}

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
func (starter) start(cfg *Program, file string, argv, environ arguments, files [3]int, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	pid, failedInChild, err = forkExec(cfg, file, argv, environ, files, user)
	return pid, -1, failedInChild, err
}
