package health

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"
)

// Report is a change. ID is what the caller gave to Watch.
type Report[ID comparable] struct {
	ID     ID
	Effect Effect
	State  State // after it
}

// Runner runs the checks of all programs. An ID stands for one life of a program, so that
// a report that comes when that is over is not taken for one of the next. It is safe for
// concurrent use.
type Runner[ID comparable] struct {
	report func(Report[ID])
	limit  int

	mu      sync.Mutex
	watched map[ID]*watch[ID]
	agenda  agenda[ID]   // of those that are not in queue
	queue   []*watch[ID] // are due, when fewer than limit are being made
	running int
	timer   *time.Timer // for the first of agenda; nil before the first Watch

	reports   []Report[ID] // in order, still to be delivered
	reporting bool         // somebody does
}

// watch is one life of a program.
type watch[ID comparable] struct {
	id     ID
	check  Check
	policy Policy
	state  State

	due      time.Time // when the next check begins, or what is made now has failed
	index    int       // in the agenda; -1 for not there
	begun    time.Time // the last check
	checking bool      // it is being made, and its result is waited for
	busy     bool      // its Probe has not returned
	hanging  bool      // another one is due, and waits for that
	cancel   context.CancelFunc
}

// NewRunner returns a Runner that makes limit checks at a time, at most, and calls report
// for each change, one after the other and never from within its methods.
func NewRunner[ID comparable](limit int, report func(Report[ID])) *Runner[ID] {
	return &Runner[ID]{report: report, limit: limit, watched: map[ID]*watch[ID]{}}
}

// Watch begins to check a program, at once. One that is watched already is watched anew.
// It counts as starting; see Running.
func (r *Runner[ID]) Watch(id ID, check Check, policy Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id)
	w := &watch[ID]{id: id, check: check, policy: policy, due: time.Now(), index: -1}
	r.watched[id] = w
	heap.Push(&r.agenda, w)
	r.arm()
}

// Running says that a program is RUNNING from now on.
func (r *Runner[ID]) Running(id ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.watched[id]; w != nil {
		w.state.Running = time.Now()
	}
}

// Forget ends checking a program. What is being made is called off. A report that is just
// being delivered is not waited for.
func (r *Runner[ID]) Forget(id ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id)
	r.fill(time.Now())
	r.arm()
}

// Close forgets all programs.
func (r *Runner[ID]) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.watched {
		r.forget(id)
	}
	r.arm()
}

// All below is with the lock, unless it says otherwise.

func (r *Runner[ID]) forget(id ID) {
	w := r.watched[id]
	if w == nil {
		return
	}
	delete(r.watched, id)
	if w.index >= 0 {
		heap.Remove(&r.agenda, w.index)
	}
	r.queue = slices.DeleteFunc(r.queue, func(q *watch[ID]) bool { return q == w })
	r.reports = slices.DeleteFunc(r.reports, func(q Report[ID]) bool { return q.ID == id })
	if w.checking || w.hanging {
		r.giveUp(w)
	}
}

// wake does what is due, without the lock.
func (r *Runner[ID]) wake() {
	r.mu.Lock()
	now := time.Now()
	for len(r.agenda) > 0 && !r.agenda[0].due.After(now) {
		w := r.agenda[0]
		if w.checking || w.hanging {
			r.giveUp(w)
			r.ended(w, tooLate(w.policy.Timeout), now)
			continue
		}
		heap.Pop(&r.agenda)
		r.queue = append(r.queue, w)
	}
	r.fill(now)
	r.arm()
	r.mu.Unlock()
	r.deliver()
}

// arm sets the timer, or stops it where nothing will be due.
func (r *Runner[ID]) arm() {
	switch {
	case len(r.agenda) == 0:
		if r.timer != nil {
			r.timer.Stop()
		}
	case r.timer == nil:
		r.timer = time.AfterFunc(time.Until(r.agenda[0].due), r.wake)
	default:
		r.timer.Reset(time.Until(r.agenda[0].due))
	}
}

// fill begins as many checks of the queue as may be made.
func (r *Runner[ID]) fill(now time.Time) {
	for len(r.queue) > 0 && r.running < r.limit {
		w := r.queue[0]
		r.queue = r.queue[1:]
		w.begun = now
		w.due = now.Add(w.policy.Timeout)
		heap.Push(&r.agenda, w)
		if w.busy { // the system does not answer; it has no place for that
			w.hanging = true
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		w.checking, w.busy, w.cancel = true, true, cancel
		r.running++
		go r.probe(ctx, w)
	}
	if len(r.queue) == 0 {
		r.queue = nil
	}
}

// probe makes a check, without the lock.
func (r *Runner[ID]) probe(ctx context.Context, w *watch[ID]) {
	err := w.check.Probe(ctx)
	r.mu.Lock()
	w.busy = false
	switch {
	case w.hanging:
		w.hanging, w.due = false, time.Now()
		heap.Fix(&r.agenda, w.index)
		r.arm()
	case w.checking:
		r.giveUp(w) // with nothing left to be given up
		reason := ""
		if err != nil {
			if reason = err.Error(); reason == "" {
				reason = "the check failed"
			}
		}
		now := time.Now()
		r.ended(w, reason, now)
		r.fill(now)
		r.arm()
	}
	r.mu.Unlock()
	r.deliver()
}

// giveUp makes place for another check.
func (r *Runner[ID]) giveUp(w *watch[ID]) {
	if w.checking {
		r.running--
		w.cancel()
	}
	w.checking, w.hanging = false, false
}

// ended has the result of a check, which is in the agenda with its last moment, mean
// something, and the next one be due.
func (r *Runner[ID]) ended(w *watch[ID], reason string, now time.Time) {
	var effect Effect
	w.state, effect = Next(&w.policy, w.state, reason, now)
	if effect != Nothing {
		r.reports = append(r.reports, Report[ID]{w.id, effect, w.state})
	}
	w.due = w.begun.Add(w.state.pause(&w.policy))
	if w.due.Before(now) {
		w.due = now
	}
	heap.Fix(&r.agenda, w.index)
}

// deliver reports what there is to report, in order, without the lock.
func (r *Runner[ID]) deliver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reporting {
		return
	}
	for len(r.reports) > 0 {
		next := r.reports[0]
		r.reports = r.reports[1:]
		r.reporting = true
		r.mu.Unlock()
		r.report(next)
		r.mu.Lock()
		r.reporting = false
	}
	r.reports = nil
}

// agenda has what is due, the earliest first, for package heap.
type agenda[ID comparable] []*watch[ID]

func (a agenda[ID]) Len() int           { return len(a) }
func (a agenda[ID]) Less(i, j int) bool { return a[i].due.Before(a[j].due) }

func (a agenda[ID]) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *agenda[ID]) Push(x any) {
	w := x.(*watch[ID])
	w.index = len(*a)
	*a = append(*a, w)
}

func (a *agenda[ID]) Pop() any {
	last := len(*a) - 1
	w := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	w.index = -1
	return w
}
