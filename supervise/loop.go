package supervise

import (
	"context"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/health"
	"supervisor/supervise/life"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/notify"
	"supervisor/supervise/pipes"
	"supervisor/supervise/spawn"
	"supervisor/supervise/sys"
	"supervisor/xmlrpc"
)

// Mood is what supervisord is about, with Supervisor's numbers.
type Mood int32

const (
	Running    Mood = 1  // keeping programs up
	Restarting Mood = 0  // stopping everything, for another round
	Shutdown   Mood = -1 // stopping everything, for good
)

// Supervisor is one round: from a reading of the configuration until everything
// it started has stopped. Its loop goroutine owns all of it but for the parts that
// are said to be safe for others.
type Supervisor struct {
	log        *logs.Logger             // safe for concurrent use
	cfg        *config.Config           // as last read
	configured map[string]*config.Group // the groups of cfg
	read       func() (*config.Config, error)
	present    *nextRound // this one, set before the loop begins
	next       func(open [2]*nextRound, taken map[string]bool) (*nextRound, error)
	preparing  chan struct{} // has room for the one who calls next
	tidier     *tidier       // safe for concurrent use
	executable string        // our own binary

	environ     []string
	environArgs spawn.Arguments   // the same, as the system takes it
	env         map[string]string // the same, by name

	table    table
	agenda   agenda
	bus      event.Bus
	stdout   io.Writer // ours; it never blocks
	ticks    event.Ticks
	nextTick time.Time
	sockets  sockets
	logFiles *logs.Files
	column   lines.Column // of the prefixes of all programs; safe for concurrent use
	bounds   bounds       // safe for concurrent use
	autoLogs map[autoLogKey]string
	syslog   *logs.Syslog
	starts   starts
	depends  dependencies
	tasks    tasks
	checks   *health.Runner[lifeOf] // nil until somebody's health is checked
	notify   *notify.Socket         // nil until a program says when it is ready
	unheard  []notify.Received      // that may come from a child whose start is not known yet

	mood        Mood
	stoppedLast *process // see lookEmpty
	emptyLook   time.Time
	exitStatus  int          // what supervisord returns after a shutdown
	guard       atomic.Int32 // the mood, for those who only want to know whether to ask
	stopQueue   []*group     // in a shutdown: whose turn is still to come
	toStop      []*process   // of the last of them: who has not been told to stop
	nextReport  time.Time    // in a shutdown: when to say again who is waited for
	lastEvents  time.Time    // in a shutdown: until when listeners may hear of it before they are stopped
	successor   *nextRound   // nil unless there is a next one
	reloading   bool         // a reload that SIGHUP asked for is being prepared
	reloadMore  bool         // SIGHUP came again meanwhile

	version  uint64                   // counts changes of the table
	shown    uint64                   // the version that watchers know
	watchers map[chan uint64]struct{} // who waits for the next one

	poller   *pipes.Poller
	messages chan pipes.Message
	requests chan func(time.Time)
	signals  chan os.Signal
	deaths   chan os.Signal // SIGCHLD, if allWatched: one that waits stands for all
	timer    *time.Timer
	turn     time.Duration // maxTurn, but in tests
	wake     time.Time     // what the timer is set to; zero if it is not
	done     chan struct{}

	allWatched bool // SIGCHLD comes in deaths
}

// run lets the loop go on until shutdown or restart, and reports which.
func (s *Supervisor) run() Mood {
	go s.loop()
	<-s.done
	return s.mood
}

// loop owns the process table. No other goroutine touches what is the loop's; but which
// one is the loop may change, see carryOutHere.
func (s *Supervisor) loop() {
	for starts := 0; ; {
		more, end := s.advance(time.Now())
		if a := s.starts.begin; a != nil && !end {
			s.starts.begin = nil
			if !s.carryOutHere(a) {
				return
			}
			s.attempted(a, time.Now())
			if starts++; starts < startsPerTurn {
				continue
			}
			more = true
		}
		starts = 0
		s.log.Hold(false) // what a turn logs is written together
		if end {
			close(s.done)
			return
		}
		if more { // there is more to do at once, but others have waited long enough
			s.log.Hold(true)
			s.takeWaiting()
			continue
		}
		select {
		case fn := <-s.requests: // RPC and web, by way of do
			s.log.Hold(true)
			fn(time.Now())
		case m := <-s.messages: // pumps
			s.log.Hold(true)
			s.handle(m, time.Now())
		case a := <-s.starts.results:
			s.log.Hold(true)
			s.attempted(a, time.Now())
		case sig := <-s.signals: // TERM, HUP, USR2: as in the manual
			s.log.Hold(true)
			s.handleSignal(sig, time.Now())
		case <-s.deaths:
			s.log.Hold(true)
			s.reapAll(time.Now())
		case <-s.timer.C:
			s.log.Hold(true)
			s.wake = time.Time{}
		}
	}
}

// maxTurn is how long others wait, at most, for the end of work that comes in many
// equal parts, such as the start of all programs: then it is their turn.
const maxTurn = 2 * time.Millisecond

// takeWaiting does what others ask for by now, without waiting for more, for as long
// as a turn may take.
func (s *Supervisor) takeWaiting() {
	for begin := time.Now(); ; {
		select {
		case fn := <-s.requests:
			fn(time.Now())
		case m := <-s.messages:
			s.handle(m, time.Now())
		case a := <-s.starts.results:
			s.attempted(a, time.Now())
		case sig := <-s.signals:
			s.handleSignal(sig, time.Now())
		case <-s.deaths:
			s.reapAll(time.Now())
		default:
			return
		}
		if time.Since(begin) >= s.turn {
			return
		}
	}
}

// advance does what is due at now and sets the timer to what comes next. It
// reports whether more is due already, and whether the round is at its end.
func (s *Supervisor) advance(now time.Time) (more, end bool) {
	more = s.startMore(now)
	s.lookEmpty(now)
	if s.mood != Running {
		left, done := s.advanceShutdown(now)
		if done {
			s.reportLeft()
			return false, true
		}
		more = more || left
	}
	s.nextTick = s.ticks.RaiseDue(&s.bus, now)
	retry := s.bus.Retry(now)
	if s.shown != s.version {
		s.shown = s.version
		for w := range s.watchers {
			w <- s.version // it has room for one
		}
		clear(s.watchers)
	}
	if more || s.starts.begin != nil {
		return true, false
	}
	wake := earlier(earlier(s.nextTick, s.nextReport), earlier(retry, s.starts.nextLook()))
	if !s.starts.blocked {
		wake = earlier(wake, s.agenda.earliest())
	}
	wake = earlier(wake, s.emptyLook)
	if s.mood != Running && now.Before(s.lastEvents) {
		wake = earlier(wake, s.lastEvents)
	}
	s.setTimer(wake, now)
	return false, false
}

// setTimer arms the one timer for wake, or not at all if wake is zero.
func (s *Supervisor) setTimer(wake, now time.Time) {
	switch {
	case wake.Equal(s.wake) && wake.IsZero() == s.wake.IsZero():
		return
	case wake.IsZero():
		s.timer.Stop()
	default:
		s.timer.Reset(wake.Sub(now))
	}
	s.wake = wake
}

// do runs fn on the loop goroutine, so that fn sees and changes one consistent
// state. fn must not block: what it cannot answer at once, it leaves a waiter for.
// After the end of the round the answer is the fault SHUTDOWN_STATE.
func do[T any](ctx context.Context, s *Supervisor, fn func(time.Time) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	reply := make(chan answer, 1)
	request := func(now time.Time) {
		value, err := guarded(s.log, now, fn)
		reply <- answer{value, err}
	}
	var zero T
	select {
	case s.requests <- request:
	case <-s.done:
		return zero, xmlrpc.NewFault(xmlrpc.ShutdownState)
	case <-ctx.Done():
		return zero, ctx.Err()
	}
	select { // taken, but the loop may have ended before its turn came
	case a := <-reply:
		s.log.Settle() // whoever is told of something can find it in the log
		return a.value, a.err
	case <-s.done:
		select {
		case a := <-reply:
			return a.value, a.err
		default:
			return zero, xmlrpc.NewFault(xmlrpc.ShutdownState)
		}
	}
}

// guarded runs fn. If it panics, that is a mistake of ours in one request, no reason
// to leave all programs without a supervisor: the log says where, the caller gets the
// fault FAILED.
func guarded[T any](log *logs.Logger, now time.Time, fn func(time.Time) (T, error)) (value T, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			log.Crit("a request has failed, this is a bug: %v\n%s", reason, debug.Stack())
			err = xmlrpc.NewFault(xmlrpc.Failed, "internal error, see the log of supervisord")
		}
	}()
	return fn(now)
}

// handleSignal does what the manual says of a signal.
func (s *Supervisor) handleSignal(sig os.Signal, now time.Time) {
	number, _ := sig.(syscall.Signal)
	name := sys.SignalName(number)
	switch number {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		s.log.Warn("received %s indicating exit request", name)
		s.setMood(Shutdown, now)
	case syscall.SIGHUP:
		if s.mood == Shutdown {
			s.log.Warn("ignored %s indicating restart request (shutdown in progress)", name)
			return
		}
		s.log.Warn("received %s indicating restart request", name)
		s.reload()
	case syscall.SIGUSR2:
		s.reopenLogs("received " + name + " indicating log reopen request")
	default:
		s.log.Blather("received %s indicating nothing", name)
	}
}

// reload has the next round prepared in the background, and then begin.
func (s *Supervisor) reload() {
	if s.reloading {
		s.reloadMore = true // the file may have changed since it was read
		return
	}
	s.reloading = true
	go func() {
		_ = s.restart(context.Background()) // which has logged what is wrong; nobody else is to be told
		_, _ = do(context.Background(), s, func(time.Time) (int, error) {
			more := s.reloadMore
			s.reloading, s.reloadMore = false, false
			if more {
				s.reload()
			}
			return 0, nil
		}) // its error is that the round has ended
	}()
}

// restart makes the next round begin, with the configuration as it is now. If that is
// no good, nothing changes and the error says why; if a shutdown has begun it is the
// fault SHUTDOWN_STATE. It waits for the disk and for look-ups of names, so it is not
// for the loop.
func (s *Supervisor) restart(ctx context.Context) error {
	select {
	case s.preparing <- struct{}{}:
		defer func() { <-s.preparing }()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	taken := map[string]bool{}
	earlier, err := do(ctx, s, func(time.Time) (*nextRound, error) {
		s.table.each(func(p *process) {
			if p.cfg.Socket != nil {
				taken[p.cfg.Socket.URL] = true
			}
		})
		return s.successor, s.goingDown()
	})
	if err != nil {
		return err
	}
	next, err := s.next([2]*nextRound{s.present, earlier}, taken)
	if err != nil {
		select {
		case <-s.done: // the round that was to go on has ended
			return xmlrpc.NewFault(xmlrpc.ShutdownState)
		default:
		}
		s.log.Crit("cannot restart, going on with the present configuration: %v", err)
		return err
	}
	_, err = do(ctx, s, func(now time.Time) (int, error) {
		if err := s.goingDown(); err != nil {
			return 0, err
		}
		s.successor = next
		s.setMood(Restarting, now)
		return 0, nil
	})
	if err != nil {
		next.discard()
		return err
	}
	earlier.discard()
	return nil
}

// goingDown returns the fault SHUTDOWN_STATE in a shutdown.
func (s *Supervisor) goingDown() error {
	if s.mood == Shutdown {
		return xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	return nil
}

// setMood begins the end of the round, or makes of a restart a shutdown.
func (s *Supervisor) setMood(mood Mood, now time.Time) {
	if s.mood == Shutdown {
		return
	}
	begun := s.mood != Running
	s.mood = mood
	s.guard.Store(int32(mood))
	if begun {
		return
	}
	s.stopQueue = s.table.byPriority()
	s.table.each(func(p *process) { p.leaving = s.depends.board != nil && !p.State.Down() })
	s.lastEvents = now.Add(lastEventsTime)
	s.bus.Raise(event.SupervisorStopping, "")
	for _, g := range s.table.groups {
		for _, p := range g.processes {
			s.schedule(p) // nothing is started any more
		}
	}
	s.version++
}

// lastEventsTime is how long listeners have, at most, to hear of a shutdown.
const lastEventsTime = time.Second

// shutdownReportPeriod is how often it is said who is waited for.
const shutdownReportPeriod = 3 * time.Second

// advanceShutdown stops the groups one after the other, the last in order of
// priority first. It reports whether there is more of that to do at once, and whether
// all of them are down.
func (s *Supervisor) advanceShutdown(now time.Time) (more, done bool) {
	for len(s.stopQueue) > 0 {
		g := s.stopQueue[len(s.stopQueue)-1]
		if !g.stopping {
			if g.pool != nil && now.Before(s.lastEvents) && g.owes(event.SupervisorStopping) {
				break // what it listens for above all
			}
			g.stopping = true
			s.toStop = g.byPriority()
		}
		if more = s.stopForShutdown(now); more || !g.down() {
			break
		}
		s.stopQueue = s.stopQueue[:len(s.stopQueue)-1]
	}
	if len(s.stopQueue) == 0 {
		return false, true
	}
	if more || !s.nextReport.IsZero() && now.Before(s.nextReport) {
		return more, false
	}
	s.nextReport = now.Add(shutdownReportPeriod)
	s.reportUnstopped()
	return false, false
}

// reportLeft says which children will live on without us.
func (s *Supervisor) reportLeft() {
	for _, p := range s.table.all() {
		if p.State == xmlrpc.Unknown && p.PID > 0 {
			s.log.Crit("%s (pid %d) is left running: it is in state UNKNOWN since it could not be killed", p.cfg.Name, p.PID)
		}
	}
}

// reportUnstopped says who keeps us from the end.
func (s *Supervisor) reportUnstopped() {
	var names []string
	var unstopped []*process
	for _, g := range s.table.groups {
		for _, p := range g.processes {
			if !p.State.Down() {
				names = append(names, p.cfg.Name)
				unstopped = append(unstopped, p)
			}
		}
	}
	s.log.Info("waiting for %s to die", strings.Join(names, ", "))
	for _, p := range unstopped {
		s.log.Blather("%s state: %v", p.cfg.Name, p.State)
	}
}

// stopForShutdown stops those of the present group that are left to stop, in reverse
// of the order in which they are started on request, for as long as a turn may take.
// What waits for its next attempt is given up.
func (s *Supervisor) stopForShutdown(now time.Time) (more bool) {
	for n := len(s.toStop); n > 0; n = len(s.toStop) {
		p := s.toStop[n-1]
		s.toStop = s.toStop[:n-1]
		switch p.State {
		case xmlrpc.Running, xmlrpc.Starting:
			s.stopInOrder(p, now)
		case xmlrpc.Backoff:
			s.feed(p, now, life.GaveUp{})
		}
		if n > 1 && time.Since(now) >= s.turn {
			return true
		}
	}
	return false
}

// stopInOrder stops a process of a round that ends, and those that need it before it.
func (s *Supervisor) stopInOrder(p *process, now time.Time) {
	if !s.hold(p) {
		s.feed(p, now, life.StopAsked{})
		return
	}
	for _, e := range s.depends.graph.Dependents(p.dependent - 1) {
		q := s.depends.processes[e.Program]
		if q == nil || q.held {
			continue
		}
		switch q.State {
		case xmlrpc.Running, xmlrpc.Starting:
			s.stopInOrder(q, now)
		case xmlrpc.Backoff:
			s.feed(q, now, life.GaveUp{}) // the turn of its group may come only after that of p
		}
	}
}

// reopenLogs reopens every log by name: ours, and those of live children. The reason
// is the last but one line in our old one.
func (s *Supervisor) reopenLogs(reason string) {
	s.log.Reopen(reason, "supervisord logreopen")
	s.starts.reopens++
	for _, p := range s.table.byPID {
		for _, l := range p.logs {
			s.reopenLog(p, l)
		}
	}
}

// reopenLog has one log of a process reopened; nil is none.
func (s *Supervisor) reopenLog(p *process, l *logs.File) {
	if l == nil {
		return
	}
	name := p.cfg.Name
	s.poller.Change(l, (*logs.OpenFile).Reopen, func(err error) {
		if err != nil {
			s.log.Crit("cannot reopen the log %s of %s: %v", l.Path(), name, err)
		}
	})
}
