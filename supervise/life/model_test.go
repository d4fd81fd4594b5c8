package life

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/xmlrpc"
)

// Next is driven here by a world: a caller that does what the effects ask for, children
// that start, fail, hang and end as they like, and people who ask for this and that at
// any time. After each step the invariants of rules_test.go must hold.
//
// A seed is a run of at most runSteps steps with one policy. By hand:
//
//	go test ./supervise/life -run TestModel -life.steps=100000000 -timeout=1h
//	go test ./supervise/life -run TestModel -life.seed=N       (that run alone, with its steps)
var (
	modelSteps = flag.Int("life.steps", 1_000_000, "how many steps TestModel makes")
	modelSeed  = flag.Uint64("life.seed", 0, "the one run that TestModel makes; 0 for as many as the steps take")
)

const runSteps = 1000

type nextFunc func(*Policy, Status, time.Time, Input) (Status, []Effect)

// world is a process, its caller, and what they know nothing of.
type world struct {
	next   nextFunc
	random *rand.Rand
	cfg    Policy
	st     Status
	now    time.Time

	gated, open bool      // it depends on others; what it needs is there
	ending      bool      // supervisord is going down
	poke        time.Time // when somebody asks for something next
	haste       time.Duration
	late        time.Duration // by how much the timer is

	attempt struct {
		on, calledOff bool
		decided       time.Time // when it is known what comes of it
		child         bool      // that is a child
	}
	pid    int       // of the child that Next has been told of; 0 without
	last   int       // the last pid given
	dies   time.Time // when that child ends; zero for never
	young  bool      // it ends before it has executed its program
	expect expectation

	made  int // steps
	seen  *coverage
	trace []string // of the last steps; nil unless it is asked for
}

// coverage is what the runs have come across.
type coverage struct {
	edges  map[[2]xmlrpc.State]int
	inputs map[reflect.Type]int // that meant something
}

func newCoverage() *coverage {
	return &coverage{map[[2]xmlrpc.State]int{}, map[reflect.Type]int{}}
}

// newWorld returns the beginning of the run of a seed.
func newWorld(next nextFunc, seed uint64, seen *coverage) *world {
	w := &world{next: next, random: rand.New(rand.NewPCG(seed, 0)), now: t0, seen: seen}
	w.cfg = w.policy()
	w.gated = w.one(3)
	w.open = w.one(2)
	w.haste = pick(w, time.Millisecond, 100*time.Millisecond, 2*time.Second, time.Minute)
	w.late = pick(w, 0, 0, time.Millisecond, time.Second)
	w.poke = w.now.Add(w.upTo(w.haste))
	if w.one(2) { // autostart
		w.st.Due, w.expect.start = w.now, true
	}
	return w
}

// one is true once in n times.
func (w *world) one(n int) bool { return w.random.IntN(n) == 0 }

// upTo is a time from 0 to d.
func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(d) + 1))
}

func pick[T any](w *world, from ...T) T { return from[w.random.IntN(len(from))] }

func (w *world) policy() Policy {
	p := Policy{
		Autorestart: pick(w, RestartUnexpected, RestartNever, RestartAlways),
		StartSecs:   pick(w, 0, time.Second, 10*time.Second),
		ExitCodes:   []int{0, 2},
		Restart:     backoff.Default(),
		StopSignal:  pick(w, syscall.SIGTERM, syscall.SIGINT),
		StopWait:    pick(w, 0, time.Second, 10*time.Second),
		StopAsGroup: w.one(2), KillAsGroup: w.one(2),
		Seed: "x",
	}
	r := &p.Restart
	r.Retries = pick(w, 0, 1, 3)
	r.Forever = w.one(4)
	r.FatalRetry = pick(w, 0, 0, time.Second, time.Minute)
	if w.one(2) {
		r.Delay = pick(w, 0, 100*time.Millisecond, 5*time.Second)
		r.Factor = pick(w, 1, 1.5, 2.)
		r.Jitter = pick(w, 0, 0.2, 1)
	}
	if w.one(3) {
		r.Limit = backoff.Limit{Count: w.random.IntN(4), Within: pick(w, time.Second, time.Minute)}
	}
	if p.Readiness = w.one(3); p.Readiness {
		p.ReadyTimeout = pick(w, 0, time.Millisecond, 30*time.Second)
	}
	return p
}

// run makes the steps of a run. It returns what was broken first, "" for nothing.
func (w *world) run() string {
	for w.made < runSteps && !w.over() {
		if broken := w.happen(); broken != "" {
			return fmt.Sprintf("step %d: %s", w.made, broken)
		}
	}
	return ""
}

// over reports whether nothing happens to the process any more.
func (w *world) over() bool {
	return w.pid == 0 && !w.attempt.on && w.st.State.Down() && (w.ending || w.st.State == xmlrpc.Unknown && w.one(20))
}

// happen goes on to what comes first, and has it happen.
func (w *world) happen() string {
	at, what := w.poke, w.asked
	sooner := func(t time.Time, fn func() string) {
		if !t.IsZero() && (t.Before(at) || t.Equal(at) && w.one(2)) {
			at, what = t, fn
		}
	}
	if w.attempt.on {
		sooner(w.attempt.decided, w.decided)
	}
	if w.pid != 0 {
		sooner(w.dies, w.died)
	}
	if !w.st.Due.IsZero() && w.mayTimeUp() {
		sooner(w.st.Due.Add(w.upTo(w.late)), func() string { return w.feed(TimeUp{}) })
	}
	if at.After(w.now) {
		w.now = at
	}
	return what()
}

// mayTimeUp reports whether what is due is done when its time has come.
func (w *world) mayTimeUp() bool {
	if w.st.State.Signallable() {
		return true
	}
	if w.ending {
		return false
	}
	return !w.gated || w.open || w.st.State == xmlrpc.Backoff && w.st.GivenUp != ""
}

// decided is the news of a start.
func (w *world) decided() string {
	calledOff, child := w.attempt.calledOff, w.attempt.child
	w.attempt.on = false
	if !child {
		if calledOff {
			return w.feed(CalledOff{})
		}
		return w.feed(SpawnFailed{"no such command"})
	}
	w.last++
	w.pid, w.young = w.last, calledOff && w.one(2)
	switch w.random.IntN(4) {
	case 0:
		w.dies = time.Time{}
	case 1:
		w.dies = w.now.Add(w.upTo(time.Millisecond))
	case 2:
		w.dies = w.now.Add(max(time.Nanosecond, w.cfg.StartSecs)) // and at the same moment it counts as started
	default:
		w.dies = w.now.Add(w.upTo(pick(w, 2*time.Second, time.Minute, time.Hour)))
	}
	if calledOff {
		return w.feed(Forked{w.pid})
	}
	return w.feed(Spawned{w.pid})
}

// died is the end of the child.
func (w *world) died() string {
	w.pid = 0
	if w.young && w.st.State == xmlrpc.Stopping {
		return w.feed(CalledOff{})
	}
	return w.feed(Exited{pick(w, Exit{Code: 0}, Exit{Code: 2}, Exit{Code: 1}, Exit{Code: -1, Signal: syscall.SIGSEGV})})
}

// asked is what somebody wants, or what comes too late or by mistake.
func (w *world) asked() string {
	w.poke = w.now.Add(w.upTo(w.haste))
	if w.ending {
		return w.feed(pick[Input](w, StopAsked{}, Fails{Text: "ill"}, GaveUp{}))
	}
	switch n := w.random.IntN(100); {
	case n < 15:
		if w.gated && !w.open && w.one(2) {
			return w.feed(StartWanted{})
		}
		return w.feed(StartAsked{})
	case n < 30:
		return w.feed(StopAsked{})
	case n < 40:
		return w.feed(Fails{"ill", pick(w, 0, syscall.SIGABRT)})
	case n < 55:
		if w.cfg.Readiness || w.st.State != xmlrpc.Starting {
			return w.feed(BecameReady{})
		}
	case n < 60:
		return w.feed(StartWanted{})
	case n < 65:
		return w.feed(StartRefused{"dependency db: FATAL"})
	case n < 70:
		if w.gated && !w.open {
			return w.feed(StartOverdue{"dependency db not ready"})
		}
	case n < 80:
		w.open = !w.open
	case n < 81 && w.one(4):
		w.ending = true
		if broken := w.feed(GaveUp{}); broken != "" {
			return broken
		}
		return w.feed(StopAsked{})
	case n < 95:
		return w.stray()
	}
	return ""
}

// stray feeds something that is news of a start, a child or a time that are history.
func (w *world) stray() string {
	for {
		in := pick[Input](w, Spawned{1 << 20}, SpawnFailed{"late"}, Forked{1 << 20}, CalledOff{}, Exited{}, KillFailed{"late"}, GaveUp{}, TimeUp{})
		if !meant(w.st, in) {
			return w.feed(in)
		}
	}
}

// feed makes one step, does what it asks for, and checks it.
func (w *world) feed(in Input) string {
	before := w.st
	var effects []Effect
	w.st, effects = w.next(&w.cfg, before, w.now, in)
	w.made++
	s := step{before: before, in: in, after: w.st, effects: effects, meant: meant(before, in), attempt: w.attempt.on}
	if s.meant && w.seen != nil {
		w.seen.inputs[reflect.TypeOf(in)]++
	}
	if w.trace != nil {
		w.trace = append(w.trace, fmt.Sprintf("%4d %v %T%+v\n     %+v\n     %+v", w.made, w.now.Sub(t0), in, in, w.st, effects))
	}
	w.expect.after(w, &s)
	failed := false
	for _, e := range effects {
		failed = w.carryOut(e) || failed
	}
	if broken := w.check(&s); broken != "" {
		return broken
	}
	if failed {
		return w.feed(KillFailed{"operation not permitted"})
	}
	return ""
}

// carryOut does one effect. It reports whether a signal could not be sent.
func (w *world) carryOut(e Effect) (failed bool) {
	switch e := e.(type) {
	case Spawn:
		w.attempt.on, w.attempt.calledOff, w.attempt.child = true, false, !w.one(4)
		w.attempt.decided = w.now.Add(w.upTo(pick(w, 0, time.Millisecond, longestStart)))
	case CallOff:
		w.attempt.calledOff = true
		w.attempt.decided = w.now.Add(w.upTo(pick(w, 0, 0, longestStart)))
	case Kill:
		if w.pid == 0 {
			return false
		}
		if w.one(200) {
			w.dies = w.now.Add(w.upTo(time.Hour))
			return true
		}
		end := w.now.Add(w.upTo(longestDeath))
		if e.Signal != syscall.SIGKILL {
			if w.one(2) {
				return false // it ignores that
			}
			end = w.now.Add(w.upTo(2*w.cfg.StopWait + time.Millisecond))
		}
		if w.dies.IsZero() || end.Before(w.dies) {
			w.dies = end
		}
	}
	return false
}

const (
	longestStart = 3 * time.Second        // until it is known what comes of one
	longestDeath = 200 * time.Millisecond // of SIGKILL, until it is known
)

func TestModel(t *testing.T) {
	if *modelSeed != 0 {
		w := newWorld(Next, *modelSeed, nil)
		w.trace = []string{}
		broken := w.run()
		t.Logf("%+v\n%s", w.cfg, strings.Join(w.trace, "\n"))
		if broken != "" {
			t.Error(broken)
		}
		return
	}
	seen, begun := newCoverage(), time.Now()
	steps, runs := 0, uint64(0)
	for steps < *modelSteps {
		runs++
		w := newWorld(Next, runs, seen)
		if broken := w.run(); broken != "" {
			t.Fatalf("%s\nto see it: go test ./supervise/life -run TestModel -life.seed=%d", broken, runs)
		}
		steps += w.made
	}
	t.Logf("%d steps in %d runs, %v", steps, runs, time.Since(begun).Round(time.Millisecond))
	if steps < 100_000 {
		return // too few to come across everything
	}
	for edge := range legal {
		if seen.edges[edge] == 0 {
			t.Errorf("no run has gone from %v to %v", edge[0], edge[1])
		}
	}
	for _, in := range everyInput {
		if seen.inputs[reflect.TypeOf(in)] == 0 {
			t.Errorf("%T has meant nothing in any run", in)
		}
	}
}

var everyInput = []Input{
	StartAsked{}, StopAsked{}, Spawned{}, SpawnFailed{}, Forked{}, CalledOff{}, Exited{}, TimeUp{}, KillFailed{},
	BecameReady{}, Fails{}, StartWanted{}, StartRefused{}, StartOverdue{}, GaveUp{},
}

// faults are planted in Next, one at a time: each is done to what a step has made.
var faults = []struct {
	name  string
	spoil func(cfg *Policy, before Status, now time.Time, in Input, after *Status, effects *[]Effect)
}{
	{"the pid is kept after the end", func(_ *Policy, before Status, _ time.Time, in Input, after *Status, _ *[]Effect) {
		if isInput[Exited](in) && after.State == xmlrpc.Exited {
			after.PID = before.PID
		}
	}},
	{"nothing is due in BACKOFF", func(_ *Policy, _ Status, _ time.Time, _ Input, after *Status, _ *[]Effect) {
		if after.State == xmlrpc.Backoff {
			after.Due = time.Time{}
		}
	}},
	{"a stop in BACKOFF does nothing", func(_ *Policy, before Status, _ time.Time, in Input, after *Status, effects *[]Effect) {
		if isInput[StopAsked](in) && before.State == xmlrpc.Backoff {
			*after, *effects = before, nil
		}
	}},
	{"a second child while STARTING", func(_ *Policy, before Status, _ time.Time, in Input, _ *Status, effects *[]Effect) {
		if isInput[StartAsked](in) && before.State == xmlrpc.Starting {
			*effects = append(*effects, Spawn{})
		}
	}},
	{"ailing for ever", func(_ *Policy, before Status, _ time.Time, _ Input, after *Status, _ *[]Effect) {
		if before.Ailing != "" {
			after.Ailing = before.Ailing
		}
	}},
	{"RUNNING before there is a child", func(_ *Policy, before Status, now time.Time, in Input, after *Status, effects *[]Effect) {
		if isInput[BecameReady](in) && before.State == xmlrpc.Starting && before.PID == 0 {
			*after, *effects = comeUp(before, now)
		}
	}},
	{"SIGKILL is sent once, and never again", func(_ *Policy, before Status, _ time.Time, in Input, after *Status, _ *[]Effect) {
		if isInput[TimeUp](in) && before.State == xmlrpc.Stopping {
			after.Due = time.Time{}
		}
	}},
	{"no SIGKILL", func(_ *Policy, before Status, _ time.Time, in Input, _ *Status, effects *[]Effect) {
		if isInput[TimeUp](in) && before.State == xmlrpc.Stopping {
			*effects = nil
		}
	}},
	{"one retry too few", func(cfg *Policy, before Status, _ time.Time, _ Input, after *Status, _ *[]Effect) {
		if after.State == xmlrpc.Backoff && before.State == xmlrpc.Starting && after.Tries == cfg.Restart.Retries {
			after.GivenUp = tooManyTries
		}
	}},
	{"one retry too many", func(cfg *Policy, _ Status, _ time.Time, _ Input, after *Status, _ *[]Effect) {
		if after.GivenUp == tooManyTries && after.Tries == cfg.Restart.Retries+1 {
			after.GivenUp = ""
		}
	}},
	{"given up still after a stop", func(_ *Policy, before Status, _ time.Time, _ Input, after *Status, _ *[]Effect) {
		if before.GivenUp != "" && after.State == xmlrpc.Stopped {
			after.GivenUp = before.GivenUp
		}
	}},
	{"EXITED without RUNNING before", func(_ *Policy, before Status, _ time.Time, in Input, after *Status, effects *[]Effect) {
		if isInput[Exited](in) && before.State == xmlrpc.Starting && after.State != xmlrpc.Backoff {
			*effects = slices.DeleteFunc(slices.Clone(*effects), func(e Effect) bool {
				a, ok := e.(Announce)
				return ok && a.To == xmlrpc.Running
			})
		}
	}},
	{"a stop of what waits for its start does not call that off", func(_ *Policy, before Status, _ time.Time, in Input, after *Status, _ *[]Effect) {
		if isInput[StopAsked](in) && before.State == xmlrpc.Stopped {
			after.Due = before.Due
		}
	}},
	{"a child that came too late is not told to end", func(_ *Policy, before Status, _ time.Time, in Input, _ *Status, effects *[]Effect) {
		if isInput[Forked](in) && before.State == xmlrpc.Stopping {
			*effects = nil
		}
	}},
	{"a start that is overdue keeps the count of restarts", func(_ *Policy, before Status, _ time.Time, in Input, after *Status, _ *[]Effect) {
		if isInput[StartOverdue](in) {
			after.Restarts = before.Restarts
		}
	}},
	{"UNKNOWN is to be started", func(_ *Policy, before Status, now time.Time, in Input, after *Status, _ *[]Effect) {
		if isInput[StartWanted](in) && before.State == xmlrpc.Unknown {
			after.Due = now
		}
	}},
	{"autorestart is forgotten", func(_ *Policy, before Status, _ time.Time, _ Input, after *Status, _ *[]Effect) {
		if before.State == xmlrpc.Running && after.State == xmlrpc.Exited {
			after.Due = time.Time{}
		}
	}},
}

// What the model cannot find it does not prove: each planted fault is found.
func TestModelFindsFaults(t *testing.T) {
	for _, fault := range faults {
		next := func(cfg *Policy, before Status, now time.Time, in Input) (Status, []Effect) {
			after, effects := Next(cfg, before, now, in)
			fault.spoil(cfg, before, now, in, &after, &effects)
			return after, effects
		}
		steps, broken := 0, ""
		for seed := uint64(1); steps < 100_000 && broken == ""; seed++ {
			w := newWorld(next, seed, nil)
			broken = w.run()
			steps += w.made
		}
		if broken == "" {
			t.Errorf("not found: %s", fault.name)
		}
		broken, _, _ = strings.Cut(broken, "\n")
		t.Logf("%s: after %d steps: %s", fault.name, steps, broken)
	}
}
