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

// duplicate makes to another name of from, which children inherit.
func duplicate(from, to int) error { return syscall.Dup2(from, to) }
