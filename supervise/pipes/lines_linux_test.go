package pipes

import (
	"bytes"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
)

// No line is lost while the disk takes its time, not even one without an end, whoever
// writes it: the pump, those who work for slow logs, or nobody before the output is given up.
func TestFormedSlowLog(t *testing.T) {
	twoProcessors(t)
	for _, end := range []string{"closed", "given up", "given up while stuck"} {
		t.Run(end, func(t *testing.T) {
			p := newFormedPump(t, filepath.Join(t.TempDir(), "log"), text())
			entered, free := make(chan struct{}, 100), make(chan struct{})
			moody(p.out.Log, func() { entered <- struct{}{}; <-free })
			first := strings.Repeat("a line that gets a prefix\n", 1000) + "and one"
			if _, err := p.w.WriteString(first); err != nil {
				t.Fatal(err)
			}
			<-entered
			eventually(t, "the pump is relieved", func() bool { return p.poller.slow.stuck.Load() > 0 })
			second := " that goes on\nno end"
			if end == "given up while stuck" {
				second = ""
				p.poller.cease(p.out)
			}
			if _, err := p.w.WriteString(second); err != nil {
				t.Fatal(err)
			}
			close(free)
			want := prefixed(first + second)
			switch end {
			case "closed":
				p.w.Close()
			case "given up":
				eventually(t, "it is read", func() bool { return strings.Contains(string(p.logged(t)), "goes on") })
				p.poller.cease(p.out)
			}
			p.ended(t)
			eventually(t, "all is logged", func() bool { return string(p.logged(t)) == want })
		})
	}
}

// An output that is given up while it waits for its log has its last line there all the same,
// once the log answers.
func TestFormedQueuedForSlowLog(t *testing.T) {
	twoProcessors(t)
	files := logs.NewFiles()
	path := filepath.Join(t.TempDir(), "log")
	p := &testPump{messages: make(chan Message, 16), path: path}
	var err error
	if p.poller, err = NewPoller(p.messages); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.poller.Close)
	q := &testPump{poller: p.poller, messages: p.messages, path: path}
	p.addTo(t, &Output{Name: "stuck", Lines: text()}, files.File(path, 0, 0))
	q.addTo(t, &Output{Name: "queued", Lines: text()}, files.File(path, 0, 0))
	state := func() outputState {
		p.poller.mu.Lock()
		defer p.poller.mu.Unlock()
		return q.out.state
	}
	if _, err := q.w.WriteString("first\nlast"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first line is logged", func() bool { return string(p.logged(t)) == "web | first\n" })
	free := make(chan struct{})
	moody(p.out.Log, func() { <-free })
	if _, err := p.w.WriteString("stuck\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pump is relieved", func() bool { return p.poller.slow.stuck.Load() > 0 })
	if _, err := q.w.WriteString(" words"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it waits for the log", func() bool { return state() == outputAway })
	q.poller.cease(q.out)
	q.ended(t)
	close(free)
	eventually(t, "all is logged", func() bool { return string(p.logged(t)) == "web | first\nweb | stuck\nweb | last\n" })
	p.w.Close()
	p.ended(t)
}

// BenchmarkForms compares how much of a child's output, in lines of 100 bytes, gets into a
// log in each form. On a machine that has other things to do, MB/cpu-s says more than MB/s:
// how much gets there for each second that a processor is busy, with the writer or with us.
func BenchmarkForms(b *testing.B) {
	line := strings.Repeat("x", 40) + " 127.0.0.1 GET /index.html?a=b HTTP/1.1 200 "
	line += strings.Repeat("y", 99-len(line)) + "\n"
	for _, writes := range []struct {
		name  string
		piece string
	}{{"blocks", strings.Repeat(line, 640)}, {"lines", line}} {
		source := bytes.Repeat([]byte(writes.piece), 64<<10/len(writes.piece))
		for _, format := range []lines.Format{lines.Raw, lines.Text, lines.JSON} {
			b.Run(writes.name+"/"+format.String(), func(b *testing.B) {
				var form *lines.Filter
				if format != lines.Raw {
					form = lines.New(lines.Settings{Format: format, Prefix: "web | ", Program: "web", Group: "web", Stream: "stdout"})
				}
				p := newFormedPump(b, filepath.Join(b.TempDir(), "log"), form)
				p.out.Log.MaxBytes = 64 << 20 // then it begins anew
				b.SetBytes(int64(len(source)))
				b.ReportAllocs()
				before := cpuTime(b)
				for b.Loop() {
					for left := source; len(left) > 0; left = left[len(writes.piece):] {
						if _, err := p.w.Write(left[:len(writes.piece)]); err != nil {
							b.Fatal(err)
						}
					}
				}
				p.w.Close()
				p.ended(b)
				b.ReportMetric(float64(len(source))*float64(b.N)/1e6/(cpuTime(b)-before).Seconds(), "MB/cpu-s")
			})
		}
	}
}

// cpuTime is how long we have had a processor.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
