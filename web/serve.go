package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	pathpkg "path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// Options are what a Server is made of.
type Options struct {
	Config  ListenConfig // credentials, and how log lines name the server
	Version string       // Supervisor's, shown on the status page
	Backend Backend
	Log     Logger
	Stderr  io.Writer // the two lines Supervisor writes there; nil: nowhere

	// RPC answers the XML-RPC call in body: an HTTP status and, if that is 200,
	// dst with the answer appended. It does not keep dst, and body only if that has more
	// than 64 KiB. It may wait as
	// long as the call takes; ctx ends with the server, not with the client's
	// connection. Before it takes n bytes more than are in body and dst, it asks room
	// whether it may; if not, the status is 503.
	RPC func(ctx context.Context, body, dst []byte, room func(n int) bool) (answer []byte, status int)

	// Disk makes a call that looks at a log or reads of one, so that not too many
	// threads wait for a disk at a time. If the call was not made its error is that of
	// ctx, or os.ErrDeadlineExceeded after some time. Nil: defaultReaders at a time.
	Disk func(ctx context.Context, call func()) error

	// Large, if it is not nil, is called after each answer of more than 64 KiB.
	Large func()

	MaxBody int // greatest body of a request in bytes; 0 means 64 MiB

	// Room is what this server shares with others; nil: it has 1024 connections for
	// itself.
	Room *Room

	pages  pager
	routes []route
	limits limits
}

// limits are the times a client may take. An idle connection has none: an event
// listener that calls once an hour does not expect to be forgotten, and
// Supervisor's own client does not connect again.
type limits struct {
	header time.Duration // from the first byte of a request to the end of its header
	body   time.Duration // for the rest of the request
	write  time.Duration // to take pieceOfWrite bytes of an answer
	stall  time.Duration // to take a piece of a stream: a reader may be suspended
	linger time.Duration // to read the last answer before the connection is closed
	grace  time.Duration // for answers on their way when the server closes
	login  time.Duration // by which the answer to a first wrong password is put off
}

const (
	maxHeader    = 64 << 10 // bytes: who sends it need not have logged in
	maxBody      = 64 << 20 // bytes
	firstBuffer  = 4 << 10  // enough for nearly every request and answer
	maxPooled    = 64 << 10 // greater buffers are left to the collector
	maxAnswer    = 2 << 20  // the same for those of whole answers
	firstWrite   = 16 << 10 // bytes of a body that go out with the header
	largeAnswer  = 64 << 10 // bytes; more than that is told to Large
	pieceOfWrite = 256 << 10
	collected    = 8 << 20 // bytes of a request and its answer that are not left to be garbage for a while
	acceptPause  = time.Second
)

// Server answers the clients of one listener. After Medusa, as Supervisor has it
// in http.py: what a request has to look like, and what is answered to one that
// does not, is not what net/http thinks.
type Server struct {
	opts   Options
	auth   credentials
	hosts  hosts
	failed failures        // of logins
	ctx    context.Context // ends in Close
	cancel context.CancelFunc
	epoch  time.Time
	reads  sync.Pool // of *[]byte, for requests
	bufs   sync.Pool // of *[]byte, for pieces of answers
	outs   sync.Pool // of *[]byte, for whole answers
	room   *Room
	closed sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
	watcher  *watcher // made for the first log stream; nil if there is none

	newWatcher func() (*watcher, error) // makes watcher
}

// NewServer returns a server that Serve makes work.
func NewServer(opts Options) *Server {
	if opts.MaxBody == 0 {
		opts.MaxBody = maxBody
	}
	if opts.Room == nil {
		opts.Room = NewRoom(defaultConnections)
	}
	if opts.pages == nil {
		opts.pages = newUI(opts.Backend, opts.Version, opts.Log)
	}
	if opts.routes == nil {
		opts.routes = routes
	}
	if opts.Stderr == nil {
		opts.Stderr = io.Discard
	}
	if opts.Disk == nil {
		opts.Disk = boundedReaders(defaultReaders)
	}
	if opts.limits == (limits{}) {
		opts.limits = limits{
			header: time.Minute,
			body:   5 * time.Minute,
			write:  16 * time.Second,
			stall:  10 * time.Minute,
			linger: 2 * time.Second,
			grace:  2 * time.Second,
			login:  200 * time.Millisecond,
		}
	}
	s := &Server{
		opts:  opts,
		auth:  credentials{opts.Config.Username, opts.Config.Password},
		hosts: hostsOf(opts.Config),
		epoch: time.Now(),
		room:  opts.Room,
		conns: make(map[*conn]struct{}),

		newWatcher: newWatcher,
	}
	s.bufs.New = func() any { b := make([]byte, 0, firstBuffer); return &b }
	s.outs.New, s.reads.New = s.bufs.New, s.bufs.New
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve accepts connections from l until Close, and then returns nil. It returns
// an error only if l was closed otherwise.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listener = l
	s.mu.Unlock()
	if s.ctx.Err() != nil {
		return l.Close()
	}
	for {
		nc, err := l.Accept()
		switch {
		case s.ctx.Err() != nil:
			if err == nil {
				nc.Close() // nobody is there to be told of an error
			}
			return nil
		case err == nil:
			s.admit(nc)
		case errors.Is(err, net.ErrClosed):
			return err // closed by somebody else
		case errors.Is(err, syscall.ECONNABORTED):
			// The client has gone; the next one may not have.
		default:
			// No descriptors or memory left, or a network that is down: it may
			// be better when a connection has ended, or in a while.
			s.room.make(s.ctx, acceptPause)
		}
	}
}

// admit starts to serve a connection, once there is room for it.
func (s *Server) admit(nc net.Conn) {
	c, err := newConn(s, nc)
	if err != nil {
		return
	}
	for !s.room.add(c) {
		s.room.make(s.ctx, acceptPause)
		if s.ctx.Err() != nil {
			nc.Close() // the client has not been promised anything yet
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		s.room.remove(c)
		nc.Close() // as above
		return
	}
	s.conns[c] = struct{}{}
	s.closed.Go(c.serve)
}

// Close closes the listener and every connection, and returns when no handler
// runs any more. Streams end as they are, without a mark; an answer on its way
// gets a moment to be written.
func (s *Server) Close() {
	s.mu.Lock()
	s.cancel()
	if s.listener != nil {
		s.listener.Close() // its socket file is gone or not ours: nothing to do about it
	}
	for c := range s.conns {
		c.hurry()
	}
	watcher := s.watcher
	s.watcher = nil
	s.mu.Unlock()
	force := time.AfterFunc(s.opts.limits.grace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			c.Close()
		}
	})
	defer force.Stop()
	s.closed.Wait()
	if watcher != nil {
		watcher.close()
	}
}

// getBuffer returns an empty buffer, putBuffer takes it back.
func (s *Server) getBuffer() *[]byte { return s.bufs.Get().(*[]byte) }

func (s *Server) putBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		*b = (*b)[:0]
		s.bufs.Put(b)
	}
}

// getAnswer returns an empty buffer for the answer of c, putAnswer takes it back.
func (s *Server) getAnswer(c *conn) *[]byte {
	out := s.outs.Get().(*[]byte)
	if cap(*out) > firstBuffer && !c.roomForAnswer(cap(*out)) {
		s.outs.Put(out)
		return s.getBuffer()
	}
	return out
}

func (s *Server) putAnswer(b *[]byte) {
	if cap(*b) <= maxAnswer {
		*b = (*b)[:0]
		s.outs.Put(b)
	}
}

// answer finds out what to reply to a request. The body of the reply may be in
// out. exact is whether keepAlive has to be.
func (s *Server) answer(c *conn, r *request, out *[]byte) (rep reply, exact bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("%s:Server Error: %v\n%s", c.peer(), p, debug.Stack())
			rep, exact, err = errorReply(500), false, nil
		}
	}()
	if host, _ := r.header.get("Host"); !s.hosts.allow(host) {
		return wrongHost(host), false, nil
	}
	rt, refusal := find(s.opts.routes, r)
	if rt == nil || !rt.public {
		if status := s.auth.check(r.header, s.opts.Stderr); status != 0 {
			rep, err = s.refuseLogin(c, r, status)
			return rep, false, err
		}
	}
	if rt == nil {
		return errorReply(refusal), false, nil
	}
	rep, err = rt.answer(s, c, r, out)
	return rep, rt.exact, err
}

// call answers an XML-RPC call.
func (s *Server) call(c *conn, r *request, out *[]byte) reply {
	if len(r.body) == 0 {
		return errorReply(400)
	}
	answer, status := s.opts.RPC(s.ctx, r.body, *out, c.roomForAnswer)
	if status != 200 {
		return refused(status)
	}
	*out = answer // it may have grown
	return reply{status: status, header: xmlFields, body: answer}
}

var xmlFields = []field{{"Content-Type", "text/xml"}}

// refused is the reply to a request whose body was not read, or that has no answer. One
// that is too long is not waited for either.
func refused(status int) reply {
	if status == 0 {
		return reply{} // there was an error
	}
	rep := errorReply(status)
	rep.close = status == 413 || status == 503
	return rep
}

// page answers with a page.
func (s *Server) page(_ *conn, r *request, _ *[]byte) reply {
	if r.params == "" {
		if rep, ok := s.opts.pages.serve(s.ctx, r); ok {
			return rep
		}
	}
	return errorReply(404) // params: Supervisor never answers
}

// static answers with a file, or 404.
func (s *Server) static(_ *conn, r *request, _ *[]byte) reply {
	path := unescape(r.path)
	// A rooted path cannot leave its root by way of dots.
	name := pathpkg.Clean("/" + path)[1:]
	if name == "images" || name == "stylesheets" {
		if strings.HasSuffix(path, "/") {
			return errorReply(404)
		}
		return errorReply(301, field{"Location", "/" + name + "/"})
	}
	file, ok := s.opts.pages.static(name)
	if !ok {
		return errorReply(404)
	}
	modified := file.modified.Truncate(time.Second)
	if unmodified(r, len(file.body), modified) {
		return reply{status: 304}
	}
	rep := reply{status: 200, body: file.body, header: []field{
		{"Last-Modified", modified.UTC().Format(dateFormat)},
		{"Content-Length", itoa(len(file.body))},
		{"Content-Type", file.contentType},
	}}
	return rep
}

// unmodified reports whether the client says that it has the file as it is, by
// its time and perhaps its length: "If-Modified-Since: DATE; length=N".
func unmodified(r *request, size int, modified time.Time) bool {
	value, ok := r.header.get("If-Modified-Since")
	if !ok {
		return false
	}
	date, length, ok := strings.Cut(value, "; length=")
	if ok && length != itoa(size) {
		return false
	}
	since, err := parseDate(date)
	return err == nil && !modified.After(since)
}

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
	known  atomic.Bool           // it has had a complete request, with a login if that is asked for
	begun  atomic.Bool           // a request has begun

	// incomplete is since when there is no complete request, in nanoseconds after
	// Server.epoch; 0 while one is answered.
	incomplete atomic.Int64
	stop       chan struct{} // closed by evict; nil unless the connection waits for its time

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
	req   request
	line  accessLine
}

func newConn(s *Server, nc net.Conn) (*conn, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		nc.Close()
		return nil, errors.New("web: no socket")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		nc.Close()
		return nil, err
	}
	_, local := nc.(*net.UnixConn)
	c := &conn{Conn: nc, server: s, local: local, raw: raw}
	c.read = c.readSome
	c.line.conn = c
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
	return room.take(c.server.ctx, &room.bytes, int64(n), func(c *conn) bool { return c.reading.Load()+c.writing.Load() > 0 })
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
	if read+written > collected {
		runtime.GC() // or what is garbage now and what takes its room next would add up
	}
	room.requests.Add(read)
	room.answers.Add(written)
	room.bytes.Add(read + written)
}

// now returns the nanoseconds since the server was made; never 0.
func (s *Server) now() int64 { return int64(time.Since(s.epoch)) + 1 }

// serve answers requests, one after the other, until one side is done.
func (c *conn) serve() {
	defer func() {
		if p := recover(); p != nil { // of a stream: answer sees all others
			c.server.opts.Log.Error("%s:Server Error: %v\n%s", c.peer(), p, debug.Stack())
		}
		c.Close() // at last; what it could say has no hearer
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
func (c *conn) serveOne() bool {
	r := &c.req
	pipelined := len(c.buf)-c.start > len("\r\n")
	defer c.endTurn() // of a request without an answer
	err := c.readHeader(r)
	if errors.Is(err, errTooLong) || errors.Is(err, errNoRoom) {
		*r = request{version: "1.1", line: "-"}
		rep := errorReply(map[bool]int{true: 431, false: 503}[err == errTooLong])
		rep.close = true
		c.send(r, &rep, false)
		c.linger()
		return false
	}
	if err != nil || !c.complete() {
		return false
	}
	if pipelined {
		c.takeTurn()
	}
	out := c.server.getAnswer(c)
	defer c.server.putAnswer(out)
	rep, exact, err := c.server.answer(c, r, out)
	if err != nil {
		return false
	}
	if rep.status != 401 {
		c.known.Store(true)
	}
	if n := len(rep.body) - int(c.writing.Load()); n > largeBytes && !c.roomForAnswer(n) {
		// Too many take their time with large answers.
		rep, exact = errorReply(503), false
		rep.close = true
	}
	c.endTurn()
	keep := c.send(r, &rep, exact)
	*r = request{} // hold nothing while idle
	c.shrink()
	c.giveBack()
	if !keep && rep.stream == nil {
		c.linger()
	}
	return keep
}

var (
	errTooLong = errors.New("header too long")
	errNoRoom  = errors.New("no room for a header of that length")
)

// readHeader reads until the end of the next header block.
func (c *conn) readHeader(r *request) error {
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
				c.SetReadDeadline(time.Now().Add(c.server.opts.limits.header)) // as above
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

// readBody reads the body of r, of limit bytes at most. A status says why it was not read, an error
// that the connection is done. No length and a negative one is an empty body,
// for which Supervisor waits forever.
func (c *conn) readBody(r *request, limit int) (status int, err error) {
	length := r.framing.length
	if r.framing.status != 0 {
		return r.framing.status, nil
	}
	if length > limit {
		return 413, nil
	}
	if length > firstBuffer && !c.roomForRequest(length) {
		return 503, nil
	}
	if err := c.await(length); err != nil {
		return 0, err
	}
	r.body = c.buf[c.start : c.start+length : c.start+length]
	c.start += length
	r.read = true
	if !utf8.Valid(r.body) {
		return 400, nil
	}
	return 0, nil
}

// send writes a reply, and reports whether the connection stays open.
func (c *conn) send(r *request, rep *reply, exact bool) (keep bool) {
	now := time.Now()
	if rep.stream != nil {
		if c.roomForStream() {
			defer c.server.room.streams.Add(1)
			c.stream(r, rep, now)
			return false
		}
		ended, cancel := context.WithCancel(c.server.ctx)
		cancel()
		_ = rep.stream(ended, io.Discard) // it has something to close
		*rep = errorReply(503)
		rep.close = true
	}
	keep = !rep.close && r.ends() && keepAlive(r, exact)
	length := len(rep.body)
	if r.method == "HEAD" {
		rep.body = nil
	}
	if rep.status == 304 {
		length = -1
		keep = keep && r.version != "1.0" // as for any answer without a length
	}
	hold := c.server.getBuffer()
	defer c.server.putBuffer(hold)
	out := appendHead(*hold, r.version, rep, length, now)
	switch {
	case keep && r.version == "1.0":
		out = append(out, "Connection: Keep-Alive\r\n"...)
	case !keep && keepAlive(r, exact) && !rep.has("Connection"):
		out = append(out, "Connection: close\r\n"...)
	}
	out = append(out, "\r\n"...)
	size := len(out) + len(rep.body)
	rest := rep.body
	if first := min(len(rest), firstWrite-len(out)); first > 0 {
		out, rest = append(out, rest[:first]...), rest[first:]
	}
	*hold = out
	err := c.write(out, c.server.opts.limits.write)
	for len(rest) > 0 && err == nil {
		piece := rest[:min(len(rest), pieceOfWrite)]
		rest = rest[len(piece):]
		err = c.write(piece, c.server.opts.limits.write)
	}
	c.logAccess(r.line, rep.status, int64(size), now)
	if large := c.server.opts.Large; large != nil && size > largeAnswer {
		large()
	}
	if keep && err == nil {
		err = c.discard(r.unread())
	}
	return keep && err == nil && c.server.ctx.Err() == nil
}

// discard reads n bytes that nobody wants.
func (c *conn) discard(n int) error {
	if n == 0 {
		return nil
	}
	if err := c.await(n); err != nil {
		return err
	}
	c.start += n
	return nil
}

// await reads until n bytes of a body are in buf.
func (c *conn) await(n int) error {
	if len(c.buf)-c.start >= n {
		return nil
	}
	c.begin()
	c.want = n
	defer func() { c.want = 0 }()
	for len(c.buf)-c.start < n {
		if !c.timed {
			c.timed = true
			c.SetReadDeadline(time.Now().Add(c.server.opts.limits.body)) // as in readHeader
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

// write writes p within the time given, or less if the server is closing.
func (c *conn) write(p []byte, within time.Duration) error {
	if c.server.ctx.Err() != nil {
		within = min(within, c.server.opts.limits.grace)
	}
	if err := c.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	c.stalled.Store(c.server.now())
	defer c.stalled.Store(0)
	_, err := c.Write(p)
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
func (c *conn) stream(r *request, rep *reply, now time.Time) {
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
	w := &streamWriter{conn: c, chunked: r.version == "1.1" && keepAlive(r, false)}
	out := appendHead(nil, r.version, rep, -1, now)
	if w.chunked {
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	out = append(out, "\r\n"...)
	w.size = int64(len(out))
	if err := c.write(out, c.server.opts.limits.stall); err != nil {
		cancel() // the stream is run all the same: it has something to close
	}
	err := rep.stream(ctx, w)
	if err == nil && ctx.Err() == nil && w.chunked {
		// A stream that ended by itself, as no log does. Supervisor's client
		// does not know the last chunk.
		_ = c.write([]byte("0\r\n\r\n"), c.server.opts.limits.write) // closes in any case
	}
	c.Close() // and so ends the reader
	<-gone
	cancel()
	c.logAccess(r.line, rep.status, w.size, now)
}

// streamWriter sends each Write to the client at once.
type streamWriter struct {
	conn    *conn
	chunked bool
	size    int64 // bytes sent
}

func (w *streamWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil // an empty chunk would be the last
	}
	out := p
	if w.chunked {
		hold := w.conn.server.getBuffer()
		defer w.conn.server.putBuffer(hold)
		out = strconv.AppendInt(*hold, int64(len(p)), 16)
		out = append(out, "\r\n"...)
		out = append(out, p...)
		out = append(out, "\r\n"...)
		*hold = out
	}
	if err := w.conn.write(out, w.conn.server.opts.limits.stall); err != nil {
		return 0, err
	}
	w.size += int64(len(out))
	return len(p), nil
}

// linger lets the client read the last answer: closing while there is something
// unread would throw the answer away.
func (c *conn) linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || c.server.ctx.Err() != nil || half.CloseWrite() != nil {
		return
	}
	c.release()
	c.SetReadDeadline(time.Now().Add(c.server.opts.limits.linger)) // as in readHeader
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
	c.SetWriteDeadline(time.Now().Add(c.server.opts.limits.grace))
}

// peer returns how log lines name the client.
func (c *conn) peer() string {
	if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return addr.String()
	}
	return "localhost:0"
}

// accessLine is the log line of one answer, put together only if it is wanted.
type accessLine struct {
	conn    *conn
	request string
	status  int
	size    int64 // bytes, with the header
	at      time.Time
}

// String has the time in UTC and yet the local offset, as Supervisor has it.
func (l *accessLine) String() string {
	return fmt.Sprintf(`%s - - [%s%s] "%s" %d %d`, l.conn.peer(), l.at.UTC().Format("02/Jan/2006:15:04:05 "),
		l.at.Local().Format("-0700"), l.request, l.status, l.size)
}

// logAccess logs an answer. Supervisor takes a line with "error" in it for one.
func (c *conn) logAccess(line string, status int, size int64, at time.Time) {
	line = loggable(line)
	c.line.request, c.line.status, c.line.size, c.line.at = line, status, size, at
	if saysError(line) {
		c.server.opts.Log.Error("%s", &c.line)
	} else {
		c.server.opts.Log.Trace("%s", &c.line)
	}
	c.line.request = ""
}

// maxLogged is how much of a request line is logged. Who sends it need not be known.
const maxLogged = 1 << 10

// loggable returns a request line so that it stays one line, of a limited length, and
// does nothing to a terminal.
func loggable(line string) string {
	if len(line) > maxLogged {
		line = strings.ToValidUTF8(line[:maxLogged], "") + "..."
	}
	if !strings.ContainsFunc(line, unicode.IsControl) {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// saysError reports whether s contains "error" in any case.
func saysError(s string) bool {
	for i := 0; i+5 <= len(s); i++ {
		if s[i]|0x20 == 'e' && strings.EqualFold(s[i:i+5], "error") {
			return true
		}
	}
	return false
}
