package logs

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// listenSyslog is a system's log at path.
func listenSyslog(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// messages are n messages without what stands before the tag.
func messages(t testing.TB, c *net.UnixConn, n int) (got []string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for range n {
		size, err := c.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		text := string(buf[:size])
		if after, ok := strings.CutPrefix(text, "<14>Mar  4 12:00:0"); ok {
			text = after[len("5 "):]
		}
		got = append(got, text)
	}
	return got
}

func newTestSyslog(t testing.TB, path string) *Syslog {
	w := NewSyslog("tag", path)
	w.now = func() time.Time { return noon }
	t.Cleanup(w.Close)
	return w
}

func TestSyslogOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := listenSyslog(t, path)
	w := newTestSyslog(t, path)
	for _, tt := range []struct {
		chunk string
		want  []string
	}{
		{"part", []string{"tag: sy part"}},
		{"ial\n\n\n", []string{"tag: sy ial"}},
		{"\n", []string{"tag: sy "}},
		{"a\n\nb\nc\n", []string{"tag: sy a", "tag: sy ", "tag: sy b", "tag: sy c"}},
		{"\nbegins\r\n", []string{"tag: sy ", "tag: sy begins\r"}},
		{"é \xff\xfe!\n", []string{"tag: sy é \uFFFD!"}},
		{strings.Repeat("x", 60000), []string{"tag: sy " + strings.Repeat("x", 60000)}},
	} {
		w.SendOutput("sy", []byte(tt.chunk))
		if got := messages(t, c, len(tt.want)); !slices.Equal(got, tt.want) {
			t.Errorf("%.40q: %.60q, want %.60q", tt.chunk, got, tt.want)
		}
	}
}

func TestSyslogReconnects(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w := newTestSyslog(t, path)
	at := &clock{noon}
	w.now = at.time
	w.send([]byte("nobody is there"))
	for _, lost := range []string{"2", "2"} {
		c := listenSyslog(t, path)
		w.send([]byte("nobody has been looked for again so soon"))
		at.advance(syslogRetry)
		w.send([]byte("hello\n"))
		want := []string{"tag: hello\n", "tag: messages lost before the last one: " + lost}
		if got := messages(t, c, 2); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		c.Close()
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		w.send([]byte("lost"))
	}
}

// A log that nobody reads must not stop us.
func TestSyslogNeverWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := listenSyslog(t, path)
	w := newTestSyslog(t, path)
	for w.dropped.Load() < 3 {
		w.send(chunks("x", 1000))
	}
	messages(t, c, 2)
	w.send([]byte("again"))
	if n := w.dropped.Load(); n > 0 {
		t.Errorf("%d still to be told", n)
	}
	for {
		if got := messages(t, c, 1)[0]; got == "tag: again" {
			break
		}
	}
	if got := messages(t, c, 1)[0]; got != "tag: messages lost before the last one: 3" {
		t.Errorf("got %q", got)
	}
}

func TestSyslogStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := newTestSyslog(t, path)
	w.send([]byte("one"))
	w.send([]byte("two"))
	w.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 1000)
	n := 0
	for err == nil {
		var more int
		more, err = c.Read(buf[n:])
		n += more
	}
	const want = "<14>Mar  4 12:00:05 tag: one\x00<14>Mar  4 12:00:05 tag: two\x00"
	if got := string(buf[:n]); got != want {
		t.Errorf("got %q", got)
	}
}

func TestLoggerToSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	c := listenSyslog(t, path)
	log, err := NewLogger(LoggerOptions{Path: "syslog", Program: "supervisord", Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.syslog.paths = []string{path}
	log.syslog.now = log.now
	log.Info("supervisord started with pid %d", 7)
	const want = "supervisord: 2026-03-04 12:00:05,007 INFO supervisord started with pid 7\n"
	if got := messages(t, c, 1)[0]; got != want {
		t.Errorf("got %q", got)
	}
	if log.Path() != "" {
		t.Errorf("path %q", log.Path())
	}
}

func BenchmarkSyslog(b *testing.B) {
	path := filepath.Join(b.TempDir(), "log")
	c := listenSyslog(b, path)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
		}
	}()
	w := newTestSyslog(b, path)
	chunk := []byte("a line of output, as long as they are\n")
	b.ReportAllocs()
	for b.Loop() {
		w.SendOutput("web", chunk)
	}
}
