package supervise

import (
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"supervisor/supervise/config"
)

// tidyAfter is how long after the last large piece of work memory is given back:
// longer than a monitor waits before it looks again.
const tidyAfter = time.Minute

// tidier gives memory back to the system a while after the last large piece of
// work. The runtime does that while a program runs, and ours mostly sleeps: of what
// many large answers at a time have needed it would give back a half after four
// minutes, more after six, and never all.
type tidier struct {
	after time.Duration
	timer *time.Timer
}

// newTidier returns one that calls tidy. It is at rest until soon.
func newTidier(after time.Duration, tidy func()) *tidier {
	t := &tidier{after, time.AfterFunc(after, tidy)}
	t.timer.Stop()
	return t
}

// soon says that there was a large piece of work. It may be called by any goroutine.
func (t *tidier) soon() { t.timer.Reset(t.after) }

func (t *tidier) stop() { t.timer.Stop() }

// freeMemory gives back all that is not in use.
func freeMemory() {
	runtime.GC() // buffers that wait to be used again survive one collection
	debug.FreeOSMemory()
}

const (
	// usualMemory is what we take at most for clients and for ourselves, in bytes: what
	// package web has room for, and some more.
	usualMemory = 64 << 20
	// memoryPerProgram is what a program adds to that at most.
	memoryPerProgram = 16 << 10
)

// limitMemory has the collector work harder rather than let garbage add to that. By itself
// it lets there be as much garbage as there is in use. GOMEMLIMIT says otherwise.
func limitMemory(cfg *config.Config) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	programs := 0
	for _, g := range cfg.Groups {
		programs += len(g.Programs)
	}
	debug.SetMemoryLimit(usualMemory + int64(programs)*memoryPerProgram)
}
