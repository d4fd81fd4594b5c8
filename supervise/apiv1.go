package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
	"supervisor/supervise/order"
	jsonapi "supervisor/web/api"
	"supervisor/xmlrpc"
)

// apiV1 is what the JSON API can ask for: what the remote interface has no method for.
type apiV1 struct {
	*API
	started time.Time // when the round began
}

// Overview returns what there is to say of supervisord itself.
func (v apiV1) Overview(ctx context.Context) (jsonapi.Overview, error) {
	return ask(ctx, v.API, func(time.Time) (jsonapi.Overview, error) {
		o := jsonapi.Overview{
			Version: v.version, Identifier: v.s.cfg.Identifier, PID: os.Getpid(), Started: v.started,
			States: map[xmlrpc.State]int{},
		}
		v.s.table.each(func(p *process) { o.States[p.State]++ })
		return o, nil
	})
}

// detail is a process as it was at one moment, with more than XML-RPC shows.
type detail struct {
	view
	how     life.Exit
	said    string
	givenUp bool // as long as it is in BACKOFF: FATAL comes next
	ready   bool
	well    bool
	depends []dependency
}

// dependency is what a process depends on, and what of it holds.
type dependency struct {
	name        string
	wants, held order.Conditions
}

func (s *Supervisor) detail(p *process) detail {
	d := detail{
		view: s.view(p), how: p.how, said: p.said, givenUp: p.GivenUp != "", well: p.well,
		ready: p.State == xmlrpc.Running && p.healthy(),
	}
	if p.dependent > 0 {
		for _, e := range s.depends.graph.Needs(p.dependent - 1) {
			d.depends = append(d.depends, dependency{s.depends.graph.Name(e.Program), e.Conditions, s.depends.board.Holds(e.Program)})
		}
	}
	return d
}

// Programs returns those that one of names stands for, or all without any. Fault: BAD_NAME
// if one stands for nothing.
func (v apiV1) Programs(ctx context.Context, names []string) ([]jsonapi.Program, error) {
	var now time.Time
	details, err := ask(ctx, v.API, func(moment time.Time) ([]detail, error) {
		now = moment
		all := make([]detail, 0, v.s.table.size())
		v.s.table.each(func(p *process) { all = append(all, v.s.detail(p)) })
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	keys := make([]processKey, len(details))
	for i := range details {
		keys[i] = processKey{details[i].cfg.Group, details[i].cfg.Name}
	}
	chosen := make([]bool, len(details))
	for _, name := range names {
		found := choose(name, keys)
		if found == nil {
			return nil, xmlrpc.NewFault(xmlrpc.BadName, name)
		}
		for _, i := range found {
			chosen[i] = true
		}
	}
	programs := make([]jsonapi.Program, 0, len(details))
	for i := range details {
		if chosen[i] || len(names) == 0 {
			programs = append(programs, details[i].program(now))
		}
	}
	slices.SortFunc(programs, func(x, y jsonapi.Program) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name))
	})
	return programs, v.logs().Do(ctx, func() { measureLogs(programs) })
}

// program is what clients see of a process.
func (d *detail) program(now time.Time) jsonapi.Program {
	p := jsonapi.Program{
		Name: d.cfg.Name, Group: d.cfg.Group, State: d.State, PID: d.PID, Start: d.Started, Stop: d.Stopped,
		Uptime: now.Sub(d.Started), Restarts: max(d.spawns-1, 0), Ended: d.ended, ExitStatus: d.how.Code,
		SpawnErr: d.SpawnErr, Description: d.description(now), Status: d.said, Ready: d.ready,
		Checked: d.cfg.Health.Set(), Well: d.well, Ill: d.ill, WaitingFor: d.waiting,
	}
	startsAgain := d.State.Down() || d.State == xmlrpc.Backoff && !d.givenUp
	if startsAgain && d.waiting == "" && d.Due.After(now) {
		p.NextStart = d.Due
	}
	for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
		p.Logs[ch] = jsonapi.Log{Path: d.logPaths[ch], Size: -1}
	}
	for _, on := range d.depends {
		p.DependsOn = append(p.DependsOn, jsonapi.Dependency{Name: on.name, Conditions: on.wants.String(), Met: on.wants&^on.held == 0})
	}
	return p
}

// measureLogs finds out how large logs are. It waits for the disk.
func measureLogs(programs []jsonapi.Program) {
	for i := range programs {
		for ch := range programs[i].Logs {
			l := &programs[i].Logs[ch]
			if l.Path == "" {
				continue
			}
			if info, err := os.Stat(l.Path); err == nil && info.Mode().IsRegular() {
				l.Size = info.Size()
			}
		}
	}
}

// processKey is a process by name, for other goroutines than the loop.
type processKey struct{ group, name string }

// choose returns which of keys a NAMESPEC stands for: a process, a whole group, all, or
// where nothing is called so, what fits it as a pattern. Nil: nothing.
func choose(namespec string, keys []processKey) []int {
	group, name, whole := xmlrpc.SplitNamespec(namespec)
	pick := func(fits func(k processKey) bool) []int {
		var found []int
		for i, k := range keys {
			if fits(k) {
				found = append(found, i)
			}
		}
		return found
	}
	var found []int
	if whole {
		found = pick(func(k processKey) bool { return k.group == group })
	} else {
		found = pick(func(k processKey) bool { return k.group == group && k.name == name })
	}
	switch {
	case found != nil:
		return found
	case namespec == "all":
		return pick(func(processKey) bool { return true })
	case !strings.ContainsAny(namespec, "*?["):
		return nil
	case whole:
		return pick(func(k processKey) bool { return inifile.MatchName(group, k.group) })
	}
	return pick(func(k processKey) bool {
		return inifile.MatchName(namespec, xmlrpc.Namespec(k.group, k.name)) || inifile.MatchName(namespec, k.group+":"+k.name)
	})
}

// resolve selects the processes that a NAMESPEC stands for, in order of priority, and says
// whether it is the name of one. Fault: BAD_NAME.
func (v apiV1) resolve(ctx context.Context, namespec string) (whom selection, one bool, err error) {
	var keys []processKey
	processes, err := ask(ctx, v.API, func(time.Time) ([]*process, error) {
		all := v.s.table.all()
		for _, p := range all {
			keys = append(keys, processKey{p.cfg.Group, p.cfg.Name})
		}
		return all, nil
	})
	if err != nil {
		return nil, false, err
	}
	found := choose(namespec, keys)
	if found == nil && !(namespec == "all" && len(keys) == 0) {
		return nil, false, xmlrpc.NewFault(xmlrpc.BadName, namespec)
	}
	chosen := make([]*process, 0, len(found))
	for _, i := range found {
		chosen = append(chosen, processes[i])
	}
	group, name, whole := xmlrpc.SplitNamespec(namespec)
	one = len(found) == 1 && !whole && keys[found[0]] == processKey{group, name}
	return func() ([]*process, error) { return slices.Clone(chosen), nil }, one, nil
}

// StartPrograms starts programs; that one is up already is as good.
func (v apiV1) StartPrograms(ctx context.Context, namespec string, c jsonapi.Change) ([]jsonapi.Result, error) {
	whom, _, err := v.resolve(ctx, namespec)
	if err != nil {
		return nil, err
	}
	results, err := v.change(ctx, whom, c, v.startWith(c))
	return judged(results, xmlrpc.AlreadyStarted), err
}

// startWith begins a start.
func (v apiV1) startWith(c jsonapi.Change) request {
	return func(p *process, _ time.Time, wait bool, reply chan outcome) (bool, *xmlrpc.Fault) {
		v.s.starts.ask(p, wish{wait: wait, alone: c.NoDeps, reply: reply})
		return true, nil
	}
}

// StopPrograms stops programs; that one is down already is as good.
func (v apiV1) StopPrograms(ctx context.Context, namespec string, c jsonapi.Change) ([]jsonapi.Result, error) {
	whom, _, err := v.resolve(ctx, namespec)
	if err != nil {
		return nil, err
	}
	results, err := v.change(ctx, v.s.leaving(whom), c, v.s.stopAsked)
	return judged(results, xmlrpc.NotRunning), err
}

// RestartPrograms stops programs, and starts them when all have stopped, also if nobody
// waits for that any more.
func (v apiV1) RestartPrograms(ctx context.Context, namespec string, c jsonapi.Change) ([]jsonapi.Result, error) {
	whom, _, err := v.resolve(ctx, namespec)
	if err != nil {
		return nil, err
	}
	type answer struct {
		results []jsonapi.Result
		err     error
	}
	done := make(chan answer, 1)
	go func() { // it ends with the round at the latest
		results, err := v.restart(context.WithoutCancel(ctx), whom, c)
		done <- answer{results, err}
	}()
	limited, cancel := within(ctx, c.Timeout)
	defer cancel()
	select {
	case a := <-done:
		return a.results, a.err
	case <-limited.Done():
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	late := []jsonapi.Result{}
	err = v.each(ctx, whom, func(p *process, _ time.Time) {
		late = append(late, tooLateFor(processKey{p.cfg.Group, p.cfg.Name}, c.Timeout))
	})
	return judged(late, xmlrpc.Success), err
}

func (v apiV1) restart(ctx context.Context, whom selection, c jsonapi.Change) ([]jsonapi.Result, error) {
	stopped, err := v.change(ctx, v.s.leaving(whom), jsonapi.Change{Wait: true}, v.s.stopAsked)
	if err != nil {
		return nil, err
	}
	started, err := v.change(ctx, whom, jsonapi.Change{Wait: c.Wait}, v.startWith(c))
	if err != nil {
		return nil, err
	}
	bad := map[processKey]jsonapi.Result{}
	for _, r := range stopped {
		if r.Code != xmlrpc.Success && r.Code != xmlrpc.NotRunning {
			bad[processKey{r.Group, r.Name}] = r
		}
	}
	for i, r := range started {
		if why, ok := bad[processKey{r.Group, r.Name}]; ok {
			started[i] = why
		}
	}
	return judged(started, xmlrpc.Success), nil
}

// SignalPrograms sends a signal to the children of programs. Of many, those without are
// left out. Fault: BAD_SIGNAL.
func (v apiV1) SignalPrograms(ctx context.Context, namespec, signal string) ([]jsonapi.Result, error) {
	sig, fault := parseSignal(signal)
	if fault != nil {
		return nil, fault
	}
	return v.send(ctx, namespec, func(p *process, now time.Time) *xmlrpc.Fault { return v.s.sendSignal(p, now, sig) })
}

// WritePrograms writes to the stdin of programs. Of many, those without a child are left
// out.
func (v apiV1) WritePrograms(ctx context.Context, namespec, data string) ([]jsonapi.Result, error) {
	return v.send(ctx, namespec, func(p *process, _ time.Time) *xmlrpc.Fault { return p.write(p.namespec(), data) })
}

// send does something to the children of programs.
func (v apiV1) send(ctx context.Context, namespec string, do func(p *process, now time.Time) *xmlrpc.Fault) ([]jsonapi.Result, error) {
	whom, one, err := v.resolve(ctx, namespec)
	if err != nil {
		return nil, err
	}
	results := []jsonapi.Result{}
	err = v.each(ctx, whom, func(p *process, now time.Time) {
		if one || p.State.Signallable() {
			results = append(results, resultOf(p.cfg.Group, p.cfg.Name, do(p, now)))
		}
	})
	return judged(results, xmlrpc.Success), err
}

// ClearPrograms empties the logs of programs that run.
func (v apiV1) ClearPrograms(ctx context.Context, namespec string) ([]jsonapi.Result, error) {
	whom, _, err := v.resolve(ctx, namespec)
	if err != nil {
		return nil, err
	}
	var all []*clearing
	err = v.each(ctx, whom, func(p *process, _ time.Time) { all = append(all, v.s.clearLogs(p)) })
	if err != nil {
		return nil, err
	}
	results := []jsonapi.Result{}
	for _, c := range all {
		var fault *xmlrpc.Fault
		if err = c.wait(ctx, v.s.log); err != nil && !errors.As(err, &fault) {
			return nil, err
		}
		results = append(results, resultOf(c.group, c.name, fault))
	}
	return judged(results, xmlrpc.Success), nil
}

// change carries out a request for several processes, and returns the result for each,
// in the order in which it was decided.
func (v apiV1) change(ctx context.Context, whom selection, c jsonapi.Change, begin request) ([]jsonapi.Result, error) {
	results := []jsonapi.Result{}
	pending := map[processKey]bool{}
	var reply chan outcome
	all := func() ([]*process, error) {
		processes, err := whom()
		reply = make(chan outcome, len(processes))
		return processes, err
	}
	err := v.each(ctx, all, func(p *process, now time.Time) {
		undecided, fault := begin(p, now, c.Wait, reply)
		if undecided {
			pending[processKey{p.cfg.Group, p.cfg.Name}] = true
			return
		}
		results = append(results, resultOf(p.cfg.Group, p.cfg.Name, fault))
	})
	if err != nil {
		return nil, err
	}
	limited, cancel := within(ctx, c.Timeout)
	defer cancel()
	for len(pending) > 0 {
		o, err := v.outcome(limited, reply)
		if err != nil && (ctx.Err() != nil || limited.Err() == nil) {
			return nil, err
		}
		if err != nil {
			break
		}
		delete(pending, processKey{o.group, o.name})
		results = append(results, resultOf(o.group, o.name, o.fault))
	}
	for k := range pending {
		results = append(results, tooLateFor(k, c.Timeout))
	}
	return results, nil
}

// within limits a wait; 0 is no limit.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// resultOf is what became of one process.
func resultOf(group, name string, fault *xmlrpc.Fault) jsonapi.Result {
	if fault == nil {
		return jsonapi.Result{Group: group, Name: name, Code: xmlrpc.Success, Detail: "OK"}
	}
	return jsonapi.Result{Group: group, Name: name, Code: fault.Code, Detail: fault.Detail()}
}

// tooLateFor is the result of a process that was not waited for any longer.
func tooLateFor(k processKey, timeout time.Duration) jsonapi.Result {
	return jsonapi.Result{Group: k.group, Name: k.name, Detail: fmt.Sprintf("not done within %v, it goes on", timeout)}
}

// judged puts results in order and says which of them are as they were to be: success, and
// what is as good.
func judged(results []jsonapi.Result, fine xmlrpc.Code) []jsonapi.Result {
	for i := range results {
		results[i].OK = results[i].Code == xmlrpc.Success || results[i].Code == fine
	}
	slices.SortFunc(results, func(x, y jsonapi.Result) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name))
	})
	return results
}
