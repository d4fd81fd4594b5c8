package web

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supervisor/web/httpd"
	"supervisor/web/httpd/httpdtest"
	"supervisor/xmlrpc"
)

// fakeBackend has logs and nothing else; asking it for more panics.
type fakeBackend struct {
	Backend
	logs map[string]string // by namespec and channel
	main string
}

func (b *fakeBackend) LogPath(_ context.Context, namespec, channel string) (string, error) {
	path, ok := b.logs[namespec+"/"+channel]
	if !ok {
		return "", xmlrpc.NewFault(xmlrpc.BadName, namespec)
	}
	return path, nil
}

func (b *fakeBackend) MainLogPath(context.Context) string { return b.main }

// fakePages has a page that says what it was asked, and two files.
type fakePages struct{ modified time.Time }

func (fakePages) serve(ctx context.Context, r *request) (reply, bool) {
	switch strings.TrimLeft(r.Path, "/") {
	case "ok.html":
		return reply{Status: 200, Header: []field{{"Content-Type", "text/plain"}}, Body: []byte("OK")}, true
	case "", "index.html", "tail.html":
		text := r.Method + "|" + r.Query + "|" + string(r.Body)
		return reply{Status: 200, Header: []field{{"Content-Type", "text/html"}}, Body: []byte(text)}, true
	case "panic.live":
		panic("at the disco")
	case "panic.stream":
		return reply{Status: 200, Stream: func(context.Context, io.Writer) error { panic("in the stream") }}, true
	case "wait.live":
		return reply{Status: 200, Stream: func(ctx context.Context, w io.Writer) error {
			<-ctx.Done()
			return nil
		}}, true
	case "events.live":
		return reply{Status: 200, Stream: func(ctx context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "one")
			return err
		}}, true
	}
	return reply{}, false
}

// fakeRoutes are those of its pages that real ones do not have.
var fakeRoutes = []route{{has: named("panic.live", "panic.stream", "wait.live", "events.live"), methods: []string{"GET"}, serve: (*Server).page}}

func (p fakePages) static(path string) (asset, bool) {
	switch path {
	case "stylesheets/supervisor.css":
		return asset{body: []byte("body {}\n"), contentType: "text/css", modified: p.modified}, true
	case "images/icon.png":
		return asset{body: bytes.Repeat([]byte("x"), 100_000), contentType: "image/png", modified: p.modified}, true
	}
	return asset{}, false
}

// fakeLog collects lines.
type fakeLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *fakeLog) Trace(format string, args ...any) { l.add("TRACE ", format, args) }
func (l *fakeLog) Error(format string, args ...any) { l.add("ERROR ", format, args) }

func (l *fakeLog) add(level, format string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, level+fmt.Sprintf(format, args...))
}

// testServer is a server on a unix socket.
type testServer struct {
	*Server
	path   string
	log    *fakeLog
	stderr *bytes.Buffer
}

// longLimits are for tests that no time-out is to disturb, however slow the
// machine; shortLimits let the others see one.
func longLimits() httpd.Limits {
	return httpd.Limits{Header: time.Minute, Body: time.Minute, Write: time.Minute, Stall: time.Minute, Linger: time.Second, Grace: 10 * time.Second}
}

func shortLimits(o *Options) {
	short := 200 * time.Millisecond
	o.limits = httpd.Limits{Header: short, Body: short, Write: short, Stall: short, Linger: short, Grace: short}
}

// start serves until the test ends. A call is answered with its own body, unless that is
// "bad".
func start(t testing.TB, change func(*Options)) *testServer {
	t.Helper()
	ts := &testServer{log: &fakeLog{}, stderr: &bytes.Buffer{}}
	opts := Options{
		Config:  ListenConfig{Section: "unix_http_server", Network: "unix", Address: filepath.Join(httpdtest.Dir(t), "s"), Mode: 0o700, UID: -1, GID: -1},
		Backend: &fakeBackend{},
		Log:     ts.log,
		Stderr:  ts.stderr,
		RPC: func(ctx context.Context, body, dst []byte, _ func(int) bool) ([]byte, int) {
			if string(body) == "bad" {
				return dst, 400
			}
			return append(dst, body...), 200
		},
		pages:  fakePages{time.Date(2026, 11, 22, 9, 0, 0, 500, time.UTC)},
		routes: slices.Concat(fakeRoutes, routes),
		limits: longLimits(),
	}
	if change != nil {
		change(&opts)
	}
	l, err := Listen(opts.Config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ts.path = opts.Config.Address
	ts.Server = NewServer(opts)
	httpdtest.Serve(t, l, ts.Server)
	return ts
}

func (ts *testServer) dial(t testing.TB) *net.UnixConn {
	t.Helper()
	return httpdtest.Dial(t, ts.path)
}

// probeRequest is answered "OK" and then makes the server close: what comes before that
// in an exchange was all.
const probeRequest = "GET /ok.html HTTP/1.1\r\nConnection: close\r\n\r\n"

// exchange sends bytes and returns all that comes until the server closes.
func (ts *testServer) exchange(t testing.TB, send string) string {
	t.Helper()
	return dates.ReplaceAllString(httpdtest.Exchange(t, ts.path, send), "Date: D\r\n")
}

// dates are the fields of an answer that depend on the time, and those behind them that
// every answer has.
var dates = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n` +
	`X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n`)

// page is an error page as the client sees it behind its status line.
func page(status int, fields string) string {
	body := string(httpd.ErrorBody(status))
	_, reason, _ := strings.Cut(body, "Message: ")
	reason, _, _ = strings.Cut(reason, ".")
	return fmt.Sprintf("%d %s\r\nServer: Medusa/1.12\r\nDate: D\r\n%sContent-Length: %d\r\nContent-Type: text/html\r\n\r\n%s",
		status, reason, fields, len(body), body)
}

// answer is any other answer.
func answer(fields, body string) string {
	return fmt.Sprintf("200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(body), body)
}

const kept = "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"

// exchange is what a client sends and what comes back. Where want ends in "+" the
// connection has to be open behind the answer; where it ends in "!" the answer says that
// it is closed; else it is closed.
type exchange struct{ name, send, want string }

// exchanges has a row for each trap of HTTP.
func exchanges() []exchange {
	html, text, xml := "Content-Type: text/html\r\n", "Content-Type: text/plain\r\n", "Content-Type: text/xml\r\n"
	ok := answer(text, "OK")
	css := "Last-Modified: Sun, 22 Nov 2026 09:00:00 GMT\r\nContent-Length: 8\r\nContent-Type: text/css\r\n\r\n"
	file := "200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\n" + css
	notModified := "304 Not Modified\r\nServer: Medusa/1.12\r\nDate: D\r\n\r\n"
	post := "POST /RPC2 HTTP/1.1\r\nContent-Length: "
	return []exchange{
		{"without Host", "GET /ok.html HTTP/1.1", "HTTP/1.1 " + ok + "+"},
		{"two Hosts", "GET /ok.html HTTP/1.1\r\nHost: a\r\nHost: b c/d", "HTTP/1.1 " + ok + "+"},
		{"no version", "GET /nope", "HTTP/None " + page(404, "")},
		{"version 2.0", "GET /nope HTTP/2.0", "HTTP/2.0 " + page(404, "") + "!"},
		{"version 2.0, close", "GET /nope HTTP/2.0\r\nConnection: close", "HTTP/2.0 " + page(404, "") + "!"},
		{"three numbers", "GET /ok.html HTTP/1.1.1", "HTTP/1.1.1 " + ok + "!"},
		{"garbage", "GARBAGE", ""},
		{"no method", " /nope HTTP/1.1", ""},
		{"no URI", "GET  HTTP/1.1", ""},
		{"two blanks", "GET  / HTTP/1.1", ""},
		{"blank in the URI", "GET /a b HTTP/1.1", ""},
		{"words behind", "GET / HTTP/1.1 x", ""},
		{"blank behind", "GET / HTTP/1.1 ", ""},
		{"empty version", "GET / HTTP/", ""},
		{"version in lower case", "GET / http/1.1", ""},
		{"only empty lines", "", ""},
		{"empty line in front", "\r\nGET /ok.html HTTP/1.1", "HTTP/1.1 " + ok + "+"},
		{"not UTF-8", "GET /ok.html HTTP/1.1\r\nX: \xff", ""},
		{"no colon", "GET /nope HTTP/1.1\r\nnonsense", "HTTP/1.1 " + page(404, "") + "!"},
		{"continued", "GET /nope HTTP/1.1\r\nConnection: cl\r\n ose", "HTTP/1.1 " + page(404, "")},
		{"continues nothing", "GET /nope HTTP/1.1\r\n\tx", ""},
		{"lower-case method", "get /ok.html HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"OPTIONS", "OPTIONS * HTTP/1.1", "HTTP/1.1 " + page(400, "") + "!"},
		{"PUT /", "PUT / HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"HEAD /", "HEAD / HTTP/1.1", "HTTP/1.1 " + bodiless(page(404, "")) + "+"},
		{"not found", "GET /nope HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"absolute URI", "GET http://x/ok.html HTTP/1.1", "HTTP/1.1 " + page(404, "") + "!"},
		{"dots", "GET /../ok.html HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"encoded dots", "GET /%2e%2e/web.py HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"two slashes", "GET //ok.html HTTP/1.1", "HTTP/1.1 " + ok + "+"},
		{"no slash", "GET ok.html HTTP/1.1", "HTTP/1.1 " + ok + "!"},
		{"only a query", "GET ?a=b HTTP/1.1", "HTTP/1.1 " + answer(html, "GET|a=b|") + "!"},
		{"bad escape", "GET /%zz HTTP/1.1", "HTTP/1.1 " + page(404, "") + "!"},
		{"encoded question mark", "GET /index.html%3Faction=refresh HTTP/1.1", "HTTP/1.1 " + answer(html, "GET|action=refresh|") + "+"},
		{"two question marks", "GET /index.html?a=%26b?c=%26 HTTP/1.1", "HTTP/1.1 " + answer(html, "GET|a=&b?c=%26|") + "+"},
		{"query stays encoded", "GET /?a=%26b HTTP/1.1", "HTTP/1.1 " + answer(html, "GET|a=%26b|") + "+"},
		{"fragment", "GET /ok.html#x?y HTTP/1.1", "HTTP/1.1 " + ok + "+"},
		{"params of a page", "GET /ok.html;x HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"handler panics", "GET /panic.live HTTP/1.1", "HTTP/1.1 " + page(500, "") + "+"},
		{"stream ends", "GET /events.live HTTP/1.1", "HTTP/1.1 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"},

		{"stream panics", "GET /panic.stream HTTP/1.0", "HTTP/1.0 200 OK\r\nServer: Medusa/1.12\r\nDate: D\r\n\r\n"},

		{"close", "GET /nope HTTP/1.1\r\nConnection: close", "HTTP/1.1 " + page(404, "")},
		{"Close", "GET /nope HTTP/1.1\r\nConnection: Close", "HTTP/1.1 " + page(404, "")},
		{"close without a blank", "GET /nope HTTP/1.1\r\nConnection:close", "HTTP/1.1 " + page(404, "") + "+"},
		{"first Connection counts", "GET /nope HTTP/1.1\r\nConnection: x\r\nConnection: close", "HTTP/1.1 " + page(404, "") + "+"},
		{"page, close", "GET /ok.html HTTP/1.1\r\nConnection: close", "HTTP/1.1 " + ok},
		{"page, Close", "GET /ok.html HTTP/1.1\r\nConnection: Close", "HTTP/1.1 " + ok + "+"},
		{"1.0", "GET /nope HTTP/1.0", "HTTP/1.0 " + page(404, "")},
		{"1.0, page", "GET /ok.html HTTP/1.0", "HTTP/1.0 " + ok},
		{"1.0, Keep-Alive", "GET /nope HTTP/1.0\r\nConnection: Keep-Alive", "HTTP/1.0 " +
			strings.Replace(page(404, ""), "html\r\n\r\n", "html\r\nConnection: Keep-Alive\r\n\r\n", 1) + "+"},
		{"1.0, page, keep-alive", "GET /ok.html HTTP/1.0\r\nConnection: keep-alive", "HTTP/1.0 " +
			strings.Replace(ok, "\r\n\r\n", "\r\nConnection: Keep-Alive\r\n\r\n", 1) + "+"},
		{"1.0, page, Keep-Alive", "GET /ok.html HTTP/1.0\r\nConnection: Keep-Alive", "HTTP/1.0 " + ok},
		{"1.0, not modified", "GET /stylesheets/supervisor.css HTTP/1.0\r\nConnection: keep-alive\r\nIf-Modified-Since: Sun, 22 Nov 2026 09:00:00 GMT",
			"HTTP/1.0 " + notModified + "!"},

		{"call", post + "4\r\n\r\n<x/>", "HTTP/1.1 " + answer(xml, "<x/>") + "+"},
		{"call at RPC2/", "POST /RPC2/ HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "+"},
		{"call at RPC2foo/bar", "POST /RPC2foo/bar HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "+"},
		{"call at RPC2?x=1", "POST /RPC2?x=1 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "+"},
		{"call at %52PC2", "POST /%52PC2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "+"},
		{"call at //RPC2", "POST //RPC2 HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"call at rpc2", "POST /rpc2 HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"GET call", "GET /RPC2 HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"bad call", post + "3\r\n\r\nbad", "HTTP/1.1 " + page(400, "") + "+"},
		{"call, 1.0", "POST /RPC2 HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.0 " + answer(xml, "x")},
		{"no length", "POST /RPC2 HTTP/1.1", "HTTP/1.1 " + page(411, "") + "+"},
		{"no blank", "POST /RPC2 HTTP/1.1\r\nContent-Length:4", "HTTP/1.1 " + page(411, "") + "!"},
		{"no number", post + "abc", "HTTP/1.1 " + page(500, "") + "!"},
		{"empty number", post + "", "HTTP/1.1 " + page(500, "") + "!"},
		{"python's number", post + "  +0_1 \r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "!"},
		{"first length counts", post + "1\r\nContent-Length: 5\r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "!"},
		{"zero", post + "0", "HTTP/1.1 " + page(400, "") + "+"},
		{"negative", post + "-5", "HTTP/1.1 " + page(400, "") + "!"},
		{"too long", post + "99999999999999999999", "HTTP/1.1 " + page(413, "") + "!"},
		{"no UTF-8 in the call", post + "1\r\n\r\n\xff", "HTTP/1.1 " + page(400, "") + "+"},
		{"expects", post + "1\r\nExpect: 100-continue\r\n\r\nx", "HTTP/1.1 " + answer(xml, "x") + "+"},
		{"form", "POST /?a=b HTTP/1.1\r\nContent-Length: 3\r\n\r\nc=d", "HTTP/1.1 " + answer(html, "POST|a=b|c=d") + "+"},
		{"empty form", "POST / HTTP/1.1\r\nContent-Length: 0", "HTTP/1.1 " + answer(html, "POST||") + "+"},
		{"form without length", "POST / HTTP/1.1", "HTTP/1.1 " + page(411, "") + "+"},
		{"form of another site", post + "1\r\nOrigin: http://evil\r\nHost: h\r\nContent-Type: text/plain\r\n\r\nx",
			"HTTP/1.1 " + page(403, "") + "+"},

		{"file", "GET /stylesheets/supervisor.css HTTP/1.1", "HTTP/1.1 " + file + "body {}\n+"},
		{"file, dots inside", "GET /images/../stylesheets/supervisor.css HTTP/1.1", "HTTP/1.1 " + file + "body {}\n+"},
		{"file, encoded twice", "GET /stylesheets%252Fsupervisor.css HTTP/1.1", "HTTP/1.1 " + file + "body {}\n+"},
		{"file, HEAD", "HEAD /stylesheets/supervisor.css HTTP/1.1", "HTTP/1.1 " + file + "+"},
		{"file, Range", "GET /stylesheets/supervisor.css HTTP/1.1\r\nRange: bytes=0-2", "HTTP/1.1 " + file + "body {}\n+"},
		{"file, POST", "POST /stylesheets/supervisor.css HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"file, not modified", "GET /stylesheets/supervisor.css HTTP/1.1\r\nIf-Modified-Since: Sun, 22 Nov 2026 09:00:00 GMT",
			"HTTP/1.1 " + notModified + "+"},
		{"file, length", "GET /stylesheets/supervisor.css HTTP/1.1\r\nIf-Modified-Since: Sun, 22 Nov 2026 09:00:00 GMT; length=8",
			"HTTP/1.1 " + notModified + "+"},
		{"file, other length", "GET /stylesheets/supervisor.css HTTP/1.1\r\nIf-Modified-Since: Sun, 22 Nov 2026 09:00:00 GMT; length=9",
			"HTTP/1.1 " + file + "body {}\n+"},
		{"file, modified", "GET /stylesheets/supervisor.css HTTP/1.1\r\nIf-Modified-Since: Sun, 22 Nov 2026 08:59:59 GMT",
			"HTTP/1.1 " + file + "body {}\n+"},
		{"file, bad date", "GET /stylesheets/supervisor.css HTTP/1.1\r\nIf-Modified-Since: tomorrow", "HTTP/1.1 " + file + "body {}\n+"},
		{"directory", "GET /stylesheets HTTP/1.1", "HTTP/1.1 " + page(301, "Location: /stylesheets/\r\n") + "+"},
		{"directory with slash", "GET /stylesheets/ HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},

		{"logtail", "GET /logtail HTTP/1.1", "HTTP/1.1 " + page(500, "") + "+"},
		{"logtailfoo", "GET /logtailfoo HTTP/1.1", "HTTP/1.1 " + page(500, "") + "+"},
		{"logtail, params", "GET /logtail;x/demo HTTP/1.1", "HTTP/1.1 " + page(500, "") + "+"},
		{"logtail, HEAD", "HEAD /logtail/none HTTP/1.1", "HTTP/1.1 " + bodiless(page(400, "")) + "+"},
		{"logtail of nobody", "GET /logtail/nobody HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail of a group", "GET /logtail/grp:* HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail, slash behind", "GET /logtail/none/ HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail, two slashes", "GET /logtail//none HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail, channel", "GET /logtail/none/stdwhat HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail, no log", "GET /logtail/none HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail, no file", "GET /logtail/gone HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"logtail, no regular file", "GET /logtail/tty HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
		{"mainlogtail, POST", "POST /mainlogtail HTTP/1.1", "HTTP/1.1 " + page(400, "") + "+"},
		{"mainlogtail, none", "GET /mainlogtailxyz HTTP/1.1", "HTTP/1.1 " + page(404, "") + "+"},
	}
}

// TestRequests plays the exchanges.
func TestRequests(t *testing.T) {
	for _, row := range exchanges() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ts := start(t, func(o *Options) {
				o.Backend = &fakeBackend{logs: map[string]string{"none/stdout": "", "gone/stdout": "/nonexistent/log", "tty/stdout": "/dev/null"}}
			})
			want, open := strings.CutSuffix(row.want, "+")
			if open {
				want += kept
			} else if want, open = strings.CutSuffix(row.want, "!"); open {
				want = strings.Replace(want, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
			}
			send := row.send
			if !strings.Contains(send, "\r\n\r\n") {
				send += "\r\n\r\n"
			}
			if got := ts.exchange(t, send+probeRequest); got != want {
				t.Errorf("sent %q\ngot  %q\nwant %q", row.send, got, want)
			}
		})
	}
}

// bodiless returns the header of an answer.
func bodiless(answer string) string {
	head, _, _ := strings.Cut(answer, "\r\n\r\n")
	return head + "\r\n\r\n"
}

// TestGluedBody: a body that is not read is never the beginning of the next request.
// A page of any site can send one.
func TestGluedBody(t *testing.T) {
	ts := start(t, nil)
	inner := "POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 1\r\n\r\nx"
	closing := func(rest string) string {
		head, body, _ := strings.Cut(rest, "\r\n\r\n")
		return head + "\r\nConnection: close\r\n\r\n" + body
	}
	for name, row := range map[string]struct{ request, want string }{
		"refused method":   {"PUT /nope HTTP/1.1\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(inner)) + "\r\n\r\n" + inner, page(400, "")},
		"POST to a file":   {"POST /stylesheets/x.css HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: " + strconv.Itoa(len(inner)) + "\r\n\r\n" + inner + probeRequest, page(400, "") + kept},
		"GET with a body":  {"GET /nope HTTP/1.1\r\nContent-Length: " + strconv.Itoa(len(inner)) + "\r\n\r\n" + inner + probeRequest, page(404, "") + kept},
		"a great body":     {"GET /nope HTTP/1.1\r\nContent-Length: 65537\r\n\r\n" + inner, closing(page(404, ""))},
		"asked for first":  {"GET /nope HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n" + inner, closing(page(404, ""))},
		"chunked":          {"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<x/>\r\n0\r\n\r\n" + inner, closing(page(411, ""))},
		"no space":         {"POST /RPC2 HTTP/1.1\r\nContent-Length:" + strconv.Itoa(len(inner)) + "\r\n\r\n" + inner, closing(page(411, ""))},
		"two lengths":      {"POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx" + inner, closing(answer("Content-Type: text/xml\r\n", "x"))},
		"length of Python": {"POST /RPC2 HTTP/1.1\r\nContent-Length: +1\r\n\r\nx" + inner, closing(answer("Content-Type: text/xml\r\n", "x"))},
		"no UTF-8":         {"POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\xff", page(400, "")},
	} {
		if got := ts.exchange(t, row.request); got != "HTTP/1.1 "+row.want {
			t.Errorf("%s: got %q, want %q", name, got, row.want)
		}
	}
	got := ts.exchange(t, "POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx\r\n"+probeRequest)
	if want := "HTTP/1.1 " + answer("Content-Type: text/xml\r\n", "x") + kept; got != want {
		t.Errorf("empty line behind a body: got %q", got)
	}
}

// TestLoggable: what a stranger sends stays in one line of the log, and is not long.
func TestLoggable(t *testing.T) {
	long := strings.Repeat("e", 2000)
	for in, want := range map[string]string{
		"GET /error HTTP/1.1": "GET /error HTTP/1.1", "GET /\xc3\xa9": "GET /\xc3\xa9",
		"GET /error\n2026 CRIT x\x1b[2J\u0085": `GET /error\x0a2026 CRIT x\x1b[2J\x85`, long: long[:1024] + "...",
		long[:1023] + "\u00e9": long[:1023] + "...",
	} {
		if got := loggable(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

// TestPieces sends a request byte by byte, and a great one.
func TestPieces(t *testing.T) {
	ts := start(t, nil)
	nc := ts.dial(t)
	for _, b := range []byte("POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello") {
		if _, err := nc.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := io.ReadAll(nc); err != nil || !strings.HasSuffix(string(got), "\r\n\r\nhello") {
		t.Errorf("got %q, %v", got, err)
	}

	body := strings.Repeat("0123456789", 1<<20)
	header := "X: " + strings.Repeat("y", 60<<10) + "\r\n"
	got := ts.exchange(t, "POST /RPC2 HTTP/1.1\r\nConnection: close\r\n"+header+"Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
	if _, back, _ := strings.Cut(got, "\r\n\r\n"); back != body {
		t.Errorf("of %d bytes %d came back", len(body), len(back))
	}
}

// TestBareLineFeeds: such a request is never complete.
func TestBareLineFeeds(t *testing.T) {
	ts := start(t, shortLimits)
	if got := ts.exchange(t, "GET /ok.html HTTP/1.1\n\n"); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestPipelining: a call that waits is answered before the request behind it,
// and holds up nobody else.
func TestPipelining(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{})
	ts := start(t, func(o *Options) {
		o.RPC = func(ctx context.Context, body, dst []byte, _ func(int) bool) ([]byte, int) {
			if string(body) == "wait" {
				close(entered)
				<-release
			}
			return append(dst, body...), 200
		}
	})
	first := make(chan string)
	go func() {
		first <- ts.exchange(t, "POST /RPC2 HTTP/1.1\r\nContent-Length: 4\r\n\r\nwait"+
			"POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nafter"+probeRequest)
	}()
	<-entered
	if got := ts.exchange(t, probeRequest); got != kept {
		t.Errorf("meanwhile: got %q", got)
	}
	close(release)
	xml := "Content-Type: text/xml\r\n"
	if got, want := <-first, "HTTP/1.1 "+answer(xml, "wait")+"HTTP/1.1 "+answer(xml, "after")+kept; got != want {
		t.Errorf("got %q", got)
	}
}

func TestLarge(t *testing.T) {
	var large atomic.Int32
	ts := start(t, func(o *Options) { o.Large = func() { large.Add(1) } })
	for _, size := range []int{10, 60 << 10, 64 << 10, 1 << 20} {
		ts.exchange(t, fmt.Sprintf("POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))+probeRequest)
	}
	if n := large.Load(); n != 2 {
		t.Errorf("told of %d large answers, want 2", n)
	}
}

// TestGoneClient: a client that goes away does not end its call.
func TestGoneClient(t *testing.T) {
	entered, release, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	ts := start(t, func(o *Options) {
		o.RPC = func(ctx context.Context, body, dst []byte, _ func(int) bool) ([]byte, int) {
			close(entered)
			<-release
			ended <- ctx.Err()
			return append(dst, "x"...), 200
		}
	})
	nc := ts.dial(t)
	io.WriteString(nc, "POST /RPC2 HTTP/1.1\r\nContent-Length: 4\r\n\r\nwait")
	<-entered
	nc.Close()
	if got := ts.exchange(t, probeRequest); got != kept { // the server had its turn
		t.Errorf("got %q", got)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error("the call was told", err)
	}
}

// TestTimeouts: who dawdles is cut off, who is only silent is not.
func TestTimeouts(t *testing.T) {
	ts := start(t, shortLimits)
	idle := ts.dial(t)
	io.WriteString(idle, "GET /ok.html HTTP/1.1\r\n\r\n\r\n") // and an empty line too many
	reader := bufio.NewReader(idle)
	readAnswer(t, reader)
	for name, send := range map[string]string{
		"header": "GET /ok.html HTT",
		"body":   "POST /RPC2 HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
	} {
		begin := time.Now()
		if got := ts.exchange(t, send); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
		if took := time.Since(begin); took < 200*time.Millisecond {
			t.Errorf("%s: cut off after %v", name, took)
		}
	}
	io.WriteString(idle, "GET /ok.html HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, reader); got != "OK" {
		t.Errorf("idle connection: got %q", got)
	}
}

// TestTrickle: bytes that come one by one do not prolong the time for a header.
func TestTrickle(t *testing.T) {
	ts := start(t, shortLimits)
	nc := ts.dial(t)
	begin := time.Now()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	io.WriteString(nc, "GET /")
	for range ticker.C {
		if _, err := nc.Write([]byte("x")); err != nil {
			break // cut off at last
		}
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("cut off only after %v", took)
	}
}

// TestSlowReader: an answer that nobody reads is given up.
func TestSlowReader(t *testing.T) {
	ts := start(t, shortLimits)
	nc := ts.dial(t)
	body := strings.Repeat("x", 8<<20)
	io.WriteString(nc, "POST /RPC2 HTTP/1.1\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
	eventually(t, "the connection is closed", func() bool { return ts.open() == 0 })
}

// open returns the number of connections.
func (ts *testServer) open() int { return ts.http.Connections() }

var (
	eventually = httpdtest.Eventually
	readAnswer = httpdtest.ReadAnswer
)

func TestAccessLog(t *testing.T) {
	ts := start(t, nil)
	ts.exchange(t, "GET /nope HTTP/1.0\r\n\r\n")
	ts.exchange(t, "GET /some_ERROR HTTP/1.0\r\n\r\n")
	ts.Close()
	want := []*regexp.Regexp{
		regexp.MustCompile(`^TRACE localhost:0 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /nope HTTP/1.0" 404 340$`),
		regexp.MustCompile(`^ERROR localhost:0 - - \[.*\] "GET /some_ERROR HTTP/1.0" 404 340$`),
	}
	if len(ts.log.lines) != len(want) {
		t.Fatalf("got %q", ts.log.lines)
	}
	for i, re := range want {
		if !re.MatchString(ts.log.lines[i]) {
			t.Errorf("line %d is %q", i, ts.log.lines[i])
		}
	}
}

func BenchmarkCall(b *testing.B) {
	for _, network := range []string{"unix", "tcp"} {
		b.Run(network, func(b *testing.B) { benchmarkCall(b, network) })
	}
}

func benchmarkCall(b *testing.B, network string) {
	reply := bytes.Repeat([]byte("x"), 200)
	s := NewServer(Options{
		Log: quiet{},
		RPC: func(ctx context.Context, body, dst []byte, _ func(int) bool) ([]byte, int) {
			return append(dst, reply...), 200
		},
	})
	address := filepath.Join(b.TempDir(), "s")
	if network == "tcp" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		b.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	request := "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\nUser-Agent: Python-xmlrpc/3.11\r\n" +
		"Content-Type: text/xml\r\nAccept: text/xml\r\nContent-Length: 115\r\n\r\n" + strings.Repeat("y", 115)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			nc, err := net.Dial(network, l.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer nc.Close()
			buf := make([]byte, 4096)
			for range b.N / 8 {
				if _, err := io.WriteString(nc, request); err != nil {
					b.Error(err)
					return
				}
				if _, err := nc.Read(buf); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

type quiet struct{}

func (quiet) Trace(string, ...any) {}
func (quiet) Error(string, ...any) {}
