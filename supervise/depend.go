package supervise

import (
	"fmt"
	"slices"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/supervise/order"
	"supervisor/xmlrpc"
)

// dependencies are who waits for whom (depends_on). They belong to the loop. Without any
// in the configuration there is no board, and nothing costs anything.
type dependencies struct {
	graph     *order.Graph
	board     *order.Board
	places    map[string]int // by namespec
	processes []*process     // by place; nil for one that is not active
	freed     []int          // memory
}

// newDependencies returns those of a configuration, all of whose processes are down.
func newDependencies(cfg *config.Config) dependencies {
	if cfg.Order == nil {
		return dependencies{}
	}
	d := dependencies{graph: cfg.Order, board: order.NewBoard(cfg.Order), places: map[string]int{}}
	d.processes = make([]*process, cfg.Order.Len())
	for at := range d.processes {
		d.places[cfg.Order.Name(at)] = at
	}
	return d
}

// depend makes the order of a configuration that of the table.
func (s *Supervisor) depend(cfg *config.Config) {
	before := s.depends.board
	s.depends = newDependencies(cfg)
	if before == nil && s.depends.board == nil {
		return
	}
	s.table.each(s.attach)
	s.table.each(s.schedule)
}

// attach has a process take part in the order.
func (s *Supervisor) attach(p *process) {
	p.dependent = 0
	if s.depends.board == nil {
		return
	}
	if at, ok := s.depends.places[p.namespec()]; ok {
		s.depends.processes[at] = p
		p.dependent = at + 1
		s.conditionsChanged(p)
	}
}

// detach takes a process that is down out of the order.
func (s *Supervisor) detach(p *process) {
	if p.dependent > 0 && s.depends.processes[p.dependent-1] == p {
		s.depends.board.Set(nil, p.dependent-1, 0) // nobody may start because of that
		s.depends.processes[p.dependent-1] = nil
	}
	p.dependent = 0
}

// conditions are what can be waited for of a process, and is so.
func (p *process) conditions() order.Conditions {
	switch {
	case p.State == xmlrpc.Running && p.healthy():
		return order.Started | order.Ready
	case p.State == xmlrpc.Running:
		return order.Started
	case p.State == xmlrpc.Exited && p.SpawnErr == "" && !p.Stopped.IsZero():
		return order.Done
	}
	return 0
}

// conditionsChanged lets those start who have waited for what a process is now.
func (s *Supervisor) conditionsChanged(p *process) {
	if p.dependent == 0 {
		return
	}
	d := &s.depends
	d.freed = d.board.Set(d.freed[:0], p.dependent-1, p.conditions())
	for _, at := range d.freed {
		if q := d.processes[at]; q != nil {
			s.schedule(q)
		}
	}
}

// waits reports whether a process may not start yet since it waits for others.
func (s *Supervisor) waits(p *process) bool {
	return p.dependent > 0 && !p.alone && !s.depends.board.MayStart(p.dependent-1)
}

// isWaiting reports whether all that keeps a process from being started is that it waits for
// others.
func (s *Supervisor) isWaiting(p *process) bool {
	return !p.Due.IsZero() && p.startIsDue() && s.waits(p)
}

// waitingFor says for whom a process waits that is to be started; "" if it does not.
func (s *Supervisor) waitingFor(p *process) string {
	if !s.isWaiting(p) {
		return ""
	}
	return s.depends.board.WaitingText(p.dependent - 1)
}

// overdue is when a process has waited for too long; zero for never.
func (p *process) overdue() time.Time {
	if p.cfg.DependsTimeout == 0 || p.Due.IsZero() {
		return time.Time{}
	}
	return p.Due.Add(p.cfg.DependsTimeout)
}

// tooLate ends the wait of a process.
func (s *Supervisor) tooLate(p *process, now time.Time) {
	missing := s.depends.board.Waiting(p.dependent - 1)[0]
	text := fmt.Sprintf("dependency %s not %s", s.depends.graph.Name(missing.Program), missing.Conditions)
	s.feed(p, now, life.StartOverdue{Text: text})
}

// demand has a process start that somebody asks for, as soon as all that it needs is there,
// and what is missing of that before.
func (s *Supervisor) demand(p *process, now time.Time) {
	missing := s.depends.board.ToStart(p.dependent - 1)
	for _, at := range missing {
		q := s.depends.processes[at]
		if q == nil || q.State.Up() || q.State == xmlrpc.Unknown {
			continue
		}
		if !q.demanded && !q.Due.IsZero() && q.State.Down() {
			q.patient = true
		}
		if q.State == xmlrpc.Stopping {
			q.again = true
			continue
		}
		q.demanded = true
		s.feed(q, now, life.StartWanted{})
	}
	for _, at := range missing { // some of it may be gone for good
		switch q := s.depends.processes[at]; {
		case q == nil:
			s.refuseDependents(at, now, "dependency "+s.depends.graph.Name(at)+": not active")
		case q.State == xmlrpc.Unknown:
			s.refuseDependents(at, now, s.failure(q))
		}
	}
}

// disappoint refuses the starts that somebody has asked for and that wait for a process
// which nothing will start any more.
func (s *Supervisor) disappoint(p *process, now time.Time, why string) {
	if p.dependent > 0 && p.State.Down() && p.Due.IsZero() {
		s.refuseDependents(p.dependent-1, now, why)
	}
}

// refuseDependents refuses the starts that somebody has asked for and that wait for the
// program at a place.
func (s *Supervisor) refuseDependents(place int, now time.Time, why string) {
	holds := s.depends.board.Holds(place)
	for _, e := range s.depends.graph.Dependents(place) {
		q := s.depends.processes[e.Program]
		if q != nil && q.demanded && holds&e.Conditions != e.Conditions && s.waits(q) {
			s.refuse(q, now, why)
		}
	}
}

// refuse ends the wait of a process that somebody has asked for, and of those that wait for
// it in turn.
func (s *Supervisor) refuse(p *process, now time.Time, why string) {
	p.demanded = false
	if p.patient { // it goes on waiting as it did before
		p.patient = false
		p.answerStarts(xmlrpc.NewFault(xmlrpc.SpawnError, why))
		s.refuseDependents(p.dependent-1, now, why)
		return
	}
	s.feed(p, now, life.StartRefused{Text: why})
}

// answerStarts tells all who have asked for a start that there is none.
func (p *process) answerStarts(fault *xmlrpc.Fault) {
	p.waiters = slices.DeleteFunc(p.waiters, func(w waiter) bool {
		if w.what == waitForStop {
			return false
		}
		w.reply <- p.outcome(fault)
		return true
	})
}

// failure is why others wait for p in vain.
func (s *Supervisor) failure(p *process) string {
	if p.State == xmlrpc.Stopped && p.SpawnErr != "" { // it has waited itself
		return p.SpawnErr
	}
	return fmt.Sprintf("dependency %s: %v", s.depends.graph.Name(p.dependent-1), p.State)
}

// hold reports whether a process may not be stopped yet, since others that need it and are
// to be stopped too are not down. It is stopped when they are.
func (s *Supervisor) hold(p *process) bool {
	if p.dependent == 0 {
		return false
	}
	for _, e := range s.depends.graph.Dependents(p.dependent - 1) {
		if q := s.depends.processes[e.Program]; q != nil && q.leaving && !q.State.Down() {
			p.held = true
			return true
		}
	}
	return false
}

// release stops what could not be stopped as long as p was up.
func (s *Supervisor) release(p *process, now time.Time) {
	p.leaving = false
	if p.dependent == 0 {
		return
	}
	for _, e := range s.depends.graph.Needs(p.dependent - 1) {
		q := s.depends.processes[e.Program]
		if q == nil || !q.held {
			continue
		}
		q.held = false
		if !s.hold(q) && !q.State.Down() {
			s.feed(q, now, life.StopAsked{})
		}
	}
}

// leaving selects processes that are about to be stopped together.
func (s *Supervisor) leaving(whom selection) selection {
	return func() ([]*process, error) {
		processes, err := whom()
		if s.depends.board != nil {
			for _, p := range processes {
				p.leaving = !p.State.Down()
			}
		}
		return processes, err
	}
}
