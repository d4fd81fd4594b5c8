package supervise

import (
	"slices"
	"strconv"
	"syscall"
	"time"

	"supervisor/supervise/life"
	"supervisor/xmlrpc"
)

// status is what the life cycle of a process is about. The zero value is a
// process that was never started and is not going to be.
type status struct {
	State    xmlrpc.State
	Due      time.Time // when timeUp comes; zero for never
	Started  time.Time // last attempt to start, also a failed one; zero for never
	Stopped  time.Time // when a child was last seen to have ended; zero for never
	PID      int       // 0 without a child; STARTING has none until its start is decided
	Tries    int       // failed starts in a row; a stop does not reset it
	Exit     int       // exit status of the last child; -1 after death by a signal
	SpawnErr string    // why the last start failed, or what was wrong with the last exit
	Brief    int       // lives in a row that were brief and ended by themselves
	Pauses   int       // of the restart policy, since somebody asked for a start or it was up for long
}

// input is something that happens to a process.
type input interface{ isInput() }

type (
	// startAsked: somebody wants the process up.
	startAsked struct{}
	// stopAsked: somebody wants it down.
	stopAsked struct{}
	// spawned: the start that a spawn effect asked for has a child.
	spawned struct{ PID int }
	// spawnFailed: it has none, and why.
	spawnFailed struct{ Text string }
	// forked: the start that was to be called off has a child already, which has not
	// executed its program yet.
	forked struct{ PID int }
	// calledOff: no child has come of a start that was to be called off, or it has ended
	// without executing its program.
	calledOff struct{}
	// exited: the child has ended and its last output is in the log.
	exited struct{ Status exitStatus }
	// timeUp: status.Due has passed.
	timeUp struct{}
	// killFailed: the system refused to signal the child.
	killFailed struct{ Text string }
	// gaveUp: supervisord is going down, nothing will be retried.
	gaveUp struct{}
)

func (startAsked) isInput()  {}
func (stopAsked) isInput()   {}
func (spawned) isInput()     {}
func (spawnFailed) isInput() {}
func (forked) isInput()      {}
func (calledOff) isInput()   {}
func (exited) isInput()      {}
func (timeUp) isInput()      {}
func (killFailed) isInput()  {}
func (gaveUp) isInput()      {}

// effect is something that has to be done about a process.
type effect interface{ isEffect() }

type (
	// spawn: start a child, and once that is decided feed in spawned or spawnFailed.
	spawn struct{}
	// callOff: do not start the child, and feed in calledOff, or forked if there is one.
	callOff struct{}
	// kill: send Signal to the child, or to its process group.
	kill struct {
		Signal syscall.Signal
		Group  bool
	}
	// announce: raise the PROCESS_STATE event of this change. Tries, PID and
	// Expected are used by the events that carry them.
	announce struct {
		From, To xmlrpc.State
		Tries    int
		PID      int
		Expected bool
	}
	// say: tell of what happened, in the main log. PID, Signal with Group, Text and
	// Expected are set for those events that have them.
	say struct {
		What     happening
		PID      int
		Signal   syscall.Signal
		Group    bool
		Text     string // why a start failed, or how the child ended
		Expected bool
	}
)

func (spawn) isEffect()    {}
func (callOff) isEffect()  {}
func (kill) isEffect()     {}
func (announce) isEffect() {}
func (say) isEffect()      {}

// happening is what can be told of a process.
type happening int

const (
	startFailed    happening = iota // there is no child: Text
	alreadyUp                       // a start was asked for in vain
	hasSpawned                      // there is a child: PID
	signals                         // it is about to be sent Signal: PID, Group
	outlivedStop                    // it did not end within stopwaitsecs: PID
	cameUp                          // it is RUNNING
	hasExited                       // it ended by itself: Text, Expected
	hasStopped                      // it ended when asked to: Text, Expected
	stoppedEarly                    // so, before its program ran
	stoppedWaiting                  // a stop in BACKOFF
	gaveUpStarts                    // it is FATAL
)

// exitStatus is how a child ended.
type exitStatus struct {
	Code int    // -1 unless it exited by itself
	Text string // "exit status 1", "terminated by SIGTERM"
}

const tooQuickly = "Exited too quickly (process log may have details)"

// next is the life cycle of one process: what it becomes, and what has to be
// done about it, when in happens at now. It does no I/O and reads no clock. A
// state that in means nothing to is returned as it is.
//
// A state from which a start is due by itself (STOPPED with autostart, EXITED
// with autorestart, BACKOFF) has Due set, and timeUp starts it; whoever wants no
// more starts, withholds timeUp.
//
// After Supervisor's process.py: spawn, stop, kill, finish and transition.
func next(cfg *life.Policy, st status, now time.Time, in input) (status, []effect) {
	switch in := in.(type) {
	case startAsked:
		if st.State.Down() {
			st.Brief, st.Pauses = 0, 0
		}
		return onStart(cfg, st, now)
	case spawned:
		return onSpawned(cfg, st, now, in.PID)
	case spawnFailed:
		if st.State != xmlrpc.Starting {
			return st, nil
		}
		st, effects := backOff(cfg, st, now, in.Text)
		return st, append([]effect{say{What: startFailed, Text: in.Text}}, effects...)
	case forked:
		return onForked(cfg, st, in.PID)
	case calledOff:
		return onCalledOff(st, now)
	case stopAsked:
		return onStop(cfg, st, now)
	case exited:
		return onExit(cfg, st, now, in.Status)
	case timeUp:
		return onTime(cfg, st, now)
	case killFailed:
		if !st.State.Signallable() {
			return st, nil
		}
		from := st.State
		st.State, st.Due, st.SpawnErr = xmlrpc.Unknown, time.Time{}, in.Text
		return st, []effect{announce{From: from, To: xmlrpc.Unknown}}
	case gaveUp:
		if st.State != xmlrpc.Backoff {
			return st, nil
		}
		st.State, st.Due = xmlrpc.Fatal, time.Time{}
		return st, []effect{announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal}}
	}
	return st, nil
}

// onStart begins a start where there is no child yet.
func onStart(cfg *life.Policy, st status, now time.Time) (status, []effect) {
	switch st.State {
	case xmlrpc.Stopped, xmlrpc.Exited, xmlrpc.Fatal, xmlrpc.Backoff:
		from := st.State
		st.State, st.Started, st.Due = xmlrpc.Starting, now, time.Time{}
		st.Exit, st.SpawnErr = 0, ""
		return st, []effect{announce{From: from, To: xmlrpc.Starting, Tries: st.Tries}, spawn{}}
	case xmlrpc.Unknown:
		return st, nil
	}
	return st, []effect{say{What: alreadyUp}}
}

// onSpawned begins the wait for startsecs. Without one timeUp is due at once, but
// after all that is due already: what starts by itself starts together, and only
// then comes up.
func onSpawned(cfg *life.Policy, st status, now time.Time, pid int) (status, []effect) {
	if st.State != xmlrpc.Starting {
		return st, nil
	}
	st.PID = pid
	st.Due = now.Add(cfg.StartSecs)
	return st, []effect{say{What: hasSpawned, PID: pid}}
}

// onForked asks a child to end that was to be stopped before it was there.
func onForked(cfg *life.Policy, st status, pid int) (status, []effect) {
	if st.State != xmlrpc.Stopping || st.PID != 0 {
		return st, nil
	}
	st.PID = pid
	return st, []effect{
		say{What: hasSpawned, PID: pid},
		say{What: signals, PID: pid, Signal: cfg.StopSignal, Group: cfg.StopAsGroup},
		kill{cfg.StopSignal, cfg.StopAsGroup},
	}
}

// onCalledOff ends a start of which nothing has come.
func onCalledOff(st status, now time.Time) (status, []effect) {
	if st.State != xmlrpc.Stopping {
		return st, nil
	}
	pid := st.PID
	st.State, st.Due, st.PID, st.Stopped = xmlrpc.Stopped, time.Time{}, 0, now
	return st, []effect{
		announce{From: xmlrpc.Stopping, To: xmlrpc.Stopped, PID: pid},
		say{What: stoppedEarly},
	}
}

// onStop asks the child to end, or calls off the next attempt to start one.
func onStop(cfg *life.Policy, st status, now time.Time) (status, []effect) {
	from := st.State
	switch st.State {
	case xmlrpc.Starting, xmlrpc.Running:
		st.State, st.Due = xmlrpc.Stopping, now.Add(cfg.StopWait)
		if st.PID == 0 { // its start is under way
			return st, []effect{announce{From: from, To: xmlrpc.Stopping}, callOff{}}
		}
		return st, []effect{
			say{What: signals, PID: st.PID, Signal: cfg.StopSignal, Group: cfg.StopAsGroup},
			announce{From: from, To: xmlrpc.Stopping, PID: st.PID},
			kill{cfg.StopSignal, cfg.StopAsGroup},
		}
	case xmlrpc.Backoff:
		st.State, st.Due = xmlrpc.Stopped, time.Time{}
		return st, []effect{
			say{What: stoppedWaiting},
			announce{From: from, To: xmlrpc.Stopped},
		}
	case xmlrpc.Stopped, xmlrpc.Exited:
		st.Due = time.Time{} // a start that was due is called off
	}
	return st, nil
}

// onTime does what was put off until now.
func onTime(cfg *life.Policy, st status, now time.Time) (status, []effect) {
	switch st.State {
	case xmlrpc.Starting: // stayed up for startsecs
		return comeUp(st)
	case xmlrpc.Stopping: // outlived stopwaitsecs, and will be asked again
		st.Due = now.Add(max(cfg.StopWait, minKillWait))
		return st, []effect{
			say{What: outlivedStop, PID: st.PID},
			say{What: signals, PID: st.PID, Signal: syscall.SIGKILL, Group: cfg.KillAsGroup},
			kill{syscall.SIGKILL, cfg.KillAsGroup},
		}
	case xmlrpc.Backoff:
		if st.Tries > cfg.StartRetries {
			st.State, st.Due, st.Tries = xmlrpc.Fatal, time.Time{}, 0
			return st, []effect{
				announce{From: xmlrpc.Backoff, To: xmlrpc.Fatal},
				say{What: gaveUpStarts},
			}
		}
		return onStart(cfg, st, now)
	case xmlrpc.Stopped, xmlrpc.Exited: // autostart, autorestart
		return onStart(cfg, st, now)
	}
	return st, nil
}

// minKillWait keeps stopwaitsecs=0 from sending SIGKILL without a pause to a
// child that is on its way out but not yet gone.
const minKillWait = 100 * time.Millisecond

// onExit says what the end of the child means.
func onExit(cfg *life.Policy, st status, now time.Time, how exitStatus) (status, []effect) {
	from, pid := st.State, st.PID
	expected := slices.Contains(cfg.ExitCodes, how.Code)
	switch st.State {
	case xmlrpc.Stopping:
		st.State, st.Due, st.PID, st.Stopped, st.Exit = xmlrpc.Stopped, time.Time{}, 0, now, how.Code
		return st, []effect{
			announce{From: from, To: xmlrpc.Stopped, PID: pid},
			say{What: hasStopped, Text: how.Text, Expected: expected},
		}
	case xmlrpc.Starting:
		st.PID, st.Stopped = 0, now
		if now.Before(st.Due) {
			st, effects := backOff(cfg, st, now, tooQuickly)
			return st, append(effects, say{What: hasExited, Text: how.Text})
		}
		// It stayed up for startsecs after all; only the timer comes later than
		// the news of its end.
		up := []effect{announce{From: from, To: xmlrpc.Running, PID: pid}}
		if cfg.StartSecs == 0 {
			st.PID = pid
			st, up = comeUp(st)
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

// A life is brief if it ends within briefLife, and after maxBrief of them in a row the
// next start waits until that is over: a program that cannot work would else fill its
// log, and ours, with the same lines a thousand times a second.
const (
	briefLife = time.Second
	maxBrief  = 10
)

// restartDue is when a child that was up is followed by the next.
func restartDue(cfg *life.Policy, st *status, now time.Time) time.Time {
	life := now.Sub(st.Started)
	if life < briefLife {
		st.Brief++
	} else {
		st.Brief = 0
	}
	if cfg.Restart != nil {
		if life-cfg.StartSecs >= cfg.Restart.Reset {
			st.Pauses = 0
		}
		st.Pauses++
		return now.Add(cfg.Restart.Pause(st.Pauses, cfg.Seed, now))
	}
	if st.Brief >= maxBrief && life < briefLife {
		return st.Started.Add(briefLife)
	}
	return now
}

// end is the end of a child that was up and was not asked to stop.
func end(cfg *life.Policy, st status, now time.Time, pid int, how exitStatus, expected bool) (status, []effect) {
	st.State, st.Due, st.PID, st.Stopped = xmlrpc.Exited, time.Time{}, 0, now
	st.Tries, st.Exit, st.SpawnErr = 0, how.Code, ""
	if !expected {
		st.SpawnErr = "Bad exit code " + strconv.Itoa(how.Code)
	}
	if cfg.Autorestart == life.RestartAlways || cfg.Autorestart == life.RestartUnexpected && !expected {
		st.Due = restartDue(cfg, &st, now)
	}
	return st, []effect{
		announce{From: xmlrpc.Running, To: xmlrpc.Exited, PID: pid, Expected: expected},
		say{What: hasExited, Text: how.Text, Expected: expected},
	}
}

// comeUp is the step from STARTING to RUNNING.
func comeUp(st status) (status, []effect) {
	st.State, st.Due, st.Tries = xmlrpc.Running, time.Time{}, 0
	return st, []effect{
		announce{From: xmlrpc.Starting, To: xmlrpc.Running, PID: st.PID},
		say{What: cameUp},
	}
}

// backOff is a failed start: the n-th in a row waits n seconds for the next, or what
// the restart policy says, and after the last there is nothing to wait for.
func backOff(cfg *life.Policy, st status, now time.Time, why string) (status, []effect) {
	st.State, st.SpawnErr, st.Due = xmlrpc.Backoff, why, now
	st.Tries++
	switch {
	case st.Tries > cfg.StartRetries:
	case cfg.Restart != nil:
		st.Pauses++
		st.Due = now.Add(cfg.Restart.Pause(st.Pauses, cfg.Seed, now))
	default:
		st.Due = now.Add(time.Duration(st.Tries) * time.Second)
	}
	return st, []effect{announce{From: xmlrpc.Starting, To: xmlrpc.Backoff, Tries: st.Tries}}
}
