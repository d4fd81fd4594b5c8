package cells

import (
	"slices"
	"testing"
)

func TestOf(t *testing.T) {
	tests := []struct {
		text string
		want []Cell
	}{
		{"", []Cell{}},
		{"ab", []Cell{{"a", 1, 1}, {"b", 1, 1}}},
		{"日本", []Cell{{"日", 2, 1}, {"本", 2, 1}}},
		{"e\u0301x", []Cell{{"e\u0301", 1, 2}, {"x", 1, 1}}},
		{"\u0301", []Cell{{" \u0301", 1, 1}}},
		{"\x1b[31m", []Cell{{"^[", 2, 1}, {"[", 1, 1}, {"3", 1, 1}, {"1", 1, 1}, {"m", 1, 1}}},
		{"\x7f\u009b", []Cell{{"^?", 2, 1}, {"\ufffd", 1, 1}}},
		{"\u1112\u1161\u11ab", []Cell{{"\u1112\u1161\u11ab", 2, 3}}},     // one syllable of Hangul in parts
		{"a\u202eb", []Cell{{"a", 1, 1}, {"\ufffd", 1, 1}, {"b", 1, 1}}}, // no change of direction
		{"é😀k", []Cell{{"é", 1, 1}, {"😀", 2, 1}, {"k", 1, 1}}},
	}
	for _, tt := range tests {
		if got := Of([]rune(tt.text)); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %+v, want %+v", tt.text, got, tt.want)
		}
	}
}

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "web": 3, "日本": 4, "ae\u0301": 2, "\ufeffx": 2, "｢a": 2, "Ａ": 2, "가": 2, "€": 1, "─": 1, "\U00020000": 2} {
		if got := Width(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	if got := Pad("日", 4); got != "日  " {
		t.Errorf("padded: %q", got)
	}
}
