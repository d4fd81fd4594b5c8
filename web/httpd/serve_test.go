package httpd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supervisor/web/httpd/httpdtest"
)

// testServer is a server on a unix socket.
type testServer struct {
	*Server
	path string
	log  testLog
}

// testLog collects lines.
type testLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *testLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// options are those of a test: call answers a POST to /call, which by default gets its
// own body back.
type options struct {
	Options
	call func(ctx context.Context, r *Request) Reply
}

// longLimits are for tests that no time-out is to disturb, however slow the
// machine; shortLimits let the others see one.
func longLimits() Limits {
	return Limits{time.Minute, time.Minute, time.Minute, time.Minute, time.Second, 10 * time.Second}
}

func shortLimits(o *options) {
	short := 200 * time.Millisecond
	o.Limits = Limits{short, short, short, short, short, short}
}

func text(s string) Reply {
	return Reply{Status: 200, Header: []Field{{"Content-Type", "text/plain"}}, Body: []byte(s)}
}

// handle has a page for each kind of answer.
func (o *options) handle(ctx context.Context, r *Request) Reply {
	switch r.Path {
	case "/ok":
		return text("OK")
	case "/call":
		if status := r.ReadBody(MaxBody); status != 0 {
			return Refuse(status)
		}
		return o.call(ctx, r)
	case "/putoff":
		r.PutOff(time.Hour)
		return text("late")
	case "/panic":
		panic("at the disco")
	case "/panic-in-stream":
		return Reply{Status: 200, Stream: func(context.Context, io.Writer) error { panic("in the stream") }}
	case "/wait":
		return Reply{Status: 200, Stream: func(ctx context.Context, _ io.Writer) error {
			<-ctx.Done()
			return nil
		}}
	case "/one":
		return Reply{Status: 200, Stream: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "one")
			return err
		}}
	case "/flood":
		return Reply{Status: 200, Stream: func(ctx context.Context, w io.Writer) error {
			for ctx.Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return err
				}
			}
			return ctx.Err()
		}}
	}
	return ErrorReply(404)
}

// start serves until the test ends.
func start(t testing.TB, change func(*options)) *testServer {
	t.Helper()
	ts := &testServer{}
	o := &options{Options: Options{
		Name: "test", Limits: longLimits(), Fields: "X-Test: yes\r\n",
		Access:  func(a *Access) { ts.log.add("%s %q %d %d", a.Peer(), a.Line, a.Status, a.Size) },
		Crashed: func(peer string, value any, _ []byte) { ts.log.add("%s: panic: %v", peer, value) },
	}}
	o.call = func(_ context.Context, r *Request) Reply {
		return Reply{Status: 200, Body: append(r.Buffer(), r.Body...), Reuse: true}
	}
	if change != nil {
		change(o)
	}
	o.Handler = o.handle
	ts.path = filepath.Join(httpdtest.Dir(t), "s")
	l, err := Listen(Address{Network: "unix", Address: ts.path, Mode: 0o700, UID: -1, GID: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ts.Server = NewServer(o.Options)
	httpdtest.Serve(t, l, ts.Server)
	return ts
}

func (ts *testServer) dial(t testing.TB) *net.UnixConn {
	t.Helper()
	return httpdtest.Dial(t, ts.path)
}

// last is a request that answers "OK" and then makes the server close.
const last = "GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n"

// exchange sends bytes and returns all that comes until the server closes.
func (ts *testServer) exchange(t testing.TB, send string) string {
	t.Helper()
	return dates.ReplaceAllString(httpdtest.Exchange(t, ts.path, send), "Date: D\r\n")
}

// dates are the field of an answer that depends on the time, and that of the test.
var dates = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\nX-Test: yes\r\n`)

const head = "Server: test\r\nDate: D\r\n"

const kept = "HTTP/1.1 200 OK\r\n" + head + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"

// TestAnswers has a row for each kind of answer.
func TestAnswers(t *testing.T) {
	ts := start(t, nil)
	page := func(status int) string {
		body := string(ErrorBody(status))
		return fmt.Sprintf("%d %s\r\n%sContent-Length: %d\r\nContent-Type: text/html\r\n\r\n%s", status, Reason(status), head, len(body), body)
	}
	for _, row := range []struct{ send, want string }{
		{"GET /ok HTTP/1.1\r\n\r\n", kept + kept},
		{"GET /ok HTTP/1.0\r\n\r\n", strings.Replace(kept, "1.1", "1.0", 1)},
		{"GET /nope HTTP/1.1\r\n\r\n", "HTTP/1.1 " + page(404) + kept},
		{"GET /panic HTTP/1.1\r\n\r\n", "HTTP/1.1 " + page(500) + kept},
		{"GET /one HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"},
		{"GET /one HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n" + head + "\r\none"},
		{"GET /panic-in-stream HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n" + head + "\r\n"},
		{"POST /call HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\n" + head + "Content-Length: 3\r\n\r\nabc" + kept},
		{"POST /call HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"HTTP/1.1 " + strings.Replace(page(411), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)},
		{"GARBAGE\r\n\r\n", ""},
	} {
		if got := ts.exchange(t, row.send+last); got != row.want {
			t.Errorf("sent %q\ngot  %q\nwant %q", row.send, got, row.want)
		}
	}
	ts.Close()
	for _, want := range []string{`localhost:0 "GET /ok HTTP/1.0" 200 `, "localhost:0: panic: at the disco", "localhost:0: panic: in the stream", `"GET /one HTTP/1.1" 200 `} {
		if !strings.Contains(strings.Join(ts.log.lines, "\n"), want) {
			t.Errorf("the log says nothing of %s: %q", want, ts.log.lines)
		}
	}
}

func TestErrorBodies(t *testing.T) {
	// Lengths that Supervisor announces.
	for status, length := range map[int]int{301: 142, 400: 136, 401: 137, 404: 134, 411: 140, 500: 146} {
		if got := len(ErrorBody(status)); got != length {
			t.Errorf("page %d has %d bytes, want %d", status, got, length)
		}
	}
}

func TestTooLong(t *testing.T) {
	ts := start(t, nil)
	got := ts.exchange(t, "POST /call HTTP/1.1\r\nContent-Length: "+strconv.Itoa(MaxBody+1)+"\r\n\r\n01234567890")
	if !strings.HasPrefix(got, "HTTP/1.1 413 ") {
		t.Errorf("body: got %q", got)
	}
	nc := ts.dial(t)
	go func() {
		// Fails when the server has had enough.
		_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\n"+strings.Repeat("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", maxHeader/40))
	}()
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 431 ") {
		t.Errorf("header: got %q, %v", line, err)
	}
}

// TestSlowReader: an answer that nobody reads is given up.
func TestSlowReader(t *testing.T) {
	ts := start(t, shortLimits)
	nc := ts.dial(t)
	body := strings.Repeat("x", 8<<20)
	io.WriteString(nc, "POST /call HTTP/1.1\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
	eventually(t, "the connection is closed", func() bool { return ts.open() == 0 })
}

// TestTricklingReader: so is one that is read a few bytes at a time, for it is a piece that
// has to be taken in time, and one that is read as fast as is asked for is not.
func TestTricklingReader(t *testing.T) {
	ts := start(t, func(o *options) { o.Limits.Write = 400 * time.Millisecond })
	body := strings.Repeat("x", 8<<20)
	call := "POST /call HTTP/1.1\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	nc := ts.dial(t)
	io.WriteString(nc, call)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	begin := time.Now()
	for ts.open() > 0 && time.Since(begin) < 10*time.Second {
		<-ticker.C
		nc.Read(make([]byte, 100)) // ends when it is cut
	}
	if took := time.Since(begin); took < 400*time.Millisecond || took > 5*time.Second {
		t.Errorf("cut off after %v", took)
	}
	steady := ts.dial(t)
	io.WriteString(steady, call)
	got := 0
	for buf := make([]byte, pieceOfWrite); got < len(body); {
		<-ticker.C
		n, err := steady.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		got += n
	}
}

// open returns the number of connections.
func (ts *testServer) open() int { return ts.Connections() }

// idling returns the number of idle connections.
func (ts *testServer) idling() int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	n := 0
	for c := range ts.conns {
		if c.incomplete.Load() > 0 && !c.begun.Load() {
			n++
		}
	}
	return n
}

var (
	eventually = httpdtest.Eventually
	readAnswer = httpdtest.ReadAnswer
)

// TestMakeRoom: when there are too many connections the one that was idle
// longest goes, and if none is, the new one waits.
func TestMakeRoom(t *testing.T) {
	release := make(chan struct{})
	var waiting atomic.Int32
	ts := start(t, func(o *options) {
		o.Room = NewRoom(0)
		o.Room.connections = 2
		o.call = func(ctx context.Context, r *Request) Reply {
			waiting.Add(1)
			<-release
			return text("done")
		}
	})
	const ok, wait = "GET /ok HTTP/1.1\r\n\r\n", "POST /call HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
	letGo := sync.OnceFunc(func() { close(release) })
	t.Cleanup(letGo) // before the server closes, which waits for the calls
	var idle [2]net.Conn
	for i := range idle {
		idle[i] = ts.dial(t)
		io.WriteString(idle[i], ok)
		readAnswer(t, bufio.NewReader(idle[i]))
		// The answer may be here before the connection counts as idle.
		eventually(t, "it is idle", func() bool { return ts.idling() == i+1 })
	}
	oldest, older := idle[0], idle[1]
	newest := ts.dial(t)
	io.WriteString(newest, wait)
	if rest, err := io.ReadAll(oldest); err != nil || len(rest) > 0 {
		t.Errorf("the oldest got %q, %v", rest, err)
	}
	io.WriteString(older, wait)
	eventually(t, "two calls wait", func() bool { return waiting.Load() == 2 })

	late := ts.dial(t)
	io.WriteString(late, ok)
	late.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := late.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many was answered: %v", err)
	}
	letGo()
	late.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got := readAnswer(t, bufio.NewReader(late)); got != "OK" {
		t.Errorf("got %q", got)
	}
}

// TestClose: the listener goes, idle connections go, a call is told and its
// answer still gets out.
func TestClose(t *testing.T) {
	entered := make(chan struct{})
	ts := start(t, func(o *options) {
		o.call = func(ctx context.Context, r *Request) Reply {
			close(entered)
			<-ctx.Done()
			return text("last words")
		}
	})
	idle, busy, half := ts.dial(t), ts.dial(t), ts.dial(t)
	io.WriteString(half, "GET /")
	io.WriteString(busy, "POST /call HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
	<-entered
	eventually(t, "one of three is idle", func() bool { return ts.open() == 3 && ts.idling() == 1 })
	ts.Close()
	for name, nc := range map[string]net.Conn{"idle": idle, "half": half} {
		if rest, err := io.ReadAll(nc); err != nil || len(rest) > 0 {
			t.Errorf("%s got %q, %v", name, rest, err)
		}
	}
	if got, err := io.ReadAll(busy); err != nil || !strings.HasSuffix(string(got), "last words") {
		t.Errorf("busy got %q, %v", got, err)
	}
	if _, err := os.Lstat(ts.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	ts.Close() // again is no error
}

// idlingOrHalf returns the number of connections that have no complete request.
func (ts *testServer) idlingOrHalf() int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	n := 0
	for c := range ts.conns {
		if c.incomplete.Load() > 0 && c.begun.Load() {
			n++
		}
	}
	return n
}

// FuzzServe sends bytes in two pieces: the server answers in the form of
// answers and is none the worse for it.
func FuzzServe(f *testing.F) {
	f.Add("GET /ok HTTP/1.1\r\n\r\n", uint8(3))
	f.Add("POST /call HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n", uint8(40))
	f.Add("POST / HTTP/2.0\r\nContent-Length: 0\r\n\r\n\r\nGET ?\r\n\r\n", uint8(20))
	ts := start(f, func(o *options) { o.Limits.Header, o.Limits.Body = 50*time.Millisecond, 50*time.Millisecond })
	f.Fuzz(func(t *testing.T, bytes string, cut uint8) {
		if len(bytes) > 10_000 {
			return
		}
		nc := ts.dial(t)
		i := min(int(cut), len(bytes))
		nc.Write([]byte(bytes[:i])) // may be closed by what it is
		nc.Write([]byte(bytes[i:]))
		nc.CloseWrite()
		buf := make([]byte, 5)
		if n, _ := nc.Read(buf); n == 5 && string(buf) != "HTTP/" {
			t.Errorf("answered %q", buf)
		}
		nc.Close()
		if got := ts.exchange(t, last); got != kept {
			t.Errorf("afterwards: got %q", got)
		}
	})
}
