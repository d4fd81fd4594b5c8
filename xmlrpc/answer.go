package xmlrpc

import (
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// Text is a string that a method answers and that is read while the answer is written, so
// that it is in memory only once. The server reads it to its end, or up to Size bytes, and
// closes it in any case. An error of Read should be a *Fault: the caller gets that instead
// of the text.
type Text interface {
	io.ReadCloser
	Size() int64 // bytes; fewer may come
}

// textPiece is how much of a Text is read at a time, in bytes.
const textPiece = 64 << 10

// errNoRoom is that an answer would take more memory than there is for answers.
var errNoRoom = errors.New("no room for the answer")

// answer is an answer that is being written.
type answer struct {
	buf  []byte
	room func(n int) bool // whether n bytes more may be taken; nil: always
	held int              // capacity of buf that is accounted for
}

// reserve makes room for n bytes more.
func (a *answer) reserve(n int) error {
	if n <= cap(a.buf)-len(a.buf) {
		return nil
	}
	if need := len(a.buf) + n; a.room != nil && need > a.held {
		if !a.room(need - a.held) {
			return errNoRoom
		}
		a.held = need
	}
	a.buf = slices.Grow(a.buf, n)
	return nil
}

// account takes room for what buf has grown to by itself.
func (a *answer) account() error {
	if more := cap(a.buf) - a.held; more > 0 {
		a.held += more
		if a.room != nil && !a.room(more) {
			return errNoRoom
		}
	}
	return nil
}

// value writes the VALUE of what a method has answered. With an error nothing is written.
func (a *answer) value(v any) error {
	begin := len(a.buf)
	err := a.append(v)
	if err == nil {
		err = a.account()
	}
	if err != nil {
		a.buf = a.buf[:begin]
	}
	return err
}

func (a *answer) append(v any) error {
	switch v := v.(type) {
	case Text:
		return a.text(v)
	case TailText:
		a.buf = append(a.buf, arrayBegin...)
		if err := a.text(v.Text); err != nil {
			return err
		}
		a.buf = appendInt(a.buf, v.Offset)
		a.buf = appendBool(a.buf, v.Overflow)
		a.buf = append(a.buf, arrayEnd...)
		return nil
	case *multicall:
		return v.answer(a)
	}
	a.buf = appendValue(a.buf, v)
	return nil
}

// text writes the VALUE of t, piece by piece.
func (a *answer) text(t Text) (err error) {
	defer t.Close() // was only read
	left := t.Size()
	// An eighth more for what has to be escaped: to grow is to have it twice for a while.
	if err := a.reserve(len(stringBegin) + int(left+left/8) + len(stringEnd)); err != nil {
		return err
	}
	a.buf = append(a.buf, stringBegin...)
	piece := make([]byte, min(left, textPiece))
	kept := 0 // bytes at the start of piece: a character that goes on in the next one
	for left > 0 && err == nil {
		var n int
		n, err = t.Read(piece[kept:min(int64(len(piece)), int64(kept)+left)])
		left -= int64(n)
		data := piece[:kept+n]
		end := len(data)
		if left > 0 && err == nil {
			end -= unfinished(data)
		}
		if err := a.reserve(escaped(data[:end])); err != nil {
			return err
		}
		a.buf = appendText(a.buf, string(data[:end]))
		kept = copy(piece, data[end:])
	}
	if err != nil && err != io.EOF {
		return err
	}
	a.buf = append(a.buf, stringEnd...)
	return nil
}

// unfinished returns how many bytes at the end of data may be the beginning of a
// character.
func unfinished(data []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		if last := data[len(data)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// escaped returns how many bytes data has at most once it is escaped.
func escaped(data []byte) int {
	n := len(data)
	for _, c := range data {
		switch {
		case c == '&':
			n += len("&amp;") - 1
		case c == '<' || c == '>':
			n += len("&lt;") - 1
		case c < ' ' && !isSpace(c) || c >= utf8.RuneSelf:
			n += len("\ufffd") - 1
		}
	}
	return n
}
