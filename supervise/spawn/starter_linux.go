//go:build !portable

package spawn

import (
	"errors"
	"os"
	"syscall"

	"supervisor/supervise/vfork"
)

// Arguments are what a program is given, its command line or its environment.
type Arguments = vfork.Strings

// NewArguments returns some that are there already, followed by own.
func NewArguments(shared Arguments, own []string) (Arguments, error) {
	return vfork.NewStrings(shared, own)
}

// Starters is what those who start children have in common, in whatever round.
type Starters = vfork.Shared

// Child is what can be seen of a child, and done about it, while a starter is at
// work.
type Child = vfork.Child

// Starter starts children, one at a time.
type Starter struct {
	*vfork.Starter
	noFile *syscall.Rlimit // of children; nil if it is the same as ours
}

// NewStarter makes a Starter, early, as long as low descriptors are free. noFile is the
// limit of open files that children get, nil for ours. The error is that of the system.
func NewStarter(all *Starters, noFile *syscall.Rlimit) (Starter, error) {
	v, err := vfork.New(all)
	return Starter{v, noFile}, os.NewSyscallError("cannot prepare to start programs", err)
}

// start starts a child. failedInChild says that it was not the fork that failed,
// but one of the steps after it. pidfd is readable when the child has ended; -1 where
// there is none. Where the fast way is not to be had, as in an emulator of another
// processor, the child is started as on other systems: then everybody waits for it.
func (s Starter) start(child *Child, o *Order, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	noFile := s.noFile
	if o.OwnNoFile {
		noFile = nil
	}
	pid, pidfd, err = s.Start(child, o.File, &vfork.Attr{
		Files: o.Files, Extra: o.Extra, ExtraAs: o.ExtraAs, Dir: o.Directory, Umask: o.Umask, User: user, NoFile: noFile, Limits: o.Limits, Argv: o.Argv, Environ: o.Environ,
	})
	if err == vfork.ErrUnsupported {
		pid, failedInChild, err = forkExec(child, o, o.Argv.Strings(), o.Environ.Strings(), user)
		if err != nil {
			return 0, -1, failedInChild, err
		}
		return pid, vfork.OpenPID(pid), false, nil
	}
	var inChild vfork.ChildError
	return pid, pidfd, errors.As(err, &inChild), err
}
