package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
	"supervisor/supervise/pipes"
	"supervisor/xmlrpc"
)

// startLoop runs a round with the configuration conf, as far as it does without
// servers, until the test ends. Its log is the file "log" in the working directory.
func startLoop(tb testing.TB, conf string) *API {
	tb.Helper()
	dir := tb.TempDir()
	tb.Chdir(dir)
	conf = "[supervisord]\nlogfile=" + dir + "/log\nchildlogdir=" + dir + "\n" + conf
	if err := os.WriteFile("s.conf", []byte(conf), 0o600); err != nil {
		tb.Fatal(err)
	}
	cfg, err := config.Read("s.conf", config.Overrides{}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	d := &daemon{
		bounds: newBounds(),
		Start:  Start{Path: "s.conf", Argv0: "supervisord", Env: Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr},
		tidier: newTidier(tidyAfter, freeMemory), executable: selfPath(), path: "s.conf",
		stdout: logs.NewEcho(os.Stdout), stderr: logs.NewEcho(os.Stderr),
	}
	tb.Cleanup(d.tidier.stop)
	d.remember(cfg, nil)
	files := logs.NewFiles()
	log, err := logs.NewLogger(logs.LoggerOptions{Level: cfg.LogLevel, Path: cfg.Logfile, Files: files})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(log.Close)
	s, err := d.newSupervisor(cfg, log, files)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.close)
	s.signals = make(chan os.Signal, 16)
	if err = s.build(cfg); err != nil {
		tb.Fatal(err)
	}
	a := &API{s: s, version: "test"}
	go s.run()
	tb.Cleanup(func() {
		_, _ = a.Shutdown(context.Background()) // the test may have done so
		<-s.done
	})
	return a
}

// awaitThat waits until something is so.
func awaitThat(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// logHas waits until the log has a text.
func logHas(tb testing.TB, text string) {
	tb.Helper()
	awaitThat(tb, "the log has "+text, func() bool {
		data, err := os.ReadFile("log")
		return err == nil && strings.Contains(string(data), text)
	})
}

// onLoop returns what fn, run on the loop, does.
func onLoop[T any](tb testing.TB, a *API, fn func() T) T {
	tb.Helper()
	value, err := do(tb.Context(), a.s, func(time.Time) (T, error) { return fn(), nil })
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// A mistake of ours in one request is that request's, and can be found.
func TestRequestPanics(t *testing.T) {
	a := startLoop(t, "")
	_, err := ask(t.Context(), a, func(time.Time) (int, error) {
		var nobody *process
		return nobody.spawns, nil
	})
	if f, ok := err.(*xmlrpc.Fault); !ok || f.Code != xmlrpc.Failed {
		t.Errorf("got %v, want the fault FAILED", err)
	}
	logHas(t, "CRIT a request has failed, this is a bug: runtime error: invalid memory address")
	logHas(t, "TestRequestPanics") // the place
	if _, err = a.Identification(t.Context()); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// Who has gone waits for nothing any more.
func TestGoneClients(t *testing.T) {
	a := startLoop(t, "[program:x]\ncommand=sleep 100\nstartsecs=50\nautostart=false\n")
	ctx, cancel := context.WithCancel(t.Context())
	version := onLoop(t, a, func() uint64 { return a.s.version })
	ended := make(chan error, 3)
	go func() {
		_, err := a.Changed(ctx, version)
		ended <- err
	}()
	awaitThat(t, "a watcher", func() bool { return onLoop(t, a, func() int { return len(a.s.watchers) }) == 1 })
	cancel()
	<-ended
	awaitThat(t, "no watcher", func() bool { return onLoop(t, a, func() int { return len(a.s.watchers) }) == 0 })

	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		_, err := a.StartProcess(ctx, "x", true)
		ended <- err
	}()
	waiters := func() int { return onLoop(t, a, func() int { return len(a.s.table.group("x").processes[0].waiters) }) }
	awaitThat(t, "a waiter", func() bool { return waiters() == 1 })
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("got %v", err)
	}
	awaitThat(t, "no waiter", func() bool { return waiters() == 0 })
}

// A child that cannot be killed is not left behind without a word.
func TestUnknownIsNamedAtTheEnd(t *testing.T) {
	a := startLoop(t, many(2))
	onLoop(t, a, func() bool {
		a.s.table.group("p1").processes[0].Status = life.Status{State: xmlrpc.Unknown, PID: 1<<23 + 7}
		return true
	})
	if _, err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-a.s.done
	logHas(t, "CRIT p1 (pid 8388615) is left running: it is in state UNKNOWN since it could not be killed\n")
}

// many is a configuration of n programs of which none can be started.
func many(n int) string {
	var conf strings.Builder
	for i := range n {
		fmt.Fprintf(&conf, "[program:p%d]\ncommand=/nowhere/program\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i)
	}
	return conf.String()
}

// pretendRunning makes all processes running, with pids that no process has.
func pretendRunning(tb testing.TB, a *API) {
	onLoop(tb, a, func() bool {
		for i, p := range a.s.table.all() {
			p.Status = life.Status{State: xmlrpc.Running, PID: 1<<23 + i, Started: time.Now()}
		}
		return true
	})
}

// pretendStopped makes all processes stopped.
func pretendStopped(tb testing.TB, a *API) {
	onLoop(tb, a, func() bool {
		for _, p := range a.s.table.all() {
			p.Status = life.Status{State: xmlrpc.Stopped}
			a.s.schedule(p)
		}
		return true
	})
}

// groupRequests are those that are for all processes at a time.
var groupRequests = []struct {
	name    string
	prepare func(testing.TB, *API)
	call    func(context.Context, *API) (int, error)
}{
	{"start", pretendStopped, func(ctx context.Context, a *API) (int, error) {
		results, err := a.StartAllProcesses(ctx, true)
		return len(results), err
	}},
	{"signal", pretendRunning, func(ctx context.Context, a *API) (int, error) {
		results, err := a.SignalAllProcesses(ctx, "USR1")
		return len(results), err
	}},
	{"clear", pretendRunning, func(ctx context.Context, a *API) (int, error) {
		results, err := a.ClearAllProcessLogs(ctx)
		return len(results), err
	}},
	{"stop", pretendRunning, func(ctx context.Context, a *API) (int, error) {
		results, err := a.StopAllProcesses(ctx, false)
		return len(results), err
	}},
}

// A request for many processes lets others in between.
func TestGroupRequestsTakeTurns(t *testing.T) {
	const n = 300
	a := startLoop(t, many(n))
	onLoop(t, a, func() bool { a.s.turn = 1; return true })
	var answered atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := a.Identification(t.Context()); err == nil {
					answered.Add(1)
				}
			}
		}
	}()
	for _, tt := range groupRequests {
		// On a busy machine nobody else may have the time to ask.
		awaitThat(t, tt.name+" lets others in between", func() bool {
			tt.prepare(t, a)
			before := answered.Load()
			got, err := tt.call(t.Context(), a)
			if got != n || err != nil {
				t.Fatalf("%s: %d results, %v", tt.name, got, err)
			}
			return answered.Load()-before >= 10
		})
	}
	close(stop)
	<-stopped
	pretendStopped(t, a)
}

// What has gone while a request was under way is left alone.
func TestGroupRequestsLeaveOutWhatIsGone(t *testing.T) {
	a := startLoop(t, many(3))
	onLoop(t, a, func() bool { a.s.turn = 1; return true })
	var seen []string
	err := a.each(t.Context(), a.s.everybody, func(p *process, _ time.Time) {
		seen = append(seen, p.cfg.Name)
		if g := a.s.table.group("p1"); g != nil {
			a.s.removeGroup(g)
		}
	})
	if got := fmt.Sprint(seen); got != "[p0 p2]" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err = a.ProcessInfo(t.Context(), "p1"); err == nil {
		t.Error("it is still found by its name")
	}
}

// BenchmarkTurns measures how long somebody else has to wait, at most, while requests
// about 5,000 programs are carried out.
func BenchmarkTurns(b *testing.B) {
	a := startLoop(b, many(5000))
	requests := append(groupRequests[:len(groupRequests):len(groupRequests)], []struct {
		name    string
		prepare func(testing.TB, *API)
		call    func(context.Context, *API) (int, error)
	}{
		{"info", pretendRunning, func(ctx context.Context, a *API) (int, error) {
			infos, err := a.AllProcessInfo(ctx)
			return len(infos), err
		}},
		{"config", pretendRunning, func(ctx context.Context, a *API) (int, error) {
			infos, err := a.AllConfigInfo(ctx)
			return len(infos), err
		}},
		{"reread", pretendRunning, func(ctx context.Context, a *API) (int, error) {
			_, err := a.ReloadConfig(ctx)
			return 5000, err
		}},
	}...)
	for _, request := range requests {
		b.Run(request.name, func(b *testing.B) {
			var longest time.Duration
			for b.Loop() {
				b.StopTimer()
				request.prepare(b, a)
				longest = max(longest, besides(b, a, func() {
					b.StartTimer()
					if n, err := request.call(b.Context(), a); n != 5000 || err != nil {
						b.Fatalf("%d results, %v", n, err)
					}
				}))
			}
			b.ReportMetric(float64(longest)/1e6, "ms/longest")
		})
	}
	pretendStopped(b, a)
}

// besides runs fn and returns how long somebody else had to wait for an answer
// meanwhile, at most.
func besides(tb testing.TB, a *API, fn func()) (longest time.Duration) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			begin := time.Now()
			if _, err := a.Identification(tb.Context()); err != nil {
				tb.Error(err)
			}
			longest = max(longest, time.Since(begin))
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}()
	fn()
	close(stop)
	<-stopped
	return longest
}

// A storm of one kind leaves room for everything else.
func TestStorms(t *testing.T) {
	a := startLoop(t, many(50))
	s := a.s
	storms := map[string]func(){
		"requests": func() { _, _ = a.Identification(context.Background()) },
		"messages": func() { s.messages <- pipes.Message{Kind: pipes.InputWritten, In: &pipes.Stdin{}} },
		"signals":  func() { s.signals <- syscall.SIGWINCH },
		"starts": func() { // more than fit into a turn
			_, _ = do(context.Background(), s, func(now time.Time) (int, error) {
				for _, p := range s.table.all() {
					p.Status = life.Status{State: xmlrpc.Stopped, Due: now}
					s.schedule(p)
				}
				return 0, nil
			})
		},
	}
	others := map[string]func() bool{
		"a request": func() bool {
			_, err := a.Identification(t.Context())
			return err == nil
		},
		"a signal": func() bool {
			s.signals <- syscall.SIGWINCH
			return true
		},
		"a message": func() bool {
			s.messages <- pipes.Message{Kind: pipes.InputWritten, In: &pipes.Stdin{}}
			return true
		},
	}
	for storm, blow := range storms {
		stop := make(chan struct{})
		var blowing sync.WaitGroup
		for range 4 {
			blowing.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						blow()
					}
				}
			})
		}
		for other, ask := range others {
			var longest time.Duration
			for range 2 * cap(s.messages) { // more than can wait
				begin := time.Now()
				if !ask() {
					t.Fatalf("%s in a storm of %s fails", other, storm)
				}
				longest = max(longest, time.Since(begin))
			}
			if longest > 2*time.Second { // mostly some microseconds; others may have the processors
				t.Errorf("%s in a storm of %s waits for %v", other, storm, longest)
			}
		}
		close(stop)
		blowing.Wait()
	}
}

// reread makes conf, behind what the file has in [supervisord], the configuration as
// last read.
func reread(t *testing.T, a *API, conf string) {
	t.Helper()
	data, err := os.ReadFile("s.conf")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(data), "[program")
	if err = os.WriteFile("s.conf", []byte(head+conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = a.ReloadConfig(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sleepers is a program of n processes.
func sleepers(n int) string {
	return fmt.Sprintf("[program:x]\ncommand=sleep 100\nprocess_name=%%(process_num)d\nnumprocs=%d\nstartsecs=0\nstopwaitsecs=1\n", n)
}

// children returns the pids of all children.
func children(t *testing.T, a *API) []int {
	return onLoop(t, a, func() (pids []int) {
		for pid := range a.s.table.byPID {
			pids = append(pids, pid)
		}
		slices.Sort(pids)
		return pids
	})
}

// planned is what there is to do to the group x.
func planned(t *testing.T, a *API) *groupChange {
	t.Helper()
	c, err := a.plan(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// autoLogFiles are the AUTO logs that there are.
func autoLogFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*---*.log")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func faultCode(err error) xmlrpc.Code {
	var f *xmlrpc.Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return 0
}

// A change that fails half-way has changed nothing: nothing was started that belongs
// to no group, nothing was stopped, and no file is left.
func TestFailedResizeChangesNothing(t *testing.T) {
	a := startLoop(t, sleepers(2))
	awaitThat(t, "two children", func() bool { return len(children(t, a)) == 2 })
	before, files := children(t, a), autoLogFiles(t)
	reread(t, a, sleepers(5))
	c := planned(t, a)
	last := &c.prepared.logs[len(c.prepared.logs)-1] // of six
	bad := *last.cfg
	bad.Name = strings.Repeat("n", 300)
	last.cfg = &bad
	if err := a.apply(t.Context(), c); faultCode(err) != xmlrpc.Failed {
		t.Errorf("got %v, want FAILED", err)
	}
	if after := children(t, a); !slices.Equal(after, before) {
		t.Errorf("children %v, before %v", after, before)
	}
	if left := autoLogFiles(t); !slices.Equal(left, files) {
		t.Errorf("logs %v, before %v", left, files)
	}
	if _, err := a.AddProcessGroup(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	awaitThat(t, "five children", func() bool { return len(children(t, a)) == 5 })
	reread(t, a, sleepers(1))
	if _, err := a.AddProcessGroup(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if pids := children(t, a); len(pids) != 1 || !slices.Contains(before, pids[0]) {
		t.Errorf("left are %v, of %v", pids, before)
	}
}

// A group that is not the one it was when a change was planned is left alone.
func TestChangeLooksAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, a *API)
		want      xmlrpc.Code
		children  int
	}{
		"removed": {func(t *testing.T, a *API) { removeX(t, a) }, xmlrpc.BadName, 0},
		"another": {func(t *testing.T, a *API) {
			removeX(t, a)
			if _, err := a.AddProcessGroup(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		}, xmlrpc.Failed, 5},
		"resized": {func(t *testing.T, a *API) {
			if _, err := a.AddProcessGroup(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		}, xmlrpc.Failed, 5},
		"read again": {func(t *testing.T, a *API) { reread(t, a, sleepers(7)) }, xmlrpc.Failed, 2},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			a := startLoop(t, sleepers(2))
			awaitThat(t, "two children", func() bool { return len(children(t, a)) == 2 })
			reread(t, a, sleepers(5))
			c := planned(t, a)
			tt.meanwhile(t, a)
			awaitThat(t, "as many children as there should be", func() bool { return len(children(t, a)) == tt.children })
			files := autoLogFiles(t)
			if err := a.apply(t.Context(), c); faultCode(err) != tt.want {
				t.Errorf("got %v, want fault %d", err, tt.want)
			}
			if n := len(children(t, a)); n != tt.children {
				t.Errorf("%d children, want %d", n, tt.children)
			}
			if left := autoLogFiles(t); !slices.Equal(left, files) {
				t.Errorf("logs %v, before %v", left, files)
			}
		})
	}
}

// removeX stops the group x and makes it inactive.
func removeX(t *testing.T, a *API) {
	t.Helper()
	if _, err := a.StopProcessGroup(t.Context(), "x", true); err != nil {
		t.Error(err)
	}
	if _, err := a.RemoveProcessGroup(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

// Of two who make a group active one succeeds, and the other leaves no files.
func TestGroupIsAddedOnce(t *testing.T) {
	a := startLoop(t, "[program:y]\ncommand=sleep 100\nautostart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n")
	reread(t, a, sleepers(3))
	c, d := planned(t, a), planned(t, a)
	if err := a.apply(t.Context(), c); err != nil {
		t.Error(err)
	}
	if err := a.apply(t.Context(), d); faultCode(err) != xmlrpc.AlreadyAdded {
		t.Errorf("got %v, want ALREADY_ADDED", err)
	}
	if n := len(autoLogFiles(t)); n != 6 {
		t.Errorf("%d logs, want 6", n)
	}
}

// The name of an AUTO log is known as long as it can be used, and not longer.
func TestAutoLogsAreForgotten(t *testing.T) {
	a := startLoop(t, sleepers(2))
	known := func() int { return onLoop(t, a, func() int { return len(a.s.autoLogs) }) }
	for range 3 {
		reread(t, a, sleepers(2)) // the group runs with the first configuration
		if n := known(); n != 4 {
			t.Fatalf("%d names are known while it runs, want 4", n)
		}
	}
	removeX(t, a)
	if n := known(); n != 0 {
		t.Errorf("%d names are known when it is gone and was read again since", n)
	}
	if _, err := a.AddProcessGroup(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	path := func() string {
		return onLoop(t, a, func() string { return a.s.table.group("x").processes[0].logPath(logs.Stdout) })
	}
	first := path()
	removeX(t, a)
	if _, err := a.AddProcessGroup(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if again := path(); again != first {
		t.Errorf("with the same configuration the log was %s, and is %s", first, again)
	}
	removeX(t, a)
	reread(t, a, sleepers(2))
	if n := known(); n != 0 {
		t.Errorf("%d names are known after the configuration was read again", n)
	}
}
