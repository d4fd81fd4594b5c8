package supervise

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// messageKind says what a pump tells the loop.
type messageKind int

const (
	outputLogged   messageKind = iota // a chunk whose program wants PROCESS_LOG events
	outputCaptured                    // a finished capture
	outputSpoken                      // a chunk of a listener's protocol
	outputEnded                       // nothing more will come
	inputWritten                      // a stdin writer is through; err says how
	childEnded                        // a child has ended, all it said has been told
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
	proc    *process   // the loop's
	pidfd   int        // the pump closes it
	outputs [2]*output // all of them, also those that ended earlier
}

// output is one output of one child, from the pipe to the log. After it is
// handed to a pump only the pump touches it, but for what is said to be the
// loop's.
type output struct {
	proc    *process // the loop's
	channel Channel
	ended   bool // the loop's: outputEnded was seen

	fd       int // read end, non-blocking; the pump closes it
	name     string
	log      *logFile // nil for none
	main     *Logger
	filter   *capture // nil if output passes as it is
	syslog   *syslogWriter
	events   bool // the loop wants each chunk
	listener bool // the output is a listener's protocol

	send     func(message) // to the loop; may block
	clearing atomic.Bool   // the loop's order to forget what is being captured
	pace     pace          // with a poller: how often there is something
	file     *os.File      // with a pump of its own: what it reads from
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

// deliver takes one chunk, as read, to everywhere it goes.
func (o *output) deliver(p []byte) {
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
	o.filter.Feed(p, o)
}

// output takes a piece of output to the log and to whoever else wants it. What is
// being captured does not go to the log.
func (o *output) output(p []byte, captured bool) {
	if len(p) == 0 {
		return
	}
	if o.log != nil && !captured {
		o.log.Write(p) // what cannot be written it reports itself; the program goes on
	}
	if o.listener {
		return
	}
	if o.syslog != nil && !captured {
		o.syslog.SendOutput(o.name, p)
	}
	if o.main.Enabled(Debug) {
		o.main.Debug("'%s' %v output:\n%s", o.name, o.channel, decodeText(p))
	}
	if o.events {
		o.send(message{kind: outputLogged, out: o, data: append([]byte(nil), p...)})
	}
}

// communication takes a finished capture.
func (o *output) communication(p []byte) {
	if o.main.Enabled(Debug) {
		o.main.Debug("'%s' %v emitted a comm event", o.name, o.channel)
	}
	o.send(message{kind: outputCaptured, out: o, data: append([]byte(nil), p...)})
}

// readOnce reads what is there, at most a buffer full, and delivers it. It
// returns how much that was, and io.EOF at the end, or EAGAIN where nothing is.
func (o *output) readOnce(buf []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return syscall.Read(o.fd, buf) })
	if n > 0 {
		o.deliver(buf[:n])
		return n, nil
	}
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

// drain delivers what the pipe holds now, and no more: somebody who still has
// the other end could write for ever.
func (o *output) drain(buf []byte) {
	for left := largePipe; left > 0; {
		n, err := o.readOnce(buf[:min(left, len(buf))])
		if err != nil {
			return
		}
		left -= n
	}
}

// end is the last thing a pump does with an output, but for closing the pipe.
func (o *output) end() {
	if o.filter != nil {
		o.filter.Finish(o)
	}
	o.send(message{kind: outputEnded, out: o})
}

// run is a pump for this output alone: for listeners, for logs whose writing may
// block (a terminal, a pipe) and for systems without a poller.
func (o *output) run() {
	defer o.file.Close()
	buf := make([]byte, pipeSize)
	for {
		n, err := o.file.Read(buf)
		if n > 0 {
			o.deliver(buf[:n])
		}
		if errors.Is(err, os.ErrDeadlineExceeded) { // finish
			o.drain(buf)
		}
		if err != nil {
			o.end()
			return
		}
	}
}

// finishAlone makes run drain and end.
func (o *output) finishAlone() {
	// It fails only if the pump has ended by itself, which is as good.
	_ = o.file.SetReadDeadline(time.Now())
}

// ignoringEINTR repeats a system call that a signal interrupted.
func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
