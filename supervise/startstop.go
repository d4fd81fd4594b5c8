package supervise

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"supervisor/supervise/life"
	"supervisor/supervise/spawn"
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
	return a.some(ctx, a.s.members(group), wait, startable, a.s.startAskedOfMany)
}

// StopProcessGroup stops the processes of a group that are up. Fault: BAD_NAME.
func (a *API) StopProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, a.s.leaving(a.s.members(group)), wait, stoppable, a.s.stopAsked)
}

// StartAllProcesses starts every process that is not up.
func (a *API) StartAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, a.s.everybody, wait, startable, a.s.startAskedOfMany)
}

// StopAllProcesses stops every process that is up.
func (a *API) StopAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error) {
	return a.some(ctx, a.s.leaving(a.s.everybody), wait, stoppable, a.s.stopAsked)
}

func startable(p *process) bool { return !p.State.Up() }

// stoppable reports whether there is something to stop: a process that is up, or a start
// that will come by itself, after an end or since it is an automatic one whose turn is
// still to come.
func stoppable(p *process) bool {
	return p.State.Up() || p.State.Down() && !p.Due.IsZero()
}

// request asks for a change of a process. If it is not decided at once it is pending, and
// reply gets the outcome.
type request func(p *process, now time.Time, wait bool, reply chan outcome) (pending bool, fault *xmlrpc.Fault)

// wish is a client's, to have a process started.
type wish struct {
	wait  bool         // until it is up, or has failed to come up
	many  bool         // it is one of many, and does not count if it is up by itself
	alone bool         // without what it depends on
	reply chan outcome // has room; nil if the client has gone
}

// startAsked begins a start that a client asked for. It is pending in any case, since
// the command has to be looked up first.
func (s *Supervisor) startAsked(p *process, _ time.Time, wait bool, reply chan outcome) (pending bool, fault *xmlrpc.Fault) {
	s.starts.ask(p, wish{wait: wait, reply: reply})
	return true, nil
}

// startAskedOfMany is startAsked for one of several processes.
func (s *Supervisor) startAskedOfMany(p *process, _ time.Time, wait bool, reply chan outcome) (pending bool, fault *xmlrpc.Fault) {
	s.starts.ask(p, wish{wait: wait, many: true, reply: reply})
	return true, nil
}

// ask enters a client's wish. Who asks while the command is already being looked up has
// the result of that.
func (st *starts) ask(p *process, k wish) {
	if len(p.asks) == 0 {
		st.asked = append(st.asked, p)
	}
	p.asks = append(p.asks, k)
}

// startFor begins the start that a client asked for, after look, and answers, or leaves a
// waiter for that.
func (s *Supervisor) startFor(k wish, look *attempt, now time.Time) {
	p := look.p
	answer := p.outcome(nil)
	what := waitForSpawn
	if k.wait {
		what = waitForStart
	}
	decided := true
	if k.many && p.State.Up() {
		answer.skipped = true
	} else if answer.fault = s.refusal(look); answer.fault == nil {
		stopping := p.State == xmlrpc.Stopping
		p.alone = k.alone && !stopping
		if s.waits(p) && p.State.Down() {
			s.demand(p, now)
			decided, answer.fault = p.decided(what)
			s.answer(k, p, what, answer, decided || !k.wait && answer.fault == nil)
			return
		}
		p.found, p.askedFor = look.file, true
		s.feed(p, now, life.StartAsked{})
		p.found, p.askedFor = "", false
		switch {
		case stopping && k.wait:
			answer.fault = xmlrpc.NewFault(xmlrpc.AbnormalTermination, p.namespec())
		case stopping: // nothing was started, so it would be wrong to say so
			answer.fault = xmlrpc.NewFault(xmlrpc.AlreadyStarted, p.namespec())
		default:
			decided, answer.fault = p.decided(what)
		}
	}
	s.answer(k, p, what, answer, decided)
}

// answer answers a wish that is decided, or leaves a waiter for that.
func (s *Supervisor) answer(k wish, p *process, what waitFor, answer outcome, decided bool) {
	switch {
	case k.reply == nil:
	case decided:
		k.reply <- answer
	default:
		p.waiters = append(p.waiters, waiter{what, k.reply})
	}
}

// refusal says why a process is not started for a client, after look; nil if it is.
func (s *Supervisor) refusal(look *attempt) *xmlrpc.Fault {
	p := look.p
	var bad *spawn.CommandError
	switch {
	case s.mood != Running:
		return xmlrpc.NewFault(xmlrpc.ShutdownState)
	case p.gone:
		return xmlrpc.NewFault(xmlrpc.BadName, p.namespec())
	case errors.As(look.err, &bad):
		return commandFault(bad)
	case p.State.Up():
		return xmlrpc.NewFault(xmlrpc.AlreadyStarted, p.namespec())
	case p.State == xmlrpc.Unknown:
		return xmlrpc.NewFault(xmlrpc.Failed, p.namespec()+" is in an unknown process state")
	}
	return nil
}

// stopAsked begins a stop that a client asked for.
func (s *Supervisor) stopAsked(p *process, now time.Time, wait bool, reply chan outcome) (pending bool, fault *xmlrpc.Fault) {
	if !stoppable(p) {
		return false, xmlrpc.NewFault(xmlrpc.NotRunning, p.namespec())
	}
	if p.leaving && s.hold(p) {
		if wait {
			p.waiters = append(p.waiters, waiter{waitForStop, reply})
		}
		return wait, nil
	}
	s.feed(p, now, life.StopAsked{})
	if p.State == xmlrpc.Unknown {
		return false, xmlrpc.NewFault(xmlrpc.Failed, p.SpawnErr)
	}
	if !wait || p.State.Down() {
		return false, nil
	}
	if p.reportStop.IsZero() {
		p.reportStop = now
		s.schedule(p)
	}
	p.waiters = append(p.waiters, waiter{waitForStop, reply})
	return true, nil
}

// one carries out a request for one process.
func (a *API) one(ctx context.Context, namespec string, wait bool, begin request) (bool, error) {
	reply := make(chan outcome, 1)
	pending, err := ask(ctx, a, func(now time.Time) (bool, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return false, fault
		}
		pending, fault := begin(p, now, wait, reply)
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
	case xmlrpc.SpawnError:
		if strings.Contains(f.Text, ": dependency ") {
			return f // it tells more than the name
		}
		return xmlrpc.NewFault(f.Code, namespec)
	case xmlrpc.AlreadyStarted, xmlrpc.NotRunning, xmlrpc.AbnormalTermination:
		return xmlrpc.NewFault(f.Code, namespec)
	}
	return f
}

// some carries out a request for those of several processes whose state is fit
// for it. What is decided at once comes first in the answer, the rest in the order
// in which it is decided.
func (a *API) some(ctx context.Context, whom selection, wait bool, fit func(*process) bool, begin request) ([]xmlrpc.Result, error) {
	results := []xmlrpc.Result{}
	var reply chan outcome
	pending := 0
	all := func() ([]*process, error) {
		processes, err := whom()
		reply = make(chan outcome, len(processes))
		return processes, err
	}
	err := a.each(ctx, all, func(p *process, now time.Time) {
		if !fit(p) {
			return
		}
		undecided, fault := begin(p, now, wait, reply)
		if undecided {
			pending++
			return
		}
		results = append(results, result(p.cfg.Group, p.cfg.Name, fault))
	})
	if err != nil {
		return nil, err
	}
	for range pending {
		o, err := a.outcome(ctx, reply)
		if err != nil {
			return nil, err
		}
		if !o.skipped {
			results = append(results, result(o.group, o.name, o.fault))
		}
	}
	return results, nil
}

// selection says which processes a request is for, in the order in which it is
// carried out. It is called on the loop.
type selection func() ([]*process, error)

// members selects the processes of a group in order of priority. Fault: BAD_NAME.
func (s *Supervisor) members(group string) selection {
	return func() ([]*process, error) {
		g := s.table.group(group)
		if g == nil {
			return nil, xmlrpc.NewFault(xmlrpc.BadName, group)
		}
		return g.byPriority(), nil
	}
}

// everybody selects all processes.
func (s *Supervisor) everybody() ([]*process, error) { return s.table.all(), nil }

// each calls fn on the loop for each of the processes that are selected now, but for
// those that are gone when it is their turn. With thousands of them that takes a while;
// so the loop does other things in between. It goes on if ctx ends.
func (a *API) each(ctx context.Context, whom selection, fn func(p *process, now time.Time)) error {
	rest, err := ask(ctx, a, func(time.Time) ([]*process, error) { return whom() })
	ctx = context.WithoutCancel(ctx)
	for err == nil && len(rest) > 0 {
		rest, err = ask(ctx, a, func(now time.Time) ([]*process, error) {
			for i, p := range rest {
				if i > 0 && time.Since(now) >= a.s.turn {
					return rest[i:], nil
				}
				if !p.gone {
					fn(p, now)
				}
			}
			return nil, nil
		})
	}
	return err
}

// outcome waits for the next answer of the loop. Who does not wait any longer gets no
// further one.
func (a *API) outcome(ctx context.Context, reply chan outcome) (outcome, error) {
	select {
	case o := <-reply:
		a.s.log.Settle()
		return o, nil
	case <-ctx.Done():
		a.later(func() { a.s.forget(reply) })
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

// forget takes out the waiters that answer to reply.
func (s *Supervisor) forget(reply chan outcome) {
	s.table.each(func(p *process) {
		p.waiters = slices.DeleteFunc(p.waiters, func(w waiter) bool { return w.reply == reply })
		if len(p.waiters) == 0 {
			p.waiters = nil
		}
		p.forgetAsks(reply)
	})
}

// forgetAsks takes out the wishes that are answered to reply. The last one is carried out
// all the same.
func (p *process) forgetAsks(reply chan outcome) {
	if !slices.ContainsFunc(p.asks, func(k wish) bool { return k.reply == reply }) {
		return
	}
	last := p.asks[len(p.asks)-1]
	p.asks = slices.DeleteFunc(p.asks, func(k wish) bool { return k.reply == reply })
	if len(p.asks) == 0 {
		last.reply = nil
		p.asks = append(p.asks, last)
	}
}
