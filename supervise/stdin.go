package supervise

import (
	"os"
	"syscall"
)

// stdinPipe is our end of a child's stdin. It belongs to the loop. What the pipe
// does not take at once waits in pending, and a writer, which exists only as long
// as something waits, brings it in.
type stdinPipe struct {
	fd      int
	file    *os.File // the same, once there was a writer
	pending []byte
	writing bool // a writer is at work
	closed  bool // the child has closed its end, or is gone
	loop    chan<- message
}

// maxStdin bounds what may wait for a child that does not read.
const maxStdin = 64 << 20

// write gives bytes to the child, without blocking. Errors: EPIPE if the child
// has closed its stdin, ENOBUFS if too much is waiting already.
func (in *stdinPipe) write(data []byte) error {
	if in.closed {
		return syscall.EPIPE
	}
	if in.writing {
		if len(in.pending)+len(data) > maxStdin {
			return syscall.ENOBUFS
		}
		in.pending = append(in.pending, data...)
		return nil
	}
	n, err := ignoringEINTR(func() (int, error) { return syscall.Write(in.fd, data) })
	if err != nil && err != syscall.EAGAIN {
		in.closed = true
		return err
	}
	if n = max(n, 0); n < len(data) {
		in.pending = append(in.pending, data[n:]...)
		in.startWriter()
	}
	return nil
}

// startWriter sends a writer off with what is pending.
func (in *stdinPipe) startWriter() {
	if in.file == nil {
		in.file = os.NewFile(uintptr(in.fd), "stdin")
	}
	in.writing = true
	file, data, loop := in.file, in.pending, in.loop
	in.pending = nil
	go func() {
		_, err := file.Write(data)
		loop <- message{kind: inputWritten, in: in, err: err}
	}()
}

// written hears that the writer is through.
func (in *stdinPipe) written(err error) {
	in.writing = false
	if err != nil {
		in.closed, in.pending = true, nil
		return
	}
	if len(in.pending) > 0 && !in.closed {
		in.startWriter()
	}
}

// close gives up our end; a writer at work ends with an error.
func (in *stdinPipe) close() {
	in.closed, in.pending = true, nil
	if in.file != nil {
		in.file.Close()
	} else {
		syscall.Close(in.fd)
	}
}
