package edit

import (
	"strconv"
	"strings"

	"supervisor/ctl/cells"
)

// Screen says what to send to a terminal so that it shows a frame. It sends what has
// changed since the frame before. The zero value is a terminal whose cursor stands at
// the beginning of an empty row.
type Screen struct {
	// OneRow is for a terminal that knows no escape sequences: it gets backspaces and
	// blanks. Frames then have to be of one row.
	OneRow bool

	shown Frame
	at    place // of the cursor
	width int

	out strings.Builder
}

// Draw returns what makes the terminal, width columns wide, show f.
func (s *Screen) Draw(f Frame, width int) string {
	s.width = width
	if !s.OneRow && f.hidden != s.shown.hidden {
		s.move(place{})
		s.out.WriteString("\x1b[J")
		s.shown = Frame{}
	}
	same := 0
	for same < len(f.cells) && same < len(s.shown.cells) && f.cells[same] == s.shown.cells[same] {
		same++
	}
	if same < len(f.cells) || f.end != s.shown.end {
		s.drawFrom(f, same)
	}
	s.shown = f
	s.move(f.cursor)
	return s.take()
}

// drawFrom writes what stands behind the first cells of f, which are there.
func (s *Screen) drawFrom(f Frame, same int) {
	old := s.shown.end
	s.shown.cells = f.cells[:same] // for move, which may write them again
	s.begin(f, same)
	for _, c := range f.cells[same:] {
		if c.row > s.at.row { // the terminal goes there by itself, so it knows that the rows are one line
			s.clearRow()
			s.at = c.place
		}
		s.out.WriteString(c.Text)
		s.at.col += c.Width
	}
	if f.end.row > s.at.row { // with nothing on it
		s.clearRow()
		s.out.WriteString(" \r")
		s.at = f.end
	}
	if !s.at.before(old) {
		return
	}
	if s.OneRow {
		n := old.col - s.at.col
		s.out.WriteString(strings.Repeat(" ", n) + strings.Repeat("\b", n))
		return
	}
	s.out.WriteString("\x1b[J")
}

// begin moves to where the first cell belongs that has changed: behind the one before, or
// to the next row if nothing fits there any more.
func (s *Screen) begin(f Frame, same int) {
	start := endOf(f, same)
	if start.col >= s.width {
		start = place{start.row + 1, 0} // which is there: no full row is the last one but on a full screen
	}
	s.move(start)
}

// clearRow clears what follows on a row that ends before its last column, where a wide
// character did not fit.
func (s *Screen) clearRow() {
	if s.at.col < s.width {
		s.out.WriteString("\x1b[K")
	}
}

// endOf returns where the first n cells of f end.
func endOf(f Frame, n int) place {
	if n == 0 {
		return place{}
	}
	last := f.cells[n-1]
	return place{last.row, last.col + last.Width}
}

// move puts the cursor on a place of the frame that is shown.
func (s *Screen) move(to place) {
	if s.at.col >= s.width && to != s.at { // it hangs behind the last column
		s.out.WriteByte('\r')
		s.at.col = 0
	}
	switch rows := to.row - s.at.row; {
	case rows > 0:
		s.out.WriteString(sequence(rows, 'B'))
	case rows < 0:
		s.out.WriteString(sequence(-rows, 'A'))
	}
	s.at.row = to.row
	switch columns := to.col - s.at.col; {
	case columns == 0:
	case to.col == 0:
		s.out.WriteByte('\r')
	case columns < 0 && (columns > -4 || s.OneRow):
		s.out.WriteString(strings.Repeat("\b", -columns))
	case columns < 0:
		s.out.WriteString(sequence(-columns, 'D'))
	case s.OneRow:
		s.out.WriteString(textBetween(s.shown.cells, s.at.col, to.col))
	default:
		s.out.WriteString(sequence(columns, 'C'))
	}
	s.at.col = to.col
}

func sequence(n int, final byte) string {
	if n == 1 {
		return "\x1b[" + string(final)
	}
	return "\x1b[" + strconv.Itoa(n) + string(final)
}

// textBetween returns what stands in the columns from one to another.
func textBetween(list []placed, from, to int) string {
	var b strings.Builder
	for _, c := range list {
		if from <= c.col && c.col < to {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

// Leave puts the cursor behind the frame, on a new row: what is written next has nothing
// to do with it. The next frame is drawn there anew.
func (s *Screen) Leave() string {
	s.move(s.shown.end)
	if s.at.col > 0 || s.at.row == 0 {
		s.out.WriteString("\r\n")
	}
	return s.reset()
}

// Stay is Leave without the new row.
func (s *Screen) Stay() string {
	s.move(s.shown.end)
	return s.reset()
}

// Forget says that others have written on the terminal, and that its cursor stands at the
// beginning of an empty row.
func (s *Screen) Forget() { s.reset() }

// Clear clears the whole screen. The next frame is drawn on its first row.
func (s *Screen) Clear() string {
	if s.OneRow {
		return s.Leave()
	}
	s.out.WriteString("\x1b[H\x1b[2J")
	return s.reset()
}

// Resized says that the terminal has another size, and that f is what the same edit is
// on it. Terminals lay their rows out again, so that the cursor is where f has it.
func (s *Screen) Resized(f Frame, width int) string {
	s.width = width
	if f.hidden > 0 || s.shown.hidden > 0 { // of the rows before, nobody knows what is left
		return s.Clear()
	}
	s.at = f.cursor
	s.move(place{})
	if s.OneRow {
		return s.reset()
	}
	s.out.WriteString("\x1b[J")
	return s.reset()
}

func (s *Screen) reset() string {
	s.shown, s.at = Frame{}, place{}
	return s.take()
}

func (s *Screen) take() string {
	text := s.out.String()
	s.out.Reset()
	return text
}

// Columns sets words in as few rows as fit in width, downwards first, with two blanks
// between columns and each column, the last one too, padded to its longest word.
func Columns(words []string, width int) []string {
	for rows := 1; ; rows++ {
		columns := (len(words) + rows - 1) / rows
		widths := make([]int, columns)
		total := 2 * (columns - 1)
		for c := range widths {
			for _, word := range words[c*rows : min((c+1)*rows, len(words))] {
				widths[c] = max(widths[c], cells.Width(word))
			}
			total += widths[c]
		}
		if total > width && rows < len(words) {
			continue
		}
		table := make([]string, rows)
		for i, word := range words {
			row, column := i%rows, i/rows
			if column > 0 {
				table[row] += "  "
			}
			table[row] += cells.Pad(word, widths[column])
		}
		return table
	}
}
