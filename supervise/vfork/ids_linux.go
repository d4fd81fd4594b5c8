//go:build linux && !386 && !arm && !portable

package vfork

import "syscall"

// The calls that take user and group numbers of 32 bits.
const (
	sysSetgroups = syscall.SYS_SETGROUPS
	sysSetgid    = syscall.SYS_SETGID
	sysSetuid    = syscall.SYS_SETUID
)
