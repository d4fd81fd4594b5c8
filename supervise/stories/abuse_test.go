package stories

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

// bounds are what one client must not be able to do to a daemon.
type bounds struct {
	memory  int64         // bytes that are resident at any time
	latency time.Duration // of a call on the unix socket: 99 of 100
	restart time.Duration // between two starts of a program that crashes at once
}

var (
	// oneAbuse is what holds whatever a client does, on a machine that does nothing else.
	oneAbuse = bounds{100 << 20, 50 * time.Millisecond, time.Second}
	// allAbuses is what holds while it does everything at a time by 2,000 connections, and so
	// takes all that the processors have.
	allAbuses = bounds{120 << 20, 2 * time.Second, 2 * time.Second}
	// busyAbuses is for some seconds beside other tests.
	busyAbuses = bounds{150 << 20, 5 * time.Second, 5 * time.Second}
)

// TestAbuse has a client do all that it can think of for some seconds, or for so long as
// SUPERVISOR_ABUSE says, such as 60s: then each of it alone, too.
func TestAbuse(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("SUPERVISOR_ABUSE"))
	if err != nil {
		t.Log("for some seconds only; SUPERVISOR_ABUSE=60s says how long, and has tighter bounds")
		t.Run("all", func(t *testing.T) { testAbuse(t, 4*time.Second, busyAbuses, abuses...) })
		return
	}
	for _, a := range abuses {
		t.Run(a.name, func(t *testing.T) { testAbuse(t, long, oneAbuse, a) })
	}
	t.Run("all", func(t *testing.T) { testAbuse(t, long, allAbuses, abuses...) })
}

// abuse is one thing to do. It goes on until ctx ends, by any number of connections.
type abuse struct {
	name string
	do   func(ctx context.Context, at target)
}

// target is where a daemon listens.
type target struct{ open, guarded string }

// abuses are all that a client can think of. Their requests are made when they are sent: the
// test binary is other programs, too, many at a time.
var abuses = []abuse{
	{"half headers", holding(300, func() string { return head + "X: half" })},
	{"great half headers", holding(300, func() string { return head + "X: " + strings.Repeat("x", 60<<10) })},
	{"too great headers", holding(20, func() string { return head + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 4000) })},
	{"slow bodies", holding(100, func() string { return strings.Clone(post(strings.Repeat("x", 60<<20))[:100_000]) })},
	{"slow small bodies", holding(300, func() string { return post(strings.Repeat("x", 60_000))[:50_000] })},
	{"unread logs", holding(30, func() string { return post(rpc("supervisor.readProcessStdoutLog", "noisy", 0, 0)) })},
	{"unread pages", holding(50, get("/tail.html?processname=noisy&limit=1048576", 1))},
	{"unread small answers", holding(300, func() string { return strings.Repeat(post(rpc("supervisor.getAllConfigInfo")), 100) })},
	{"tails that are not read", holding(300, get("/logtail/noisy", 1))},
	{"live views that are not read", holding(100, get("/live", 1))},
	{"pipelined", holding(50, get("/ok.html", 20_000))},
	{"bombs of configurations", reading(4, bomb("supervisor.getAllConfigInfo"))},
	{"bombs of logs", reading(4, bomb("supervisor.readLog", 0, 0))},
	{"bombs of help", reading(4, bomb("system.methodHelp", "supervisor.readLog"))},
	{"bombs of strings", reading(4, func() string {
		call := xmlrpc.Struct{{Name: "methodName", Value: "supervisor.getState"}, {Name: "params", Value: strings.Repeat("x", 15<<20)}}
		return post(rpc("system.multicall", []any{call}))
	})},
	{"great bodies", reading(2, func() string { return post(rpc("supervisor.sendProcessStdin", "nobody", strings.Repeat("x", 60<<20))) })},
	{"nonsense", reading(2, func() string { return post(strings.Repeat("<a>", 5<<20)) })},
	{"wrong passwords", func(ctx context.Context, at target) {
		each(ctx, 300, func() {
			exchange(ctx, at.guarded, head+"Authorization: Basic am9lOmd1ZXNz\r\n\r\n", time.Minute)
		})
	}},
}

const head = "GET / HTTP/1.1\r\nHost: localhost\r\n"

// get makes a number of requests for a page.
func get(uri string, n int) func() string {
	return func() string { return strings.Repeat("GET "+uri+" HTTP/1.1\r\nHost: localhost\r\n\r\n", n) }
}

// runAbuses does abuses by name, until it is killed.
func runAbuses(args []string) int {
	at := target{args[0], args[1]}
	var all sync.WaitGroup
	for _, a := range abuses {
		if slices.Contains(args[2:], a.name) {
			all.Go(func() { a.do(context.Background(), at) })
		}
	}
	all.Wait()
	return 0
}

// rpc is the body of a call.
func rpc(method string, params ...any) string {
	return string(xmlrpc.AppendCall(nil, method, params...))
}

// post is a call as a request.
func post(body string) string {
	return "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// bomb is 100,000 calls in one.
func bomb(method string, params ...any) func() string {
	return func() string {
		one := xmlrpc.Struct{{Name: "methodName", Value: method}, {Name: "params", Value: append([]any{}, params...)}}
		return post(rpc("system.multicall", slices.Repeat([]any{one}, 100_000)))
	}
}

// holding sends a request by so many connections at a time, reads nothing, and sends it
// again by another when one is cut, or after some seconds.
func holding(connections int, makeRequest func() string) func(context.Context, target) {
	return func(ctx context.Context, at target) {
		request := makeRequest()
		each(ctx, connections, func() { exchange(ctx, at.open, request, 0) })
	}
}

// reading sends a request by so many connections at a time and reads the answers.
func reading(connections int, makeRequest func() string) func(context.Context, target) {
	return func(ctx context.Context, at target) {
		request := makeRequest()
		each(ctx, connections, func() { exchange(ctx, at.open, request, time.Minute) })
	}
}

// each has n goroutines do something again and again until ctx ends.
func each(ctx context.Context, n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for ctx.Err() == nil {
				do()
			}
		})
	}
	all.Wait()
}

// exchange sends a request by a connection of its own. Without patience it reads nothing
// and waits until it is cut, for three seconds at most.
func exchange(ctx context.Context, address, request string, patience time.Duration) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return // there are no ports left, or the queue is full
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	nc.SetDeadline(time.Now().Add(max(patience, 3*time.Second)))
	if _, err := io.WriteString(nc, request); err != nil {
		return // it was cut
	}
	if patience == 0 {
		select { // the kernel tells nobody of an end that is not read
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
		return
	}
	head := make([]byte, 64<<10)
	n, _ := nc.Read(head) // and with it how long the rest is
	if _, after, ok := bytes.Cut(head[:n], []byte("Content-Length: ")); ok {
		var length int64
		fmt.Sscan(string(after), &length)
		io.CopyN(io.Discard, nc, max(0, length-int64(n))) // it may be cut
	}
}

// testAbuse starts a daemon, has all of it done to it, and measures.
func testAbuse(t *testing.T, during time.Duration, want bounds, all ...abuse) {
	dir := t.TempDir()
	at := target{freeAddress(t), freeAddress(t)}
	noise := filepath.Join(dir, "noise")
	if err := os.WriteFile(noise, bytes.Repeat([]byte("2026-11-27 06:30:00,000 INFO <a> & b of some length, as lines of logs have\n"), 600_000), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("[supervisord]\nlogfile=%[1]s/log\npidfile=%[1]s/pid\nchildlogdir=%[1]s\n[unix_http_server]\nfile=%[1]s/s\n"+
		"[inet_http_server]\nport=%[2]s\n[inet_http_server:guarded]\nport=%[3]s\nusername=joe\npassword=secret\n"+
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"+
		"[program:crash]\ncommand=/bin/sh -c 'echo x >> %[1]s/starts; sleep 0.1; exit 1'\nstartsecs=0\nautorestart=true\nrestart_delay=0\n"+
		"[program:noisy]\ncommand=/bin/sh -c 'while echo some line or other; do sleep 0.01; done'\nstdout_logfile=%[4]s\nstdout_logfile_maxbytes=0\n"+
		"[program:many]\ncommand=/bin/sleep 1000\nnumprocs=30\nprocess_name=%%(process_num)d\n", dir, at.open, at.guarded, noise)
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	client := startDaemon(t, file, filepath.Join(dir, "s"))
	pid, err := client.PID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	args := []string{"abuse", at.open, at.guarded}
	for _, a := range all {
		args = append(args, a.name)
	}
	// In a process of its own, or the calls would wait for our own scheduler.
	attacker := exec.CommandContext(ctx, filepath.Join(links, "child"), args...)
	attacker.Stderr = os.Stderr
	if err := attacker.Start(); err != nil {
		t.Fatal(err)
	}
	calls, gap := watchAbused(ctx, t, client, filepath.Join(dir, "starts"))
	if err := attacker.Wait(); ctx.Err() == nil {
		t.Errorf("the attack has ended: %v", err)
	}
	slices.Sort(calls)
	p99, worst := calls[len(calls)*99/100], calls[len(calls)-1]
	peak := peakMemory(t, pid)
	t.Logf("%v: %d calls, 99%% within %v, all within %v; resident up to %d MB; at most %v between two starts",
		during, len(calls), p99.Round(time.Millisecond/10), worst.Round(time.Millisecond/10), peak>>20, gap.Round(time.Millisecond))
	if p99 > want.latency {
		t.Errorf("of 100 calls, one takes more than %v, want %v", p99, want.latency)
	}
	if gap > want.restart {
		t.Errorf("a program that crashes was not started for %v, want %v", gap, want.restart)
	}
	if raceDetector {
		t.Logf("with the race detector, %d MB say nothing", peak>>20)
	} else if peak > want.memory {
		t.Errorf("%d MB were resident, want %d", peak>>20, want.memory>>20)
	}
}

// watchAbused calls until ctx ends, as a user does on the unix socket, and returns how long
// the calls took and the longest time between two starts.
func watchAbused(ctx context.Context, t *testing.T, client *xmlrpc.Client, starts string) (calls []time.Duration, gap time.Duration) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	size, since := int64(0), time.Now()
	for ctx.Err() == nil {
		begin := time.Now()
		if _, err := client.ProcessInfo(context.Background(), "noisy"); err != nil {
			t.Errorf("a call on the unix socket: %v", err)
			return append(calls, time.Since(begin)), gap
		}
		calls = append(calls, time.Since(begin))
		if info, err := os.Stat(starts); err == nil && info.Size() > size {
			size, since = info.Size(), time.Now()
		}
		gap = max(gap, time.Since(since))
		<-ticker.C
	}
	return calls, gap
}

// peakMemory returns how many bytes of a process were resident at its worst; 0 where the
// kernel does not tell.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Logf("how much was resident is not known here: %v", err)
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// freeAddress returns an address of this machine that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
