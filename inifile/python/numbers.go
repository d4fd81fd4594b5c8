package python

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Int is Python's int(text, base) for the bases 10 and 8: blanks around it, a sign, any
// decimal digits of Unicode, single underscores between them. What an int cannot hold
// becomes the nearest that it can.
func Int(text string, base int) (n int, ok bool) {
	negative, digits, ok := Digits(text, base)
	for _, d := range []byte(digits) {
		if value := int(d - '0'); n > (math.MaxInt-value)/base {
			n = math.MaxInt
		} else {
			n = n*base + value
		}
	}
	if negative {
		n = -n
	}
	return n, ok
}

// Digits takes apart what Int reads: the sign and the digits, in ASCII. It is for numbers
// of any size.
func Digits(text string, base int) (negative bool, digits string, ok bool) {
	text = TrimNumber(text)
	negative = strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	if base == 8 && len(text) > 1 && (text[:2] == "0o" || text[:2] == "0O") {
		text = strings.TrimPrefix(text[2:], "_")
	}
	if text == "" || strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") {
		return false, "", false
	}
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r == '_' {
			continue
		}
		d, ok := digitValue(r)
		if !ok || d >= base {
			return false, "", false
		}
		b = append(b, byte('0'+d))
	}
	return negative, string(b), true
}

// TrimNumber removes the white space that may stand around a number. The separators U+001C
// to U+001F, which are white space elsewhere, are none here.
func TrimNumber(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return IsSpace(r) && (r < 0x1c || r > 0x1f) })
}

// digitValue returns the value of any decimal digit of Unicode.
func digitValue(r rune) (int, bool) {
	if '0' <= r && r <= '9' {
		return int(r - '0'), true
	}
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	// Digits come in runs of ten, and runs touch only in one block, where the
	// first begins at U+1D7CE.
	zero := r
	for zero > 0 && r-zero < 60 && unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return int(r-zero) % 10, true
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Base64 decodes as leniently as Python does: what is not of the alphabet is skipped,
// complete padding ends the text, and only a number of digits that cannot be is an error.
func Base64(text string) (decoded []byte, ok bool) {
	var bits uint32
	digits, pads := 0, 0 // of the present group of four
	for i := range len(text) {
		if text[i] == '=' {
			if pads++; digits >= 2 && digits+pads >= 4 {
				return decoded, true
			}
			continue
		}
		value := strings.IndexByte(base64Digits, text[i])
		if value < 0 {
			continue
		}
		pads = 0
		bits = bits<<6 | uint32(value)
		if digits++; digits > 1 {
			decoded = append(decoded, byte(bits>>(8-2*digits)))
		}
		digits %= 4
	}
	return decoded, digits == 0
}
