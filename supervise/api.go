package supervise

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// API is what clients can ask of a Supervisor: one method for each of the remote
// interface. It is safe for concurrent use. A *xmlrpc.Client has the same methods.
//
// Every method but SendRemoteCommEvent answers with the fault SHUTDOWN_STATE
// while supervisord is stopping or restarting; the errors below are meant besides
// that. Methods that wait end early, with the context's error, if ctx does; what
// they asked for goes on.
type API struct {
	s       *Supervisor
	version string
}

// logs reads logs for clients.
func (a *API) logs() logReader { return logReader{a.s.bounds.reading} }

// ready is the guard of all methods.
func (a *API) ready(context.Context, string) error {
	if Mood(a.s.guard.Load()) != Running {
		return xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
	return nil
}

// ask runs fn on the loop if supervisord is not going down.
func ask[T any](ctx context.Context, a *API, fn func(now time.Time) (T, error)) (T, error) {
	return do(ctx, a.s, func(now time.Time) (T, error) {
		if a.s.mood != Running {
			var zero T
			return zero, xmlrpc.NewFault(xmlrpc.ShutdownState)
		}
		return fn(now)
	})
}

// faultOr turns a nil *xmlrpc.Fault into a nil error.
func faultOr(f *xmlrpc.Fault) error {
	if f == nil {
		return nil
	}
	return f
}

// APIVersion returns the version of the interface, "3.0".
func (a *API) APIVersion(ctx context.Context) (string, error) {
	return "3.0", a.ready(ctx, "")
}

// SupervisorVersion returns the version of Supervisor whose behaviour this is,
// then ours.
func (a *API) SupervisorVersion(ctx context.Context) (string, error) {
	return a.version, a.ready(ctx, "")
}

// Identification returns the identifier of the configuration as last read.
func (a *API) Identification(ctx context.Context) (string, error) {
	return ask(ctx, a, func(time.Time) (string, error) { return a.s.cfg.Identifier, nil })
}

// State returns what supervisord is about; only RUNNING can be seen.
func (a *API) State(ctx context.Context) (xmlrpc.StateInfo, error) {
	return xmlrpc.StateInfo{Code: int(Running), Name: "RUNNING"}, a.ready(ctx, "")
}

// PID returns the process id of supervisord.
func (a *API) PID(ctx context.Context) (int, error) {
	return os.Getpid(), a.ready(ctx, "")
}

// Shutdown stops everything and ends supervisord.
func (a *API) Shutdown(ctx context.Context) (bool, error) {
	return ask(ctx, a, func(now time.Time) (bool, error) {
		a.s.setMood(Shutdown, now)
		return true, nil
	})
}

// Restart stops everything and begins again with the configuration file as it is
// now. Fault CANT_REREAD, with nothing stopped, if it cannot be read.
func (a *API) Restart(ctx context.Context) (bool, error) {
	if err := a.ready(ctx, ""); err != nil {
		return false, err
	}
	err := a.s.restart(ctx)
	var fault *xmlrpc.Fault
	if err != nil && !errors.As(err, &fault) && ctx.Err() == nil {
		err = xmlrpc.NewFault(xmlrpc.CantReread, err.Error())
	}
	return err == nil, err
}

// ReloadConfig reads the configuration file again and returns which groups of it
// are not active, not the same, or gone. Fault: CANT_REREAD.
func (a *API) ReloadConfig(ctx context.Context) (xmlrpc.Changes, error) {
	var none xmlrpc.Changes
	if err := a.ready(ctx, ""); err != nil {
		return none, err
	}
	// Parsing and comparing is the caller's work; the loop only keeps the result.
	cfg, err := a.s.read()
	if err != nil {
		return none, xmlrpc.NewFault(xmlrpc.CantReread, err.Error())
	}
	byName := cfg.ByName()
	active, err := ask(ctx, a, func(time.Time) ([]*config.Group, error) {
		a.s.adopt(cfg, byName)
		return a.s.table.configs(), nil
	})
	return changes(active, cfg, byName), err
}

// adopt makes cfg the configuration as last read, with its groups by name. A group
// that reads the same as before keeps its settings, and so the names of its AUTO logs.
func (s *Supervisor) adopt(cfg *config.Config, byName map[string]*config.Group) {
	s.cfg, s.configured = cfg, byName
	s.depend(cfg)
	s.forgetAutoLogs()
	s.bus.Identifier = cfg.Identifier
}

// changes compares a configuration with what is active.
func changes(active []*config.Group, cfg *config.Config, byName map[string]*config.Group) xmlrpc.Changes {
	var c xmlrpc.Changes
	running := make(map[string]*config.Group, len(active))
	for _, g := range active {
		running[g.Name] = g
		if byName[g.Name] == nil {
			c.Removed = append(c.Removed, g.Name)
		}
	}
	for _, g := range cfg.Groups {
		switch was := running[g.Name]; {
		case was == nil:
			c.Added = append(c.Added, g.Name)
		case !was.Equal(g):
			c.Changed = append(c.Changed, g.Name)
		}
	}
	return c
}

// AddProcessGroup makes a group of the configuration as last read active. If it
// is active already and only the number of its processes has changed, it gets or
// loses the difference, and what stays goes on. Faults: BAD_NAME, ALREADY_ADDED;
// FAILED if its logs or its socket cannot be made.
func (a *API) AddProcessGroup(ctx context.Context, name string) (bool, error) {
	c, err := a.plan(ctx, name)
	if err == nil {
		err = a.apply(ctx, c)
	}
	return err == nil, err
}

// RemoveProcessGroup makes a stopped group inactive. Faults: BAD_NAME,
// STILL_RUNNING.
func (a *API) RemoveProcessGroup(ctx context.Context, name string) (bool, error) {
	return ask(ctx, a, func(time.Time) (bool, error) {
		g := a.s.table.group(name)
		if g == nil {
			return false, xmlrpc.NewFault(xmlrpc.BadName, name)
		}
		if !g.down() {
			return false, xmlrpc.NewFault(xmlrpc.StillRunning, name)
		}
		a.s.removeGroup(g)
		return true, nil
	})
}

// ProcessInfo returns one process. Fault: BAD_NAME.
func (a *API) ProcessInfo(ctx context.Context, namespec string) (xmlrpc.ProcessInfo, error) {
	return ask(ctx, a, func(now time.Time) (xmlrpc.ProcessInfo, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return xmlrpc.ProcessInfo{}, fault
		}
		v := a.s.view(p)
		return v.info(now), nil
	})
}

// AllProcessInfo returns every process, by group and name.
func (a *API) AllProcessInfo(ctx context.Context) ([]xmlrpc.ProcessInfo, error) {
	var now time.Time
	// What is taken on the loop is of one moment, and put into words here.
	views, err := ask(ctx, a, func(moment time.Time) ([]view, error) {
		now = moment
		views := make([]view, 0, a.s.table.size())
		a.s.table.each(func(p *process) { views = append(views, a.s.view(p)) })
		return views, nil
	})
	if err != nil {
		return nil, err
	}
	infos := make([]xmlrpc.ProcessInfo, len(views))
	for i := range views {
		infos[i] = views[i].info(now)
	}
	// Usually they are in order already: groups are made in order of their names.
	byName := func(x, y xmlrpc.ProcessInfo) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name))
	}
	if !slices.IsSortedFunc(infos, byName) {
		slices.SortFunc(infos, byName)
	}
	return infos, nil
}

// ClearLog empties the main log. Faults: NO_FILE, FAILED.
func (a *API) ClearLog(ctx context.Context) (bool, error) {
	if err := a.ready(ctx, ""); err != nil {
		return false, err
	}
	switch err := a.s.log.Clear(ctx); {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrNotExist):
		return false, xmlrpc.NewFault(xmlrpc.NoFile)
	case ctx.Err() != nil:
		return false, err
	default:
		return false, xmlrpc.NewFault(xmlrpc.Failed, err.Error())
	}
}

// ReadProcessLog returns length bytes of a child's log from offset, all that
// follow for length 0, or the last -offset bytes for a negative offset. Channel
// is "stdout" or "stderr". Faults: BAD_NAME, BAD_ARGUMENTS, NO_FILE, FAILED.
func (a *API) ReadProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (string, error) {
	path, err := a.LogPath(ctx, namespec, channel)
	if err != nil {
		return "", err
	}
	return a.logs().read(ctx, path, offset, length)
}

// LogPath returns the file that a child's output goes to, "" for none. Fault:
// BAD_NAME.
func (a *API) LogPath(ctx context.Context, namespec, channel string) (string, error) {
	ch := logs.Stdout
	if channel == logs.Stderr.String() {
		ch = logs.Stderr
	}
	return ask(ctx, a, func(time.Time) (string, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return "", fault
		}
		return p.logPath(ch), nil
	})
}

// MainLogPath returns the file of the main log, "" for none, when what was logged
// before the call is in it; it waits for that a second at most.
func (a *API) MainLogPath(context.Context) string {
	a.s.log.Flush()
	return a.s.log.Path()
}

// ClearProcessLogs empties the logs of a running process; of one that does not
// run it leaves them as they are. Faults: BAD_NAME, FAILED.
func (a *API) ClearProcessLogs(ctx context.Context, namespec string) (bool, error) {
	c, err := ask(ctx, a, func(time.Time) (*clearing, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return nil, fault
		}
		return a.s.clearLogs(p), nil
	})
	if err == nil {
		err = c.wait(ctx, a.s.log)
	}
	return err == nil, err
}

// ClearAllProcessLogs does the same for every process.
func (a *API) ClearAllProcessLogs(ctx context.Context) ([]xmlrpc.Result, error) {
	var all []*clearing
	err := a.each(ctx, a.s.everybody, func(p *process, _ time.Time) { all = append(all, a.s.clearLogs(p)) })
	if err != nil {
		return nil, err
	}
	results := []xmlrpc.Result{}
	for _, c := range all {
		var fault *xmlrpc.Fault
		if err = c.wait(ctx, a.s.log); err != nil && !errors.As(err, &fault) {
			return nil, err
		}
		results = append(results, result(c.group, c.name, fault))
	}
	return results, nil
}

// clearing is the clearing of the logs of one process, which is under way.
type clearing struct {
	group, name string
	logs        []*logs.File
	said        []chan error // for each of them
}

// clearLogs begins to clear the logs of a process; if it does not run there is nothing
// to be cleared.
func (s *Supervisor) clearLogs(p *process) *clearing {
	c := &clearing{group: p.cfg.Group, name: p.cfg.Name}
	for ch, o := range p.outputs {
		if o == nil {
			continue
		}
		o.Clearing.Store(true)
		if p.logs[ch] == nil {
			continue
		}
		said := make(chan error, 1)
		s.poller.Change(p.logs[ch], (*logs.OpenFile).Clear, func(err error) { said <- err })
		c.logs, c.said = append(c.logs, p.logs[ch]), append(c.said, said)
	}
	return c
}

// wait waits until all has been done. Fault: FAILED.
func (c *clearing) wait(ctx context.Context, log *logs.Logger) error {
	for i, said := range c.said {
		select {
		case err := <-said:
			if err != nil {
				log.Crit("cannot clear the log %s of %s: %v", c.logs[i].Path(), c.name, err)
				return xmlrpc.NewFault(xmlrpc.Failed, xmlrpc.Namespec(c.group, c.name))
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// result says of one process what became of it.
func result(group, name string, fault *xmlrpc.Fault) xmlrpc.Result {
	if fault != nil {
		return xmlrpc.Result{Name: name, Group: group, Status: fault.Code, Description: fault.Text}
	}
	return xmlrpc.Result{Name: name, Group: group, Status: xmlrpc.Success, Description: "OK"}
}

// SendProcessStdin writes to the stdin of a process; what its pipe does not take
// at once follows by itself. Faults: BAD_NAME, NOT_RUNNING, NO_FILE if it has
// closed its stdin, FAILED if too much is waiting for it already.
func (a *API) SendProcessStdin(ctx context.Context, namespec, chars string) (bool, error) {
	return ask(ctx, a, func(time.Time) (bool, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return false, fault
		}
		fault = p.write(namespec, chars)
		return fault == nil, faultOr(fault)
	})
}

// write writes to the stdin of a process, which a fault names as namespec.
func (p *process) write(namespec, chars string) *xmlrpc.Fault {
	if p.PID == 0 || p.reaped != nil || p.State == xmlrpc.Stopping {
		return xmlrpc.NewFault(xmlrpc.NotRunning, namespec)
	}
	if p.stdin == nil {
		return xmlrpc.NewFault(xmlrpc.NoFile, namespec)
	}
	switch err := p.stdin.Write([]byte(chars)); {
	case errors.Is(err, syscall.ENOBUFS):
		return xmlrpc.NewFault(xmlrpc.Failed, "too much is waiting to be read by "+namespec)
	case err != nil:
		return xmlrpc.NewFault(xmlrpc.NoFile, namespec)
	}
	return nil
}

// SendRemoteCommEvent raises a REMOTE_COMMUNICATION event, also when stopping.
func (a *API) SendRemoteCommEvent(ctx context.Context, typ, data string) (bool, error) {
	return do(ctx, a.s, func(time.Time) (bool, error) {
		a.s.bus.Raise(event.RemoteCommunication, "type:"+typ+"\n"+data)
		return true, nil
	})
}

// SignalProcess sends a signal, named or numbered, to a process alone. Faults:
// BAD_NAME, BAD_SIGNAL, NOT_RUNNING, FAILED.
func (a *API) SignalProcess(ctx context.Context, namespec, signal string) (bool, error) {
	return ask(ctx, a, func(now time.Time) (bool, error) {
		p, fault := a.s.table.process(namespec)
		if fault != nil {
			return false, fault
		}
		sig, fault := parseSignal(signal)
		if fault == nil {
			fault = a.s.sendSignal(p, now, sig)
		}
		return fault == nil, faultOr(fault)
	})
}

func parseSignal(text string) (syscall.Signal, *xmlrpc.Fault) {
	sig, err := inifile.ParseSignal(inifile.TrimSpace(text))
	if err != nil {
		return 0, xmlrpc.NewFault(xmlrpc.BadSignal, text)
	}
	return sig, nil
}

// SignalProcessGroup does the same for the processes of a group that have a child.
// Fault: BAD_NAME.
func (a *API) SignalProcessGroup(ctx context.Context, group, signal string) ([]xmlrpc.Result, error) {
	return a.signalSome(ctx, a.s.members(group), signal)
}

// SignalAllProcesses does the same for every process that has a child.
func (a *API) SignalAllProcesses(ctx context.Context, signal string) ([]xmlrpc.Result, error) {
	return a.signalSome(ctx, a.s.everybody, signal)
}

func (a *API) signalSome(ctx context.Context, whom selection, signal string) ([]xmlrpc.Result, error) {
	results := []xmlrpc.Result{}
	err := a.each(ctx, whom, func(p *process, now time.Time) {
		if !p.State.Signallable() {
			return
		}
		sig, fault := parseSignal(signal)
		if fault == nil {
			fault = a.s.sendSignal(p, now, sig)
		}
		results = append(results, result(p.cfg.Group, p.cfg.Name, fault))
	})
	return results, err
}

// Changed blocks until the table has changed since version since, which a former
// call returned, and returns the present version. The version 0 is always past.
func (a *API) Changed(ctx context.Context, since uint64) (uint64, error) {
	news := make(chan uint64, 1)
	version, err := do(ctx, a.s, func(time.Time) (uint64, error) {
		if a.s.version == since {
			a.s.watchers[news] = struct{}{}
		}
		return a.s.version, nil
	})
	if err != nil || version != since {
		return version, err
	}
	select {
	case version = <-news:
		return version, nil
	case <-ctx.Done():
		a.later(func() { delete(a.s.watchers, news) })
		return since, ctx.Err()
	case <-a.s.done:
		return since, xmlrpc.NewFault(xmlrpc.ShutdownState)
	}
}

// later runs fn on the loop if the round has not ended, and nobody waits for it.
func (a *API) later(fn func()) {
	request := func(time.Time) { fn() }
	go func() {
		select {
		case a.s.requests <- request:
		case <-a.s.done:
		}
	}()
}

// AllConfigInfo returns every process of the configuration as last read, by name.
func (a *API) AllConfigInfo(ctx context.Context) ([]xmlrpc.ConfigInfo, error) {
	var active map[string]*group // only to see who is in there
	var autoLogs map[autoLogKey]string
	cfg, err := ask(ctx, a, func(time.Time) (*config.Config, error) {
		active, autoLogs = maps.Clone(a.s.table.byName), maps.Clone(a.s.autoLogs)
		return a.s.cfg, nil
	})
	if err != nil {
		return nil, err
	}
	infos := []xmlrpc.ConfigInfo{}
	for _, g := range cfg.Groups {
		for _, p := range g.Programs {
			infos = append(infos, configInfo(g, p, active[g.Name] != nil, autoLogs))
		}
	}
	slices.SortStableFunc(infos, func(x, y xmlrpc.ConfigInfo) int { return cmp.Compare(x.Name, y.Name) })
	return infos, nil
}

func configInfo(g *config.Group, p *config.Program, inUse bool, autoLogs map[autoLogKey]string) xmlrpc.ConfigInfo {
	out, err := p.Logs[logs.Stdout], p.Logs[logs.Stderr]
	info := xmlrpc.ConfigInfo{
		Name: p.Name, Group: g.Name, InUse: inUse, Autostart: p.Autostart,
		Autorestart: "unexpected", GroupPrio: g.Priority, ProcessPrio: p.Priority,
		Command: p.Command, Directory: orNone(p.Directory, p.ChangeDir), UID: "none",
		ExitCodes: p.ExitCodes, KillAsGroup: p.KillAsGroup, RedirectStderr: p.RedirectStderr,
		StartRetries: p.Restart.Retries, StartSecs: int(p.StartSecs / time.Second),
		StopSignal: int(p.StopSignal), StopWaitSecs: int(p.StopWait / time.Second),
		ServerURL:     p.ServerURL,
		StdoutLogfile: configLog(p, logs.Stdout, autoLogs), StdoutLogfileBackups: out.Backups,
		StdoutLogfileMaxBytes: out.MaxBytes, StdoutCaptureMaxBytes: out.CaptureMaxBytes,
		StdoutEventsEnabled: out.EventsEnabled, StdoutSyslog: out.Syslog,
		StderrLogfile: configLog(p, logs.Stderr, autoLogs), StderrLogfileBackups: err.Backups,
		StderrLogfileMaxBytes: err.MaxBytes, StderrCaptureMaxBytes: err.CaptureMaxBytes,
		StderrEventsEnabled: err.EventsEnabled, StderrSyslog: err.Syslog,
	}
	switch p.Autorestart {
	case life.RestartAlways:
		info.Autorestart = true
	case life.RestartNever:
		info.Autorestart = false
	}
	if p.User != nil {
		info.UID = p.User.UID
	}
	if p.ServerURLAuto {
		info.ServerURL = "none"
	}
	return info
}

// orNone is a text as getAllConfigInfo shows it. An empty one may have been set.
func orNone(text string, set bool) string {
	if text == "" && !set {
		return "none"
	}
	return text
}

// configLog is a log as getAllConfigInfo shows it: AUTO is "auto" until it has a
// name.
func configLog(p *config.Program, ch logs.Channel, autoLogs map[autoLogKey]string) string {
	if !p.Logs[ch].Auto || ch == logs.Stderr && p.RedirectStderr {
		if ch == logs.Stderr && p.RedirectStderr {
			return "none"
		}
		return orNone(p.Logs[ch].Path, p.Logs[ch].Blank)
	}
	if path, ok := autoLogs[autoLogKey{p, ch}]; ok {
		return path
	}
	return "auto"
}
