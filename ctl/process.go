package ctl

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// verb is what start, stop, signal and clear have in common: a call for one
// process, one for a group, one for all, and words for each result.
type verb struct {
	name string
	done string      // "started"
	fine xmlrpc.Code // the fault that is no reason for an exit status

	// words are the reasons between the brackets of "ERROR (...)". A code without
	// words is an unknown result, but see bare.
	words map[xmlrpc.Code]string
	bare  xmlrpc.Code // the fault whose text stands for itself
	told  xmlrpc.Code // the fault whose text is the reason

	noGroup int // exit status if there is no such group

	each   func(r *xmlrpc.Result) // is told each result, unless nil
	enough func() bool            // nothing more is to be done; nil: all is

	lastLines bool // show how the log of a program ends that has failed
	quiet     bool // no progress: something else is shown

	one   func(ctx context.Context, namespec string) (bool, error)
	group func(ctx context.Context, group string) ([]xmlrpc.Result, error)
	all   func(ctx context.Context) ([]xmlrpc.Result, error)
}

const noSuchProcess = "no such process"

// start starts processes and waits until they run.
func (s *session) start(ctx context.Context, arg string) error {
	names, follow := withoutFollow(strings.Fields(arg))
	names, alone := withoutNoDeps(names)
	if len(names) == 0 {
		return s.nameless("start", exitInvalid)
	}
	if alone {
		return s.startAlone(ctx, names, follow)
	}
	return s.apply(ctx, names, s.startVerb(follow))
}

// nameless says that an action needs the name of a process.
func (s *session) nameless(action string, status int) error {
	s.fail(status, "Error: ", action, " requires a process name")
	s.explain(action)
	return nil
}

// withoutFollow takes the option --follow out of the words of start and restart.
func withoutFollow(words []string) (names []string, follow bool) {
	names = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == followOption })
	return names, len(names) < len(words)
}

const followOption = "--follow"

// startVerb is start, which with follow shows what the programs write meanwhile.
func (s *session) startVerb(follow bool) verb {
	d := s.server
	v := verb{
		name: "start", done: "started", fine: xmlrpc.AlreadyStarted, told: xmlrpc.Failed, noGroup: exitInvalid,
		words: map[xmlrpc.Code]string{
			xmlrpc.BadName:             noSuchProcess,
			xmlrpc.NoFile:              "no such file",
			xmlrpc.NotExecutable:       "file is not executable",
			xmlrpc.AbnormalTermination: "abnormal termination",
			xmlrpc.SpawnError:          "spawn error",
			xmlrpc.AlreadyStarted:      "already started",
		},
		one: func(ctx context.Context, name string) (bool, error) { return d.StartProcess(ctx, name, true) },
		group: func(ctx context.Context, group string) ([]xmlrpc.Result, error) {
			return d.StartProcessGroup(ctx, group, true)
		},
		all: func(ctx context.Context) ([]xmlrpc.Result, error) { return d.StartAllProcesses(ctx, true) },
	}
	if !follow {
		v.lastLines = s.person
		return v
	}
	one, group, all := v.one, v.group, v.all
	v.one = func(ctx context.Context, name string) (bool, error) {
		return following(ctx, s, []string{name}, func(ctx context.Context) (bool, error) { return one(ctx, name) })
	}
	v.group = func(ctx context.Context, name string) ([]xmlrpc.Result, error) {
		return following(ctx, s, s.membersOf(ctx, name, false), func(ctx context.Context) ([]xmlrpc.Result, error) { return group(ctx, name) })
	}
	v.all = func(ctx context.Context) ([]xmlrpc.Result, error) {
		return following(ctx, s, s.membersOf(ctx, "", true), all)
	}
	v.quiet = true
	return v
}

// stop stops processes and waits until they have stopped.
func (s *session) stop(ctx context.Context, arg string) error {
	names := strings.Fields(arg)
	if len(names) == 0 {
		return s.nameless("stop", exitFailed)
	}
	return s.apply(ctx, names, s.stopVerb())
}

func (s *session) stopVerb() verb {
	d := s.server
	return verb{
		name: "stop", done: "stopped", fine: xmlrpc.NotRunning, bare: xmlrpc.Failed, noGroup: exitFailed,
		words: map[xmlrpc.Code]string{
			xmlrpc.BadName:    noSuchProcess,
			xmlrpc.NotRunning: "not running",
		},
		one: func(ctx context.Context, name string) (bool, error) { return d.StopProcess(ctx, name, true) },
		group: func(ctx context.Context, group string) ([]xmlrpc.Result, error) {
			return d.StopProcessGroup(ctx, group, true)
		},
		all: func(ctx context.Context) ([]xmlrpc.Result, error) { return d.StopAllProcesses(ctx, true) },
	}
}

// signal sends a signal to processes.
func (s *session) signal(ctx context.Context, arg string) error {
	words := strings.Fields(arg)
	if len(words) < 2 {
		s.fail(exitFailed, "Error: signal requires a signal name and a process name")
		s.explain("signal")
		return nil
	}
	d, sig := s.server, words[0]
	return s.apply(ctx, words[1:], verb{
		name: "signal", done: "signalled", bare: xmlrpc.Failed, noGroup: exitFailed,
		words: map[xmlrpc.Code]string{
			xmlrpc.BadName:    noSuchProcess,
			xmlrpc.BadSignal:  "bad signal name",
			xmlrpc.NotRunning: "not running",
		},
		one: func(ctx context.Context, name string) (bool, error) { return d.SignalProcess(ctx, name, sig) },
		group: func(ctx context.Context, group string) ([]xmlrpc.Result, error) {
			return d.SignalProcessGroup(ctx, group, sig)
		},
		all: func(ctx context.Context) ([]xmlrpc.Result, error) { return d.SignalAllProcesses(ctx, sig) },
	})
}

// clear empties the logs of processes. There is no such call for a group.
func (s *session) clear(ctx context.Context, arg string) error {
	names := strings.Fields(arg)
	if len(names) == 0 {
		return s.nameless("clear", exitFailed)
	}
	return s.apply(ctx, names, verb{
		name: "clear", done: "cleared",
		words: map[xmlrpc.Code]string{
			xmlrpc.BadName: noSuchProcess,
			xmlrpc.Failed:  "failed",
		},
		one: s.server.ClearProcessLogs,
		all: s.server.ClearAllProcessLogs,
	})
}

// apply carries out v for each name in turn, or once for all.
func (s *session) apply(ctx context.Context, names []string, v verb) error {
	if slices.Contains(names, "all") {
		s.flush()
		results, err := s.withProgress(ctx, v, v.all)
		if err != nil {
			return err
		}
		return s.report(ctx, v, results)
	}
	var table *processTable
	for _, name := range names {
		if v.enough != nil && v.enough() {
			return nil
		}
		s.flush() // the call may take its time
		found, err := s.applyOne(ctx, name, v, false)
		if err != nil {
			return err
		}
		if found {
			continue
		}
		// Nothing is called so. Only now may it be a pattern.
		matches, err := s.matches(ctx, &table, name)
		if err != nil {
			return err
		}
		if len(matches) == 0 {
			matches = []string{name}
		}
		for _, match := range matches {
			if v.enough != nil && v.enough() {
				return nil
			}
			s.flush()
			if _, err := s.applyOne(ctx, match, v, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// applyOne carries out v for one name or one whole group. found is false if
// there is none and the name may be a pattern; that is not reported unless
// literal is set.
func (s *session) applyOne(ctx context.Context, name string, v verb, literal bool) (found bool, err error) {
	group, process, whole := xmlrpc.SplitNamespec(name)
	if whole && v.group != nil {
		results, err := v.group(ctx, group)
		switch {
		case err == nil:
			return true, s.report(ctx, v, results)
		case faultCode(err) != xmlrpc.BadName:
			return true, err
		case !literal && isPattern(name):
			return false, nil
		}
		s.fail(v.noGroup, group, ": ERROR (no such group)")
		s.suggest(ctx, name, someProcesses)
		return true, nil
	}
	if whole { // as Supervisor says it
		process = "None"
	}
	r := xmlrpc.Result{Name: process, Group: group, Status: xmlrpc.Success}
	if _, err := v.one(ctx, name); err != nil {
		fault, ok := err.(*xmlrpc.Fault)
		if !ok {
			return true, err
		}
		if fault.Code == xmlrpc.BadName && !literal && isPattern(name) {
			return false, nil
		}
		r.Status, r.Description = fault.Code, fault.Text
	}
	err = s.report(ctx, v, []xmlrpc.Result{r})
	if r.Status == xmlrpc.BadName {
		s.suggest(ctx, name, someProcesses)
	}
	return true, err
}

// report prints one line for each result and sets the exit status by them.
func (s *session) report(ctx context.Context, v verb, results []xmlrpc.Result) error {
	failed := 0
	for i := range results {
		r := &results[i]
		if v.each != nil {
			v.each(r)
		}
		switch r.Status {
		case xmlrpc.Success, v.fine:
		case xmlrpc.SpawnError, xmlrpc.AbnormalTermination, xmlrpc.NotRunning:
			s.status = exitNotRunning
		default:
			s.status = exitFailed
		}
		words, known := v.words[r.Status]
		if why, ok := strings.CutPrefix(r.Description, "SPAWN_ERROR: "); ok && strings.HasPrefix(why, "dependency ") {
			words = why // what our supervisord says more than Supervisor's
		}
		switch {
		case r.Status == xmlrpc.Success:
			s.say(r.Namespec(), ": ", v.done)
		case known:
			s.say(r.Namespec(), ": ERROR (", words, ")")
		case r.Status == v.bare:
			s.say(r.Description)
		case r.Status == v.told:
			s.say(r.Namespec(), ": ERROR (", strings.TrimPrefix(r.Description, "FAILED: "), ")")
		default:
			return valueError("Unknown result code " + strconv.Itoa(int(r.Status)) + " for " + r.Namespec())
		}
		if v.lastLines && (r.Status == xmlrpc.SpawnError || r.Status == xmlrpc.AbnormalTermination) {
			if failed++; failed <= 3 { // more would hide the lines above
				s.lastLines(ctx, r.Namespec())
			}
		}
	}
	return nil
}

// isPattern reports whether name can stand for several processes. A whole group
// is none: "web:*" has a meaning of its own.
func isPattern(name string) bool {
	group, process, whole := xmlrpc.SplitNamespec(name)
	if whole {
		process = ""
	}
	return strings.ContainsAny(group+process, "*?[")
}

// matches returns the processes whose name fits a pattern, in the server's
// order; none if name is no pattern. It asks the server once.
func (s *session) matches(ctx context.Context, table **processTable, name string) ([]string, error) {
	if !isPattern(name) {
		return nil, nil
	}
	if *table == nil {
		infos, err := s.server.AllProcessInfo(ctx)
		if err != nil {
			return nil, err
		}
		*table = newProcessTable(infos)
	}
	var names []string
	for _, info := range (*table).matching(name) {
		names = append(names, info.Namespec())
	}
	return names, nil
}

// processTable finds processes by the names people use. Making it and looking
// something up take no time that grows with the other.
type processTable struct {
	all     []xmlrpc.ProcessInfo
	byName  map[[2]string]*xmlrpc.ProcessInfo // by group and name
	byGroup map[string][]*xmlrpc.ProcessInfo
}

func newProcessTable(infos []xmlrpc.ProcessInfo) *processTable {
	t := &processTable{
		all:     infos,
		byName:  make(map[[2]string]*xmlrpc.ProcessInfo, len(infos)),
		byGroup: make(map[string][]*xmlrpc.ProcessInfo),
	}
	for i := range infos {
		info := &infos[i]
		t.byName[[2]string{info.Group, info.Name}] = info
		t.byGroup[info.Group] = append(t.byGroup[info.Group], info)
	}
	return t
}

// named returns what name stands for: a process, a whole group or, where
// nothing is called so, what fits it as a pattern.
func (t *processTable) named(name string) []*xmlrpc.ProcessInfo {
	group, process, whole := xmlrpc.SplitNamespec(name)
	if whole {
		if infos := t.byGroup[group]; infos != nil {
			return infos
		}
	} else if info := t.byName[[2]string{group, process}]; info != nil {
		return []*xmlrpc.ProcessInfo{info}
	}
	if isPattern(name) {
		return t.matching(name)
	}
	return nil
}

// matching returns the processes that fit a pattern, in the server's order.
func (t *processTable) matching(pattern string) []*xmlrpc.ProcessInfo {
	if group, _, whole := xmlrpc.SplitNamespec(pattern); whole {
		pattern = group + ":*"
	}
	var found []*xmlrpc.ProcessInfo
	for i := range t.all {
		info := &t.all[i]
		if inifile.MatchName(pattern, info.Namespec()) || inifile.MatchName(pattern, info.Group+":"+info.Name) {
			found = append(found, info)
		}
	}
	return found
}

// pid prints the process id of the server, of named processes or of all.
func (s *session) pid(ctx context.Context, arg string) error {
	names := strings.Fields(arg)
	if len(names) == 0 {
		pid, err := s.server.PID(ctx)
		if err == nil {
			s.say(strconv.Itoa(pid))
		}
		return err
	}
	if slices.Contains(names, "all") {
		infos, err := s.server.AllProcessInfo(ctx)
		for i := range infos {
			s.say(strconv.Itoa(infos[i].PID))
		}
		return err
	}
	for _, name := range names {
		info, err := s.server.ProcessInfo(ctx, name)
		switch {
		case faultCode(err) == xmlrpc.BadName:
			s.fail(exitFailed, "No such process ", name)
			s.suggest(ctx, name, aProcessOrAll)
		case err != nil:
			return err
		case info.PID == 0:
			s.fail(exitNotRunning, "0")
		default:
			s.say(strconv.Itoa(info.PID))
		}
	}
	return nil
}
