package supervise

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// Of what is sent while nobody has time, one of each kind waits, however many came of
// another one.
func TestSignalsWait(t *testing.T) {
	s := CatchSignals()
	defer signal.Reset(syscall.SIGXFSZ)
	defer s.stop()
	s.keep()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		for range 40 {
			if err := syscall.Kill(os.Getpid(), sig); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Microsecond) // or the system would make one of all
		}
	}
	seen := map[os.Signal]int{}
	for timeout := time.After(10 * time.Second); len(seen) < len(caughtSignals()); {
		select {
		case sig := <-s.caught:
			seen[sig]++
		case <-timeout:
			t.Fatalf("got %v", seen)
		}
	}
	if n := seen[syscall.SIGQUIT]; n > 2 {
		t.Errorf("SIGQUIT is told %d times", n)
	}
}

// The order to look for deaths waits for nobody, however many there are.
func TestDeathsWait(t *testing.T) {
	s := new(Supervisor)
	s.watchAllChildren()
	defer signal.Stop(s.deaths)
	for range 40 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGCHLD); err != nil {
			t.Fatal(err)
		}
	}
	if s.watchAllChildren(); len(s.deaths) != 1 {
		t.Errorf("%d wait", len(s.deaths))
	}
}
