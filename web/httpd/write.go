package httpd

import (
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keepAlive reports whether the connection stays open after an answer whose
// length the client can tell. exact is Reply.Exact.
func keepAlive(r *Request, exact bool) bool {
	connection, _ := r.Header.Get("Connection")
	if !exact {
		connection = strings.ToLower(connection)
	}
	switch r.Version {
	case "1.0":
		return connection == "keep-alive"
	case "1.1":
		return connection != "close"
	case "None":
		return false
	default:
		return true
	}
}

// appendHead appends the status line and the fields of a reply. length is that
// of a body to announce, -1 for none.
func (s *Server) appendHead(dst []byte, version string, rep *Reply, length int, now time.Time) []byte {
	dst = append(dst, "HTTP/"...)
	dst = append(dst, version...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(rep.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, Reason(rep.Status)...)
	dst = append(dst, "\r\nServer: "...)
	dst = append(dst, s.opts.Name...)
	dst = append(dst, "\r\nDate: "...)
	dst = now.UTC().AppendFormat(dst, DateFormat)
	dst = append(dst, "\r\n"...)
	dst = append(dst, s.opts.Fields...)
	for _, f := range rep.Header {
		if f[0] == "Content-Length" {
			length = -1
		}
		dst = appendField(dst, f[0], f[1])
	}
	if length >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(length), 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendField appends one header field. A value that would end its line early
// is cut there, so that no value makes another field.
func appendField(dst []byte, name, value string) []byte {
	if i := strings.IndexAny(value, "\r\n\x00"); i >= 0 {
		value = value[:i]
	}
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// send writes a reply, and reports whether the connection stays open.
func (c *conn) send(r *Request, rep *Reply) (keep bool) {
	now := time.Now()
	if rep.Stream != nil {
		if c.roomForStream() {
			defer c.server.room.streams.Add(1)
			c.stream(r, rep, now)
			return false
		}
		ended, cancel := context.WithCancel(c.server.ctx)
		cancel()
		_ = rep.Stream(ended, io.Discard) // it has something to close
		*rep = ErrorReply(503)
		rep.Close = true
	}
	keep = !rep.Close && r.ends() && keepAlive(r, rep.Exact)
	length := len(rep.Body)
	if r.Method == "HEAD" {
		rep.Body = nil
	}
	if rep.Status == 304 {
		length = -1
		keep = keep && r.Version != "1.0" // as for any answer without a length
	}
	hold := c.server.getBuffer()
	defer c.server.putBuffer(hold)
	out := c.server.appendHead(*hold, r.Version, rep, length, now)
	switch {
	case keep && r.Version == "1.0":
		out = append(out, "Connection: Keep-Alive\r\n"...)
	case !keep && keepAlive(r, rep.Exact) && !rep.has("Connection"):
		out = append(out, "Connection: close\r\n"...)
	}
	out = append(out, "\r\n"...)
	size := len(out) + len(rep.Body)
	// A short answer goes out in one piece, the first piece of a long one together with
	// its header, of which a client that does not read has us hold no copy.
	first, rest := rep.Body[:min(len(rep.Body), pieceOfWrite)], rep.Body[min(len(rep.Body), pieceOfWrite):]
	var err error
	if size <= cap(out) {
		out = append(out, first...)
		err = c.write(c.server.opts.Limits.Write, out)
	} else {
		err = c.write(c.server.opts.Limits.Write, out, first)
	}
	*hold = out
	for len(rest) > 0 && err == nil {
		piece := rest[:min(len(rest), pieceOfWrite)]
		rest = rest[len(piece):]
		err = c.write(c.server.opts.Limits.Write, piece)
	}
	c.tell(r.Line, rep.Status, int64(size), now)
	if size > largeAnswer {
		c.server.opts.Large()
	}
	if keep && err == nil {
		err = c.discard(r.unread())
	}
	return keep && err == nil && c.server.ctx.Err() == nil
}

// write writes pieces within the time given, or less if the server is closing.
func (c *conn) write(within time.Duration, pieces ...[]byte) error {
	if c.server.ctx.Err() != nil {
		within = min(within, c.server.opts.Limits.Grace)
	}
	if err := c.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	c.stalled.Store(c.server.now())
	defer c.stalled.Store(0)
	if len(pieces) == 1 {
		_, err := c.Write(pieces[0])
		return err
	}
	all := net.Buffers(slices.Clone(pieces)) // so that those of one piece cost nothing
	_, err := all.WriteTo(c.Conn)
	return err
}

// roomForStream takes the place of a stream.
func (c *conn) roomForStream() bool {
	room := c.server.room
	if !room.take(c.server.ctx, &room.streams, 1, func(c *conn) bool { return c.streaming.Load() }) {
		return false
	}
	c.streaming.Store(true)
	return true
}

// stream writes a reply that goes on until the client has gone or the server
// closes. What the client sends meanwhile is never answered, but that it goes
// is only seen by reading.
func (c *conn) stream(r *Request, rep *Reply, now time.Time) {
	ctx, cancel := context.WithCancel(c.server.ctx)
	c.release()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer cancel()
		var scrap [64]byte
		for {
			if _, err := c.Read(scrap[:]); err != nil {
				c.Close() // ends a write that nobody takes, too
				return
			}
		}
	}()
	w := &streamWriter{conn: c, stall: rep.Stall, chunked: r.Version == "1.1" && keepAlive(r, false)}
	if w.stall == 0 {
		w.stall = c.server.opts.Limits.Stall
	}
	out := c.server.appendHead(nil, r.Version, rep, -1, now)
	if w.chunked {
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	out = append(out, "\r\n"...)
	w.size = int64(len(out))
	if err := c.write(w.stall, out); err != nil {
		cancel() // the stream is run all the same: it has something to close
	}
	err := rep.Stream(ctx, w)
	if err == nil && ctx.Err() == nil && w.chunked {
		_ = c.write(c.server.opts.Limits.Write, []byte("0\r\n\r\n")) // closes in any case
	}
	c.Close() // and so ends the reader
	<-gone
	cancel()
	c.tell(r.Line, rep.Status, w.size, now)
}

// streamWriter sends each Write to the client at once.
type streamWriter struct {
	conn    *conn
	stall   time.Duration
	chunked bool
	length  [20]byte // room for that of a chunk
	size    int64    // bytes sent
}

func (w *streamWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // an empty chunk would be the last
	}
	if !w.chunked {
		if err := w.conn.write(w.stall, p); err != nil {
			return 0, err
		}
		w.size += int64(len(p))
		return len(p), nil
	}
	length := append(strconv.AppendInt(w.length[:0], int64(len(p)), 16), "\r\n"...)
	if err := w.conn.write(w.stall, length, p, []byte("\r\n")); err != nil {
		return 0, err
	}
	w.size += int64(len(length) + len(p) + len("\r\n"))
	return len(p), nil
}

// tell says that an answer has been written.
func (c *conn) tell(line string, status int, size int64, at time.Time) {
	c.said = Access{c, line, status, size, at}
	c.server.opts.Access(&c.said)
	c.said = Access{}
}
