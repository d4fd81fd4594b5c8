package job

import (
	"runtime"
	"sync"
)

// Reserve makes n threads ahead and leaves them idle: the runtime keeps a thread that
// it has, and takes an idle one before it makes another. It returns when they are there,
// after about 40 µs for each; each costs about 20 KB. If the system refuses one now, the
// program ends, as it would later.
func Reserve(n int) {
	var there, left sync.WaitGroup
	release := make(chan struct{})
	there.Add(n)
	for range n {
		left.Go(func() {
			runtime.LockOSThread() // so that each of them needs a thread of its own
			defer runtime.UnlockOSThread()
			there.Done()
			<-release
		})
	}
	there.Wait()
	close(release)
	left.Wait()
}
