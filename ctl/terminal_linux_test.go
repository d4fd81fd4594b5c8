package ctl

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"supervisor/xmlrpc"
)

// TestMain lets the test binary be supervisorctl, for what can be seen only from
// outside of a process: signals and the terminal.
func TestMain(m *testing.M) {
	if url := os.Getenv("CTL_TEST_URL"); url != "" {
		os.Exit(Run(context.Background(), Options{
			ServerURL: url, Prompt: "supervisor", HistoryFile: os.Getenv("CTL_TEST_HISTORY"),
			Interactive: os.Getenv("CTL_TEST_INTERACTIVE") != "",
			Args:        os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		}))
	}
	os.Exit(m.Run())
}

// serve has f answer on a unix socket, in place of a supervisord. What is asked
// for but not listed here is an unknown method.
func serve(t *testing.T, f *fake) (url string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	methods := xmlrpc.NewServer(untold{}, xmlrpc.Namespace{Name: "supervisor", Methods: f.methods()})
	mux := http.NewServeMux()
	mux.HandleFunc("/RPC2", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); f.password != "" && (user != "joe" || password != f.password) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		answer, status := methods.Serve(r.Context(), body, nil, nil)
		w.WriteHeader(status)
		_, _ = w.Write(answer) // as above
	})
	mux.HandleFunc("/logtail/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "from "+r.URL.Path+"\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return "unix://" + socket
}

// methods are those that supervisorctl at a terminal asks for.
func (f *fake) methods() []xmlrpc.Method {
	method := func(name string, params int, call func(context.Context, xmlrpc.Args) (any, error)) xmlrpc.Method {
		return xmlrpc.Method{Name: name, Params: make([]xmlrpc.Param, params), Call: call}
	}
	return []xmlrpc.Method{
		method(xmlrpc.MethodGetVersion, 0, func(ctx context.Context, _ xmlrpc.Args) (any, error) { return f.APIVersion(ctx) }),
		method(xmlrpc.MethodGetSupervisorVersion, 0, func(ctx context.Context, _ xmlrpc.Args) (any, error) { return f.SupervisorVersion(ctx) }),
		method(xmlrpc.MethodGetPID, 0, func(ctx context.Context, _ xmlrpc.Args) (any, error) { return f.PID(ctx) }),
		method(xmlrpc.MethodGetAllProcessInfo, 0, func(ctx context.Context, _ xmlrpc.Args) (any, error) { return f.AllProcessInfo(ctx) }),
		method(xmlrpc.MethodGetProcessInfo, 1, func(ctx context.Context, args xmlrpc.Args) (any, error) {
			return f.ProcessInfo(ctx, args.String(0))
		}),
		method(xmlrpc.MethodSendProcessStdin, 2, func(ctx context.Context, args xmlrpc.Args) (any, error) {
			return f.SendProcessStdin(ctx, args.String(0), args.String(1))
		}),
		method(xmlrpc.MethodStartProcess, 2, func(ctx context.Context, _ xmlrpc.Args) (any, error) {
			<-ctx.Done() // it never runs
			return nil, xmlrpc.NewFault(xmlrpc.AbnormalTermination)
		}),
	}
}

// untold is a Tracer that keeps nothing.
type untold struct{}

func (untold) Called(string)                 {}
func (untold) Returned(string)               {}
func (untold) Faulted(string, *xmlrpc.Fault) {}
func (untold) Invalid([]byte, string)        {}
func (untold) Crashed([]byte, string)        {}

// screen is a terminal with supervisorctl at it.
type screen struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	seen   chan []byte
	text   []byte // not yet expected
}

// at starts supervisorctl with args at a new terminal.
func at(t *testing.T, url string, env []string, args ...string) *screen {
	t.Helper()
	return run(t, exec.Command(os.Args[0], args...), append([]string{"TERM=dumb", "CTL_TEST_URL=" + url}, env...))
}

// run starts a command at a new terminal.
func run(t *testing.T, cmd *exec.Cmd, env []string) *screen {
	t.Helper()
	master, slave := pty(t)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, master: master, slave: slave, cmd: cmd, seen: make(chan []byte, 100)}
	go func() {
		defer close(s.seen)
		for {
			buf := make([]byte, 4096)
			n, err := master.Read(buf)
			if n > 0 {
				s.seen <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		master.Close()
		slave.Close()
	})
	return s
}

// pty opens a new pair of terminal ends.
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	var unlock, number int32
	for request, arg := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (s *screen) send(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits until the screen shows text, and forgets all up to its end.
func (s *screen) expect(text string) (before string) {
	s.t.Helper()
	late := time.After(10 * time.Second)
	for {
		if i := bytes.Index(s.text, []byte(text)); i >= 0 {
			before = string(s.text[:i])
			s.text = s.text[i+len(text):]
			return before
		}
		select {
		case p, ok := <-s.seen:
			if !ok {
				s.t.Fatalf("the end instead of %q, behind %q", text, s.text)
			}
			s.text = append(s.text, p...)
		case <-late:
			s.t.Fatalf("no %q in %q", text, s.text)
		}
	}
}

// end waits until the program has ended.
func (s *screen) end() syscall.WaitStatus {
	s.t.Helper()
	late := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	_ = s.cmd.Wait() // what it says is in the state
	return s.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

const prompt = "supervisor> "

func TestShellAtTerminal(t *testing.T) {
	history := filepath.Join(t.TempDir(), "history")
	s := at(t, serve(t, &fake{infos: table}), []string{"CTL_TEST_HISTORY=" + history})
	if got := s.expect(prompt); got != strings.ReplaceAll(shellStatus, "\n", "\r\n") {
		t.Errorf("at first: %q", got)
	}
	s.send("versionx\x7f\r")
	s.expect("\r\n4.3.0\r\n" + prompt)
	s.send("\r")
	s.expect("\r\n" + prompt)
	s.send("\x1b[A\r") // the line before
	s.expect("version\r\n4.3.0\r\n" + prompt)
	s.send("sta\t\t")
	s.expect("start   status ")
	s.send("tu\tca\t\r")
	s.expect("pid 12")
	s.expect(prompt)
	s.send("\x04")
	s.expect("\r\n")
	if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("ended with %v", status)
	}
	if got, err := os.ReadFile(history); err != nil || string(got) != "version\nstatus cat \n" {
		t.Errorf("history %q, %v", got, err)
	}
}

func TestShellInterrupts(t *testing.T) {
	url := serve(t, &fake{infos: table})
	t.Run("at the prompt", func(t *testing.T) {
		s := at(t, url, nil)
		s.expect(prompt)
		s.send("half a line\x03")
		if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("ended with %v", status)
		}
	})
	t.Run("while an action waits", func(t *testing.T) {
		s := at(t, url, nil)
		s.expect(prompt)
		s.send("start cat\r")
		s.expect("\r\n")
		interruptWhenSignal(s)
		if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("ended with %v", status)
		}
	})
	t.Run("of what has no other end", func(t *testing.T) {
		s := at(t, url, nil)
		s.expect(prompt)
		s.send("tail -f cat\r")
		s.expect("from /logtail/cat/stdout\r\n")
		s.send("\x03")
		s.expect("\r\n" + prompt)
		s.send("fg cat\r")
		s.expect("from /logtail/cat/stdout\r\n")
		s.send("\x03")
		s.expect("Exiting foreground\r\n" + prompt)
		s.send("fg cat\r")
		s.expect("from /logtail/cat/stdout\r\n")
		s.send("\x04")
		s.expect("Exiting foreground\r\n" + prompt)
		s.send("version\r") // the line after fg is not lost
		s.expect("4.3.0\r\n" + prompt)
	})
	t.Run("by a signal", func(t *testing.T) {
		s := at(t, url, nil)
		s.expect(prompt)
		before := modes(t, s.master)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if status := s.end(); !status.Signaled() || status.Signal() != syscall.SIGTERM {
			t.Errorf("ended with %v", status)
		}
		if after := modes(t, s.master); before&syscall.ECHO != 0 || after&syscall.ECHO == 0 || after&syscall.ICANON == 0 {
			t.Errorf("local modes of the terminal: %b before, %b after", before, after)
		}
	})
}

// interruptWhenSignal presses Ctrl-C as soon as the terminal is in the mode in
// which that is a signal.
func interruptWhenSignal(s *screen) {
	deadline := time.Now().Add(10 * time.Second)
	for modes(s.t, s.master)&syscall.ISIG == 0 {
		if time.Now().After(deadline) {
			s.t.Fatal("the terminal stays in raw mode")
		}
	}
	s.send("\x03")
}

func modes(t *testing.T, f *os.File) uint32 {
	t.Helper()
	var mode syscall.Termios
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&mode))); errno != 0 {
		t.Fatal(errno)
	}
	return mode.Lflag
}

// TestSuspend: at Ctrl-Z the shell that has started us gets the terminal as it was; when we
// are back the line goes on. That happens twice, with a key typed together with the line
// and with one alone.
func TestSuspend(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("needs bash")
	}
	s := run(t, exec.Command(bash, "--norc", "--noprofile", "-i"), []string{"TERM=dumb", "PS1=$ ", "CTL_TEST_URL=" + serve(t, &fake{infos: table})})
	s.expect("$ ")
	s.send(os.Args[0] + "\r")
	s.expect(prompt)
	s.send("vers\x1a")
	s.expect("Stopped")
	s.expect("$ ")
	s.send("stty -a | grep -ow -e '-*icanon'\r")
	s.expect("\r\nicanon\r\n$ ")
	s.send("fg\r")
	s.expect(prompt + "vers")
	s.send("ion\r")
	s.expect("4.3.0\r\n" + prompt)
	s.send("pi")
	s.expect("pi")
	s.send("\x1a")
	s.expect("$ ")
	s.send("fg\r")
	s.expect(prompt + "pi")
	s.send("d\r")
	s.expect("77\r\n" + prompt)
	s.send("quit\r")
	s.expect("$ ")
	s.send("exit\r")
	s.end()
}

// TestOneShotInterrupts checks how Ctrl-C ends what is not a shell.
func TestOneShotInterrupts(t *testing.T) {
	url := serve(t, &fake{infos: table})
	t.Run("tail -f", func(t *testing.T) {
		s := at(t, url, nil, "tail", "-f", "cat", "stderr")
		s.expect("from /logtail/cat/stderr\r\n")
		s.send("\x03")
		s.expect("\r\n")
		if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("ended with %v", status)
		}
	})
	t.Run("fg", func(t *testing.T) {
		s := at(t, url, nil, "fg", "cat")
		s.expect("from /logtail/cat/stdout\r\n")
		s.send("\x03")
		s.expect("Exiting foreground\r\n")
		if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
			t.Errorf("ended with %v", status)
		}
	})
	t.Run("start", func(t *testing.T) {
		s := at(t, url, nil, "start", "cat")
		s.send("\x03")
		if status := s.end(); !status.Signaled() || status.Signal() != syscall.SIGINT {
			t.Errorf("ended with %v", status)
		}
	})
}

// TestSignalsAtQuestion: whatever ends it, the terminal is as it was.
func TestSignalsAtQuestion(t *testing.T) {
	url := serve(t, &fake{infos: table})
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, args := range [][]string{{"shutdown"}, nil} {
			s := at(t, url, []string{"CTL_TEST_INTERACTIVE=1"}, args...)
			question := "y/N? "
			if args == nil {
				question = prompt
			}
			s.expect(question)
			if err := s.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			s.end()
			const cooked = syscall.ICANON | syscall.ECHO | syscall.ISIG
			if after := modes(t, s.master); after&cooked != cooked {
				t.Errorf("%v at %q: the terminal has modes %o", sig, question, after)
			}
			for p := range s.drained() {
				s.text = append(s.text, p...)
			}
			if bytes.Contains(s.text, []byte("goroutine")) {
				t.Errorf("%v: it shows %s", sig, s.text)
			}
		}
	}
}

func TestCredentialsAtTerminal(t *testing.T) {
	s := at(t, serve(t, &fake{infos: table, password: "secret"}), nil)
	s.expect("Server requires authentication\r\nUsername:")
	s.send("joe\r")
	s.expect("Password:")
	s.send("secret\r")
	if got := s.expect(prompt); strings.Contains(got, "secret") || !strings.Contains(got, "RUNNING") {
		t.Errorf("got %q", got)
	}
	s.send("quit\r")
	if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("ended with %v", status)
	}
}

// TestCredentialsInterrupted checks that Ctrl-C at a question leaves the shell.
func TestCredentialsInterrupted(t *testing.T) {
	s := at(t, serve(t, &fake{password: "secret"}), nil)
	s.expect("Username:")
	s.send("\x03")
	if status := s.end(); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("ended with %v", status)
	}
}

// TestPerson checks that only a terminal that can show more than text is shown
// more.
func TestPerson(t *testing.T) {
	url := "unix://" + filepath.Join(t.TempDir(), "none")
	for term, wanted := range map[string]bool{"dumb": false, "xterm": true} {
		s := at(t, url, []string{"TERM=" + term}, "status")
		s.expect(" no such file\r\n")
		status := s.end()
		rest := ""
		for p := range s.drained() {
			rest += string(p)
		}
		if rest = string(s.text) + rest; strings.Contains(rest, "There is no socket") != wanted || status.ExitStatus() != 4 {
			t.Errorf("TERM=%s: %q, %v", term, rest, status)
		}
	}
}

// drained returns what comes until the terminal is closed.
func (s *screen) drained() <-chan []byte {
	// Closing our slave end, the last one, makes the master report the end.
	s.slave.Close()
	return s.seen
}

// TestBashTab presses TAB in a bash that people use.
func TestBashTab(t *testing.T) {
	c := newCompletionTest(t, "bash")
	s := run(t, exec.Command(c.shell, "--norc", "--noprofile", "-i"), []string{"TERM=dumb", "PS1=$ ", "PATH=" + c.dir + ":" + os.Getenv("PATH"), "HOME=" + c.dir})
	s.expect("$ ")
	s.send("cd; source " + c.file + "; bind 'set bell-style none'\r")
	s.expect("$ ")
	c.answer("words", "we;touch")
	s.send("supervisorctl start we\t")
	s.expect(`we\;touch `)
	c.answer("files")
	s.send("-c comple\t")
	s.expect("completion ")
	c.harmless("completion", "bash", `supervisorctl start we\;touch -c comple`)
	s.send("\x15exit\r")
	s.end()
}
