package limits

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NewPlan returns the calls for s, nil if there are none, for a child whose user is uid in
// the end; changes says that it becomes that user between the calls. The error says that
// this system has no way to set something.
//
// The order, and why: oom_score_adj needs a descriptor, so it comes before the limit of
// those. The limits come before nice, since rlimit_nice permits that to who is not root.
// The bounding set can only be made smaller by who is privileged, so before the user
// changes. What a changed user would lose is kept over the change, and then cut down to
// what was asked for. no_new_privs needs nothing and comes last.
func NewPlan(s *Settings, uid int, changes bool) (*Plan, error) {
	p := &Plan{}
	p.oomScoreAdj(s)
	p.rlimits(s)
	if s.Nice != nil {
		p.before(Call{Trap: unix.SYS_SETPRIORITY, Args: args(unix.PRIO_PROCESS, 0, uintptr(*s.Nice)),
			Key: "nice", Value: strconv.Itoa(*s.Nice), Name: "setpriority"})
	}
	p.ioPrio(s)
	p.affinity(s)
	if s.Capabilities != nil {
		p.capabilities(*s.Capabilities, uid, changes)
	}
	if s.NoNewPrivs {
		p.last(Call{Trap: unix.SYS_PRCTL, Args: args(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
			Key: "no_new_privs", Value: "true", Name: "prctl(PR_SET_NO_NEW_PRIVS)"})
	}
	if len(p.BeforeUser)+len(p.Last) == 0 {
		return nil, nil
	}
	return p, nil
}

func (p *Plan) before(c Call) { p.BeforeUser = append(p.BeforeUser, c) }
func (p *Plan) last(c Call)   { p.Last = append(p.Last, c) }

func args(list ...uintptr) (a [6]uintptr) {
	copy(a[:], list)
	return a
}

// pointer returns the address of data, which p keeps. Memory that was allocated does not
// move.
func pointer[T any](p *Plan, data *T) uintptr {
	p.keep = append(p.keep, data)
	return uintptr(unsafe.Pointer(data))
}

// oomScoreAdj writes the file, since there is no system call for it.
func (p *Plan) oomScoreAdj(s *Settings) {
	if s.OOMScoreAdj == nil {
		return
	}
	value := strconv.Itoa(*s.OOMScoreAdj)
	const file = "/proc/self/oom_score_adj"
	var name [len(file) + 1]byte
	copy(name[:], file)
	var text [8]byte
	n := copy(text[:], value)
	c := Call{Key: "oom_score_adj", Value: value}
	at := unix.AT_FDCWD
	c.Trap, c.Name, c.Opens = unix.SYS_OPENAT, "open "+file, true
	c.Args = args(uintptr(at), pointer(p, &name), unix.O_WRONLY|unix.O_CLOEXEC)
	p.before(c)
	c.Trap, c.Name, c.Opens, c.OnOpened = unix.SYS_WRITE, "write "+file, false, true
	c.Args = args(0, pointer(p, &text), uintptr(n))
	p.before(c)
	c.Trap, c.Name, c.Args = unix.SYS_CLOSE, "close "+file, args()
	p.before(c)
}

// numberOf returns the number of a limit, which is not the same on all architectures.
func numberOf(name string) uintptr {
	switch name {
	case "as":
		return unix.RLIMIT_AS
	case "core":
		return unix.RLIMIT_CORE
	case "cpu":
		return unix.RLIMIT_CPU
	case "data":
		return unix.RLIMIT_DATA
	case "fsize":
		return unix.RLIMIT_FSIZE
	case "locks":
		return unix.RLIMIT_LOCKS
	case "memlock":
		return unix.RLIMIT_MEMLOCK
	case "msgqueue":
		return unix.RLIMIT_MSGQUEUE
	case "nice":
		return unix.RLIMIT_NICE
	case "nofile":
		return unix.RLIMIT_NOFILE
	case "nproc":
		return unix.RLIMIT_NPROC
	case "rss":
		return unix.RLIMIT_RSS
	case "rtprio":
		return unix.RLIMIT_RTPRIO
	case "rttime":
		return unix.RLIMIT_RTTIME
	case "sigpending":
		return unix.RLIMIT_SIGPENDING
	}
	return unix.RLIMIT_STACK
}

func (p *Plan) rlimits(s *Settings) {
	for _, r := range s.Rlimits {
		limit := &[2]uint64{r.Soft, r.Hard}
		p.before(Call{Trap: unix.SYS_PRLIMIT64, Args: args(0, numberOf(r.Name), pointer(p, limit), 0),
			Key: "rlimit_" + r.Name, Value: limitText(r.Soft) + ":" + limitText(r.Hard), Name: "prlimit"})
	}
}

func limitText(n uint64) string {
	if n == Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

func (p *Plan) ioPrio(s *Settings) {
	if s.IOPrio == (IOPrio{}) {
		return
	}
	const whoProcess, classShift = 1, 13
	text := "idle"
	switch s.IOPrio.Class {
	case RealTime:
		text = fmt.Sprintf("realtime:%d", s.IOPrio.Level)
	case BestEffort:
		text = fmt.Sprintf("best-effort:%d", s.IOPrio.Level)
	}
	p.before(Call{Trap: unix.SYS_IOPRIO_SET, Args: args(whoProcess, 0, uintptr(s.IOPrio.Class<<classShift|s.IOPrio.Level)),
		Key: "ioprio", Value: text, Name: "ioprio_set"})
}

func (p *Plan) affinity(s *Settings) {
	if len(s.CPUs) == 0 {
		return
	}
	// The kernel takes its own words, whose bits are numbered from the least.
	mask := &[(maxCPU + 1) / bits.UintSize]uint{}
	var text []byte
	for i, n := range s.CPUs {
		mask[n/bits.UintSize] |= 1 << (n % bits.UintSize)
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(n), 10)
	}
	p.before(Call{Trap: unix.SYS_SCHED_SETAFFINITY, Args: args(0, unsafe.Sizeof(*mask), pointer(p, mask)),
		Key: "cpu_affinity", Value: string(text), Name: "sched_setaffinity"})
}

// capabilities makes caps all that the program has and can get.
func (p *Plan) capabilities(caps uint64, uid int, changes bool) {
	text := capabilityNames(caps)
	for n := range len(capabilities) {
		if caps>>n&1 != 0 {
			continue
		}
		drop := Call{Trap: unix.SYS_PRCTL, Args: args(unix.PR_CAPBSET_DROP, uintptr(n), 0, 0, 0),
			May: [2]syscall.Errno{unix.EINVAL}, // an older kernel does not have it
			Key: "capabilities", Value: text, Name: "prctl(PR_CAPBSET_DROP)"}
		if uid != 0 {
			// Who is not root gets nothing out of the bounding set by itself.
			drop.May[1] = unix.EPERM
		}
		p.before(drop)
	}
	if changes && caps != 0 {
		p.before(Call{Trap: unix.SYS_PRCTL, Args: args(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0),
			Key: "capabilities", Value: text, Name: "prctl(PR_SET_KEEPCAPS)"})
	}
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	low, high := uint32(caps), uint32(caps>>32)
	data := &[2]unix.CapUserData{{Effective: low, Permitted: low, Inheritable: low}, {Effective: high, Permitted: high, Inheritable: high}}
	p.last(Call{Trap: unix.SYS_CAPSET, Args: args(pointer(p, header), pointer(p, data)),
		Key: "capabilities", Value: text, Name: "capset"})
	for n := range len(capabilities) {
		if caps>>n&1 != 0 {
			p.last(Call{Trap: unix.SYS_PRCTL, Args: args(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n), 0, 0),
				Key: "capabilities", Value: text, Name: "prctl(PR_CAP_AMBIENT_RAISE)"})
		}
	}
}

// capabilityNames returns a list as it is written in a file.
func capabilityNames(caps uint64) string {
	var names []string
	for n, name := range capabilities {
		if caps>>n&1 != 0 {
			names = append(names, "CAP_"+name)
		}
	}
	return strings.Join(names, ",")
}

// Make makes calls in the calling thread, and returns the number of the one that the
// system refused, with its error; errno is 0 if there is none. Most of them concern this
// thread alone, and they cannot be taken back: it is for a child, or for a thread that ends
// with its goroutine. It does not need the runtime, so a child may call it that shares its
// parent's memory.
//
//go:nosplit
//go:norace
//go:nocheckptr
func Make(calls []Call) (failed int, errno syscall.Errno) {
	var opened uintptr
	for i := 0; i < len(calls); i++ {
		c := &calls[i]
		first := c.Args[0]
		if c.OnOpened {
			first = opened
		}
		r, _, errno := syscall.RawSyscall6(c.Trap, first, c.Args[1], c.Args[2], c.Args[3], c.Args[4], c.Args[5])
		if errno != 0 && errno != c.May[0] && errno != c.May[1] {
			return i, errno
		}
		if c.Opens {
			opened = r
		}
	}
	return 0, 0
}
