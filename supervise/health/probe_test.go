package health

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseHTTP(t *testing.T) {
	for text, want := range map[string]HTTP{
		"http://localhost:8080/health?a=b#c": {"tcp", "localhost:8080", "localhost:8080", "/health?a=b"},
		" HTTP://127.0.0.1 ":                 {"tcp", "127.0.0.1:80", "127.0.0.1", "/"},
		"http://[::1]":                       {"tcp", "[::1]:80", "[::1]", "/"},
		"http://[::1]:81/":                   {"tcp", "[::1]:81", "[::1]:81", "/"},
		"http://a?x=1:2":                     {"tcp", "a:80", "a", "/?x=1:2"},
		"http://a#x":                         {"tcp", "a:80", "a", "/"},
		"http://a/b:c@d":                     {"tcp", "a:80", "a", "/b:c@d"},
		"unix:///run/a.sock:/health":         {"unix", "/run/a.sock", "localhost", "/health"},
		"unix:///run/a.sock":                 {"unix", "/run/a.sock", "localhost", "/"},
		"unix:///a:/b:/c":                    {"unix", "/a", "localhost", "/b:/c"},
	} {
		if got, err := ParseHTTP(text); got != want || err != nil {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	const write = " is not an address: write http://HOST:PORT/PATH or unix:///PATH:/URI"
	for text, want := range map[string]string{
		"":                   "''" + write,
		"localhost:80/":      "'localhost:80/'" + write,
		"http://":            "'http://'" + write,
		"http:///x":          "'http:///x'" + write,
		"http://:80/":        "'http://:80/'" + write,
		"http://a:0/":        "'http://a:0/'" + write,
		"http://a:65536":     "'http://a:65536'" + write,
		"http://a:b":         "'http://a:b'" + write,
		"http://::1/":        "'http://::1/'" + write,
		"ftp://a/":           "'ftp://a/'" + write,
		"unix://run/a:/b":    "'unix://run/a:/b'" + write,
		"unix:///run/a:b":    "'unix:///run/a:b'" + write,
		"https://a/":         "https is not offered: write an http:// address of the program, or health_command with a client that knows https",
		"http://u:secret@a/": "a user and a password cannot be given here: write the address of something that needs none, or health_command",
		"http://a/b c":       "'http://a/b c' has blanks or other characters that a URL cannot have: write them as %20 and the like",
		"http://a/\r\nX: y":  `'http://a/\r\nX: y' has blanks or other characters that a URL cannot have: write them as %20 and the like`,
		"http://größe.de/":   "'http://größe.de/' has blanks or other characters that a URL cannot have: write them as %20 and the like",
		"http:// a/":         "'http:// a/' has blanks or other characters that a URL cannot have: write them as %20 and the like",
		"unix:///a b:/":      "'unix:///a b:/' has blanks or other characters that a URL cannot have: write them as %20 and the like",
		"http://a/b\x7f":     `'http://a/b\x7f' has blanks or other characters that a URL cannot have: write them as %20 and the like`,
	} {
		if got, err := ParseHTTP(text); got != (HTTP{}) || err == nil || err.Error() != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// Nothing that is accepted can put a line of its own into a request.
func FuzzParseHTTP(f *testing.F) {
	for _, text := range []string{"http://localhost:8080/health?a=b#c", "unix:///run/a.sock:/health", "http://[::1%25eth0]:1/", "http://a\r\n/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseHTTP(text)
		if err != nil {
			return
		}
		if !strings.HasPrefix(c.uri, "/") || strings.ContainsAny(c.uri+c.host, " \r\n\t\x00#") || c.host == "" || strings.ContainsAny(c.host, "/?@") {
			t.Errorf("%q: %q", text, c)
		}
	})
}

func TestParseTCP(t *testing.T) {
	for _, text := range []string{"localhost:5432", "[::1]:1", "10.0.0.1:65535"} {
		if got, err := ParseTCP(" " + text + " "); string(got) != text || err != nil {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "localhost", ":80", "a:0", "a:65536", "a:-1", "a:http", "::1:80", "a b:80", "a:80/", "größe:80", "ä:80"} {
		want := "'" + text + "' is not an address: write HOST:PORT, such as localhost:5432 or [::1]:5432"
		if got, err := ParseTCP(text); got != "" || err == nil || err.Error() != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// serve answers connections on a port of loopback with what answer writes.
func serve(t *testing.T, network, address string, answer func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn)
			}()
		}
	}()
	return l
}

// answer reads a request and answers with text.
func answer(text string) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for line := "x"; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		io.WriteString(conn, text)
	}
}

func check(t *testing.T, name string, c Check, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	got := ""
	if err := c.Probe(ctx); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

func httpOf(t *testing.T, text string) HTTP {
	t.Helper()
	c, err := ParseHTTP(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnswers(t *testing.T) {
	const notHTTP = "the answer is not HTTP"
	for text, want := range map[string]string{
		"HTTP/1.1 200 OK\r\n\r\n": "",
		"HTTP/1.0 204\r\n\r\n":    "",
		"HTTP/1.1 399 \n\n":       "",
		"HTTP/1.1 302 Found\r\nLocation: http://x.invalid/\r\n":       "",
		"HTTP/1.1 400 Bad\r\n\r\n":                                    "HTTP status 400",
		"HTTP/1.1 503 No\r\n\r\n":                                     "HTTP status 503",
		"HTTP/1.1 101 Switching\r\n\r\n":                              "HTTP status 101",
		"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\n":      "",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\n":              "HTTP status 500",
		"HTTP/1.1 100 Continue\r\nA: b\r\n":                           "the connection was closed without an answer",
		"HTTP/1.1 100 Continue\r\n" + strings.Repeat("a: b\n", 20000): "the answer has no status in its first 64 KiB",
		"":                        "the connection was closed without an answer",
		"HTTP/1.1 20":             "the connection was closed in the middle of an answer",
		"HTTP/1.1 200 OK":         "the connection was closed in the middle of an answer",
		"HTTP/2 200 OK\n":         notHTTP,
		"HTTP/1.1 099 x\n":        notHTTP,
		"HTTP/1.1 +20 x\n":        notHTTP,
		"HTTP/1.1 2000 x\n":       notHTTP,
		"HTTP/1.1  200\n":         notHTTP,
		"HTTP/1.1\n":              notHTTP,
		"SSH-2.0-OpenSSH_9.2\r\n": notHTTP,
		"<html>\n":                notHTTP,
		"HTTP/1.1 200 " + strings.Repeat("x", 10000) + "\n": notHTTP,
	} {
		l := serve(t, "tcp", "127.0.0.1:0", answer(text))
		check(t, text[:min(len(text), 60)], httpOf(t, "http://"+l.Addr().String()+"/"), want)
	}
}

// A real server gets a request that it understands, over both kinds of sockets, and can
// write all of an answer that is not too long.
func TestServer(t *testing.T) {
	written := make(chan error, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.URL.Path != "/a" || r.URL.RawQuery != "b=c" || r.UserAgent() != "supervisor" || r.Host == "" {
			w.WriteHeader(500)
			return
		}
		_, err := w.Write(make([]byte, 50<<10))
		written <- err
	})
	server := httptest.NewServer(handler)
	defer server.Close()
	check(t, "tcp", httpOf(t, server.URL+"/a?b=c#d"), "")
	if err := <-written; err != nil {
		t.Error(err)
	}
	check(t, "another path", httpOf(t, server.URL+"/b"), "HTTP status 500")

	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(l, handler)
	defer l.Close()
	check(t, "unix", httpOf(t, "unix://"+path+":/a?b=c"), "")
	<-written
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	check(t, "tcp", TCP(address), "") // by the system, whether anybody accepts or not
	l.Close()
	refused := "dial tcp " + address + ": connect: connection refused"
	check(t, "tcp", TCP(address), refused)
	check(t, "http", httpOf(t, "http://"+address+"/?secret"), refused)
	path := filepath.Join(t.TempDir(), "s")
	check(t, "unix", httpOf(t, "unix://"+path), "dial unix "+path+": connect: no such file or directory")
}

// A server that does not answer, or not to the end, is left when ctx ends; one whose answer
// has no end is not read for long.
func TestSlow(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for name, text := range map[string]string{"nothing": "", "a part": "HTTP/1.1 2", "not final": "HTTP/1.1 103 x\r\nA: b\r\n"} {
		reached := make(chan struct{})
		l := serve(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
			answer(text)(conn)
			close(reached)
			<-release
		})
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error)
		c := httpOf(t, "http://"+l.Addr().String())
		go func() { result <- c.Probe(ctx) }()
		<-reached
		cancel()
		select {
		case err := <-result:
			if err == nil {
				t.Errorf("%s: it is well", name)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it goes on", name)
		}
	}
	l := serve(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		answer("HTTP/1.1 200 OK\r\n\r\n")(conn)
		<-release
	})
	begun := time.Now()
	check(t, "without end", httpOf(t, "http://"+l.Addr().String()), "")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func FuzzReadStatus(f *testing.F) {
	for _, text := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 x\r\na: b\r\n\r\nHTTP/1.0 404 x\n", "HTTP/1.1 101\n", "x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		status, err := readStatus(bufio.NewReader(bytes.NewReader(answer)))
		switch {
		case err != nil:
			if status != 0 {
				t.Errorf("%q: %d, %v", answer, status, err)
			}
		case status < 200 && status != 101 || status > 999:
			t.Errorf("%q: %d", answer, status)
		default: // what a real client takes as well says the same
			answers := bufio.NewReader(bytes.NewReader(answer))
			r, err := http.ReadResponse(answers, nil)
			for err == nil && r.StatusCode < 200 && r.StatusCode != 101 {
				r, err = http.ReadResponse(answers, nil)
			}
			if err == nil && r.StatusCode != status && r.ProtoMajor == 1 {
				t.Errorf("%q: %d, a client says %d", answer, status, r.StatusCode)
			}
		}
	})
}

// command is what a caller gives: it starts a command and waits for it.
type command struct {
	cmd    *exec.Cmd
	ended  chan Exit
	waited chan struct{}
}

func shell(t *testing.T, script string, stdout io.Writer) Command {
	return Command{Start: func(context.Context) (Process, error) {
		cmd := exec.Command("sh", "-c", script)
		cmd.Stdout = stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		c := &command{cmd, make(chan Exit, 1), make(chan struct{})}
		go func() {
			cmd.Wait()
			close(c.waited)
			c.ended <- Exit{cmd.ProcessState.ExitCode(), cmd.ProcessState.String()}
		}()
		return c, nil
	}}
}

func (c *command) Ended() <-chan Exit { return c.ended }

func (c *command) Kill() {
	select {
	case <-c.waited:
	default:
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func TestCommand(t *testing.T) {
	check(t, "good", shell(t, "exit 0", nil), "")
	check(t, "bad", shell(t, "exit 3", nil), "exit status 3")
	check(t, "killed", shell(t, "kill -9 $$", nil), "signal: killed")
	check(t, "not started", Command{func(context.Context) (Process, error) { return nil, errors.New("no such command") }}, "no such command")
}

// A command that hangs is killed with all of its group, and not left before it has ended.
func TestCommandHangs(t *testing.T) {
	r, w := io.Pipe()
	c := shell(t, "sleep 1000 & echo started; wait", w) // the pipe has an end when both have ended
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- c.Probe(ctx) }()
	if line, err := bufio.NewReader(r).ReadString('\n'); line != "started\n" || err != nil {
		t.Fatalf("got %q, %v", line, err)
	}
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
}

// The runner and a real server, with real time.
func TestRealThing(t *testing.T) {
	l := serve(t, "tcp", "127.0.0.1:0", answer("HTTP/1.1 200 OK\r\n\r\n"))
	reports := make(chan Report[int])
	r := NewRunner(2, func(report Report[int]) { reports <- report })
	defer r.Close()
	r.Watch(1, httpOf(t, "http://"+l.Addr().String()), Policy{Interval: 20 * time.Millisecond, Timeout: 10 * time.Second, Retries: 2})
	r.Running(1)
	if report := <-reports; report.Effect != BecameWell || report.ID != 1 {
		t.Errorf("got %+v", report)
	}
	l.Close()
	report := <-reports
	if report.Effect != FellIll || !strings.HasSuffix(report.State.Reason, "connection refused") {
		t.Errorf("got %+v", report)
	}
}

func BenchmarkProbe(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	c, err := ParseHTTP("http://" + l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Probe(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
