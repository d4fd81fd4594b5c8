package sys

import "syscall"

// EpollControl changes what is watched of a descriptor.
func EpollControl(epfd, op, fd int, events uint32) error {
	return EpollControlOf(epfd, op, fd, events, 0)
}

// EpollControlOf does so for one of several descriptors that have the same number one
// after the other: events tell the generation.
func EpollControlOf(epfd, op, fd int, events uint32, generation int32) error {
	return syscall.EpollCtl(epfd, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd), Pad: generation})
}
