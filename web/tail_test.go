package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// logServer serves one log, of the process demo and as the daemon's own.
func logServer(t *testing.T, content string, change ...func(*Options)) (*testServer, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo.log")
	write(t, path, content)
	ts := start(t, func(o *Options) {
		o.Backend = &fakeBackend{main: path, logs: map[string]string{
			"demo/stdout": path, "demo/stderr": path, "g:demo/stdout": path,
		}}
		for _, c := range change {
			c(o)
		}
	})
	return ts, path
}

// write appends to a file, which need not exist.
func write(t *testing.T, path, content string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// stream is the client end of a log stream.
type stream struct {
	t    *testing.T
	nc   *net.UnixConn
	r    *bufio.Reader
	head string
}

// open asks for a stream and reads the header of the answer.
func open(t *testing.T, ts *testServer, request string) *stream {
	t.Helper()
	s := &stream{t: t, nc: ts.dial(t)}
	s.r = bufio.NewReader(s.nc)
	if _, err := io.WriteString(s.nc, request); err != nil {
		t.Fatal(err)
	}
	for !strings.HasSuffix(s.head, "\r\n\r\n") {
		line, err := s.r.ReadString('\n')
		if err != nil {
			t.Fatalf("header: %v after %q", err, s.head)
		}
		s.head += line
	}
	s.head = dates.ReplaceAllString(s.head, "Date: D\r\n")
	return s
}

// chunk reads one chunk.
func (s *stream) chunk() string {
	s.t.Helper()
	line, err := s.r.ReadString('\n')
	if err != nil {
		s.t.Fatalf("chunk: %v after %q", err, line)
	}
	size, err := strconv.ParseInt(strings.TrimSuffix(line, "\r\n"), 16, 32)
	if err != nil {
		s.t.Fatal(err)
	}
	data := make([]byte, size+2)
	if _, err := io.ReadFull(s.r, data); err != nil {
		s.t.Fatal(err)
	}
	if string(data[size:]) != "\r\n" {
		s.t.Fatalf("chunk ends in %q", data[size:])
	}
	return string(data[:size])
}

// expect reads chunks until they add up to want.
func (s *stream) expect(want string) {
	s.t.Helper()
	got := ""
	for len(got) < len(want) {
		got += s.chunk()
	}
	if got != want {
		s.t.Fatalf("got %.200q, want %.200q", got, want)
	}
}

const tailClient = " HTTP/1.1\r\nHost: \r\nAccept-Encoding: chunked\r\nAccept: */*\r\nUser-agent: Supervisor HTTP Client\r\n\r\n\r\n"

func TestLogStream(t *testing.T) {
	ts, path := logServer(t, "hello\n")
	modified := time.Date(2026, 11, 22, 9, 9, 53, 0, time.UTC)
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
	common := "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\nLast-Modified: Sun, 22 Nov 2026 09:09:53 GMT\r\n" +
		"Content-Type: text/plain;charset=utf-8\r\n"
	var streams []*stream
	for _, row := range []struct{ uri, fields string }{
		{"/logtail/demo", "X-Accel-Buffering: no\r\n"},
		{"/logtail/demo/stdout?x=y", "X-Accel-Buffering: no\r\n"},
		{"/logtail/g:demo", "X-Accel-Buffering: no\r\n"},
		{"/logtail/g%253Ademo", "X-Accel-Buffering: no\r\n"},
		{"/logtailfoo/demo/stderr", "X-Accel-Buffering: no\r\n"},
		{"/mainlogtail", ""},
		{"/mainlogtailxyz", ""},
	} {
		s := open(t, ts, "GET "+row.uri+tailClient)
		if want := common + row.fields + "Transfer-Encoding: chunked\r\n\r\n"; s.head != want {
			t.Errorf("%s: got %q", row.uri, s.head)
		}
		if got := s.chunk(); got != "hello\n" {
			t.Errorf("%s: got %q", row.uri, got)
		}
		streams = append(streams, s)
	}
	for _, text := range []string{"world\n", "again\n"} {
		write(t, path, text)
		for _, s := range streams {
			s.expect(text)
		}
	}
}

func TestLogStreamBeginning(t *testing.T) {
	long := strings.Repeat("0123456789\n", 200)
	for _, row := range []struct{ name, content, want string }{
		{"empty", "", ""},
		{"1023", long[:1023], long[:1023]},
		{"1024", long[:1024], long[:1024]},
		{"1501", long[:1501], long[477:1501]},
	} {
		ts, path := logServer(t, row.content)
		s := open(t, ts, "GET /logtail/demo"+tailClient)
		if row.want != "" {
			if got := s.chunk(); got != row.want {
				t.Errorf("%s: got %d bytes: %q", row.name, len(got), got)
			}
		}
		burst := strings.Repeat("x", 200_000)
		write(t, path, burst)
		s.expect(burst)
	}
}

// TestLogReplaced: what was in the old file comes first, then the new one from
// its beginning.
func TestLogReplaced(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path string){
		"rotated": func(t *testing.T, path string) {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ts, path := logServer(t, "one\n")
			s := open(t, ts, "GET /logtail/demo"+tailClient)
			s.expect("one\n")
			write(t, path, "unread\n")
			replace(t, path)
			write(t, path, "two\n")
			s.expect("unread\ntwo\n")
			write(t, path, "three\n")
			s.expect("three\n")
			replace(t, path)
			write(t, path, "four\n")
			s.expect("four\n")
		})
	}
}

// TestLogVanished: a file without a name is read on.
func TestLogVanished(t *testing.T) {
	ts, path := logServer(t, "one\n")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := open(t, ts, "GET /logtail/demo"+tailClient)
	s.expect("one\n")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"two\n", "three\n"} {
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
		s.expect(text)
	}
}

func TestLogTruncated(t *testing.T) {
	ts, path := logServer(t, "one, and more\n")
	s := open(t, ts, "GET /logtail/demo"+tailClient)
	s.expect("one, and more\n")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	s.expect(truncated)
	write(t, path, "two\n")
	s.expect("two\n")
}

// TestLogBehindLink: the directory of the file counts, too, and a link that is
// turned to another file.
func TestLogBehindLink(t *testing.T) {
	ts, path := logServer(t, "")
	real := filepath.Join(t.TempDir(), "real")
	write(t, real, "one\n")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, path); err != nil {
		t.Fatal(err)
	}
	s := open(t, ts, "GET /logtail/demo"+tailClient)
	s.expect("one\n")
	if err := os.Rename(real, real+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, real, "two\n")
	s.expect("two\n")
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, "three\n")
	if err := os.Symlink(other, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	s.expect("three\n")
}

// TestLogUnframed: without chunks the bytes come as they are, and at once.
func TestLogUnframed(t *testing.T) {
	for _, request := range []string{"GET /logtail/demo HTTP/1.0\r\n\r\n", "GET /logtail/demo HTTP/1.1\r\nConnection: close\r\n\r\n"} {
		ts, path := logServer(t, "hello\n")
		s := open(t, ts, request)
		if strings.Contains(s.head, "Transfer-Encoding") {
			t.Errorf("got %q", s.head)
		}
		write(t, path, "world\n")
		got := make([]byte, len("hello\nworld\n"))
		if _, err := io.ReadFull(s.r, got); err != nil || string(got) != "hello\nworld\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// TestLogStreamEnds: with the client, at once, and with the server, without a
// last chunk.
func TestLogStreamEnds(t *testing.T) {
	ts, _ := logServer(t, "hello\n")
	for name, leave := range map[string]func(*stream) error{
		"closed":      func(s *stream) error { return s.nc.Close() },
		"half closed": func(s *stream) error { return s.nc.CloseWrite() },
	} {
		s := open(t, ts, "GET /logtail/demo"+tailClient)
		s.expect("hello\n")
		if err := leave(s); err != nil {
			t.Fatal(err)
		}
		eventually(t, name+": the stream ends", func() bool { return ts.open() == 0 })
	}
	s := open(t, ts, "GET /logtail/demo"+tailClient)
	io.WriteString(s.nc, "GET /ok.html HTTP/1.1\r\n\r\n") // is never answered
	s.expect("hello\n")
	ts.Close()
	// The connection is reset if the server had not yet read what it ignores.
	if rest, err := io.ReadAll(s.r); err != nil && !errors.Is(err, syscall.ECONNRESET) || len(rest) > 0 {
		t.Errorf("at the end: %q, %v", rest, err)
	}
}

// TestStalledReader: who does not read loses nothing and holds up nobody.
func TestStalledReader(t *testing.T) {
	ts, path := logServer(t, "hello\n")
	stalled := open(t, ts, "GET /logtail/demo"+tailClient)
	burst := strings.Repeat("x", 4<<20)
	write(t, path, burst)
	other := open(t, ts, "GET /logtail/demo"+tailClient)
	other.expect(burst[:1024])
	write(t, path, "more\n")
	other.expect("more\n")
	stalled.expect("hello\n" + burst + "more\n")
}

// TestWithoutWatcher: then the log is looked at now and then, until there is one
// again.
func TestWithoutWatcher(t *testing.T) {
	ts, path := logServer(t, "hello\n")
	ts.mu.Lock()
	ts.newWatcher = func() (*watcher, error) { return nil, syscall.EMFILE }
	ts.mu.Unlock()
	s := open(t, ts, "GET /logtail/demo"+tailClient)
	s.expect("hello\n")
	write(t, path, "world\n")
	s.expect("world\n")
	ts.mu.Lock()
	ts.newWatcher = newWatcher
	ts.mu.Unlock()
	if w, err := newWatcher(); err != nil {
		t.Log("the rest needs a watcher:", err)
		return
	} else {
		w.close()
	}
	eventually(t, "the stream that was there is watched", func() bool {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		return ts.watcher != nil
	})
	write(t, path, "again\n")
	s.expect("again\n")
}

// TestLogsAreLookedAtInTurn: so many at a time as Options.Disk lets through, and who waits
// for that is told after a while, but if a log is being followed.
func TestLogsAreLookedAtInTurn(t *testing.T) {
	var refuse, looks atomic.Int32
	ts, path := logServer(t, "one\n", func(o *Options) {
		o.Disk = func(ctx context.Context, call func()) error {
			looks.Add(1)
			if refuse.Load() > 0 {
				refuse.Add(-1)
				return os.ErrDeadlineExceeded
			}
			call()
			return nil
		}
	})
	s := open(t, ts, "GET /logtail/demo"+tailClient)
	s.expect("one\n")
	// To open it, to watch it, to read of it twice, to look for another.
	eventually(t, "it was looked at five times", func() bool { return looks.Load() >= 5 })
	refuse.Store(3)
	write(t, path, "two\n")
	s.expect("two\n")
	refuse.Store(1)
	if got := open(t, ts, "GET /logtail/demo HTTP/1.1\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got.head, "HTTP/1.1 503 ") {
		t.Errorf("got %q", got.head)
	}
}

func TestBoundedReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, release := boundedReaders(2), make(chan struct{})
		var at atomic.Int32
		for range 5 {
			go disk(t.Context(), func() { at.Add(1); <-release })
			synctest.Wait()
		}
		if n := at.Load(); n != 2 {
			t.Errorf("%d at a time", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := disk(ctx, func() { t.Error("called") }); err != context.Canceled {
			t.Errorf("got %v", err)
		}
		close(release)
		synctest.Wait()
	})
}

// TestLogIsPipe: a named pipe is no log, and nothing is taken from it.
func TestLogIsPipe(t *testing.T) {
	ts, path := logServer(t, "")
	if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 2 * defaultReaders {
		if got := open(t, ts, "GET /logtail/demo HTTP/1.1\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got.head, "HTTP/1.1 404 ") {
			t.Errorf("got %q", got.head)
		}
	}
	if fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK, 0); err != syscall.ENXIO {
		t.Errorf("somebody has it open for reading: %d, %v", fd, err)
	}
}
