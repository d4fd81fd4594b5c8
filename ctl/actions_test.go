package ctl

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"supervisor/xmlrpc"
)

// faults is what a fake refuses.
type faults = map[string]error

func results(rs ...xmlrpc.Result) []xmlrpc.Result { return rs }

func dialError(errno syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}
}

var table = []xmlrpc.ProcessInfo{
	info("cat", xmlrpc.Running, 12, "pid 12, uptime 0:00:01"),
	info("web:0", xmlrpc.Running, 13, "pid 13, uptime 1 day, 0:00:00"),
	info("web:1", xmlrpc.Starting, 14, ""),
}

func usageOf(name string) string { return strings.Join(find(name).usage, "\n") + "\n" }

const lost = ": file: supervisorctl line: 0\n"

// TestActions has every outcome of the actions that are about processes.
func TestActions(t *testing.T) {
	all := xmlrpc.Result{Name: "a", Group: "a", Status: xmlrpc.Success, Description: "OK"}
	member := xmlrpc.Result{Name: "1", Group: "web", Status: xmlrpc.SpawnError, Description: "SPAWN_ERROR: 1"}
	tests := []struct {
		line   string
		faults faults
		res    map[string][]xmlrpc.Result
		want   string
		status int
	}{
		{"start a", nil, nil, "a: started\n", 0},
		{"start a:a web:1", nil, nil, "a: started\nweb:1: started\n", 0},
		{"start", nil, nil, "Error: start requires a process name\n" + usageOf("start"), 2},
		{"start a", faults{"StartProcess": fault(xmlrpc.BadName, "a")}, nil, "a: ERROR (no such process)\n", 1},
		{"start a", faults{"StartProcess": fault(xmlrpc.NoFile, "x")}, nil, "a: ERROR (no such file)\n", 1},
		{"start a", faults{"StartProcess": fault(xmlrpc.NotExecutable, "x")}, nil, "a: ERROR (file is not executable)\n", 1},
		{"start a", faults{"StartProcess": fault(xmlrpc.AbnormalTermination, "a")}, nil, "a: ERROR (abnormal termination)\n", 7},
		{"start a", faults{"StartProcess": fault(xmlrpc.SpawnError, "a")}, nil, "a: ERROR (spawn error)\n", 7},
		{"start a", faults{"StartProcess": fault(xmlrpc.AlreadyStarted, "a")}, nil, "a: ERROR (already started)\n", 0},
		{"start a b", faults{"StartProcess a": fault(xmlrpc.Failed, "a is in an unknown process state")}, nil,
			"a: ERROR (a is in an unknown process state)\nb: started\n", 1},
		{"start a b", faults{"StartProcess a": fault(xmlrpc.ShutdownState)}, nil,
			"error: <class 'ValueError'>, Unknown result code 6 for a" + lost, 1},
		{"start web:*", nil, map[string][]xmlrpc.Result{"StartProcessGroup web": results(member)}, "web:1: ERROR (spawn error)\n", 7},
		{"start web:", nil, nil, "", 0},
		{"start web:*", faults{"StartProcessGroup": fault(xmlrpc.BadName, "web")}, nil, "web: ERROR (no such group)\n", 2},
		{"start web:*", faults{"StartProcessGroup": fault(xmlrpc.ShutdownState)}, nil,
			"error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>" + lost, 1},
		{"start x all", nil, map[string][]xmlrpc.Result{"StartAllProcesses": results(all, member)}, "a: started\nweb:1: ERROR (spawn error)\n", 7},
		{"start b a", faults{"StartProcess b": fault(xmlrpc.BadName, "b")}, nil, "b: ERROR (no such process)\na: started\n", 1},
		{"start b c", faults{"StartProcess b": fault(xmlrpc.SpawnError), "StartProcess c": fault(xmlrpc.BadName, "c")}, nil,
			"b: ERROR (spawn error)\nc: ERROR (no such process)\n", 1},

		{"stop a", nil, nil, "a: stopped\n", 0},
		{"stop", nil, nil, "Error: stop requires a process name\n" + usageOf("stop"), 1},
		{"stop a", faults{"StopProcess": fault(xmlrpc.BadName, "a")}, nil, "a: ERROR (no such process)\n", 1},
		{"stop a", faults{"StopProcess": fault(xmlrpc.NotRunning, "a")}, nil, "a: ERROR (not running)\n", 0},
		{"stop a", faults{"StopProcess": fault(xmlrpc.Failed, "no kill")}, nil, "FAILED: no kill\n", 1},
		{"stop a", faults{"StopProcess": fault(xmlrpc.ShutdownState)}, nil,
			"error: <class 'ValueError'>, Unknown result code 6 for a" + lost, 1},
		{"stop web:*", faults{"StopProcessGroup": fault(xmlrpc.BadName, "web")}, nil, "web: ERROR (no such group)\n", 1},
		{"stop all", nil, map[string][]xmlrpc.Result{"StopAllProcesses": results(all)}, "a: stopped\n", 0},

		{"restart a", faults{"StopProcess": fault(xmlrpc.NotRunning, "a")}, nil, "a: ERROR (not running)\na: started\n", 0},
		{"restart", nil, nil, "Error: restart requires a process name\n" + usageOf("restart"), 1},
		{"restart no:*", faults{"StopProcessGroup": fault(xmlrpc.BadName, "no"), "StartProcessGroup": fault(xmlrpc.BadName, "no")}, nil,
			"no: ERROR (no such group)\nno: ERROR (no such group)\n", 2},
		{"restart all", nil, map[string][]xmlrpc.Result{"StopAllProcesses": results(all), "StartAllProcesses": results(all)},
			"a: stopped\na: started\n", 0},

		{"signal HUP a", nil, nil, "a: signalled\n", 0},
		{"signal HUP", nil, nil, "Error: signal requires a signal name and a process name\n" + usageOf("signal"), 1},
		{"signal X a", faults{"SignalProcess": fault(xmlrpc.BadSignal, "X")}, nil, "a: ERROR (bad signal name)\n", 1},
		{"signal HUP a", faults{"SignalProcess": fault(xmlrpc.BadName, "a")}, nil, "a: ERROR (no such process)\n", 1},
		{"signal HUP a", faults{"SignalProcess": fault(xmlrpc.NotRunning, "a")}, nil, "a: ERROR (not running)\n", 7},
		{"signal HUP a", faults{"SignalProcess": fault(xmlrpc.Failed, "a")}, nil, "FAILED: a\n", 1},
		{"signal HUP no:*", faults{"SignalProcessGroup": fault(xmlrpc.BadName, "no")}, nil, "no: ERROR (no such group)\n", 1},
		{"signal HUP all", nil, map[string][]xmlrpc.Result{"SignalAllProcesses HUP": results(all)}, "a: signalled\n", 0},

		{"clear a", nil, nil, "a: cleared\n", 0},
		{"clear", nil, nil, "Error: clear requires a process name\n" + usageOf("clear"), 1},
		{"clear a", faults{"ClearProcessLogs": fault(xmlrpc.BadName, "a")}, nil, "a: ERROR (no such process)\n", 1},
		{"clear a", faults{"ClearProcessLogs": fault(xmlrpc.Failed, "a")}, nil, "a: ERROR (failed)\n", 1},
		{"clear web:*", faults{"ClearProcessLogs": fault(xmlrpc.BadName, "web:*")}, nil, "web:None: ERROR (no such process)\n", 1},
		{"clear all", nil, map[string][]xmlrpc.Result{"ClearAllProcessLogs": results(all)}, "a: cleared\n", 0},

		{"pid", nil, nil, "77\n", 0},
		{"pid cat nope", nil, nil, "12\nNo such process nope\n", 1},
		{"pid all", nil, nil, "12\n13\n14\n", 0},
		{"version", nil, nil, "4.3.0\n", 0},
		{"version x", nil, nil, "Error: version accepts no arguments\n" + usageOf("version"), 1},

		{"nosuch a", nil, nil, "*** Unknown syntax: nosuch a\n", 1},
		{"Status", nil, nil, "*** Unknown syntax: Status\n", 1},
		{"-x", nil, nil, "*** Unknown syntax: -x\n", 1},
		{" !ls ", nil, nil, "*** Unknown syntax: !ls\n", 1},
		{"pid;cat", nil, nil, "No such process ;cat\n", 1},
		{" \t", nil, nil, "", 0},
		{"quit x", nil, nil, "\n", 0},
		{"exit", nil, nil, "\n", 0},
		{"EOF", nil, nil, "\n", 0},
		{"help all", nil, nil, "*** No help on all\n", 0},
		{"help EOF", nil, nil, "*** No help on EOF\n", 0},
		{"help stop start", nil, nil, "*** No help on stop start\n", 0},
		{"?pid", nil, nil, usageOf("pid"), 0},
		{"help help", nil, nil, "help\t\tPrint a list of available actions\nhelp <action>\tPrint help for <action>\n", 0},
	}
	for _, tt := range tests {
		f := &fake{faults: tt.faults, results: tt.res, infos: table}
		got := play(t, f, tt.line, "", nil)
		if got.stdout != tt.want || got.status != tt.status || got.stderr != "" {
			t.Errorf("%s, %v:\ngot  %q, %d, %q\nwant %q, %d", tt.line, tt.faults, got.stdout, got.status, got.stderr, tt.want, tt.status)
		}
	}
}

func TestHelpTable(t *testing.T) {
	const want = `
default commands (type help <topic>):
=====================================
add    exit      open  reload  restart   start   tail   
avail  fg        pid   remove  shutdown  status  update 
clear  maintail  quit  reread  signal    stop    version

`
	if got := play(t, &fake{}, "help", "", nil); got.stdout != want {
		t.Errorf("got %q", got.stdout)
	}
}

func TestStatus(t *testing.T) {
	long := strings.Repeat("ö", 31)
	tests := []struct {
		name, line string
		infos      []xmlrpc.ProcessInfo
		want       string
		status     int
	}{
		{"all", "status", table, "cat                              RUNNING   pid 12, uptime 0:00:01\n" +
			"web:0                            RUNNING   pid 13, uptime 1 day, 0:00:00\n" +
			"web:1                            STARTING  \n", 0},
		{"nothing", "status", nil, "", 0},
		{"order and repetition", "status web:1 cat web:1", table, "web:1                            STARTING  \n" +
			"cat                              RUNNING   pid 12, uptime 0:00:01\n" +
			"web:1                            STARTING  \n", 0},
		{"group", "status web:", table, "web:0                            RUNNING   pid 13, uptime 1 day, 0:00:00\n" +
			"web:1                            STARTING  \n", 0},
		{"unknown first", "status cat web no:* -x", table, "web: ERROR (no such process)\nno: ERROR (no such group)\n-x: ERROR (no such process)\n" +
			"cat                              RUNNING   pid 12, uptime 0:00:01\n", 4},
		{"down beats unknown", "status x no", []xmlrpc.ProcessInfo{info("x", xmlrpc.Fatal, 0, "why")},
			"no: ERROR (no such process)\nx                                FATAL     why\n", 3},
		{"all hides others", "status nope all", []xmlrpc.ProcessInfo{info("x", xmlrpc.Stopped, 0, "Not started")},
			"x                                STOPPED   Not started\n", 3},
		{"width in characters", "status", []xmlrpc.ProcessInfo{info(long, xmlrpc.Backoff, 0, "d"), info("a", xmlrpc.Stopping, 0, "")},
			long + "   BACKOFF   d\na                                 STOPPING  \n", 0},
		{"word glued to the action", "status-x", table, "-x: ERROR (no such process)\n", 4},
		{"pattern", "status w*", table, "web:0                            RUNNING   pid 13, uptime 1 day, 0:00:00\n" +
			"web:1                            STARTING  \n", 0},
		{"pattern without match", "status w*x", table, "w*x: ERROR (no such process)\n", 4},
		{"literal before pattern", "status a*", []xmlrpc.ProcessInfo{info("a*", xmlrpc.Running, 1, "it"), info("ab", xmlrpc.Running, 1, "no")},
			"a*                               RUNNING   it\n", 0},
		{"colour", "status --color always cat", table, "cat                              \x1b[32mRUNNING\x1b[0m   pid 12, uptime 0:00:01\n", 0},
		{"no colour in a pipe", "status --color=auto cat", table, "cat                              RUNNING   pid 12, uptime 0:00:01\n", 0},
		{"bad colour", "status --color=red", table, "Error: --color is auto, always or never, not red\n", 2},
		{"json", "status --json web:1", table, `[{"namespec":"web:1","name":"1","group":"web","state":10,"statename":"STARTING","description":"",` +
			`"pid":14,"start":0,"stop":0,"now":0,"exitstatus":0,"spawnerr":"","stdout_logfile":"","stderr_logfile":""}]` + "\n", 0},
		{"empty json", "status --json", nil, "[]\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := play(t, &fake{infos: tt.infos}, tt.line, "", nil)
			if got.stdout != tt.want || got.status != tt.status {
				t.Errorf("got %q, %d\nwant %q, %d", got.stdout, got.status, tt.want, tt.status)
			}
		})
	}
}

// TestPatterns checks that a pattern is one only where nothing is called so, and
// that the server is asked for names once.
func TestPatterns(t *testing.T) {
	f := &fake{infos: table, faults: faults{
		"StartProcess w*":      fault(xmlrpc.BadName, "w*"),
		"StartProcess x?":      fault(xmlrpc.BadName, "x?"),
		"StartProcessGroup c*": fault(xmlrpc.BadName, "c*"),
		"StartProcess web:1":   fault(xmlrpc.AlreadyStarted, "web:1"),
	}}
	got := play(t, f, "start w* x? c*:*", "", nil)
	const want = "web:0: started\nweb:1: ERROR (already started)\nx?: ERROR (no such process)\ncat: started\n"
	if got.stdout != want || got.status != 1 {
		t.Errorf("got %q, %d\nwant %q, 1", got.stdout, got.status, want)
	}
	asked := 0
	for _, call := range f.calls {
		if call == "AllProcessInfo" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("asked for the processes %d times: %q", asked, f.calls)
	}
}

func TestUpcheck(t *testing.T) {
	tests := []struct {
		name, line string
		err        error
		version    string
		want       string
		status     int
	}{
		{"refused", "start a", dialError(syscall.ECONNREFUSED), "", testURL + " refused connection\n", 4},
		{"no socket", "start", dialError(syscall.ENOENT), "", testURL + " no such file\n", 7},
		{"status, no socket", "status", dialError(syscall.ENOENT), "", testURL + " no such file\n", 4},
		{"status, other version", "status", nil, "4.0", "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, but the remote version is 4.0.\n", 4},
		{"other version", "pid", nil, "4.0", "Sorry, this version of supervisorctl expects to talk to a server with API version 3.0, but the remote version is 4.0.\n", 5},
		{"no methods", "pid", fault(xmlrpc.UnknownMethod), "", "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section is enabled in the configuration file (see sample.conf).\n", 3},
		{"stopping", "status", fault(xmlrpc.ShutdownState), "", "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>" + lost, 1},
		{"no password", "status", &xmlrpc.HTTPError{Status: 401, Reason: "Unauthorized"}, "",
			"Server requires authentication\nerror: <class 'xmlrpc.client.ProtocolError'>, <ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>" + lost, 1},
		{"not allowed", "tail", dialError(syscall.EACCES), "", "error: <class 'PermissionError'>, [Errno 13] Permission denied" + lost, 1},
		{"port", "pid", &xmlrpc.PortError{Port: "x"}, "", "error: <class 'ValueError'>, Port could not be cast to integer value as 'x'" + lost, 1},
		{"scheme", "pid", &xmlrpc.SchemeError{URL: "ftp://x"}, "", "error: <class 'ValueError'>, Unknown protocol for serverurl ftp://x" + lost, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := play(t, &fake{faults: faults{"APIVersion": tt.err}, version: tt.version}, tt.line, "", nil)
			if got.stdout != tt.want || got.status != tt.status {
				t.Errorf("got %q, %d\nwant %q, %d", got.stdout, got.status, tt.want, tt.status)
			}
		})
	}
}

// TestWithoutUpcheck names the actions that talk to the server at once.
func TestWithoutUpcheck(t *testing.T) {
	var direct []string
	for _, c := range commands() {
		if !c.upcheck && !c.extra {
			direct = append(direct, c.name)
		}
	}
	want := []string{"add", "avail", "exit", "open", "quit", "reload", "remove", "reread", "shutdown", "update"}
	if !slices.Equal(direct, want) {
		t.Errorf("got %q, want %q", direct, want)
	}
}

// TestServerActions has every outcome of the actions that are about the server
// and its configuration.
func TestServerActions(t *testing.T) {
	changes := xmlrpc.Changes{Added: []string{"new"}, Changed: []string{"mod"}, Removed: []string{"gone"}}
	failed := map[string][]xmlrpc.Result{"StopProcessGroup gone": results(xmlrpc.Result{Status: xmlrpc.Failed})}
	stopping := fault(xmlrpc.ShutdownState)
	refused := dialError(syscall.ECONNREFUSED)
	const errRefused = "error: <class 'ConnectionRefusedError'>, [Errno 111] Connection refused" + lost
	broken := fault(xmlrpc.CantReread, "it's\nbad")
	tests := []struct {
		line    string
		changes xmlrpc.Changes
		faults  faults
		res     map[string][]xmlrpc.Result
		want    string
		status  int
	}{
		{line: "reread", changes: changes, want: "gone: disappeared\nmod: changed\nnew: available\n"},
		{line: "reread", want: "No config updates to processes\n"},
		{line: "reread x", want: "Error: reread accepts no arguments\n" + usageOf("reread"), status: 1},
		{line: "reread", faults: faults{"ReloadConfig": stopping}, want: "ERROR: supervisor shutting down\n", status: 1},
		{line: "reread", faults: faults{"ReloadConfig": broken}, want: "ERROR: CANT_REREAD: it's\nbad\n", status: 1},
		{line: "reread", faults: faults{"ReloadConfig": refused}, want: errRefused, status: 1},

		{line: "update", changes: changes, want: "gone: stopped\ngone: removed process group\n" +
			"mod: stopped\nmod: updated process group\nnew: added process group\n"},
		{line: "update mod", changes: changes, faults: faults{"StopProcessGroup": stopping},
			want: "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>" + lost, status: 1},
		{line: "update", want: ""},
		{line: "update new nope nope", changes: changes, want: "ERROR: no such group: nope\nnew: added process group\n", status: 1},
		{line: "update x all", changes: xmlrpc.Changes{Added: []string{"new"}}, want: "new: added process group\n"},
		{line: "update gone", changes: changes, res: failed, want: "gone: stopped\ngone: has problems; not removing\n", status: 1},
		{line: "update", faults: faults{"ReloadConfig": stopping}, want: "ERROR: already shutting down\n", status: 1},
		{line: "update", faults: faults{"ReloadConfig": broken},
			want: `error: <class 'xmlrpc.client.Fault'>, <Fault 92: "CANT_REREAD: it's\nbad">` + lost, status: 1},

		{line: "add"},
		{line: "add a", want: "a: added process group\n"},
		{line: "add a b", faults: faults{"AddProcessGroup a": fault(xmlrpc.AlreadyAdded)}, want: "ERROR: process group already active\nb: added process group\n"},
		{line: "add a", faults: faults{"AddProcessGroup": fault(xmlrpc.BadName)}, want: "ERROR: no such process/group: a\n", status: 1},
		{line: "add a", faults: faults{"AddProcessGroup": stopping}, want: "ERROR: shutting down\n", status: 1},
		{line: "add a", faults: faults{"AddProcessGroup": refused}, want: errRefused, status: 1},
		{line: "remove"},
		{line: "remove a", want: "a: removed process group\n"},
		{line: "remove a b", faults: faults{"RemoveProcessGroup a": fault(xmlrpc.StillRunning)}, want: "ERROR: process/group still running: a\nb: removed process group\n", status: 1},
		{line: "remove a", faults: faults{"RemoveProcessGroup": fault(xmlrpc.BadName)}, want: "ERROR: no such process/group: a\n", status: 1},
		{line: "remove a", faults: faults{"RemoveProcessGroup": stopping},
			want: "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>" + lost, status: 1},

		{line: "reload", want: "Restarted supervisord\n"},
		{line: "reload x", want: "Error: reload accepts no arguments\n" + usageOf("reload"), status: 1},
		{line: "reload", faults: faults{"Restart": stopping}, want: "ERROR: already shutting down\n", status: 1},
		{line: "reload", faults: faults{"Restart": refused}, want: errRefused, status: 1},
		{line: "shutdown", want: "Shut down\n"},
		{line: "shutdown x", want: "Error: shutdown accepts no arguments\n" + usageOf("shutdown"), status: 1},
		{line: "shutdown", faults: faults{"Shutdown": stopping}, want: "ERROR: already shutting down\n"},
		{line: "shutdown", faults: faults{"Shutdown": refused}, want: "ERROR: " + testURL + " refused connection (already shut down?)\n", status: 1},
		{line: "shutdown", faults: faults{"Shutdown": dialError(syscall.ENOENT)}, want: "ERROR: " + testURL + " no such file (already shut down?)\n", status: 1},

		{line: "avail", want: "cat                              in use    auto      999:998\nweb:0                            avail     manual    -1:5\n"},
		{line: "avail x", want: "Error: avail accepts no arguments\n" + usageOf("avail"), status: 1},
		{line: "avail", faults: faults{"AllConfigInfo": stopping}, want: "ERROR: supervisor shutting down\n", status: 1},
		{line: "avail", faults: faults{"AllConfigInfo": refused}, want: errRefused, status: 1},

		{line: "open foo", want: "ERROR: url must be http:// or unix://\n", status: 1},
		{line: "open http", want: "ERROR: url must be http:// or unix://\n", status: 1},
		{line: "open http://b", faults: faults{"APIVersion": refused}, want: "http://b refused connection\n"},
	}
	for _, tt := range tests {
		active := map[string]bool{"gone": true, "mod": true}
		f := &fake{changes: tt.changes, faults: tt.faults, results: tt.res, active: active, configs: []xmlrpc.ConfigInfo{
			{Name: "cat", Group: "cat", InUse: true, Autostart: true, GroupPrio: 999, ProcessPrio: 998},
			{Name: "0", Group: "web", GroupPrio: -1, ProcessPrio: 5},
		}, infos: []xmlrpc.ProcessInfo{info("gone", xmlrpc.Running, 1, ""), info("mod", xmlrpc.Running, 1, "")}}
		got := play(t, f, tt.line, "", nil)
		if got.stdout != tt.want || got.status != tt.status {
			t.Errorf("%s, %v:\ngot  %q, %d\nwant %q, %d", tt.line, tt.faults, got.stdout, got.status, tt.want, tt.status)
		}
	}
}

func TestConsent(t *testing.T) {
	tests := []struct {
		line, stdin, want string
		called            string
	}{
		{"shutdown", "yes\n", "Really shut the remote supervisord process down y/N? Shut down\n", "Shutdown"},
		{"shutdown", "\n", "Really shut the remote supervisord process down y/N? ", ""},
		{"reload", "Y\n", "Really restart the remote supervisord process y/N? Restarted supervisord\n", "Restart"},
		{"reload", "no\n", "Really restart the remote supervisord process y/N? ", ""},
		{"reload", "", "Really restart the remote supervisord process y/N? error: <class 'EOFError'>, EOF when reading a line" + lost, ""},
	}
	for _, tt := range tests {
		f := &fake{}
		got := play(t, f, tt.line, tt.stdin, func(o *Options) { o.Interactive = true })
		if called := strings.Join(f.calls, ", "); got.stdout != tt.want || called != tt.called {
			t.Errorf("%s, %q: got %q and calls %q\nwant %q and %q", tt.line, tt.stdin, got.stdout, called, tt.want, tt.called)
		}
	}
}

func TestLogs(t *testing.T) {
	type reply = map[string]error
	tests := []struct {
		line   string
		faults reply
		want   string
		status int
		call   string // the last one
	}{
		{"tail", nil, "Error: too few arguments\n" + usageOf("tail"), 1, "APIVersion"},
		{"tail a b c d", nil, "Error: too many arguments\n" + usageOf("tail"), 1, "APIVersion"},
		{"tail -x", nil, "Error: tail requires process name\n", 1, "APIVersion"},
		{"tail a FOO", nil, "Error: bad channel 'foo'\n", 1, "APIVersion"},
		{"tail -x a", nil, "Error: bad argument -x\n", 1, "APIVersion"},
		{"tail - a", nil, "Error: bad argument -\n", 1, "APIVersion"},
		{"tail -5.5 a", nil, "Error: bad argument -5.5\n", 1, "APIVersion"},
		{"tail a", nil, "log\n\n", 0, "ReadProcessLog a stdout -1600 0"},
		{"tail a x StdErr", nil, "log\n\n", 0, "ReadProcessLog a stderr -1600 0"},
		{"tail -100 a", nil, "log\n\n", 0, "ReadProcessLog a stdout -100 0"},
		{"tail -0 a", nil, "log\n\n", 0, "ReadProcessLog a stdout 0 0"},
		{"tail --5 a", nil, "log\n\n", 0, "ReadProcessLog a stdout 5 0"},
		{"tail a", reply{"ReadProcessLog": fault(xmlrpc.NoFile)}, "a: ERROR (no log file)\n", 1, "ReadProcessLog a stdout -1600 0"},
		{"tail a", reply{"ReadProcessLog": fault(xmlrpc.Failed)}, "a: ERROR (unknown error reading log)\n", 1, "ReadProcessLog a stdout -1600 0"},
		{"tail a", reply{"ReadProcessLog": fault(xmlrpc.BadName)}, "a: ERROR (no such process name)\n", 1, "ReadProcessLog a stdout -1600 0"},
		{"maintail", nil, "log\n\n", 0, "ReadLog -1600 0"},
		{"maintail -7", nil, "log\n\n", 0, "ReadLog -7 0"},
		{"maintail -x", nil, "Error: bad argument -x\n", 1, "APIVersion"},
		{"maintail x", nil, "Error: bad argument x\n", 1, "APIVersion"},
		{"maintail -f x", nil, "Error: too many arguments\n" + usageOf("maintail"), 1, "APIVersion"},
		{"maintail", reply{"ReadLog": fault(xmlrpc.NoFile)}, "supervisord: ERROR (no log file)\n", 1, "ReadLog -1600 0"},
		{"maintail", reply{"ReadLog": fault(xmlrpc.Failed)}, "supervisord: ERROR (unknown error reading log)\n", 1, "ReadLog -1600 0"},
	}
	for _, tt := range tests {
		f := &fake{faults: tt.faults, log: "log\n"}
		got := play(t, f, tt.line, "", nil)
		if last := f.calls[len(f.calls)-1]; got.stdout != tt.want || got.status != tt.status || last != tt.call {
			t.Errorf("%s, %v: got %q, %d, %q\nwant %q, %d, %q", tt.line, tt.faults, got.stdout, got.status, last, tt.want, tt.status, tt.call)
		}
	}
}

func TestFollow(t *testing.T) {
	const begin = "==> Press Ctrl-C to exit <==\n"
	tests := []struct {
		line           string
		path           string
		chunks         []string
		err            error
		stdout, stderr string
	}{
		{"tail -f a", "/logtail/a/stdout", []string{"x\n", "y"}, nil, begin + "x\ny", ""},
		{"tail -f web:1 stderr", "/logtail/web:1/stderr", []string{"x"}, nil, begin + "x", ""},
		{"tail -f hä", "/logtail/h%c3%a4/stdout", []string{"x"}, nil, begin + "x", ""},
		{"tail -f a#b;c?d%e", "/logtail/a%2523b%253Bc%253Fd%2525e/stdout", []string{"x"}, nil, begin + "x", ""},
		{"maintail -f", "/mainlogtail", []string{"x"}, nil, begin + "x", ""},
		{"tail -f nope", "", nil, nil, begin, testURL + "/logtail/nope/stdout Cannot read, status code 404\n"},
		{"tail -f a", "", nil, dialError(syscall.ENOENT), begin,
			testURL + "/logtail/a/stdout Cannot connect, error: <class 'FileNotFoundError'> ([Errno 2] No such file or directory)\n"},
		{"tail -f a", "", nil, errors.New("connection lost"), begin, ""},
		{"tail -f a", "/logtail/a/stdout", []string{"ab\xff\xfe\n", "c"}, nil, begin + `Undecodable: b'ab\xff\xfe\n'c`, ""},
	}
	for _, tt := range tests {
		f := &fake{faults: faults{"Stream": tt.err}, streams: map[string][]string{tt.path: tt.chunks}}
		got := play(t, f, tt.line, "", nil)
		if got != (outcome{tt.stdout, tt.stderr, 0}) {
			t.Errorf("%s: got %+v\nwant %q, %q, 0", tt.line, got, tt.stdout, tt.stderr)
		}
	}
}

func TestDecoder(t *testing.T) {
	tests := []struct {
		name   string
		chunks []string
		want   string
	}{
		{"divided character", []string{"gr\xc3", "\xbcn"}, "grün"},
		{"divided twice", []string{"\xf0\x9f", "\x98", "\x80!"}, "😀!"},
		{"begins inside a character", []string{"\xbcn", "ü"}, "nü"},
		{"never ends", []string{"a\xc3"}, `aUndecodable: b'\xc3'`},
		{"continuation later", []string{"a", "\xbcn"}, `aUndecodable: b'\xbcn'`},
		{"quotes", []string{"it's\xff\t\\"}, `Undecodable: b"it's\xff\t\\"`},
		{"both quotes", []string{"'\"\xff\r"}, `Undecodable: b'\'"\xff\r'`},
		{"nothing", []string{""}, ""},
	}
	for _, tt := range tests {
		var d decoder
		got := ""
		for _, chunk := range tt.chunks {
			got += string(d.decode([]byte(chunk)))
		}
		if got += string(d.rest()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestForeground(t *testing.T) {
	const begin, end = "==> Press Ctrl-C to exit <==\n", "Exiting foreground\n"
	tests := []struct {
		line, stdin string
		faults      faults
		want        string
		status      int
	}{
		{"fg", "", nil, "ERROR: no process name supplied\n" + usageOf("fg"), 1},
		{"fg a b", "", nil, "ERROR: too many process names supplied\n", 1},
		{"fg nope", "", nil, "ERROR: bad process name supplied\n", 1},
		{"fg web:1", "", nil, "ERROR: process not running\n", 1},
		{"fg cat", "", faults{"ProcessInfo": fault(xmlrpc.ShutdownState)}, "ERROR: <Fault 6: 'SHUTDOWN_STATE'>\n", 0},
		{"fg cat", "hello\nmore", nil, begin + end, 0},
		{"fg cat", "x\ny\n", faults{"SendProcessStdin": fault(xmlrpc.NotRunning)}, begin + "Process got killed\n" + end, 0},
		{"fg cat", "x\n", faults{"SendProcessStdin": fault(xmlrpc.NoFile, "cat")}, begin + "ERROR: <Fault 20: 'NO_FILE: cat'>\n" + end, 0},
	}
	for _, tt := range tests {
		f := &fake{faults: tt.faults, infos: table, streams: map[string][]string{"/logtail/cat/stdout": nil, "/logtail/cat/stderr": nil}, open: true}
		got := play(t, f, tt.line, tt.stdin, nil)
		if got != (outcome{tt.want, "", tt.status}) {
			t.Errorf("%s, %v: got %+v\nwant %q, %d", tt.line, tt.faults, got, tt.want, tt.status)
		}
		if tt.stdin == "hello\nmore" {
			if !slices.Contains(f.calls, "SendProcessStdin cat hello\n") || !slices.Contains(f.calls, "SendProcessStdin cat more\n") {
				t.Errorf("lines were not sent: %q", f.calls)
			}
		}
	}
}

func TestWait(t *testing.T) {
	fatal := info("bad", xmlrpc.Fatal, 0, "Exited too quickly")
	tests := []struct {
		line, want string
		status     int
	}{
		{"wait cat", "cat: running\n", 0},
		{"wait cat running", "cat: running\n", 0},
		{"wait web:1 STARTING --timeout=1", "web:1: starting\n", 0},
		{"wait web:1 --timeout 0.001", "web:1: ERROR (timed out waiting for RUNNING)\n", 124},
		{"wait web:*  --timeout 0.001", "web:*: ERROR (timed out waiting for RUNNING)\n", 124},
		{"wait bad", "bad: ERROR (Exited too quickly)\n", 7},
		{"wait bad FATAL", "bad: fatal\n", 0},
		{"wait nope", "nope: ERROR (no such process)\n", 1},
		{"wait", "Error: wait requires a process name\n" + usageOf("wait"), 2},
		{"wait cat HAPPY", "Error: no such state 'HAPPY'\n" + usageOf("wait"), 2},
		{"wait cat --timeout x", "Error: bad timeout 'x'\n" + usageOf("wait"), 2},
	}
	for _, tt := range tests {
		got := play(t, &fake{infos: append(slices.Clone(table), fatal)}, tt.line, "", nil)
		if got.stdout != tt.want || got.status != tt.status {
			t.Errorf("%s: got %q, %d\nwant %q, %d", tt.line, got.stdout, got.status, tt.want, tt.status)
		}
	}
}

// TestManyProcesses has a table that is too large to go through for each name.
func TestManyProcesses(t *testing.T) {
	var infos []xmlrpc.ProcessInfo
	var names []string
	for i := range 5000 {
		infos = append(infos, info(fmt.Sprint("p", i), xmlrpc.Running, i+1, "up"))
		names = append(names, infos[i].Name)
	}
	got := play(t, &fake{infos: infos}, "status "+strings.Join(names, " "), "", nil)
	if lines := strings.Count(got.stdout, "\n"); lines != len(infos) || got.status != 0 {
		t.Errorf("got %d lines, status %d", lines, got.status)
	}
}

func TestAdvice(t *testing.T) {
	tests := []struct {
		url  string
		err  error
		want string // in the first line
	}{
		{testURL, dialError(syscall.ECONNREFUSED), "nobody listens"},
		{testURL, dialError(syscall.ENOENT), "no socket /run/s.sock"},
		{testURL, dialError(syscall.EACCES), "may not use the socket"},
		{"http://h:1", dialError(syscall.ECONNREFUSED), "Nobody listens at that address"},
		{"http://h:1", &net.DNSError{Name: "h"}, "name of the host"},
		{"http://h:1", &xmlrpc.HTTPError{Status: 401}, "wants the name and the password"},
	}
	for _, tt := range tests {
		if got := advice(tt.url, tt.err); len(got) == 0 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s, %v: got %q, want %q in it", tt.url, tt.err, got, tt.want)
		}
	}
	if got := advice(testURL, errors.New("odd")); got != nil {
		t.Errorf("advice on what is not understood: %q", got)
	}
}
