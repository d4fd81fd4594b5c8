package vfork

import "syscall"

// OpenPID returns a descriptor that becomes readable when our child pid, which has
// not been waited for, ends; -1 where the system, before Linux 5.3, has none.
func OpenPID(pid int) int {
	fd, _, errno := syscall.RawSyscall(pidfdOpen(), uintptr(pid), 0, 0)
	if errno != 0 {
		return -1
	}
	return int(fd)
}

// CloseOnExec has exec close all descriptors from first on. It returns false if the
// system, before Linux 5.11, cannot do that.
func CloseOnExec(first int) bool {
	_, _, errno := syscall.RawSyscall(closeRange(), uintptr(first), uintptr(^uint32(0)), closeRangeCloexec)
	return errno == 0
}
