package web

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

var rewrite = flag.Bool("update", false, "rewrite the golden files of the pages")

// zoo is a supervisord without processes of its own: what is asked of it is
// done at once, and only to the table.
type zoo struct {
	mu        sync.Mutex
	processes []xmlrpc.ProcessInfo
	version   uint64
	changed   chan struct{} // closed by the next change
	logs      map[string]string
	logDir    string
	calls     []string
	fault     map[string]error // by method and namespec, or by method
	stopping  bool
}

// noon is when the zoo was drawn.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newZoo() *zoo {
	at := noon.Unix()
	return &zoo{
		version: 1,
		changed: make(chan struct{}),
		logs:    map[string]string{},
		fault:   map[string]error{},
		processes: []xmlrpc.ProcessInfo{
			{Group: "api", Name: "api", State: xmlrpc.Running, PID: 4711, Start: at - 93784, Description: "pid 4711, uptime 1 day, 2:03:04"},
			{Group: "cron & <co>", Name: "cron & <co>", State: xmlrpc.Stopped, Description: "Not started"},
			{Group: "flaky", Name: "flaky", State: xmlrpc.Backoff, Start: at - 2, Stop: at - 1, Ended: "exit status 1", Restarts: 1, SpawnErr: "Exited too quickly (process log may have details)", Description: "Exited too quickly (process log may have details)"},
			{Group: "gone", Name: "gone", State: xmlrpc.Fatal, SpawnErr: "can't find command '/no/such'", Description: "can't find command '/no/such'"},
			{Group: "migrate", Name: "migrate", State: xmlrpc.Exited, Start: at - 7200, Stop: at - 3600, ExitStatus: 3, Ended: "exit status 3", SpawnErr: "Bad exit code 3", Description: "Nov 22 11:00 AM"},
			{Group: "web", Name: "a", State: xmlrpc.Running, PID: 4712, Start: at - 130, Stop: at - 131, Ended: "terminated by SIGSEGV", Restarts: 4, Description: "pid 4712, uptime 0:02:10"},
			{Group: "web", Name: "b", State: xmlrpc.Starting, PID: 4713, Start: at - 1},
			{Group: "web", Name: "grün", State: xmlrpc.Stopping, PID: 4714, Start: at - 60},
			{Group: "web", Name: "z", State: xmlrpc.Exited, Start: at - 500, Stop: at - 400, ExitStatus: -1, Ended: "terminated by SIGKILL", Description: "Nov 22 11:53 AM"},
		},
	}
}

// touch tells those who wait in Changed. The caller holds the lock.
func (z *zoo) touch() {
	z.version++
	close(z.changed)
	z.changed = make(chan struct{})
}

func (z *zoo) call(method, name string) error {
	z.calls = append(z.calls, strings.TrimSpace(method+" "+name))
	if z.stopping {
		return xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	if err := z.fault[method+" "+name]; err != nil {
		return err
	}
	return z.fault[method]
}

func (z *zoo) find(name string) *xmlrpc.ProcessInfo {
	for i := range z.processes {
		if z.processes[i].Namespec() == name {
			return &z.processes[i]
		}
	}
	return nil
}

func (z *zoo) Identification(context.Context) (string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.stopping {
		return "", xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	return "supervisor", nil
}

func (z *zoo) SupervisorVersion(context.Context) (string, error) { return "4.3.0", nil }

func (z *zoo) AllProcessInfo(context.Context) ([]xmlrpc.ProcessInfo, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.stopping {
		return nil, xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	return slices.Clone(z.processes), nil
}

func (z *zoo) ProcessInfo(_ context.Context, name string) (xmlrpc.ProcessInfo, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if p := z.find(name); p != nil {
		return *p, nil
	}
	return xmlrpc.ProcessInfo{}, xmlrpc.NewFault(xmlrpc.BadName, name)
}

func (z *zoo) set(p *xmlrpc.ProcessInfo, state xmlrpc.State) {
	p.State = state
	now := time.Now().Unix()
	if state == xmlrpc.Running {
		p.PID, p.Start, p.Description = 5000, now, "pid 5000, uptime 0:00:00"
	} else {
		p.PID, p.Stop, p.Description, p.Ended = 0, now, "Nov 22 12:00 PM", "terminated by SIGTERM"
	}
	z.touch()
}

func (z *zoo) StartProcess(_ context.Context, name string, _ bool) (bool, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if err := z.call("start", name); err != nil {
		return false, err
	}
	p := z.find(name)
	if p.State.Up() {
		return false, xmlrpc.NewFault(xmlrpc.AlreadyStarted, name)
	}
	z.set(p, xmlrpc.Running)
	return true, nil
}

func (z *zoo) StopProcess(_ context.Context, name string, _ bool) (bool, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if err := z.call("stop", name); err != nil {
		return false, err
	}
	p := z.find(name)
	if !p.State.Up() {
		return false, xmlrpc.NewFault(xmlrpc.NotRunning, name)
	}
	z.set(p, xmlrpc.Stopped)
	return true, nil
}

func (z *zoo) each(method, group string, state xmlrpc.State) ([]xmlrpc.Result, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if err := z.call(method, group); err != nil {
		return nil, err
	}
	results, known := []xmlrpc.Result{}, group == ""
	for i := range z.processes {
		p := &z.processes[i]
		if group != "" && p.Group != group {
			continue
		}
		known = true
		if p.State.Up() == (state == xmlrpc.Running) {
			continue
		}
		r := xmlrpc.Result{Name: p.Name, Group: p.Group, Status: xmlrpc.Success, Description: "OK"}
		if fault, ok := errors.AsType[*xmlrpc.Fault](z.fault[method+" "+p.Namespec()]); ok {
			r.Status, r.Description = fault.Code, fault.Text
		} else {
			z.set(p, state)
		}
		results = append(results, r)
	}
	if !known {
		return nil, xmlrpc.NewFault(xmlrpc.BadName, group)
	}
	return results, nil
}

func (z *zoo) StartProcessGroup(_ context.Context, group string, _ bool) ([]xmlrpc.Result, error) {
	return z.each("startgroup", group, xmlrpc.Running)
}

func (z *zoo) StopProcessGroup(_ context.Context, group string, _ bool) ([]xmlrpc.Result, error) {
	return z.each("stopgroup", group, xmlrpc.Stopped)
}

func (z *zoo) StartAllProcesses(context.Context, bool) ([]xmlrpc.Result, error) {
	return z.each("startall", "", xmlrpc.Running)
}

func (z *zoo) StopAllProcesses(context.Context, bool) ([]xmlrpc.Result, error) {
	return z.each("stopall", "", xmlrpc.Stopped)
}

func (z *zoo) ClearProcessLogs(_ context.Context, name string) (bool, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	return true, z.call("clear", name)
}

func (z *zoo) ReadProcessLog(_ context.Context, name, channel string, offset, length int64) (string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.stopping {
		return "", xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	if z.find(name) == nil {
		return "", xmlrpc.NewFault(xmlrpc.BadName, name)
	}
	text, ok := z.logs[name+"/"+channel]
	if z.logDir != "" {
		data, err := os.ReadFile(filepath.Join(z.logDir, name+"-"+channel+".log"))
		text, ok = string(data), err == nil
	}
	if !ok {
		return "", xmlrpc.NewFault(xmlrpc.NoFile)
	}
	return text[max(0, int64(len(text))+offset):], nil
}

func (z *zoo) LogPath(_ context.Context, name, channel string) (string, error) {
	return filepath.Join(z.logDir, name+"-"+channel+".log"), nil
}

func (z *zoo) MainLogPath(context.Context) string { return "" }

func (z *zoo) Changed(ctx context.Context, since uint64) (uint64, error) {
	z.mu.Lock()
	version, changed := z.version, z.changed
	z.mu.Unlock()
	if version != since {
		return version, nil
	}
	select {
	case <-changed:
		return z.Changed(ctx, since)
	case <-ctx.Done():
		return version, ctx.Err()
	}
}

// zooUI returns pages over z in which it is always noon.
func zooUI(t *testing.T, z *zoo) *ui {
	t.Helper()
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	u := newUI(z, "4.3.0", &fakeLog{})
	u.now = func() time.Time { return noon }
	return u
}

// get asks for a page.
func get(t *testing.T, u *ui, uri string) reply {
	t.Helper()
	path, query, _ := strings.Cut(uri, "?")
	r, ok := u.serve(t.Context(), &request{Method: "GET", Path: path, Query: query})
	if !ok {
		t.Fatalf("%s: not a page", uri)
	}
	return r
}

func fieldOf(r reply, name string) string {
	for _, f := range r.Header {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

func TestPagesGolden(t *testing.T) {
	z := newZoo()
	z.logs["web:a/stdout"] = "first line\n<second> & line\n\xff\xfe tail\n"
	z.logs["web:a/stderr"] = "oops\n"
	u := zooUI(t, z)
	empty := zooUI(t, &zoo{})
	tests := []struct {
		name string
		u    *ui
		uri  string
	}{
		{"status", u, "/"},
		{"status-empty", empty, "/index.html"},
		{"status-message", empty, "/?message=Process%20%3Cb%3Ea%20started"},
		{"status-failed", empty, "/?message=ERROR%3A%20no"},
		{"status-filtered", u, "/?filter=WEB:+ing"},
		{"ask", u, "/?action=stopgroup&processname=web&filter=a&ask=1"},
		{"tail", u, "/tail.html?processname=web:a"},
		{"tail-stderr", u, "/tail.html?processname=web:a&channel=stderr&limit=5000"},
		{"tail-none", u, "/tail.html"},
		{"tail-no-file", u, "/tail.html?processname=api"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, tt.u, tt.uri)
			golden(t, filepath.Join("testdata", tt.name+".html"), r.Body)
			wellFormed(t, r.Body)
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(name, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what the page says now; look at it with -update:\n%s", name, got)
	}
}

// wellFormed checks that a page can be read as XML too: Supervisor's pages
// could, and scripts read them so.
func wellFormed(t *testing.T, page []byte) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(page)))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	r := get(t, zooUI(t, newZoo()), "/")
	want := map[string]string{
		"Content-Type":    "text/html;charset=utf-8",
		"Pragma":          "no-cache",
		"Cache-Control":   "no-cache",
		"Expires":         "Thu, 01 Jan 1970 00:00:00 GMT",
		"X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin",
	}
	for name, value := range want {
		if got := fieldOf(r, name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	policy := fieldOf(r, "Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q lets something in", policy)
	}
}

func TestNoPage(t *testing.T) {
	u := zooUI(t, newZoo())
	for _, r := range []request{
		{Method: "GET", Path: "/nope.html"},
		{Method: "GET", Path: "/index.html/"},
		{Method: "GET", Path: "/Index.html"},
		{Method: "HEAD", Path: "/"},
		{Method: "PUT", Path: "/"},
		{Method: "POST", Path: "/live"},
	} {
		if _, ok := u.serve(t.Context(), &r); ok {
			t.Errorf("%s %s is a page", r.Method, r.Path)
		}
	}
}

func TestOK(t *testing.T) {
	z := newZoo()
	z.stopping = true
	for _, uri := range []string{"/ok.html", "//ok.html", "ok.html", "/ok.html?x=y&PATH_INFO=/nope"} {
		r := get(t, zooUI(t, z), uri)
		if r.Status != 200 || string(r.Body) != "OK" || fieldOf(r, "Content-Type") != "text/plain" {
			t.Errorf("%s: %d %q %v", uri, r.Status, r.Body, r.Header)
		}
	}
}

func TestWhileStopping(t *testing.T) {
	z := newZoo()
	z.stopping = true
	u := zooUI(t, z)
	for _, uri := range []string{"/", "/?action=refresh", "/?action=stopall", "/?action=start&processname=api", "/?action=start&processname=nope"} {
		if r := get(t, u, uri); r.Status != 500 {
			t.Errorf("%s: %d, want 500", uri, r.Status)
		}
	}
	r := get(t, u, "/tail.html?processname=api")
	if want := ">ERROR: unexpected rpc fault [6] SHUTDOWN_STATE</pre>"; !strings.Contains(string(r.Body), want) {
		t.Errorf("tail page does not say %s:\n%s", want, r.Body)
	}
}

func TestTailLimit(t *testing.T) {
	for s, want := range map[string]int64{
		"": 1024, "0": 1024, "10": 1024, "1024": 1024, "5000": 5000, "x": 1024, "-5000": 1024, "+5000": 1024,
		"5000 ": 1024, "1048577": 1 << 20, "99999999999999999999": 1 << 20,
	} {
		if got := tailLimit(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestTailFaults(t *testing.T) {
	u := zooUI(t, newZoo())
	for query, want := range map[string]string{
		"":                        "No process name found",
		"processname=":            "No process name found",
		"processname=nosuch":      "ERROR: unexpected rpc fault [10] BAD_NAME: nosuch",
		"processname=api":         "No file for api",
		"processname=%3Ci%3E":     "ERROR: unexpected rpc fault [10] BAD_NAME: &lt;i&gt;",
		"processname=a%26lt%3Bb":  "ERROR: unexpected rpc fault [10] BAD_NAME: a&amp;lt;b",
		"processname=%zz":         "ERROR: unexpected rpc fault [10] BAD_NAME: %zz",
		"processname=a&limit=1;b": "ERROR: unexpected rpc fault [10] BAD_NAME: a",
	} {
		body := string(get(t, u, "/tail.html?"+query).Body)
		if !strings.Contains(body, ">"+want+"</pre>") {
			t.Errorf("%s: no %q in\n%s", query, want, body)
		}
		if strings.Contains(body, "data-follow") {
			t.Errorf("%s: follows a log that is not there", query)
		}
	}
}

func TestParams(t *testing.T) {
	tests := []struct {
		method, query, body string
		want                params
	}{
		{"GET", "", "", params{}},
		{"GET", "a=1&b=2", "", params{"a": "1", "b": "2"}},
		{"GET", "a=1&a=2", "", params{"a": "1"}},
		{"GET", "a=&a=2", "", params{"a": "2"}},
		{"GET", "a&=x&b=", "", params{"": "x"}},
		{"GET", "action=stop;processname=cat", "", params{"action": "stop;processname=cat"}},
		{"GET", "m=a+b%20c%2Bd&%6e=x", "", params{"m": "a b c+d", "n": "x"}},
		{"GET", "m=%zz%4&n=%", "", params{"m": "%zz%4", "n": "%"}},
		{"GET", "m=%ff&n=gr%C3%BCn&o=grün&p=\xff", "", params{"m": "\ufffd", "n": "grün", "o": "grün", "p": "\ufffd"}},
		{"GET", "a=b=c", "", params{"a": "b=c"}},
		{"GET", "a=1", "a=2", params{"a": "1"}},
		{"POST", "a=1&b=2", "a=3&a=4&c=%20&b=", params{"a": "4", "b": "2", "c": " "}},
	}
	for _, tt := range tests {
		got := readParams(&request{Method: tt.method, Query: tt.query, Body: []byte(tt.body)})
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s %s %s: %q, want %q", tt.method, tt.query, tt.body, got, tt.want)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("a&b<c>+d%%")
	f.Add("grün:a/b~")
	f.Fuzz(func(t *testing.T, s string) {
		q := quote(s)
		if strings.ContainsAny(q, "&<>\"' +;#?=") {
			t.Errorf("%q is quoted as %q", s, q)
		}
		if got, want := unquote(q), strings.ToValidUTF8(s, "\ufffd"); got != want {
			t.Errorf("%q comes back as %q, want %q", s, got, want)
		}
	})
}

func TestActions(t *testing.T) {
	fault := xmlrpc.NewFault
	tests := []struct {
		query string
		fault map[string]error
		want  string // the message; a number is the status of an error page
		calls string
	}{
		{"action=refresh&processname=nope", nil, "Page refreshed at Sun Nov 22 12:00:00 2026", ""},
		{"action=stopall", nil, "All stopped at Sun Nov 22 12:00:00 2026", "stopall"},
		{"action=restartall", nil, "All restarted at Sun Nov 22 12:00:00 2026", "stopall, startall"},
		{"action=start&processname=gone", nil, "Process gone started", "start gone"},
		{"action=start&processname=web:z", nil, "Process web:z started", "start web:z"},
		{"action=start&processname=api", nil, "ERROR: Process api: already started", "start api"},
		{"action=start&processname=gone", map[string]error{"start": fault(xmlrpc.NoFile, "x")}, "ERROR: Process gone: no such file", "start gone"},
		{"action=start&processname=gone", map[string]error{"start": fault(xmlrpc.NotExecutable, "x")}, "ERROR: Process gone: file not executable", "start gone"},
		{"action=start&processname=gone", map[string]error{"start": fault(xmlrpc.SpawnError, "x")}, "ERROR: Process gone: spawn error", "start gone"},
		{"action=start&processname=gone", map[string]error{"start": fault(xmlrpc.AbnormalTermination, "x")}, "ERROR: Process gone: abnormal termination", "start gone"},
		{"action=start&processname=gone", map[string]error{"start": fault(xmlrpc.Failed, "x")}, "ERROR: Process gone: unexpected rpc fault [30] FAILED: x", "start gone"},
		{"action=start&processname=gone", map[string]error{"start": io.ErrUnexpectedEOF}, "500", "start gone"},
		{"action=stop&processname=api", nil, "Process api stopped", "stop api"},
		{"action=stop&processname=gone", nil, "unexpected rpc fault [70] NOT_RUNNING: gone", "stop gone"},
		{"action=restart&processname=api", nil, "Process api restarted", "stop api, start api"},
		{"action=restart&processname=gone", map[string]error{"start": fault(xmlrpc.NoFile, "x")}, "Process gone restarted", "stop gone, start gone"},
		{"action=clearlog&processname=api", nil, "Log for api cleared", "clear api"},
		{"action=clearlog&processname=api", map[string]error{"clear": fault(xmlrpc.Failed, "api")}, "unexpected rpc fault [30] FAILED: api", "clear api"},
		{"action=start&processname=nope", nil, "No such process named nope", ""},
		{"action=restart&processname=a/b%20%c3%a9", nil, "No such process named a/b é", ""},
		{"action=stop&processname=web:*", nil, "No such process named web:*", ""},
		{"action=stop&processname=web", nil, "No such process named web", ""},
		{"action=frob&processname=nope", nil, "No such process named nope", ""},
		{"action=frob&processname=api", nil, "500", ""},
		{"action=frob", nil, "500", ""},
		{"action=start", nil, "500", ""},
		{"action=clearlog&processname=", nil, "500", ""},
		{"action=stop;processname=api", nil, "500", ""},

		{"action=startgroup&processname=web:*", nil, "Group web started", "startgroup web"},
		{"action=stopgroup&processname=web", nil, "Group web stopped", "stopgroup web"},
		{"action=restartgroup&processname=web:*", nil, "Group web restarted", "stopgroup web, startgroup web"},
		{"action=startgroup&processname=web:*", map[string]error{"startgroup web:z": fault(xmlrpc.SpawnError, "web:z")}, "ERROR: Group web: web:z: SPAWN_ERROR: web:z", "startgroup web"},
		{"action=restartgroup&processname=nope:*", nil, "No such group named nope", "stopgroup nope"},
		{"action=stopgroup&processname=web:a", nil, "500", ""},
		{"action=stopgroup", nil, "500", ""},
	}
	for _, tt := range tests {
		z := newZoo()
		maps.Copy(z.fault, tt.fault)
		r := get(t, zooUI(t, z), "/index.html?"+tt.query)
		got := strconv.Itoa(r.Status)
		if r.Status == 301 {
			message, _ := strings.CutPrefix(fieldOf(r, "Location"), "/?message=")
			got = unquote(message)
			if message != quote(got) || fieldOf(r, "Content-Type") != "text/html" || fieldOf(r, "Cache-Control") != "no-cache" {
				t.Errorf("%s: header %v", tt.query, r.Header)
			}
		}
		if calls := strings.Join(z.calls, ", "); got != tt.want || calls != tt.calls {
			t.Errorf("%s: %q after %q, want %q after %q", tt.query, got, calls, tt.want, tt.calls)
		}
	}
}

func TestActionByPost(t *testing.T) {
	z := newZoo()
	r, _ := zooUI(t, z).serve(t.Context(), &request{Method: "POST", Path: "/index.html", Query: "filter=a%20b", Header: "User-Agent: curl/8",
		Body: []byte("processname=gone&action=stop&action=start")})
	if want := "./?message=Process%20gone%20started&filter=a%20b"; r.Status != 301 || fieldOf(r, "Location") != want {
		t.Errorf("%d, Location %q, want %q", r.Status, fieldOf(r, "Location"), want)
	}
}

func TestPrefetchIsNoAction(t *testing.T) {
	z := newZoo()
	r, _ := zooUI(t, z).serve(t.Context(), &request{Method: "GET", Path: "/", Query: "action=stopall",
		Header: "Sec-Purpose: prefetch;prerender\r\n"})
	if r.Status != 403 || len(z.calls) > 0 {
		t.Errorf("status %d, calls %q", r.Status, z.calls)
	}
}

func TestErrorsAreLogged(t *testing.T) {
	z := newZoo()
	u := zooUI(t, z)
	get(t, u, "/?action=frob")
	if got, want := strings.Join(u.log.(*fakeLog).lines, "\n"), `ERROR Web interface error: no such action: "frob"`; got != want {
		t.Errorf("log %q, want %q", got, want)
	}
}

func TestStatic(t *testing.T) {
	u := newUI(newZoo(), "4.3.0", &fakeLog{})
	for name, kind := range map[string]string{
		"stylesheets/supervisor.css": "text/css", "images/icon.png": "image/png", "images/rule.gif": "image/gif",
		"images/state0.gif": "image/gif", "images/state1.gif": "image/gif", "images/state2.gif": "image/gif",
		"images/state3.gif": "image/gif", "images/supervisor.gif": "image/gif", "status.html": "text/html",
		"scripts/supervisor.js": "text/javascript",
	} {
		a, ok := u.static(name)
		if !ok || len(a.body) == 0 || a.contentType != kind || a.modified.IsZero() {
			t.Errorf("%s: %v, %d bytes, %s, %v", name, ok, len(a.body), a.contentType, a.modified)
		}
	}
	for _, name := range []string{"", "images", "images/", "nope.css", "../assets.go", "/status.html", "images/../status.html"} {
		if _, ok := u.static(name); ok {
			t.Errorf("%q is an asset", name)
		}
	}
}

// Supervisor has no external asset, and its policy forbids inline script and
// style.
func TestNothingInline(t *testing.T) {
	names, err := fs.Glob(files, "ui/*.html")
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{" style=", "<style", " onclick", "javascript:", "src=\"http", "src=\"//"} {
			if strings.Contains(string(body), bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
	}
}
