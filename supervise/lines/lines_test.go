package lines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var moment = time.Date(2026, 3, 4, 5, 6, 7, 89_600_000, time.FixedZone("", 3600))

func TestWords(t *testing.T) {
	if got, want := fmt.Sprint(Raw, Text, JSON), "raw text json"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(None, ISO8601, Unix), "none iso8601 unix"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFilter(t *testing.T) {
	column := new(Column)
	column.Fit("web | ", "worker | ", "é|")
	text := Settings{Format: Text, Prefix: "web | "}
	with := func(stamps Timestamps) Settings {
		return Settings{Format: Text, Prefix: "web | ", Column: column, Timestamps: stamps}
	}
	object := Settings{Format: JSON, Program: "web_0", Group: `w"eb`, Stream: "stderr"}
	const head = `{"time":"2026-03-04T04:06:07.089Z","program":"web_0","group":"w\"eb","stream":"stderr",`
	long := strings.Repeat("x", MaxLine)
	for _, test := range []struct {
		name     string
		settings Settings
		input    string
		want     string // but for what Flush adds
		flush    string
	}{
		{"raw", Settings{}, "a\nb\xff\x00", "a\nb\xff\x00", ""},
		{"lines", text, "a\n\nb\n", "web | a\nweb | \nweb | b\n", ""},
		{"no end", text, "a\nb", "web | a\n", "web | b\n"},
		{"bytes", text, "\x00\xff\x1b[1m\r\n", "web | \x00\xff\x1b[1m\r\n", ""},
		{"padded", with(None), "a\n", "web    | a\n", ""},
		{"iso8601", with(ISO8601), "a\n", "2026-03-04T04:06:07.089Z web    | a\n", ""},
		{"unix", with(Unix), "a\n", "1772597167.089 web    | a\n", ""},
		{"as long as may be", text, long + "\n", "web | " + long + "\n", ""},
		{"as long, no end", text, long, "", "web | " + long + "\n"},
		{"too long", text, long + "yz\n", "web | " + long + "…\nweb | yz\n", ""},
		{"too long, no end", text, long + "y", "web | " + long + "…\n", "web | y\n"},
		{"three lines", text, long + long + "y\n", "web | " + long + "…\nweb | " + long + "…\nweb | y\n", ""},
		{"not in a character", text, long[:MaxLine-2] + "€\n", "web | " + long[:MaxLine-2] + "…\nweb | €\n", ""},
		{"not in a character of four", text, long[:MaxLine-3] + "😀b\n", "web | " + long[:MaxLine-3] + "…\nweb | 😀b\n", ""},
		{"just behind a character", text, long[:MaxLine-3] + "€b\n", "web | " + long[:MaxLine-3] + "€…\nweb | b\n", ""},
		{"no character", text, long[:MaxLine-2] + "\x80\x80\x80\n", "web | " + long[:MaxLine-2] + "\x80\x80…\nweb | \x80\n", ""},
		{"json", object, "a\n\n", head + `"message":"a"}` + "\n" + head + `"message":""}` + "\n", ""},
		{"json, no end", object, "{", "", head + `"message":"{"}` + "\n"},
		{"json, escapes", object, "\x00\t\r\x1b\"\\/\x7f\u0085<é€😀\n", head + `"message":"\u0000\t\r\u001b\"\\/\u007f\u0085<é€😀"}` + "\n", ""},
		{"json, not utf-8", object, "a\xff\xc3b\xe2\x82\n", head + `"message":"a` + "\uFFFD\uFFFDb\uFFFD\uFFFD" + `"}` + "\n", ""},
		{"json, object", object, " {\"a\": [1, {}]} \r\n", head + `"json":{"a": [1, {}]}}` + "\n", ""},
		{"json, no object", object, "{\"a\":}\n[1]\n", head + `"message":"{\"a\":}"}` + "\n" + head + `"message":"[1]"}` + "\n", ""},
		{"json, object at the end", object, "{}", "", head + `"json":{}}` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := New(test.settings)
			out := appendAll(f, []byte("before"), test.input)
			if string(out) != "before"+test.want {
				t.Errorf("got %.300q\nwant %.300q", out, test.want)
			}
			if out = f.Flush(nil, moment); string(out) != test.flush {
				t.Errorf("at the end got %.300q, want %.300q", out, test.flush)
			}
			if out = f.Flush(nil, moment); len(out) > 0 || f.Held() > 0 {
				t.Errorf("after the end got %q, %d held", out, f.Held())
			}
		})
	}
}

// appendAll calls Append as often as it wants.
func appendAll(f *Filter, dst []byte, input string) []byte {
	for left := []byte(input); len(left) > 0; {
		dst, left = f.Append(dst, left, moment)
	}
	return dst
}

// The column follows the programs that there are, also for those that run.
func TestColumn(t *testing.T) {
	column := new(Column)
	f := New(Settings{Format: Text, Prefix: "a | ", Column: column})
	plain := New(Settings{Format: Text, Prefix: "[a] ", Column: column})
	for _, test := range []struct {
		prefixes    []string
		want, plain string
	}{
		{nil, "a | x\n", "[a] x\n"},
		{[]string{"a | ", "größer | "}, "a      | x\n", "[a]   x\n"},
		{[]string{"a | ", "b|c | "}, "a   | x\n", "[a] x\n"},
		{[]string{"a | "}, "a | x\n", "[a] x\n"},
		{[]string{"aaaaa"}, "a     | x\n", "[a]  x\n"},
	} {
		column.Fit(test.prefixes...)
		if got, _ := f.Append(nil, []byte("x\n"), moment); string(got) != test.want {
			t.Errorf("%q: got %q, want %q", test.prefixes, got, test.want)
		}
		if got, _ := plain.Append(nil, []byte("x\n"), moment); string(got) != test.plain {
			t.Errorf("%q: got %q, want %q", test.prefixes, got, test.plain)
		}
	}
}

// A line has the time at which its end was read.
func TestMoments(t *testing.T) {
	f := New(Settings{Format: Text, Timestamps: Unix})
	out, _ := f.Append(nil, []byte("a\nb"), time.UnixMilli(7))
	out, _ = f.Append(out, []byte("c\n"), time.UnixMilli(12345))
	out, _ = f.Append(out, []byte("d\n"), time.UnixMilli(-5))
	if want := "0.007 a\n12.345 bc\n0.000 d\n"; string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// However much there is, not much memory is used for it at once.
func TestMaxOutput(t *testing.T) {
	f := New(Settings{Format: JSON})
	p := bytes.Repeat([]byte("\n"), 100_000)
	n := 0
	for len(p) > 0 {
		out, left := f.Append([]byte("xy"), p, moment)
		if len(out) > MaxOutput+1000 || len(left) >= len(p) {
			t.Fatalf("%d bytes of output, %d of %d left", len(out), len(left), len(p))
		}
		n += bytes.Count(out, []byte("\n"))
		p = left
	}
	if n != 100_000 {
		t.Errorf("%d lines", n)
	}
}

// Memory for long lines is not kept for short ones.
func TestMemory(t *testing.T) {
	f := New(Settings{Format: Text})
	appendAll(f, nil, strings.Repeat("x", MaxLine))
	appendAll(f, nil, "\nshort")
	if n := cap(f.held); n < MaxLine {
		t.Errorf("after a long line there is room for %d", n)
	}
	appendAll(f, nil, "\nshort")
	if n := cap(f.held); n > keptLine {
		t.Errorf("after a short line there is room for %d", n)
	}
}

// slow does the same as a Filter in the simplest way, with all of the output at once.
func slow(s Settings, input string) string {
	if s.Format == Raw {
		return input
	}
	var out strings.Builder
	for _, line := range strings.SplitAfter(input, "\n") {
		if line == "" {
			continue
		}
		line = strings.TrimSuffix(line, "\n")
		for len(line) > MaxLine {
			at := MaxLine
			for back := 1; back < utf8.UTFMax; back++ {
				if _, size := utf8.DecodeRuneInString(line[MaxLine-back:]); size > back {
					at = MaxLine - back
				}
			}
			out.WriteString(slowLine(s, line[:at], "…"))
			line = line[at:]
		}
		out.WriteString(slowLine(s, line, ""))
	}
	return out.String()
}

func slowLine(s Settings, line, sign string) string {
	if s.Format == Text {
		return s.Prefix + line + sign + "\n"
	}
	quote := func(text string) string {
		var b strings.Builder
		for _, r := range text {
			switch {
			case r == '\n', r == '\r', r == '\t', r == '"', r == '\\':
				fmt.Fprintf(&b, "\\%c", map[rune]rune{'\n': 'n', '\r': 'r', '\t': 't', '"': '"', '\\': '\\'}[r])
			case unicode.IsControl(r):
				fmt.Fprintf(&b, "\\u%04x", r)
			default:
				b.WriteRune(r)
			}
		}
		return `"` + b.String() + `"`
	}
	content := `"message":` + quote(line+sign)
	if object := strings.Trim(line, " \t\r"); sign == "" && strings.HasPrefix(object, "{") && json.Valid([]byte(object)) && utf8.ValidString(object) {
		content = `"json":` + object
	}
	return fmt.Sprintf(`{"time":"%s","program":%s,"group":%s,"stream":%s,%s}`+"\n",
		moment.UTC().Format(timeStamp), quote(s.Program), quote(s.Group), quote(s.Stream), content)
}

// fed gives a Filter its input in pieces whose sizes next says.
func fed(t testing.TB, s Settings, input string, next func() int) string {
	f := New(s)
	var all []byte
	for p := []byte(input); len(p) > 0; {
		n := min(max(next(), 1), len(p))
		chunk := bytes.Clone(p[:n]) // is the caller's again afterwards
		for left := chunk; len(left) > 0; {
			all, left = f.Append(all, left, moment)
			if f.Held() > MaxLine {
				t.Fatalf("%d bytes held", f.Held())
			}
		}
		clear(chunk)
		p = p[n:]
	}
	return string(f.Flush(all, moment))
}

func settingsOf(format Format) Settings {
	return Settings{Format: format, Prefix: "p | ", Program: "prö\"g\n", Group: "g", Stream: "stdout"}
}

// compare fails if a Filter and the slow version do not agree.
func compare(t testing.TB, s Settings, input string, next func() int) {
	got, want := fed(t, s, input, next), slow(s, input)
	if got == want {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%v: from %d got %.100q, want %.100q", s.Format, at, got[at:], want[at:])
}

// Whatever a program says, and however it is read, it is what the slow version makes.
func TestAgainstSlow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "word ", "\n", "\n", "\r\n", "\"", "\\", "é", "€", "😀", "\x80", "\xff", "\xe2\x82", "\xf0\x9f", "\x00", "\x7f", "\u009b",
		"{", "}", "{\"a\":1}", "{\"b\":[true,\"\\u00e9\"]}\n", "[", "]", ":", ",", " ", "\t", "0", "-1.5e7", "null", "\uFFFD", "\u2028",
		strings.Repeat("x", 1000), strings.Repeat("ÿ", 20000), strings.Repeat("€", 10000), strings.Repeat("\x80", 30000)}
	for range 400 {
		var input strings.Builder
		kinds := 1 + random.IntN(len(words))
		for range random.IntN(300) {
			word := words[random.IntN(kinds)]
			if len(word) > 100 && random.IntN(10) > 0 {
				word = word[:7]
			}
			input.WriteString(word)
		}
		most := []int{1, 5, 100, 70000, 1 << 20}[random.IntN(5)]
		if most == 1 && input.Len() > 100000 {
			most = 100
		}
		for _, format := range []Format{Raw, Text, JSON} {
			compare(t, settingsOf(format), input.String(), func() int { return 1 + random.IntN(most) })
		}
		if t.Failed() {
			return
		}
	}
}

// Every byte at every place near the limit, by every size of chunk.
func TestCut(t *testing.T) {
	for _, tail := range []string{"a€b", "€€", "😀😀", "\xf0\x9f\x98", "\xf0\x80\x80\x80\x80\x80", "\xe2\xe2\xe2\xe2", "\x80\x80\x80\x80\x80", "é\xc3é", "\xc0\xafx"} {
		for before := MaxLine - 6; before <= MaxLine+1; before++ {
			for _, size := range []int{MaxLine - 1, MaxLine, MaxLine + 1, MaxLine + 2, 1 << 20} {
				input := strings.Repeat("x", before) + tail + "\n"
				for _, format := range []Format{Text, JSON} {
					got := fed(t, settingsOf(format), input, func() int { return size })
					one := fed(t, settingsOf(format), input, func() int { return 1000 })
					if got != one {
						t.Fatalf("%q behind %d bytes depends on how it is read", tail, before)
					}
					if utf8.ValidString(tail) {
						compare(t, settingsOf(format), input, func() int { return size })
						if !utf8.ValidString(got) {
							t.Fatalf("%q behind %d bytes is torn apart", tail, before)
						}
					}
				}
			}
		}
	}
}

// All that json.Valid takes for an object is one, and nothing else, but for what is not
// UTF-8 and what is too deep.
func TestIsObject(t *testing.T) {
	for _, text := range []string{
		`{}`, `{ }`, `{"a":1}`, `{"a":-0.1e+5,"b":[],"c":{},"d":[1,[2,{"e":null}]],"f":"\u00eF\n\"\\/"}`, `{"a":true,"a":false}`,
		``, `{`, `}`, `{a:1}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":[1,]}`, `{"a":[,]}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`,
		`{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12`, `{"a":"` + "\t" + `"}`, `{"a":nul}`, `{"a":truee}`, `{"a":1}}`, `{}{}`, `{}}`,
		`{"a":1]`, `{"a":[1}`, `{"a":1} x}`, `{1:2}`, `{"a"` + "\n:\r\t" + `1 }`, `[]`, `"{}"`, `{"` + "\x7f\u0085" + `":"é€😀"}`, `{"a":"` + "\xff" + `"}`, `{"a":"\ud800"}`,
		`{"abcdefgh":"abcdefghijklmnop\"","abcdefghi":"1234567\\"}`,
	} {
		want := json.Valid([]byte(text)) && strings.HasPrefix(text, "{") && utf8.ValidString(text)
		if got := isObject([]byte(text)); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
	for _, test := range []struct {
		depth int
		want  bool
	}{{maxDepth, true}, {maxDepth + 1, false}, {1 << 14, false}} {
		text := strings.Repeat(`{"a":`, test.depth-1) + "{}" + strings.Repeat("}", test.depth-1)
		if got := isObject([]byte(text)); got != test.want {
			t.Errorf("depth %d: got %v", test.depth, got)
		}
	}
}

func FuzzIsObject(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e3,"\u00e9",{"b":null}],"c":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) > maxDepth {
			return
		}
		object := trim(text)
		want := json.Valid(object) && bytes.HasPrefix(object, []byte("{")) && utf8.Valid(object)
		if got := isObject(object); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	})
}

func FuzzFilter(f *testing.F) {
	f.Add("a\n{\"a\":1}\n\xff€", uint8(1), uint8(3))
	f.Add("a", uint8(200), uint8(7))
	f.Fuzz(func(t *testing.T, input string, times, size uint8) {
		if strings.Count(input, "{")+strings.Count(input, "[") > maxDepth {
			return
		}
		// Long lines are found by repetition.
		all := strings.Repeat(input, 1+int(times)*int(times)/16)
		for _, format := range []Format{Raw, Text, JSON} {
			if strings.Count(all, "{") > maxDepth && format == JSON || !utf8.ValidString(all) && len(all) > MaxLine {
				continue
			}
			compare(t, settingsOf(format), all, func() int { return 1 + int(size)*int(size)*2 })
		}
	})
}

// A steady stream of lines allocates nothing, wherever the chunks end.
func TestNoAllocations(t *testing.T) {
	for _, format := range []Format{Text, JSON} {
		s := settingsOf(format)
		s.Timestamps = ISO8601
		f := New(s)
		input := bytes.Repeat([]byte("a line with é, \"quotes\" and \xff\n{\"an\":[\"object\"]}\n"), 1000)
		var buf []byte
		now := moment
		feed := func() {
			for p := input; len(p) > 0; {
				n := min(len(p), 4099)
				now = now.Add(time.Millisecond)
				buf, _ = f.Append(buf[:0], p[:n], now)
				p = p[n:]
			}
		}
		feed()
		if n := testing.AllocsPerRun(20, feed); n > 0 {
			t.Errorf("%v: %v allocations for 2,000 lines", format, n)
		}
	}
}
