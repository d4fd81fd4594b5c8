//go:build unix

package supervise

import (
	"slices"
	"syscall"
	"time"

	"supervisor/supervise/life"
	"supervisor/supervise/spawn"
	"supervisor/xmlrpc"
)

const (
	// patience is how long other starts wait for the result of an attempt: mostly it is
	// there after a fraction of a millisecond, and then starts and what is said of them
	// have an order. Others go on beside one that takes longer, unless all that it lacks
	// is a processor, which it then gets no sooner; mostPatience ends that, too.
	patience     = 20 * time.Millisecond
	mostPatience = 500 * time.Millisecond
	// maxSpawners bounds how many attempts are made at a time, and so how many threads
	// can be held by file systems that do not answer.
	maxSpawners = 8
	// longAttempt is when the log tells that an attempt does not come to its end.
	longAttempt = 5 * time.Second
	// startsPerTurn bounds how many starts may keep the loop from its clients.
	startsPerTurn = 8
)

// starts are the starts under way. They belong to the loop, which carries out one after
// the other: the next begins when the result of the one before is there.
type starts struct {
	spawn   func() (*spawner, error) // makes one more
	results chan *attempt            // of what the loop did not wait for
	idle    []*spawner
	count   int // spawners, also those in use

	present *attempt   // whose result others wait for; nil if there is none
	begin   *attempt   // the same, as long as it is not begun
	slow    []*attempt // that have taken longer than patience
	ready   []*attempt // that wait for a spawner
	behind  []*attempt // that would wait for what a slow one waits for
	asked   []*process // that clients want started, in order
	inTurn  bool       // of those asked for and those due, it is the turn of the latter

	mounts  mountTable      // as read when the last one became slow
	taken   map[string]bool // file systems and files that slow ones wait for
	lookAt  time.Time       // when next to see what takes long; zero for never
	held    bool            // somebody waits for present,
	blocked bool            // and among them what is due
	reopens int             // how often logs have been reopened

	unclaimed []ended // children that ended while somebody was starting one, of unknown pid

	loan loan
}

// underWay reports whether a child may be there that the loop does not know of yet.
func (st *starts) underWay() bool { return st.present != nil || len(st.slow) > 0 }

// add takes a spawner that has nothing to do.
func (st *starts) add(w *spawner) {
	st.count++
	st.idle = append(st.idle, w)
}

// submit has an attempt made when it is its turn.
func (st *starts) submit(a *attempt, now time.Time) {
	st.ready = append(st.ready, a)
	st.next(now)
}

// next chooses the attempt whose turn it is, if nothing is in its way.
func (st *starts) next(now time.Time) {
	for st.present == nil && len(st.ready) > 0 {
		a := st.ready[0]
		if st.obstructed(a) {
			st.ready, st.behind = st.ready[1:], append(st.behind, a)
			continue
		}
		w := st.spawner()
		if w == nil {
			return
		}
		st.ready = st.ready[1:]
		a.spawner, a.since, a.patient, a.reopens = w, now, now.Add(patience), st.reopens
		st.present, st.begin = a, a
		if st.lookAt.IsZero() {
			st.lookAt = now.Add(longAttempt)
		}
	}
}

// spawner returns one that has nothing to do, nil if there is none.
func (st *starts) spawner() *spawner {
	if n := len(st.idle); n > 0 {
		w := st.idle[n-1]
		st.idle = st.idle[:n-1]
		return w
	}
	if st.count >= maxSpawners {
		return nil
	}
	w, err := st.spawn()
	if err != nil { // out of descriptors, which will be said of what is started
		return nil
	}
	st.count++
	return w
}

// obstructed reports whether an attempt would probably have to wait for the same that
// a slow one waits for. It then does so without holding a thread.
func (st *starts) obstructed(a *attempt) bool {
	if len(st.taken) == 0 {
		return false
	}
	return slices.ContainsFunc(a.touches(), func(path string) bool { return st.taken[st.place(path)] })
}

// place is what those who need a path have in common: the file system that it is on, or
// the path itself if that is the system's own.
func (st *starts) place(path string) string {
	if point := st.mounts.of(path); point != "" {
		return point
	}
	return path
}

// lookAround finds out anew what slow attempts wait for, and who may go on.
func (st *starts) lookAround() {
	st.ready, st.behind = append(st.behind, st.ready...), nil
	clear(st.taken)
	for _, a := range st.slow {
		for _, path := range a.waitsFor() {
			if st.taken == nil {
				st.taken = map[string]bool{}
			}
			st.taken[st.place(path)] = true
		}
	}
}

// startMore begins what is left to be started, if nothing is being started. It does
// all else that is due as well, and reports whether there is more of it.
func (s *Supervisor) startMore(now time.Time) (more bool) {
	st := &s.starts
	s.losePatience(now)
	st.blocked = false
	st.next(now)
	if st.inTurn {
		more = s.runAgenda(now)
		s.startAskedFor(now)
	} else {
		s.startAskedFor(now)
		more = s.runAgenda(now)
	}
	st.held = st.present != nil && (st.blocked || len(st.asked) > 0 || len(st.ready) > 0)
	return more
}

// startAskedFor begins with the first of the starts that clients have asked for: its
// command is looked up.
func (s *Supervisor) startAskedFor(now time.Time) {
	st := &s.starts
	for st.present == nil && len(st.asked) > 0 {
		p := st.asked[0]
		st.asked = st.asked[1:]
		a := &attempt{kind: lookUp, p: p, cfg: p.cfg}
		if s.mood != Running { // the answer is the same whatever is found
			s.lookedUp(a, now)
			continue
		}
		if a.command, a.err = s.command(p); a.err != nil {
			s.lookedUp(a, now)
			continue
		}
		a.searched = spawn.SearchPath(p.cfg.Environment, s.env)
		s.starts.submit(a, now)
		st.inTurn = true
	}
}

// block reports whether what is due has to wait.
func (st *starts) block() bool {
	st.blocked, st.inTurn = st.present != nil, false
	return st.blocked
}

// losePatience lets others go on beside an attempt that takes long.
func (s *Supervisor) losePatience(now time.Time) {
	st := &s.starts
	if a := st.present; a != nil && st.held && !now.Before(a.patient) {
		if !a.hangs() && now.Sub(a.since) < mostPatience {
			a.patient = now.Add(patience)
			return
		}
		st.present = nil
		st.slow = append(st.slow, a)
		st.lookAround()
		if a.kind != readMounts { // the next thing is to learn who else would have to wait
			st.ready = slices.Insert(st.ready, 0, &attempt{kind: readMounts})
			st.next(now)
		}
	}
	if !st.lookAt.IsZero() && !now.Before(st.lookAt) {
		s.reportLong(now)
	}
}

// reportLong tells of attempts that take long, each once.
func (s *Supervisor) reportLong(now time.Time) {
	st := &s.starts
	st.lookAt = time.Time{}
	for _, a := range append(slices.Clone(st.slow), st.present) {
		if a == nil || a.reported {
			continue
		}
		if due := a.since.Add(longAttempt); now.Before(due) {
			st.lookAt = earlier(st.lookAt, due)
			continue
		}
		a.reported = true
		if a.p != nil {
			s.log.Warn("the start of '%s' takes long: %s has not come to an end (pid %d)", a.p.cfg.Name, a.waiting(), a.child.PID())
		}
	}
}

// nextLook is when starts have to be looked at again.
func (st *starts) nextLook() time.Time {
	if st.held {
		return earlier(st.present.patient, st.lookAt)
	}
	return st.lookAt
}

// lookedUp goes on with a start that clients have asked for, now that it is known
// whether there is a command.
func (s *Supervisor) lookedUp(a *attempt, now time.Time) {
	asks := a.p.asks
	a.p.asks = nil
	for _, k := range asks {
		s.startFor(k, a, now)
	}
}

// start begins to start a child for p, which is STARTING.
func (s *Supervisor) start(p *process, now time.Time) {
	a := &attempt{kind: startUp, p: p, cfg: p.cfg, pidfd: -1, searched: spawn.SearchPath(p.cfg.Environment, s.env), given: p.found, asked: p.askedFor}
	p.found, p.askedFor = "", false
	a.command, a.commandErr = s.command(p)
	if len(p.cfg.EnvironmentFiles) > 0 || p.cfg.UserEnvironment {
		a.variables = func() (spawn.Arguments, error) { return s.freshEnviron(a.cfg, a.command) }
	}
	if p.cfg.Socket != nil {
		a.socket = s.sockets.hold(p.cfg.Socket)
	}
	a.logs = p.logs
	p.attempt = a
	s.starts.submit(a, now)
}

// attempted takes what has come of an attempt.
func (s *Supervisor) attempted(a *attempt, now time.Time) {
	st := &s.starts
	st.idle = append(st.idle, a.spawner)
	if st.present == a {
		st.present = nil
	} else {
		st.slow = slices.DeleteFunc(st.slow, func(b *attempt) bool { return a == b })
		st.lookAround()
	}
	if len(st.unclaimed) > 0 {
		s.claim(a)
	}
	switch a.kind {
	case readMounts:
		st.mounts = a.mounts
		st.lookAround()
	case lookUp:
		s.lookedUp(a, now)
	case startUp:
		if a.p.attempt != a { // it was called off, or left behind
			s.giveUp(a)
			return
		}
		a.p.attempt = nil
		s.begun(a, now)
	}
}

// ended hears of a child that has ended and is in no table. It reports whether it is one
// of an attempt, or may turn out to be.
func (st *starts) ended(pid int, how syscall.WaitStatus) bool {
	unknown := false
	for _, a := range append(slices.Clone(st.slow), st.present) {
		switch {
		case a == nil:
		case a.child.PID() == pid:
			a.ended = ended{pid, how}
			a.child.Buried()
			return true
		case a.phase.Load() == phaseFork && a.child.PID() == 0:
			unknown = true
		}
	}
	if unknown {
		st.unclaimed = append(st.unclaimed, ended{pid, how})
	}
	return unknown
}

// claim finds out whether the child of an attempt has ended before its pid was known.
// The others that have ended so are no children of ours if nothing else is under way.
func (s *Supervisor) claim(a *attempt) {
	st := &s.starts
	for _, e := range st.unclaimed {
		if a.pid != 0 && e.pid == a.pid {
			a.ended = e
		} else if len(st.slow) == 0 {
			s.sayStranger(e.pid, e.how)
		}
	}
	if len(st.slow) == 0 {
		st.unclaimed = nil
	}
}

// giveUp undoes what an attempt has brought that nobody waits for any more.
func (s *Supervisor) giveUp(a *attempt) {
	if a.pid != 0 {
		a.closeFiles()
		s.bounds.freeing.Later(a.closeLogs) // it may have to wait for the disk
		s.watchAllChildren()
	}
	s.letGo(a)
	if a.socketOK {
		s.sockets.release(a.cfg.Socket)
	}
}

// letGo gives up the socket of an attempt if it could not be made.
func (s *Supervisor) letGo(a *attempt) {
	if a.socket != nil && !a.socketOK {
		s.sockets.release(a.cfg.Socket)
	}
}

// begun feeds in what has come of a start.
func (s *Supervisor) begun(a *attempt, now time.Time) {
	p := a.p
	p.socketHeld = a.socketOK
	switch {
	case a.stopped:
		s.letGo(a)
		s.feed(p, now, life.CalledOff{})
		return
	case a.failure != "":
		s.letGo(a)
		s.feed(p, now, life.SpawnFailed{Text: a.failure})
		return
	}
	if a.reopens != s.starts.reopens { // meanwhile, and not yet those of p
		for _, l := range p.logs {
			s.reopenLog(p, l)
		}
	}
	s.table.byPID[a.pid] = p
	p.spawns++
	s.attend(p, a)
	s.feed(p, now, life.Spawned{PID: a.pid})
	s.hearAgain(now)
	if a.asked && p.State == xmlrpc.Starting && p.cfg.StartSecs <= 0 && !p.cfg.Readiness {
		s.feed(p, now, life.TimeUp{}) // who asks for several starts sees each come up before the next
	}
	if a.ended.pid == a.pid {
		s.reaped(p, a.ended.how, now)
	}
}

// callOff keeps the start of p, which is to be stopped, from going on. If there is a
// child already, it can be signalled from now on; else there will be none.
func (s *Supervisor) callOff(p *process, now time.Time) {
	a := p.attempt
	if pid := a.child.Stop(); pid != 0 {
		s.feed(p, now, life.Forked{PID: pid})
		return
	}
	p.attempt = nil
	if a.spawner == nil {
		isIt := func(b *attempt) bool { return a == b }
		s.starts.ready = slices.DeleteFunc(s.starts.ready, isIt)
		s.starts.behind = slices.DeleteFunc(s.starts.behind, isIt)
		s.giveUp(a)
	}
	s.feed(p, now, life.CalledOff{})
}

// abandonAfter is how long, in a shutdown, a child that has not executed its program
// may take to die of SIGKILL.
const abandonAfter = 2 * time.Second

// abandon leaves a child behind that hangs before its exec, so that SIGKILL does not
// reach it.
func (s *Supervisor) abandon(p *process, now time.Time) {
	s.log.Crit("'%s' (pid %d) does not die: %s has not come to an end; it is left behind", p.cfg.Name, p.PID, p.attempt.waiting())
	p.attempt = nil
	s.feed(p, now, life.KillFailed{Text: "left behind by SIGKILL"})
}

// close gives up the spawners that are not in use. Of the others, who carries out their
// attempts does so.
func (st *starts) close() {
	st.loan.end()
	if st.begin != nil {
		st.idle = append(st.idle, st.begin.spawner)
	}
	for _, w := range st.idle {
		w.starter.Close()
	}
}
