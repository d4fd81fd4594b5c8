package supervise

import (
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/life"
	"supervisor/xmlrpc"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testPolicy() *life.Policy {
	return &life.Policy{
		StartSecs: 2 * time.Second, StartRetries: 3, ExitCodes: []int{0, 2},
		StopSignal: syscall.SIGTERM, StopWait: 10 * time.Second, Autorestart: life.RestartUnexpected,
	}
}

// The lines that several rows expect.
var (
	saidSuccess = say{What: cameUp}
	saidGaveUp  = say{What: gaveUpStarts}
	saidAlready = say{What: alreadyUp}
	saidBackoff = say{What: stoppedWaiting}
)

func after(secs int) time.Time { return t0.Add(time.Duration(secs) * time.Second) }

// transitions has a row for every state and input, the dull ones too.
var transitions = []struct {
	name    string
	from    status
	input   input
	want    status
	effects []effect
}{
	// STOPPED
	{"start", status{State: xmlrpc.Stopped, Tries: 3, Exit: 1, SpawnErr: "x"}, startAsked{},
		status{State: xmlrpc.Starting, Started: t0, Tries: 3},
		[]effect{announce{From: xmlrpc.Stopped, To: xmlrpc.Starting, Tries: 3}, spawn{}}},
	{"a start that somebody asks for begins a new count", status{State: xmlrpc.Stopped, Brief: 9, Pauses: 4}, startAsked{},
		status{State: xmlrpc.Starting, Started: t0}, []effect{announce{From: xmlrpc.Stopped, To: xmlrpc.Starting}, spawn{}}},
	{"a stop calls off an autostart", status{State: xmlrpc.Stopped, Due: t0}, stopAsked{}, status{State: xmlrpc.Stopped}, nil},
	{"spawned without a start", status{State: xmlrpc.Stopped}, spawned{7}, status{State: xmlrpc.Stopped}, nil},
	{"spawn failed without a start", status{State: xmlrpc.Stopped}, spawnFailed{"x"}, status{State: xmlrpc.Stopped}, nil},
	{"exit without a child", status{State: xmlrpc.Stopped}, exited{exitStatus{1, "exit status 1"}}, status{State: xmlrpc.Stopped}, nil},
	{"autostart", status{State: xmlrpc.Stopped, Due: t0}, timeUp{}, status{State: xmlrpc.Starting, Started: t0},
		[]effect{announce{From: xmlrpc.Stopped, To: xmlrpc.Starting}, spawn{}}},
	{"kill failed, stopped", status{State: xmlrpc.Stopped}, killFailed{"x"}, status{State: xmlrpc.Stopped}, nil},
	{"gave up, stopped", status{State: xmlrpc.Stopped}, gaveUp{}, status{State: xmlrpc.Stopped}, nil},
	{"forked, stopped", status{State: xmlrpc.Stopped}, forked{7}, status{State: xmlrpc.Stopped}, nil},
	{"called off, stopped", status{State: xmlrpc.Stopped}, calledOff{}, status{State: xmlrpc.Stopped}, nil},

	// STARTING
	{"start while starting", status{State: xmlrpc.Starting, PID: 7, Brief: 9}, startAsked{}, status{State: xmlrpc.Starting, PID: 7, Brief: 9}, []effect{saidAlready}},
	{"stop while starting", status{State: xmlrpc.Starting, PID: 7, Tries: 1}, stopAsked{},
		status{State: xmlrpc.Stopping, PID: 7, Tries: 1, Due: after(10)},
		[]effect{say{What: signals, PID: 7, Signal: syscall.SIGTERM}, announce{From: xmlrpc.Starting, To: xmlrpc.Stopping, PID: 7}, kill{syscall.SIGTERM, false}}},
	{"spawned", status{State: xmlrpc.Starting, Started: t0}, spawned{7},
		status{State: xmlrpc.Starting, Started: t0, PID: 7, Due: after(2)}, []effect{say{What: hasSpawned, PID: 7}}},
	{"spawn failed", status{State: xmlrpc.Starting, Started: t0}, spawnFailed{"can't find command 'x'"},
		status{State: xmlrpc.Backoff, Started: t0, Tries: 1, Due: after(1), SpawnErr: "can't find command 'x'"},
		[]effect{say{What: startFailed, Text: "can't find command 'x'"}, announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 1}}},
	{"spawn failed for the last time", status{State: xmlrpc.Starting, Tries: 3}, spawnFailed{"x"},
		status{State: xmlrpc.Backoff, Tries: 4, Due: t0, SpawnErr: "x"},
		[]effect{say{What: startFailed, Text: "x"}, announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 4}}},
	{"died young", status{State: xmlrpc.Starting, PID: 7, Tries: 1, Due: after(1)}, exited{exitStatus{0, "exit status 0"}},
		status{State: xmlrpc.Backoff, Tries: 2, Stopped: t0, Due: after(2), SpawnErr: tooQuickly},
		[]effect{announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: 2}, say{What: hasExited, Text: "exit status 0"}}},
	{"exit and startsecs at the same moment", status{State: xmlrpc.Starting, PID: 7, Tries: 1, Due: t0}, exited{exitStatus{0, "exit status 0"}},
		status{State: xmlrpc.Exited, Stopped: t0},
		[]effect{announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7},
			announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, say{What: hasExited, Text: "exit status 0", Expected: true}}},
	{"stayed up", status{State: xmlrpc.Starting, PID: 7, Tries: 2, Due: t0}, timeUp{}, status{State: xmlrpc.Running, PID: 7},
		[]effect{announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}, saidSuccess}},
	{"kill failed, starting", status{State: xmlrpc.Starting, PID: 7, Due: t0}, killFailed{"x"},
		status{State: xmlrpc.Unknown, PID: 7, SpawnErr: "x"}, []effect{announce{From: xmlrpc.Starting, To: xmlrpc.Unknown}}},
	{"gave up, starting", status{State: xmlrpc.Starting}, gaveUp{}, status{State: xmlrpc.Starting}, nil},
	{"stop before there is a child", status{State: xmlrpc.Starting, Started: t0, Tries: 1}, stopAsked{},
		status{State: xmlrpc.Stopping, Started: t0, Tries: 1, Due: after(10)},
		[]effect{announce{From: xmlrpc.Starting, To: xmlrpc.Stopping}, callOff{}}},
	{"forked, starting", status{State: xmlrpc.Starting}, forked{7}, status{State: xmlrpc.Starting}, nil},
	{"called off, starting", status{State: xmlrpc.Starting}, calledOff{}, status{State: xmlrpc.Starting}, nil},

	// RUNNING
	{"start while running", status{State: xmlrpc.Running, PID: 7}, startAsked{}, status{State: xmlrpc.Running, PID: 7}, []effect{saidAlready}},
	{"stop", status{State: xmlrpc.Running, PID: 7}, stopAsked{}, status{State: xmlrpc.Stopping, PID: 7, Due: after(10)},
		[]effect{say{What: signals, PID: 7, Signal: syscall.SIGTERM}, announce{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, kill{syscall.SIGTERM, false}}},
	{"spawned, running", status{State: xmlrpc.Running, PID: 7}, spawned{8}, status{State: xmlrpc.Running, PID: 7}, nil},
	{"spawn failed, running", status{State: xmlrpc.Running, PID: 7}, spawnFailed{"x"}, status{State: xmlrpc.Running, PID: 7}, nil},
	{"expected exit", status{State: xmlrpc.Running, PID: 7}, exited{exitStatus{2, "exit status 2"}}, status{State: xmlrpc.Exited, Stopped: t0, Exit: 2},
		[]effect{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7, Expected: true}, say{What: hasExited, Text: "exit status 2", Expected: true}}},
	{"unexpected exit is followed by a start", status{State: xmlrpc.Running, PID: 7}, exited{exitStatus{-1, "terminated by SIGKILL"}},
		status{State: xmlrpc.Exited, Stopped: t0, Exit: -1, Due: t0, SpawnErr: "Bad exit code -1"},
		[]effect{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, say{What: hasExited, Text: "terminated by SIGKILL"}}},
	{"a brief life is counted", status{State: xmlrpc.Running, PID: 7, Started: t0.Add(-999 * time.Millisecond), Brief: 8}, exited{exitStatus{1, "exit status 1"}},
		status{State: xmlrpc.Exited, Started: t0.Add(-999 * time.Millisecond), Stopped: t0, Exit: 1, Due: t0, SpawnErr: "Bad exit code 1", Brief: 9},
		[]effect{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, say{What: hasExited, Text: "exit status 1"}}},
	{"the tenth in a row is followed by a pause", status{State: xmlrpc.Running, PID: 7, Started: t0.Add(-100 * time.Millisecond), Brief: 9}, exited{exitStatus{1, "exit status 1"}},
		status{State: xmlrpc.Exited, Started: t0.Add(-100 * time.Millisecond), Stopped: t0, Exit: 1, Due: t0.Add(900 * time.Millisecond), SpawnErr: "Bad exit code 1", Brief: 10},
		[]effect{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, say{What: hasExited, Text: "exit status 1"}}},
	{"a life that is not brief ends that", status{State: xmlrpc.Running, PID: 7, Started: t0.Add(-time.Second), Brief: 99}, exited{exitStatus{1, "exit status 1"}},
		status{State: xmlrpc.Exited, Started: t0.Add(-time.Second), Stopped: t0, Exit: 1, Due: t0, SpawnErr: "Bad exit code 1"},
		[]effect{announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: 7}, say{What: hasExited, Text: "exit status 1"}}},
	{"time up, running", status{State: xmlrpc.Running, PID: 7}, timeUp{}, status{State: xmlrpc.Running, PID: 7}, nil},
	{"kill failed", status{State: xmlrpc.Running, PID: 7}, killFailed{"x"}, status{State: xmlrpc.Unknown, PID: 7, SpawnErr: "x"},
		[]effect{announce{From: xmlrpc.Running, To: xmlrpc.Unknown}}},
	{"gave up, running", status{State: xmlrpc.Running}, gaveUp{}, status{State: xmlrpc.Running}, nil},
	{"forked, running", status{State: xmlrpc.Running}, forked{7}, status{State: xmlrpc.Running}, nil},
	{"called off, running", status{State: xmlrpc.Running}, calledOff{}, status{State: xmlrpc.Running}, nil},

	// BACKOFF
	{"start in backoff", status{State: xmlrpc.Backoff, Tries: 2, Due: after(2), SpawnErr: "x"}, startAsked{},
		status{State: xmlrpc.Starting, Started: t0, Tries: 2}, []effect{announce{From: xmlrpc.Backoff, To: xmlrpc.Starting, Tries: 2}, spawn{}}},
	{"stop in backoff", status{State: xmlrpc.Backoff, Tries: 2, Due: after(2), SpawnErr: "x"}, stopAsked{},
		status{State: xmlrpc.Stopped, Tries: 2, SpawnErr: "x"}, []effect{saidBackoff, announce{From: xmlrpc.Backoff, To: xmlrpc.Stopped}}},
	{"spawned, backoff", status{State: xmlrpc.Backoff}, spawned{7}, status{State: xmlrpc.Backoff}, nil},
	{"spawn failed, backoff", status{State: xmlrpc.Backoff}, spawnFailed{"x"}, status{State: xmlrpc.Backoff}, nil},
	{"exit, backoff", status{State: xmlrpc.Backoff}, exited{exitStatus{}}, status{State: xmlrpc.Backoff}, nil},
	{"next attempt", status{State: xmlrpc.Backoff, Tries: 3, Due: t0, SpawnErr: "x"}, timeUp{}, status{State: xmlrpc.Starting, Started: t0, Tries: 3},
		[]effect{announce{From: xmlrpc.Backoff, To: xmlrpc.Starting, Tries: 3}, spawn{}}},
	{"no attempt left", status{State: xmlrpc.Backoff, Tries: 4, Due: t0, SpawnErr: "x"}, timeUp{}, status{State: xmlrpc.Fatal, SpawnErr: "x"},
		[]effect{announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, saidGaveUp}},
	{"kill failed, backoff", status{State: xmlrpc.Backoff}, killFailed{"x"}, status{State: xmlrpc.Backoff}, nil},
	{"gave up", status{State: xmlrpc.Backoff, Tries: 2, Due: after(2)}, gaveUp{}, status{State: xmlrpc.Fatal, Tries: 2},
		[]effect{announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}}},
	{"forked, backoff", status{State: xmlrpc.Backoff}, forked{7}, status{State: xmlrpc.Backoff}, nil},
	{"called off, backoff", status{State: xmlrpc.Backoff}, calledOff{}, status{State: xmlrpc.Backoff}, nil},

	// STOPPING
	{"start while stopping", status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, startAsked{}, status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, []effect{saidAlready}},
	{"stop while stopping", status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, stopAsked{}, status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, nil},
	{"spawned, stopping", status{State: xmlrpc.Stopping, PID: 7}, spawned{8}, status{State: xmlrpc.Stopping, PID: 7}, nil},
	{"spawn failed, stopping", status{State: xmlrpc.Stopping, PID: 7}, spawnFailed{"x"}, status{State: xmlrpc.Stopping, PID: 7}, nil},
	{"stopped by its signal", status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, exited{exitStatus{-1, "terminated by SIGTERM"}},
		status{State: xmlrpc.Stopped, Stopped: t0, Exit: -1},
		[]effect{announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: 7}, say{What: hasStopped, Text: "terminated by SIGTERM"}}},
	{"stopped with an expected code", status{State: xmlrpc.Stopping, PID: 7}, exited{exitStatus{2, "exit status 2"}},
		status{State: xmlrpc.Stopped, Stopped: t0, Exit: 2},
		[]effect{announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: 7}, say{What: hasStopped, Text: "exit status 2", Expected: true}}},
	{"outlived stopwaitsecs", status{State: xmlrpc.Stopping, PID: 7, Due: t0}, timeUp{}, status{State: xmlrpc.Stopping, PID: 7, Due: after(10)},
		[]effect{say{What: outlivedStop, PID: 7}, say{What: signals, PID: 7, Signal: syscall.SIGKILL}, kill{syscall.SIGKILL, false}}},
	{"kill failed, stopping", status{State: xmlrpc.Stopping, PID: 7, Due: t0}, killFailed{"x"}, status{State: xmlrpc.Unknown, PID: 7, SpawnErr: "x"},
		[]effect{announce{From: xmlrpc.Stopping, To: xmlrpc.Unknown}}},
	{"gave up, stopping", status{State: xmlrpc.Stopping}, gaveUp{}, status{State: xmlrpc.Stopping}, nil},
	{"stop kept until there is a child", status{State: xmlrpc.Stopping, Due: after(3)}, forked{7},
		status{State: xmlrpc.Stopping, PID: 7, Due: after(3)},
		[]effect{say{What: hasSpawned, PID: 7}, say{What: signals, PID: 7, Signal: syscall.SIGTERM}, kill{syscall.SIGTERM, false}}},
	{"forked, stopping", status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, forked{7}, status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, nil},
	{"called off", status{State: xmlrpc.Stopping, Tries: 1, Due: after(3)}, calledOff{}, status{State: xmlrpc.Stopped, Tries: 1, Stopped: t0},
		[]effect{announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped}, say{What: stoppedEarly}}},
	{"called off with a child", status{State: xmlrpc.Stopping, PID: 7, Due: after(3)}, calledOff{}, status{State: xmlrpc.Stopped, Stopped: t0},
		[]effect{announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: 7}, say{What: stoppedEarly}}},

	// EXITED
	{"start again", status{State: xmlrpc.Exited, Exit: 2, SpawnErr: "x"}, startAsked{}, status{State: xmlrpc.Starting, Started: t0},
		[]effect{announce{From: xmlrpc.Exited, To: xmlrpc.Starting}, spawn{}}},
	{"a stop calls off an autorestart", status{State: xmlrpc.Exited, Due: t0}, stopAsked{}, status{State: xmlrpc.Exited}, nil},
	{"spawned, exited", status{State: xmlrpc.Exited}, spawned{7}, status{State: xmlrpc.Exited}, nil},
	{"spawn failed, exited", status{State: xmlrpc.Exited}, spawnFailed{"x"}, status{State: xmlrpc.Exited}, nil},
	{"exit, exited", status{State: xmlrpc.Exited}, exited{exitStatus{}}, status{State: xmlrpc.Exited}, nil},
	{"autorestart", status{State: xmlrpc.Exited, Due: t0, Brief: 10}, timeUp{}, status{State: xmlrpc.Starting, Started: t0, Brief: 10},
		[]effect{announce{From: xmlrpc.Exited, To: xmlrpc.Starting}, spawn{}}},
	{"kill failed, exited", status{State: xmlrpc.Exited}, killFailed{"x"}, status{State: xmlrpc.Exited}, nil},
	{"gave up, exited", status{State: xmlrpc.Exited}, gaveUp{}, status{State: xmlrpc.Exited}, nil},
	{"forked, exited", status{State: xmlrpc.Exited}, forked{7}, status{State: xmlrpc.Exited}, nil},
	{"called off, exited", status{State: xmlrpc.Exited}, calledOff{}, status{State: xmlrpc.Exited}, nil},

	// FATAL
	{"start after giving up", status{State: xmlrpc.Fatal, SpawnErr: "x"}, startAsked{}, status{State: xmlrpc.Starting, Started: t0},
		[]effect{announce{From: xmlrpc.Fatal, To: xmlrpc.Starting}, spawn{}}},
	{"stop, fatal", status{State: xmlrpc.Fatal}, stopAsked{}, status{State: xmlrpc.Fatal}, nil},
	{"spawned, fatal", status{State: xmlrpc.Fatal}, spawned{7}, status{State: xmlrpc.Fatal}, nil},
	{"spawn failed, fatal", status{State: xmlrpc.Fatal}, spawnFailed{"x"}, status{State: xmlrpc.Fatal}, nil},
	{"exit, fatal", status{State: xmlrpc.Fatal}, exited{exitStatus{}}, status{State: xmlrpc.Fatal}, nil},
	{"time up, fatal", status{State: xmlrpc.Fatal}, timeUp{}, status{State: xmlrpc.Fatal}, nil},
	{"kill failed, fatal", status{State: xmlrpc.Fatal}, killFailed{"x"}, status{State: xmlrpc.Fatal}, nil},
	{"gave up, fatal", status{State: xmlrpc.Fatal}, gaveUp{}, status{State: xmlrpc.Fatal}, nil},
	{"forked, fatal", status{State: xmlrpc.Fatal}, forked{7}, status{State: xmlrpc.Fatal}, nil},
	{"called off, fatal", status{State: xmlrpc.Fatal}, calledOff{}, status{State: xmlrpc.Fatal}, nil},

	// UNKNOWN
	{"start, unknown", status{State: xmlrpc.Unknown, PID: 7}, startAsked{}, status{State: xmlrpc.Unknown, PID: 7}, nil},
	{"stop, unknown", status{State: xmlrpc.Unknown, PID: 7}, stopAsked{}, status{State: xmlrpc.Unknown, PID: 7}, nil},
	{"spawned, unknown", status{State: xmlrpc.Unknown}, spawned{7}, status{State: xmlrpc.Unknown}, nil},
	{"spawn failed, unknown", status{State: xmlrpc.Unknown}, spawnFailed{"x"}, status{State: xmlrpc.Unknown}, nil},
	{"exit, unknown", status{State: xmlrpc.Unknown, PID: 7}, exited{exitStatus{0, "exit status 0"}}, status{State: xmlrpc.Unknown, Stopped: t0}, nil},
	{"time up, unknown", status{State: xmlrpc.Unknown}, timeUp{}, status{State: xmlrpc.Unknown}, nil},
	{"kill failed, unknown", status{State: xmlrpc.Unknown}, killFailed{"x"}, status{State: xmlrpc.Unknown}, nil},
	{"gave up, unknown", status{State: xmlrpc.Unknown}, gaveUp{}, status{State: xmlrpc.Unknown}, nil},
	{"forked, unknown", status{State: xmlrpc.Unknown}, forked{7}, status{State: xmlrpc.Unknown}, nil},
	{"called off, unknown", status{State: xmlrpc.Unknown}, calledOff{}, status{State: xmlrpc.Unknown}, nil},
}

func TestTransitions(t *testing.T) {
	for _, tt := range transitions {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			got, effects := next(testPolicy(), tt.from, t0, tt.input)
			if got != tt.want {
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
	inputs := []input{startAsked{}, stopAsked{}, spawned{}, spawnFailed{}, forked{}, calledOff{}, exited{}, timeUp{}, killFailed{}, gaveUp{}}
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
	starting, _ := next(cfg, status{State: xmlrpc.Starting, Started: t0}, t0, spawned{7})
	if starting.State != xmlrpc.Starting || !starting.Due.Equal(t0) {
		t.Errorf("spawned: got %+v", starting)
	}
	for _, in := range []input{timeUp{}, exited{exitStatus{1, "exit status 1"}}} {
		_, effects := next(cfg, starting, t0, in)
		up := announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: 7}
		if len(effects) < 2 || effects[0] != up || effects[1] != (say{What: cameUp}) {
			t.Errorf("%T: got %+v", in, effects)
		}
	}
}

func TestAutorestart(t *testing.T) {
	for _, tt := range []struct {
		when life.Autorestart
		code int
		want bool
	}{
		{life.RestartAlways, 0, true}, {life.RestartAlways, 1, true},
		{life.RestartNever, 0, false}, {life.RestartNever, 1, false},
		{life.RestartUnexpected, 0, false}, {life.RestartUnexpected, 2, false}, {life.RestartUnexpected, 1, true}, {life.RestartUnexpected, -1, true},
	} {
		cfg := testPolicy()
		cfg.Autorestart = tt.when
		got, _ := next(cfg, status{State: xmlrpc.Running, PID: 7}, t0, exited{exitStatus{tt.code, ""}})
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
		policy life.RestartPolicy
		lives  []float64 // seconds; failed for a start that fails
		want   []float64 // pauses
	}{
		{"never a pause", life.RestartPolicy{Factor: 1, Max: time.Minute, Reset: time.Minute},
			s(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, failed, failed), s(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)},
		{"always the same", life.RestartPolicy{Delay: 5 * time.Second, Factor: 1, Max: time.Minute, Reset: time.Minute},
			s(0, 30, failed), s(5, 5, 5)},
		{"growing to the greatest", life.RestartPolicy{Delay: time.Second, Factor: 2, Max: 5 * time.Second, Reset: time.Minute},
			s(0, 0, failed, 0, 59), s(1, 2, 4, 5, 5)},
		{"the first again", life.RestartPolicy{Delay: time.Second, Factor: 2, Max: time.Minute, Reset: time.Minute},
			s(0, 0, 0, 62, 0), s(1, 2, 4, 1, 2)},
		{"a delay above the greatest", life.RestartPolicy{Delay: time.Hour, Factor: 1, Max: time.Minute, Reset: time.Minute}, s(0), s(60)},
	} {
		cfg := testPolicy()
		cfg.Restart, cfg.Autorestart = &tt.policy, life.RestartAlways
		var st status
		now := t0
		for i, life := range tt.lives {
			if life == failed {
				st, _ = next(cfg, status{State: xmlrpc.Starting, Started: now, Pauses: st.Pauses}, now, spawnFailed{"x"})
			} else {
				begun := now
				now = now.Add(time.Duration(life * float64(time.Second)))
				st, _ = next(cfg, status{State: xmlrpc.Running, Started: begun, PID: 7, Pauses: st.Pauses}, now, exited{})
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
	r := &life.RestartPolicy{Delay: 10 * time.Second, Factor: 1, Max: time.Minute, Jitter: 0.2}
	seen := map[time.Duration]bool{}
	low, high := time.Hour, time.Duration(0)
	for i := range 1000 {
		seed := strconv.Itoa(i % 10)
		pause := r.Pause(1, seed, t0.Add(time.Duration(i)))
		if again := r.Pause(1, seed, t0.Add(time.Duration(i))); again != pause {
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
	st, effects := next(cfg, status{State: xmlrpc.Running, PID: 7}, t0, stopAsked{})
	want := []effect{
		say{What: signals, PID: 7, Signal: syscall.SIGTERM, Group: true},
		announce{From: xmlrpc.Running, To: xmlrpc.Stopping, PID: 7}, kill{syscall.SIGTERM, true},
	}
	if !reflect.DeepEqual(effects, want) {
		t.Errorf("stop: %+v", effects)
	}
	_, effects = next(cfg, st, st.Due, timeUp{})
	if last := effects[len(effects)-1]; last != (kill{syscall.SIGKILL, true}) {
		t.Errorf("escalation: %+v", effects)
	}
}

func BenchmarkNext(b *testing.B) {
	cfg, st := testPolicy(), status{State: xmlrpc.Running, PID: 7}
	b.ReportAllocs()
	for b.Loop() {
		next(cfg, st, t0, exited{exitStatus{1, "exit status 1"}})
	}
}
