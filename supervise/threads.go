package supervise

import (
	"runtime"

	"supervisor/supervise/job"
	"supervisor/supervise/pipes"
)

// A thread is held by each call that the system does not answer at once. Go makes
// another one then, and ends the daemon if that is refused, as it is where programs have
// used up all processes. So such calls are bounded, kind by kind, and threads for all of
// them are made at the start. The other bounds are maxSpawners, maxTasks, maxSlow,
// maxRelieved and diskThreads.
const (
	// maxReading is how many clients are read a log to at a time.
	maxReading = 8
	// maxFreeing is how many deleted logs are freed at a time beside other work.
	maxFreeing = 2
	// maxWriters is how many outlets a daemon has: its log, its stdout, its stderr. A
	// former round's log may be one more.
	maxWriters = 4
	// ownThreads is what Go needs besides: one that looks after the others, one that makes
	// some, and for signals and the network.
	ownThreads = 4
)

// reservedThreads is how many threads the daemon can need at a time.
func reservedThreads() int {
	held := maxSpawners + pipes.MaxSlow + pipes.MaxRelieved + pipes.DiskThreads + maxReading + maxFreeing + maxWriters + maxTasks
	return held + ownThreads + runtime.GOMAXPROCS(0)
}

// bounds bound the calls of those kinds that have no place of their own where they are
// counted. They outlive a round, as such a call may.
type bounds struct {
	reading *job.Gate // logs, for clients
	freeing *job.Gate // deleted logs
}

func newBounds() bounds {
	return bounds{job.NewGate(maxReading), job.NewGate(maxFreeing)}
}
