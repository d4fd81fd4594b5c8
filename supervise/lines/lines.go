// Package lines gives the output of a program the form in which a container's log is
// read: every line behind a prefix (Text), or as a JSON object (JSON).
//
// A Filter is bytes in, bytes out. It does no I/O, reads no clock and starts nothing:
// whoever reads the pipe of a program feeds it, and writes what comes out. Where the
// bytes go, and what other ways (events, captures, syslog) see them, is the caller's.
// Drop, which is apart from the formats, decides what becomes of lines for which a
// target has no room.
//
// Begin reading at Filter.Append.
package lines

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Format is the form of the lines. The zero value is Raw.
type Format int

const (
	Raw  Format = iota // bytes as they come, nothing is held back
	Text               // whole lines, each behind a prefix
	JSON               // one JSON object a line
)

// String returns the word that the configuration has for it.
func (f Format) String() string { return [...]string{"raw", "text", "json"}[f] }

// Timestamps says what stands before the prefix of a line of Text. The zero value is
// None. They are of the moment when the end of the line was read.
type Timestamps int

const (
	None    Timestamps = iota
	ISO8601            // 2006-01-02T15:04:05.000Z, in UTC
	Unix               // seconds since 1970, as in 1136214245.000
)

// String returns the word that the configuration has for it.
func (t Timestamps) String() string { return [...]string{"none", "iso8601", "unix"}[t] }

const (
	// MaxLine is how many bytes a line has at most, without its line feed. A longer one
	// is cut there, with the sign … behind it, and goes on as the next line.
	MaxLine = 64 << 10
	// MaxOutput is how many bytes of output Append makes of one call before it leaves
	// the rest of its input for the next. One line more may come to it.
	MaxOutput = 256 << 10
	// keptLine is how much memory for the beginning of a line a Filter keeps that
	// does not need it.
	keptLine = 4 << 10
)

const (
	cutSign   = "…"
	timeStamp = "2006-01-02T15:04:05.000Z"
)

// Settings are what a Filter writes beside the output itself.
type Settings struct {
	Format Format

	// For Text.
	Timestamps Timestamps
	Prefix     string  // as it is written, expanded
	Column     *Column // pads the prefix; nil for no padding

	// For JSON.
	Program, Group string
	Stream         string // "stdout" or "stderr"
}

// Filter makes lines of the output of one stream of one program. It is made by New.
// One goroutine at a time may use it.
type Filter struct {
	settings Settings
	about    []byte // for JSON: what stands between the time and the content
	held     []byte // a line that has no end yet, at most MaxLine

	// What stands before each line, made for moment and width.
	moment int64 // in ms since 1970
	width  int
	head   []byte
	object []byte // for a line that is a JSON object
}

// New returns a Filter at the beginning of a program's output.
func New(s Settings) *Filter {
	f := &Filter{settings: s, moment: -1, width: -1}
	if s.Format == JSON {
		about := append([]byte(nil), `","program":"`...)
		about = AppendEscaped(about, []byte(s.Program))
		about = append(about, `","group":"`...)
		about = AppendEscaped(about, []byte(s.Group))
		about = append(about, `","stream":"`...)
		about = AppendEscaped(about, []byte(s.Stream))
		f.about = append(about, `","`...)
	}
	return f
}

// Append appends to dst what is to be written now that the program has said p, at the
// time now, and returns it with what it did not take of p: usually nothing, but never
// more than MaxOutput and one line is made at once. What is left has to be given again
// before any other output.
//
// A line without an end is held back until it has one, or is too long. Nothing is
// allocated but for dst and for such a line.
func (f *Filter) Append(dst, p []byte, now time.Time) (out, left []byte) {
	if f.settings.Format == Raw {
		return append(dst, p...), nil
	}
	f.begin(now)
	for full := len(dst) + MaxOutput; len(p) > 0 && len(dst) < full; {
		if f.settings.Format == JSON && len(f.held) == 0 {
			if dst, p = f.plainLines(dst, p, full); len(p) == 0 {
				break
			}
		}
		switch end := bytes.IndexByte(p, '\n'); {
		case len(f.held) > 0:
			dst, p = f.goOn(dst, p, end)
		case end > MaxLine, end < 0 && len(p) > MaxLine:
			at := cut(p)
			dst = f.line(dst, p[:at], cutSign)
			p = p[at:]
		case end < 0:
			f.held = append(f.held, p...)
			p = nil
		default:
			dst = f.line(dst, p[:end], "")
			p = p[end+1:]
		}
	}
	return dst, p
}

// plainLines does what there is to do with the usual lines, which have nothing to be
// escaped and are no objects, at the beginning of p and until there is enough output.
func (f *Filter) plainLines(dst, p []byte, full int) (out, left []byte) {
	const last = "\"}\n"
	for len(p) > 0 && len(dst) < full {
		n := plainASCII(p)
		if n > MaxLine || n == len(p) || p[n] != '\n' || p[0] == '{' || p[0] == ' ' {
			break
		}
		at := len(dst)
		dst = slices.Grow(dst, len(f.head)+n+len(last))[:at+len(f.head)+n+len(last)]
		at += copy(dst[at:], f.head)
		at += copy(dst[at:], p[:n])
		copy(dst[at:], last)
		p = p[n+1:]
	}
	return dst, p
}

// goOn adds to the line that is held what p has of it, up to the line feed at end, -1
// for none.
func (f *Filter) goOn(dst, p []byte, end int) (out, left []byte) {
	more := p
	if end >= 0 {
		more = p[:end]
	}
	n := min(len(more), MaxLine+1-len(f.held))
	f.held = append(f.held, more[:n]...)
	switch {
	case len(f.held) > MaxLine:
		at := cut(f.held)
		dst = f.line(dst, f.held[:at], cutSign)
		f.held = append(f.held[:0], f.held[at:]...)
		return dst, p[n:]
	case end < 0:
		return dst, nil
	}
	dst = f.line(dst, f.held, "")
	if cap(f.held) > keptLine && len(f.held) <= keptLine {
		f.held = nil
	}
	f.held = f.held[:0]
	return dst, p[end+1:]
}

// Flush appends to dst what is left when the program has ended: a line that had no end
// gets one. Then the Filter is at the beginning again.
func (f *Filter) Flush(dst []byte, now time.Time) []byte {
	if len(f.held) > 0 {
		f.begin(now)
		dst = f.line(dst, f.held, "")
	}
	f.held = nil
	return dst
}

// Held is how many bytes are held back, because their line has no end yet.
func (f *Filter) Held() int { return len(f.held) }

// cut is where a line of more than MaxLine bytes, of which these are the first, is cut:
// so that no character is torn apart. It depends on nothing behind p[MaxLine].
func cut(p []byte) int {
	for at := MaxLine; at > MaxLine-utf8.UTFMax; at-- {
		if !utf8.RuneStart(p[at]) {
			continue
		}
		if at == MaxLine || at+lengthOf(p[at]) > MaxLine {
			return at
		}
		break // what follows the character belongs to none
	}
	return MaxLine
}

// lengthOf is how many bytes a character has that begins with c.
func lengthOf(c byte) int {
	switch {
	case c >= 0xf0:
		return 4
	case c >= 0xe0:
		return 3
	case c >= 0xc0:
		return 2
	}
	return 1
}

// begin makes what stands before each line at the time now.
func (f *Filter) begin(now time.Time) {
	s := &f.settings
	moment, width := now.UnixMilli(), s.Column.Width()
	if s.Format == Text && s.Timestamps == None {
		moment = 0
	}
	if moment == f.moment && width == f.width {
		return
	}
	f.moment, f.width = moment, width
	f.head = f.head[:0]
	if s.Format == JSON {
		f.head = append(f.head, `{"time":"`...)
		f.head = now.UTC().AppendFormat(f.head, timeStamp)
		f.head = append(f.head, f.about...)
		f.object = append(append(f.object[:0], f.head...), `json":`...)
		f.head = append(f.head, `message":"`...)
		return
	}
	switch s.Timestamps {
	case ISO8601:
		f.head = append(now.UTC().AppendFormat(f.head, timeStamp), ' ')
	case Unix:
		f.head = append(appendUnix(f.head, moment), ' ')
	}
	f.head = appendPadded(f.head, s.Prefix, width)
}

// line appends one line, with the sign behind it that it was cut, if it was.
func (f *Filter) line(dst, line []byte, sign string) []byte {
	if f.settings.Format == Text {
		dst = append(dst, f.head...)
		dst = append(dst, line...)
		dst = append(dst, sign...)
		return append(dst, '\n')
	}
	if object := trim(line); sign == "" && isObject(object) {
		dst = append(dst, f.object...)
		dst = append(dst, object...)
		return append(dst, "}\n"...)
	}
	dst = append(dst, f.head...)
	dst = AppendEscaped(dst, line)
	dst = append(dst, sign...)
	return append(dst, "\"}\n"...)
}

func appendUnix(dst []byte, ms int64) []byte {
	if ms < 0 { // before 1970 there was no output
		ms = 0
	}
	var digits [24]byte
	i := len(digits)
	for n := 0; n < 5 || ms > 0; n++ {
		if n == 3 {
			i--
			digits[i] = '.'
			continue
		}
		i--
		digits[i] = '0' + byte(ms%10)
		ms /= 10
	}
	return append(dst, digits[i:]...)
}

// Column is the place where the bars of all prefixes stand: one for the whole daemon.
// What is padded is the part before the last bar and the blanks around it, or all of a
// prefix that has no bar. The zero value, and nil, pad nothing. It is safe for
// concurrent use.
type Column struct{ width atomic.Int64 }

// Fit makes the column as wide as the widest of these prefixes needs, whatever it was
// before. Filters follow with the next output.
func (c *Column) Fit(prefixes ...string) {
	width := 0
	for _, prefix := range prefixes {
		name, _ := split(prefix)
		width = max(width, utf8.RuneCountInString(name))
	}
	c.width.Store(int64(width))
}

// Width is how wide it is, in characters.
func (c *Column) Width() int {
	if c == nil {
		return 0
	}
	return int(c.width.Load())
}

// split cuts a prefix where blanks are put in.
func split(prefix string) (name, bar string) {
	at := strings.LastIndexByte(prefix, '|')
	if at < 0 {
		return prefix, ""
	}
	name = strings.TrimRight(prefix[:at], " ")
	return name, prefix[len(name):]
}

func appendPadded(dst []byte, prefix string, width int) []byte {
	name, bar := split(prefix)
	dst = append(dst, name...)
	for n := utf8.RuneCountInString(name); n < width; n++ {
		dst = append(dst, ' ')
	}
	return append(dst, bar...)
}
