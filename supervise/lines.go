package supervise

import (
	"strconv"
	"time"
)

// line is what the main log says of something that happened to a process, in
// Supervisor's words.
func line(cfg *Program, e say) (Level, string) {
	name, pid := cfg.Name, strconv.Itoa(e.PID)
	switch e.What {
	case startFailed:
		return Info, "spawnerr: " + e.Text
	case alreadyUp:
		return Warn, "process '" + name + "' already running"
	case hasSpawned:
		return Info, "spawned: '" + name + "' with pid " + pid
	case signals:
		target := ") with signal "
		if e.Group {
			target = ") process group with signal "
		}
		return Debug, "killing " + name + " (pid " + pid + target + signalName(e.Signal)
	case outlivedStop:
		return Warn, "killing '" + name + "' (" + pid + ") with SIGKILL"
	case cameUp:
		secs := strconv.FormatInt(int64(cfg.StartSecs/time.Second), 10)
		return Info, "success: " + name + " entered RUNNING state, process has stayed up for > than " + secs + " seconds (startsecs)"
	case hasExited:
		if e.Expected {
			return Info, "exited: " + name + " (" + e.Text + "; expected)"
		}
		return Warn, "exited: " + name + " (" + e.Text + "; not expected)"
	case hasStopped:
		if e.Expected {
			return Info, "stopped: " + name + " (" + e.Text + ")"
		}
		return Warn, "stopped: " + name + " (" + e.Text + ")"
	case stoppedEarly:
		return Info, "stopped: " + name + " (before its program ran)"
	case stoppedWaiting:
		return Debug, "Attempted to kill " + name + ", which is in BACKOFF state."
	case gaveUpStarts:
		return Info, "gave up: " + name + " entered FATAL state, too many start retries too quickly"
	}
	return Critical, "nothing can be said of " + name
}
