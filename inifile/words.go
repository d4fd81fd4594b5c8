package inifile

import (
	"errors"
	"strings"
	"unicode/utf8"
)

var (
	errQuotation = errors.New("No closing quotation")
	errEscape    = errors.New("No escaped character")
	errPairs     = errors.New("Unexpected end of key/value pairs")
)

// SplitCommand splits a command line into words as a POSIX shell would, but
// knows only blanks, quotes and backslashes: no comments, variables or operators.
// The errors are "No closing quotation" and "No escaped character".
func SplitCommand(text string) ([]string, error) {
	return (&lexer{text: text}).all()
}

// ParseKeyValues reads KEY=value pairs separated by commas, values being quoted
// unless they are plain words. The last of several equal keys wins. The map is
// never nil without an error, which does not show the text: there may be secrets in it.
func ParseKeyValues(text string) (map[string]string, error) {
	tokens, err := keyValueTokens(text)
	if err != nil {
		return nil, err
	}
	pairs := make(map[string]string, len(tokens)/4+1)
	// What stands between two pairs should be a comma, but is not looked at.
	for i := 0; i < len(tokens); i += 4 {
		if i+2 >= len(tokens) || tokens[i+1] != "=" {
			return nil, errPairs
		}
		pairs[tokens[i]] = tokens[i+2]
	}
	return pairs, nil
}

// keyValueTokens are key, "=", value and what should be a comma, again and again.
func keyValueTokens(text string) ([]string, error) { return (&lexer{text: text, strict: true}).all() }

// LooseValues returns the keys in the text of ParseKeyValues behind whose values stands
// something else than a comma: these end early, and what follows is lost or is taken
// for the next key.
func LooseValues(text string) (keys []string, err error) {
	tokens, err := keyValueTokens(text)
	for i := 0; i+3 < len(tokens); i += 4 {
		if tokens[i+3] != "," {
			keys = append(keys, tokens[i])
		}
	}
	return keys, err
}

// lexer splits text the way Python's shlex does in POSIX mode.
type lexer struct {
	text string
	pos  int
	// strict makes a word end at a comment, and at every character that is not
	// listed in wordRune, which is then a word of its own.
	strict bool
}

// all returns the remaining words. There may be none, and some may be empty.
func (l *lexer) all() ([]string, error) {
	words := []string{}
	for {
		word, ok, err := l.next()
		if err != nil || !ok {
			return words, err
		}
		words = append(words, word)
	}
}

// next returns the next word, ok false at the end.
func (l *lexer) next() (word string, ok bool, err error) {
	var b []byte
	started := false // distinguishes an empty word, which was quoted, from none
	for l.pos < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.text[l.pos:])
		switch {
		case strings.ContainsRune(" \t\r\n", r):
			l.pos++
			if started {
				return string(b), true, nil
			}
		case l.strict && r == '#':
			l.skipComment()
			if started {
				return string(b), true, nil
			}
		case r == '\'' || r == '"':
			started = true
			if b, err = l.quoted(b); err != nil {
				return "", false, err
			}
		case r == '\\':
			started = true
			if b, err = l.escaped(b); err != nil {
				return "", false, err
			}
		case l.strict && !wordRune(r):
			if !started { // else it is for the next call
				l.pos += size
				b = append(b, l.text[l.pos-size:l.pos]...)
			}
			return string(b), true, nil
		default:
			started = true
			b = append(b, l.text[l.pos:l.pos+size]...)
			l.pos += size
		}
	}
	return string(b), started, nil
}

func (l *lexer) skipComment() {
	if i := strings.IndexByte(l.text[l.pos:], '\n'); i >= 0 {
		l.pos += i + 1
	} else {
		l.pos = len(l.text)
	}
}

// quoted appends what is between the quotation mark at pos and the next one.
func (l *lexer) quoted(b []byte) ([]byte, error) {
	quote := l.text[l.pos]
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch c := l.text[l.pos]; {
		case c == quote:
			l.pos++
			return b, nil
		case c == '\\' && quote == '"':
			l.pos++
			if l.pos == len(l.text) {
				return nil, errEscape
			}
			if c = l.text[l.pos]; c != '"' && c != '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		default:
			b = append(b, c)
		}
	}
	return nil, errQuotation
}

// escaped appends the character after the backslash at pos.
func (l *lexer) escaped(b []byte) ([]byte, error) {
	l.pos++
	if l.pos == len(l.text) {
		return nil, errEscape
	}
	_, size := utf8.DecodeRuneInString(l.text[l.pos:])
	l.pos += size
	return append(b, l.text[l.pos-size:l.pos]...), nil
}

// wordRune reports whether r can stand in an unquoted word of a key/value list.
func wordRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r < utf8.RuneSelf:
		return strings.ContainsRune("_/.+-:()", r)
	}
	return 'À' <= r && r <= 'ÿ' && r != '×' && r != '÷' // the letters of Latin-1
}
