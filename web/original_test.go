package web

import (
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hanging are the exchanges that the original leaves without an answer, or answers with a
// stream that has no end. They are not played.
var hanging = []string{
	"empty form", "zero", "too long", "params of a page", "encoded question mark", "logtail, no regular file", "mainlogtail, none",
}

// differing is what the original does otherwise, and why. Besides these, where a request
// leaves any doubt about its end, we close and the original does not.
var differing = map[string]struct{ gist, why string }{
	"call":                 {"HTTP/1.1 400 open", notACall},
	"call at RPC2/":        {"HTTP/1.1 400 open", notACall},
	"call at RPC2foo/bar":  {"HTTP/1.1 400 open", notACall},
	"call at RPC2?x=1":     {"HTTP/1.1 400 open", notACall},
	"call at %52PC2":       {"HTTP/1.1 400 open", notACall},
	"call, 1.0":            {"HTTP/1.0 400 closed", notACall},
	"expects":              {"HTTP/1.1 400 open", notACall},
	"first length counts":  {"HTTP/1.1 400 open", notACall},
	"python's number":      {"HTTP/1.1 400 open", notACall},
	"handler panics":       {"HTTP/1.1 404 open", "a page of our test"},
	"stream ends":          {"HTTP/1.1 404 open", "a page of our test"},
	"stream panics":        {"HTTP/1.0 404 closed", "a page of our test"},
	"file, length":         {"HTTP/1.1 200 open", "its file has another length"},
	"file, modified":       {"HTTP/1.1 304 open", "its file is older"},
	"form of another site": {"HTTP/1.1 400 open", "it does not ask where a form comes from"},
	"no UTF-8 in the call": {"closed", "an answer says what was wrong"},
	"empty number":         {"HTTP/1.1 411 open", "to us an empty length is a wrong one, not none"},
}

const notACall = "the server of our test answers anything"

// TestRequestsOriginal plays the exchanges of TestRequests against Supervisor itself,
// where it is installed. Its pages and dates are other ones, so what is compared is the
// status, and whether the connection stays open.
func TestRequestsOriginal(t *testing.T) {
	socket := startOriginal(t)
	unknown := slices.Concat(hanging, slices.Collect(maps.Keys(differing)))
	for _, row := range exchanges() {
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == row.name })
		if slices.Contains(hanging, row.name) {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			got, want := playOriginal(t, socket, row), gist(row.want)
			if other, ok := differing[row.name]; ok {
				if want == other.gist {
					t.Errorf("there is no difference: %s", want)
				}
				want = other.gist
			} else if strings.HasSuffix(row.want, "!") {
				got = strings.Replace(got, " open", " closed", 1)
			}
			if got != want {
				t.Errorf("sent %q: the original %s, want %s", row.send, got, want)
			}
		})
	}
	if len(unknown) > 0 {
		t.Errorf("no such exchanges: %q", unknown)
	}
}

// gist is the status of an answer, and whether the connection stays open.
func gist(want string) string {
	if want == "" {
		return "closed"
	}
	line, _, _ := strings.Cut(want, "\r\n")
	words := strings.Fields(line)
	if strings.HasSuffix(want, "+") {
		return words[0] + " " + words[1] + " open"
	}
	return words[0] + " " + words[1] + " closed"
}

// startOriginal starts Debian's supervisord with the programs that the exchanges name.
func startOriginal(t *testing.T) (socket string) {
	t.Helper()
	program, err := exec.LookPath("/usr/bin/supervisord")
	if err != nil {
		t.Skip("needs Debian's package supervisor:", err)
	}
	dir, err := os.MkdirTemp("", "web") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := `[supervisord]
nodaemon=true
logfile=` + dir + `/log
pidfile=` + dir + `/pid
childlogdir=` + dir + `
[unix_http_server]
file=` + dir + `/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
`
	for name, log := range map[string]string{"none": "NONE", "gone": dir + "/gone", "tty": "/dev/null"} {
		config += "[program:" + name + "]\ncommand=cat\nautostart=false\nstdout_logfile=" + log + "\n"
	}
	file := filepath.Join(dir, "supervisord.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	socket = filepath.Join(dir, "s")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if nc, err := net.Dial("unix", socket); err == nil {
			nc.Close()
			return socket
		}
		if time.Now().After(deadline) {
			t.Fatal("the original does not listen")
		}
	}
}

// playOriginal sends a row and a last request behind it, and returns the gist of what
// comes back.
func playOriginal(t *testing.T, socket string, row exchange) string {
	t.Helper()
	nc, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	send := row.send
	if !strings.Contains(send, "\r\n\r\n") {
		send += "\r\n\r\n"
	}
	if _, err := io.WriteString(nc, send+probeRequest); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(nc)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) { // it closes without having read all
		t.Fatalf("after %q: %v", data, err)
	}
	if len(data) == 0 {
		return "closed"
	}
	line, rest, _ := strings.Cut(string(data), "\r\n")
	words := strings.Fields(line)
	if strings.Contains(rest, "HTTP/1.1 200 OK\r\n") {
		return words[0] + " " + words[1] + " open"
	}
	return words[0] + " " + words[1] + " closed"
}
