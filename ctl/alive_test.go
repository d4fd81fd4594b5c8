package ctl

import (
	"context"
	"errors"
	"net"
	"path/filepath"
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
