package supervise

import (
	"runtime"
	"runtime/debug"
	"time"
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
