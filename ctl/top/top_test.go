package top

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"supervisor/ctl/cells"
	"supervisor/xmlrpc"
)

var rewrite = flag.Bool("update", false, "rewrite the golden frames")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// dump is a frame as text, and below it the styles of its cells: a letter for each that is
// not plain, a capital one if it is reversed.
func dump(f *Frame) string {
	var b strings.Builder
	for y := range f.Height {
		var line strings.Builder
		for _, c := range f.line(y) {
			line.WriteString(c.Text)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if f.CursorX >= 0 {
		fmt.Fprintf(&b, "cursor %d %d\n", f.CursorX, f.CursorY)
	}
	b.WriteString("--\n")
	for y := range f.Height {
		var line strings.Builder
		for _, c := range f.line(y) {
			letter := "  fsgwbmx"[1+c.Style&^Reversed]
			if c.Style == Reversed {
				letter = 'R'
			} else if c.Style&Reversed != 0 {
				letter -= 'a' - 'A'
			}
			line.WriteByte(letter)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// golden compares a frame with the file of that name.
func golden(t *testing.T, name string, f *Frame) {
	t.Helper()
	checkFrame(t, f)
	file := filepath.Join("testdata", name+".txt")
	got := dump(f)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v, got\n%s", name, err, got)
	}
}

// checkFrame makes sure of what every frame is like: each line takes all of its cells, and
// nothing in it that a terminal would obey.
func checkFrame(t *testing.T, f *Frame) {
	t.Helper()
	if len(f.Cells) != f.Width*f.Height {
		t.Fatalf("%d cells for %dx%d", len(f.Cells), f.Width, f.Height)
	}
	for y := range f.Height {
		for x, c := range f.line(y) {
			n := cellsOf(c.Text)
			switch {
			case c.Text == "" && x > 0 && cellsOf(f.line(y)[x-1].Text) == 2:
			case n == 2 && x+1 < f.Width && f.line(y)[x+1].Text == "":
			case n == 1:
			default:
				t.Fatalf("cell %d,%d is %q", x, y, c.Text)
			}
			if strings.ContainsFunc(c.Text, func(r rune) bool { return cells.RuneWidth(r) < 0 }) {
				t.Fatalf("cell %d,%d is %q", x, y, c.Text)
			}
		}
	}
}

// model returns a model with some programs of all kinds.
func model(width, height int) *Model {
	m := New(Options{})
	m.Resize(width, height)
	m.SetServer(Server{Identifier: "web1", CPU: 0.24, RSS: 9 << 20})
	list := []Program{
		{Name: "db", Group: "db", Short: "db", State: xmlrpc.Running, PID: 812, Start: noon.Add(-75 * time.Hour), Event: "started at 09:00:00"},
		{Name: "cache", Group: "cache", Short: "cache", State: xmlrpc.Stopped, Event: "stopped by admin at 11:58:03"},
		{Name: "web:api_1", Group: "web", Short: "api_1", State: xmlrpc.Running, PID: 1001, Start: noon.Add(-5 * time.Second), Restarts: 3, Event: "restarted at 11:59:55"},
		{Name: "web:api_2", Group: "web", Short: "api_2", State: xmlrpc.Running, PID: 1002, Start: noon.Add(-3 * time.Hour), Alarm: true, Event: "unhealthy: status 503"},
		{Name: "web:worker", Group: "web", Short: "worker", State: xmlrpc.Fatal, Event: "exited too quickly, exit status 1 at 11:40:12"},
		{Name: "web:mailer", Group: "web", Short: "mailer", State: xmlrpc.Stopped, Waiting: "db (ready)", Event: "added at 09:00:00"},
		{Name: "日本語プログラム", Group: "日本語プログラム", Short: "日本語プログラム", State: xmlrpc.Backoff, Restarts: 12, Event: "exit status 2"},
		{Name: "cafe\u0301", Group: "cafe\u0301", Short: "cafe\u0301", State: xmlrpc.Exited, Event: "👩‍💻 exited, \x1b[31m👍🏽 fine\x00"},
	}
	m.SetPrograms(list)
	for i := range 12 {
		m.SetUsage([]Usage{
			{"db", 3, 812 << 20}, {"web:api_1", float64(i * i), 45 << 20}, {"web:api_2", float64(100 - 8*i), 3 << 30},
		})
	}
	return m
}

func press(t *testing.T, m *Model, keys ...Key) []Request {
	t.Helper()
	var all []Request
	for _, key := range keys {
		all = append(all, m.Press(key)...)
		checkFrame(t, m.Frame(noon))
	}
	return all
}

func typed(text string) (keys []Key) {
	for _, r := range text {
		keys = append(keys, Key(r))
	}
	return keys
}

func logs(n int) (lines []LogLine) {
	for i := range n {
		stream := Stdout
		if i%3 == 2 {
			stream = Stderr
		}
		lines = append(lines, LogLine{stream, fmt.Sprintf("12:%02d:00 request %d took %d ms", i%60, i, i*37%100)})
	}
	return lines
}

func TestGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 12}} {
		name := func(what string) string { return fmt.Sprintf("%s-%dx%d", what, size[0], size[1]) }
		m := model(size[0], size[1])
		golden(t, name("list"), m.Frame(noon))
		press(t, m, Down, Down, Down, ' ', 'o', 'o', 'o')
		golden(t, name("cpu"), m.Frame(noon))
		press(t, m, 'x')
		m = model(size[0], size[1])
		press(t, m, Down, Down, 'g')
		golden(t, name("folded"), m.Frame(noon))
		press(t, m, 'x')
		golden(t, name("question"), m.Frame(noon))
		press(t, m, 'n', '/')
		press(t, m, typed("web !fatal")...)
		golden(t, name("filter"), m.Frame(noon))
		m = model(size[0], size[1])
		press(t, m, Enter)
		m.AddLog("db", logs(30))
		m.AddLog("db", []LogLine{{Note, "12 lines were skipped"}, {Stdout, "日本語のログ e\u0301 " + strings.Repeat("x", 100)}, {Stderr, "\x1b[31mred\x1b[0m\ttab\rover\tthe end"}})
		press(t, m, '/')
		press(t, m, append(typed("request 2\\d"), Enter)...)
		golden(t, name("logs"), m.Frame(noon))
		press(t, m, 'f', 'w', '2')
		golden(t, name("wrapped"), m.Frame(noon))
		press(t, m, '?')
		golden(t, name("help"), m.Frame(noon))
	}
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		m := thousand(size[0], size[1])
		press(t, m, EndKey, PageUp, 'g', PageUp, 'x')
		golden(t, fmt.Sprintf("thousand-%dx%d", size[0], size[1]), m.Frame(noon))
	}
	m := model(80, 24)
	m.o.ASCII = true
	m.SetServer(Server{Identifier: "web1", Lost: "connection refused"})
	golden(t, "ascii", m.Frame(noon))
	golden(t, "empty", New(Options{}).Frame(noon))
}

// listing is the rows: names, * behind what is chosen, / behind a heading, brackets around
// the selection.
func (m *Model) listing() string {
	m.arrange()
	var list []string
	for i, r := range m.rows {
		name := r.group + "/"
		if p := m.program(r); p != nil {
			name = p.Name
			if m.marked[name] {
				name += "*"
			}
		}
		if i == m.at {
			name = "[" + name + "]"
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

// small returns a model with few programs.
func small() *Model {
	m := New(Options{})
	m.SetPrograms(smallList())
	return m
}

func smallList() []Program {
	return []Program{
		{Name: "db", Group: "db", Short: "db", State: xmlrpc.Running, PID: 7, Start: noon.Add(-time.Hour)},
		{Name: "web:w_2", Group: "web", Short: "w_2", State: xmlrpc.Running, PID: 8, Start: noon.Add(-time.Minute), Restarts: 2},
		{Name: "web:w_10", Group: "web", Short: "w_10", State: xmlrpc.Fatal, Restarts: 5},
		{Name: "zoo", Group: "zoo", Short: "zoo", State: xmlrpc.Stopped, Alarm: true},
	}
}

func TestBrowse(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []Key
		want string
	}{
		{"at first", nil, "[db] web/ web:w_2 web:w_10 zoo"},
		{"down", []Key{Down, 'j'}, "db web/ [web:w_2] web:w_10 zoo"},
		{"up at the top", []Key{'k', Up}, "[db] web/ web:w_2 web:w_10 zoo"},
		{"pages", []Key{PageDown}, "db web/ web:w_2 web:w_10 [zoo]"},
		{"end and home", []Key{EndKey, Home}, "[db] web/ web:w_2 web:w_10 zoo"},
		{"fold on the heading", []Key{Down, 'g'}, "db [web/] zoo"},
		{"fold from inside", []Key{Down, Down, 'g'}, "db [web/] zoo"},
		{"fold and unfold", []Key{Down, Left, Left, Right}, "db [web/] web:w_2 web:w_10 zoo"},
		{"enter on a heading", []Key{Down, Enter}, "db [web/] zoo"},
		{"fold what has no heading", []Key{'g'}, "[db] web/ web:w_2 web:w_10 zoo"},
		{"mark", []Key{' '}, "db* [web/] web:w_2 web:w_10 zoo"},
		{"mark a group", []Key{Down, ' '}, "db web/ [web:w_2*] web:w_10* zoo"},
		{"mark the rest of a group", []Key{Down, Down, ' ', Up, Up, ' '}, "db web/ [web:w_2*] web:w_10* zoo"},
		{"unmark a group", []Key{Down, ' ', Up, ' '}, "db web/ [web:w_2] web:w_10 zoo"},
		{"escape unmarks", []Key{' ', ' ', Esc}, "db web/ [web:w_2] web:w_10 zoo"},
		{"by name", []Key{'o'}, "[db] web:w_2 web:w_10 zoo"},
		{"by state", []Key{'o', 'o'}, "web:w_10 zoo [db] web:w_2"},
		{"by uptime", []Key{'o', 'o', 'o', 'o', 'o'}, "[db] web:w_2 web:w_10 zoo"},
		{"by restarts", []Key{'o', 'o', 'o', 'o', 'o', 'o'}, "web:w_10 web:w_2 [db] zoo"},
		{"the other way", []Key{'o', 'O'}, "zoo web:w_10 web:w_2 [db]"},
		{"groups the other way", []Key{'O'}, "zoo web/ web:w_2 web:w_10 [db]"},
		{"once around", []Key{'o', 'o', 'o', 'o', 'o', 'o', 'o'}, "[db] web/ web:w_2 web:w_10 zoo"},
		{"fold in another order", []Key{'o', 'g'}, "[db] web/ web:w_2 web:w_10 zoo"},
		{"filter", append([]Key{'/'}, typed("web")...), "[web/] web:w_2 web:w_10"},
		{"filter by state", append([]Key{'f'}, typed("web FATAL")...), "[web/] web:w_10"},
		{"filter by pid", append([]Key{'/'}, typed("7")...), "[db]"},
		{"filter what is not", append([]Key{'/'}, typed("!web !zoo")...), "[db]"},
		{"filter with half a word", append([]Key{'/'}, typed("db !")...), "[db]"},
		{"filter and select", append(append([]Key{'/'}, typed("w_")...), Enter, Down, Down), "web/ web:w_2 [web:w_10]"},
		{"a filter shows what is folded", append([]Key{Down, 'g', '/'}, typed("10")...), "[web/] web:w_10"},
		{"filter given up", append(append([]Key{'/'}, typed("web")...), Esc), "db [web/] web:w_2 web:w_10 zoo"},
		{"filter corrected", append(append([]Key{'/'}, typed("dbx")...), Backspace), "[db]"},
		{"filter emptied", append(append([]Key{'/'}, typed("dbx")...), CtrlU, Enter), "[db] web/ web:w_2 web:w_10 zoo"},
		{"filter taken away", append(append([]Key{'/'}, typed("zoo")...), Enter, Esc), "db web/ web:w_2 web:w_10 [zoo]"},
		{"nothing matches", append(append([]Key{'/'}, typed("nix")...), Enter, Down, ' ', 's', 'g', 'l', Enter), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := small()
			if r := press(t, m, test.keys...); len(r) > 0 {
				t.Errorf("requests %v", r)
			}
			if got := m.listing(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestActions(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []Key
		want string
	}{
		{"start", []Key{'s'}, "[{3 [db]}]"},
		{"stop", []Key{'x'}, "[{4 [db]}]"},
		{"restart", []Key{Down, Down, 'r'}, "[{5 [web:w_2]}]"},
		{"a group asks", []Key{Down, 'r'}, "[]"},
		{"yes", []Key{Down, 'r', 'y'}, "[{5 [web:w_2 web:w_10]}]"},
		{"no", []Key{Down, 'x', 'n', 'y'}, "[]"},
		{"anything else is no", []Key{Down, 'x', Enter, 'y'}, "[]"},
		{"chosen ones", []Key{EndKey, ' ', Home, ' ', 's', 'Y'}, "[{3 [db zoo]}]"},
		{"one chosen, another selected", []Key{' ', 'x'}, "[{4 [db]}]"},
		{"only once", []Key{' ', 'x', 's'}, "[{4 [db]} {3 [web:w_2 web:w_10]}]"},
		{"of a group what matches", append(append([]Key{'/'}, typed("fatal")...), Enter, 's'), "[{3 [web:w_10]}]"},
		{"quit", []Key{'q'}, "[{0 []}]"},
		{"control keys", []Key{CtrlZ, CtrlL, CtrlC}, "[{1 []} {2 []} {0 []}]"},
		{"control keys everywhere", []Key{'/', CtrlC, Enter, '?', CtrlZ}, "[{0 []} {1 []}]"},
		{"letters in a prompt", append([]Key{'/'}, typed("qsxr")...), "[]"},
		{"help takes a key", []Key{'?', 'q', '?', 's', 'q'}, "[{0 []}]"},
		{"logs", []Key{'l'}, "[{6 [db]}]"},
		{"logs again", []Key{'l', Tab, Enter}, "[{6 [db]}]"},
		{"logs of another", []Key{'l', Tab, EndKey, 'l'}, "[{6 [db]} {6 [zoo]}]"},
		{"logs closed", []Key{'l', 'q', 'q'}, "[{6 [db]} {7 [db]} {0 []}]"},
		{"actions from the logs", []Key{' ', Home, 'l', Tab, Down, Down, Tab, 'x'}, "[{6 [db]} {4 [db]}]"},
		{"help from the logs", []Key{'l', '?', 'x', Esc}, "[{6 [db]} {7 [db]}]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := small()
			got := press(t, m, test.keys...)
			if test.name == "only once" {
				got = append(got, press(t, m, 'y')...) // the selection was on the group
			}
			if fmt.Sprint(got) != test.want {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

// The selection stays with its program, and what is gone is no longer chosen.
func TestChanges(t *testing.T) {
	m := small()
	press(t, m, ' ', EndKey)
	list := smallList()
	m.SetPrograms([]Program{{Name: "new", Group: "new"}, list[3], list[2]})
	if got, want := m.listing(), "new [zoo] web:w_10"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(m.marked) > 0 {
		t.Errorf("chosen: %v", m.marked)
	}
	m.SetPrograms(list[:1])
	if got, want := m.listing(), "[db]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m.SetPrograms(nil)
	press(t, m, Down, ' ', 'x', 'l', 'g', 'o')
	m.SetPrograms(list)
	if got, want := m.listing(), "[db] web:w_2 web:w_10 zoo"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLogs(t *testing.T) {
	m := small()
	m.Resize(40, 24) // the pane has 12 lines, 11 of them for the log
	text := func() string {
		f := m.Frame(noon)
		checkFrame(t, f)
		var lines []string
		for y := 11; y < 22; y++ {
			var b strings.Builder
			for _, c := range f.line(y) {
				b.WriteString(c.Text)
			}
			if line := strings.TrimRight(b.String(), " "); line != "" {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "|")
	}
	m.AddLog("db", []LogLine{{Stdout, "dropped"}})
	press(t, m, 'l')
	m.AddLog("web:w_2", []LogLine{{Stdout, "of another"}})
	if got := text(); got != "" {
		t.Errorf("at first: %s", got)
	}
	for i := range 20 {
		m.AddLog("db", []LogLine{{Stdout, fmt.Sprint("out ", i)}, {Stderr, fmt.Sprint("err ", i)}})
	}
	check := func(what, want string, keys ...Key) {
		t.Helper()
		press(t, m, keys...)
		if got := text(); got != want {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
	}
	check("end", "err 14|out 15|err 15|out 16|err 16|out 17|err 17|out 18|err 18|out 19|err 19")
	check("up", "out 14|err 14|out 15|err 15|out 16|err 16|out 17|err 17|out 18|err 18|out 19", Up)
	m.AddLog("db", []LogLine{{Stdout, "more"}})
	check("it does not move", "out 14|err 14|out 15|err 15|out 16|err 16|out 17|err 17|out 18|err 18|out 19")
	check("home", "out 0|err 0|out 1|err 1|out 2|err 2|out 3|err 3|out 4|err 4|out 5", Home, Up)
	check("page down", "out 5|err 5|out 6|err 6|out 7|err 7|out 8|err 8|out 9|err 9|out 10", PageDown)
	check("follow", "out 15|err 15|out 16|err 16|out 17|err 17|out 18|err 18|out 19|err 19|more", 'f')
	check("down to the end follows", "out 15|err 15|out 16|err 16|out 17|err 17|out 18|err 18|out 19|err 19|more", Up, Up, Down, Down)
	m.AddLog("db", []LogLine{{Stdout, "and more"}})
	check("it moves", "err 15|out 16|err 16|out 17|err 17|out 18|err 18|out 19|err 19|more|and more")
	check("stderr", "err 9|err 10|err 11|err 12|err 13|err 14|err 15|err 16|err 17|err 18|err 19", '2')
	check("stdout", "out 11|out 12|out 13|out 14|out 15|out 16|out 17|out 18|out 19|more|and more", '1')
	search := func(text string) []Key { return append(append([]Key{'/'}, typed(text)...), Enter) }
	check("search", "err 7|out 8|err 8|out 9|err 9|out 10|err 10|out 11|err 11|out 12|err 12", append([]Key{'3'}, search("ERR 12|err 12|zzz")...)...)
	check("older", "out 7|err 7|out 8|err 8|out 9|err 9|out 10|err 10|out 11|err 11|out 12", append(search("2$"), 'n')...)
	check("much older", "out 0|err 0|out 1|err 1|out 2|err 2|out 3|err 3|out 4|err 4|out 5", 'n')
	check("newer", "out 7|err 7|out 8|err 8|out 9|err 9|out 10|err 10|out 11|err 11|out 12", 'N')
	check("no regular expression", "out 7|err 7|out 8|err 8|out 9|err 9|out 10|err 10|out 11|err 11|out 12", search("(")...)
	if !strings.Contains(m.message, "no older line matches") {
		t.Errorf("message %q", m.message)
	}
	long := strings.Repeat("0123456789", 10) + "日本"
	m.AddLog("db", []LogLine{{Stdout, long}, {Note, "end"}})
	check("long", "err 16|out 17|err 17|out 18|err 18|out 19|err 19|more|and more|"+long[:40]+"|end", '1', '3', 'f', 'w', 'w', Right, Left)
	check("to the right", "01234567890123456789日本", Right, Right, Right, Right, Right)
}

func TestLogsLimit(t *testing.T) {
	m := small()
	press(t, m, 'l')
	m.AddLog("db", logs(maxLines))
	press(t, m, Up, PageUp)
	before := dump(m.Frame(noon))
	end := m.pane.lines[m.pane.view[m.pane.bottom()-1]].Text
	m.AddLog("db", logs(1000))
	if got := m.pane.lines[m.pane.view[m.pane.bottom()-1]].Text; got != end || len(m.pane.lines) != maxLines {
		t.Errorf("%d lines, %s at the end, was %s\n%s", len(m.pane.lines), got, end, before)
	}
	m.AddLog("db", logs(2*maxLines)) // what was shown is gone
	checkFrame(t, m.Frame(noon))
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"plain ü 日":                          "plain ü 日",
		"\x1b[1;31mred\x1b[0m":               "red",
		"a\x1b]0;title\x07b\x1b]8;;x\x1b\\c": "abc",
		"a\x1b(Bb\x1bMc\x1b":                 "abc",
		"a\x1b[31":                           "a",
		"10%\r20%\r\r":                       "20%",
		"a\tb\t日\tc":                         "a       b       日      c",
		"\a\x00\x9b31m\u202e":                "???31m?",
		"\u0301e\u0301\xff":                  "e\u0301?",
		strings.Repeat("é", 3000):            strings.Repeat("é", 2048) + "…",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestDue(t *testing.T) {
	m := small()
	now := noon.Add(1500 * time.Millisecond)
	if got := m.Due(now); !got.Equal(noon.Add(2 * time.Second)) {
		t.Errorf("with uptimes: %v", got)
	}
	m.SetPrograms(smallList()[2:])
	if got := m.Due(now); !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("with a clock: %v", got)
	}
}

func TestText(t *testing.T) {
	m := model(20, 5)
	press(t, m, '/')
	press(t, m, typed("nothing")...)
	want := `NAME              STATE     PID    UPTIME     CPU   MEM  RESTARTS  LAST EVENT
db                RUNNING   812  3d 03:00    3.0%  812M         0  started at 09:00:00
cache             STOPPED     -         -       -     -         0  stopped by admin at 11:58:03
web:api_1         RUNNING  1001   0:00:05  121.0%   45M         3  restarted at 11:59:55
web:api_2         RUNNING  1002   3:00:00   12.0%  3.0G         0  unhealthy: status 503
web:worker        FATAL       -         -       -     -         0  exited too quickly, exit status 1 at 11:40:12
web:mailer        STOPPED     -         -       -     -         0  waiting for db (ready)
日本語プログラム  BACKOFF     -         -       -     -        12  exit status 2
cafe\u0301              EXITED      -         -       -     -         0  👩‍💻 exited, 👍🏽 fine?
`
	if got := string(m.AppendText(nil, noon)); got != strings.ReplaceAll(want, `\u0301`, "\u0301") {
		t.Errorf("got\n%s", got)
	}
}

func TestFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00:00", 59 * time.Second: "0:00:59", 25*time.Hour - time.Second: "1d 00:59", 23*time.Hour + 61*time.Second: "23:01:01", 9999 * 24 * time.Hour: "9999d 00:00",
	} {
		if got := uptime(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 1023: "1023", 1024: "1.0K", 10 << 10: "10K", 999 << 10: "999K", 1000 << 10: "1.0M", 1 << 40: "1.0T", 1<<63 - 1: "8.0E"} {
		if got := size(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	for cpu, want := range map[float64]string{0: "0.0%", 0.05: "0.1%", 99.96: "100.0%", 12800: "12800%"} {
		if got := percent(cpu); got != want {
			t.Errorf("%v: got %s, want %s", cpu, got, want)
		}
	}
	h := &history{}
	for i := range 100 {
		h.add(float64(i))
	}
	if got := h.spark(5, false); got != "█████" {
		t.Error(got)
	}
	h = &history{}
	for _, cpu := range []float64{0, 1, 50, 100} {
		h.add(cpu)
	}
	if got := h.spark(10, false); got != "▁▁▅█" {
		t.Error(got)
	}
	if got := h.spark(3, true); got != "_=#" {
		t.Error(got)
	}
	if got := (&history{}).spark(5, false); got != "" {
		t.Error(got)
	}
}

func TestNatural(t *testing.T) {
	want := []string{"", "a", "a1", "a2", "a02b", "a10", "a10b", "a100", "b", "b_1_2", "b_1_10", "b_2_1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, natural)
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Whatever the size, there is a frame of that size.
func TestSizes(t *testing.T) {
	m := model(80, 24)
	press(t, m, 'l')
	m.AddLog("db", logs(100))
	for _, keys := range [][]Key{nil, {'w'}, {'?'}, {'?', 'q', 'x'}, {'/'}} {
		press(t, m, keys...)
		for width := 1; width < 130; width += 1 + width/8 {
			for height := 1; height < 40; height++ {
				m.Resize(width, height)
				f := m.Frame(noon)
				if f.Width != width || f.Height != height {
					t.Fatalf("%dx%d for %dx%d", f.Width, f.Height, width, height)
				}
				checkFrame(t, f)
			}
		}
	}
	m.Resize(0, -1)
	checkFrame(t, m.Frame(noon))
}

// FuzzModel: whatever keys are pressed, each frame is one.
func FuzzModel(f *testing.F) {
	f.Add("jj gxy/web\r", uint8(80), uint8(24))
	f.Add("ljjw23/req\rnN\x1bqo O?x", uint8(20), uint8(10))
	f.Fuzz(func(t *testing.T, input string, width, height uint8) {
		m := model(int(width), int(height))
		keys, _ := ParseKeys(input, true)
		for i, key := range keys {
			if i > 200 {
				break
			}
			for _, r := range m.Press(key) {
				if r.Action == Follow {
					m.AddLog(r.Names[0], logs(50))
				}
			}
			checkFrame(t, m.Frame(noon))
		}
	})
}

// thousand returns a model with a thousand programs.
func thousand(width, height int) *Model {
	m := New(Options{})
	m.Resize(width, height)
	var list []Program
	var usage []Usage
	for i := range 1000 {
		group := fmt.Sprint("group_", i/10)
		p := Program{Name: fmt.Sprintf("%s:worker_%d", group, i), Group: group, Short: fmt.Sprint("worker_", i), State: xmlrpc.Running, PID: 1000 + i, Start: noon.Add(-time.Duration(i) * time.Minute), Event: "started at 09:00:00"}
		list = append(list, p)
		usage = append(usage, Usage{p.Name, float64(i * 7919 % 1000), int64(i) << 16})
	}
	m.SetPrograms(list)
	for range historySize {
		m.SetUsage(usage)
	}
	return m
}

// A frame with 1,000 programs has to take less than 5 ms.
func BenchmarkFrame(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		for _, keys := range []string{"", "ooo", "/worker !99\r"} {
			b.Run(fmt.Sprintf("%dx%d %q", size[0], size[1], keys), func(b *testing.B) {
				m := thousand(size[0], size[1])
				for _, key := range typed(keys) {
					m.Press(key)
				}
				b.ReportAllocs()
				for b.Loop() {
					m.stale = true // as after each sample
					m.Frame(noon)
				}
			})
		}
	}
}
