//go:build unix

package supervise

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"supervisor/supervise/job"
	"supervisor/supervise/logs"
)

// errNoReader says that a log is a named pipe which nobody has open for reading.
var errNoReader = errors.New("nobody reads this pipe")

// errNotOurs says that a private log belongs to somebody else.
var errNotOurs = errors.New("this file belongs to somebody else")

// openLogPath opens a log for appending and creates it if need be, within the
// umask. It never waits for a reader: a pipe that nobody reads is errNoReader. A
// terminal does not become ours. The result is closed on exec, and is a diskFile if it
// is regular. What is reported of a stream of ours is never that of a regular file,
// since the name is not that of a file.
func openLogPath(path string, private bool, known streams) (io.WriteCloser, inode, error) {
	if fd := logs.StreamFD(path); fd >= 0 {
		return openStream(path, fd, known)
	}
	fd, info, err := openFD(path, private)
	if err == nil && private && !(info.regular() && int(info.uid) == os.Geteuid()) {
		syscall.Close(fd) // it was opened only to be looked at
		err = errNotOurs
	}
	if err != nil {
		return nil, inode{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if info.regular() {
		return diskFile(fd), info, nil
	}
	return os.NewFile(uintptr(fd), path), info, nil // writing may wait, and closing ends that
}

// openFD opens a file for appending, without waiting for anybody.
func openFD(path string, private bool) (int, inode, error) {
	flags := syscall.O_WRONLY | syscall.O_CREAT | syscall.O_APPEND | syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC
	perm := uint32(0o666)
	if private {
		flags |= syscall.O_NOFOLLOW
		perm = 0o600
	}
	fd, err := ignoringEINTR(func() (int, error) { return syscall.Open(path, flags, perm) })
	if err == syscall.ENXIO {
		if info, err := inodeOf(path); err == nil && info.is(syscall.S_IFIFO) {
			return -1, inode{}, errNoReader
		}
	}
	if err != nil {
		return -1, inode{}, err
	}
	info, err := diskFile(fd).inode()
	if err != nil {
		syscall.Close(fd)
		return -1, inode{}, err
	}
	return fd, info, nil
}

// streams are the descriptors from 3 to 63 that we were started with, as bits. With
// the first three they are those that can be logged to.
type streams uint64

// inheritedStreams finds them, before any of them is closed on exec: what we open
// ourselves always is.
func inheritedStreams() (found streams) {
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
func openStream(path string, fd int, known streams) (io.WriteCloser, inode, error) {
	fail := func(err error) (io.WriteCloser, inode, error) {
		return nil, inode{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if fd > 2 && known&(1<<fd) == 0 { // no bit for those above 63
		return fail(syscall.EBADF)
	}
	info, err := diskFile(fd).inode()
	if err != nil {
		return fail(err)
	}
	if !info.regular() {
		if own, info, err := openFD("/proc/self/fd/"+strconv.Itoa(fd), false); err == nil {
			return os.NewFile(uintptr(own), path), info, nil
		}
	}
	twin, err := dupCloexec(fd)
	if err != nil {
		return fail(err)
	}
	if !info.regular() {
		return os.NewFile(uintptr(twin), path), info, nil
	}
	appendTo(twin)
	info.mode = info.mode&^syscall.S_IFMT | syscall.S_IFCHR // not for us to delete or rotate
	return diskFile(twin), info, nil
}

// appendTo makes each write to a regular file, by whomever has it from the same
// opening, go to its end.
func appendTo(fd int) {
	info, err := diskFile(fd).inode()
	if err != nil || !info.regular() {
		return
	}
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	if errno == 0 && flags&syscall.O_APPEND == 0 {
		// Where it is refused it stays as it was.
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, flags|syscall.O_APPEND)
	}
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

func (f diskFile) inode() (inode, error) { return inodeOfFD(int(f)) }

// leadsToStdout reports whether what is written to this path comes out at our
// standard output.
func leadsToStdout(path string) bool {
	stdout, err := diskFile(1).inode()
	if err != nil {
		return false
	}
	var named inode
	if fd := logs.StreamFD(path); fd >= 0 {
		named, err = diskFile(fd).inode()
	} else {
		named, err = inodeOf(path)
	}
	return err == nil && named.fileID == stdout.fileID
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
