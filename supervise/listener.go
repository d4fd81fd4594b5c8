package supervise

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// listenerState is where a listener is in the protocol on its stdout.
type listenerState int

const (
	listenerAcknowledged listenerState = iota // the state at each start
	listenerReady
	listenerBusy
	listenerUnknown
)

func (s listenerState) String() string {
	switch s {
	case listenerReady:
		return "READY"
	case listenerBusy:
		return "BUSY"
	case listenerAcknowledged:
		return "ACKNOWLEDGED"
	}
	return "UNKNOWN"
}

// verdict is what a listener said that somebody has to act on.
type verdict int

const (
	listenerSaidReady   verdict = iota // READY
	listenerSaidOK                     // a result: the event is done with
	listenerSaidOther                  // a result: the event is rejected
	listenerBadResult                  // no result line; detail holds it
	listenerSpoke                      // anything where nothing was expected
	listenerCausedError                // a result that its handler cannot use
	resultHeader        = len("RESULT ")
	readyToken          = "READY\n"
	maxResultLine       = 1 << 16 // longer than any number of bytes can be written
	maxListenerResults  = 64 << 20
)

// protocol reads the stdout of a listener: bytes in, verdicts out, no I/O. The
// zero value is that of a listener just started. After dispatchers.py,
// PEventListenerDispatcher.
type protocol struct {
	state  listenerState
	buf    []byte
	length int // of the result being read; -1 for none
	inBody bool
}

// sent notes that the listener was given an event.
func (p *protocol) sent() { p.state, p.inBody = listenerBusy, false }

// end ends the talk: from now on the listener is not listened to.
func (p *protocol) end() { p.state, p.buf = listenerUnknown, nil }

// feed takes what the listener wrote. For each thing it said it calls act, which
// is told the state the listener was in before; feed has changed it by then. Detail is
// the result, or what is no result line. The call may end the talk.
func (p *protocol) feed(data []byte, act func(v verdict, from listenerState, detail string)) {
	if p.state == listenerUnknown {
		return
	}
	p.buf = append(p.buf, data...)
	for len(p.buf) > 0 {
		var more bool
		switch p.state {
		case listenerAcknowledged:
			more = p.readReady(act)
		case listenerReady:
			p.fail(listenerSpoke, "", act)
		case listenerBusy:
			more = p.readResult(act)
		}
		if !more {
			break
		}
	}
	if len(p.buf) == 0 {
		p.buf = nil // an idle listener holds no buffer
	}
}

func (p *protocol) readReady(act func(verdict, listenerState, string)) bool {
	if len(p.buf) < len(readyToken) {
		return false
	}
	if string(p.buf[:len(readyToken)]) != readyToken {
		p.fail(listenerSpoke, "", act)
		return false
	}
	p.buf = p.buf[len(readyToken):]
	p.state = listenerReady
	act(listenerSaidReady, listenerAcknowledged, "")
	return true
}

// readResult reads "RESULT n\n" and n bytes. The word before the number is not
// looked at, as ever; a negative number is no number here. An empty result counts
// when something follows it, as ever too.
func (p *protocol) readResult(act func(verdict, listenerState, string)) bool {
	if !p.inBody {
		eol := bytes.IndexByte(p.buf, '\n')
		if eol < 0 {
			if len(p.buf) > maxResultLine {
				p.fail(listenerBadResult, string(p.buf[:resultHeader]), act)
			}
			return false
		}
		line := string(p.buf[:eol])
		n, err := resultLength(line)
		if err != nil {
			p.fail(listenerBadResult, line, act)
			return false
		}
		p.buf, p.length, p.inBody = p.buf[eol+1:], n, true
	}
	if len(p.buf) < max(p.length, 1) {
		return false
	}
	said, result := listenerSaidOther, string(p.buf[:p.length])
	if result == "OK" {
		said = listenerSaidOK
	}
	p.buf, p.inBody = p.buf[p.length:], false
	p.state = listenerAcknowledged
	act(said, listenerBusy, result)
	return true
}

func resultLength(line string) (int, error) {
	if len(line) < resultHeader {
		return 0, errors.New("no length")
	}
	n, err := inifile.ParseInt(line[resultHeader:])
	if err == nil && (n < 0 || n > maxListenerResults) {
		err = errors.New("length out of range")
	}
	return int(n), err
}

// fail ends the talk because of what was said.
func (p *protocol) fail(v verdict, detail string, act func(verdict, listenerState, string)) {
	from := p.state
	p.end()
	act(v, from, detail)
}

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

// pool is the group of an [eventlistener:x] as the bus sees it: it holds events
// back until one of its listeners is ready for them.
type pool struct {
	group         *group
	subscriptions []subscription
	size          int         // how many events the buffer may hold
	buffer        []poolEvent // the oldest first
	serial        uint64      // next pool serial
	bus           *bus
	shown         io.Writer // where results go; nil if only OK is one. It never blocks
}

// newPool makes the pool of a listener group.
func newPool(g *group, cfg *Group, b *bus) *pool {
	p := &pool{group: g, size: cfg.BufferSize, bus: b}
	if cfg.ShowsResults() {
		p.shown = b.stdout
	}
	for _, name := range cfg.Events {
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
	p.bus.log.Error("pool %s event buffer overflowed, discarding event %d", p.group.name, p.buffer[0].serial)
	p.buffer = p.buffer[1:]
}

// rebuffer puts an event that did not arrive back in front.
func (p *pool) rebuffer(ev poolEvent) {
	p.sayRebuffering(ev.serial, len(p.buffer))
	p.makeRoom()
	p.buffer = append([]poolEvent{ev}, p.buffer...)
	p.bus.retryAt = earlier(p.bus.retryAt, ev.notBefore)
}

// sayRebuffering says that an event enters the buffer once more, beside others.
func (p *pool) sayRebuffering(serial uint64, others int) {
	p.bus.log.Debug("rebuffering event %d for pool %s (buf size=%d, max=%d)", serial, p.group.name, others, p.size)
}

// dispatch gives events to the listeners that are ready, in order. The one for
// which none was left stays where it is; the log says it was taken out and put
// back.
func (p *pool) dispatch() {
	if !slices.ContainsFunc(p.group.processes, (*process).takesEvents) {
		return
	}
	for len(p.buffer) > 0 && p.buffer[0].notBefore.IsZero() {
		if !p.send(p.buffer[0]) {
			p.sayRebuffering(p.buffer[0].serial, len(p.buffer)-1)
			return
		}
		p.buffer = p.buffer[1:]
	}
	if len(p.buffer) == 0 {
		p.buffer = nil // the array may be large, and is at its end
	}
}

// owes reports whether an event of a type is still to be dealt with, and somebody may.
func (p *pool) owes(t eventType) bool {
	alive := slices.ContainsFunc(p.group.processes, func(proc *process) bool {
		return proc.State == xmlrpc.Running && proc.listener.state != listenerUnknown
	})
	waits := slices.ContainsFunc(p.buffer, func(ev poolEvent) bool { return ev.typ == t })
	return alive && (waits || slices.ContainsFunc(p.group.processes, func(proc *process) bool {
		return proc.inHand.event != nil && proc.inHand.typ == t
	}))
}

// takesEvents reports whether a listener can be given an event.
func (p *process) takesEvents() bool {
	return p.State == xmlrpc.Running && p.listener.state == listenerReady && p.stdin != nil && !p.stdin.closed
}

// send gives one event to the first listener that is ready for it.
func (p *pool) send(ev poolEvent) bool {
	for _, proc := range p.group.processes {
		if !proc.takesEvents() {
			continue
		}
		err := proc.stdin.write(ev.envelope(p))
		if err != nil {
			if errors.Is(err, syscall.EPIPE) {
				p.bus.log.Debug("epipe occurred while sending event %d to listener %s, listener state unchanged", ev.serial, proc.cfg.Name)
			}
			continue
		}
		p.bus.log.Debug("event %d sent to listener %s", ev.serial, proc.cfg.Name)
		proc.listener.sent()
		proc.inHand = ev
		return true
	}
	return false
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
	b = append(b, p.group.name...)
	b = append(b, " poolserial:"...)
	b = strconv.AppendUint(b, ev.poolSerial, 10)
	b = append(b, " eventname:"...)
	b = append(b, eventNames[ev.typ]...)
	b = append(b, " len:"...)
	b = strconv.AppendInt(b, int64(utf8.RuneCountInString(ev.payload)), 10)
	b = append(b, '\n')
	return append(b, ev.payload...)
}

// listen acts on what a listener wrote.
func (s *Supervisor) listen(p *process, data []byte, now time.Time) {
	pool := p.group.pool
	p.listener.feed(data, func(v verdict, from listenerState, detail string) {
		name := p.cfg.Name
		if isResult := v == listenerSaidOK || v == listenerSaidOther; isResult && pool.shown != nil {
			v = listenerSaidOK
			if !showResult(pool.shown, detail) {
				v = listenerCausedError
				p.listener.end()
			}
		}
		switch v {
		case listenerSaidOK:
			s.log.Debug("%s: event was processed", name)
		case listenerSaidOther:
			s.log.Warn("%s: event was rejected", name)
			p.inHand.rejections++
			if p.inHand.rejections > 1 {
				p.inHand.notBefore = now.Add(rejectionPause)
			}
		case listenerCausedError:
			s.log.Warn("%s: event caused an error", name)
		case listenerBadResult:
			s.log.Warn("%s: bad result line: %s", name, inifile.PythonRepr(detail))
		}
		s.log.Debug("%s: %v -> %v", name, from, p.listener.state)
		if p.listener.state == listenerUnknown {
			s.log.Warn("%s: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol", name)
		}
		switch {
		case v == listenerSaidOK:
			p.inHand = poolEvent{}
		case from == listenerBusy:
			p.reject()
		}
	})
	pool.dispatch()
}

// reject gives the event that a listener has in hand back to its own pool.
func (p *process) reject() {
	ev := p.inHand
	if ev.event == nil {
		return
	}
	p.inHand = poolEvent{}
	p.group.pool.rebuffer(ev)
}

// showResult writes the result of a listener as event_handler of supervisor-stdout
// does: it is the payload of a PROCESS_LOG event, each line of which is written behind
// "PROCESS CHANNEL | ". It reports whether it is such a payload.
func showResult(w io.Writer, result string) bool {
	header, data, found := strings.Cut(result, "\n")
	process, channel := "", ""
	for field := range strings.FieldsSeq(header) {
		switch key, value, _ := strings.Cut(field, ":"); key {
		case "processname":
			process = value
		case "channel":
			channel = value
		}
	}
	if !found || process == "" || channel == "" {
		return false
	}
	var b []byte
	for line := range strings.Lines(strings.ReplaceAll(data, "\r\n", "\n")) {
		b = append(b, process+" "+channel+" | "...)
		b = append(b, strings.TrimSuffix(line, "\n")...)
		b = append(b, '\n')
	}
	_, _ = w.Write(b) // whoever reads our stdout may have gone; the log files have it all
	return true
}
