package supervise

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"supervisor/supervise/job"
	"supervisor/xmlrpc"
)

// logReader reads logs, a bounded number of times at a time: a disk that does not answer
// holds the thread of each. The zero value does not bound them.
type logReader struct{ gate *job.Gate }

// logPatience is how long a call is put off while as many others as may are made.
const logPatience = 10 * time.Second

// Do makes a call that reads a log or looks at one, as soon as not too many others are
// made. Otherwise its error is ctx's, or os.ErrDeadlineExceeded after logPatience.
func (r logReader) Do(ctx context.Context, call func()) error {
	patience, cancel := context.WithTimeoutCause(ctx, logPatience, os.ErrDeadlineExceeded)
	defer cancel()
	if r.gate.Do(patience, call) != nil {
		return context.Cause(patience)
	}
	return nil
}

// open finds out what readLog answers of a log. After Supervisor's options.readFile.
func (r logReader) open(ctx context.Context, path string, offset, length int64) (*logText, error) {
	if path == "" {
		return nil, xmlrpc.NewFault(xmlrpc.NoFile)
	}
	t := &logText{ctx: ctx, reader: r}
	var fault error
	if err := r.Do(ctx, func() { fault = t.open(path, offset, length) }); err != nil {
		return nil, busy(err)
	}
	if fault != nil {
		return nil, fault
	}
	return t, nil
}

// busy is the answer to a call that was not let through.
func busy(err error) error {
	if err == os.ErrDeadlineExceeded {
		return xmlrpc.NewFault(xmlrpc.Failed, "too many logs are being read")
	}
	return err
}

// read returns what readLog answers, as a whole.
func (r logReader) read(ctx context.Context, path string, offset, length int64) (string, error) {
	t, err := r.open(ctx, path, offset, length)
	if err != nil {
		return "", err
	}
	return t.whole()
}

// logText is a part of a log, which is read when it is answered.
type logText struct {
	ctx    context.Context
	reader logReader
	file   *os.File
	offset int64 // of the part in the file
	size   int64 // of the part
}

var _ xmlrpc.Text = (*logText)(nil)

func (t *logText) open(path string, offset, length int64) error {
	f, err := openForReading(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return xmlrpc.NewFault(xmlrpc.NoFile, path)
		}
		return xmlrpc.NewFault(xmlrpc.Failed)
	}
	t.file = f
	err = t.seek(offset, length)
	if err != nil {
		f.Close() // was only read
	}
	return err
}

// seek finds the part that is asked for.
func (t *logText) seek(offset, length int64) error {
	if offset < 0 && length != 0 || length < 0 {
		return xmlrpc.NewFault(xmlrpc.BadArguments)
	}
	info, err := t.file.Stat()
	if err != nil || info.IsDir() {
		return xmlrpc.NewFault(xmlrpc.Failed)
	}
	size, err := t.file.Seek(0, io.SeekEnd) // a terminal has no end, /dev/null is empty
	if err != nil {
		return xmlrpc.NewFault(xmlrpc.Failed)
	}
	if offset < 0 {
		offset = max(size+offset, 0)
	}
	n := max(size-offset, 0)
	if length > 0 {
		n = min(n, length)
	}
	t.offset, t.size = offset, min(n, maxLogAnswer)
	return nil
}

func (t *logText) Size() int64 { return t.size }

// ReadAt reads what begins at place at of the part. Its error is a fault, that of the
// context, or io.EOF.
func (t *logText) ReadAt(p []byte, at int64) (n int, err error) {
	if busyErr := t.reader.Do(t.ctx, func() { n, err = t.file.ReadAt(p, t.offset+at) }); busyErr != nil {
		return 0, busy(busyErr)
	}
	if err != nil && err != io.EOF {
		err = xmlrpc.NewFault(xmlrpc.Failed)
	}
	return n, err
}

func (t *logText) Close() error { return t.file.Close() }

// whole returns all of the text, and closes it.
func (t *logText) whole() (string, error) {
	defer t.Close() // was only read
	var b strings.Builder
	b.Grow(int(t.size))
	if _, err := io.CopyBuffer(&b, io.NewSectionReader(t, 0, t.size), make([]byte, min(t.size+1, wholePiece))); err != nil {
		return "", err
	}
	return b.String(), nil
}

// wholePiece is how much is read at a time of what is wanted as a whole, in bytes.
const wholePiece = 64 << 10

// openForReading opens a log to be read. A named pipe is none: opening it could take
// as long as nobody writes to it, and would take from it what is meant for others.
func openForReading(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.ESPIPE}
	}
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
}

// maxLogAnswer bounds one answer, in bytes; more has to be asked for in pieces. A log of
// the default stdout_logfile_maxbytes is less, and package web has room for one of these.
const maxLogAnswer = 56 << 20

// tail returns what tailLog answers, with the text still to be read. After Supervisor's
// options.tailFile, whose arithmetic clients know. Text is nil if there is none.
func (r logReader) tail(ctx context.Context, path string, offset, length int64) (tail xmlrpc.TailText, err error) {
	err = r.Do(ctx, func() {
		f, openErr := openForReading(path)
		if openErr != nil {
			return
		}
		info, statErr := f.Stat()
		if statErr != nil || !info.Mode().IsRegular() {
			f.Close() // was only read
			return
		}
		t := &logText{ctx: ctx, reader: r, file: f}
		tail = t.tail(info.Size(), offset, length)
	})
	if err != nil {
		return tail, busy(err)
	}
	return tail, nil
}

// tail finds the part of a log of that size that is asked for.
func (t *logText) tail(size, offset, length int64) xmlrpc.TailText {
	tail := xmlrpc.TailText{Text: t, Offset: size}
	if size > offset+length {
		tail.Overflow = true
		offset = size - 1
	}
	if offset+length > size {
		if offset > size-1 {
			length = 0
		}
		offset = size - length
	}
	t.offset, length = max(offset, 0), max(length, 0)
	t.size = min(length, max(size-t.offset, 0), maxLogAnswer)
	return tail
}
