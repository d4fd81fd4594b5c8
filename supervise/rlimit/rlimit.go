// Package rlimit knows the limit of open files that the program was started with.
//
// At its start a Go program raises its own soft limit of open files to the hard
// one, and gives children the old one back, but it tells nobody what that was. A
// supervisor has to know: minfds asks for a change only where the limit that
// children get is too low.
//
// Package syscall does the raising while it is initialized. This package has to
// look before that. The order is not luck: the language specification has
// packages initialized by import path, each as soon as its imports are, and this
// one imports nothing that comes after it. That is why it may not import syscall,
// and calls by way of a name that syscall offers to linkname.
package rlimit

// inherited is the soft limit before anybody changed it, -1 if not known.
var inherited = softLimit()

// Inherited returns the soft limit of open files that the program was started
// with. It returns false where that cannot be found out.
func Inherited() (limit uint64, ok bool) { return uint64(inherited), inherited >= 0 }
