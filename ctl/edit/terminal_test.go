package edit

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"supervisor/ctl/cells"
)

// terminal is as much of one as the editor uses, with wide characters, and with the
// cursor that hangs behind the last column until something more is written.
type terminal struct {
	t             *testing.T
	width, height int
	rows          [][]string // a cell for each column; the second one of a wide character is ""
	wrapped       []bool     // the row goes on in the next one
	row, col      int
}

// unset is a cell that nothing was written to.
const unset = "\x00"

func newTerminal(t *testing.T, width, height int) *terminal {
	return &terminal{t: t, width: width, height: height}
}

// need makes the row of the cursor, and scrolls.
func (m *terminal) need() {
	for m.row >= len(m.rows) {
		row := make([]string, m.width)
		for i := range row {
			row[i] = unset
		}
		m.rows, m.wrapped = append(m.rows, row), append(m.wrapped, false)
	}
	for len(m.rows) > m.height {
		m.rows, m.wrapped, m.row = m.rows[1:], m.wrapped[1:], m.row-1
	}
}

func (m *terminal) write(text string) {
	m.need()
	for text != "" {
		if strings.HasPrefix(text, "\x1b[") {
			end := 2 + strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' })
			m.control(text[2:end], text[end])
			text = text[end+1:]
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		text = text[n:]
		m.put(r)
	}
}

func (m *terminal) put(r rune) {
	switch r {
	case '\r':
		m.col = 0
		return
	case '\n':
		m.row++
		m.need()
		return
	case '\b':
		m.col = max(min(m.col, m.width-1)-1, 0)
		return
	}
	if r < ' ' {
		m.t.Fatalf("control character %q", r)
	}
	width := cells.RuneWidth(r)
	if width == 0 {
		m.rows[m.row][m.col-1] += string(r)
		return
	}
	if m.col+width > m.width {
		m.wrapped[m.row] = true
		m.row, m.col = m.row+1, 0
		m.need()
	}
	m.rows[m.row][m.col] = string(r)
	if width == 2 {
		m.rows[m.row][m.col+1] = ""
	}
	m.col += width
}

func (m *terminal) control(parameter string, final byte) {
	n := 1
	if parameter != "" {
		_, _ = fmt.Sscan(parameter, &n)
	}
	switch final {
	case 'A':
		if m.row -= n; m.row < 0 {
			m.t.Fatalf("the cursor goes above the screen")
		}
	case 'B':
		if m.row += n; m.row >= len(m.rows) {
			m.t.Fatalf("the cursor goes to a row that is not there")
		}
	case 'C':
		if m.col += n; m.col >= m.width {
			m.t.Fatalf("the cursor goes behind the last column")
		}
	case 'D':
		m.col = max(min(m.col, m.width-1)-n, 0)
	case 'H':
		m.row, m.col = 0, 0
	case 'K', 'J':
		if n == 2 {
			m.rows, m.wrapped, m.row, m.col = nil, nil, 0, 0
			m.need()
			return
		}
		for i := min(m.col, m.width-1); i < m.width; i++ {
			m.rows[m.row][i] = unset
		}
		if final == 'J' {
			m.rows, m.wrapped = m.rows[:m.row+1], m.wrapped[:m.row+1]
		}
		m.wrapped[m.row] = false
	default:
		m.t.Fatalf("sequence %q%c", parameter, final)
	}
}

// resize lays the rows out again, as tmux does.
func (m *terminal) resize(width int) {
	old := *m
	*m = *newTerminal(m.t, width, m.height)
	m.need()
	at := place{-1, 0}
	for r, row := range old.rows {
		text := row
		for len(text) > 0 && text[len(text)-1] == unset && (r != old.row || len(text) > old.col) {
			text = text[:len(text)-1]
		}
		for c, cell := range text {
			if r == old.row && c == old.col {
				at = m.upcoming(cell)
			}
			for _, r := range strings.ReplaceAll(cell, unset, " ") {
				m.put(r)
			}
		}
		if r == old.row && at.row < 0 {
			at = m.upcoming(" ")
		}
		if !old.wrapped[r] && r < len(old.rows)-1 {
			m.write("\r\n")
		}
	}
	m.row, m.col = at.row, at.col
	m.need()
}

// upcoming is where a cell will be put.
func (m *terminal) upcoming(cell string) place {
	if m.col+cells.Width(cell) > m.width {
		return place{m.row + 1, 0}
	}
	return place{m.row, m.col}
}

// text is what is to be seen, with the cursor as |.
func (m *terminal) text() string {
	var b strings.Builder
	for r, row := range m.rows {
		for c, cell := range row {
			if r == m.row && c == m.col {
				b.WriteByte('|')
			}
			b.WriteString(strings.ReplaceAll(cell, unset, " "))
		}
		b.WriteByte('\n')
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// TestScreen has what is to be seen on a terminal of ten columns and four rows.
func TestScreen(t *testing.T) {
	tests := []struct{ name, keys, want string }{
		{"a new line", "", "> |"},
		{"a few letters", "abc", "> abc|"},
		{"a full row", "abcdefgh", "> abcdefgh\n|"},
		{"and one taken back", "abcdefgh\x7f", "> abcdefg|"},
		{"two rows", "abcdefghij", "> abcdefgh\nij|"},
		{"the cursor at the beginning", "abcdefghij\x01", "> |abcdefgh\nij"},
		{"put in before", "abcdefghij\x01x", "> x|abcdefg\nhij"},
		{"cut before", "abcdefghij\x01\x1b[3~\x1b[3~", "> |cdefghij"},
		{"killed", "abcdefghij\x01\x0b", "> |"},
		{"wide ones", "a日本語日", "> a日本語\n日|"},
		{"a wide one takes the place of a narrow one", "aaaaaaabc\x02\x02\x02日", "> aaaaaa日\n|abc"},
		{"the cursor at a wide one on the next row", "a日本語日\x02", "> a日本語\n|日"},
		{"spelled out", "a\x1b[200~b", "> ab|"},
		{"more rows than the screen has", strings.Repeat("abcdefghij", 4) + "xyz", "ijabcdefgh\nijabcdefgh\nijabcdefgh\nijxyz|"},
		{"the beginning of that", strings.Repeat("abcdefghij", 4) + "xyz\x01", "> |abcdefgh\nijabcdefgh\nijabcdefgh\nijabcdefgh"},
		{"search", "\x12ta", "(reverse-i\n-search)`t\na': s|tatus"},
	}
	for _, tt := range tests {
		term := newTerminal(t, 10, 4)
		e := Editor{Prompt: "> ", History: []string{"status"}}
		var s Screen
		term.write(s.Draw(e.Frame(10, 4, false), 10))
		keys, _ := keysOf(tt.keys, true)
		for _, key := range keys {
			e.Press(key)
			term.write(s.Draw(e.Frame(10, 4, false), 10))
		}
		if got := term.text(); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// TestScreenSends has the bytes, where they matter to others than a terminal.
func TestScreenSends(t *testing.T) {
	e := Editor{Prompt: "> ", History: []string{"version"}}
	var s Screen
	draw := func() string { return s.Draw(e.Frame(80, 24, false), 80) }
	if got := draw(); got != "> " {
		t.Errorf("the prompt: %q", got)
	}
	pressed(&e, "\x1b[A")
	if got := draw(); got != "version" {
		t.Errorf("a line of the history: %q", got)
	}
	if got := draw(); got != "" {
		t.Errorf("nothing new: %q", got)
	}
	pressed(&e, "\x01")
	if got := draw(); got != "\x1b[7D" {
		t.Errorf("Home: %q", got)
	}
	if got := s.Leave(); got != "\x1b[7C\r\n" {
		t.Errorf("at the end: %q", got)
	}
	coloured := Editor{Prompt: "\x1b[32mok\x1b[0m> ", Hidden: true}
	pressed(&coloured, "sec\x12ret")
	if got := s.Draw(coloured.Frame(80, 24, false), 80); got != "\x1b[32mok\x1b[0m> " {
		t.Errorf("a prompt with colours: %q", got)
	}
	if coloured.Text() != "secret" {
		t.Errorf("the password is %q", coloured.Text())
	}
	if f := coloured.Frame(80, 24, false); f.cursor != (place{0, 4}) {
		t.Errorf("its cursor: %v", f.cursor)
	}
}

// FuzzScreen: whatever is pressed, the terminal shows what it would show of the same line
// drawn on an empty screen, and keeps what stood above; one that knows no sequences gets
// none.
func FuzzScreen(f *testing.F) {
	f.Add("abcdefghijklm\x01\x1b[C日本語\x7f\x7f\x1b[A\x1b[B", uint8(7), uint8(3), false)
	f.Add("aaaaaaabc\x02\x02\x02日\x12st\x07\x0b", uint8(10), uint8(4), false)
	f.Add("abcdefghijk\x01日e\u0301\x0b", uint8(8), uint8(1), true)
	f.Add("0123456789\x1dab\x1d\x1d日\x1dxyz", uint8(6), uint8(9), false)
	f.Fuzz(func(t *testing.T, text string, width, height uint8, oneRow bool) {
		if len(text) > 300 || !utf8.ValidString(text) {
			return
		}
		w, h := int(width)%40+3, int(height)%10+1
		e := Editor{Prompt: "> ", History: []string{"status all", strings.Repeat("start 日本 ", 5)}}
		s := Screen{OneRow: oneRow}
		term := newTerminal(t, w, h)
		draw := func() {
			out := s.Draw(e.Frame(w, h, oneRow), w)
			if oneRow && strings.Contains(out, "\x1b") {
				t.Fatalf("an escape sequence: %q", out)
			}
			term.write(out)
			var fresh Screen
			want := newTerminal(t, w, h)
			fresh.OneRow = oneRow
			want.write(fresh.Draw(e.Frame(w, h, oneRow), w))
			if term.text() != want.text() {
				t.Fatalf("%q behind %d,%d:\n%s\nwant\n%s", out, w, h, term.text(), want.text())
			}
		}
		draw()
		keys, _ := keysOf(text, true)
		for _, key := range keys {
			if key == Ctrl(']') && !oneRow { // another width
				w = w%17 + 3
				term.resize(w)
				term.write(s.Resized(e.Frame(w, h, false), w))
			}
			e.Press(key)
			draw()
		}
	})
}

// TestResize changes the width in the midst of lines of all lengths.
func TestResize(t *testing.T) {
	for length := range 40 {
		for at := 0; at <= length; at += 3 {
			for from := 5; from < 24; from += 3 {
				for to := 5; to < 24; to++ {
					e := Editor{Prompt: "> ", text: []rune(strings.Repeat("abcdefghij", 4)[:length]), at: at}
					var s Screen
					term := newTerminal(t, from, 12)
					term.write("before\r\n")
					term.write(s.Draw(e.Frame(from, 12, false), from))
					term.resize(to)
					f := e.Frame(to, 12, false)
					term.write(s.Resized(f, to))
					term.write(s.Draw(f, to))
					want := newTerminal(t, to, 12)
					want.write("before\r\n")
					want.write(new(Screen).Draw(f, to))
					if term.text() != want.text() {
						t.Fatalf("%d letters, cursor %d, from %d to %d:\n%s\nwant\n%s", length, at, from, to, term.text(), want.text())
					}
				}
			}
		}
	}
}

func TestColumns(t *testing.T) {
	got := Columns([]string{"日本 ", "b ", "cc "}, 12)
	if strings.Join(got, "\n") != "日本   cc \nb    " {
		t.Errorf("got %q", got)
	}
}
