package edit

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key is a key of the keyboard: the character it types, control characters included, or
// one of the constants.
type Key rune

// The keys that type no character.
const (
	Up Key = unicode.MaxRune + 1 + iota
	Down
	Left
	Right
	Home
	End
	Delete
	WordLeft   // Ctrl-Left, Alt-Left, Alt-b
	WordRight  // Ctrl-Right, Alt-Right, Alt-f
	DeleteWord // Ctrl-Delete, Alt-d
	RubOutWord // Alt-Backspace
	Escape     // alone
	NoKey      // one without a meaning here: a function key, the brackets around a paste
)

// Ctrl returns the key for a capital letter (or one of "[\]^_") held with Ctrl.
func Ctrl(letter rune) Key { return Key(letter - '@') }

const (
	esc       = '\x1b'
	backspace = '\x7f'
	// maxSequence is how long an escape sequence may be. What is longer is none.
	maxSequence = 32
)

// Next takes the first key out of what a terminal has sent: n is how many bytes it is. An
// n of 0 says that p may be the beginning of a key. If nothing follows for a moment, late
// is set, and p is taken for what it is: Esc was pressed alone.
//
// Terminals do not agree on sequences; those of xterm, tmux and screen, rxvt and the
// Linux console are known. Esc before what makes no sequence with it is Esc alone, so
// that nothing behind it gets lost.
func Next(p []byte, late bool) (key Key, n int) {
	switch {
	case len(p) == 0:
		return NoKey, 0
	case p[0] == esc:
		return escaped(p, late)
	case !utf8.FullRune(p) && !late:
		return NoKey, 0
	}
	r, n := utf8.DecodeRune(p)
	return Key(r), n
}

// escaped is Next for what begins with Esc.
func escaped(p []byte, late bool) (Key, int) {
	if len(p) == 1 {
		return waiting(late)
	}
	switch p[1] {
	case '[':
		return controlSequence(p, late)
	case 'O':
		return applicationKey(p, late)
	case esc: // rxvt sets another Esc before a sequence for Alt
		if len(p) == 2 {
			return waiting(late)
		}
		if p[2] != '[' && p[2] != 'O' {
			return Escape, 1
		}
		key, n := escaped(p[1:], late)
		if n == 0 {
			return key, 0
		}
		if key == Escape {
			return Escape, 1
		}
		return byWords(key), n + 1
	case 'b', 'B':
		return WordLeft, 2
	case 'f', 'F':
		return WordRight, 2
	case 'd', 'D':
		return DeleteWord, 2
	case backspace, '\b':
		return RubOutWord, 2
	}
	return Escape, 1
}

// waiting is the answer where more may come.
func waiting(late bool) (Key, int) {
	if late {
		return Escape, 1
	}
	return NoKey, 0
}

// applicationKey reads ESC O and a letter.
func applicationKey(p []byte, late bool) (Key, int) {
	if len(p) == 2 {
		return waiting(late)
	}
	switch c := p[2]; {
	case c == 'M': // Enter on the keypad
		return '\r', 3
	case 'a' <= c && c <= 'd': // rxvt: with Ctrl
		return byWords(arrow(c - 'a' + 'A')), 3
	case c < '@' || c > '~':
		return Escape, 1
	default:
		return arrow(c), 3
	}
}

// controlSequence reads ESC [, parameters and a final byte.
func controlSequence(p []byte, late bool) (Key, int) {
	if len(p) == 2 {
		return waiting(late)
	}
	if p[2] == '[' { // F1 to F5 of the Linux console: one more letter
		if len(p) == 3 && !late {
			return NoKey, 0
		}
		return NoKey, min(len(p), 4)
	}
	for i := 2; i < len(p) && i < maxSequence; i++ {
		switch c := p[i]; {
		case '0' <= c && c <= '?': // a parameter
		case ' ' <= c && c < '0' && c != '$':
		case '@' <= c && c <= '~' || c == '$': // rxvt ends with $ for Shift
			return meaning(string(p[2:i]), c), i + 1
		default: // it has broken off, and this belongs to what comes next
			return NoKey, i
		}
	}
	if len(p) < maxSequence && !late {
		return NoKey, 0
	}
	return NoKey, min(len(p), maxSequence)
}

// meaning is the key of a control sequence.
func meaning(parameters string, final byte) Key {
	first, modifier, modified := strings.Cut(parameters, ";")
	number, _ := strconv.Atoi(first) // 0 where there is none
	held := number                   // old terminals: ESC [ 5 C
	if modified {
		held, _ = strconv.Atoi(modifier)
	}
	byWord := held > 1 && (held-1)&(alt|ctrl) != 0
	key := NoKey
	switch final {
	case 'A', 'B', 'C', 'D', 'F', 'H':
		key = arrow(final)
	case 'a', 'b', 'c', 'd': // rxvt: with Shift
		return arrow(final - 'a' + 'A')
	case '~', '$', '^', '@':
		byWord = modified && byWord || final == '^' || final == '@'
		switch number {
		case 1, 7:
			key = Home
		case 3:
			key = Delete
		case 4, 8:
			key = End
		}
	}
	if byWord {
		return byWords(key)
	}
	return key
}

// The bits of a modifier less one.
const (
	alt  = 2
	ctrl = 4
)

func arrow(final byte) Key {
	switch final {
	case 'A':
		return Up
	case 'B':
		return Down
	case 'C':
		return Right
	case 'D':
		return Left
	case 'H':
		return Home
	case 'F':
		return End
	}
	return NoKey
}

// byWords is what a key does with Ctrl or Alt.
func byWords(key Key) Key {
	switch key {
	case Left:
		return WordLeft
	case Right:
		return WordRight
	case Delete:
		return DeleteWord
	}
	return key
}
