//go:build unix

package supervise

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// errNoReader says that a log is a named pipe which nobody has open for reading.
var errNoReader = errors.New("nobody reads this pipe")

// errNotOurs says that a private log belongs to somebody else.
var errNotOurs = errors.New("this file belongs to somebody else")

// openLogPath opens a log for appending and creates it if need be, within the
// umask. It never waits: a pipe that nobody reads is errNoReader. A terminal does
// not become ours. The result is closed on exec.
func openLogPath(path string, private bool) (*os.File, fs.FileInfo, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND | syscall.O_NONBLOCK | syscall.O_NOCTTY
	perm := fs.FileMode(0o666)
	if private {
		flags |= syscall.O_NOFOLLOW
		perm = 0o600
	}
	file, err := os.OpenFile(path, flags, perm)
	if err != nil {
		file, err = openStream(path, err)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && private && !ours(info) {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotOurs}
	}
	if err != nil {
		// It was opened only to be looked at.
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// openStream is the second attempt at a path that could not be opened because of
// cause. Our own output may be a socket, which has no name to open it by, or
// belong to the user who started us before we became another one: it is open
// already.
func openStream(path string, cause error) (*os.File, error) {
	fd := streamFD(path)
	if fd < 0 {
		if errors.Is(cause, syscall.ENXIO) {
			if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
				return nil, &fs.PathError{Op: "open", Path: path, Err: errNoReader}
			}
		}
		return nil, cause
	}
	// No child may be started between the two calls: it would inherit the copy.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	twin, err := syscall.Dup(fd)
	if err != nil {
		return nil, cause
	}
	syscall.CloseOnExec(twin)
	return os.NewFile(uintptr(twin), path), nil
}

// streamFD is the descriptor that a path stands for, -1 if for none.
func streamFD(path string) int {
	switch path {
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return 1
	case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
		return 2
	}
	return -1
}

// ours reports whether this is a regular file of the user whom we run as.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().IsRegular() && int(st.Uid) == os.Geteuid()
}

// links is the number of names that a file has.
func links(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink)
}

// unlink deletes a file of any kind but never a directory, not even an empty one.
func unlink(path string) error { return syscall.Unlink(path) }

// discard deletes a log of which what it holds is freed in the background: for a
// large file that takes milliseconds, in which no output would be read. A file
// renamed over another one would besides be sent to the disk at once by some file
// systems.
func discard(path string) {
	held, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_NOFOLLOW, 0)
	_ = unlink(path) // if it stays, whoever wants the name for another file is told
	if err == nil {
		go held.Close() // nothing was written to it
	}
}
