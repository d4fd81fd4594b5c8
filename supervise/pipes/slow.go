package pipes

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/supervise/logs"
)

const (
	// slowCall is how long a call of a disk takes that is a slow one.
	slowCall = 5 * time.Millisecond
	// slowFor is how long a log counts as slow after a slow call; longer each time, up
	// to slowForMax, if that was not long enough.
	slowFor    = time.Second
	slowForMax = time.Minute
	// MaxSlow is how many slow logs are worked on at a time, each of which may hold a
	// thread, maxSlowDevice how many of one device.
	MaxSlow       = 8
	maxSlowDevice = 4
	// MaxRelieved is how many more there may be because the pump was relieved of them.
	MaxRelieved = 4
	// slowTurn is how many chunks are taken to a slow log before others have their turn.
	slowTurn = 16
	// maxLogOrders is how many orders may wait for one log.
	maxLogOrders = 64
)

// errLogBusy says that too much is waiting for a log already.
var errLogBusy = errors.New("the log does not answer")

// slowLogs works for logs that take their time, with goroutines that come and go, so
// that neither the pump nor the loop has to wait for a disk. What it does for a log,
// one goroutine does after the other.
type slowLogs struct {
	poller *Poller
	stuck  atomic.Int32 // calls that the pump was relieved of and that have not returned

	mu      sync.Mutex
	queue   []*logs.OpenFile // have something to be done, and nobody does it
	workers int
	busy    map[uint64]int // workers, by device
	hanging map[uint64]int // stuck, by device
}

// lane is what waits for a slow log, with the lock of slowLogs.
type lane struct {
	state   workState
	outputs []*Output // that have something
	orders  []func()  // each needs the lock of the log
	period  time.Duration
	through func() // called when who had the lock of the log is through
}

// lane returns that of a log. With the lock.
func (l *slowLogs) lane(s *logs.OpenFile) *lane {
	if s.Slow.Lane == nil {
		s.Slow.Lane = &lane{through: func() { l.unlocked(s) }}
	}
	return s.Slow.Lane.(*lane)
}

// workState is what becomes of a log for which there is something to be done.
type workState int

const (
	workNone   workState = iota // there is nothing
	workQueued                  // it waits for its turn
	workTaken                   // somebody works for it
	workLeft                    // somebody has its lock and will say when not any more
)

// slowClock is the time that slowness is measured with.
func slowClock(now time.Time) int64 { return now.UnixNano() }

func newSlowLogs(p *Poller) *slowLogs {
	return &slowLogs{poller: p, busy: make(map[uint64]int), hanging: make(map[uint64]int)}
}

// holdsUp reports whether writing to a log may hold up others: its last call was slow,
// or one of another log on the same device does not return.
func (l *slowLogs) holdsUp(s *logs.OpenFile, now time.Time) bool {
	if until := s.Slow.Until.Load(); until != 0 && slowClock(now) < until {
		return true
	}
	if l.stuck.Load() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hanging[s.Slow.Device.Load()] > 0
}

// mark notes that a call has taken its time. With the lock.
func (l *slowLogs) mark(s *logs.OpenFile, now time.Time) {
	recent := now.Add(-slowForMax)
	if until := s.Slow.Until.Load(); until > slowClock(recent) {
		l.lane(s).period = min(2*l.lane(s).period, slowForMax)
	} else {
		l.lane(s).period = slowFor
	}
	s.Slow.Until.Store(slowClock(now.Add(l.lane(s).period)))
}

// take makes an output, which the pump has let go of, one that is worked for.
func (l *slowLogs) take(o *Output, s *logs.OpenFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.lane(s)
	q.outputs = append(q.outputs, o)
	l.enqueue(s)
}

// order has do called, in another goroutine, by who has the lock of the log. It reports
// false if too many orders wait already.
func (l *slowLogs) order(s *logs.OpenFile, do func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.lane(s)
	if len(q.orders) == maxLogOrders {
		return false
	}
	q.orders = append(q.orders, do)
	l.enqueue(s)
	return true
}

// Change does something with the file of an open log, in another goroutine, and says
// how that went; of a closed one there is nothing to be said. The error may also be that
// too much waits for the log already.
func (p *outputs) Change(f *logs.File, do func(*logs.OpenFile) error, said func(error)) {
	s := f.Shared.Load()
	if s == nil {
		said(nil)
	} else if !p.slow.order(s, func() { said(do(s)) }) {
		said(errLogBusy)
	}
}

// enqueue has somebody work for a log if nobody does. With the lock.
func (l *slowLogs) enqueue(s *logs.OpenFile) {
	if l.lane(s).state == workNone {
		l.line(s)
		if s, device := l.next(); s != nil {
			go l.work(new(reader), s, device)
		}
	}
}

// line puts a log at the end of the queue. With the lock.
func (l *slowLogs) line(s *logs.OpenFile) {
	l.lane(s).state = workQueued
	l.queue = append(l.queue, s)
}

// next takes the first log out of the queue that can be worked for now, nil for none,
// and returns the device for which this counts. With the lock.
func (l *slowLogs) next() (*logs.OpenFile, uint64) {
	if l.workers >= MaxSlow {
		return nil, 0
	}
	at := slices.IndexFunc(l.queue, func(s *logs.OpenFile) bool { return l.busy[s.Slow.Device.Load()] < maxSlowDevice })
	if at < 0 {
		return nil, 0
	}
	s := l.queue[at]
	l.queue = slices.Delete(l.queue, at, at+1)
	return s, l.begin(s)
}

// begin counts a worker. With the lock.
func (l *slowLogs) begin(s *logs.OpenFile) (device uint64) {
	l.lane(s).state = workTaken
	device = s.Slow.Device.Load()
	l.workers++
	l.busy[device]++
	return device
}

// work works for a log, then for others, until there is nothing to do.
func (l *slowLogs) work(r *reader, s *logs.OpenFile, device uint64) {
	for s != nil {
		done := l.lock(s)
		if done {
			l.serve(r, s)
			s.Unlock()
		}
		s, device = l.done(s, device, done)
	}
}

// lock takes the lock of a log if it is free; else whoever has it will say when.
func (l *slowLogs) lock(s *logs.OpenFile) bool {
	if s.TryLock() {
		return true
	}
	l.mu.Lock()
	q := l.lane(s)
	q.state = workLeft
	l.mu.Unlock()
	s.Slow.Left.Store(&q.through)
	if !s.TryLock() {
		return false
	}
	if s.Slow.Left.Swap(nil) == nil { // it was said just now: another one comes
		s.Unlock()
		return false
	}
	l.mu.Lock()
	q.state = workTaken
	l.mu.Unlock()
	return true
}

// unlocked hears that a log can be locked which could not before.
func (l *slowLogs) unlocked(s *logs.OpenFile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.lane(s); q.state == workLeft {
		q.state = workNone
		l.enqueue(s)
	}
}

// done is the end of the work for a log, and returns the next one.
func (l *slowLogs) done(s *logs.OpenFile, device uint64, done bool) (*logs.OpenFile, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers--
	if l.busy[device]--; l.busy[device] == 0 {
		delete(l.busy, device)
	}
	if done {
		q := l.lane(s)
		q.state = workNone
		if len(q.outputs)+len(q.orders) > 0 {
			l.line(s)
		}
	}
	return l.next()
}

// serve does what is to be done for a log whose lock it has, for one turn.
func (l *slowLogs) serve(r *reader, s *logs.OpenFile) {
	for range slowTurn {
		l.mu.Lock()
		var o *Output
		var order func()
		switch q := l.lane(s); {
		case len(q.orders) > 0:
			order, q.orders = q.orders[0], q.orders[1:]
		case len(q.outputs) > 0:
			o, q.outputs = q.outputs[0], q.outputs[1:]
		}
		l.mu.Unlock()
		switch {
		case order != nil:
			order()
		case o != nil:
			l.pump(r, o, s)
		default:
			return
		}
	}
}

// pump takes what an output has to its log, and then the output back to the poller; or
// puts it behind the others if it has much.
func (l *slowLogs) pump(r *reader, o *Output, s *logs.OpenFile) {
	if r.buf == nil {
		r.buf = make([]byte, readSize)
	}
	for range slowTurn {
		if o.giveUp.Load() {
			l.poller.endOutput(r, o)
			return
		}
		begin := time.Now()
		_, err := o.readOnce(r, len(r.buf))
		if now := time.Now(); now.Sub(begin) > slowCall {
			l.mu.Lock()
			l.mark(s, now)
			l.mu.Unlock()
		}
		if err == syscall.EAGAIN {
			l.poller.giveBack(r, o)
			return
		}
		if err != nil {
			l.poller.endOutput(r, o)
			return
		}
	}
	l.mu.Lock()
	q := l.lane(s)
	q.outputs = append(q.outputs, o)
	l.mu.Unlock()
}

// cease closes an output that waits for its log. In somebody's hands it sees itself
// that it is given up.
func (l *slowLogs) cease(o *Output) {
	s := o.Log.Shared.Load()
	if s == nil {
		return
	}
	l.mu.Lock()
	q := l.lane(s)
	at := slices.Index(q.outputs, o)
	if at >= 0 {
		q.outputs = slices.Delete(q.outputs, at, at+1)
	}
	l.mu.Unlock()
	if at >= 0 {
		o.Filter = nil // what it holds back could not be written
		l.endLine(o, s)
		l.poller.endOutput(new(reader), o)
	}
}

// endLine has what is left of a line written to a log once that answers, and the log closed
// then.
func (l *slowLogs) endLine(o *Output, s *logs.OpenFile) {
	if o.Lines == nil || o.Lines.Held() == 0 {
		return
	}
	log, line := o.Log, o.Lines.Flush(nil, time.Now())
	if l.order(s, func() { log.WriteTo(s, line); log.Close() }) {
		o.Log = nil
	}
}

// adopt makes a worker of the pump that is being relieved of a log, whose lock it has,
// unless there are too many already.
func (l *slowLogs) adopt(s *logs.OpenFile, now time.Time) (device uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.workers >= MaxSlow+MaxRelieved {
		return 0, false
	}
	l.queue = slices.DeleteFunc(l.queue, func(q *logs.OpenFile) bool { return q == s })
	l.mark(s, now)
	device = l.begin(s)
	l.hanging[device]++
	l.stuck.Add(1)
	return device, true
}

// returned hears that the call has returned of which the pump was relieved.
func (l *slowLogs) returned(device uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck.Add(-1)
	if l.hanging[device]--; l.hanging[device] == 0 {
		delete(l.hanging, device)
	}
}

// goOn is the life of a former pump.
func (l *slowLogs) goOn(r *reader) {
	lost := r.lost
	if lost.locked {
		if lost.out != nil {
			l.pump(r, lost.out, lost.log)
		}
		l.serve(r, lost.log)
		lost.log.Unlock()
	}
	s, device := l.done(lost.log, lost.device, true)
	l.work(r, s, device)
}
