// Package order knows which programs wait for which others (depends_on), and says who may
// start, who is waited for, and in which order they are started.
//
// It is data and arithmetic: no I/O, no goroutine, no clock. What a program is doing the
// caller tells as Conditions; starting, stopping, time limits and failures are the
// caller's. A Graph is made of a configuration and never changes. A Board has the
// conditions of the moment. Programs are called by their place in the configuration.
//
// Begin reading at New, then Board.Set.
package order

import (
	"slices"
	"strconv"
	"strings"

	"supervisor/inifile"
)

// Program is a process of a configuration.
type Program struct {
	Group, Name string // as in GROUP:NAME
	Section     string // the x of [program:x]; several processes may come from one
	Needs       []Need
}

func (p *Program) spec() string {
	if p.Group == p.Name {
		return p.Name
	}
	return p.Group + ":" + p.Name
}

// Edge is a program that another one has to do with, and the conditions of it (or, of
// those that depend on it, the conditions of the other) that matter.
type Edge struct {
	Program    int
	Conditions Conditions
}

// Graph is who depends on whom. It is safe for concurrent use.
type Graph struct {
	names      []string
	needs      [][]Edge
	dependents [][]Edge
}

// Error is a mistake in a configuration.
type Error struct {
	Program int // whose depends_on it is
	Text    string
}

func (e *Error) Error() string { return e.Text }

// New returns the graph of all programs of a configuration. What a name stands for is
//
//	NAME        the processes of [program:NAME], or else of the group, or else that process
//	GROUP:NAME  of these, those in the group
//
// and either may be a pattern (* ? [abc] [!abc]) if nothing has it as its name. A pattern
// or a group does not mean the program that depends on it.
//
// The errors are all names that mean nothing, or if there are none, one cycle, of which
// the text shows all programs. With errors there is no graph.
func New(programs []Program) (*Graph, []*Error) {
	g := &Graph{
		names:      make([]string, len(programs)),
		needs:      make([][]Edge, len(programs)),
		dependents: make([][]Edge, len(programs)),
	}
	var errs []*Error
	known := index{programs: programs}
	for i := range programs {
		p := &programs[i]
		g.names[i] = p.spec()
		for _, need := range p.Needs {
			found := known.find(need.Name)
			if len(found.programs) == 0 {
				errs = append(errs, &Error{i, known.unknown(need)})
			}
			for _, on := range found.programs {
				if on != i || !found.several {
					g.needs[i] = append(g.needs[i], Edge{on, need.Condition})
				}
			}
		}
		g.needs[i] = merge(g.needs[i])
	}
	if len(errs) > 0 {
		return nil, errs
	}
	if circle := g.cycle(); circle != nil {
		return nil, []*Error{{circle[0], "depends on itself: " + g.path(circle)}}
	}
	for i, needs := range g.needs {
		for _, e := range needs {
			g.dependents[e.Program] = append(g.dependents[e.Program], Edge{i, e.Conditions})
		}
	}
	return g, nil
}

// merge makes one edge of those to one program, in the place of the first.
func merge(edges []Edge) []Edge {
	if len(edges) < 2 {
		return edges
	}
	place := make(map[int]int, len(edges))
	merged := edges[:0]
	for _, e := range edges {
		if at, seen := place[e.Program]; seen {
			merged[at].Conditions |= e.Conditions
			continue
		}
		place[e.Program] = len(merged)
		merged = append(merged, e)
	}
	return merged
}

// Len is how many programs there are.
func (g *Graph) Len() int { return len(g.names) }

// Name is how a program is called: NAME, or GROUP:NAME where these differ.
func (g *Graph) Name(program int) string { return g.names[program] }

// Needs are the programs that one depends on, in the order written. They are not to be
// changed.
func (g *Graph) Needs(program int) []Edge { return g.needs[program] }

// Dependents are the programs that depend on one. They are not to be changed.
func (g *Graph) Dependents(program int) []Edge { return g.dependents[program] }

// cycle returns the programs of a cycle, beginning with the one that comes first in the
// configuration, or nil if there is none.
func (g *Graph) cycle() []int {
	const (
		untouched = iota
		entered   // and on the way
		left
	)
	state := make([]uint8, len(g.names))
	followed := make([]int, len(g.names)) // how many of the needs
	var way []int
	for first := range g.names {
		if state[first] != untouched {
			continue
		}
		state[first], way = entered, append(way, first)
		for len(way) > 0 {
			p := way[len(way)-1]
			if followed[p] == len(g.needs[p]) {
				state[p], way = left, way[:len(way)-1]
				continue
			}
			next := g.needs[p][followed[p]].Program
			followed[p]++
			switch state[next] {
			case untouched:
				state[next], way = entered, append(way, next)
			case entered:
				circle := slices.Clone(way[slices.Index(way, next):])
				at := slices.Index(circle, slices.Min(circle))
				return append(circle[at:], circle[:at]...)
			}
		}
	}
	return nil
}

// path shows a cycle.
func (g *Graph) path(circle []int) string {
	var b strings.Builder
	for _, p := range circle {
		b.WriteString(g.names[p])
		b.WriteString(" → ")
	}
	return b.String() + g.names[circle[0]]
}

// index finds programs by what stands in depends_on.
type index struct {
	programs []Program
	literal  map[string][]int // nil before it is needed; see literals
	found    map[string]found // what was asked for
}

// found is what a name stands for.
type found struct {
	programs []int
	several  bool // by a pattern or a group
}

func (x *index) find(name string) found {
	if x.found == nil {
		x.found = map[string]found{}
		x.literals()
	}
	f, known := x.found[name]
	if !known {
		f = x.look(name)
		x.found[name] = f
	}
	return f
}

// The kinds of names that literals has, as prefixes that no name begins with.
const (
	bySection = "/section/"
	byGroup   = "/group/"
	byProcess = "/process/"
)

func (x *index) literals() {
	x.literal = map[string][]int{}
	add := func(key string, i int) { x.literal[key] = append(x.literal[key], i) }
	for i := range x.programs {
		p := &x.programs[i]
		add(bySection+p.Section, i)
		add(byGroup+p.Group, i)
		add(byProcess+p.Name, i)
		add(bySection+p.Group+":"+p.Section, i)
		add(byProcess+p.Group+":"+p.Name, i)
	}
}

func (x *index) look(name string) found {
	for _, kind := range []string{bySection, byGroup, byProcess} {
		if programs := x.literal[kind+name]; len(programs) > 0 {
			return found{programs, kind == byGroup}
		}
	}
	if !strings.ContainsAny(name, "*?[") {
		return found{}
	}
	group, process, colon := strings.Cut(name, ":")
	f := found{several: true}
	for i := range x.programs {
		p := &x.programs[i]
		match := false
		if colon {
			match = inifile.MatchName(group, p.Group) && (inifile.MatchName(process, p.Name) || inifile.MatchName(process, p.Section))
		} else {
			match = inifile.MatchName(name, p.Section) || inifile.MatchName(name, p.Group) || inifile.MatchName(name, p.Name)
		}
		if match {
			f.programs = append(f.programs, i)
		}
	}
	return f
}

// unknown says what is wrong with a need that nothing fits.
func (x *index) unknown(need Need) string {
	group, word, colon := strings.Cut(need.Name, ":")
	text := "there is no program and no group " + inifile.PythonRepr(need.Name)
	if strings.ContainsAny(need.Name, "*?[") {
		text = "no program fits " + inifile.PythonRepr(need.Name)
	}
	if colon && len(x.find(group).programs) > 0 {
		return text + ", and " + inifile.PythonRepr(word) + " is no condition: write " + group + ", " + group + ":ready or " + group + ":done"
	}
	return text + ": write NAME or GROUP:NAME of one that is in the configuration"
}

// text names programs and their conditions.
func (g *Graph) text(edges []Edge) string {
	others := ""
	if len(edges) > 4 {
		others = " and " + strconv.Itoa(len(edges)-3) + " others"
		edges = edges[:3]
	}
	parts := make([]string, len(edges))
	for i, e := range edges {
		parts[i] = g.names[e.Program] + " (" + e.Conditions.String() + ")"
	}
	return strings.Join(parts, ", ") + others
}
