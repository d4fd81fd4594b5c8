package inifile

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"supervisor/inifile/python"
)

// The tests in this file ask Python itself. Run them longer with
//
//	go test ./inifile -run Python -questions 200000 -seed 7
var (
	questions = flag.Int("questions", 20000, "how many questions to ask Python in each test")
	seed      = flag.Uint64("seed", 1, "where the random questions begin")
)

// interpreter is a running testdata/python.py.
type interpreter struct {
	in  io.Writer
	out *json.Decoder
}

// answer is Python's answer to one question.
type answer struct {
	Value json.RawMessage
	Error *string
	Name  string // of a KeyError
}

// startPython starts Python, or skips the test if it is not there or words its
// errors in another way than the release that Supervisor's texts are taken from.
func startPython(t *testing.T) *interpreter {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to compare with:", err)
	}
	cmd := exec.Command(path, "testdata/python.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	p := &interpreter{in, json.NewDecoder(bufio.NewReader(out))}
	var version [2]int
	if err := p.out.Decode(&version); err != nil {
		t.Fatal(err)
	}
	if version != [2]int{3, 11} && version != [2]int{3, 12} {
		t.Skipf("python3 is %d.%d, its texts are compared with 3.11 and 3.12 only", version[0], version[1])
	}
	return p
}

// ask asks all questions at once.
func (p *interpreter) ask(t *testing.T, questions []any) []answer {
	t.Helper()
	line, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	var answers []answer
	if err := p.out.Decode(&answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// compare asks Python *questions questions made by random, in batches, and
// compares its answers with ours.
func compare[Q any](t *testing.T, random func(*rand.Rand) Q, question func(Q) []any, ours func(Q) (any, error)) {
	t.Helper()
	p := startPython(t)
	rng := rand.New(rand.NewPCG(*seed, 0))
	for asked := 0; asked < *questions; {
		batch := make([]any, 0, 500)
		cases := make([]Q, 0, 500)
		for ; len(batch) < cap(batch) && asked < *questions; asked++ {
			cases = append(cases, random(rng))
			batch = append(batch, question(cases[len(cases)-1]))
		}
		for i, want := range p.ask(t, batch) {
			if diff := differ(cases[i], want, ours); diff != "" {
				t.Errorf("%#v:\n%s", cases[i], diff)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// differ says how our answer differs from Python's, "" if it does not.
func differ[Q any](q Q, want answer, ours func(Q) (any, error)) string {
	got, err := ours(q)
	switch {
	case want.Error != nil && err == nil:
		return fmt.Sprintf("we say:      %q\nPython says: error %s %s", got, *want.Error, want.Name)
	case want.Error != nil && want.Name != "":
		if !strings.Contains(err.Error(), "names ("+PythonRepr(want.Name)+")") {
			return fmt.Sprintf("we say:      error %q\nPython says: no name %q", err, want.Name)
		}
		return ""
	case want.Error != nil:
		if _, detail, found := strings.Cut(err.Error(), "is badly formatted: "); found {
			err = fmt.Errorf("%s", detail)
		}
		text := err.Error()
		if e := new(Error); errors.As(err, &e) { // what we add says which file it is
			text = e.Err.Error()
		}
		if text != *want.Error {
			return fmt.Sprintf("we say:      error %q\nPython says: error %q", err, *want.Error)
		}
		return ""
	case err != nil:
		return fmt.Sprintf("we say:      error %q\nPython says: %s", err, want.Value)
	}
	// Both by way of JSON, so that both have the same types.
	text, err := json.Marshal(got)
	if err != nil {
		return err.Error()
	}
	var a, b any
	if json.Unmarshal(text, &a) != nil || json.Unmarshal(want.Value, &b) != nil {
		return "no JSON"
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("we say:      %s\nPython says: %s", text, want.Value)
	}
	return ""
}

// assemble returns up to most of the pieces, at random.
func assemble(rng *rand.Rand, pieces []string, most int) string {
	var b strings.Builder
	for range rng.IntN(most + 1) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// filePieces are what files are assembled from: everything the reader has a rule
// about, and what other readers of such files trip over.
var filePieces = []string{
	"[a]\n", "[a]\n", "[b.c]\n", "[DEFAULT]\n", "[default]\n", "[include]\n", "[", "]", "[]\n", "[[x]]\n", "[a]b]\n",
	"[a ;b]\n", "[a] = b\n", "[ a ]", "[a", "[%(x)s]\n", "[']\n", "[\"'é]\n",
	"a=1\n", "a = 2\n", "A:3\n", "b", "key", "=", ":", " = ", "==", "=:\n", "=foo\n", "-=x\n", "bad\n", "bad", "a.b=c\n",
	"\n", "\n", "\n", "\r", "\r\n", "\n\n", " \n", "\t\n", " ", "  ", "   ", "\t", "    x=y\n", "  cont\n", "\tcont\n", " [h]\n",
	";", "#", " ;", " #", "\t;", "\t#", "; c\n", "# c\n", "  ; c\n", "  # c\n", "a;b ;c #d\n", "a#b #c ;d\n", "x=a;b ;c #d\n", ";;", "##", " ;; ##",
	"'", "\"", "\"\"\"", "`", "\\", "\\\n", "$", "${x}", "%", "%%", "%(here)s", "%(a)s", "rem x\n", "REM=1\n",
	"\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\u0085", "\u00a0", "\u1680", "\u2000", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u180e", "\u200b", "\ufeff", "\x00", "\x7f",
	"é", "ß", "İ", "Σ", "ΑΣ=1\n", "Α'Σ", "ς", "ǅ", "日本", "\U0001f600", "\U00010400", "K", "Å", "ﬀ", "x\u0301",
	"\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf0\x9f\x98", "\xf4\x90", "\x80", "\xc0\x80", "\xe0\x80",
	"[program:x]\ncommand=cat ; x\n", "command=a\n  b\n\n  c\n", "command=a\n; c\n  b\n", "v=  \n  a\n \n",
}

// files is what one comparison reads: one file merged over the other.
type files [2]string

func randomFiles(rng *rand.Rand) files {
	var f files
	for i := range f {
		pieces := filePieces
		if rng.IntN(8) > 0 { // most files can be decoded
			pieces = validPieces
		}
		if i == 0 || rng.IntN(4) == 0 {
			f[i] = assemble(rng, pieces, 24)
		}
		if rng.IntN(4) > 0 {
			f[i] = "[s]\n" + f[i]
		}
		if rng.IntN(40) == 0 { // reach into the next block
			pad := strings.Repeat("; padding\n", 819)
			f[i] = pad[:len(pad)-rng.IntN(12)] + f[i]
		}
	}
	return f
}

var validPieces = func() []string {
	var valid []string
	for _, piece := range filePieces {
		if strings.ToValidUTF8(piece, "") == piece {
			valid = append(valid, piece)
		}
	}
	return valid
}()

func TestPythonReads(t *testing.T) {
	compare(t, randomFiles, func(f files) []any {
		// JSON holds text only: each byte is sent as the character of its number.
		return []any{"read", []string{"first's", "second"}, []string{latin1(f[0]), latin1(f[1])}}
	}, func(f files) (any, error) {
		file, err := Parse("first's", []byte(f[0]))
		if err != nil {
			return nil, err
		}
		if err := file.merge("second", []byte(f[1])); err != nil {
			return nil, err
		}
		return contents(file), nil
	})
}

func latin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// contents returns what the sections themselves say, DEFAULT first.
func contents(f *File) []any {
	var all []any
	for _, s := range append([]*Section{f.Defaults()}, f.Sections()...) {
		pairs := []any{}
		for _, key := range s.ini.KeyStrings() {
			text, _, _ := s.Lookup(key)
			pairs = append(pairs, []any{key, text})
		}
		all = append(all, []any{s.Name(), pairs})
	}
	return all
}

var formatPieces = []string{
	"%", "%", "%", "%%", "(", ")", "(t)", "(n)", "(z)", "(m)", "(c)", "(é)", "(a(b)c)", "()", "(none)", "((", "%(t)s", "%(n)d", "%(n)02d",
	"-", "+", " ", "#", "0", "*", "5", "10", ".", ".0", ".3", ".*", "h", "l", "L", "hl",
	"s", "r", "a", "d", "i", "u", "x", "X", "o", "e", "E", "f", "F", "g", "G", "c", "s", "d", "y", "Y", "n", "~", "\x1f", "\x7f", "é", "日", "\U0001f600", "text", "'", "\"",
}

var formatNames = map[string]any{
	"t": "it's \"é\"\n\x00\\日\U0001f600", "n": 9, "z": 0, "m": -4321, "c": "é", "é": "x", "a(b)c": "nested", "": "empty",
}

func testNames() Names {
	var names Names
	for _, name := range []string{"", "a(b)c", "c", "m", "n", "t", "z", "é"} {
		switch v := formatNames[name].(type) {
		case string:
			names = names.With(name, v)
		case int:
			names = names.WithInt(name, v)
		}
	}
	return names
}

func TestPythonExpands(t *testing.T) {
	names := testNames()
	compare(t, func(rng *rand.Rand) string {
		for { // but for what Python prints of all names at once
			format := assemble(rng, formatPieces, 10)
			if _, err := Expand(format, "label", names); !errors.Is(err, errNoName) {
				return format
			}
		}
	},
		func(format string) []any { return []any{"expand", format, formatNames} },
		func(format string) (any, error) { return Expand(format, "label", names) })
}

var wordPieces = []string{
	" ", "\t", "\r", "\n", "'", "\"", "\\", "'", "\"", "''", "\"\"", "a", "bc", "1", "=", ",", "=", ",", ";", "#", "#x\n", "$", "~", "*", "|", "&",
	"/", ".", "+", "-", ":", "(", ")", "_", "é", "ß", "×", "÷", "ÿ", "ā", "日", "\u00a0", "\x00", "\v", "\x1f", "A=1", "B=\"2\"", "{", "}", "`", "\\n",
}

func TestPythonSplitsCommands(t *testing.T) {
	compare(t, func(rng *rand.Rand) string { return assemble(rng, wordPieces, 14) },
		func(text string) []any { return []any{"split", text} },
		func(text string) (any, error) { return SplitCommand(text) })
}

func TestPythonSplitsEnvironments(t *testing.T) {
	compare(t, func(rng *rand.Rand) string { return assemble(rng, wordPieces, 14) },
		func(text string) []any { return []any{"environment", text} },
		func(text string) (any, error) { return (&lexer{text: text, strict: true}).all() })
}

var patternPieces = []string{"*", "**", "?", "[", "]", "!", "^", "-", "a", "b", "c", "z", "[a-c]", "[!a]", "[]]", "[!]]", "[a-]", "é", ".", "\\", "{a,b}", "[c-a]", "[^a]", "&&", "||"}

var matchNames = []string{"a", "b", "c", "z", "ab", "abc", "a-b", "!", "^", "-", "]", "[", "[a", "a]", "é", "\\", "{a,b}", "a.b", "x", "aaa", "abcabc", "[]", "&", "|"}

func TestPythonMatches(t *testing.T) {
	compare(t, func(rng *rand.Rand) string { return assemble(rng, patternPieces, 6) },
		func(pattern string) []any { return []any{"match", pattern, matchNames} },
		func(pattern string) (any, error) {
			matched := []string{}
			for _, name := range matchNames {
				if MatchName(pattern, name) {
					matched = append(matched, name)
				}
			}
			return matched, nil
		})
}

var numberPieces = []string{"0", "1", "7", "8", "9", "12", "_", "__", "+", "-", " ", "\t", "\n", "\v", "\x1c", "\u0085", "\u00a0", "\u3000", "٣", "߉", "०", "０", "𝟗", "𝟎", "𝟘", "Ⅷ", "²", "0o", "0O", "0x", ".", "e", "a", "\x00", "é"}

func TestPythonReadsIntegers(t *testing.T) {
	for _, base := range []int{10, 8} {
		compare(t, func(rng *rand.Rand) string { return assemble(rng, numberPieces, 5) },
			func(text string) []any { return []any{"int", text, base} },
			func(text string) (any, error) {
				n, ok := python.Int(text, base)
				if !ok {
					return nil, fmt.Errorf("%s", strings.Replace(errInt(text).Error(), "base 10", fmt.Sprint("base ", base), 1))
				}
				return fmt.Sprint(n), nil
			})
	}
}

func TestPythonPrintsLiterals(t *testing.T) {
	compare(t, func(rng *rand.Rand) string { return assemble(rng, validPieces, 5) },
		func(text string) []any { return []any{"repr", text} },
		func(text string) (any, error) { return []string{python.Repr(text), python.ASCII(text)}, nil })
}

func TestPythonStripsAndLowers(t *testing.T) {
	compare(t, func(rng *rand.Rand) string { return assemble(rng, validPieces, 5) },
		func(text string) []any { return []any{"strip", text} },
		func(text string) (any, error) { return []string{TrimSpace(text), python.Lower(text)}, nil })
}
