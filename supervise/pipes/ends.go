package pipes

import (
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// lastWordsWait is how long the end of a child is held back, at most, because what
	// it said last cannot be written to its log.
	lastWordsWait = time.Second
	// lingerFor is how long after the end of a child its pipes are read on, if somebody
	// else has them.
	lingerFor = 2 * time.Second
	// maxLingering is of how many ended children pipes are read on.
	maxLingering = 64
	// closeWait is how long the end of a round waits for such pipes.
	closeWait = 100 * time.Millisecond
	// largeData is from what size on messages are large; there are maxLarge at a time.
	largeData = 4 << 10
	maxLarge  = 16
	// DiskThreads is how many goroutines that have one output each may wait for disks
	// at a time, each of which holds a thread.
	DiskThreads = 4
)

// outputs is what the pollers of all systems have in common: who has which output, and
// what is left to do when a child has ended.
type outputs struct {
	loop   chan<- Message
	closed chan struct{} // the loop hears nothing any more
	large  chan struct{} // large messages on their way to the loop
	disk   chan struct{} // threads that wait for a disk
	slow   *slowLogs
	linger time.Duration // lingerFor, but in tests

	mu        sync.Mutex
	open      map[*Output]struct{} // all that are not closed
	empty     chan struct{}        // closed when there are none; nil while nobody waits for that
	lingering []*Child             // have ended, and their pipes have not; the longest first
}

func newOutputs(loop chan<- Message) outputs {
	return outputs{
		loop: loop, closed: make(chan struct{}),
		large: make(chan struct{}, maxLarge), disk: make(chan struct{}, DiskThreads),
		open: make(map[*Output]struct{}), linger: lingerFor,
	}
}

// add makes an output one of those that are open. With the lock.
func (p *outputs) add(o *Output, state outputState) {
	o.state = state
	p.open[o] = struct{}{}
}

// remove takes it out. With the lock.
func (p *outputs) remove(o *Output) {
	o.state = outputClosed
	delete(p.open, o)
	if len(p.open) == 0 && p.empty != nil {
		close(p.empty)
		p.empty = nil
	}
}

// send tells the loop something. Of what is large only so much waits there, since a
// child can write faster than events are made of it.
func (p *outputs) send(m Message) {
	if len(m.Data) >= largeData {
		select {
		case p.large <- struct{}{}:
		case <-p.closed:
			return
		}
	}
	select {
	case p.loop <- m:
	case <-p.closed:
	}
}

// Taken is called by the loop when it is done with a message.
func (p *outputs) Taken(m Message) {
	if len(m.Data) >= largeData {
		<-p.large
	}
}

// through notes that an output has ended, or has told all that its child, which has
// ended, said last.
func (p *Poller) through(o *Output, closed bool) {
	p.mu.Lock()
	c := o.child
	o.said = true
	if closed {
		p.remove(o)
	}
	p.mu.Unlock()
	if c != nil {
		p.settle(c)
	}
}

// settle tells the loop of the end of a child if all it said last is in its logs.
func (p *Poller) settle(c *Child) {
	p.mu.Lock()
	tell := c.ended && !c.told && !slices.ContainsFunc(c.Outputs[:], func(o *Output) bool { return o != nil && !o.said })
	if tell {
		c.told = true
	}
	p.mu.Unlock()
	if tell {
		p.send(Message{Kind: ChildEnded, Child: c})
	}
}

// ending begins the end of a child: from now on its outputs count as finished when they
// hold nothing, whoever else has their pipes.
func (p *Poller) ending(c *Child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.ended = true
	for _, o := range c.Outputs {
		if o != nil {
			o.child = c
		}
	}
}

// await sees to it that an ended child is not waited for too long, neither for what it
// said last nor for those who have its pipes.
func (p *Poller) await(c *Child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.awaited || c.told && !c.open() {
		return
	}
	c.awaited = true
	if !c.told {
		time.AfterFunc(lastWordsWait, func() {
			p.mu.Lock()
			late := !c.told
			c.told = true
			p.mu.Unlock()
			if late {
				p.send(Message{Kind: ChildEnded, Child: c})
			}
		})
	}
	if !c.open() {
		return
	}
	p.lingering = append(p.lingering, c)
	time.AfterFunc(p.linger, func() { p.abandon(c) })
	if len(p.lingering) > maxLingering {
		go p.abandon(p.lingering[0])
	}
}

// open reports whether one of the outputs is not closed. With the lock.
func (c *Child) open() bool {
	return slices.ContainsFunc(c.Outputs[:], func(o *Output) bool { return o != nil && o.state != outputClosed })
}

// abandon ends what is still read of a child that has ended.
func (p *Poller) abandon(c *Child) {
	p.mu.Lock()
	p.lingering = slices.DeleteFunc(p.lingering, func(l *Child) bool { return l == c })
	p.mu.Unlock()
	for _, o := range c.Outputs {
		if o != nil {
			p.cease(o)
		}
	}
}

// cease has an output closed without reading any more, by whoever has it.
func (p *Poller) cease(o *Output) {
	if o.giveUp.Swap(true) {
		return
	}
	p.mu.Lock()
	state := o.state
	p.mu.Unlock()
	switch state {
	case outputWatched:
		p.ceaseWatched(o)
	case outputAway:
		p.slow.cease(o)
	case outputAlone:
		close(o.stop)
		// It fails only if the goroutine has ended by itself, which is as good.
		_ = o.file.SetReadDeadline(time.Now())
		if o.Log != nil {
			if s := o.Log.Shared.Load(); s != nil {
				s.Writer.Exhaust(&o.giveUp)
			}
		}
	}
}

// addAlone begins to pump an output in a goroutine of its own.
func (p *Poller) addAlone(o *Output) {
	o.file = os.NewFile(uintptr(o.Fd), o.Name)
	o.stop = make(chan struct{})
	o.send = p.send
	p.mu.Lock()
	p.outputs.add(o, outputAlone)
	p.mu.Unlock()
	go p.alone(o)
}

// alone pumps one output: that of a listener, of a log whose writing may wait for
// somebody (a terminal, a pipe), and each where there is no other poller.
func (p *Poller) alone(o *Output) {
	r := newReader(pipeSize)
	r.locks, r.disk = true, p.disk
	for {
		n, err := o.file.Read(r.buf)
		if n > 0 {
			o.deliver(r.buf[:n], r)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = p.interrupted(o, r)
		}
		if o.Drop != nil {
			p.remind(o)
		}
		if err != nil {
			break
		}
	}
	o.finish(r)
	o.file.Close()
	p.through(o, true)
}

// lastWordsAlone takes what the pipe of a child that has ended holds. It reports an
// error if nothing more is to be read.
func (p *Poller) lastWordsAlone(o *Output, r *reader) error {
	if err := o.drain(r); err != nil {
		return err
	}
	if o.Listener {
		return os.ErrClosed
	}
	p.through(o, false)
	return nil
}

// finishAlone has a goroutine take the last words of a child that has ended.
func (o *Output) finishAlone() {
	_ = o.file.SetReadDeadline(time.Now()) // see cease
}

// wait waits until no output is open, for a moment at most, then has all closed.
func (p *Poller) wait() {
	p.mu.Lock()
	empty := make(chan struct{})
	if len(p.open) == 0 {
		close(empty)
	} else {
		p.empty = empty
	}
	p.mu.Unlock()
	timer := time.NewTimer(closeWait)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
		p.mu.Lock()
		left := slices.Collect(maps.Keys(p.open))
		p.mu.Unlock()
		for _, o := range left {
			p.cease(o)
		}
	}
}
