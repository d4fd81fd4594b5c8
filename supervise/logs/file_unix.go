//go:build unix

package logs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"supervisor/supervise/job"
	"supervisor/supervise/sys"
)

// errNoReader says that a log is a named pipe which nobody has open for reading.
var errNoReader = errors.New("nobody reads this pipe")

// errNotOurs says that a private log belongs to somebody else.
var errNotOurs = errors.New("this file belongs to somebody else")

// openLogPath opens a log for appending and creates it if need be, within the
// umask. It never waits for a reader: a pipe that nobody reads is errNoReader. A
// terminal does not become ours. The result is closed on exec, and is a DiskFile if it
// is regular. What is reported of a stream of ours is never that of a regular file,
// since the name is not that of a file.
func openLogPath(path string, private bool, known Streams) (io.WriteCloser, sys.Inode, error) {
	if fd := StreamFD(path); fd >= 0 {
		return openStream(path, fd, known)
	}
	fd, info, err := openFD(path, private)
	if err == nil && private && !(info.Regular() && int(info.UID) == os.Geteuid()) {
		syscall.Close(fd) // it was opened only to be looked at
		err = errNotOurs
	}
	if err != nil {
		return nil, sys.Inode{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if info.Regular() {
		return DiskFile(fd), info, nil
	}
	return os.NewFile(uintptr(fd), path), info, nil // writing may wait, and closing ends that
}

// openFD opens a file for appending, without waiting for anybody.
func openFD(path string, private bool) (int, sys.Inode, error) {
	flags := syscall.O_WRONLY | syscall.O_CREAT | syscall.O_APPEND | syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC
	perm := uint32(0o666)
	if private {
		flags |= syscall.O_NOFOLLOW
		perm = 0o600
	}
	fd, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Open(path, flags, perm) })
	if err == syscall.ENXIO {
		if info, err := sys.InodeOf(path); err == nil && info.Is(syscall.S_IFIFO) {
			return -1, sys.Inode{}, errNoReader
		}
	}
	if err != nil {
		return -1, sys.Inode{}, err
	}
	info, err := DiskFile(fd).inode()
	if err != nil {
		syscall.Close(fd)
		return -1, sys.Inode{}, err
	}
	return fd, info, nil
}

// Streams are the descriptors from 3 to 63 that we were started with, as bits. With
// the first three they are those that can be logged to.
type Streams uint64

// InheritedStreams finds them, before any of them is closed on exec: what we open
// ourselves always is.
func InheritedStreams() (found Streams) {
	for fd := uintptr(3); fd < 64; fd++ {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0)
		if errno == 0 && flags&syscall.FD_CLOEXEC == 0 {
			found |= 1 << fd
		}
	}
	return found
}

// openStream opens a descriptor that we were started with once more. A regular file
// is not opened anew, or what is written to one of the two would overwrite what is
// written to the other: both append from now on. Nor is what cannot be opened, a
// socket or what belongs to the user who started us before we became another one.
// Anything else is opened anew, so that not waiting for its reader is our affair.
func openStream(path string, fd int, known Streams) (io.WriteCloser, sys.Inode, error) {
	fail := func(err error) (io.WriteCloser, sys.Inode, error) {
		return nil, sys.Inode{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if fd > 2 && known&(1<<fd) == 0 { // no bit for those above 63
		return fail(syscall.EBADF)
	}
	info, err := DiskFile(fd).inode()
	if err != nil {
		return fail(err)
	}
	if !info.Regular() {
		if own, info, err := openFD("/proc/self/fd/"+strconv.Itoa(fd), false); err == nil {
			return os.NewFile(uintptr(own), path), info, nil
		}
	}
	twin, err := sys.DupCloexec(fd)
	if err != nil {
		return fail(err)
	}
	if !info.Regular() {
		return os.NewFile(uintptr(twin), path), info, nil
	}
	AppendTo(twin)
	info.Mode = info.Mode&^syscall.S_IFMT | syscall.S_IFCHR // not for us to delete or rotate
	return DiskFile(twin), info, nil
}

// AppendTo makes each write to a regular file, by whomever has it from the same
// opening, go to its end.
func AppendTo(fd int) {
	info, err := DiskFile(fd).inode()
	if err != nil || !info.Regular() {
		return
	}
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno == 0 && flags&syscall.O_APPEND == 0 {
		// Where it is refused it stays as it was.
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, flags|syscall.O_APPEND)
	}
}

// DiskFile is the descriptor of a regular file. It is nothing but that, because an
// os.File is offered to the runtime's poller, in vain, and to the collector of
// garbage, each time that a program starts.
type DiskFile int

// Write writes all of p, or returns an error.
func (f DiskFile) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Write(int(f), p[n:]) })
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

// Close gives up the descriptor.
func (f DiskFile) Close() error { return syscall.Close(int(f)) }

// Truncate makes the file shorter or longer.
func (f DiskFile) Truncate(size int64) error {
	_, err := sys.IgnoringEINTR(func() (int, error) { return 0, syscall.Ftruncate(int(f), size) })
	return err
}

func (f DiskFile) inode() (sys.Inode, error) { return sys.InodeOfFD(int(f)) }

// LeadsToStdout reports whether what is written to this path comes out at our
// standard output.
func LeadsToStdout(path string) bool {
	stdout, err := DiskFile(1).inode()
	if err != nil {
		return false
	}
	var named sys.Inode
	if fd := StreamFD(path); fd >= 0 {
		named, err = DiskFile(fd).inode()
	} else {
		named, err = sys.InodeOf(path)
	}
	return err == nil && named.FileID == stdout.FileID
}

// unlink deletes a file of any kind but never a directory, not even an empty one.
func unlink(path string) error { return syscall.Unlink(path) }

// discard deletes a log of which what it holds is freed in the background, if not too
// many others are just now: for a large file that takes milliseconds, in which no output
// would be read. A file renamed over another one would besides be sent to the disk at
// once by some file systems.
func discard(path string, freeing *job.Gate) {
	held, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY|syscall.O_NOFOLLOW, 0)
	_ = unlink(path) // if it stays, whoever wants the name for another file is told
	if err == nil {
		free := func() { held.Close() } // nothing was written to it
		if !freeing.Go(free) {
			free()
		}
	}
}
