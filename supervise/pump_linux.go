package supervise

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// poller pumps the outputs of all children, but for those that add knows of, in one
// goroutine: an idle child costs no stack and no buffer. It waits on an epoll
// descriptor of its own, and the runtime's poller waits on that one, so no thread is
// held while nothing comes.
//
// It also waits for the children themselves: who has read a child's last output
// is the first to be able to say that it has ended.
type poller struct {
	epfd    int
	file    *os.File // epfd, known to the runtime's poller
	wakeFd  int      // eventfd: there are commands
	adds    chan watched
	ends    chan *output
	stopped chan struct{}
	loop    chan<- message
	watched map[int32]watched
	late    []*output // ends that came while the loop was busy
	buf     []byte
	gather  gather
}

// watched is what a descriptor belongs to: an output or a child.
type watched struct {
	fd    int
	out   *output
	child *child
}

// newPoller starts a poller that reports to loop. close ends it.
func newPoller(loop chan<- message) (*poller, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wakeFd, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		syscall.Close(epfd)
		return nil, os.NewSyscallError("eventfd2", errno)
	}
	p := &poller{
		epfd: epfd, wakeFd: int(wakeFd), loop: loop,
		adds: make(chan watched, 64), ends: make(chan *output, 64),
		stopped: make(chan struct{}), watched: map[int32]watched{},
		buf: make([]byte, readSize),
	}
	p.gather.start(epfd)
	err = p.register(p.wakeFd)
	if err == nil {
		err = syscall.SetNonblock(epfd, true) // or NewFile would not poll it
	}
	if err != nil {
		p.gather.close()
		syscall.Close(epfd)
		syscall.Close(p.wakeFd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	p.file = os.NewFile(uintptr(epfd), "epoll")
	go p.run()
	return p, nil
}

// register makes the system report what can be read from fd.
func (p *poller) register(fd int) error {
	return epollControl(p.epfd, syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN)
}

// add begins to pump an output. The loop calls it. What may hold up others has a
// pump of its own, and so has a listener, since somebody waits for each thing that it
// says: a read that finds nothing more takes the place of asking epoll twice.
func (p *poller) add(o *output) error {
	if o.listener || o.log != nil && o.log.mayBlock() {
		o.file = os.NewFile(uintptr(o.fd), o.name)
		o.send = func(m message) { p.loop <- m }
		go o.run()
		return nil
	}
	o.send = p.send
	return p.watch(watched{fd: o.fd, out: o})
}

// addChild begins to wait for the end of a child, of which add knows the outputs.
// The loop calls it, and hears of it by childEnded. The poller closes the pidfd.
func (p *poller) addChild(c *child) error { return p.watch(watched{fd: c.pidfd, child: c}) }

// watch begins to watch a descriptor.
func (p *poller) watch(w watched) error {
	select { // before the first event can come
	case p.adds <- w:
	default: // as long as nothing happens the poller takes none: make it
		p.wake()
		p.adds <- w
	}
	return p.register(w.fd)
}

// finish makes the pump deliver what the pipe holds now and end, whoever else
// has it open. The loop calls it.
func (p *poller) finish(o *output) {
	if o.file != nil {
		o.finishAlone()
		return
	}
	p.ends <- o
	p.wake()
}

// close ends the poller once it has pumped what is left to pump.
func (p *poller) close() {
	close(p.stopped)
	p.wake()
}

func (p *poller) wake() {
	one := [8]byte{0: 1}
	// It can fail only when the counter is full, and then a wake-up is under way.
	_, _ = syscall.Write(p.wakeFd, one[:])
}

// send tells the loop something. The loop may just then be telling us of an end;
// that must not wait for us.
func (p *poller) send(m message) {
	for {
		select {
		case p.loop <- m:
			return
		case o := <-p.ends:
			p.late = append(p.late, o)
		case w := <-p.adds:
			p.watched[int32(w.fd)] = w
		}
	}
}

func (p *poller) run() {
	defer syscall.Close(p.wakeFd)
	defer p.file.Close()
	defer p.gather.close()
	conn, err := p.file.SyscallConn()
	if err != nil {
		return // the file is closed: nothing can have been added
	}
	var events [128]syscall.EpollEvent
	var breath breath
	for {
		n := 0
		wait := p.gather.wait()
		pause := breath.due(time.Now())
		if pause {
			runtime.Gosched()
		}
		err = conn.Read(func(uintptr) bool {
			if pause {
				pause = false
				breath.taken()
				// So that it ends when others have had their turn. Earlier would be
				// too early: Read begins by forgetting what is known to be ready.
				p.wake()
				return false
			}
			n, err = ignoringEINTR(func() (int, error) { return syscall.EpollWait(p.epfd, events[:], 0) })
			if n == 0 && err == nil && wait {
				breath.taken()
				return false
			}
			return true
		})
		if err != nil {
			return
		}
		now := time.Now()
		p.takeCommands()
		for _, ev := range events[:n] {
			p.serve(ev.Fd, now)
		}
		p.gather.read(p.buf, p.end)
		p.finishEnds()
		select {
		case <-p.stopped:
			if len(p.watched) == 0 {
				return
			}
		default:
		}
	}
}

// takeCommands learns of new descriptors. They are announced before they are
// watched, so an event of an unknown descriptor cannot be.
func (p *poller) takeCommands() {
	for {
		select {
		case w := <-p.adds:
			p.watched[int32(w.fd)] = w
		default:
			return
		}
	}
}

// serve reads once from an output that has something, or brings a child to its
// end.
func (p *poller) serve(fd int32, now time.Time) {
	switch int(fd) {
	case p.wakeFd:
		var count [8]byte
		// Nothing to be read means somebody took it already.
		_, _ = syscall.Read(p.wakeFd, count[:])
		return
	case p.gather.timer:
		p.gather.expired()
		return
	}
	w := p.watched[fd]
	if w.child != nil {
		p.endChild(w.child)
		return
	}
	o := w.out
	if o == nil {
		return
	}
	_, err := o.readOnce(p.buf)
	switch {
	case err == syscall.EAGAIN:
	case err != nil:
		p.end(o)
	default:
		p.gather.saw(o, now)
	}
}

// finishEnds drains and ends the outputs whose child is gone.
func (p *poller) finishEnds() {
	for {
		var o *output
		if len(p.late) > 0 {
			o, p.late = p.late[0], p.late[1:]
		} else {
			select {
			case o = <-p.ends:
			default:
				return
			}
		}
		p.drain(o)
	}
}

// drain takes what the pipe of an output holds now to its log, and ends it, if it
// has not ended before.
func (p *poller) drain(o *output) {
	if p.watched[int32(o.fd)].out == o {
		o.drain(p.buf)
		p.end(o)
	}
}

// endChild takes the last words of a child that has ended, and tells the loop.
func (p *poller) endChild(c *child) {
	for _, o := range c.outputs {
		if o != nil {
			p.drain(o)
		}
	}
	p.forget(c.pidfd)
	p.send(message{kind: childEnded, child: c})
}

// end closes an output.
func (p *poller) end(o *output) {
	p.gather.forget(o)
	p.forget(o.fd)
	o.end()
}

// forget closes a descriptor. It is taken out of the epoll set by hand: a child
// that is being forked may have a copy of it until its exec.
func (p *poller) forget(fd int) {
	delete(p.watched, int32(fd))
	_ = syscall.EpollCtl(p.epfd, syscall.EPOLL_CTL_DEL, fd, nil)
	syscall.Close(fd)
}
