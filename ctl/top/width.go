package top

import (
	"strings"
	"unicode/utf8"

	"supervisor/ctl/cells"
)

// longest is how many bytes a character has at most, with all that changes it; more is no
// writing.
const longest = 48

// joiner joins the character behind it to the one before it.
const joiner = "\u200d"

// next returns the first character of text that takes cells, together with those that
// change it, and how many cells that is. What must not come to a terminal or is not UTF-8
// is "?" in one cell; what changes nothing is left out. It returns 0 at the end of text.
func next(text string) (cluster string, columns int, rest string) {
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		columns = cells.RuneWidth(r)
		if columns < 0 || r == utf8.RuneError && size == 1 {
			return "?", 1, text[size:]
		}
		if columns == 0 {
			text = text[size:]
			continue
		}
		end := size
		for end < len(text) && text[end] >= utf8.RuneSelf && end < longest {
			r, size := utf8.DecodeRuneInString(text[end:])
			if n := cells.RuneWidth(r); n != 0 && (n != 2 || !strings.HasSuffix(text[:end], joiner)) {
				break
			}
			end += size
		}
		return text[:end], columns, text[end:]
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
		_, columns, rest := next(text)
		n += columns
		text = rest
	}
	return n
}
