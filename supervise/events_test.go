package supervise

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

func TestSubscriptions(t *testing.T) {
	for _, tt := range []struct {
		name string
		want []eventType
	}{
		{"TICK", []eventType{eventTick5, eventTick60, eventTick3600}},
		{"TICK_5", []eventType{eventTick5}},
		{"PROCESS_LOG", []eventType{eventLogStdout, eventLogStderr}},
		{"PROCESS_GROUP", []eventType{eventGroupAdded, eventGroupRemoved}},
		{"SUPERVISOR_STATE_CHANGE", []eventType{eventSupervisorRunning, eventSupervisorStopping}},
		{"REMOTE_COMMUNICATION", []eventType{eventRemoteCommunication}},
		{"PROCESS", nil}, {"", nil}, {"TICK_", nil},
	} {
		s, ok := subscriptionOf(tt.name)
		var got []eventType
		for e := range eventCount {
			if s.has(e) {
				got = append(got, e)
			}
		}
		if !reflect.DeepEqual(got, tt.want) || ok != (tt.want != nil) {
			t.Errorf("%q stands for %v, %v, want %v", tt.name, got, ok, tt.want)
		}
	}
	all, _ := subscriptionOf("EVENT")
	for e := range eventCount {
		if !all.has(e) {
			t.Errorf("EVENT does not stand for %s", eventNames[e])
		}
	}
}

func TestStatePayloads(t *testing.T) {
	for _, tt := range []struct {
		a    stateChange
		want string
	}{
		{stateChange{From: xmlrpc.Stopped, To: xmlrpc.Starting}, "from_state:STOPPED tries:0"},
		{stateChange{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}, "from_state:STARTING tries:1"},
		{stateChange{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}, "from_state:STARTING pid:7"},
		{stateChange{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, "from_state:RUNNING pid:7"},
		{stateChange{From: xmlrpc.Backoff, To: xmlrpc.Stopped}, "from_state:BACKOFF pid:0"},
		{stateChange{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, "from_state:RUNNING expected:0 pid:7"},
		{stateChange{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, "from_state:RUNNING expected:1 pid:7"},
		{stateChange{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, "from_state:BACKOFF"},
		{stateChange{From: xmlrpc.Stopping, To: xmlrpc.Unknown}, "from_state:STOPPING"},
	} {
		if got, want := statePayload("web", "g", tt.a), "processname:web groupname:g "+tt.want; got != want {
			t.Errorf("%v: got %q, want %q", tt.a.To, got, want)
		}
	}
}

func TestOutputPayloads(t *testing.T) {
	for _, tt := range []struct {
		log  bool
		data string
		want string
	}{
		{true, "hé\n", "processname:p groupname:g pid:7 channel:stderr\nhé\n"},
		{false, "data", "processname:p groupname:g pid:7\ndata"},
		{true, "\xff\n", "processname:p groupname:g pid:7 channel:stderr\nUndecodable: b'\\xff\\n'"},
	} {
		if got := outputPayload("p", "g", 7, "stderr", tt.log, []byte(tt.data)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// The header counts characters, as Supervisor does, and not bytes.
func TestEnvelope(t *testing.T) {
	p := &pool{name: "rec", bus: &bus{identifier: "supervisor"}}
	ev := poolEvent{event: &event{typ: eventRemoteCommunication, serial: 21, payload: "type:t\nhé"}, poolSerial: 3}
	want := "ver:3.0 server:supervisor serial:21 pool:rec poolserial:3 eventname:REMOTE_COMMUNICATION len:9\ntype:t\nhé"
	if got := string(ev.envelope(p)); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// nobody is no listener, and keeps what becomes of events.
type nobody struct{ overflows []uint64 }

func (*nobody) ready() bool         { return false }
func (*nobody) give(poolEvent) bool { return false }

func (n *nobody) overflowed(_ *pool, serial uint64) { n.overflows = append(n.overflows, serial) }
func (*nobody) rebuffered(*pool, uint64, int)       {}

// testPool is a pool without listeners.
func testPool(size int, events ...string) (*pool, *nobody) {
	n := new(nobody)
	b := &bus{identifier: "supervisor", serial: new(uint64), tell: n}
	p := newPool("rec", events, size, n, b)
	b.subscribe(p)
	return p, n
}

func (p *pool) serials() (serials []uint64) {
	for _, ev := range p.buffer {
		serials = append(serials, ev.serial)
	}
	return serials
}

func TestOverflowDropsTheOldest(t *testing.T) {
	p, told := testPool(2, "TICK")
	for range 4 {
		p.bus.raise(eventTick5, "when:5")
	}
	if got, want := fmt.Sprint(p.serials()), "[2 3]"; got != want {
		t.Errorf("buffered %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(told.overflows), "[0 1]"; got != want {
		t.Errorf("told that %s were dropped, want %s", got, want)
	}
}

func TestRebufferedEventsComeFirst(t *testing.T) {
	p, _ := testPool(3, "TICK")
	p.bus.raise(eventTick5, "")
	p.bus.raise(eventTick5, "")
	first := p.buffer[0]
	p.buffer = p.buffer[1:]
	p.rebuffer(first)
	if got, want := fmt.Sprint(p.serials()), "[0 1]"; got != want {
		t.Errorf("buffered %s, want %s", got, want)
	}
}

// An event nobody wants takes no serial; one that is wanted twice over comes
// twice, with the same serials.
func TestSerials(t *testing.T) {
	p, _ := testPool(10, "PROCESS_STATE", "PROCESS_STATE_EXITED")
	p.bus.raise(eventTick5, "")
	p.bus.raise(eventStateExited, "")
	p.bus.raise(eventStateFatal, "")
	if got, want := fmt.Sprint(p.serials()), "[0 0 1]"; got != want {
		t.Errorf("buffered %s, want %s", got, want)
	}
	if p.buffer[0].poolSerial != p.buffer[1].poolSerial || p.buffer[2].poolSerial != 1 {
		t.Errorf("pool serials: %v", p.buffer)
	}
}

func TestTicks(t *testing.T) {
	p, _ := testPool(10, "TICK_5", "TICK_60")
	ts := newTicks()
	start := time.Date(2026, 3, 1, 12, 0, 57, 0, time.UTC)
	again := ts.raiseDue(p.bus, start)
	if want := start.Add(3 * time.Second); !again.Equal(want) {
		t.Errorf("next tick at %v, want %v", again, want)
	}
	if len(p.buffer) != 0 {
		t.Error("the first look must only arm the clocks")
	}
	ts.raiseDue(p.bus, again)
	var got []string
	for _, ev := range p.buffer {
		got = append(got, eventNames[ev.typ]+" "+ev.payload)
	}
	when := fmt.Sprintf("when:%d", again.Unix())
	if want := []string{"TICK_5 " + when, "TICK_60 " + when}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	p.bus.unsubscribe(p)
	if again := ts.raiseDue(p.bus, again); !again.IsZero() {
		t.Errorf("nobody listens, but the next tick is at %v", again)
	}
}

// A listener's talk, in any pieces.
func TestProtocol(t *testing.T) {
	for _, tt := range []struct {
		name  string
		input string // "!" stands for an event sent to it
		want  string
		state listenerState
	}{
		{"ready", "READY\n", "ready", listenerReady},
		{"half a word", "READ", "", listenerAcknowledged},
		{"other than ready", "hello\nworld", "spoke(ACKNOWLEDGED)", listenerUnknown},
		{"talk while ready", "READY\nx", "ready spoke(READY)", listenerUnknown},
		{"a cycle", "READY\n!RESULT 2\nOKREADY\n", "ready ok ready", listenerReady},
		{"reject", "READY\n!RESULT 4\nFAIL", "ready other", listenerAcknowledged},
		{"empty result", "READY\n!RESULT 0\nR", "ready other", listenerAcknowledged},
		{"empty result, nothing after it", "READY\n!RESULT 0\n", "ready", listenerBusy},
		{"first word is free", "READY\n!ABCDEFG2\nOK", "ready ok", listenerAcknowledged},
		{"blanks around the number", "READY\n!RESULT  2 \nOK", "ready ok", listenerAcknowledged},
		{"rest becomes the next word", "READY\n!RESULT 2\nOKAYREADY\n", "ready ok spoke(ACKNOWLEDGED)", listenerUnknown},
		{"no number", "READY\n!RESULT xx\n", "ready bad(RESULT xx)", listenerUnknown},
		{"negative number", "READY\n!RESULT -1\n", "ready bad(RESULT -1)", listenerUnknown},
		{"short line", "READY\n!OK\n", "ready bad(OK)", listenerUnknown},
	} {
		for _, piece := range []int{1, 3, 1000} {
			var p protocol
			var got []string
			act := func(v verdict, from listenerState, detail string) {
				got = append(got, map[verdict]string{
					listenerSaidReady: "ready", listenerSaidOK: "ok", listenerSaidOther: "other",
					listenerBadResult: "bad(" + detail + ")", listenerSpoke: fmt.Sprintf("spoke(%v)", from),
				}[v])
			}
			for part := range strings.SplitAfterSeq(tt.input, "!") {
				text, sent := strings.CutSuffix(part, "!")
				for text != "" {
					n := min(piece, len(text))
					p.feed([]byte(text[:n]), act)
					text = text[n:]
				}
				if sent {
					p.sent()
				}
			}
			if s := strings.Join(got, " "); s != tt.want || p.state != tt.state {
				t.Errorf("%s, in pieces of %d: got %q in %v, want %q in %v", tt.name, piece, s, p.state, tt.want, tt.state)
			}
		}
	}
}

func FuzzProtocol(f *testing.F) {
	f.Add([]byte("READY\nRESULT 2\nOKREADY\n"), byte(3))
	f.Fuzz(func(t *testing.T, data []byte, piece byte) {
		var whole, pieces protocol
		whole.state, pieces.state = listenerBusy, listenerBusy
		act := func(verdict, listenerState, string) {}
		whole.feed(data, act)
		for n := max(int(piece), 1); len(data) > 0; data = data[min(n, len(data)):] {
			pieces.feed(data[:min(n, len(data))], act)
		}
		if whole.state != pieces.state {
			t.Errorf("%v at once, %v in pieces", whole.state, pieces.state)
		}
	})
}

func BenchmarkDispatch(b *testing.B) {
	n := new(nobody)
	bus := &bus{identifier: "supervisor", serial: new(uint64), tell: n}
	for range 10 {
		bus.subscribe(newPool("rec", []string{"TICK"}, 1<<20, n, bus))
	}
	b.ReportAllocs()
	for b.Loop() {
		bus.raise(eventTick5, "when:5")
		for _, p := range bus.pools {
			p.buffer = p.buffer[:0]
		}
	}
}
