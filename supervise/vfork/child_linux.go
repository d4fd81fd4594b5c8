//go:build !portable

package vfork

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"supervisor/supervise/limits"
)

// Child is a child from before its clone until it has executed the program or has
// failed. The zero value is one that is still to be started; one that has failed can be
// started once more. Meanwhile others may look at it and stop it, as far as methods are
// said to be theirs.
type Child struct {
	// Written by the child, or for it before it runs, and read by others meanwhile.
	pid  int32
	stop uint32 // the child is not to go on
	step uint32 // what it is at
	ran  uint32 // there was a child, and it shares our memory

	mu     sync.Mutex // held while pid is given up, and while it is relied on
	buried int        // the last child that somebody else has waited for

	file    *byte
	argv    **byte
	environ **byte
	dir     *byte
	umask   int
	user    *syscall.Credential
	groups  *uint32
	nGroups uintptr
	noFile  *syscall.Rlimit
	before  []limits.Call // before the user changes
	last    []limits.Call
	call    int       // of these together, which was refused; -1 for none
	slots   [4]int    // 0, 1, 2, and extra
	extra   int       // 0 for none
	above   uintptr   // copy the descriptors below; 0 if the table is our own
	args    cloneArgs // clone takes the lower half of the flags
	clone3  bool      // which clears signal handlers; else by clone
	mask    uint64    // of signals to be blocked, with clone3
	pidfd   int32
	failed  syscall.Errno
}

// PID returns the child's pid from its clone on, until it has failed and has been
// waited for; 0 otherwise. It is anybody's.
func (c *Child) PID() int { return int(atomic.LoadInt32(&c.pid)) }

func (c *Child) setPID(pid int32) { atomic.StoreInt32(&c.pid, pid) }

// Stop keeps the child from becoming the program, if it is not too late: then it
// returns the pid, and the child has to be signalled. It returns 0 if there is no
// child yet: whatever becomes of the start, the program does not run. It is
// anybody's.
//
// The system writes down the pid before it lets the child run, and the child looks
// for the order to stop as the first thing it does. So either we see the pid, or
// the child sees the order.
func (c *Child) Stop() (pid int) {
	atomic.StoreUint32(&c.stop, 1)
	return c.PID()
}

// Stopped reports whether Stop was called. It is anybody's.
func (c *Child) Stopped() bool { return atomic.LoadUint32(&c.stop) != 0 }

// Signal sends a signal to the child, or to its process group. It is anybody's, but
// after the end of the start only of those who know that the child has not been
// waited for. Without a child the error is ESRCH.
func (c *Child) Signal(sig syscall.Signal, group bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid := c.PID()
	if pid == 0 {
		return syscall.ESRCH
	}
	if group && syscall.Kill(-pid, sig) == nil {
		return nil
	}
	return syscall.Kill(pid, sig) // which may not have its group yet
}

// Forked tells the pid of a child that was started in another way. If it is to be
// stopped, it has to be by whoever tells that.
func (c *Child) Forked(pid int) { c.setPID(int32(pid)) }

// Buried tells that somebody else has waited for the child: its pid may be another's.
func (c *Child) Buried() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buried = c.PID()
	c.setPID(0)
}

// forked makes sure that the pid is known: an emulator may have left that out.
func (c *Child) forked(pid int) {
	if c.PID() == pid {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buried != pid {
		c.setPID(int32(pid))
	}
}

// Doing says what keeps a child that does not come to its end; "" if it is not known. It
// is anybody's.
func (c *Child) Doing() string {
	switch atomic.LoadUint32(&c.step) {
	case stepDir:
		return "chdir"
	case stepExec:
		return "exec"
	}
	return ""
}

// refused returns the call for a limit that the system refused, nil for none.
func (c *Child) refused() *limits.Call {
	switch {
	case c.call < 0:
		return nil
	case c.call < len(c.before):
		return &c.before[c.call]
	}
	return &c.last[c.call-len(c.before)]
}

// end gives up what there is of a child that has failed.
func (c *Child) end() {
	if c.pidfd >= 0 {
		syscall.Close(int(c.pidfd))
	}
	c.bury()
}

// bury waits for a child that has failed. While it waits the pid can be relied on:
// it is given up only with the lock.
func (c *Child) bury() {
	pid := c.PID()
	if pid == 0 {
		return
	}
	var info [128]byte // a siginfo_t, which nobody reads
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPID, uintptr(pid), uintptr(unsafe.Pointer(&info)), wExited|wNowait, 0, 0)
		if errno != syscall.EINTR {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.PID() != 0 { // or whoever waits for all children was first
		if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != syscall.EINTR {
			c.setPID(0)
		}
	}
}

const (
	pPID    = 1
	wExited = 4
	wNowait = 0x1000000
)

// prepare makes c ready for a start. A NUL in a string is an error, as for exec.
func (c *Child) prepare(file string, attr *Attr) (err error) {
	c.umask, c.user, c.noFile, c.extra = attr.Umask, attr.User, attr.NoFile, attr.ExtraAs
	c.dir, c.groups, c.nGroups, c.before, c.last = nil, nil, 0, nil, nil
	if attr.Limits != nil {
		c.before, c.last = attr.Limits.BeforeUser, attr.Limits.Last
	}
	c.argv, c.environ = attr.Argv.first(), attr.Environ.first()
	if c.file, err = syscall.BytePtrFromString(file); err != nil {
		return ChildError(syscall.EINVAL)
	}
	if attr.Dir != "" {
		if c.dir, err = syscall.BytePtrFromString(attr.Dir); err != nil {
			return ChildError(syscall.EINVAL)
		}
	}
	if u := attr.User; u != nil && len(u.Groups) > 0 {
		c.groups, c.nGroups = &u.Groups[0], uintptr(len(u.Groups))
	}
	return nil
}

// The steps of a child that somebody wants to know of.
const (
	stepBegin = iota
	stepLeave // the shared table of descriptors
	stepOwn   // what concerns nobody but the child
	stepDir
	stepExec
)

// forkAndExec makes the child and returns in the parent, once the child has executed
// the program or has failed. The child goes on in this frame and writes over it, so
// that the parent finds nothing there but what the child has not changed.
//
// From entersyscall to exitsyscall this thread has no right to run Go code: another
// may have its processor, and the collector of garbage reads the stack from this
// frame up. So all that is called is nosplit and needs no more than what package
// syscall calls in the same position, nothing is allocated, and no pointer is
// written. c stays alive, because the child uses it last. The stack cannot be moved
// meanwhile.
//
//go:noinline
//go:norace
//go:nocheckptr
func forkAndExec(c *Child) (pid uintptr, errno syscall.Errno) {
	var i int // no declaration below: it might allocate
	entersyscall()
	beforeFork() // no signal comes until afterFork
	switch {
	case c.clone3:
		c.args.pidfd = uint64(uintptr(unsafe.Pointer(&c.pidfd)))
		c.args.parentTID = uint64(uintptr(unsafe.Pointer(&c.pid)))
		pid, errno = rawVforkSyscall(sysClone3, uintptr(unsafe.Pointer(&c.args)), unsafe.Sizeof(c.args), 0)
	case runtime.GOARCH == "s390x": // which has the first two arguments swapped
		pid, errno = rawVforkSyscall(syscall.SYS_CLONE, 0, uintptr(uint32(c.args.flags|c.args.exitSignal)), uintptr(unsafe.Pointer(&c.pid)))
	default:
		pid, errno = rawVforkSyscall(syscall.SYS_CLONE, uintptr(uint32(c.args.flags|c.args.exitSignal)), 0, uintptr(unsafe.Pointer(&c.pid)))
	}
	if errno != 0 || pid != 0 {
		afterFork()
		exitsyscall()
		return pid, errno
	}

	c.ran = 1
	if c.above != 0 { // first of all: until here what we close is closed for the parent
		c.step = stepLeave
		_, _, errno = syscall.RawSyscall(closeRange(), c.above, uintptr(^uint32(0)), closeRangeUnshare)
		if errno != 0 {
			goto failed
		}
	}
	c.step = stepOwn
	if c.stop != 0 {
		errno = syscall.ECANCELED
		goto failed
	}
	_, _, errno = syscall.RawSyscall(syscall.SYS_SETPGID, 0, 0, 0)
	if errno != 0 {
		goto failed
	}
	if c.clone3 {
		_, _, errno = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetmask, uintptr(unsafe.Pointer(&c.mask)), 0, unsafe.Sizeof(c.mask), 0, 0)
		if errno != 0 {
			goto failed
		}
	} else {
		afterForkInChild() // no signal handlers, and the mask as it was: a call for each signal
	}
	for i = 0; i < 3; i++ {
		_, _, errno = syscall.RawSyscall(syscall.SYS_DUP3, uintptr(c.slots[i]), uintptr(i), 0)
		if errno != 0 {
			goto failed
		}
	}
	if c.extra > 2 {
		if c.slots[3] == c.extra { // a copy of itself would be an error
			_, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(c.extra), syscall.F_SETFD, 0)
		} else {
			_, _, errno = syscall.RawSyscall(syscall.SYS_DUP3, uintptr(c.slots[3]), uintptr(c.extra), 0)
		}
		if errno != 0 {
			goto failed
		}
	}
	if c.above != 0 { // exec would do that, but it may be long in coming
		if c.extra > 3 {
			syscall.RawSyscall(closeRange(), 3, uintptr(c.extra-1), 0)
		}
		syscall.RawSyscall(closeRange(), uintptr(max(c.extra, 2)+1), uintptr(^uint32(0)), 0)
	}
	if len(c.before) > 0 {
		i, errno = limits.Make(c.before)
		if errno != 0 {
			c.call = i
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
		c.step = stepDir
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
	if len(c.last) > 0 {
		i, errno = limits.Make(c.last)
		if errno != 0 {
			c.call = len(c.before) + i
			goto failed
		}
	}
	c.step = stepExec
	_, _, errno = syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(c.file)), uintptr(unsafe.Pointer(c.argv)), uintptr(unsafe.Pointer(c.environ)))
failed:
	c.failed = errno
	for {
		syscall.RawSyscall(syscall.SYS_EXIT, 127, 0, 0)
	}
}

// What follows is what package syscall uses to fork and to make system calls.

func rawVforkSyscall(trap, a1, a2, a3 uintptr) (r1 uintptr, errno syscall.Errno)

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()
