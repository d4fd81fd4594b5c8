package logs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe takes whole lines until it is full, and what it does not take is not waited for, not
// even if writing to it would wait: such as one that belongs to whoever started us.
func TestOffer(t *testing.T) {
	for _, waits := range []bool{false, true} {
		var ends [2]int
		if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(ends[0])
		if err := syscall.SetNonblock(ends[1], !waits); err != nil {
			t.Fatal(err)
		}
		f := newFile(filepath.Join(t.TempDir(), "log"), 0, 0)
		if err := f.Open(); err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s := f.Shared.Load()
		s.Lock(nil)
		s.closeFile()
		s.File = os.NewFile(uintptr(ends[1]), "pipe")
		s.Regular.Store(false)
		if s.CanAwait() == waits {
			t.Errorf("waits: %v, but it can be waited for without a thread: %v", waits, s.CanAwait())
		}
		lines := []byte(strings.Repeat("a line of a length that divides no page\n", 10_000))
		n := f.Offer(s, lines)
		if n < 32<<10 || n > 64<<10 || lines[n-1] != '\n' {
			t.Errorf("waits: %v: it took %d bytes", waits, n)
		}
		if n = f.Offer(s, lines); n != 0 {
			t.Errorf("waits: %v: it took %d bytes more", waits, n)
		}
		const while = 50 * time.Millisecond
		begin := time.Now()
		if s.AwaitRoom(begin.Add(while)); time.Since(begin) < while {
			t.Errorf("waits: %v: it was waited for for %v", waits, time.Since(begin))
		}
		time.AfterFunc(while, func() {
			if _, err := syscall.Read(ends[0], make([]byte, 16<<10)); err != nil {
				t.Error(err)
			}
		})
		begin = time.Now()
		if s.AwaitRoom(begin.Add(10 * time.Second)); time.Since(begin) > 5*time.Second {
			t.Errorf("waits: %v: room was not noticed", waits)
		}
		if n = f.Offer(s, lines); n == 0 || lines[n-1] != '\n' {
			t.Errorf("waits: %v: it took %d bytes then", waits, n)
		}
		if lines, bytes := f.Dropped(); lines+bytes != 0 {
			t.Errorf("waits: %v: %d lines dropped, %d bytes", waits, lines, bytes)
		}
		s.Unlock()
	}
}
