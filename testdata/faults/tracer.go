//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// fault is one way in which one system call fails.
type fault struct {
	site  uint64
	errno syscall.Errno // 0 with short
	short bool          // half of the bytes are read or written
	delay int           // milliseconds that the call takes longer, instead of failing
	after bool          // the call is made, and its result replaced: a close does its work
}

// call is a system call at one place of the program.
type call struct {
	number uint64
	kind   string // of the descriptor it is about, "" for none
	size   uint64 // bytes to be read or written
	stack  []uint64
}

// site names the place: the call, the kind of its descriptor, and who called.
func (c *call) site() uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, c.number, c.kind)
	for _, pc := range c.stack {
		_ = binary.Write(h, binary.LittleEndian, pc) // a hash takes everything
	}
	return h.Sum64()
}

// tracer runs a program and looks at each of its system calls, but not at those of
// the programs that it starts. All methods belong to one thread.
type tracer struct {
	plan *fault                // what is to fail, once; nil for nothing
	saw  func(*call)           // each call that can fail
	hit  func(c *call)         // the fault was made
	mem  *os.File              // memory of the program
	in   map[int]*pendingFault // threads in a call, and what is to become of it
	pid  int
}

// pendingFault is a call that has been entered.
type pendingFault struct {
	change bool
	result uint64
	repeat *syscall.PtraceRegs // the call was replaced by a pause, and is to be made now
}

const (
	waitAll      = 0x40000000 // __WALL
	waitNoThread = 0x20000000 // __WNOTHREAD: what other threads trace is theirs
	traceExit    = 0x00100000 // PTRACE_O_EXITKILL
	eventStop    = syscall.SIGTRAP | 0x80
)

// start starts the program, stopped before its first instruction. It locks the
// goroutine to its thread, which has to make all further calls.
func (t *tracer) start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	t.pid = cmd.Process.Pid
	t.in = map[int]*pendingFault{}
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(t.pid, &ws, waitAll, nil); err != nil {
		return err
	}
	options := syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | traceExit
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return err
	}
	var err error
	if t.mem, err = os.Open(fmt.Sprintf("/proc/%d/mem", t.pid)); err != nil {
		return err
	}
	return syscall.PtraceSyscall(t.pid, 0)
}

// run follows the program to its end and returns how that came.
func (t *tracer) run() (syscall.WaitStatus, error) {
	defer t.mem.Close()
	for {
		var ws syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &ws, waitAll|waitNoThread, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case ws.Exited() || ws.Signaled():
			delete(t.in, tid)
			if tid == t.pid {
				return ws, nil
			}
			continue
		}
		// A thread that has just been killed cannot be continued; its end comes next.
		_ = syscall.PtraceSyscall(tid, t.stopped(tid, ws))
	}
}

// stopped handles a stop of a thread and returns the signal to be delivered.
func (t *tracer) stopped(tid int, ws syscall.WaitStatus) int {
	switch sig := ws.StopSignal(); {
	case sig == eventStop:
		t.atCall(tid)
		return 0
	case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP: // a new thread
		return 0
	default:
		return int(sig)
	}
}

// atCall is at the entry of a system call or at its return.
func (t *tracer) atCall(tid int) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(tid, &regs) != nil {
		return // killed
	}
	if p, inside := t.in[tid]; inside {
		delete(t.in, tid)
		switch {
		case p.change:
			regs.Rax = p.result
			_ = syscall.PtraceSetRegs(tid, &regs)
		case p.repeat != nil: // back to the instruction, which is two bytes long
			regs = *p.repeat
			regs.Rip -= 2
			regs.Rax = regs.Orig_rax
			_ = syscall.PtraceSetRegs(tid, &regs)
		}
		return
	}
	p := &pendingFault{}
	t.in[tid] = p
	if !interesting(&regs) {
		return
	}
	c := t.describe(&regs)
	if t.saw != nil {
		t.saw(c)
	}
	if t.plan == nil || t.plan.site != c.site() {
		return
	}
	f := t.plan
	t.plan = nil
	switch {
	case f.delay > 0: // poll with no descriptors is a pause that needs no memory
		before := regs
		p.repeat = &before
		regs.Orig_rax, regs.Rdi, regs.Rsi, regs.Rdx = syscall.SYS_POLL, 0, 0, uint64(f.delay)
	case f.short:
		regs.Rdx = max(1, c.size/2)
	case f.after:
		p.change, p.result = true, uint64(-int64(f.errno))
	default:
		p.change, p.result = true, uint64(-int64(f.errno))
		regs.Orig_rax = ^uint64(0)
	}
	_ = syscall.PtraceSetRegs(tid, &regs)
	t.hit(c)
}

// describe looks at a call that is being entered.
func (t *tracer) describe(regs *syscall.PtraceRegs) *call {
	c := &call{number: regs.Orig_rax, stack: t.stack(regs)}
	if takesDescriptor(c.number) {
		c.kind = t.kindOf(int(int32(regs.Rdi)))
	}
	if c.number == syscall.SYS_READ || c.number == syscall.SYS_WRITE {
		c.size = regs.Rdx
	}
	return c
}

// maxDepth is how many callers make a place.
const maxDepth = 10

// stack returns the return addresses, the innermost first. Go programs keep frame
// pointers, and the function that makes the call has no frame.
func (t *tracer) stack(regs *syscall.PtraceRegs) []uint64 {
	pcs := make([]uint64, 0, maxDepth)
	word := func(at uint64) uint64 {
		var b [8]byte
		if _, err := t.mem.ReadAt(b[:], int64(at)); err != nil {
			return 0
		}
		return binary.LittleEndian.Uint64(b[:])
	}
	pcs = append(pcs, word(regs.Rsp))
	for frame := regs.Rbp; frame != 0 && len(pcs) < maxDepth; frame = word(frame) {
		pc := word(frame + 8)
		if pc == 0 {
			break
		}
		pcs = append(pcs, pc)
	}
	return pcs
}

// kindOf says what a descriptor leads to.
func (t *tracer) kindOf(fd int) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, fd))
	if err != nil {
		return "closed"
	}
	kind, _, _ := strings.Cut(link, ":[")
	switch {
	case strings.HasPrefix(link, "/dev/"):
		return "device"
	case strings.HasPrefix(link, "/proc/"), strings.HasPrefix(link, "/sys/"):
		return "proc"
	case strings.HasPrefix(link, "/"):
		return "file"
	case strings.HasPrefix(link, "anon_inode:"):
		return strings.Trim(strings.TrimPrefix(link, "anon_inode:"), "[]")
	}
	return kind
}
