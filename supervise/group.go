package supervise

import (
	"cmp"
	"io"
	"slices"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// group is an active process group. It belongs to the loop.
type group struct {
	name      string
	place     int // in the order of activation
	cfg       *config.Group
	processes []*process          // in order of definition
	byName    map[string]*process // the same; nil for a few
	pool      *event.Pool         // of an [eventlistener:x], else nil
	shown     io.Writer           // where results of its listeners go; nil if only OK is one. It never blocks
	stopping  bool                // it is its turn in a shutdown
}

// table is the process table: everything the loop owns that clients ask for.
type table struct {
	groups []*group          // in order of activation
	byName map[string]*group // the same
	added  int               // how many there have been
	byPID  map[int]*process  // children not yet reaped
}

func newTable() table { return table{byPID: map[int]*process{}, byName: map[string]*group{}} }

// group returns the active group of that name, nil if there is none.
func (t *table) group(name string) *group { return t.byName[name] }

// process returns the process that a namespec names; a whole group is not one.
func (t *table) process(namespec string) (*process, *xmlrpc.Fault) {
	groupName, name, whole := xmlrpc.SplitNamespec(namespec)
	if g := t.group(groupName); g != nil && !whole {
		if p := g.process(name); p != nil {
			return p, nil
		}
	}
	return nil, xmlrpc.NewFault(xmlrpc.BadName, namespec)
}

// process returns the process of that name, nil if there is none.
func (g *group) process(name string) *process {
	if g.byName != nil {
		return g.byName[name]
	}
	for _, p := range g.processes {
		if p.cfg.Name == name {
			return p
		}
	}
	return nil
}

// fewProcesses is up to how many processes of a group are found without a map.
const fewProcesses = 8

// setProcesses gives a group its processes, which may be in byName too. Those that it had
// and has no longer are gone.
func (g *group) setProcesses(processes []*process, byName map[string]*process) {
	for _, p := range g.processes {
		p.gone = true
	}
	g.processes, g.byName = processes, nil
	for i, p := range processes {
		p.gone, p.group, p.place = false, g, i
	}
	if len(processes) > fewProcesses {
		g.byName = byName
	}
}

// add makes a group active.
func (t *table) add(g *group) {
	t.added++
	g.place = t.added
	t.groups = append(t.groups, g)
	t.byName[g.name] = g
}

// remove takes a group out.
func (t *table) remove(g *group) {
	for _, p := range g.processes {
		p.gone = true
	}
	t.groups = slices.DeleteFunc(t.groups, func(h *group) bool { return h == g })
	delete(t.byName, g.name)
}

// each calls fn for every process, in order of activation and definition.
func (t *table) each(fn func(*process)) {
	for _, g := range t.groups {
		for _, p := range g.processes {
			fn(p)
		}
	}
}

// size is how many processes there are.
func (t *table) size() int {
	n := 0
	for _, g := range t.groups {
		n += len(g.processes)
	}
	return n
}

// configs returns the settings of the groups, in order of activation.
func (t *table) configs() []*config.Group {
	configs := make([]*config.Group, len(t.groups))
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
// due. Its processes, by name, have been made for programs.
func (s *Supervisor) addGroup(cfg *config.Group, programs []*config.Program, processes map[string]*process, now time.Time) *group {
	g := &group{name: cfg.Name, cfg: cfg}
	members := make([]*process, len(programs))
	for i, program := range programs {
		members[i] = processes[program.Name]
	}
	g.setProcesses(members, processes)
	s.table.add(g)
	if cfg.Kind == config.ListenerPool {
		s.makePool(g, cfg)
	}
	s.bus.Raise(event.GroupAdded, "groupname:"+g.name+"\n")
	for _, p := range g.processes {
		s.attach(p)
	}
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

// newProcesses makes processes, by name, that were never started and are in no group
// yet, for programs that have been prepared. It may be called by any goroutine.
func (s *Supervisor) newProcesses(programs []*config.Program, made *preparation) map[string]*process {
	processes := make(map[string]*process, len(programs))
	for _, cfg := range programs {
		p := &process{cfg: cfg, index: -1}
		for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
			if path := made.logPath(cfg, ch); path != "" {
				l := cfg.Logs[ch]
				p.logs[ch] = s.logFiles.File(path, l.MaxBytes, l.Backups)
				p.logs[ch].Private = l.Auto
				p.logs[ch].Report = func(text string) { s.log.SayAbout(logs.Critical, logs.About{Program: cfg.Name, Event: "log"}, text) }
			}
		}
		processes[cfg.Name] = p
	}
	return processes
}

// autoLogKey says whose log a generated one is.
type autoLogKey struct {
	cfg     *config.Program
	channel logs.Channel
}

// removeGroup takes a group that is down out of the table.
func (s *Supervisor) removeGroup(g *group) {
	for _, p := range g.processes {
		s.retire(p)
	}
	if g.pool != nil {
		s.bus.Unsubscribe(g.pool)
	}
	s.table.remove(g)
	s.fitColumn()
	s.bus.Raise(event.GroupRemoved, "groupname:"+g.name+"\n")
	s.version++
}

// retire prepares a process that is down for being taken out of the table.
func (s *Supervisor) retire(p *process) {
	p.Due = time.Time{}
	s.schedule(p)
	s.detach(p)
	if s.configured[p.group.name] == p.group.cfg {
		return // it can come back, and has its logs then
	}
	for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
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
	keep := func(cfg *config.Program) {
		for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
			if path, there := s.autoLogs[autoLogKey{cfg, ch}]; there {
				kept[autoLogKey{cfg, ch}] = path
			}
		}
	}
	s.table.each(func(p *process) { keep(p.cfg) })
	for _, g := range s.cfg.Groups {
		for _, cfg := range g.Programs {
			keep(cfg)
		}
	}
	s.autoLogs = kept
}
