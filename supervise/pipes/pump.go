// Package pipes takes what children write from their pipes to their logs, and what others
// send to their stdin. A Poller pumps all outputs with one goroutine; an output whose log
// takes its time, or whose log has to wait for a reader, is looked after by another, so that
// nobody waits for anybody's disk. The loop hears of captures, of a listener's protocol and of
// ends, as Messages on one channel, in order. Filters (capture, ANSI sequences) are pure.
//
// Begin with Output, then the Poller of Linux.
package pipes

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/inifile/python"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/sys"
)

// MessageKind says what a pump tells the loop.
type MessageKind int

const (
	OutputLogged   MessageKind = iota // a chunk whose program wants PROCESS_LOG events
	OutputCaptured                    // a finished capture
	OutputSpoken                      // a chunk of a listener's protocol
	OutputMatched                     // a line is what Match looks for
	OutputEnded                       // nothing more will come
	InputWritten                      // a stdin writer is through; Err says how
	ChildEnded                        // a child has ended, and what it said has been told
)

// Message is what the loop hears of a child's pipes, in the order it happened.
type Message struct {
	Kind  MessageKind
	Out   *Output
	In    *Stdin
	Child *Child
	Data  []byte // the loop's to keep
	Err   error
}

// Child is a child that a poller waits for.
type Child struct {
	Owner   any        // the loop's, to know it again
	Through bool       // the loop's: ChildEnded was seen
	Pidfd   int        // the poller closes it; -1 for none
	Outputs [2]*Output // all of them, also those that ended earlier

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

// Output is one output of one child, from the pipe to the log. After it is handed to
// a poller only one goroutine at a time touches it, but for what is said to be the
// loop's or to have a lock.
type Output struct {
	Owner   any // the loop's, to know it again
	Channel logs.Channel

	Fd       int // read end, non-blocking; the poller closes it
	Name     string
	Log      *logs.File // nil for none; it was opened for this output, which closes it
	Main     *logs.Logger
	Filter   *Capture      // nil if output passes as it is
	Lines    *lines.Filter // the form in which output gets into Log; nil for as it is
	Drop     *lines.Drop   // what becomes of lines that Log does not take; nil to wait
	Syslog   *logs.Syslog
	Events   bool   // the loop wants each chunk
	Match    *Match // what is looked for in it; nil for nothing
	Listener bool   // the output is a listener's protocol

	send     func(Message) // to the loop; may block
	Clearing atomic.Bool   // the loop's order to forget what is being captured
	giveUp   atomic.Bool   // the order to end without reading any more
	reader   *reader       // who is just reading it
	pace     pace          // while it is watched: how often there is something
	// generation is that of its descriptor, while it is watched.
	generation int32
	file       *os.File                      // alone: what it reads from
	stop       chan struct{}                 // alone: closed with giveUp
	dropped    struct{ lines, bytes uint64 } // what Log knows of
	room       chan struct{}                 // closed when Log has room for the rest of a line; nil if that is not waited for

	// With the poller's lock:
	state outputState
	child *Child // that has ended; nil while it runs
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
	out    *Output        // nil if it has ended
	log    *logs.OpenFile // of it
	locked bool           // it has the lock of the log
	device uint64         // that the log is on
}

func newReader(size int) *reader { return &reader{buf: make([]byte, size)} }

// write takes a piece of output to its log.
func (r *reader) write(o *Output, p []byte) {
	s := o.Log.Shared.Load()
	switch {
	case s == nil:
	case r.locks:
		r.writeAlone(o, s, p)
	default:
		r.begin(o, s)
		o.Log.WriteTo(s, p)
		r.end()
	}
}

// writeLines takes a piece of output to its log in the form that it has there.
func (r *reader) writeLines(o *Output, p []byte) {
	for now := time.Now(); len(p) > 0; {
		r.scratch.lines, p = o.Lines.Append(r.scratch.lines[:0], p, now)
		r.write(o, r.scratch.lines)
	}
}

// endLine takes to the log what is left of a line that has no end.
func (r *reader) endLine(o *Output) {
	if o.Lines != nil && o.Lines.Held() > 0 {
		r.scratch.lines = o.Lines.Flush(r.scratch.lines[:0], time.Now())
		r.write(o, r.scratch.lines)
	}
}

// writeAlone waits for the log as long as it takes, or until o is given up. A log that is
// no regular file it may drop lines for.
func (r *reader) writeAlone(o *Output, s *logs.OpenFile, p []byte) {
	if s.Regular.Load() {
		if !r.enterDisk(o) {
			return
		}
		defer func() { <-r.disk }()
	} else if o.Drop != nil {
		r.offer(o, s, p)
		return
	}
	if s.Lock(o.stop) {
		s.Writer.Set(&o.giveUp)
		o.Log.WriteTo(s, p)
		s.Writer.Set(nil)
		s.Unlock()
	}
}

// enterDisk waits until a disk may be waited for. It reports false if o is given up before.
func (r *reader) enterDisk(o *Output) bool {
	select {
	case r.disk <- struct{}{}:
		return true
	default:
	}
	select {
	case r.disk <- struct{}{}:
		return true
	case <-o.stop:
		return false
	}
}

// begin and end enclose what a disk may take its time for: something with a log, for
// an output, or for none any more.
func (r *reader) begin(o *Output, s *logs.OpenFile) {
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
func (o *Output) deliver(p []byte, r *reader) {
	o.reader = r
	if o.Listener {
		o.send(Message{Kind: OutputSpoken, Out: o, Data: append([]byte(nil), p...)})
	}
	if o.Match != nil && o.Match.feed(p) {
		o.Match = nil
		o.send(Message{Kind: OutputMatched, Out: o})
	}
	if o.Filter == nil {
		o.output(p, false)
		return
	}
	if o.Clearing.Swap(false) {
		o.Filter.discard()
	}
	o.Filter.feed(p, o, &r.scratch)
}

// output takes a piece of output to the log and to whoever else wants it. What is
// being captured does not go to the log.
func (o *Output) output(p []byte, captured bool) {
	if len(p) == 0 {
		return
	}
	if o.Log != nil && !captured { // what cannot be written it reports itself; the program goes on
		if o.Lines == nil {
			o.reader.write(o, p)
		} else {
			o.reader.writeLines(o, p)
		}
	}
	if o.Listener {
		return
	}
	if o.Syslog != nil && !captured {
		o.Syslog.SendOutput(o.Name, p)
	}
	if o.Main.Enabled(logs.Debug) {
		o.Main.Debug("'%s' %v output:\n%s", o.Name, o.Channel, python.Decoded(p))
	}
	if o.Events {
		o.send(Message{Kind: OutputLogged, Out: o, Data: append([]byte(nil), p...)})
	}
}

// communication takes a finished capture.
func (o *Output) communication(p []byte) {
	if o.Main.Enabled(logs.Debug) {
		o.Main.Debug("'%s' %v emitted a comm event", o.Name, o.Channel)
	}
	o.send(Message{Kind: OutputCaptured, Out: o, Data: append([]byte(nil), p...)})
}

// readOnce reads what is there, at most a buffer full, and delivers it. It
// returns how much that was, and io.EOF at the end, or EAGAIN where nothing is.
func (o *Output) readOnce(r *reader, size int) (int, error) {
	n, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Read(o.Fd, r.buf[:size]) })
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
func (o *Output) finish(r *reader) {
	o.reader = r
	if o.Filter != nil {
		o.Filter.finish(o, &r.scratch)
	}
	if o.Log != nil {
		r.endLine(o)
		if o.Drop != nil {
			r.endDrop(o)
		}
		o.Log.Close()
	}
	o.reader = nil
	o.send(Message{Kind: OutputEnded, Out: o})
}

// drain delivers what the pipe of a child that has ended holds now, and no more:
// somebody who still has the other end could write for ever. A line that the child has
// begun ends there. The error is io.EOF if nobody has the other end.
func (o *Output) drain(r *reader) error {
	for left := largePipe; left > 0 && !o.giveUp.Load(); {
		n, err := o.readOnce(r, min(left, len(r.buf)))
		if err == syscall.EAGAIN {
			if o.Log != nil {
				r.endLine(o)
			}
			return nil
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}
