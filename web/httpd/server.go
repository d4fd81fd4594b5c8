package httpd

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Handler answers one request. It may wait as long as the answer takes; ctx ends with the
// server, not with the client's connection. The request and all that it holds are valid
// until Handler, or the stream of its reply, returns; a body of more than LongBody bytes is
// never changed.
type Handler func(ctx context.Context, r *Request) Reply

// Options are what a Server is made of.
type Options struct {
	Handler Handler

	// Name is what the field Server says, and Fields are header lines of every answer,
	// each with its CRLF.
	Name   string
	Fields string

	// Access is told of each answer when it has been written. It keeps none of that. Nil:
	// nobody is.
	Access func(*Access)
	// Crashed is told of a panic, of which the client gets to know as status 500. Nil:
	// nobody is.
	Crashed func(peer string, value any, stack []byte)
	// Large is called after each answer of more than 64 KiB. Nil: nothing is.
	Large func()

	// Room is what this server shares with others; nil: it has 1024 connections for
	// itself.
	Room *Room

	Limits Limits // the zero value: those of DefaultLimits
}

// Access is an answer that has been written.
type Access struct {
	conn   *conn
	Line   string // the first line of the request, as it came; "-" if there was none
	Status int
	Size   int64 // bytes, with the header
	At     time.Time
}

// Peer returns who got the answer: the address, or "localhost:0" for a unix socket.
func (a *Access) Peer() string { return a.conn.peer() }

// Limits are the times a client may take. An idle connection has none: somebody who calls
// once an hour does not expect to be forgotten.
type Limits struct {
	Header time.Duration // from the first byte of a request to the end of its header
	Body   time.Duration // for the rest of the request
	Write  time.Duration // to take 256 KiB of an answer
	Stall  time.Duration // to take a piece of a stream, unless its Reply says otherwise: a reader may be suspended
	Linger time.Duration // to read the last answer before the connection is closed
	Grace  time.Duration // for answers on their way when the server closes
}

// DefaultLimits returns the limits of a server that says nothing of them.
func DefaultLimits() Limits {
	return Limits{
		Header: time.Minute,
		Body:   5 * time.Minute,
		Write:  16 * time.Second,
		Stall:  10 * time.Minute,
		Linger: 2 * time.Second,
		Grace:  2 * time.Second,
	}
}

// MaxBody is the greatest body of a request for which there is room, in bytes.
const MaxBody = 64 << 20

// LongBody is the greatest body whose memory is used again, in bytes.
const LongBody = maxPooled

const (
	maxHeader    = 64 << 10 // bytes: who sends it need not have logged in
	firstBuffer  = 4 << 10  // enough for nearly every request and answer
	maxPooled    = 64 << 10 // greater buffers are left to the collector
	maxAnswer    = 2 << 20  // the same for those of whole answers
	largeAnswer  = 64 << 10 // bytes; more than that is told to Large
	pieceOfWrite = 256 << 10
	collected    = 8 << 20 // bytes that are not taken before garbage has been collected
	acceptPause  = time.Second
)

// Server answers the clients of one listener.
type Server struct {
	opts   Options
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
}

// NewServer returns a server that Serve makes work.
func NewServer(opts Options) *Server {
	if opts.Room == nil {
		opts.Room = NewRoom(defaultConnections)
	}
	if opts.Limits == (Limits{}) {
		opts.Limits = DefaultLimits()
	}
	if opts.Access == nil {
		opts.Access = func(*Access) {}
	}
	if opts.Crashed == nil {
		opts.Crashed = func(string, any, []byte) {}
	}
	if opts.Large == nil {
		opts.Large = func() {}
	}
	s := &Server{opts: opts, epoch: time.Now(), room: opts.Room, conns: make(map[*conn]struct{})}
	newBuffer := func() any { b := make([]byte, 0, firstBuffer); return &b }
	s.reads.New, s.bufs.New, s.outs.New = newBuffer, newBuffer, newBuffer
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
			s.room.makeRoom(s.ctx, acceptPause)
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
		s.room.makeRoom(s.ctx, acceptPause)
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
	s.mu.Unlock()
	force := time.AfterFunc(s.opts.Limits.Grace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			c.Close()
		}
	})
	defer force.Stop()
	s.closed.Wait()
}

// Connections returns how many clients are connected.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Context returns what ends in Close.
func (s *Server) Context() context.Context { return s.ctx }

// getBuffer returns an empty buffer, putBuffer takes it back.
func (s *Server) getBuffer() *[]byte { return s.bufs.Get().(*[]byte) }

func (s *Server) putBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		*b = (*b)[:0]
		s.bufs.Put(b)
	}
}

// now returns the nanoseconds since the server was made; never 0.
func (s *Server) now() int64 { return int64(time.Since(s.epoch)) + 1 }
