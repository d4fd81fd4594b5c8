package ctl

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"supervisor/xmlrpc"
)

const shellStatus = "cat                              RUNNING   pid 12, uptime 0:00:01\n" +
	"web:0                            RUNNING   pid 13, uptime 1 day, 0:00:00\n" +
	"web:1                            STARTING  \n"

// TestShellFromPipe has the shell where stdin is no terminal.
func TestShellFromPipe(t *testing.T) {
	tests := []struct{ stdin, want string }{
		{"", "supervisor> \n"},
		{"version\n", "supervisor> 4.3.0\nsupervisor> \n"},
		{"version", "supervisor> 4.3.0\nsupervisor> \n"}, // the last line has no end
		{"\n  \npid\n", "supervisor> supervisor> supervisor> 77\nsupervisor> \n"},
		{"quit\nversion\n", "supervisor> \n"},
		{"exit\n", "supervisor> \n"},
		{"nope\nversion x\n", "supervisor> *** Unknown syntax: nope\nsupervisor> Error: version accepts no arguments\n" +
			usageOf("version") + "supervisor> \n"},
		{"shutdown\nno\nshutdown\ny\n", "supervisor> Really shut the remote supervisord process down y/N? " +
			"supervisor> Really shut the remote supervisord process down y/N? Shut down\nsupervisor> \n"},
		{"fg cat\nto cat\n", "supervisor> ==> Press Ctrl-C to exit <==\nExiting foreground\nsupervisor> \n"},
	}
	for _, tt := range tests {
		f := &fake{infos: table, streams: map[string][]string{"/logtail/cat/stdout": nil, "/logtail/cat/stderr": nil}}
		got := play(t, f, "", tt.stdin, nil)
		if got != (outcome{shellStatus + tt.want, "", 0}) {
			t.Errorf("%q: got %+v\nwant %q", tt.stdin, got, shellStatus+tt.want)
		}
	}
}

// TestShellWithoutServer checks that the shell outlives an unreachable server.
func TestShellWithoutServer(t *testing.T) {
	f := &fake{faults: faults{"APIVersion": dialError(111)}}
	got := play(t, f, "", "version\n", nil)
	want := testURL + " refused connection\nsupervisor> " + testURL + " refused connection\nsupervisor> \n"
	if got.stdout != want || got.status != 0 {
		t.Errorf("got %+v\nwant %q", got, want)
	}
}

// TestCredentials checks that the shell asks until the server is content, and
// goes on with what it was asked to do.
func TestCredentials(t *testing.T) {
	f := &fake{infos: table}
	refused := &xmlrpc.HTTPError{Status: 401, Reason: "Unauthorized"}
	var tried []string
	var out strings.Builder
	o := Options{ServerURL: testURL, Prompt: "p", Stdin: strings.NewReader("joe\nwrong\njoe\nright\nversion\n"), Stdout: &out, Stderr: &out}
	s := newSession(o, func(_, username, password string) (daemon, error) {
		tried = append(tried, username+":"+password)
		f.faults = faults{"APIVersion": refused}
		if password == "right" {
			f.faults = nil
		}
		return f, nil
	})
	status := s.shell(t.Context())
	const asked = "Server requires authentication\nUsername:Password:\n"
	want := asked + asked + shellStatus + "p> 4.3.0\np> \n"
	if out.String() != want || status != 0 {
		t.Errorf("got %q, %d\nwant %q", out.String(), status, want)
	}
	if wanted := []string{":", "joe:wrong", "joe:right"}; !slices.Equal(tried, wanted) {
		t.Errorf("tried %q, want %q", tried, wanted)
	}
}

func TestCredentialsNotGiven(t *testing.T) {
	f := &fake{faults: faults{"APIVersion": &xmlrpc.HTTPError{Status: 401, Reason: "Unauthorized"}}}
	got := play(t, f, "pid", "", func(o *Options) { o.Interactive = true })
	want := "Server requires authentication\nUsername:error: <class 'EOFError'>, EOF when reading a line" + lost
	if got.stdout != want || got.status != 1 {
		t.Errorf("got %+v\nwant %q, 1", got, want)
	}
}

// TestHalfCredentials checks that a name without a password is not sent.
func TestHalfCredentials(t *testing.T) {
	var sent string
	s := newSession(Options{Username: "joe", HasUsername: true, Stdout: &strings.Builder{}}, func(_, username, password string) (daemon, error) {
		sent = username + ":" + password
		return &fake{}, nil
	})
	s.execute(t.Context(), "pid")
	if sent != ":" {
		t.Errorf("sent %q", sent)
	}
}

func TestComplete(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{"st", []string{"start ", "status ", "stop "}},
		{"statu", []string{"status "}},
		{"zz", nil},
		{"help re", []string{"reload ", "remove ", "reread ", "restart "}},
		{"?re", []string{"reload ", "remove ", "reread ", "restart "}},
		{"el re", []string{"reload ", "remove ", "reread ", "restart "}}, // as in Supervisor
		{"start ", []string{"cat ", "web:0 ", "web:* ", "web:1 ", "all "}},
		{"start c", []string{"cat "}},
		{"start cat:", []string{"cat:cat ", "cat:* "}},
		{"start cat al", []string{"all "}},
		{"stop cat w", []string{"web:0 ", "web:* ", "web:1 "}},
		{"fg ", []string{"cat ", "web:0 ", "web:1 "}},
		{"clear ", []string{"cat ", "web:0 ", "web:1 ", "all "}},
		{"signal U", []string{"USR1 ", "USR2 "}},
		{"signal HUP ", []string{"cat ", "web:0 ", "web:* ", "web:1 ", "all "}},
		{"signal HUP cat c", []string{"cat "}},
		{"tail -", []string{"-f "}},
		{"tail -f c", []string{"cat "}},
		{"tail -f cat ", []string{"stdout ", "stderr "}},
		{"tail -100 cat stde", []string{"stderr "}},
		{"wait cat S", []string{"STOPPED ", "STARTING ", "STOPPING "}},
		{"wait --timeout 5 cat F", []string{"FATAL "}},
		{"wait --timeout ", nil},
		{"wait --timeout=5 ca", []string{"cat "}},
		{"wait --t", []string{"--timeout "}},
		{"status --", []string{"--json ", "--color "}},
		{"status --color a", []string{"auto ", "always "}},
		{"status --color=n", []string{"--color=never "}},
		{"status --json c", []string{"cat "}},
		{"completion ", []string{"bash ", "zsh ", "fish "}},
		{"update ", []string{"cat ", "web ", "all "}},
		{"remove w", []string{"web "}},
		{"avail ", nil},
		{"avail -", nil},
		{"maintail -", []string{"-f "}},
		{"nosuch ", nil},
	}
	for _, tt := range tests {
		s := newSession(Options{Stdout: &strings.Builder{}}, func(string, string, string) (daemon, error) { return &fake{infos: table}, nil })
		if got := s.complete(tt.line); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.line, got, tt.want)
		}
	}
	all := newSession(Options{Stdout: &strings.Builder{}}, nil).complete("")
	if !slices.Contains(all, "help ") || !slices.Contains(all, "avail ") || slices.Contains(all, "EOF ") {
		t.Errorf("an empty line: %q", all)
	}
}

// TestCompleteAsksOnce checks that TAB asks the server once for a line, and that
// an error is silent.
func TestCompleteAsksOnce(t *testing.T) {
	f := &fake{infos: table}
	s := newSession(Options{Stdout: &strings.Builder{}}, func(string, string, string) (daemon, error) { return f, nil })
	s.complete("start ")
	s.complete("start w")
	if len(f.calls) != 1 {
		t.Errorf("one line: %q", f.calls)
	}
	s.execute(t.Context(), "nosuch")
	f.faults = faults{"AllProcessInfo": dialError(111)}
	f.infos = nil
	if got := s.complete("start "); !slices.Equal(got, []string{"all "}) || len(f.calls) != 2 {
		t.Errorf("next line: %q, %q", got, f.calls)
	}
}

func TestHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(file, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var h history
	h.load(file)
	for _, line := range []string{"avail", "avail", "", "pid a", "avail"} {
		h.Add(line)
	}
	if want := []string{"old", "avail", "pid a", "avail"}; !slices.Equal(h.lines, want) {
		t.Errorf("got %q", h.lines)
	}
	h.save(file)
	if got, err := os.ReadFile(file); err != nil || string(got) != "old\navail\npid a\navail\n" {
		t.Errorf("saved %q, %v", got, err)
	}
	var none history
	none.load(file + ".nope")
	none.load("")
	none.save("")
	if len(none.lines) != 0 {
		t.Errorf("from nowhere: %q", none.lines)
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		got := play(t, &fake{}, "completion "+shell, "", nil)
		if !strings.Contains(got.stdout, "supervisorctl completion "+shell) || got.status != 0 {
			t.Errorf("%s: %+v", shell, got)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("syntax of the script for %s not checked: %v", shell, err)
			continue
		}
		check := exec.Command(path, "-n")
		check.Stdin = strings.NewReader(got.stdout)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
	if got := play(t, &fake{}, "completion tcsh", "", nil); got.status != 2 {
		t.Errorf("tcsh: %+v", got)
	}
}
