//go:build unix

package supervise

import (
	"errors"
	"io"
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
// not become ours. The result is closed on exec, and is a diskFile if it is regular.
func openLogPath(path string, private bool) (io.WriteCloser, inode, error) {
	flags := syscall.O_WRONLY | syscall.O_CREAT | syscall.O_APPEND | syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC
	perm := uint32(0o666)
	if private {
		flags |= syscall.O_NOFOLLOW
		perm = 0o600
	}
	fd, err := ignoringEINTR(func() (int, error) { return syscall.Open(path, flags, perm) })
	if err != nil {
		fd, err = openStream(path, err)
	}
	if err != nil {
		return nil, inode{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	info, err := diskFile(fd).inode()
	if err == nil && private && !(info.regular() && int(info.uid) == os.Geteuid()) {
		err = errNotOurs
	}
	if err != nil {
		syscall.Close(fd) // it was opened only to be looked at
		return nil, inode{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if info.regular() {
		return diskFile(fd), info, nil
	}
	return os.NewFile(uintptr(fd), path), info, nil // writing may wait, and closing ends that
}

// openStream is the second attempt at a path that could not be opened because of
// cause. Our own output may be a socket, which has no name to open it by, or
// belong to the user who started us before we became another one: it is open
// already.
func openStream(path string, cause error) (int, error) {
	fd := streamFD(path)
	if fd < 0 {
		if cause == syscall.ENXIO {
			if info, err := inodeOf(path); err == nil && info.is(syscall.S_IFIFO) {
				return -1, errNoReader
			}
		}
		return -1, cause
	}
	twin, err := dupCloexec(fd)
	if err != nil {
		return -1, cause
	}
	return twin, nil
}

// diskFile is the descriptor of a regular file. It is nothing but that, because an
// os.File is offered to the runtime's poller, in vain, and to the collector of
// garbage, each time that a program starts.
type diskFile int

// Write writes all of p, or returns an error.
func (f diskFile) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m, err := ignoringEINTR(func() (int, error) { return syscall.Write(int(f), p[n:]) })
		if err != nil {
			return n, err
		}
		if m == 0 {
			return n, io.ErrShortWrite
		}
		n += m
	}
	return n, nil
}

func (f diskFile) Close() error { return syscall.Close(int(f)) }

func (f diskFile) Truncate(size int64) error {
	_, err := ignoringEINTR(func() (int, error) { return 0, syscall.Ftruncate(int(f), size) })
	return err
}

func (f diskFile) inode() (inode, error) {
	var st syscall.Stat_t
	err := syscall.Fstat(int(f), &st)
	return newInode(&st), err
}

// inodeOf returns that of the file of this name.
func inodeOf(path string) (inode, error) {
	var st syscall.Stat_t
	_, err := ignoringEINTR(func() (int, error) { return 0, syscall.Stat(path, &st) })
	return newInode(&st), err
}

func newInode(st *syscall.Stat_t) inode {
	return inode{
		fileID: fileID{uint64(st.Dev), uint64(st.Ino)}, mode: uint32(st.Mode),
		size: st.Size, links: uint64(st.Nlink), uid: st.Uid,
	}
}

// is reports whether it is of this kind, one of syscall.S_IF....
func (n inode) is(kind uint32) bool { return n.mode&syscall.S_IFMT == kind }

func (n inode) regular() bool { return n.is(syscall.S_IFREG) }

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
