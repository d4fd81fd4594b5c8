package supervise

import (
	"errors"
	"os"
	"syscall"

	"supervisor/supervise/vfork"
)

// pipeCloexec makes a pipe whose ends are closed by exec.
func pipeCloexec(fds *[2]int) error { return syscall.Pipe2(fds[:], syscall.O_CLOEXEC) }

// arguments are what a program is given, its command line or its environment.
type arguments = vfork.Strings

// newArguments returns some that are there already, followed by own.
func newArguments(shared arguments, own []string) (arguments, error) {
	return vfork.NewStrings(shared, own)
}

// starter starts children.
type starter struct {
	*vfork.Starter
	noFile *syscall.Rlimit // of children; nil if it is the same as ours
}

func newStarter(noFile *syscall.Rlimit) (starter, error) {
	v, err := vfork.New()
	return starter{v, noFile}, os.NewSyscallError("cannot prepare to start programs", err)
}

// start starts a child. failedInChild says that it was not the fork that failed,
// but one of the steps after it.
func (s starter) start(cfg *Program, file string, argv, environ arguments, files [3]int, user *syscall.Credential) (pid, pidfd int, failedInChild bool, err error) {
	pid, pidfd, err = s.Start(file, &vfork.Attr{
		Files: files, Dir: cfg.Directory, Umask: cfg.Umask, User: user, NoFile: s.noFile, Argv: argv, Environ: environ,
	})
	var inChild vfork.ChildError
	return pid, pidfd, errors.As(err, &inChild), err
}
