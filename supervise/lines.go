package supervise

import (
	"strconv"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
)

// line is what the main log says of something that happened to a process, in
// Supervisor's words.
func line(cfg *config.Program, e say) (logs.Level, string) {
	name, pid := cfg.Name, strconv.Itoa(e.PID)
	switch e.What {
	case startFailed:
		return logs.Info, "spawnerr: " + e.Text
	case alreadyUp:
		return logs.Warn, "process '" + name + "' already running"
	case hasSpawned:
		return logs.Info, "spawned: '" + name + "' with pid " + pid
	case signals:
		target := ") with signal "
		if e.Group {
			target = ") process group with signal "
		}
		return logs.Debug, "killing " + name + " (pid " + pid + target + signalName(e.Signal)
	case outlivedStop:
		return logs.Warn, "killing '" + name + "' (" + pid + ") with SIGKILL"
	case cameUp:
		secs := strconv.FormatInt(int64(cfg.StartSecs/time.Second), 10)
		return logs.Info, "success: " + name + " entered RUNNING state, process has stayed up for > than " + secs + " seconds (startsecs)"
	case hasExited:
		if e.Expected {
			return logs.Info, "exited: " + name + " (" + e.Text + "; expected)"
		}
		return logs.Warn, "exited: " + name + " (" + e.Text + "; not expected)"
	case hasStopped:
		if e.Expected {
			return logs.Info, "stopped: " + name + " (" + e.Text + ")"
		}
		return logs.Warn, "stopped: " + name + " (" + e.Text + ")"
	case stoppedEarly:
		return logs.Info, "stopped: " + name + " (before its program ran)"
	case stoppedWaiting:
		return logs.Debug, "Attempted to kill " + name + ", which is in BACKOFF state."
	case gaveUpStarts:
		return logs.Info, "gave up: " + name + " entered FATAL state, too many start retries too quickly"
	}
	return logs.Critical, "nothing can be said of " + name
}
