package sys

import "syscall"

// IgnoringEINTR repeats a system call that a signal interrupted.
func IgnoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
