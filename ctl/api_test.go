package ctl

import (
	"strings"
	"testing"

	"supervisor/xmlrpc"
)

// TestAPIActions: what is said of the answers of the JSON API, and where there is none.
func TestAPIActions(t *testing.T) {
	const kind, problem = "application/json", "application/problem+json"
	results := `{"ok":false,"results":[{"namespec":"a","group":"a","name":"a","ok":true,"code":80,"fault":null,"detail":"OK"},` +
		`{"namespec":"b","group":"b","name":"b","ok":true,"code":60,"fault":"ALREADY_STARTED","detail":"b"},` +
		`{"namespec":"c","group":"c","name":"c","ok":false,"code":50,"fault":"SPAWN_ERROR","detail":"c"}]}`
	missing := func(name string) xmlrpc.JSONAnswer {
		return xmlrpc.JSONAnswer{Status: 404, Type: problem, Body: `{"type":"urn:supervisor:fault:BAD_NAME","title":"Not Found","status":404,"detail":"` + name + `","code":10,"name":"BAD_NAME"}`}
	}
	f := &fake{answers: map[string]xmlrpc.JSONAnswer{
		`POST /api/v1/programs/a/start {"no_deps":true}`:      {Status: 200, Type: kind, Body: `{"ok":true,"results":[{"group":"a","name":"a","ok":true,"code":80,"detail":"OK"}]}`},
		`POST /api/v1/programs/all/start {"no_deps":true}`:    {Status: 200, Type: kind, Body: results},
		`POST /api/v1/programs/x/start {"no_deps":true}`:      missing("x"),
		`POST /api/v1/programs/g:%2A/start {"no_deps":true}`:  missing("g:*"),
		`POST /api/v1/programs/odd/start {"no_deps":true}`:    {Status: 503, Type: problem, Body: `{"detail":"there is no room"}`},
		`POST /api/v1/programs/broken/start {"no_deps":true}`: {Status: 200, Type: kind, Body: `{`},
		`GET /api/v1/health`:                    {Status: 200, Type: kind, Body: `{"healthy":true,"reasons":[]}`},
		`GET /api/v1/health?name=web%3A%2A`:     {Status: 503, Type: kind, Body: `{"healthy":false,"reasons":[{"namespec":"web:a","state":"FATAL","reason":"FATAL: x"},{"namespec":"web:b","state":"RUNNING","reason":"unhealthy: y"}]}`},
		`GET /api/v1/health?name=a&name=nobody`: missing("nobody"),
	}}
	for _, test := range []struct {
		line, want string
		status     int
	}{
		{"start --no-deps a", "a: started\n", 0},
		{"start a --no-deps", "a: started\n", 0},
		{"start --no-deps b all", "a: started\nb: ERROR (already started)\nc: ERROR (spawn error)\n", exitNotRunning},
		{"start --no-deps x", "x: ERROR (no such process)\n", exitFailed},
		{"start --no-deps g:*", "g: ERROR (no such group)\n", exitInvalid},
		{"start --no-deps --follow a", "Error: --follow and --no-deps do not go together\n", exitInvalid},
		{"start --no-dep a", "Error: start has no option --no-dep: did you mean --no-deps?\n", exitInvalid},
		{"start --no-deps odd", "there is no room", exitFailed},
		{"start --no-deps broken", "the server's answer is not what it should be", exitFailed},
		{"health", "", 0},
		{"health web:*", "web:a: FATAL: x\nweb:b: unhealthy: y\n", exitFailed},
		{"health a nobody", "nobody: ERROR (no such process)\n", exitFailed},
	} {
		got := play(t, f, test.line, "", nil)
		same := got.stdout == test.want || !strings.HasSuffix(test.want, "\n") && test.want != "" && strings.Contains(got.stdout, test.want)
		if !same || got.status != test.status {
			t.Errorf("%s: %q, status %d; want %q, %d", test.line, got.stdout, got.status, test.want, test.status)
		}
	}
	for _, line := range []string{"start --no-deps a", "health", "health a"} {
		got := play(t, &fake{}, line, "", nil)
		if want := "ERROR (" + testURL + " is Supervisor 4.3.0, which cannot do this)\n"; got.stdout != want || got.status != exitFailed {
			t.Errorf("%s without an API: %q, status %d; want %q", line, got.stdout, got.status, want)
		}
	}
}
