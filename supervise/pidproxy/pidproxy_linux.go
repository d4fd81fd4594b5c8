package pidproxy

import (
	"runtime"
	"strings"
	"syscall"
	"time"

	"supervisor/supervise/sys"
)

// processEnd returns a channel that is closed when a process has ended that is not
// a child of ours.
func processEnd(pid int) <-chan struct{} {
	ended := make(chan struct{})
	fd, errno := openPidfd(pid)
	switch errno {
	case 0:
		go awaitReadable(fd, ended)
	case syscall.ESRCH:
		close(ended)
	default: // before Linux 5.3, forbidden, or no descriptor left
		go awaitByKill(pid, ended)
	}
	return ended
}

// openPidfd returns a descriptor that becomes readable when a process ends.
func openPidfd(pid int) (int, syscall.Errno) {
	number := uintptr(434)
	switch {
	case strings.HasPrefix(runtime.GOARCH, "mips64"):
		number += 5000
	case strings.HasPrefix(runtime.GOARCH, "mips"):
		number += 4000
	}
	fd, _, errno := syscall.Syscall(number, uintptr(pid), 0, 0)
	return int(fd), errno
}

// awaitReadable closes ended when fd has become readable, and closes fd.
func awaitReadable(fd int, ended chan<- struct{}) {
	defer close(ended)
	defer syscall.Close(fd)
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return
	}
	defer syscall.Close(epfd)
	if sys.EpollControl(epfd, syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN) != nil {
		return
	}
	var events [1]syscall.EpollEvent
	_, _ = sys.IgnoringEINTR(func() (int, error) { return syscall.EpollWait(epfd, events[:], -1) }) // nothing else can be
}

// lookEvery is how often a process is looked for where the system does not tell of its
// end.
const lookEvery = 100 * time.Millisecond

// awaitByKill closes ended when there is no process of that number any more.
func awaitByKill(pid int, ended chan<- struct{}) {
	defer close(ended)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for syscall.Kill(pid, 0) != syscall.ESRCH {
		<-ticker.C
	}
}
