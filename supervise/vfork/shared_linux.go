//go:build !portable

package vfork

import (
	"sync"
	"syscall"
)

// Shared is what all Starters of a process have in common. The zero value is ready.
//
// A child that becomes another user while it still shares our memory makes the
// system take us for a program that must not be looked into (PR_GET_DUMPABLE): no
// core file, a /proc/self that belongs to root, no debugger of our own user. That is
// right as long as the child is there, or its user could read and write in our
// memory by way of it. Once none is left, we are again what we were.
type Shared struct {
	mu       sync.Mutex
	others   int // children of other users that have not left our memory
	dumpable uintptr
}

// enter is called before such a child is made.
func (s *Shared) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.others == 0 {
		s.dumpable, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0)
	}
	s.others++
}

// leave is called when the child has left our memory, or was never made.
func (s *Shared) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.others--; s.others == 0 && s.dumpable == 1 {
		// The arguments are right, so it cannot fail.
		syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 1, 0)
	}
}
