// Package cells measures text in the columns of a terminal: how wide a character is, and
// which characters share a place. It knows nothing of terminals beyond that.
package cells

import (
	"slices"
	"strings"
	"unicode"
)

// Cell is what takes one place on a terminal: a character and the marks that combine
// with it.
type Cell struct {
	Text  string // what to write
	Width int    // in columns: 1 or 2, and more for a character that is spelled out
	Runes int    // how many characters of the text it stands for
}

// Of takes text apart. Control characters are spelled out, as in ^C, and others that must
// not come to a terminal are replaced, so nothing in a text can act on it. A mark without
// a character before it gets a blank.
func Of(text []rune) []Cell {
	list := make([]Cell, 0, len(text))
	for _, r := range text {
		width := RuneWidth(r)
		switch {
		case r < ' ' || r == 0x7f:
			list = append(list, Cell{"^" + string(r^0x40), 2, 1})
		case width < 0:
			list = append(list, Cell{string(unicode.ReplacementChar), 1, 1})
		case width > 0:
			list = append(list, Cell{string(r), width, 1})
		case len(list) == 0:
			list = append(list, Cell{" " + string(r), 1, 1})
		default:
			last := &list[len(list)-1]
			last.Text += string(r)
			last.Runes++
		}
	}
	return list
}

// Width returns how many columns text takes.
func Width(text string) int {
	width := 0
	for _, c := range Of([]rune(text)) {
		width += c.Width
	}
	return width
}

// Pad returns text with blanks behind it, so that it takes width columns or more.
func Pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-Width(text)))
}

// wide are the characters that take two columns: East Asian Wide and Fullwidth of Unicode,
// without what is not assigned between.
var wide = [...][2]rune{
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x23f0, 0x23f0}, {0x23f3, 0x23f3},
	{0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267f, 0x267f}, {0x2693, 0x2693}, {0x26a1, 0x26a1},
	{0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x26ce, 0x26ce}, {0x26d4, 0x26d4}, {0x26ea, 0x26ea},
	{0x26f2, 0x26f3}, {0x26f5, 0x26f5}, {0x26fa, 0x26fa}, {0x26fd, 0x26fd}, {0x2705, 0x2705}, {0x270a, 0x270b},
	{0x2728, 0x2728}, {0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
	{0x27b0, 0x27b0}, {0x27bf, 0x27bf}, {0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55}, {0x2e80, 0x303e},
	{0x3041, 0x3247}, {0x3250, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97f}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18d08}, {0x1aff0, 0x1b2fb},
	{0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
	{0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3},
	{0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc},
	{0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596},
	{0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2},
	{0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ef}, {0x1f6f4, 0x1f6ff}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a},
	{0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
}

// RuneWidth returns how many columns a character takes: 0 if it changes the one before it, and
// -1 if it must not come to a terminal, since it controls something.
func RuneWidth(r rune) int {
	switch {
	case r >= ' ' && r < 0x7f:
		return 1
	case r < 0xa0:
		return -1
	case r < 0x300:
		if r == 0xad { // a soft hyphen: some terminals show it, some do not
			return -1
		}
		return 1
	case r == 0x200d || unicode.In(r, unicode.Mn, unicode.Me) || r >= 0x1160 && r <= 0x11ff || r >= 0x1f3fb && r <= 0x1f3ff:
		return 0 // and the vowels of Hangul, and colours of skin
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
		return -1 // directions of writing and the like
	}
	_, found := slices.BinarySearchFunc(wide[:], r, func(span [2]rune, r rune) int {
		switch {
		case span[1] < r:
			return -1
		case span[0] > r:
			return 1
		}
		return 0
	})
	if found {
		return 2
	}
	return 1
}
