package top

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"supervisor/ctl/cells"
	"supervisor/xmlrpc"
)

// terminal understands what Screen sends, and nothing else.
type terminal struct {
	t             *testing.T
	width, height int
	text          [][]string // "" for the second half of a wide character
	looks         [][]string
	x, y          int
	look          string
	top, bottom   int // of what is scrolled
	cursor        bool
	apart         bool // it shows apart what is joined, and pictures in two cells
}

func newTerminal(t *testing.T, width, height int) *terminal {
	term := &terminal{t: t, width: width, height: height, bottom: height}
	for range height {
		term.text = append(term.text, slices.Repeat([]string{"#"}, width)) // what was there before
		term.looks = append(term.looks, make([]string, width))
	}
	return term
}

func (term *terminal) erase(y, from, to int) {
	for x := from; x < to; x++ {
		term.text[y][x], term.looks[y][x] = " ", term.look
	}
}

func (term *terminal) write(data []byte) {
	rest := string(data)
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "\x1b["):
			end := strings.IndexFunc(rest[2:], func(r rune) bool { return r >= '@' && r <= '~' })
			if end < 0 {
				term.t.Fatalf("%q does not end", rest)
			}
			term.control(rest[2:2+end], rest[2+end])
			rest = rest[3+end:]
		case rest[0] == '\r':
			term.x, rest = 0, rest[1:]
		case rest[0] == '\n':
			if term.y+1 >= term.height {
				term.t.Fatal("the screen scrolls")
			}
			term.y, rest = term.y+1, rest[1:]
		default:
			rest = term.char(rest)
		}
	}
}

func (term *terminal) char(text string) (rest string) {
	if r, _ := utf8.DecodeRuneInString(text); cells.RuneWidth(r) < 0 {
		term.t.Fatalf("%q is sent", r)
	}
	cluster, cells, rest := next(text)
	if term.apart && unsure(cluster) {
		return term.pieces(cluster) + rest
	}
	if cells == 0 || term.x+cells > term.width {
		term.t.Fatalf("%q does not fit at %d", text, term.x)
	}
	line := term.text[term.y]
	if line[term.x] == "" { // the second half goes, and with it the first
		line[term.x-1] = " "
	}
	if end := term.x + cells; end < term.width && line[end] == "" {
		line[end] = " "
	}
	line[term.x], term.looks[term.y][term.x] = cluster, term.look
	if cells == 2 {
		line[term.x+1], term.looks[term.y][term.x+1] = "", term.look
	}
	term.x = min(term.x+cells, term.width-1)
	return rest
}

// pieces shows a character the other way.
func (term *terminal) pieces(cluster string) string {
	for _, r := range cluster {
		for range max(cells.RuneWidth(r), 1) { // also what changes the others, at the worst
			if term.x < term.width {
				term.text[term.y][term.x], term.looks[term.y][term.x] = "@", term.look
			}
			term.x = min(term.x+1, term.width-1)
		}
	}
	return ""
}

func (term *terminal) control(parameters string, final byte) {
	n := func(i, missing int) int {
		list := strings.Split(parameters, ";")
		if i >= len(list) || list[i] == "" {
			return missing
		}
		value, err := strconv.Atoi(list[i])
		if err != nil {
			term.t.Fatalf("parameters %q", parameters)
		}
		return value
	}
	switch final {
	case 'H':
		term.y, term.x = n(0, 1)-1, n(1, 1)-1
	case 'C':
		term.x += n(0, 1)
	case 'K':
		term.erase(term.y, term.x, term.width)
	case 'J':
		for y := range term.height {
			term.erase(y, 0, term.width)
		}
	case 'm':
		term.look = strings.TrimPrefix(strings.TrimPrefix(parameters, "0"), ";")
	case 'r':
		term.top, term.bottom = n(0, 1)-1, n(1, term.height)
		term.x, term.y = 0, 0
	case 'S':
		for range n(0, 1) {
			copy(term.text[term.top:term.bottom], append(slices.Clone(term.text[term.top+1:term.bottom]), make([]string, term.width)))
			copy(term.looks[term.top:term.bottom], append(slices.Clone(term.looks[term.top+1:term.bottom]), make([]string, term.width)))
			term.erase(term.bottom-1, 0, term.width)
		}
	case 'h', 'l':
		if parameters != "?25" {
			term.t.Fatalf("mode %q", parameters)
		}
		term.cursor = final == 'h'
	default:
		term.t.Fatalf("control %q %c", parameters, final)
	}
	if term.x < 0 || term.x >= term.width || term.y < 0 || term.y >= term.height {
		term.t.Fatalf("the cursor is at %d,%d", term.x, term.y)
	}
}

// check compares what the terminal shows with what it should.
func (term *terminal) check(f *Frame, p Palette) {
	term.t.Helper()
	for y := range f.Height {
		for x, c := range f.line(y) {
			if term.apart && (unsure(c.Text) || c.Text == "" && unsure(f.line(y)[x-1].Text)) {
				continue
			}
			look := p[c.Style&^Reversed]
			if c.Style&Reversed != 0 {
				look = strings.TrimPrefix(look+";7", ";")
			}
			if term.text[y][x] != c.Text || term.looks[y][x] != look {
				term.t.Fatalf("%d,%d is %q (%s), want %q (%s)", x, y, term.text[y][x], term.looks[y][x], c.Text, look)
			}
		}
	}
	if term.cursor != (f.CursorX >= 0) || term.cursor && (term.x != f.CursorX || term.y != f.CursorY) {
		term.t.Fatalf("cursor %v at %d,%d, want %d,%d", term.cursor, term.x, term.y, f.CursorX, f.CursorY)
	}
}

// randomize fills a frame with something, or changes a part of it.
func randomize(f *Frame, random *rand.Rand, width, height int) {
	if f.Width != width || f.Height != height || random.IntN(5) == 0 {
		f.reset(width, height)
	}
	if random.IntN(3) == 0 && height > 2 { // some lines move up
		n := 1 + random.IntN(2)
		copy(f.Cells, f.Cells[n*width:])
	}
	for range random.IntN(20) {
		texts := []string{"a", "hello world", "日本語", "e\u0301", "x日", "👩‍💻!", "❤️x", "👍🏽日", "👨‍👩‍👧‍👦", "  ", "    \t\x1b", "\xff"}
		f.pen(random.IntN(width), random.IntN(height), 1+random.IntN(width)).put(texts[random.IntN(len(texts))], Style(random.IntN(8))|Style(random.IntN(2))<<7)
	}
	f.CursorX = -1
	if random.IntN(4) == 0 {
		f.CursorX, f.CursorY = random.IntN(width), random.IntN(height)
	}
	f.mend()
}

func playFrames(t *testing.T, seed uint64, width, height int) {
	random := rand.New(rand.NewPCG(seed, 1))
	palette := []Palette{Dark, Light, Mono}[seed%3]
	s := &Screen{Palette: palette}
	term := newTerminal(t, width, height)
	term.apart = seed%2 == 0
	var f Frame
	for i := range 30 {
		randomize(&f, random, width, height)
		if i == 20 {
			s.Forget()
		}
		term.write(s.Draw(nil, &f))
		term.check(&f, palette)
		if again := s.Draw(nil, &f); len(again) > 0 {
			t.Fatalf("the same frame again: %q", again)
		}
	}
}

func TestScreen(t *testing.T) {
	for seed := range uint64(200) {
		playFrames(t, seed, 1+int(seed%23), 1+int(seed%11))
	}
}

func FuzzScreen(f *testing.F) {
	f.Add(uint64(1), uint8(20), uint8(8))
	f.Fuzz(func(t *testing.T, seed uint64, width, height uint8) {
		playFrames(t, seed, 1+int(width)%60, 1+int(height)%30)
	})
}

// Real frames come out on the terminal as they are, and little is sent for little that has
// changed: at 9600 baud 960 bytes take a second.
func TestBytes(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		m := thousand(size[0], size[1])
		s := &Screen{Palette: Dark}
		term := newTerminal(t, size[0], size[1])
		draw := func() int {
			f := m.Frame(noon)
			data := s.Draw(nil, f)
			term.write(data)
			term.check(f, Dark)
			return len(data)
		}
		whole := draw()
		limits := func(what string, n, most int) {
			t.Helper()
			t.Logf("%dx%d, %s: %d bytes", size[0], size[1], what, n)
			if n > most {
				t.Errorf("%dx%d, %s: %d bytes, want at most %d", size[0], size[1], what, n, most)
			}
		}
		limits("the first frame", whole, size[0]*size[1]*2)
		limits("nothing new", draw(), 0)
		m.Press(Down)
		limits("the selection moves", draw(), 400+2*size[0])
		for range 2 * size[1] {
			m.Press(Down)
		}
		draw()
		m.Press(Down)
		limits("the list scrolls", draw(), 700+3*size[0])
		m.programs[m.rows[m.at].program].State = xmlrpc.Backoff
		limits("a state changes", draw(), 160) // in its row, its heading and the summary
		m.Press('l')
		m.AddLog(m.pane.name, logs(200))
		draw()
		m.AddLog(m.pane.name, []LogLine{{Stdout, "a line of forty characters, more or less"}})
		limits("a line is logged", draw(), 120)
		f := m.Frame(noon.Add(1))
		limits("no second later", len(s.Draw(nil, f)), 0)
	}
}

func TestParseKeys(t *testing.T) {
	for _, test := range []struct {
		input string
		all   bool
		want  []Key
		rest  string
	}{
		{"aé日", false, []Key{'a', 'é', '日'}, ""},
		{"\r\n\t\x7f\b\x03", false, []Key{Enter, Enter, Tab, Backspace, Backspace, CtrlC}, ""},
		{"\x1b[A\x1b[B\x1bOC\x1bOD\x1b[H\x1bOF", false, []Key{Up, Down, Right, Left, Home, EndKey}, ""},
		{"\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[3~\x1b[7~\x1b[8~", false, []Key{Home, EndKey, PageUp, PageDown, Delete, Home, EndKey}, ""},
		{"\x1b[1;5A\x1b[5;2~x", false, []Key{Up, PageUp, 'x'}, ""},
		{"\x1b[15~\x1b[?1;2cy\x1b[<0;3;4M", false, []Key{'y'}, ""},
		{"\x1bx", false, nil, ""}, // Alt-x
		{"a\x1b", false, []Key{'a'}, "\x1b"},
		{"a\x1b", true, []Key{'a', Esc}, ""},
		{"\x1b\x1b", true, []Key{Esc, Esc}, ""},
		{"\x1b\x1b[A", false, []Key{Esc, Up}, ""},
		{"\x1b[", false, nil, "\x1b["},
		{"\x1b[", true, []Key{Esc, '['}, ""},
		{"\x1b[1;", false, nil, "\x1b[1;"},
		{"é"[:1], false, nil, "é"[:1]},
		{"é"[:1], true, nil, ""},
		{"\xffa", false, []Key{'a'}, ""},
		{"\x1b[" + strings.Repeat("1", 40), false, nil, ""},
		{"\x1b[1\x01a", false, []Key{1, 'a'}, ""},
		{"", true, nil, ""},
	} {
		keys, rest := ParseKeys(test.input, test.all)
		if !slices.Equal(keys, test.want) || rest != test.rest {
			t.Errorf("%q: got %v, %q, want %v, %q", test.input, keys, rest, test.want, test.rest)
		}
	}
}

// FuzzParseKeys: wherever a read ends, the keys are the same.
func FuzzParseKeys(f *testing.F) {
	f.Add("a\x1b[A\x1b[1;5Bé日\x1b", 3)
	f.Fuzz(func(t *testing.T, input string, cut int) {
		want, wantRest := ParseKeys(input, false)
		cut = max(0, min(cut, len(input)))
		got, rest := ParseKeys(input[:cut], false)
		more, rest := ParseKeys(rest+input[cut:], false)
		if got = append(got, more...); !slices.Equal(got, want) || rest != wantRest {
			t.Fatalf("%q cut at %d: got %v, %q, want %v, %q", input, cut, got, rest, want, wantRest)
		}
		if _, rest := ParseKeys(input, true); rest != "" {
			t.Fatalf("%q: %q is left", input, rest)
		}
	})
}

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "ü": 1, "e\u0301": 1, "\u0301": 0, "\u0301a": 1, "日本": 4, "ﾊﾟ": 2, "Ａ": 2, "한국": 4, "👍": 2, "👍🏽": 2,
		"❤️": 1, "\x1b": 1, "\xff\xff": 2, "\u202e": 1, "👩‍💻": 2, "👨‍👩‍👧‍👦x": 3, "日\u200d本": 2, "…│▾█": 4, "นี้": 1,
	} {
		if got := cellsOf(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	long := "e" + strings.Repeat("\u0301", 1000)
	if cluster, _, _ := next(long); len(cluster) > longest+4 {
		t.Errorf("a character of %d bytes", len(cluster))
	}
}

// The wide characters are those that Python's tables of Unicode have.
func TestWide(t *testing.T) {
	const script = `import unicodedata
for c in range(0x20000):
    ch = chr(c)
    if unicodedata.category(ch) not in ("Cn", "Cs", "Co", "Mn", "Me", "Cf", "Cc", "Sk") and not 0x1160 <= c <= 0x11ff:
        print(c, 2 if unicodedata.east_asian_width(ch) in "WF" else 1)`
	out, err := exec.Command("python3", "-c", script).Output()
	if err != nil {
		t.Skip("needs python3: ", err)
	}
	wrong := 0
	for line := range strings.Lines(string(out)) {
		var c rune
		var want int
		if _, err := fmt.Sscan(line, &c, &want); err != nil {
			t.Fatal(err)
		}
		if got := cells.RuneWidth(c); got != want && got >= 0 {
			wrong++
			if wrong < 20 {
				t.Errorf("%U %c: got %d, want %d", c, c, got, want)
			}
		}
	}
}
