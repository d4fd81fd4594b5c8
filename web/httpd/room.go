package httpd

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Room is what the connections of all servers that share it may take: a number of
// connections, fewer of them for streams, and bytes for large requests and for large
// answers. It is safe for concurrent use.
type Room struct {
	connections int
	streams     atomic.Int64 // still to be had
	requests    atomic.Int64 // the same, in bytes
	answers     atomic.Int64 // the same
	bytes       atomic.Int64 // the same, of both together

	turns chan struct{} // holds one for each request that is answered in turn
	ended atomic.Int64  // how many of them have been

	waiting atomic.Int32 // who waits for a connection to end, or to be idle
	mu      sync.Mutex
	open    map[*conn]struct{}
	local   int           // how many of them are by unix sockets
	changed chan struct{} // closed when a connection has ended or become idle; nil if nobody waits
}

const (
	// largeBytes is from where on a body or an answer is counted.
	largeBytes = 64 << 10
	// requestBytes is how much of all large requests there may be at a time: one of the
	// greatest.
	requestBytes = MaxBody
	// answerBytes is the same for answers: one with the greatest part of a log there is.
	answerBytes = 64 << 20
	// bothBytes is the same for both together.
	bothBytes = 66 << 20
	// defaultConnections is how many connections there may be where nobody says.
	defaultConnections = 1024
	// turnWait is how long one waits for its turn if nobody else's ends: those may be calls
	// that wait.
	turnWait = time.Second
	// stalledAfter is how long a connection has to be at a standstill to give way to
	// others.
	stalledAfter = 4 * time.Second
	// relief is how long it is waited for what a connection that has to give way holds.
	relief = time.Second
)

// NewRoom returns room for so many connections, at least 8. A quarter of them, each of
// which needs a second descriptor, may be streams, and an eighth is for unix sockets only.
func NewRoom(connections int) *Room {
	r := &Room{connections: max(connections, 8), open: make(map[*conn]struct{})}
	// Half of the processors are left to others.
	r.turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
	r.streams.Store(int64(r.connections / 4))
	r.requests.Store(requestBytes)
	r.answers.Store(answerBytes)
	r.bytes.Store(bothBytes)
	return r
}

// add takes in a connection, if there is room for it.
func (r *Room) add(c *conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) >= r.connections || !c.local && len(r.open)-r.local >= r.connections-r.reserve() {
		return false
	}
	r.open[c] = struct{}{}
	if c.local {
		r.local++
	}
	return true
}

// reserve is how many connections are for unix sockets only.
func (r *Room) reserve() int { return r.connections / 8 }

// remove lets go of a connection.
func (r *Room) remove(c *conn) {
	r.mu.Lock()
	if _, ok := r.open[c]; ok && c.local {
		r.local--
	}
	delete(r.open, c)
	r.mu.Unlock()
	r.tell()
}

// tell wakes those who wait for a connection to end or to be idle.
func (r *Room) tell() {
	if r.waiting.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// makeRoom closes the connection that can best be done without and waits until some
// connection has ended; if all are busy, until one is not. After wait it returns in any
// case.
func (r *Room) makeRoom(ctx context.Context, wait time.Duration) {
	r.relieve(ctx, wait, func() bool { r.dismiss(); return true })
}

// relieve calls dismiss, under the lock, and if that has closed a connection waits until
// one has ended, but not longer than wait.
func (r *Room) relieve(ctx context.Context, wait time.Duration, dismiss func() bool) bool {
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	late := time.NewTimer(wait)
	defer late.Stop()
	r.mu.Lock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	changed := r.changed
	dismissed := dismiss()
	r.mu.Unlock()
	if !dismissed {
		return false
	}
	select {
	case <-changed:
	case <-late.C:
	case <-ctx.Done():
	}
	return true
}

// take takes n of what is left. Where there is not so much, one that holds some of it and
// is at a standstill gives way.
func (r *Room) take(ctx context.Context, left *atomic.Int64, n int64, holds func(*conn) bool) bool {
	for !take(left, n) {
		if ctx.Err() != nil || !r.relieve(ctx, relief, func() bool { return r.dismissStalled(stalledAfter, holds) }) {
			return false
		}
	}
	return true
}

// turn waits until it is the turn of a request that may be much work, and returns what to
// call when its answer is made. Who sends many of those by many connections could otherwise
// have us do nothing else.
func (r *Room) turn(ctx context.Context) (end func()) {
	end = func() {
		r.ended.Add(1)
		<-r.turns
	}
	select {
	case r.turns <- struct{}{}:
		return end
	default:
	}
	late := time.NewTicker(turnWait)
	defer late.Stop()
	for ended := r.ended.Load(); ; ended = r.ended.Load() {
		select {
		case r.turns <- struct{}{}:
			return end
		case <-late.C:
			if r.ended.Load() != ended {
				continue // they are at work
			}
		case <-ctx.Done():
		}
		return func() {}
	}
}

// dismiss closes the connection that can best be done without: of those without a
// complete request first the ones that have never had one, then the ones in the middle
// of one; the longest of each kind. Somebody who has a request gets an answer, but if he
// does not read it his connection goes before those that wait for a next request.
func (r *Room) dismiss() {
	var worst *conn
	var rank int
	var since int64
	for c := range r.open {
		s := c.incomplete.Load()
		if s <= 0 || c.local && r.local <= r.reserve() {
			continue
		}
		k := c.rank()
		if worst == nil || k < rank || k == rank && s < since {
			worst, rank, since = c, k, s
		}
	}
	if (worst == nil || rank > 1) && r.dismissStalled(time.Second, func(*conn) bool { return true }) {
		return
	}
	if worst != nil {
		worst.evict(since)
	}
}

// dismissStalled closes the connection that is at a standstill for longest, and at least
// for that time, of those that hold what is wanted. It reports whether there was one.
func (r *Room) dismissStalled(least time.Duration, holds func(*conn) bool) bool {
	var worst *conn
	var longest time.Duration
	for c := range r.open {
		if c.local && r.local <= r.reserve() {
			continue
		}
		if d := c.standstill(); d >= least && d > longest && holds(c) {
			worst, longest = c, d
		}
	}
	if worst != nil {
		worst.stalled.Store(0) // it is not looked at again
		worst.Close()
	}
	return worst != nil
}

// take takes n of what is left, if there is so much. What it has taken is given back by
// adding it.
func take(left *atomic.Int64, n int64) bool {
	for {
		have := left.Load()
		if have < n {
			return false
		}
		if left.CompareAndSwap(have, have-n) {
			return true
		}
	}
}
