package supervise

import (
	"syscall"
	"testing"
	"time"
)

// moment is when the tests of the loop happen.
var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testProgram is a program called web.
func testProgram() *Program {
	p := &Program{Name: "web", Group: "web"}
	p.StartSecs, p.StopSignal, p.StopWait = 2*time.Second, syscall.SIGTERM, 10*time.Second
	return p
}

// The lines are Supervisor's, to the letter.
func TestLines(t *testing.T) {
	for _, tt := range []struct {
		event say
		level Level
		want  string
	}{
		{say{What: startFailed, Text: "can't find command 'x'"}, Info, "spawnerr: can't find command 'x'"},
		{say{What: alreadyUp}, Warn, "process 'web' already running"},
		{say{What: hasSpawned, PID: 7}, Info, "spawned: 'web' with pid 7"},
		{say{What: signals, PID: 7, Signal: syscall.SIGTERM}, Debug, "killing web (pid 7) with signal SIGTERM"},
		{say{What: signals, PID: 7, Signal: syscall.SIGKILL, Group: true}, Debug, "killing web (pid 7) process group with signal SIGKILL"},
		{say{What: outlivedStop, PID: 7}, Warn, "killing 'web' (7) with SIGKILL"},
		{say{What: cameUp}, Info, "success: web entered RUNNING state, process has stayed up for > than 2 seconds (startsecs)"},
		{say{What: hasExited, Text: "exit status 0", Expected: true}, Info, "exited: web (exit status 0; expected)"},
		{say{What: hasExited, Text: "terminated by SIGSEGV"}, Warn, "exited: web (terminated by SIGSEGV; not expected)"},
		{say{What: hasStopped, Text: "exit status 0", Expected: true}, Info, "stopped: web (exit status 0)"},
		{say{What: hasStopped, Text: "terminated by SIGTERM"}, Warn, "stopped: web (terminated by SIGTERM)"},
		{say{What: stoppedEarly}, Info, "stopped: web (before its program ran)"},
		{say{What: stoppedWaiting}, Debug, "Attempted to kill web, which is in BACKOFF state."},
		{say{What: gaveUpStarts}, Info, "gave up: web entered FATAL state, too many start retries too quickly"},
	} {
		if level, text := line(testProgram(), tt.event); level != tt.level || text != tt.want {
			t.Errorf("%+v: %v %q, want %v %q", tt.event, level, text, tt.level, tt.want)
		}
	}
}
