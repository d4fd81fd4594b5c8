package inifile

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"supervisor/inifile/python"
)

// FuzzParse: whatever the bytes, there is a file or an Error with a line, and a
// file that was read can be expanded and asked for everything.
func FuzzParse(f *testing.F) {
	for _, piece := range filePieces {
		f.Add([]byte("[x]\na=1\n" + piece + "b=2\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f", data)
		var e *Error
		switch {
		case err == nil:
		case !errors.As(err, &e) || e.Pos.Line < 1:
			t.Fatalf("error without a place: %#v", err)
		default:
			return
		}
		if !utf8.Valid(data) {
			t.Fatal("bytes that are no text were accepted")
		}
		file.replaceHere("/h")
		for _, s := range file.Sections() {
			if file.Section(s.Name()) != s {
				t.Fatalf("section %q is not found by its name", s.Name())
			}
			for _, key := range s.Keys() {
				text, pos, ok := s.Lookup(key)
				if !ok || pos.Line < 1 || pos.Line > 1+strings.Count(string(data), "\n")+strings.Count(string(data), "\r") {
					t.Fatalf("key %q: %q, %v, %v", key, text, pos, ok)
				}
				if key == "" || text != python.TrimRight(text) {
					t.Fatalf("key %q has value %q", key, text)
				}
			}
		}
	})
}

func FuzzExpand(f *testing.F) {
	for _, piece := range formatPieces {
		f.Add("%(n)" + piece + "d")
	}
	names := testNames()
	f.Fuzz(func(t *testing.T, value string) {
		got, err := Expand(value, "label", names)
		if err == nil && !strings.Contains(value, "%") && got != value {
			t.Fatalf("%q became %q", value, got)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "Format string ") {
			t.Fatal(err)
		}
		// What is escaped comes out as it was.
		if got, err := Expand(strings.ReplaceAll(value, "%", "%%"), "label", Names{}); err != nil || got != value {
			t.Fatalf("escaped %q became %q, %v", value, got, err)
		}
	})
}

// FuzzWords: words that are quoted again split into the same words.
func FuzzWords(f *testing.F) {
	for _, piece := range wordPieces {
		f.Add("a=" + piece + " b")
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, strict := range []bool{false, true} {
			words, err := (&lexer{text: text, strict: strict}).all()
			if err != nil {
				continue
			}
			var again strings.Builder
			for _, word := range words {
				again.WriteString(" '" + strings.ReplaceAll(word, "'", `'"'"'`) + "'")
			}
			same, err := (&lexer{text: again.String(), strict: strict}).all()
			if err != nil || strings.Join(same, "\x00") != strings.Join(words, "\x00") || len(same) != len(words) {
				t.Fatalf("%q became %q, %v", words, same, err)
			}
		}
	})
}

func FuzzKeyValues(f *testing.F) {
	for _, piece := range wordPieces {
		f.Add("A=" + piece + ",B=1")
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := ParseKeyValues(text)
		if (pairs == nil) != (err != nil) {
			t.Fatalf("%q: %q, %v", text, pairs, err)
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, pattern := range patternPieces {
		f.Add("a"+pattern+"b*", "axyb")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !hasMagic(pattern) && utf8.ValidString(pattern) && utf8.ValidString(name) && MatchName(pattern, name) != (pattern == name) {
			t.Fatalf("%q and %q", pattern, name)
		}
		if !MatchName("*"+pattern+"*", name) && MatchName(pattern, name) && utf8.ValidString(name) {
			t.Fatalf("%q matches %q only without stars", pattern, name)
		}
	})
}
