package pipes

import (
	"os"
	"syscall"

	"supervisor/supervise/sys"
)

// Stdin is our end of a child's stdin. It belongs to the loop. What the pipe
// does not take at once waits in pending, and a writer, which exists only as long
// as something waits, brings it in.
type Stdin struct {
	Fd      int
	file    *os.File // the same, once there was a writer
	pending []byte
	writing bool // a writer is at work
	Closed  bool // the child has closed its end, or is gone
	Loop    chan<- Message
}

// maxStdin bounds what may wait for a child that does not read.
const maxStdin = 64 << 20

// Write gives bytes to the child, without blocking. Errors: EPIPE if the child
// has closed its stdin, ENOBUFS if too much is waiting already.
func (in *Stdin) Write(data []byte) error {
	if in.Closed {
		return syscall.EPIPE
	}
	if in.writing {
		if len(in.pending)+len(data) > maxStdin {
			return syscall.ENOBUFS
		}
		in.pending = append(in.pending, data...)
		return nil
	}
	n, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Write(in.Fd, data) })
	if err != nil && err != syscall.EAGAIN {
		in.Closed = true
		return err
	}
	if n = max(n, 0); n < len(data) {
		in.pending = append(in.pending, data[n:]...)
		in.startWriter()
	}
	return nil
}

// startWriter sends a writer off with what is pending.
func (in *Stdin) startWriter() {
	if in.file == nil {
		in.file = os.NewFile(uintptr(in.Fd), "stdin")
	}
	in.writing = true
	file, data, loop := in.file, in.pending, in.Loop
	in.pending = nil
	go func() {
		_, err := file.Write(data)
		loop <- Message{Kind: InputWritten, In: in, Err: err}
	}()
}

// Written hears that the writer is through.
func (in *Stdin) Written(err error) {
	in.writing = false
	if err != nil {
		in.Closed, in.pending = true, nil
		return
	}
	if len(in.pending) > 0 && !in.Closed {
		in.startWriter()
	}
}

// Close gives up our end; a writer at work ends with an error.
func (in *Stdin) Close() {
	in.Closed, in.pending = true, nil
	if in.file != nil {
		in.file.Close()
	} else {
		syscall.Close(in.Fd)
	}
}
