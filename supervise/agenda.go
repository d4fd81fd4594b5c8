package supervise

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"supervisor/supervise/life"
	"supervisor/xmlrpc"
)

// agenda holds the processes for which something is due, the earliest first, and
// in the order they were entered where that is the same. One timer serves it, so
// an idle process costs no timer.
type agenda struct {
	processes []*process
	entered   uint64
	retries   []time.Time // when failed starts are repeated, see together
}

func (a *agenda) Len() int { return len(a.processes) }

func (a *agenda) Less(i, j int) bool {
	p, q := a.processes[i], a.processes[j]
	switch {
	case !p.due.Equal(q.due):
		return p.due.Before(q.due)
	case p.retry != q.retry:
		return p.retry
	case p.retry:
		return before(p, q)
	}
	return p.order < q.order
}

// before reports whether p is started before q where many are started together.
func before(p, q *process) bool {
	return cmp.Or(
		cmp.Compare(p.group.cfg.Priority, q.group.cfg.Priority), cmp.Compare(p.group.place, q.group.place),
		cmp.Compare(p.cfg.Priority, q.cfg.Priority), cmp.Compare(p.place, q.place),
	) < 0
}

// together returns when a failed start that may be repeated at due is repeated: a
// moment later, together with others, so that they come in the configured order and
// not in that in which they happened to fail.
func (a *agenda) together(due time.Time) time.Time {
	for _, at := range a.retries {
		if !at.Before(due) && !at.After(due.Add(retryWindow)) {
			return at
		}
	}
	at := due.Add(retryWindow)
	a.retries = append(a.retries, at)
	slices.SortFunc(a.retries, time.Time.Compare)
	return at
}

// past forgets the moments that are over.
func (a *agenda) past(now time.Time) {
	for len(a.retries) > 0 && !a.retries[0].After(now) {
		a.retries = a.retries[1:]
	}
}

// retryWindow is how much later than it might a failed start is repeated, at most.
const retryWindow = 250 * time.Millisecond

func (a *agenda) Swap(i, j int) {
	a.processes[i], a.processes[j] = a.processes[j], a.processes[i]
	a.processes[i].index, a.processes[j].index = i, j
}

// Push is for package heap.
func (a *agenda) Push(x any) {
	p := x.(*process)
	p.index = len(a.processes)
	a.processes = append(a.processes, p)
}

// Pop is for package heap.
func (a *agenda) Pop() any {
	last := len(a.processes) - 1
	p := a.processes[last]
	a.processes[last] = nil
	a.processes = a.processes[:last]
	p.index = -1
	return p
}

// enter puts p in at due, moves it there, or takes it out if due is zero.
func (a *agenda) enter(p *process, due time.Time) {
	if due.Equal(p.due) && (p.index >= 0) == !due.IsZero() {
		return
	}
	p.due = due
	switch {
	case due.IsZero():
		if p.index >= 0 {
			heap.Remove(a, p.index)
		}
	case p.index >= 0:
		a.stamp(p)
		heap.Fix(a, p.index)
	default:
		a.stamp(p)
		heap.Push(a, p)
	}
}

func (a *agenda) stamp(p *process) {
	a.entered++
	p.order = a.entered
}

// earliest returns when the first thing is due, zero for never.
func (a *agenda) earliest() time.Time {
	if len(a.processes) == 0 {
		return time.Time{}
	}
	return a.processes[0].due
}

// schedule enters into the agenda what is due for p. Going down, nothing is
// started any more, so what would start is not entered.
func (s *Supervisor) schedule(p *process) {
	due := p.Due
	retry := p.State == xmlrpc.Backoff && p.GivenUp == "" && p.cfg.Restart.Delay < 0
	if retry {
		due = s.agenda.together(due)
	}
	if s.isWaiting(p) {
		due = p.overdue()
	}
	if s.mood != Running {
		switch p.State {
		case xmlrpc.Stopped, xmlrpc.Exited, xmlrpc.Backoff, xmlrpc.Fatal:
			due = time.Time{}
		}
	}
	due = earlier(earlier(due, p.reportStop), p.bark)
	if p.retry != retry {
		s.agenda.enter(p, time.Time{}) // it has another place among those due at the same moment
		p.retry = retry
	}
	s.agenda.enter(p, due)
}

// startIsDue reports whether what is due, if anything is, is a start.
func (p *process) startIsDue() bool {
	return p.State.Down() || p.State == xmlrpc.Backoff && p.GivenUp == ""
}

// earlier returns the earlier of two moments of which a zero one never comes.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// runAgenda does what is due at now, for as long as a turn may take. It reports
// whether more of it is left. While a start is under way all that is due waits for what
// comes of it: what happens has an order.
func (s *Supervisor) runAgenda(now time.Time) (more bool) {
	s.agenda.past(now)
	for done := 0; len(s.agenda.processes) > 0; {
		p := s.agenda.processes[0]
		if p.due.After(now) {
			return false
		}
		if s.starts.block() {
			return false
		}
		if time.Since(now) >= s.turn && done > 0 {
			return true
		}
		done++
		if !p.reportStop.IsZero() && !p.reportStop.After(now) {
			s.log.Info("waiting for %s to stop", p.cfg.Name)
			p.reportStop = now.Add(stopReportPeriod)
			s.schedule(p)
			continue
		}
		switch {
		case p.killed && p.attempt != nil && p.State == xmlrpc.Stopping:
			s.abandon(p, now)
		case !p.bark.IsZero() && !p.bark.After(now) && p.State == xmlrpc.Running:
			s.barks(p, now)
		case p.startIsDue() && s.waits(p):
			if at := p.overdue(); at.IsZero() || at.After(now) { // what it needs was there, and is gone
				s.schedule(p)
			} else {
				s.tooLate(p, now)
			}
		default:
			s.feed(p, now, life.TimeUp{})
		}
	}
	return false
}
