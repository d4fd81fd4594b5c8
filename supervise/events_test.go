package supervise

import (
	"fmt"
	"os"
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
		a    announce
		want string
	}{
		{announce{From: xmlrpc.Stopped, To: xmlrpc.Starting}, "from_state:STOPPED tries:0"},
		{announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}, "from_state:STARTING tries:1"},
		{announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}, "from_state:STARTING pid:7"},
		{announce{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, "from_state:RUNNING pid:7"},
		{announce{From: xmlrpc.Backoff, To: xmlrpc.Stopped}, "from_state:BACKOFF pid:0"},
		{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, "from_state:RUNNING expected:0 pid:7"},
		{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, "from_state:RUNNING expected:1 pid:7"},
		{announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, "from_state:BACKOFF"},
		{announce{From: xmlrpc.Stopping, To: xmlrpc.Unknown}, "from_state:STOPPING"},
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
		if got := outputPayload("p", "g", 7, Stderr, tt.log, []byte(tt.data)); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// The header counts characters, as Supervisor does, and not bytes.
func TestEnvelope(t *testing.T) {
	p := &pool{group: &group{name: "rec"}, bus: &bus{identifier: "supervisor"}}
	ev := poolEvent{event: &event{typ: eventRemoteCommunication, serial: 21, payload: "type:t\nhé"}, poolSerial: 3}
	want := "ver:3.0 server:supervisor serial:21 pool:rec poolserial:3 eventname:REMOTE_COMMUNICATION len:9\ntype:t\nhé"
	if got := string(ev.envelope(p)); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// testPool is a pool without listeners, and what it logs.
func testPool(t *testing.T, size int, events ...string) (*pool, *strings.Builder) {
	t.Helper()
	var said strings.Builder
	log, err := NewLogger(LoggerOptions{Level: Info, Echo: &said})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	b := &bus{identifier: "supervisor", serial: new(uint64), log: log}
	p := newPool(&group{name: "rec"}, &Group{BufferSize: size, Events: events}, b)
	b.subscribe(p)
	return p, &said
}

func (p *pool) serials() (serials []uint64) {
	for _, ev := range p.buffer {
		serials = append(serials, ev.serial)
	}
	return serials
}

func TestOverflowDropsTheOldest(t *testing.T) {
	p, said := testPool(t, 2, "TICK")
	for range 4 {
		p.bus.raise(eventTick5, "when:5")
	}
	if got, want := fmt.Sprint(p.serials()), "[2 3]"; got != want {
		t.Errorf("buffered %s, want %s", got, want)
	}
	p.bus.log.Flush()
	for _, line := range []string{"ERRO pool rec event buffer overflowed, discarding event 0\n", "discarding event 1\n"} {
		if !strings.Contains(said.String(), line) {
			t.Errorf("not logged: %q in\n%s", line, said)
		}
	}
}

func TestRebufferedEventsComeFirst(t *testing.T) {
	p, _ := testPool(t, 3, "TICK")
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
	p, _ := testPool(t, 10, "PROCESS_STATE", "PROCESS_STATE_EXITED")
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
	p, _ := testPool(t, 10, "TICK_5", "TICK_60")
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

// testListener gives a pool a listener that is ready, and returns what it is sent.
func testListener(t *testing.T, p *pool) (*process, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	proc := &process{cfg: &Program{Name: "l", Listener: true}, group: p.group, index: -1}
	proc.State, proc.stdin = xmlrpc.Running, &stdinPipe{fd: int(w.Fd())}
	proc.listener.state = listenerReady
	p.group.pool, p.group.processes = p, []*process{proc}
	return proc, r
}

// An event that is rejected comes again at once; one that is rejected again and again
// comes once a second, and those behind it wait.
func TestRejectedEventsPause(t *testing.T) {
	p, _ := testPool(t, 10, "TICK")
	proc, _ := testListener(t, p)
	s := &Supervisor{log: p.bus.log}
	reject := func(at time.Time) { s.listen(proc, []byte("RESULT 4\nFAILREADY\n"), at) }
	inHand := func(what string, want bool) {
		t.Helper()
		if got := proc.inHand.event != nil; got != want {
			t.Errorf("%s: the listener has the event: %v", what, got)
		}
	}
	p.bus.raise(eventTick5, "when:5")
	p.bus.raise(eventTick5, "when:10")
	inHand("at first", true)
	reject(moment)
	inHand("after one rejection", true)
	reject(moment)
	inHand("after two", false)
	if got := fmt.Sprint(p.serials()); got != "[0 1]" {
		t.Errorf("buffered %s", got)
	}
	if again := p.bus.retry(moment); !again.Equal(moment.Add(time.Second)) {
		t.Errorf("to be retried at %v", again)
	}
	p.bus.raise(eventTick60, "when:60")
	inHand("with more events", false)
	p.bus.retry(moment.Add(time.Second))
	inHand("a second later", true)
	reject(moment.Add(2 * time.Second))
	inHand("after three", false)
	p.bus.retry(moment.Add(3 * time.Second))
	s.listen(proc, []byte("RESULT 2\nOKREADY\n"), moment)
	if proc.inHand.event == nil || proc.inHand.serial != 1 {
		t.Errorf("after it was taken: %+v", proc.inHand.event)
	}
	if again := p.bus.retry(moment.Add(4 * time.Second)); !again.IsZero() {
		t.Errorf("nothing is left to retry, but it wants to be called at %v", again)
	}
}

// A rejected event that is discarded for want of room holds up nobody.
func TestRejectedEventIsDiscarded(t *testing.T) {
	p, _ := testPool(t, 2, "TICK")
	proc, _ := testListener(t, p)
	s := &Supervisor{log: p.bus.log}
	p.bus.raise(eventTick5, "when:5")
	s.listen(proc, []byte("RESULT 4\nFAILREADY\n"), moment)
	s.listen(proc, []byte("RESULT 4\nFAILREADY\n"), moment)
	p.bus.raise(eventTick5, "when:10")
	p.bus.raise(eventTick5, "when:15")
	if proc.inHand.event == nil || proc.inHand.serial != 1 {
		t.Errorf("got %+v", proc.inHand.event)
	}
}

func TestShowResult(t *testing.T) {
	for _, tt := range []struct{ result, want string }{
		{"processname:web groupname:g pid:7 channel:stdout\none\ntwo\n", "web stdout | one\nweb stdout | two\n"},
		{"processname:web groupname:g pid:7 channel:stderr\nhalf", "web stderr | half\n"},
		{"processname:web groupname:g pid:7 channel:stderr\na\r\n\nb", "web stderr | a\nweb stderr | \nweb stderr | b\n"},
		{"processname:web groupname:g pid:7 channel:stderr\n", ""},
		{"processname:web groupname:g pid:7\nx", "no"}, {"OK", "no"}, {"", "no"}, {"channel:x\ny", "no"},
	} {
		var b strings.Builder
		ok := showResult(&b, tt.result)
		if got := b.String(); ok != (tt.want != "no") || ok && got != tt.want {
			t.Errorf("%q: got %q, %v", tt.result, got, ok)
		}
	}
}

// With a handler that shows results anything is one that it can use; who answers
// otherwise is not listened to any more.
func TestResultHandler(t *testing.T) {
	p, said := testPool(t, 10, "PROCESS_LOG")
	proc, _ := testListener(t, p)
	var shown strings.Builder
	p.shown = &shown
	s := &Supervisor{log: p.bus.log}
	payload := outputPayload("web", "g", 7, Stderr, true, []byte("oh\n"))
	p.bus.raise(eventLogStderr, payload)
	s.listen(proc, fmt.Appendf(nil, "RESULT %d\n%sREADY\n", len(payload), payload), moment)
	if got, want := shown.String(), "web stderr | oh\n"; got != want || proc.inHand.event != nil {
		t.Errorf("shown %q, want %q; in hand: %v", got, want, proc.inHand.event)
	}
	p.bus.raise(eventLogStderr, payload)
	s.listen(proc, []byte("RESULT 2\nOKREADY\n"), moment)
	p.bus.log.Flush()
	if proc.listener.state != listenerUnknown || len(p.buffer) != 1 || !strings.Contains(said.String(), "WARN l: event caused an error\n") {
		t.Errorf("state %v, buffered %v, log\n%s", proc.listener.state, p.serials(), said)
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
	log, err := NewLogger(LoggerOptions{Level: Info})
	if err != nil {
		b.Fatal(err)
	}
	bus := &bus{identifier: "supervisor", serial: new(uint64), log: log}
	for range 10 {
		bus.subscribe(newPool(&group{name: "rec"}, &Group{BufferSize: 1 << 20, Events: []string{"TICK"}}, bus))
	}
	b.ReportAllocs()
	for b.Loop() {
		bus.raise(eventTick5, "when:5")
		for _, p := range bus.pools {
			p.buffer = p.buffer[:0]
		}
	}
}
