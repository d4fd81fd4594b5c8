package supervise

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// poolEvent is an event as one pool holds it.
type poolEvent struct {
	*event
	poolSerial uint64
	rejections int
	notBefore  time.Time // it stays in the buffer until then; zero: it may be sent
}

// rejectionPause is how long an event stays in the buffer that was rejected more than
// once: a listener that rejects it whatever happens would else do nothing else.
const rejectionPause = time.Second

// listeners are those who take the events of a pool.
type listeners interface {
	// ready reports whether one of them can be given an event.
	ready() bool
	// give gives an event to one that is ready, and reports whether there was one.
	give(poolEvent) bool
}

// pool is the group of an [eventlistener:x] as the bus sees it: it holds events
// back until one of its listeners is ready for them.
type pool struct {
	name          string
	listeners     listeners
	subscriptions []subscription
	size          int         // how many events the buffer may hold
	buffer        []poolEvent // the oldest first
	serial        uint64      // next pool serial
	bus           *bus
}

// newPool makes a pool for the events of these names, of which it holds so many.
func newPool(name string, events []string, size int, to listeners, b *bus) *pool {
	p := &pool{name: name, listeners: to, size: size, bus: b}
	for _, name := range events {
		if s, ok := subscriptionOf(name); ok {
			p.subscriptions = append(p.subscriptions, s)
		}
	}
	return p
}

// offer takes an event if the pool subscribes to it, and hands it on at once if
// a listener is ready.
func (p *pool) offer(ev *event) {
	taken := false
	for _, s := range p.subscriptions {
		if s.has(ev.typ) {
			if taken {
				p.sayRebuffering(ev.serial, len(p.buffer))
			}
			p.makeRoom()
			p.buffer = append(p.buffer, poolEvent{event: ev, poolSerial: p.serial})
			taken = true
		}
	}
	if taken {
		p.serial = (p.serial + 1) & (1<<63 - 1)
		p.dispatch()
	}
}

// makeRoom drops the oldest event of a full buffer.
func (p *pool) makeRoom() {
	if len(p.buffer) < p.size {
		return
	}
	p.bus.tell.overflowed(p, p.buffer[0].serial)
	p.buffer = p.buffer[1:]
}

// rebuffer puts an event that did not arrive back in front.
func (p *pool) rebuffer(ev poolEvent) {
	p.sayRebuffering(ev.serial, len(p.buffer))
	p.makeRoom()
	p.buffer = append([]poolEvent{ev}, p.buffer...)
	p.bus.retryAt = sooner(p.bus.retryAt, ev.notBefore)
}

// sayRebuffering says that an event enters the buffer once more, beside others.
func (p *pool) sayRebuffering(serial uint64, others int) {
	p.bus.tell.rebuffered(p, serial, others)
}

// dispatch gives events to the listeners that are ready, in order. The one for
// which none was left stays where it is; the log says it was taken out and put
// back.
func (p *pool) dispatch() {
	if !p.listeners.ready() {
		return
	}
	for len(p.buffer) > 0 && p.buffer[0].notBefore.IsZero() {
		if !p.listeners.give(p.buffer[0]) {
			p.sayRebuffering(p.buffer[0].serial, len(p.buffer)-1)
			return
		}
		p.buffer = p.buffer[1:]
	}
	if len(p.buffer) == 0 {
		p.buffer = nil // the array may be large, and is at its end
	}
}

// holds reports whether an event of a type waits.
func (p *pool) holds(t eventType) bool {
	return slices.ContainsFunc(p.buffer, func(ev poolEvent) bool { return ev.typ == t })
}

// envelope renders the header and the payload, which go out in one write. The
// length counts characters, not bytes, as listeners have always been told.
func (ev poolEvent) envelope(p *pool) []byte {
	b := make([]byte, 0, len(ev.payload)+160)
	b = append(b, "ver:3.0 server:"...)
	b = append(b, p.bus.identifier...)
	b = append(b, " serial:"...)
	b = strconv.AppendUint(b, ev.serial, 10)
	b = append(b, " pool:"...)
	b = append(b, p.name...)
	b = append(b, " poolserial:"...)
	b = strconv.AppendUint(b, ev.poolSerial, 10)
	b = append(b, " eventname:"...)
	b = append(b, eventNames[ev.typ]...)
	b = append(b, " len:"...)
	b = strconv.AppendInt(b, int64(utf8.RuneCountInString(ev.payload)), 10)
	b = append(b, '\n')
	return append(b, ev.payload...)
}
