package order

// Board has what is the case with each program of a Graph, and so who may start. One
// goroutine at a time may use it.
type Board struct {
	graph   *Graph
	holds   []Conditions
	missing []int // how many programs each one waits for
}

// NewBoard returns the board of programs none of which has been started.
func NewBoard(g *Graph) *Board {
	b := &Board{g, make([]Conditions, g.Len()), make([]int, g.Len())}
	for p := range b.missing {
		b.missing[p] = len(g.needs[p])
	}
	return b
}

// Set says which conditions hold for a program now. It looks only at those that depend on
// it, appends to dst the ones that may start because of that and could not before, in the
// order of the configuration, and returns it.
func (b *Board) Set(dst []int, program int, holds Conditions) []int {
	before := b.holds[program]
	if before == holds {
		return dst
	}
	b.holds[program] = holds
	for _, e := range b.graph.dependents[program] {
		had, has := e.Conditions&^before == 0, e.Conditions&^holds == 0
		switch {
		case has && !had:
			if b.missing[e.Program]--; b.missing[e.Program] == 0 {
				dst = append(dst, e.Program)
			}
		case had && !has:
			b.missing[e.Program]++
		}
	}
	return dst
}

// Holds returns what Set has said last.
func (b *Board) Holds(program int) Conditions { return b.holds[program] }

// MayStart reports whether all that a program depends on is as it has to be.
func (b *Board) MayStart(program int) bool { return b.missing[program] == 0 }

// Waiting returns what a program waits for, in the order of its depends_on.
func (b *Board) Waiting(program int) []Edge {
	if b.missing[program] == 0 {
		return nil
	}
	var waiting []Edge
	for _, e := range b.graph.needs[program] {
		if lacks := e.Conditions &^ b.holds[e.Program]; lacks != 0 {
			waiting = append(waiting, Edge{e.Program, lacks})
		}
	}
	return waiting
}

// WaitingText says the same in words: "db (ready), cache (started)", "" for nothing. Of
// more than four programs it tells the first three and how many others there are.
func (b *Board) WaitingText(program int) string {
	return b.graph.text(b.Waiting(program))
}

// ToStart returns the programs that have to be started, or are waited for already, so that
// these can be: all that they depend on, directly or not, whose conditions do not hold,
// each one behind those that it depends on itself, and then these. Below a program whose
// conditions hold nothing is looked at.
func (b *Board) ToStart(programs ...int) []int {
	type step struct {
		program int
		left    []Edge // to be followed
	}
	seen := make([]bool, b.graph.Len())
	var all []int
	var steps []step
	enter := func(p int) {
		if !seen[p] {
			seen[p] = true
			steps = append(steps, step{p, b.Waiting(p)})
		}
	}
	for _, p := range programs {
		enter(p)
		for len(steps) > 0 {
			top := &steps[len(steps)-1]
			if len(top.left) == 0 {
				all = append(all, top.program)
				steps = steps[:len(steps)-1]
				continue
			}
			next := top.left[0].Program
			top.left = top.left[1:]
			enter(next)
		}
	}
	return all
}
