//go:build unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/supervise/config"
	"supervisor/supervise/health"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
	"supervisor/supervise/notify"
	"supervisor/xmlrpc"
)

// lifeOf is one life of a process: what is heard of it when it is over counts no more.
type lifeOf struct {
	p *process
	n int // of its spawns
}

func (l lifeOf) present() bool { return l.p.spawns == l.n && l.p.child != nil }

// during has the loop do something with a process if the same life of it still goes on.
func (s *Supervisor) during(l lifeOf, fn func(now time.Time)) {
	request := func(now time.Time) {
		if l.present() {
			fn(now)
		}
	}
	select {
	case s.requests <- request:
	case <-s.done:
	}
}

// watchReadiness begins to look for the sign that a new child is ready, and at its health.
func (s *Supervisor) watchReadiness(p *process, readyPipe int) {
	l := lifeOf{p, p.spawns}
	if readyPipe >= 0 {
		p.ready = os.NewFile(uintptr(readyPipe), "ready")
		go s.readReady(l, p.ready)
	}
	if p.cfg.Health.Set() {
		s.startChecks(l)
	}
}

// readReady waits for a line feed on the descriptor of ready=fd:N.
func (s *Supervisor) readReady(l lifeOf, pipe *os.File) {
	defer pipe.Close()
	buf := make([]byte, 256)
	for {
		n, err := pipe.Read(buf)
		for _, c := range buf[:max(n, 0)] {
			if c == '\n' {
				s.during(l, func(now time.Time) { s.feed(l.p, now, life.BecameReady{}) })
				return
			}
		}
		if err != nil {
			return // it has closed it, or has ended: see endWatching
		}
	}
}

// startChecks begins to check the health of a new child.
func (s *Supervisor) startChecks(l lifeOf) {
	h := l.p.cfg.Health
	var check health.Check
	var err error
	switch {
	case h.HTTP != "":
		check, err = health.ParseHTTP(h.HTTP)
	case h.TCP != "":
		check, err = health.ParseTCP(h.TCP)
	default:
		check = health.Command{Start: func(ctx context.Context) (health.Process, error) {
			return s.startTask(ctx, l.p.cfg, h.Command)
		}}
	}
	if err != nil { // it was checked when the file was read
		s.log.Error("cannot check the health of %s: %v", l.p.cfg.Name, err)
		return
	}
	if s.checks == nil {
		s.checks = health.NewRunner(maxTasks, s.checked)
	}
	s.checks.Watch(l, check, health.Policy{Interval: h.Interval, Timeout: h.Timeout, Retries: h.Retries, Grace: h.Grace})
}

// checked hears what has changed of the health of a process.
func (s *Supervisor) checked(r health.Report[lifeOf]) {
	s.during(r.ID, func(now time.Time) { s.healthChanged(r.ID.p, r, now) })
}

// healthChanged does what the health of a process asks for.
func (s *Supervisor) healthChanged(p *process, r health.Report[lifeOf], now time.Time) {
	s.version++
	switch r.Effect {
	case health.BecameWell, health.Recovered:
		if p.ill != "" {
			s.log.SayAbout(logs.Info, p.about("healthy"), p.cfg.Name+" is healthy again")
		}
		p.well, p.ill = true, ""
		if p.cfg.Ready.When == config.ReadyHealth {
			s.feed(p, now, life.BecameReady{})
		}
		s.conditionsChanged(p)
	case health.FellIll:
		p.ill = r.State.Reason
		s.log.SayAbout(logs.Warn, p.about("unhealthy"), p.cfg.Name+" is unhealthy: "+p.ill)
		s.conditionsChanged(p)
		switch p.cfg.Health.Action {
		case config.HealthRestart:
			s.feed(p, now, life.Fails{Text: "unhealthy: " + p.ill})
		case config.HealthStop:
			s.feed(p, now, life.StopAsked{})
		}
	}
}

// cameUp does what begins when a process is RUNNING.
func (s *Supervisor) cameUp(p *process, now time.Time) {
	if p.cfg.Health.Set() && s.checks != nil {
		s.checks.Running(lifeOf{p, p.spawns})
	}
	s.petted(p, now)
}

// endWatching ends what looks after a child that is gone.
func (s *Supervisor) endWatching(p *process) {
	if s.checks != nil && p.cfg.Health.Set() {
		s.checks.Forget(lifeOf{p, p.spawns})
	}
	if p.ready != nil {
		_ = p.ready.SetReadDeadline(time.Now()) // a helper may hold the other end; it fails if it is closed
		p.ready = nil
	}
	p.well, p.ill, p.said, p.bark = false, "", "", time.Time{}
}

// notifyAddress returns what NOTIFY_SOCKET is for programs that say what they do. The
// socket is made for the first of them.
func (s *Supervisor) notifyAddress() (string, error) {
	if s.notify == nil {
		socket, err := notify.Listen(s.heard)
		if err != nil {
			return "", fmt.Errorf("ready=notify: %w", err)
		}
		s.notify = socket
	}
	return s.notify.Address(), nil
}

// heard hears what some process has said of itself.
func (s *Supervisor) heard(r notify.Received) {
	if r.Err != nil {
		if !errors.Is(r.Err, os.ErrClosed) {
			s.log.Debug("a message to NOTIFY_SOCKET from pid %d: %v", r.PID, r.Err)
		}
		return
	}
	select {
	case s.requests <- func(now time.Time) { s.said(r, now) }:
	case <-s.done:
	}
}

// said does what a message means for the program that has sent it.
func (s *Supervisor) said(r notify.Received, now time.Time) {
	pid, ok := notify.Find(r.Chain, func(pid int) bool { return s.table.byPID[pid] != nil })
	if !ok {
		if s.starts.underWay() && len(s.unheard) < maxUnheard {
			s.unheard = append(s.unheard, r) // its start may not be known to us yet
		}
		return // else it is somebody else
	}
	p := s.table.byPID[pid]
	if p.cfg.Ready.When != config.ReadyNotify {
		return
	}
	if r.HasStatus && r.Status != p.said {
		p.said = r.Status
		s.version++
	}
	if r.Watchdog {
		s.petted(p, now)
	}
	if r.Ready {
		s.feed(p, now, life.BecameReady{})
	}
}

// maxUnheard is how many messages wait for a start to be known.
const maxUnheard = 64

// hearAgain listens once more to what came while starts were under way.
func (s *Supervisor) hearAgain(now time.Time) {
	if len(s.unheard) == 0 {
		return
	}
	again := s.unheard
	s.unheard = nil
	for _, r := range again {
		s.said(r, now)
	}
}

// petted notes that a program with a watchdog is alive.
func (s *Supervisor) petted(p *process, now time.Time) {
	if p.cfg.Watchdog > 0 && p.State == xmlrpc.Running && p.Ailing == "" {
		p.bark = now.Add(p.cfg.Watchdog)
		s.schedule(p)
	}
}

// barks ends a program that has not said for too long that it is alive.
func (s *Supervisor) barks(p *process, now time.Time) {
	p.bark = time.Time{}
	s.feed(p, now, life.Fails{Text: "watchdog: no sign of life for " + backoff.FormatTime(p.cfg.Watchdog), Signal: syscall.SIGABRT})
}

// notifyVariables are those that a program with ready=notify has, nil for any other.
func (s *Supervisor) notifyVariables(cfg *config.Program) (map[string]string, error) {
	if cfg.Ready.When != config.ReadyNotify {
		return nil, nil
	}
	address, err := s.notifyAddress()
	if err != nil {
		return nil, err
	}
	set := map[string]string{"NOTIFY_SOCKET": address}
	if cfg.Watchdog > 0 {
		set["WATCHDOG_USEC"] = strconv.FormatInt(cfg.Watchdog.Microseconds(), 10)
	}
	return set, nil
}
