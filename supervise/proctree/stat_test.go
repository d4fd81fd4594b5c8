package proctree

import (
	"strings"
	"testing"
)

const numbers = " 1 2 3 0 -1 4194560 1000 2000 0 0 11 22 33 44 20 0 7 0 5555 1000000 250 18446744073709551615 1 1 0 0\n"

func TestParseStat(t *testing.T) {
	want := stat{pid: 10, parent: 1, group: 2, session: 3, state: 'S', ticks: 110, threads: 7, start: 5555, pages: 250}
	for _, name := range []string{"sleep", "a b", "(x) S 5", ")", "", "\n", "\xff"} {
		got, gotName, err := parseStat([]byte("10 (" + name + ") S" + numbers))
		if err != nil || got != want || string(gotName) != name {
			t.Errorf("%q: got %+v, %q, %v", name, got, gotName, err)
		}
	}
	for _, text := range []string{"", "10", "10 (x", "10 (x)", "10 (x) ", "10 (x) S", "10 (x) S 1 2 3", "x (x) S" + numbers, " (x) S" + numbers, "1 )x( S" + numbers,
		"10 (x) S" + strings.Replace(numbers, "4194560", "many", 1)} {
		if got, _, err := parseStat([]byte(text)); err == nil || got != (stat{}) {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestField(t *testing.T) {
	const text = "rchar: 5\nread_bytes: 4096\nwrite_bytes: 12\ncancelled_write_bytes: 7\nbad: x"
	for name, want := range map[string]int64{"rchar": 5, "read_bytes": 4096, "write_bytes": 12, "cancelled_write_bytes": 7} {
		if got, ok := field([]byte(text), name); got != want || !ok {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"bytes", "bad", "read", ""} {
		if got, ok := field([]byte(text), name); ok {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// FuzzParseStat: whatever the text, nothing breaks, and the name is what is in brackets.
func FuzzParseStat(f *testing.F) {
	f.Add([]byte("10 (x) S" + numbers))
	f.Add([]byte("10 (a) b) R" + numbers))
	f.Add([]byte("1 (x) S -"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, name, err := parseStat(text)
		if err == nil && !strings.Contains(string(text), " ("+string(name)+") "+string([]byte{s.state})) {
			t.Fatalf("%q: %+v, %q", text, s, name)
		}
		field(text, "x")
	})
}
