package ctl

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"supervisor/xmlrpc"
)

// slow is a daemon whose starts and stops of all processes take 0.8 s for each, one behind the
// other.
type slow struct {
	*fake
}

func (d *slow) change(state xmlrpc.State) ([]xmlrpc.Result, error) {
	var results []xmlrpc.Result
	for i := range d.infos {
		time.Sleep(800 * time.Millisecond)
		d.mu.Lock()
		d.infos[i].State = state
		d.mu.Unlock()
		results = append(results, xmlrpc.Result{Name: d.infos[i].Name, Group: d.infos[i].Group, Status: xmlrpc.Success})
	}
	return results, nil
}

func (d *slow) StartAllProcesses(context.Context, bool) ([]xmlrpc.Result, error) {
	return d.change(xmlrpc.Running)
}

func (d *slow) StopAllProcesses(context.Context, bool) ([]xmlrpc.Result, error) {
	return d.change(xmlrpc.Stopped)
}

func (d *slow) SignalAllProcesses(context.Context, string) ([]xmlrpc.Result, error) {
	return d.change(xmlrpc.Running)
}

func (d *slow) AllProcessInfo(context.Context) ([]xmlrpc.ProcessInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]xmlrpc.ProcessInfo(nil), d.infos...), nil
}

// TestProgress: a person sees how far it has come, on one line that is gone at the end. A
// program, and who signals, see the results alone.
func TestProgress(t *testing.T) {
	const clear = "\r\x1b[K"
	tests := []struct {
		line   string
		person bool
		state  xmlrpc.State
		want   string
	}{
		{"start all", true, xmlrpc.Stopped, "\r0 of 2 running\x1b[K\r1 of 2 running\x1b[K\r1 of 2 running\x1b[K" + clear + "a: started\nb: started\n"},
		{"stop all", true, xmlrpc.Running, "\r0 of 2 stopped\x1b[K\r1 of 2 stopped\x1b[K\r1 of 2 stopped\x1b[K" + clear + "a: stopped\nb: stopped\n"},
		{"start all", false, xmlrpc.Stopped, "a: started\nb: started\n"},
		{"signal HUP all", true, xmlrpc.Running, "a: signalled\nb: signalled\n"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			d := &slow{fake: &fake{infos: []xmlrpc.ProcessInfo{info("a", tt.state, 0, ""), info("b", tt.state, 0, "")}}}
			var out strings.Builder
			s := newSession(Options{Stdout: &out, Stderr: &out}, func(string, string, string) (daemon, error) { return d, nil })
			s.person = tt.person
			s.execute(t.Context(), tt.line)
			if got := out.String(); got != tt.want {
				t.Errorf("%s, person %v: got %q, want %q", tt.line, tt.person, got, tt.want)
			}
		})
	}
}

// TestProgressQuick: what takes no time shows no progress.
func TestProgressQuick(t *testing.T) {
	f := &fake{results: map[string][]xmlrpc.Result{"StartAllProcesses": {{Name: "a", Group: "a", Status: xmlrpc.Success}}}}
	var out strings.Builder
	s := newSession(Options{Stdout: &out, Stderr: &out}, func(string, string, string) (daemon, error) { return f, nil })
	s.person = true
	s.execute(t.Context(), "start all")
	if got := out.String(); got != "a: started\n" {
		t.Errorf("got %q", got)
	}
}

// TestWarn: with --json, what stands for nothing is told on stderr, behind what stdout
// already shows.
func TestWarn(t *testing.T) {
	got := play(t, &fake{infos: table}, "status --json nosuch cat x:*", "", nil)
	if got.stderr != "nosuch: ERROR (no such process)\nx: ERROR (no such group)\n" || got.status != exitStatusUnknown ||
		!strings.HasPrefix(got.stdout, `[{"namespec":"cat"`) || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
	var both strings.Builder
	s := newSession(Options{Stdout: &both, Stderr: &both}, nil)
	s.say("before")
	s.warn("a ", "warning")
	s.say("behind")
	s.flush()
	if both.String() != "before\na warning\nbehind\n" {
		t.Errorf("in the order %q", both.String())
	}
}
