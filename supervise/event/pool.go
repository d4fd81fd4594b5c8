package event

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Held is an event as one pool holds it.
type Held struct {
	*Event
	poolSerial uint64
	Rejections int
	NotBefore  time.Time // it stays in the buffer until then; zero: it may be sent
}

// RejectionPause is how long an event stays in the buffer that was rejected more than
// once: a listener that rejects it whatever happens would else do nothing else.
const RejectionPause = time.Second

// Listeners are those who take the events of a pool.
type Listeners interface {
	// Ready reports whether one of them can be given an event.
	Ready() bool
	// Give gives an event to one that is ready, and reports whether there was one.
	Give(Held) bool
}

// Pool is the group of an [eventlistener:x] as the bus sees it: it holds events
// back until one of its listeners is ready for them.
type Pool struct {
	Name          string
	listeners     Listeners
	subscriptions []subscription
	Size          int    // how many events the buffer may hold
	Buffer        []Held // the oldest first
	serial        uint64 // next pool serial
	bus           *Bus
}

// NewPool makes a pool for the events of these names, of which it holds so many.
func NewPool(name string, events []string, size int, to Listeners, b *Bus) *Pool {
	p := &Pool{Name: name, listeners: to, Size: size, bus: b}
	for _, name := range events {
		if s, ok := subscriptionOf(name); ok {
			p.subscriptions = append(p.subscriptions, s)
		}
	}
	return p
}

// offer takes an event if the pool subscribes to it, and hands it on at once if
// a listener is ready.
func (p *Pool) offer(ev *Event) {
	taken := false
	for _, s := range p.subscriptions {
		if s.has(ev.Type) {
			if taken {
				p.sayRebuffering(ev.Serial, len(p.Buffer))
			}
			p.makeRoom()
			p.Buffer = append(p.Buffer, Held{Event: ev, poolSerial: p.serial})
			taken = true
		}
	}
	if taken {
		p.serial = (p.serial + 1) & (1<<63 - 1)
		p.Dispatch()
	}
}

// makeRoom drops the oldest event of a full buffer.
func (p *Pool) makeRoom() {
	if len(p.Buffer) < p.Size {
		return
	}
	p.bus.Tell.Overflowed(p, p.Buffer[0].Serial)
	p.Buffer = p.Buffer[1:]
}

// Rebuffer puts an event that did not arrive back in front.
func (p *Pool) Rebuffer(ev Held) {
	p.sayRebuffering(ev.Serial, len(p.Buffer))
	p.makeRoom()
	p.Buffer = append([]Held{ev}, p.Buffer...)
	p.bus.retryAt = sooner(p.bus.retryAt, ev.NotBefore)
}

// sayRebuffering says that an event enters the buffer once more, beside others.
func (p *Pool) sayRebuffering(serial uint64, others int) {
	p.bus.Tell.Rebuffered(p, serial, others)
}

// Dispatch gives events to the listeners that are ready, in order. The one for
// which none was left stays where it is; the log says it was taken out and put
// back.
func (p *Pool) Dispatch() {
	if !p.listeners.Ready() {
		return
	}
	for len(p.Buffer) > 0 && p.Buffer[0].NotBefore.IsZero() {
		if !p.listeners.Give(p.Buffer[0]) {
			p.sayRebuffering(p.Buffer[0].Serial, len(p.Buffer)-1)
			return
		}
		p.Buffer = p.Buffer[1:]
	}
	if len(p.Buffer) == 0 {
		p.Buffer = nil // the array may be large, and is at its end
	}
}

// Holds reports whether an event of a type waits.
func (p *Pool) Holds(t Type) bool {
	return slices.ContainsFunc(p.Buffer, func(ev Held) bool { return ev.Type == t })
}

// Envelope renders the header and the payload, which go out in one write. The
// length counts characters, not bytes, as listeners have always been told.
func (ev Held) Envelope(p *Pool) []byte {
	b := make([]byte, 0, len(ev.payload)+160)
	b = append(b, "ver:3.0 server:"...)
	b = append(b, p.bus.Identifier...)
	b = append(b, " serial:"...)
	b = strconv.AppendUint(b, ev.Serial, 10)
	b = append(b, " pool:"...)
	b = append(b, p.Name...)
	b = append(b, " poolserial:"...)
	b = strconv.AppendUint(b, ev.poolSerial, 10)
	b = append(b, " eventname:"...)
	b = append(b, names[ev.Type]...)
	b = append(b, " len:"...)
	b = strconv.AppendInt(b, int64(utf8.RuneCountInString(ev.payload)), 10)
	b = append(b, '\n')
	return append(b, ev.payload...)
}
