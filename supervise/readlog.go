package supervise

import (
	"errors"
	"io"
	"os"
	"syscall"

	"supervisor/xmlrpc"
)

// readLog is the reading of logs after Supervisor's options.readFile.
func readLog(path string, offset, length int64) (string, error) {
	if path == "" {
		return "", xmlrpc.NewFault(xmlrpc.NoFile)
	}
	f, err := openForReading(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "", xmlrpc.NewFault(xmlrpc.NoFile, path)
		}
		return "", xmlrpc.NewFault(xmlrpc.Failed)
	}
	defer f.Close()
	if offset < 0 && length != 0 || length < 0 {
		return "", xmlrpc.NewFault(xmlrpc.BadArguments)
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return "", xmlrpc.NewFault(xmlrpc.Failed)
	}
	size, err := f.Seek(0, io.SeekEnd) // a terminal has no end, /dev/null is empty
	if err != nil {
		return "", xmlrpc.NewFault(xmlrpc.Failed)
	}
	if offset < 0 {
		offset = max(size+offset, 0)
	}
	n := max(size-offset, 0)
	if length > 0 {
		n = min(n, length)
	}
	return readAt(f, offset, n)
}

// openForReading opens a log to be read. A named pipe is none: opening it could take
// as long as nobody writes to it, and would take from it what is meant for others.
func openForReading(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.ESPIPE}
	}
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
}

// maxLogAnswer bounds one answer; more has to be asked for in pieces.
const maxLogAnswer = 256 << 20

func readAt(f *os.File, offset, n int64) (string, error) {
	buf := make([]byte, min(n, maxLogAnswer))
	read, err := f.ReadAt(buf, offset)
	if err != nil && err != io.EOF {
		return "", xmlrpc.NewFault(xmlrpc.Failed)
	}
	return string(buf[:read]), nil
}

// tailLog is the reading of logs after Supervisor's options.tailFile, whose
// arithmetic clients know.
func tailLog(path string, offset, length int64) xmlrpc.Tail {
	f, err := openForReading(path)
	if err != nil {
		return xmlrpc.Tail{}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return xmlrpc.Tail{}
	}
	size := info.Size()
	t := xmlrpc.Tail{Offset: size}
	if size > offset+length {
		t.Overflow = true
		offset = size - 1
	}
	if offset+length > size {
		if offset > size-1 {
			length = 0
		}
		offset = size - length
	}
	offset, length = max(offset, 0), max(length, 0)
	t.Bytes, err = readAt(f, offset, min(length, max(size-offset, 0)))
	if err != nil {
		return xmlrpc.Tail{Offset: size}
	}
	return t
}
