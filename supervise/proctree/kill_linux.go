package proctree

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Identify returns the process that has a pid now, also if it has ended and has not been
// waited for yet: a child, then, is still that child. It returns false if there is none.
func Identify(pid int) (Process, bool) {
	p, err := openProc()
	if err != nil {
		return Process{}, false
	}
	defer p.close()
	s, name, ok := p.stat(pid)
	return Process{pid, s.start, string(name)}, ok
}

// lives reports whether a process has not ended.
func (p *proc) lives(which Process) bool {
	s, _, ok := p.stat(which.PID)
	return ok && s.start == which.Start && !s.ended()
}

// Kill ends the processes of a tree with SIGKILL and returns once none is left, or after
// limit. It takes as long as that, so it needs a goroutine of its own; nothing else waits
// for it. What has ended is left for its parent to wait for. The error is that of /proc.
//
// Processes are stopped while they are looked for, until a walk over all there are finds
// no new one: what is stopped starts no others, and does not end, which would take away
// what tells whose its children are. Only then they are killed, and looked for again.
func Kill(m Mark, limit time.Duration) (Result, error) {
	p, err := openProc()
	if err != nil {
		return Result{}, err
	}
	defer p.close()
	p.batch = onePID
	k := &killer{proc: p, mark: m, deadline: time.Now().Add(limit), spare: map[int]bool{1: true}, found: map[int]*member{}}
	k.namespace = p.inode(os.Getpid(), "ns/pid")
	for pid := os.Getpid(); pid > 0 && !k.spare[pid]; {
		k.spare[pid] = true
		s, _, ok := p.stat(pid)
		if !ok {
			break
		}
		pid = s.parent
	}
	for _, pid := range m.Spare {
		k.spare[pid] = true
	}
	for _, known := range m.Known {
		k.found[known.PID] = &member{Process: known}
	}
	for {
		before := len(k.members)
		if err := k.round(); err != nil || len(k.members) == before || k.over() {
			return k.result(), err
		}
	}
}

// onePID is room for one or two entries of /proc. Kill looks at each process as soon as it
// is listed: a process that does nothing but start the next one and end lives for less
// time than it takes to look at a hundred.
const onePID = 64

// killer is one call of Kill.
type killer struct {
	proc     *proc
	mark     Mark
	deadline time.Time
	spare    map[int]bool
	found    map[int]*member // by pid, the last one that had it
	members  []*member       // all that were signalled
	environ  []byte

	namespace uint64 // of our pids; 0 if it is not known

	// A process that is just being executed has no environment for a moment. So what has
	// none is looked at again, unless it had none the time before.
	bare, bareBefore map[Process]bool
	doubt            bool
}

// member is a process of the tree.
type member struct {
	Process
	signalled bool // it is in members
}

func (k *killer) over() bool { return !time.Now().Before(k.deadline) }

// round finds and kills what there is.
func (k *killer) round() error {
	if k.mark.Cgroup != "" {
		k.killCgroup()
	}
	for {
		before := len(k.members)
		k.bare, k.bareBefore, k.doubt = map[Process]bool{}, k.bare, false
		if err := k.proc.each(k.look); err != nil {
			return err
		}
		if len(k.members) == before && !k.doubt || k.over() {
			break
		}
	}
	k.killAll(k.members)
	return nil
}

// killAll kills processes and waits for their end; not for that of those which it may not
// kill.
func (k *killer) killAll(members []*member) {
	var dying []*member
	for _, m := range members {
		if k.signal(m.Process, syscall.SIGKILL) {
			dying = append(dying, m)
		}
	}
	for _, m := range dying {
		k.wait(m.Process)
	}
}

// look stops a process if it is one of the tree.
func (k *killer) look(pid int, _ uint64) {
	if k.spare[pid] {
		return
	}
	s, name, ok := k.proc.stat(pid)
	if !ok || s.ended() {
		return
	}
	which := Process{pid, s.start, string(name)}
	if !k.belongs(&s) {
		return
	}
	m := k.found[pid]
	if m == nil || m.Start != s.start {
		m = &member{Process: which}
		k.found[pid] = m
	}
	if !m.signalled {
		m.Name, m.signalled = which.Name, true
		k.members = append(k.members, m)
		k.signal(which, syscall.SIGSTOP)
	}
}

// belongs reports whether a process is one of the tree.
func (k *killer) belongs(s *stat) bool {
	if m := k.found[s.pid]; m != nil && m.Start == s.start {
		return true
	}
	root := k.mark.Root
	if s.pid == root.PID {
		return s.start == root.Start // or the pid was used again
	}
	if m := k.found[s.parent]; m != nil && k.proc.lives(m.Process) {
		return true
	}
	if root.PID > 0 {
		if s.parent == root.PID && k.proc.lives(root) {
			return true
		}
		if (s.group == root.PID || s.session == root.PID) && !k.reused(root) {
			return true
		}
	}
	if len(k.mark.Environ) == 0 {
		return false
	}
	if k.readEnviron(s.pid); len(k.environ) == 0 {
		which := Process{PID: s.pid, Start: s.start}
		k.bare[which] = true
		k.doubt = k.doubt || !k.bareBefore[which]
		return false
	}
	// In a container, there may be another supervisord with a program of the same name.
	return k.hasEnviron() && k.namespace != 0 && k.proc.inode(s.pid, "ns/pid") == k.namespace
}

// reused reports whether the pid of a root is another process's now. As long as there is
// something in its group or session, the system gives it to nobody.
func (k *killer) reused(root Process) bool {
	s, _, ok := k.proc.stat(root.PID)
	return ok && s.start != root.Start
}

// readEnviron reads the environment that a process was started with; it is empty if that
// is another user's.
func (k *killer) readEnviron(pid int) {
	k.environ = k.environ[:0]
	fd, errno := k.proc.open(pid, "environ", 0)
	if errno != 0 {
		return
	}
	defer syscall.Close(fd)
	for {
		k.environ = slices.Grow(k.environ, 4096)
		n, errno := read(fd, k.environ[len(k.environ):cap(k.environ)])
		if errno != 0 || n <= 0 {
			return
		}
		k.environ = k.environ[:len(k.environ)+n]
	}
}

// hasEnviron reports whether all variables of the mark are in the environment that was
// read.
func (k *killer) hasEnviron() bool {
	for _, variable := range k.mark.Environ {
		whole := []byte(variable + "\x00")
		if !bytes.HasPrefix(k.environ, whole) && !bytes.Contains(k.environ, append([]byte{0}, whole...)) {
			return false
		}
	}
	return true
}

// signal sends a signal to a process, and to no other that has its pid by now. It returns
// false if it may not do so, and if the process has ended.
func (k *killer) signal(which Process, sig syscall.Signal) bool {
	fd, err := unix.PidfdOpen(which.PID, 0)
	if err == nil {
		defer syscall.Close(fd)
	}
	if !k.proc.lives(which) {
		return false
	}
	if err == nil {
		if err = unix.PidfdSendSignal(fd, sig, nil, 0); err == nil || err == unix.ESRCH {
			return err == nil
		}
	}
	// Before Linux 5.3, or it is forbidden. The pid was its own a moment ago.
	return syscall.Kill(which.PID, sig) == nil
}

// wait waits for the end of a process that was killed.
func (k *killer) wait(which Process) {
	fd, err := unix.PidfdOpen(which.PID, 0)
	if err != nil {
		// Before Linux 5.3 nobody tells; it does not take long.
		for err == unix.ENOSYS && k.proc.lives(which) && !k.over() {
			time.Sleep(time.Millisecond)
		}
		return
	}
	defer syscall.Close(fd)
	for k.proc.lives(which) {
		left := time.Until(k.deadline)
		if left <= 0 {
			return
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, int(left/time.Millisecond)+1); n > 0 || err != nil && err != syscall.EINTR {
			return
		}
	}
}

// killCgroup ends what is in the control group.
func (k *killer) killCgroup() {
	for !k.over() {
		list := cgroupProcesses(k.mark.Cgroup)
		var alive []*member
		for _, pid := range list {
			if s, name, ok := k.proc.stat(pid); ok && !s.ended() && !k.spare[pid] {
				alive = append(alive, &member{Process: Process{pid, s.start, string(name)}, signalled: true})
			}
		}
		if len(alive) == 0 {
			return
		}
		before := len(k.members)
		for _, m := range alive {
			if old := k.found[m.PID]; old != nil && old.Start == m.Start && old.signalled {
				continue
			}
			k.found[m.PID] = m
			k.members = append(k.members, m)
		}
		if len(k.members) == before {
			return // they do not end
		}
		// One write kills all of them, and what they start meanwhile; since Linux 5.14.
		// It would not spare anybody.
		one := !slices.ContainsFunc(list, func(pid int) bool { return k.spare[pid] })
		if !one || os.WriteFile(filepath.Join(k.mark.Cgroup, "cgroup.kill"), []byte("1"), 0) != nil {
			k.killAll(alive)
			continue
		}
		for _, m := range alive {
			k.wait(m.Process)
		}
	}
}

// cgroupProcesses returns the pids in a control group and below. What cannot be read has
// none.
func cgroupProcesses(dir string) (pids []int) {
	// Errors of single directories, which may go away at any time, are no matter.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		if err != nil {
			return nil
		}
		for word := range strings.FieldsSeq(string(data)) {
			if pid, ok := whole([]byte(word)); ok && pid > 0 {
				pids = append(pids, int(pid))
			}
		}
		return nil
	})
	return pids
}

// result says which of the members have ended.
func (k *killer) result() (r Result) {
	for _, m := range k.members {
		if k.proc.lives(m.Process) {
			r.Left = append(r.Left, m.Process)
		} else {
			r.Killed = append(r.Killed, m.Process)
		}
	}
	return r
}
