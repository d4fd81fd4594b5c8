//go:build unix && !linux

package sys

import "syscall"

// PipeCloexec makes a pipe whose ends are closed by exec.
func PipeCloexec(fds *[2]int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(fds[:]); err != nil {
		return err
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return nil
}

// SocketCloexec makes a stream socket that no child inherits by accident.
func SocketCloexec(family int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// DupCloexec makes a copy of a descriptor that no child inherits by accident.
func DupCloexec(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	twin, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(twin)
	}
	return twin, err
}

// Duplicate makes to another name of from, which children inherit.
func Duplicate(from, to int) error { return syscall.Dup2(from, to) }
