package stories

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

// awaitStarts waits until a daemon has started so many rounds.
func awaitStarts(t *testing.T, log string, rounds int) {
	t.Helper()
	awaitText(t, log, "supervisord started with pid", rounds)
}

// awaitText waits until a file contains a text so many times.
func awaitText(t *testing.T, file, text string, times int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		data, err := os.ReadFile(file)
		if err == nil && strings.Count(string(data), text) >= times {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not say %q %d times: %v\n%s", file, text, times, err, data)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// reloadConf is a configuration with a unix socket, and an inet server at an address.
func reloadConf(t *testing.T, dir, address, more string) string {
	t.Helper()
	file := filepath.Join(dir, "conf")
	text := fmt.Sprintf("[supervisord]\nlogfile=%[1]s/log\npidfile=%[1]s/pid\nchildlogdir=%[1]s\n[unix_http_server]\nfile=%[1]s/s\n"+
		"[inet_http_server]\nport=%[2]s\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"+
		"[program:cat]\ncommand=cat\nstartsecs=0\n%[3]s", dir, address, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// runningPID waits until a process runs.
func runningPID(t *testing.T, client *xmlrpc.Client, name string) int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		info, err := client.ProcessInfo(t.Context(), name)
		if err == nil && info.State == xmlrpc.Running {
			return info.PID
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not run: %+v, %v", name, info, err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// TestReloadRefusesNobody connects all the time while the daemon reloads.
func TestReloadRefusesNobody(t *testing.T) {
	const reloads = 5
	dir := t.TempDir()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	client := startDaemon(t, reloadConf(t, dir, address, ""), filepath.Join(dir, "s"))
	ctx, cancel := context.WithCancel(t.Context())
	var dialing sync.WaitGroup
	for network, at := range map[string]string{"unix": filepath.Join(dir, "s"), "tcp": address} {
		dialing.Go(func() {
			for ctx.Err() == nil {
				conn, err := net.Dial(network, at)
				if err != nil {
					t.Errorf("%s: %v", network, err)
					return
				}
				conn.Close()
				<-time.After(time.Millisecond) // or the queue of who waits overflows
			}
		})
	}
	for i := range reloads {
		if _, err := client.Restart(ctx); err != nil {
			t.Errorf("reload %d: %v", i, err)
		}
		awaitStarts(t, filepath.Join(dir, "log"), i+2)
	}
	cancel()
	dialing.Wait()
}

// TestReloadMovesTheSocket reloads with an address that cannot be had before the
// present one is given up.
func TestReloadMovesTheSocket(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t)
	client := startDaemon(t, reloadConf(t, dir, fmt.Sprintf("127.0.0.1:%d", port), ""), filepath.Join(dir, "s"))
	reloadConf(t, dir, fmt.Sprintf("*:%d", port), "")
	if _, err := client.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitStarts(t, filepath.Join(dir, "log"), 2)
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// TestReloadFallsBack takes away, while the programs stop, what the next round needs:
// the former configuration is begun again.
func TestReloadFallsBack(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t)
	// It is stopped by hand, so that there is a while between.
	out := filepath.Join(dir, "slow.out")
	slow := "[program:slow]\ncommand=" + filepath.Join(links, "child") + " stubborn\nstdout_logfile=" + out +
		"\nstopwaitsecs=600\nstartsecs=0\nautorestart=false\n"
	client := startDaemon(t, reloadConf(t, dir, fmt.Sprintf("127.0.0.1:%d", port), slow), filepath.Join(dir, "s"))
	slowPID := runningPID(t, client, "slow")
	awaitText(t, out, "ready", 1) // before that the stop would end it
	reloadConf(t, dir, fmt.Sprintf("*:%d", port), "[program:new]\ncommand=cat\nstartsecs=0\n")
	if _, err := client.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err = syscall.Kill(slowPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	awaitStarts(t, log, 2)
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"CRIT cannot begin: Another program is already listening",
		"CRIT cannot begin with the new configuration, going on with the former one: Another program is already listening",
	} {
		if !strings.Contains(string(data), line) {
			t.Errorf("the log does not say %q:\n%s", line, data)
		}
	}
	slowPID = runningPID(t, client, "slow")
	if err = syscall.Kill(slowPID, syscall.SIGKILL); err != nil { // it would not let the daemon end
		t.Fatal(err)
	}
}
