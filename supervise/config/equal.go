package config

import (
	"reflect"
	"slices"
)

// Equal reports whether o, as read later, asks for nothing else than g, which is
// running. Every setting counts, with one exception that users know from
// Supervisor: a log file that has become AUTO stays what it was.
func (g *Group) Equal(o *Group) bool {
	return g.equalBesidePrograms(o) && slices.EqualFunc(g.Programs, o.Programs, (*Program).equal)
}

func (g *Group) equalBesidePrograms(o *Group) bool {
	a, b := *g, *o
	a.Programs, b.Programs = nil, nil
	return reflect.DeepEqual(a, b)
}

func (p *Program) equal(o *Program) bool {
	a, b := *p, *o
	if a.User != nil && b.User != nil && a.User.UID == b.User.UID {
		a.User = b.User // the same account by another name
	}
	if a.ServerURLAuto && b.ServerURLAuto {
		a.ServerURL = b.ServerURL // a reread does not touch the servers
	}
	for channel := range b.Logs {
		if b.Logs[channel].Auto {
			a.Logs[channel].Auto, a.Logs[channel].Path = true, b.Logs[channel].Path
		}
	}
	return reflect.DeepEqual(a, b)
}

// Resized reports whether o differs from g only in the number of processes of
// its programs, so that some can stay. It returns the processes of o that g does
// not have, and those of g that o does not have.
func (g *Group) Resized(o *Group) (added, removed []*Program, ok bool) {
	if !g.equalBesidePrograms(o) || !slices.Equal(g.sections(), o.sections()) {
		return nil, nil, false
	}
	old := map[string]*Program{}
	for _, p := range g.Running() {
		old[p.Name] = p
	}
	kept := 0
	for _, p := range o.Running() {
		was := old[p.Name]
		delete(old, p.Name)
		switch {
		case was == nil:
			added = append(added, p)
		case was.equal(p):
			kept++
		default:
			return nil, nil, false
		}
	}
	for _, p := range g.Running() {
		if old[p.Name] != nil {
			removed = append(removed, p)
		}
	}
	return added, removed, kept > 0 && len(added)+len(removed) > 0
}

// sections are those that the processes of the group come from, in order.
func (g *Group) sections() []string {
	var sections []string
	for _, p := range g.Programs {
		sections = append(sections, p.Section)
	}
	return slices.Compact(sections)
}
