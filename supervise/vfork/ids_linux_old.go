//go:build linux && (386 || arm) && !portable

package vfork

import "syscall"

// The calls that take user and group numbers of 32 bits: those without the
// number in their names take 16.
const (
	sysSetgroups = syscall.SYS_SETGROUPS32
	sysSetgid    = syscall.SYS_SETGID32
	sysSetuid    = syscall.SYS_SETUID32
)
