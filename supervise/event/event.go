// Package event has what listeners are told: the types of events, their payloads, the Bus
// that hands them to each Pool that wants them, the Ticks, and the Protocol that a listener
// speaks on its stdout. There is no I/O in it, and everything belongs to one goroutine, the
// loop, which takes the events to the listeners.
//
// Begin with Bus.Raise.
package event

import (
	"strconv"
	"time"
	"unicode/utf8"

	"supervisor/inifile/python"
	"supervisor/xmlrpc"
)

// Type is a kind of event that can be sent, a leaf of Supervisor's tree.
type Type int

const (
	StateStopped Type = iota
	StateStarting
	StateRunning
	StateBackoff
	StateStopping
	StateExited
	StateFatal
	StateUnknown
	CommStdout
	CommStderr
	LogStdout
	LogStderr
	RemoteCommunication
	SupervisorRunning
	SupervisorStopping
	Tick5
	Tick60
	Tick3600
	GroupAdded
	GroupRemoved
	eventCount // how many there are
)

// names are the names of the leaves as sent in the header.
var names = [eventCount]string{
	StateStopped:        "PROCESS_STATE_STOPPED",
	StateStarting:       "PROCESS_STATE_STARTING",
	StateRunning:        "PROCESS_STATE_RUNNING",
	StateBackoff:        "PROCESS_STATE_BACKOFF",
	StateStopping:       "PROCESS_STATE_STOPPING",
	StateExited:         "PROCESS_STATE_EXITED",
	StateFatal:          "PROCESS_STATE_FATAL",
	StateUnknown:        "PROCESS_STATE_UNKNOWN",
	CommStdout:          "PROCESS_COMMUNICATION_STDOUT",
	CommStderr:          "PROCESS_COMMUNICATION_STDERR",
	LogStdout:           "PROCESS_LOG_STDOUT",
	LogStderr:           "PROCESS_LOG_STDERR",
	RemoteCommunication: "REMOTE_COMMUNICATION",
	SupervisorRunning:   "SUPERVISOR_STATE_CHANGE_RUNNING",
	SupervisorStopping:  "SUPERVISOR_STATE_CHANGE_STOPPING",
	Tick5:               "TICK_5",
	Tick60:              "TICK_60",
	Tick3600:            "TICK_3600",
	GroupAdded:          "PROCESS_GROUP_ADDED",
	GroupRemoved:        "PROCESS_GROUP_REMOVED",
}

// subscription is a set of event types: what one name in events= stands for.
type subscription uint32

func (s subscription) has(t Type) bool { return s&(1<<t) != 0 }

// subscriptionOf returns what an event type's name in a configuration stands
// for: a leaf, or everything below a node of the tree.
func subscriptionOf(name string) (s subscription, ok bool) {
	if name == "EVENT" {
		return 1<<eventCount - 1, true
	}
	for t, leaf := range names {
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

// StateType returns the type of the event of entering a state.
func StateType(to xmlrpc.State) Type {
	switch to {
	case xmlrpc.Stopped:
		return StateStopped
	case xmlrpc.Starting:
		return StateStarting
	case xmlrpc.Running:
		return StateRunning
	case xmlrpc.Backoff:
		return StateBackoff
	case xmlrpc.Stopping:
		return StateStopping
	case xmlrpc.Exited:
		return StateExited
	case xmlrpc.Fatal:
		return StateFatal
	}
	return StateUnknown
}

// Event is one event on its way to the listeners of every pool that wants it.
type Event struct {
	Type    Type
	Serial  uint64 // counted over all pools and rounds
	payload string
}

// StateChange is what a PROCESS_STATE event tells. Tries, PID and Expected are used by
// the events that carry them.
type StateChange struct {
	From, To xmlrpc.State
	Tries    int
	PID      int
	Expected bool
}

// StatePayload renders the payload of a PROCESS_STATE event.
func StatePayload(name, group string, a StateChange) string {
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

// OutputPayload renders the payload of a PROCESS_LOG or PROCESS_COMMUNICATION
// event; only the first names its channel.
func OutputPayload(name, group string, pid int, channel string, log bool, data []byte) string {
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
		b = append(b, python.Decoded(data)...)
	}
	return string(b)
}

// Bus hands events to the pools that subscribe to them. It belongs to the loop.
type Bus struct {
	Identifier string
	Serial     *uint64 // next serial; outlives a round
	pools      []*Pool
	wanted     subscription // what any pool wants
	retryAt    time.Time    // when a rejected event may be sent again; zero for never
	Tell       Teller
}

// Teller is told what becomes of events.
type Teller interface {
	// Overflowed: a pool has dropped its oldest event.
	Overflowed(p *Pool, serial uint64)
	// Rebuffered: an event is in the buffer of a pool once more, beside others.
	Rebuffered(p *Pool, serial uint64, others int)
}

// sooner is the earlier of two moments of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Retry sends again the rejected events whose pause is over at now. It returns when it
// wants to be called again, zero for never.
func (b *Bus) Retry(now time.Time) (again time.Time) {
	if b.retryAt.IsZero() || now.Before(b.retryAt) {
		return b.retryAt
	}
	b.retryAt = time.Time{}
	for _, p := range b.pools {
		if len(p.Buffer) == 0 || p.Buffer[0].NotBefore.IsZero() {
			continue
		}
		if now.Before(p.Buffer[0].NotBefore) {
			b.retryAt = sooner(b.retryAt, p.Buffer[0].NotBefore)
			continue
		}
		p.Buffer[0].NotBefore = time.Time{}
		p.Dispatch()
	}
	return b.retryAt
}

// Subscribe adds a pool. It sees what is raised from now on.
func (b *Bus) Subscribe(p *Pool) {
	b.pools = append(b.pools, p)
	b.recount()
}

// Unsubscribe forgets a pool and what it has buffered.
func (b *Bus) Unsubscribe(p *Pool) {
	for i, q := range b.pools {
		if q == p {
			b.pools = append(b.pools[:i:i], b.pools[i+1:]...)
			break
		}
	}
	b.recount()
}

func (b *Bus) recount() {
	b.wanted = 0
	for _, p := range b.pools {
		for _, s := range p.subscriptions {
			b.wanted |= s
		}
	}
}

// Wants reports whether raising an event of this type reaches anybody, so that
// nobody renders a payload for nothing.
func (b *Bus) Wants(t Type) bool { return b.wanted.has(t) }

// Raise gives an event to every pool that subscribes to its type, once for each
// of the pool's subscriptions that cover it. An event that nobody wants takes no
// serial.
func (b *Bus) Raise(t Type, payload string) {
	if !b.Wants(t) {
		return
	}
	ev := &Event{Type: t, Serial: *b.Serial, payload: payload}
	*b.Serial = (*b.Serial + 1) & (1<<63 - 1)
	for _, p := range b.pools {
		p.offer(ev)
	}
}

// tick is one of the clocks that listeners can subscribe to.
type tick struct {
	typ    Type
	period int64     // seconds
	due    time.Time // zero: not armed
}

// Ticks are the three clocks. They run only while somebody listens to them.
type Ticks [3]tick

// NewTicks returns the clocks, of which none is armed.
func NewTicks() Ticks {
	return Ticks{{typ: Tick5, period: 5}, {typ: Tick60, period: 60}, {typ: Tick3600, period: 3600}}
}

// RaiseDue raises the ticks that are due at now, arms those that somebody wants
// and disarms the others. It returns when it wants to be called again, zero for
// never. A tick carries the last multiple of its period on the wall clock; the
// time it waits for is taken on the monotonic clock, so that a clock that is set
// back delays nothing.
func (ts *Ticks) RaiseDue(b *Bus, now time.Time) (again time.Time) {
	for i := range ts {
		t := &ts[i]
		if !b.Wants(t.typ) {
			t.due = time.Time{}
			continue
		}
		unix := now.Unix()
		if !t.due.IsZero() && !now.Before(t.due) {
			b.Raise(t.typ, "when:"+strconv.FormatInt(unix-unix%t.period, 10))
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
