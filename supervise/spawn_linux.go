package supervise

import (
	"errors"
	"os"
	"syscall"

	"supervisor/supervise/vfork"
)

// arguments are what a program is given, its command line or its environment.
type arguments = vfork.Strings

// newArguments returns some that are there already, followed by own.
func newArguments(shared arguments, own []string) (arguments, error) {
	return vfork.NewStrings(shared, own)
}

// starters is what those who start children have in common, in whatever round.
type starters = vfork.Shared

// childProgress is what can be seen of a child, and done about it, while a starter is at
// work.
type childProgress = vfork.Child

// starter starts children, one at a time.
type starter struct {
	*vfork.Starter
	noFile *syscall.Rlimit // of children; nil if it is the same as ours
}

func newStarter(all *starters, noFile *syscall.Rlimit) (starter, error) {
	v, err := vfork.New(all)
	return starter{v, noFile}, os.NewSyscallError("cannot prepare to start programs", err)
}

// start starts a child. failedInChild says that it was not the fork that failed,
// but one of the steps after it. pidfd is readable when the child has ended; -1 where
// there is none. Where the fast way is not to be had, as in an emulator of another
// processor, the child is started as on other systems: then everybody waits for it.
func (s starter) start(child *childProgress, o *spawnOrder, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	pid, pidfd, err = s.Start(child, o.File, &vfork.Attr{
		Files: o.Files, Dir: o.Directory, Umask: o.Umask, User: user, NoFile: s.noFile, Argv: o.Argv, Environ: o.Environ,
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
