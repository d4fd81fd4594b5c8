package notify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sendVariable is set for a child that sends what it says, and then waits for the end of
// its stdin.
const sendVariable = "NOTIFY_TEST_SEND"

func TestMain(m *testing.M) {
	if text := os.Getenv(sendVariable); text != "" {
		conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
		if err == nil {
			_, err = conn.Write([]byte(text))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// listen returns a socket and what it receives.
func listen(t *testing.T) (*Socket, chan Received) {
	t.Helper()
	received := make(chan Received, 100)
	s, err := Listen(func(r Received) { received <- r })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, received
}

func next(t *testing.T, received chan Received) Received {
	t.Helper()
	select {
	case r := <-received:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was received")
	}
	panic("unreachable")
}

func dial(t *testing.T, s *Socket) *net.UnixConn {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.Address(), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestSocket(t *testing.T) {
	s, received := listen(t)
	conn := dial(t, s)
	for datagram, want := range map[string]Received{
		"READY=1\nSTATUS=up":                {Message: Message{Ready: true, Status: "up", HasStatus: true}},
		"":                                  {},
		"a\x00b":                            {Err: errors.New("a message with a NUL in it")},
		strings.Repeat("x", maxSize):        {},
		strings.Repeat("x", maxSize+1):      {Err: errors.New("a message of more than 4096 bytes")},
		strings.Repeat("x", 10*maxSize):     {Err: errors.New("a message of more than 4096 bytes")},
		fmt.Sprint("MAINPID=", os.Getpid()): {Message: Message{MainPID: os.Getpid()}, MainChain: []int{os.Getpid()}},
	} {
		if _, err := conn.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
		r := next(t, received)
		if fmt.Sprint(r.Err) != fmt.Sprint(want.Err) || r.Message != want.Message || !slices.Equal(r.MainChain, want.MainChain) {
			t.Errorf("%.100q: got %+v", datagram, r)
		}
		if r.PID != os.Getpid() || r.UID != os.Getuid() || !slices.Equal(r.Chain, []int{os.Getpid()}) || r.Last {
			t.Errorf("%.100q: from %d of %d, %v", datagram, r.PID, r.UID, r.Chain)
		}
	}
}

// start runs a command that sends to s; ended waits for its end.
func start(t *testing.T, s *Socket, send string, change func(*exec.Cmd), args ...string) (cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.Address(), sendVariable+"="+send)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v: %s", args, err, stderr.Bytes())
		}
	})
	return cmd
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A message of a descendant, however far, leads to our child.
func TestDescendant(t *testing.T) {
	s, received := listen(t)
	cmd := start(t, s, "READY=1", nil, "sh", "-c", `sh -c '"$0"; :' "$0"; :`, self(t))
	r := next(t, received)
	if len(r.Chain) != 3 || r.Chain[0] != r.PID || r.Chain[2] != cmd.Process.Pid || !r.Ready {
		t.Errorf("got %+v, the child is %d", r, cmd.Process.Pid)
	}
	if pid, ok := Find(r.Chain, func(pid int) bool { return pid == cmd.Process.Pid }); !ok || pid != cmd.Process.Pid {
		t.Errorf("found %d, %v", pid, ok)
	}
}

// The program of user= may send.
func TestOtherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run something as somebody else")
	}
	s, received := listen(t)
	binary, err := os.ReadFile(self(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "") // unlike those of tests, it can be opened for others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "send")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := start(t, s, "READY=1", func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}, path)
	r := next(t, received)
	if !r.Ready || r.UID != 65534 || !slices.Equal(r.Chain, []int{cmd.Process.Pid}) {
		t.Errorf("got %+v, the child is %d", r, cmd.Process.Pid)
	}
}

// So may one in PID and mount namespaces of its own, as in a container.
func TestOtherNamespace(t *testing.T) {
	s, received := listen(t)
	if os.Getuid() != 0 {
		t.Skip("only root can make namespaces everywhere")
	}
	cmd := start(t, s, "READY=1\nMAINPID=1", func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	}, self(t))
	r := next(t, received)
	if !r.Ready || !slices.Equal(r.Chain, []int{cmd.Process.Pid}) {
		t.Errorf("got %+v, the child is %d", r, cmd.Process.Pid)
	}
	if _, ok := Find(r.MainChain, func(pid int) bool { return pid == cmd.Process.Pid }); ok {
		t.Errorf("1 is a descendant: %v", r.MainChain)
	}
}

// systemd-notify waits until what it has said was looked at: so it can be told whose
// descendant it is, though it ends at once.
func TestSystemdNotify(t *testing.T) {
	if _, err := exec.LookPath("systemd-notify"); err != nil {
		t.Skip(err)
	}
	s, received := listen(t)
	cmd := start(t, s, "", nil, "sh", "-c", "systemd-notify --ready --status='all is well'; read x; :")
	for _, want := range []Message{{Ready: true, Status: "all is well", HasStatus: true}, {}} { // then BARRIER=1
		r := next(t, received)
		if r.Message != want {
			t.Errorf("got %+v", r)
		}
		if _, ok := Find(r.Chain, func(pid int) bool { return pid == cmd.Process.Pid }); !ok {
			t.Errorf("got %v from %d, the child is %d", r.Chain, r.PID, cmd.Process.Pid)
		}
	}
}

// Descriptors that come along are closed once handle has returned, and not kept.
func TestBarrier(t *testing.T) {
	handling, handled := make(chan Received), make(chan struct{})
	s, err := Listen(func(r Received) { handling <- r; <-handled })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn := dial(t, s)
	for range 300 {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		rights := unix.UnixRights(int(w.Fd()), int(w.Fd()))
		if err := send(conn, []byte("BARRIER=1"), rights); err != nil {
			t.Fatal(err)
		}
		w.Close()
		<-handling
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(r.Fd())}}, 0); n != 0 || err != nil {
			t.Errorf("it is closed too early: %d, %v", n, err)
		}
		handled <- struct{}{}
		if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("got %d, %v", n, err)
		}
		r.Close()
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 100 {
		t.Errorf("%d descriptors are open", len(entries))
	}
}

// send sends a datagram with what comes along with it. WriteMsgUnix does not do that where
// there is a connection.
func send(conn *net.UnixConn, p, control []byte) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Write(func(fd uintptr) bool {
		sent = unix.Sendmsg(int(fd), p, control, nil, 0)
		return sent != unix.EAGAIN
	}); err != nil {
		return err
	}
	return sent
}

// Nobody is taken for a sender that has ended: not even who has its number now.
func TestGone(t *testing.T) {
	handling, handled := make(chan Received), make(chan struct{})
	s, err := Listen(func(r Received) { handling <- r; <-handled })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn := dial(t, s)
	if _, err := conn.Write(nil); err != nil {
		t.Fatal(err)
	}
	<-handling // and it is busy with that
	cmd := exec.Command(self(t))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.Address(), sendVariable+"=READY=1")
	if out, err := cmd.CombinedOutput(); err != nil { // waited for
		t.Fatalf("%v: %s", err, out)
	}
	handled <- struct{}{}
	r := <-handling
	if !r.Ready || r.PID != cmd.Process.Pid || r.Chain != nil {
		t.Errorf("got %+v", r)
	}
	handled <- struct{}{}
}

// After Close nothing is called any more, and the address is free.
func TestClose(t *testing.T) {
	s, received := listen(t)
	conn := dial(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Write([]byte("READY=1")); err == nil {
		t.Error("something can be sent")
	}
	<-s.done
	if len(received) > 0 {
		t.Errorf("got %+v", <-received)
	}
}

// The parent of ours is known from /proc.
func TestLookup(t *testing.T) {
	p, ok := lookup(os.Getpid())
	parent, found := lookup(p.parent)
	if !ok || p.parent != os.Getppid() || !found || parent.start > p.start {
		t.Errorf("got %+v, %v, and of the parent %+v, %v", p, ok, parent, found)
	}
	if p, ok := lookup(1 << 30); ok {
		t.Errorf("got %+v", p)
	}
}

func BenchmarkReceive(b *testing.B) {
	received := make(chan Received)
	s, err := Listen(func(r Received) { received <- r })
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	conn, err := net.Dial("unixgram", s.Address())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write([]byte("WATCHDOG=1")); err != nil {
			b.Fatal(err)
		}
		<-received
	}
}
