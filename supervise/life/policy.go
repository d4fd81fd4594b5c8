package life

import (
	"hash/fnv"
	"strconv"
	"syscall"
	"time"

	"supervisor/supervise/backoff"
)

// Policy is what a program's settings say of its life. The zero value starts once, counts
// as started at once, and takes every end for unexpected.
type Policy struct {
	Autorestart Autorestart
	StartSecs   time.Duration // how long it must stay up to count as started
	ExitCodes   []int         // that are expected
	// Restart is whether and when it is started again, startretries too.
	Restart    backoff.Policy
	StopSignal syscall.Signal
	StopWait   time.Duration // from the stop signal to SIGKILL
	// StopSequence is, if it is not empty, what takes the place of StopSignal and the first
	// StopWait: one signal after the other, and then SIGKILL.
	StopSequence []StopStep
	StopAsGroup  bool // the stop signal goes to the process group
	KillAsGroup  bool // SIGKILL does
	// Seed has the jitter of Restart differ from that of others.
	Seed string

	// Readiness says that it is RUNNING when somebody says so (BecameReady), and not
	// after StartSecs. ReadyTimeout is how long that may take; 0 is for ever.
	Readiness    bool
	ReadyTimeout time.Duration
}

// StopStep is one signal of stop_sequence, and how long to wait for the end after it.
type StopStep struct {
	Signal syscall.Signal
	Wait   time.Duration
}

// stopStep is the i-th step of a stop.
func (p *Policy) stopStep(i int) StopStep {
	if i < len(p.StopSequence) {
		return p.StopSequence[i]
	}
	return StopStep{p.StopSignal, p.StopWait}
}

// Autorestart says whether a process that ended by itself is started again.
type Autorestart int

const (
	RestartUnexpected Autorestart = iota // if its exit code is not in exitcodes
	RestartNever
	RestartAlways
)

// random is a number from 0 to less than 1 that comes from the name of the program and
// the time: what happens to many at the same moment does not happen again at the same
// moment.
func (p *Policy) random(now time.Time) float64 {
	if p.Restart.Jitter == 0 {
		return 0.5
	}
	h := fnv.New64a()
	h.Write([]byte(p.Seed + " " + strconv.FormatInt(now.UnixNano(), 10)))
	return float64(h.Sum64()>>11) / (1 << 53)
}
