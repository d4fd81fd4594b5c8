//go:build linux && !portable

package vfork_test

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"supervisor/supervise/vfork"
)

func newStarter(tb testing.TB) *vfork.Starter {
	tb.Helper()
	s, err := vfork.New(new(vfork.Shared))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// strs makes Strings of what has no NUL in it.
func strs(tb testing.TB, list ...string) vfork.Strings {
	tb.Helper()
	s, err := vfork.NewStrings(nil, list)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func devNull(tb testing.TB) *os.File {
	tb.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { null.Close() })
	return null
}

// wait waits for a child and returns its exit status.
func wait(tb testing.TB, pid int) int {
	tb.Helper()
	var ws syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &ws, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			tb.Fatal(err)
		}
		return ws.ExitStatus()
	}
}

// say starts a command with attr and returns what it says on stdout.
func say(t *testing.T, s *vfork.Starter, attr vfork.Attr, file string, args ...string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	null := int(devNull(t).Fd())
	attr.Files = [3]int{null, int(w.Fd()), null}
	attr.Argv = strs(t, append([]string{file}, args...)...)
	pid, pidfd, err := s.Start(new(vfork.Child), file, &attr)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if pidfd >= 0 {
		syscall.Close(pidfd)
	}
	out, err := io.ReadAll(r) // ends only if nobody else has kept the other end
	if err != nil {
		t.Fatal(err)
	}
	wait(t, pid)
	return strings.TrimSpace(string(out))
}

func TestChildHas(t *testing.T) {
	s := newStarter(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.Create(filepath.Join(dir, "open")) // not for children
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for _, c := range []struct {
		name, script, want string
		attr               vfork.Attr
	}{
		{"environment", `echo "$A,$B,$HOME"`, "1,2 3,", vfork.Attr{Umask: -1, Environ: strs(t, "A=1", "B=2 3")}},
		{"directory", "pwd", dir, vfork.Attr{Umask: -1, Dir: dir}},
		{"umask", "umask", "0027", vfork.Attr{Umask: 0o27}},
		{"our umask", "umask", "0022", vfork.Attr{Umask: -1}},
		{"limit of open files", "ulimit -S -n; ulimit -H -n", "77\n88", vfork.Attr{Umask: -1, NoFile: &syscall.Rlimit{Cur: 77, Max: 88}}},
		{"a process group", `read pid name state ppid group rest < /proc/$$/stat; test $pid = $group && echo yes`, "yes", vfork.Attr{Umask: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer syscall.Umask(syscall.Umask(0o22))
			if c.attr.Environ == nil {
				c.attr.Environ = strs(t, os.Environ()...)
			}
			if got := say(t, s, c.attr, "/bin/sh", "-c", c.script); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What is ignored stays ignored, and nothing of what the runtime does about signals
// is left, neither handlers nor blocked ones, however the child is started.
func TestChildSignals(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	for _, old := range []bool{false, true} {
		t.Run(map[bool]string{false: "clone3", true: "clone"}[old], func(t *testing.T) {
			s := newStarter(t)
			if old {
				s.Old()
			}
			const xfsz = 1 << (syscall.SIGXFSZ - 1)
			for range 50 { // on whatever thread
				status := say(t, s, vfork.Attr{Umask: -1}, "/bin/cat", "/proc/self/status")
				for name, want := range map[string]uint64{"SigBlk": 0, "SigCgt": 0, "SigIgn": xfsz} {
					_, rest, _ := strings.Cut(status, name+":")
					field, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
					got, err := strconv.ParseUint(field, 16, 64)
					if err != nil {
						t.Fatal(err)
					}
					if got&xfsz != want&xfsz || name != "SigIgn" && got != want {
						t.Errorf("%s is %#x, want %#x", name, got, want)
					}
				}
			}
		})
	}
}

// Commands that are no shell show what they were given, and nothing of their own.
func TestChildHasNothingElse(t *testing.T) {
	s := newStarter(t)
	devNull(t)                   // one more that is not for children
	for fd := 3; fd < 64; fd++ { // nor is what the test itself was given
		syscall.CloseOnExec(fd)
	}
	if got, want := say(t, s, vfork.Attr{Umask: -1}, "/bin/ls", "/proc/self/fd"), "0\n1\n2\n3"; got != want { // it reads the directory by 3
		t.Errorf("open descriptors: %q, want %q", got, want)
	}
	status := say(t, s, vfork.Attr{Umask: -1}, "/bin/cat", "/proc/self/status")
	for _, mask := range []string{"SigBlk", "SigCgt"} {
		if !strings.Contains(status, mask+":\t0000000000000000\n") {
			t.Errorf("%s is not empty:\n%s", mask, status)
		}
	}
}

func TestChildBecomesUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	user := &syscall.Credential{Uid: 70001, Gid: 70002, Groups: []uint32{70002, 70003}}
	got := say(t, newStarter(t), vfork.Attr{Umask: -1, User: user, Environ: strs(t, os.Environ()...)}, "/bin/sh", "-c", "id -u; id -g; id -G")
	if want := "70001\n70002\n70002 70003"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if os.Getuid() != 0 || os.Getgid() == 70002 {
		t.Error("we have become that user ourselves")
	}
}

func TestFailure(t *testing.T) {
	s := newStarter(t)
	null := int(devNull(t).Fd())
	for _, c := range []struct {
		name, file string
		attr       vfork.Attr
		want       syscall.Errno
	}{
		{"no such file", "/nowhere/to/be/found", vfork.Attr{}, syscall.ENOENT},
		{"not executable", "/etc/passwd", vfork.Attr{}, syscall.EACCES},
		{"no such directory", "/bin/true", vfork.Attr{Dir: "/nowhere"}, syscall.ENOENT},
		{"a NUL in the file", "/bin/true\x00", vfork.Attr{}, syscall.EINVAL},
		{"a NUL in the directory", "/bin/true", vfork.Attr{Dir: "\x00"}, syscall.EINVAL},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := openFiles(t)
			c.attr.Files = [3]int{null, null, null}
			c.attr.Argv = strs(t, "x")
			_, _, err := s.Start(new(vfork.Child), c.file, &c.attr)
			var inChild vfork.ChildError
			if !errors.As(err, &inChild) || syscall.Errno(inChild) != c.want {
				t.Errorf("got %v, want %v in the child", err, c.want)
			}
			if after := openFiles(t); after != before {
				t.Errorf("%d descriptors were open, now there are %d", before, after)
			}
		})
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

func TestNewStrings(t *testing.T) {
	shared := strs(t, "A=1", "B=2")
	all, err := vfork.NewStrings(shared[:1], []string{"C=", ""})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 || all[0] != shared[0] || all[3] != nil {
		t.Errorf("got %v", all)
	}
	for i, want := range []string{"A=1\x00", "C=\x00", "\x00"} {
		if got := string(unsafe.Slice(all[i], len(want))); got != want {
			t.Errorf("%d: got %q, want %q", i, got, want)
		}
	}
	if _, err = vfork.NewStrings(nil, []string{"A=\x00"}); err != syscall.EINVAL {
		t.Errorf("a NUL: %v", err)
	}
}

// A descriptor that is not open is our mistake, and no child is made.
func TestBadDescriptor(t *testing.T) {
	_, _, err := newStarter(t).Start(new(vfork.Child), "/bin/true", &vfork.Attr{Files: [3]int{1 << 20, 0, 0}, Argv: strs(t, "true")})
	if err != syscall.EBADF {
		t.Errorf("got %v", err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Who has no descriptor left for a child gets it without one.
func TestNoDescriptorLeft(t *testing.T) {
	s := newStarter(t)
	null := int(devNull(t).Fd())
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := syscall.Rlimit{Cur: 64, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	for {
		fd, err := syscall.Dup(null)
		if err != nil {
			break
		}
		defer syscall.Close(fd)
	}
	pid, pidfd, err := s.Start(new(vfork.Child), "/bin/true", &vfork.Attr{Files: [3]int{null, null, null}, Umask: -1, Argv: strs(t, "true"), NoFile: &limit})
	if err != nil {
		t.Fatal(err)
	}
	if pidfd != -1 {
		t.Errorf("pidfd %d", pidfd)
	}
	if status := wait(t, pid); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// Who needs more descriptors than there may be gets none for children.
func TestReserveTooMany(t *testing.T) {
	s := newStarter(t)
	s.Reserve(1 << 30)
	null := int(devNull(t).Fd())
	pid, pidfd, err := s.Start(new(vfork.Child), "/bin/true", &vfork.Attr{Files: [3]int{null, null, null}, Umask: -1, Argv: strs(t, "true")})
	if err != nil {
		t.Fatal(err)
	}
	if pidfd != -1 {
		t.Errorf("pidfd %d", pidfd)
	}
	if status := wait(t, pid); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

// The descriptor of a child is readable as soon as the child has ended, and not
// before.
func TestPidfd(t *testing.T) {
	s := newStarter(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	null := int(devNull(t).Fd())
	pid, pidfd, err := s.Start(new(vfork.Child), "/bin/cat", &vfork.Attr{Files: [3]int{int(r.Fd()), null, null}, Argv: strs(t, "cat"), Umask: -1})
	if err != nil {
		t.Fatal(err)
	}
	if pidfd < 0 {
		t.Skip("this system has no pidfd")
	}
	defer syscall.Close(pidfd)
	if n := poll(t, pidfd, 0); n != 0 {
		t.Error("it is readable while the child runs")
	}
	w.Close()
	if n := poll(t, pidfd, 10_000); n != 1 {
		t.Error("it is not readable ten seconds after the child has ended")
	}
	wait(t, pid)
}

// poll waits until fd is readable, for some milliseconds.
func poll(t *testing.T, fd, timeout int) int {
	t.Helper()
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(epfd)
	if err = syscall.EpollCtl(epfd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN}); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := syscall.EpollWait(epfd, make([]syscall.EpollEvent, 1), timeout)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// Starting goes on beside everything that moves memory and opens files, and what
// others open stays open.
func TestStartAmongOthers(t *testing.T) {
	s := newStarter(t)
	null := int(devNull(t).Fd())
	stop := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				f, err := os.Open("/proc/self/stat")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err = io.ReadAll(f); err != nil {
					t.Error(err)
				}
				if err = f.Close(); err != nil {
					t.Error(err)
				}
				deep(i % 200)
				if i%20 == 0 {
					runtime.GC()
				}
			}
		})
	}
	for i := range 300 {
		status := i % 7
		pid, pidfd, err := s.Start(new(vfork.Child), "/bin/sh", &vfork.Attr{
			Files: [3]int{null, null, null}, Umask: -1, Argv: strs(t, "sh", "-c", "exit "+strconv.Itoa(status)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := wait(t, pid); got != status {
			t.Errorf("start %d: exit status %d, want %d", i, got, status)
		}
		if pidfd >= 0 {
			syscall.Close(pidfd)
		}
	}
	close(stop)
	others.Wait()
}

// startAndWait starts /bin/true and waits for its end.
func startAndWait(tb testing.TB, s *vfork.Starter, attr *vfork.Attr) {
	tb.Helper()
	pid, pidfd, err := s.Start(new(vfork.Child), "/bin/true", attr)
	if err != nil {
		tb.Fatal(err)
	}
	wait(tb, pid)
	if pidfd >= 0 {
		syscall.Close(pidfd)
	}
}

// Each start costs what the child is prepared in, and the name of the file.
func TestStartAllocates(t *testing.T) {
	s := newStarter(t)
	null := int(devNull(t).Fd())
	attr := &vfork.Attr{Files: [3]int{null, null, null}, Umask: -1, Argv: strs(t, "true"), Environ: strs(t, os.Environ()...)}
	allocations := testing.AllocsPerRun(20, func() { startAndWait(t, s, attr) })
	if allocations > 3 { // one is that of wait
		t.Errorf("%v allocations", allocations)
	}
}

// deep makes the stack grow.
func deep(n int) int {
	var a [64]int
	if n == 0 {
		return a[0]
	}
	return deep(n-1) + a[n%64]
}

func BenchmarkStart(b *testing.B) {
	s := newStarter(b)
	null := int(devNull(b).Fd())
	attr := &vfork.Attr{Files: [3]int{null, null, null}, Umask: -1, Argv: strs(b, "true"), Environ: strs(b, os.Environ()...)}
	for _, open := range []int{0, 3000} {
		b.Run(strconv.Itoa(open)+" files open", func(b *testing.B) {
			for range open {
				devNull(b)
			}
			b.ReportAllocs()
			for b.Loop() {
				startAndWait(b, s, attr)
			}
		})
	}
}
