package web

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// visitor is who sends a request.
type visitor struct {
	name, fields string
}

const firefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"

// visitors, in the order in which a visit names what they get.
var visitors = []visitor{
	{"a script", ""},
	{"a page of ours", firefox + "Sec-Fetch-Site: same-origin\r\n"},
	{"a page of another site", firefox + "Sec-Fetch-Site: cross-site\r\nOrigin: http://evil.example\r\nReferer: http://evil.example/\r\n"},
	{"a link in a mail", firefox + "Sec-Fetch-Site: none\r\n"},
	{"a page that hides its referrer, without TLS", firefox},
}

// visit is what there is to be had by one address.
type visit struct {
	route, target string
	kind, body    string // of a POST
	// want names for each method what visitors get, "same for all" or one word each: a
	// status, and "acts" where something has changed or "asks" for a question. Methods
	// that are not named get rest.
	want map[string]string
	rest string
}

// methods are all that are tried; what none of ours knows stands for any other.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FROB", "get"}

const (
	form = "application/x-www-form-urlencoded"
	call = "<?xml version='1.0'?><methodCall><methodName>supervisor.stopAllProcesses</methodName></methodCall>"
)

// visits have every route at least once. The template of tail.html is one of the files, which
// HEAD gets.
var visits = []visit{
	{"XML-RPC", "/RPC2", "text/xml", call, map[string]string{"POST": "acts"}, "400"},
	{"XML-RPC", "/RPC2", "text/plain", call, map[string]string{"POST": "acts acts 403 403 403"}, "400"},
	{"XML-RPC", "/RPC2", form, call, map[string]string{"POST": "acts acts 403 403 403"}, "400"},
	{"XML-RPC", "/RPC2", "", call, map[string]string{"POST": "acts acts 403 403 403"}, "400"},
	{"XML-RPC", "/RPC2x?y", "text/xml", call, map[string]string{"POST": "acts"}, "400"},
	{"JSON API", "/api/v1", form, "", map[string]string{"GET": "200", "HEAD": "200", "TRACE": "400", "FROB": "400", "get": "400", "POST": "405 405 403 403 403"}, "405 405 403 403 403"},
	{"JSON API", "/api/v1/programs?state=fatal", form, "", map[string]string{"GET": "200", "HEAD": "200", "TRACE": "400", "FROB": "400", "get": "400", "POST": "405 405 403 403 403"}, "405 405 403 403 403"},
	{"JSON API", "/api/v1/programs/all/stop", "application/json", "{}", map[string]string{"POST": "acts", "TRACE": "400", "FROB": "400", "get": "400"}, "405"},
	{"JSON API", "/api/v1/programs/all/stop", "", "", map[string]string{"GET": "405", "HEAD": "405", "POST": "acts acts 403 403 403", "TRACE": "400", "FROB": "400", "get": "400"}, "405 405 403 403 403"},
	{"JSON API", "/api/v1/programs/all/stop", form, "", map[string]string{"GET": "405", "HEAD": "405", "POST": "acts acts 403 403 403", "TRACE": "400", "FROB": "400", "get": "400"}, "405 405 403 403 403"},
	{"JSON API", "/api/v1/shutdown", "text/plain", "", map[string]string{"GET": "405", "HEAD": "405", "POST": "acts acts 403 403 403", "TRACE": "400", "FROB": "400", "get": "400"}, "405 405 403 403 403"},
	{"JSON API", "/api/v1/shutdown", "text/plain", "{}", map[string]string{"GET": "405", "HEAD": "405", "POST": "415 415 403 403 403", "TRACE": "400", "FROB": "400", "get": "400"}, "405 405 403 403 403"},
	{"log of a process", "/logtail/api", form, "", map[string]string{"GET": "200"}, "400"},
	{"log of a process", "/logtail/api/stderr", form, "", map[string]string{"GET": "404"}, "400"},
	{"main log", "/mainlogtail", form, "", map[string]string{"GET": "404"}, "400"},
	{"status and actions", "/", form, "", map[string]string{"GET": "200", "HEAD": "404", "POST": "200"}, "400"},
	{"status and actions", "/index.html?action=refresh", form, "", map[string]string{"GET": "301", "HEAD": "404", "POST": "301 301 403 403 403"}, "400"},
	{"status and actions", "/?action=stopall", form, "", map[string]string{"GET": "acts acts asks asks asks", "HEAD": "404", "POST": "acts acts 403 403 403"}, "400"},
	{"status and actions", "/index.html", form, "action=stop&processname=api", map[string]string{"GET": "200", "HEAD": "404", "POST": "acts acts 403 403 403"}, "400"},
	{"status and actions", "/?action=stopall&ask=1", form, "", map[string]string{"GET": "asks", "HEAD": "404", "POST": "asks asks 403 403 403"}, "400"},
	{"status and actions", "/index.html;x?action=stopall", form, "", map[string]string{"GET": "404", "HEAD": "404", "POST": "404"}, "400"},
	{"status and actions", "//index.html?action=frob", form, "", map[string]string{"GET": "500 500 404 404 404", "HEAD": "404", "POST": "500 500 403 403 403"}, "400"},
	{"tail", "/tail.html?processname=api", form, "", map[string]string{"GET": "200", "HEAD": "200", "POST": "200"}, "400"},
	{"tail", "/tail.html", form, "action=stopall", map[string]string{"GET": "200", "HEAD": "200", "POST": "200"}, "400"},
	{"sign of life", "/ok.html?action=stopall", form, "action=stopall", map[string]string{"GET": "200", "HEAD": "404", "POST": "200"}, "400"},
	{"live view", "/live?action=stopall", form, "", map[string]string{"GET": "200", "HEAD": "404"}, "400"},
	{"files", "/stylesheets/supervisor.css?action=stopall", form, "", map[string]string{"GET": "200", "HEAD": "200"}, "400"},
	{"files", "/images", form, "", map[string]string{"GET": "301", "HEAD": "301"}, "400"},
	{"files", "/nothing?action=stopall", form, "", map[string]string{"GET": "404", "HEAD": "404"}, "400"},
	{"files", "/index.htm", form, "action=stopall", map[string]string{"GET": "404", "HEAD": "404"}, "400"},
}

// TestRoutes sends every method to every route, from all who may be behind it, with and
// without a login: who has none gets nothing and changes nothing, and what is for a viewer
// changes nothing either.
func TestRoutes(t *testing.T) {
	for _, rt := range routes {
		if !slices.ContainsFunc(visits, func(v visit) bool { return v.route == rt.name }) {
			t.Errorf("nothing is known of route %s", rt.name)
		}
	}
	z := newZoo()
	z.logDir = t.TempDir()
	if err := os.WriteFile(filepath.Join(z.logDir, "api-stdout.log"), []byte("line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func(change func(*Options)) *testServer {
		return start(t, func(o *Options) {
			o.Backend, o.pages, o.routes, o.API = z, nil, nil, zooAPI{z}
			o.RPC = func(ctx context.Context, body, dst []byte, _ func(int) bool) ([]byte, int) {
				z.StopAllProcesses(ctx, true)
				return append(dst, "<methodResponse/>"...), 200
			}
			change(o)
		})
	}
	open, closed := serve(func(*Options) {}), serve(guarded(time.Nanosecond))
	pass := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("joe:secret")) + "\r\n"
	fail := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("joe:guess")) + "\r\n"
	for _, v := range visits {
		i := slices.IndexFunc(routes, func(rt route) bool { return rt.name == v.route })
		if i < 0 {
			t.Fatalf("there is no route %s", v.route)
		}
		for _, method := range methods {
			wants := strings.Fields(v.want[method])
			if len(wants) == 0 {
				wants = strings.Fields(v.rest)
			}
			for i, from := range visitors {
				want := wants[min(i, len(wants)-1)]
				check(t, z, open, v, method, from, "", want)
				check(t, z, closed, v, method, from, pass, want)
				check(t, z, closed, v, method, from, "", "401")
				check(t, z, closed, v, method, from, fail, "401")
			}
			if role := routes[i].role; role == viewer && slices.Contains(wants, "acts") {
				t.Errorf("%s %s changes something, and is for a viewer", method, v.target)
			}
		}
	}
}

// check sends a request and compares what it got with want.
func check(t *testing.T, z *zoo, ts *testServer, v visit, method string, from visitor, login, want string) {
	t.Helper()
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: box:9001\r\n%s%sContent-Length: %d\r\n", method, v.target, from.fields, login, len(v.body))
	if v.kind != "" {
		request += "Content-Type: " + v.kind + "\r\n"
	}
	nc := ts.dial(t)
	defer nc.Close()
	z.calls = nil
	io.WriteString(nc, request+"\r\n"+v.body)
	got := answered(t, nc, method)
	z.mu.Lock()
	if len(z.calls) > 0 {
		got += " acts"
	}
	calls := z.calls
	z.mu.Unlock()
	switch want {
	case "acts":
		want = map[bool]string{true: "301 acts", false: "200 acts"}[v.route == "status and actions"]
	case "asks":
		want = "200 asks"
	}
	if got != want {
		t.Errorf("%s %s (%s) by %s, login %q: %s, done %q; want %s", method, v.target, v.kind, from.name, login, got, calls, want)
	}
}

// answered reads an answer and says its status, and whether it is a question.
func answered(t *testing.T, nc net.Conn, method string) string {
	t.Helper()
	r := bufio.NewReader(nc)
	head, length := "", 0
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
		head += line
	}
	if !strings.Contains(head, "\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n") {
		t.Errorf("without a guard: %s", head)
	}
	if strings.Contains(head, "\r\nAccess-Control-") {
		t.Errorf("another site is let in: %s", head)
	}
	status := strings.Fields(head)[1]
	if method == "HEAD" || strings.Contains(head, "chunked") {
		return status
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(body), `<form id="ask"`) {
		status += " asks"
	}
	return status
}

// TestRouteLimits: a form is no place for much, and a tail page takes the room for what it
// is made of.
func TestRouteLimits(t *testing.T) {
	taken, release := make(chan bool), make(chan struct{})
	ts := start(t, func(o *Options) {
		o.RPC = func(_ context.Context, _, dst []byte, room func(int) bool) ([]byte, int) {
			taken <- room(60 << 20)
			<-release
			return append(dst, "x"...), 200
		}
	})
	long := strings.Repeat("x", maxForm)
	for size, want := range map[int]string{maxForm: " 200 ", maxForm + 1: " 413 "} {
		got := ts.exchange(t, "POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n"+(long + "x")[:size])
		if line, _, _ := strings.Cut(got, "\r\n"); !strings.Contains(line, want) {
			t.Errorf("%d bytes: %s", size, line)
		}
	}
	nc := ts.dial(t)
	io.WriteString(nc, "POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
	if !<-taken {
		t.Fatal("there is no room to be taken")
	}
	tail := func(limit, want string) {
		t.Helper()
		got := ts.exchange(t, "GET /tail.html?processname=api&limit="+limit+" HTTP/1.1\r\nConnection: close\r\n\r\n")
		if line, _, _ := strings.Cut(got, "\r\n"); !strings.Contains(line, want) {
			t.Errorf("limit %s: %s", limit, line)
		}
	}
	tail("1024", " 200 ")
	tail("10240", " 200 ")
	tail("1048576", " 503 ")
	close(release)
	readAnswer(t, bufio.NewReader(nc))
	io.WriteString(nc, "GET /ok.html HTTP/1.1\r\n\r\n") // answered when the room has been given back
	readAnswer(t, bufio.NewReader(nc))
	tail("1048576", " 200 ")
}
