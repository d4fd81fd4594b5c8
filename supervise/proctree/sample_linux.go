package proctree

import (
	"cmp"
	"os"
	"slices"
	"syscall"
	"time"
)

// tick is the unit of processor times in /proc, the same on all architectures that Go
// knows.
const tick = time.Second / 100

// Sampler finds out what trees of processes use. It keeps its memory from one sample to
// the next, so that a sample allocates nothing, and what it knows of processes that belong
// to no tree, which are looked at now and then only. It belongs to one goroutine at a time,
// and has to be closed. A sample of 1,000 programs takes some milliseconds: not for a loop
// that others wait for.
type Sampler struct {
	proc  *proc
	procs []entry // by pid
	old   []entry // the memory of the sample before
	roots []root  // by pid
	page  int64
	round int
	most  int // descriptors that may be kept
	kept  int
	list  func(pid int, inode uint64)
}

// entry is a process.
type entry struct {
	stat
	// inode is that of its directory, which another process with the same pid has not.
	inode uint64
	owner int // the index of its root, or one of the values below
	fresh bool
	// The files that are kept open, 0 for none.
	statFD, ioFD int
}

// root is a root, and where it was in the caller's list.
type root struct{ pid, index int }

const (
	unknown = -1 - iota
	asked   // to be found out at this moment
	nobody
)

// rereadAfter is how many samples a process that belongs to no tree is left alone: only
// by joining a process group could it come to belong to one.
const rereadAfter = 16

// NewSampler returns a Sampler that keeps so many descriptors open, two for each process of
// a tree: that halves the cost of a sample. The error is that of /proc, or ErrNotHere.
func NewSampler(descriptors int) (*Sampler, error) {
	p, err := openProc()
	if err != nil {
		return nil, err
	}
	s := &Sampler{proc: p, page: int64(os.Getpagesize()), most: descriptors}
	s.list = func(pid int, inode uint64) {
		s.procs = append(s.procs, entry{stat: stat{pid: pid}, inode: inode, owner: unknown})
	}
	return s, nil
}

// Close gives up what the Sampler holds.
func (s *Sampler) Close() {
	for i := range s.procs {
		s.forget(&s.procs[i])
	}
	s.procs = nil
	s.proc.close()
}

// forget closes what is kept open for a process.
func (s *Sampler) forget(p *entry) {
	for _, fd := range [...]*int{&p.statFD, &p.ioFD} {
		if *fd > 0 {
			syscall.Close(*fd)
			*fd = 0
			s.kept--
		}
	}
}

// Sample tells in usage[i] what the tree of roots[i] uses at this moment; the zero Usage
// for a root that is 0 or that there is nothing of. The slices have the same length, and
// no pid comes twice.
func (s *Sampler) Sample(roots []int, what What, usage []Usage) error {
	if err := s.walk(); err != nil {
		return err
	}
	s.assign(roots)
	clear(usage)
	for i := range s.procs {
		p := &s.procs[i]
		if p.owner < 0 {
			s.forget(p)
			continue
		}
		if p.fresh || s.look(p) {
			s.count(p, what, &usage[p.owner])
		}
	}
	return nil
}

// walk lists all processes, and reads what is new or may have changed.
func (s *Sampler) walk() error {
	s.procs, s.old = s.old[:0], s.procs
	err := s.proc.each(s.list)
	byPID := func(a, b entry) int { return cmp.Compare(a.pid, b.pid) }
	if !slices.IsSortedFunc(s.procs, byPID) { // as /proc lists them
		slices.SortFunc(s.procs, byPID)
	}
	s.round++
	old := s.old
	live := s.procs[:0]
	for _, p := range s.procs {
		for len(old) > 0 && old[0].pid < p.pid {
			s.forget(&old[0])
			old = old[1:]
		}
		read := true
		if len(old) > 0 && old[0].pid == p.pid {
			if old[0].inode == p.inode {
				p = old[0]
				read = p.owner >= 0 || s.round%rereadAfter == 0
			} else {
				s.forget(&old[0])
			}
			old = old[1:]
		}
		p.fresh = false
		if read && !s.look(&p) {
			s.forget(&p)
			continue
		}
		p.owner = unknown
		live = append(live, p)
	}
	for i := range old {
		s.forget(&old[i])
	}
	s.procs = live
	return err
}

// look reads the figures of a process. It returns false if it has ended.
func (s *Sampler) look(p *entry) bool {
	text, ok := s.read(p, "stat", &p.statFD)
	if !ok {
		return false
	}
	st, _, err := parseStat(text)
	if err != nil {
		return false
	}
	p.stat, p.fresh = st, true
	return true
}

// read reads a file of a process, and keeps it open if that process was in a tree the last
// time, too.
func (s *Sampler) read(p *entry, file string, fd *int) (text []byte, ok bool) {
	if *fd == 0 && (p.owner < 0 || s.kept >= s.most) {
		text, errno := s.proc.read(p.pid, file)
		return text, errno == 0
	}
	if *fd == 0 {
		n, errno := s.proc.open(p.pid, file, 0)
		if errno != 0 {
			return nil, false
		}
		*fd = n
		s.kept++
	}
	n, err := syscall.Pread(*fd, s.proc.text[:], 0)
	return s.proc.text[:max(n, 0)], err == nil && n > 0
}

// count adds what one process uses.
func (s *Sampler) count(p *entry, what What, u *Usage) {
	u.CPU += time.Duration(p.ticks) * tick
	if p.ended() {
		return
	}
	u.RSS += p.pages * s.page
	u.Processes++
	u.Threads += p.threads
	hidden := false
	if what&WithFiles != 0 {
		n, ok := s.proc.files(p.pid)
		u.Files += n
		hidden = !ok
	}
	if what&WithIO != 0 {
		text, ok := s.read(p, "io", &p.ioFD)
		in, ok1 := field(text, "read_bytes")
		out, ok2 := field(text, "write_bytes")
		u.ReadBytes += in
		u.WrittenBytes += out
		hidden = hidden || !ok || !ok1 || !ok2
	}
	if hidden {
		u.Hidden++
	}
}

// assign finds out which tree each process belongs to.
func (s *Sampler) assign(roots []int) {
	s.roots = s.roots[:0]
	for i, pid := range roots {
		if pid > 0 {
			s.roots = append(s.roots, root{pid, i})
		}
	}
	slices.SortFunc(s.roots, func(a, b root) int { return cmp.Compare(a.pid, b.pid) })
	for i := range s.procs {
		s.find(i)
	}
}

// find returns the index of the root of process i.
func (s *Sampler) find(i int) int {
	p := &s.procs[i]
	if p.owner != unknown {
		// Who is asked for meanwhile is in a circle, which there is only if a pid was
		// used again while we read.
		return p.owner
	}
	p.owner = asked
	owner := s.root(p.pid)
	if parent, ok := slices.BinarySearchFunc(s.procs, p.parent, func(p entry, pid int) int { return cmp.Compare(p.pid, pid) }); ok && owner < 0 {
		owner = s.find(parent)
	}
	if owner < 0 {
		owner = s.root(p.group)
	}
	if owner < 0 {
		owner = s.root(p.session)
	}
	p.owner = owner
	return owner
}

// root returns the index of a root, nobody if pid is none.
func (s *Sampler) root(pid int) int {
	at, ok := slices.BinarySearchFunc(s.roots, pid, func(r root, pid int) int { return cmp.Compare(r.pid, pid) })
	if !ok {
		return nobody
	}
	return s.roots[at].index
}

// RootOf returns the nearest ancestor of a process that isRoot reports true for, which may
// be the process itself. It returns false if there is none. It reads a file of /proc for
// each generation; isRoot is called for no pid twice.
func RootOf(pid int, isRoot func(pid int) bool) (root int, ok bool) {
	p, err := openProc()
	if err != nil {
		return 0, false
	}
	defer p.close()
	for generations := 0; pid > 0 && generations < 1<<16; generations++ { // a pid may be used again meanwhile
		if isRoot(pid) {
			return pid, true
		}
		s, _, ok := p.stat(pid)
		if !ok {
			return 0, false
		}
		pid = s.parent
	}
	return 0, false
}

// Tree returns the processes of one tree, in the order of their pids: what Kill can be told
// to look for later, when the root has ended and nothing else tells whose they are.
func Tree(root int) ([]Process, error) {
	s, err := NewSampler(0)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.walk(); err != nil {
		return nil, err
	}
	s.assign([]int{root})
	var list []Process
	for i := range s.procs {
		if s.procs[i].owner < 0 || s.procs[i].ended() {
			continue
		}
		if st, name, ok := s.proc.stat(s.procs[i].pid); ok && st.start == s.procs[i].start {
			list = append(list, Process{st.pid, st.start, string(name)})
		}
	}
	return list, nil
}
