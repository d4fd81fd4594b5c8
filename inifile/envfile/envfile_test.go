package envfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vars makes variables of alternating names and values.
func vars(words ...string) []Var {
	var list []Var
	for i := 0; i < len(words); i += 2 {
		list = append(list, Var{words[i], words[i+1]})
	}
	return list
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []Var
	}{
		{"empty", "", nil},
		{"remarks", "# a=1\n  # b=2\n\t\n\n", nil},
		{"plain", "A=1\nB=2\n", vars("A", "1", "B", "2")},
		{"no line feed at the end", "A=1", vars("A", "1")},
		{"CR LF", "A=1\r\n\r\nB='x'\r\n# c\r\nC=\r\n", vars("A", "1", "B", "x", "C", "")},
		{"CR at the end of the file", "A=1\r", vars("A", "1")},
		{"CR inside", "A=1\r2\n", vars("A", "1\r2")},
		{"byte order mark", "\ufeffA=1\n", vars("A", "1")},
		{"byte order mark before a remark", "\ufeff# x\nA=1", vars("A", "1")},
		{"byte order mark only", "\ufeff", nil},
		{"export", "export A=1\nexport\tB=2\n  export   C=3", vars("A", "1", "B", "2", "C", "3")},
		{"export is a name", "export=1\nexported=2\nexport export=3", vars("export", "3", "exported", "2")},
		{"export of nothing", "export =1", vars("export", "1")},
		{"blanks around =", " A = 1 \nB\t=\t2", vars("A", "1", "B", "2")},
		{"blanks inside", "A=one two  three ", vars("A", "one two  three")},
		{"= inside", "A=b=c==", vars("A", "b=c==")},
		{"no value", "A=\nB= \nC=''\nD=\"\"", vars("A", "", "B", "", "C", "", "D", "")},
		{"the last one counts, in the first one's place", "A=1\nB=2\nA=3", vars("A", "3", "B", "2")},
		{"case counts", "a=1\nA=2", vars("a", "1", "A", "2")},
		{"names", "_a.b-c9=1", vars("_a.b-c9", "1")},
		{"# without a blank", "A=#x\nB=a#b", vars("A", "#x", "B", "a#b")},
		{"# after a blank", "A=a #b\nB= #c\nC=a\t# d # e", vars("A", "a", "B", "", "C", "a")},
		{"# after a quote", "A='a' # x\nB=\"b\"\t#", vars("A", "a", "B", "b")},
		{"# in quotes", "A='a # b'\nB=\" #c\"", vars("A", "a # b", "B", " #c")},
		{"blanks in quotes", "A=' a '\nB= \"\tb \" ", vars("A", " a ", "B", "\tb ")},
		{"nothing is expanded", "A=$HOME ${X} `ls` $(ls) %(x)s ~\nB=\"$HOME\"", vars("A", "$HOME ${X} `ls` $(ls) %(x)s ~", "B", "$HOME")},
		{"quotes inside", "A=it's \"x\"\nB=-Dx=\"a b\"", vars("A", "it's \"x\"", "B", "-Dx=\"a b\"")},
		{"quotes in others", "A='\"'\nB=\"it's\"", vars("A", `"`, "B", "it's")},
		{"backslashes outside quotes", `A=C:\dir\n\` + "\nB=1", vars("A", `C:\dir\n\`, "B", "1")},
		{"backslashes in single quotes", `A='a\'` + "\n" + `B='\n\\'`, vars("A", `a\`, "B", `\n\\`)},
		{"backslashes in double quotes", `A="\n\r\t\"\\\$\` + "`" + `"`, vars("A", "\n\r\t\"\\$`")},
		{"other backslashes stay", `A="\d+\.\'\x"`, vars("A", `\d+\.\'\x`)},
		{"a backslash before n", `A="\\n"`, vars("A", `\n`)},
		{"a line that goes on", "A=\"a\\\nb\\\r\nc\"\nB=1", vars("A", "abc", "B", "1")},
		{"several lines", "A='a\nb\r\n\nc'\nB=\"-----\n#x\n\"\nC=1", vars("A", "a\nb\n\nc", "B", "-----\n#x\n", "C", "1")},
		{"not UTF-8", "A=\xff\xfe", vars("A", "\xff\xfe")},
		{"control characters", "A=\x01\x7f\v\f\nB=\x1b[0m", vars("A", "\x01\x7f\v\f", "B", "\x1b[0m")},
		{"as large as may be", "A=" + strings.Repeat("x", MaxSize-2), vars("A", strings.Repeat("x", MaxSize-2))},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse("a.env", []byte(test.text))
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %.200q, %v\nwant %.200q", got, err, test.want)
			}
		})
	}
}

const (
	noName    = "what is before = is no name: write letters, digits, _, . and -, and no digit first"
	noEquals  = "there is no =: write NAME=VALUE, or # before a remark"
	noNUL     = "there is a NUL byte, which no variable can hold"
	after     = `there is text after the closing quote: write the whole value in one pair of quotes, with \" for a quote in it`
	notClosed = "the quote that begins here is not closed: write another "
	utf16     = "this is UTF-16: save it as UTF-8"
	tooMuch   = "more than 1048576 bytes"
)

func TestErrors(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no =", "A=1\n\nsecret\n", "a.env:3: " + noEquals},
		{"export alone", "export A", "a.env:1: " + noEquals},
		{"no name", "=secret", "a.env:1: " + noName},
		{"a digit first", "1A=secret", "a.env:1: " + noName},
		{"a blank in a name", "A B=secret", "a.env:1: " + noName},
		{"set", "set A=secret", "a.env:1: " + noName},
		{"other letters", "Ä=secret", "a.env:1: " + noName},
		{"a second mark", "A=1\n\ufeffB=secret", "a.env:2: " + noName},
		{"not closed", "A=1\nB='secret\nx\n", "a.env:2: " + notClosed + "'"},
		{"not closed by the other", "B=\"secret'", "a.env:1: " + notClosed + `"`},
		{"not closed after a backslash", `B="secret\"`, "a.env:1: " + notClosed + `"`},
		{"a backslash at the end", `B="secret\`, "a.env:1: " + notClosed + `"`},
		{"text after a quote", "A='\n\n'secret", "a.env:3: " + after},
		{"a remark at a quote", "A='secret'#x", "a.env:1: " + after},
		{"two quoted pieces", "A='secret''x'", "a.env:1: " + after},
		{"lines are counted past those that go on", "A=\"a\\\nb\\\r\nc\"\nsecret", "a.env:4: " + noEquals},
		{"NUL", "A=1\nB=2\nC='a\x00secret'", "a.env:3: " + noNUL},
		{"NUL in a remark", "#\x00", "a.env:1: " + noNUL},
		{"UTF-16", "\xff\xfeA\x00=\x001\x00", "a.env: " + utf16},
		{"UTF-16, big end first", "\xfe\xff\x00A\x00=\x001", "a.env: " + utf16},
		{"too large", "A=" + strings.Repeat("x", MaxSize-1), "a.env: " + tooMuch},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse("a.env", []byte(test.text))
			if err == nil || err.Error() != test.want || got != nil {
				t.Errorf("got %.100q, %v\nwant %s", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("the error shows a value")
			}
		})
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.env")
	if err := os.WriteFile(file, []byte("A=1\nB"), 0o600); err != nil {
		t.Fatal(err)
	}
	var bad *Error
	if _, err := Read(file); !errors.As(err, &bad) || bad.File != file || bad.Line != 2 {
		t.Errorf("bad file: %v", err)
	}
	if err := os.WriteFile(file, []byte("A=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(file); err != nil || !slices.Equal(got, vars("A", "1")) {
		t.Errorf("got %q, %v", got, err)
	}
	var path *fs.PathError
	if _, err := Read(filepath.Join(dir, "b.env")); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &path) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Read(dir); !errors.As(err, &path) || !strings.Contains(err.Error(), "directory") {
		t.Errorf("directory: %v", err)
	}
	if err := os.WriteFile(file, make([]byte, MaxSize+5), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); !errors.As(err, &bad) || bad.Text != tooMuch {
		t.Errorf("large file: %v", err)
	}
}

// write writes variables as a file that Parse reads.
func write(vars []Var) string {
	var b strings.Builder
	for _, v := range vars {
		b.WriteString(v.Name + `="`)
		for i := range len(v.Value) {
			switch c := v.Value[i]; c {
			case '\n':
				b.WriteString(`\n`)
			case '\r':
				b.WriteString(`\r`)
			case '"', '\\', '$':
				b.WriteString(`\` + string(c))
			default:
				b.WriteByte(c)
			}
		}
		b.WriteString("\"\n")
	}
	return b.String()
}

// FuzzParse: whatever the bytes, there are variables, which are the same when they are
// written and read again, or there is an error with a place and one of our own texts.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"A=1", "export A=1 #x\r\n", "\ufeffA='a\nb'", "A=\"\\n\\\r\n\\x\"", "A=\"\\", "A", "=", "A='x'y", "A=\x00", "\xff\xfe"} {
		f.Add([]byte(text))
	}
	texts := []string{noName, noEquals, noNUL, after, notClosed + "'", notClosed + `"`, utf16, tooMuch}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse("f", data)
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.File != "f" || !slices.Contains(texts, bad.Text) {
				t.Fatalf("error %#v", err)
			}
			if bad.Line < 0 || bad.Line > 1+strings.Count(string(data), "\n") || bad.Line == 0 && bad.Text != utf16 && bad.Text != tooMuch {
				t.Fatalf("error in line %d", bad.Line)
			}
			return
		}
		seen := map[string]bool{}
		for _, v := range got {
			if !validName(v.Name) || seen[v.Name] || strings.Contains(v.Value, "\x00") {
				t.Fatalf("variable %q", v)
			}
			seen[v.Name] = true
		}
		again := write(got)
		if len(again) > MaxSize {
			return
		}
		if twice, err := Parse("f", []byte(again)); err != nil || !slices.Equal(twice, got) {
			t.Fatalf("%q became %q, %v", got, twice, err)
		}
	})
}
