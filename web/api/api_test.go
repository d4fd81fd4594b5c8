package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

// fake is a supervisord with three programs, which writes down what is asked of it.
type fake struct {
	calls []string
	err   error
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 5e6, time.UTC)

func (f *fake) Overview(context.Context) (Overview, error) {
	return Overview{Version: "4.3.0", Identifier: "box", PID: 7, Started: noon, States: map[xmlrpc.State]int{xmlrpc.Running: 2}}, f.err
}

func (f *fake) Programs(_ context.Context, names []string) ([]Program, error) {
	f.calls = append(f.calls, fmt.Sprintf("programs %q", names))
	if f.err != nil {
		return nil, f.err
	}
	all := []Program{
		{Group: "db", Name: "db", State: xmlrpc.Fatal, SpawnErr: "can't find command 'db'"},
		{
			Group: "web", Name: "a", State: xmlrpc.Running, PID: 12, Start: noon, Uptime: 1500 * time.Millisecond, Ready: true,
			Ended: "exit status 2", ExitStatus: 2, DependsOn: []Dependency{{"db", "ready", false}}, Logs: [2]Log{{"/tmp/a", 17}, {}},
		},
		{Group: "web", Name: "b", State: xmlrpc.Exited, Start: noon, Stop: noon, Ended: "exit status 0"},
	}
	if len(names) == 1 && !strings.Contains(names[0], "*") {
		return all[1:2], nil
	}
	return all, nil
}

func (f *fake) done(what string, args ...any) ([]Result, error) {
	f.calls = append(f.calls, what+fmt.Sprintf(" %v", args))
	return []Result{{Group: "web", Name: "a", OK: true, Code: xmlrpc.Success, Detail: "OK"}}, f.err
}

func (f *fake) StartPrograms(_ context.Context, n string, c Change) ([]Result, error) {
	return f.done("start", n, c)
}

func (f *fake) StopPrograms(_ context.Context, n string, c Change) ([]Result, error) {
	return f.done("stop", n, c)
}

func (f *fake) RestartPrograms(_ context.Context, n string, c Change) ([]Result, error) {
	return f.done("restart", n, c)
}

func (f *fake) SignalPrograms(_ context.Context, n, s string) ([]Result, error) {
	return f.done("signal", n, s)
}
func (f *fake) ClearPrograms(_ context.Context, n string) ([]Result, error) {
	return f.done("clear", n)
}
func (f *fake) WritePrograms(_ context.Context, n, d string) ([]Result, error) {
	return f.done("stdin", n, d)
}
func (f *fake) Shutdown(context.Context) (bool, error) {
	_, err := f.done("shutdown")
	return true, err
}
func (f *fake) Restart(context.Context) (bool, error) { _, err := f.done("reload"); return true, err }

func serve(t *testing.T, b Backend, method, target, kind, body string) Answer {
	return Serve(t.Context(), b, Request{
		Method: method, Target: target, Type: kind, Body: []byte(body),
		Buffer: func() []byte { return nil }, Room: func(int) bool { return true },
	})
}

// TestRequests: what each request asks for, and what is wrong with those that ask for
// nothing.
func TestRequests(t *testing.T) {
	for _, test := range []struct {
		request, body string
		status        int
		want          string // what was asked for, or a part of the answer
	}{
		{"GET /api/v1", "", 200, `{"version":"4.3.0","identifier":"box","pid":7,"state":"RUNNING","started":"2026-11-22T12:00:00.005Z"`},
		{"GET /api/v1/", "", 200, `"RUNNING":2`},
		{"HEAD /api/v1", "", 200, `"pid":7`},
		{"GET /api/v1/programs", "", 200, `programs []`},
		{"GET /api/v1/programs?name=web:*&name=x%20y&state=fatal&state=RUNNING", "", 200, `programs ["web:*" "x y"]`},
		{"GET /api/v1/programs?state=exited", "", 200, `{"programs":[{"namespec":"web:b"`},
		{"GET /api/v1/programs/web%3Aa", "", 200, `programs ["web:a"]`},
		{"GET /api/v1/programs/web:%3F", "", 200, `programs ["web:?"]`},
		{"GET /api/v1/programs/web:*", "", 404, `ask for several at /api/v1/programs?name=NAMESPEC`},
		{"POST /api/v1/programs/web:*/start", "", 200, `start [web:* {true 0s false}]`},
		{"POST /api/v1/programs/all/start", `{"wait":false,"timeout":1.5,"no_deps":true}`, 200, `start [all {false 1.5s true}]`},
		{"POST /api/v1/programs/a/stop", `{"timeout":2}`, 200, `stop [a {true 2s false}]`},
		{"POST /api/v1/programs/a/restart", `{"no_deps":true}`, 200, `restart [a {true 0s true}]`},
		{"POST /api/v1/programs/a/signal", `{"signal":"HUP"}`, 200, `signal [a HUP]`},
		{"POST /api/v1/programs/a/clear", "", 200, `clear [a]`},
		{"POST /api/v1/programs/a/stdin", `{"data":"x\n"}`, 200, "stdin [a x\n]"},
		{"POST /api/v1/shutdown", "{}", 200, `shutdown []`},
		{"POST /api/v1/reload", "", 200, `reload []`},
		{"GET /api/v1/health", "", 503, `{"healthy":false,"reasons":[{"namespec":"db","state":"FATAL","reason":"FATAL: can't find command 'db'"}]}`},
		{"GET /api/v1/health?name=web:a", "", 200, `programs ["web:a"]`},
		{"GET /api/v1/openapi.json", "", 200, `{"openapi":"3.1.0"`},

		{"GET /api/v1/frob", "", 404, `there is no such operation: /api/v1/openapi.json has all`},
		{"GET /api/v1programs", "", 404, `there is no such operation`},
		{"GET /%61pi/v1/programs", "", 404, `there is no such operation`},
		{"GET /api/v1/programs/", "", 404, `there is no such operation`},
		{"POST /api/v1/programs//start", "", 404, `there is no such operation`},
		{"POST /api/v1/programs/a/start/", "", 404, `there is no such operation`},
		{"POST /api/v1/programs/a%2Fstart", "", 405, `the method for this is GET`},
		{"GET /api/v1/programs/a/start", "", 405, `the method for this is POST`},
		{"DELETE /api/v1/programs/a", "", 405, `the method for this is GET`},
		{"GET /api/v1/programs/%zz", "", 400, `\"%zz\" is not URL-encoded UTF-8`},
		{"GET /api/v1/programs/%ff", "", 400, `is not URL-encoded UTF-8`},
		{"GET /api/v1/programs?name=%f", "", 400, `is not URL-encoded UTF-8`},
		{"GET /api/v1/programs?nmae=a", "", 400, `\"nmae\" is no query parameter of this operation, which has name, state`},
		{"GET /api/v1?x", "", 400, `\"x\" is no query parameter of this operation, which has none`},
		{"GET /api/v1/programs?name", "", 400, `name=: it has to be a text`},
		{"GET /api/v1/programs?state=up", "", 400, `state=up: it has to be one of stopped, starting, running, backoff, stopping, exited, fatal, unknown`},
		{"POST /api/v1/programs/a/start?wait=false", "", 400, `\"wait\" is no query parameter`},
		{"POST /api/v1/programs/a/start", `{"wiat":false}`, 400, `\"wiat\" is no key of the body of this operation, which has wait, timeout, no_deps`},
		{"POST /api/v1/programs/a/stop", `{"no_deps":true}`, 400, `which has wait, timeout`},
		{"POST /api/v1/programs/a/start", `{"wait":1}`, 400, `wait has to be true or false`},
		{"POST /api/v1/programs/a/start", `{"wait":null}`, 400, `wait has to be true or false`},
		{"POST /api/v1/programs/a/start", `{"timeout":-1}`, 400, `timeout has to be a number of seconds, of a year at most`},
		{"POST /api/v1/programs/a/start", `{"timeout":"5s"}`, 400, `timeout has to be a number of seconds`},
		{"POST /api/v1/programs/a/start", `{"timeout":1e300}`, 400, `timeout has to be a number of seconds`},
		{"POST /api/v1/programs/a/signal", ``, 400, `the body needs the key signal, a text`},
		{"POST /api/v1/programs/a/stdin", `{"data":7}`, 400, `data has to be a text`},
		{"POST /api/v1/shutdown", `{"now":true}`, 400, `which has none`},
		{"POST /api/v1/shutdown", `[]`, 400, `the body is not one JSON object`},
		{"POST /api/v1/shutdown", `null`, 400, `the body is not one JSON object`},
		{"POST /api/v1/shutdown", `{} {}`, 400, `the body is not one JSON object`},
	} {
		f := &fake{}
		method, target, _ := strings.Cut(test.request, " ")
		got := serve(t, f, method, target, "application/json; charset=utf-8", test.body)
		if got.Status != test.status || !strings.Contains(strings.Join(f.calls, ", ")+string(got.Body), test.want) {
			t.Errorf("%s %s: %d, done %q, answer %s\nwant %d, %s", test.request, test.body, got.Status, f.calls, got.Body, test.status, test.want)
		}
		checkAnswer(t, got)
	}
	f := &fake{}
	got := serve(t, f, "POST", "/api/v1/shutdown", "text/plain", "{}")
	if got.Status != 415 || f.calls != nil {
		t.Errorf("a body of text: %d, %q", got.Status, f.calls)
	}
	if got := serve(t, f, "PUT", "/api/v1/shutdown", "", ""); got.Allow != "POST" {
		t.Errorf("PUT: Allow is %q", got.Allow)
	}
}

// checkAnswer looks at what is so of all answers.
func checkAnswer(t *testing.T, a Answer) {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Errorf("%v in %s", err, a.Body)
	}
	_, health := v["healthy"]
	want := Problem
	if a.Status == 200 || health {
		want = JSON
	}
	if a.Type != want {
		t.Errorf("status %d is %s: %s", a.Status, a.Type, a.Body)
	}
	if want == Problem {
		for _, key := range []string{"type", "title", "detail", "status"} {
			if v[key] == nil || v[key] == "" {
				t.Errorf("no %s in %s", key, a.Body)
			}
		}
	}
}

// TestFaults: what errors of supervisord are told as.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		want   string
	}{
		{xmlrpc.NewFault(xmlrpc.BadName, "x"), 404, `{"type":"urn:supervisor:fault:BAD_NAME","title":"Not Found","status":404,"detail":"x","code":10,"name":"BAD_NAME"}`},
		{xmlrpc.NewFault(xmlrpc.BadSignal, "x"), 400, `"code":11,"name":"BAD_SIGNAL"`},
		{xmlrpc.NewFault(xmlrpc.ShutdownState), 503, `"detail":"SHUTDOWN_STATE","code":6,`},
		{xmlrpc.NewFault(xmlrpc.CantReread, "line 3"), 409, `"title":"Conflict","status":409,"detail":"line 3","code":92,`},
		{xmlrpc.NewFault(xmlrpc.Failed, "x"), 500, `"code":30,`},
		{context.Canceled, 503, `"title":"Service Unavailable"`},
		{errors.New("odd"), 500, `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"odd"}`},
	} {
		for _, op := range operations() {
			if op.answer == "Description" {
				continue
			}
			body := map[string]string{"/programs/{namespec}/signal": `{"signal":"HUP"}`, "/programs/{namespec}/stdin": `{"data":""}`}[op.path]
			got := serve(t, &fake{err: test.err}, op.method, Root+strings.ReplaceAll(op.path, "{namespec}", "x"), JSON, body)
			if got.Status != test.status || !strings.Contains(string(got.Body), test.want) {
				t.Errorf("%s %s, %v: %d %s; want %d %s", op.method, op.path, test.err, got.Status, got.Body, test.status, test.want)
			}
			checkAnswer(t, got)
		}
	}
}

// TestProgram shows a whole program.
func TestProgram(t *testing.T) {
	const want = `{"namespec":"web:a","group":"web","name":"a","state":"RUNNING","description":"","pid":12,"start":"2026-11-22T12:00:00.005Z","stop":null,` +
		`"uptime":1.5,"restarts":0,"exit_status":2,"exit_reason":"exit status 2","spawnerr":null,"ready":true,"healthy":null,"health_reason":null,"status":null,` +
		`"depends_on":[{"namespec":"db","condition":"ready","met":false}],"waiting_for":null,"next_start":null,` +
		`"logs":{"stdout":{"path":"/tmp/a","size":17},"stderr":{"path":null,"size":null}}}`
	if got := string(serve(t, &fake{}, "GET", "/api/v1/programs/web:a", "", "").Body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestAilments: what is well and what is not.
func TestAilments(t *testing.T) {
	for _, test := range []struct {
		p    Program
		want string
	}{
		{Program{State: xmlrpc.Running}, ""},
		{Program{State: xmlrpc.Starting}, ""},
		{Program{State: xmlrpc.Stopped}, ""},
		{Program{State: xmlrpc.Exited, Ended: "exit status 0"}, ""},
		{Program{State: xmlrpc.Exited, Ended: "exit status 3", SpawnErr: "Bad exit code 3"}, "EXITED: exit status 3, not expected"},
		{Program{State: xmlrpc.Fatal, SpawnErr: "x"}, "FATAL: x"},
		{Program{State: xmlrpc.Fatal}, "FATAL"},
		{Program{State: xmlrpc.Backoff, SpawnErr: "x"}, "BACKOFF: x"},
		{Program{State: xmlrpc.Unknown, SpawnErr: "x"}, "UNKNOWN: x"},
		{Program{State: xmlrpc.Running, Ill: "status 500"}, "unhealthy: status 500"},
		{Program{State: xmlrpc.Stopped, WaitingFor: "db (ready)"}, "waiting for db (ready)"},
		{Program{State: xmlrpc.Stopped, SpawnErr: "dependency db: FATAL"}, "dependency db: FATAL"},
	} {
		if got := ailment(&test.p).Text; got != test.want {
			t.Errorf("%v %q: %q, want %q", test.p.State, test.p.SpawnErr, got, test.want)
		}
	}
}

// TestRoom: an answer with many programs asks for room, one with few does not.
func TestRoom(t *testing.T) {
	c := call{room: func(int) bool { return false }}
	if !c.fits(3) || c.fits(1000) {
		t.Errorf("3: %v, 1000: %v", c.fits(3), c.fits(1000))
	}
}

// TestDescription: the description has each operation, and what it refers to.
func TestDescription(t *testing.T) {
	var d struct {
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	text := serve(t, &fake{}, "GET", "/api/v1/openapi.json", "", "").Body
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	n := 0
	for _, methods := range d.Paths {
		n += len(methods)
	}
	if n != len(operations()) {
		t.Errorf("%d operations are described, %d there are", n, len(operations()))
	}
	for _, op := range operations() {
		if d.Components.Schemas[op.answer] == nil {
			t.Errorf("%s %s answers with %s, which is nowhere", op.method, op.path, op.answer)
		}
	}
}

// FuzzServe sends paths, queries and bodies of all kinds.
func FuzzServe(f *testing.F) {
	f.Add("GET", "/api/v1/programs?name=web:*&state=fatal", "")
	f.Add("POST", "/api/v1/programs/web%3A*/start", `{"wait":false,"timeout":1e9}`)
	f.Add("POST", "/api/v1/programs/a/signal", `{"signal":"\ud800"}`)
	f.Add("GET", "/api/v1/health?name=%ff#?", "{")
	f.Fuzz(func(t *testing.T, method, target, body string) {
		b := &fake{}
		a := serve(t, b, method, target, JSON, body)
		checkAnswer(t, a)
		reads := func(call string) bool { return strings.HasPrefix(call, "programs ") }
		if method != "POST" && slices.ContainsFunc(b.calls, func(c string) bool { return !reads(c) }) {
			t.Errorf("%s %s has done %q", method, target, b.calls)
		}
		if a.Status >= 400 && slices.ContainsFunc(b.calls, func(c string) bool { return !reads(c) }) {
			t.Errorf("%s %s %s: %d, and yet it has done %q", method, target, body, a.Status, b.calls)
		}
	})
}
