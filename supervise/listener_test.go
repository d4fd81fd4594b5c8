package supervise

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/logs"
	"supervisor/supervise/pipes"
	"supervisor/xmlrpc"
)

// testListener is a listener of a pool that is ready, and what is logged.
func testListener(t *testing.T, size int, shown io.Writer) (*Supervisor, *process, *strings.Builder) {
	t.Helper()
	var said strings.Builder
	log, err := logs.NewLogger(logs.LoggerOptions{Level: logs.Info, Echo: &said})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	s := &Supervisor{log: log, bus: event.Bus{Identifier: "supervisor", Serial: new(uint64), Tell: busLog{log}}}
	g := &group{name: "rec"}
	s.makePool(g, &config.Group{BufferSize: size, Events: []string{"TICK", "PROCESS_LOG"}})
	g.shown = shown
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	proc := &process{cfg: &config.Program{Name: "l", Listener: true}, group: g, index: -1}
	proc.State, proc.stdin = xmlrpc.Running, &pipes.Stdin{Fd: int(w.Fd())}
	proc.listener.State = event.Ready
	g.processes = []*process{proc}
	return s, proc, &said
}

// An event that is rejected comes again at once; one that is rejected again and again
// comes once a second, and those behind it wait.
func TestRejectedEventsPause(t *testing.T) {
	s, proc, _ := testListener(t, 10, nil)
	p := proc.group.pool
	reject := func(at time.Time) { s.listen(proc, []byte("RESULT 4\nFAILREADY\n"), at) }
	inHand := func(what string, want bool) {
		t.Helper()
		if got := proc.inHand.Event != nil; got != want {
			t.Errorf("%s: the listener has the event: %v", what, got)
		}
	}
	s.bus.Raise(event.Tick5, "when:5")
	s.bus.Raise(event.Tick5, "when:10")
	inHand("at first", true)
	reject(moment)
	inHand("after one rejection", true)
	reject(moment)
	inHand("after two", false)
	if got := len(p.Buffer); got != 2 {
		t.Errorf("buffered %d", got)
	}
	if again := s.bus.Retry(moment); !again.Equal(moment.Add(time.Second)) {
		t.Errorf("to be retried at %v", again)
	}
	s.bus.Raise(event.Tick60, "when:60")
	inHand("with more events", false)
	s.bus.Retry(moment.Add(time.Second))
	inHand("a second later", true)
	reject(moment.Add(2 * time.Second))
	inHand("after three", false)
	s.bus.Retry(moment.Add(3 * time.Second))
	s.listen(proc, []byte("RESULT 2\nOKREADY\n"), moment)
	if proc.inHand.Event == nil || proc.inHand.Serial != 1 {
		t.Errorf("after it was taken: %+v", proc.inHand.Event)
	}
	if again := s.bus.Retry(moment.Add(4 * time.Second)); !again.IsZero() {
		t.Errorf("nothing is left to retry, but it wants to be called at %v", again)
	}
}

// A rejected event that is discarded for want of room holds up nobody.
func TestRejectedEventIsDiscarded(t *testing.T) {
	s, proc, _ := testListener(t, 2, nil)
	s.bus.Raise(event.Tick5, "when:5")
	s.listen(proc, []byte("RESULT 4\nFAILREADY\n"), moment)
	s.listen(proc, []byte("RESULT 4\nFAILREADY\n"), moment)
	s.bus.Raise(event.Tick5, "when:10")
	s.bus.Raise(event.Tick5, "when:15")
	if proc.inHand.Event == nil || proc.inHand.Serial != 1 {
		t.Errorf("got %+v", proc.inHand.Event)
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
	var shown strings.Builder
	s, proc, said := testListener(t, 10, &shown)
	p := proc.group.pool
	payload := event.OutputPayload("web", "g", 7, "stderr", true, []byte("oh\n"))
	s.bus.Raise(event.LogStderr, payload)
	s.listen(proc, fmt.Appendf(nil, "RESULT %d\n%sREADY\n", len(payload), payload), moment)
	if got, want := shown.String(), "web stderr | oh\n"; got != want || proc.inHand.Event != nil {
		t.Errorf("shown %q, want %q; in hand: %v", got, want, proc.inHand.Event)
	}
	s.bus.Raise(event.LogStderr, payload)
	s.listen(proc, []byte("RESULT 2\nOKREADY\n"), moment)
	s.log.Flush()
	if proc.listener.State != event.Unknown || len(p.Buffer) != 1 || !strings.Contains(said.String(), "WARN l: event caused an error\n") {
		t.Errorf("state %v, buffered %d, log\n%s", proc.listener.State, len(p.Buffer), said)
	}
}
