package supervise

import "syscall"

// epollControl changes what is watched of a descriptor.
func epollControl(epfd, op, fd int, events uint32) error {
	return epollControlOf(epfd, op, fd, events, 0)
}

// epollControlOf does so for one of several descriptors that have the same number one
// after the other: events tell the generation.
func epollControlOf(epfd, op, fd int, events uint32, generation int32) error {
	return syscall.EpollCtl(epfd, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd), Pad: generation})
}
