package inifile

import (
	"fmt"
	"unicode/utf8"

	"supervisor/inifile/python"
)

// PythonRepr is python.Repr, for those who read settings and complain of them.
func PythonRepr(text string) string { return python.Repr(text) }

// TrimSpace is python.TrimSpace.
func TrimSpace(text string) string { return python.TrimSpace(text) }

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
	case data[bad] == 0xed && data[found] >= 0xa0 && data[found] <= 0xbf &&
		(found+1 == len(data) || (found+1)%encodingBlock == 0):
		// Half a surrogate waits for its rest before it is refused.
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
