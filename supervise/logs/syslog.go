package logs

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

// syslogPaths are where the system's log may listen, in the order of trying.
var syslogPaths = [...]string{"/dev/log", "/var/run/syslog", "/var/run/log"}

// syslogRetry is how long after a failed attempt nobody is looked for again.
const syslogRetry = time.Second

// Syslog sends lines to the system's log, facility user, priority info.
// Sending never waits: a line that cannot be taken at once is dropped, and the
// number of dropped ones is sent behind the next one that gets through. It may be used by any
// goroutine.
type Syslog struct {
	tag   string
	paths []string
	now   func() time.Time

	conn    atomic.Pointer[syslogConn]
	dropped atomic.Int64
	absent  atomic.Pointer[time.Time] // when nobody was there; nil once somebody is
}

// syslogConn is a connection that was made once and is replaced when it fails.
type syslogConn struct {
	*net.UnixConn
	raw    syscall.RawConn
	stream bool // messages have to be told apart by a NUL
}

// NewSyslog returns a writer whose lines bear the tag. path is the socket; "" for
// the usual places. Nothing is connected yet.
func NewSyslog(tag, path string) *Syslog {
	w := &Syslog{tag: tag, paths: syslogPaths[:], now: time.Now}
	if path != "" {
		w.paths = []string{path}
	}
	return w
}

// SendOutput sends a chunk of a child's output: what stands between line feeds,
// each behind the name. Line feeds at the end do not count. Bytes that are no
// UTF-8 are replaced.
func (w *Syslog) SendOutput(name string, chunk []byte) {
	line := make([]byte, 0, 256)
	for piece := range bytes.SplitSeq(bytes.TrimRight(chunk, "\n"), []byte{'\n'}) {
		line = append(append(line[:0], name...), ' ')
		if utf8.Valid(piece) {
			line = append(line, piece...)
		} else {
			line = append(line, bytes.ToValidUTF8(piece, []byte("\uFFFD"))...)
		}
		w.send(line)
	}
}

// send sends one message, and behind it how many were dropped before it: a log
// that is too slow has room for one of the two at most.
func (w *Syslog) send(message []byte) {
	if !w.deliver(message) {
		w.dropped.Add(1)
		return
	}
	if w.dropped.Load() == 0 {
		return
	}
	n := w.dropped.Swap(0) // no other goroutine shall tell the same ones
	if n > 0 && !w.deliver(fmt.Appendf(nil, "messages lost before the last one: %d", n)) {
		w.dropped.Add(n)
	}
}

// Close closes the connection.
func (w *Syslog) Close() {
	if c := w.conn.Swap(nil); c != nil {
		// Datagrams are gone or lost; closing adds nothing to that.
		_ = c.Close()
	}
}

// deliver sends a message, over a new connection if the old one is broken.
func (w *Syslog) deliver(message []byte) bool {
	packet := w.appendPacket(make([]byte, 0, 512), message)
	if c := w.conn.Load(); c != nil {
		err := c.send(packet)
		if err == nil {
			return true
		}
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.EMSGSIZE) {
			return false // it lives, and has no room
		}
	}
	if at := w.absent.Load(); at != nil && w.now().Sub(*at) < syslogRetry {
		return false
	}
	c := w.dial()
	if c == nil {
		now := w.now()
		w.absent.Store(&now)
	} else {
		w.absent.Store(nil)
	}
	if old := w.conn.Swap(c); old != nil {
		// It has just failed.
		_ = old.Close()
	}
	return c != nil && c.send(packet) == nil
}

// appendPacket appends the message in the form that the C library gives it.
func (w *Syslog) appendPacket(b, message []byte) []byte {
	b = append(b, "<14>"...)
	b = w.now().AppendFormat(b, time.Stamp)
	b = append(b, ' ')
	b = append(b, w.tag...)
	b = append(b, ": "...)
	return append(b, message...)
}

// dial connects to the first of the paths that answers; nil if none does.
func (w *Syslog) dial() *syslogConn {
	for _, path := range w.paths {
		for _, network := range [...]string{"unixgram", "unix"} {
			c, err := net.DialUnix(network, nil, &net.UnixAddr{Name: path, Net: network})
			if err != nil {
				continue
			}
			raw, err := c.SyscallConn()
			if err != nil {
				// Of no use, and nothing was sent.
				_ = c.Close()
				continue
			}
			return &syslogConn{UnixConn: c, raw: raw, stream: network == "unix"}
		}
	}
	return nil
}

// send writes the packet if that is possible without waiting.
func (c *syslogConn) send(packet []byte) error {
	if c.stream {
		packet = append(packet, 0)
	}
	var sendErr error
	err := c.raw.Write(func(fd uintptr) bool {
		_, sendErr = syscall.Write(int(fd), packet)
		return true // even if there was no room
	})
	return errors.Join(err, sendErr)
}
