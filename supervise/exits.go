package supervise

import (
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// consider ends supervisord if the end of a process is to do so. Of several ends the first
// counts.
func (s *Supervisor) consider(p *process, now time.Time) {
	if s.mood != Running || !p.State.Down() || !p.Due.IsZero() {
		return
	}
	key := ""
	switch on := p.cfg.ExitOn; {
	case p.State == xmlrpc.Fatal && on != config.ExitNever,
		p.State == xmlrpc.Exited && on == config.ExitOnExit,
		p.State == xmlrpc.Exited && on == config.ExitOnUnexpected && p.SpawnErr != "":
		key = "exit_on=" + on.String()
	case p.State == xmlrpc.Fatal && s.cfg.ExitOnFatal:
		key = "exit_on_fatal=true"
	case s.cfg.ExitWhenEmpty && p.State == xmlrpc.Stopped: // it may be a restart
		s.stoppedLast, s.emptyLook = p, now.Add(emptyPatience)
		return
	case s.cfg.ExitWhenEmpty && s.empty():
		key = "exit_when_empty=true"
	default:
		return
	}
	s.shutDownFor(p, key, now)
}

// emptyPatience is how long after a stop that somebody has asked for it is looked whether
// anything is left.
const emptyPatience = time.Second

// lookEmpty ends supervisord if a stop has left nothing.
func (s *Supervisor) lookEmpty(now time.Time) {
	if s.emptyLook.IsZero() || now.Before(s.emptyLook) {
		return
	}
	s.emptyLook = time.Time{}
	if s.mood == Running && s.empty() {
		s.shutDownFor(s.stoppedLast, "exit_when_empty=true", now)
	}
}

// shutDownFor ends supervisord because of p and a key.
func (s *Supervisor) shutDownFor(p *process, key string, now time.Time) {
	reason := p.ended
	if p.State == xmlrpc.Fatal {
		reason = "FATAL: " + p.SpawnErr
	} else if p.State == xmlrpc.Stopped {
		reason = "stopped"
	}
	s.log.SayAbout(logs.Critical, p.about("shutdown"),
		"shutting down because of "+p.namespec()+" ("+reason+"): "+key)
	if s.cfg.ExitStatus {
		s.exitStatus = p.exitStatus()
	}
	s.setMood(Shutdown, now)
}

// empty reports whether no program runs or will be started by itself. Listeners do not
// count: they are there for the others. What waits for others does not either: when nothing
// else is left, nothing comes that it could wait for.
func (s *Supervisor) empty() bool {
	none := true
	s.table.each(func(p *process) {
		if !p.cfg.Listener && (p.State.Up() || p.State == xmlrpc.Stopping || !p.Due.IsZero()) && !s.isWaiting(p) {
			none = false
		}
	})
	return none
}

// exitStatus is what supervisord returns if the end of p is why it ends.
func (p *process) exitStatus() int {
	switch {
	case p.State == xmlrpc.Fatal:
		return 1
	case p.State == xmlrpc.Stopped:
		return 0
	case p.how.Signal != 0:
		return 128 + int(p.how.Signal)
	}
	return max(p.how.Code, 0)
}
