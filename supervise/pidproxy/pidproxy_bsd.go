//go:build darwin || freebsd

package pidproxy

import "syscall"

// processEnd returns a channel that is closed when a process has ended that is not
// a child of ours.
func processEnd(pid int) <-chan struct{} {
	ended := make(chan struct{})
	queue, err := syscall.Kqueue()
	if err != nil {
		close(ended) // rather no wait than one without an end
		return ended
	}
	var event syscall.Kevent_t
	syscall.SetKevent(&event, pid, syscall.EVFILT_PROC, syscall.EV_ADD|syscall.EV_ONESHOT)
	event.Fflags = syscall.NOTE_EXIT
	go func() {
		defer close(ended)
		defer syscall.Close(queue)
		var happened [1]syscall.Kevent_t
		for {
			// ESRCH, for a process that is gone already, comes as an error, too.
			if _, err := syscall.Kevent(queue, []syscall.Kevent_t{event}, happened[:], nil); err != syscall.EINTR {
				return
			}
		}
	}()
	return ended
}
