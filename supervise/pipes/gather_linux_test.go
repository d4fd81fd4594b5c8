package pipes

import (
	"bytes"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/sys"
)

// twoProcessors lets a test write and the pump read at the same time, as a child does
// that is a process of its own.
func twoProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(max(2, before))
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// becomeBusy writes lines until the pump reads the output at intervals, and returns
// what it wrote.
func (p *testPump) becomeBusy(t *testing.T) []byte {
	t.Helper()
	twoProcessors(t)
	var all []byte
	deadline := time.Now().Add(10 * time.Second)
	for i := 0; pipeCapacity(t, p.out.Fd) < largePipe; i++ {
		if time.Now().After(deadline) {
			t.Fatal("writing without a pause does not make an output busy")
		}
		line := fmt.Appendf(nil, "line %d\n", i)
		if _, err := p.w.Write(line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line...)
	}
	return all
}

func pipeCapacity(t *testing.T, fd int) int {
	t.Helper()
	size, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETPIPE_SZ, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return int(size)
}

// An output is busy when it is read often, whatever comes.
func TestGatherSaw(t *testing.T) {
	const often, seldom = gatherEvery / 2, gatherEvery * 2
	for _, c := range []struct {
		name  string
		reads int
		pause time.Duration
		busy  bool
	}{
		{"often", busyReads + 2, often, true},
		{"not often enough", busyReads, often, false},
		{"seldom", 10 * busyReads, seldom, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTestPump(t)
			g := gather{epfd: p.poller.epfd, timer: p.poller.gather.timer}
			now := time.Now()
			for range c.reads {
				now = now.Add(c.pause)
				g.saw(p.out, now)
			}
			if p.out.pace.busy != c.busy || (len(g.busy) > 0) != c.busy {
				t.Errorf("busy: %v, %d in the list", p.out.pace.busy, len(g.busy))
			}
		})
	}
}

// A busy output is not watched, is read when its turn comes, and is watched again
// when it has nothing.
func TestGatherRead(t *testing.T) {
	r, w := pumpPipe(t)
	defer syscall.Close(r)
	defer syscall.Close(w)
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(epfd)
	if err = sys.EpollControl(epfd, syscall.EPOLL_CTL_ADD, r, syscall.EPOLLIN); err != nil {
		t.Fatal(err)
	}
	var g gather
	g.start(epfd)
	defer g.close()
	out := &Output{Fd: r, Name: "test"}
	now := time.Now()
	for range busyReads + 1 {
		g.saw(out, now)
	}
	reader := newReader(readSize)
	for _, step := range []struct {
		name          string
		write         int // before
		due           bool
		watched, busy bool // the first before reading, the second after
	}{
		{"not its turn", 1, false, false, true},
		{"its turn", 0, true, false, true},
		{"full", out.pace.much, true, false, true},
		{"no need for a turn when it was full", 0, false, false, false},
		{"watched again", 1, true, true, false},
	} {
		if _, err = syscall.Write(w, make([]byte, step.write)); err != nil {
			t.Fatal(err)
		}
		var events [4]syscall.EpollEvent
		n, err := syscall.EpollWait(epfd, events[:], 0)
		if err != nil {
			t.Fatal(err)
		}
		if watched := n > 0; watched != step.watched {
			t.Errorf("%s: watched: %v", step.name, watched)
		}
		g.due = step.due
		g.read(func(o *Output) (int, error, bool) {
			n, err := o.readOnce(reader, len(reader.buf))
			return n, err, true
		})
		if out.pace.busy != step.busy {
			t.Errorf("%s: busy: %v", step.name, out.pace.busy)
		}
	}
}

// Whatever a busy output says is logged, after a pause and at the end too.
func TestBusyOutput(t *testing.T) {
	p := newTestPump(t)
	want := p.becomeBusy(t)
	for _, pause := range []bool{false, true} {
		if pause {
			for deadline := time.Now().Add(10 * time.Second); len(p.logged(t)) < len(want); {
				if time.Now().After(deadline) {
					t.Fatalf("%d bytes logged, %d written", len(p.logged(t)), len(want))
				}
				time.Sleep(gatherEvery)
			}
		}
		for i := range 1000 {
			line := fmt.Appendf(nil, "pause %v, line %d\n", pause, i)
			if _, err := p.w.Write(line); err != nil {
				t.Fatal(err)
			}
			want = append(want, line...)
		}
	}
	p.w.Close()
	p.endsWith(t, want)
}

// A busy output of a child that has ended is taken to its end at once, even though
// somebody else has the pipe.
func TestBusyOutputFinishes(t *testing.T) {
	p := newTestPump(t)
	want := p.becomeBusy(t)
	p.finishesWith(t, want)
}

// Lines that come without a pause are taken from the pipe many at a time: else each
// of them costs a wake-up.
func TestBusyOutputIsReadSeldom(t *testing.T) {
	twoProcessors(t)
	p := newTestPump(t)
	r, w := pumpPipe(t)
	defer syscall.Close(w)
	out := &Output{Fd: r, Name: "busy", Events: true} // each chunk is told
	if err := p.poller.Add(out); err != nil {
		t.Fatal(err)
	}
	const lines = 50_000
	line := bytes.Repeat([]byte("x"), 100)
	written := make(chan error, 1)
	go func() {
		for range lines {
			if _, err := syscall.Write(w, line); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	chunks, size := 0, 0
	for deadline := time.After(10 * time.Second); size < lines*len(line); {
		select {
		case m := <-p.messages:
			chunks++
			size += len(m.Data)
			p.poller.Taken(m)
		case <-deadline:
			t.Fatalf("%d bytes of %d in 10 s", size, lines*len(line))
		}
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if chunks > lines/20 {
		t.Errorf("%d lines in %d chunks", lines, chunks)
	}
}

// A child that writes as fast as it can keeps the pump at work all the time. The
// pump makes pauses for others to have their turn, and goes on by itself.
func TestBusyOutputGoesOn(t *testing.T) {
	p := newTestPump(t)
	p.out.Log.MaxBytes = 10 << 20 // nobody has written yet
	block := bytes.Repeat([]byte("x"), 65500)
	written := make(chan error, 1)
	go func() {
		defer p.w.Close()
		for range 4000 {
			if _, err := p.w.Write(block); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	select {
	case err := <-written:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the pump does not go on")
	}
	p.ended(t)
}

func TestBreath(t *testing.T) {
	var b breath
	at := time.Now()
	for _, c := range []struct {
		after time.Duration
		rest  bool // before
		due   bool
	}{
		{0, false, false},
		{gatherEvery, false, false},
		{1, false, true},
		{0, false, true},
		{0, true, false},
		{gatherEvery + 1, false, true},
	} {
		if c.rest {
			b.taken()
		}
		at = at.Add(c.after)
		if got := b.due(at); got != c.due {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
