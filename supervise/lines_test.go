package supervise

import (
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
)

// moment is when the tests of the loop happen.
var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testProgram is a program called web.
func testProgram() *config.Program {
	p := &config.Program{Name: "web", Group: "web"}
	p.Restart = backoff.Default()
	p.StartSecs, p.StopSignal, p.StopWait = 2*time.Second, syscall.SIGTERM, 10*time.Second
	return p
}

// The lines are Supervisor's, to the letter.
func TestLines(t *testing.T) {
	for _, tt := range []struct {
		event life.Say
		level logs.Level
		want  string
	}{
		{life.Say{What: life.StartFailed, Text: "can't find command 'x'"}, logs.Info, "spawnerr: can't find command 'x'"},
		{life.Say{What: life.AlreadyUp}, logs.Warn, "process 'web' already running"},
		{life.Say{What: life.HasSpawned, PID: 7}, logs.Info, "spawned: 'web' with pid 7"},
		{life.Say{What: life.Signals, PID: 7, Signal: syscall.SIGTERM}, logs.Debug, "killing web (pid 7) with signal SIGTERM"},
		{life.Say{What: life.Signals, PID: 7, Signal: syscall.SIGKILL, Group: true}, logs.Debug, "killing web (pid 7) process group with signal SIGKILL"},
		{life.Say{What: life.OutlivedStop, PID: 7, Signal: syscall.SIGKILL}, logs.Warn, "killing 'web' (7) with SIGKILL"},
		{life.Say{What: life.CameUp}, logs.Info, "success: web entered RUNNING state, process has stayed up for > than 2 seconds (startsecs)"},
		{life.Say{What: life.HasExited, Text: "exit status 0", Expected: true}, logs.Info, "exited: web (exit status 0; expected)"},
		{life.Say{What: life.HasExited, Text: "terminated by SIGSEGV"}, logs.Warn, "exited: web (terminated by SIGSEGV; not expected)"},
		{life.Say{What: life.HasStopped, Text: "exit status 0", Expected: true}, logs.Info, "stopped: web (exit status 0)"},
		{life.Say{What: life.HasStopped, Text: "terminated by SIGTERM"}, logs.Warn, "stopped: web (terminated by SIGTERM)"},
		{life.Say{What: life.StoppedEarly}, logs.Info, "stopped: web (before its program ran)"},
		{life.Say{What: life.StoppedWaiting}, logs.Debug, "Attempted to kill web, which is in BACKOFF state."},
		{life.Say{What: life.GaveUpStarts, Text: "too many start retries too quickly"}, logs.Info, "gave up: web entered FATAL state, too many start retries too quickly"},
		{life.Say{What: life.GivesUpOn, PID: 7, Text: "unhealthy: no answer"}, logs.Warn, "ending web (pid 7): unhealthy: no answer"},
	} {
		if level, text := line(testProgram(), tt.event); level != tt.level || text != tt.want {
			t.Errorf("%+v: %v %q, want %v %q", tt.event, level, text, tt.level, tt.want)
		}
	}
}

// In a log of JSON each happening has a word.
func TestWords(t *testing.T) {
	for what := life.StartFailed; what <= life.GivesUpOn; what++ {
		if word(what) == "" {
			t.Errorf("no word for %d", what)
		}
	}
	if got := word(life.GivesUpOn + 1); got != "" {
		t.Errorf("a word for nothing: %s", got)
	}
}
