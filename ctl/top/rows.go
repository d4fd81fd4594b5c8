package top

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"supervisor/xmlrpc"
)

// row is one line of the list: a program, or the heading of a group.
type row struct {
	program int // its index; -1 for a heading
	group   string
	inside  bool // the program stands under a heading
}

// rowID is what a row is about, wherever it is.
type rowID struct{ group, program string }

func (m *Model) program(r row) *Program {
	if r.program < 0 {
		return nil
	}
	return &m.programs[r.program]
}

func (m *Model) id(r row) rowID {
	if p := m.program(r); p != nil {
		return rowID{program: p.Name}
	}
	return rowID{group: r.group}
}

// order is what the list is sorted by.
type order int

const (
	byGroup order = iota
	byName
	byState
	byCPU
	byMemory
	byUptime
	byRestarts
	orders // how many there are
)

func (o order) String() string {
	return [...]string{"group", "name", "state", "cpu", "memory", "uptime", "restarts"}[o]
}

// urgency sorts states: what needs somebody comes first.
func urgency(p *Program) int {
	switch {
	case p.State == xmlrpc.Fatal, p.State == xmlrpc.Unknown:
		return 0
	case p.Alarm:
		return 1
	case p.State == xmlrpc.Backoff:
		return 2
	case p.State == xmlrpc.Starting, p.State == xmlrpc.Stopping:
		return 3
	case p.State == xmlrpc.Running:
		return 4
	case p.State == xmlrpc.Exited:
		return 5
	}
	return 6
}

// used returns what a program uses now.
func (m *Model) used(name string) Usage {
	if h := m.usage[name]; h != nil {
		return h.now
	}
	return Usage{}
}

// compare compares two programs, the one that comes first being the smaller one.
func (m *Model) compare(a, b *Program) int {
	switch m.sort {
	case byName:
		return natural(a.Name, b.Name)
	case byState:
		return cmp.Compare(urgency(a), urgency(b))
	case byCPU:
		return cmp.Compare(m.used(b.Name).CPU, m.used(a.Name).CPU)
	case byMemory:
		return cmp.Compare(m.used(b.Name).RSS, m.used(a.Name).RSS)
	case byUptime:
		switch aUp, bUp := a.State.Up(), b.State.Up(); {
		case aUp && bUp:
			return a.Start.Compare(b.Start)
		case aUp:
			return -1
		case bUp:
			return 1
		}
	case byRestarts:
		return cmp.Compare(b.Restarts, a.Restarts)
	}
	return 0
}

// natural compares names so that web_2 comes before web_10.
func natural(a, b string) int {
	for a != "" && b != "" {
		aNumber, bNumber := leadingNumber(a), leadingNumber(b)
		if aNumber > 0 && bNumber > 0 {
			x, y := strings.TrimLeft(a[:aNumber], "0"), strings.TrimLeft(b[:bNumber], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[aNumber:], b[bNumber:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingNumber(text string) (n int) {
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// matcher returns what decides whether a program is shown: each word of the filter has to
// be in its name, its state or what is told of it, or be its pid; a word behind ! must not
// be.
func matcher(filter string) func(*Program) bool {
	words := strings.Fields(strings.ToLower(filter))
	if len(words) == 0 {
		return func(*Program) bool { return true }
	}
	return func(p *Program) bool {
		text := strings.ToLower(p.Name + " " + p.Group + " " + p.State.String() + " " + p.Event + " " + p.Waiting)
		pid := strconv.Itoa(p.PID)
		for _, word := range words {
			wanted, not := strings.CutPrefix(word, "!")
			if has := strings.Contains(text, wanted) || wanted == pid; wanted != "" && has == not {
				return false
			}
		}
		return true
	}
}

// arrange makes the rows, if something has changed, and keeps the selection where it is
// about the same thing.
func (m *Model) arrange() {
	if !m.stale {
		return
	}
	m.stale = false
	m.rows = m.rows[:0]
	matches := matcher(m.filter)
	var found []int
	for i := range m.programs {
		if matches(&m.programs[i]) {
			found = append(found, i)
		}
	}
	m.shown = len(found)
	if m.sort == byGroup {
		m.arrangeGroups(found)
	} else {
		slices.SortStableFunc(found, func(a, b int) int {
			c := m.compare(&m.programs[a], &m.programs[b])
			if m.reversed {
				return -c
			}
			return c
		})
		for _, i := range found {
			m.rows = append(m.rows, row{program: i, group: m.programs[i].Group})
		}
	}
	if at := slices.IndexFunc(m.rows, func(r row) bool { return m.id(r) == m.cursor }); at >= 0 {
		m.at = at
	}
	m.moveTo(m.at)
}

// arrangeGroups makes rows with headings for groups of more than one program.
func (m *Model) arrangeGroups(found []int) {
	sizes := map[string]int{}
	for i := range m.programs {
		sizes[m.programs[i].Group]++
	}
	var groups []string
	members := map[string][]int{}
	for _, i := range found {
		group := m.programs[i].Group
		if members[group] == nil {
			groups = append(groups, group)
		}
		members[group] = append(members[group], i)
	}
	if m.reversed {
		slices.Reverse(groups)
	}
	for _, group := range groups {
		heading := sizes[group] > 1
		if heading {
			m.rows = append(m.rows, row{program: -1, group: group})
		}
		if heading && m.folded[group] && m.filter == "" { // what was asked for is shown
			continue
		}
		for _, i := range members[group] {
			m.rows = append(m.rows, row{program: i, group: group, inside: heading})
		}
	}
}

// moveTo selects a row, or the nearest there is.
func (m *Model) moveTo(at int) {
	m.at = max(min(at, len(m.rows)-1), 0)
	if len(m.rows) > 0 {
		m.cursor = m.id(m.rows[m.at])
	}
}

// scrollTo brings the selected row onto a screen with so many.
func (m *Model) scrollTo(height int) {
	m.first = max(min(m.first, m.at, len(m.rows)-height), m.at-height+1, 0)
}

// names returns the programs that a row is about: one, or those of the group that match the
// filter.
func (m *Model) names(r row) (names []string) {
	if p := m.program(r); p != nil {
		return []string{p.Name}
	}
	matches := matcher(m.filter)
	for i := range m.programs {
		if p := &m.programs[i]; p.Group == r.group && matches(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// chosen returns the programs that an action is for: those that are marked, in the server's
// order, or else what the selected row is about.
func (m *Model) chosen() (names []string) {
	for i := range m.programs {
		if name := m.programs[i].Name; m.marked[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 && len(m.rows) > 0 {
		return m.names(m.rows[m.at])
	}
	return names
}
