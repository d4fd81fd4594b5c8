package sys

import (
	"syscall"
	"testing"
)

// The names of signals that package syscall has not got, or calls otherwise.
func TestSystemSignalNames(t *testing.T) {
	for sig, want := range map[syscall.Signal]string{
		syscall.SIGIO: "SIGPOLL", syscall.SIGPWR: "SIGPWR", syscall.SIGUSR1: "SIGUSR1",
		32: "signal 32", 34: "SIGRTMIN", 35: "signal 35", 64: "SIGRTMAX",
	} {
		if got := SignalName(sig); got != want {
			t.Errorf("%d: %s, want %s", int(sig), got, want)
		}
	}
	if syscall.SIGUSR1 != 16 { // as it is on mips
		if got := SignalName(16); got != "SIGSTKFLT" {
			t.Errorf("16: %s", got)
		}
	}
}
