package supervise

import (
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
)

// moment is when the tests of the loop happen.
var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testProgram is a program called web.
func testProgram() *config.Program {
	p := &config.Program{Name: "web", Group: "web"}
	p.StartSecs, p.StopSignal, p.StopWait = 2*time.Second, syscall.SIGTERM, 10*time.Second
	return p
}

// The lines are Supervisor's, to the letter.
func TestLines(t *testing.T) {
	for _, tt := range []struct {
		event say
		level logs.Level
		want  string
	}{
		{say{What: startFailed, Text: "can't find command 'x'"}, logs.Info, "spawnerr: can't find command 'x'"},
		{say{What: alreadyUp}, logs.Warn, "process 'web' already running"},
		{say{What: hasSpawned, PID: 7}, logs.Info, "spawned: 'web' with pid 7"},
		{say{What: signals, PID: 7, Signal: syscall.SIGTERM}, logs.Debug, "killing web (pid 7) with signal SIGTERM"},
		{say{What: signals, PID: 7, Signal: syscall.SIGKILL, Group: true}, logs.Debug, "killing web (pid 7) process group with signal SIGKILL"},
		{say{What: outlivedStop, PID: 7}, logs.Warn, "killing 'web' (7) with SIGKILL"},
		{say{What: cameUp}, logs.Info, "success: web entered RUNNING state, process has stayed up for > than 2 seconds (startsecs)"},
		{say{What: hasExited, Text: "exit status 0", Expected: true}, logs.Info, "exited: web (exit status 0; expected)"},
		{say{What: hasExited, Text: "terminated by SIGSEGV"}, logs.Warn, "exited: web (terminated by SIGSEGV; not expected)"},
		{say{What: hasStopped, Text: "exit status 0", Expected: true}, logs.Info, "stopped: web (exit status 0)"},
		{say{What: hasStopped, Text: "terminated by SIGTERM"}, logs.Warn, "stopped: web (terminated by SIGTERM)"},
		{say{What: stoppedEarly}, logs.Info, "stopped: web (before its program ran)"},
		{say{What: stoppedWaiting}, logs.Debug, "Attempted to kill web, which is in BACKOFF state."},
		{say{What: gaveUpStarts}, logs.Info, "gave up: web entered FATAL state, too many start retries too quickly"},
	} {
		if level, text := line(testProgram(), tt.event); level != tt.level || text != tt.want {
			t.Errorf("%+v: %v %q, want %v %q", tt.event, level, text, tt.level, tt.want)
		}
	}
}
