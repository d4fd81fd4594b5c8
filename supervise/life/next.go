// Package life is the life cycle of a process, as one function without I/O and without a
// clock: Next says what a process becomes, and what has to be done about it, when something
// happens. Policy is what the settings say of that. What is done is the loop's business.
//
// Begin with Next; its test has a row for every state and input.
package life

import (
	"slices"
	"strconv"
	"syscall"
	"time"

	"supervisor/supervise/backoff"
	"supervisor/xmlrpc"
)

// Status is what the life cycle of a process is about. The zero value is a
// process that was never started and is not going to be.
type Status struct {
	State    xmlrpc.State
	Due      time.Time // when TimeUp comes; zero for never
	Started  time.Time // last attempt to start, also a failed one; zero for never
	Up       time.Time // last became RUNNING; zero for never
	Stopped  time.Time // when a child was last seen to have ended; zero for never
	PID      int       // 0 without a child; STARTING has none until its start is decided
	Tries    int       // failed starts in a row; a stop does not reset it
	Exit     int       // exit status of the last child; -1 after death by a signal
	SpawnErr string    // why the last start failed, or what was wrong with the last exit
	// Restarts is what the restart policy remembers.
	Restarts backoff.State
	// GivenUp is in BACKOFF why FATAL comes next, empty if it does not. RetryIn is after
	// how long a start is tried again then; 0 for never.
	GivenUp string
	RetryIn time.Duration
	// Ailing is why the child is being ended by us although nobody has asked for a stop;
	// empty if it is not.
	Ailing string
	// Steps is how many steps of the stop sequence have been taken.
	Steps int
}

// waits reports whether there is no child, and a start is all that can come. UNKNOWN is
// final: there may be a child that nobody can end.
func (st *Status) waits() bool { return st.State.Down() && st.State != xmlrpc.Unknown }

// Input is something that happens to a process.
type Input interface{ isInput() }

type (
	// StartAsked: somebody wants the process up.
	StartAsked struct{}
	// StopAsked: somebody wants it down.
	StopAsked struct{}
	// Spawned: the start that a Spawn asked for has a child.
	Spawned struct{ PID int }
	// SpawnFailed: it has none, and why.
	SpawnFailed struct{ Text string }
	// Forked: the start that was to be called off has a child already, which has not
	// executed its program yet.
	Forked struct{ PID int }
	// CalledOff: no child has come of a start that was to be called off, or it has ended
	// without executing its program.
	CalledOff struct{}
	// Exited: the child has ended and its last output is in the log.
	Exited struct{ Status Exit }
	// TimeUp: Status.Due has passed.
	TimeUp struct{}
	// KillFailed: the system refused to signal the child.
	KillFailed struct{ Text string }
	// BecameReady: the child that is waited for is ready.
	BecameReady struct{}
	// Fails: the child does not do what it is there for, so it is ended and has failed;
	// why, and with which signal. 0 stands for the stop signal.
	Fails struct {
		Text   string
		Signal syscall.Signal
	}
	// StartWanted: somebody wants it up as soon as nothing holds up its start.
	StartWanted struct{}
	// StartRefused: what it needs is not there and will not come, so it does not start.
	StartRefused struct{ Text string }
	// StartOverdue: what it needs has not come in time, so its start has failed for good.
	StartOverdue struct{ Text string }
	// GaveUp: supervisord is going down, nothing will be retried.
	GaveUp struct{}
)

func (StartAsked) isInput()   {}
func (StopAsked) isInput()    {}
func (Spawned) isInput()      {}
func (SpawnFailed) isInput()  {}
func (Forked) isInput()       {}
func (CalledOff) isInput()    {}
func (Exited) isInput()       {}
func (TimeUp) isInput()       {}
func (KillFailed) isInput()   {}
func (GaveUp) isInput()       {}
func (BecameReady) isInput()  {}
func (Fails) isInput()        {}
func (StartWanted) isInput()  {}
func (StartRefused) isInput() {}
func (StartOverdue) isInput() {}

// Effect is something that has to be done about a process.
type Effect interface{ isEffect() }

type (
	// Spawn: start a child, and once that is decided feed in Spawned or SpawnFailed.
	Spawn struct{}
	// CallOff: do not start the child, and feed in CalledOff, or Forked if there is one.
	CallOff struct{}
	// Kill: send Signal to the child, or to its process group.
	Kill struct {
		Signal syscall.Signal
		Group  bool
	}
	// Announce: raise the PROCESS_STATE event of this change. Tries, PID and
	// Expected are used by the events that carry them.
	Announce struct {
		From, To xmlrpc.State
		Tries    int
		PID      int
		Expected bool
	}
	// Say: tell of what happened, in the main log. PID, Signal with Group, Text and
	// Expected are set for those events that have them.
	Say struct {
		What     Happening
		PID      int
		Signal   syscall.Signal
		Group    bool
		Text     string // why a start failed, or how the child ended
		Expected bool
	}
)

func (Spawn) isEffect()    {}
func (CallOff) isEffect()  {}
func (Kill) isEffect()     {}
func (Announce) isEffect() {}
func (Say) isEffect()      {}

// Happening is what can be told of a process.
type Happening int

const (
	StartFailed    Happening = iota // there is no child: Text
	AlreadyUp                       // a start was asked for in vain
	HasSpawned                      // there is a child: PID
	Signals                         // it is about to be sent Signal: PID, Group
	OutlivedStop                    // it did not end in time, and is sent Signal: PID
	CameUp                          // it is RUNNING
	HasExited                       // it ended by itself: Text, Expected
	HasStopped                      // it ended when asked to: Text, Expected
	StoppedEarly                    // so, before its program ran
	StoppedWaiting                  // a stop in BACKOFF
	GaveUpStarts                    // it is FATAL: Text
	GivesUpOn                       // its child is ended since it fails: PID, Text
)

// Exit is how a child ended.
type Exit struct {
	Code   int            // -1 unless it exited by itself
	Text   string         // "exit status 1", "terminated by SIGTERM"
	Signal syscall.Signal // that it died of; 0 for none
}

const tooQuickly = "Exited too quickly (process log may have details)"

// Next is the life cycle of one process: what it becomes, and what has to be
// done about it, when in happens at now. It does no I/O and reads no clock. A
// state that in means nothing to is returned as it is.
//
// A state from which a start is due by itself (STOPPED with autostart, EXITED
// with autorestart, BACKOFF) has Due set, and TimeUp starts it; whoever wants no
// more starts, withholds TimeUp.
//
// After Supervisor's process.py: spawn, stop, kill, finish and transition.
func Next(cfg *Policy, st Status, now time.Time, in Input) (Status, []Effect) {
	switch in := in.(type) {
	case StartAsked:
		if st.waits() {
			st.Restarts = st.Restarts.Asked()
		}
		return onStart(cfg, st, now)
	case Spawned:
		return onSpawned(cfg, st, now, in.PID)
	case SpawnFailed:
		if st.State != xmlrpc.Starting || st.PID != 0 {
			return st, nil
		}
		st, effects := backOff(cfg, st, now, in.Text)
		return st, append([]Effect{Say{What: StartFailed, Text: in.Text}}, effects...)
	case Forked:
		return onForked(cfg, st, in.PID)
	case CalledOff:
		return onCalledOff(st, now)
	case StopAsked:
		return onStop(cfg, st, now)
	case Exited:
		return onExit(cfg, st, now, in.Status)
	case TimeUp:
		return onTime(cfg, st, now)
	case KillFailed:
		if !st.State.Signallable() {
			return st, nil
		}
		from := st.State
		st.State, st.Due, st.SpawnErr, st.Ailing = xmlrpc.Unknown, time.Time{}, in.Text, ""
		return st, []Effect{Announce{From: from, To: xmlrpc.Unknown}}
	case BecameReady:
		if st.State != xmlrpc.Starting || st.PID == 0 || st.Ailing != "" {
			return st, nil
		}
		return comeUp(st, now)
	case Fails:
		return onFailure(cfg, st, now, in)
	case StartWanted:
		if st.waits() {
			st.Due, st.Restarts = now, st.Restarts.Asked()
		}
		if st.State == xmlrpc.Stopped {
			st.SpawnErr = "" // of a start that was refused before
		}
	case StartRefused:
		if st.waits() {
			st.Due, st.SpawnErr = time.Time{}, in.Text
		}
	case StartOverdue:
		return onOverdue(cfg, st, now, in.Text)
	case GaveUp:
		if st.State != xmlrpc.Backoff {
			return st, nil
		}
		st.State, st.Due, st.GivenUp, st.RetryIn = xmlrpc.Fatal, time.Time{}, "", 0
		return st, []Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}}
	}
	return st, nil
}

// onStart begins a start where there is no child yet.
func onStart(cfg *Policy, st Status, now time.Time) (Status, []Effect) {
	switch st.State {
	case xmlrpc.Stopped, xmlrpc.Exited, xmlrpc.Fatal, xmlrpc.Backoff:
		from := st.State
		st.State, st.Started, st.Due = xmlrpc.Starting, now, time.Time{}
		st.Exit, st.SpawnErr, st.GivenUp, st.RetryIn, st.Steps = 0, "", "", 0, 0
		return st, []Effect{Announce{From: from, To: xmlrpc.Starting, Tries: st.Tries}, Spawn{}}
	case xmlrpc.Unknown:
		return st, nil
	}
	return st, []Effect{Say{What: AlreadyUp}}
}

// onSpawned begins the wait for startsecs. Without one TimeUp is due at once, but
// after all that is due already: what starts by itself starts together, and only
// then comes up.
func onSpawned(cfg *Policy, st Status, now time.Time, pid int) (Status, []Effect) {
	if st.State != xmlrpc.Starting || st.PID != 0 {
		return st, nil
	}
	st.PID = pid
	st.Due = now.Add(cfg.StartSecs)
	if cfg.Readiness {
		st.Due = time.Time{}
		if cfg.ReadyTimeout > 0 {
			st.Due = st.Started.Add(cfg.ReadyTimeout)
		}
	}
	return st, []Effect{Say{What: HasSpawned, PID: pid}}
}

// onForked asks a child to end that was to be stopped before it was there.
func onForked(cfg *Policy, st Status, pid int) (Status, []Effect) {
	if st.State != xmlrpc.Stopping || st.PID != 0 {
		return st, nil
	}
	st.PID = pid
	return st, []Effect{
		Say{What: HasSpawned, PID: pid},
		Say{What: Signals, PID: pid, Signal: cfg.stopStep(0).Signal, Group: cfg.StopAsGroup},
		Kill{cfg.stopStep(0).Signal, cfg.StopAsGroup},
	}
}

// onCalledOff ends a start of which nothing has come.
func onCalledOff(st Status, now time.Time) (Status, []Effect) {
	if st.State != xmlrpc.Stopping {
		return st, nil
	}
	pid := st.PID
	st.State, st.Due, st.PID, st.Stopped = xmlrpc.Stopped, time.Time{}, 0, now
	return st, []Effect{
		Announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: pid},
		Say{What: StoppedEarly},
	}
}

// onStop asks the child to end, or calls off the next attempt to start one.
func onStop(cfg *Policy, st Status, now time.Time) (Status, []Effect) {
	from := st.State
	switch st.State {
	case xmlrpc.Starting, xmlrpc.Running:
		first := cfg.stopStep(0)
		st.State, st.Due, st.Ailing, st.Steps = xmlrpc.Stopping, now.Add(first.Wait), "", min(1, len(cfg.StopSequence))
		if st.PID == 0 { // its start is under way
			return st, []Effect{Announce{From: from, To: xmlrpc.Stopping}, CallOff{}}
		}
		return st, []Effect{
			Say{What: Signals, PID: st.PID, Signal: first.Signal, Group: cfg.StopAsGroup},
			Announce{From: from, To: xmlrpc.Stopping, PID: st.PID},
			Kill{first.Signal, cfg.StopAsGroup},
		}
	case xmlrpc.Backoff:
		st.State, st.Due, st.GivenUp, st.RetryIn = xmlrpc.Stopped, time.Time{}, "", 0
		return st, []Effect{
			Say{What: StoppedWaiting},
			Announce{From: from, To: xmlrpc.Stopped},
		}
	case xmlrpc.Stopped, xmlrpc.Exited, xmlrpc.Fatal:
		st.Due = time.Time{} // a start that was due is called off
	}
	return st, nil
}

// onFailure begins to end a child that fails. It stays in its state until it has ended.
func onFailure(cfg *Policy, st Status, now time.Time, in Fails) (Status, []Effect) {
	up := st.State == xmlrpc.Running || st.State == xmlrpc.Starting
	if !up || st.PID == 0 || st.Ailing != "" {
		return st, nil
	}
	first := cfg.stopStep(0)
	st.Steps = min(1, len(cfg.StopSequence))
	k := Kill{Signal: first.Signal, Group: cfg.StopAsGroup}
	if in.Signal != 0 {
		k.Signal, first.Wait, st.Steps = in.Signal, cfg.StopWait, len(cfg.StopSequence)
	}
	st.Ailing, st.Due = in.Text, now.Add(first.Wait)
	return st, []Effect{
		Say{What: GivesUpOn, PID: st.PID, Text: in.Text},
		Say{What: Signals, PID: st.PID, Signal: k.Signal, Group: k.Group},
		k,
	}
}

// onOverdue is the end of a start that was waited with for too long. It goes by way of
// STARTING and BACKOFF, as listeners know it.
func onOverdue(cfg *Policy, st Status, now time.Time, why string) (Status, []Effect) {
	if st.State == xmlrpc.Backoff {
		st.SpawnErr, st.GivenUp, st.RetryIn, st.Restarts = why, why, cfg.Restart.FatalRetry, backoff.State{}
		return giveUp(st, now)
	}
	if !st.waits() {
		return st, nil
	}
	from := st.State
	st.State, st.Started, st.Tries, st.SpawnErr, st.RetryIn = xmlrpc.Backoff, now, st.Tries+1, why, cfg.Restart.FatalRetry
	st.Restarts = backoff.State{} // when it is tried again, it begins from nothing
	effects := []Effect{
		Announce{From: from, To: xmlrpc.Starting, Tries: st.Tries - 1},
		Say{What: StartFailed, Text: why},
		Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: st.Tries},
	}
	st.GivenUp = why
	st, given := giveUp(st, now)
	return st, append(effects, given...)
}

// giveUp is the step from BACKOFF to FATAL.
func giveUp(st Status, now time.Time) (Status, []Effect) {
	effects := []Effect{Announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}, Say{What: GaveUpStarts, Text: st.GivenUp}}
	st.State, st.Due, st.Tries, st.GivenUp = xmlrpc.Fatal, time.Time{}, 0, ""
	if st.RetryIn > 0 {
		st.Due, st.RetryIn = now.Add(st.RetryIn), 0
	}
	return st, effects
}

// onTime does what was put off until now.
func onTime(cfg *Policy, st Status, now time.Time) (Status, []Effect) {
	switch st.State {
	case xmlrpc.Starting:
		switch {
		case st.Ailing != "":
			return insist(cfg, st, now)
		case cfg.Readiness:
			return onFailure(cfg, st, now, Fails{Text: "not ready within " + backoff.FormatTime(cfg.ReadyTimeout)})
		}
		return comeUp(st, now) // it stayed up for startsecs
	case xmlrpc.Running:
		if st.Ailing != "" {
			return insist(cfg, st, now)
		}
	case xmlrpc.Stopping:
		return insist(cfg, st, now)
	case xmlrpc.Backoff:
		if st.GivenUp != "" {
			return giveUp(st, now)
		}
		return onStart(cfg, st, now)
	case xmlrpc.Stopped, xmlrpc.Exited: // autostart, autorestart
		return onStart(cfg, st, now)
	case xmlrpc.Fatal:
		if !st.Due.IsZero() { // fatal_retry
			return onStart(cfg, st, now)
		}
	}
	return st, nil
}

// insist asks a child that has not ended in time once more to end.
func insist(cfg *Policy, st Status, now time.Time) (Status, []Effect) {
	next := Kill{syscall.SIGKILL, cfg.KillAsGroup}
	st.Due = now.Add(max(cfg.StopWait, minKillWait))
	if st.Steps < len(cfg.StopSequence) {
		step := cfg.stopStep(st.Steps)
		next = Kill{step.Signal, cfg.StopAsGroup}
		st.Due = now.Add(step.Wait)
		st.Steps++
	}
	return st, []Effect{
		Say{What: OutlivedStop, PID: st.PID, Signal: next.Signal},
		Say{What: Signals, PID: st.PID, Signal: next.Signal, Group: next.Group},
		next,
	}
}

// minKillWait keeps stopwaitsecs=0 from sending SIGKILL without a pause to a
// child that is on its way out but not yet gone.
const minKillWait = 100 * time.Millisecond

// onExit says what the end of the child means.
func onExit(cfg *Policy, st Status, now time.Time, how Exit) (Status, []Effect) {
	from, pid := st.State, st.PID
	expected := slices.Contains(cfg.ExitCodes, how.Code)
	if pid == 0 {
		return st, nil // it was told of already
	}
	switch st.State {
	case xmlrpc.Stopping:
		st.State, st.Due, st.PID, st.Stopped, st.Exit = xmlrpc.Stopped, time.Time{}, 0, now, how.Code
		return st, []Effect{
			Announce{From: from, To: xmlrpc.Stopped, PID: pid},
			Say{What: HasStopped, Text: how.Text, Expected: expected},
		}
	case xmlrpc.Starting:
		if st.Ailing != "" || cfg.Readiness || now.Before(st.Due) {
			why := tooQuickly
			if st.Ailing != "" {
				why = st.Ailing
			}
			st.PID, st.Stopped, st.Ailing = 0, now, ""
			st, effects := backOff(cfg, st, now, why)
			return st, append(effects, Say{What: HasExited, Text: how.Text})
		}
		// It stayed up for startsecs after all; only the timer comes later than
		// the news of its end.
		up := []Effect{Announce{From: from, To: xmlrpc.Running, PID: pid}}
		if cfg.StartSecs == 0 {
			st, up = comeUp(st, now)
		}
		st, effects := end(cfg, st, now, pid, how, expected)
		return st, append(up, effects...)
	case xmlrpc.Running:
		return end(cfg, st, now, pid, how, expected)
	case xmlrpc.Unknown:
		st.PID, st.Stopped = 0, now // final: nobody can say what it was doing
	}
	return st, nil
}

// end is the end of a child that was up and was not asked to stop.
func end(cfg *Policy, st Status, now time.Time, pid int, how Exit, expected bool) (Status, []Effect) {
	st.State, st.Due, st.PID, st.Stopped = xmlrpc.Exited, time.Time{}, 0, now
	st.Tries, st.Exit, st.SpawnErr = 0, how.Code, ""
	expected = expected && st.Ailing == ""
	switch {
	case st.Ailing != "":
		st.SpawnErr, st.Ailing = st.Ailing, ""
	case !expected:
		st.SpawnErr = "Bad exit code " + strconv.Itoa(how.Code)
	}
	effects := []Effect{
		Announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: pid, Expected: expected},
		Say{What: HasExited, Text: how.Text, Expected: expected},
	}
	if cfg.Autorestart != RestartAlways && (cfg.Autorestart != RestartUnexpected || expected) {
		return st, effects
	}
	life := now.Sub(st.Started)
	var running time.Duration
	if !st.Up.Before(st.Started) {
		running = now.Sub(st.Up)
	}
	var next backoff.Verdict
	st.Restarts, next = backoff.Next(&cfg.Restart, st.Restarts, backoff.End{Up: true, Running: running, Life: life}, now, cfg.random(now))
	if !next.Fatal {
		st.Due = now.Add(next.Delay)
		return st, effects
	}
	st, overdue := onOverdue(cfg, st, now, next.Reason)
	return st, append(effects, overdue...)
}

// comeUp is the step from STARTING to RUNNING.
func comeUp(st Status, now time.Time) (Status, []Effect) {
	st.State, st.Due, st.Up, st.Tries = xmlrpc.Running, time.Time{}, now, 0
	return st, []Effect{
		Announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: st.PID},
		Say{What: CameUp},
	}
}

// tooManyTries is why FATAL follows the last failed start, in Supervisor's words.
const tooManyTries = "too many start retries too quickly"

// backOff is a failed start: the n-th in a row waits n seconds for the next, or what
// the restart policy says, and after the last there is nothing to wait for.
func backOff(cfg *Policy, st Status, now time.Time, why string) (Status, []Effect) {
	was := st.Restarts
	was.Failed = st.Tries
	var next backoff.Verdict
	st.Restarts, next = backoff.Next(&cfg.Restart, was, backoff.End{}, now, cfg.random(now))
	st.Restarts.Failed = 0 // that is Tries
	st.State, st.SpawnErr, st.Due = xmlrpc.Backoff, why, now
	st.Tries++
	switch {
	case !next.Fatal:
		st.Due = now.Add(next.Delay)
	case next.Reason != "":
		st.SpawnErr, st.GivenUp, st.RetryIn = next.Reason, next.Reason, next.Delay
	default:
		st.GivenUp, st.RetryIn = tooManyTries, next.Delay
	}
	return st, []Effect{Announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: st.Tries}}
}
