package pipes

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/logs"
	"supervisor/supervise/spawn"
)

// testPump is a pump with a pipe to write to and the log it fills.
type testPump struct {
	poller   *Poller
	messages chan Message
	out      *Output
	w        *os.File
	path     string
}

func newTestPump(tb testing.TB) *testPump {
	tb.Helper()
	p := &testPump{messages: make(chan Message, 16), path: filepath.Join(tb.TempDir(), "log")}
	var err error
	if p.poller, err = NewPoller(p.messages); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		select {
		case <-p.poller.closed:
		default:
			p.poller.Close()
		}
	})
	r, w := pumpPipe(tb)
	p.w = os.NewFile(uintptr(w), "pipe")
	log := logs.NewFiles().File(p.path, 0, 0)
	if err = log.Open(); err != nil {
		tb.Fatal(err)
	}
	p.out = &Output{Fd: r, Name: "test", Log: log}
	if err = p.poller.Add(p.out); err != nil {
		tb.Fatal(err)
	}
	return p
}

// pumpPipe makes a pipe whose read end is fit for a pump, which closes it.
func pumpPipe(tb testing.TB) (r, w int) {
	tb.Helper()
	r, w, err := spawn.NewPipe()
	if err == nil {
		err = syscall.SetNonblock(r, true)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return r, w
}

// ended waits for the last message of the pump.
func (p *testPump) ended(tb testing.TB) {
	tb.Helper()
	select {
	case m := <-p.messages:
		if m.Kind != OutputEnded || m.Out != p.out {
			tb.Fatalf("got %+v", m)
		}
	case <-time.After(10 * time.Second):
		tb.Fatal("the pump does not end")
	}
}

func (p *testPump) logged(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile(p.path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// endsWith waits for the end of the pump and looks whether all of want was logged.
func (p *testPump) endsWith(t *testing.T, want []byte) {
	t.Helper()
	p.ended(t)
	if got := p.logged(t); !bytes.Equal(got, want) {
		t.Errorf("%d bytes logged, %d written", len(got), len(want))
	}
}

// finishesWith does so with a pump that is told that the child has ended, while somebody
// has the other end.
func (p *testPump) finishesWith(t *testing.T, want []byte) {
	t.Helper()
	c := &Child{Pidfd: -1, Outputs: [2]*Output{p.out}}
	p.poller.Finish(c)
	p.told(t, c)
	if got := p.logged(t); !bytes.Equal(got, want) {
		t.Errorf("%d bytes logged, %d written", len(got), len(want))
	}
}

// told waits for the end of a child to be told.
func (p *testPump) told(tb testing.TB, c *Child) {
	tb.Helper()
	select {
	case m := <-p.messages:
		if m.Kind != ChildEnded || m.Child != c {
			tb.Fatalf("got %+v", m)
		}
	case <-time.After(10 * time.Second):
		tb.Fatal("the end of the child is not told")
	}
}

func TestPumpTakesEverything(t *testing.T) {
	p := newTestPump(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	if _, err := p.w.Write(want); err != nil {
		t.Fatal(err)
	}
	p.w.Close()
	p.endsWith(t, want)
}

// The end of a child is told when what the pipe holds is in the log, though somebody
// else has the other end. He is heard for some time, and has a broken pipe then.
func TestPumpFinishes(t *testing.T) {
	p := newTestPump(t)
	want := bytes.Repeat([]byte("x"), pipeSize)
	if _, err := p.w.Write(want); err != nil {
		t.Fatal(err)
	}
	p.finishesWith(t, want)
	for range 3 {
		line := []byte("somebody else\n")
		if _, err := p.w.Write(line); err != nil {
			t.Fatal(err)
		}
		want = append(want, line...)
		eventually(t, "he is heard", func() bool { return bytes.Equal(p.logged(t), want) })
	}
	p.ended(t)
	if _, err := p.w.Write([]byte("late")); err == nil {
		t.Error("the pipe is still open")
	}
}

// Nobody who has a pipe of a child that has ended holds up the end of the poller for
// more than a moment.
func TestPumpClosesLingering(t *testing.T) {
	p := newTestPump(t)
	p.finishesWith(t, nil)
	before := time.Now()
	p.poller.Close()
	if waited := time.Since(before); waited < closeWait || waited > lingerFor {
		t.Errorf("closing took %v", waited)
	}
	eventually(t, "the pipe is closed", func() bool { _, err := p.w.Write([]byte("late")); return err != nil })
}

// eventually waits for a condition.
func eventually(tb testing.TB, what string, met func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("waited in vain until %s", what)
		}
	}
}

// Outputs that say nothing do not wake the pump; all the same it has to take any
// number of them.
func TestPumpTakesManySilentOutputs(t *testing.T) {
	p := newTestPump(t)
	added := make(chan error, 1)
	go func() {
		for range 300 {
			r, w, err := spawn.NewPipe()
			if err != nil {
				added <- err
				return
			}
			defer syscall.Close(w)
			if err = p.poller.Add(&Output{Fd: r, Name: "silent"}); err != nil {
				added <- err
				return
			}
		}
		added <- nil
	}()
	select {
	case err := <-added:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("add blocks")
	}
}

func BenchmarkPump(b *testing.B) {
	for _, size := range []int{100, 65500} {
		b.Run(map[int]string{100: "lines", 65500: "blocks"}[size], func(b *testing.B) {
			p := newTestPump(b)
			chunk := bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.w.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
			p.w.Close()
			p.ended(b)
		})
	}
}

// What a listener says is heard at once, however often it says something, and its
// pump ends when it is told to.
func TestPumpOfListener(t *testing.T) {
	messages := make(chan Message, 16)
	poller, err := NewPoller(messages)
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	r, w := pumpPipe(t)
	defer syscall.Close(w)
	out := &Output{Fd: r, Name: "test", Listener: true}
	if err = poller.Add(out); err != nil {
		t.Fatal(err)
	}
	hear := func(kind MessageKind, data string) {
		t.Helper()
		select {
		case m := <-messages:
			if m.Kind != kind || m.Out != out || string(m.Data) != data {
				t.Fatalf("got %+v", m)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q is not heard", data)
		}
	}
	for range 100 {
		if _, err = syscall.Write(w, []byte("READY\n")); err != nil {
			t.Fatal(err)
		}
		hear(OutputSpoken, "READY\n")
	}
	if out.pace != (pace{}) {
		t.Errorf("it counts as %+v", out.pace)
	}
	c := &Child{Pidfd: -1, Outputs: [2]*Output{out}}
	poller.Finish(c)
	hear(OutputEnded, "")
	if m := <-messages; m.Kind != ChildEnded || m.Child != c {
		t.Fatalf("got %+v", m)
	}
}

// Delivering a chunk to a log must not cost memory.
func TestDeliverAllocates(t *testing.T) {
	p := newTestPump(t)
	chunk := bytes.Repeat([]byte("x"), 4096)
	r := new(reader)
	if n := testing.AllocsPerRun(100, func() { p.out.deliver(chunk, r) }); n != 0 {
		t.Errorf("%v allocations a chunk", n)
	}
}
