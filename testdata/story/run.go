package story

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Programs says what plays the roles.
type Programs struct {
	// Dir holds supervisord and supervisorctl, ours or the original's.
	Dir string
	// Child plays testdata/child.
	Child string
	// Original: Dir holds Supervisor itself, so what a story lists as different
	// is left out.
	Original bool
	// Debian is the directory of Debian's Supervisor; empty: there is none.
	Debian string
	// Root is the project's directory.
	Root string
}

// player plays one story.
type player struct {
	t        *testing.T
	story    *Story
	programs Programs
	dir      string
	vars     map[string]string
	roles    map[string]string // supervisord, supervisorctl: path
	daemon   *process
	line     int

	stdout, stderr []byte // of the last program
	status         int
}

// process is a program that was started and not yet waited for.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Play plays the story. It skips the test when the story needs what is not there.
func Play(t *testing.T, s *Story, programs Programs) {
	p := &player{t: t, story: s, programs: programs, roles: map[string]string{
		"supervisord":   filepath.Join(programs.Dir, "supervisord"),
		"supervisorctl": filepath.Join(programs.Dir, "supervisorctl"),
	}}
	for _, need := range s.Needs {
		if missing := p.missing(need); missing != "" {
			t.Skipf("needs: %s: %s", need, missing)
		}
	}
	if programs.Original && s.differsEverywhere() {
		t.Skipf("differs: %s", s.Steps[0].Differs)
	}
	p.setUp()
	t.Cleanup(p.tearDown)
	for _, step := range s.Steps {
		if programs.Original && step.Differs != "" {
			t.Logf("line %d differs: %s", step.Line, step.Differs)
			continue
		}
		p.line = step.Line
		if err := p.play(step.Text); err != nil {
			p.fail(step, err)
		}
	}
}

func (s *Story) differsEverywhere() bool {
	for _, step := range s.Steps {
		if step.Differs == "" {
			return false
		}
	}
	return len(s.Steps) > 0
}

// setUp makes the directory, which is short because a unix socket's path has to
// be, and its files.
func (p *player) setUp() {
	dir, err := os.MkdirTemp("", "story")
	if err != nil {
		p.t.Fatal(err)
	}
	// Programs that are started as another user have to get in.
	if err := os.Chmod(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	p.dir = dir
	p.vars = map[string]string{
		"WORK": dir, "CHILD": p.programs.Child, "BIN": p.programs.Dir,
		"ROOT": p.programs.Root, "ORIGINAL": p.programs.Debian,
		"CALLERHOME": os.Getenv("HOME"),
	}
	for _, name := range []string{"PORT", "PORT2", "PORT3"} {
		p.vars[name] = freePort(p.t)
	}
	for _, f := range p.story.Files {
		text := p.expand(f.Text)
		if f.Name == "supervisord.conf" {
			text = p.preamble() + text
		}
		path := p.path(f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		// A program that another story forks meanwhile would have this file open for
		// writing until its exec, and nobody could run it ("text file busy").
		syscall.ForkLock.RLock()
		err := os.WriteFile(path, []byte(text), f.Mode)
		syscall.ForkLock.RUnlock()
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *player) preamble() string {
	return p.expand(`[unix_http_server]
file=$WORK/s.sock
[supervisorctl]
serverurl=unix://$WORK/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
logfile=$WORK/supervisord.log
pidfile=$WORK/supervisord.pid
childlogdir=$WORK
`)
}

// tearDown ends, by pid, every process that carries this story's mark in its
// environment, until there is none.
func (p *player) tearDown() {
	if p.daemon != nil {
		p.daemon.cmd.Process.Kill() // it may have ended already
		<-p.daemon.done
	}
	until := time.Now().Add(deadline)
	for {
		left := marked(p.mark())
		if len(left) == 0 {
			break
		}
		if time.Now().After(until) {
			p.t.Errorf("these processes cannot be ended: %v", left)
			break
		}
		for _, pid := range left {
			kill(pid)
		}
		pause()
	}
	if err := os.RemoveAll(p.dir); err != nil {
		p.t.Error(err)
	}
}

func (p *player) mark() string { return "STORY=" + p.dir }

// pause is between two looks at a condition that nothing tells us about: other
// processes' files and states. Each loop around it has a deadline.
func pause() { time.Sleep(10 * time.Millisecond) }

// until looks again and again whether the condition holds. An error that met
// says ends the wait at once.
func until(what string, met func() (bool, error)) error {
	end := time.Now().Add(deadline)
	for {
		ok, err := met()
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %s", what, deadline)
		}
		pause()
	}
}

func (p *player) fail(step Step, err error) {
	p.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "%s.txt:%d: %s\n%v\n", p.story.Name, step.Line, step.Text, err)
	for name, data := range map[string][]byte{"stdout": p.stdout, "stderr": p.stderr} {
		if len(data) > 0 {
			fmt.Fprintf(&text, "--- %s\n%s", name, tail(data))
		}
	}
	for _, name := range []string{"supervisord.err", "supervisord.log"} {
		if data, err := os.ReadFile(p.path(name)); err == nil && len(data) > 0 {
			fmt.Fprintf(&text, "--- %s\n%s", name, tail(data))
		}
	}
	p.t.Fatal(text.String())
}

func tail(data []byte) []byte {
	const most = 6000
	if len(data) > most {
		return append([]byte("...\n"), data[len(data)-most:]...)
	}
	return data
}

var variable = regexp.MustCompile(`\$[A-Z][A-Z0-9]*`)

// expand puts the values of known $NAMES in place; others stay as they are.
func (p *player) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		if v, ok := p.vars[name[1:]]; ok {
			return v
		}
		return name
	})
}

func (p *player) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

// file is the content of a file, or what the last program wrote.
func (p *player) file(name string) ([]byte, error) {
	switch name {
	case "stdout":
		return p.stdout, nil
	case "stderr":
		return p.stderr, nil
	}
	return os.ReadFile(p.path(name))
}

// command prepares a program to run in the story's directory and environment.
func (p *player) command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), p.mark(), "LC_ALL=C.UTF-8", "TZ=UTC", "HOME="+p.dir)
	cmd.WaitDelay = deadline
	return cmd
}

// run runs a program to its end and keeps output and status.
func (p *player) run(argv ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*deadline)
	defer cancel()
	cmd := p.command(ctx, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	p.stdout, p.stderr = stdout.Bytes(), stderr.Bytes()
	if ctx.Err() != nil {
		return fmt.Errorf("%q does not end", argv)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	p.status = cmd.ProcessState.ExitCode()
	return nil
}

// start starts a program that goes on; its output goes to files called NAME.out
// and NAME.err.
func (p *player) start(name string, argv ...string) (*process, error) {
	cmd := p.command(context.Background(), argv...)
	for suffix, stream := range map[string]*io.Writer{"out": &cmd.Stdout, "err": &cmd.Stderr} {
		f, err := os.OpenFile(p.path(name+"."+suffix), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		*stream = f
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	proc := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		cmd.Wait() // the status is in cmd.ProcessState
		close(proc.done)
	}()
	return proc, nil
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits for the end of the process.
func (p *process) wait() error {
	select {
	case <-p.done:
		return nil
	case <-time.After(deadline):
		return fmt.Errorf("%s goes on", p.cmd.Path)
	}
}

// call calls a method of the story's daemon.
func (p *player) call(method string, params ...any) (any, error) {
	return call(p.path("s.sock"), method, params...)
}

// daemonPID is the pid of the daemon, also when it has detached itself.
func (p *player) daemonPID() (int, error) {
	if p.daemon != nil {
		return p.daemon.cmd.Process.Pid, nil
	}
	data, err := os.ReadFile(p.path("supervisord.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}

// ports are those handed out: two stories that run at once must not get the same.
var ports sync.Map

// freePort finds a TCP port that is free now and was not given to another story.
func freePort(t *testing.T) string {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		l.Close()
		if err != nil {
			t.Fatal(err)
		}
		if _, taken := ports.LoadOrStore(port, true); !taken {
			return port
		}
	}
}
