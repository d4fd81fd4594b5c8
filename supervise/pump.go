package supervise

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"supervisor/supervise/logs"
)

// messageKind says what a pump tells the loop.
type messageKind int

const (
	outputLogged   messageKind = iota // a chunk whose program wants PROCESS_LOG events
	outputCaptured                    // a finished capture
	outputSpoken                      // a chunk of a listener's protocol
	outputEnded                       // nothing more will come
	inputWritten                      // a stdin writer is through; err says how
	childEnded                        // a child has ended, and what it said has been told
)

// message is what the loop hears of a child's pipes, in the order it happened.
type message struct {
	kind  messageKind
	out   *output
	in    *stdinPipe
	child *child
	data  []byte // the loop's to keep
	err   error
}

// child is a child that a poller waits for.
type child struct {
	owner   any        // the loop's, to know it again
	through bool       // the loop's: childEnded was seen
	pidfd   int        // the poller closes it; -1 for none
	outputs [2]*output // all of them, also those that ended earlier

	// With the poller's lock:
	ended   bool // its last words are being taken
	told    bool // the loop knows of the end
	awaited bool // somebody sees to it that this does not take too long
}

// outputState is in whose hands an output is.
type outputState int

const (
	outputWatched outputState = iota // the pump's, whose epoll set has it
	outputAlone                      // of a goroutine of its own
	outputAway                       // its log takes its time: see slowLogs
	outputClosed                     // nobody's any more
)

// output is one output of one child, from the pipe to the log. After it is handed to
// a poller only one goroutine at a time touches it, but for what is said to be the
// loop's or to have a lock.
type output struct {
	owner   any // the loop's, to know it again
	channel logs.Channel

	fd       int // read end, non-blocking; the poller closes it
	name     string
	log      *logFile // nil for none; it was opened for this output, which closes it
	main     *Logger
	filter   *capture // nil if output passes as it is
	syslog   *syslogWriter
	events   bool // the loop wants each chunk
	listener bool // the output is a listener's protocol

	send     func(message) // to the loop; may block
	clearing atomic.Bool   // the loop's order to forget what is being captured
	giveUp   atomic.Bool   // the order to end without reading any more
	reader   *reader       // who is just reading it
	pace     pace          // while it is watched: how often there is something
	// generation is that of its descriptor, while it is watched.
	generation int32
	file       *os.File      // alone: what it reads from
	stop       chan struct{} // alone: closed with giveUp

	// With the poller's lock:
	state outputState
	child *child // that has ended; nil while it runs
	said  bool   // what the child said last is in the log
}

const (
	// readSize is the most that is read at once, and so the most by which a log
	// outgrows its limit before it is rotated. So much stays in a processor's cache
	// between the read and the write.
	readSize = 256 << 10
	// pipeSize is what a pipe holds that nobody has enlarged, largePipe one that the
	// pump has.
	pipeSize  = 64 << 10
	largePipe = 1 << 20
)

// reader is a goroutine that reads outputs, and its memory.
type reader struct {
	buf     []byte
	scratch scratch
	// relief, if not nil, watches how long the reader is busy with a log, and has it
	// relieved of all but that one output if that takes too long: then relief is nil.
	relief *relief
	// locks says that it takes the lock of a log only to write; else it has it already.
	locks bool
	disk  chan struct{} // with locks: who has put something in may hold a thread
	lost  lost          // of the pump when it was relieved
}

// lost is what a pump goes on with when it was relieved of all others.
type lost struct {
	out    *output  // nil if it has ended
	log    *openLog // of it
	locked bool     // it has the lock of the log
	device uint64   // that the log is on
}

func newReader(size int) *reader { return &reader{buf: make([]byte, size)} }

// write takes a piece of output to its log.
func (r *reader) write(o *output, p []byte) {
	s := o.log.shared.Load()
	switch {
	case s == nil:
	case r.locks:
		r.writeAlone(o, s, p)
	default:
		r.begin(o, s)
		o.log.writeTo(s, p)
		r.end()
	}
}

// writeAlone waits for the log as long as it takes, or until o is given up.
func (r *reader) writeAlone(o *output, s *openLog, p []byte) {
	if s.regular.Load() {
		select {
		case r.disk <- struct{}{}:
			defer func() { <-r.disk }()
		case <-o.stop:
			return
		}
	}
	if s.lock(o.stop) {
		s.writer.set(&o.giveUp)
		o.log.writeTo(s, p)
		s.writer.set(nil)
		s.unlock()
	}
}

// begin and end enclose what a disk may take its time for: something with a log, for
// an output, or for none any more.
func (r *reader) begin(o *output, s *openLog) {
	if r.relief != nil {
		r.relief.begin(r, o, s)
	}
}

func (r *reader) end() {
	if r.relief != nil {
		if device, ok := r.relief.end(r); !ok {
			r.relief, r.lost.device = nil, device
		}
	}
}

// deliver takes one chunk, as read, to everywhere it goes.
func (o *output) deliver(p []byte, r *reader) {
	o.reader = r
	if o.listener {
		o.send(message{kind: outputSpoken, out: o, data: append([]byte(nil), p...)})
	}
	if o.filter == nil {
		o.output(p, false)
		return
	}
	if o.clearing.Swap(false) {
		o.filter.Discard()
	}
	o.filter.Feed(p, o, &r.scratch)
}

// output takes a piece of output to the log and to whoever else wants it. What is
// being captured does not go to the log.
func (o *output) output(p []byte, captured bool) {
	if len(p) == 0 {
		return
	}
	if o.log != nil && !captured {
		o.reader.write(o, p) // what cannot be written it reports itself; the program goes on
	}
	if o.listener {
		return
	}
	if o.syslog != nil && !captured {
		o.syslog.SendOutput(o.name, p)
	}
	if o.main.Enabled(logs.Debug) {
		o.main.Debug("'%s' %v output:\n%s", o.name, o.channel, decodeText(p))
	}
	if o.events {
		o.send(message{kind: outputLogged, out: o, data: append([]byte(nil), p...)})
	}
}

// communication takes a finished capture.
func (o *output) communication(p []byte) {
	if o.main.Enabled(logs.Debug) {
		o.main.Debug("'%s' %v emitted a comm event", o.name, o.channel)
	}
	o.send(message{kind: outputCaptured, out: o, data: append([]byte(nil), p...)})
}

// readOnce reads what is there, at most a buffer full, and delivers it. It
// returns how much that was, and io.EOF at the end, or EAGAIN where nothing is.
func (o *output) readOnce(r *reader, size int) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return syscall.Read(o.fd, r.buf[:size]) })
	if n > 0 {
		o.deliver(r.buf[:n], r)
		return n, nil
	}
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

// finish is the last thing that is done with an output, but for closing its pipe:
// what was held back goes out, and its log is no longer used. If that was its last
// user, who unlocks it closes it.
func (o *output) finish(r *reader) {
	o.reader = r
	if o.filter != nil {
		o.filter.Finish(o, &r.scratch)
	}
	if o.log != nil {
		o.log.Close()
	}
	o.reader = nil
	o.send(message{kind: outputEnded, out: o})
}

// drain delivers what the pipe of a child that has ended holds now, and no more:
// somebody who still has the other end could write for ever. The error is io.EOF if
// nobody has.
func (o *output) drain(r *reader) error {
	for left := largePipe; left > 0 && !o.giveUp.Load(); {
		n, err := o.readOnce(r, min(left, len(r.buf)))
		if err == syscall.EAGAIN {
			return nil
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}
