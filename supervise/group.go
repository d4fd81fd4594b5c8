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

// addGroup makes a group active: its logs exist, its pool listens, and what is
// to start by itself is due.
func (s *Supervisor) addGroup(cfg *Group, now time.Time) (*group, error) {
	g := &group{name: cfg.Name, cfg: cfg}
	for _, program := range cfg.running() {
		p, err := s.newProcess(g, program)
		if err != nil {
			return nil, err
		}
		g.processes = append(g.processes, p)
	}
	for _, p := range g.processes {
		if p.cfg.Socket == nil {
			continue
		}
		// A socket that cannot be had is found out now, not by the first start.
		if _, err := s.sockets.acquire(p.cfg.Socket); err != nil {
			return nil, err
		}
		s.sockets.release(p.cfg.Socket)
		break
	}
	s.table.add(g)
	if cfg.Kind == ListenerPool {
		g.pool = newPool(g, cfg, &s.bus)
		s.bus.subscribe(g.pool)
	}
	s.bus.raise(eventGroupAdded, "groupname:"+g.name+"\n")
	for _, p := range g.processes {
		if p.cfg.Autostart {
			p.Due = now
			s.schedule(p)
		}
	}
	s.version++
	return g, nil
}

// newProcess makes a process that was never started.
func (s *Supervisor) newProcess(g *group, cfg *Program) (*process, error) {
	p := &process{cfg: cfg, group: g, index: -1}
	for ch := Stdout; ch <= Stderr; ch++ {
		path, err := s.logPath(cfg, ch)
		if err != nil {
			return nil, err
		}
		if path != "" {
			l := cfg.Logs[ch]
			p.logs[ch] = s.logFiles.file(path, l.MaxBytes, l.Backups)
			p.logs[ch].private = l.Auto
			p.logs[ch].report = func(text string) { s.log.Say(Critical, text) }
		}
	}
	return p, nil
}

// logPath returns the file an output is logged to, "" for none. An AUTO log is
// made when it is first asked for, and stays the same for as long as the
// configuration that asked for it is in force.
func (s *Supervisor) logPath(cfg *Program, ch Channel) (string, error) {
	l := cfg.Logs[ch]
	if ch == Stderr && cfg.RedirectStderr {
		return "", nil
	}
	if !l.Auto {
		return l.Path, nil
	}
	key := autoLogKey{cfg, ch}
	if path, ok := s.autoLogs[key]; ok {
		return path, nil
	}
	path, err := createAutoLog(s.cfg.ChildLogDir, cfg.Name, ch, s.cfg.Identifier)
	if err == nil {
		s.autoLogs[key] = path
	}
	return path, err
}

// autoLogKey says whose log a generated one is.
type autoLogKey struct {
	cfg     *Program
	channel Channel
}

// removeGroup takes a group that is down out of the table.
func (s *Supervisor) removeGroup(g *group) {
	for _, p := range g.processes {
		p.Due = time.Time{}
		s.schedule(p)
	}
	if g.pool != nil {
		s.bus.unsubscribe(g.pool)
	}
	s.table.remove(g)
	s.bus.raise(eventGroupRemoved, "groupname:"+g.name+"\n")
	s.version++
}
