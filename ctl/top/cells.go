package top

// Style says what a cell means; what that looks like is the palette's.
type Style uint8

// The styles. Reversed may be added to each.
const (
	Plain    Style = iota
	Faint          // of less importance
	Strong         // headings
	Good           // RUNNING
	Warn           // on its way, or once ended badly
	Bad            // FATAL
	Mark           // chosen by Space
	Match          // what was searched for
	Reversed Style = 0x80
)

// Cell is one place on the screen.
type Cell struct {
	// Text is a character with what changes it; "" in the second cell of a wide one.
	Text  string
	Style Style
}

// Frame is all that the screen shows.
type Frame struct {
	Width, Height int
	Cells         []Cell // line by line
	// CursorX and CursorY are where the cursor is shown; nowhere if CursorX is negative.
	CursorX, CursorY int
}

var blank = Cell{Text: " "}

// reset makes an empty frame of this size, and keeps the memory.
func (f *Frame) reset(width, height int) {
	f.Width, f.Height = width, height
	n := width * height
	if cap(f.Cells) < n {
		f.Cells = make([]Cell, n)
	}
	f.Cells = f.Cells[:n]
	for i := range f.Cells {
		f.Cells[i] = blank
	}
	f.CursorX, f.CursorY = -1, -1
}

// line returns the cells of one line.
func (f *Frame) line(y int) []Cell { return f.Cells[y*f.Width : (y+1)*f.Width] }

// style gives all cells of a line a style, in addition to theirs if it is Reversed.
func (f *Frame) style(y int, style Style) {
	line := f.line(y)
	for x := range line {
		if style == Reversed {
			line[x].Style |= Reversed
		} else {
			line[x].Style = style
		}
	}
}

// pen writes into a part of one line, and never out of it.
type pen struct {
	cells []Cell
	x     int
}

func (f *Frame) pen(x, y, width int) *pen {
	x = max(x, 0)
	if y < 0 || y >= f.Height || x >= f.Width {
		return &pen{}
	}
	return &pen{cells: f.line(y)[x:min(x+max(width, 0), f.Width)]}
}

// put writes text. A wide character that has no room is a blank.
func (p *pen) put(text string, style Style) *pen {
	for text != "" && p.x < len(p.cells) {
		if c := text[0]; c >= ' ' && c < 0x7f && (len(text) == 1 || text[1] < 0x80) { // as almost always
			p.cells[p.x] = Cell{text[:1], style}
			p.x++
			text = text[1:]
			continue
		}
		cluster, cells, rest := next(text)
		text = rest
		switch {
		case cells == 2 && p.x+1 == len(p.cells):
			p.cells[p.x] = Cell{" ", style}
			p.x++
		case cells > 0:
			p.cells[p.x] = Cell{cluster, style}
			if cells == 2 {
				p.cells[p.x+1] = Cell{"", style}
			}
			p.x += cells
		}
	}
	return p
}

// field writes text at x into so many cells, cut if it has no room, at the right end if
// right is set. A cut text ends with "…".
func (p *pen) field(x, width int, text string, style Style, right bool) {
	if x >= len(p.cells) || width <= 0 {
		return
	}
	part := pen{cells: p.cells[x:min(x+width, len(p.cells))]}
	width = len(part.cells)
	n := cellsOf(text)
	switch {
	case n <= width:
		if right {
			part.x = width - n
		}
		part.put(text, style)
	case width == 1:
		part.put("…", style)
	default:
		part.cells = part.cells[:width-1]
		part.put(text, style)
		part.cells = part.cells[:width]
		part.x = width - 1
		part.put("…", style)
	}
}

// free returns how many cells there are from x on to the next that is not blank, less one.
func (p *pen) free(x int) (n int) {
	for x+n < len(p.cells) && p.cells[x+n] == blank {
		n++
	}
	if x+n < len(p.cells) {
		n--
	}
	return n
}
