package sys

import "syscall"

// systemSignals are the signals that not every system has. SIGIO goes by its
// other name, as it always did. 16 is one that package syscall does not have
// everywhere; where the number means another signal, that one's name is found
// first.
var systemSignals = map[syscall.Signal]string{
	syscall.SIGIO: "SIGPOLL", syscall.SIGPWR: "SIGPWR",
	16: "SIGSTKFLT",
	34: "SIGRTMIN", 64: "SIGRTMAX", // the C library keeps 32 and 33 for itself
}
