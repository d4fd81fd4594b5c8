package backoff

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const second = time.Second

// up is the end of a program that was up for so long.
func up(d time.Duration) End { return End{Up: true, Running: d, Life: d} }

var failed = End{Life: second / 2}

// wait is a start after so long, dead is the end of all starts.
func wait(d time.Duration) Verdict { return Verdict{Delay: d} }

func dead(reason string, retry time.Duration) Verdict {
	return Verdict{Fatal: true, Reason: reason, Delay: retry}
}

func TestNext(t *testing.T) {
	type step struct {
		after time.Duration // since the last one
		end   End
		want  Verdict
	}
	policy := func(change func(*Policy)) Policy {
		p := Default()
		change(&p)
		return p
	}
	repeat := func(n int, s step) (all []step) {
		for range n {
			all = append(all, s)
		}
		return all
	}
	var seventy []step
	for n := range time.Duration(70) {
		seventy = append(seventy, step{0, failed, wait((n + 1) * second)})
	}
	brief := repeat(9, step{0, up(second / 4), wait(0)})
	for _, test := range []struct {
		name   string
		policy Policy
		steps  []step
	}{
		{"as Supervisor", Default(), []step{
			{0, failed, wait(second)}, {0, failed, wait(2 * second)}, {0, up(2 * second), wait(0)},
			{0, failed, wait(second)}, {0, failed, wait(2 * second)}, {0, failed, wait(3 * second)}, {0, failed, dead("", 0)},
		}},
		{"long pauses, as Supervisor", policy(func(p *Policy) { p.Retries = 100 }), seventy},
		{"no retries", policy(func(p *Policy) { p.Retries = 0; p.FatalRetry = time.Hour }), []step{{0, failed, dead("", time.Hour)}, {0, failed, dead("", time.Hour)}}},
		{"brief lives", Default(), slices.Concat(brief, []step{
			{0, up(second / 4), wait(second * 3 / 4)}, {0, up(second * 9 / 10), wait(second / 10)},
			{0, up(second), wait(0)}, {0, up(second / 4), wait(0)}})},
		{"a failed start is no brief life", Default(), slices.Concat(brief, []step{
			{0, failed, wait(second)}, {0, up(second / 4), wait(second * 3 / 4)}})},
		{"never a pause", policy(func(p *Policy) { p.Delay = 0 }), slices.Concat(brief, []step{
			{0, up(second / 4), wait(0)}, {0, failed, wait(0)}, {0, failed, wait(0)}})},
		{"delay", policy(func(p *Policy) { p.Delay = 2 * second }), []step{
			{0, up(0), wait(2 * second)}, {0, failed, wait(2 * second)}, {0, up(time.Hour), wait(2 * second)}}},
		{"factor", policy(func(p *Policy) { p.Delay, p.Factor, p.Max = second, 3, 10*second }), []step{
			{0, up(0), wait(second)}, {0, failed, wait(3 * second)}, {0, up(second), wait(9 * second)}, {0, failed, wait(10 * second)},
			{0, up(time.Minute - 1), wait(10 * second)}, {0, up(time.Minute), wait(second)}, {0, up(1), wait(3 * second)}}},
		{"reset", policy(func(p *Policy) { p.Delay, p.Factor, p.Reset = second, 2, 0 }), []step{
			{0, up(0), wait(second)}, {0, up(0), wait(second)}, {0, failed, wait(2 * second)}}},
		{"limit", policy(func(p *Policy) { p.Limit = Limit{2, time.Minute}; p.FatalRetry = 5 * second }), []step{
			{0, up(second), wait(0)}, {20 * second, up(second), wait(0)}, {40 * second, up(second), wait(0)},
			{20*second - 1, up(second), dead("3 exits within 60s", 5*second)}, {0, up(second), wait(0)}, {0, up(second), wait(0)}}},
		{"limit of none", policy(func(p *Policy) { p.Limit = Limit{0, 1500 * time.Millisecond} }), []step{{0, up(time.Hour), dead("1 exit within 1.5s", 0)}}},
		{"failed starts count", policy(func(p *Policy) { p.Limit = Limit{1, time.Minute} }), []step{
			{0, failed, wait(second)}, {0, failed, dead("2 exits within 60s", 0)}}},
		{"retries come before the limit", policy(func(p *Policy) { p.Limit = Limit{1, time.Minute}; p.Retries = 1 }), []step{
			{0, failed, wait(second)}, {0, failed, dead("", 0)}}},
		{"forever", policy(func(p *Policy) { p.Forever, p.Retries, p.Max = true, 1, 3*second }), []step{
			{0, failed, wait(second)}, {0, failed, wait(2 * second)}, {0, failed, wait(3 * second)}, {0, failed, wait(3 * second)}}},
		{"forever, with a limit", policy(func(p *Policy) { p.Forever, p.Retries, p.Limit = true, 0, Limit{1, time.Minute} }), []step{
			{0, failed, wait(second)}, {0, failed, dead("2 exits within 60s", 0)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s State
			now := t0
			for i, step := range test.steps {
				now = now.Add(step.after)
				var got Verdict
				if s, got = Next(&test.policy, s, step.end, now, 0.5); got != step.want {
					t.Errorf("step %d: got %+v, want %+v", i, got, step.want)
				}
				if got.Fatal && !reflect.DeepEqual(s, State{}) {
					t.Errorf("step %d: remembered %+v", i, s)
				}
			}
		})
	}
}

// The limit may be another one after the configuration was read again.
func TestLimitChanges(t *testing.T) {
	p := Default()
	p.Limit = Limit{5, time.Minute}
	var s State
	for i := range 5 {
		s, _ = Next(&p, s, up(second), t0.Add(time.Duration(i)*10*second), 0.5)
	}
	for _, test := range []struct {
		limit Limit
		want  Verdict
	}{
		{Limit{3, time.Minute}, dead("6 exits within 60s", 0)},
		{Limit{3, 30 * second}, wait(0)},
		{Limit{2, 30 * second}, dead("3 exits within 30s", 0)},
		{Limit{}, wait(0)},
	} {
		p.Limit = test.limit
		next, got := Next(&p, s, up(second), t0.Add(50*second), 0.5)
		if got != test.want {
			t.Errorf("%v: got %+v, want %+v", test.limit, got, test.want)
		}
		if n := len(next.Recent); n > test.limit.Count {
			t.Errorf("%v: %d are remembered", test.limit, n)
		}
	}
}

func TestAsked(t *testing.T) {
	s := State{Pauses: 3, Failed: 2, Brief: 1, Recent: []time.Time{t0}}
	if got := s.Asked(); !reflect.DeepEqual(got, State{Failed: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestPause(t *testing.T) {
	for _, test := range []struct {
		policy Policy
		n      int
		random float64
		want   time.Duration
	}{
		{Policy{Delay: 10 * second, Factor: 1, Max: time.Minute, Jitter: 0.2}, 1, 0, 8 * second},
		{Policy{Delay: 10 * second, Factor: 1, Max: time.Minute, Jitter: 0.2}, 1, 0.75, 11 * second},
		{Policy{Delay: 10 * second, Factor: 2, Max: 15 * second, Jitter: 0.2}, 2, 0, 12 * second}, // around the most
		{Policy{Delay: 10 * second, Factor: 1, Max: time.Minute, Jitter: 1}, 1, 0, 0},
		{Policy{Delay: second, Factor: 1.5, Max: time.Minute}, 3, 0.9, 2250 * time.Millisecond},
		{Policy{Delay: second, Factor: 2, Max: time.Minute}, 1 << 30, 0.9, time.Minute},
		{Policy{Delay: 0, Factor: 2, Max: time.Minute}, 1 << 30, 0.9, 0},
		{Policy{Delay: 1, Factor: math.MaxFloat64, Max: math.MaxInt64, Jitter: 1}, 9, 0.99999, math.MaxInt64 / 2},
		{Policy{Delay: second, Factor: 2, Max: 0}, 3, 0.5, 0},
	} {
		got := test.policy.pause(test.n, test.random)
		if difference := got - test.want; difference < -1 || difference > 1 {
			t.Errorf("%+v, %d, %v: got %v, want %v", test.policy, test.n, test.random, got, test.want)
		}
	}
}

// Whatever happens, a pause is neither negative nor too long, the state stays small, no
// state that was given is changed, and there are never more restarts than the limit.
func TestAlways(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		p := Policy{
			Delay: time.Duration(random.IntN(3)-1) * second, Factor: 1 + 3*random.Float64(), Max: time.Duration(random.IntN(100)) * second,
			Jitter: random.Float64(), Retries: random.IntN(5), Forever: random.IntN(2) == 0, Reset: time.Duration(random.IntN(20)) * second,
			FatalRetry: time.Duration(random.IntN(2)) * second,
		}
		if random.IntN(2) == 0 {
			p.Limit = Limit{random.IntN(5), time.Duration(1+random.IntN(60)) * second}
		}
		var s State
		var restarts []time.Time
		now := t0
		for range 200 {
			now = now.Add(time.Duration(random.IntN(20000)) * time.Millisecond)
			before, copied := s, append([]time.Time(nil), s.Recent...)
			var v Verdict
			s, v = Next(&p, s, End{random.IntN(2) == 0, time.Duration(random.IntN(30)) * second, time.Duration(random.IntN(3000)) * time.Millisecond}, now, random.Float64())
			if v.Delay < 0 || p.Delay >= 0 && !v.Fatal && v.Delay > 2*p.Max {
				t.Fatalf("%+v: %+v", p, v)
			}
			if len(before.Recent) != len(copied) || len(copied) > 0 && !reflect.DeepEqual(before.Recent, copied) {
				t.Fatal("the state that was given has changed")
			}
			if len(s.Recent) > p.Limit.Count {
				t.Fatalf("%d times are remembered", len(s.Recent))
			}
			if v.Fatal {
				restarts = nil
				continue
			}
			restarts = append(restarts, now)
			if n := len(restarts) - 1 - p.Limit.Count; p.Limit != (Limit{}) && n >= 0 && now.Sub(restarts[n]) < p.Limit.Within {
				t.Fatalf("%v: restarts at %v", p.Limit, restarts[n:])
			}
			now = now.Add(v.Delay)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Limit{
		"5/60s": {5, time.Minute}, " 5 / 60 ": {5, time.Minute}, "0/1h": {0, time.Hour}, "1000/500ms": {1000, second / 2}, "007/1.5": {7, 1500 * time.Millisecond},
	} {
		got, err := ParseLimit(text)
		if got != want || err != nil {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
		if again, err := ParseLimit(got.String()); again != got || err != nil {
			t.Errorf("%q is written %q", text, got)
		}
	}
	for want, l := range map[string]Limit{"": {}, "1/1s": {1, second}, "2/500ms": {2, second / 2}, "3/1.5s": {3, 1500 * time.Millisecond}, "4/120s": {4, 2 * time.Minute}} {
		if got := l.String(); got != want {
			t.Errorf("%+v is written %q", l, got)
		}
	}
	for _, text := range []string{"", "5", "/", "5/", "/60s", "-1/60s", "+1/60s", "5/0", "5/-1s", "5/60x", "5/60s/1", "1.5/60s", "x/60s", "5 60s", "99999999999999999999/1s"} {
		if got, err := ParseLimit(text); err == nil || got != (Limit{}) || !strings.Contains(err.Error(), "write a number of restarts and a time, such as 5/60s") {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	if _, err := ParseLimit("1001/1s"); err == nil || err.Error() != "'1001/1s' is not a limit: the number of restarts can be 1000 at most" {
		t.Error(err)
	}
	for text, want := range map[string]float64{"0%": 0, "10%": 0.1, " 12.5 % ": 0.125, "100": 1} {
		if got, err := ParsePart(text); got != want || err != nil {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "%", "-1%", "101%", "x", "10%%", "NaN", "1e1", "inf", "1.2.3"} {
		if got, err := ParsePart(text); err == nil || got != 0 || !strings.HasSuffix(err.Error(), " is not a percentage from 0% to 100%") {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]float64{"1": 1, " 1.5 ": 1.5, "1000000": 1e6} {
		if got, err := ParseFactor(text); got != want || err != nil {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0.9", "-2", "x", "NaN", "Inf", "0x10", strings.Repeat("9", 400)} {
		if got, err := ParseFactor(text); err == nil || got != 1 || !strings.HasSuffix(err.Error(), " is not a number of at least 1") {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}

// What is read is always within its bounds, and is written so that it reads the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"5/60s", "10%", "1.5", " 3 / 0.5ms", "1e9/1h", "１/1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := ParseLimit(text); err == nil {
			if l.Count < 0 || l.Count > maxCount || l.Within <= 0 {
				t.Errorf("%q: %+v", text, l)
			}
			again, err := ParseLimit(l.String())
			if difference := again.Within - l.Within; err != nil || again.Count != l.Count || difference.Abs() > l.Within/1e9 {
				t.Errorf("%q: %q, which is %+v, %v", text, l, again, err)
			}
		}
		if part, err := ParsePart(text); !(part >= 0 && part <= 1) || err != nil && part != 0 {
			t.Errorf("%q: %v, %v", text, part, err)
		}
		if factor, err := ParseFactor(text); !(factor >= 1) || math.IsInf(factor, 0) || err != nil && factor != 1 {
			t.Errorf("%q: %v, %v", text, factor, err)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	p := Default()
	p.Delay, p.Factor, p.Limit = second, 2, Limit{5, time.Minute}
	var s State
	now := t0
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(30 * second)
		s, _ = Next(&p, s, up(second), now, 0.5)
	}
}
