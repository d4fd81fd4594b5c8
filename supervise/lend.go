//go:build unix

package supervise

import (
	"sync/atomic"
	"time"
)

// The loop carries out attempts itself: that costs nothing, while to hand each one over to
// another goroutine and back costs half as much processor time again as a start. But it
// must not wait for what a disk or a file server does. So, for as long as an attempt takes,
// it lends the right to be the loop, with all that belongs to it: if the attempt is not
// through after a few milliseconds, another goroutine takes the loop over, and the one that
// still waits for the system has nothing more to do with it than to hand in the result.

// takeOver is how long the loop may wait for an attempt.
const takeOver = 5 * time.Millisecond

// The fate of an attempt that the loop carries out.
const (
	awaited int32 = iota // the loop waits for it
	inTime               // it came to its end, and the loop went on
	tooLate              // another goroutine is the loop now
)

// loan is how the loop is lent.
type loan struct {
	attempt  atomic.Pointer[attempt] // the last one that the loop carried out
	watching atomic.Bool             // timer is set, or what it calls is at work
	timer    *time.Timer             // calls Supervisor.watch
	seen     *attempt                // what watch saw last; its own
}

// carryOut carries out an attempt, on the loop. It reports whether the goroutine that
// called it is still the loop. If not, it has to end.
func (s *Supervisor) carryOutHere(a *attempt) bool {
	l := &s.starts.loan
	l.attempt.Store(a)
	if l.watching.CompareAndSwap(false, true) {
		l.timer.Reset(takeOver)
	}
	a.spawner.do(a)
	if a.fate.CompareAndSwap(awaited, inTime) {
		return true
	}
	select {
	case s.starts.results <- a:
	case <-s.done: // nobody takes it
		a.undo()
		a.spawner.starter.Close()
	}
	return false
}

// watch is called some time after an attempt was begun, in a goroutine of its own. If the
// attempt is not through it becomes the loop. As long as starts go on, it looks again.
func (s *Supervisor) watch() {
	l := &s.starts.loan
	a := l.attempt.Load()
	if a.fate.Load() == awaited && time.Since(a.since) >= takeOver && a.fate.CompareAndSwap(awaited, tooLate) {
		l.watch(a)
		s.loop()
		return
	}
	l.watch(a)
}

// watch sets the timer again, unless nothing has been begun since it was set the last
// time, or a begins no more.
func (l *loan) watch(a *attempt) {
	if a != l.seen || a.fate.Load() == awaited {
		l.seen = a
		l.timer.Reset(takeOver)
		return
	}
	l.watching.Store(false)
	// What was begun before that relied on the timer.
	if l.attempt.Load() != a && l.watching.CompareAndSwap(false, true) {
		l.timer.Reset(takeOver)
	}
}

// end ends the watch.
func (l *loan) end() { l.timer.Stop() }
