package supervise

import (
	"cmp"
	"slices"
	"time"

	"supervisor/xmlrpc"
)

// group is an active process group. It belongs to the loop.
type group struct {
	name      string
	place     int // in the order of activation
	cfg       *Group
	processes []*process // in order of definition
	pool      *pool      // of an [eventlistener:x], else nil
	stopping  bool       // it is its turn in a shutdown
}

// table is the process table: everything the loop owns that clients ask for.
type table struct {
	groups []*group         // in order of activation
	added  int              // how many there have been
	byPID  map[int]*process // children not yet reaped

	byName  map[string]*group        // the groups
	members map[processName]*process // the processes of all groups
}

// processName names a process of the table.
type processName struct{ group, process string }

func newTable() table {
	return table{byPID: map[int]*process{}, byName: map[string]*group{}, members: map[processName]*process{}}
}

// group returns the active group of that name, nil if there is none.
func (t *table) group(name string) *group { return t.byName[name] }

// process returns the process that a namespec names; a whole group is not one.
func (t *table) process(namespec string) (*process, *xmlrpc.Fault) {
	group, name, whole := xmlrpc.SplitNamespec(namespec)
	if p := t.members[processName{group, name}]; p != nil && !whole {
		return p, nil
	}
	return nil, xmlrpc.NewFault(xmlrpc.BadName, namespec)
}

// add makes a group active.
func (t *table) add(g *group) {
	t.added++
	g.place = t.added
	t.groups = append(t.groups, g)
	t.byName[g.name] = g
	t.setProcesses(g, g.processes)
}

// remove takes a group out.
func (t *table) remove(g *group) {
	t.setProcesses(g, nil)
	t.groups = slices.DeleteFunc(t.groups, func(h *group) bool { return h == g })
	delete(t.byName, g.name)
}

// setProcesses gives an active group other processes. Those that it had and has no
// longer are gone.
func (t *table) setProcesses(g *group, processes []*process) {
	for _, p := range g.processes {
		p.gone = true
		delete(t.members, processName{g.name, p.cfg.Name})
	}
	g.processes = processes
	for i, p := range processes {
		p.gone, p.place = false, i
		t.members[processName{g.name, p.cfg.Name}] = p
	}
}

// configs returns the settings of the groups, in order of activation.
func (t *table) configs() []*Group {
	configs := make([]*Group, len(t.groups))
	for i, g := range t.groups {
		configs[i] = g.cfg
	}
	return configs
}

// byPriority returns the groups by ascending priority, those of equal priority
// in order of activation.
func (t *table) byPriority() []*group {
	groups := slices.Clone(t.groups)
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.cfg.Priority, b.cfg.Priority) })
	return groups
}

// byPriority returns the processes of the group by ascending priority, those of
// equal priority in order of definition.
func (g *group) byPriority() []*process {
	processes := slices.Clone(g.processes)
	slices.SortStableFunc(processes, func(a, b *process) int { return cmp.Compare(a.cfg.Priority, b.cfg.Priority) })
	return processes
}

// all returns the processes of every group, in the order in which they are
// started and stopped on request.
func (t *table) all() []*process {
	var all []*process
	for _, g := range t.byPriority() {
		all = append(all, g.byPriority()...)
	}
	return all
}

// down reports whether no process of the group is left to wait for.
func (g *group) down() bool {
	for _, p := range g.processes {
		if !p.State.Down() {
			return false
		}
	}
	return true
}

// addGroup makes a group active: its pool listens, and what is to start by itself is
// due. What it needs has been prepared.
func (s *Supervisor) addGroup(cfg *Group, now time.Time) *group {
	g := &group{name: cfg.Name, cfg: cfg}
	for _, program := range cfg.running() {
		g.processes = append(g.processes, s.newProcess(g, program))
	}
	s.table.add(g)
	if cfg.Kind == ListenerPool {
		g.pool = newPool(g, cfg, &s.bus)
		s.bus.subscribe(g.pool)
	}
	s.bus.raise(eventGroupAdded, "groupname:"+g.name+"\n")
	s.autostart(g.processes, now)
	s.version++
	return g
}

// autostart has those of new processes start that are to start by themselves.
func (s *Supervisor) autostart(processes []*process, now time.Time) {
	for _, p := range processes {
		if p.cfg.Autostart {
			p.Due = now
			s.schedule(p)
		}
	}
}

// newProcess makes a process that was never started.
func (s *Supervisor) newProcess(g *group, cfg *Program) *process {
	p := &process{cfg: cfg, group: g, index: -1}
	for ch := Stdout; ch <= Stderr; ch++ {
		if path := s.logPath(cfg, ch); path != "" {
			l := cfg.Logs[ch]
			p.logs[ch] = s.logFiles.file(path, l.MaxBytes, l.Backups)
			p.logs[ch].private = l.Auto
			p.logs[ch].report = func(text string) { s.log.Say(Critical, text) }
		}
	}
	return p
}

// logPath returns the file an output is logged to, "" for none. An AUTO log is made
// when its group is to become active, and stays the same for as long as the
// configuration that asked for it is in force.
func (s *Supervisor) logPath(cfg *Program, ch Channel) string {
	switch {
	case cfg.hasAutoLog(ch):
		return s.autoLogs[autoLogKey{cfg, ch}]
	case ch == Stderr && cfg.RedirectStderr:
		return ""
	}
	return cfg.Logs[ch].Path
}

// autoLogKey says whose log a generated one is.
type autoLogKey struct {
	cfg     *Program
	channel Channel
}

// removeGroup takes a group that is down out of the table.
func (s *Supervisor) removeGroup(g *group) {
	for _, p := range g.processes {
		s.retire(p)
	}
	if g.pool != nil {
		s.bus.unsubscribe(g.pool)
	}
	s.table.remove(g)
	s.bus.raise(eventGroupRemoved, "groupname:"+g.name+"\n")
	s.version++
}

// retire prepares a process that is down for being taken out of the table.
func (s *Supervisor) retire(p *process) {
	p.Due = time.Time{}
	s.schedule(p)
	if s.configured[p.group.name] == p.group.cfg {
		return // it can come back, and has its logs then
	}
	for ch := Stdout; ch <= Stderr; ch++ {
		delete(s.autoLogs, autoLogKey{p.cfg, ch})
	}
}

// forgetAutoLogs forgets the names of AUTO logs that nobody can write to any more:
// those that belong neither to an active process nor to the configuration as last read.
func (s *Supervisor) forgetAutoLogs() {
	if len(s.autoLogs) == 0 {
		return
	}
	kept := make(map[autoLogKey]string, len(s.autoLogs))
	keep := func(cfg *Program) {
		for ch := Stdout; ch <= Stderr; ch++ {
			if path, there := s.autoLogs[autoLogKey{cfg, ch}]; there {
				kept[autoLogKey{cfg, ch}] = path
			}
		}
	}
	for _, p := range s.table.members {
		keep(p.cfg)
	}
	for _, g := range s.cfg.Groups {
		for _, cfg := range g.Programs {
			keep(cfg)
		}
	}
	s.autoLogs = kept
}
