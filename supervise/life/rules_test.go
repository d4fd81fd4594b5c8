package life

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"syscall"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/xmlrpc"
)

// step is what has happened in one call of Next.
type step struct {
	before, after Status
	in            Input
	effects       []Effect
	meant         bool // the input means something to the state
	attempt       bool // a start was under way before
}

// entered reports whether the step has led to a state.
func (s *step) entered(to xmlrpc.State) bool { return s.before.State != to && s.after.State == to }

// has counts effects.
func has[E Effect](s *step) (n int) {
	for _, e := range s.effects {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

func isInput[I Input](in Input) bool { _, ok := in.(I); return ok }

// meant reports whether an input is for a state.
func meant(st Status, in Input) bool {
	waits := st.State == xmlrpc.Stopped || st.State == xmlrpc.Exited || st.State == xmlrpc.Fatal
	child := st.PID != 0
	switch in.(type) {
	case StartAsked:
		return waits || st.State == xmlrpc.Backoff
	case StopAsked:
		return st.State.Up() || waits
	case Spawned, SpawnFailed:
		return st.State == xmlrpc.Starting && !child
	case Forked:
		return st.State == xmlrpc.Stopping && !child
	case CalledOff:
		return st.State == xmlrpc.Stopping
	case Exited:
		return child
	case TimeUp: // which is never before there is something due, but for these
		return st.State != xmlrpc.Unknown && (st.State != xmlrpc.Running && st.State != xmlrpc.Fatal || !st.Due.IsZero())
	case KillFailed:
		return st.State.Signallable()
	case BecameReady:
		return st.State == xmlrpc.Starting && child && st.Ailing == ""
	case Fails:
		return (st.State == xmlrpc.Starting || st.State == xmlrpc.Running) && child && st.Ailing == ""
	case StartWanted, StartRefused:
		return waits
	case StartOverdue:
		return waits || st.State == xmlrpc.Backoff
	case GaveUp:
		return st.State == xmlrpc.Backoff
	}
	return false
}

// legal has the changes of state that listeners of Supervisor know.
var legal = map[[2]xmlrpc.State]bool{
	{xmlrpc.Stopped, xmlrpc.Starting}:  true,
	{xmlrpc.Exited, xmlrpc.Starting}:   true,
	{xmlrpc.Fatal, xmlrpc.Starting}:    true,
	{xmlrpc.Backoff, xmlrpc.Starting}:  true,
	{xmlrpc.Starting, xmlrpc.Running}:  true,
	{xmlrpc.Starting, xmlrpc.Backoff}:  true,
	{xmlrpc.Starting, xmlrpc.Stopping}: true,
	{xmlrpc.Starting, xmlrpc.Unknown}:  true,
	{xmlrpc.Running, xmlrpc.Exited}:    true,
	{xmlrpc.Running, xmlrpc.Stopping}:  true,
	{xmlrpc.Running, xmlrpc.Unknown}:   true,
	{xmlrpc.Backoff, xmlrpc.Fatal}:     true,
	{xmlrpc.Backoff, xmlrpc.Stopped}:   true,
	{xmlrpc.Stopping, xmlrpc.Stopped}:  true,
	{xmlrpc.Stopping, xmlrpc.Unknown}:  true,
}

// expectation is what is to be expected of the process, from what has happened to it.
type expectation struct {
	start   bool        // in a down state: a start is due
	failed  int         // starts in a row
	recent  []time.Time // restarts within the time of the limit
	pauses  int         // in a row
	givenUp bool        // in BACKOFF
	fatal   bool        // the step leads to FATAL
	ailing  bool
	ended   time.Time // a stop, or the end of what is ailing, is over by then; zero for none
}

// after takes in what has happened.
func (x *expectation) after(w *world, s *step) {
	x.fatal = false
	if !s.meant {
		return
	}
	st := s.before
	wait := w.cfg.StopWait + max(w.cfg.StopWait, 100*time.Millisecond) + 2*w.late + longestStart + longestDeath
	switch in := s.in.(type) {
	case StartAsked:
		if st.State.Down() {
			x.recent, x.pauses = nil, 0
		}
		x.start, x.givenUp = false, false
	case StartWanted:
		x.start, x.recent, x.pauses = true, nil, 0
	case StartRefused:
		x.start = false
	case StartOverdue:
		x.giveUp(w)
	case StopAsked:
		x.start, x.ailing, x.givenUp = false, false, false
		if st.State == xmlrpc.Starting || st.State == xmlrpc.Running {
			x.ended = w.now.Add(wait)
		}
	case Fails:
		x.ailing, x.ended = true, w.now.Add(wait)
	case BecameReady:
		x.failed = 0
	case SpawnFailed:
		x.startFailed(w)
	case KillFailed:
		x.ailing, x.ended = false, time.Time{}
	case CalledOff:
		x.ended = time.Time{}
	case GaveUp:
		x.fatal, x.givenUp = true, false
	case TimeUp:
		x.timeUp(w, s, wait)
	case Exited:
		x.exited(w, s, in.Status)
	}
}

func (x *expectation) timeUp(w *world, s *step, wait time.Duration) {
	switch st := s.before; {
	case st.State == xmlrpc.Starting && !x.ailing && w.cfg.Readiness:
		x.ailing, x.ended = true, w.now.Add(wait)
	case st.State == xmlrpc.Starting && !x.ailing:
		x.failed = 0
	case st.State == xmlrpc.Backoff && x.givenUp:
		x.giveUp(w)
	case st.State.Down():
		x.start = false
	}
}

func (x *expectation) exited(w *world, s *step, how Exit) {
	st := s.before
	ailing := x.ailing
	x.ailing, x.ended = false, time.Time{}
	switch {
	case st.State == xmlrpc.Starting && (ailing || w.cfg.Readiness || w.now.Before(st.Due)):
		x.startFailed(w)
	case st.State == xmlrpc.Starting || st.State == xmlrpc.Running:
		x.failed = 0
		unexpected := ailing || how.Code != 0 && how.Code != 2
		if w.cfg.Autorestart == RestartNever || w.cfg.Autorestart == RestartUnexpected && !unexpected {
			return
		}
		if st.State == xmlrpc.Running && w.now.Sub(st.Up) >= w.cfg.Restart.Reset {
			x.pauses = 0
		}
		x.pauses++
		if x.start = true; x.overLimit(w) {
			x.giveUp(w)
		}
	}
}

// giveUp is that it becomes FATAL.
func (x *expectation) giveUp(w *world) {
	x.fatal, x.failed, x.recent, x.pauses, x.givenUp = true, 0, nil, 0, false
	x.start = w.cfg.Restart.FatalRetry > 0
}

func (x *expectation) startFailed(w *world) {
	x.failed++
	x.pauses++
	x.givenUp = x.failed > w.cfg.Restart.Retries && !w.cfg.Restart.Forever || x.overLimit(w)
	if x.givenUp {
		x.recent, x.pauses = nil, 0
	}
}

// overLimit counts a restart, and reports whether it is one too many.
func (x *expectation) overLimit(w *world) bool {
	limit := w.cfg.Restart.Limit
	if limit == (backoff.Limit{}) {
		return false
	}
	x.recent = append(slices.DeleteFunc(x.recent, func(t time.Time) bool { return w.now.Sub(t) >= limit.Within }), w.now)
	return len(x.recent) > limit.Count
}

// rules must hold after each step.
var rules = []struct {
	name  string
	holds func(w *world, s *step) bool
}{
	{"what is not for a state changes nothing", func(_ *world, s *step) bool {
		return s.meant || reflect.DeepEqual(s.before, s.after) && has[Say](s) == len(s.effects)
	}},
	{"never two children", func(_ *world, s *step) bool {
		n := has[Spawn](s)
		return n == 0 || n == 1 && !s.attempt && s.before.PID == 0
	}},
	{"STARTING begins with a start of a child, and nothing else does", func(_ *world, s *step) bool {
		return s.entered(xmlrpc.Starting) == (has[Spawn](s) == 1)
	}},
	{"the pid is that of the child", func(w *world, s *step) bool { return s.after.PID == w.pid }},
	{"RUNNING with a pid", func(_ *world, s *step) bool { return s.after.State != xmlrpc.Running || s.after.PID != 0 }},
	{"no pid in BACKOFF or a down state", func(_ *world, s *step) bool {
		return s.after.PID == 0 || s.after.State.Signallable() || s.after.State == xmlrpc.Unknown
	}},
	{"a start is under way just in STARTING and STOPPING without a pid", func(w *world, s *step) bool {
		return s.after.State == xmlrpc.Unknown || w.attempt.on == (s.after.State.Signallable() && s.after.PID == 0)
	}},
	{"events match states, and are a legal path", eventsMatch},
	{"events tell the pid and the tries", eventsTell},
	{"due is what has to come by itself, and only that", func(w *world, s *step) bool { return s.after.Due.IsZero() != w.mustBeDue(&s.after) }},
	{"a start comes of a start that is asked for or due", starts},
	{"a stop begins at once", stops},
	{"a child that is there too late is asked to end", func(w *world, s *step) bool {
		return !s.meant || !isInput[Forked](s.in) || slices.Contains(s.effects, Effect(Kill{w.cfg.StopSignal, w.cfg.StopAsGroup}))
	}},
	{"every stop ends", func(w *world, s *step) bool { return w.expect.ended.IsZero() || !w.now.After(w.expect.ended) }},
	{"what outlives the stop is sent SIGKILL", func(w *world, s *step) bool {
		if !isInput[TimeUp](s.in) || s.before.State != xmlrpc.Stopping && s.before.Ailing == "" || !s.meant {
			return true
		}
		return slices.Contains(s.effects, Effect(Kill{syscall.SIGKILL, w.cfg.KillAsGroup}))
	}},
	{"FATAL after the tries or the limit, and only then", func(w *world, s *step) bool {
		return s.entered(xmlrpc.Fatal) == w.expect.fatal || !s.meant || s.before.State == xmlrpc.Fatal
	}},
	{"given up in BACKOFF after the last try, and only then", func(w *world, s *step) bool {
		return (s.after.GivenUp != "") == (s.after.State == xmlrpc.Backoff && w.expect.givenUp) && (s.after.RetryIn == 0 || s.after.GivenUp != "")
	}},
	{"ailing from the failure to the end of the child or a stop, and only then", func(w *world, s *step) bool {
		return (s.after.Ailing != "") == w.expect.ailing && (s.after.Ailing == "" || s.after.PID != 0 && s.after.State.Up())
	}},
	{"no error of a start while one goes well", func(_ *world, s *step) bool { return s.after.SpawnErr == "" || !s.after.State.Signallable() }},
	{"an error in BACKOFF", func(_ *world, s *step) bool { return s.after.SpawnErr != "" || s.after.State != xmlrpc.Backoff }},
	{"times are those of what has happened", timesMatch},
	{"due is in reach", dueInReach},
}

// check returns the name of a rule that is broken, with the step, or "".
func (w *world) check(s *step) string {
	for i := range rules {
		if !rules[i].holds(w, s) {
			return fmt.Sprintf("not so: %s\n policy %+v\n at %v: %T%+v\n from %+v\n to   %+v\n with %+v\n expected %+v",
				rules[i].name, w.cfg, w.now.Sub(t0), s.in, s.in, s.before, s.after, s.effects, w.expect)
		}
	}
	return ""
}

func eventsMatch(w *world, s *step) bool {
	at := s.before.State
	for _, e := range s.effects {
		a, ok := e.(Announce)
		if !ok {
			continue
		}
		edge := [2]xmlrpc.State{a.From, a.To}
		if a.From != at || !legal[edge] {
			return false
		}
		at = a.To
		if w.seen != nil {
			w.seen.edges[edge]++
		}
	}
	return at == s.after.State
}

func eventsTell(_ *world, s *step) bool {
	for _, e := range s.effects {
		a, ok := e.(Announce)
		if !ok {
			continue
		}
		pid := 0
		switch {
		case a.To == xmlrpc.Running, a.To == xmlrpc.Exited, a.To == xmlrpc.Stopping, a.To == xmlrpc.Stopped && a.From == xmlrpc.Stopping:
			pid = s.before.PID
		}
		if a.PID != pid {
			return false
		}
		if a.To == xmlrpc.Backoff && a.Tries == 0 || a.To == xmlrpc.Backoff && s.after.State == xmlrpc.Backoff && a.Tries != s.after.Tries {
			return false
		}
	}
	return true
}

// mustBeDue reports whether something has to come by itself.
func (w *world) mustBeDue(st *Status) bool {
	switch st.State {
	case xmlrpc.Starting:
		return st.PID != 0 && (w.expect.ailing || !w.cfg.Readiness || w.cfg.ReadyTimeout > 0)
	case xmlrpc.Running:
		return w.expect.ailing
	case xmlrpc.Stopping, xmlrpc.Backoff:
		return true
	case xmlrpc.Unknown:
		return false
	}
	return w.expect.start
}

func dueInReach(w *world, s *step) bool {
	st := &s.after
	if st.Due.IsZero() || st.Due.Equal(s.before.Due) {
		return true
	}
	wait, r := st.Due.Sub(w.now), &w.cfg.Restart
	most := time.Duration(0)
	switch {
	case st.State == xmlrpc.Stopping || st.Ailing != "":
		most = max(w.cfg.StopWait, 100*time.Millisecond)
	case st.State == xmlrpc.Starting && w.cfg.Readiness:
		return st.Due.Equal(st.Started.Add(w.cfg.ReadyTimeout))
	case st.State == xmlrpc.Starting:
		return wait == w.cfg.StartSecs
	case st.State == xmlrpc.Fatal:
		most = r.FatalRetry
	case st.State == xmlrpc.Backoff && st.GivenUp != "":
	case isInput[StartWanted](s.in):
	case r.Delay > 0:
		pause := min(float64(r.Delay)*math.Pow(r.Factor, float64(w.expect.pauses-1)), float64(r.Max))
		return math.Abs(float64(wait)-pause) <= r.Jitter*pause+1
	case r.Delay == 0:
	case st.State == xmlrpc.Backoff && !r.Forever:
		return wait == time.Duration(w.expect.failed)*time.Second
	case st.State == xmlrpc.Backoff:
		most = r.Max
	default:
		most = time.Second
	}
	return wait >= 0 && wait <= most
}

func starts(w *world, s *step) bool {
	st := s.before
	begins := false
	switch s.in.(type) {
	case StartAsked:
		begins = s.meant
	case TimeUp:
		begins = s.meant && (st.State.Down() || st.State == xmlrpc.Backoff && st.GivenUp == "")
		if begins && w.gated && !w.open {
			return false // nobody has said that its time has come
		}
	}
	return begins == s.entered(xmlrpc.Starting)
}

func stops(w *world, s *step) bool {
	if !isInput[StopAsked](s.in) {
		return true
	}
	ask := Effect(Kill{w.cfg.StopSignal, w.cfg.StopAsGroup})
	switch st := s.before; st.State {
	case xmlrpc.Starting, xmlrpc.Running:
		if st.PID == 0 {
			ask = CallOff{}
		}
		return s.after.State == xmlrpc.Stopping && slices.Contains(s.effects, ask)
	case xmlrpc.Backoff:
		return s.after.State == xmlrpc.Stopped
	}
	return s.after.State == s.before.State
}

func timesMatch(w *world, s *step) bool {
	changed := func(was, is time.Time, when bool) bool { return when && is.Equal(w.now) || !when && is.Equal(was) }
	ran := s.before.State == xmlrpc.Starting && s.after.State == xmlrpc.Running
	started := s.entered(xmlrpc.Starting) || s.before.State.Down() && s.meant && isInput[StartOverdue](s.in)
	ended := s.meant && (isInput[Exited](s.in) || isInput[CalledOff](s.in))
	limit := isInput[Exited](s.in) && s.after.State == xmlrpc.Fatal       // which is told like a start that fails
	passing := isInput[Exited](s.in) && s.before.State == xmlrpc.Starting // through RUNNING, maybe
	return (limit || changed(s.before.Started, s.after.Started, started)) &&
		(passing || changed(s.before.Up, s.after.Up, ran)) &&
		changed(s.before.Stopped, s.after.Stopped, ended)
}
