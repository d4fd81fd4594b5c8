//go:build !portable

#include "textflag.h"

// func rawVforkSyscall(trap, a1, a2, a3 uintptr) (r1 uintptr, errno syscall.Errno)
//
// The one of package syscall, called without a frame in between: the child
// returns first, and would leave the parent such a frame in ruins.
TEXT ·rawVforkSyscall(SB),NOSPLIT|NOFRAME,$0
	JMP	syscall·rawVforkSyscall(SB)
