package supervise

import (
	"context"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/xmlrpc"
)

// groupChange makes a group of the configuration as last read active, or gives an
// active one another number of processes. It comes in steps, since much of it takes
// time: first it is made out what there is to do, then all that can fail is done, then
// what is too much is stopped, and at last the table is changed, if the group is still
// the one it was.
type groupChange struct {
	name     string
	cfg      *config.Group     // as it is to be
	active   *group            // nil for a new one
	was      *config.Group     // what it is configured as
	running  []*config.Program // of cfg
	added    []*config.Program
	gone     map[string]bool // processes that are too many
	prepared *preparation
	fresh    map[string]*process // made for added
	pending  int                 // of gone, that have not stopped
	reply    chan outcome
}

// plan makes out what there is to do. Faults: BAD_NAME, ALREADY_ADDED if the group is
// active and more than the number of its processes is to change.
func (a *API) plan(ctx context.Context, name string) (*groupChange, error) {
	c, err := ask(ctx, a, func(time.Time) (*groupChange, error) { return a.s.lookUp(name) })
	if err != nil {
		return nil, err
	}
	c.running = c.cfg.Running()
	if c.active == nil {
		c.added = c.running
	} else {
		added, removed, ok := c.was.Resized(c.cfg)
		if !ok {
			return nil, xmlrpc.NewFault(xmlrpc.AlreadyAdded, name)
		}
		c.added, c.gone, c.reply = added, map[string]bool{}, make(chan outcome, len(removed))
		for _, program := range removed {
			c.gone[program.Name] = true
		}
	}
	c.prepared, err = ask(ctx, a, func(time.Time) (*preparation, error) { return a.s.prepare(c.added), nil })
	if c.active != nil && err == nil {
		c.prepared.socket = nil // the others have it
	}
	return c, err
}

// lookUp says what the group of a name is, and what it is to be.
func (s *Supervisor) lookUp(name string) (*groupChange, error) {
	c := &groupChange{name: name, cfg: s.configured[name], active: s.table.group(name)}
	if c.cfg == nil {
		return nil, xmlrpc.NewFault(xmlrpc.BadName, name)
	}
	if c.active != nil {
		c.was = c.active.cfg
	}
	return c, nil
}

// holds returns the fault that the group is not what it was when c was planned.
func (s *Supervisor) holds(c *groupChange) *xmlrpc.Fault {
	switch active := s.table.group(c.name); {
	case active != c.active && c.active == nil:
		return xmlrpc.NewFault(xmlrpc.AlreadyAdded, c.name)
	case active == nil && c.active != nil:
		return xmlrpc.NewFault(xmlrpc.BadName, c.name)
	case active != c.active || active != nil && active.cfg != c.was || s.configured[c.name] != c.cfg:
		return xmlrpc.NewFault(xmlrpc.Failed, c.name+" has been changed meanwhile")
	}
	return nil
}

// stopRemoved stops those that are too many.
func (s *Supervisor) stopRemoved(c *groupChange, now time.Time) *xmlrpc.Fault {
	if fault := s.holds(c); fault != nil {
		return fault
	}
	for _, p := range c.active.processes {
		if !c.gone[p.cfg.Name] {
			continue
		}
		s.feed(p, now, life.StopAsked{})
		if !p.State.Down() {
			p.waiters = append(p.waiters, waiter{waitForStop, c.reply})
			c.pending++
		}
	}
	return nil
}

// finishChange makes the group what it is to be. What is new starts as in a new group.
// Fault STILL_RUNNING if somebody has started again what was stopped for this.
func (s *Supervisor) finishChange(c *groupChange, now time.Time) *xmlrpc.Fault {
	if fault := s.holds(c); fault != nil {
		return fault
	}
	if c.active == nil {
		s.use(c.prepared)
		s.addGroup(c.cfg, c.running, c.fresh, now)
		s.fitColumn()
		return nil
	}
	for _, p := range c.active.processes {
		if c.gone[p.cfg.Name] && !p.State.Down() {
			return xmlrpc.NewFault(xmlrpc.StillRunning, p.namespec())
		}
	}
	s.use(c.prepared)
	s.resize(c, now)
	return nil
}

// resize gives the group its processes.
func (s *Supervisor) resize(c *groupChange, now time.Time) {
	old := make(map[string]*process, len(c.active.processes))
	for _, p := range c.active.processes {
		if c.gone[p.cfg.Name] {
			s.retire(p)
		}
		old[p.cfg.Name] = p
	}
	var processes, added []*process
	byName := make(map[string]*process, len(c.running))
	for _, program := range c.running {
		p := old[program.Name]
		if p == nil {
			p = c.fresh[program.Name]
			added = append(added, p)
		}
		processes = append(processes, p)
		byName[program.Name] = p
	}
	c.active.cfg = c.cfg
	c.active.setProcesses(processes, byName)
	s.fitColumn()
	for _, p := range added {
		s.attach(p)
	}
	s.autostart(added, now)
	s.version++
}

// apply carries out a groupChange.
func (a *API) apply(ctx context.Context, c *groupChange) error {
	if err := c.prepared.make(); err != nil {
		return xmlrpc.NewFault(xmlrpc.Failed, err.Error())
	}
	c.fresh = a.s.newProcesses(c.added, c.prepared)
	if err := a.finish(ctx, c); err != nil {
		c.prepared.undo()
		return err
	}
	return nil
}

// finish carries out those steps of a groupChange that come after all is made.
func (a *API) finish(ctx context.Context, c *groupChange) error {
	if len(c.gone) > 0 {
		_, err := ask(ctx, a, func(now time.Time) (bool, error) { return true, faultOr(a.s.stopRemoved(c, now)) })
		if err != nil {
			return err
		}
	}
	for range c.pending {
		if _, err := a.outcome(ctx, c.reply); err != nil {
			return err
		}
	}
	_, err := ask(ctx, a, func(now time.Time) (bool, error) { return true, faultOr(a.s.finishChange(c, now)) })
	return err
}
