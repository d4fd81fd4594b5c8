package supervise

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"supervisor/supervise/backoff"
	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/supervise/spawn"
	"supervisor/xmlrpc"
)

func TestUptime(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0:00:00"}, {-time.Hour, "0:00:00"}, {130*time.Second + 900*time.Millisecond, "0:02:10"},
		{10 * time.Hour, "10:00:00"}, {24 * time.Hour, "1 day, 0:00:00"}, {49*time.Hour + 61*time.Second, "2 days, 1:01:01"},
	} {
		if got := string(appendUptime(nil, tt.d)); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.d, got, tt.want)
		}
	}
}

// viewOf is the view of a process with that status.
func viewOf(cfg *config.Program, st life.Status) view {
	return new(Supervisor).view(&process{cfg: cfg, Status: st})
}

// What is larger than 32 KiB has to be fetched from the heap that all threads share, and
// cleared: with a hundred processes that was half of what the loop did for such a request.
func TestViewsOfAHundred(t *testing.T) {
	if size := 100 * unsafe.Sizeof(view{}); size > 32<<10 {
		t.Errorf("%d bytes", size)
	}
}

func TestDescription(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 46, 7, 0, time.Local)
	for _, tt := range []struct {
		name string
		st   life.Status
		want string
	}{
		{"running", life.Status{State: xmlrpc.Running, PID: 7, Started: now.Add(-time.Minute)}, "pid 7, uptime 0:01:00"},
		{"fatal", life.Status{State: xmlrpc.Fatal, SpawnErr: "x"}, "x"},
		{"fatal without a reason", life.Status{State: xmlrpc.Fatal}, `unknown error (try "tail web")`},
		{"never started", life.Status{State: xmlrpc.Stopped}, "Not started"},
		{"stopped", life.Status{State: xmlrpc.Stopped, Started: now, Stopped: now}, "Nov 22 08:46 AM"},
		{"starting", life.Status{State: xmlrpc.Starting}, ""},
		{"a pause before the next start", life.Status{State: xmlrpc.Exited, Started: now, Stopped: now, Due: now.Add(900 * time.Millisecond)}, "Nov 22 08:46 AM"},
		{"stopping", life.Status{State: xmlrpc.Stopping}, ""},
		{"never had a child", life.Status{State: xmlrpc.Stopped, Started: now}, time.Unix(0, 0).Format("Jan 02 03:04 PM")},
	} {
		p := viewOf(testProgram(), tt.st)
		if got := p.description(now); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDescriptionOfAPause(t *testing.T) {
	now := time.Now()
	cfg := testProgram()
	cfg.Restart.Delay = 0
	v := viewOf(cfg, life.Status{State: xmlrpc.Exited, Started: now, Stopped: now, Due: now.Add(3100 * time.Millisecond)})
	if got, want := v.description(now), "restarting in 4s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := v.description(now.Add(4 * time.Second)); strings.HasPrefix(got, "restarting") {
		t.Errorf("when it is over: %q", got)
	}
}

// Clients ask for all processes at a time.
func TestDescriptionAllocates(t *testing.T) {
	now := time.Now()
	p := viewOf(testProgram(), life.Status{State: xmlrpc.Running, PID: 1 << 20, Started: now.Add(-100 * 24 * time.Hour)})
	if n := testing.AllocsPerRun(100, func() { p.description(now) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestExitStatus(t *testing.T) {
	for _, tt := range []struct {
		raw  syscall.WaitStatus
		want life.Exit
	}{
		{0, life.Exit{Code: 0, Text: "exit status 0"}},
		{44 << 8, life.Exit{Code: 44, Text: "exit status 44"}},
		{15, life.Exit{Code: -1, Text: "terminated by SIGTERM", Signal: syscall.SIGTERM}},
		{11 | 0x80, life.Exit{Code: -1, Text: "terminated by SIGSEGV (core dumped)", Signal: syscall.SIGSEGV}},
		{0x7f, life.Exit{Code: -1, Text: "unknown termination cause 0x7f"}},
	} {
		if got := exitStatusOf(tt.raw); got != tt.want {
			t.Errorf("%#x: got %+v, want %+v", uint32(tt.raw), got, tt.want)
		}
	}
}

// The tables of Supervisor's manual on a log of 20 bytes.
func TestReadLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("0123456789abcdefghi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		offset, length int64
		want           string
		code           xmlrpc.Code
	}{
		{0, 0, "0123456789abcdefghi\n", 0}, {0, 5, "01234", 0}, {5, 0, "56789abcdefghi\n", 0}, {5, 5, "56789", 0},
		{15, 100, "fghi\n", 0}, {20, 0, "", 0}, {20, 5, "", 0}, {21, 0, "", 0}, {100, 5, "", 0},
		{-5, 0, "fghi\n", 0}, {-20, 0, "0123456789abcdefghi\n", 0}, {-100, 0, "0123456789abcdefghi\n", 0}, {-1, 0, "\n", 0},
		{-5, 1, "", xmlrpc.BadArguments}, {-5, -1, "", xmlrpc.BadArguments}, {0, -1, "", xmlrpc.BadArguments}, {5, -5, "", xmlrpc.BadArguments},
	} {
		got, err := readLog(path, tt.offset, tt.length)
		var code xmlrpc.Code
		if f, ok := err.(*xmlrpc.Fault); ok {
			code = f.Code
		}
		if got != tt.want || code != tt.code {
			t.Errorf("%d,%d: got %q, %v, want %q, fault %d", tt.offset, tt.length, got, err, tt.want, tt.code)
		}
	}
}

// A log need not be a file that can be read.
func TestReadLogOfOtherKind(t *testing.T) {
	if got, err := readLog(os.DevNull, 0, 0); got != "" || err != nil {
		t.Errorf("%s: got %q, %v", os.DevNull, got, err)
	}
	_, err := readLog(t.TempDir(), 0, 0)
	if f, ok := err.(*xmlrpc.Fault); !ok || f.Code != xmlrpc.Failed {
		t.Errorf("a directory: got %v", err)
	}
}

func TestTailLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const all = "0123456789abcdefghi\n"
	if err := os.WriteFile(path, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		offset, length int64
		want           string
		overflow       bool
	}{
		{0, 0, "", true}, {0, 5, "fghi\n", true}, {0, 19, all[1:], true}, {0, 20, all, false}, {0, 100, all, false},
		{5, 5, "fghi\n", true}, {5, 15, all[5:], false}, {5, 16, all[4:], false}, {5, 100, all, false}, {-5, 30, all, false},
		{0, -1, "", true}, {5, -5, "", true}, {20, -1, "", true}, {30, -15, "", true},
		{15, 4, "ghi\n", true}, {15, 5, "fghi\n", false}, {15, 6, "efghi\n", false}, {19, 0, "", true}, {19, 1, "\n", false},
		{20, 0, "", false}, {20, 5, "", false}, {21, 5, "", false}, {100, 0, "", false}, {-5, 0, "", true},
		{-5, 5, "fghi\n", true}, {-100, 10, "abcdefghi\n"[0:10], true}, {30, -5, "", false},
	} {
		got := tailLog(path, tt.offset, tt.length)
		if got.Bytes != tt.want || got.Overflow != tt.overflow || got.Offset != 20 {
			t.Errorf("%d,%d: got %+v, want %q, %v", tt.offset, tt.length, got, tt.want, tt.overflow)
		}
	}
	if got := tailLog(path+".not", 0, 5); got != (xmlrpc.Tail{}) {
		t.Errorf("no log: got %+v", got)
	}
}

// What is due comes in order of time, and in order of entry at the same time.
func TestAgenda(t *testing.T) {
	var a agenda
	names := []string{"b", "d", "a", "c", "e"}
	when := map[string]int{"a": 0, "b": 1, "c": 1, "d": 1, "e": 9}
	processes := map[string]*process{}
	for _, name := range names {
		processes[name] = &process{cfg: &config.Program{Name: name}, index: -1}
		a.enter(processes[name], moment.Add(time.Duration(when[name])*time.Second))
	}
	a.enter(processes["e"], moment.Add(-time.Second)) // moved to the front
	a.enter(processes["d"], time.Time{})              // taken out
	var got []string
	for len(a.processes) > 0 {
		p := a.processes[0]
		got = append(got, p.cfg.Name)
		a.enter(p, time.Time{})
	}
	if want := []string{"e", "a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Failed starts are repeated in the configured order if they failed at about the same
// time, and those that failed later do not hold them up.
func TestRetriesKeepTheConfiguredOrder(t *testing.T) {
	var a agenda
	s := &Supervisor{mood: Running}
	inGroup := func(place, priority int) *group { return &group{place: place, cfg: &config.Group{Priority: priority}} }
	first, second, third := inGroup(7, 1), inGroup(3, 2), inGroup(5, 2)
	fail := func(name string, g *group, priority, place int, after time.Duration) {
		p := &process{cfg: &config.Program{Name: name, Priority: priority, Policy: life.Policy{Restart: backoff.Default()}}, group: g, place: place, index: -1}
		p.Status = life.Status{State: xmlrpc.Backoff, Tries: 1, Due: moment.Add(after)}
		s.schedule(p)
	}
	fail("f", third, 1, 0, 1*time.Millisecond)
	fail("e", second, 9, 0, 3*time.Millisecond)
	fail("d", second, 8, 1, 5*time.Millisecond)
	fail("c", first, 2, 2, 90*time.Millisecond)
	fail("a", first, 1, 3, 100*time.Millisecond)
	fail("b", first, 2, 1, 200*time.Millisecond)
	fail("later", first, 0, 4, time.Second)
	a = s.agenda
	var got []string
	var when []time.Duration
	for len(a.processes) > 0 {
		p := a.processes[0]
		got, when = append(got, p.cfg.Name), append(when, p.due.Sub(moment))
		a.enter(p, time.Time{})
	}
	if want := []string{"a", "b", "c", "d", "e", "f", "later"}; !slices.Equal(got, want) {
		t.Errorf("got %v at %v, want %v", got, when, want)
	}
	if when[0] != when[5] || when[0] > time.Millisecond*3+retryWindow || when[0] < 200*time.Millisecond {
		t.Errorf("at %v", when)
	}
	s.agenda.past(moment.Add(2 * time.Second))
	if n := len(s.agenda.retries); n != 0 {
		t.Errorf("%d moments that are over are kept", n)
	}
}

func TestFindCommand(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"p1/tool", "p2", "p3"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"p2/tool2": 0o644, "p3/tool": 0o755, "p3/tool2": 0o755, "p3/tool3": 0o755} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	path := dir + "/p1:" + dir + "/p2:" + dir + "/p3"
	for _, tt := range []struct{ command, want string }{
		{"tool", "command at '" + dir + "/p1/tool' is a directory"},
		{"tool2", "command at '" + dir + "/p2/tool2' is not executable"},
		{"tool3", ""},
		{"none", "can't find command 'none'"},
		{"'   '", "can't find command '   '"},
		{"no'such", `can't parse command "no'such": No closing quotation`},
		{`a\`, `can't parse command 'a\\': No escaped character`},
		{"  ", "command is empty"},
	} {
		cfg := &config.Program{Command: tt.command, Environment: map[string]string{"PATH": path}}
		c, err := new(Supervisor).command(&process{cfg: cfg})
		if err == nil {
			_, err = spawn.FindExecutable(c.words[0], spawn.SearchPath(cfg.Environment, nil))
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.command, got, tt.want)
		}
	}
}

// The environment of a child is ours, changed in this order: by Supervisor's own
// variables, then by what is configured. What is not changed is shared by all.
func TestCommand(t *testing.T) {
	ours := []string{"A=1", "PATH=/x", "SUPERVISOR_ENABLED=0", "odd", "SUPERVISOR_GROUP_NAME=y"}
	args, err := spawn.NewArguments(nil, ours)
	if err != nil {
		t.Fatal(err)
	}
	s := &Supervisor{environ: ours, environArgs: args[:len(ours)]}
	p := &process{cfg: &config.Program{
		Name: "p", Group: "g", Command: "prog 'a b'", ServerURL: "http://x",
		Environment: map[string]string{"PATH": "/y", "SUPERVISOR_SERVER_URL": "mine"},
	}}
	c, err := s.command(p)
	if err != nil || c.unusable != nil {
		t.Fatal(err, c.unusable)
	}
	if want := []string{"prog", "a b"}; !slices.Equal(c.words, want) {
		t.Errorf("words %q, want %q", c.words, want)
	}
	kept, own := s.childEnvironment(p.cfg, map[string]string{"PATH": "/below", "SUPERVISOR_ENABLED": "no", "BELOW": "b"})
	if want := []string{"A=1", "odd"}; !slices.Equal(pick(ours, kept), want) {
		t.Errorf("kept %q, want %q", pick(ours, kept), want)
	}
	want := []string{"BELOW=b", "PATH=/y", "SUPERVISOR_ENABLED=1", "SUPERVISOR_GROUP_NAME=g", "SUPERVISOR_PROCESS_NAME=p", "SUPERVISOR_SERVER_URL=mine"}
	if !slices.Equal(own, want) {
		t.Errorf("own %q, want %q", own, want)
	}
	if c.environ[0] != args[0] || c.environ[1] != args[3] {
		t.Error("what all have is not shared")
	}
	if again, _ := s.command(p); again != c {
		t.Error("it is made for each start")
	}
}

// What a program with ready=notify has of these variables is ours, not what we have
// ourselves from whoever has started us.
func TestNotifyVariables(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no ready=notify on this system")
	}
	ours := []string{"NOTIFY_SOCKET=/run/systemd/notify", "A=1", "WATCHDOG_USEC=5"}
	args, err := spawn.NewArguments(nil, ours)
	if err != nil {
		t.Fatal(err)
	}
	s := &Supervisor{environ: ours, environArgs: args[:len(ours)], done: make(chan struct{})}
	cfg := &config.Program{Name: "p", Group: "p", Command: "cat", Ready: config.Readiness{When: config.ReadyNotify}, Watchdog: time.Minute}
	c, err := s.command(&process{cfg: cfg})
	if err != nil {
		t.Fatal(err)
	}
	defer s.notify.Close()
	fresh, err := s.freshEnviron(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	for name, environ := range map[string]spawn.Arguments{"of the command": c.environ, "made for a start": fresh} {
		var got []string
		for _, pair := range argumentTexts(environ) {
			if !strings.HasPrefix(pair, "SUPERVISOR_") {
				got = append(got, pair)
			}
		}
		slices.Sort(got)
		if want := []string{"A=1", "NOTIFY_SOCKET=" + s.notify.Address(), "WATCHDOG_USEC=60000000"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A command that the system would not take fails without a child, and is not even
// tried.
func TestUnusableCommand(t *testing.T) {
	for name, cfg := range map[string]*config.Program{
		"a word":     {Command: "/bin/true a\x00b", Umask: -1},
		"a variable": {Command: "/bin/true", Umask: -1, Environment: map[string]string{"A": "\x00"}},
	} {
		c, err := new(Supervisor).command(&process{cfg: cfg})
		if err != nil || c.unusable == nil {
			t.Fatalf("%s: %v, unusable: %v", name, err, c.unusable)
		}
		w := new(spawner) // whose starter would not survive a try
		a := &attempt{cfg: cfg, command: c, file: c.words[0], pipes: spawn.Pipes{Child: [4]int{0, 1, 2, -1}}}
		if _, _, err = w.fork(a, -1); err != syscall.EINVAL {
			t.Errorf("%s: %v, want %v", name, err, syscall.EINVAL)
		}
	}
}
