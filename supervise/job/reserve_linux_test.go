package job_test

import (
	"os"
	"sync"
	"syscall"
	"testing"

	"supervisor/supervise/job"
)

// threads is how many threads this process has.
func threads(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// As many calls as threads were made ahead can be held at a time, and no thread more is
// made for them.
func TestReserve(t *testing.T) {
	const n = 24
	before := threads(t)
	job.Reserve(n)
	reserved := threads(t)
	if reserved < n || reserved > before+n+4 {
		t.Errorf("%d threads before, %d after %d were made", before, reserved, n)
	}
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	var held sync.WaitGroup
	for range n - 4 {
		held.Go(func() {
			var b [1]byte
			syscall.Read(pipe[0], b[:]) // it ends when the other end is closed
		})
	}
	if now := threads(t); now > reserved {
		t.Errorf("%d threads, and %d when calls were held", reserved, now)
	}
	syscall.Close(pipe[1])
	held.Wait()
	syscall.Close(pipe[0])
}
