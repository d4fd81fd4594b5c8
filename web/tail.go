package web

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"supervisor/web/httpd"
)

const (
	// tailSize is how much of a log a stream begins with, in bytes.
	tailSize = 1024
	// tailPiece is how much is read of a log at a time.
	tailPiece = 8 << 10
	// tailInterval is how often a log is looked at where the kernel does not
	// tell of changes.
	tailInterval = 500 * time.Millisecond
	// truncated is what a client is told when a log became shorter.
	truncated = "==> File truncated <==\n"
)

// processLog answers /logtail/NAMESPEC[/CHANNEL] with a stream of that log.
func (s *Server) processLog(ctx context.Context, r *request) reply {
	_, rest, ok := strings.Cut(strings.TrimLeft(httpd.Unescape(r.Path), "/"), "/")
	if !ok {
		return httpd.ErrorReply(500) // as Supervisor; a name is missing
	}
	namespec, channel, ok := strings.Cut(rest, "/")
	if !ok {
		channel = "stdout"
	}
	if channel != "stdout" && channel != "stderr" {
		return httpd.ErrorReply(404)
	}
	path, err := s.opts.Backend.LogPath(ctx, namespec, channel)
	if err != nil {
		return httpd.ErrorReply(404)
	}
	return s.stream(ctx, path, field{"X-Accel-Buffering", "no"})
}

// mainLog answers /mainlogtail with a stream of the daemon's own log.
func (s *Server) mainLog(ctx context.Context, _ *request) reply {
	return s.stream(ctx, s.opts.Backend.MainLogPath(ctx))
}

// stream returns the stream of the log at path.
func (s *Server) stream(ctx context.Context, path string, fields ...field) reply {
	if path == "" {
		return httpd.ErrorReply(404)
	}
	var file *os.File
	var info os.FileInfo
	var err error
	if busy := s.opts.Disk(ctx, func() { file, info, err = openLog(path) }); busy != nil {
		return httpd.ErrorReply(503)
	}
	if err != nil {
		return httpd.ErrorReply(404)
	}
	fields = append([]field{
		{"Last-Modified", info.ModTime().UTC().Format(httpd.DateFormat)},
		{"Content-Type", "text/plain;charset=utf-8"},
	}, fields...)
	t := &tail{server: s, path: path, file: file, offset: max(0, info.Size()-tailSize)}
	return reply{Status: 200, Header: fields, Stream: t.run}
}

// defaultReaders is how many calls at a time look at logs, or read of them, if nobody says.
const defaultReaders = 8

// boundedReaders makes an Options.Disk for n calls at a time.
func boundedReaders(n int) func(context.Context, func()) error {
	places := make(chan struct{}, n)
	return func(ctx context.Context, call func()) error {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-places }()
		call()
		return nil
	}
}

// look makes a call that looks at a log for a stream, which has time. Its error is that of
// ctx.
func (s *Server) look(ctx context.Context, call func()) error {
	for {
		if err := s.opts.Disk(ctx, call); !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

// openLog opens a log that can be read from any place: neither a pipe nor a
// terminal. Those are not even opened, which could take from others what is for them.
func openLog(path string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err == nil { // it may be another one by now
		err = regular(info)
	}
	if err != nil {
		file.Close() // was only read
		return nil, nil, err
	}
	return file, info, nil
}

// regular is an error unless info is that of a regular file.
func regular(info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New(info.Name() + ": not a regular file")
	}
	return nil
}

// tail sends a log as it grows.
type tail struct {
	server *Server
	path   string
	file   *os.File
	offset int64 // of file, what has been sent
}

// run sends the end of the log and then what is added, until ctx ends or w
// fails. A log that was replaced is read to its end before the new one; one
// that was truncated begins again, behind a mark.
func (t *tail) run(ctx context.Context, w io.Writer) error {
	defer func() { t.file.Close() }() // was only read
	changes := t.server.subscribe()
	defer changes.close()
	// Watch first and look then, so that nothing happens in between unseen.
	if err := changes.watch(ctx, t.path); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := t.drain(ctx, w); err != nil {
			return err
		}
		var next *os.File
		if err := t.server.look(ctx, func() { next = t.successor() }); err != nil {
			return err
		}
		if next == nil {
			if err := changes.wait(ctx); err != nil {
				return err
			}
			continue
		}
		// What was written between the last read and the replacement.
		err := t.drain(ctx, w)
		t.file.Close() // was only read
		t.file, t.offset = next, 0
		if err != nil {
			return err
		}
		if err := changes.watch(ctx, t.path); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// drain sends what the file holds behind offset.
func (t *tail) drain(ctx context.Context, w io.Writer) error {
	for {
		more, err := t.sendPiece(ctx, w)
		if err != nil || !more {
			return err
		}
	}
}

// sendPiece sends a piece of what the file holds behind offset. It reports false if there
// was nothing.
func (t *tail) sendPiece(ctx context.Context, w io.Writer) (more bool, err error) {
	hold := t.server.pieces.Get().(*[tailPiece]byte)
	defer t.server.pieces.Put(hold)
	buf := hold[:]
	n, cut := 0, false
	if busy := t.server.look(ctx, func() { n, cut, err = t.read(buf) }); busy != nil {
		return false, busy
	}
	switch {
	case err != nil:
		return false, err
	case cut:
		t.offset = 0
		_, err = io.WriteString(w, truncated)
	case n > 0:
		t.offset += int64(n)
		_, err = w.Write(buf[:n])
	}
	return cut || n > 0, err
}

// read reads what is behind offset. If there is nothing because the file has become
// shorter than that, it was cut.
func (t *tail) read(buf []byte) (n int, cut bool, err error) {
	n, err = t.file.ReadAt(buf, t.offset)
	if n > 0 {
		return n, false, nil // an error comes again
	}
	if err != io.EOF {
		return 0, false, err
	}
	info, err := t.file.Stat()
	return 0, err == nil && info.Size() < t.offset, err
}

// successor opens the file that has taken the path; nil if none has. A path
// that has vanished has none yet.
func (t *tail) successor() *os.File {
	now, err := os.Stat(t.path)
	if err != nil {
		return nil
	}
	info, err := t.file.Stat()
	if err != nil || os.SameFile(now, info) {
		return nil
	}
	next, opened, err := openLog(t.path)
	if err != nil {
		return nil
	}
	if os.SameFile(opened, info) {
		next.Close() // was only read
		return nil
	}
	return next
}

// changes tells when something may have happened to one log.
type changes struct {
	server        *Server
	path          string
	*subscription              // nil where the kernel does not tell
	ticker        *time.Ticker // instead; nil as long as it does
}

// subscribe returns changes, by way of the watcher that all streams of the
// server share.
func (s *Server) subscribe() *changes { return &changes{server: s} }

// sharedWatcher returns the watcher, nil where there is none. One that could not
// be made, for want of descriptors or instances, is tried again with each call.
func (s *Server) sharedWatcher() *watcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watcher == nil && !s.closed {
		s.watcher, _ = s.newWatcher() // without one there is the ticker
	}
	return s.watcher
}

// watch begins to watch the file at path and the directories where another may
// take its place: that of the name, and that of the file it links to. What cannot
// be watched is looked at now and then, and then it is also tried again to watch it.
// An error is that of ctx.
func (c *changes) watch(ctx context.Context, path string) error {
	c.path = path
	var err error
	if busy := c.server.look(ctx, func() { err = c.subscribeTo(path) }); busy != nil {
		return busy
	}
	if err == nil {
		c.stopTicker()
	} else if c.ticker == nil {
		c.ticker = time.NewTicker(tailInterval)
	}
	return nil
}

func (c *changes) subscribeTo(path string) error {
	if c.subscription == nil {
		w := c.server.sharedWatcher()
		if w == nil {
			return errors.ErrUnsupported
		}
		c.subscription = w.subscribe()
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		target = path // vanished meanwhile: its directory will tell
	}
	return c.subscription.watch(path, filepath.Dir(path), filepath.Dir(target))
}

// wait waits until something may have changed, or ctx ends.
func (c *changes) wait(ctx context.Context) error {
	var wake <-chan struct{}
	var tick <-chan time.Time
	if c.subscription != nil {
		wake = c.subscription.wake
	}
	if c.ticker != nil {
		tick = c.ticker.C
	}
	select {
	case <-wake:
	case <-tick:
		return c.watch(ctx, c.path)
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (c *changes) close() {
	if c.subscription != nil {
		c.subscription.close()
	}
	c.stopTicker()
}

func (c *changes) stopTicker() {
	if c.ticker != nil {
		c.ticker.Stop()
		c.ticker = nil
	}
}
