package supervise

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"supervisor/supervise/job"
	"supervisor/xmlrpc"
)

// readLog reads a log without a bound on how many do.
func readLog(path string, offset, length int64) (string, error) {
	return logReader{}.read(context.Background(), path, offset, length)
}

func tailLog(path string, offset, length int64) xmlrpc.Tail {
	tail, err := logReader{}.tail(context.Background(), path, offset, length)
	if err != nil || tail.Text == nil {
		return xmlrpc.Tail{}
	}
	text, err := tail.Text.(*logText).whole()
	if err != nil {
		return xmlrpc.Tail{}
	}
	return xmlrpc.Tail{Bytes: text, Offset: tail.Offset, Overflow: tail.Overflow}
}

// What a log has got since it was asked for is not in the answer; what it has lost is
// simply missing.
func TestReadLogThatChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	long := strings.Repeat("0123456789\n", 20_000)
	if err := os.WriteFile(path, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{int64(len(long)) + 1000, 100_000, 10} {
		text, err := logReader{}.open(t.Context(), path, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		was := text.Size()
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		got, err := text.whole()
		if err != nil || int64(len(got)) != min(was, size) {
			t.Errorf("%d bytes, then %d: got %d, %v", was, size, len(got), err)
		}
	}
}

// Somebody who would have to wait too long for others to be through is told so.
func TestReadLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := logReader{job.NewGate(1)}
		release := make(chan struct{})
		go r.Do(t.Context(), func() { <-release })
		synctest.Wait()
		want := xmlrpc.NewFault(xmlrpc.Failed, "too many logs are being read").Error()
		if _, err := r.read(t.Context(), os.DevNull, 0, 0); readError(err) != want {
			t.Errorf("readLog: %v", err)
		}
		if _, err := r.tail(t.Context(), os.DevNull, 0, 1); readError(err) != want {
			t.Errorf("tailLog: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.read(ctx, os.DevNull, 0, 0); err != context.Canceled {
			t.Errorf("given up: %v", err)
		}
		close(release)
		synctest.Wait()
		if text, err := r.read(t.Context(), os.DevNull, 0, 0); text != "" || err != nil {
			t.Errorf("afterwards: %q, %v", text, err)
		}
	})
}

// A named pipe is not waited for, and nothing is taken from it.
func TestReadLogOfPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := readLog(path, 0, 0); text != "" || err == nil || err.Error() != xmlrpc.NewFault(xmlrpc.Failed).Error() {
		t.Errorf("readLog: %q, %v", text, err)
	}
	if tail := tailLog(path, 0, 100); tail != (xmlrpc.Tail{}) {
		t.Errorf("tailLog: %+v", tail)
	}
	if fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK, 0); err != syscall.ENXIO {
		t.Errorf("somebody has it open for reading: %d, %v", fd, err)
	}
}

// readError is the text of an error; empty if there is none.
func readError(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
