package top

import (
	"slices"
	"strconv"
)

// Palette is what styles look like: the parameters of "\x1b[…m".
type Palette [8]string

// The palettes. Mono has no colour, for NO_COLOR; what it tells apart is bold or
// underlined.
var (
	Dark  = Palette{Faint: "2", Strong: "1", Good: "32", Warn: "33", Bad: "1;31", Mark: "1;36", Match: "30;43"}
	Light = Palette{Faint: "38;5;242", Strong: "1", Good: "38;5;22", Warn: "38;5;94", Bad: "1;38;5;124", Mark: "1;38;5;25", Match: "30;48;5;222"}
	Mono  = Palette{Strong: "1", Bad: "1", Mark: "4", Match: "4"}
)

// Begin is to be sent before the first frame: it takes another screen, so that the one
// before comes back with End, hides the cursor and does not break lines.
const Begin = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[m\x1b[2J"

// End is to be sent on every way out.
const End = "\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l"

// Screen knows what a terminal shows, and makes the bytes that change it into another
// frame. The zero value with a palette is a screen of which nothing is known.
type Screen struct {
	Palette Palette

	shown   Frame
	known   bool // shown is what the terminal shows
	x, y    int  // of the terminal's cursor; x is -1 if that is not certain
	style   Style
	visible bool // the cursor
}

// Forget says that the terminal shows something else, as after SIGCONT: the next frame is
// sent whole.
func (s *Screen) Forget() { s.known = false }

// Draw appends what has to be sent so that the terminal shows f: nothing, if it does.
func (s *Screen) Draw(dst []byte, f *Frame) []byte {
	begin := len(dst)
	if !s.known || s.shown.Width != f.Width || s.shown.Height != f.Height {
		dst = append(dst, "\x1b[?25l\x1b[m\x1b[2J"...)
		s.shown.reset(f.Width, f.Height)
		s.known, s.visible, s.style, s.x = true, false, Plain, -1
	}
	for y := range f.Height {
		dst = s.scroll(dst, f, y)
		dst = s.line(dst, f.line(y), s.shown.line(y), y)
	}
	show := f.CursorX >= 0
	if show && (s.x != f.CursorX || s.y != f.CursorY) {
		dst = s.move(dst, f.CursorX, f.CursorY)
	}
	if show != s.visible {
		s.visible = show
		if show {
			dst = append(dst, "\x1b[?25h"...)
		} else {
			dst = append(dst, "\x1b[?25l"...)
		}
	}
	if len(dst) > begin && s.style != Plain {
		dst = s.pen(dst, Plain)
	}
	return dst
}

// near is how many cells that are right already are rather sent again than jumped over: a
// jump takes as many bytes.
const near = 5

// line makes one line right.
func (s *Screen) line(dst []byte, want, have []Cell, y int) []byte {
	end := len(want) // behind it nothing but plain blanks are wanted
	for end > 0 && want[end-1] == blank {
		end--
	}
	for x := 0; x < end; {
		if want[x] == have[x] {
			x++
			continue
		}
		// The cells of a wide character change together, whether it comes or goes.
		for x > 0 && (want[x].Text == "" || have[x].Text == "") {
			x--
		}
		if s.y == y && s.x >= 0 && x > s.x && x-s.x <= near && simple(want[s.x:x]) {
			x = s.x
		}
		if s.x != x || s.y != y {
			dst = s.move(dst, x, y)
		}
		dst = s.put(dst, want, have, x)
		x++
		for x < len(want) && want[x].Text == "" {
			x++
		}
	}
	if slices.ContainsFunc(have[end:], func(c Cell) bool { return c != blank }) {
		if s.x != end || s.y != y {
			dst = s.move(dst, end, y)
		}
		dst = append(s.pen(dst, Plain), "\x1b[K"...)
		for x := end; x < len(have); x++ {
			have[x] = blank
		}
	}
	return dst
}

// simple reports whether there is nothing but ASCII in cells.
func simple(cells []Cell) bool {
	return !slices.ContainsFunc(cells, func(c Cell) bool { return len(c.Text) != 1 })
}

// put sends the character at x.
func (s *Screen) put(dst []byte, want, have []Cell, x int) []byte {
	c := want[x]
	dst = append(s.pen(dst, c.Style), c.Text...)
	have[x] = c
	cells := 1
	for x+cells < len(want) && want[x+cells].Text == "" {
		have[x+cells] = want[x+cells]
		cells++
	}
	// If it has overwritten the first half of a wide one, the second is gone too.
	if x+cells < len(have) && have[x+cells].Text == "" {
		have[x+cells] = Cell{"?", gone}
	}
	if unsure(c.Text) { // it may have taken what is behind it, or be wider on its way
		for i := x + cells; i < min(x+cells+longest/4, len(have)); i++ {
			have[i] = Cell{"?", gone}
		}
	}
	s.x += cells
	if len(c.Text) > 1 || s.x >= len(want) {
		// Terminals do not agree about the width of all characters, nor about where the
		// cursor is behind the last cell.
		s.x = -1
	}
	return dst
}

// gone is the style of a cell of which it is not known what it shows.
const gone Style = 0x7f

// move moves the cursor.
func (s *Screen) move(dst []byte, x, y int) []byte {
	switch {
	case s.x >= 0 && s.y == y && x > s.x:
		dst = append(dst, "\x1b["...)
		if x-s.x > 1 {
			dst = strconv.AppendInt(dst, int64(x-s.x), 10)
		}
		dst = append(dst, 'C')
	case s.y == y && s.x >= 0 && x == 0, s.y+1 == y && x == 0 && s.x >= 0:
		dst = append(dst, '\r')
		if s.y+1 == y {
			dst = append(dst, '\n')
		}
	default:
		dst = append(dst, "\x1b["...)
		dst = strconv.AppendInt(dst, int64(y+1), 10)
		if x > 0 {
			dst = append(dst, ';')
			dst = strconv.AppendInt(dst, int64(x+1), 10)
		}
		dst = append(dst, 'H')
	}
	s.x, s.y = x, y
	return dst
}

// pen sends what is needed for a style.
func (s *Screen) pen(dst []byte, style Style) []byte {
	before := s.style
	s.style = style
	look := s.Palette[style&^Reversed]
	if style&Reversed == before&Reversed && look == s.Palette[before&^Reversed] {
		return dst
	}
	dst = append(dst, "\x1b["...)
	if style&Reversed != 0 || look != "" {
		dst = append(dst, '0')
	}
	if look != "" {
		dst = append(dst, ';')
		dst = append(dst, look...)
	}
	if style&Reversed != 0 {
		dst = append(dst, ";7"...)
	}
	return append(dst, 'm')
}

// scroll moves the lines from y on up if that brings many of them to where they are wanted,
// as when a line is added to a log: on a slow line that is the difference between 10 bytes
// and a thousand.
func (s *Screen) scroll(dst []byte, f *Frame, y int) []byte {
	const least = 3 // lines that have to fit
	if slices.Equal(f.line(y), s.shown.line(y)) || isBlank(f.line(y)) {
		return dst
	}
	for n := 1; n <= 8 && y+n+least <= f.Height; n++ {
		bottom := y
		for bottom+n < f.Height && slices.Equal(f.line(bottom), s.shown.line(bottom+n)) {
			bottom++
		}
		if bottom-y < least {
			continue
		}
		last := bottom + n // the line behind those that move
		dst = s.pen(dst, Plain)
		dst = append(dst, "\x1b["...)
		dst = strconv.AppendInt(dst, int64(y+1), 10)
		dst = append(dst, ';')
		dst = strconv.AppendInt(dst, int64(last), 10)
		dst = append(dst, "r\x1b["...)
		dst = strconv.AppendInt(dst, int64(n), 10)
		dst = append(dst, "S\x1b[r"...)
		s.x = -1
		copy(s.shown.Cells[y*f.Width:], s.shown.Cells[(y+n)*f.Width:last*f.Width])
		for i := (last - n) * f.Width; i < last*f.Width; i++ {
			s.shown.Cells[i] = blank
		}
		return dst
	}
	return dst
}

func isBlank(line []Cell) bool {
	return !slices.ContainsFunc(line, func(c Cell) bool { return c != blank })
}
