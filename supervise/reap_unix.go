//go:build unix

package supervise

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"supervisor/supervise/life"
	"supervisor/supervise/pipes"
	"supervisor/supervise/spawn"
	"supervisor/supervise/sys"
)

// reapChild collects a child that has ended, and of which all that it said last is in
// its logs, or cannot be. That costs the same whether there are ten children or ten
// thousand, as reap does not.
func (s *Supervisor) reapChild(c *pipes.Child, now time.Time) {
	if t, ok := c.Owner.(*task); ok {
		s.reapTask(t)
		return
	}
	p := c.Owner.(*process)
	c.Through = true
	if p.child != c {
		return // of a child that is history
	}
	if p.reaped != nil { // reap was first
		s.exit(p, now)
		return
	}
	if !s.allWatched { // else reapAll says it
		s.log.Debug("received SIGCHLD indicating a child quit")
	}
	var ws syscall.WaitStatus
	pid, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(p.PID, &ws, syscall.WNOHANG, nil) })
	if err != nil || pid != p.PID { // somebody traces it, and is told first
		s.watchAllChildren()
		return
	}
	s.reaped(p, ws, now)
}

// watchAllChildren asks for SIGCHLD: for children that cannot be waited for one
// by one, and for those that are not ours.
func (s *Supervisor) watchAllChildren() {
	if s.allWatched {
		return
	}
	s.allWatched = true
	s.deaths = make(chan os.Signal, 1)
	s.deaths <- syscall.SIGCHLD // for those that have ended already
	signal.Notify(s.deaths, syscall.SIGCHLD)
}

// reapAll does what SIGCHLD asks for.
func (s *Supervisor) reapAll(now time.Time) {
	s.log.Debug("received SIGCHLD indicating a child quit")
	s.reap(now)
}

// reap collects every child that has ended. With reapChild it is the only waiter:
// another would steal exits. Children that are not ours are ours to bury all the
// same when we are process 1 or a subreaper.
func (s *Supervisor) reap(now time.Time) {
	for {
		var ws syscall.WaitStatus
		pid, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(-1, &ws, syscall.WNOHANG, nil) })
		if pid <= 0 || err != nil {
			if err != nil && err != syscall.ECHILD {
				s.log.Crit("waitpid error %d; a process may not be cleaned up properly", err)
			}
			return
		}
		if p := s.table.byPID[pid]; p != nil {
			s.reaped(p, ws, now)
		} else if !s.taskEnded(pid, ws) && !s.starts.ended(pid, ws) {
			s.sayStranger(pid, ws)
		}
	}
}

// sayStranger tells of the end of a child that is none of ours.
func (s *Supervisor) sayStranger(pid int, ws syscall.WaitStatus) {
	s.log.Debug("reaped unknown pid %d (%s)", pid, exitStatusOf(ws).Text)
}

// reaped takes a child that has been waited for out of the table.
func (s *Supervisor) reaped(p *process, ws syscall.WaitStatus, now time.Time) {
	delete(s.table.byPID, p.PID)
	how := exitStatusOf(ws)
	p.reaped = &how
	if p.child.Through {
		s.exit(p, now)
	} else {
		s.poller.Finish(p.child)
	}
}

// exitStatusOf is the end of a child as the life cycle has it.
func exitStatusOf(ws syscall.WaitStatus) life.Exit {
	code, text := spawn.DescribeExit(ws)
	e := life.Exit{Code: code, Text: text}
	if ws.Signaled() {
		e.Signal = ws.Signal()
	}
	return e
}

// mayHaveStrangers reports whether children can end that this program has not
// started: those of process 1 and of subreapers, and those of whoever became this
// program by exec. Without them nobody has to be woken up for every child.
func mayHaveStrangers() bool {
	if adoptsOrphans() {
		return true
	}
	_, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(-1, nil, syscall.WNOHANG, nil) })
	return err != syscall.ECHILD
}
