package httpd

import (
	"errors"
	"net"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

// evicted is the value of conn.incomplete when somebody else has closed it.
const evicted = -1

// conn is the connection of one client, served by one goroutine. While it is
// idle it holds no buffer.
type conn struct {
	net.Conn
	server *Server
	local  bool // by a unix socket
	raw    syscall.RawConn
	read   func(fd uintptr) bool // readSome
	result error                 // of readSome
	known  atomic.Bool           // it has had a request that was not refused
	begun  atomic.Bool           // a request has begun

	// incomplete is since when there is no complete request, in nanoseconds after
	// Server.epoch; 0 while one is answered.
	incomplete atomic.Int64
	stop       chan struct{} // closed by evict; nil unless the answer is put off

	turn      func()      // ends its turn; nil if it has none
	streaming atomic.Bool // the answer is a stream

	stalled atomic.Int64 // since when one piece is read or written, as incomplete; 0: none is
	reading atomic.Int64 // bytes of the room for requests that are held
	writing atomic.Int64 // bytes of the room for answers that are held

	timed bool    // a read deadline is set
	hold  *[]byte // where buf comes from
	buf   []byte  // what was read
	start int     // where in buf the next request begins
	want  int     // bytes of the body that is being read; 0: not known
	req   Request
	out   *[]byte // for the answer; nil: it has not been asked for
	said  Access  // the last answer
}

func newConn(s *Server, nc net.Conn) (*conn, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		nc.Close()
		return nil, errors.New("httpd: no socket")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		nc.Close()
		return nil, err
	}
	_, local := nc.(*net.UnixConn)
	c := &conn{Conn: nc, server: s, local: local, raw: raw}
	c.read = c.readSome
	c.req.conn = c
	c.incomplete.Store(s.now()) // what was only opened may be closed again
	return c, nil
}

// rank says how well a connection without a complete request can be done without: the
// lower the better.
func (c *conn) rank() int {
	switch known, begun := c.known.Load(), c.begun.Load(); {
	case !known && begun:
		return 0
	case !known:
		return 1
	case begun:
		return 2
	case !c.local:
		return 3
	}
	return 4
}

// complete ends the time without a complete request; false if the connection was closed
// in it.
func (c *conn) complete() bool {
	since := c.incomplete.Load()
	return since >= 0 && c.incomplete.CompareAndSwap(since, 0)
}

// evict closes a connection that has had no complete request since then. It reports false if
// that is not so any more.
func (c *conn) evict(since int64) bool {
	if since <= 0 || !c.incomplete.CompareAndSwap(since, evicted) {
		return false
	}
	if c.stop != nil {
		close(c.stop)
	}
	c.Close() // serve sees it
	return true
}

// standstill returns for how long the connection has waited for the client to send or to
// take a piece.
func (c *conn) standstill() time.Duration {
	since := c.stalled.Load()
	if since == 0 {
		return 0
	}
	return time.Duration(c.server.now() - since)
}

// roomForRequest takes room for n bytes more of a request.
func (c *conn) roomForRequest(n int) bool {
	room := c.server.room
	if !room.take(c.server.ctx, &room.requests, int64(n), func(c *conn) bool { return c.reading.Load() > 0 }) {
		return false
	}
	if !c.roomAtAll(n) {
		room.requests.Add(int64(n))
		return false
	}
	c.reading.Add(int64(n))
	return true
}

// roomAtAll takes room for n bytes more of either.
func (c *conn) roomAtAll(n int) bool {
	room := c.server.room
	if !room.take(c.server.ctx, &room.bytes, int64(n), func(c *conn) bool { return c.reading.Load()+c.writing.Load() > 0 }) {
		return false
	}
	if n > collected {
		runtime.GC() // or what had this room before and is garbage now would add up to it
	}
	return true
}

// roomForAnswer takes room for n bytes more of an answer.
func (c *conn) roomForAnswer(n int) bool {
	room := c.server.room
	if !room.take(c.server.ctx, &room.answers, int64(n), func(c *conn) bool { return c.writing.Load() > 0 }) {
		return false
	}
	if !c.roomAtAll(n) {
		room.answers.Add(int64(n))
		return false
	}
	c.writing.Add(int64(n))
	return true
}

// takeTurn waits for the turn of a request that may be much work. endTurn ends it.
func (c *conn) takeTurn() {
	if c.turn == nil {
		c.turn = c.server.room.turn(c.server.ctx)
	}
}

func (c *conn) endTurn() {
	if c.turn != nil {
		c.turn()
		c.turn = nil
	}
}

// giveBack gives back the room that a request and its answer have taken.
func (c *conn) giveBack() {
	room, read, written := c.server.room, c.reading.Swap(0), c.writing.Swap(0)
	room.requests.Add(read)
	room.answers.Add(written)
	room.bytes.Add(read + written)
}

// serve answers requests, one after the other, until one side is done.
func (c *conn) serve() {
	defer func() {
		if p := recover(); p != nil { // of a stream: handle sees all others
			c.server.opts.Crashed(c.peer(), p, debug.Stack())
		}
		c.Close() // at last; what it could say has no hearer
		c.endTurn()
		c.forget()
		c.release()
		c.giveBack()
		c.server.mu.Lock()
		delete(c.server.conns, c)
		c.server.mu.Unlock()
		c.server.room.remove(c)
	}()
	for c.serveOne() {
	}
}

// serveOne reads and answers one request; false when the connection is done.
func (c *conn) serveOne() (goesOn bool) {
	r := &c.req
	pipelined := len(c.buf)-c.start > len("\r\n")
	switch err := c.readHeader(r); {
	case err == errTooLong:
		return c.refuse(431)
	case err == errNoRoom:
		return c.refuse(503)
	case err != nil || !c.complete():
		return false
	}
	if pipelined {
		c.takeTurn()
	}
	keep, linger := c.answer(r)
	c.forget()
	c.shrink()
	c.giveBack()
	if linger {
		c.linger()
	}
	return keep
}

// answer answers a request. It reports whether the connection goes on and, if not, whether
// the client may still have to read the answer.
func (c *conn) answer(r *Request) (keep, linger bool) {
	rep := c.handle(r)
	if r.lost {
		return false, false
	}
	if rep.Reuse && c.out != nil {
		*c.out = rep.Body
	}
	if rep.Status < 400 {
		c.known.Store(true)
	}
	if n := len(rep.Body) - int(c.writing.Load()); n > largeBytes && !c.roomForAnswer(n) {
		// Too many take their time with large answers.
		rep = Refuse(503)
	}
	c.endTurn()
	keep = c.send(r, &rep)
	return keep, !keep && rep.Stream == nil
}

// handle calls the handler.
func (c *conn) handle(r *Request) (rep Reply) {
	defer func() {
		if p := recover(); p != nil {
			c.server.opts.Crashed(c.peer(), p, debug.Stack())
			rep = ErrorReply(500)
		}
	}()
	return c.server.opts.Handler(c.server.ctx, r)
}

// refuse answers what is no request yet. The connection is done then.
func (c *conn) refuse(status int) (goesOn bool) {
	c.req = Request{conn: c, Version: "1.1", Line: "-"}
	rep := Refuse(status)
	rep.Close = true
	c.send(&c.req, &rep)
	c.linger()
	return false
}

// forget lets go of a request and its answer: while the connection is idle it holds
// nothing.
func (c *conn) forget() {
	c.req = Request{conn: c}
	if c.out != nil {
		c.server.putAnswer(c.out)
		c.out = nil
	}
}

// putAnswer takes back a buffer of Request.Buffer.
func (s *Server) putAnswer(b *[]byte) {
	if cap(*b) <= maxAnswer {
		*b = (*b)[:0]
		s.outs.Put(b)
	}
}

// linger lets the client read the last answer: closing while there is something
// unread would throw the answer away.
func (c *conn) linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || c.server.ctx.Err() != nil || half.CloseWrite() != nil {
		return
	}
	c.release()
	c.SetReadDeadline(time.Now().Add(c.server.opts.Limits.Linger)) // as in readHeader
	var scrap [512]byte
	for left := 1 << 20; left > 0; {
		n, err := c.Read(scrap[:])
		if err != nil {
			return
		}
		left -= n
	}
}

// hurry makes the connection end soon: at once if it is idle, else when the
// answer has been written. The context of its handler has ended.
func (c *conn) hurry() {
	if c.evict(c.incomplete.Load()) {
		return
	}
	// Both fail on a closed connection only.
	c.SetReadDeadline(time.Now())
	c.SetWriteDeadline(time.Now().Add(c.server.opts.Limits.Grace))
}

// peer returns how log lines name the client.
func (c *conn) peer() string {
	if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return addr.String()
	}
	return "localhost:0"
}
