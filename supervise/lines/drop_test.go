package lines

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// target takes so many bytes as it has room for.
type target struct {
	room int
	got  []byte
}

func (t *target) take(p []byte) int {
	n := min(len(p), t.room)
	t.room -= n
	t.got = append(t.got, p[:n]...)
	return n
}

func TestDrop(t *testing.T) {
	const plenty = 1 << 30
	type step struct {
		after time.Duration // since the beginning
		room  int           // of the target, from now on
		write string        // "" for Retry
	}
	long := strings.Repeat("x", MaxLine)
	for _, test := range []struct {
		name         string
		steps        []step
		want         string
		lines, bytes uint64
		hold         time.Duration // since the beginning, 0 for no hold
		waiting      bool
	}{
		{"room", []step{{0, plenty, "a\nb"}, {0, plenty, "c\n"}}, "a\nbc\n", 0, 0, 0, false},
		{"held up", []step{{3, 2, "a\nb\n"}, {4, 0, "c\n"}}, "a\n", 0, 0, Patience + 3, true},
		{"held up for a while", []step{{0, 2, "a\nb\n"}, {Patience - 1, plenty, ""}}, "a\nb\n", 0, 0, 0, false},
		{"patience is over", []step{{0, 2, "a\nb\nc\n"}, {Patience, 0, ""}}, "a\n", 2, 4, 0, false},
		{"not even then", []step{{0, 0, "a\n"}, {Patience, 0, ""}, {2 * Patience, 0, "b\n"}, {3 * Patience, 0, "c\n"}}, "", 3, 6, 0, false},
		{"torn", []step{{0, 1, "ab\nc\n"}, {Patience, 0, ""}, {Patience, 0, "d\n"}, {Patience, plenty, "e\n"}}, "ab\ne\n", 2, 4, 0, false},
		{"torn, then some room", []step{{0, 1, "ab\nc\n"}, {Patience, 0, ""}, {Patience, 1, ""}, {Patience, 1, ""}, {Patience, 0, "d\n"}}, "ab\n", 2, 4, 0, false},
		{"torn by chunks", []step{{0, 2, "ab"}, {0, 0, "cd"}, {Patience, 0, "ef"}, {Patience, 0, "g\nh"}, {Patience, plenty, "i\nk\n"}}, "abcdefg\nk\n", 1, 3, 0, false},
		{"dropped by chunks", []step{{0, 0, "ab"}, {Patience, 0, "cd"}, {Patience, 0, "e"}, {Patience, 0, "f\n"}, {Patience, plenty, "g\n"}}, "g\n", 1, 7, 0, false},
		{"a dropped line goes on", []step{{0, 0, "a\nb"}, {Patience, 0, ""}, {Patience, plenty, "c"}, {Patience, plenty, "d\ne\n"}}, "e\n", 2, 6, 0, false},
		{"some room while lines are dropped", []step{{0, 0, "a\n"}, {Patience, 0, ""}, {Patience, 3, "bc\nd\n"}, {Patience, 1, "e\nf\n"}, {Patience, 0, "g\n"}}, "bc\ne", 4, 8, 0, true},
		{"patience comes back", []step{{0, 0, "a\n"}, {Patience, 0, ""}, {Patience, plenty, "b\n"}, {Patience + 5, 0, "c\n"}}, "b\n", 1, 2, 2*Patience + 5, true},
		{"a torn line without end", []step{{0, 1, "a" + long}, {Patience, 0, ""}, {Patience, 0, "b\nc\n"}, {Patience, plenty, "d\n"}}, "a" + long + "\nd\n", 2, 4, 0, false},
		{"a torn line of many chunks", []step{{0, 1, "a" + long[1:]}, {Patience, 0, "bc"}, {Patience, 0, "d"}, {Patience, plenty, "e\nf\n"}}, "a" + long[1:] + "b\nf\n", 1, 4, 0, false},
		{"a torn line that just fits", []step{{0, 1, "a" + long[1:]}, {Patience, 0, "\nb\n"}, {Patience, plenty, "c\n"}}, "a" + long[1:] + "\nc\n", 1, 2, 0, false},
		{"nothing is no sign", []step{{0, 0, "a\n"}, {Patience, 0, ""}, {Patience, plenty, ""}, {Patience, 0, "b\n"}}, "", 2, 4, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d Drop
			var to target
			for _, s := range test.steps {
				to.room = s.room
				if s.write == "" {
					d.Retry(moment.Add(s.after), to.take)
				} else {
					d.Write([]byte(s.write), moment.Add(s.after), to.take)
				}
			}
			if string(to.got) != test.want {
				t.Errorf("the target got %.200q, want %.200q", to.got, test.want)
			}
			if lines, bytes := d.Dropped(); lines != test.lines || bytes != test.bytes {
				t.Errorf("dropped %d lines, %d bytes, want %d and %d", lines, bytes, test.lines, test.bytes)
			}
			hold := time.Duration(0)
			if until := d.Hold(); !until.IsZero() {
				hold = until.Sub(moment)
			}
			if hold != test.hold || d.Waiting() != test.waiting {
				t.Errorf("held until %v, waiting %v; want %v, %v", hold, d.Waiting(), test.hold, test.waiting)
			}
		})
	}
}

func TestDropGone(t *testing.T) {
	var d Drop
	to := target{room: 1}
	d.Write([]byte("ab\nc\n"), moment, to.take)
	d.Gone()
	d.Write([]byte("d\n"), moment, to.take)
	lines, bytes := d.Dropped()
	if string(to.got) != "a" || lines != 3 || bytes != 6 || d.Waiting() || !d.Hold().IsZero() {
		t.Errorf("got %q, dropped %d lines, %d bytes", to.got, lines, bytes)
	}
}

func TestDropReport(t *testing.T) {
	var d Drop
	var to target
	at := func(after time.Duration) time.Time { return moment.Add(after) }
	if !d.NextReport().IsZero() {
		t.Error("there is something to report")
	}
	d.Write([]byte("a\n"), at(0), to.take)
	for _, step := range []struct {
		after        time.Duration
		write        string
		lines, bytes uint64
		due          bool
	}{
		{Patience - 1, "", 0, 0, false},
		{Patience, "b\n", 2, 4, true},
		{Patience + 1, "c\n", 0, 0, false},
		{Patience + reportPeriod - 1, "de\n", 0, 0, false},
		{Patience + reportPeriod, "", 2, 5, true},
		{3 * reportPeriod, "", 0, 0, false},
		{4 * reportPeriod, "f\n", 1, 2, true},
	} {
		if step.write != "" {
			d.Write([]byte(step.write), at(step.after), to.take)
		}
		next := d.NextReport()
		lines, bytes, due := d.Report(at(step.after))
		if lines != step.lines || bytes != step.bytes || due != step.due {
			t.Errorf("after %v: %d lines, %d bytes, %v", step.after, lines, bytes, due)
		}
		if may := !next.IsZero() && !at(step.after).Before(next); may != due {
			t.Errorf("after %v: the next report is due at %v", step.after, next)
		}
	}
}

// Whatever the target takes, it has whole lines in order, all that was not dropped, and the
// program is never held up for longer than Patience.
func TestDropAlways(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 2000 {
		var (
			d     Drop
			to    target
			said  int // lines
			input bytes.Buffer
			now   = moment
			held  time.Time // until then
			had   int
		)
		whole := random.IntN(2) == 0
		for range random.IntN(100) {
			if random.IntN(3) == 0 {
				to.room = random.IntN(60)
			}
			now = now.Add(time.Duration(random.IntN(700)) * time.Millisecond)
			if until := d.Hold(); !until.IsZero() && (now.Before(until) || random.IntN(2) == 0) {
				d.Retry(now, to.take)
			} else {
				var p []byte
				for range random.IntN(5) {
					p = fmt.Appendf(p, "%d %s\n", said, strings.Repeat("x", random.IntN(30)))
					said++
				}
				at := len(p)
				if !whole && at > 0 {
					at = random.IntN(at) // the rest comes as a chunk of its own
				}
				input.Write(p)
				d.Write(p[:at], now, to.take)
				d.Write(p[at:], now, to.take)
			}
			until := d.Hold()
			if until.After(now.Add(Patience)) || !held.IsZero() && until.After(held) && len(to.got) == had {
				t.Fatalf("round %d: at %v held up until %v, before that until %v", round, now, until, held)
			}
			held, had = until, len(to.got)
		}
		to.room = 1 << 30
		d.Retry(now, to.take)
		d.Write([]byte("end\n"), now, to.take)
		input.WriteString("end\n")
		dropped, lost := d.Dropped()
		if uint64(input.Len()) != uint64(len(to.got))+lost || uint64(said+1) != uint64(bytes.Count(to.got, []byte("\n")))+dropped {
			t.Fatalf("round %d: of %d bytes in %d lines the target has %d, and %d in %d lines were dropped", round, input.Len(), said+1, len(to.got), lost, dropped)
		}
		rest := "\n" + input.String()
		for line := range strings.Lines(string(to.got)) {
			_, after, found := strings.Cut(rest, "\n"+line)
			if !found {
				t.Fatalf("round %d: the target has %q", round, line)
			}
			rest = "\n" + after
		}
	}
}

// While a target takes all, nothing is copied and nothing allocated.
func TestDropNoAllocations(t *testing.T) {
	var d Drop
	take := func(p []byte) int { return len(p) }
	p := []byte("a line\n")
	if n := testing.AllocsPerRun(100, func() { d.Write(p, moment, take) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
