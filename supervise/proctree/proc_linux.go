package proctree

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// proc reads /proc without allocating anything: names are put together in a buffer, and
// what is read stays in another until the next call. Package os would make a string, a
// File and a finalizer for each.
type proc struct {
	dir     int // /proc
	name    []byte
	text    [4096]byte
	entries [16 << 10]byte // of directories
	batch   int            // how many bytes of these are read at once
	stx     unix.Statx_t
}

func openProc() (*proc, error) {
	dir, err := syscall.Open("/proc", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &ReadError{"/proc", err}
	}
	p := &proc{dir: dir, name: make([]byte, 0, 64)}
	p.batch = len(p.entries)
	return p, nil
}

func (p *proc) close() { syscall.Close(p.dir) }

// ReadError says that a file of /proc cannot be read.
type ReadError struct {
	Name string
	Err  error
}

func (e *ReadError) Error() string { return e.Name + ": " + e.Err.Error() }
func (e *ReadError) Unwrap() error { return e.Err }

// path returns PID/FILE, with the NUL that the system wants.
func (p *proc) path(pid int, file string) unsafe.Pointer {
	p.name = strconv.AppendInt(p.name[:0], int64(pid), 10)
	p.name = append(p.name, '/')
	p.name = append(p.name, file...)
	p.name = append(p.name, 0)
	return unsafe.Pointer(unsafe.SliceData(p.name))
}

func (p *proc) open(pid int, file string, flags uintptr) (fd int, errno syscall.Errno) {
	for {
		n, _, errno := syscall.Syscall6(syscall.SYS_OPENAT, uintptr(p.dir), uintptr(p.path(pid, file)), flags|syscall.O_RDONLY|syscall.O_CLOEXEC, 0, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func read(fd int, into []byte) (n int, errno syscall.Errno) {
	for {
		n, _, errno := syscall.Syscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(into))), uintptr(len(into)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// read returns the beginning of a file, as much as comes at once. It is good until the
// next call.
func (p *proc) read(pid int, file string) ([]byte, syscall.Errno) {
	fd, errno := p.open(pid, file, 0)
	if errno != 0 {
		return nil, errno
	}
	n, errno := read(fd, p.text[:])
	syscall.Close(fd)
	if errno != 0 {
		return nil, errno
	}
	return p.text[:n], 0
}

// stat returns the figures of a process, and its name, which is good until the next call.
func (p *proc) stat(pid int) (s stat, name []byte, ok bool) {
	text, errno := p.read(pid, "stat")
	if errno != 0 {
		return stat{}, nil, false // it has ended
	}
	s, name, err := parseStat(text)
	return s, name, err == nil
}

// each calls do for each process there is, with the inode of its directory, in the order
// of their pids.
func (p *proc) each(do func(pid int, inode uint64)) error {
	if _, err := syscall.Seek(p.dir, 0, 0); err != nil {
		return &ReadError{"/proc", err}
	}
	return p.list(p.dir, func(name []byte, inode uint64) {
		if pid, ok := whole(name); ok && pid > 0 {
			do(int(pid), inode)
		}
	})
}

// list calls do for each name in an open directory.
func (p *proc) list(dir int, do func(name []byte, inode uint64)) error {
	for {
		n, err := syscall.Getdents(dir, p.entries[:p.batch])
		if err != nil {
			return &ReadError{"/proc", err}
		}
		if n <= 0 {
			return nil
		}
		for rest := p.entries[:n]; len(rest) > nameOffset; {
			entry := (*syscall.Dirent)(unsafe.Pointer(unsafe.SliceData(rest)))
			size := int(entry.Reclen)
			name := rest[nameOffset:size]
			for i, c := range name {
				if c == 0 {
					name = name[:i]
					break
				}
			}
			do(name, uint64(entry.Ino))
			rest = rest[size:]
		}
	}
}

const nameOffset = int(unsafe.Offsetof(syscall.Dirent{}.Name))

// inode returns the number of what a name stands for, 0 if that is not told.
func (p *proc) inode(pid int, file string) uint64 {
	_, _, errno := syscall.Syscall6(unix.SYS_STATX, uintptr(p.dir), uintptr(p.path(pid, file)), 0, unix.STATX_INO, uintptr(unsafe.Pointer(&p.stx)), 0)
	if errno != 0 {
		return 0
	}
	return p.stx.Ino
}

// files returns how many descriptors a process has open.
func (p *proc) files(pid int) (n int, ok bool) {
	const size = unix.STATX_SIZE
	_, _, errno := syscall.Syscall6(unix.SYS_STATX, uintptr(p.dir), uintptr(p.path(pid, "fd")), 0, size, uintptr(unsafe.Pointer(&p.stx)), 0)
	if errno == 0 && p.stx.Size > 0 { // since Linux 6.2
		return int(p.stx.Size), true
	}
	dir, errno := p.open(pid, "fd", syscall.O_DIRECTORY)
	if errno != 0 {
		return 0, false
	}
	defer syscall.Close(dir)
	err := p.list(dir, func(name []byte, _ uint64) {
		if name[0] != '.' {
			n++
		}
	})
	return n, err == nil
}
