package ctl

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"supervisor/xmlrpc"
)

// restarting is a daemon whose stops take two seconds and whose starts take three.
type restarting struct {
	*fake
	done []string
}

func (d *restarting) StopProcess(ctx context.Context, name string, _ bool) (bool, error) {
	return d.change(ctx, "stop "+name, 2*time.Second)
}

func (d *restarting) StartProcess(ctx context.Context, name string, wait bool) (bool, error) {
	if !wait {
		return d.change(ctx, "start "+name+" without waiting", 0)
	}
	return d.change(ctx, "start "+name, 3*time.Second)
}

// change is carried out even if the client does not wait for it.
func (d *restarting) change(ctx context.Context, what string, takes time.Duration) (bool, error) {
	if err := d.call(what); err != nil {
		return false, err
	}
	d.done = append(d.done, what)
	select {
	case <-time.After(takes):
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// TestRestartInterrupted: Ctrl-C leaves nothing down that was up, unless it comes twice.
func TestRestartInterrupted(t *testing.T) {
	tests := []struct {
		name       string
		line       string
		interrupts []time.Duration
		done       []string
		stdout     string
		told       bool
		after      time.Duration
	}{
		{"not at all", "restart a b", nil, []string{"stop a", "stop b", "start a", "start b"},
			"a: stopped\nb: stopped\na: started\nb: started\n", false, 10 * time.Second},
		{"while the first one stops", "restart a b", []time.Duration{time.Second}, []string{"stop a", "start a without waiting"},
			"a: stopped\na: started again\n\n", true, 2 * time.Second},
		{"while the second one stops", "restart a b c", []time.Duration{3 * time.Second},
			[]string{"stop a", "stop b", "start a without waiting", "start b without waiting"},
			"a: stopped\nb: stopped\na: started again\nb: started again\n\n", true, 4 * time.Second},
		{"while the first one starts", "restart a b", []time.Duration{5 * time.Second},
			[]string{"stop a", "stop b", "start a", "start a without waiting", "start b without waiting"},
			"a: stopped\nb: stopped\na: started again\nb: started again\n\n", true, 5 * time.Second},
		{"twice", "restart a b", []time.Duration{time.Second, 1500 * time.Millisecond}, []string{"stop a"}, "\n", true, 1500 * time.Millisecond},
		{"what was down stays down", "restart down a b", []time.Duration{time.Second}, []string{"stop a", "start a without waiting"},
			"down: ERROR (not running)\na: stopped\na: started again\n\n", true, 2 * time.Second},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			d := &restarting{fake: &fake{faults: faults{"stop down": fault(xmlrpc.NotRunning)}}}
			var out, errs strings.Builder
			s := newSession(Options{Stdout: &out, Stderr: &errs}, func(string, string, string) (daemon, error) { return d, nil })
			s.interrupts = make(chan os.Signal, 1)
			begun := time.Now()
			for _, at := range tt.interrupts {
				time.AfterFunc(at, func() { s.interrupts <- os.Interrupt })
			}
			ctx, stop := s.untilInterrupt(t.Context())
			s.execute(ctx, tt.line)
			stop()
			if out.String() != tt.stdout || (errs.String() == startedAgain) != tt.told || !slices.Equal(d.done, tt.done) || time.Since(begun) != tt.after {
				t.Errorf("%s: got %q, %q, %q after %v\nwant %q, %q after %v", tt.name, out.String(), errs.String(), d.done, time.Since(begun), tt.stdout, tt.done, tt.after)
			}
			if want := map[bool]int{false: 0, true: exitInterrupted}[len(tt.interrupts) > 0]; s.status != want {
				t.Errorf("%s: status %d", tt.name, s.status)
			}
		})
	}
}

// TestRestartNotStarted: what cannot be started again is said.
func TestRestartNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &restarting{fake: &fake{faults: faults{"start a without waiting": fault(xmlrpc.SpawnError, "a")}}}
		var out strings.Builder
		s := newSession(Options{Stdout: &out, Stderr: &strings.Builder{}}, func(string, string, string) (daemon, error) { return d, nil })
		s.interrupts = make(chan os.Signal, 1)
		time.AfterFunc(time.Second, func() { s.interrupts <- os.Interrupt })
		ctx, stop := s.untilInterrupt(t.Context())
		s.execute(ctx, "restart a")
		stop()
		if out.String() != "a: stopped\na: ERROR (not started again: SPAWN_ERROR: a)\n\n" {
			t.Errorf("got %q", out.String())
		}
	})
}

func TestSuggestions(t *testing.T) {
	tests := []struct{ line, want string }{
		{"statsu", "*** Unknown syntax: statsu\n  Did you mean status?\n"},
		{"xyzzy", "*** Unknown syntax: xyzzy\n"},
		{"help strat", "*** No help on strat\n  Did you mean start?\n"},
		{"status cta", "cta: ERROR (no such process)\n  Did you mean cat?\n"},
		{"status web", "web: ERROR (no such process)\n  Did you mean web:*?\n"},
		{"start wbe:1", "wbe:1: ERROR (no such process)\n  Did you mean web:1?\n"},
		{"stop wbe:*", "wbe: ERROR (no such group)\n  Did you mean web:*?\n"},
		{"stop nothing-like-it", "nothing-like-it: ERROR (no such process)\n"},
		{"signal HUP cats", "cats: ERROR (no such process)\n  Did you mean cat?\n"},
		{"tail cart", "cart: ERROR (no such process name)\n  Did you mean cat?\n"},
		{"fg cart", "ERROR: bad process name supplied\n  Did you mean cat?\n"},
		{"pid cart", "No such process cart\n  Did you mean cat?\n"},
		{"wait cart", "cart: ERROR (no such process)\n  Did you mean cat?\n"},
		{"update wbe", "ERROR: no such group: wbe\n  Did you mean web?\n"},
		{"remove wbe", "ERROR: no such process/group: wbe\n  Did you mean web?\n"},
	}
	for _, tt := range tests {
		for _, person := range []bool{true, false} {
			bad := fault(xmlrpc.BadName, "x")
			f := &fake{infos: table, faults: faults{"StartProcess": bad, "StopProcess": bad, "StopProcessGroup": bad, "SignalProcess": bad,
				"ReadProcessLog": bad, "ProcessInfo": bad, "RemoveProcessGroup": bad}}
			var out strings.Builder
			s := newSession(Options{Stdout: &out, Stderr: &out}, func(string, string, string) (daemon, error) { return f, nil })
			s.person = person
			s.execute(t.Context(), tt.line)
			want := tt.want
			if !person {
				want, _, _ = strings.Cut(want, "\n")
				want += "\n"
			}
			if out.String() != want {
				t.Errorf("%s, person %v: got %q, want %q", tt.line, person, out.String(), want)
			}
		}
	}
}

// TestLastLines: a person sees why a start has failed, a program what it knows.
func TestLastLines(t *testing.T) {
	f := &fake{log: "1\n2\n3\n4\n5\n6 \x1b[31mred\n", faults: faults{"StartProcess": fault(xmlrpc.SpawnError, "a")}}
	for _, person := range []bool{true, false} {
		var out strings.Builder
		s := newSession(Options{Stdout: &out, Stderr: &out}, func(string, string, string) (daemon, error) { return f, nil })
		s.person = person
		s.execute(t.Context(), "start a")
		want := "a: ERROR (spawn error)\n"
		if person {
			want += "  The end of its stderr:\n    2\n    3\n    4\n    5\n    6 ^[[31mred\n"
		}
		if out.String() != want {
			t.Errorf("person %v: got %q, want %q", person, out.String(), want)
		}
	}
	f.log = ""
	if got := play(t, f, "start a", "", nil); got.stdout != "a: ERROR (spawn error)\n" {
		t.Errorf("without output: %+v", got)
	}
}

// TestStartFollow: what a program writes while it starts is shown, and nothing that was there
// before.
func TestStartFollow(t *testing.T) {
	streams := map[string][]string{"/logtail/a/stdout": {"old\n", "old\nnew ", "line\n"}, "/logtail/b/stdout": {"old\nold\nof b", " one\nand"}}
	run := func(line string) outcome {
		f := &fake{streams: streams, tail: xmlrpc.Tail{Offset: 8}, log: "the rest\n",
			infos:   []xmlrpc.ProcessInfo{info("a", xmlrpc.Stopped, 0, ""), info("b", xmlrpc.Stopped, 0, "")},
			faults:  faults{"ReadProcessLog a stderr 8 0": fault(xmlrpc.NoFile), "ReadProcessLog b stderr 8 0": fault(xmlrpc.NoFile)},
			results: map[string][]xmlrpc.Result{"StartAllProcesses": {{Name: "a", Group: "a", Status: xmlrpc.Success}, {Name: "b", Group: "b", Status: xmlrpc.SpawnError}}}}
		return play(t, f, line, "", nil)
	}
	if got := run("start --follow a"); got != (outcome{"new line\nthe rest\na: started\n", "", 0}) {
		t.Errorf("one: %+v", got)
	}
	got := run("start all --follow")
	lines := strings.Split(got.stdout, "\n")
	slices.Sort(lines)
	want := []string{"", "a | new line", "a | the rest", "a: started", "b | andthe rest", "b | of b one", "b: ERROR (spawn error)"}
	if !slices.Equal(lines, want) || got.status != exitNotRunning {
		t.Errorf("all: %q, status %d", lines, got.status)
	}
}
