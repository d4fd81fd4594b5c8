//go:build unix

package pidproxy

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPIDProxyUsage(t *testing.T) {
	for _, args := range [][]string{{"/bin/pidproxy"}, {"/bin/pidproxy", "x.pid"}} {
		var out bytes.Buffer
		if status := Run(t.Context(), args, &out); status != 1 {
			t.Errorf("status %d", status)
		}
		got := out.String()
		if !strings.HasPrefix(got, "pidproxy -- run command and proxy signals to it via its pidfile.\n") ||
			!strings.Contains(got, "\nUsage: /bin/pidproxy <pidfile name> <command> [<cmdarg1> ...]\n") {
			t.Errorf("usage:\n%s", got)
		}
	}
}

func TestPIDProxyStatus(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeFile(t, "run.sh", "#!/bin/sh\n[ \"$0\" = ./run.sh ] || [ \"$0\" = \"$PWD/run.sh\" ] && exit 5\n")
	writeFile(t, "no.sh", "")
	if err := os.Chmod("run.sh", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		command []string
		want    int
		out     string
	}{
		{"success", []string{"/bin/sh", "-c", "exit 0"}, 0, ""},
		{"status", []string{"/bin/sh", "-c", "exit 3"}, 3, ""},
		{"signal", []string{"/bin/sh", "-c", "kill -9 $$"}, 137, ""},
		{"argv[0] is as typed", []string{"../../../../../../../bin/sh", "-c", `case "$0" in ..*/sh) exit 4; esac`}, 4, ""},
		{"relative", []string{"./run.sh"}, 5, ""},
		{"without a slash", []string{"run.sh"}, 5, ""},
		{"not from PATH", []string{"true"}, 127, "couldn't exec " + dir + "/true: no such file or directory\n"},
		{"not executable", []string{"no.sh"}, 127, "couldn't exec " + dir + "/no.sh: permission denied\n"},
		{"broken pipes are ignored", []string{"/bin/sh", "-c", "kill -PIPE $$; exit 6"}, 6, ""},
	} {
		var out bytes.Buffer
		got := Run(t.Context(), append([]string{"pidproxy", "x.pid"}, tt.command...), &out)
		if got != tt.want || out.String() != tt.out {
			t.Errorf("%s: status %d, want %d; said %q", tt.name, got, tt.want, &out)
		}
	}
}

func TestPIDProxyHandsOn(t *testing.T) {
	for _, s := range handedOn {
		pidfile := filepath.Join(t.TempDir(), "x.pid")
		target := startChild(t, "exec sleep 60")
		writeFile(t, pidfile, " "+strconv.Itoa(target)+"\n")
		var out bytes.Buffer
		p := proxy{file: pidfile, stdout: &out}
		if stopping := p.handOn(s.signal); stopping > 0 != s.last {
			t.Errorf("%s: stopping %d", s.name, stopping)
		}
		if got := waitStatus(target); got != 128+int(s.signal) {
			t.Errorf("%s: the target ended with %d", s.name, got)
		}
		// It is gone now, which is no reason to end.
		if p.handOn(s.signal) > 0 {
			t.Errorf("%s: stopping without a target", s.name)
		}
		want := fmt.Sprintf("Can't send %s to pid %d: no such process\n", s.name, target)
		if out.String() != want {
			t.Errorf("said %q, want %q", &out, want)
		}
	}
	var out bytes.Buffer
	p := proxy{file: "x", stdout: &out}
	if p.handOn(syscall.SIGWINCH) > 0 || out.Len() > 0 {
		t.Error("SIGWINCH was handed on")
	}
}

func TestPIDProxyPidfile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, text := range []string{"", "not a number", "0", "-1", "12 13"} {
		writeFile(t, "x.pid", text)
		for _, file := range []string{"x.pid", "missing"} {
			var out bytes.Buffer
			p := proxy{file: file, stdout: &out}
			if p.handOn(syscall.SIGTERM) > 0 || out.String() != "Can't read child pidfile "+file+"!\n" {
				t.Errorf("%s with %q: said %q", file, text, &out)
			}
		}
	}
}

// Signals that cannot be handed on do not end pidproxy; then its command does.
func TestPIDProxyCarriesOn(t *testing.T) {
	gate := newGate(t)
	signals := make(chan os.Signal)
	status := make(chan int, 1)
	var out bytes.Buffer
	p := proxy{file: "/no/such/pidfile", stdout: &out}
	go func() {
		status <- p.run(t.Context(), []string{"/bin/sh", "-c", "read x <" + gate.path + "; exit 7"}, signals)
	}()
	signals <- syscall.SIGHUP
	signals <- syscall.SIGTERM
	gate.open(t)
	if got := <-status; got != 7 {
		t.Errorf("status %d", got)
	}
	if want := strings.Repeat("Can't read child pidfile /no/such/pidfile!\n", 2); out.String() != want {
		t.Errorf("said %q", &out)
	}
}

// After TERM it stays until both are gone, in any order, and passes the status of the
// command on.
func TestPIDProxyStaysUntilTheEnd(t *testing.T) {
	for _, commandFirst := range []bool{false, true} {
		targetGate, commandGate := newGate(t), newGate(t)
		pidfile := filepath.Join(t.TempDir(), "x.pid")
		target := startChild(t, "trap 'read x <"+targetGate.path+"; exit 0' TERM; echo >"+commandGate.path+"; while :; do sleep 0.01; done")
		<-readGate(t, commandGate) // the trap is set
		writeFile(t, pidfile, strconv.Itoa(target))
		signals := make(chan os.Signal)
		status := make(chan int, 1)
		p := proxy{file: pidfile, stdout: io.Discard}
		go func() {
			status <- p.run(t.Context(), []string{"/bin/sh", "-c", "read x <" + commandGate.path + "; exit 9"}, signals)
		}()
		signals <- syscall.SIGTERM
		steps := []func(){func() { targetGate.open(t); waitStatus(target) }, func() { commandGate.open(t) }}
		if commandFirst {
			steps[0], steps[1] = steps[1], steps[0]
		}
		steps[0]()
		select {
		case got := <-status:
			t.Fatalf("it ended with %d while one was still there", got)
		case <-time.After(50 * time.Millisecond): // it must not come, so there is nothing to be told by
		}
		steps[1]()
		if got := <-status; got != 9 {
			t.Errorf("command first %v: status %d", commandFirst, got)
		}
	}
}

// readGate reads from a gate in the background.
func readGate(t *testing.T, g gate) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := os.ReadFile(g.path); err != nil {
			t.Error(err)
		}
	}()
	return done
}

// startChild runs a shell script and returns its pid.
func startChild(t *testing.T, script string) int {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", script}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// gate is a named pipe from which a command cannot read before it is opened.
type gate struct{ path string }

func newGate(t *testing.T) gate {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return gate{path}
}

func (g gate) open(t *testing.T) {
	t.Helper()
	writeFile(t, g.path, "\n") // waits for the reader
}

func writeFile(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}
