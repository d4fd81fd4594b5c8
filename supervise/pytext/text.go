// Package pytext writes bytes as Python 3 would, where Supervisor's texts show them.
package pytext

import "unicode/utf8"

// Decode turns output into text. Bytes that are no UTF-8 are shown as Python
// would write them, the whole of the chunk.
func Decode(p []byte) string {
	if utf8.Valid(p) {
		return string(p)
	}
	return string(AppendBytesRepr([]byte("Undecodable: "), p))
}

// AppendBytesRepr appends p as a Python literal: b'...'.
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
