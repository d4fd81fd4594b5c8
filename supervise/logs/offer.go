package logs

import (
	"bytes"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/supervise/sys"
)

// Offer writes as much of p as the log takes without being waited for, and returns how much
// that was. A pipe gets lines whole, if they are no longer than what it takes in one piece.
// What can never be written, because nobody can read it any more, counts as taken: it is
// lost, and Dropped says how much. For who has the lock.
func (f *File) Offer(s *OpenFile, p []byte) int {
	if s.wanted {
		s.retry()
	}
	stream, ok := s.File.(*os.File)
	if !ok || s.Unused.Load() {
		f.WriteTo(s, p)
		return len(p)
	}
	n, err := writeNow(stream, p)
	if err == nil {
		if n > 0 && s.lost > 0 {
			f.remark(s.recovered())
		}
		return n
	}
	f.lose(p[n:])
	f.remark(s.lose(len(p)-n, err))
	return len(p)
}

// CanAwait reports whether room can be waited for without a thread. For who has the lock.
func (s *OpenFile) CanAwait() bool {
	stream, ok := s.File.(*os.File)
	return ok && stream.SetWriteDeadline(time.Time{}) == nil
}

// AwaitRoom waits until the log takes something, or until then, or until the writer is told
// to cease; for ever if CanAwait says so and the time is zero. For who has the lock.
func (s *OpenFile) AwaitRoom(until time.Time) {
	if stream, ok := s.File.(*os.File); ok {
		s.Writer.await(stream, until, &s.Unused)
	}
}

// await waits until a stream takes something, or until then.
func (w *Writing) await(stream *os.File, until time.Time, unused *atomic.Bool) {
	waits := stream.SetWriteDeadline(until) == nil
	if w.begin(stream, unused) {
		if raw, err := stream.SyscallConn(); err == nil {
			// It fails only because the time is over.
			_ = raw.Write(func(fd uintptr) bool {
				if waits {
					return sys.Writable(int(fd), 0)
				}
				sys.Writable(int(fd), time.Until(until)) // only a thread can wait for it
				return true
			})
		}
	}
	w.end(stream)
	_ = stream.SetWriteDeadline(time.Time{}) // as above
}

// writeNow writes as much of p as the stream takes at once.
func writeNow(stream *os.File, p []byte) (n int, err error) {
	raw, err := stream.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Write(func(fd uintptr) bool {
		n, err = takeNow(int(fd), p)
		return true
	})
	if err == nil {
		err = failed
	}
	return n, err
}

// takeNow writes p in pieces that a pipe takes whole or not at all, until it takes no more.
func takeNow(fd int, p []byte) (n int, err error) {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	waits := errno != 0 || flags&syscall.O_NONBLOCK == 0
	for n < len(p) {
		if waits && !sys.Writable(fd, 0) {
			return n, nil
		}
		piece := p[n:min(len(p), n+atomicWrite)]
		if len(piece) == atomicWrite {
			if end := bytes.LastIndexByte(piece, '\n') + 1; end > 0 {
				piece = piece[:end]
			}
		}
		m, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Write(fd, piece) })
		if err == syscall.EAGAIN {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if n += m; m < len(piece) {
			return n, nil
		}
	}
	return n, nil
}

// Dropped is how much could not be written so far, in lines (ends of lines, to be exact)
// and bytes. It may be called by any goroutine, and goes on counting when f is opened again.
func (f *File) Dropped() (lines, bytes uint64) {
	return f.droppedLines.Load(), f.droppedBytes.Load()
}

// CountDropped adds what was not even given to f, because it takes no more.
func (f *File) CountDropped(lines, bytes uint64) {
	f.droppedLines.Add(lines)
	f.droppedBytes.Add(bytes)
}

func (f *File) lose(p []byte) {
	f.CountDropped(uint64(bytes.Count(p, []byte{'\n'})), uint64(len(p)))
}

func (f *File) remark(text string) {
	if text != "" && f.Report != nil {
		f.Report(text)
	}
}
