package web

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"supervisor/web/api"
	"supervisor/xmlrpc"
)

// zooAPI is the zoo for the JSON API.
type zooAPI struct{ z *zoo }

func (a zooAPI) Overview(context.Context) (api.Overview, error) {
	return api.Overview{Version: "4.3.0", Started: noon}, nil
}

func (a zooAPI) Programs(context.Context, []string) ([]api.Program, error) {
	a.z.mu.Lock()
	defer a.z.mu.Unlock()
	var all []api.Program
	for _, p := range a.z.processes {
		all = append(all, api.Program{Group: p.Group, Name: p.Name, State: p.State})
	}
	return all, nil
}

func (a zooAPI) do(what, name string) ([]api.Result, error) {
	a.z.mu.Lock()
	defer a.z.mu.Unlock()
	return []api.Result{{Group: name, Name: name, OK: true, Code: xmlrpc.Success, Detail: "OK"}}, a.z.call(what, name)
}

func (a zooAPI) StartPrograms(_ context.Context, name string, _ api.Change) ([]api.Result, error) {
	return a.do("start", name)
}

func (a zooAPI) StopPrograms(_ context.Context, name string, _ api.Change) ([]api.Result, error) {
	return a.do("stop", name)
}

func (a zooAPI) RestartPrograms(_ context.Context, name string, _ api.Change) ([]api.Result, error) {
	return a.do("restart", name)
}

func (a zooAPI) SignalPrograms(_ context.Context, name, _ string) ([]api.Result, error) {
	return a.do("signal", name)
}

func (a zooAPI) ClearPrograms(_ context.Context, name string) ([]api.Result, error) {
	return a.do("clear", name)
}

func (a zooAPI) WritePrograms(_ context.Context, name, _ string) ([]api.Result, error) {
	return a.do("write", name)
}

func (a zooAPI) Shutdown(context.Context) (bool, error) {
	_, err := a.do("shutdown", "")
	return err == nil, err
}

func (a zooAPI) Restart(context.Context) (bool, error) {
	_, err := a.do("reload", "")
	return err == nil, err
}

// TestAPIReplies: what the answers of the JSON API look like, and what is refused before it
// gets there.
func TestAPIReplies(t *testing.T) {
	z := newZoo()
	ts := start(t, func(o *Options) { o.API = zooAPI{z} })
	post := func(path, fields, body string) string {
		return "POST " + path + " HTTP/1.1\r\nConnection: close\r\n" + fields + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	}
	const kind = "Content-Type: application/json\r\n"
	for _, test := range []struct{ name, request, want string }{
		{"an answer", "GET /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK; Content-Type: application/json; Cache-Control: no-store; {\"version\":\"4.3.0\""},
		{"only its head", "HEAD /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK; Content-Type: application/json"},
		{"an escaped question mark", "GET /api/v1/programs?name=web:%3F HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK; {\"programs\":["},
		{"ill health", "GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 503 Service Unavailable; Content-Type: application/json; {\"healthy\":false"},
		{"another method", "DELETE /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 Method Not Allowed; Content-Type: application/problem+json; Allow: GET"},
		{"a key that is none", post("/api/v1/shutdown", kind, `{"x":1}`), "HTTP/1.1 400 Bad Request; Content-Type: application/problem+json; \"title\":\"Bad Request\""},
		{"a body of another type", post("/api/v1/shutdown", "", `{}`), "HTTP/1.1 415 Unsupported Media Type; application/problem+json"},
		{"chunks", "POST /api/v1/shutdown HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 411 Length Required; application/problem+json; the body needs a Content-Length"},
		{"a long body", post("/api/v1/shutdown", kind, strings.Repeat(" ", maxAPIBody+1)), "HTTP/1.1 413 ; application/problem+json; the body is too long"},
		{"a page of another site", post("/api/v1/shutdown", firefox+"Sec-Fetch-Site: cross-site\r\n", ""), "HTTP/1.1 403 Forbidden; application/problem+json; a page of another site"},
	} {
		got := ts.exchange(t, test.request)
		for _, part := range strings.Split(test.want, "; ") {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %s in\n%s", test.name, part, got)
			}
		}
	}
	if z.calls != nil {
		t.Errorf("done: %q", z.calls)
	}
	if got := ts.exchange(t, "POST /api/v1/programs/all/stop HTTP/1.1\r\n\r\nGET /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n"); strings.Count(got, "HTTP/1.1 200 ") != 2 {
		t.Errorf("without a body: %s", got)
	}
	off := start(t, func(o *Options) {})
	if got := off.exchange(t, "GET /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 404 ") || !strings.Contains(got, "text/html") {
		t.Errorf("without the API: %s", got)
	}
}

// TestAPIReuses sends one after the other over a connection: no answer has anything of
// another.
func TestAPIReuses(t *testing.T) {
	ts := start(t, func(o *Options) { o.API, o.delay = zooAPI{newZoo()}, time.Nanosecond })
	one := "GET /api/v1/openapi.json HTTP/1.1\r\n\r\n"
	last := "GET /api/v1 HTTP/1.1\r\nConnection: close\r\n\r\n"
	alone := ts.exchange(t, last)
	got := ts.exchange(t, one+"GET /api/v1/frob HTTP/1.1\r\n\r\n"+last)
	if tail := alone[strings.Index(alone, "\r\n\r\n"):]; !strings.HasSuffix(got, tail) || strings.Count(got, "HTTP/1.1 ") != 3 {
		t.Errorf("the last of three: %s\nalone: %s", got[max(0, len(got)-2*len(alone)):], alone)
	}
}
