package stories

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

// TestListenerStress raises 10,000 events for 100 listeners in 10 pools while
// listeners are killed at random. Every pool has to see every event, and in order
// but for those that a killed listener had in hand: they go to the next one.
func TestListenerStress(t *testing.T) {
	const pools, listeners, events, kills = 10, 10, 10_000, 200
	dir := t.TempDir()
	var conf strings.Builder
	fmt.Fprintf(&conf, "[supervisord]\nlogfile=%[1]s/log\npidfile=%[1]s/pid\nchildlogdir=%[1]s\n[unix_http_server]\nfile=%[1]s/s\n"+
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n", dir)
	for p := range pools {
		fmt.Fprintf(&conf, "[eventlistener:p%d]\ncommand=%s listener %s/p%d.%%(process_num)d\nprocess_name=l%%(process_num)d\n"+
			"numprocs=%d\nevents=REMOTE_COMMUNICATION\nbuffer_size=%d\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
			p, filepath.Join(links, "child"), dir, p, listeners, events)
	}
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	client := startDaemon(t, file, filepath.Join(dir, "s"))
	ctx := t.Context()
	killEvery := events / kills
	for i := range events {
		if _, err := client.SendRemoteCommEvent(ctx, "n", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if i%killEvery == 0 {
			victim := fmt.Sprintf("p%d:l%d", rand.IntN(pools), rand.IntN(listeners))
			// One that is just being started again has no child to be killed.
			_, _ = client.SignalProcess(ctx, victim, "KILL")
		}
	}
	late := 0
	for p := range pools {
		late += awaitEvents(t, dir, p, listeners, events)
	}
	if late > kills {
		t.Errorf("%d events came after later ones, with only %d listeners killed", late, kills)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || strings.Contains(string(log), "overflowed") {
		t.Errorf("events were discarded, or there is no log: %v", err)
	}
}

// startDaemon starts a supervisord that the test ends, and returns its client.
func startDaemon(t *testing.T, file, socket string) *xmlrpc.Client {
	t.Helper()
	pid, err := syscall.ForkExec(filepath.Join(links, "supervisord"), []string{"supervisord", "-n", "-s", "-c", file},
		&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := xmlrpc.NewClient("unix://"+socket, "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		_ = syscall.Kill(pid, syscall.SIGTERM)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, err = client.PID(context.Background())
		if err == nil {
			return client
		}
		if time.Now().After(deadline) {
			t.Fatalf("supervisord does not answer: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// awaitEvents waits until a pool's listeners have recorded every serial. It
// returns how many a listener got after a later one: those are events that a
// killed listener had in hand, and there are no others.
func awaitEvents(t *testing.T, dir string, pool, listeners, events int) (late int) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		seen := make(map[int]bool, events)
		late = 0
		for l := range listeners {
			last := -1
			for _, serial := range recordedSerials(t, fmt.Sprintf("%s/p%d.%d", dir, pool, l)) {
				if serial < last {
					late++
				}
				seen[serial], last = true, max(last, serial)
			}
		}
		if len(seen) == events {
			return late
		}
		if time.Now().After(deadline) {
			t.Fatalf("pool %d: %d of %d events arrived", pool, len(seen), events)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// recordedSerials returns the pool serials in a listener's record.
func recordedSerials(t *testing.T, path string) (serials []int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return nil // it has got nothing yet
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		_, after, ok := strings.Cut(lines.Text(), " poolserial:")
		var n int
		if ok {
			if _, err := fmt.Sscanf(after, "%d", &n); err == nil {
				serials = append(serials, n)
			}
		}
	}
	return serials
}
