package top

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wide are the characters that take two cells: East Asian Wide and Fullwidth of Unicode,
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

// width returns how many cells a character takes: 0 if it changes the one before it, and
// -1 if it must not come to a terminal, since it controls something.
func width(r rune) int {
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

// longest is how many bytes a character has at most, with all that changes it; more is no
// writing.
const longest = 48

// joiner joins the character behind it to the one before it.
const joiner = "\u200d"

// next returns the first character of text that takes cells, together with those that
// change it, and how many cells that is. What must not come to a terminal or is not UTF-8
// is "?" in one cell; what changes nothing is left out. It returns 0 at the end of text.
func next(text string) (cluster string, cells int, rest string) {
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		cells = width(r)
		if cells < 0 || r == utf8.RuneError && size == 1 {
			return "?", 1, text[size:]
		}
		if cells == 0 {
			text = text[size:]
			continue
		}
		end := size
		for end < len(text) && text[end] >= utf8.RuneSelf && end < longest {
			r, size := utf8.DecodeRuneInString(text[end:])
			if n := width(r); n != 0 && (n != 2 || !strings.HasSuffix(text[:end], joiner)) {
				break
			}
			end += size
		}
		return text[:end], cells, text[end:]
	}
	return "", 0, ""
}

// unsure reports whether terminals do not agree how many cells a character takes: what is
// joined may be shown apart, and a picture may be wider than the sign that it stands for.
func unsure(cluster string) bool {
	if len(cluster) <= 3 {
		return false
	}
	return strings.Contains(cluster, joiner) || strings.ContainsFunc(cluster, func(r rune) bool {
		return r == 0xfe0f || r >= 0x1f3fb && r <= 0x1f3ff || r >= 0x1160 && r <= 0x11ff
	})
}

// cellsOf returns how many cells text takes.
func cellsOf(text string) (n int) {
	for text != "" {
		_, cells, rest := next(text)
		n += cells
		text = rest
	}
	return n
}
