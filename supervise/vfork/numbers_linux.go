package vfork

import (
	"runtime"
	"strings"
)

const (
	cloneVM           = 0x100
	cloneFiles        = 0x400
	clonePidfd        = 0x1000
	cloneVfork        = 0x4000
	cloneParentSettid = 0x100000

	cloneClearSighand = 1 << 32 // of clone3

	closeRangeUnshare = 2
	closeRangeCloexec = 4

	sysClone3  = 435 // but for mips
	sigBlock   = 0
	sigSetmask = 2
)

// cloneArgs are the arguments of clone3, of which a child gets the first, the
// second, the fourth and the fifth.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

// hasClone3 is false for mips, which has other numbers and more signals.
func hasClone3() bool { return !strings.HasPrefix(runtime.GOARCH, "mips") }

// closeRange is the number of close_range, the same nearly everywhere.
//
//go:nosplit
func closeRange() uintptr { return commonNumber(436) }

// pidfdOpen is the number of pidfd_open.
func pidfdOpen() uintptr { return commonNumber(434) }

// commonNumber is that of a system call that came after numbers became the same for
// all: mips counts from others.
//
//go:nosplit
func commonNumber(n uintptr) uintptr {
	switch runtime.GOARCH {
	case "mips", "mipsle":
		return 4000 + n
	case "mips64", "mips64le":
		return 5000 + n
	}
	return n
}
