// Package jsonenc appends JSON to a slice of bytes, without reflection and without
// memory of its own, where a thousand programs are listed at once.
//
//	dst = append(dst, '{')
//	dst = jsonenc.Key(dst, "name")
//	dst = jsonenc.String(dst, name)
//	dst = jsonenc.Key(dst, "pid")
//	dst = strconv.AppendInt(dst, pid, 10)
//	dst = append(dst, '}')
//
// Whole numbers and booleans are strconv's AppendInt and AppendBool. The package keeps
// commas, not structure: that brackets match is the caller's, and so is what the keys
// are. Reading is encoding/json's. Begin reading at String.
package jsonenc

import (
	"strconv"
	"time"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// String appends text as a string, the way encoding/json does with EscapeHTML off. Bytes
// that are not UTF-8 become U+FFFD each.
func String[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	done := 0 // what is before is appended
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			// At most four bytes, so that the copy stays on the stack.
			r, size = utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
			if r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		dst = append(dst, text[done:i]...)
		dst = escape(dst, text[i:i+size])
		i += size
		done = i
	}
	dst = append(dst, text[done:]...)
	return append(dst, '"')
}

// escape appends one character that cannot stand in a string as it is.
func escape[T string | []byte](dst []byte, char T) []byte {
	switch c := char[0]; c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		switch {
		case c < utf8.RuneSelf:
			return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case len(char) == 3: // the separators of lines and of paragraphs, which are no strings in old JavaScript
			return append(dst, '\\', 'u', '2', '0', '2', hex[char[2]&15])
		}
		return append(dst, `\ufffd`...)
	}
}

// Time appends t in UTC as a string of RFC 3339 with milliseconds, the rest cut off. The
// zero time is null, and so is one that RFC 3339 has no way to write: before the year 0 or
// after 9999.
func Time(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	t = t.UTC()
	if year := t.Year(); year < 0 || year > 9999 {
		return append(dst, "null"...)
	}
	return t.AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
}

// Seconds appends d as a number of seconds, exact, without an exponent: 1.5.
func Seconds(dst []byte, d time.Duration) []byte {
	n := uint64(d)
	if d < 0 {
		dst = append(dst, '-')
		n = -n
	}
	dst = strconv.AppendUint(dst, n/1e9, 10)
	rest := n % 1e9
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := uint64(1e8); rest > 0; unit /= 10 {
		dst = append(dst, '0'+byte(rest/unit))
		rest %= unit
	}
	return dst
}

// Key appends the key of the next member of an object, with a comma before it if it is not
// the first one.
func Key(dst []byte, name string) []byte {
	if n := len(dst); n == 0 || dst[n-1] != '{' {
		dst = append(dst, ',')
	}
	return append(String(dst, name), ':')
}

// Comma appends what has to stand before the next element of an array: nothing before the
// first one.
func Comma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '[' {
		dst = append(dst, ',')
	}
	return dst
}
