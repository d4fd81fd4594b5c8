package supervise

import (
	"os"
	"runtime"
	"syscall"
)

// pipeCloexec makes a pipe whose ends are closed by exec.
func pipeCloexec(fds *[2]int) error { return syscall.Pipe2(fds[:], syscall.O_CLOEXEC) }

// umaskForker starts children that have a umask of their own. The zero value is
// ready for use; close ends it.
type umaskForker struct {
	jobs chan forkJob
}

type forkJob struct {
	umask int
	start func() (int, error)
	done  chan<- forkResult
}

type forkResult struct {
	pid int
	err error
}

// forkExec is syscall.ForkExec with a umask for the child; -1 is ours. A umask
// belongs to the thread here: the one thread that has unshared it starts all
// children that ask for one, so that ours is never touched.
func (f *umaskForker) forkExec(umask int, file string, argv []string, attr *syscall.ProcAttr) (int, error) {
	if umask < 0 {
		return syscall.ForkExec(file, argv, attr)
	}
	if f.jobs == nil {
		f.jobs = make(chan forkJob)
		go forkWithUmask(f.jobs)
	}
	done := make(chan forkResult)
	f.jobs <- forkJob{umask, func() (int, error) { return syscall.ForkExec(file, argv, attr) }, done}
	r := <-done
	return r.pid, r.err
}

func (f *umaskForker) close() {
	if f.jobs != nil {
		close(f.jobs)
	}
}

// forkWithUmask finds a thread to have a umask of its own, and works there. The
// first thread will not do: what it has is what the system shows as ours.
func forkWithUmask(jobs <-chan forkJob) {
	runtime.LockOSThread()
	if syscall.Gettid() != os.Getpid() {
		serveForks(jobs)
		return
	}
	elsewhere := make(chan struct{})
	go func() { // not on this thread, which is taken
		runtime.LockOSThread()
		close(elsewhere)
		serveForks(jobs)
	}()
	<-elsewhere
	runtime.UnlockOSThread()
}

// serveForks owns its thread. It is never unlocked: the runtime must not use a
// thread like that for anything else, and ends it with the goroutine.
func serveForks(jobs <-chan forkJob) {
	unshared := syscall.Unshare(syscall.CLONE_FS)
	for job := range jobs {
		if unshared != nil {
			job.done <- forkResult{0, unshared}
			continue
		}
		syscall.Umask(job.umask)
		pid, err := job.start()
		job.done <- forkResult{pid, err}
	}
}
