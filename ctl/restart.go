package ctl

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"supervisor/xmlrpc"
)

// startedAgain is what is told, on stderr, at the first Ctrl-C during a restart.
const startedAgain = "\nInterrupted. What has been stopped is started again; Ctrl-C once more leaves it as it is.\n"

// restart stops all that is named, then starts it. Ctrl-C in between leaves nothing down
// that was up: the stop under way is waited for, and what has been stopped is started.
func (s *session) restart(ctx context.Context, arg string) error {
	names, follow := withoutFollow(strings.Fields(arg))
	if len(names) == 0 {
		return s.nameless("restart", exitFailed)
	}
	first, last, end := s.twoInterrupts(ctx, startedAgain)
	defer end()
	var down []string // what we have stopped and not started
	stop := s.stopVerb()
	stop.each = func(r *xmlrpc.Result) {
		if r.Status == xmlrpc.Success {
			down = append(down, r.Namespec())
		}
	}
	stop.enough = func() bool { return first.Err() != nil }
	if err := s.apply(last, names, stop); err != nil {
		return err
	}
	if first.Err() == nil {
		start := s.startVerb(follow)
		start.each = func(r *xmlrpc.Result) {
			down = slices.DeleteFunc(down, func(name string) bool { return name == r.Namespec() })
		}
		if err := s.apply(first, names, start); first.Err() == nil {
			return err
		}
	}
	for _, name := range down {
		_, err := s.server.StartProcess(last, name, false)
		switch code := faultCode(err); {
		case err == nil, code == xmlrpc.AlreadyStarted:
			s.say(name, ": started again")
		case code == 0:
			return err
		default:
			s.say(name, ": ERROR (not started again: ", err.(*xmlrpc.Fault).Text, ")")
		}
	}
	return context.Cause(first)
}

// twoInterrupts returns a context that the first SIGINT ends, and one for what is to be
// done in any case, which the second one ends. At the first one notice is told.
func (s *session) twoInterrupts(ctx context.Context, notice string) (first, last context.Context, end func()) {
	first, release := s.interruptible(ctx)
	last, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-first.Done():
		case <-last.Done():
			return
		}
		if !interrupted(first) {
			cancel(context.Cause(first))
			return
		}
		_, _ = io.WriteString(s.err, notice) // there is nobody else to tell
		select {
		case <-s.interrupts:
			cancel(errInterrupted)
		case <-last.Done():
		}
	})
	return first, last, func() {
		cancel(nil)
		watch.Wait()
		release()
	}
}
