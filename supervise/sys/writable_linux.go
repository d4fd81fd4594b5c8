package sys

import (
	"syscall"
	"time"
	"unsafe"
)

// Writable waits until writing to fd would not have to wait, or fails, and reports true; or
// false once the time is over. It holds a thread meanwhile.
func Writable(fd int, wait time.Duration) bool {
	const pollOut = 4
	what := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: pollOut}
	for end := time.Now().Add(wait); ; {
		left := syscall.NsecToTimespec(max(int64(time.Until(end)), 0))
		n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&what)), 1, uintptr(unsafe.Pointer(&left)), 0, 0, 0)
		if errno != syscall.EINTR {
			return n != 0 || errno != 0
		}
	}
}
