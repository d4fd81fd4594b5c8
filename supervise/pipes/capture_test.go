package pipes

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// recorder writes down what a capture says: log, captured, event.
type recorder []string

func (r *recorder) output(p []byte, captured bool) {
	kind := "log"
	if captured {
		kind = "captured"
	}
	*r = append(*r, fmt.Sprintf("%s %q", kind, p))
}

func (r *recorder) communication(p []byte) { *r = append(*r, fmt.Sprintf("event %q", p)) }

func TestCapture(t *testing.T) {
	const begin, end = captureBegin, captureEnd
	for _, tt := range []struct {
		name   string
		max    int64
		strip  bool
		chunks []string
		want   []string
	}{
		{"off", 0, false, []string{"a" + begin + "b"}, []string{`log "a` + begin + `b"`}},
		{"short output passes at once", 1024, false, []string{"hi\n", "there\n"}, []string{`log "hi\n"`, `log "there\n"`}},
		{"whole", 1024, false, []string{"before\n" + begin + "{1:2}" + end + "after\n"},
			[]string{`log "before\n"`, `captured "{1:2}"`, `event "{1:2}"`, `log "after\n"`}},
		{"end is the last thing", 1024, false, []string{begin + "x" + end}, []string{`captured "x"`, `event "x"`}},
		{"nothing captured", 1024, false, []string{begin + end}, []string{`event ""`}},
		{"two", 1024, false, []string{begin + "a" + end + begin + "b" + end},
			[]string{`captured "a"`, `event "a"`, `captured "b"`, `event "b"`}},
		{"tokens in pieces", 1024, false,
			[]string{"text <!--XSUPER", "VISOR:BEGIN-->not in the", " log<!--XSUPERVISOR", ":END-->more\n"},
			[]string{`log "text "`, `captured "not in the"`, `captured " log"`, `event "not in the log"`, `log "more\n"`}},
		{"only a beginning", 1024, false, []string{"a<!-", "b"}, []string{`log "a"`, `log "<!-b"`}},
		{"a second beginning", 1024, false, []string{"<!-", "<!--XSUPERVISOR:BEG", "IN-->x"}, []string{`log "<!-"`, `captured "x"`}},
		{"beginning at the end of output", 1024, false, []string{"a<!-"}, []string{`log "a"`, `log "<!-"`}},
		{"begin in a capture", 1024, false, []string{begin + begin + "x" + end},
			[]string{`captured "` + begin + `x"`, `event "` + begin + `x"`}},
		{"end outside", 1024, false, []string{end + "x"}, []string{`log "` + end + `x"`}},
		{"not ended", 1024, false, []string{begin + "x<!--"}, []string{`captured "x"`, `captured "<!--"`}},
		{"larger than the limit in one piece", 40, false, []string{begin + strings.Repeat("x", 72) + end},
			[]string{fmt.Sprintf("captured %q", strings.Repeat("x", 72)), fmt.Sprintf("event %q", strings.Repeat("x", 72))}},
		{"larger than the limit in pieces", 40, false,
			[]string{begin + strings.Repeat("a", 46), strings.Repeat("b", 30) + end},
			[]string{fmt.Sprintf("captured %q", strings.Repeat("a", 46)), fmt.Sprintf("captured %q", strings.Repeat("b", 30)),
				fmt.Sprintf("event %q", strings.Repeat("a", 16)+strings.Repeat("b", 30))}},
		{"strip", 1024, true, []string{"\x1b[1mA" + begin + "\x1b[1mB\x1b[0m" + end + "C"},
			[]string{`log "A"`, `captured "B"`, `event "B"`, `log "C"`}},
		{"strip in pieces", 1024, true, []string{"A\x1b", "[1", "mB"}, []string{`log "A"`, `log ""`, `log "B"`}},
		{"a sequence ends at a token", 1024, true, []string{"A\x1b" + begin + "B\x1b[" + end + "C"},
			[]string{`log "A"`, `log "\x1b"`, `captured "B"`, `event "B"`, `log "C"`}},
		{"strip without capture", 0, true, []string{"\x1b[31mred", "\x1b[0m", "\x1b"}, []string{`log "red"`, `log ""`, `log "\x1b"`}},
	} {
		var got recorder
		c := NewCapture(tt.max, tt.strip)
		for _, chunk := range tt.chunks {
			c.feed([]byte(chunk), &got, new(scratch))
		}
		c.finish(&got, new(scratch))
		if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s:\n%s\nwant:\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

func TestCaptureDiscard(t *testing.T) {
	var got recorder
	c := NewCapture(100, false)
	c.feed([]byte(captureBegin+"old"), &got, new(scratch))
	c.discard()
	c.feed([]byte("new"+captureEnd), &got, new(scratch))
	if want := `event "new"`; got[len(got)-1] != want {
		t.Errorf("got %s, want %s", got[len(got)-1], want)
	}
}

// merged joins neighbouring outputs of one kind, so that only the bytes and their
// order count.
type merged struct {
	log, captured, events []byte
}

func (m *merged) output(p []byte, captured bool) {
	if captured {
		m.captured = append(m.captured, p...)
	} else {
		m.log = append(m.log, p...)
	}
}

func (m *merged) communication(p []byte) { m.events = append(append(m.events, p...), 0) }

func FuzzCapture(f *testing.F) {
	f.Add([]byte("some text <!--XSUPERVISOR:BEGIN-->not in the log<!--XSUPERVISOR:END-->and more"), 15, 70, true)
	f.Add([]byte("<!<!--XSUPERVISOR:BEGIN-->\x1b[1mx<!--XSUPERVISOR:END--><!--"), 2, 30, false)
	f.Fuzz(func(t *testing.T, p []byte, first, second int, strip bool) {
		first = within(first, len(p))
		second = first + within(second, len(p)-first)
		var whole, parts merged
		mem := new(scratch)
		c := NewCapture(1<<40, strip)
		c.feed(p, &whole, mem)
		c.finish(&whole, mem)
		for _, piece := range [][]byte{p[:first], p[first:second], p[second:]} {
			c.feed(piece, &parts, mem)
		}
		c.finish(&parts, mem)
		compareMerged(t, parts, whole)
		if !strip {
			compareMerged(t, whole, captureWhole(p))
		}
	})
}

func compareMerged(t *testing.T, got, want merged) {
	t.Helper()
	if !bytes.Equal(got.log, want.log) || !bytes.Equal(got.captured, want.captured) || !bytes.Equal(got.events, want.events) {
		t.Errorf("log %q captured %q events %q\nwant %q %q %q",
			got.log, got.captured, got.events, want.log, want.captured, want.events)
	}
}

// captureWhole is the rule for output in one piece.
func captureWhole(p []byte) (m merged) {
	for {
		before, rest, found := bytes.Cut(p, []byte(captureBegin))
		m.output(before, false)
		if !found {
			return m
		}
		body, rest, found := bytes.Cut(rest, []byte(captureEnd))
		m.output(body, true)
		if !found {
			return m
		}
		m.communication(body)
		p = rest
	}
}

// FuzzCaptureBuffer holds the buffer against its rule carried out plainly.
func FuzzCaptureBuffer(f *testing.F) {
	f.Add(40, []byte{46, 30, 1, 1, 39})
	f.Fuzz(func(t *testing.T, limit int, sizes []byte) {
		b := captureBuffer{max: int64(within(limit, 1000))}
		var want []byte
		for i, n := range sizes {
			p := bytes.Repeat([]byte{byte(i)}, int(n))
			if int64(len(want)+len(p)) > b.max {
				want = want[min(len(p), len(want)):]
			}
			want = append(want, p...)
			b.add(p)
			if !bytes.Equal(b.bytes(), want) {
				t.Fatalf("after %d: %v, want %v", i, b.bytes(), want)
			}
		}
	})
}

// nowhere is a sink without allocations.
type nowhere struct{ n int }

func (w *nowhere) output(p []byte, _ bool) { w.n += len(p) }
func (w *nowhere) communication(p []byte)  { w.n += len(p) }

func TestCaptureAllocates(t *testing.T) {
	var to nowhere
	mem := new(scratch)
	for _, strip := range []bool{false, true} {
		c := NewCapture(100, strip)
		pieces := [][]byte{
			[]byte("<p>text \x1b[1mbold\x1b[0m " + captureBegin + "body" + captureEnd[:5]),
			[]byte(captureEnd[5:] + strings.Repeat("more", 100)),
		}
		if n := testing.AllocsPerRun(100, func() {
			for _, p := range pieces {
				c.feed(p, &to, mem)
			}
		}); n > 0 {
			t.Errorf("strip %v: %v allocations", strip, n)
		}
	}
}

func BenchmarkCapture(b *testing.B) {
	var to nowhere
	mem := new(scratch)
	for _, bb := range []struct{ name, text string }{
		{"plain", strings.Repeat("a line of output, as long as they are\n", 1000)},
		{"html", strings.Repeat("<li><a href='x'>item</a></li>\n", 1000)},
		{"captures", strings.Repeat("out"+captureBegin+"in"+captureEnd, 1000)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := NewCapture(1<<20, false)
			text := []byte(bb.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				c.feed(text, &to, mem)
			}
		})
	}
}
