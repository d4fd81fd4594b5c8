package lines

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// AppendEscaped appends s as the inside of a JSON string: control characters are
// escaped, bytes that are not UTF-8 become U+FFFD each, everything else stays as it is.
func AppendEscaped(dst, s []byte) []byte {
	for {
		n := plainASCII(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			return dst
		}
		if s[0] < utf8.RuneSelf {
			dst = appendEscape(dst, rune(s[0]))
			s = s[1:]
			continue
		}
		n = plainText(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 || s[0] < utf8.RuneSelf {
			continue
		}
		r, size := utf8.DecodeRune(s)
		if size == 1 {
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = appendEscape(dst, r)
		}
		s = s[size:]
	}
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', digits[r>>4&15], digits[r&15])
}

// plainASCII is how many bytes of s, from its beginning, are printable ASCII that stands
// for itself in a JSON string. It looks at eight bytes at a time: for something else the
// highest bit of the byte is set in one of the terms, the first of which finds control
// characters, the next two are less than zero where w has a quote or a backslash, and the
// last two find DEL and what is not ASCII. A borrow or a carry goes wrong only above the
// first such byte, where it does not matter.
func plainASCII(s []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(s[n:])
		other := (w - ones*' ') | (w ^ ones*'"' - ones) | (w ^ ones*'\\' - ones) | (w + ones) | w
		if other &= highs; other != 0 {
			return n + bits.TrailingZeros64(other)/8
		}
	}
	for n < len(s) && isPlain(s[n]) {
		n++
	}
	return n
}

func isPlain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

// plainText is the same for text of any language. Characters of two and of three bytes
// are looked at here, but for those that can be wrong in other ways.
func plainText(s []byte) int {
	n := 0
	for n < len(s) {
		c := s[n]
		switch left := s[n:]; {
		case c < utf8.RuneSelf:
			if !isPlain(c) {
				return n
			}
			n++
			continue
		case c > 0xc2 && c < 0xe0 && len(left) >= 2 && left[1]>>6 == 2:
			n += 2
			continue
		case c > 0xe0 && c < 0xf0 && c != 0xed && len(left) >= 3 && left[1]>>6 == 2 && left[2]>>6 == 2:
			n += 3
			continue
		}
		r, size := utf8.DecodeRune(s[n:])
		if size == 1 || r < 0xa0 { // not UTF-8, or a control character
			return n
		}
		n += size
	}
	return n
}

// maxDepth is how deep the parts of an object may lie in each other. One that is deeper
// is taken for text.
const maxDepth = 128

// isObject reports whether s is one JSON object, without blanks around it, that can be
// part of another one: strict JSON in UTF-8.
func isObject(s []byte) bool {
	return len(s) >= 2 && s[0] == '{' && s[len(s)-1] == '}' && valueEnd(s, 0, 0) == len(s)
}

// valueEnd and those after it return what is behind a part of JSON that begins at i, or
// none if there is none.
func valueEnd(s []byte, i, depth int) int {
	if i >= len(s) {
		return none
	}
	switch s[i] {
	case '{', '[':
		return partsEnd(s, i, depth+1)
	case '"':
		return stringEnd(s, i)
	case 't':
		return wordEnd(s, i, "true")
	case 'f':
		return wordEnd(s, i, "false")
	case 'n':
		return wordEnd(s, i, "null")
	}
	return numberEnd(s, i)
}

const none = -1

// partsEnd is for an object or an array.
func partsEnd(s []byte, i, depth int) int {
	object, last := s[i] == '{', s[i]+2 // } and ] are two behind { and [
	if depth > maxDepth {
		return none
	}
	if i = skipBlanks(s, i+1); i < len(s) && s[i] == last {
		return i + 1
	}
	for {
		if object {
			if i = keyEnd(s, i); i == none {
				return none
			}
		}
		if i = valueEnd(s, skipBlanks(s, i), depth); i == none {
			return none
		}
		switch i = skipBlanks(s, i); {
		case i < len(s) && s[i] == last:
			return i + 1
		case i < len(s) && s[i] == ',':
			i = skipBlanks(s, i+1)
		default:
			return none
		}
	}
}

// keyEnd is for a key and its colon.
func keyEnd(s []byte, i int) int {
	if i >= len(s) || s[i] != '"' {
		return none
	}
	if i = stringEnd(s, i); i == none {
		return none
	}
	if i = skipBlanks(s, i); i >= len(s) || s[i] != ':' {
		return none
	}
	return i + 1
}

func stringEnd(s []byte, i int) int {
	for i++; ; {
		i += plainASCII(s[i:])
		i += plainStrict(s[i:])
		if i >= len(s) {
			return none
		}
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			n := escapeLength(s[i:])
			if n == 0 {
				return none
			}
			i += n
		default:
			return none
		}
	}
}

// plainStrict is like plainText, for what may stand in a string as it is: that is DEL and
// what follows it, too.
func plainStrict(s []byte) int {
	n := 0
	for n < len(s) {
		if c := s[n]; c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				break
			}
			n++
			continue
		}
		r, size := utf8.DecodeRune(s[n:])
		if size == 1 && r == utf8.RuneError {
			break
		}
		n += size
	}
	return n
}

// escapeLength is how many bytes the escape sequence has that s begins with, 0 for none.
func escapeLength(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(s) < 6 {
			return 0
		}
		for _, c := range s[2:6] {
			if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}

func wordEnd(s []byte, i int, w string) int {
	if len(s)-i < len(w) || string(s[i:i+len(w)]) != w {
		return none
	}
	return i + len(w)
}

func numberEnd(s []byte, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	start := i
	i = digitsEnd(s, i)
	if i == start || s[start] == '0' && i > start+1 {
		return none
	}
	if i < len(s) && s[i] == '.' {
		if start, i = i+1, digitsEnd(s, i+1); i == start {
			return none
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if start, i = i, digitsEnd(s, i); i == start {
			return none
		}
	}
	return i
}

func digitsEnd(s []byte, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func skipBlanks(s []byte, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// trim takes the blanks of JSON from both ends.
func trim(s []byte) []byte {
	s = s[skipBlanks(s, 0):]
	for len(s) > 0 && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
