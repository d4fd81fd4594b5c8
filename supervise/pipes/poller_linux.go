package pipes

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"

	"supervisor/supervise/logs"
	"supervisor/supervise/sys"
)

// Poller pumps the outputs of all children, but for those that Add knows of, in one
// goroutine, the pump: an idle child costs no stack and no buffer. It waits on an epoll
// descriptor of its own, and the runtime's poller waits on that one, so no thread is
// held while nothing comes.
//
// It also waits for the children themselves: who has read a child's last output
// is the first to be able to say that it has ended.
//
// The pump writes to logs itself, which costs the least. One that has to wait for a disk
// is relieved of all other outputs by another goroutine, which is the pump from then on;
// and what belongs to a log that was slow is left to slowLogs for a while. So neither
// ends of children nor outputs wait longer than some milliseconds for a log not their own.
type Poller struct {
	outputs
	epfd   int
	file   *os.File // epfd, known to the runtime's poller
	conn   syscall.RawConn
	wakeFd int // eventfd: there are orders
	relief *relief
	gather gather // the pump's alone

	// With the lock:
	watched    map[int32]watched // by descriptor
	generation int32
	endings    []*Child  // children that have ended
	ceased     []*Output // are to be closed
	stopping   bool      // no output will come any more
	stopped    bool      // there is no pump any more
}

// watched is what a descriptor belongs to: an output or a child.
type watched struct {
	out        *Output
	child      *Child
	generation int32 // of several that had the same number one after the other
}

// NewPoller starts a poller that reports to loop. Close ends it. The error is that of the system.
func NewPoller(loop chan<- Message) (*Poller, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	p := &Poller{outputs: newOutputs(loop), epfd: epfd, wakeFd: -1, watched: map[int32]watched{}}
	p.gather.timer = -1
	p.slow = newSlowLogs(p)
	pump := newReader(readSize)
	p.relief, err = newRelief(p, pump)
	if err == nil {
		err = p.prepare()
	}
	if err != nil {
		p.release()
		return nil, err
	}
	go p.run(pump)
	return p, nil
}

// prepare makes what the pump waits for.
func (p *Poller) prepare() error {
	wakeFd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return os.NewSyscallError("eventfd2", errno)
	}
	p.wakeFd = int(wakeFd)
	p.gather.start(p.epfd)
	err := sys.EpollControl(p.epfd, syscall.EPOLL_CTL_ADD, p.wakeFd, syscall.EPOLLIN)
	if err == nil {
		err = syscall.SetNonblock(p.epfd, true) // or NewFile would not poll it
	}
	if err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	p.file = os.NewFile(uintptr(p.epfd), "epoll")
	p.conn, err = p.file.SyscallConn()
	return err
}

// release closes what the pump waits for.
func (p *Poller) release() {
	if p.relief != nil {
		p.relief.close()
	}
	p.gather.close()
	if p.wakeFd >= 0 {
		syscall.Close(p.wakeFd)
	}
	if p.file != nil {
		p.file.Close()
	} else {
		syscall.Close(p.epfd)
	}
}

// Add begins to pump an output. The loop calls it. What may hold up others has a
// goroutine of its own, and so has a listener, since somebody waits for each thing that
// it says: a read that finds nothing more takes the place of asking epoll twice.
func (p *Poller) Add(o *Output) error {
	if o.Listener || o.Log != nil && o.Log.MayBlock() {
		p.addAlone(o)
		return nil
	}
	o.send = p.send
	return p.watchOutput(o)
}

// watchOutput makes an output the pump's.
func (p *Poller) watchOutput(o *Output) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.watch(o.Fd, watched{out: o})
	if err == nil {
		p.outputs.add(o, outputWatched)
	}
	return err
}

// AddChild begins to wait for the end of a child, of which Add knows the outputs. The
// loop calls it, and hears of it by ChildEnded. The poller closes the pidfd.
func (p *Poller) AddChild(c *Child) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.watch(c.Pidfd, watched{child: c})
}

// watch begins to watch a descriptor. With the lock.
func (p *Poller) watch(fd int, w watched) error {
	if p.stopped {
		return os.ErrClosed
	}
	p.generation++
	w.generation = p.generation
	if w.out != nil {
		w.out.generation = w.generation
	}
	p.watched[int32(fd)] = w
	err := sys.EpollControlOf(p.epfd, syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN, w.generation)
	if err != nil {
		delete(p.watched, int32(fd))
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// unwatch ceases to watch a descriptor. It is taken out of the epoll set by hand: a
// child that is being forked may have a copy of it until its exec. With the lock.
func (p *Poller) unwatch(fd int) {
	delete(p.watched, int32(fd))
	_ = syscall.EpollCtl(p.epfd, syscall.EPOLL_CTL_DEL, fd, nil)
}

// belongsTo returns what an event is for. What was closed since the event came, or is
// something else by now, is nothing.
func (p *Poller) belongsTo(ev *syscall.EpollEvent) watched {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.watched[ev.Fd]
	if w.generation != ev.Pad {
		return watched{}
	}
	return w
}

// Finish has what a child that has ended said last taken to its logs, and says
// ChildEnded then. The loop calls it.
func (p *Poller) Finish(c *Child) {
	p.mu.Lock()
	p.endings = append(p.endings, c)
	p.mu.Unlock()
	p.wake()
}

// ceaseWatched has the pump close an output.
func (p *Poller) ceaseWatched(o *Output) {
	p.mu.Lock()
	p.ceased = append(p.ceased, o)
	p.mu.Unlock()
	p.wake()
}

// Close ends the poller. The outputs that are left, of others than the children, are
// waited for for a moment.
func (p *Poller) Close() {
	close(p.closed)
	p.wait()
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.wake()
}

func (p *Poller) wake() {
	one := [8]byte{0: 1}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		// It can fail only when the counter is full, and then a wake-up is under way.
		_, _ = syscall.Write(p.wakeFd, one[:])
	}
}

// run is the pump, as long as r is it.
func (p *Poller) run(r *reader) {
	var events [128]syscall.EpollEvent
	var breath breath
	for {
		n, err := p.waitForEvents(events[:], &breath)
		if err != nil {
			return // the file is closed
		}
		now := time.Now()
		p.relief.wake(now)
		p.serve(r, events[:n], now)
		if r.relief != nil {
			p.gather.read(func(o *Output) (int, error, bool) {
				n, err := p.take(r, o, now)
				return n, err, r.relief != nil
			})
		}
		if r.relief != nil {
			p.obey(r, now)
		}
		if r.relief == nil {
			p.slow.goOn(r)
			return
		}
		if p.over() {
			p.release()
			return
		}
	}
}

// waitForEvents returns how many events there are.
func (p *Poller) waitForEvents(events []syscall.EpollEvent, breath *breath) (n int, err error) {
	wait := p.gather.wait()
	pause := breath.due(time.Now())
	if pause {
		runtime.Gosched()
	}
	readErr := p.conn.Read(func(uintptr) bool {
		if pause {
			pause = false
			breath.taken()
			// So that it ends when others have had their turn. Earlier would be
			// too early: Read begins by forgetting what is known to be ready.
			p.wake()
			return false
		}
		n, err = sys.IgnoringEINTR(func() (int, error) { return syscall.EpollWait(p.epfd, events, 0) })
		if n == 0 && err == nil && wait {
			breath.taken()
			p.relief.sleep(len(p.gather.busy) > 0)
			return false
		}
		return true
	})
	return n, errors.Join(readErr, err)
}

// serve deals with what has come: with the ends of children first.
func (p *Poller) serve(r *reader, events []syscall.EpollEvent, now time.Time) {
	outputs := 0
	for i := range events {
		ev := &events[i]
		switch int(ev.Fd) {
		case p.wakeFd:
			var count [8]byte
			// Nothing to be read means somebody took it already.
			_, _ = syscall.Read(p.wakeFd, count[:])
		case p.gather.timer:
			p.gather.expired()
		default:
			if c := p.belongsTo(ev).child; c != nil {
				if p.endChild(r, c, now); r.relief == nil {
					return
				}
				continue
			}
			events[outputs] = *ev
			outputs++
		}
	}
	for i := range events[:outputs] {
		if r.relief == nil || p.relief.overdue.Load() {
			return // what is left is reported again
		}
		if o := p.belongsTo(&events[i]).out; o != nil {
			p.read(r, o, now)
		}
	}
}

// read reads once from an output that has something.
func (p *Poller) read(r *reader, o *Output, now time.Time) {
	if n, _ := p.take(r, o, now); n > 0 && r.relief != nil {
		p.gather.saw(o, now)
	}
}

// errLeft says that an output was left to slowLogs.
var errLeft = errors.New("its log is slow")

// take takes once what an output has to its log, and brings it to its end if that has
// come. If r is not the pump any more when it returns, it has nothing in hand but what
// is in r.lost.
func (p *Poller) take(r *reader, o *Output, now time.Time) (n int, err error) {
	s, ok := p.lock(o, now)
	if !ok {
		p.leave(o, s)
		return 0, errLeft
	}
	n, err = o.readOnce(r, len(r.buf))
	p.settleUp(r, o, s, err)
	return n, err
}

// lock takes the lock of an output's log, nil for none, if it does not hold up others.
func (p *Poller) lock(o *Output, now time.Time) (*logs.OpenFile, bool) {
	if o.Log == nil {
		return nil, true
	}
	s := o.Log.Shared.Load()
	if s == nil {
		return nil, true
	}
	return s, !p.slow.holdsUp(s, now) && s.TryLock()
}

// settleUp ends what began with lock: with err, what came of reading.
func (p *Poller) settleUp(r *reader, o *Output, s *logs.OpenFile, err error) {
	if r.relief != nil && err != nil && err != syscall.EAGAIN {
		p.endOutput(r, o)
		o = nil
	}
	switch {
	case r.relief == nil:
		r.lost.out, r.lost.log, r.lost.locked = o, s, true
	case s == nil:
	case s.Unused.Load(): // then unlocking closes it
		r.begin(nil, s)
		s.Unlock()
		if r.end(); r.relief == nil {
			r.lost.log = s
		}
	default:
		s.Unlock()
	}
}

// leave leaves an output to slowLogs.
func (p *Poller) leave(o *Output, s *logs.OpenFile) {
	p.detach(o)
	p.slow.take(o, s)
}

// detach takes an output from the pump.
func (p *Poller) detach(o *Output) {
	p.gather.forget(o)
	p.mu.Lock()
	p.putAway(o)
	p.mu.Unlock()
}

// putAway ceases to watch an output. With the lock.
func (p *Poller) putAway(o *Output) {
	if o.state == outputWatched {
		p.unwatch(o.Fd)
		o.state = outputAway
	}
}

// giveBack makes an output that has nothing the pump's again.
func (p *Poller) giveBack(r *reader, o *Output) {
	p.mu.Lock()
	ended := o.child != nil && !o.said
	err := p.watch(o.Fd, watched{out: o})
	if err == nil {
		o.state = outputWatched
	}
	p.mu.Unlock()
	switch {
	case err != nil:
		p.endOutput(r, o)
	case o.giveUp.Load():
		p.ceaseWatched(o)
	case ended:
		p.Finish(o.child)
	}
}

// endOutput closes an output, of whoever has it in hand.
func (p *Poller) endOutput(r *reader, o *Output) {
	if r.relief != nil {
		p.gather.forget(o)
	}
	p.mu.Lock()
	p.putAway(o)
	p.mu.Unlock()
	syscall.Close(o.Fd)
	o.finish(r)
	p.through(o, true)
}

// obey does what was ordered.
func (p *Poller) obey(r *reader, now time.Time) {
	for r.relief != nil {
		p.mu.Lock()
		var c *Child
		var o *Output
		switch {
		case len(p.endings) > 0:
			c, p.endings = p.endings[0], p.endings[1:]
		case len(p.ceased) > 0:
			o, p.ceased = p.ceased[0], p.ceased[1:]
		}
		p.mu.Unlock()
		switch {
		case c != nil:
			p.endChild(r, c, now)
		case o != nil:
			p.endCeased(r, o, now)
		default:
			return
		}
	}
}

// endChild takes the last words of a child that has ended, and tells the loop.
func (p *Poller) endChild(r *reader, c *Child, now time.Time) {
	p.ending(c)
	p.mu.Lock()
	if c.Pidfd >= 0 {
		p.unwatch(c.Pidfd)
		syscall.Close(c.Pidfd)
		c.Pidfd = -1
	}
	p.mu.Unlock()
	for _, o := range c.Outputs {
		if o == nil {
			continue
		}
		if p.lastWords(r, o, now); r.relief == nil {
			p.Finish(c) // by the next pump
			return
		}
	}
	p.settle(c)
	p.await(c)
}

// lastWords takes what an output of a child that has ended holds to its log. Whoever
// else has its pipe is heard for a while, but for that of a listener.
func (p *Poller) lastWords(r *reader, o *Output, now time.Time) {
	p.mu.Lock()
	state := o.state
	p.mu.Unlock()
	if state == outputAlone {
		o.finishAlone()
	}
	if state != outputWatched { // else whoever has it sees itself that the child has ended
		return
	}
	s, ok := p.lock(o, now)
	if !ok {
		p.leave(o, s)
		return
	}
	err := o.drain(r)
	p.settleUp(r, o, s, err)
	if err == nil && r.relief != nil {
		p.through(o, false)
	}
}

// endCeased closes an output that is given up.
func (p *Poller) endCeased(r *reader, o *Output, now time.Time) {
	p.mu.Lock()
	state := o.state
	p.mu.Unlock()
	switch state {
	case outputAway:
		go p.slow.cease(o)
	case outputWatched:
		if s, ok := p.lock(o, now); ok {
			p.settleUp(r, o, s, os.ErrClosed)
		} else {
			p.leave(o, s)
		}
	}
}

// over reports whether the pump has nothing left to do, ever.
func (p *Poller) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopping || len(p.endings)+len(p.ceased) > 0 {
		return false
	}
	for fd, w := range p.watched {
		if w.out != nil {
			return false
		}
		syscall.Close(int(fd))
	}
	p.stopped = true
	return true
}
