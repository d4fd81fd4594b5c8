package httpd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
	"unicode/utf8"
)

var (
	errTooLong = errors.New("header too long")
	errNoRoom  = errors.New("no room for a header of that length")
)

// readHeader reads until the end of the next header block.
func (c *conn) readHeader(r *Request) error {
	for scanned := 0; ; {
		data := c.buf[c.start:]
		if i := bytes.Index(data[scanned:], []byte("\r\n\r\n")); i >= 0 {
			end := scanned + i
			block := string(data[:end])
			c.start += end + 4
			if c.timed {
				c.timed = false
				c.SetReadDeadline(time.Time{}) // fails on a closed connection only
			}
			return parseRequest(r, block)
		}
		if len(data) > maxHeader {
			return errTooLong
		}
		if size := cap(c.buf); c.start == 0 && len(data) == size && size > 0 && !c.roomForRequest(size) {
			return errNoRoom // the buffer is about to be doubled
		}
		scanned = max(0, len(data)-3)
		// Some clients send an empty line too many behind a request; it waits
		// for the next one.
		var err error
		if len(data) == 0 || string(data) == "\r\n" {
			err = c.fillIdle()
		} else {
			c.begin()
			if !c.timed {
				c.timed = true
				c.SetReadDeadline(time.Now().Add(c.server.opts.Limits.Header)) // as above
			}
			err = c.fill()
		}
		if err != nil {
			return err
		}
	}
}

// begin notes that a request has begun of which there is more to come.
func (c *conn) begin() {
	c.begun.Store(true)
	c.incomplete.CompareAndSwap(0, c.server.now())
}

// fillIdle reads the beginning of a request. Until that is complete the connection may
// be closed to make room.
func (c *conn) fillIdle() error {
	s := c.server
	c.begun.Store(false)
	if c.incomplete.Load() == 0 {
		c.incomplete.Store(s.now())
		s.room.tell()
	}
	if s.ctx.Err() != nil {
		return net.ErrClosed // Close may have looked before we were idle
	}
	err := c.fill()
	if c.incomplete.Load() < 0 {
		return net.ErrClosed
	}
	c.begun.Store(true)
	return err
}

// fill reads at least one byte behind what is in buf.
func (c *conn) fill() error {
	if c.begun.Load() {
		c.stalled.Store(c.server.now())
		defer c.stalled.Store(0)
	}
	if err := c.raw.Read(c.read); err != nil {
		return err
	}
	return c.result
}

// readSome reads what is there. It is called again when there is something; to
// wait for that, a buffer is not needed.
func (c *conn) readSome(fd uintptr) (done bool) {
	c.reserve()
	free := c.buf[len(c.buf):cap(c.buf)]
	for {
		n, err := syscall.Read(int(fd), free)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			if c.start == len(c.buf) {
				c.release()
			}
			return false
		case err != nil:
			c.result = err
		case n == 0:
			c.result = io.EOF
		default:
			c.buf, c.result = c.buf[:len(c.buf)+n], nil
		}
		return true
	}
}

// reserve makes room in buf for a good read.
func (c *conn) reserve() {
	if c.hold == nil {
		c.hold = c.server.reads.Get().(*[]byte)
		c.buf, c.start = *c.hold, 0
	}
	if c.start > 0 {
		c.buf = c.buf[:copy(c.buf, c.buf[c.start:])]
		c.start = 0
	}
	if len(c.buf) == cap(c.buf) {
		size := 2 * cap(c.buf)
		if c.want > cap(c.buf) {
			// What comes behind is of another request. While a buffer grows it is there
			// twice: a client that has sent something has it grow once.
			size = c.want
			if cap(c.buf) < maxPooled {
				size = min(2*cap(c.buf), c.want)
			}
		}
		c.buf = append(make([]byte, 0, size), c.buf...)
	}
}

// shrink gives up a great buffer for a small one that has what was read of the next
// request.
func (c *conn) shrink() {
	if cap(c.buf) <= maxPooled {
		return
	}
	rest := c.buf[c.start:]
	c.hold, c.buf, c.start = nil, nil, 0
	if len(rest) > 0 {
		c.reserve()
		c.buf = append(c.buf, rest...)
	}
}

// release gives buf back.
func (c *conn) release() {
	if c.hold != nil {
		if cap(c.buf) == firstBuffer { // greater ones have taken room, and are left to the collector
			*c.hold = c.buf[:0]
			c.server.reads.Put(c.hold)
		}
		c.hold, c.buf, c.start = nil, nil, 0
	}
}

// ReadBody reads the body, of limit bytes at most, or of MaxBody. It returns 0, or the
// status to refuse the request with. No length and a negative one is an empty body.
func (r *Request) ReadBody(limit int) (status int) {
	c, length := r.conn, r.framing.length
	if r.framing.status != 0 {
		return r.framing.status
	}
	if length > min(limit, MaxBody) {
		return 413
	}
	if length > firstBuffer && !c.roomForRequest(length) {
		return 503
	}
	if err := c.await(length); err != nil {
		r.lost = true
		return 400 // nobody hears it
	}
	r.Body = c.buf[c.start : c.start+length : c.start+length]
	c.start += length
	r.read = true
	if !utf8.Valid(r.Body) {
		return 400
	}
	if length > maxPooled {
		c.takeTurn()
	}
	return 0
}

// discard reads n bytes that nobody wants and keeps none of them: there is no room for them.
func (c *conn) discard(n int) error {
	return c.readOn(func() bool {
		had := min(n, len(c.buf)-c.start)
		c.start += had
		n -= had
		return n == 0
	})
}

// await reads until n bytes of a body are in buf.
func (c *conn) await(n int) error {
	c.want = n
	defer func() { c.want = 0 }()
	return c.readOn(func() bool { return len(c.buf)-c.start >= n })
}

// readOn reads of a body until done, which is asked after each read, and before the first.
func (c *conn) readOn(done func() bool) error {
	if done() {
		return nil
	}
	c.begin()
	for !done() {
		if !c.timed {
			c.timed = true
			c.SetReadDeadline(time.Now().Add(c.server.opts.Limits.Body)) // as in readHeader
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
	c.timed = false
	c.SetReadDeadline(time.Time{}) // as in readHeader
	if !c.complete() {
		return net.ErrClosed
	}
	return nil
}
