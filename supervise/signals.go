package supervise

import (
	"os"
	"os/signal"
	"syscall"
)

// Signals catches the signals that the manual speaks of, without SIGCHLD, for
// which see watchAllChildren. Of each kind one waits until somebody has time for it,
// whatever else comes; another one of the same kind would say the same.
//
// Each signal to be caught costs two switches of threads: together that takes as
// long as to read a small configuration and open the log. So it is begun before
// everything else, in the background, and until keep a signal does what it would
// have done uncaught.
type Signals struct {
	caught   chan os.Signal
	kinds    [5]chan os.Signal // one for each kind
	handOver chan struct{}     // closed by keep
	kept     chan struct{}     // closed once none is lost, and none ends us, any more
	stopped  chan struct{}     // closed by stop
}

// caughtSignals are the kinds.
func caughtSignals() [5]os.Signal {
	return [...]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR2}
}

// CatchSignals begins to catch signals. Those that tell of a reader gone or a file
// too large are ignored from now on, by our children as well.
func CatchSignals() *Signals {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	s := &Signals{
		caught: make(chan os.Signal), handOver: make(chan struct{}), kept: make(chan struct{}), stopped: make(chan struct{}),
	}
	for i := range s.kinds {
		s.kinds[i] = make(chan os.Signal, 1)
	}
	go s.run()
	return s
}

// run hands over what is caught, one after the other.
func (s *Signals) run() {
	for i, sig := range caughtSignals() {
		signal.Notify(s.kinds[i], sig)
	}
	s.runEarly()
	for {
		sig := s.next(s.stopped)
		if sig == nil {
			return
		}
		select {
		case s.caught <- sig:
		case <-s.stopped:
			return
		}
	}
}

// next waits for a signal. It returns nil once done is closed.
func (s *Signals) next(done <-chan struct{}) (sig os.Signal) {
	select {
	case sig = <-s.kinds[0]:
	case sig = <-s.kinds[1]:
	case sig = <-s.kinds[2]:
	case sig = <-s.kinds[3]:
	case sig = <-s.kinds[4]:
	case <-done:
	}
	return sig
}

// runEarly does with signals what they would do uncaught, until keep is called.
func (s *Signals) runEarly() {
	defer close(s.kept)
	for {
		sig := s.next(s.handOver)
		if sig == nil {
			return
		}
		if sig == syscall.SIGUSR2 { // to which a Go program is deaf
			continue
		}
		signal.Reset(sig)
		_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal)) // there is always a process that we are
		for i, kind := range caughtSignals() {              // still there: whoever started us had it ignored
			if kind == sig {
				signal.Notify(s.kinds[i], sig)
			}
		}
	}
}

// keep has signals stay from now on until they are taken from caught, where one that
// comes between two rounds is found by the next. It is called once.
func (s *Signals) keep() {
	close(s.handOver)
	<-s.kept
}

// stop has signals end us again.
func (s *Signals) stop() {
	for _, kind := range s.kinds {
		signal.Stop(kind)
	}
	close(s.stopped)
}
