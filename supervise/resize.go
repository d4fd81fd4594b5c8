package supervise

import (
	"context"
	"time"

	"supervisor/xmlrpc"
)

// resizing is what has to be done to a group of which only the number of
// processes has changed.
type resizing struct {
	group   *group
	cfg     *Group // as it is to be
	removed []*process
	pending int
	reply   chan outcome
}

// resize begins to give an active group another number of processes: those that
// are too many are stopped, the others are left alone. It returns nil if that is
// not all that has changed.
func (s *Supervisor) resize(g *group, cfg *Group, now time.Time) *resizing {
	_, removed, ok := g.cfg.Resized(cfg)
	if !ok {
		return nil
	}
	r := &resizing{group: g, cfg: cfg, reply: make(chan outcome, len(removed))}
	for _, p := range g.processes {
		for _, gone := range removed {
			if p.cfg.Name == gone.Name {
				r.removed = append(r.removed, p)
			}
		}
	}
	for _, p := range r.removed {
		s.feed(p, now, stopAsked{})
		if !p.State.Down() {
			p.waiters = append(p.waiters, waiter{waitForStop, r.reply})
			r.pending++
		}
	}
	return r
}

// waitResized returns when all that were too many have stopped.
func (a *API) waitResized(ctx context.Context, r *resizing) error {
	for range r.pending {
		if _, err := a.outcome(ctx, r.reply); err != nil {
			return err
		}
	}
	return nil
}

// finishResize makes the group what it is to be. What is new starts as in a new group.
// Fault STILL_RUNNING if somebody has started again what was stopped for this.
func (s *Supervisor) finishResize(r *resizing, now time.Time) *xmlrpc.Fault {
	old := map[string]*process{}
	for _, p := range r.group.processes {
		old[p.cfg.Name] = p
	}
	for _, p := range r.removed {
		if !p.State.Down() {
			return xmlrpc.NewFault(xmlrpc.StillRunning, p.namespec())
		}
		p.Due = time.Time{}
		s.schedule(p)
	}
	var processes []*process
	for _, program := range r.cfg.running() {
		p := old[program.Name]
		if p == nil {
			var err error
			if p, err = s.newProcess(r.group, program); err != nil {
				return xmlrpc.NewFault(xmlrpc.Failed, err.Error())
			}
			if program.Autostart {
				p.Due = now
				s.schedule(p)
			}
		}
		processes = append(processes, p)
	}
	r.group.cfg = r.cfg
	s.table.setProcesses(r.group, processes)
	s.version++
	return nil
}
