//go:build unix

package supervise

import (
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/supervise/spawn"
	"supervisor/supervise/sys"
)

// attempt is something that is done about the start of a process: all of it may take as
// long as a disk, a file server or a name server likes. The loop makes it, and has the
// result before it goes on with other starts.
type attempt struct {
	kind attemptKind
	p    *process // the loop's; nil for mounts

	// What it is about. Nobody changes that.
	cfg        *config.Program
	command    *command
	commandErr error  // why there is none
	searched   string // the PATH in which a command without a slash is looked for
	given      string // where it is; "" if that is still to be found out
	socket     *sharedSocket
	variables  func() (spawn.Arguments, error) // makes its environment; nil for that of command
	logs       [2]*logs.File                   // by Channel; nil without

	// Where it is, for others to see meanwhile.
	fate   atomic.Int32 // of the loop that waits for it: see lend
	phase  atomic.Int32
	thread atomic.Int32 // that began the phase
	child  spawn.Child

	// The result.
	environ  spawn.Arguments
	file     string // that is executed; known from phaseFork on
	failure  string // why there is no child, in Supervisor's words; "" if there is one
	err      error  // of a lookUp: why the command cannot be run
	stopped  bool   // there is no child because child.Stop was in time
	socketOK bool   // there is a socket
	pipes    spawn.Pipes
	pid      int
	pidfd    int // readable when the child has ended; -1 where there is none
	mounts   mountTable

	// The loop's.
	spawner  *spawner  // what carries it out; nil if it waits for one
	since    time.Time // when it was begun
	patient  time.Time // until then others wait for the result
	asked    bool      // by a client
	reported bool      // it was said that it takes long
	reopens  int       // how often logs had been reopened before
	ended    ended     // a child of it that was waited for before we had the result
}

// ended is a child that was waited for. The zero value is none.
type ended struct {
	pid int
	how syscall.WaitStatus
}

// attemptKind is what an attempt does.
type attemptKind int

const (
	lookUp     attemptKind = iota // find the command, to be able to refuse a start
	startUp                       // start a child
	readMounts                    // learn which file systems there are
)

// Phases of an attempt: what it may be waiting for.
const (
	phaseSocket int32 = 1 + iota
	phaseLook
	phaseLogs
	phaseFork
)

// spawner is what attempts are carried out with, one at a time.
type spawner struct {
	starter    spawn.Starter
	executable string // our own binary
	log        *logs.Logger
}

func (w *spawner) do(a *attempt) {
	switch a.kind {
	case lookUp:
		a.begin(phaseLook)
		a.file, a.err = spawn.FindExecutable(a.command.words[0], a.searched)
	case startUp:
		a.failure = w.start(a)
	case readMounts:
		a.mounts = mountsNow()
	}
}

// begin notes what the attempt goes on with.
func (a *attempt) begin(phase int32) {
	a.thread.Store(int32(currentThread()))
	a.phase.Store(phase)
}

// hangs reports whether an attempt waits for something else than a processor.
func (a *attempt) hangs() bool {
	switch a.phase.Load() {
	case 0: // it has not begun
		return false
	case phaseSocket: // no thread has to wait for a name server
		return true
	}
	pid := a.child.PID()
	return isWaiting(int(a.thread.Load())) && (pid == 0 || !isRunning(pid))
}

// start does what comes between STARTING and a child. It returns why there is none.
func (w *spawner) start(a *attempt) (failure string) {
	cfg, socket := a.cfg, -1
	if a.socket != nil {
		a.begin(phaseSocket)
		var err error
		if socket, err = a.socket.make(w.log); err != nil {
			return err.Error()
		}
		a.socketOK = true
	}
	err := a.commandErr
	if a.file = a.given; err == nil && a.file == "" {
		a.begin(phaseLook)
		a.file, err = spawn.FindExecutable(a.command.words[0], a.searched)
	}
	if err != nil {
		return err.Error()
	}
	if a.variables != nil {
		if a.environ, err = a.variables(); err != nil {
			return err.Error()
		}
	}
	if a.pipes, err = spawn.MakePipes(socket >= 0, cfg.RedirectStderr, cfg.Ready.When == config.ReadyFD); err != nil {
		return pipeErrorText(cfg.Name, err)
	}
	a.begin(phaseLogs)
	if err = a.openLogs(); err != nil {
		a.pipes.Close()
		return pipeErrorText(cfg.Name, err)
	}
	a.begin(phaseFork)
	if a.pid, a.pidfd, err = w.fork(a, socket); err != nil {
		a.pipes.Close()
		a.closeLogs()
		a.stopped = a.child.Stopped()
		return forkErrorText(cfg.Name, err)
	}
	a.pipes.CloseChild()
	return ""
}

// fork starts the child.
func (w *spawner) fork(a *attempt, socket int) (pid, pidfd int, err error) {
	if err := a.command.unusable; err != nil {
		return 0, -1, err
	}
	return w.starter.Fork(&a.child, a.order(socket), w.executable)
}

// openLogs opens the logs, both or none. Once there is a child they are closed by who
// pumps to them.
func (a *attempt) openLogs() error {
	for ch, l := range a.logs {
		if l == nil {
			continue
		}
		if err := l.Open(); err != nil {
			if ch == int(logs.Stderr) && a.logs[logs.Stdout] != nil {
				a.logs[logs.Stdout].Close()
			}
			return err
		}
	}
	return nil
}

// closeLogs closes the logs.
func (a *attempt) closeLogs() {
	for _, l := range a.logs {
		if l != nil {
			l.Close()
		}
	}
}

// undo gives up what an attempt has brought, when there is no loop any more to do so.
func (a *attempt) undo() {
	if a.pid == 0 {
		return
	}
	a.closeLogs()
	a.closeFiles()
	// Nobody else waits for it, and it is not to outlive those who could stop it.
	_ = syscall.Kill(a.pid, syscall.SIGKILL)
	_, _ = sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(a.pid, nil, 0, nil) })
}

// closeFiles closes our ends of a child's pipes, and the descriptor of itself.
func (a *attempt) closeFiles() {
	a.pipes.Close()
	if a.pidfd >= 0 {
		syscall.Close(a.pidfd)
	}
}

// waitsFor returns the paths of which one may be what the attempt is waiting for.
func (a *attempt) waitsFor() []string {
	switch a.phase.Load() {
	case phaseSocket:
		return []string{a.cfg.Socket.URL}
	case phaseLook:
		return a.commandPaths()
	case phaseLogs:
		return a.logPaths()
	case phaseFork:
		switch a.child.Doing() {
		case "chdir":
			return []string{a.cfg.Directory}
		case "exec":
			return []string{a.file}
		}
	}
	return nil
}

// touches returns all paths that it may have to wait for.
func (a *attempt) touches() []string {
	if a.kind == readMounts {
		return nil
	}
	paths := a.commandPaths()
	if a.kind == lookUp {
		return paths
	}
	paths = append(paths, a.logPaths()...)
	if a.cfg.Directory != "" {
		paths = append(paths, a.cfg.Directory)
	}
	if a.cfg.Socket != nil {
		paths = append(paths, a.cfg.Socket.URL)
	}
	return paths
}

// commandPaths returns where the command is, or is looked for.
func (a *attempt) commandPaths() []string {
	switch {
	case a.given != "":
		return []string{a.given}
	case a.commandErr != nil:
		return nil
	case strings.Contains(a.command.words[0], "/"):
		return a.command.words[:1:1]
	}
	return strings.Split(a.searched, ":")
}

func (a *attempt) logPaths() (paths []string) {
	for _, l := range a.logs {
		if l != nil {
			paths = append(paths, l.Path())
		}
	}
	return paths
}

// waiting says what an attempt that takes long is waiting for.
func (a *attempt) waiting() string {
	what := map[int32]string{phaseSocket: "making of socket", phaseLook: "look for", phaseLogs: "opening of"}[a.phase.Load()]
	if doing := a.child.Doing(); what == "" && doing != "" {
		what = doing + " of"
	}
	if paths := a.waitsFor(); what != "" && len(paths) > 0 {
		return what + " " + strings.Join(paths, ", ")
	}
	return "fork"
}
