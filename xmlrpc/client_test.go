package xmlrpc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// canned is a connection to a server whose whole answer is known beforehand.
type canned struct {
	net.Conn
	io.Reader
}

func (c *canned) Read(p []byte) (int, error)  { return c.Reader.Read(p) }
func (c *canned) Write(p []byte) (int, error) { return len(p), nil }
func (c *canned) Close() error                { return nil }

func TestNewClient(t *testing.T) {
	for url, want := range map[string][3]string{
		"unix:///run/s.sock":      {"unix", "/run/s.sock", "localhost"},
		"unix://s.sock":           {"unix", "s.sock", "localhost"},
		"http://localhost:9001":   {"tcp", "localhost:9001", "localhost:9001"},
		"http://localhost":        {"tcp", "localhost:80", "localhost"},
		"http://localhost:":       {"tcp", "localhost:80", "localhost"},
		"http://h:9001/RPC2?x#y":  {"tcp", "h:9001", "h:9001"},
		"http://u:p@h:9001":       {"tcp", "h:9001", "h:9001"},
		"http://[::1]:9001":       {"tcp", "[::1]:9001", "[::1]:9001"},
		"http://[::1]":            {"tcp", "[::1]:80", "[::1]"},
		"http://:9001":            {"tcp", ":9001", ":9001"},
		"http://127.0.0.1:9001//": {"tcp", "127.0.0.1:9001", "127.0.0.1:9001"},
	} {
		c, err := NewClient(url, "", "")
		if err != nil || [3]string{c.network, c.address, c.host} != want {
			t.Errorf("%s: %+v, %v; want %v", url, c, err, want)
		}
	}
	for _, url := range []string{"", "foo", "ftp://x", "https://x", "HTTP://x", "Unix:///x", "http:/x"} {
		_, err := NewClient(url, "", "")
		var scheme *SchemeError
		if !errors.As(err, &scheme) || err.Error() != "Unknown protocol for serverurl "+url {
			t.Errorf("%s: %v", url, err)
		}
	}
	for url, want := range map[string]string{
		"http://h:x":                       "Port could not be cast to integer value as 'x'",
		"http://h:-1":                      "Port could not be cast to integer value as '-1'",
		"http://h:+80":                     "Port could not be cast to integer value as '+80'",
		"http://h:1:2":                     "Port could not be cast to integer value as '1:2'",
		"http://[::1]:1x":                  "Port could not be cast to integer value as '1x'",
		"http://h:65536":                   "Port out of range 0-65535",
		"http://h:9999999999999999999999/": "Port out of range 0-65535",
	} {
		_, err := NewClient(url, "", "")
		var port *PortError
		if !errors.As(err, &port) || err.Error() != want {
			t.Errorf("%s: %v; want %s", url, err, want)
		}
	}
}

// served is a server that answers each request on a connection with the next of
// answers, and then closes the connection. It keeps the requests.
type served struct {
	url      string
	mu       sync.Mutex
	requests []string
	accepted int
}

func serve(t *testing.T, network string, answers ...string) *served {
	t.Helper()
	s := &served{}
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	if network == "unix" {
		s.url = "unix://" + address
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.accepted++
			s.mu.Unlock()
			running.Go(func() { s.answer(c, answers) })
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return s
}

func (s *served) answer(c net.Conn, answers []string) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(c)
	for _, answer := range answers {
		request, length := "", 0
		for !strings.HasSuffix(request, "\r\n\r\n") {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Sscanf(line, "Content-Length: %d", &length)
			request += line
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, request+string(body))
		s.mu.Unlock()
		io.WriteString(c, answer)
	}
}

func ok(v any) string {
	body := string(appendResponse(nil, v))
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func newTestClient(t *testing.T, url, user, password string) *Client {
	t.Helper()
	c, err := NewClient(url, user, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestCallToTheByte(t *testing.T) {
	const body = "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.getVersion</methodName>\n<params>\n</params>\n</methodCall>\n"
	for _, test := range []struct{ network, host, auth string }{
		{"unix", "localhost", ""},
		{"tcp", "", "Authorization: Basic bWU6cDp3\r\n"},
	} {
		s := serve(t, test.network, ok("3.0"))
		user, password, host := "", "", test.host
		if test.auth != "" {
			user, password, host = "me", "p:w", strings.TrimPrefix(s.url, "http://")
		}
		v, err := newTestClient(t, s.url, user, password).APIVersion(t.Context())
		if v != "3.0" || err != nil {
			t.Fatal(v, err)
		}
		want := "POST /RPC2 HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: identity\r\nContent-Type: text/xml\r\nAccept: text/xml\r\n" +
			test.auth + "Content-Length: 115\r\n\r\n" + body
		if s.requests[0] != want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.network, s.requests[0], want)
		}
	}
}

func TestStreamToTheByte(t *testing.T) {
	const stream = "HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"6\r\nhello\n\r\n6\r\nworld\n\r\n"
	for name, test := range map[string]struct {
		answer string
		want   []string
		fails  bool
	}{
		"closed between chunks": {stream, []string{"hello\n", "world\n"}, false},
		"zero chunk":            {stream + "0\r\n\r\n", []string{"hello\n", "world\n"}, false},
		"closed in a chunk":     {stream + "6\r\nab", []string{"hello\n", "world\n"}, true},
		"not chunked":           {"HTTP/1.0 200 OK\r\n\r\nhello\n", []string{"hello\n"}, false},
		"empty log":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", nil, false},
		"no chunk size":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", nil, true},
	} {
		s := serve(t, "unix", test.answer)
		var got []string
		err := newTestClient(t, s.url, "me", "p:w").Stream(t.Context(), "/logtail/demo/stdout", func(p []byte) error {
			got = append(got, string(p))
			return nil
		})
		if !reflect.DeepEqual(got, test.want) || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		want := "GET /logtail/demo/stdout HTTP/1.1\r\nHost: \r\nAccept-Encoding: chunked\r\nAccept: */*\r\n" +
			"User-agent: Supervisor HTTP Client\r\nAuthorization: Basic bWU6cDp3\r\n\r\n"
		if s.requests[0] != want {
			t.Errorf("got\n%q\nwant\n%q", s.requests[0], want)
		}
	}
}

func TestStreamErrors(t *testing.T) {
	s := serve(t, "unix", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc")
	err := newTestClient(t, s.url, "me", "").Stream(t.Context(), "/logtail/x", func([]byte) error { return nil })
	var status *HTTPError
	if !errors.As(err, &status) || *status != (HTTPError{404, "Not Found"}) {
		t.Errorf("404: %v", err)
	}
	if strings.Contains(s.requests[0], "Authorization") {
		t.Error("a stream without password sends credentials")
	}
	s = serve(t, "unix", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n1\r\ny\r\n")
	stop, calls := errors.New("stop"), 0
	err = newTestClient(t, s.url, "", "").Stream(t.Context(), "/", func([]byte) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("fn failed: %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s = serve(t, "unix", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "never")
	err = newTestClient(t, s.url, "", "").Stream(ctx, "/", func([]byte) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCallErrors(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp.Close()
	for url, want := range map[string]error{
		"unix://" + dir + "/none":           syscall.ENOENT,
		"unix://" + stale:                   syscall.ECONNREFUSED,
		"http://" + tcp.Addr().String():     syscall.ECONNREFUSED,
		serve(t, "unix").url:                nil, // closes without an answer
		serve(t, "unix", "\x00rubbish").url: nil,
		serve(t, "unix", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").url:        io.ErrUnexpectedEOF,
		serve(t, "unix", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").url:          nil,
		serve(t, "unix", "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", maxHeader)).url:  nil,
		serve(t, "unix", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1").url: io.ErrUnexpectedEOF,
		serve(t, "unix", ok([]int{1})).url:                                             nil, // not a string
	} {
		_, err := newTestClient(t, url, "", "").APIVersion(t.Context())
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
	}
	s := serve(t, "unix", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nabc")
	var status *HTTPError
	if _, err := newTestClient(t, s.url, "", "").PID(t.Context()); !errors.As(err, &status) || err.Error() != "401 Unauthorized" {
		t.Errorf("401: %v", err)
	}
	s = serve(t, "unix", strings.Replace(ok(1), "<params>", "<fault>", 1))
	if _, err := newTestClient(t, s.url, "", "").PID(t.Context()); err == nil {
		t.Error("broken XML is an answer")
	}
}

func TestKeepAlive(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\n<?xml\r\n" + fmt.Sprintf("%X", len(appendResponse(nil, 7))-5) + "\r\n" +
		string(appendResponse(nil, 7)[5:]) + "\r\n0\r\nTrailer: x\r\n\r\n"
	old := strings.Replace(ok(7), "HTTP/1.1", "HTTP/1.0", 1)
	for name, test := range map[string]struct {
		answers []string
		conns   int // for four calls
	}{
		"kept":                {[]string{ok(7), ok(7), ok(7), ok(7)}, 1},
		"chunked":             {[]string{chunked, chunked, chunked, chunked}, 1},
		"after 100":           {[]string{"HTTP/1.1 100 Continue\r\n\r\n" + ok(7), ok(7), ok(7), ok(7)}, 1},
		"closed when idle":    {[]string{ok(7), ok(7)}, 2},
		"Connection: close":   {[]string{strings.Replace(ok(7), "Server:", "Connection: close\r\nServer:", 1), "never"}, 4},
		"HTTP/1.0":            {[]string{old, "never"}, 4},
		"HTTP/1.0 keep-alive": {[]string{strings.Replace(old, "Server:", "Connection: Keep-Alive\r\nServer:", 1), old}, 2},
		"until the end":       {[]string{"HTTP/1.1 200 OK\r\n\r\n" + string(appendResponse(nil, 7))}, 4},
		"more than asked for": {[]string{ok(7) + "x", "never"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "unix", test.answers...)
			c := newTestClient(t, s.url, "", "")
			for range 4 {
				if v, err := c.PID(t.Context()); v != 7 || err != nil {
					t.Fatal(v, err)
				}
				waitClosed(c, test.answers, s)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.accepted != test.conns {
				t.Errorf("%d connections, want %d", s.accepted, test.conns)
			}
		})
	}
}

// waitClosed waits until the server has closed a connection that has had all
// its answers, so that the next call finds it so.
func waitClosed(c *Client, answers []string, s *served) {
	s.mu.Lock()
	over := len(s.requests)%len(answers) == 0
	s.mu.Unlock()
	if over && len(c.idle) == 1 {
		c.idle[0].r.Peek(1) // the end of the stream is still to be read after this
	}
}

func TestCancelledCall(t *testing.T) {
	s := serve(t, "unix", "", "never")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := newTestClient(t, s.url, "", "").PID(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// The client against the daemon of the Debian package, which users have.
func TestOriginalDaemon(t *testing.T) {
	const original = "/usr/bin/supervisord"
	if text, err := os.ReadFile(original); err != nil || !strings.HasPrefix(string(text), "#!") {
		t.Skip("the original supervisord is not installed at " + original)
	}
	c := newTestClient(t, startOriginal(t, original), "me", "p:w")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	if v, err := c.APIVersion(ctx); v != "3.0" || err != nil {
		t.Error(v, err)
	}
	if s, err := c.State(ctx); s != (StateInfo{1, "RUNNING"}) || err != nil {
		t.Error(s, err)
	}
	if started, err := c.StartProcess(ctx, "cat", true); !started || err != nil {
		t.Error(err)
	}
	infos, err := c.AllProcessInfo(ctx)
	if err != nil || len(infos) != 3 || infos[0].Namespec() != "cat" || infos[0].State != Running || infos[0].PID == 0 ||
		infos[2].Namespec() != "two:b" || infos[2].State != Stopped || infos[2].Description != "Not started" {
		t.Errorf("%+v, %v", infos, err)
	}
	if info, err := c.ProcessInfo(ctx, "cat"); err != nil || info.PID != infos[0].PID || info.StdoutLogfile != infos[0].StdoutLogfile {
		t.Errorf("%+v, %v", info, err)
	}
	configs, err := c.AllConfigInfo(ctx)
	if err != nil || len(configs) != 3 || configs[1].Command != "/bin/cat" || !reflect.DeepEqual(configs[1].ExitCodes, []int{0}) || configs[0].InUse != true {
		t.Errorf("%+v, %v", configs, err)
	}
	if sent, err := c.SendProcessStdin(ctx, "cat", "Grüße & <x>\n"); !sent || err != nil {
		t.Error(err)
	}
	stream, stop := context.WithCancel(ctx)
	var seen []byte
	err = c.Stream(stream, "/logtail/cat/stdout", func(p []byte) error {
		if seen = append(seen, p...); strings.Contains(string(seen), "<x>\n") {
			stop()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || string(seen) != "Grüße & <x>\n" {
		t.Errorf("%q, %v", seen, err)
	}
	if tail, err := c.TailProcessLog(ctx, "cat", "stdout", 0, 4); tail != (Tail{"<x>\n", 14, true}) || err != nil {
		t.Errorf("%+v, %v", tail, err)
	}
	if text, err := c.ReadProcessLog(ctx, "cat", "stdout", -4, 0); text != "<x>\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if changes, err := c.ReloadConfig(ctx); err != nil || len(changes.Added)+len(changes.Changed)+len(changes.Removed) != 0 {
		t.Errorf("%+v, %v", changes, err)
	}
	var fault *Fault
	if _, err := c.StopProcess(ctx, "nope", true); !errors.As(err, &fault) || *fault != *NewFault(BadName, "nope") {
		t.Error(err)
	}
	started, err := c.StartProcessGroup(ctx, "two", true)
	if want := (Result{"b", "two", Success, "OK"}); err != nil || len(started) != 2 || started[0] != want && started[1] != want {
		t.Errorf("%+v, %v", started, err)
	}
	if results, err := c.SignalProcessGroup(ctx, "two", "nonsense"); err != nil || len(results) != 2 || results[0].Status != BadSignal {
		t.Errorf("%+v, %v", results, err)
	}
	var status *HTTPError
	if _, err := newTestClient(t, "unix://"+c.address, "me", "wrong").PID(ctx); !errors.As(err, &status) || status.Status != 401 {
		t.Error(err)
	}
	if done, err := c.Shutdown(ctx); !done || err != nil {
		t.Error(err)
	}
}

// startOriginal runs the daemon at path until the test ends, and returns the
// URL of its socket.
func startOriginal(t *testing.T, path string) string {
	dir := t.TempDir()
	config := strings.ReplaceAll(`[supervisord]
nodaemon=true
logfile=DIR/log
pidfile=DIR/pid
childlogdir=DIR
[unix_http_server]
file=DIR/sock
username=me
password=p:w
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:cat]
command=/bin/cat
autostart=false
startsecs=0
[program:two]
command=/bin/cat
autostart=false
startsecs=0
process_name=%(process_num)c
numprocs=2
numprocs_start=97
`, "DIR", dir)
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(path, "-c", file)
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		daemon.Process.Signal(syscall.SIGTERM)
		daemon.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() { // with nodaemon, its log is its output
		if strings.Contains(lines.Text(), "supervisord started with pid") {
			go io.Copy(io.Discard, out)
			return "unix://" + filepath.Join(dir, "sock")
		}
	}
	t.Fatal("the original supervisord does not start")
	return ""
}

// TestAnswerTime: a server has to begin its answer in time, but may take its time over the
// rest, and over calls that wait.
func TestAnswerTime(t *testing.T) {
	const limit = 100 * time.Millisecond
	slowly := func(r *http.Request) {
		select {
		case <-time.After(3 * limit):
		case <-r.Context().Done():
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		method, _, _ := decodeCall(body)
		switch method {
		case "supervisor.getPID":
			<-r.Context().Done()
			return
		case "supervisor.getSupervisorVersion":
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
		}
		slowly(r)
		_, _ = w.Write(appendResponse(nil, method)) // as above
	}))
	defer server.Close()
	c := newTestClient(t, server.URL, "", "")
	c.AnswerTime = limit
	var silent *SilentError
	if _, err := c.PID(t.Context()); !errors.As(err, &silent) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer: %v", err)
	}
	if got, err := c.SupervisorVersion(t.Context()); got != "supervisor.getSupervisorVersion" || err != nil {
		t.Errorf("an answer that takes its time: %q, %v", got, err)
	}
	for _, call := range [][]any{{"supervisor.startProcess", "a", true}, {"supervisor.stopAllProcesses", true}, {"system.multicall", []any{}}} {
		method := call[0].(string)
		if got, err := c.Call(t.Context(), method, call[1:]...); got != method || err != nil {
			t.Errorf("a call that waits: %v, %v", got, err)
		}
	}
	for _, call := range [][]any{{"supervisor.startProcess", "a", false}, {"supervisor.addProcessGroup", "a"}} {
		if _, err := c.Call(t.Context(), call[0].(string), call[1:]...); !errors.As(err, &silent) {
			t.Errorf("%v: %v", call, err)
		}
	}
}

// TestConnectTime: an address from which nothing comes back is given up.
func TestConnectTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newTestClient(t, "http://"+l.Addr().String(), "", "")
	c.ConnectTime = time.Nanosecond
	var timeout net.Error
	if _, err := c.PID(t.Context()); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v", err)
	}
}
