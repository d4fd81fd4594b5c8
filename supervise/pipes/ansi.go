package pipes

import "bytes"

// ansi takes escape sequences out of output. A sequence begins with ESC [ and
// ends with the first of the letters in ansiFinal, which are not all that
// terminals know: what follows another one is lost up to the next of these. After
// Supervisor's dispatchers.py, stripEscapes, except that a sequence may go on in
// the next chunk. The zero value is at the beginning of output.
type ansi struct {
	state ansiState
}

type ansiState uint8

const (
	ansiText   ansiState = iota
	ansiEscape           // behind ESC, which is held back
	ansiInside           // behind ESC [
)

const esc = 0x1b

// ansiFinal reports whether c ends a sequence.
func ansiFinal(c byte) bool {
	switch c {
	case 'H', 'f', 'A', 'B', 'C', 'D', 'R', 's', 'u', 'J', 'K', 'h', 'l', 'p', 'm':
		return true
	}
	return false
}

// untouched reports whether p would pass as it is.
func (a *ansi) untouched(p []byte) bool {
	return a.state == ansiText && bytes.IndexByte(p, esc) < 0
}

// strip appends to dst what p shows.
func (a *ansi) strip(dst, p []byte) []byte {
	for len(p) > 0 {
		switch a.state {
		case ansiText:
			n := bytes.IndexByte(p, esc)
			if n < 0 {
				return append(dst, p...)
			}
			dst = append(dst, p[:n]...)
			p = p[n+1:]
			a.state = ansiEscape
		case ansiEscape:
			switch p[0] {
			case '[':
				a.state = ansiInside
				p = p[1:]
			case esc:
				dst = append(dst, esc)
				p = p[1:]
			default:
				dst = append(dst, esc)
				a.state = ansiText
			}
		case ansiInside:
			if ansiFinal(p[0]) {
				a.state = ansiText
			}
			p = p[1:]
		}
	}
	return dst
}

// finish appends to dst what was held back, and begins anew.
func (a *ansi) finish(dst []byte) []byte {
	if a.state == ansiEscape {
		dst = append(dst, esc)
	}
	a.state = ansiText
	return dst
}
