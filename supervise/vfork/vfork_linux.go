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
// Between fork and exec no Go code may run that could need the runtime. What does
// run is written after forkAndExecInChild1 in package syscall, which has no way to
// ask for any of this, and with the same three hooks of the runtime.
package vfork

import (
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

// Attr says how a program is to be started.
type Attr struct {
	Files   [3]int              // what becomes descriptor 0, 1 and 2
	Dir     string              // to change to, "" for none
	Umask   int                 // -1 for ours
	User    *syscall.Credential // to become, nil to stay
	NoFile  *syscall.Rlimit     // the limit of open files, nil for ours
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

// ChildError says that there was a child, but that it could not become the
// program. It has been waited for.
type ChildError syscall.Errno

func (e ChildError) Error() string { return syscall.Errno(e).Error() }

// Starter starts programs, one at a time: it belongs to one goroutine.
type Starter struct {
	slots [3]int // low descriptors, through which children inherit theirs
	rest  int    // what is in them meanwhile: something harmless
	above int    // one more than the highest of them
	share bool   // the system can leave a shared table for a part of it
	pidfd bool   // a descriptor of the child is to be had
	clear bool   // the system can start the child without our signal handlers
	mask  uint64 // the signals that children begin with blocked, if clear
}

const (
	cloneVM    = 0x100
	cloneFiles = 0x400
	clonePidfd = 0x1000
	cloneVfork = 0x4000

	cloneClearSighand = 1 << 32 // of clone3

	closeRangeUnshare = 2
	closeRangeCloexec = 4
)

// cloneArgs are the arguments of clone3, of which a child gets the first, the
// second and the fifth.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

// New makes a Starter, early, as long as low descriptors are free.
func New() (*Starter, error) {
	s := &Starter{}
	_, _, errno := syscall.RawSyscall(closeRange(), ^uintptr(0)>>1, ^uintptr(0)>>1, 0)
	s.share = errno == 0 // Linux 5.9
	s.pidfd = s.share    // 5.3; what is older is not worth a question of its own
	// 5.5; mips has other numbers and more signals.
	if s.share && !strings.HasPrefix(runtime.GOARCH, "mips") {
		_, _, errno = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigBlock, 0, uintptr(unsafe.Pointer(&s.mask)), unsafe.Sizeof(s.mask), 0, 0)
		s.clear = errno == 0
	}
	rest, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, errno
	}
	s.rest = int(rest)
	for i := range s.slots {
		slot, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, rest, syscall.F_DUPFD_CLOEXEC, 3)
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
	go func() {
		// Should it fail, starts take a little longer.
		fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(s.rest), syscall.F_DUPFD_CLOEXEC, uintptr(n))
		if errno == 0 {
			syscall.Close(int(fd))
		}
	}()
}

// Start starts file with a process group of its own. It returns once that runs,
// with a descriptor that becomes readable when it ends, -1 where there is none.
// An error that is no ChildError is one of the fork.
func (s *Starter) Start(file string, attr *Attr) (pid, pidfd int, err error) {
	c, err := newChild(file, attr)
	if err != nil {
		return 0, -1, err
	}
	c.slots, c.mask, c.clear = s.slots, s.mask, s.clear
	c.args = cloneArgs{flags: cloneVM | cloneVfork, exitSignal: uint64(syscall.SIGCHLD)}
	if s.share {
		c.args.flags |= cloneFiles
		c.above = uintptr(s.above)
	}
	if s.pidfd {
		c.args.flags |= clonePidfd
	}
	if s.clear {
		c.args.flags |= cloneClearSighand
	}
	for i, fd := range attr.Files {
		if err = syscall.Dup3(fd, s.slots[i], syscall.O_CLOEXEC); err != nil {
			s.emptySlots()
			return 0, -1, err
		}
	}
	// Whoever makes a descriptor that is not yet closed on exec holds this lock.
	syscall.ForkLock.Lock()
	n, errno := fork(c)
	if c.clear && (errno == syscall.ENOSYS || errno == syscall.EINVAL || errno == syscall.EPERM) {
		s.clear, c.clear = false, false // an old system, or one that forbids clone3
		n, errno = fork(c)
	}
	if errno == syscall.EMFILE && s.pidfd { // rather no descriptor than no child
		c.args.flags &^= clonePidfd
		n, errno = fork(c)
	}
	syscall.ForkLock.Unlock()
	s.emptySlots()
	pid, pidfd = int(n), int(c.pidfd)
	switch {
	case errno != 0:
		return 0, -1, errno
	case c.failed != 0:
		if pidfd >= 0 {
			syscall.Close(pidfd)
		}
		bury(pid)
		return 0, -1, ChildError(c.failed)
	}
	return pid, pidfd, nil
}

// emptySlots lets go of what a child has inherited: pipes end when nobody else
// has them open.
func (s *Starter) emptySlots() {
	for _, slot := range s.slots {
		// Both are open, so this cannot fail.
		_ = syscall.Dup3(s.rest, slot, syscall.O_CLOEXEC)
	}
}

func bury(pid int) {
	for {
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != syscall.EINTR {
			return
		}
	}
}

// child is all that the child needs, prepared, and what it leaves behind.
type child struct {
	file    *byte
	argv    **byte
	environ **byte
	dir     *byte
	umask   int
	user    *syscall.Credential
	groups  *uint32
	nGroups uintptr
	noFile  *syscall.Rlimit
	slots   [3]int
	above   uintptr   // copy the descriptors below; 0 if the table is our own
	args    cloneArgs // clone takes the lower half of the flags
	clear   bool      // by clone3, which clears signal handlers; else by clone
	mask    uint64    // of signals to be blocked, if clear
	pidfd   int32
	failed  syscall.Errno
}

// newChild prepares a start. A NUL in a string is an error, as for exec.
func newChild(file string, attr *Attr) (c *child, err error) {
	c = &child{umask: attr.Umask, user: attr.User, noFile: attr.NoFile, argv: attr.Argv.first(), environ: attr.Environ.first()}
	if c.file, err = syscall.BytePtrFromString(file); err != nil {
		return nil, ChildError(syscall.EINVAL)
	}
	if attr.Dir != "" {
		if c.dir, err = syscall.BytePtrFromString(attr.Dir); err != nil {
			return nil, ChildError(syscall.EINVAL)
		}
	}
	if u := attr.User; u != nil && len(u.Groups) > 0 {
		c.groups, c.nGroups = &u.Groups[0], uintptr(len(u.Groups))
	}
	return c, nil
}

// fork makes the child and returns in the parent, once the child has executed the
// program or has failed.
func fork(c *child) (pid uintptr, errno syscall.Errno) {
	c.pidfd, c.failed = -1, 0
	pid, errno = forkAndExec(c)
	afterFork()
	return pid, errno
}

// forkAndExec returns in the parent only, and there at once: the child, which goes
// on in this frame, has written over it.
//
//go:noinline
//go:norace
//go:nocheckptr
func forkAndExec(c *child) (pid uintptr, errno syscall.Errno) {
	var i int // no declaration below: it might allocate
	beforeFork()
	switch {
	case c.clear:
		c.args.pidfd = uint64(uintptr(unsafe.Pointer(&c.pidfd)))
		pid, errno = rawVforkSyscall(sysClone3, uintptr(unsafe.Pointer(&c.args)), unsafe.Sizeof(c.args), 0)
	case runtime.GOARCH == "s390x": // which has the first two arguments swapped
		pid, errno = rawVforkSyscall(syscall.SYS_CLONE, 0, uintptr(uint32(c.args.flags|c.args.exitSignal)), uintptr(unsafe.Pointer(&c.pidfd)))
	default:
		pid, errno = rawVforkSyscall(syscall.SYS_CLONE, uintptr(uint32(c.args.flags|c.args.exitSignal)), 0, uintptr(unsafe.Pointer(&c.pidfd)))
	}
	if errno != 0 || pid != 0 {
		return pid, errno
	}

	if c.above != 0 { // first of all: until here what we close is closed for the parent
		_, _, errno = syscall.RawSyscall(closeRange(), c.above, uintptr(^uint32(0)), closeRangeUnshare)
		if errno != 0 {
			goto failed
		}
	}
	_, _, errno = syscall.RawSyscall(syscall.SYS_SETPGID, 0, 0, 0)
	if errno != 0 {
		goto failed
	}
	if c.clear {
		_, _, errno = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetmask, uintptr(unsafe.Pointer(&c.mask)), 0, unsafe.Sizeof(c.mask), 0, 0)
		if errno != 0 {
			goto failed
		}
	} else {
		afterForkInChild() // no signal handlers, and the mask as it was: a call for each signal
	}
	for i = 0; i < len(c.slots); i++ {
		_, _, errno = syscall.RawSyscall(syscall.SYS_DUP3, uintptr(c.slots[i]), uintptr(i), 0)
		if errno != 0 {
			goto failed
		}
	}
	if c.user != nil {
		_, _, errno = syscall.RawSyscall(sysSetgroups, c.nGroups, uintptr(unsafe.Pointer(c.groups)), 0)
		if errno != 0 {
			goto failed
		}
		_, _, errno = syscall.RawSyscall(sysSetgid, uintptr(c.user.Gid), 0, 0)
		if errno != 0 {
			goto failed
		}
		_, _, errno = syscall.RawSyscall(sysSetuid, uintptr(c.user.Uid), 0, 0)
		if errno != 0 {
			goto failed
		}
	}
	if c.dir != nil {
		_, _, errno = syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(c.dir)), 0, 0)
		if errno != 0 {
			goto failed
		}
	}
	if c.umask >= 0 {
		syscall.RawSyscall(syscall.SYS_UMASK, uintptr(c.umask), 0, 0)
	}
	if c.noFile != nil {
		syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(c.noFile)), 0, 0, 0)
	}
	_, _, errno = syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(c.file)), uintptr(unsafe.Pointer(c.argv)), uintptr(unsafe.Pointer(c.environ)))
failed:
	c.failed = errno
	for {
		syscall.RawSyscall(syscall.SYS_EXIT, 127, 0, 0)
	}
}

const (
	sysClone3  = 435 // but for mips
	sigBlock   = 0
	sigSetmask = 2
)

// closeRange is the number of close_range, the same nearly everywhere.
//
//go:nosplit
func closeRange() uintptr {
	switch runtime.GOARCH {
	case "mips", "mipsle":
		return 4436
	case "mips64", "mips64le":
		return 5436
	}
	return 436
}

// CloseOnExec has exec close all descriptors from first on. It returns false if the
// system, before Linux 5.11, cannot do that.
func CloseOnExec(first int) bool {
	_, _, errno := syscall.RawSyscall(closeRange(), uintptr(first), uintptr(^uint32(0)), closeRangeCloexec)
	return errno == 0
}

// What follows is what package syscall uses to fork.

func rawVforkSyscall(trap, a1, a2, a3 uintptr) (r1 uintptr, errno syscall.Errno)

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()
