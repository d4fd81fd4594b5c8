package event

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
		want []Type
	}{
		{"TICK", []Type{Tick5, Tick60, Tick3600}},
		{"TICK_5", []Type{Tick5}},
		{"PROCESS_LOG", []Type{LogStdout, LogStderr}},
		{"PROCESS_GROUP", []Type{GroupAdded, GroupRemoved}},
		{"SUPERVISOR_STATE_CHANGE", []Type{SupervisorRunning, SupervisorStopping}},
		{"REMOTE_COMMUNICATION", []Type{RemoteCommunication}},
		{"PROCESS", nil}, {"", nil}, {"TICK_", nil},
	} {
		s, ok := subscriptionOf(tt.name)
		var got []Type
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
			t.Errorf("EVENT does not stand for %s", names[e])
		}
	}
}

func TestStatePayloads(t *testing.T) {
	for _, tt := range []struct {
		a    StateChange
		want string
	}{
		{StateChange{From: xmlrpc.Stopped, To: xmlrpc.Starting}, "from_state:STOPPED tries:0"},
		{StateChange{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}, "from_state:STARTING tries:1"},
		{StateChange{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}, "from_state:STARTING pid:7"},
		{StateChange{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, "from_state:RUNNING pid:7"},
		{StateChange{From: xmlrpc.Backoff, To: xmlrpc.Stopped}, "from_state:BACKOFF pid:0"},
		{StateChange{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, "from_state:RUNNING expected:0 pid:7"},
		{StateChange{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, "from_state:RUNNING expected:1 pid:7"},
		{StateChange{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, "from_state:BACKOFF"},
		{StateChange{From: xmlrpc.Stopping, To: xmlrpc.Unknown}, "from_state:STOPPING"},
	} {
		if got, want := StatePayload("web", "g", tt.a), "processname:web groupname:g "+tt.want; got != want {
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
		if got := OutputPayload("p", "g", 7, "stderr", tt.log, []byte(tt.data)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// The header counts characters, as Supervisor does, and not bytes.
func TestEnvelope(t *testing.T) {
	p := &Pool{Name: "rec", bus: &Bus{Identifier: "supervisor"}}
	ev := Held{Event: &Event{Type: RemoteCommunication, Serial: 21, payload: "type:t\nhé"}, poolSerial: 3}
	want := "ver:3.0 server:supervisor serial:21 pool:rec poolserial:3 eventname:REMOTE_COMMUNICATION len:9\ntype:t\nhé"
	if got := string(ev.Envelope(p)); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// nobody is no listener, and keeps what becomes of events.
type nobody struct{ overflows []uint64 }

func (*nobody) Ready() bool    { return false }
func (*nobody) Give(Held) bool { return false }

func (n *nobody) Overflowed(_ *Pool, serial uint64) { n.overflows = append(n.overflows, serial) }
func (*nobody) Rebuffered(*Pool, uint64, int)       {}

// testPool is a pool without listeners.
func testPool(size int, events ...string) (*Pool, *nobody) {
	n := new(nobody)
	b := &Bus{Identifier: "supervisor", Serial: new(uint64), Tell: n}
	p := NewPool("rec", events, size, n, b)
	b.Subscribe(p)
	return p, n
}

func (p *Pool) serials() (serials []uint64) {
	for _, ev := range p.Buffer {
		serials = append(serials, ev.Serial)
	}
	return serials
}

func TestOverflowDropsTheOldest(t *testing.T) {
	p, told := testPool(2, "TICK")
	for range 4 {
		p.bus.Raise(Tick5, "when:5")
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
	p.bus.Raise(Tick5, "")
	p.bus.Raise(Tick5, "")
	first := p.Buffer[0]
	p.Buffer = p.Buffer[1:]
	p.Rebuffer(first)
	if got, want := fmt.Sprint(p.serials()), "[0 1]"; got != want {
		t.Errorf("buffered %s, want %s", got, want)
	}
}

// An event nobody wants takes no serial; one that is wanted twice over comes
// twice, with the same serials.
func TestSerials(t *testing.T) {
	p, _ := testPool(10, "PROCESS_STATE", "PROCESS_STATE_EXITED")
	p.bus.Raise(Tick5, "")
	p.bus.Raise(StateExited, "")
	p.bus.Raise(StateFatal, "")
	if got, want := fmt.Sprint(p.serials()), "[0 0 1]"; got != want {
		t.Errorf("buffered %s, want %s", got, want)
	}
	if p.Buffer[0].poolSerial != p.Buffer[1].poolSerial || p.Buffer[2].poolSerial != 1 {
		t.Errorf("pool serials: %v", p.Buffer)
	}
}

func TestTicks(t *testing.T) {
	p, _ := testPool(10, "TICK_5", "TICK_60")
	ts := NewTicks()
	start := time.Date(2026, 3, 1, 12, 0, 57, 0, time.UTC)
	again := ts.RaiseDue(p.bus, start)
	if want := start.Add(3 * time.Second); !again.Equal(want) {
		t.Errorf("next tick at %v, want %v", again, want)
	}
	if len(p.Buffer) != 0 {
		t.Error("the first look must only arm the clocks")
	}
	ts.RaiseDue(p.bus, again)
	var got []string
	for _, ev := range p.Buffer {
		got = append(got, names[ev.Type]+" "+ev.payload)
	}
	when := fmt.Sprintf("when:%d", again.Unix())
	if want := []string{"TICK_5 " + when, "TICK_60 " + when}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	p.bus.Unsubscribe(p)
	if again := ts.RaiseDue(p.bus, again); !again.IsZero() {
		t.Errorf("nobody listens, but the next tick is at %v", again)
	}
}

// A listener's talk, in any pieces.
func TestProtocol(t *testing.T) {
	for _, tt := range []struct {
		name  string
		input string // "!" stands for an event sent to it
		want  string
		state TalkState
	}{
		{"ready", "READY\n", "ready", Ready},
		{"half a word", "READ", "", Acknowledged},
		{"other than ready", "hello\nworld", "spoke(ACKNOWLEDGED)", Unknown},
		{"talk while ready", "READY\nx", "ready spoke(READY)", Unknown},
		{"a cycle", "READY\n!RESULT 2\nOKREADY\n", "ready ok ready", Ready},
		{"reject", "READY\n!RESULT 4\nFAIL", "ready other", Acknowledged},
		{"empty result", "READY\n!RESULT 0\nR", "ready other", Acknowledged},
		{"empty result, nothing after it", "READY\n!RESULT 0\n", "ready", Busy},
		{"first word is free", "READY\n!ABCDEFG2\nOK", "ready ok", Acknowledged},
		{"blanks around the number", "READY\n!RESULT  2 \nOK", "ready ok", Acknowledged},
		{"rest becomes the next word", "READY\n!RESULT 2\nOKAYREADY\n", "ready ok spoke(ACKNOWLEDGED)", Unknown},
		{"no number", "READY\n!RESULT xx\n", "ready bad(RESULT xx)", Unknown},
		{"negative number", "READY\n!RESULT -1\n", "ready bad(RESULT -1)", Unknown},
		{"short line", "READY\n!OK\n", "ready bad(OK)", Unknown},
	} {
		for _, piece := range []int{1, 3, 1000} {
			var p Protocol
			var got []string
			act := func(v Verdict, from TalkState, detail string) {
				got = append(got, map[Verdict]string{
					SaidReady: "ready", SaidOK: "ok", SaidOther: "other",
					BadResult: "bad(" + detail + ")", Spoke: fmt.Sprintf("spoke(%v)", from),
				}[v])
			}
			for part := range strings.SplitAfterSeq(tt.input, "!") {
				text, sent := strings.CutSuffix(part, "!")
				for text != "" {
					n := min(piece, len(text))
					p.Feed([]byte(text[:n]), act)
					text = text[n:]
				}
				if sent {
					p.Sent()
				}
			}
			if s := strings.Join(got, " "); s != tt.want || p.State != tt.state {
				t.Errorf("%s, in pieces of %d: got %q in %v, want %q in %v", tt.name, piece, s, p.State, tt.want, tt.state)
			}
		}
	}
}

func FuzzProtocol(f *testing.F) {
	f.Add([]byte("READY\nRESULT 2\nOKREADY\n"), byte(3))
	f.Fuzz(func(t *testing.T, data []byte, piece byte) {
		var whole, pieces Protocol
		whole.State, pieces.State = Busy, Busy
		act := func(Verdict, TalkState, string) {}
		whole.Feed(data, act)
		for n := max(int(piece), 1); len(data) > 0; data = data[min(n, len(data)):] {
			pieces.Feed(data[:min(n, len(data))], act)
		}
		if whole.State != pieces.State {
			t.Errorf("%v at once, %v in pieces", whole.State, pieces.State)
		}
	})
}

func BenchmarkDispatch(b *testing.B) {
	n := new(nobody)
	bus := &Bus{Identifier: "supervisor", Serial: new(uint64), Tell: n}
	for range 10 {
		bus.Subscribe(NewPool("rec", []string{"TICK"}, 1<<20, n, bus))
	}
	b.ReportAllocs()
	for b.Loop() {
		bus.Raise(Tick5, "when:5")
		for _, p := range bus.pools {
			p.Buffer = p.Buffer[:0]
		}
	}
}
