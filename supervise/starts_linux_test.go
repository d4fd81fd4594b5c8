//go:build !portable

// Only a child that was started in our own way can be stopped while it hangs.

package supervise

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	programs "supervisor/testdata/child"
	"supervisor/xmlrpc"
)

// hangAt mounts a file system that does not answer, for a user and a group.
func hangAt(t *testing.T, uid, gid int) (dir string, m *programs.HungMount) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a b") // which the table of mounts shows in another way
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // for other users as well
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir, hangOn(t, dir, uid, gid)
}

// hangOn mounts one on a directory that is there.
func hangOn(t *testing.T, dir string, uid, gid int) *programs.HungMount {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system that hangs")
	}
	m, err := programs.MountHung(dir, uid, gid)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(m.Close)
	return m
}

// stateOfProcess is a process's state as clients see it.
func (a *API) stateOfProcess(tb testing.TB, name string) xmlrpc.State {
	tb.Helper()
	info, err := a.ProcessInfo(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	return info.State
}

func wantState(tb testing.TB, a *API, name string, want xmlrpc.State) {
	tb.Helper()
	awaitThat(tb, fmt.Sprintf("%s is %v", name, want), func() bool { return a.stateOfProcess(tb, name) == want })
}

// hanging waits until a child of a process hangs before its exec, and returns its pid.
func hanging(tb testing.TB, a *API, name string) (pid int) {
	tb.Helper()
	awaitThat(tb, name+" hangs", func() bool {
		pid = onLoop(tb, a, func() int {
			p, _ := a.s.table.process(name)
			if p.attempt == nil || p.attempt.child.Doing() != "chdir" {
				return 0
			}
			return p.attempt.child.PID()
		})
		return pid != 0
	})
	return pid
}

// goesOn looks whether everybody is served while something hangs: a client, and the
// successor of a program that dies.
func goesOn(tb testing.TB, a *API, name string) {
	tb.Helper()
	wantState(tb, a, name, xmlrpc.Running)
	before, err := a.ProcessInfo(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	begin := time.Now()
	if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
		tb.Fatal(err)
	}
	var longest time.Duration
	awaitThat(tb, name+" has a successor", func() bool {
		begin := time.Now()
		info, err := a.ProcessInfo(tb.Context(), name)
		longest = max(longest, time.Since(begin))
		return err == nil && info.State == xmlrpc.Running && info.PID != before.PID
	})
	// Mostly a millisecond; others may have the processors.
	if took := time.Since(begin); took > 2*time.Second || longest > time.Second {
		tb.Errorf("the successor took %v, a client waited for %v", took, longest)
	}
}

const quick = "[program:quick]\ncommand=/bin/cat\nstartsecs=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE\n"

func hungProgram(name, dir, more string) string {
	return "[program:" + name + "]\ncommand=/bin/cat\ndirectory=" + dir + "\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n" + more
}

// A directory that does not answer holds up the one who wants to go there. A stop is
// kept, the next start waits, and when the directory answers the program runs.
func TestHungDirectory(t *testing.T) {
	dir, m := hangAt(t, 0, 0)
	a := startLoop(t, hungProgram("hung", dir, "")+hungProgram("sister", dir, "autostart=false\n")+quick)
	pid := hanging(t, a, "hung")
	goesOn(t, a, "quick")
	if got := a.stateOfProcess(t, "hung"); got != xmlrpc.Starting {
		t.Errorf("it is %v", got)
	}
	if _, err := a.SignalProcess(t.Context(), "hung", "USR1"); !isFault(err, xmlrpc.NotRunning) {
		t.Errorf("a signal: %v", err)
	}
	if _, err := a.StopProcess(t.Context(), "hung", true); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("its child: %v", err)
	}
	logHas(t, fmt.Sprintf("INFO spawned: 'hung' with pid %d\n", pid))
	logHas(t, "stopped: hung (terminated by SIGTERM)\n")

	answers := make(chan error, 2)
	for _, name := range []string{"hung", "sister"} {
		go func() {
			_, err := a.StartProcess(t.Context(), name, true)
			answers <- err
		}()
		wantState(t, a, name, xmlrpc.Starting)
	}
	hanging(t, a, "hung")
	awaitThat(t, "one waits behind the other", func() bool {
		return onLoop(t, a, func() bool { return len(a.s.starts.slow) == 1 && len(a.s.starts.behind) == 1 })
	})
	goesOn(t, a, "quick")
	go m.Serve()
	m.Free()
	for range 2 {
		if err := <-answers; err != nil {
			t.Errorf("start: %v", err)
		}
	}
	wantState(t, a, "hung", xmlrpc.Running)
	wantState(t, a, "sister", xmlrpc.Running)
}

// What a user mounts stops nobody else, also of root's programs for that user; and what
// waits behind it can be stopped.
func TestHungDirectoryOfAUser(t *testing.T) {
	const uid, gid = 5, 60 // games, as the tests need somebody with a name
	dir, _ := hangAt(t, uid, gid)
	conf := quick
	for i := range 3 {
		conf += hungProgram(fmt.Sprintf("hung%d", i), dir, "user=games\n")
	}
	a := startLoop(t, conf)
	awaitThat(t, "one hangs and two wait", func() bool {
		return onLoop(t, a, func() bool { return len(a.s.starts.slow) == 1 && len(a.s.starts.behind) == 2 })
	})
	goesOn(t, a, "quick")
	if _, err := a.StopAllProcesses(t.Context(), true); err != nil {
		t.Error(err)
	}
	for i := range 3 {
		wantState(t, a, fmt.Sprintf("hung%d", i), xmlrpc.Stopped)
	}
	if left := onLoop(t, a, func() int { return len(a.s.starts.slow) + len(a.s.starts.behind) }); left != 0 {
		t.Errorf("%d attempts are left", left)
	}
	logHas(t, "stopped: hung2 (before its program ran)\n")
}

// A command on a file system that does not answer is looked up by a client's goroutine,
// so to speak: nothing has happened to the program, and nobody else waits.
func TestHungCommand(t *testing.T) {
	dir, m := hangAt(t, 0, 0)
	conf := "[program:asked]\ncommand='%[1]s/x'\nautostart=false\n[program:due]\ncommand='%[1]s/x'\nstartretries=0\n"
	a := startLoop(t, fmt.Sprintf(conf, dir)+quick)
	wantState(t, a, "due", xmlrpc.Starting)
	goesOn(t, a, "quick")
	answer := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := a.StartProcess(ctx, "asked", true)
		answer <- err
	}()
	awaitThat(t, "both wait", func() bool {
		return onLoop(t, a, func() bool { return len(a.s.starts.slow)+len(a.s.starts.behind) == 2 })
	})
	if got := a.stateOfProcess(t, "asked"); got != xmlrpc.Stopped {
		t.Errorf("what was asked for is %v", got)
	}
	cancel()
	if err := <-answer; err != context.Canceled {
		t.Errorf("the client that has gone: %v", err)
	}
	if _, err := a.StopProcess(t.Context(), "due", true); err != nil {
		t.Errorf("stop: %v", err)
	}
	wantState(t, a, "due", xmlrpc.Stopped)
	go func() {
		_, err := a.StartProcess(t.Context(), "asked", true)
		answer <- err
	}()
	go m.Serve()
	m.Free()
	if err := <-answer; !isFault(err, xmlrpc.NoFile) {
		t.Errorf("once it answers: %v", err)
	}
}

func isFault(err error, code xmlrpc.Code) bool {
	f, ok := err.(*xmlrpc.Fault)
	return ok && f.Code == code
}

// A child that not even SIGKILL reaches does not keep the daemon from its end. The log
// names it.
func TestHungShutdown(t *testing.T) {
	dir, m := hangAt(t, 0, 0)
	go m.Serve()
	a := startLoop(t, hungProgram("hung", dir, "stopwaitsecs=0\n")+hungProgram("later", dir, "")+quick)
	pid := hanging(t, a, "hung")
	awaitThat(t, "the question", func() bool { return m.Asked() > 0 })
	if _, err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.s.done:
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	logHas(t, fmt.Sprintf("CRIT 'hung' (pid %d) does not die: chdir of %s has not come to an end; it is left behind", pid, dir))
	m.Free()
	awaitThat(t, "the end of the child", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

// Logs on a file system that does not answer hold up those who log there.
func TestHungLog(t *testing.T) {
	dir := t.TempDir()
	a := startLoop(t, quick+"[program:logs]\ncommand=/bin/cat\nautostart=false\nstdout_logfile="+dir+"/log\nstderr_logfile=NONE\n")
	hangOn(t, dir, 0, 0)
	go a.StartProcess(t.Context(), "logs", true)
	wantState(t, a, "logs", xmlrpc.Starting)
	goesOn(t, a, "quick")
	if _, err := a.StopProcess(t.Context(), "logs", true); err != nil {
		t.Errorf("stop: %v", err)
	}
	wantState(t, a, "logs", xmlrpc.Stopped)
}

func TestParseMounts(t *testing.T) {
	table := parseMounts([]byte(`22 1 8:1 / / rw,relatime - ext4 /dev/root rw
23 22 0:5 / /dev rw - devtmpfs udev rw
24 22 0:40 / /mnt/a\040b rw shared:1 - fuse.sshfs me@there:/ rw
25 22 0:41 / /mnt rw - nfs server:/x rw
26 22 0:42 broken
`))
	for path, want := range map[string]string{
		"/usr/bin/cat": "", "/dev/null": "", "/mnt": "/mnt", "/mnt/x": "/mnt", "/mntx": "",
		"/mnt/a b/c": "/mnt/a b", "/mnt/a bc": "/mnt", "": "", "relative": "",
	} {
		if got := table.of(path); got != want {
			t.Errorf("%q is on %q, want %q", path, got, want)
		}
	}
}
