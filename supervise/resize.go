package supervise

import (
	"context"
	"time"

	"supervisor/xmlrpc"
)

// groupChange makes a group of the configuration as last read active, or gives an
// active one another number of processes. It comes in steps, since much of it takes
// time: first it is made out what there is to do, then all that can fail is done, then
// what is too much is stopped, and at last the table is changed, if the group is still
// the one it was.
type groupChange struct {
	name     string
	cfg      *Group // as it is to be
	active   *group // nil for a new one
	was      *Group // what it is configured as
	removed  []*process
	prepared *preparation
	pending  int // of removed, that have not stopped
	reply    chan outcome
}

// planChange makes out what there is to do. Faults: BAD_NAME, ALREADY_ADDED if the
// group is active and more than the number of its processes is to change.
func (s *Supervisor) planChange(name string) (*groupChange, error) {
	cfg := s.configured[name]
	if cfg == nil {
		return nil, xmlrpc.NewFault(xmlrpc.BadName, name)
	}
	c := &groupChange{name: name, cfg: cfg, active: s.table.group(name)}
	if c.active == nil {
		c.prepared = s.prepare(cfg.running())
		return c, nil
	}
	c.was = c.active.cfg
	added, removed, ok := c.was.Resized(cfg)
	if !ok {
		return nil, xmlrpc.NewFault(xmlrpc.AlreadyAdded, name)
	}
	gone := map[string]bool{}
	for _, program := range removed {
		gone[program.Name] = true
	}
	for _, p := range c.active.processes {
		if gone[p.cfg.Name] {
			c.removed = append(c.removed, p)
		}
	}
	c.prepared, c.reply = s.prepare(added), make(chan outcome, len(c.removed))
	c.prepared.socket = nil // the others have it
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
	for _, p := range c.removed {
		s.feed(p, now, stopAsked{})
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
	for _, p := range c.removed {
		if !p.State.Down() {
			return xmlrpc.NewFault(xmlrpc.StillRunning, p.namespec())
		}
	}
	s.use(c.prepared)
	if c.active == nil {
		s.addGroup(c.cfg, now)
	} else {
		s.resize(c, now)
	}
	return nil
}

// resize gives the group its processes.
func (s *Supervisor) resize(c *groupChange, now time.Time) {
	old := map[string]*process{}
	for _, p := range c.active.processes {
		old[p.cfg.Name] = p
	}
	for _, p := range c.removed {
		s.retire(p)
	}
	var processes, added []*process
	for _, program := range c.cfg.running() {
		p := old[program.Name]
		if p == nil {
			p = s.newProcess(c.active, program)
			added = append(added, p)
		}
		processes = append(processes, p)
	}
	c.active.cfg = c.cfg
	s.table.setProcesses(c.active, processes)
	s.autostart(added, now)
	s.version++
}

// apply carries out a groupChange.
func (a *API) apply(ctx context.Context, c *groupChange) error {
	if err := c.prepared.make(); err != nil {
		return xmlrpc.NewFault(xmlrpc.Failed, err.Error())
	}
	if err := a.finish(ctx, c); err != nil {
		c.prepared.undo()
		return err
	}
	return nil
}

// finish carries out those steps of a groupChange that come after all is made.
func (a *API) finish(ctx context.Context, c *groupChange) error {
	if len(c.removed) > 0 {
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
