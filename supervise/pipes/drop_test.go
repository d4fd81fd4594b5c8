package pipes

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
)

// newDropPump is a pump whose output gets into a named pipe, which somebody has open and
// nobody reads, and is dropped there.
func newDropPump(t *testing.T, o *Output) (p *testPump, fifo *os.File) {
	t.Helper()
	p = &testPump{messages: make(chan Message, 16), path: filepath.Join(t.TempDir(), "fifo")}
	if err := syscall.Mkfifo(p.path, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fifo.Close() })
	if p.poller, err = NewPoller(p.messages); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.poller.Close)
	o.Name, o.Drop = "web", new(lines.Drop)
	p.add(t, o)
	return p, fifo
}

// writeLines writes lines with numbers, from one number to another.
func (p *testPump) writeLines(t *testing.T, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := fmt.Fprintf(p.w, "line %d of some length, so that not too many of them are needed\n", i); err != nil {
			t.Fatal(err)
		}
	}
}

// A program whose log nobody reads is held up for a second; after that it goes on, and whole
// lines are dropped and counted. Once somebody reads, he gets what comes then.
func TestDropOfUnreadPipe(t *testing.T) {
	for _, form := range []*lines.Filter{nil, text()} {
		p, fifo := newDropPump(t, &Output{Lines: form})
		const many = 20_000 // more than all pipes hold
		begin := time.Now()
		p.writeLines(t, 0, many)
		if took := time.Since(begin); took < lines.Patience/2 {
			t.Errorf("it was held up for %v", took)
		}
		begin = time.Now()
		p.writeLines(t, many, 2*many)
		if took := time.Since(begin); took > lines.Patience {
			t.Errorf("it was held up a second time, for %v", took)
		}
		dropped := func() int { n, _ := p.out.Log.Dropped(); return int(n) }
		eventually(t, "lines are dropped", func() bool { return dropped() > many })
		read := readAll(fifo)
		written := 2 * many
		eventually(t, "what comes then is read", func() bool {
			p.writeLines(t, written, written+1)
			written++
			return strings.Contains(read(), fmt.Sprintf("line %d ", written-2))
		})
		whole := regexp.MustCompile(`^(web \| )?line \d+ of some length, so that not too many of them are needed\n$`)
		eventually(t, "each line is read or dropped", func() bool { return strings.Count(read(), "\n")+dropped() == written })
		for line := range strings.Lines(read()) {
			if !whole.MatchString(line) || strings.HasPrefix(line, "web") != (form != nil) {
				t.Fatalf("read %q", line)
			}
		}
		p.w.Close()
		p.ended(t)
	}
}

// A log that takes everything again within the second has lost nothing.
func TestDropWaitsForReader(t *testing.T) {
	p, fifo := newDropPump(t, &Output{Lines: text()})
	const many = 20_000
	reading := make(chan func() string, 1)
	time.AfterFunc(lines.Patience/4, func() { reading <- readAll(fifo) })
	p.writeLines(t, 0, many)
	read := <-reading
	eventually(t, "all is read", func() bool { return strings.Count(read(), "\n") == many })
	if n, bytes := p.out.Log.Dropped(); n+bytes != 0 {
		t.Errorf("%d lines dropped, %d bytes", n, bytes)
	}
}

// Neither the end of a child nor that of the poller waits for who does not read.
func TestDropEnds(t *testing.T) {
	p, _ := newDropPump(t, &Output{Lines: text()})
	p.poller.linger = 100 * time.Millisecond
	p.writeLines(t, 0, 3000)
	p.poller.Finish(&Child{Pidfd: -1, Outputs: [2]*Output{p.out}})
	heard := map[MessageKind]bool{}
	for range 2 {
		select {
		case m := <-p.messages:
			heard[m.Kind] = true
		case <-time.After(10 * time.Second):
			t.Fatal("nothing is told")
		}
	}
	if !heard[ChildEnded] || !heard[OutputEnded] {
		t.Errorf("heard %v", heard)
	}
	eventually(t, "the pipe is closed", func() bool { _, err := p.w.Write([]byte("late")); return err != nil })
}

// What is dropped because the reader is gone is counted, whatever the settings are.
func TestDropOfBrokenPipe(t *testing.T) {
	for _, drop := range []*lines.Drop{nil, {}} {
		p, fifo := newDropPump(t, new(Output))
		q := &testPump{poller: p.poller, messages: p.messages, path: p.path}
		q.add(t, &Output{Name: "other", Drop: drop})
		fifo.Close()
		q.writeLines(t, 0, 100)
		q.w.Close()
		q.ended(t)
		if n, bytes := q.out.Log.Dropped(); n != 100 || bytes < 100 {
			t.Errorf("%d lines dropped, %d bytes", n, bytes)
		}
	}
}

// What was dropped is said at once, and the rest of it at the end, by name.
func TestDropIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	log, err := logs.NewLogger(logs.LoggerOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p, _ := newDropPump(t, &Output{Main: log})
	p.writeLines(t, 0, 20_000)
	said := func() string {
		log.Flush()
		data, _ := os.ReadFile(path)
		return string(data)
	}
	eventually(t, "it is said", func() bool { return strings.Contains(said(), "WARN 'web' stdout: dropped ") })
	if n := strings.Count(said(), "dropped"); n != 1 {
		t.Errorf("said %d times", n)
	}
	p.writeLines(t, 20_000, 40_000)
	p.w.Close()
	p.ended(t)
	n, total := p.out.Log.Dropped()
	var lines, bytes uint64
	for _, m := range regexp.MustCompile(`dropped (\d+) lines \((\d+) bytes\)`).FindAllStringSubmatch(said(), -1) {
		var l, b uint64
		fmt.Sscan(m[1], &l)
		fmt.Sscan(m[2], &b)
		lines, bytes = lines+l, bytes+b
	}
	if lines != n || bytes != total || n == 0 {
		t.Errorf("said are %d lines, %d bytes; dropped were %d, %d", lines, bytes, n, total)
	}
}

// Of a line that the log has the beginning of, it gets the end as soon as there is room,
// though the program is silent.
func TestDropEndsLongLine(t *testing.T) {
	p, fifo := newDropPump(t, new(Output))
	line := strings.Repeat("x", 100_000) + "\n"
	if _, err := p.w.WriteString(line + "dropped\n"); err != nil {
		t.Fatal(err)
	}
	dropped := func() bool { n, _ := p.out.Log.Dropped(); return n > 0 }
	eventually(t, "the second line is dropped", dropped)
	read := readAll(fifo)
	eventually(t, "the end is read", func() bool { return read() == line })
	if _, err := p.w.WriteString("next\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next line is read", func() bool { return read() == line+"next\n" })
	p.w.Close()
	p.ended(t)
	if n, bytes := p.out.Log.Dropped(); n != 1 || bytes != 8 {
		t.Errorf("%d lines dropped, %d bytes", n, bytes)
	}
}

// The end of a program does not wait until there is room for the end of a line.
func TestDropEndsWithLongLine(t *testing.T) {
	for _, end := range []string{"closed", "given up"} {
		p, fifo := newDropPump(t, new(Output))
		if _, err := p.w.WriteString(strings.Repeat("x", 100_000) + "\n"); err != nil {
			t.Fatal(err)
		}
		if end == "closed" {
			p.w.Close()
		} else {
			time.AfterFunc(lines.Patience*5/4, func() { p.poller.cease(p.out) })
		}
		p.ended(t)
		if n, bytes := p.out.Log.Dropped(); n != 1 || bytes == 0 {
			t.Errorf("%s: %d lines dropped, %d bytes", end, n, bytes)
		}
		fifo.Close()
	}
}
