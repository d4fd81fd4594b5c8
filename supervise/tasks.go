//go:build unix

package supervise

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/health"
	"supervisor/supervise/pipes"
	"supervisor/supervise/spawn"
	"supervisor/supervise/sys"
)

// maxTasks is how many commands are started beside programs at a time, each of which may
// hold a thread.
const maxTasks = 4

// task is a command that runs for a program beside it, such as a check of its health. It is
// a child that belongs to no process of the table; the loop waits for it as for the others.
type task struct {
	pid   int
	ended chan health.Exit // has room for one

	mu   sync.Mutex
	gone bool // it was waited for: pid may be another's
}

// Ended is for package health.
func (t *task) Ended() <-chan health.Exit { return t.ended }

// Kill is for package health.
func (t *task) Kill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.gone {
		_ = syscall.Kill(-t.pid, syscall.SIGKILL) // it may have ended
	}
}

// tasks are the commands that run beside programs.
type tasks struct {
	places   chan struct{} // as many as are being started
	mu       sync.Mutex
	spawners []*spawner // that have nothing to do
	starting atomic.Int32

	// The loop's.
	byPID     map[int]*task
	unclaimed map[int]syscall.WaitStatus // ended before the loop knew whose they are
}

func newTasks() tasks { return tasks{places: make(chan struct{}, maxTasks)} }

// taskSpawner returns a spawner that nobody uses.
func (s *Supervisor) taskSpawner() (*spawner, error) {
	s.tasks.mu.Lock()
	defer s.tasks.mu.Unlock()
	if n := len(s.tasks.spawners); n > 0 {
		w := s.tasks.spawners[n-1]
		s.tasks.spawners = s.tasks.spawners[:n-1]
		return w, nil
	}
	return s.starts.spawn()
}

// startTask starts a command as a program is started, as its user and in its directory and
// environment, but with nothing to read and its output thrown away. It may wait for a disk,
// so it is not for the loop.
func (s *Supervisor) startTask(ctx context.Context, cfg *config.Program, line string) (*task, error) {
	words, err := spawn.SplitCommand(line)
	if err != nil {
		return nil, err
	}
	select {
	case s.tasks.places <- struct{}{}:
		defer func() { <-s.tasks.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.done:
		return nil, os.ErrClosed
	}
	w, err := s.taskSpawner()
	if err != nil {
		return nil, err
	}
	defer func() {
		s.tasks.mu.Lock()
		s.tasks.spawners = append(s.tasks.spawners, w)
		s.tasks.mu.Unlock()
	}()
	o, err := s.taskOrder(cfg, words)
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	o.Files = [3]int{int(null.Fd()), int(null.Fd()), int(null.Fd())}
	s.tasks.starting.Add(1)
	defer s.tasks.starting.Add(-1)
	pid, pidfd, err := w.starter.Fork(new(spawn.Child), o, w.executable)
	if err != nil {
		return nil, err
	}
	t := &task{pid: pid, ended: make(chan health.Exit, 1)}
	_, err = do(context.WithoutCancel(ctx), s, func(time.Time) (bool, error) {
		s.adoptTask(t, pidfd)
		return true, nil
	})
	if err != nil { // the round has ended
		t.Kill()
		t.bury()
		if pidfd >= 0 {
			syscall.Close(pidfd)
		}
		return nil, err
	}
	return t, nil
}

// taskOrder is what is started for a program's command of these words.
func (s *Supervisor) taskOrder(cfg *config.Program, words []string) (o *spawn.Order, err error) {
	o = newOrder(cfg)
	o.Words = words
	if o.File, err = spawn.FindExecutable(words[0], spawn.SearchPath(cfg.Environment, s.env)); err != nil {
		return nil, err
	}
	if o.Argv, err = spawn.NewArguments(nil, words); err != nil {
		return nil, err
	}
	below, err := variables(cfg)
	if err != nil {
		return nil, err
	}
	if o.Environ, err = s.childEnviron(cfg, below); err != nil {
		return nil, err
	}
	return o, nil
}

// adoptTask sees to it that the end of a task becomes known.
func (s *Supervisor) adoptTask(t *task, pidfd int) {
	if ws, ended := s.tasks.unclaimed[t.pid]; ended {
		delete(s.tasks.unclaimed, t.pid)
		if pidfd >= 0 {
			syscall.Close(pidfd)
		}
		t.end(ws)
		return
	}
	if s.tasks.byPID == nil {
		s.tasks.byPID = map[int]*task{}
	}
	s.tasks.byPID[t.pid] = t
	if pidfd >= 0 {
		if s.poller.AddChild(&pipes.Child{Owner: t, Pidfd: pidfd}) == nil {
			return
		}
		syscall.Close(pidfd)
	}
	s.watchAllChildren()
}

// reapTask collects a task that has ended.
func (s *Supervisor) reapTask(t *task) {
	if s.tasks.byPID[t.pid] != t {
		return // reap was first
	}
	// What it has left in its group would gather, check by check. The group is still its own,
	// since it was not waited for.
	t.Kill()
	var ws syscall.WaitStatus
	pid, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(t.pid, &ws, syscall.WNOHANG, nil) })
	if err != nil || pid != t.pid {
		s.watchAllChildren()
		return
	}
	s.taskEnded(pid, ws)
}

// taskEnded takes a task that was waited for out of the table. It reports false if it is
// none.
func (s *Supervisor) taskEnded(pid int, ws syscall.WaitStatus) bool {
	t := s.tasks.byPID[pid]
	if t == nil {
		if s.tasks.starting.Load() == 0 {
			s.tasks.unclaimed = nil
			return false
		}
		if s.tasks.unclaimed == nil {
			s.tasks.unclaimed = map[int]syscall.WaitStatus{}
		}
		s.tasks.unclaimed[pid] = ws // it may be one that is just being started
		return false
	}
	delete(s.tasks.byPID, pid)
	t.end(ws)
	return true
}

// bury waits for a task that was killed and that the loop knows no more.
func (t *task) bury() {
	var ws syscall.WaitStatus
	_, _ = sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(t.pid, &ws, 0, nil) })
	t.end(ws)
}

// end tells how a task has ended.
func (t *task) end(ws syscall.WaitStatus) {
	t.mu.Lock()
	t.gone = true
	t.mu.Unlock()
	how := exitStatusOf(ws)
	t.ended <- health.Exit{Code: how.Code, Text: how.Text}
}

// closeTasks ends what runs and gives up what there is. One that hangs in the kernel does
// not hold up the end of the round.
func (s *Supervisor) closeTasks() {
	for _, t := range s.tasks.byPID {
		t.Kill()
		go t.bury()
	}
	s.tasks.mu.Lock()
	defer s.tasks.mu.Unlock()
	for _, w := range s.tasks.spawners {
		w.starter.Close()
	}
	s.tasks.spawners = nil
}
