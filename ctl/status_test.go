package ctl

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"testing"

	"supervisor/xmlrpc"
)

// TestColorByDefault: one action has no colours, not even on a terminal, which a script
// behind "ssh -t" may read; the shell has.
func TestColorByDefault(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for _, row := range []struct {
		args  []string
		color string
		want  bool
	}{
		{[]string{"status"}, "", false},
		{[]string{"status"}, "auto", true},
		{[]string{"status"}, "never", false},
		{nil, "", true},
		{nil, "never", false},
	} {
		s := &session{o: Options{Args: row.args, Color: row.color}, person: true}
		if _, view, err := s.statusWords(nil); err != nil || view.color != row.want {
			t.Errorf("%v, color %q: got %v, %v", row.args, row.color, view.color, err)
		}
	}
}

// TestExitOnTerminal: how a process has exited is told to people only.
func TestExitOnTerminal(t *testing.T) {
	exited := info("a", xmlrpc.Exited, 0, "Nov 27 01:00 PM")
	exited.ExitStatus = 42
	killed := info("b", xmlrpc.Exited, 0, "Nov 27 01:00 PM")
	killed.ExitStatus = -1
	well := info("c", xmlrpc.Exited, 0, "Nov 27 01:00 PM")
	for _, person := range []bool{false, true} {
		var out strings.Builder
		s := &session{out: bufio.NewWriter(&out), person: person}
		s.sayTable([]*xmlrpc.ProcessInfo{&exited, &killed, &well}, false)
		s.flush()
		lines := strings.Count(out.String(), "\n")
		if person && (lines != 5 || !strings.Contains(out.String(), "   exit status 42\n") || !strings.Contains(out.String(), "   ended by a signal\n")) || !person && lines != 3 {
			t.Errorf("person %v:\n%s", person, &out)
		}
	}
}

// TestOpenKeepsPassword: another server than that of the configuration is not told its
// password.
func TestOpenKeepsPassword(t *testing.T) {
	var told []string
	s := newSession(Options{ServerURL: "unix:///a", Username: "u", Password: "p", HasUsername: true, HasPassword: true,
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard},
		func(url, username, password string) (daemon, error) {
			told = append(told, url+" "+username+" "+password)
			return &fake{}, nil
		})
	for _, line := range []string{"pid", "open unix:///a", "open http://evil"} {
		s.execute(t.Context(), line)
	}
	if want := []string{"unix:///a u p", "unix:///a u p", "http://evil  "}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// TestShuttingDown: people are told in words, programs get what they know.
func TestShuttingDown(t *testing.T) {
	for person, want := range map[bool]string{true: "ERROR: supervisord is shutting down\n", false: "error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>" + position + "\n"} {
		for _, call := range []string{"APIVersion", "AllProcessInfo"} {
			var out strings.Builder
			f := &fake{faults: faults{call: fault(xmlrpc.ShutdownState)}}
			s := newSession(Options{Args: []string{"status"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard},
				func(string, string, string) (daemon, error) { return f, nil })
			s.person = person
			s.execute(t.Context(), "status")
			s.flush()
			if out.String() != want || s.status != exitFailed {
				t.Errorf("%s, person %v: %q, status %d", call, person, &out, s.status)
			}
		}
	}
}
