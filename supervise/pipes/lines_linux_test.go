package pipes

import (
	"path/filepath"
	"strings"
	"testing"
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
			eventually(t, "the pump is relieved", func() bool { return p.poller.Slow.stuck.Load() > 0 })
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
