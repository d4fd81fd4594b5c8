package top

import (
	"strings"
	"unicode/utf8"
)

// Key is a key that was pressed: a character, or one of the constants.
type Key rune

// The keys that are no characters. Control characters stand for themselves.
const (
	Up Key = -1 - iota
	Down
	Left
	Right
	PageUp
	PageDown
	Home
	EndKey
	Delete
	unknownKey // some other
)

// Keys that are control characters.
const (
	CtrlC     Key = 3
	CtrlD     Key = 4
	Tab       Key = '\t'
	CtrlL     Key = 12
	Enter     Key = '\r'
	CtrlU     Key = 21
	CtrlZ     Key = 26
	Esc       Key = 27
	Backspace Key = 127
)

// sequences are what terminals send for keys behind "\x1b[" or "\x1bO".
var sequences = map[string]Key{
	"A": Up, "B": Down, "C": Right, "D": Left, "H": Home, "F": EndKey,
	"1~": Home, "7~": Home, "4~": EndKey, "8~": EndKey, "3~": Delete, "5~": PageUp, "6~": PageDown,
}

// ParseKeys reads what a terminal has sent. What may be the beginning of a longer sequence
// it returns as rest, unless nothing else comes: then all is set, and a lone escape is the
// key Esc. Nothing is lost or made up: what is no key is skipped.
func ParseKeys(input string, all bool) (keys []Key, rest string) {
	for input != "" {
		key, size := parseKey(input)
		if size == 0 {
			if !all {
				return keys, input
			}
			key, size = unknownKey, len(input)
			if input[0] == byte(Esc) {
				key, size = Esc, 1
			}
		}
		if key != unknownKey {
			keys = append(keys, key)
		}
		input = input[size:]
	}
	return keys, ""
}

// parseKey returns the key that input begins with, and how long it is; 0 if more of it
// has to come.
func parseKey(input string) (key Key, size int) {
	switch c := input[0]; {
	case c == byte(Esc):
		return parseEscape(input)
	case c == '\n':
		return Enter, 1
	case c == '\b':
		return Backspace, 1
	case c < utf8.RuneSelf:
		return Key(c), 1
	}
	if !utf8.FullRuneInString(input) {
		return 0, 0
	}
	r, size := utf8.DecodeRuneInString(input)
	if r == utf8.RuneError {
		return unknownKey, size
	}
	return Key(r), size
}

// parseEscape reads a sequence that begins with escape.
func parseEscape(input string) (key Key, size int) {
	if len(input) < 2 {
		return 0, 0
	}
	switch input[1] {
	case '[', 'O':
	case byte(Esc):
		return Esc, 1
	default:
		return unknownKey, 2 // Alt and something
	}
	end := 2
	for end < len(input) && (input[end] >= '0' && input[end] <= '?' || input[end] >= ' ' && input[end] < '0') {
		end++
	}
	if end == len(input) {
		if end > 32 { // none is so long
			return unknownKey, end
		}
		return 0, 0
	}
	if input[end] < '@' || input[end] > '~' {
		return unknownKey, end
	}
	body := input[2 : end+1]
	if parameters, _, modified := strings.Cut(body[:len(body)-1], ";"); modified { // Shift and the like
		body = strings.TrimPrefix(parameters, "1") + body[len(body)-1:]
	}
	if key, ok := sequences[body]; ok {
		return key, end + 1
	}
	return unknownKey, end + 1
}
