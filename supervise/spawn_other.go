//go:build unix && !linux

package supervise

import "syscall"

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

// umaskForker starts children that have a umask of their own.
type umaskForker struct{}

// forkExec is syscall.ForkExec with a umask for the child; -1 is ours. A umask
// belongs to the process here: ours is set around the fork.
func (f *umaskForker) forkExec(umask int, file string, argv []string, attr *syscall.ProcAttr) (int, error) {
	if umask < 0 {
		return syscall.ForkExec(file, argv, attr)
	}
	defer syscall.Umask(syscall.Umask(umask))
	return syscall.ForkExec(file, argv, attr)
}

func (f *umaskForker) close() {}
