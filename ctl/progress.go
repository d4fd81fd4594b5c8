package ctl

import (
	"context"
	"strconv"
	"time"

	"supervisor/xmlrpc"
)

// progressPeriod is how often a person is told how far it has come.
const progressPeriod = 500 * time.Millisecond

// withProgress makes a call that concerns all processes. If it takes its time, a
// person at a terminal sees how many are where they should be; the line is gone
// when the results come.
func (s *session) withProgress(ctx context.Context, v verb, call func(context.Context) ([]xmlrpc.Result, error)) ([]xmlrpc.Result, error) {
	if !s.person || v.quiet || v.name != "start" && v.name != "stop" {
		return call(ctx)
	}
	type answer struct {
		results []xmlrpc.Result
		err     error
	}
	done := make(chan answer, 1)
	go func() {
		results, err := call(ctx)
		done <- answer{results, err}
	}()
	again := time.NewTicker(progressPeriod)
	defer again.Stop()
	for shown := false; ; {
		select {
		case a := <-done:
			if shown {
				s.out.WriteString("\r\x1b[K")
			}
			return a.results, a.err
		case <-again.C:
			if infos, err := s.server.AllProcessInfo(ctx); err == nil {
				s.out.WriteString("\r" + progress(v.name, infos) + "\x1b[K")
				s.flush()
				shown = true
			}
		}
	}
}

// progress says how far a start or a stop of all processes has come.
func progress(verb string, infos []xmlrpc.ProcessInfo) string {
	there := 0
	for i := range infos {
		if verb == "start" && infos[i].State == xmlrpc.Running || verb == "stop" && infos[i].State.Down() {
			there++
		}
	}
	word := " of " + strconv.Itoa(len(infos)) + " running"
	if verb == "stop" {
		word = " of " + strconv.Itoa(len(infos)) + " stopped"
	}
	return strconv.Itoa(there) + word
}
