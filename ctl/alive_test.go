package ctl

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"supervisor/xmlrpc"
)

// TestSilentServer: a daemon that is stopped does not hold up a script for ever, whatever
// that asks of it.
func TestSilentServer(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket) // and nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, line := range []string{"status", "start a", "stop all", "restart a", "signal HUP a", "clear a", "tail a", "tail -f a", "maintail",
		"pid", "version", "fg a", "avail", "reread", "update", "add a", "remove a", "reload", "shutdown", "wait a"} {
		var out, errs strings.Builder
		o := Options{ServerURL: "unix://" + socket, Args: []string{line}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
		s := newSession(o, func(url, username, password string) (daemon, error) {
			c, err := xmlrpc.NewClient(url, username, password)
			c.AnswerTime = time.Millisecond
			return c, err
		})
		s.person = true
		s.execute(t.Context(), line)
		s.close()
		if got := out.String(); !strings.HasPrefix(got, "error: <class 'TimeoutError'>, timed out") || strings.Count(got, "may be stopped") != 1 || s.status != exitFailed {
			t.Errorf("%s: %q, status %d", line, got, s.status)
		}
	}
}

// busy is a daemon whose starts take their time, and which answers until it is stopped.
type busy struct {
	daemon
	takes   time.Duration
	stopped time.Duration // how long after the beginning
	begun   time.Time
	asked   int
}

func (b *busy) StartProcess(ctx context.Context, _ string, _ bool) (bool, error) {
	select {
	case <-time.After(b.takes):
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (b *busy) APIVersion(ctx context.Context) (string, error) {
	b.asked++
	if time.Since(b.begun) < b.stopped {
		return apiVersion, nil
	}
	select {
	case <-time.After(answerTime):
		return "", &xmlrpc.SilentError{After: answerTime}
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestWhileAlive: a start may take an hour, but not with a daemon that is stopped.
func TestWhileAlive(t *testing.T) {
	tests := []struct {
		name           string
		takes, stopped time.Duration
		after          time.Duration
		silent         bool
		asked          int
	}{
		{"a quick start asks nothing", time.Second, 0, time.Second, false, 0},
		{"a slow one", time.Hour - time.Second, 2 * time.Hour, time.Hour - time.Second, false, 359},
		{"stopped after 25 seconds", time.Hour, 25 * time.Second, 60 * time.Second, true, 3},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			b := &busy{takes: tt.takes, stopped: tt.stopped, begun: time.Now()}
			_, err := watched{b, watchPeriod}.StartProcess(t.Context(), "a", true)
			var silent *xmlrpc.SilentError
			if errors.As(err, &silent) != tt.silent || !tt.silent && err != nil || time.Since(b.begun) != tt.after || b.asked != tt.asked {
				t.Errorf("%s: %v after %v, asked %d times", tt.name, err, time.Since(b.begun), b.asked)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if _, err := (watched{&busy{takes: time.Hour}, time.Hour}).StartProcess(ctx, "a", true); !errors.Is(err, errInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestWatchedCalls: all calls that wait are watched, and are those of the daemon.
func TestWatchedCalls(t *testing.T) {
	ctx := t.Context()
	f := &fake{}
	w := watched{f, time.Hour}
	for _, call := range []func() error{
		func() error { _, err := w.StartProcess(ctx, "a", true); return err },
		func() error { _, err := w.StartProcessGroup(ctx, "g", true); return err },
		func() error { _, err := w.StartAllProcesses(ctx, true); return err },
		func() error { _, err := w.StopProcess(ctx, "a", true); return err },
		func() error { _, err := w.StopProcessGroup(ctx, "g", true); return err },
		func() error { _, err := w.StopAllProcesses(ctx, true); return err },
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	want := []string{"StartProcess a", "StartProcessGroup g", "StartAllProcesses", "StopProcess a", "StopProcessGroup g", "StopAllProcesses"}
	if !slices.Equal(f.calls, want) {
		t.Errorf("got %q, want %q", f.calls, want)
	}
	f.faults = faults{}
	for _, name := range want {
		f.faults[name] = fault(xmlrpc.BadName, "x")
	}
	if _, err := w.StopProcessGroup(ctx, "g", true); faultCode(err) != xmlrpc.BadName {
		t.Errorf("the fault of a call: %v", err)
	}
}

// TestHelpForPeople: a terminal shows more than what programs may compare.
func TestHelpForPeople(t *testing.T) {
	for _, person := range []bool{true, false} {
		var out strings.Builder
		s := newSession(Options{Stdout: &out, Stderr: &out}, nil)
		s.person = person
		for _, line := range []string{"help", "help start"} {
			s.execute(t.Context(), line)
		}
		for _, text := range []string{"completion  health  help  wait", "source <(supervisorctl completion bash)", "start --follow <name>"} {
			if strings.Contains(out.String(), text) != person {
				t.Errorf("person %v, %q: %s", person, text, out.String())
			}
		}
	}
}

// TestDialTimes: the client that Run uses has the times.
func TestDialTimes(t *testing.T) {
	d, err := dial("unix:///nope", "", "")
	if err != nil {
		t.Fatal(err)
	}
	c, ok := d.(watched).daemon.(*xmlrpc.Client)
	if !ok || c.ConnectTime != connectTime || c.AnswerTime != answerTime || d.(watched).period != watchPeriod {
		t.Errorf("got %+v", d)
	}
}
