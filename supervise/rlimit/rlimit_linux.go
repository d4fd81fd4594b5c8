package rlimit

import (
	"runtime"
	"unsafe"
)

// rawSyscall6 is syscall.RawSyscall6, without importing syscall.
//
//go:linkname rawSyscall6 syscall.RawSyscall6
func rawSyscall6(trap, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2 uintptr, errno uintptr)

// prlimit64 returns the number of the system call, the one that takes the same
// argument on all architectures; 0 where it is not known.
func prlimit64() uintptr {
	switch runtime.GOARCH {
	case "amd64":
		return 302
	case "386":
		return 340
	case "arm":
		return 369
	case "arm64", "riscv64", "loong64":
		return 261
	case "mips", "mipsle":
		return 4338
	case "mips64", "mips64le":
		return 5297
	case "ppc64", "ppc64le":
		return 325
	case "s390x":
		return 334
	}
	return 0
}

// limitOpenFiles returns RLIMIT_NOFILE, which is not the same everywhere.
func limitOpenFiles() uintptr {
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		return 5
	}
	return 7
}

func softLimit() int64 {
	var limit [2]uint64 // soft, hard
	trap := prlimit64()
	if trap == 0 {
		return -1
	}
	_, _, errno := rawSyscall6(trap, 0, limitOpenFiles(), 0, uintptr(unsafe.Pointer(&limit)), 0, 0)
	if errno != 0 {
		return -1
	}
	if limit[0] > 1<<62 { // infinity
		return 1 << 62
	}
	return int64(limit[0])
}
