package life

import (
	"reflect"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/xmlrpc"
)

// readyPolicy is of a program that says when it is ready, and is tried again when FATAL.
func readyPolicy() *Policy {
	p := testPolicy()
	p.Readiness, p.ReadyTimeout = true, 30*time.Second
	p.Restart.Limit, p.Restart.FatalRetry = backoff.Limit{Count: 1, Within: time.Minute}, time.Hour
	return p
}

var (
	term = Kill{Signal: syscall.SIGTERM}
	kill = Kill{Signal: syscall.SIGKILL}
)

// additions has a row for each state in which one of our own inputs, or settings, means
// something.
var additions = []struct {
	name    string
	from    Status
	input   Input
	want    Status
	effects []Effect
}{
	{"spawned, and not yet ready", Status{State: xmlrpc.Starting, Started: t0}, Spawned{7},
		Status{State: xmlrpc.Starting, Started: t0, PID: 7, Due: after(30)}, []Effect{Say{What: HasSpawned, PID: 7}}},
	{"ready", Status{State: xmlrpc.Starting, Started: t0, PID: 7, Tries: 2, Due: after(30)}, BecameReady{},
		Status{State: xmlrpc.Running, Started: t0, Up: t0, PID: 7}, []Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}, saidSuccess}},
	{"ready without a child", Status{State: xmlrpc.Starting}, BecameReady{}, Status{State: xmlrpc.Starting}, nil},
	{"ready too late", Status{State: xmlrpc.Starting, PID: 7, Ailing: "x", Due: t0}, BecameReady{}, Status{State: xmlrpc.Starting, PID: 7, Ailing: "x", Due: t0}, nil},
	{"not ready in time", Status{State: xmlrpc.Starting, PID: 7, Due: t0}, TimeUp{},
		Status{State: xmlrpc.Starting, PID: 7, Due: after(10), Ailing: "not ready within 30s"},
		[]Effect{Say{What: GivesUpOn, PID: 7, Text: "not ready within 30s"}, Say{What: Signals, PID: 7, Signal: syscall.SIGTERM}, term}},
	{"not ready, and it does not end", Status{State: xmlrpc.Starting, PID: 7, Due: t0, Ailing: "x"}, TimeUp{},
		Status{State: xmlrpc.Starting, PID: 7, Due: after(10), Ailing: "x"},
		[]Effect{Say{What: OutlivedStop, PID: 7, Signal: syscall.SIGKILL}, Say{What: Signals, PID: 7, Signal: syscall.SIGKILL}, kill}},
	{"not ready, and ended", Status{State: xmlrpc.Starting, Started: t0, PID: 7, Due: after(10), Ailing: "x"}, Exited{Exit{Code: -1, Text: "terminated by SIGTERM"}},
		Status{State: xmlrpc.Backoff, Started: t0, Stopped: t0, Due: after(1), Tries: 1, SpawnErr: "x", Restarts: backoff.State{Pauses: 1, Recent: []time.Time{t0}}},
		[]Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}, Say{What: HasExited, Text: "terminated by SIGTERM"}}},
	{"an end before it is ready is a failed start, also after startsecs", Status{State: xmlrpc.Starting, Started: t0, PID: 7}, Exited{Exit{Code: 0, Text: "exit status 0"}},
		Status{State: xmlrpc.Backoff, Started: t0, Stopped: t0, Due: after(1), Tries: 1, SpawnErr: tooQuickly, Restarts: backoff.State{Pauses: 1, Recent: []time.Time{t0}}},
		[]Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}, Say{What: HasExited, Text: "exit status 0"}}},
	{"a stop while it is ended is a stop", Status{State: xmlrpc.Starting, PID: 7, Ailing: "x", Due: t0}, StopAsked{},
		Status{State: xmlrpc.Stopping, PID: 7, Due: after(10)},
		[]Effect{Say{What: Signals, PID: 7, Signal: syscall.SIGTERM}, Announce{From: xmlrpc.Starting, To: xmlrpc.Stopping, PID: 7}, term}},

	{"fails while it runs", Status{State: xmlrpc.Running, PID: 7}, Fails{Text: "unhealthy: no answer"},
		Status{State: xmlrpc.Running, PID: 7, Due: after(10), Ailing: "unhealthy: no answer"},
		[]Effect{Say{What: GivesUpOn, PID: 7, Text: "unhealthy: no answer"}, Say{What: Signals, PID: 7, Signal: syscall.SIGTERM}, term}},
	{"fails, with a signal of its own", Status{State: xmlrpc.Running, PID: 7}, Fails{"x", syscall.SIGABRT},
		Status{State: xmlrpc.Running, PID: 7, Due: after(10), Ailing: "x"},
		[]Effect{Say{What: GivesUpOn, PID: 7, Text: "x"}, Say{What: Signals, PID: 7, Signal: syscall.SIGABRT}, Kill{Signal: syscall.SIGABRT}}},
	{"fails twice", Status{State: xmlrpc.Running, PID: 7, Ailing: "x"}, Fails{Text: "y"}, Status{State: xmlrpc.Running, PID: 7, Ailing: "x"}, nil},
	{"fails without a child", Status{State: xmlrpc.Starting}, Fails{Text: "y"}, Status{State: xmlrpc.Starting}, nil},
	{"fails, and does not end", Status{State: xmlrpc.Running, PID: 7, Due: t0, Ailing: "x"}, TimeUp{},
		Status{State: xmlrpc.Running, PID: 7, Due: after(10), Ailing: "x"},
		[]Effect{Say{What: OutlivedStop, PID: 7, Signal: syscall.SIGKILL}, Say{What: Signals, PID: 7, Signal: syscall.SIGKILL}, kill}},
	{"its end is not expected, whatever its status", Status{State: xmlrpc.Running, Started: t0, PID: 7, Due: after(10), Ailing: "unhealthy: x"}, Exited{Exit{Code: 0, Text: "exit status 0"}},
		Status{State: xmlrpc.Exited, Started: t0, Stopped: t0, Due: t0, SpawnErr: "unhealthy: x", Restarts: backoff.State{Pauses: 1, Brief: 1, Recent: []time.Time{t0}}},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, Say{What: HasExited, Text: "exit status 0"}}},
	{"one restart too many", Status{State: xmlrpc.Running, Started: t0, PID: 7, Restarts: backoff.State{Recent: []time.Time{after(-30)}}}, Exited{Exit{Code: 1, Text: "exit status 1"}},
		Status{State: xmlrpc.Fatal, Started: t0, Stopped: t0, Due: after(3600), Exit: 1, SpawnErr: "2 exits within 60s"},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, Say{What: HasExited, Text: "exit status 1"},
			Announce{From: xmlrpc.Exited, To: xmlrpc.Starting}, Say{What: StartFailed, Text: "2 exits within 60s"},
			Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1},
			Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, Say{What: GaveUpStarts, Text: "2 exits within 60s"}}},
	{"one failed start too many", Status{State: xmlrpc.Starting, Started: t0, Restarts: backoff.State{Recent: []time.Time{after(-30)}}}, SpawnFailed{"x"},
		Status{State: xmlrpc.Backoff, Started: t0, Due: t0, Tries: 1, SpawnErr: "2 exits within 60s", GivenUp: "2 exits within 60s", RetryIn: time.Hour},
		[]Effect{Say{What: StartFailed, Text: "x"}, Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}}},
	{"given up for a while", Status{State: xmlrpc.Backoff, Due: t0, Tries: 1, SpawnErr: "x", GivenUp: "y", RetryIn: time.Hour}, TimeUp{},
		Status{State: xmlrpc.Fatal, Due: after(3600), SpawnErr: "x"},
		[]Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, Say{What: GaveUpStarts, Text: "y"}}},
	{"tried again", Status{State: xmlrpc.Fatal, Due: t0, SpawnErr: "x"}, TimeUp{},
		Status{State: xmlrpc.Starting, Started: t0}, []Effect{Announce{From: xmlrpc.Fatal, To: xmlrpc.Starting}, Spawn{}}},
	{"a stop calls off that it is tried again", Status{State: xmlrpc.Fatal, Due: t0, SpawnErr: "x"}, StopAsked{}, Status{State: xmlrpc.Fatal, SpawnErr: "x"}, nil},
	{"a stop calls off FATAL", Status{State: xmlrpc.Backoff, Due: t0, Tries: 4, GivenUp: "y", RetryIn: time.Hour}, StopAsked{},
		Status{State: xmlrpc.Stopped, Tries: 4}, []Effect{saidBackoff, Announce{From: xmlrpc.Backoff, To: xmlrpc.Stopped}}},

	{"wanted, stopped", Status{State: xmlrpc.Stopped}, StartWanted{}, Status{State: xmlrpc.Stopped, Due: t0}, nil},
	{"wanted, refused before", Status{State: xmlrpc.Stopped, SpawnErr: "dependency db: FATAL"}, StartWanted{}, Status{State: xmlrpc.Stopped, Due: t0}, nil},
	{"wanted, exited unexpectedly", Status{State: xmlrpc.Exited, SpawnErr: "x"}, StartWanted{}, Status{State: xmlrpc.Exited, SpawnErr: "x", Due: t0}, nil},
	{"wanted, exited", Status{State: xmlrpc.Exited}, StartWanted{}, Status{State: xmlrpc.Exited, Due: t0}, nil},
	{"wanted, fatal", Status{State: xmlrpc.Fatal, Due: after(9)}, StartWanted{}, Status{State: xmlrpc.Fatal, Due: t0}, nil},
	{"a start that somebody wants begins a new count", Status{State: xmlrpc.Exited, Due: after(9), Restarts: backoff.State{Brief: 9, Pauses: 4}}, StartWanted{},
		Status{State: xmlrpc.Exited, Due: t0}, nil},
	{"wanted, running", Status{State: xmlrpc.Running, PID: 7}, StartWanted{}, Status{State: xmlrpc.Running, PID: 7}, nil},
	{"refused", Status{State: xmlrpc.Stopped, Due: t0}, StartRefused{"dependency db: FATAL"}, Status{State: xmlrpc.Stopped, SpawnErr: "dependency db: FATAL"}, nil},
	{"refused, running", Status{State: xmlrpc.Running, PID: 7}, StartRefused{"x"}, Status{State: xmlrpc.Running, PID: 7}, nil},
	{"overdue", Status{State: xmlrpc.Stopped, Due: t0, Restarts: backoff.State{Pauses: 4}}, StartOverdue{"dependency db not ready"},
		Status{State: xmlrpc.Fatal, Started: t0, Due: after(3600), SpawnErr: "dependency db not ready"},
		[]Effect{Announce{From: xmlrpc.Stopped, To: xmlrpc.Starting}, Say{What: StartFailed, Text: "dependency db not ready"},
			Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1},
			Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, Say{What: GaveUpStarts, Text: "dependency db not ready"}}},
	{"overdue, in BACKOFF", Status{State: xmlrpc.Backoff, Due: t0, Tries: 1, SpawnErr: "x", Restarts: backoff.State{Pauses: 4}}, StartOverdue{"dependency db not ready"},
		Status{State: xmlrpc.Fatal, Due: after(3600), SpawnErr: "dependency db not ready"},
		[]Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, Say{What: GaveUpStarts, Text: "dependency db not ready"}}},
	{"overdue, running", Status{State: xmlrpc.Running, PID: 7}, StartOverdue{"x"}, Status{State: xmlrpc.Running, PID: 7}, nil},
}

func TestAdditions(t *testing.T) {
	for _, tt := range additions {
		t.Run(tt.name, func(t *testing.T) {
			got, effects := Next(readyPolicy(), tt.from, t0, tt.input)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("status\n got %+v\nwant %+v", got, tt.want)
			}
			if len(effects)+len(tt.effects) > 0 && !reflect.DeepEqual(effects, tt.effects) {
				t.Errorf("effects\n got %+v\nwant %+v", effects, tt.effects)
			}
		})
	}
}

// A stop sequence sends one signal after the other, then SIGKILL, also to what fails; a
// signal of its own takes the place of all of them.
func TestStopSequence(t *testing.T) {
	p := testPolicy()
	p.StopSequence = []StopStep{{syscall.SIGINT, 5 * time.Second}, {syscall.SIGQUIT, time.Second}}
	for _, tt := range []struct {
		name  string
		input Input
		want  []syscall.Signal
		waits []time.Duration
	}{
		{"stop", StopAsked{}, []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL, syscall.SIGKILL}, []time.Duration{5, 1, 10, 10}},
		{"failure", Fails{Text: "x"}, []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}, []time.Duration{5, 1, 10}},
		{"watchdog", Fails{"x", syscall.SIGABRT}, []syscall.Signal{syscall.SIGABRT, syscall.SIGKILL}, []time.Duration{10, 10}},
	} {
		st, now, in := Status{State: xmlrpc.Running, PID: 7}, t0, tt.input
		for i, want := range tt.want {
			var effects []Effect
			st, effects = Next(p, st, now, in)
			if sent, ok := effects[len(effects)-1].(Kill); !ok || sent.Signal != want || st.Due.Sub(now) != tt.waits[i]*time.Second {
				t.Errorf("%s, step %d: %v, then a wait of %v; want %v", tt.name, i+1, effects, st.Due.Sub(now), want)
			}
			now, in = st.Due, TimeUp{}
		}
		if st, _ = Next(p, st, now, Exited{Exit{Code: -1}}); st.State.Down() {
			if st, _ = Next(p, st, now, StartAsked{}); st.Steps != 0 {
				t.Errorf("%s: the next life begins with step %d", tt.name, st.Steps+1)
			}
		}
	}
}

// Times are told in seconds, however many.
func TestReadyTimeoutInSeconds(t *testing.T) {
	p := readyPolicy()
	p.ReadyTimeout = time.Minute
	st, _ := Next(p, Status{State: xmlrpc.Starting, PID: 7, Due: t0}, t0, TimeUp{})
	if want := "not ready within 60s"; st.Ailing != want {
		t.Errorf("got %q, want %q", st.Ailing, want)
	}
}

// Our own inputs mean nothing to a state that has no row for them.
func TestAdditionsMeanNothing(t *testing.T) {
	means := map[string]bool{}
	key := func(s xmlrpc.State, in Input) string { return s.String() + " " + reflect.TypeOf(in).Name() }
	for _, tt := range additions {
		means[key(tt.from.State, tt.input)] = true
	}
	inputs := []Input{BecameReady{}, Fails{Text: "x"}, StartWanted{}, StartRefused{"x"}, StartOverdue{"x"}}
	states := []xmlrpc.State{xmlrpc.Stopped, xmlrpc.Starting, xmlrpc.Running, xmlrpc.Backoff, xmlrpc.Stopping, xmlrpc.Exited, xmlrpc.Fatal, xmlrpc.Unknown}
	for _, state := range states {
		for _, in := range inputs {
			if means[key(state, in)] || state.Down() && state != xmlrpc.Unknown {
				continue // a row tells it, or it is like STOPPED
			}
			from := Status{State: state, PID: 7, Due: t0, Restarts: backoff.State{Pauses: 1}}
			if got, effects := Next(readyPolicy(), from, t0, in); !reflect.DeepEqual(got, from) || effects != nil {
				t.Errorf("%v, %T: %+v, %v", state, in, got, effects)
			}
		}
	}
}
