//go:build unix

package supervise

import (
	"strconv"
	"syscall"
	"time"
)

// reap collects every child that has ended. It is the only waiter: a second one
// would steal exits. Children that are not ours are ours to bury all the same
// when we are process 1 or a subreaper.
func (s *Supervisor) reap(now time.Time) {
	for {
		var ws syscall.WaitStatus
		pid, err := ignoringEINTR(func() (int, error) { return syscall.Wait4(-1, &ws, syscall.WNOHANG, nil) })
		if pid <= 0 || err != nil {
			if err != nil && err != syscall.ECHILD {
				s.log.Crit("waitpid error %d; a process may not be cleaned up properly", err)
			}
			return
		}
		p := s.table.byPID[pid]
		if p == nil {
			s.log.Debug("reaped unknown pid %d (%s)", pid, exitStatusOf(ws).Text)
			continue
		}
		delete(s.table.byPID, pid)
		how := exitStatusOf(ws)
		p.reaped = &how
		s.finishOutputs(p, now)
	}
}

// exitStatusOf decodes what wait4 reports.
func exitStatusOf(ws syscall.WaitStatus) exitStatus {
	switch {
	case ws.Exited():
		code := ws.ExitStatus()
		return exitStatus{code, "exit status " + strconv.Itoa(code)}
	case ws.Signaled():
		text := "terminated by " + signalName(ws.Signal())
		if ws.CoreDump() {
			text += " (core dumped)"
		}
		return exitStatus{-1, text}
	}
	return exitStatus{-1, "unknown termination cause 0x" + strconv.FormatUint(uint64(uint32(ws)), 16)}
}
