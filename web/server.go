package web

import (
	"context"
	"io"
	"net"
	pathpkg "path"
	"strconv"
	"strings"
	"sync"
	"time"

	"supervisor/web/api"
	"supervisor/web/httpd"
	"supervisor/xmlrpc"
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
	// than 64 KiB. It may wait as long as the call takes; ctx ends with the server, not
	// with the client's connection. Before it takes n bytes more than are in body and dst,
	// it asks room whether it may; if not, the status is 503.
	RPC func(ctx context.Context, body, dst []byte, room func(n int) bool) (answer []byte, status int)

	// API is asked by the operations below /api/v1. Nil: there are none.
	API api.Backend

	// Disk makes a call that looks at a log or reads of one, so that not too many
	// threads wait for a disk at a time. If the call was not made its error is that of
	// ctx, or os.ErrDeadlineExceeded after some time. Nil: defaultReaders at a time.
	Disk func(ctx context.Context, call func()) error

	// Large, if it is not nil, is called after each answer of more than 64 KiB.
	Large func()

	MaxBody int // greatest body of a call in bytes; 0 means 64 MiB

	// Room is what this server shares with others; nil: it has 1024 connections for
	// itself.
	Room *Room

	pages  pager
	routes []route
	limits httpd.Limits  // the zero value: the usual ones
	delay  time.Duration // of the answer to a first wrong password; 0: 0.2 s
}

// Room is what the connections of all servers that share it may take.
type Room = httpd.Room

// NewRoom returns room for so many connections.
func NewRoom(connections int) *Room { return httpd.NewRoom(connections) }

// What every page deals with.
type (
	request = httpd.Request
	reply   = httpd.Reply
	field   = httpd.Field
)

// Server answers the clients of one listener, by the table of routes.
type Server struct {
	opts   Options
	auth   credentials
	hosts  hosts
	failed failures // of logins
	http   *httpd.Server

	mu      sync.Mutex
	closed  bool
	watcher *watcher // made for the first log stream; nil if there is none

	newWatcher func() (*watcher, error) // makes watcher
	pieces     sync.Pool                // of *[tailPiece]byte: a stream that waits holds none
}

// NewServer returns a server that Serve makes work.
func NewServer(opts Options) *Server {
	if opts.MaxBody == 0 {
		opts.MaxBody = httpd.MaxBody
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
	if opts.delay == 0 {
		opts.delay = 200 * time.Millisecond
	}
	s := &Server{
		opts:  opts,
		auth:  credentials{opts.Config.Username, opts.Config.Password},
		hosts: hostsOf(opts.Config),

		newWatcher: newWatcher,
	}
	s.pieces.New = func() any { return new([tailPiece]byte) }
	s.http = httpd.NewServer(httpd.Options{
		Handler: s.answer, Name: "Medusa/1.12", Fields: guards,
		Access: s.logAccess, Crashed: s.logCrash, Large: opts.Large,
		Room: opts.Room, Limits: opts.limits,
	})
	return s
}

// guards are fields of every answer: a browser takes it for nothing but what it says it is,
// and gives it to no page of another site.
const guards = "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"

// Serve accepts connections from l until Close, and then returns nil. It returns
// an error only if l was closed otherwise.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// Close closes the listener and every connection, and returns when no handler
// runs any more. Streams end as they are, without a mark; an answer on its way
// gets a moment to be written.
func (s *Server) Close() {
	s.mu.Lock()
	watcher := s.watcher
	s.watcher, s.closed = nil, true
	s.mu.Unlock()
	s.http.Close()
	if watcher != nil {
		watcher.close()
	}
}

// answer finds out what to reply to a request.
func (s *Server) answer(ctx context.Context, r *request) reply {
	if host, _ := r.Header.Get("Host"); !s.hosts.allow(host) {
		return wrongHost(host)
	}
	rt, refusal := find(s.opts.routes, r)
	if status := s.auth.check(r.Header, s.opts.Stderr); status != 0 {
		return s.refuseLogin(r, status)
	}
	if rt == nil {
		return httpd.ErrorReply(refusal)
	}
	return rt.answer(ctx, s, r)
}

// What an xmlrpc.Server does not copy of a body, nobody may change: this does not compile if
// httpd would.
const _ = uint(xmlrpc.KeptBody - httpd.LongBody)

// call answers an XML-RPC call.
func (s *Server) call(ctx context.Context, r *request) reply {
	if len(r.Body) == 0 {
		return httpd.ErrorReply(400)
	}
	answer, status := s.opts.RPC(ctx, r.Body, r.Buffer(), r.Room)
	if status != 200 {
		return httpd.Refuse(status)
	}
	return reply{Status: status, Header: xmlFields, Body: answer, Reuse: true}
}

var xmlFields = []field{{"Content-Type", "text/xml"}}

// page answers with a page.
func (s *Server) page(ctx context.Context, r *request) reply {
	if r.Params == "" {
		if rep, ok := s.opts.pages.serve(ctx, r); ok {
			return rep
		}
	}
	return httpd.ErrorReply(404) // params: Supervisor never answers
}

// static answers with a file, or 404.
func (s *Server) static(_ context.Context, r *request) reply {
	path := httpd.Unescape(r.Path)
	// A rooted path cannot leave its root by way of dots.
	name := pathpkg.Clean("/" + path)[1:]
	if name == "images" || name == "stylesheets" {
		if strings.HasSuffix(path, "/") {
			return httpd.ErrorReply(404)
		}
		return httpd.ErrorReply(301, field{"Location", "/" + name + "/"})
	}
	file, ok := s.opts.pages.static(name)
	if !ok {
		return httpd.ErrorReply(404)
	}
	modified := file.modified.Truncate(time.Second)
	if unmodified(r, len(file.body), modified) {
		return reply{Status: 304}
	}
	rep := reply{Status: 200, Body: file.body, Header: []field{
		{"Last-Modified", modified.UTC().Format(httpd.DateFormat)},
		{"Content-Length", strconv.Itoa(len(file.body))},
		{"Content-Type", file.contentType},
	}}
	return rep
}

// unmodified reports whether the client says that it has the file as it is, by
// its time and perhaps its length: "If-Modified-Since: DATE; length=N".
func unmodified(r *request, size int, modified time.Time) bool {
	value, ok := r.Header.Get("If-Modified-Since")
	if !ok {
		return false
	}
	date, length, ok := strings.Cut(value, "; length=")
	if ok && length != strconv.Itoa(size) {
		return false
	}
	since, err := httpd.ParseDate(date)
	return err == nil && !modified.After(since)
}
