// Package envfile reads environment files: lines of KEY=VALUE, as they are kept for a
// shell, for systemd or for containers.
//
//	# a remark
//	NAME=value            # one, too, since a blank stands before the #
//	export NAME = value   # export and blanks around = change nothing
//	NAME='as it is, \n and $x too'
//	NAME="with \" and \\, and a line feed: \n"
//
// What is without quotes ends with the line; blanks at its end do not count, and quotes
// and backslashes inside are like any other character. A value in quotes may go over
// several lines. In double quotes \n, \r and \t are control characters; a backslash
// before ", \, $ or ` is left out, and one at the end of a line together with the line's
// end; any other stays. Nothing is expanded: $HOME is five characters. Lines end with LF
// or CR LF, and a byte order mark at the beginning is skipped. Values are bytes, not
// necessarily UTF-8, but never NUL.
//
// The package does not know which file belongs to whom, or which value wins over one
// from elsewhere. No error shows anything of what is in a file, since there are secrets
// in it. Begin reading at Parse.
package envfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// MaxSize is the most bytes that a file may have.
const MaxSize = 1 << 20

// Var is a variable.
type Var struct {
	Name  string // letters, digits, _, . and -, not beginning with a digit
	Value string
}

// Error says what is wrong in a file: "a.env:3: the quote is not closed".
type Error struct {
	File string // the name as it was given
	Line int    // counted from 1; 0 if the whole file is meant
	Text string // never anything of what is in the file
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// Read reads the file called name, see Parse. If the file cannot be opened or read, the
// error is an *fs.PathError. Read takes as long as the file system does.
func Read(name string) ([]Var, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("it is a directory")}
	}
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(name, data)
}

// Parse reads data, which is what is in the file called name. It returns the variables
// in the order in which their names come first, each with the value that comes last. An
// error is an *Error, the first one there is.
func Parse(name string, data []byte) ([]Var, error) {
	p := parser{line: 1}
	if err := p.begin(data); err != nil {
		err.File = name
		return nil, err
	}
	var vars []Var
	place := map[string]int{} // in vars
	for p.rest != "" {
		v, err := p.next()
		if err != nil {
			err.File = name
			return nil, err
		}
		at, again := place[v.Name]
		switch {
		case v.Name == "":
		case again:
			vars[at] = v
		default:
			place[v.Name] = len(vars)
			vars = append(vars, v)
		}
	}
	return vars, nil
}

// parser reads a file line by line.
type parser struct {
	rest string
	line int // where rest begins
}

func (p *parser) fail(text string) *Error { return &Error{Line: p.line, Text: text} }

// begin takes data, if there is nothing in it that can be nowhere.
func (p *parser) begin(data []byte) *Error {
	if len(data) > MaxSize {
		return &Error{Text: fmt.Sprintf("more than %d bytes", MaxSize)}
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return &Error{Text: "this is UTF-16: save it as UTF-8"}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := bytes.IndexByte(data, 0); at >= 0 {
		p.line += bytes.Count(data[:at], []byte("\n"))
		return p.fail("there is a NUL byte, which no variable can hold")
	}
	p.rest = string(data)
	return nil
}

const blanks = " \t"

// next reads the variable that begins in the next line. The one without a name is none:
// the line is empty or a remark.
func (p *parser) next() (Var, *Error) {
	line := strings.TrimLeft(p.here(), blanks)
	if line == "" || line[0] == '#' {
		p.skipLine()
		return Var{}, nil
	}
	name, value, found := strings.Cut(line, "=")
	if !found {
		return Var{}, p.fail("there is no =: write NAME=VALUE, or # before a remark")
	}
	name = strings.TrimRight(name, blanks)
	if after, ok := strings.CutPrefix(name, "export"); ok && strings.TrimLeft(after, blanks) != after {
		name = strings.TrimLeft(after, blanks)
	}
	if !validName(name) {
		return Var{}, p.fail("what is before = is no name: write letters, digits, _, . and -, and no digit first")
	}
	if trimmed := strings.TrimLeft(value, blanks); trimmed == "" || trimmed[0] != '"' && trimmed[0] != '\'' {
		p.skipLine()
		return Var{name, bare(value)}, nil
	}
	p.rest = p.rest[strings.Index(p.rest, "=")+1:]
	p.rest = strings.TrimLeft(p.rest, blanks)
	text, err := p.quoted()
	return Var{name, text}, err
}

// here returns the current line without its end.
func (p *parser) here() string {
	line, _, _ := strings.Cut(p.rest, "\n")
	return strings.TrimSuffix(line, "\r")
}

func (p *parser) skipLine() {
	_, p.rest, _ = strings.Cut(p.rest, "\n")
	p.line++
}

func validName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '.' || c == '-'):
		default:
			return false
		}
	}
	return name != ""
}

// bare returns a value without quotes: what is before a remark, which a # begins that
// has a blank before it.
func bare(text string) string {
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && strings.IndexByte(blanks, text[i-1]) >= 0 {
			text = text[:i]
			break
		}
	}
	return strings.Trim(text, blanks)
}

// quoted reads a value in quotes, with which rest begins, and the end of its last line.
func (p *parser) quoted() (string, *Error) {
	begin := p.line
	quote := p.rest[0]
	var value strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			return value.String(), p.afterQuote()
		case c == '\r' && strings.HasPrefix(p.rest[i:], "\r\n"):
		case c == '\\' && quote == '"':
			text, n := escape(p.rest[i:])
			value.WriteString(text)
			p.line += strings.Count(p.rest[i:i+n], "\n")
			i += n - 1
		default:
			if c == '\n' {
				p.line++
			}
			value.WriteByte(c)
		}
	}
	p.line = begin
	return "", p.fail(fmt.Sprintf("the quote that begins here is not closed: write another %c", quote))
}

// afterQuote takes what is between a closing quote and the end of the line.
func (p *parser) afterQuote() *Error {
	after := p.here()
	trimmed := strings.TrimLeft(after, blanks)
	if trimmed != "" && (trimmed[0] != '#' || trimmed == after) {
		return p.fail(`there is text after the closing quote: write the whole value in one pair of quotes, with \" for a quote in it`)
	}
	p.skipLine()
	return nil
}

// escape returns what the backslash at the beginning of text makes of what follows it
// in double quotes, and how many bytes of text that takes.
func escape(text string) (string, int) {
	if strings.HasPrefix(text, "\\\r\n") {
		return "", 3
	}
	if len(text) < 2 {
		return text, 1
	}
	switch c := text[1]; c {
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case 't':
		return "\t", 2
	case '\n':
		return "", 2
	case '"', '\\', '$', '`':
		return text[1:2], 2
	}
	return text[:1], 1
}
