package health

import (
	"testing"
	"time"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const second = time.Second

func TestNext(t *testing.T) {
	policy := Policy{Interval: 10 * second, Timeout: 3 * second, Retries: 3, Grace: 30 * second}
	at := func(after time.Duration) time.Time { return t0.Add(after) }
	type result struct {
		after  time.Duration // since t0, when it is RUNNING
		reason string
	}
	const good = ""
	for _, test := range []struct {
		name    string
		running bool
		retries int
		results []result
		want    State // of the last
		effects []Effect
	}{
		{"good", true, 3, []result{{1 * second, good}, {11 * second, good}}, State{Verdict: Healthy}, []Effect{BecameWell, Nothing}},
		{"good before it is RUNNING", false, 3, []result{{0, good}}, State{Verdict: Healthy}, []Effect{BecameWell}},
		{"never good before it is RUNNING", false, 1, []result{{0, "a"}, {100 * second, "b"}}, State{Reason: "b", Early: 2}, []Effect{Nothing, Nothing}},
		{"grace", true, 1, []result{{0, "a"}, {30*second - 1, "b"}, {30 * second, "c"}},
			State{Verdict: Unhealthy, Failures: 1, Reason: "c", Early: 3}, []Effect{Nothing, Nothing, FellIll}},
		{"grace of what was good", true, 1, []result{{0, good}, {1 * second, "b"}}, State{Verdict: Healthy, Reason: "b"}, []Effect{BecameWell, Nothing}},
		{"three in a row", true, 3, []result{{0, good}, {31 * second, "a"}, {32 * second, "b"}, {33 * second, "c"}},
			State{Verdict: Unhealthy, Failures: 3, Reason: "c"}, []Effect{BecameWell, Nothing, Nothing, FellIll}},
		{"not in a row", true, 3, []result{{0, good}, {31 * second, "a"}, {32 * second, "b"}, {33 * second, good}, {34 * second, "c"}},
			State{Verdict: Healthy, Failures: 1, Reason: "c"}, []Effect{BecameWell, Nothing, Nothing, Nothing, Nothing}},
		{"once only", true, 1, []result{{31 * second, "a"}, {32 * second, "b"}}, State{Verdict: Unhealthy, Failures: 2, Reason: "b", Early: 1}, []Effect{FellIll, Nothing}},
		{"recovered", true, 1, []result{{31 * second, "a"}, {32 * second, good}, {33 * second, "b"}, {34 * second, good}},
			State{Verdict: Healthy, Early: 1}, []Effect{FellIll, Recovered, FellIll, Recovered}},
		{"none is as one", true, 0, []result{{31 * second, "a"}}, State{Verdict: Unhealthy, Failures: 1, Reason: "a", Early: 1}, []Effect{FellIll}},
	} {
		var s State
		if test.running {
			s.Running = t0
		}
		policy.Retries = test.retries
		for i, r := range test.results {
			var effect Effect
			if s, effect = Next(&policy, s, r.reason, at(r.after)); effect != test.effects[i] {
				t.Errorf("%s: result %d: %v, want %v", test.name, i, effect, test.effects[i])
			}
			test.want.Checked = at(r.after)
		}
		if test.running {
			test.want.Running = t0
		}
		if s != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, s, test.want)
		}
	}
}

func TestPause(t *testing.T) {
	policy := Default()
	for _, test := range []struct {
		state State
		want  time.Duration
	}{
		{State{Early: 1}, second / 10}, {State{Early: 2}, second / 5}, {State{Early: 3}, second * 2 / 5}, {State{Early: 7}, second * 64 / 10},
		{State{Early: 8}, 10 * second}, {State{Early: 1 << 30}, 10 * second},
		{State{Verdict: Healthy}, 10 * second}, {State{Verdict: Healthy, Early: 1}, 10 * second}, {State{Verdict: Unhealthy, Early: 1}, 10 * second},
	} {
		if got := test.state.pause(&policy); got != test.want {
			t.Errorf("%+v: got %v, want %v", test.state, got, test.want)
		}
	}
	policy.Interval = second / 20
	if got := (State{Early: 1}).pause(&policy); got != second/20 {
		t.Errorf("got %v", got)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		Unknown.String(): "unknown", Healthy.String(): "healthy", Unhealthy.String(): "unhealthy",
		Nothing.String(): "nothing", BecameWell.String(): "became well", FellIll.String(): "fell ill", Recovered.String(): "recovered",
		tooLate(3 * second): "no answer within 3s", tooLate(90 * second): "no answer within 90s", tooLate(second / 2): "no answer within 0.5s",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
