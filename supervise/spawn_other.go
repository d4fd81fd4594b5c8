//go:build unix && !linux

package supervise

import (
	"errors"
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

// arguments are what a program is given, its command line or its environment.
type arguments = []string

// newArguments returns some that are there already, followed by own.
func newArguments(shared arguments, own []string) (arguments, error) {
	return slices.Concat(shared, own), nil
}

// starter starts children.
type starter struct{}

// newStarter need not be told the limit of open files: ForkExec knows it.
func newStarter(*syscall.Rlimit) (starter, error) { return starter{}, nil }

func (starter) Close() {}

func (starter) Reserve(int) {}

// start starts a child. failedInChild says that it was not the fork that failed,
// but one of the steps after it. There is no pidfd. The umask belongs to the
// process here: ours is set around the fork.
func (starter) start(cfg *Program, file string, argv, environ arguments, files [3]int, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	if cfg.Umask >= 0 {
		defer syscall.Umask(syscall.Umask(cfg.Umask))
	}
	pid, err = syscall.ForkExec(file, argv, &syscall.ProcAttr{
		Dir:   cfg.Directory,
		Env:   environ,
		Files: []uintptr{uintptr(files[0]), uintptr(files[1]), uintptr(files[2])},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Credential: user},
	})
	return pid, -1, err != nil && !isForkError(err), err
}

// isForkError reports whether it was the fork that failed: no child was there
// that could have failed.
func isForkError(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
