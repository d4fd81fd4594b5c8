package life

import (
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/xmlrpc"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testPolicy() *Policy {
	return &Policy{
		StartSecs: 2 * time.Second, ExitCodes: []int{0, 2},
		Restart: backoff.Default(), StopSignal: syscall.SIGTERM, StopWait: 10 * time.Second, Autorestart: RestartUnexpected,
	}
}

// The lines that several rows expect.
var (
	saidSuccess = Say{What: CameUp}
	saidGaveUp  = Say{What: GaveUpStarts, Text: tooManyTries}
	saidAlready = Say{What: AlreadyUp}
	saidBackoff = Say{What: StoppedWaiting}
)

func after(secs int) time.Time { return t0.Add(time.Duration(secs) * time.Second) }

// transitions has a row for every state and input, the dull ones too.
var transitions = []struct {
	name    string
	from    Status
	input   Input
	want    Status
	effects []Effect
}{
	// STOPPED
	{"start", Status{State: xmlrpc.Stopped, Tries: 3, Exit: 1, SpawnErr: "x"}, StartAsked{},
		Status{State: xmlrpc.Starting, Started: t0, Tries: 3},
		[]Effect{Announce{From: xmlrpc.Stopped, To: xmlrpc.Starting, Tries: 3}, Spawn{}}},
	{"a start that somebody asks for begins a new count", Status{State: xmlrpc.Stopped, Restarts: backoff.State{Brief: 9, Pauses: 4}}, StartAsked{},
		Status{State: xmlrpc.Starting, Started: t0}, []Effect{Announce{From: xmlrpc.Stopped, To: xmlrpc.Starting}, Spawn{}}},
	{"a stop calls off an autostart", Status{State: xmlrpc.Stopped, Due: t0}, StopAsked{}, Status{State: xmlrpc.Stopped}, nil},
	{"spawned without a start", Status{State: xmlrpc.Stopped}, Spawned{7}, Status{State: xmlrpc.Stopped}, nil},
	{"spawn failed without a start", Status{State: xmlrpc.Stopped}, SpawnFailed{"x"}, Status{State: xmlrpc.Stopped}, nil},
	{"exit without a child", Status{State: xmlrpc.Stopped}, Exited{Exit{Code: 1, Text: "exit status 1"}}, Status{State: xmlrpc.Stopped}, nil},
	{"autostart", Status{State: xmlrpc.Stopped, Due: t0}, TimeUp{}, Status{State: xmlrpc.Starting, Started: t0},
		[]Effect{Announce{From: xmlrpc.Stopped, To: xmlrpc.Starting}, Spawn{}}},
	{"kill failed, stopped", Status{State: xmlrpc.Stopped}, KillFailed{"x"}, Status{State: xmlrpc.Stopped}, nil},
	{"gave up, stopped", Status{State: xmlrpc.Stopped}, GaveUp{}, Status{State: xmlrpc.Stopped}, nil},
	{"forked, stopped", Status{State: xmlrpc.Stopped}, Forked{7}, Status{State: xmlrpc.Stopped}, nil},
	{"called off, stopped", Status{State: xmlrpc.Stopped}, CalledOff{}, Status{State: xmlrpc.Stopped}, nil},

	// STARTING
	{"start while starting", Status{State: xmlrpc.Starting, PID: 7, Restarts: backoff.State{Brief: 9}}, StartAsked{}, Status{State: xmlrpc.Starting, PID: 7, Restarts: backoff.State{Brief: 9}}, []Effect{saidAlready}},
	{"stop while starting", Status{State: xmlrpc.Starting, PID: 7, Tries: 1}, StopAsked{},
		Status{State: xmlrpc.Stopping, PID: 7, Tries: 1, Due: after(10)},
		[]Effect{Say{What: Signals, PID: 7, Signal: syscall.SIGTERM}, Announce{From: xmlrpc.Starting, To: xmlrpc.Stopping, PID: 7}, Kill{syscall.SIGTERM, false}}},
	{"spawned", Status{State: xmlrpc.Starting, Started: t0}, Spawned{7},
		Status{State: xmlrpc.Starting, Started: t0, PID: 7, Due: after(2)}, []Effect{Say{What: HasSpawned, PID: 7}}},
	{"spawn failed", Status{State: xmlrpc.Starting, Started: t0}, SpawnFailed{"can't find command 'x'"},
		Status{State: xmlrpc.Backoff, Started: t0, Tries: 1, Due: after(1), SpawnErr: "can't find command 'x'", Restarts: backoff.State{Pauses: 1}},
		[]Effect{Say{What: StartFailed, Text: "can't find command 'x'"}, Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}}},
	{"spawn failed for the last time", Status{State: xmlrpc.Starting, Tries: 3}, SpawnFailed{"x"},
		Status{State: xmlrpc.Backoff, Tries: 4, Due: t0, SpawnErr: "x", GivenUp: tooManyTries},
		[]Effect{Say{What: StartFailed, Text: "x"}, Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 4}}},
	{"died young", Status{State: xmlrpc.Starting, PID: 7, Tries: 1, Due: after(1)}, Exited{Exit{Code: 0, Text: "exit status 0"}},
		Status{State: xmlrpc.Backoff, Tries: 2, Stopped: t0, Due: after(2), SpawnErr: tooQuickly, Restarts: backoff.State{Pauses: 1}},
		[]Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 2}, Say{What: HasExited, Text: "exit status 0"}}},
	{"exit and startsecs at the same moment", Status{State: xmlrpc.Starting, PID: 7, Tries: 1, Due: t0}, Exited{Exit{Code: 0, Text: "exit status 0"}},
		Status{State: xmlrpc.Exited, Stopped: t0},
		[]Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7},
			Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, Say{What: HasExited, Text: "exit status 0", Expected: true}}},
	{"stayed up", Status{State: xmlrpc.Starting, PID: 7, Tries: 2, Due: t0}, TimeUp{}, Status{State: xmlrpc.Running, PID: 7, Up: t0},
		[]Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}, saidSuccess}},
	{"spawned twice", Status{State: xmlrpc.Starting, PID: 7, Due: t0}, Spawned{8}, Status{State: xmlrpc.Starting, PID: 7, Due: t0}, nil},
	{"spawn failed with a child", Status{State: xmlrpc.Starting, PID: 7, Due: t0}, SpawnFailed{"x"}, Status{State: xmlrpc.Starting, PID: 7, Due: t0}, nil},
	{"exit before there is a child", Status{State: xmlrpc.Starting, Started: t0}, Exited{Exit{Code: 1, Text: "exit status 1"}}, Status{State: xmlrpc.Starting, Started: t0}, nil},
	{"kill failed, starting", Status{State: xmlrpc.Starting, PID: 7, Due: t0}, KillFailed{"x"},
		Status{State: xmlrpc.Unknown, PID: 7, SpawnErr: "x"}, []Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Unknown}}},
	{"gave up, starting", Status{State: xmlrpc.Starting}, GaveUp{}, Status{State: xmlrpc.Starting}, nil},
	{"stop before there is a child", Status{State: xmlrpc.Starting, Started: t0, Tries: 1}, StopAsked{},
		Status{State: xmlrpc.Stopping, Started: t0, Tries: 1, Due: after(10)},
		[]Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Stopping}, CallOff{}}},
	{"forked, starting", Status{State: xmlrpc.Starting}, Forked{7}, Status{State: xmlrpc.Starting}, nil},
	{"called off, starting", Status{State: xmlrpc.Starting}, CalledOff{}, Status{State: xmlrpc.Starting}, nil},

	// RUNNING
	{"start while running", Status{State: xmlrpc.Running, PID: 7}, StartAsked{}, Status{State: xmlrpc.Running, PID: 7}, []Effect{saidAlready}},
	{"stop", Status{State: xmlrpc.Running, PID: 7}, StopAsked{}, Status{State: xmlrpc.Stopping, PID: 7, Due: after(10)},
		[]Effect{Say{What: Signals, PID: 7, Signal: syscall.SIGTERM}, Announce{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, Kill{syscall.SIGTERM, false}}},
	{"spawned, running", Status{State: xmlrpc.Running, PID: 7}, Spawned{8}, Status{State: xmlrpc.Running, PID: 7}, nil},
	{"spawn failed, running", Status{State: xmlrpc.Running, PID: 7}, SpawnFailed{"x"}, Status{State: xmlrpc.Running, PID: 7}, nil},
	{"expected exit", Status{State: xmlrpc.Running, PID: 7}, Exited{Exit{Code: 2, Text: "exit status 2"}}, Status{State: xmlrpc.Exited, Stopped: t0, Exit: 2},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, Say{What: HasExited, Text: "exit status 2", Expected: true}}},
	{"unexpected exit is followed by a start", Status{State: xmlrpc.Running, PID: 7}, Exited{Exit{Code: -1, Text: "terminated by SIGKILL"}},
		Status{State: xmlrpc.Exited, Stopped: t0, Exit: -1, Due: t0, SpawnErr: "Bad exit code -1", Restarts: backoff.State{Pauses: 1}},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, Say{What: HasExited, Text: "terminated by SIGKILL"}}},
	{"a brief life is counted", Status{State: xmlrpc.Running, PID: 7, Started: t0.Add(-999 * time.Millisecond), Restarts: backoff.State{Brief: 8}}, Exited{Exit{Code: 1, Text: "exit status 1"}},
		Status{State: xmlrpc.Exited, Started: t0.Add(-999 * time.Millisecond), Stopped: t0, Exit: 1, Due: t0, SpawnErr: "Bad exit code 1", Restarts: backoff.State{Pauses: 1, Brief: 9}},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, Say{What: HasExited, Text: "exit status 1"}}},
	{"the tenth in a row is followed by a pause", Status{State: xmlrpc.Running, PID: 7, Started: t0.Add(-100 * time.Millisecond), Restarts: backoff.State{Brief: 9}}, Exited{Exit{Code: 1, Text: "exit status 1"}},
		Status{State: xmlrpc.Exited, Started: t0.Add(-100 * time.Millisecond), Stopped: t0, Exit: 1, Due: t0.Add(900 * time.Millisecond), SpawnErr: "Bad exit code 1", Restarts: backoff.State{Pauses: 1, Brief: 10}},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, Say{What: HasExited, Text: "exit status 1"}}},
	{"a life that is not brief ends that", Status{State: xmlrpc.Running, PID: 7, Started: t0.Add(-time.Second), Restarts: backoff.State{Brief: 99}}, Exited{Exit{Code: 1, Text: "exit status 1"}},
		Status{State: xmlrpc.Exited, Started: t0.Add(-time.Second), Stopped: t0, Exit: 1, Due: t0, SpawnErr: "Bad exit code 1", Restarts: backoff.State{Pauses: 1}},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, Say{What: HasExited, Text: "exit status 1"}}},
	{"time up, running", Status{State: xmlrpc.Running, PID: 7}, TimeUp{}, Status{State: xmlrpc.Running, PID: 7}, nil},
	{"kill failed", Status{State: xmlrpc.Running, PID: 7}, KillFailed{"x"}, Status{State: xmlrpc.Unknown, PID: 7, SpawnErr: "x"},
		[]Effect{Announce{From: xmlrpc.Running, To: xmlrpc.Unknown}}},
	{"gave up, running", Status{State: xmlrpc.Running}, GaveUp{}, Status{State: xmlrpc.Running}, nil},
	{"forked, running", Status{State: xmlrpc.Running}, Forked{7}, Status{State: xmlrpc.Running}, nil},
	{"called off, running", Status{State: xmlrpc.Running}, CalledOff{}, Status{State: xmlrpc.Running}, nil},

	// BACKOFF
	{"start in backoff", Status{State: xmlrpc.Backoff, Tries: 2, Due: after(2), SpawnErr: "x"}, StartAsked{},
		Status{State: xmlrpc.Starting, Started: t0, Tries: 2}, []Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Starting, Tries: 2}, Spawn{}}},
	{"stop in backoff", Status{State: xmlrpc.Backoff, Tries: 2, Due: after(2), SpawnErr: "x"}, StopAsked{},
		Status{State: xmlrpc.Stopped, Tries: 2, SpawnErr: "x"}, []Effect{saidBackoff, Announce{From: xmlrpc.Backoff, To: xmlrpc.Stopped}}},
	{"spawned, backoff", Status{State: xmlrpc.Backoff}, Spawned{7}, Status{State: xmlrpc.Backoff}, nil},
	{"spawn failed, backoff", Status{State: xmlrpc.Backoff}, SpawnFailed{"x"}, Status{State: xmlrpc.Backoff}, nil},
	{"exit, backoff", Status{State: xmlrpc.Backoff}, Exited{Exit{}}, Status{State: xmlrpc.Backoff}, nil},
	{"next attempt", Status{State: xmlrpc.Backoff, Tries: 3, Due: t0, SpawnErr: "x"}, TimeUp{}, Status{State: xmlrpc.Starting, Started: t0, Tries: 3},
		[]Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Starting, Tries: 3}, Spawn{}}},
	{"no attempt left", Status{State: xmlrpc.Backoff, Tries: 4, Due: t0, SpawnErr: "x", GivenUp: tooManyTries}, TimeUp{}, Status{State: xmlrpc.Fatal, SpawnErr: "x"},
		[]Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, saidGaveUp}},
	{"kill failed, backoff", Status{State: xmlrpc.Backoff}, KillFailed{"x"}, Status{State: xmlrpc.Backoff}, nil},
	{"gave up", Status{State: xmlrpc.Backoff, Tries: 2, Due: after(2)}, GaveUp{}, Status{State: xmlrpc.Fatal, Tries: 2},
		[]Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}}},
	{"forked, backoff", Status{State: xmlrpc.Backoff}, Forked{7}, Status{State: xmlrpc.Backoff}, nil},
	{"called off, backoff", Status{State: xmlrpc.Backoff}, CalledOff{}, Status{State: xmlrpc.Backoff}, nil},

	// STOPPING
	{"start while stopping", Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, StartAsked{}, Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, []Effect{saidAlready}},
	{"stop while stopping", Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, StopAsked{}, Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, nil},
	{"spawned, stopping", Status{State: xmlrpc.Stopping, PID: 7}, Spawned{8}, Status{State: xmlrpc.Stopping, PID: 7}, nil},
	{"spawn failed, stopping", Status{State: xmlrpc.Stopping, PID: 7}, SpawnFailed{"x"}, Status{State: xmlrpc.Stopping, PID: 7}, nil},
	{"stopped by its signal", Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, Exited{Exit{Code: -1, Text: "terminated by SIGTERM"}},
		Status{State: xmlrpc.Stopped, Stopped: t0, Exit: -1},
		[]Effect{Announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: 7}, Say{What: HasStopped, Text: "terminated by SIGTERM"}}},
	{"stopped with an expected code", Status{State: xmlrpc.Stopping, PID: 7}, Exited{Exit{Code: 2, Text: "exit status 2"}},
		Status{State: xmlrpc.Stopped, Stopped: t0, Exit: 2},
		[]Effect{Announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: 7}, Say{What: HasStopped, Text: "exit status 2", Expected: true}}},
	{"outlived stopwaitsecs", Status{State: xmlrpc.Stopping, PID: 7, Due: t0}, TimeUp{}, Status{State: xmlrpc.Stopping, PID: 7, Due: after(10)},
		[]Effect{Say{What: OutlivedStop, PID: 7, Signal: syscall.SIGKILL}, Say{What: Signals, PID: 7, Signal: syscall.SIGKILL}, Kill{syscall.SIGKILL, false}}},
	{"kill failed, stopping", Status{State: xmlrpc.Stopping, PID: 7, Due: t0}, KillFailed{"x"}, Status{State: xmlrpc.Unknown, PID: 7, SpawnErr: "x"},
		[]Effect{Announce{From: xmlrpc.Stopping, To: xmlrpc.Unknown}}},
	{"gave up, stopping", Status{State: xmlrpc.Stopping}, GaveUp{}, Status{State: xmlrpc.Stopping}, nil},
	{"stop kept until there is a child", Status{State: xmlrpc.Stopping, Due: after(3)}, Forked{7},
		Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)},
		[]Effect{Say{What: HasSpawned, PID: 7}, Say{What: Signals, PID: 7, Signal: syscall.SIGTERM}, Kill{syscall.SIGTERM, false}}},
	{"exit before there is a child, stopping", Status{State: xmlrpc.Stopping, Due: after(3)}, Exited{Exit{Code: 1, Text: "exit status 1"}}, Status{State: xmlrpc.Stopping, Due: after(3)}, nil},
	{"forked, stopping", Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, Forked{7}, Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, nil},
	{"called off", Status{State: xmlrpc.Stopping, Tries: 1, Due: after(3)}, CalledOff{}, Status{State: xmlrpc.Stopped, Tries: 1, Stopped: t0},
		[]Effect{Announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped}, Say{What: StoppedEarly}}},
	{"called off with a child", Status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, CalledOff{}, Status{State: xmlrpc.Stopped, Stopped: t0},
		[]Effect{Announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: 7}, Say{What: StoppedEarly}}},

	// EXITED
	{"start again", Status{State: xmlrpc.Exited, Exit: 2, SpawnErr: "x"}, StartAsked{}, Status{State: xmlrpc.Starting, Started: t0},
		[]Effect{Announce{From: xmlrpc.Exited, To: xmlrpc.Starting}, Spawn{}}},
	{"a stop calls off an autorestart", Status{State: xmlrpc.Exited, Due: t0}, StopAsked{}, Status{State: xmlrpc.Exited}, nil},
	{"spawned, exited", Status{State: xmlrpc.Exited}, Spawned{7}, Status{State: xmlrpc.Exited}, nil},
	{"spawn failed, exited", Status{State: xmlrpc.Exited}, SpawnFailed{"x"}, Status{State: xmlrpc.Exited}, nil},
	{"exit, exited", Status{State: xmlrpc.Exited}, Exited{Exit{}}, Status{State: xmlrpc.Exited}, nil},
	{"autorestart", Status{State: xmlrpc.Exited, Due: t0, Restarts: backoff.State{Brief: 10}}, TimeUp{}, Status{State: xmlrpc.Starting, Started: t0, Restarts: backoff.State{Brief: 10}},
		[]Effect{Announce{From: xmlrpc.Exited, To: xmlrpc.Starting}, Spawn{}}},
	{"kill failed, exited", Status{State: xmlrpc.Exited}, KillFailed{"x"}, Status{State: xmlrpc.Exited}, nil},
	{"gave up, exited", Status{State: xmlrpc.Exited}, GaveUp{}, Status{State: xmlrpc.Exited}, nil},
	{"forked, exited", Status{State: xmlrpc.Exited}, Forked{7}, Status{State: xmlrpc.Exited}, nil},
	{"called off, exited", Status{State: xmlrpc.Exited}, CalledOff{}, Status{State: xmlrpc.Exited}, nil},

	// FATAL
	{"start after giving up", Status{State: xmlrpc.Fatal, SpawnErr: "x"}, StartAsked{}, Status{State: xmlrpc.Starting, Started: t0},
		[]Effect{Announce{From: xmlrpc.Fatal, To: xmlrpc.Starting}, Spawn{}}},
	{"stop, fatal", Status{State: xmlrpc.Fatal}, StopAsked{}, Status{State: xmlrpc.Fatal}, nil},
	{"spawned, fatal", Status{State: xmlrpc.Fatal}, Spawned{7}, Status{State: xmlrpc.Fatal}, nil},
	{"spawn failed, fatal", Status{State: xmlrpc.Fatal}, SpawnFailed{"x"}, Status{State: xmlrpc.Fatal}, nil},
	{"exit, fatal", Status{State: xmlrpc.Fatal}, Exited{Exit{}}, Status{State: xmlrpc.Fatal}, nil},
	{"time up, fatal", Status{State: xmlrpc.Fatal}, TimeUp{}, Status{State: xmlrpc.Fatal}, nil},
	{"kill failed, fatal", Status{State: xmlrpc.Fatal}, KillFailed{"x"}, Status{State: xmlrpc.Fatal}, nil},
	{"gave up, fatal", Status{State: xmlrpc.Fatal}, GaveUp{}, Status{State: xmlrpc.Fatal}, nil},
	{"forked, fatal", Status{State: xmlrpc.Fatal}, Forked{7}, Status{State: xmlrpc.Fatal}, nil},
	{"called off, fatal", Status{State: xmlrpc.Fatal}, CalledOff{}, Status{State: xmlrpc.Fatal}, nil},

	// UNKNOWN
	{"start, unknown", Status{State: xmlrpc.Unknown, PID: 7}, StartAsked{}, Status{State: xmlrpc.Unknown, PID: 7}, nil},
	{"stop, unknown", Status{State: xmlrpc.Unknown, PID: 7}, StopAsked{}, Status{State: xmlrpc.Unknown, PID: 7}, nil},
	{"spawned, unknown", Status{State: xmlrpc.Unknown}, Spawned{7}, Status{State: xmlrpc.Unknown}, nil},
	{"spawn failed, unknown", Status{State: xmlrpc.Unknown}, SpawnFailed{"x"}, Status{State: xmlrpc.Unknown}, nil},
	{"exit, unknown", Status{State: xmlrpc.Unknown, PID: 7}, Exited{Exit{Code: 0, Text: "exit status 0"}}, Status{State: xmlrpc.Unknown, Stopped: t0}, nil},
	{"time up, unknown", Status{State: xmlrpc.Unknown}, TimeUp{}, Status{State: xmlrpc.Unknown}, nil},
	{"start with a count, unknown", Status{State: xmlrpc.Unknown, PID: 7, Restarts: backoff.State{Pauses: 4}}, StartAsked{}, Status{State: xmlrpc.Unknown, PID: 7, Restarts: backoff.State{Pauses: 4}}, nil},
	{"kill failed, unknown", Status{State: xmlrpc.Unknown}, KillFailed{"x"}, Status{State: xmlrpc.Unknown}, nil},
	{"gave up, unknown", Status{State: xmlrpc.Unknown}, GaveUp{}, Status{State: xmlrpc.Unknown}, nil},
	{"forked, unknown", Status{State: xmlrpc.Unknown}, Forked{7}, Status{State: xmlrpc.Unknown}, nil},
	{"called off, unknown", Status{State: xmlrpc.Unknown}, CalledOff{}, Status{State: xmlrpc.Unknown}, nil},
}

func TestTransitions(t *testing.T) {
	for _, tt := range transitions {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			got, effects := Next(testPolicy(), tt.from, t0, tt.input)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("status\n got %+v\nwant %+v", got, tt.want)
			}
			if !reflect.DeepEqual(effects, tt.effects) {
				t.Errorf("effects\n got %+v\nwant %+v", effects, tt.effects)
			}
		})
	}
}

// Every input in every state has its row.
func TestTransitionsAreComplete(t *testing.T) {
	states := []xmlrpc.State{xmlrpc.Stopped, xmlrpc.Starting, xmlrpc.Running, xmlrpc.Backoff, xmlrpc.Stopping, xmlrpc.Exited, xmlrpc.Fatal, xmlrpc.Unknown}
	inputs := []Input{StartAsked{}, StopAsked{}, Spawned{}, SpawnFailed{}, Forked{}, CalledOff{}, Exited{}, TimeUp{}, KillFailed{}, GaveUp{}}
	for _, state := range states {
		for _, in := range inputs {
			found := false
			for _, tt := range transitions {
				found = found || tt.from.State == state && reflect.TypeOf(tt.input) == reflect.TypeOf(in)
			}
			if !found {
				t.Errorf("no row for %v and %T", state, in)
			}
		}
	}
}

// Without startsecs a process is up at once, however soon it ends.
func TestStartsecsZero(t *testing.T) {
	cfg := testPolicy()
	cfg.StartSecs = 0
	starting, _ := Next(cfg, Status{State: xmlrpc.Starting, Started: t0}, t0, Spawned{7})
	if starting.State != xmlrpc.Starting || !starting.Due.Equal(t0) {
		t.Errorf("spawned: got %+v", starting)
	}
	for _, in := range []Input{TimeUp{}, Exited{Exit{Code: 1, Text: "exit status 1"}}} {
		_, effects := Next(cfg, starting, t0, in)
		up := Announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}
		if len(effects) < 2 || effects[0] != up || effects[1] != (Say{What: CameUp}) {
			t.Errorf("%T: got %+v", in, effects)
		}
	}
}

func TestAutorestart(t *testing.T) {
	for _, tt := range []struct {
		when Autorestart
		code int
		want bool
	}{
		{RestartAlways, 0, true}, {RestartAlways, 1, true},
		{RestartNever, 0, false}, {RestartNever, 1, false},
		{RestartUnexpected, 0, false}, {RestartUnexpected, 2, false}, {RestartUnexpected, 1, true}, {RestartUnexpected, -1, true},
	} {
		cfg := testPolicy()
		cfg.Autorestart = tt.when
		got, _ := Next(cfg, Status{State: xmlrpc.Running, PID: 7}, t0, Exited{Exit{Code: tt.code}})
		if due := !got.Due.IsZero(); due != tt.want {
			t.Errorf("autorestart %v after exit code %d: start due is %v", tt.when, tt.code, due)
		}
	}
}

// The pauses of a restart policy, with rows of: life of the child, or a failed start.
func TestRestartPolicy(t *testing.T) {
	const failed = -1
	s := func(seconds ...float64) []float64 { return seconds }
	for _, tt := range []struct {
		name   string
		policy backoff.Policy
		lives  []float64 // seconds; failed for a start that fails
		want   []float64 // pauses
	}{
		{"never a pause", backoff.Policy{Retries: 3, Factor: 1, Max: time.Minute, Reset: time.Minute},
			s(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, failed, failed), s(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"always the same", backoff.Policy{Retries: 3, Delay: 5 * time.Second, Factor: 1, Max: time.Minute, Reset: time.Minute},
			s(0, 30, failed), s(5, 5, 5)},
		{"growing to the greatest", backoff.Policy{Retries: 3, Delay: time.Second, Factor: 2, Max: 5 * time.Second, Reset: time.Minute},
			s(0, 0, failed, 0, 59), s(1, 2, 4, 5, 5)},
		{"the first again", backoff.Policy{Retries: 3, Delay: time.Second, Factor: 2, Max: time.Minute, Reset: time.Minute},
			s(0, 0, 0, 62, 0), s(1, 2, 4, 1, 2)},
		{"a delay above the greatest", backoff.Policy{Retries: 3, Delay: time.Hour, Factor: 1, Max: time.Minute, Reset: time.Minute}, s(0), s(60)},
	} {
		cfg := testPolicy()
		cfg.Restart, cfg.Autorestart = tt.policy, RestartAlways
		var st Status
		now := t0
		for i, life := range tt.lives {
			if life == failed {
				st, _ = Next(cfg, Status{State: xmlrpc.Starting, Started: now, Restarts: st.Restarts}, now, SpawnFailed{"x"})
			} else {
				begun := now
				now = now.Add(time.Duration(life * float64(time.Second)))
				st, _ = Next(cfg, Status{State: xmlrpc.Running, Started: begun, Up: begun.Add(cfg.StartSecs), PID: 7, Restarts: st.Restarts}, now, Exited{})
			}
			if got := st.Due.Sub(now).Seconds(); got != tt.want[i] {
				t.Errorf("%s: pause %d is %v s, want %v", tt.name, i+1, got, tt.want[i])
			}
			now = st.Due
		}
	}
}

// Jitter is a part of the pause, differs from program to program and from time to
// time, and is the same for the same of both.
func TestRestartJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	low, high := time.Hour, time.Duration(0)
	for i := range 1000 {
		cfg := testPolicy()
		cfg.Seed = strconv.Itoa(i % 10)
		cfg.Restart = backoff.Policy{Delay: 10 * time.Second, Factor: 1, Max: time.Minute, Jitter: 0.2, Retries: 3}
		at := t0.Add(time.Duration(i))
		fail := func() time.Duration {
			st, _ := Next(cfg, Status{State: xmlrpc.Starting, Started: at}, at, SpawnFailed{"x"})
			return st.Due.Sub(at)
		}
		pause := fail()
		if again := fail(); again != pause {
			t.Fatalf("%v, and then %v", pause, again)
		}
		low, high, seen[pause] = min(low, pause), max(high, pause), true
	}
	if low < 8*time.Second || low > 8200*time.Millisecond || high > 12*time.Second || high < 11800*time.Millisecond || len(seen) < 990 {
		t.Errorf("from %v to %v, %d different ones", low, high, len(seen))
	}
}

func TestGroupSignals(t *testing.T) {
	cfg := testPolicy()
	cfg.StopAsGroup, cfg.KillAsGroup = true, true
	st, effects := Next(cfg, Status{State: xmlrpc.Running, PID: 7}, t0, StopAsked{})
	want := []Effect{
		Say{What: Signals, PID: 7, Signal: syscall.SIGTERM, Group: true},
		Announce{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, Kill{syscall.SIGTERM, true},
	}
	if !reflect.DeepEqual(effects, want) {
		t.Errorf("stop: %+v", effects)
	}
	_, effects = Next(cfg, st, st.Due, TimeUp{})
	if last := effects[len(effects)-1]; last != (Kill{syscall.SIGKILL, true}) {
		t.Errorf("escalation: %+v", effects)
	}
}

func BenchmarkNext(b *testing.B) {
	cfg, st := testPolicy(), Status{State: xmlrpc.Running, PID: 7}
	b.ReportAllocs()
	for b.Loop() {
		Next(cfg, st, t0, Exited{Exit{Code: 1, Text: "exit status 1"}})
	}
}
