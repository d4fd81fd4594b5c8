package pipes

import (
	"bytes"
	"strings"
	"testing"
)

func TestANSI(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		chunks     []string
	}{
		{"colour", "red plain", []string{"\x1b[31mred\x1b[0m plain"}},
		{"G is no end", "ello", []string{"\x1b[2Ghello"}},
		{"never ended", "", []string{"\x1b[38;5;1Xabc Mno"}},
		{"split in the sequence", "ab", []string{"a\x1b[3", "1mb"}},
		{"split behind ESC", "ab", []string{"a\x1b", "[31mb"}},
		{"ESC [ split from both sides", "ab", []string{"a", "\x1b", "[", "m", "b"}},
		{"no bracket", "\x1b]0;title\ax", []string{"\x1b]0;title\ax"}},
		{"no bracket in the next chunk", "\x1b]x", []string{"\x1b", "]x"}},
		{"two ESC", "\x1bx", []string{"\x1b\x1b[mx"}},
		{"ESC in a sequence", "x", []string{"\x1b[\x1b[mx"}},
		{"ESC at the end", "a\x1b", []string{"a\x1b"}},
		{"bracket alone", "[31m", []string{"[31m"}},
		{"all ends", "", strings.SplitAfter("\x1b[H\x1b[f\x1b[A\x1b[B\x1b[C\x1b[D\x1b[R\x1b[s\x1b[u\x1b[J\x1b[K\x1b[h\x1b[l\x1b[p\x1b[m", "[")},
	} {
		var a ansi
		var got []byte
		for _, chunk := range tt.chunks {
			got = a.strip(got, []byte(chunk))
		}
		if got = a.finish(got); string(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if a != (ansi{}) {
			t.Errorf("%s: state %v after finish", tt.name, a)
		}
	}
}

// FuzzANSI holds strip against the rule as it is written down for one piece, and
// against itself for the same bytes in two pieces.
func FuzzANSI(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m plain"), 3)
	f.Add([]byte("a\x1b\x1b[2Ghello\x1b"), 1)
	f.Fuzz(func(t *testing.T, p []byte, at int) {
		var a ansi
		whole := a.finish(a.strip(nil, p))
		if want := stripWhole(p); !bytes.Equal(whole, want) {
			t.Errorf("%q: %q, want %q", p, whole, want)
		}
		at = within(at, len(p))
		parts := a.strip(nil, p[:at])
		untouched := a.untouched(p[at:])
		before := len(parts)
		parts = a.strip(parts, p[at:])
		if untouched && !bytes.Equal(parts[before:], p[at:]) {
			t.Errorf("%q behind %q should pass", p[at:], p[:at])
		}
		parts = a.finish(parts)
		if !bytes.Equal(parts, whole) {
			t.Errorf("%q + %q: %q, want %q", p[:at], p[at:], parts, whole)
		}
	})
}

// stripWhole is the rule for output in one piece.
func stripWhole(p []byte) (plain []byte) {
	for {
		before, rest, found := bytes.Cut(p, []byte("\x1b["))
		plain = append(plain, before...)
		if !found {
			return plain
		}
		end := bytes.IndexAny(rest, "HfABCDRsuJKhlpm")
		if end < 0 {
			return plain
		}
		p = rest[end+1:]
	}
}

// within makes any number one from 0 to n.
func within(at, n int) int {
	if at < 0 {
		at = -(at + 1)
	}
	return at % (n + 1)
}

func BenchmarkANSI(b *testing.B) {
	line := []byte(strings.Repeat("\x1b[32mINFO\x1b[0m something has happened, as it does\n", 1000))
	dst := make([]byte, 0, len(line))
	var a ansi
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		a.strip(dst, line)
	}
}
