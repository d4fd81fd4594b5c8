package edit

import (
	"regexp"

	"supervisor/ctl/cells"
)

// Frame is what is to be seen of an edit: cells, each in its place, and the cursor.
type Frame struct {
	cells  []placed
	end    place // behind the last cell
	cursor place
	hidden int // rows (or, on one row, cells) that do not fit, before the first one shown
}

// place is a place on the screen: the first row of the frame is 0, and so is the first
// column.
type place struct{ row, col int }

func (p place) before(q place) bool { return p.row < q.row || p.row == q.row && p.col < q.col }

type placed struct {
	cells.Cell
	place
}

// Frame lays the line out on a terminal of a width and a height. A line that needs more
// rows is shown around the cursor. If oneRow is set, it is kept on one row in any case:
// that is for terminals whose cursor moves only on its row.
func (e *Editor) Frame(width, height int, oneRow bool) Frame {
	width, height = max(width, 2), max(height, 1)
	list, cursor := promptCells(e.question()), 0
	cursor = len(list)
	if !e.Hidden {
		list = append(list, cells.Of(e.text)...)
		runes := 0
		for ; runes < e.at; cursor++ {
			runes += list[cursor].Runes
		}
	}
	if oneRow {
		return row(list, cursor, width)
	}
	return rows(list, cursor, width, height)
}

// rows lays cells out on as many rows as they need, and cuts out what the terminal has
// room for.
func rows(list []cells.Cell, cursor, width, height int) Frame {
	var f Frame
	at := place{}
	all := make([]placed, len(list))
	for i, c := range list {
		if at.col+c.Width > width {
			at = place{at.row + 1, 0}
		}
		all[i] = placed{c, at}
		at.col += c.Width
	}
	if at.col >= width { // the cursor has to stand somewhere
		at = place{at.row + 1, 0}
	}
	f.end, f.cursor = at, at
	if cursor < len(all) {
		f.cursor = all[cursor].place
	}
	if f.end.row < height {
		f.cells = all
		return f
	}
	// Half a screen at a time, so that not every key moves all of it.
	if f.cursor.row >= height {
		step := max(height/2, 1)
		f.hidden = (f.cursor.row - height + step) / step * step
	}
	f.hidden = min(f.hidden, f.end.row-height+1)
	shown := f.end
	for _, c := range all {
		c.row -= f.hidden
		if c.row >= 0 && c.row < height {
			f.cells = append(f.cells, c)
			shown = place{c.row, c.col + c.Width}
		}
	}
	f.cursor.row -= f.hidden
	if f.end.row -= f.hidden; f.end.row >= height {
		f.end = shown
	}
	return f
}

// row shows the part of the cells around the cursor that fits.
func row(list []cells.Cell, cursor, width int) Frame {
	var f Frame
	widthOf := func(list []cells.Cell) (sum int) {
		for _, c := range list {
			sum += c.Width
		}
		return sum
	}
	for widthOf(list[f.hidden:cursor]) >= width-1 {
		for sum := 0; sum < width/2 && f.hidden < cursor; f.hidden++ {
			sum += list[f.hidden].Width
		}
	}
	at := place{}
	for i := f.hidden; i < len(list) && at.col+list[i].Width < width; i++ {
		if i == cursor {
			f.cursor = at
		}
		f.cells = append(f.cells, placed{list[i], at})
		at.col += list[i].Width
	}
	if f.hidden+len(f.cells) <= cursor {
		f.cursor = at
	}
	f.end = at
	return f
}

var sequences = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// promptCells returns the cells of a prompt, in which colours may be set.
func promptCells(prompt string) []cells.Cell {
	var list []cells.Cell
	colour := ""
	for prompt != "" {
		next := sequences.FindStringIndex(prompt)
		if next == nil {
			next = []int{len(prompt), len(prompt)}
		}
		part := cells.Of([]rune(prompt[:next[0]]))
		if len(part) > 0 {
			part[0].Text = colour + part[0].Text
			colour = ""
		}
		list = append(list, part...)
		colour += prompt[next[0]:next[1]]
		prompt = prompt[next[1]:]
	}
	if len(list) > 0 {
		list[len(list)-1].Text += colour // so that it ends with the prompt
	}
	return list
}
