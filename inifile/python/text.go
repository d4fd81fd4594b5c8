// Package python does to text what Supervisor's Python does to it: how a literal is
// printed, what counts as white space, as a number, as base64. Configuration files, calls
// and log lines all depend on it.
package python

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Repr returns how Python prints text as a literal, quotes included.
func Repr(text string) string { return string(AppendRepr(nil, text)) }

// AppendRepr appends Repr(text).
func AppendRepr(b []byte, text string) []byte { return appendRepr(b, text, unicode.MaxRune) }

// ASCII is Python's ascii: Repr with escape sequences for all that is not ASCII.
func ASCII(text string) string { return string(appendRepr(nil, text, utf8.RuneSelf-1)) }

// appendRepr appends a literal whose characters are at most last.
func appendRepr(b []byte, text string, last rune) []byte {
	quote := byte('\'')
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = '"'
	}
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
		case r <= last && unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			b = appendEscaped(b, r)
		}
	}
	return append(b, quote)
}

// ASCIIOnly escapes the characters of a literal that are not ASCII.
func ASCIIOnly(literal string) string {
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

// AppendBytesRepr appends p as Python prints bytes: b'...'.
func AppendBytesRepr(b, p []byte) []byte {
	const hex = "0123456789abcdef"
	quote := byte('\'')
	for _, c := range p {
		if c == '"' {
			quote = '\''
			break
		}
		if c == '\'' {
			quote = '"' // unless there is one of these, too
		}
	}
	b = append(b, 'b', quote)
	for _, c := range p {
		switch {
		case c == quote || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < 0x20 || c >= 0x7f:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, quote)
}

// Decoded returns output as text. If it is not UTF-8, all of it is spelled out, the way
// Supervisor does it.
func Decoded(p []byte) string {
	if utf8.Valid(p) {
		return string(p)
	}
	return string(AppendBytesRepr([]byte("Undecodable: "), p))
}

// IsSpace reports whether Python takes r for white space.
func IsSpace(r rune) bool {
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
func TrimSpace(text string) string { return strings.TrimFunc(text, IsSpace) }

// TrimRight is TrimSpace for the end alone.
func TrimRight(text string) string { return strings.TrimRightFunc(text, IsSpace) }

// Lower is Python's str.lower. It differs from strings.ToLower in the two
// characters whose lower case is not one character, the same everywhere.
func Lower(text string) string {
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
