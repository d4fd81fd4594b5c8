package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"supervisor/xmlrpc"
)

// column is a column of the list.
type column struct {
	title string
	width int
	right bool
	order order // what sorts by it
	x     int
}

// columns of the list, in order.
const (
	columnName = iota
	columnState
	columnPID
	columnUptime
	columnCPU
	columnMemory
	columnRestarts
	columnSpark
	columnEvent
	columnCount
)

// columns says where the columns are on a screen of this width. What has no room has the
// width 0.
func (m *Model) columns() [columnCount]column {
	list := [columnCount]column{
		columnName:     {title: "NAME", order: byName},
		columnState:    {title: "STATE", width: 8, order: byState},
		columnPID:      {title: "PID", width: 7, right: true, order: orders},
		columnUptime:   {title: "UPTIME", width: 9, right: true, order: byUptime},
		columnCPU:      {title: "CPU", width: 6, right: true, order: byCPU},
		columnMemory:   {title: "MEM", width: 6, right: true, order: byMemory},
		columnRestarts: {title: "RESTARTS", width: 8, right: true, order: byRestarts},
		columnSpark:    {title: "CPU HISTORY", width: 20, order: orders},
		columnEvent:    {title: "LAST EVENT", order: orders},
	}
	name, most := 12, 40
	for i := range m.programs {
		name = max(name, cellsOf(m.programs[i].Name)+2)
	}
	if m.width < 120 {
		list[columnRestarts].title, list[columnRestarts].width = "RST", 4
		list[columnSpark].title, list[columnSpark].width = "HIST", 6
		most = 18
	}
	list[columnName].width = min(name, most)
	room := m.width - 1 // for the mark
	for i := range list {
		c := &list[i]
		switch i {
		case columnName:
			c.width = min(c.width, room)
		case columnEvent:
			c.width = room
		}
		if c.width > room {
			c.width = 0
		}
		if i == columnEvent && room < len(c.title) {
			c.title = "EVENT"
		}
		c.x = m.width - room
		if c.width > 0 {
			room -= c.width + 1
		}
		room = max(room, 0)
	}
	return list
}

// listHeight returns how many rows of the list are on the screen.
func (m *Model) listHeight() int { return max(m.height-4-m.paneHeight(), 1) }

// paneHeight returns how many lines the pane has, with its title.
func (m *Model) paneHeight() int {
	if m.pane == nil || m.height < 10 {
		return 0
	}
	return max((m.height-4)*3/5, 4)
}

// Frame returns what the screen has to show at a time. It is good until the next call.
func (m *Model) Frame(now time.Time) *Frame {
	m.arrange()
	f := &m.frame
	f.reset(m.width, m.height)
	if m.mode == helping {
		m.drawHelp()
		return m.finish()
	}
	m.drawSummary(now)
	columns := m.columns()
	m.drawTitles(columns)
	height := m.listHeight()
	m.scrollTo(height)
	for i := m.first; i < min(m.first+height, len(m.rows)) && i-m.first+2 < m.height; i++ {
		m.drawRow(i, 2+i-m.first, columns, now)
	}
	if len(m.rows) == 0 {
		text := "there are no programs"
		if m.filter != "" {
			text = "nothing matches " + m.filter + ": Esc shows all"
		}
		f.pen(2, 3, m.width-2).put(text, Faint)
	}
	if n := m.paneHeight(); n > 0 {
		m.pane.draw(m, m.height-2-n, n)
	}
	m.drawDetails()
	m.drawPrompt()
	return m.finish()
}

// finish makes sure that the terminal can show the frame.
func (m *Model) finish() *Frame {
	m.frame.mend()
	if m.o.ASCII {
		m.frame.toASCII()
	}
	return &m.frame
}

// mend makes blanks of halves of wide characters.
func (f *Frame) mend() {
	for y := range f.Height {
		line := f.line(y)
		for x := range line {
			if line[x].Text == "" && (x == 0 || cellsOf(line[x-1].Text) != 2) {
				line[x].Text = " "
			}
			if len(line[x].Text) > 1 && cellsOf(line[x].Text) == 2 && (x+1 == len(line) || line[x+1].Text != "") {
				line[x].Text = " "
			}
		}
	}
}

// asciiFor is what stands for the signs that we use.
var asciiFor = map[string]string{"│": "|", "…": "~", "▾": "v", "▴": "^", "▸": ">", "↑": "^", "↓": "v", "←": "<", "→": ">"}

// toASCII replaces what is not ASCII.
func (f *Frame) toASCII() {
	for i := range f.Cells {
		c := &f.Cells[i]
		switch {
		case c.Text == "":
			c.Text = " "
		case len(c.Text) > 1:
			text, ok := asciiFor[c.Text]
			if !ok {
				text = "?"
			}
			c.Text = text
		}
	}
}

// shownStates are those that the summary counts, the urgent ones first.
var shownStates = [...]xmlrpc.State{xmlrpc.Fatal, xmlrpc.Unknown, xmlrpc.Backoff, xmlrpc.Starting, xmlrpc.Stopping, xmlrpc.Running, xmlrpc.Exited, xmlrpc.Stopped}

// states writes how many programs are in which state, as far as there is room.
func (p *pen) states(counts map[xmlrpc.State]int) {
	for _, s := range shownStates {
		n := counts[s]
		if n == 0 {
			continue
		}
		word := strconv.Itoa(n) + " " + s.String()
		if p.x+len(word) > len(p.cells) {
			p.put("…", Faint)
			return
		}
		p.put(word, stateStyle(s)).put(" ", Plain)
	}
}

func stateStyle(s xmlrpc.State) Style {
	switch s {
	case xmlrpc.Running:
		return Good
	case xmlrpc.Fatal, xmlrpc.Unknown:
		return Bad
	case xmlrpc.Stopped, xmlrpc.Exited:
		return Faint
	}
	return Warn
}

func styleOf(p *Program) Style {
	if p.Alarm {
		return Bad
	}
	return stateStyle(p.State)
}

// drawSummary fills the first line.
func (m *Model) drawSummary(now time.Time) {
	clock := now.Format("15:04")
	p := m.frame.pen(0, 0, m.width-len(clock)-1)
	name := m.server.Identifier
	if name == "" {
		name = "supervisor"
	}
	p.put(name, Strong)
	if m.server.Lost != "" {
		p.put("  no connection: "+m.server.Lost, Bad)
	} else {
		p.put("  CPU "+percent(m.server.CPU)+"  MEM "+size(m.server.RSS)+"  ", Plain)
		if m.filter != "" {
			p.put(fmt.Sprintf("/%s: %d of %d  ", m.filter, m.shown, len(m.programs)), Mark)
		}
		if n := len(m.marked); n > 0 {
			p.put(fmt.Sprintf("%d chosen  ", n), Mark)
		}
		counts := map[xmlrpc.State]int{}
		for i := range m.programs {
			counts[m.programs[i].State]++
		}
		p.states(counts)
	}
	m.frame.pen(m.width-len(clock), 0, len(clock)).put(clock, Faint)
}

// drawTitles fills the line with the titles of the columns.
func (m *Model) drawTitles(columns [columnCount]column) {
	if m.height < 2 {
		return
	}
	m.frame.style(1, Strong|Reversed)
	p := m.frame.pen(0, 1, m.width)
	for i, c := range columns {
		title := c.title
		if c.order == m.sort || i == columnName && m.sort == byGroup && m.reversed {
			arrow := "▾"
			if m.reversed {
				arrow = "▴"
			}
			title += arrow
		}
		p.field(c.x, c.width, title, Strong|Reversed, c.right)
	}
}

// drawRow draws one row of the list.
func (m *Model) drawRow(i, y int, columns [columnCount]column, now time.Time) {
	r := m.rows[i]
	pen := m.frame.pen(0, y, m.width)
	set := func(c int, text string, style Style) {
		pen.field(columns[c].x, columns[c].width, text, style, columns[c].right)
	}
	p := m.program(r)
	if p == nil {
		m.drawHeading(r, columns, pen)
	} else {
		nameStyle := Plain
		if m.marked[p.Name] {
			pen.field(0, 1, "*", Mark, false)
			nameStyle = Mark
		}
		name := p.Name
		if r.inside {
			name = "  " + p.Short
		}
		set(columnName, name, nameStyle)
		set(columnState, p.State.String(), styleOf(p))
		if p.PID > 0 {
			set(columnPID, strconv.Itoa(p.PID), Plain)
		}
		if p.State.Up() && !p.Start.IsZero() {
			set(columnUptime, uptime(now.Sub(p.Start)), Plain)
		}
		if h := m.usage[p.Name]; h != nil {
			if p.PID > 0 {
				set(columnCPU, percent(h.now.CPU), Plain)
				set(columnMemory, size(h.now.RSS), Plain)
			}
			set(columnSpark, h.spark(columns[columnSpark].width, m.o.ASCII), Good)
		}
		if p.Restarts > 0 {
			set(columnRestarts, strconv.Itoa(p.Restarts), Plain)
		}
		if columns[columnEvent].width >= 30 || p.PID > 0 {
			set(columnEvent, p.news(), Faint)
		} else { // there is more room where the figures would be
			pen.field(columns[columnPID].x, pen.free(columns[columnPID].x), p.news(), Faint, false)
		}
	}
	if i == m.at && m.mode != reading && m.mode != searching {
		m.frame.style(y, Reversed)
	} else if i == m.at {
		pen.field(0, 1, ">", Strong, false)
	}
}

// news is what the last column tells.
func (p *Program) news() string {
	if p.Waiting != "" {
		return "waiting for " + p.Waiting
	}
	return p.Event
}

// drawHeading draws the row of a group.
func (m *Model) drawHeading(r row, columns [columnCount]column, line *pen) {
	sign := "▾ "
	if m.folded[r.group] && m.filter == "" {
		sign = "▸ "
	}
	counts, members, restarts := map[xmlrpc.State]int{}, 0, 0
	var sum Usage
	for i := range m.programs {
		p := &m.programs[i]
		if p.Group != r.group {
			continue
		}
		members++
		counts[p.State]++
		restarts += p.Restarts
		u := m.used(p.Name)
		sum.CPU += u.CPU
		sum.RSS += u.RSS
	}
	set := func(c int, text string, style Style) {
		line.field(columns[c].x, columns[c].width, text, style, columns[c].right)
	}
	set(columnName, sign+r.group+" ("+strconv.Itoa(members)+")", Strong)
	part := line.cells[min(columns[columnState].x, len(line.cells)):]
	if columns[columnState].width > 0 && columns[columnCPU].width > 0 {
		part = line.cells[columns[columnState].x : columns[columnCPU].x-1]
	}
	(&pen{cells: part}).states(counts)
	if sum.RSS > 0 || sum.CPU > 0 {
		set(columnCPU, percent(sum.CPU), Strong)
		set(columnMemory, size(sum.RSS), Strong)
	}
	if restarts > 0 {
		set(columnRestarts, strconv.Itoa(restarts), Strong)
	}
}

// drawDetails fills the line below the list with what the row has no room for.
func (m *Model) drawDetails() {
	y := m.height - 2
	if y < 3 || len(m.rows) == 0 {
		return
	}
	r := m.rows[m.at]
	pen := m.frame.pen(0, y, m.width)
	p := m.program(r)
	if p == nil {
		pen.put(r.group+": "+strings.Join(m.names(r), " "), Faint)
		return
	}
	pen.put(p.Name, Strong)
	if news := p.news(); news != "" {
		pen.put(": "+news, Plain)
	}
	if p.Waiting != "" && p.Event != "" {
		pen.put("; "+p.Event, Plain)
	}
}

// drawPrompt fills the last line: what is typed, asked or said, or else which keys there
// are.
func (m *Model) drawPrompt() {
	y := m.height - 1
	if y < 2 {
		return
	}
	pen := m.frame.pen(0, y, m.width)
	switch {
	case m.mode == filtering, m.mode == searching:
		label := "show: "
		if m.mode == searching {
			label = "search: "
		}
		pen.put(label, Strong).put(m.input, Plain)
		m.frame.CursorX, m.frame.CursorY = min(pen.x, m.width-1), y
	case m.mode == asking:
		pen.field(0, m.width, m.question(), Warn, false)
	case m.message != "":
		style := Plain
		if m.alarm {
			style = Bad
		}
		pen.field(0, m.width, m.message, style, false)
	case m.mode == reading:
		pen.put("f follow  / search  n N  1 out 2 err 3 both  w wrap  Tab list  q close  ? help", Faint)
	default:
		pen.put("s start  x stop  r restart  l logs  / filter  o sort  g fold  ? help  q quit", Faint)
	}
}

// help is what ? shows.
var help = [...][2]string{
	{"", "in the list"},
	{"↑ ↓ j k  PgUp PgDn  Home End", "select a program or a group"},
	{"Enter  l", "logs of the program; fold the group"},
	{"s  x  r", "start, stop, restart"},
	{"Space", "choose several for that; Esc forgets them"},
	{"f  /", "show what matches: words, pids, !word for what does not"},
	{"o  O", "sort by another column; the other way round"},
	{"g  ← →", "fold the group"},
	{"", "in the logs"},
	{"↑ ↓ j k  PgUp PgDn  Home", "scroll, which ends following"},
	{"f  End", "follow"},
	{"/  n  N", "search backwards; older match, newer match"},
	{"1  2  3", "stdout, stderr, both"},
	{"w  ← →", "wrap long lines; see more of them"},
	{"Tab", "to the list and back"},
	{"q  Esc", "close"},
	{"", "everywhere"},
	{"?", "this"},
	{"Ctrl-L  Ctrl-Z", "draw again; suspend"},
	{"q  Ctrl-C", "quit"},
}

func (m *Model) drawHelp() {
	for y, line := range help {
		if y >= m.height-1 {
			break
		}
		keys := line[0]
		pen := m.frame.pen(1, y, m.width-1)
		if keys == "" {
			pen.put(line[1], Strong)
			continue
		}
		pen.field(2, 30, keys, Good, false)
		pen.x = 34
		pen.put(line[1], Plain)
	}
	m.frame.pen(0, m.height-1, m.width).put("any key goes back", Faint)
}

// percent, size and uptime are figures in at most 6, 6 and 9 characters.

func percent(cpu float64) string {
	if cpu >= 1000 {
		return strconv.FormatFloat(cpu, 'f', 0, 64) + "%"
	}
	return strconv.FormatFloat(cpu, 'f', 1, 64) + "%"
}

func size(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1000 && unit < 5 {
		value /= 1024
		unit++
	}
	digits := 0
	if value < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + "KMGTPE"[unit:unit+1]
}

func uptime(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if days := s / 86400; days > 0 {
		return fmt.Sprintf("%dd %02d:%02d", days, s/3600%24, s/60%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
