package top

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"supervisor/ctl/cells"
)

// Press takes a key, and returns what is to be done.
func (m *Model) Press(key Key) []Request {
	m.arrange()
	m.message = ""
	switch key {
	case CtrlC:
		return []Request{{Action: Quit}}
	case CtrlZ:
		return []Request{{Action: Suspend}}
	case CtrlL:
		return []Request{{Action: Redraw}}
	}
	switch m.mode {
	case helping:
		m.mode = browsing
		if m.pane != nil {
			m.mode = reading
		}
		return nil
	case asking:
		return m.answer(key)
	case filtering, searching:
		m.typed(key)
		return nil
	case reading:
		return m.read(key)
	}
	return m.browse(key)
}

// browse takes a key for the list.
func (m *Model) browse(key Key) []Request {
	page := max(m.listHeight()-1, 1)
	switch key {
	case Up, 'k':
		m.moveTo(m.at - 1)
	case Down, 'j':
		m.moveTo(m.at + 1)
	case PageUp:
		m.moveTo(m.at - page)
	case PageDown:
		m.moveTo(m.at + page)
	case Home:
		m.moveTo(0)
	case EndKey, 'G':
		m.moveTo(len(m.rows))
	case 'g':
		m.fold(!m.folded[m.group()])
	case Left:
		m.fold(true)
	case Right:
		m.fold(false)
	case ' ':
		m.mark()
	case 'o':
		m.sort, m.reversed, m.stale = (m.sort+1)%orders, false, true
	case 'O':
		m.reversed, m.stale = !m.reversed, true
	case 'f', '/':
		m.mode, m.input, m.before = filtering, m.filter, m.filter
	case Esc:
		clear(m.marked)
		m.filter, m.stale = "", true
	case Tab:
		if m.pane != nil {
			m.mode = reading
		}
	case Enter, 'l':
		return m.open()
	case 'q':
		return []Request{{Action: Quit}}
	default:
		return m.act(key)
	}
	return nil
}

// act takes the keys that mean the same in list and pane.
func (m *Model) act(key Key) []Request {
	switch key {
	case 's':
		return m.ask(Start)
	case 'x':
		return m.ask(Stop)
	case 'r':
		return m.ask(Restart)
	case '?', 'h':
		m.mode = helping
	}
	return nil
}

// group returns the group of the selected row.
func (m *Model) group() string {
	if len(m.rows) == 0 {
		return ""
	}
	return m.rows[m.at].group
}

// fold folds the group of the selected row, or unfolds it. In another order there are no
// groups: then it is the order of groups that comes back.
func (m *Model) fold(folded bool) {
	group := m.group()
	if m.sort != byGroup {
		m.sort, m.reversed, m.stale = byGroup, false, true
		return
	}
	for _, r := range m.rows {
		if r.program < 0 && r.group == group {
			m.folded[group], m.stale = folded, true
			m.cursor = m.id(r)
			return
		}
	}
}

// mark chooses what the selected row is about, or no longer, and goes on to the next row.
func (m *Model) mark() {
	if len(m.rows) == 0 {
		return
	}
	names := m.names(m.rows[m.at])
	all := true
	for _, name := range names {
		all = all && m.marked[name]
	}
	for _, name := range names {
		if all {
			delete(m.marked, name)
		} else {
			m.marked[name] = true
		}
	}
	m.moveTo(m.at + 1)
}

func (a Action) verb() string {
	switch a {
	case Start:
		return "start"
	case Stop:
		return "stop"
	}
	return "restart"
}

// ask requests an action, after a question if it is for more than one program.
func (m *Model) ask(a Action) []Request {
	names := m.chosen()
	if m.mode == reading {
		names = []string{m.pane.name}
	}
	r := Request{Action: a, Names: names}
	switch len(names) {
	case 0:
		return nil
	case 1:
		return m.request(r)
	}
	m.pending, m.mode = r, asking
	return nil
}

func (m *Model) request(r Request) []Request {
	clear(m.marked)
	m.Say(r.Action.verb()+" "+strings.Join(r.Names, " ")+" …", false)
	return []Request{r}
}

// question is what is asked.
func (m *Model) question() string {
	return fmt.Sprintf("%s %d programs? y or n: %s", m.pending.Action.verb(), len(m.pending.Names), strings.Join(m.pending.Names, " "))
}

func (m *Model) answer(key Key) []Request {
	m.mode = browsing
	if key != 'y' && key != 'Y' {
		m.Say("nothing was done", false)
		return nil
	}
	return m.request(m.pending)
}

// typed takes a key for a prompt. A filter works while it is typed.
func (m *Model) typed(key Key) {
	done := browsing
	if m.mode == searching {
		done = reading
	}
	switch key {
	case Enter:
		if m.mode == searching {
			m.search(m.input)
		}
		m.mode = done
		return
	case Esc:
		if m.mode == filtering {
			m.filter, m.stale = m.before, true
		}
		m.mode = done
		return
	case Backspace:
		_, size := utf8.DecodeLastRuneInString(m.input)
		m.input = m.input[:len(m.input)-size]
	case CtrlU:
		m.input = ""
	default:
		if key >= ' ' && len(m.input) < 200 && cells.RuneWidth(rune(key)) >= 0 {
			m.input += string(rune(key))
		}
	}
	if m.mode == filtering {
		m.filter, m.stale = m.input, true
	}
}

// open opens the pane with the logs of the selected program.
func (m *Model) open() []Request {
	if len(m.rows) == 0 {
		return nil
	}
	p := m.program(m.rows[m.at])
	if p == nil {
		m.fold(!m.folded[m.group()])
		return nil
	}
	m.mode = reading
	if m.pane != nil && m.pane.name == p.Name {
		return nil
	}
	m.pane = &pane{name: p.Name, follow: true, wrap: m.pane != nil && m.pane.wrap}
	return []Request{{Action: Follow, Names: []string{p.Name}}}
}

// read takes a key for the pane.
func (m *Model) read(key Key) []Request {
	p := m.pane
	page := max(m.paneHeight()-2, 1)
	switch key {
	case Up, 'k':
		p.scroll(-1, m)
	case Down, 'j':
		p.scroll(1, m)
	case PageUp, 'b':
		p.scroll(-page, m)
	case PageDown, ' ':
		p.scroll(page, m)
	case Home:
		p.scroll(-len(p.view), m)
	case EndKey, 'G', 'f':
		p.follow = true
	case Left:
		p.left = max(p.left-16, 0)
	case Right:
		p.left = min(p.left+16, maxLine)
	case 'w':
		p.wrap, p.left = !p.wrap, 0
	case '1':
		p.show(Stdout)
	case '2':
		p.show(Stderr)
	case '3':
		p.show(Note)
	case '/':
		m.mode, m.input = searching, ""
	case 'n':
		m.jump(-1)
	case 'N':
		m.jump(1)
	case Tab:
		m.mode = browsing
	case Esc, 'q':
		m.pane, m.mode = nil, browsing
		return []Request{{Action: Unfollow, Names: []string{p.name}}}
	default:
		return m.act(key)
	}
	return nil
}
