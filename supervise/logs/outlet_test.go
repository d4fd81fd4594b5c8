package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stuck is a place that takes nothing until it is let go.
type stuck struct {
	taking chan struct{} // closed once something has come
	free   chan struct{} // closed by letGo
	first  bool
	got    bytes.Buffer
}

func newStuck() *stuck { return &stuck{taking: make(chan struct{}), free: make(chan struct{})} }

func (s *stuck) letGo() { close(s.free) }

func (s *stuck) Write(p []byte) (int, error) {
	if !s.first {
		s.first = true
		close(s.taking)
	}
	<-s.free
	return s.got.Write(p)
}

// soon is a deadline that is not met only if something is wrong.
func soon() time.Time { return time.Now().Add(10 * time.Second) }

// What does not fit is dropped, and the place is told how much once it works again,
// where it is missing.
func TestOutletDrops(t *testing.T) {
	place := newStuck()
	o := NewEcho(place)
	line := func(i int) []byte { return fmt.Appendf(nil, "%099d\n", i) }
	const fit = maxWaiting / 100
	o.Write(line(-1))
	<-place.taking
	for i := range fit + 17 {
		o.Write(line(i))
	}
	if o.Flush(time.Now()) {
		t.Error("flushed, though nothing was written")
	}
	place.letGo()
	if !o.Flush(soon()) {
		t.Fatal("it does not go on")
	}
	o.Write([]byte("last\n"))
	if !o.close(soon()) {
		t.Fatal("it does not end")
	}
	o.Write([]byte("too late\n"))
	lines := strings.Split(place.got.String(), "\n")
	if len(lines) != fit+4 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, got := range lines[:fit+1] {
		if got+"\n" != string(line(i-1)) {
			t.Fatalf("line %d is %s", i, got)
		}
	}
	if got := lines[fit+1]; !strings.HasSuffix(got, " WARN 17 lines are missing here: they could not be written in time") {
		t.Errorf("got %q", got)
	}
	if got := lines[fit+2:]; got[0] != "last" || got[1] != "" {
		t.Errorf("at the end: %q", got)
	}
}

// An order is carried out between the lines between which it was given.
func TestOutletOrders(t *testing.T) {
	var got strings.Builder
	begun, goOn := make(chan struct{}), make(chan struct{})
	o := newOutlet(func(lines []byte, ends []int) {
		begin := 0
		for _, end := range ends {
			fmt.Fprintf(&got, "%s ", lines[begin:end])
			begin = end
		}
	})
	o.order(func() { close(begun); <-goOn })
	<-begun // from now on all that follows is one batch
	o.Write([]byte("a"))
	o.Write([]byte("bb"))
	o.order(func() { got.WriteString("first ") }, []byte("ccc"), []byte("d"))
	o.order(func() { got.WriteString("second ") })
	o.Write([]byte("eeee"))
	o.Write([]byte("f"))
	n := 0
	for o.order(func() {}) {
		n++
	}
	if n != maxOrders-2 {
		t.Errorf("%d orders waited", n+2)
	}
	close(goOn)
	o.close(soon())
	if want := "a bb ccc d first second eeee f "; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
	if o.order(func() {}) {
		t.Error("a closed one takes orders")
	}
}

func TestWholeLines(t *testing.T) {
	var lines []byte
	var ends []int
	for _, n := range []int{10, 4086, 1, 5000, 4096, 4000, 96, 97, 3} {
		lines = append(lines, bytes.Repeat([]byte{'x'}, n)...)
		ends = append(ends, len(lines))
	}
	var got []int
	wholeLines(lines, ends, func(p []byte) { got = append(got, len(p)) })
	if want := "[4096 1 5000 4096 4096 100]"; fmt.Sprint(got) != want {
		t.Errorf("pieces of %v, want %s", got, want)
	}
}

// A pipe as standard output that nobody reads holds up neither who logs nor the
// file, and gets what it can take later.
func TestLoggerWithoutReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := filepath.Join(t.TempDir(), "s.log")
	log, err := NewLogger(LoggerOptions{Path: path, Echo: w})
	if err != nil {
		t.Fatal(err)
	}
	const lines = 30_000
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for i := range lines {
			log.Info("line %06d of a program that has much to say", i)
			if i%1000 == 0 {
				log.toFile.Flush(soon()) // a disk takes them all, at its pace
			}
		}
	}()
	select {
	case <-logged:
	case <-time.After(10 * time.Second):
		t.Fatal("logging waits for the reader")
	}
	if !log.toFile.Flush(soon()) {
		t.Fatal("the file waits for the reader")
	}
	if got := strings.Count(readFile(t, path), "INFO line"); got != lines {
		t.Errorf("%d lines in the file", got)
	}
	read := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(r)
		read <- string(all)
	}()
	log.Close()
	w.Close()
	got := <-read
	n, missing := 0, 0
	for line := range strings.Lines(got) {
		_, text, _ := strings.Cut(line[len("2006-01-02 15:04:05,000 "):], " ")
		if _, err := fmt.Sscanf(text, "%d lines are missing here", &missing); err == nil {
			continue
		}
		if want := fmt.Sprintf("line %06d of a program that has much to say\n", n); text != want {
			t.Fatalf("got %q, want %q", text, want)
		}
		n++
	}
	if n == lines || n+missing != lines {
		t.Errorf("%d lines, %d missing", n, missing)
	}
}

// Waiting for lines to be written has an end where a disk does not answer.
func TestLoggerFlushGivesUp(t *testing.T) {
	place := newStuck()
	defer place.letGo()
	log, err := NewLogger(LoggerOptions{Echo: place})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("line")
	before := time.Now()
	log.Flush()
	if waited := time.Since(before); waited < FlushWait || waited > 10*FlushWait {
		t.Errorf("flushing took %v", waited)
	}
	before = time.Now()
	log.Close()
	if waited := time.Since(before); waited < FlushWait || waited > 10*FlushWait {
		t.Errorf("closing took %v", waited)
	}
}

// Who settles waits for what was written before, but for a place that takes nothing
// only once.
func TestOutletSettles(t *testing.T) {
	place := newStuck()
	o := NewEcho(place)
	defer o.close(soon())
	o.settle() // there is nothing to wait for
	o.Write([]byte("one\n"))
	<-place.taking
	before := time.Now()
	for range 100 {
		o.settle()
	}
	if waited := time.Since(before); waited < settleWait || waited > 50*settleWait {
		t.Errorf("it waited for %v", waited)
	}
	place.letGo()
	o.Flush(soon())
	o.hold(true)
	o.Write([]byte("two\n"))
	o.settle()
	if got := place.got.String(); got != "one\ntwo\n" {
		t.Errorf("written: %q", got)
	}
}

// Lines that are held back are written together, when they no longer are, when there
// are many, or when somebody wants to see them.
func TestOutletHolds(t *testing.T) {
	writes := make(chan string, 10)
	o := newOutlet(func(lines []byte, _ []int) { writes <- string(lines) })
	defer o.close(soon())
	many := strings.Repeat("x", maxHeld)
	for _, c := range []struct {
		name  string
		lines []string
		then  func()
	}{
		{"until now", []string{"a", "b"}, func() { o.hold(false) }},
		{"not at all", []string{"c"}, func() {}},
		{"again", []string{"d", "e"}, func() { o.hold(false) }},
		{"many", []string{"f", many}, func() {}},
		{"flushed", []string{"g", "h"}, func() { o.Flush(soon()) }},
	} {
		if c.name != "not at all" {
			o.hold(true)
		}
		for _, line := range c.lines {
			if len(writes) > 0 {
				t.Errorf("%s: written too early: %.10q", c.name, <-writes)
			}
			o.Write([]byte(line))
		}
		c.then()
		if !o.Flush(soon()) {
			t.Fatalf("%s: not written", c.name)
		}
		if got, want := <-writes, strings.Join(c.lines, ""); got != want {
			t.Errorf("%s: wrote %.10q, want %.10q", c.name, got, want)
		}
	}
}
