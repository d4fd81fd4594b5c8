package xmlrpc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"
)

// fakeAPI is the methods of a supervisord that answer what they are told and keep what
// they were called with.
type fakeAPI struct {
	answer any
	err    error
	method string
	args   []any
}

// namespace has every method that a client calls.
func (f *fakeAPI) namespace() Namespace {
	any4 := []Param{{Name: "a", Optional: true}, {Name: "b", Optional: true}, {Name: "c", Optional: true}, {Name: "d", Optional: true}}
	n := Namespace{Name: "supervisor"}
	for _, name := range []string{
		MethodGetVersion, MethodGetSupervisorVersion, MethodGetIdentification, MethodGetState, MethodGetPID, MethodReadLog, MethodClearLog,
		MethodShutdown, MethodRestart, MethodReloadConfig, MethodSendRemoteCommEvent, MethodAddProcessGroup, MethodRemoveProcessGroup,
		MethodStartProcess, MethodStartProcessGroup, MethodStartAllProcesses, MethodStopProcess, MethodStopProcessGroup, MethodStopAllProcesses,
		MethodSignalProcess, MethodSignalProcessGroup, MethodSignalAllProcesses, MethodSendProcessStdin, MethodGetProcessInfo,
		MethodGetAllProcessInfo, MethodGetAllConfigInfo, MethodReadProcessStdoutLog, MethodReadProcessStderrLog, MethodTailProcessStdoutLog,
		MethodTailProcessStderrLog, MethodClearProcessLogs, MethodClearAllProcessLogs,
	} {
		n.Methods = append(n.Methods, Method{Name: name, Params: any4, Call: func(_ context.Context, args Args) (any, error) {
			f.method, f.args = name, args
			return f.answer, f.err
		}})
	}
	return n
}

// newRoundTrip has a client talk to a server of f over a unix socket.
func newRoundTrip(t *testing.T, f *fakeAPI) *Client {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	methods := NewServer(new(trace), f.namespace())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		answer, status := methods.Serve(r.Context(), body, nil, nil)
		w.WriteHeader(status)
		_, _ = w.Write(answer) // as above
	})}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return newTestClient(t, "unix://"+l.Addr().String(), "", "")
}

// TestRoundTrip calls every method of the client: the server gets the name and the
// arguments, and what it answers arrives as it was.
func TestRoundTrip(t *testing.T) {
	ctx := t.Context()
	info := ProcessInfo{
		Name: "0", Group: "web", Start: 1, Stop: 2, Now: 3, State: Running, SpawnErr: "no <file> & \"more\"", ExitStatus: -1,
		StdoutLogfile: "/log/日本", StderrLogfile: "", PID: 77, Description: "pid 77, uptime 0:00:02",
	}
	config := ConfigInfo{
		Name: "0", Group: "web", InUse: true, Autostart: true, Autorestart: "unexpected", GroupPrio: 999, ProcessPrio: 998,
		Command: "cat", Directory: "none", UID: 4711, ExitCodes: []int{0, 2}, KillAsGroup: true, RedirectStderr: true,
		StartRetries: 3, StartSecs: 1, StopSignal: 15, StopWaitSecs: 10, ServerURL: "none",
		StdoutLogfile: "/a", StdoutLogfileBackups: 10, StdoutLogfileMaxBytes: 50 << 20, StdoutCaptureMaxBytes: 1, StdoutEventsEnabled: true, StdoutSyslog: true,
		StderrLogfile: "none", StderrLogfileBackups: 11, StderrLogfileMaxBytes: 1 << 30, StderrCaptureMaxBytes: 2, StderrEventsEnabled: true, StderrSyslog: true,
	}
	results := []Result{{"0", "web", Success, "OK"}, {"1", "web", NotRunning, "NOT_RUNNING"}}
	tail := Tail{"the end\n", 1 << 30, true}
	changes := Changes{Added: []string{"a", "b"}, Changed: []string{}, Removed: []string{"c"}}
	// A row is what the client calls, with what the server gets, and what is answered.
	tests := []struct {
		call   func(*Client) (any, error)
		method string
		args   []any
		answer any
	}{
		{func(c *Client) (any, error) { return c.APIVersion(ctx) }, "getVersion", nil, "3.0"},
		{func(c *Client) (any, error) { return c.SupervisorVersion(ctx) }, "getSupervisorVersion", nil, "4.3.0"},
		{func(c *Client) (any, error) { return c.Identification(ctx) }, "getIdentification", nil, "super"},
		{func(c *Client) (any, error) { return c.State(ctx) }, "getState", nil, StateInfo{1, "RUNNING"}},
		{func(c *Client) (any, error) { return c.PID(ctx) }, "getPID", nil, 4711},
		{func(c *Client) (any, error) { return c.ReadLog(ctx, -5, 0) }, "readLog", []any{-5, 0}, "text\n"},
		{func(c *Client) (any, error) { return c.ClearLog(ctx) }, "clearLog", nil, true},
		{func(c *Client) (any, error) { return c.Shutdown(ctx) }, "shutdown", nil, true},
		{func(c *Client) (any, error) { return c.Restart(ctx) }, "restart", nil, true},
		{func(c *Client) (any, error) { return c.ReloadConfig(ctx) }, "reloadConfig", nil, changes},
		{func(c *Client) (any, error) { return c.AddProcessGroup(ctx, "g") }, "addProcessGroup", []any{"g"}, true},
		{func(c *Client) (any, error) { return c.RemoveProcessGroup(ctx, "g") }, "removeProcessGroup", []any{"g"}, true},
		{func(c *Client) (any, error) { return c.StartProcess(ctx, "g:n", true) }, "startProcess", []any{"g:n", true}, true},
		{func(c *Client) (any, error) { return c.StartProcessGroup(ctx, "g", false) }, "startProcessGroup", []any{"g", false}, results},
		{func(c *Client) (any, error) { return c.StartAllProcesses(ctx, true) }, "startAllProcesses", []any{true}, results},
		{func(c *Client) (any, error) { return c.StopProcess(ctx, "g:n", false) }, "stopProcess", []any{"g:n", false}, true},
		{func(c *Client) (any, error) { return c.StopProcessGroup(ctx, "g", true) }, "stopProcessGroup", []any{"g", true}, results},
		{func(c *Client) (any, error) { return c.StopAllProcesses(ctx, false) }, "stopAllProcesses", []any{false}, results},
		{func(c *Client) (any, error) { return c.SignalProcess(ctx, "g:n", "HUP") }, "signalProcess", []any{"g:n", "HUP"}, true},
		{func(c *Client) (any, error) { return c.SignalProcessGroup(ctx, "g", "1") }, "signalProcessGroup", []any{"g", "1"}, results},
		{func(c *Client) (any, error) { return c.SignalAllProcesses(ctx, "USR1") }, "signalAllProcesses", []any{"USR1"}, results},
		{func(c *Client) (any, error) { return c.AllProcessInfo(ctx) }, "getAllProcessInfo", nil, []ProcessInfo{info, {Name: "x", Group: "x"}}},
		{func(c *Client) (any, error) { return c.ProcessInfo(ctx, "web:0") }, "getProcessInfo", []any{"web:0"}, info},
		{func(c *Client) (any, error) { return c.AllConfigInfo(ctx) }, "getAllConfigInfo", nil, []ConfigInfo{config}},
		{func(c *Client) (any, error) { return c.ReadProcessLog(ctx, "n", "stdout", -1600, 0) }, "readProcessStdoutLog", []any{"n", -1600, 0}, "日本"},
		{func(c *Client) (any, error) { return c.ReadProcessLog(ctx, "n", "stderr", 1, 2) }, "readProcessStderrLog", []any{"n", 1, 2}, ""},
		{func(c *Client) (any, error) { return c.TailProcessLog(ctx, "n", "stdout", 0, 100) }, "tailProcessStdoutLog", []any{"n", 0, 100}, tail},
		{func(c *Client) (any, error) { return c.TailProcessLog(ctx, "n", "stderr", 3, 4) }, "tailProcessStderrLog", []any{"n", 3, 4}, tail},
		{func(c *Client) (any, error) { return c.ClearProcessLogs(ctx, "n") }, "clearProcessLogs", []any{"n"}, true},
		{func(c *Client) (any, error) { return c.ClearAllProcessLogs(ctx) }, "clearAllProcessLogs", nil, results},
		{func(c *Client) (any, error) { return c.SendProcessStdin(ctx, "n", "a\n<&>]]>") }, "sendProcessStdin", []any{"n", "a\n<&>]]>"}, true},
		{func(c *Client) (any, error) { return c.SendRemoteCommEvent(ctx, "t", "d") }, "sendRemoteCommEvent", []any{"t", "d"}, true},
	}
	f := new(fakeAPI)
	c := newRoundTrip(t, f)
	called := make(map[string]bool)
	for _, tt := range tests {
		*f = fakeAPI{answer: tt.answer}
		got, err := tt.call(c)
		if err != nil || !reflect.DeepEqual(got, tt.answer) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.method, got, err, tt.answer)
		}
		if f.method != tt.method || len(f.args)+len(tt.args) > 0 && !reflect.DeepEqual(f.args, tt.args) {
			t.Errorf("%s: the server was asked for %s%v, want %v", tt.method, f.method, f.args, tt.args)
		}
		called[tt.method] = true
		*f = fakeAPI{err: NewFault(BadName, "<g>")}
		var fault *Fault
		if _, err := tt.call(c); !errors.As(err, &fault) || fault.Code != BadName || fault.Text != "BAD_NAME: <g>" {
			t.Errorf("%s: got %v instead of the fault", tt.method, err)
		}
	}
	for _, m := range f.namespace().Methods {
		if !called[m.Name] {
			t.Errorf("%s was not called", m.Name)
		}
	}
	// Those of the client that are no methods of a supervisord are Call, Close, JSON and
	// Stream.
	// Two of its methods are two there, for stdout and stderr.
	if n := reflect.TypeFor[*Client]().NumMethod() - 4; n != len(tests)-2 {
		t.Errorf("the client has %d methods, called were %d", n, len(tests)-2)
	}
}
