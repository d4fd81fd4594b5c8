package inifile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PythonRepr returns how Python would print text as a literal, quotes included.
func PythonRepr(text string) string { return repr(text, false) }

// repr is PythonRepr, and ascii() with only ASCII characters left as they are.
func repr(text string, ascii bool) string {
	quote := byte('\'')
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
	b := make([]byte, 0, len(text)+2)
	b = append(b, quote)
	for i, r := range text {
		switch {
		case r == rune(quote) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			// A byte that is no UTF-8, from the environment: Python keeps it
			// as a lone surrogate.
			b = fmt.Appendf(b, `\udc%02x`, text[i])
		case r < utf8.RuneSelf && unicode.IsPrint(r), !ascii && unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			b = appendEscaped(b, r)
		}
	}
	return string(append(b, quote))
}

// asciiOnly escapes the characters of a literal that are not ASCII.
func asciiOnly(literal string) string {
	var b []byte
	for _, r := range literal {
		if r < utf8.RuneSelf {
			b = append(b, byte(r))
		} else {
			b = appendEscaped(b, r)
		}
	}
	return string(b)
}

// appendEscaped appends the shortest escape sequence for r.
func appendEscaped(b []byte, r rune) []byte {
	switch {
	case r < 0x100:
		return fmt.Appendf(b, `\x%02x`, r)
	case r < 0x10000:
		return fmt.Appendf(b, `\u%04x`, r)
	}
	return fmt.Appendf(b, `\U%08x`, r)
}

// isSpace reports whether Python takes r for white space.
func isSpace(r rune) bool {
	switch {
	case r == ' ', '\t' <= r && r <= '\r', 0x1c <= r && r <= 0x1f:
		return true
	case r < utf8.RuneSelf:
		return false
	}
	return unicode.IsSpace(r)
}

// TrimSpace removes what Python takes for white space from both ends, which is a
// few characters more than unicode.IsSpace knows.
func TrimSpace(text string) string { return strings.TrimFunc(text, isSpace) }

func trimRight(text string) string { return strings.TrimRightFunc(text, isSpace) }

// toLower is Python's str.lower. It differs from strings.ToLower in the two
// characters whose lower case is not one character, the same everywhere.
func toLower(text string) string {
	if !strings.ContainsAny(text, "İΣ") {
		return strings.ToLower(text)
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && finalSigma(text[:i], text[i+len("Σ"):]):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma reports whether a capital sigma between the two texts ends a word.
func finalSigma(before, after string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(before, caseIgnorable))
	if !cased(r) {
		return false
	}
	r, _ = utf8.DecodeRuneInString(strings.TrimLeftFunc(after, caseIgnorable))
	return !cased(r)
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// caseIgnorable reports whether Unicode lets r stand inside a word without
// counting for what is around it.
func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '^', '`', '\u00b7', '\u0387', '\u055f', '\u05f4', '\u2018', '\u2019', '\u2024',
		'\u2027', '\ufe13', '\ufe52', '\ufe55', '\uff07', '\uff0e', '\uff1a':
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// encodingBlock is how much Python decodes at a time. Positions in its messages
// are counted from there.
const encodingBlock = 8192

// checkEncoding looks for the first mistake in data: it returns how much can be
// decoded before the block in which the mistake is found, where it is, and
// Python's words for it. Without one, it returns len(data) twice, and nil.
func checkEncoding(data []byte) (limit, bad int, err error) {
	if utf8.Valid(data) {
		return len(data), len(data), nil
	}
	for {
		r, size := utf8.DecodeRune(data[bad:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		bad += size
	}
	n, reason := badSequence(data[bad:])
	// The block is that of the byte which shows the mistake. What the block
	// before left unfinished is put before it.
	limit = bad
	switch found := bad + n; {
	case reason == "unexpected end of data":
	case reason == "invalid start byte":
		limit = blockStart(data, bad)
	default:
		limit = min(bad, blockStart(data, found))
	}
	if n == 1 {
		return limit, bad, fmt.Errorf("'utf-8' codec can't decode byte 0x%02x in position %d: %s",
			data[bad], bad-limit, reason)
	}
	return limit, bad, fmt.Errorf("'utf-8' codec can't decode bytes in position %d-%d: %s",
		bad-limit, bad-limit+n-1, reason)
}

// blockStart returns the start of at's block, or of the character that reaches
// into it.
func blockStart(data []byte, at int) int {
	start := at - at%encodingBlock
	for i := 1; i < utf8.UTFMax && start-i >= 0; i++ {
		if r, size := utf8.DecodeRune(data[start-i:]); r != utf8.RuneError && size > i {
			return start - i
		}
	}
	return start
}

// badSequence returns how many bytes of p, which begins with a mistake, Python
// counts as the mistake, and what it calls it.
func badSequence(p []byte) (n int, reason string) {
	want := 0
	switch c := p[0]; {
	case 0xc2 <= c && c <= 0xdf:
		want = 2
	case 0xe0 <= c && c <= 0xef:
		want = 3
	case 0xf0 <= c && c <= 0xf4:
		want = 4
	default:
		return 1, "invalid start byte"
	}
	low, high := byte(0x80), byte(0xbf)
	switch p[0] { // overlong forms, surrogates, beyond U+10FFFF
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	for n = 1; n < want && n < len(p); n++ {
		if p[n] < low || p[n] > high {
			return n, "invalid continuation byte"
		}
		low, high = 0x80, 0xbf
	}
	return n, "unexpected end of data"
}
