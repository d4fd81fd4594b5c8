package supervise

import (
	"context"
	"errors"
	"time"

	"supervisor/xmlrpc"
)

// StartProcess starts a process and, if wait, returns once it is up or has failed
// to come up. Faults: BAD_NAME, NO_FILE, NOT_EXECUTABLE, ALREADY_STARTED, FAILED,
// SPAWN_ERROR, ABNORMAL_TERMINATION.
func (a *API) StartProcess(ctx context.Context, namespec string, wait bool) (bool, error) {
	return a.one(ctx, namespec, wait, a.s.startAsked)
}

// StopProcess stops a process and, if wait, returns once it has stopped. Faults:
// BAD_NAME, NOT_RUNNING, FAILED.
func (a *API) StopProcess(ctx context.Context, namespec string, wait bool) (bool, error) {
	return a.one(ctx, namespec, wait, a.s.stopAsked)
}

// StartProcessGroup starts the processes of a group that are not up. Fault:
// BAD_NAME.
func (a *API) StartProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, func() ([]*process, error) { return a.s.members(group) }, wait, startable, a.s.startAsked)
}

// StopProcessGroup stops the processes of a group that are up. Fault: BAD_NAME.
func (a *API) StopProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, func() ([]*process, error) { return a.s.members(group) }, wait, xmlrpc.State.Up, a.s.stopAsked)
}

// StartAllProcesses starts every process that is not up.
func (a *API) StartAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, func() ([]*process, error) { return a.s.table.all(), nil }, wait, startable, a.s.startAsked)
}

// StopAllProcesses stops every process that is up.
func (a *API) StopAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, func() ([]*process, error) { return a.s.table.all(), nil }, wait, xmlrpc.State.Up, a.s.stopAsked)
}

func startable(s xmlrpc.State) bool { return !s.Up() }

// request is startAsked or stopAsked: it asks for the change and reports what the
// client would have to wait for, nothing if it is decided already.
type request func(p *process, now time.Time, wait bool) (waitFor, bool, *xmlrpc.Fault)

// startAsked begins a start that a client asked for.
func (s *Supervisor) startAsked(p *process, now time.Time, wait bool) (what waitFor, pending bool, fault *xmlrpc.Fault) {
	if _, _, err := s.resolve(p); err != nil {
		var bad *commandError
		if errors.As(err, &bad) {
			return 0, false, bad.fault()
		}
	}
	switch {
	case p.State.Up():
		return 0, false, xmlrpc.NewFault(xmlrpc.AlreadyStarted, p.namespec())
	case p.State == xmlrpc.Unknown:
		return 0, false, xmlrpc.NewFault(xmlrpc.Failed, p.namespec()+" is in an unknown process state")
	}
	stopping := p.State == xmlrpc.Stopping
	s.feed(p, now, startAsked{})
	if p.State == xmlrpc.Starting && p.cfg.StartSecs <= 0 {
		s.feed(p, now, timeUp{}) // who asks for several starts sees each come up before the next
	}
	switch {
	case stopping && wait:
		return 0, false, xmlrpc.NewFault(xmlrpc.AbnormalTermination, p.namespec())
	case stopping: // nothing was started, so it would be wrong to say so
		return 0, false, xmlrpc.NewFault(xmlrpc.AlreadyStarted, p.namespec())
	}
	done, fault := p.decided(waitForStart)
	if done && (fault != nil || wait) || !wait {
		return 0, false, fault
	}
	return waitForStart, true, nil
}

// stopAsked begins a stop that a client asked for.
func (s *Supervisor) stopAsked(p *process, now time.Time, wait bool) (what waitFor, pending bool, fault *xmlrpc.Fault) {
	if !p.State.Up() {
		return 0, false, xmlrpc.NewFault(xmlrpc.NotRunning, p.namespec())
	}
	s.feed(p, now, stopAsked{})
	if p.State == xmlrpc.Unknown {
		return 0, false, xmlrpc.NewFault(xmlrpc.Failed, p.SpawnErr)
	}
	if !wait || p.State.Down() {
		return 0, false, nil
	}
	if p.reportStop.IsZero() {
		p.reportStop = now
		s.schedule(p)
	}
	return waitForStop, true, nil
}

// one carries out a request for one process.
func (a *API) one(ctx context.Context, namespec string, wait bool, begin request) (bool, error) {
	reply := make(chan outcome, 1)
	pending, err := ask(ctx, a, func(now time.Time) (bool, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return false, fault
		}
		what, pending, fault := begin(p, now, wait)
		if pending {
			p.waiters = append(p.waiters, waiter{what, reply})
		}
		return pending, faultOr(renamed(fault, namespec))
	})
	if err != nil {
		return false, err
	}
	if !pending {
		return true, nil
	}
	o, err := a.outcome(ctx, reply)
	if err != nil {
		return false, err
	}
	return o.fault == nil, faultOr(renamed(o.fault, namespec))
}

// renamed makes a fault name the process as the client did.
func renamed(f *xmlrpc.Fault, namespec string) *xmlrpc.Fault {
	if f == nil {
		return nil
	}
	switch f.Code {
	case xmlrpc.AlreadyStarted, xmlrpc.NotRunning, xmlrpc.SpawnError, xmlrpc.AbnormalTermination:
		return xmlrpc.NewFault(f.Code, namespec)
	}
	return f
}

// some carries out a request for those of several processes whose state is fit
// for it. What is decided at once comes first in the answer, the rest in the order
// in which it is decided.
func (a *API) some(ctx context.Context, whom func() ([]*process, error), wait bool, fit func(xmlrpc.State) bool, begin request) ([]xmlrpc.Result, error) {
	type begun struct {
		results []xmlrpc.Result
		reply   chan outcome
		pending int
	}
	b, err := ask(ctx, a, func(now time.Time) (begun, error) {
		processes, err := whom()
		if err != nil {
			return begun{}, err
		}
		b := begun{results: []xmlrpc.Result{}, reply: make(chan outcome, len(processes))}
		for _, p := range processes {
			if !fit(p.State) {
				continue
			}
			what, pending, fault := begin(p, now, wait)
			if pending {
				p.waiters = append(p.waiters, waiter{what, b.reply})
				b.pending++
				continue
			}
			b.results = append(b.results, result(p.cfg.Group, p.cfg.Name, fault))
		}
		return b, nil
	})
	if err != nil {
		return nil, err
	}
	for range b.pending {
		o, err := a.outcome(ctx, b.reply)
		if err != nil {
			return nil, err
		}
		b.results = append(b.results, result(o.group, o.name, o.fault))
	}
	return b.results, nil
}

// outcome waits for the next answer of the loop.
func (a *API) outcome(ctx context.Context, reply <-chan outcome) (outcome, error) {
	select {
	case o := <-reply:
		return o, nil
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	case <-a.s.done:
	}
	select { // the last transitions of a round may have answered it
	case o := <-reply:
		return o, nil
	default:
		return outcome{}, xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
}
