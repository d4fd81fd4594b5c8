package web

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Room is what the connections of all servers that share it may take: a number of
// connections, fewer of them for streams, and bytes for large bodies and answers. It is
// safe for concurrent use.
type Room struct {
	connections int
	streams     atomic.Int64 // still to be had
	bytes       atomic.Int64 // the same

	waiting atomic.Int32 // who waits for a connection to end, or to be idle
	mu      sync.Mutex
	open    map[*conn]struct{}
	changed chan struct{} // closed when a connection has ended or become idle; nil if nobody waits
}

const (
	// largeBytes is from where on a body or an answer is counted.
	largeBytes = 64 << 10
	// roomBytes is how much of all large bodies and answers there may be at a time.
	roomBytes = 128 << 20
	// defaultConnections is how many connections there may be where nobody says.
	defaultConnections = 1024
)

// NewRoom returns room for so many connections, at least 8. A quarter of them, each of
// which needs a second descriptor, may be streams.
func NewRoom(connections int) *Room {
	r := &Room{connections: max(connections, 8), open: make(map[*conn]struct{})}
	r.streams.Store(int64(r.connections / 4))
	r.bytes.Store(roomBytes)
	return r
}

// add takes in a connection, if there is room for it.
func (r *Room) add(c *conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) >= r.connections {
		return false
	}
	r.open[c] = struct{}{}
	return true
}

// remove lets go of a connection.
func (r *Room) remove(c *conn) {
	r.mu.Lock()
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

// make closes the connection that can best be done without and waits until some
// connection has ended; if all are busy, until one is not. After wait, unless that is
// 0, it returns in any case.
func (r *Room) make(ctx context.Context, wait time.Duration) {
	r.waiting.Add(1)
	defer r.waiting.Add(-1)
	var late <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		late = timer.C
	}
	r.mu.Lock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	changed := r.changed
	r.dismiss()
	r.mu.Unlock()
	select {
	case <-changed:
	case <-late:
	case <-ctx.Done():
	}
}

// dismiss closes the connection that can best be done without: of those without a
// complete request first the ones that have never had one, then the ones in the middle
// of one; the longest of each kind. Somebody who has a request gets an answer.
func (r *Room) dismiss() {
	var worst *conn
	var rank int
	var since int64
	for c := range r.open {
		s := c.incomplete.Load()
		if s <= 0 {
			continue
		}
		k := c.rank()
		if worst == nil || k < rank || k == rank && s < since {
			worst, rank, since = c, k, s
		}
	}
	if worst != nil && worst.incomplete.CompareAndSwap(since, evicted) {
		worst.Close()
	}
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
