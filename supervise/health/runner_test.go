package health

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// probe is a check that is a function.
type probe func(ctx context.Context) error

func (p probe) Probe(ctx context.Context) error { return p(ctx) }

func good(context.Context) error { return nil }

var errIll = errors.New("ill")

// state returns how it is with a program, and false if it is not watched.
func (r *Runner[ID]) state(id ID) (State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.watched[id]; w != nil {
		return w.state, true
	}
	return State{}, false
}

// clock says what time it is since begin was called.
func clock() func() time.Duration {
	begun := time.Now()
	return func() time.Duration { return time.Since(begun) }
}

// moments is when something has happened.
type moments struct {
	mu  sync.Mutex
	all []time.Duration
}

// add returns how many there are then.
func (m *moments) add(at time.Duration) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, at)
	return len(m.all)
}

func (m *moments) expect(t *testing.T, want ...time.Duration) {
	t.Helper()
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.all, want) {
		t.Errorf("at %v, want %v", m.all, want)
	}
}

// reported keeps reports as text.
type reported struct {
	mu    sync.Mutex
	lines []string
}

func (r *reported) take() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

func newRunner(t *testing.T, limit int) (*Runner[string], *reported) {
	t.Helper()
	at := clock()
	all := new(reported)
	r := NewRunner(limit, func(report Report[string]) {
		all.mu.Lock()
		defer all.mu.Unlock()
		all.lines = append(all.lines, fmt.Sprintf("%v %s %v (%s)", at(), report.ID, report.Effect, report.State.Reason))
	})
	return r, all
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The whole life of a check: early ones come soon, later ones in the interval, and what
// changes is reported.
func TestRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 4)
		at := clock()
		var times moments
		var well atomic.Bool
		r.Watch("a", probe(func(context.Context) error {
			times.add(at())
			time.Sleep(10 * time.Millisecond)
			if !well.Load() {
				return errIll
			}
			return nil
		}), Default())
		time.Sleep(500 * time.Millisecond)
		expect(t, all.take())
		well.Store(true)
		time.Sleep(500 * time.Millisecond)
		expect(t, all.take(), "710ms a became well ()")
		r.Running("a")
		time.Sleep(19*time.Second + 200*time.Millisecond)
		well.Store(false) // after three good ones; one failure is within the grace
		time.Sleep(45 * time.Second)
		expect(t, all.take(), "1m0.71s a fell ill (ill)") // the grace ended at 31s
		well.Store(true)
		time.Sleep(20 * time.Second)
		expect(t, all.take(), "1m10.71s a recovered ()")
		s, ok := r.state("a")
		if !ok || s.Verdict != Healthy || s.Reason != "" || s.Running.IsZero() {
			t.Errorf("got %+v, %v", s, ok)
		}
		r.Close()
		if _, ok := r.state("a"); ok {
			t.Error("it is still watched")
		}
		const ms = time.Millisecond
		times.expect(t, 0, 100*ms, 300*ms, 700*ms, 10700*ms, 20700*ms, 30700*ms, 40700*ms, 50700*ms, 60700*ms, 70700*ms, 80700*ms)
	})
}

// A check that takes too long has failed then, is called off, and another one is begun in
// time, but not before it has returned.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 1)
		at := clock()
		var calledOff, begun moments
		release := make(chan struct{})
		policy := Policy{Interval: 10 * second, Timeout: 3 * second, Retries: 3}
		r.Watch("a", probe(func(ctx context.Context) error {
			if begun.add(at()) == 2 {
				return nil
			}
			<-ctx.Done()
			calledOff.add(at())
			<-release
			return nil // too late to mean anything
		}), policy)
		r.Running("a")
		time.Sleep(3*second + 1)
		calledOff.expect(t, 3*second)
		if s, _ := r.state("a"); s.Reason != "no answer within 3s" || s.Failures != 1 {
			t.Errorf("got %+v", s)
		}
		// The place is free for another meanwhile.
		r.Watch("b", probe(good), Policy{Interval: 5 * second, Timeout: second})
		expect(t, all.take(), "3.000000001s b became well ()")
		time.Sleep(3 * second)
		expect(t, all.take())
		if s, _ := r.state("a"); s.Failures != 2 {
			t.Errorf("got %+v", s)
		}
		time.Sleep(second)
		close(release)
		expect(t, all.take(), "7.000000001s a became well ()")
		begun.expect(t, 0, 7*second+1)
		time.Sleep(10*second + 1)
		begun.expect(t, 0, 7*second+1, 17*second+1)
		r.Close()
	})
}

// One that was well falls ill by not answering, and is asked again in the interval.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 1)
		var begun moments
		at := clock()
		r.Forget("nobody")
		r.Watch("a", probe(func(ctx context.Context) error {
			if begun.add(at()) == 2 {
				<-ctx.Done()
			}
			return nil
		}), Policy{Interval: 10 * second, Timeout: 3 * second})
		r.Running("a")
		time.Sleep(13*second + 1)
		expect(t, all.take(), "0s a became well ()", "13s a fell ill (no answer within 3s)")
		time.Sleep(10 * second)
		expect(t, all.take(), "20s a recovered ()")
		begun.expect(t, 0, 10*second, 20*second)
		r.Close()
	})
}

// A failure has a reason in any case.
func TestReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 1)
		r.Watch("a", probe(func(context.Context) error { return errors.New("") }), Policy{Interval: second, Timeout: second})
		r.Running("a")
		expect(t, all.take(), "0s a fell ill (the check failed)")
		r.Close()
	})
}

// What was found out about one that is forgotten is not reported any more.
func TestForgetReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		var ids []string
		r := NewRunner(4, func(report Report[string]) {
			<-next
			ids = append(ids, report.ID)
		})
		for _, id := range []string{"a", "b", "c"} {
			r.Watch(id, probe(good), Default())
			synctest.Wait()
		}
		r.Forget("b")
		close(next)
		synctest.Wait()
		if !slices.Equal(ids, []string{"a", "c"}) {
			t.Errorf("got %v", ids)
		}
		r.Close()
	})
}

// What is forgotten is called off, and nothing more is heard of it.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 1)
		ended := false
		r.Watch("a", probe(func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil }), Default())
		synctest.Wait()
		r.Watch("b", probe(good), Default()) // waits for a place
		expect(t, all.take())
		r.Forget("a")
		expect(t, all.take(), "0s b became well ()")
		if !ended {
			t.Error("it was not called off")
		}
		r.Forget("a")
		r.Forget("nobody")
		r.Running("nobody")
		// Watched again, it begins anew.
		r.Watch("b", probe(good), Default())
		expect(t, all.take(), "0s b became well ()")
		r.Watch("c", probe(func(context.Context) error { time.Sleep(second); return nil }), Default())
		r.Close()
		time.Sleep(time.Hour)
		expect(t, all.take())
	})
}

// One that waits for a place is forgotten like any other.
func TestForgetQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 1)
		release := make(chan struct{})
		r.Watch("a", probe(func(context.Context) error { <-release; return nil }), Default())
		synctest.Wait()
		r.Watch("b", probe(good), Default())
		synctest.Wait()
		r.Forget("b")
		close(release)
		expect(t, all.take(), "0s a became well ()")
		r.Close()
	})
}

// A slow reader of reports gets all of them in order.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		var effects []Effect
		r := NewRunner(4, func(report Report[int]) {
			<-next
			effects = append(effects, report.Effect)
		})
		n := 0
		r.Watch(1, probe(func(context.Context) error {
			if n++; n%2 == 0 {
				return errIll
			}
			return nil
		}), Policy{Interval: second, Timeout: second})
		r.Running(1)
		time.Sleep(4*second + second/2)
		synctest.Wait()
		for range 5 {
			next <- struct{}{}
		}
		synctest.Wait()
		if want := []Effect{BecameWell, FellIll, Recovered, FellIll, Recovered}; !slices.Equal(effects, want) {
			t.Errorf("got %v, want %v", effects, want)
		}
		r.Close()
	})
}

// With many programs there are never more checks than may be, never two of one, and
// nobody is left out.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, programs = 5, 100
		r := NewRunner(limit, func(Report[int]) {})
		var running, most atomic.Int32
		var each [programs]atomic.Int32
		var made [programs]int
		random := rand.New(rand.NewPCG(9, 10))
		var mu sync.Mutex
		for i := range programs {
			r.Watch(i, probe(func(ctx context.Context) error {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				if each[i].Add(1) > 1 {
					t.Error("two of one program")
				}
				mu.Lock()
				made[i]++
				took := time.Duration(random.IntN(400)) * time.Millisecond
				mu.Unlock()
				time.Sleep(took)
				each[i].Add(-1)
				running.Add(-1)
				return nil
			}), Policy{Interval: 5 * second, Timeout: second})
			r.Running(i)
		}
		time.Sleep(time.Minute)
		r.Close()
		synctest.Wait()
		if most.Load() != limit {
			t.Errorf("%d at a time", most.Load())
		}
		time.Sleep(time.Minute)
		for i, n := range made {
			if n < 8 || n > 13 {
				t.Errorf("program %d was checked %d times", i, n)
			}
		}
	})
}

// Without anything to check there is no goroutine, and no timer that goes off.
func TestIdle(t *testing.T) {
	for name, end := range map[string]func(*Runner[string]){"Forget": func(r *Runner[string]) { r.Forget("a") }, "Close": (*Runner[string]).Close} {
		synctest.Test(t, func(t *testing.T) {
			r, _ := newRunner(t, 1)
			r.Watch("a", probe(good), Default())
			time.Sleep(65 * time.Second) // between two checks
			end(r)
			if r.timer.Stop() {
				t.Errorf("%s: the timer is set", name)
			}
			if len(r.agenda)+len(r.queue)+len(r.watched)+r.running > 0 {
				t.Errorf("%s: left: %+v", name, r)
			}
		})
	}
}

// What is watched anew is not what was watched before any more.
func TestWatchAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, all := newRunner(t, 1)
		var ended moments
		at := clock()
		r.Watch("a", probe(func(ctx context.Context) error { <-ctx.Done(); ended.add(at()); return nil }), Default())
		time.Sleep(second)
		r.Watch("a", probe(good), Policy{Interval: time.Hour, Timeout: second})
		ended.expect(t, second)
		time.Sleep(time.Minute)
		ended.expect(t, second)
		expect(t, all.take(), "1s a became well ()")
		r.Close()
	})
}

func BenchmarkRunner(b *testing.B) {
	done := make(chan struct{}, 1)
	r := NewRunner(16, func(Report[int]) {})
	for i := range 1000 { // of which only the first is due
		r.Watch(i, probe(good), Policy{Interval: time.Hour, Timeout: second})
	}
	r.Watch(0, probe(func(context.Context) error { done <- struct{}{}; return nil }), Policy{Interval: 1, Timeout: second})
	b.ReportAllocs()
	for b.Loop() {
		<-done
	}
	go func() {
		for range done {
		}
	}()
	r.Close()
}
