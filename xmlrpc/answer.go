package xmlrpc

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"unicode/utf8"
)

// Text is a string that a method answers and that is read while the answer is written, so
// that it is in memory only once. The server reads it to its end, or up to Size bytes, and
// closes it in any case. An error of ReadAt should be io.EOF or a *Fault: the caller gets
// that instead of the text.
type Text interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes; fewer may come
}

const (
	// textPiece is how much of a Text is read at a time, in bytes.
	textPiece = 64 << 10
	// longText is from where on a Text is read twice, to know how long it gets: an answer
	// that has to grow is in memory twice.
	longText = 1 << 20
)

// errNoRoom is that an answer would take more memory than there is for answers.
var errNoRoom = errors.New("no room for the answer")

// answer is an answer that is being written.
type answer struct {
	buf  []byte
	room func(n int) bool // whether n bytes more may be taken; nil: always
	held int              // capacity of buf that is accounted for
}

// ask takes room for n bytes more.
func (a *answer) ask(n int) error {
	if more := len(a.buf) + n - a.held; more > 0 {
		if a.room != nil && !a.room(more) {
			return errNoRoom
		}
		a.held += more
	}
	return nil
}

// reserve takes room for n bytes more, and has buf hold them.
func (a *answer) reserve(n int) error {
	if err := a.ask(n); err != nil {
		return err
	}
	a.buf = slices.Grow(a.buf, n)
	return nil
}

// account takes room for what buf has grown to by itself.
func (a *answer) account() error {
	return a.ask(cap(a.buf) - len(a.buf))
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
func (a *answer) text(t Text) error {
	defer t.Close() // was only read
	size := t.Size()
	piece := make([]byte, min(size, textPiece))
	length := int(size + size/8) // an eighth for what has to be escaped
	if size > longText {
		if err := a.ask(int(size)); err != nil {
			return err
		}
		length = 0
		if err := eachPiece(t, piece, func(data []byte) error { length += escaped(data); return nil }); err != nil {
			return err
		}
	}
	if err := a.reserve(len(stringBegin) + length + len(stringEnd)); err != nil {
		return err
	}
	a.buf = append(a.buf, stringBegin...)
	err := eachPiece(t, piece, func(data []byte) error {
		if err := a.reserve(escaped(data)); err != nil {
			return err
		}
		a.buf = appendText(a.buf, string(data))
		return nil
	})
	a.buf = append(a.buf, stringEnd...)
	return err
}

// eachPiece calls use with the pieces of a text, which end where characters do.
func eachPiece(t Text, piece []byte, use func([]byte) error) error {
	kept := 0 // bytes at the start of piece: a character that goes on in the next one
	for at, size := int64(0), t.Size(); at < size; {
		room := piece[kept:min(int64(len(piece)), int64(kept)+size-at)]
		n, err := t.ReadAt(room, at)
		if err != nil && err != io.EOF {
			return err
		}
		at += int64(n)
		data := piece[:kept+n]
		last := at == size || n < len(room) // the text has become shorter
		end := len(data)
		if !last {
			end -= unfinished(data)
		}
		if err := use(data[:end]); err != nil || last {
			return err
		}
		kept = copy(piece, data[end:])
		runtime.Gosched() // a long text must not hold up what takes a moment
	}
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
		case c < ' ' && !isXMLSpace(c) || c >= utf8.RuneSelf:
			n += len("\ufffd") - 1
		}
	}
	return n
}
