package pipes

import (
	"slices"
	"syscall"
	"time"

	"supervisor/supervise/sys"
)

const (
	// gatherEvery is how often a busy output is read. In this time a child that
	// writes as fast as it can fills a fraction of a large pipe.
	gatherEvery = 200 * time.Microsecond
	// busyReads is how many reads in a row, each sooner than gatherEvery after the one
	// before it, make an output a busy one.
	busyReads = 16
)

// pace is how often an output has something.
type pace struct {
	last  time.Time // of its reads, as long as it is watched
	quick int       // how many of them in a row came soon after each other
	busy  bool      // it is not watched but read at intervals
	much  int       // of a busy one: so much at once makes it full
	full  bool      // there is more, or will be before the next interval
}

// gather lets what busy outputs say come together. Waking up for each line that a
// child writes costs more than the line, and each read holds up the child's next
// write: whoever reads less often gets more. A busy output is not watched but read
// every gatherEvery, or without a pause as long as it has so much that the child
// could come to a halt, until there is nothing.
type gather struct {
	epfd  int
	timer int  // timerfd; -1 where there is none, and then no output is busy
	armed bool // the timer is running
	due   bool // it has expired: the busy outputs are to be read
	busy  []*Output
}

// start makes the timer known to the epoll descriptor.
func (g *gather) start(epfd int) {
	g.epfd, g.timer = epfd, -1
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return
	}
	// Edge-triggered, it does not have to be read.
	if sys.EpollControl(epfd, syscall.EPOLL_CTL_ADD, int(fd), syscall.EPOLLIN|epollET) != nil {
		syscall.Close(int(fd))
		return
	}
	g.timer = int(fd)
}

const (
	clockMonotonic = 1
	epollET        = 1 << 31 // what package syscall has is negative
)

func (g *gather) close() {
	if g.timer >= 0 {
		syscall.Close(g.timer)
	}
}

// wait prepares for waiting. It reports false if there is no time for that, because
// a busy output is full.
func (g *gather) wait() bool {
	full := 0
	for _, o := range g.busy {
		if o.pace.full {
			full++
		}
	}
	if full < len(g.busy) && !g.armed {
		g.armed = true
		setTimer(g.timer, gatherEvery)
	}
	return full == 0
}

// expired hears that the timer has.
func (g *gather) expired() { g.due, g.armed = true, false }

// restart is for a new pump, which does not know what the former one has heard.
func (g *gather) restart() { g.expired() }

// saw notes that something came from a watched output at now, which may make it a
// busy one.
func (g *gather) saw(o *Output, now time.Time) {
	p := &o.pace
	if p.busy || g.timer < 0 {
		return
	}
	if now.Sub(p.last) < gatherEvery {
		p.quick++
	} else {
		p.quick = 0
	}
	p.last = now
	if p.quick < busyReads {
		return
	}
	if sys.EpollControlOf(g.epfd, syscall.EPOLL_CTL_MOD, o.Fd, 0, o.generation) != nil { // the end is waited for all the same
		return
	}
	size, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(o.Fd), syscall.F_SETPIPE_SZ, largePipe)
	if errno != 0 { // so much memory is in pipes already
		size = pipeSize
	}
	p.busy, p.much = true, min(int(size)/2, readSize)
	g.busy = append(g.busy, o)
}

// read has take read once from each of the busy outputs whose turn it is. One that take
// reports an error for, other than EAGAIN, is not the pump's any more; nor is any if it
// reports false.
func (g *gather) read(take func(*Output) (n int, err error, ok bool)) {
	due := g.due
	g.due = false
	for i := len(g.busy) - 1; i >= 0; i-- { // from behind, because those that are through leave
		o := g.busy[i]
		if !due && !o.pace.full {
			continue
		}
		n, err, ok := take(o)
		if !ok {
			return
		}
		switch {
		case err == nil:
			o.pace.full = n >= o.pace.much
		case err != syscall.EAGAIN:
		case sys.EpollControlOf(g.epfd, syscall.EPOLL_CTL_MOD, o.Fd, syscall.EPOLLIN, o.generation) == nil:
			g.forget(o)
		default:
			o.pace.full = false
		}
	}
}

// forget drops an output from the busy ones, if it is one.
func (g *gather) forget(o *Output) {
	if o.pace.busy {
		o.pace = pace{}
		g.busy = slices.DeleteFunc(g.busy, func(b *Output) bool { return b == o })
	}
}

// breath tells the poller when it has worked for so long that it has to let others
// go on. While it works, it may be the only one who could look at the network: the
// runtime leaves that to a thread with nothing else to do, and with few processors
// and somebody waiting for a disk there may be none for 10 ms.
type breath struct {
	since time.Time // when the poller began; zero after a rest
}

func (b *breath) taken() { b.since = time.Time{} }

// due reports, while the poller works, whether it is time for a rest at now.
func (b *breath) due(now time.Time) bool {
	if b.since.IsZero() {
		b.since = now
	}
	return now.Sub(b.since) > gatherEvery
}
