package life

import (
	"fmt"
	"hash/fnv"
	"math"
	"syscall"
	"time"
)

// Policy is what a program's settings say of its life. The zero value starts once, counts
// as started at once, and takes every end for unexpected.
type Policy struct {
	Autorestart  Autorestart
	StartSecs    time.Duration  // how long it must stay up to count as started
	StartRetries int            // starts after the first, before FATAL
	ExitCodes    []int          // that are expected
	Restart      *RestartPolicy // ours; nil without restart_delay
	StopSignal   syscall.Signal
	StopWait     time.Duration // from the stop signal to SIGKILL
	StopAsGroup  bool          // the stop signal goes to the process group
	KillAsGroup  bool          // SIGKILL does
	Seed         string        // has the jitter of Restart differ from that of others
}

// Autorestart says whether a process that ended by itself is started again.
type Autorestart int

const (
	RestartUnexpected Autorestart = iota // if its exit code is not in exitcodes
	RestartNever
	RestartAlways
)

// RestartPolicy is how long to wait before a start that nobody asked for: after an end,
// expected or not, and after a failed start. The n-th pause in a row is Delay times
// Factor to the power of n-1, at most Max, more or less by the part Jitter of it.
type RestartPolicy struct {
	Delay  time.Duration // 0: never a pause
	Factor float64       // at least 1
	Max    time.Duration
	Jitter float64       // 0 to 1
	Reset  time.Duration // after being RUNNING for so long the next pause is the first again
}

// Pause is how long to wait before a start, the n-th time. Its jitter comes from the
// name of the program and the time: what happens to many at the same moment does not
// happen again at the same moment.
func (r *RestartPolicy) Pause(n int, seed string, now time.Time) time.Duration {
	pause := min(float64(r.Delay)*math.Pow(r.Factor, float64(n-1)), float64(r.Max))
	if r.Jitter > 0 {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %d", seed, now.UnixNano())
		pause *= 1 + r.Jitter*(float64(h.Sum64()>>11)/(1<<52)-1)
	}
	return time.Duration(min(pause, math.MaxInt64/2))
}
