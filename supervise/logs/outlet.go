package logs

import (
	"slices"
	"sync"
	"time"
)

const (
	// maxWaiting is how many bytes may wait in an outlet, besides as many that it is writing.
	maxWaiting = 512 << 10
	// maxHeld is how many of them may be held back.
	maxHeld = 32 << 10
	// maxOrders is how many orders may wait in an outlet.
	maxOrders = 64
	// FlushWait is how long somebody waits, at most, for an outlet to have written
	// what it was given.
	FlushWait = time.Second
	// settleWait is how long a client waits for that, at most, before it is answered.
	settleWait = 50 * time.Millisecond
)

// Outlet takes lines to a place that may not take them just now, a disk that does
// not answer or a pipe that nobody reads, so that nobody waits for it: a goroutine
// of its own writes them, in order. What does not fit any more is dropped, whole
// lines, and counted; the place is told how many once it takes lines again.
//
// It is safe for concurrent use. The goroutine exists from the first line to close.
type Outlet struct {
	// write writes lines, one after the other; ends has the end of each of them. It is
	// called by the goroutine.
	write func(lines []byte, ends []int)
	// lost is the line that says how many were dropped; nil for none.
	lost func(n int) []byte
	// finish, if not nil, is the last thing that the goroutine does.
	finish func()

	mu      sync.Mutex
	ready   sync.Cond // for the goroutine: there is something
	through sync.Cond // for those who flush: something was written
	lines   []byte    // that wait
	ends    []int
	orders  []order
	dropped int // lines, since room was found for the last one

	running, closed bool
	held            bool // the goroutine is not woken for a line
	late            bool // somebody has waited in vain since there was last nothing to write
	idle            bool // the goroutine waits
	flushing        int  // how many wait for it
	added, written  uint64
	spare           batch // written, and empty again
}

// order is something to be done between two lines.
type order struct {
	after int // so many of the lines that wait
	do    func()
}

// batch is what an outlet writes at a time.
type batch struct {
	lines  []byte
	ends   []int
	orders []order
}

// newOutlet returns an outlet whose goroutine calls write.
func newOutlet(write func(lines []byte, ends []int)) *Outlet {
	o := &Outlet{write: write}
	o.ready.L, o.through.L = &o.mu, &o.mu
	return o
}

// Write adds one line, or several that are not to be torn apart. It never waits and
// has no error.
func (o *Outlet) Write(line []byte) (int, error) {
	o.mu.Lock()
	if !o.closed {
		o.offer(line)
		if !o.held || len(o.lines) > maxHeld {
			o.wake()
		}
	}
	o.mu.Unlock()
	return len(line), nil
}

// order has do called by the goroutine, once all lines before have been written,
// and the last of them are these. It reports false, with nothing added, if too many
// orders wait already or the outlet is closed.
func (o *Outlet) order(do func(), lines ...[]byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || len(o.orders) == maxOrders {
		return false
	}
	for _, line := range lines {
		o.offer(line)
	}
	o.orders = append(o.orders, order{len(o.ends), do})
	o.added++
	o.wake()
	return true
}

// offer adds a line, or drops it. With the lock.
func (o *Outlet) offer(line []byte) {
	if len(o.lines) > 0 && len(o.lines)+len(line) > maxWaiting {
		o.dropped++
	} else {
		o.add(line)
	}
}

func (o *Outlet) add(line []byte) {
	o.lines = append(o.lines, line...)
	o.ends = append(o.ends, len(o.lines))
	o.added++
}

// wake sets the goroutine to work if there is any. With the lock.
func (o *Outlet) wake() {
	switch {
	case len(o.ends)+len(o.orders) == 0:
	case o.idle:
		o.idle = false
		o.ready.Signal()
	case !o.running:
		o.running = true
		go o.run()
	}
}

// hold keeps lines from being written, but for many, until it is called with false:
// writing those of one piece of work together costs one wake-up instead of one for
// each.
func (o *Outlet) hold(on bool) {
	o.mu.Lock()
	o.held = on
	if !on {
		o.wake()
	}
	o.mu.Unlock()
}

// run writes what comes until the outlet is closed and empty.
func (o *Outlet) run() {
	for {
		b, ok := o.take()
		if !ok {
			break
		}
		o.put(b)
		o.done(b)
	}
	if o.finish != nil {
		o.finish()
	}
	o.mu.Lock()
	o.running = false
	o.through.Broadcast()
	o.mu.Unlock()
}

// sayLost sets the line that says how many were dropped.
func (o *Outlet) sayLost(line func(n int) []byte) {
	o.mu.Lock()
	o.lost = line
	o.mu.Unlock()
}

// take waits for something to write and takes all of it. It reports false at the
// end.
func (o *Outlet) take() (batch, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.ends)+len(o.orders) == 0 {
		if o.closed {
			return batch{}, false
		}
		o.idle = true
		o.ready.Wait()
		o.idle = false
	}
	b := batch{o.lines, o.ends, o.orders}
	o.lines, o.ends, o.orders = o.spare.lines, o.spare.ends, nil
	o.spare = batch{}
	if o.dropped > 0 && o.lost != nil {
		o.add(o.lost(o.dropped))
	}
	o.dropped = 0
	return b, true
}

// put writes lines and carries out orders in the order in which they came.
func (o *Outlet) put(b batch) {
	from := 0
	for _, next := range b.orders {
		o.part(b, from, next.after)
		from = next.after
		next.do()
	}
	o.part(b, from, len(b.ends))
}

// part writes the lines from one to another of a batch.
func (o *Outlet) part(b batch, from, to int) {
	if from == to {
		return
	}
	begin := 0
	if from > 0 {
		begin = b.ends[from-1]
	}
	lines, ends := b.lines[begin:b.ends[to-1]], b.ends[from:to]
	if begin > 0 {
		ends = slices.Clone(ends) // rare: there was an order
		for i := range ends {
			ends[i] -= begin
		}
	}
	o.write(lines, ends)
}

// done notes that a batch was written, and keeps its memory for another one unless
// it is unusually much.
func (o *Outlet) done(b batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written += uint64(len(b.ends) + len(b.orders))
	o.late = o.late && o.written < o.added
	if cap(b.lines) <= 64<<10 && cap(b.ends) <= 1024 {
		o.spare = batch{lines: b.lines[:0], ends: b.ends[:0]}
	}
	if o.flushing > 0 {
		o.through.Broadcast()
	}
}

// Flush waits until what was added before has been written, at most until the
// deadline, and reports whether it has.
func (o *Outlet) Flush(deadline time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wake()
	until := o.added
	return o.waitFor(deadline, func() bool { return o.written >= until })
}

// settle waits like Flush, but for a moment only, and not at all while the place is
// known not to take anything.
func (o *Outlet) settle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.written == o.added || o.late {
		return
	}
	o.wake()
	until := o.added
	o.late = !o.waitFor(time.Now().Add(settleWait), func() bool { return o.written >= until })
}

// close takes no more, and waits like Flush. The goroutine ends when it can.
func (o *Outlet) close(deadline time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.wake()
		o.closed = true
		if !o.running && o.finish != nil {
			o.running = true
			go o.run()
		}
		o.idle = false
		o.ready.Signal()
	}
	return o.waitFor(deadline, func() bool { return !o.running })
}

// waitFor waits until done reports true, at most until the deadline. With the lock.
func (o *Outlet) waitFor(deadline time.Time, done func() bool) bool {
	if done() {
		return true
	}
	late := false
	timer := time.AfterFunc(time.Until(deadline), func() {
		o.mu.Lock()
		late = true
		o.through.Broadcast()
		o.mu.Unlock()
	})
	defer timer.Stop()
	o.flushing++
	defer func() { o.flushing-- }()
	for !done() && !late {
		o.through.Wait()
	}
	return done()
}

// atomicWrite is how much a pipe takes in one piece.
const atomicWrite = 4096

// wholeLines splits lines into pieces that a pipe takes in one piece, so that no
// line is torn by what others write to it, and calls write for each. A line that is
// longer is a piece for itself.
func wholeLines(lines []byte, ends []int, write func([]byte)) {
	begin := 0
	for i, end := range ends {
		if i+1 < len(ends) && ends[i+1]-begin <= atomicWrite {
			continue
		}
		write(lines[begin:end])
		begin = end
	}
}
