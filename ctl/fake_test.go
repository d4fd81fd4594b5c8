package ctl

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"supervisor/xmlrpc"
)

// fake is a daemon that answers what a test tells it to. Calls are named by
// method and first argument, as in "StartProcess web".
type fake struct {
	mu      sync.Mutex
	calls   []string
	faults  map[string]error
	results map[string][]xmlrpc.Result
	infos   []xmlrpc.ProcessInfo
	configs []xmlrpc.ConfigInfo
	changes xmlrpc.Changes
	active  map[string]bool // groups that can be removed but not added
	version string
	log     string
	tail    xmlrpc.Tail
	streams map[string][]string          // chunks by path; a path that is absent is 404
	open    bool                         // streams stay open behind their chunks
	answers map[string]xmlrpc.JSONAnswer // by method, path and body; without one the API is not there

	password string // what serve wants of joe; empty for nothing
}

// call records a call and returns the error for it: that for this argument, or
// else that for the method.
func (f *fake) call(method string, args ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.Join(append([]string{method}, args...), " ")
	f.calls = append(f.calls, name)
	if err, ok := f.faults[name]; ok {
		return err
	}
	return f.faults[method]
}

func (f *fake) group(method string, args ...string) ([]xmlrpc.Result, error) {
	err := f.call(method, args...)
	return f.results[strings.Join(append([]string{method}, args...), " ")], err
}

func (f *fake) APIVersion(context.Context) (string, error) {
	if f.version == "" {
		f.version = "3.0"
	}
	return f.version, f.call("APIVersion")
}
func (f *fake) SupervisorVersion(context.Context) (string, error) {
	return "4.3.0", f.call("SupervisorVersion")
}

func (f *fake) PID(context.Context) (int, error) { return 77, f.call("PID") }
func (f *fake) ReadLog(_ context.Context, offset, length int64) (string, error) {
	return f.log, f.call("ReadLog", signed(offset), signed(length))
}
func (f *fake) Shutdown(context.Context) (bool, error) { return true, f.call("Shutdown") }
func (f *fake) Restart(context.Context) (bool, error)  { return true, f.call("Restart") }
func (f *fake) ReloadConfig(context.Context) (xmlrpc.Changes, error) {
	return f.changes, f.call("ReloadConfig")
}
func (f *fake) AddProcessGroup(_ context.Context, name string) (bool, error) {
	if f.active[name] {
		return false, xmlrpc.NewFault(xmlrpc.AlreadyAdded, name)
	}
	return true, f.call("AddProcessGroup", name)
}
func (f *fake) RemoveProcessGroup(_ context.Context, name string) (bool, error) {
	delete(f.active, name)
	return true, f.call("RemoveProcessGroup", name)
}
func (f *fake) StartProcess(_ context.Context, name string, _ bool) (bool, error) {
	return true, f.call("StartProcess", name)
}
func (f *fake) StartProcessGroup(_ context.Context, name string, _ bool) ([]xmlrpc.Result, error) {
	return f.group("StartProcessGroup", name)
}
func (f *fake) StartAllProcesses(context.Context, bool) ([]xmlrpc.Result, error) {
	return f.group("StartAllProcesses")
}
func (f *fake) StopProcess(_ context.Context, name string, _ bool) (bool, error) {
	return true, f.call("StopProcess", name)
}
func (f *fake) StopProcessGroup(_ context.Context, name string, _ bool) ([]xmlrpc.Result, error) {
	return f.group("StopProcessGroup", name)
}
func (f *fake) StopAllProcesses(context.Context, bool) ([]xmlrpc.Result, error) {
	return f.group("StopAllProcesses")
}
func (f *fake) SignalProcess(_ context.Context, name, signal string) (bool, error) {
	return true, f.call("SignalProcess", name, signal)
}
func (f *fake) SignalProcessGroup(_ context.Context, name, signal string) ([]xmlrpc.Result, error) {
	return f.group("SignalProcessGroup", name, signal)
}
func (f *fake) SignalAllProcesses(_ context.Context, signal string) ([]xmlrpc.Result, error) {
	return f.group("SignalAllProcesses", signal)
}
func (f *fake) AllProcessInfo(context.Context) ([]xmlrpc.ProcessInfo, error) {
	return f.infos, f.call("AllProcessInfo")
}
func (f *fake) ProcessInfo(_ context.Context, name string) (xmlrpc.ProcessInfo, error) {
	if err := f.call("ProcessInfo", name); err != nil {
		return xmlrpc.ProcessInfo{}, err
	}
	for _, info := range f.infos {
		if info.Namespec() == name {
			return info, nil
		}
	}
	return xmlrpc.ProcessInfo{}, xmlrpc.NewFault(xmlrpc.BadName, name)
}
func (f *fake) AllConfigInfo(context.Context) ([]xmlrpc.ConfigInfo, error) {
	if err := f.call("AllConfigInfo"); err != nil {
		return nil, err
	}
	return f.configs, nil
}
func (f *fake) ReadProcessLog(_ context.Context, name, channel string, offset, length int64) (string, error) {
	return f.log, f.call("ReadProcessLog", name, channel, signed(offset), signed(length))
}
func (f *fake) TailProcessLog(_ context.Context, name, channel string, offset, length int64) (xmlrpc.Tail, error) {
	return f.tail, f.call("TailProcessLog", name, channel, signed(offset), signed(length))
}
func (f *fake) ClearProcessLogs(_ context.Context, name string) (bool, error) {
	return true, f.call("ClearProcessLogs", name)
}
func (f *fake) ClearAllProcessLogs(context.Context) ([]xmlrpc.Result, error) {
	return f.group("ClearAllProcessLogs")
}
func (f *fake) SendProcessStdin(_ context.Context, name, chars string) (bool, error) {
	return true, f.call("SendProcessStdin", name, chars)
}
func (f *fake) JSON(_ context.Context, method, path, body string) (xmlrpc.JSONAnswer, error) {
	request := strings.TrimSpace(method + " " + path + " " + body)
	if err := f.call("JSON", request); err != nil {
		return xmlrpc.JSONAnswer{}, err
	}
	if answer, ok := f.answers[request]; ok {
		return answer, nil
	}
	return xmlrpc.JSONAnswer{Status: 404, Type: "text/html", Body: "<head>"}, nil
}

func (f *fake) Stream(ctx context.Context, path string, fn func([]byte) error) error {
	if err := f.call("Stream", path); err != nil {
		return err
	}
	chunks, ok := f.streams[path]
	if !ok {
		return &xmlrpc.HTTPError{Status: 404, Reason: "Not Found"}
	}
	for _, chunk := range chunks {
		if err := fn([]byte(chunk)); err != nil {
			return err
		}
	}
	if f.open {
		<-ctx.Done()
	}
	return ctx.Err()
}
func (f *fake) Close() {}

func signed(n int64) string {
	digits := ""
	for m := max(n, -n); m > 0 || digits == ""; m /= 10 {
		digits = string(rune('0'+m%10)) + digits
	}
	if n < 0 {
		return "-" + digits
	}
	return digits
}

// outcome is what a run of supervisorctl leaves behind.
type outcome struct {
	stdout, stderr string
	status         int
}

const testURL = "unix:///run/s.sock"

// play runs an action, or the shell if line is empty, against f.
func play(t *testing.T, f *fake, line, stdin string, change func(*Options)) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o := Options{ServerURL: testURL, Prompt: "supervisor", Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr}
	if change != nil {
		change(&o)
	}
	s := newSession(o, func(string, string, string) (daemon, error) { return f, nil })
	status := 0
	if line == "" {
		status = s.shell(t.Context())
	} else {
		s.execute(t.Context(), line)
		status = s.status
	}
	s.close()
	return outcome{stdout.String(), stderr.String(), status}
}

func fault(code xmlrpc.Code, detail ...string) error { return xmlrpc.NewFault(code, detail...) }

// info is a process in short.
func info(namespec string, state xmlrpc.State, pid int, description string) xmlrpc.ProcessInfo {
	group, name, _ := xmlrpc.SplitNamespec(namespec)
	return xmlrpc.ProcessInfo{Name: name, Group: group, State: state, PID: pid, Description: description}
}
