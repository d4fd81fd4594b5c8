package pipes

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"supervisor/supervise/logs"
)

const (
	// reliefAfter is after how long a pump that works is looked at. If it is still with
	// the same thing at the next look, it is relieved of the others.
	reliefAfter = 5 * time.Millisecond
	// busyLooks is how often it is looked at a pump whose thread waits for a processor,
	// not for a disk, before it is relieved all the same.
	busyLooks = 20
	// oftenAfter is how soon after the last time a pump has to be woken so that it is
	// worth having the timer run while it sleeps.
	oftenAfter = time.Millisecond
)

// relief has another goroutine be the pump when the one that is has to wait for a disk.
// A call that waits cannot be taken back: so all but the output whose log it is for
// goes to the other, in one moment, with the lock. The former pump finds out when its
// call returns. It keeps that output and works on for slowLogs.
//
// A timer of the system has a working pump looked at. For one that sleeps it is
// switched off, unless that is woken so often that switching would cost more.
type relief struct {
	poller  *Poller
	timer   int // timerfd; it is also
	file    *os.File
	overdue atomic.Bool // the pump shall see what else has come

	mu       sync.Mutex
	pump     *reader
	log      *logs.OpenFile     // that the pump waits for; nil for none
	calling  *Output            // for which; nil for none
	relieved map[*reader]uint64 // former pumps that do not know it; the device of each
	turn     uint64             // counts what the pump has begun
	seen     uint64             // the turn at the last look
	looks    int                // at this turn, with the thread running
	thread   int                // that the pump had when it began the turn
	works    bool               // the pump does not sleep
	armed    bool               // the timer runs
	often    bool               // the pump is woken often
	woken    time.Time
}

// newRelief returns one for the pump r, and begins to look after it.
func newRelief(p *Poller, r *reader) (*relief, error) {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("timerfd_create", errno)
	}
	w := &relief{poller: p, timer: int(fd), file: os.NewFile(fd, "timer"), pump: r, relieved: make(map[*reader]uint64)}
	r.relief = w
	go w.run()
	return w, nil
}

func (w *relief) close() { w.file.Close() }

// run looks whenever the timer expires.
func (w *relief) run() {
	var count [8]byte
	for {
		if _, err := w.file.Read(count[:]); err != nil {
			return // it is closed
		}
		w.look(time.Now())
	}
}

// begin notes that r is about to make a call for a log and an output, nil for none.
func (w *relief) begin(r *reader, o *Output, s *logs.OpenFile) {
	w.mu.Lock()
	if w.pump == r {
		w.calling, w.log = o, s
		if !w.armed {
			w.seen = 0
			w.arm(reliefAfter)
		}
	}
	w.mu.Unlock()
}

// end notes that the call has returned. If r was relieved meanwhile it reports false,
// and the device for which r is counted.
func (w *relief) end(r *reader) (device uint64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pump == r {
		w.calling, w.log = nil, nil
		return 0, true
	}
	device = w.relieved[r]
	delete(w.relieved, r)
	w.poller.slow.returned(device)
	return device, false
}

// wake notes that the pump does not sleep any more.
func (w *relief) wake(now time.Time) {
	thread, _, _ := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	w.mu.Lock()
	w.turn++
	w.thread = int(thread)
	if !w.works {
		w.works = true
		w.often = now.Sub(w.woken) < oftenAfter
		w.woken = now
	}
	w.mu.Unlock()
	w.overdue.Store(false)
}

// sleep notes that the pump sleeps; soon, that it knows for how long.
func (w *relief) sleep(soon bool) {
	w.mu.Lock()
	w.works = false
	if w.armed && !w.often && !soon {
		w.arm(0)
	}
	w.mu.Unlock()
}

// arm sets the timer, or switches it off.
func (w *relief) arm(after time.Duration) {
	w.armed = after > 0
	setTimer(w.timer, after)
}

func setTimer(fd int, after time.Duration) {
	// The arguments are right, so it cannot fail.
	spec := struct{ Interval, Value syscall.Timespec }{Value: syscall.NsecToTimespec(int64(after))}
	_, _, _ = syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}

// look looks at the pump.
func (w *relief) look(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if !w.works {
		return
	}
	w.arm(reliefAfter)
	if w.turn != w.seen {
		w.seen, w.looks = w.turn, 0
		return
	}
	if w.log == nil {
		w.overdue.Store(true)
		return
	}
	if w.looks++; w.looks < busyLooks && runs(w.thread) {
		return
	}
	device, ok := w.poller.slow.adopt(w.log, now)
	if !ok {
		return
	}
	w.relieved[w.pump] = device
	if w.calling != nil {
		w.poller.detach(w.calling)
	}
	w.calling, w.log = nil, nil
	w.turn++
	w.poller.gather.restart()
	w.pump = newReader(readSize)
	w.pump.relief = w
	go w.poller.run(w.pump)
	w.poller.wake() // it does not know of what the former one was woken for
}

// runs reports whether a thread of ours runs, or would if there were a processor for it.
func runs(thread int) bool {
	var buf [512]byte
	fd, err := syscall.Open("/proc/self/task/"+strconv.Itoa(thread)+"/stat", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	n, _ := syscall.Read(fd, buf[:])
	// The state follows the name, which is in parentheses and may hold some.
	_, state, ok := bytes.Cut(buf[bytes.LastIndexByte(buf[:max(n, 0)], ')')+1:], []byte{' '})
	return ok && len(state) > 0 && state[0] == 'R'
}
