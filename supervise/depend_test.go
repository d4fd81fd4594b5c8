package supervise

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"supervisor/supervise/life"
	"supervisor/xmlrpc"
)

// dependent writes the programs p0, p1 ... of which each, but for the first, depends on
// another one.
func dependent(n int, on func(i int) int, keys string) string {
	var conf strings.Builder
	for i := range n {
		fmt.Fprintf(&conf, "[program:p%d]\ncommand=/nowhere/program\nautostart=false\nstartretries=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n%s", i, keys)
		if i > 0 {
			fmt.Fprintf(&conf, "depends_on=p%d\n", on(i))
		}
	}
	return conf.String()
}

// shapes are what many programs that depend on each other may look like.
var shapes = []struct {
	name string
	on   func(i int) int
}{
	{"chain", func(i int) int { return i - 1 }},
	{"fan", func(int) int { return 0 }},
	{"tree", func(i int) int { return (i - 1) / 2 }},
}

// pretendUp makes all processes running, with pids that no process has.
func pretendUp(a *API) {
	for i, p := range a.s.table.all() {
		p.Status = life.Status{State: xmlrpc.Running, PID: 1<<23 + i, Started: time.Now(), Up: time.Now()}
		a.s.conditionsChanged(p)
	}
}

// pretendEnd has the child of a process end as asked.
func pretendEnd(s *Supervisor, p *process, now time.Time) {
	p.reaped = &life.Exit{Code: 0, Text: "exit status 0"}
	s.exit(p, now)
}

// byName returns the process pN.
func byName(a *API, i int) *process {
	p, _ := a.s.table.process(fmt.Sprint("p", i))
	return p
}

// All are asked to stop: those that nobody needs any more at once, the others when they are
// not needed any more, and each only once.
func TestStopsInReverse(t *testing.T) {
	const n = 1000
	for _, shape := range shapes {
		for _, end := range []string{"stop", "shutdown"} {
			t.Run(shape.name+" "+end, func(t *testing.T) {
				a := startLoop(t, dependent(n, shape.on, ""))
				onLoop(t, a, func() bool { pretendUp(a); return true })
				begun := time.Now()
				if end == "stop" {
					if _, err := a.StopAllProcesses(t.Context(), false); err != nil {
						t.Fatal(err)
					}
				} else if _, err := a.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
				ended := 0
				awaitThat(t, "all are down", func() bool {
					_, err := do(t.Context(), a.s, func(now time.Time) (bool, error) {
						ended += endStopping(t, a, shape.on, now)
						return true, nil
					})
					return ended == n || err != nil // it may have ended
				})
				if ended != n {
					t.Errorf("%d of %d have been stopped", ended, n)
				}
				t.Logf("%v for %d", time.Since(begun).Round(time.Millisecond), n)
			})
		}
	}
}

// endStopping ends those that are asked to stop, one after the other, and checks that
// nobody needs them.
func endStopping(t *testing.T, a *API, on func(i int) int, now time.Time) (ended int) {
	all := make([]*process, len(a.s.table.all()))
	for i := range all {
		all[i] = byName(a, i)
	}
	for again := true; again; {
		again = false
		needed := make([]int, len(all))
		for i, p := range all {
			if i > 0 && !p.State.Down() {
				needed[on(i)]++
			}
		}
		for i, p := range slices.Backward(all) {
			if p.State != xmlrpc.Stopping {
				continue
			}
			if needed[i] > 0 {
				t.Errorf("p%d is stopped while others need it", i)
			}
			pretendEnd(a.s, p, now)
			if i > 0 {
				needed[on(i)]--
			}
			ended++
			again = true
		}
	}
	return ended
}

// Who was asked for, and waits for what will not come, is refused with the reason; nobody
// else is started.
func TestRefusals(t *testing.T) {
	const n = 1000
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			a := startLoop(t, dependent(n, shape.on, "startsecs=0\n"))
			last := fmt.Sprint("p", n-1)
			onLoop(t, a, func() bool { byName(a, n-1).cfg.Command = "cat"; return true })
			begun := time.Now()
			_, err := a.StartProcess(t.Context(), last, true)
			if fault, ok := err.(*xmlrpc.Fault); !ok || fault.Code != xmlrpc.SpawnError || fault.Text != xmlrpc.NewFault(xmlrpc.SpawnError, "dependency p0: FATAL").Text {
				t.Errorf("got %v", err)
			}
			t.Logf("%v for %d", time.Since(begun).Round(time.Millisecond), n)
			below := map[int]bool{n - 1: true}
			for i := n - 1; i > 0; i = shape.on(i) {
				below[shape.on(i)] = true
			}
			onLoop(t, a, func() bool {
				for i := range n {
					p := byName(a, i)
					state, text := xmlrpc.Stopped, ""
					switch {
					case i == 0:
						state, text = xmlrpc.Fatal, "can't find command '/nowhere/program'"
					case below[i]:
						text = "dependency p0: FATAL"
					}
					if p.State != state || p.SpawnErr != text || p.demanded || !p.Due.IsZero() {
						t.Errorf("%s: %v, %q, %v", p.cfg.Name, p.State, p.SpawnErr, p.Due)
					}
				}
				return true
			})
		})
	}
}

// A start is refused too if what is missing cannot be started, however far below it is.
func TestRefusedForWhatIsGone(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		prepare    func(a *API)
	}{
		{"not active", "dependency p0: not active", func(a *API) { a.s.removeGroup(a.s.table.group("p0")) }},
		{"UNKNOWN", "dependency p0: UNKNOWN", func(a *API) { byName(a, 0).Status = life.Status{State: xmlrpc.Unknown, SpawnErr: "x"} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := startLoop(t, dependent(3, func(i int) int { return i - 1 }, ""))
			onLoop(t, a, func() bool {
				tt.prepare(a)
				last, now := byName(a, 2), time.Now()
				a.s.demand(last, now)
				for i := 1; i < 3; i++ {
					if p := byName(a, i); p.State != xmlrpc.Stopped || p.SpawnErr != tt.want || p.demanded || !p.Due.IsZero() {
						t.Errorf("%s: %v, %q, demanded %v, due %v", p.cfg.Name, p.State, p.SpawnErr, p.demanded, p.Due)
					}
				}
				return true
			})
		})
	}
}

// What a program needs may be gone when it would be started again.
func TestStartedAgainOnlyWithWhatItNeeds(t *testing.T) {
	for _, tt := range []struct {
		name, keys string
		from       life.Status // of p1, whose next start is due in a second
		after      time.Duration
		want       xmlrpc.State
	}{
		{"BACKOFF", "", life.Status{State: xmlrpc.Backoff, Tries: 1, SpawnErr: "x"}, time.Hour, xmlrpc.Backoff},
		{"EXITED", "", life.Status{State: xmlrpc.Exited}, time.Hour, xmlrpc.Exited},
		{"FATAL", "", life.Status{State: xmlrpc.Fatal, SpawnErr: "x"}, time.Hour, xmlrpc.Fatal},
		{"BACKOFF, not yet too late", "depends_timeout=10\n", life.Status{State: xmlrpc.Backoff, Tries: 1, SpawnErr: "x"}, 10 * time.Second, xmlrpc.Backoff},
		{"BACKOFF, too late", "depends_timeout=10\n", life.Status{State: xmlrpc.Backoff, Tries: 1, SpawnErr: "x"}, 12 * time.Second, xmlrpc.Fatal},
		{"EXITED, not yet too late", "depends_timeout=10\n", life.Status{State: xmlrpc.Exited}, 10 * time.Second, xmlrpc.Exited},
		{"EXITED, too late", "depends_timeout=10\n", life.Status{State: xmlrpc.Exited}, 12 * time.Second, xmlrpc.Fatal},
		{"the last try was in vain", "", life.Status{State: xmlrpc.Backoff, Tries: 4, SpawnErr: "x", GivenUp: "x"}, 2 * time.Second, xmlrpc.Fatal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := startLoop(t, dependent(2, func(int) int { return 0 }, tt.keys))
			onLoop(t, a, func() bool {
				s, needed, p, now := a.s, byName(a, 0), byName(a, 1), time.Now()
				needed.Status = life.Status{State: xmlrpc.Running, PID: 1 << 23, Started: now, Up: now}
				s.conditionsChanged(needed)
				tt.from.Due = now.Add(time.Second)
				p.Status = tt.from
				s.schedule(p)
				pretendEnd(s, needed, now)
				if at := p.State; at == xmlrpc.Starting {
					t.Errorf("it is started before it is due")
				}
				for at := now; !at.After(now.Add(tt.after)); at = at.Add(time.Second) {
					s.runAgenda(at)
				}
				if p.State != tt.want {
					t.Errorf("it is %v, want %v", p.State, tt.want)
				}
				p.Status, needed.Status = life.Status{}, life.Status{}
				s.schedule(p)
				s.schedule(needed)
				return true
			})
		})
	}
}

// A program that waits for its next try keeps nobody from the end.
func TestShutdownInBackoff(t *testing.T) {
	a := startLoop(t, "[program:a]\ncommand=/nowhere/program\nautostart=false\ndepends_on=z\n[program:z]\ncommand=/nowhere/program\nautostart=false\n")
	processes := onLoop(t, a, func() []*process {
		all := a.s.table.all()
		for i, p := range all {
			if p.cfg.Name == "z" {
				p.Status = life.Status{State: xmlrpc.Running, PID: 1<<23 + i, Started: time.Now()}
			} else {
				p.Status = life.Status{State: xmlrpc.Backoff, Due: time.Now().Add(time.Hour)}
			}
			a.s.conditionsChanged(p)
		}
		return all
	})
	if _, err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "z is stopped", func() bool {
		_, err := do(t.Context(), a.s, func(now time.Time) (bool, error) {
			for _, p := range processes {
				if p.State == xmlrpc.Stopping {
					pretendEnd(a.s, p, now)
				}
			}
			return true, nil
		})
		return err != nil
	})
	select {
	case <-a.s.done:
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}
