package pipes

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
)

// text is the form in which each line stands behind "web | ".
func text() *lines.Filter { return lines.New(lines.Settings{Format: lines.Text, Prefix: "web | "}) }

// newFormedPump is a pump whose output gets into its log, of that path, in a form.
func newFormedPump(tb testing.TB, path string, form *lines.Filter) *testPump {
	tb.Helper()
	p := &testPump{messages: make(chan Message, 16), path: path}
	var err error
	if p.poller, err = NewPoller(p.messages); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.poller.Close)
	p.add(tb, &Output{Name: "web", Lines: form})
	return p
}

// add has the pump take an output to the log.
func (p *testPump) add(tb testing.TB, o *Output) {
	tb.Helper()
	p.addTo(tb, o, logs.NewFiles().File(p.path, 0, 0))
}

func (p *testPump) addTo(tb testing.TB, o *Output, log *logs.File) {
	tb.Helper()
	r, w := pumpPipe(tb)
	p.w = os.NewFile(uintptr(w), "pipe")
	o.Fd, o.Log = r, log
	if err := o.Log.Open(); err != nil {
		tb.Fatal(err)
	}
	p.out = o
	if err := p.poller.Add(o); err != nil {
		tb.Fatal(err)
	}
}

// prefixed is what the form text makes of some output, done in a simple way.
func prefixed(output string) string {
	if output == "" {
		return ""
	}
	output = strings.TrimSuffix(output, "\n")
	return "web | " + strings.ReplaceAll(output, "\n", "\nweb | ") + "\n"
}

// Lines are whole, wherever the output was cut between two writes, and the last one, which
// has no end, is written with one.
func TestFormedLines(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "%d%s\n", i, strings.Repeat("x", random.IntN(200)))
	}
	all.WriteString("no end")
	p := newFormedPump(t, filepath.Join(t.TempDir(), "log"), text())
	for left := []byte(all.String()); len(left) > 0; {
		n := min(len(left), 1+random.IntN(1000))
		if _, err := p.w.Write(left[:n]); err != nil {
			t.Fatal(err)
		}
		left = left[n:]
	}
	p.w.Close()
	p.endsWith(t, []byte(prefixed(all.String())))
}

// A line without an end is whole when the child has ended, though somebody else has its
// pipe; what he begins is written when he is not heard any more.
func TestFormedLastWords(t *testing.T) {
	for _, kind := range []string{"file", "pipe"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			var logged func() string
			if kind == "pipe" {
				logged = readFIFO(t, path)
			}
			p := newFormedPump(t, path, text())
			p.poller.linger = 100 * time.Millisecond
			if logged == nil {
				logged = func() string { return string(p.logged(t)) }
			}
			if _, err := p.w.WriteString("first\nlast"); err != nil {
				t.Fatal(err)
			}
			c := &Child{Pidfd: -1, Outputs: [2]*Output{p.out}}
			p.poller.Finish(c)
			p.told(t, c)
			eventually(t, "the last line is logged", func() bool { return logged() == "web | first\nweb | last\n" })
			if _, err := p.w.WriteString("somebody else"); err != nil {
				t.Fatal(err)
			}
			p.ended(t)
			eventually(t, "all is logged", func() bool { return logged() == "web | first\nweb | last\nweb | somebody else\n" })
		})
	}
}

// readFIFO makes a named pipe and reads it. It returns what tells what was read so far.
func readFIFO(tb testing.TB, path string) func() string {
	tb.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		tb.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { fifo.Close() })
	return readAll(fifo)
}

// readAll reads a pipe until it is closed. It returns what tells what was read so far.
func readAll(r *os.File) func() string {
	var mu sync.Mutex
	var all []byte
	go func() {
		buf := make([]byte, 1<<20)
		for {
			n, err := r.Read(buf)
			if err != nil {
				return // it is closed
			}
			mu.Lock()
			all = append(all, buf[:n]...)
			mu.Unlock()
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return string(all)
	}
}

// The form is for the log alone: events get what the child has written.
func TestFormOfLogOnly(t *testing.T) {
	p := &testPump{messages: make(chan Message, 16), path: filepath.Join(t.TempDir(), "log")}
	var err error
	if p.poller, err = NewPoller(p.messages); err != nil {
		t.Fatal(err)
	}
	defer p.poller.Close()
	p.add(t, &Output{Name: "web", Lines: text(), Events: true, Filter: NewCapture(100, true)})
	said := "a \x1b[1mline\x1b[0m\nand <!--XSUPERVISOR:BEGIN-->this<!--XSUPERVISOR:END-->no end"
	if _, err := p.w.WriteString(said); err != nil {
		t.Fatal(err)
	}
	p.w.Close()
	var heard, captured strings.Builder
	for m := range p.messages {
		switch m.Kind {
		case OutputLogged:
			heard.Write(m.Data)
		case OutputCaptured:
			captured.Write(m.Data)
		}
		p.poller.Taken(m)
		if m.Kind == OutputEnded {
			break
		}
	}
	if got := heard.String(); got != "a line\nand thisno end" {
		t.Errorf("events have %q", got)
	}
	if got := captured.String(); got != "this" {
		t.Errorf("captured is %q", got)
	}
	if got := string(p.logged(t)); got != "web | a line\nweb | and no end\n" {
		t.Errorf("the log has %q", got)
	}
}

// A chunk that gets a form on its way to the log must not cost memory.
func TestFormedDeliverAllocates(t *testing.T) {
	for _, format := range []lines.Format{lines.Text, lines.JSON} {
		p := newFormedPump(t, filepath.Join(t.TempDir(), "log"), lines.New(lines.Settings{Format: format, Prefix: "web | "}))
		chunk := bytes.Repeat([]byte("0123456789 a line of the usual length\n"), 1000)
		r := new(reader)
		p.out.deliver(chunk, r)
		if n := testing.AllocsPerRun(100, func() { p.out.deliver(chunk, r) }); n != 0 {
			t.Errorf("%v: %v allocations a chunk", format, n)
		}
	}
}
