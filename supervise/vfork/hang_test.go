//go:build linux && !portable

package vfork_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/vfork"
	"supervisor/testdata/child"
)

// deadline is how long a test waits for what has to come.
const deadline = 20 * time.Second

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, deadline)
		}
	}
}

// hungMount mounts a file system that does not answer.
func hungMount(t *testing.T, uid, gid int) (dir string, m *child.HungMount) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system that hangs")
	}
	dir = t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // for other users as well
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m, err := child.MountHung(dir, uid, gid)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(m.Close)
	return dir, m
}

// started is what Start returns.
type started struct {
	pid, pidfd int
	err        error
}

// startHung starts /bin/true in a directory that hangs, and returns when it does.
func startHung(t *testing.T, s *vfork.Starter, attr vfork.Attr) (*vfork.Child, <-chan started) {
	t.Helper()
	null := int(devNull(t).Fd())
	attr.Umask, attr.Argv = -1, strs(t, "true")
	if attr.Files == [3]int{} {
		attr.Files = [3]int{null, null, null}
	}
	c, done := new(vfork.Child), make(chan started, 1)
	go func() {
		pid, pidfd, err := s.Start(c, "/bin/true", &attr)
		done <- started{pid, pidfd, err}
	}()
	until(t, "the child hangs", func() bool { return c.PID() != 0 && c.Doing() == "chdir" })
	return c, done
}

func wantStarted(t *testing.T, done <-chan started) started {
	t.Helper()
	select {
	case s := <-done:
		return s
	case <-time.After(deadline):
		t.Fatal("Start does not return")
	}
	return started{}
}

// A child that hangs before its exec holds up nobody: neither goroutines nor the
// collector of garbage, nor others who start programs. It is known, and can be killed.
func TestHungChild(t *testing.T) {
	dir, _ := hungMount(t, 0, 0)
	s := newStarter(t)
	c, done := startHung(t, s, vfork.Attr{Dir: dir})
	for range 3 {
		runtime.GC() // which stops all goroutines
	}
	if got := say(t, newStarter(t), vfork.Attr{Umask: -1, Environ: strs(t, os.Environ()...)}, "/bin/echo", "on"); got != "on" {
		t.Errorf("another program says %q", got)
	}
	if files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.PID())); err != nil || len(files) != 3 {
		t.Errorf("it has %d files open, %v", len(files), err)
	}
	select {
	case got := <-done:
		t.Fatalf("it did not hang: %v", got)
	default:
	}
	if err := c.Signal(syscall.SIGTERM, true); err != nil {
		t.Fatal(err)
	}
	got := wantStarted(t, done)
	if got.err != nil || got.pid != c.PID() {
		t.Fatalf("got %+v", got)
	}
	syscall.Close(got.pidfd)
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(got.pid, &ws, 0, nil); err != nil || ws.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, %v", ws, err)
	}
}

// Nobody can kill a child that waits for an answer to what somebody has read. It is
// let go with the mount.
func TestUnkillableChild(t *testing.T) {
	dir, m := hungMount(t, 0, 0)
	go m.Serve()
	c, done := startHung(t, newStarter(t), vfork.Attr{Dir: dir})
	until(t, "the question", func() bool { return m.Asked() > 0 })
	if err := c.Signal(syscall.SIGKILL, false); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	m.Free()
	if got := wantStarted(t, done); got.err == nil { // the signal was first, or the answer
		syscall.Close(got.pidfd)
		wait(t, got.pid)
	}
}

// What one child hangs with is not open in another one.
func TestHungChildrenApart(t *testing.T) {
	dir, _ := hungMount(t, 0, 0)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	null := int(devNull(t).Fd())
	others, s := newStarter(t), newStarter(t)
	var children []*vfork.Child
	for _, starter := range []*vfork.Starter{others, s} {
		files := [3]int{null, null, null}
		if starter == s {
			files[1] = int(w.Fd())
		}
		c, done := startHung(t, starter, vfork.Attr{Dir: dir, Files: files})
		children = append(children, c)
		defer func() {
			if got := wantStarted(t, done); got.err == nil {
				wait(t, got.pid)
				syscall.Close(got.pidfd)
			}
		}()
	}
	w.Close()
	children[1].Signal(syscall.SIGKILL, false)
	if _, err := io.ReadAll(r); err != nil { // ends only if the other child has not kept it
		t.Error(err)
	}
	children[0].Signal(syscall.SIGKILL, false)
}

// A start that is stopped before there is a child does not run the program.
func TestStopBefore(t *testing.T) {
	null := int(devNull(t).Fd())
	c := new(vfork.Child)
	if pid := c.Stop(); pid != 0 {
		t.Errorf("pid %d", pid)
	}
	_, _, err := newStarter(t).Start(c, "/bin/true", &vfork.Attr{Files: [3]int{null, null, null}, Umask: -1, Argv: strs(t, "true")})
	if err != vfork.ChildError(syscall.ECANCELED) {
		t.Errorf("got %v", err)
	}
	if err = c.Signal(syscall.SIGTERM, false); err != syscall.ESRCH {
		t.Errorf("a signal afterwards: %v", err)
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

// Whenever the order to stop comes, either the program does not run, or who gives the
// order knows the pid.
func TestStopMeanwhile(t *testing.T) {
	s, null := newStarter(t), int(devNull(t).Fd())
	attr := &vfork.Attr{Files: [3]int{null, null, null}, Umask: -1, Argv: strs(t, "true")}
	var stopped, known int
	for i := range 200 {
		c, seen := new(vfork.Child), make(chan int)
		go func() {
			for range i * 40 {
				runtime.Gosched()
			}
			seen <- c.Stop()
		}()
		pid, pidfd, err := s.Start(c, "/bin/true", attr)
		switch told := <-seen; {
		case err == vfork.ChildError(syscall.ECANCELED):
			stopped++
			continue
		case err != nil:
			t.Fatal(err)
		case told != pid:
			t.Fatalf("pid %d runs, who stops it was told of %d", pid, told)
		}
		known++
		syscall.Close(pidfd)
		wait(t, pid)
	}
	t.Logf("stopped in time: %d, to be signalled: %d", stopped, known)
}

// dumpable is what others may see of this process.
func dumpable() uintptr {
	got, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0)
	return got
}

// We stay as dumpable as we were, but not as long as a child of another user shares
// our memory.
func TestDumpable(t *testing.T) {
	if dumpable() != 1 {
		t.Skip("this process is not dumpable")
	}
	const uid, gid = 70001, 70002
	dir, _ := hungMount(t, uid, gid)
	user := &syscall.Credential{Uid: uid, Gid: gid}
	shared := new(vfork.Shared)
	var starters [2]*vfork.Starter
	for i := range starters {
		s, err := vfork.New(shared)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		starters[i] = s
	}
	say(t, starters[0], vfork.Attr{Umask: -1, User: user}, "/bin/true")
	if got := dumpable(); got != 1 {
		t.Errorf("after a start for another user: %d", got)
	}
	c, done := startHung(t, starters[0], vfork.Attr{Dir: dir, User: user})
	say(t, starters[1], vfork.Attr{Umask: -1, User: user}, "/bin/true")
	if got := dumpable(); got == 1 {
		t.Error("we can be looked into while a child of another user is in our memory")
	}
	c.Signal(syscall.SIGKILL, false)
	got := wantStarted(t, done)
	syscall.Close(got.pidfd)
	wait(t, got.pid)
	if got := dumpable(); got != 1 {
		t.Errorf("after the last one: %d", got)
	}
}

// Where the system refuses the newer calls, children start all the same, and what can
// be had is had.
func TestRefused(t *testing.T) {
	const variable, tests = "VFORK_TEST_REFUSED", "-test.run=^(TestChildHas$|TestChildSignals|TestFailure|TestPidfd|TestStopBefore|TestNoDescriptorLeft)"
	if calls := os.Getenv(variable); calls != "" {
		var errno, first, second uint32
		if _, err := fmt.Sscan(calls, &errno, &first, &second); err != nil {
			t.Fatal(err)
		}
		if err := child.Refuse(syscall.Errno(errno), first, second); err != nil {
			fmt.Println("SKIP", err)
			os.Exit(0)
		}
		err := syscall.Exec("/proc/self/exe", []string{os.Args[0], tests, "-test.v"}, os.Environ()[:0])
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		errno         syscall.Errno
		first, second int
	}{
		{"clone3", syscall.ENOSYS, child.Clone3, child.Clone3},
		{"close_range", syscall.EPERM, child.CloseRange, child.CloseRange},
		{"both", syscall.ENOSYS, child.Clone3, child.CloseRange},
		{"clone3 and pidfd_open", syscall.ENOSYS, child.Clone3, child.PidfdOpen},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestRefused$")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d", variable, c.errno, c.first, c.second))
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			switch {
			case strings.HasPrefix(string(out), "SKIP"):
				t.Skip(string(out))
			case errors.As(err, &exit) || !strings.Contains(string(out), "--- PASS: TestChildHas"):
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
