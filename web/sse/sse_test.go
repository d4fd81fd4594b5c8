package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// options are those of a ring of texts whose frames are "SERIAL TEXT".
func options(events, bytes int) Options[string] {
	return Options[string]{
		Events: events,
		Bytes:  bytes,
		Size:   func(text string) int { return len(text) },
		Render: func(dst []byte, serial uint64, text string) []byte {
			return fmt.Appendf(dst, "%d %s", serial, text)
		},
	}
}

func take(t *testing.T, rd *Reader[string], most int, want ...string) {
	t.Helper()
	frames, err := rd.Take(most)
	var got []string
	for _, frame := range frames {
		got = append(got, string(frame))
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func isReady(rd *Reader[string]) bool {
	select {
	case <-rd.Wait():
		return true
	default:
		return false
	}
}

func TestFollow(t *testing.T) {
	r := NewRing(0, options(10, 1<<20))
	r.Publish(1, "before")
	all := r.Follow(nil)
	some := r.Follow(func(text string) bool { return strings.HasPrefix(text, "b") })
	if isReady(all) {
		t.Error("ready without an event")
	}
	take(t, all, 1000)
	waiting := all.Wait()
	r.Publish(2, "a")
	r.Publish(5, "b")
	<-waiting
	take(t, all, 1000, "2 a", "5 b")
	take(t, some, 1000, "5 b")
	if all.Serial() != 5 || some.Serial() != 5 {
		t.Errorf("serials %d, %d", all.Serial(), some.Serial())
	}
	r.Publish(6, "c")
	take(t, some, 1000)
	if isReady(some) || !isReady(all) {
		t.Error("ready for what was looked at, or not for what was not")
	}
	r.Close()
	take(t, all, 1000, "6 c")
	for range 2 {
		if frames, err := all.Take(1000); len(frames) > 0 || err != ErrClosed || !isReady(all) {
			t.Errorf("closed: %q, %v", frames, err)
		}
	}
	all.Close()
	all.Close()
	some.Close()
	if r.readers != 0 {
		t.Errorf("%d readers are left", r.readers)
	}
}

// A reader takes about as much as it asks for, but always something.
func TestTakeMost(t *testing.T) {
	r := NewRing(0, options(1000, 1<<20))
	rd := r.Follow(nil)
	for n := range uint64(200) {
		r.Publish(n+1, "x")
	}
	take(t, rd, 1, "1 x")
	take(t, rd, overhead+1, "2 x")
	take(t, rd, overhead+2, "3 x", "4 x")
	frames, err := rd.Take(1 << 20)
	if len(frames) != 196 || err != nil { // more than one batch
		t.Errorf("%d frames, %v", len(frames), err)
	}
	take(t, rd, 1<<20)
}

func TestResume(t *testing.T) {
	r := NewRing(100, options(3, 1<<20))
	check := func(last uint64, ok bool, want ...string) {
		t.Helper()
		rd, got := r.Resume(last, nil)
		defer rd.Close()
		if got != ok {
			t.Errorf("after %d: got %v, want %v", last, got, ok)
		}
		take(t, rd, 1000, want...)
	}
	check(99, false)
	check(100, true)
	check(101, false)
	for serial := uint64(101); serial <= 106; serial++ {
		r.Publish(serial, "x")
	}
	check(106, true)
	check(105, true, "106 x")
	check(103, true, "104 x", "105 x", "106 x")
	check(102, false) // 103 was dropped
	check(107, false) // of an earlier daemon, which had come further
	r.Publish(200, "y")
	check(150, true, "200 y") // not all numbers come
	rd, _ := r.Resume(0, nil)
	r.Publish(201, "z")
	take(t, rd, 1000, "201 z") // after a reset it goes on with what is new
}

// Whoever is behind by more than the ring may hold is told so, whatever number of events
// that is, and holds nothing but the event it has read last.
func TestBehind(t *testing.T) {
	const limit = 20 * (overhead + 1)
	r := NewRing(0, options(5, limit))
	slow, fast := r.Follow(nil), r.Follow(nil)
	for serial := uint64(1); serial <= 20; serial++ {
		r.Publish(serial, "x")
	}
	if r.events != 20 {
		t.Errorf("%d events for those who are behind, want 20", r.events)
	}
	if frames, err := fast.Take(1 << 20); len(frames) != 20 || err != nil {
		t.Errorf("fast: %d, %v", len(frames), err)
	}
	r.Publish(21, "x")
	take(t, fast, 1000, "21 x")
	for range 2 {
		if frames, err := slow.Take(1 << 20); len(frames) > 0 || !errors.Is(err, ErrBehind) {
			t.Errorf("slow: %q, %v", frames, err)
		}
		if !isReady(slow) {
			t.Error("nobody tells the slow reader")
		}
	}
	if slow.at.next != nil {
		t.Error("the slow reader keeps what was dropped")
	}
	slow.Close()
	fast.Close()
	r.Publish(22, "x")
	if r.events != 5 {
		t.Errorf("%d events are kept without readers, want 5", r.events)
	}
	r.Publish(23, strings.Repeat("x", 2*limit))
	if r.events != 1 || r.newest.serial != 23 {
		t.Errorf("%d events beside a very large one", r.events)
	}
}

// One rendering per event for any number of readers, in order, without a gap, while all
// of them read at once.
func TestManyReaders(t *testing.T) {
	const readers, events = 100, 2000
	var rendered atomic.Int64
	o := options(1000, 1<<30)
	render := o.Render
	o.Render = func(dst []byte, serial uint64, text string) []byte {
		rendered.Add(1)
		return render(dst, serial, text)
	}
	r := NewRing(0, o)
	var wg sync.WaitGroup
	for range readers {
		rd := r.Follow(nil)
		wg.Go(func() {
			defer rd.Close()
			for n := 1; ; {
				<-rd.Wait()
				frames, err := rd.Take(4096)
				if err == ErrClosed {
					if n != events+1 {
						t.Errorf("%d events", n-1)
					}
					return
				}
				for _, frame := range frames {
					if want := strconv.Itoa(n) + " x"; string(frame) != want || err != nil {
						t.Errorf("got %q, %v, want %q", frame, err, want)
						return
					}
					n++
				}
			}
		})
	}
	for serial := uint64(1); serial <= events; serial++ {
		r.Publish(serial, "x")
	}
	r.Close()
	wg.Wait()
	if rendered.Load() != events {
		t.Errorf("%d renderings of %d events", rendered.Load(), events)
	}
}

// Nothing is rendered that nobody reads.
func TestNoReaders(t *testing.T) {
	o := options(10, 1<<20)
	o.Render = func([]byte, uint64, string) []byte { panic("rendered") }
	r := NewRing(0, o)
	for serial := uint64(1); serial < 100; serial++ {
		r.Publish(serial, "x")
	}
}

func TestAppendEvent(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{`{"a":1}`, "id: 7\nevent: TICK_5\ndata: {\"a\":1}\n\n"},
		{"", "id: 7\nevent: TICK_5\ndata: \n\n"},
		{"a\nb\r\nc\r\rd\n", "id: 7\nevent: TICK_5\ndata: a\ndata: b\ndata: c\ndata: \ndata: d\ndata: \n\n"},
	} {
		if got := string(AppendEvent(nil, 7, "TICK_5", []byte(test.data))); got != test.want {
			t.Errorf("%q: got %q, want %q", test.data, got, test.want)
		}
	}
	for header, want := range map[string]uint64{"0": 0, "7": 7, "18446744073709551615": 1<<64 - 1} {
		if got, ok := LastEventID(header); got != want || !ok {
			t.Errorf("%q: %d, %v", header, got, ok)
		}
	}
	for _, header := range []string{"", "-1", "x", "7 ", "18446744073709551616"} {
		if got, ok := LastEventID(header); ok {
			t.Errorf("%q: %d", header, got)
		}
	}
}

// parse reads a stream the way the standard says.
func parse(stream []byte) (events [][3]string) {
	stream = bytes.ReplaceAll(stream, []byte("\r\n"), []byte("\n"))
	stream = bytes.ReplaceAll(stream, []byte("\r"), []byte("\n"))
	var id, event string
	var data []string
	lines := bufio.NewScanner(bytes.NewReader(stream))
	lines.Buffer(nil, 1<<30)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			id = value
		case "event":
			event = value
		case "data":
			data = append(data, value)
		case "":
			if lines.Text() == "" && data != nil {
				events = append(events, [3]string{id, event, strings.Join(data, "\n")})
				event, data = "", nil
			}
		}
	}
	return events
}

// FuzzAppendEvent: whatever the data, two events in a stream are two events for a reader.
func FuzzAppendEvent(f *testing.F) {
	f.Add(uint64(1), []byte(`{"a":1}`))
	f.Add(uint64(2), []byte("a\r\n\n\rb"))
	f.Add(uint64(1<<64-1), []byte("\nid: 5\n\nevent: x"))
	f.Fuzz(func(t *testing.T, serial uint64, data []byte) {
		stream := AppendEvent(nil, serial, "A", data)
		stream = append(stream, KeepAlive...)
		stream = AppendEvent(stream, serial, "B", data)
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
		id := strconv.FormatUint(serial, 10)
		want := [][3]string{{id, "A", text}, {id, "B", text}}
		if got := parse(stream); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// What the publisher pays for an event that a hundred readers wait for, and what it pays
// when there are none.
func BenchmarkPublish(b *testing.B) {
	for _, readers := range []int{0, 100} {
		b.Run(strconv.Itoa(readers), func(b *testing.B) {
			b.ReportAllocs()
			r := NewRing(0, options(1000, 1<<20))
			var wg sync.WaitGroup
			for range readers {
				rd := r.Follow(nil)
				wg.Go(func() {
					defer rd.Close()
					for {
						<-rd.Wait()
						if _, err := rd.Take(1 << 16); err != nil {
							return
						}
					}
				})
			}
			serial := uint64(0)
			for b.Loop() {
				serial++
				r.Publish(serial, "x")
			}
			r.Close()
			wg.Wait()
		})
	}
}
