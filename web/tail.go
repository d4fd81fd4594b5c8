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
)

const (
	// tailSize is how much of a log a stream begins with, in bytes.
	tailSize = 1024
	// tailPiece is how much is read of a log at a time.
	tailPiece = 32 << 10
	// tailInterval is how often a log is looked at where the kernel does not
	// tell of changes.
	tailInterval = 500 * time.Millisecond
	// truncated is what a client is told when a log became shorter.
	truncated = "==> File truncated <==\n"
)

// processLog answers /logtail/NAMESPEC[/CHANNEL] with a stream of that log.
func (s *Server) processLog(r *request) reply {
	if r.method != "GET" {
		return errorReply(400)
	}
	_, rest, ok := strings.Cut(strings.TrimLeft(unescape(r.path), "/"), "/")
	if !ok {
		return errorReply(500) // as Supervisor; a name is missing
	}
	namespec, channel, ok := strings.Cut(rest, "/")
	if !ok {
		channel = "stdout"
	}
	if channel != "stdout" && channel != "stderr" {
		return errorReply(404)
	}
	path, err := s.opts.Backend.LogPath(s.ctx, namespec, channel)
	if err != nil {
		return errorReply(404)
	}
	return s.stream(path, field{"X-Accel-Buffering", "no"})
}

// mainLog answers /mainlogtail with a stream of the daemon's own log.
func (s *Server) mainLog(r *request) reply {
	if r.method != "GET" {
		return errorReply(400)
	}
	return s.stream(s.opts.Backend.MainLogPath(s.ctx))
}

// stream returns the stream of the log at path.
func (s *Server) stream(path string, fields ...field) reply {
	if path == "" {
		return errorReply(404)
	}
	file, info, err := openLog(path)
	if err != nil {
		return errorReply(404)
	}
	fields = append([]field{
		{"Last-Modified", info.ModTime().UTC().Format(dateFormat)},
		{"Content-Type", "text/plain;charset=utf-8"},
	}, fields...)
	t := &tail{server: s, path: path, file: file, offset: max(0, info.Size()-tailSize)}
	return reply{status: 200, header: fields, stream: t.run}
}

// openLog opens a log that can be read from any place: neither a pipe nor a
// terminal, whose opening must not wait either.
func openLog(path string) (*os.File, os.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New(path + ": not a regular file")
	}
	if err != nil {
		file.Close() // was only read
		return nil, nil, err
	}
	return file, info, nil
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
	changes.watch(t.path)
	for ctx.Err() == nil {
		if err := t.drain(w); err != nil {
			return err
		}
		next := t.successor()
		if next == nil {
			changes.wait(ctx)
			continue
		}
		// What was written between the last read and the replacement.
		err := t.drain(w)
		t.file.Close() // was only read
		t.file, t.offset = next, 0
		if err != nil {
			return err
		}
		changes.watch(t.path)
	}
	return ctx.Err()
}

// drain sends what the file holds behind offset.
func (t *tail) drain(w io.Writer) error {
	hold := t.server.getBuffer()
	defer t.server.putBuffer(hold)
	if cap(*hold) < tailPiece {
		*hold = make([]byte, 0, tailPiece)
	}
	buf := (*hold)[:cap(*hold)]
	for {
		n, err := t.file.ReadAt(buf, t.offset)
		if n > 0 {
			t.offset += int64(n)
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			return err
		}
		info, err := t.file.Stat()
		if err != nil {
			return err
		}
		if info.Size() >= t.offset {
			return nil
		}
		t.offset = 0
		if _, err := io.WriteString(w, truncated); err != nil {
			return err
		}
	}
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
	if s.watcher == nil && s.ctx.Err() == nil {
		s.watcher, _ = s.newWatcher() // without one there is the ticker
	}
	return s.watcher
}

// watch begins to watch the file at path and the directories where another may
// take its place: that of the name, and that of the file it links to. What cannot
// be watched is looked at now and then, and then it is also tried again to watch it.
func (c *changes) watch(path string) {
	c.path = path
	if err := c.subscribeTo(path); err == nil {
		c.stopTicker()
	} else if c.ticker == nil {
		c.ticker = time.NewTicker(tailInterval)
	}
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
func (c *changes) wait(ctx context.Context) {
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
		c.watch(c.path)
	case <-ctx.Done():
	}
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
