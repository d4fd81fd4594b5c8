package supervise

import (
	"strconv"
	"time"
	"unicode/utf8"

	"supervisor/xmlrpc"
)

// eventType is a kind of event that can be sent, a leaf of Supervisor's tree.
type eventType int

const (
	eventStateStopped eventType = iota
	eventStateStarting
	eventStateRunning
	eventStateBackoff
	eventStateStopping
	eventStateExited
	eventStateFatal
	eventStateUnknown
	eventCommStdout
	eventCommStderr
	eventLogStdout
	eventLogStderr
	eventRemoteCommunication
	eventSupervisorRunning
	eventSupervisorStopping
	eventTick5
	eventTick60
	eventTick3600
	eventGroupAdded
	eventGroupRemoved
	eventCount // how many there are
)

// eventNames are the names of the leaves as sent in the header.
var eventNames = [eventCount]string{
	eventStateStopped:        "PROCESS_STATE_STOPPED",
	eventStateStarting:       "PROCESS_STATE_STARTING",
	eventStateRunning:        "PROCESS_STATE_RUNNING",
	eventStateBackoff:        "PROCESS_STATE_BACKOFF",
	eventStateStopping:       "PROCESS_STATE_STOPPING",
	eventStateExited:         "PROCESS_STATE_EXITED",
	eventStateFatal:          "PROCESS_STATE_FATAL",
	eventStateUnknown:        "PROCESS_STATE_UNKNOWN",
	eventCommStdout:          "PROCESS_COMMUNICATION_STDOUT",
	eventCommStderr:          "PROCESS_COMMUNICATION_STDERR",
	eventLogStdout:           "PROCESS_LOG_STDOUT",
	eventLogStderr:           "PROCESS_LOG_STDERR",
	eventRemoteCommunication: "REMOTE_COMMUNICATION",
	eventSupervisorRunning:   "SUPERVISOR_STATE_CHANGE_RUNNING",
	eventSupervisorStopping:  "SUPERVISOR_STATE_CHANGE_STOPPING",
	eventTick5:               "TICK_5",
	eventTick60:              "TICK_60",
	eventTick3600:            "TICK_3600",
	eventGroupAdded:          "PROCESS_GROUP_ADDED",
	eventGroupRemoved:        "PROCESS_GROUP_REMOVED",
}

// subscription is a set of event types: what one name in events= stands for.
type subscription uint32

func (s subscription) has(t eventType) bool { return s&(1<<t) != 0 }

// subscriptionOf returns what an event type's name in a configuration stands
// for: a leaf, or everything below a node of the tree.
func subscriptionOf(name string) (s subscription, ok bool) {
	if name == "EVENT" {
		return 1<<eventCount - 1, true
	}
	for t, leaf := range eventNames {
		if leaf == name {
			return 1 << t, true
		}
		if isNode(name) && len(leaf) > len(name) && leaf[:len(name)+1] == name+"_" {
			s |= 1 << t
		}
	}
	return s, s != 0
}

// isNode reports whether name is an inner node below EVENT.
func isNode(name string) bool {
	switch name {
	case "PROCESS_STATE", "PROCESS_COMMUNICATION", "PROCESS_LOG",
		"SUPERVISOR_STATE_CHANGE", "TICK", "PROCESS_GROUP":
		return true
	}
	return false
}

// stateEvent returns the type of the event of entering a state.
func stateEvent(to xmlrpc.State) eventType {
	switch to {
	case xmlrpc.Stopped:
		return eventStateStopped
	case xmlrpc.Starting:
		return eventStateStarting
	case xmlrpc.Running:
		return eventStateRunning
	case xmlrpc.Backoff:
		return eventStateBackoff
	case xmlrpc.Stopping:
		return eventStateStopping
	case xmlrpc.Exited:
		return eventStateExited
	case xmlrpc.Fatal:
		return eventStateFatal
	}
	return eventStateUnknown
}

// event is one event on its way to the listeners of every pool that wants it.
type event struct {
	typ     eventType
	serial  uint64 // counted over all pools and rounds
	payload string
}

// stateChange is what a PROCESS_STATE event tells. Tries, PID and Expected are used by
// the events that carry them.
type stateChange struct {
	From, To xmlrpc.State
	Tries    int
	PID      int
	Expected bool
}

// statePayload renders the payload of a PROCESS_STATE event.
func statePayload(name, group string, a stateChange) string {
	b := make([]byte, 0, 96)
	b = append(b, "processname:"...)
	b = append(b, name...)
	b = append(b, " groupname:"...)
	b = append(b, group...)
	b = append(b, " from_state:"...)
	b = append(b, a.From.String()...)
	switch a.To {
	case xmlrpc.Starting, xmlrpc.Backoff:
		b = append(b, " tries:"...)
		b = strconv.AppendInt(b, int64(a.Tries), 10)
	case xmlrpc.Exited:
		b = append(b, " expected:"...)
		if a.Expected {
			b = append(b, '1')
		} else {
			b = append(b, '0')
		}
		b = append(b, " pid:"...)
		b = strconv.AppendInt(b, int64(a.PID), 10)
	case xmlrpc.Running, xmlrpc.Stopping, xmlrpc.Stopped:
		b = append(b, " pid:"...)
		b = strconv.AppendInt(b, int64(a.PID), 10)
	}
	return string(b)
}

// outputPayload renders the payload of a PROCESS_LOG or PROCESS_COMMUNICATION
// event; only the first names its channel.
func outputPayload(name, group string, pid int, channel string, log bool, data []byte) string {
	b := make([]byte, 0, len(data)+len(name)+len(group)+64)
	b = append(b, "processname:"...)
	b = append(b, name...)
	b = append(b, " groupname:"...)
	b = append(b, group...)
	b = append(b, " pid:"...)
	b = strconv.AppendInt(b, int64(pid), 10)
	if log {
		b = append(b, " channel:"...)
		b = append(b, channel...)
	}
	b = append(b, '\n')
	if utf8.Valid(data) {
		b = append(b, data...)
	} else {
		b = append(b, decodeText(data)...)
	}
	return string(b)
}

// bus hands events to the pools that subscribe to them. It belongs to the loop.
type bus struct {
	identifier string
	serial     *uint64 // next serial; outlives a round
	pools      []*pool
	wanted     subscription // what any pool wants
	retryAt    time.Time    // when a rejected event may be sent again; zero for never
	tell       teller
}

// teller is told what becomes of events.
type teller interface {
	// overflowed: a pool has dropped its oldest event.
	overflowed(p *pool, serial uint64)
	// rebuffered: an event is in the buffer of a pool once more, beside others.
	rebuffered(p *pool, serial uint64, others int)
}

// sooner is the earlier of two moments of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// retry sends again the rejected events whose pause is over at now. It returns when it
// wants to be called again, zero for never.
func (b *bus) retry(now time.Time) (again time.Time) {
	if b.retryAt.IsZero() || now.Before(b.retryAt) {
		return b.retryAt
	}
	b.retryAt = time.Time{}
	for _, p := range b.pools {
		if len(p.buffer) == 0 || p.buffer[0].notBefore.IsZero() {
			continue
		}
		if now.Before(p.buffer[0].notBefore) {
			b.retryAt = sooner(b.retryAt, p.buffer[0].notBefore)
			continue
		}
		p.buffer[0].notBefore = time.Time{}
		p.dispatch()
	}
	return b.retryAt
}

// subscribe adds a pool. It sees what is raised from now on.
func (b *bus) subscribe(p *pool) {
	b.pools = append(b.pools, p)
	b.recount()
}

// unsubscribe forgets a pool and what it has buffered.
func (b *bus) unsubscribe(p *pool) {
	for i, q := range b.pools {
		if q == p {
			b.pools = append(b.pools[:i:i], b.pools[i+1:]...)
			break
		}
	}
	b.recount()
}

func (b *bus) recount() {
	b.wanted = 0
	for _, p := range b.pools {
		for _, s := range p.subscriptions {
			b.wanted |= s
		}
	}
}

// wants reports whether raising an event of this type reaches anybody, so that
// nobody renders a payload for nothing.
func (b *bus) wants(t eventType) bool { return b.wanted.has(t) }

// raise gives an event to every pool that subscribes to its type, once for each
// of the pool's subscriptions that cover it. An event that nobody wants takes no
// serial.
func (b *bus) raise(t eventType, payload string) {
	if !b.wants(t) {
		return
	}
	ev := &event{typ: t, serial: *b.serial, payload: payload}
	*b.serial = (*b.serial + 1) & (1<<63 - 1)
	for _, p := range b.pools {
		p.offer(ev)
	}
}

// tick is one of the clocks that listeners can subscribe to.
type tick struct {
	typ    eventType
	period int64     // seconds
	due    time.Time // zero: not armed
}

// ticks are the three clocks. They run only while somebody listens to them.
type ticks [3]tick

func newTicks() ticks {
	return ticks{{typ: eventTick5, period: 5}, {typ: eventTick60, period: 60}, {typ: eventTick3600, period: 3600}}
}

// raiseDue raises the ticks that are due at now, arms those that somebody wants
// and disarms the others. It returns when it wants to be called again, zero for
// never. A tick carries the last multiple of its period on the wall clock; the
// time it waits for is taken on the monotonic clock, so that a clock that is set
// back delays nothing.
func (ts *ticks) raiseDue(b *bus, now time.Time) (again time.Time) {
	for i := range ts {
		t := &ts[i]
		if !b.wants(t.typ) {
			t.due = time.Time{}
			continue
		}
		unix := now.Unix()
		if !t.due.IsZero() && !now.Before(t.due) {
			b.raise(t.typ, "when:"+strconv.FormatInt(unix-unix%t.period, 10))
			t.due = time.Time{}
		}
		if t.due.IsZero() {
			next := unix - unix%t.period + t.period
			t.due = now.Add(time.Duration(next)*time.Second - time.Duration(now.UnixNano()))
		}
		if again.IsZero() || t.due.Before(again) {
			again = t.due
		}
	}
	return again
}
