package pipes

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/logs"
)

// moodyFile is a file on a disk that takes its time.
type moodyFile struct {
	logs.DiskFile
	before func() // each write
}

func (f moodyFile) Write(p []byte) (int, error) {
	f.before()
	return f.DiskFile.Write(p)
}

// moody makes an open log one whose disk does something before each write.
func moody(f *logs.File, before func()) {
	s := f.Shared.Load()
	s.Lock(nil)
	s.File = moodyFile{s.File.(logs.DiskFile), before}
	s.LookAt = time.Now().Add(time.Hour)
	s.Unlock()
}

// addOutput adds an output to a pump, with a log of its own.
func (p *testPump) addOutput(tb testing.TB, name string) *testPump {
	tb.Helper()
	q := &testPump{poller: p.poller, messages: p.messages, path: filepath.Join(tb.TempDir(), name)}
	r, w := pumpPipe(tb)
	q.w = os.NewFile(uintptr(w), "pipe")
	log := logs.NewFiles().File(q.path, 0, 0)
	if err := log.Open(); err != nil {
		tb.Fatal(err)
	}
	q.out = &Output{Fd: r, Name: name, Log: log}
	if err := p.poller.Add(q.out); err != nil {
		tb.Fatal(err)
	}
	return q
}

// says writes a line and waits until it is in the log.
func (p *testPump) says(t *testing.T, line string) {
	t.Helper()
	if _, err := p.w.WriteString(line); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is logged", func() bool { return strings.HasSuffix(string(p.logged(t)), line) })
}

// A log whose disk does not answer holds up neither other outputs nor the end of a
// child, nor for long that of its own. Nothing is lost once the disk answers again.
func TestPumpIsRelieved(t *testing.T) {
	twoProcessors(t)
	other := newTestPump(t)
	other.poller.linger = time.Hour
	p := other.addOutput(t, "stuck")
	entered, free := make(chan struct{}, 100), make(chan struct{})
	moody(p.out.Log, func() { entered <- struct{}{}; <-free })
	if _, err := p.w.WriteString("first\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	for i := range 5 {
		other.says(t, fmt.Sprintf("line %d\n", i))
	}
	other.w.Close()
	other.ended(t)
	c := &Child{Pidfd: -1, Outputs: [2]*Output{other.out}}
	other.poller.Finish(c)
	other.told(t, c)

	if _, err := p.w.WriteString("second\n"); err != nil {
		t.Fatal(err)
	}
	own := &Child{Pidfd: -1, Outputs: [2]*Output{p.out}}
	before := time.Now()
	p.poller.Finish(own)
	p.told(t, own)
	if waited := time.Since(before); waited < lastWordsWait/2 {
		t.Errorf("what it said last was waited for for %v", waited)
	}
	close(free)
	eventually(t, "all is logged", func() bool { return string(p.logged(t)) == "first\nsecond\n" })
	p.w.Close()
	p.ended(t)
	slow := p.poller.slow
	eventually(t, "nobody works any more", func() bool {
		slow.mu.Lock()
		defer slow.mu.Unlock()
		return slow.workers == 0 && slow.stuck.Load() == 0 && len(slow.hanging)+len(slow.busy)+len(slow.queue) == 0
	})
}

// A log that was slow is written to by others than the pump for a while, and by the
// pump again when it is well.
func TestSlowLogGetsWell(t *testing.T) {
	twoProcessors(t)
	p := newTestPump(t)
	var once sync.Once
	free := make(chan struct{})
	moody(p.out.Log, func() { once.Do(func() { <-free }) })
	if _, err := p.w.WriteString("slow\n"); err != nil {
		t.Fatal(err)
	}
	// On a busy machine the pump's thread may want a processor for longer than the disk
	// takes, which is not slow; so the disk takes as long as it has to.
	eventually(t, "the pump is relieved", func() bool { return p.poller.slow.stuck.Load() > 0 })
	close(free)
	s := p.out.Log.Shared.Load()
	eventually(t, "it counts as slow", func() bool { return s.Slow.Until.Load() != 0 })
	eventually(t, "it is logged", func() bool { return strings.HasSuffix(string(p.logged(t)), "slow\n") })
	p.says(t, "left to others\n")
	s.Slow.Until.Store(slowClock(time.Now()))
	p.says(t, "well\n")
	state := func() outputState {
		p.poller.mu.Lock()
		defer p.poller.mu.Unlock()
		return p.out.state
	}
	eventually(t, "the pump has it", func() bool { return state() == outputWatched })
	p.says(t, "quick\n")
	if state() != outputWatched {
		t.Error("the pump has it no longer")
	}
	p.w.Close()
	p.endsWith(t, []byte("slow\nleft to others\nwell\nquick\n"))
}

// However many logs do not answer, they hold a bounded number of threads, and others
// are not among them.
func TestManyStuckLogs(t *testing.T) {
	twoProcessors(t)
	other := newTestPump(t)
	free := make(chan struct{})
	var mu sync.Mutex
	entered := 0
	var stuck []*testPump
	for i := range 100 {
		p := other.addOutput(t, "stuck")
		device := uint64(i % 10)
		moody(p.out.Log, func() {
			mu.Lock()
			entered++
			mu.Unlock()
			<-free
		})
		p.out.Log.Shared.Load().Slow.Device.Store(device)
		stuck = append(stuck, p)
	}
	for _, p := range stuck {
		if _, err := p.w.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		other.says(t, fmt.Sprintf("line %d\n", i))
	}
	mu.Lock()
	// The pump may have had to be relieved once for each device.
	if entered > MaxSlow+10 {
		t.Errorf("%d threads", entered)
	}
	mu.Unlock()
	close(free)
	for _, p := range stuck {
		eventually(t, "it is logged", func() bool { return string(p.logged(t)) == "line\n" })
		p.w.Close()
	}
	for range stuck {
		if m := <-other.messages; m.Kind != OutputEnded {
			t.Errorf("got %+v", m)
		}
	}
}

// Orders are carried out by whoever has the lock of the log, or soon after.
func TestLogOrders(t *testing.T) {
	p := newTestPump(t)
	s := p.out.Log.Shared.Load()
	s.Lock(nil)
	done := make(chan int, 2*maxLogOrders)
	n := 0
	for p.poller.slow.order(s, func() { done <- 1 }) {
		n++
		if n == 1 {
			eventually(t, "it is left to who has the lock", func() bool { return s.Slow.Left.Load() != nil })
		}
	}
	if n < maxLogOrders || n > maxLogOrders+1 {
		t.Errorf("%d orders wait", n)
	}
	if len(done) > 0 {
		t.Error("an order was carried out without the lock")
	}
	s.Unlock()
	for range n {
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("an order is forgotten")
		}
	}
	p.says(t, "goes on\n")
}

// An event that is still in hand for a descriptor that was closed, and has its number
// anew, means nothing to the new one.
func TestStaleEvent(t *testing.T) {
	p := newTestPump(t)
	p.poller.mu.Lock()
	defer p.poller.mu.Unlock()
	var w watched
	for _, w = range p.poller.watched {
	}
	stale := syscall.EpollEvent{Fd: int32(w.out.Fd), Pad: w.generation}
	p.poller.unwatch(w.out.Fd)
	if err := p.poller.watch(w.out.Fd, watched{out: w.out}); err != nil {
		t.Fatal(err)
	}
	fresh := syscall.EpollEvent{Fd: int32(w.out.Fd), Pad: w.out.generation}
	p.poller.mu.Unlock()
	defer p.poller.mu.Lock()
	if got := p.poller.belongsTo(&stale); got != (watched{}) {
		t.Errorf("a stale event is for %+v", got)
	}
	if got := p.poller.belongsTo(&fresh); got.out != p.out {
		t.Errorf("a fresh event is for %+v", got)
	}
}

// What cannot be watched keeps the poller from nothing.
func TestRegisterFails(t *testing.T) {
	p := newTestPump(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err = p.poller.Add(&Output{Fd: int(file.Fd()), Name: "file"}); err == nil {
		t.Fatal("a regular file can be watched")
	}
	p.w.Close()
	p.ended(t)
	p.poller.Close()
	eventually(t, "the pump ends", func() bool {
		p.poller.mu.Lock()
		defer p.poller.mu.Unlock()
		return p.poller.stopped
	})
}

// A pipe as log that nobody reads holds up the end of a child for a second at most, and
// leaves nothing behind when the child is long gone.
func TestPumpToPipeWithoutReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0) // it has it open, that is all
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	p := newTestPump(t)
	var w int
	out := &Output{Name: "alone", Log: logs.NewFiles().File(path, 0, 0)}
	if err = out.Log.Open(); err != nil {
		t.Fatal(err)
	}
	out.Fd, w = pumpPipe(t)
	if err = p.poller.Add(out); err != nil {
		t.Fatal(err)
	}
	if err = syscall.SetNonblock(w, true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both pipes are full", func() bool {
		_, err := syscall.Write(w, make([]byte, 4096))
		if err != syscall.EAGAIN {
			return false
		}
		time.Sleep(20 * time.Millisecond)
		_, err = syscall.Write(w, make([]byte, 4096))
		return err == syscall.EAGAIN
	})
	syscall.Close(w)
	c := &Child{Pidfd: -1, Outputs: [2]*Output{out}}
	before := time.Now()
	p.poller.Finish(c)
	p.told(t, c)
	if waited := time.Since(before); waited < lastWordsWait/2 {
		t.Errorf("its end was told after %v", waited)
	}
	if m := <-p.messages; m.Kind != OutputEnded || m.Out != out {
		t.Errorf("got %+v", m)
	}
	if n := len(out.Log.Files.Open); n > 0 {
		t.Errorf("%d logs are open", n)
	}
}

// With disks of every mood each line arrives once, in order, and each end is told once,
// after what was said before it.
func TestPumpInAllMoods(t *testing.T) {
	twoProcessors(t)
	first := newTestPump(t)
	const outputs, lines = 24, 60
	var all []*testPump
	for i := range outputs {
		p := first.addOutput(t, "log")
		moody(p.out.Log, func() {
			switch rand.IntN(20) {
			case 0:
				time.Sleep(rand.N(6 * reliefAfter))
			case 1, 2:
				time.Sleep(rand.N(slowCall))
			case 3:
				runtime.Gosched()
			}
		})
		p.out.Log.Shared.Load().Slow.Device.Store(uint64(i % 5))
		all = append(all, p)
	}
	var writers sync.WaitGroup
	var want [outputs]bytes.Buffer
	for i, p := range all {
		writers.Go(func() {
			for n := range lines {
				line := fmt.Appendf(nil, "line %d of %d\n", n, i)
				want[i].Write(line)
				if _, err := p.w.Write(line); err != nil {
					t.Error(err)
				}
				if rand.IntN(4) == 0 {
					time.Sleep(rand.N(3 * time.Millisecond))
				}
			}
			if i%3 > 0 {
				p.w.Close() // else somebody else has the pipe
			}
			p.poller.Finish(&Child{Pidfd: -1, Outputs: [2]*Output{p.out}})
		})
	}
	told := map[*Child]bool{}
	ended := 0
	for deadline := time.After(30 * time.Second); len(told) < outputs || ended < outputs; {
		select {
		case m := <-first.messages:
			if m.Kind == OutputEnded {
				ended++
				continue
			}
			if told[m.Child] {
				t.Error("told twice")
			}
			told[m.Child] = true
		case <-deadline:
			t.Fatalf("%d ends told, %d outputs ended", len(told), ended)
		}
	}
	writers.Wait()
	for i, p := range all {
		if got := p.logged(t); !bytes.Equal(got, want[i].Bytes()) {
			t.Errorf("log %d has\n%s", i, got)
		}
	}
	eventually(t, "nothing is left but the first", func() bool {
		first.poller.mu.Lock()
		defer first.poller.mu.Unlock()
		return len(first.poller.open) == 1 && len(first.poller.watched) == 1
	})
}
