package sys

import "syscall"

// No child inherits by accident what these three make. There is no moment in which it
// could, since children are started without syscall.ForkLock.

// PipeCloexec makes a pipe whose ends are closed by exec.
func PipeCloexec(fds *[2]int) error { return syscall.Pipe2(fds[:], syscall.O_CLOEXEC) }

// SocketCloexec makes a stream socket.
func SocketCloexec(family int) (int, error) {
	return syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
}

// DupCloexec makes a copy of a descriptor.
func DupCloexec(fd int) (int, error) {
	twin, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(twin), nil
}

// Duplicate makes to another name of from, which children inherit.
func Duplicate(from, to int) error { return syscall.Dup3(from, to, 0) }
