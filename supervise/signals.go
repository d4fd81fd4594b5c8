package supervise

import (
	"os"
	"os/signal"
	"syscall"
)

// Signals catches the signals that the manual speaks of, without SIGCHLD, for
// which see watchAllChildren.
//
// Each signal to be caught costs two switches of threads: together that takes as
// long as to read a small configuration and open the log. So it is begun before
// everything else, in the background, and until keep a signal does what it would
// have done uncaught.
type Signals struct {
	caught   chan os.Signal
	handOver chan struct{} // closed by keep
	kept     chan struct{} // closed once none is lost, and none ends us, any more
}

// CatchSignals begins to catch signals. Those that tell of a reader gone or a file
// too large are ignored from now on, by our children as well.
func CatchSignals() *Signals {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	s := &Signals{caught: make(chan os.Signal, 16), handOver: make(chan struct{}), kept: make(chan struct{})}
	go s.begin()
	return s
}

func (s *Signals) begin() {
	defer close(s.kept)
	signal.Notify(s.caught, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR2)
	for {
		select {
		case <-s.handOver:
			return
		case sig := <-s.caught:
			if sig != syscall.SIGUSR2 { // to which a Go program is deaf
				signal.Reset(sig)
				_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal)) // there is always a process that we are
			}
		}
	}
}

// keep has signals stay in caught from now on, where one that comes between two
// rounds is found by the next. It is called once.
func (s *Signals) keep() {
	close(s.handOver)
	<-s.kept
}

// stop has signals end us again.
func (s *Signals) stop() { signal.Stop(s.caught) }
