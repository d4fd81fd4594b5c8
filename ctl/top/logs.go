package top

import (
	"fmt"
	"regexp"
	"strings"
)

// Stream is where a line of a log comes from.
type Stream int

// The streams. A Note is no line of the program's, but one that tells, for example, how
// many were skipped.
const (
	Note Stream = iota
	Stdout
	Stderr
)

// LogLine is one line, without its end.
type LogLine struct {
	Stream Stream
	Text   string
}

const (
	maxLines = 5000 // that the pane keeps
	maxLine  = 4096 // bytes of one of them
)

// pane is the view of one program's logs.
type pane struct {
	name   string
	lines  []LogLine // cleaned
	view   []int     // those that are shown, by only
	only   Stream    // Note for all
	wrap   bool
	left   int  // cells that are cut at the left
	follow bool // the end is shown
	end    int  // else the end of what is shown, in view
	search *regexp.Regexp
	match  int // the end of what was searched, in view: the last match and what is after it
}

// AddLog tells of new lines of a program's log. They are dropped unless its log is shown.
func (m *Model) AddLog(name string, lines []LogLine) {
	p := m.pane
	if p == nil || p.name != name {
		return
	}
	for _, line := range lines {
		p.lines = append(p.lines, LogLine{line.Stream, clean(line.Text)})
		p.add(len(p.lines) - 1)
	}
	if drop := len(p.lines) - maxLines; drop > 0 {
		kept := len(p.view)
		p.lines = append(p.lines[:0], p.lines[drop:]...)
		p.refresh()
		p.end = max(p.end-(kept-len(p.view)), 0)
		p.match = max(p.match-(kept-len(p.view)), 0)
	}
}

// add shows a line, if it is one of those that are to be shown.
func (p *pane) add(i int) {
	if s := p.lines[i].Stream; p.only == Note || s == Note || s == p.only {
		p.view = append(p.view, i)
	}
}

func (p *pane) refresh() {
	p.view = p.view[:0]
	for i := range p.lines {
		p.add(i)
	}
}

// show shows one stream, or both for Note.
func (p *pane) show(only Stream) {
	p.only, p.follow = only, true
	p.refresh()
	p.match = len(p.view)
}

// clean takes out of a line what a terminal would obey: escape sequences, and what was
// overwritten after a carriage return. Tabs become blanks, and what is left of control
// characters and is not UTF-8 becomes "?".
func clean(text string) string {
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	if strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0 { // as almost always
		return text
	}
	text = strings.TrimRight(text, "\r")
	text = text[strings.LastIndexByte(text, '\r')+1:]
	var b strings.Builder
	cells := 0
	for text != "" {
		if text[0] == 0x1b {
			text = text[escapeSize(text):]
			continue
		}
		if text[0] == '\t' {
			n := 8 - cells%8
			b.WriteString("        "[:n])
			cells += n
			text = text[1:]
			continue
		}
		cluster, n, rest := next(text)
		b.WriteString(cluster)
		cells += n
		text = rest
	}
	return b.String()
}

// escapeSize returns the length of the escape sequence that text begins with.
func escapeSize(text string) int {
	if len(text) < 2 {
		return len(text)
	}
	switch text[1] {
	case '[':
		for i := 2; i < len(text); i++ {
			if text[i] >= '@' && text[i] <= '~' {
				return i + 1
			}
		}
		return len(text)
	case ']', 'P', '^', '_', 'X': // up to the string's end
		for i := 2; i < len(text); i++ {
			if text[i] == 7 {
				return i + 1
			}
			if text[i] == 0x1b {
				return min(i+2, len(text))
			}
		}
		return len(text)
	case '(', ')', '*', '+', '#', '%', ' ':
		return min(3, len(text))
	}
	return 2
}

// linesOf returns how many lines of the screen a line takes.
func (p *pane) linesOf(i, width int) int {
	if !p.wrap {
		return 1
	}
	return max((cellsOf(p.lines[i].Text)+width-1)/width, 1)
}

// bottom returns the end of what is shown, in view.
func (p *pane) bottom() int {
	if p.follow {
		return len(p.view)
	}
	return max(min(p.end, len(p.view)), 0)
}

// scroll moves by so many lines of the log; at the end it follows again.
func (p *pane) scroll(by int, m *Model) {
	height := max(m.paneHeight()-1, 1)
	least := 0 // the lowest end with which the pane is full
	for rows := 0; least < len(p.view) && rows < height; least++ {
		rows += p.linesOf(p.view[least], m.width)
	}
	p.end = max(p.bottom()+by, least)
	p.follow = p.end >= len(p.view)
}

// search looks for a regular expression, or for the text as it is if it is none. Without
// capital letters it does not matter which ones they are.
func (m *Model) search(text string) {
	p := m.pane
	if text == "" {
		p.search = nil
		return
	}
	flags := ""
	if strings.ToLower(text) == text {
		flags = "(?i)"
	}
	expression, err := regexp.Compile(flags + text)
	if err != nil {
		expression = regexp.MustCompile(flags + regexp.QuoteMeta(text))
	}
	p.search = expression
	p.match = p.bottom()
	m.jump(-1)
}

// jump goes to the next match, backwards if by is -1.
func (m *Model) jump(by int) {
	p := m.pane
	if p.search == nil {
		m.Say("there is nothing to look for: / asks for it", true)
		return
	}
	for at := p.match + by; at >= 0 && at < len(p.view); at += by {
		if p.search.MatchString(p.lines[p.view[at]].Text) {
			p.match = at
			p.scroll(at+1-p.bottom(), m)
			p.follow = false
			return
		}
	}
	older := "older"
	if by > 0 {
		older = "newer"
	}
	m.Say("no "+older+" line matches", true)
}

// title says what the pane shows.
func (p *pane) title() string {
	stream := [...]string{"stdout and stderr", "stdout", "stderr"}[p.only]
	where := "following"
	if !p.follow {
		where = fmt.Sprintf("line %d of %d", p.bottom(), len(p.view))
	}
	title := " " + p.name + " │ " + stream + " │ " + where
	if p.wrap {
		title += " │ wrapped"
	}
	if p.search != nil {
		title += " │ /" + strings.TrimPrefix(p.search.String(), "(?i)")
	}
	return title
}

// draw shows the pane in so many lines from y on.
func (p *pane) draw(m *Model, y, height int) {
	f := &m.frame
	style := Faint
	if m.mode == reading || m.mode == searching {
		style = Strong
	}
	f.style(y, style|Reversed)
	f.pen(0, y, f.Width).put(p.title(), style|Reversed)
	y, height = y+1, height-1
	bottom := p.bottom()
	first, rows := bottom, 0
	for first > 0 && rows < height {
		first--
		rows += p.linesOf(p.view[first], f.Width)
	}
	skip := max(rows-height, 0) // of the first line
	for _, i := range p.view[first:bottom] {
		parts := p.layout(p.lines[i], f.Width)
		for _, part := range parts[min(skip, len(parts)):] {
			if height == 0 {
				return
			}
			copy(f.line(y), part)
			y, height = y+1, height-1
		}
		skip = 0
	}
}

// layout returns the cells of one line of the log, in lines of the screen.
func (p *pane) layout(line LogLine, width int) [][]Cell {
	style := Plain
	switch line.Stream {
	case Stderr:
		style = Warn
	case Note:
		style = Faint
	}
	whole := &pen{cells: make([]Cell, cellsOf(line.Text)+1)}
	var matches [][]int
	if p.search != nil {
		matches = p.search.FindAllStringIndex(line.Text, 100)
	}
	done := 0
	for _, match := range matches {
		whole.put(line.Text[done:match[0]], style).put(line.Text[match[0]:match[1]], Match)
		done = match[1]
	}
	whole.put(line.Text[done:], style)
	cells := whole.cells[:whole.x]
	if !p.wrap {
		cells = cells[min(p.left, len(cells)):]
		return [][]Cell{cells[:min(width, len(cells))]}
	}
	parts := [][]Cell{cells[:min(width, len(cells))]}
	for n := width; n < len(cells); n += width {
		parts = append(parts, cells[n:min(n+width, len(cells))])
	}
	return parts
}
