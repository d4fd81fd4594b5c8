//go:build !portable

// Package vfork starts programs at a cost that does not grow with what the
// starter has open.
//
// A fork copies the table of descriptors, and the exec closes in the copy all
// that the program is not to have: with a thousand children whose output one
// reads, that costs more than the exec. Here the child shares the table until it
// has left it for a copy of the lowest few descriptors, to which what it is to
// inherit was duplicated before. It shares the memory as well, as with vfork, so
// it tells what failed by writing that down, and needs no pipe for it.
//
// The thread that forks stands still until the child has executed the program or
// has failed. That may take as long as a file system likes, since the child changes
// to a directory and loads a file. So the runtime is told that the thread is in a
// system call: everybody else goes on, and can look at the child and stop it.
//
// Between fork and exec no Go code may run that could need the runtime. What does
// run is written after forkAndExecInChild1 in package syscall, which has no way to
// ask for any of this, and with the same three hooks of the runtime.
package vfork

import (
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"

	"supervisor/supervise/limits"
)

// Attr says how a program is to be started.
type Attr struct {
	Files   [3]int              // what becomes descriptor 0, 1 and 2
	Extra   int                 // what becomes descriptor ExtraAs
	ExtraAs int                 // above 2; 0 for none
	Dir     string              // to change to, "" for none
	Umask   int                 // -1 for ours
	User    *syscall.Credential // to become, nil to stay
	NoFile  *syscall.Rlimit     // the limit of open files, nil for ours
	Limits  *limits.Plan        // further limits, nil for none
	Argv    Strings
	Environ Strings // "NAME=value" each
}

// Strings are arguments or an environment in the form that the system takes: with
// a NUL at the end of each, and nil after the last. The zero value is none.
type Strings []*byte

// first returns where the system begins to read.
func (s Strings) first() **byte {
	if len(s) == 0 {
		return new(*byte)
	}
	return &s[0]
}

// NewStrings returns strings that are there already, with no nil after them, and
// own. A NUL in one of those is an error.
func NewStrings(shared []*byte, own []string) (Strings, error) {
	copies, err := syscall.SlicePtrFromStrings(own)
	if err != nil {
		return nil, err
	}
	return slices.Concat(shared, copies), nil
}

// Strings returns what s was made of.
func (s Strings) Strings() []string {
	var list []string
	for _, first := range s {
		if first == nil {
			break
		}
		n := 0
		for *(*byte)(unsafe.Add(unsafe.Pointer(first), n)) != 0 {
			n++
		}
		list = append(list, string(unsafe.Slice(first, n)))
	}
	return list
}

// ChildError says that there was a child, but that it could not become the
// program. It has been waited for.
type ChildError syscall.Errno

func (e ChildError) Error() string { return syscall.Errno(e).Error() }

// ErrUnsupported says that this system does not start children in the way that
// this package needs, so that none was started.
var ErrUnsupported = errors.New("no child can share our memory here")

// Starter starts programs, one at a time: it belongs to one goroutine.
type Starter struct {
	shared *Shared
	slots  [4]int // low descriptors, through which children inherit theirs
	rest   int    // what is in them meanwhile: something harmless
	above  int    // one more than the highest of them
	pidfd  bool   // a descriptor of each child is wanted
	can    features
	mask   uint64 // the signals that children begin with blocked, with clone3
}

// features are what the system can do. Nobody asks before the first start: that one
// finds out, by doing without what it was refused.
type features struct {
	clone3 bool // start a child without our signal handlers, and give a descriptor of it
	share  bool // leave a shared table of descriptors for a part of it
	memory bool // share the memory. Without it nothing here works: an emulator may make a fork of each clone
}

// New makes a Starter, early, as long as low descriptors are free.
func New(shared *Shared) (*Starter, error) {
	s := &Starter{shared: shared, pidfd: true, can: features{share: true, memory: true}}
	if hasClone3() {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigBlock, 0, uintptr(unsafe.Pointer(&s.mask)), unsafe.Sizeof(s.mask), 0, 0)
		s.can.clone3 = errno == 0
	}
	rest, errno := eventfd()
	if errno != 0 {
		return nil, errno
	}
	s.rest = rest
	for i := range s.slots {
		slot, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(rest), syscall.F_DUPFD_CLOEXEC, 3)
		if errno != 0 {
			for _, fd := range s.slots[:i] {
				syscall.Close(fd)
			}
			syscall.Close(s.rest)
			return nil, errno
		}
		s.slots[i] = int(slot)
	}
	s.above = slices.Max(s.slots[:]) + 1
	return s, nil
}

// eventfd makes a descriptor that is good for nothing.
func eventfd() (fd int, errno syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC, 0)
	return int(n), errno
}

// Close gives up what the Starter holds.
func (s *Starter) Close() {
	for _, fd := range append(s.slots[:], s.rest) {
		syscall.Close(fd)
	}
}

// Reserve makes room in the system's table for n descriptors, in the background.
// Should it have to grow later, the call that makes it do so waits, each time the
// size has doubled, for all processors to let go of the old one, which takes as
// long as dozens of starts. If n is more than we may have open, children get no
// descriptor of their own, so that they do not take the place of others.
func (s *Starter) Reserve(n int) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && uint64(n) >= limit.Cur {
		s.pidfd = false
		n = int(limit.Cur - 1)
	}
	own, errno := eventfd() // which the Starter, that may be closed meanwhile, does not know of
	if errno != 0 {
		return
	}
	go func() {
		defer syscall.Close(own)
		// Should it fail, starts take a little longer.
		fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(own), syscall.F_DUPFD_CLOEXEC, uintptr(n))
		if errno == 0 {
			syscall.Close(int(fd))
		}
	}()
}

// Start starts file with a process group of its own, as c, which is new. It returns
// once that runs, with a descriptor that becomes readable when it ends, -1 where
// there is none; others find out by c what happens until then. An error that is no
// ChildError, and not ErrUnsupported, is one of the fork.
func (s *Starter) Start(c *Child, file string, attr *Attr) (pid, pidfd int, err error) {
	if !s.can.memory {
		return 0, -1, ErrUnsupported
	}
	if err := c.prepare(file, attr); err != nil {
		return 0, -1, err
	}
	c.slots, c.mask = s.slots, s.mask
	files := attr.Files[:]
	if attr.ExtraAs > 2 {
		files = []int{attr.Files[0], attr.Files[1], attr.Files[2], attr.Extra}
	}
	for i, fd := range files {
		if err = syscall.Dup3(fd, s.slots[i], syscall.O_CLOEXEC); err != nil {
			s.emptySlots(len(files))
			return 0, -1, err
		}
	}
	if c.user != nil {
		s.shared.enter()
	}
	pid, pidfd, err = s.fork(c)
	if c.user != nil {
		s.shared.leave()
	}
	s.emptySlots(len(files))
	return pid, pidfd, err
}

// emptySlots lets go of what a child has inherited in the first n: pipes end when nobody else
// has them open.
func (s *Starter) emptySlots(n int) {
	for _, slot := range s.slots[:n] {
		// Both are open, so this cannot fail.
		_ = syscall.Dup3(s.rest, slot, syscall.O_CLOEXEC)
	}
}

// fork makes the child, with as much of what the system should be able to do as it
// turns out to be. What it was refused is not tried again, if that was the reason.
//
// syscall.ForkLock is not held, or whoever wants it would have to wait as long as
// the child. It is for descriptors that are not yet closed on exec: ours all are
// from the beginning, and the child closes what is not its own besides.
func (s *Starter) fork(c *Child) (pid, pidfd int, err error) {
	can, wanted := s.can, s.pidfd
	for {
		n, errno := s.forkWith(c, can, wanted)
		refused := errno != 0 || c.failed != 0 && c.step == stepLeave
		switch {
		case !refused:
			s.can = can
			s.can.memory = c.ran != 0 // it is emulated; the child itself may run all the same
			return s.forked(c, n, can, wanted)
		case wanted && can.clone3 && (errno == syscall.EMFILE || errno == syscall.ENFILE):
			wanted = false // rather no descriptor than no child
		case errno == syscall.EAGAIN || errno == syscall.ENOMEM || errno == syscall.EMFILE || errno == syscall.ENFILE:
			return 0, -1, errno
		case c.failed != 0: // before Linux 5.9, or close_range is forbidden
			c.end()
			can.share = false
		case can.clone3: // before Linux 5.5, or it is forbidden
			can.clone3 = false
		case can.share:
			can.share = false
		default:
			return 0, -1, ErrUnsupported
		}
	}
}

// forkWith makes the child, with some of what the system may be able to do.
func (s *Starter) forkWith(c *Child, can features, pidfd bool) (pid int, errno syscall.Errno) {
	c.args = cloneArgs{flags: cloneVM | cloneVfork | cloneParentSettid, exitSignal: uint64(syscall.SIGCHLD)}
	c.clone3, c.above = can.clone3, 0
	if can.share {
		c.args.flags |= cloneFiles
		c.above = uintptr(s.above)
	}
	if can.clone3 {
		c.args.flags |= cloneClearSighand
		if pidfd {
			c.args.flags |= clonePidfd
		}
	}
	c.pidfd, c.failed, c.ran, c.call = -1, 0, 0, -1
	atomic.StoreUint32(&c.step, stepBegin)
	n, errno := forkAndExec(c)
	if errno == 0 {
		c.forked(int(n))
	}
	return int(n), errno
}

// forked says what became of a child.
func (s *Starter) forked(c *Child, n int, can features, wanted bool) (pid, pidfd int, err error) {
	pid, pidfd = n, int(c.pidfd)
	if c.failed != 0 {
		c.end()
		if call := c.refused(); call != nil {
			return 0, -1, &limits.Refused{Call: call, Errno: c.failed}
		}
		return 0, -1, ChildError(c.failed)
	}
	if wanted && !can.clone3 {
		pidfd = OpenPID(pid)
	}
	return pid, pidfd, nil
}
