package supervise

import (
	"strconv"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
	"supervisor/supervise/sys"
)

// line is what the main log says of something that happened to a process, in
// Supervisor's words.
func line(cfg *config.Program, e life.Say) (logs.Level, string) {
	name, pid := cfg.Name, strconv.Itoa(e.PID)
	switch e.What {
	case life.StartFailed:
		return logs.Info, "spawnerr: " + e.Text
	case life.AlreadyUp:
		return logs.Warn, "process '" + name + "' already running"
	case life.HasSpawned:
		return logs.Info, "spawned: '" + name + "' with pid " + pid
	case life.Signals:
		target := ") with signal "
		if e.Group {
			target = ") process group with signal "
		}
		return logs.Debug, "killing " + name + " (pid " + pid + target + sys.SignalName(e.Signal)
	case life.OutlivedStop:
		return logs.Warn, "killing '" + name + "' (" + pid + ") with " + sys.SignalName(e.Signal)
	case life.CameUp:
		if cfg.Readiness {
			return logs.Info, "success: " + name + " entered RUNNING state, it has said that it is ready (ready)"
		}
		secs := strconv.FormatInt(int64(cfg.StartSecs/time.Second), 10)
		return logs.Info, "success: " + name + " entered RUNNING state, process has stayed up for > than " + secs + " seconds (startsecs)"
	case life.HasExited:
		if e.Expected {
			return logs.Info, "exited: " + name + " (" + e.Text + "; expected)"
		}
		return logs.Warn, "exited: " + name + " (" + e.Text + "; not expected)"
	case life.HasStopped:
		if e.Expected {
			return logs.Info, "stopped: " + name + " (" + e.Text + ")"
		}
		return logs.Warn, "stopped: " + name + " (" + e.Text + ")"
	case life.StoppedEarly:
		return logs.Info, "stopped: " + name + " (before its program ran)"
	case life.StoppedWaiting:
		return logs.Debug, "Attempted to kill " + name + ", which is in BACKOFF state."
	case life.GivesUpOn:
		return logs.Warn, "ending " + name + " (pid " + pid + "): " + e.Text
	case life.GaveUpStarts:
		return logs.Info, "gave up: " + name + " entered FATAL state, " + e.Text
	}
	return logs.Critical, "nothing can be said of " + name
}

// word is what happened to a process, in one word, as a log of JSON has it.
func word(what life.Happening) string {
	switch what {
	case life.StartFailed:
		return "spawnerr"
	case life.AlreadyUp, life.StoppedWaiting:
		return "ignored"
	case life.HasSpawned:
		return "spawned"
	case life.Signals, life.OutlivedStop:
		return "killing"
	case life.CameUp:
		return "running"
	case life.HasExited:
		return "exited"
	case life.HasStopped, life.StoppedEarly:
		return "stopped"
	case life.GivesUpOn:
		return "failed"
	case life.GaveUpStarts:
		return "fatal"
	}
	return ""
}
