// Package sse is what server-sent events need apart from a server: the last events, for
// readers who come back, and the form of the stream.
//
// One goroutine publishes and never waits for a reader. Each reader takes what is new at
// its own speed and waits for more by a channel, so that it can watch its connection
// meanwhile. An event is rendered when the first reader wants it, once for all of them,
// in that reader's goroutine; without readers nothing is rendered. Who falls too far behind
// has missed something, is told so, and has to be cut: events are dropped by number and
// size whether somebody still wants them or not.
//
// What an event is, what is written of it, and connections and their time limits are
// others'. Begin reading at Ring.
package sse

import (
	"errors"
	"sync"
)

// Options say how a Ring of events T works. All fields are needed.
type Options[T any] struct {
	// Events is how many of the last events are kept for readers who come back. While
	// there are readers, there may be more, for those who are a little behind.
	Events int
	// Bytes is how large all kept events together may be. The last one is kept however
	// large it is.
	Bytes int
	// Size tells how many bytes an event holds. A constant for the rest of it is added.
	Size func(T) int
	// Render appends the frame of an event, see AppendEvent. It is called in the
	// goroutines of readers.
	Render func(dst []byte, serial uint64, event T) []byte
}

// ErrBehind says that events were dropped which the reader should have had.
var ErrBehind = errors.New("the reader has fallen behind")

// ErrClosed says that there will be no more events.
var ErrClosed = errors.New("there are no more events")

// overhead is about what an event takes besides its own bytes.
const overhead = 128

// Ring holds the last events. Its methods may be called from any goroutine, but events are
// to be published by one.
//
// The events are a list in which each knows the next. Readers hold the event that they
// have read last. When an event is dropped, the one before it, which was dropped earlier,
// forgets it: so a reader that stands still keeps one event in memory, not all since.
type Ring[T any] struct {
	o Options[T]

	mu      sync.Mutex
	dropped *item[T] // the last one that was dropped; the oldest one is behind it
	newest  *item[T] // dropped, if there is none
	events  int      // behind dropped
	bytes   int      // of those
	readers int
	changed chan struct{} // closed with the next event; nil if nobody waits
	ready   chan struct{} // closed
	closed  bool
}

// item is an event in the list.
type item[T any] struct {
	serial uint64
	event  T
	size   int

	once  sync.Once
	frame []byte // rendered once

	// Protected by the ring's mu.
	next *item[T]
	gone bool // next was dropped
}

// NewRing returns a ring without events. Events up to the serial number last were before
// its time, so that a reader who has seen that one misses nothing.
func NewRing[T any](last uint64, o Options[T]) *Ring[T] {
	none := &item[T]{serial: last}
	r := &Ring[T]{o: o, dropped: none, newest: none, ready: make(chan struct{})}
	close(r.ready)
	return r
}

// Publish adds an event. Its serial number is greater than that of the one before; not all
// numbers have to come.
func (r *Ring[T]) Publish(serial uint64, event T) {
	n := &item[T]{serial: serial, event: event, size: r.o.Size(event) + overhead}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.newest.next = n
	r.newest = n
	r.events++
	r.bytes += n.size
	for r.events > 1 && (r.bytes > r.o.Bytes || r.events > r.o.Events && r.readers == 0) {
		r.drop()
	}
	r.wake()
}

// drop drops the oldest event.
func (r *Ring[T]) drop() {
	before := r.dropped
	r.dropped = before.next
	before.next, before.gone = nil, true
	r.events--
	r.bytes -= r.dropped.size
}

func (r *Ring[T]) wake() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Close tells all readers that no more events come, once they have read what there is.
func (r *Ring[T]) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.wake()
}

// Follow returns a reader of the events from now on that want reports true for; nil wants
// all. want is called without a lock, in the reader's goroutine.
func (r *Ring[T]) Follow(want func(T) bool) *Reader[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reader(r.newest, want)
}

func (r *Ring[T]) reader(at *item[T], want func(T) bool) *Reader[T] {
	r.readers++
	return &Reader[T]{r: r, at: at, want: want}
}

// Resume returns a reader of the events after the one with serial number last, as Follow
// does of those to come. It returns false, and a reader like that of Follow, if some of
// those were dropped, or if no event had this number yet: then the reader has to ask for
// the state of things again.
func (r *Ring[T]) Resume(last uint64, want func(T) bool) (rd *Reader[T], ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last < r.dropped.serial || last > r.newest.serial {
		return r.reader(r.newest, want), false
	}
	at := r.dropped
	for at.next != nil && at.next.serial <= last {
		at = at.next
	}
	return r.reader(at, want), true
}

// Reader takes events out of a ring. It belongs to one goroutine, and has to be closed.
type Reader[T any] struct {
	r      *Ring[T]
	at     *item[T] // the last one that was read; nil once the reader is closed
	want   func(T) bool
	batch  []*item[T]
	frames [][]byte
}

// Close gives the reader up.
func (rd *Reader[T]) Close() {
	if rd.at == nil {
		return
	}
	rd.r.mu.Lock()
	defer rd.r.mu.Unlock()
	rd.r.readers--
	rd.at = nil
}

// Serial returns the serial number of the event that the reader has come to, wanted or
// not: what to resume from.
func (rd *Reader[T]) Serial() uint64 { return rd.at.serial }

// batchEvents is how many events a reader looks at with the lock held.
const batchEvents = 64

// Take returns the frames of the next events, about most bytes of them but at least one
// if there is one; none if there is nothing new. The frames are shared and must not be
// changed; the slice is good until the next call. The error is ErrBehind, or ErrClosed
// once all was read.
func (rd *Reader[T]) Take(most int) (frames [][]byte, err error) {
	frames = rd.frames[:0]
	for size := 0; size < most; {
		batch, err := rd.next(most - size)
		if err != nil && len(frames) == 0 {
			return nil, err
		}
		if len(batch) == 0 {
			break
		}
		for _, n := range batch {
			if rd.want != nil && !rd.want(n.event) {
				continue
			}
			n.once.Do(func() { n.frame = rd.r.o.Render(nil, n.serial, n.event) })
			frames = append(frames, n.frame)
			size += n.size
		}
	}
	rd.frames = frames
	return frames, nil
}

// next returns some of the next events, and goes on to the last of them. Once it has
// returned an error it goes on doing so.
func (rd *Reader[T]) next(most int) ([]*item[T], error) {
	r := rd.r
	batch := rd.batch[:0]
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case rd.at.gone:
		return nil, ErrBehind
	case rd.at.next == nil && r.closed:
		return nil, ErrClosed
	}
	for size := 0; rd.at.next != nil && len(batch) < batchEvents && size < most; {
		rd.at = rd.at.next
		batch = append(batch, rd.at)
		size += rd.at.size
	}
	rd.batch = batch
	return batch, nil
}

// Wait returns a channel that is closed when Take has something to return: at once, if
// that is so already. What comes may turn out not to be wanted.
func (rd *Reader[T]) Wait() <-chan struct{} {
	r := rd.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if rd.at.next != nil || rd.at.gone || r.closed {
		return r.ready
	}
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}
