// Package proctree knows the trees of processes that programs have become: what each of
// them uses, whose tree a process is in, and how to leave nothing of one behind.
//
// A tree is a process, its root, with all that descends from it. A process whose parent
// has ended has another parent since; it still counts for the tree in whose process group
// or session it is. Where the roots of two trees descend from each other, each process
// belongs to the nearest root.
//
// All is read from /proc, at one go for any number of trees, so it is Linux only. Elsewhere
// there is the CPU time of the own process, and ErrNotHere. The package has no goroutine
// and no timer; who asks how often, what percentages are made of it, and which root belongs
// to which program is others'. Begin reading at Sampler, for the end of a tree at Kill.
package proctree

import (
	"errors"
	"time"
)

// ErrNotHere says that this system does not tell, or that we have no way to ask it.
var ErrNotHere = errors.New("this is known on Linux only, from /proc")

// Usage is what a tree of processes uses.
type Usage struct {
	// CPU is the time that its processes, and those of their children that have ended
	// and been waited for, have used in user and system mode. It grows, but for what
	// leaves the tree: two of them tell the load between.
	CPU time.Duration
	// RSS is the memory that is resident, in bytes. What processes share counts for each.
	RSS int64
	// Processes and Threads are those that run or wait, without what has ended and has
	// not been waited for. Without Processes there is no such tree.
	Processes, Threads int

	// Files is how many descriptors are open; only with WithFiles.
	Files int
	// ReadBytes and WrittenBytes are what went from and to disks, also for children
	// that have ended; only with WithIO.
	ReadBytes, WrittenBytes int64
	// Hidden is the number of processes whose descriptors or bytes the system does not
	// show us: they are missing above. They belong to another user.
	Hidden int
}

// What says which figures are wanted besides those that cost nothing more.
type What uint

// The figures of Usage that need a file of their own for each process.
const (
	WithFiles What = 1 << iota
	WithIO
)

// Process is a process, for as long as it lives: another one with the same pid has
// another start.
type Process struct {
	PID   int
	Start uint64 // in ticks since the system's start
	Name  string // the first 15 bytes of the program's name
}
