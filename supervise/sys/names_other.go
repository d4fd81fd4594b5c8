//go:build unix && !linux

package sys

import "syscall"

// systemSignals are the signals that not every system has.
var systemSignals = map[syscall.Signal]string{
	syscall.SIGEMT: "SIGEMT", syscall.SIGINFO: "SIGINFO", syscall.SIGIO: "SIGIO",
}
