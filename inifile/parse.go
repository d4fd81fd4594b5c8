package inifile

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"supervisor/inifile/python"
)

// merge reads data, the content of the file name, into f. Later values of a key
// replace earlier ones.
func (f *File) merge(name string, data []byte) error {
	limit, bad, badText := checkEncoding(data)
	p := parser{file: f, name: name}
	text := string(data[:limit])
	for text != "" {
		line, rest, ended := cutLine(text)
		if badText != nil && (!ended || rest == "" && strings.HasSuffix(text, "\r")) {
			break // the line goes on in text that cannot be decoded
		}
		p.line++
		switch { // messages show it with a line feed, whatever its end is
		case ended && text[len(line)] == '\n':
			line = text[:len(line)+1]
		case ended:
			line += "\n"
		}
		if err := p.read(line); err != nil {
			return err
		}
		text = rest
	}
	if badText != nil {
		return &Error{Pos: Position{name, lineAt(string(data[:bad]))}, Err: badText, Suffix: " (file: " + PythonRepr(name) + ")"}
	}
	p.finish()
	return p.err()
}

// lineAt returns the number of the line that follows before.
func lineAt(before string) int {
	for line := 1; ; line++ {
		_, rest, ended := cutLine(before)
		if !ended {
			return line
		}
		before = rest
	}
}

// cutLine cuts text after its first line, which LF, CRLF or CR ends.
func cutLine(text string) (line, rest string, ended bool) {
	i := strings.IndexAny(text, "\r\n")
	if i < 0 {
		return text, "", false
	}
	rest = text[i+1:]
	if text[i] == '\r' {
		rest = strings.TrimPrefix(rest, "\n")
	}
	return text[:i], rest, true
}

// parser is the state between the lines of one file. It mirrors the line loop of
// Python's configparser, also in what is surprising there.
type parser struct {
	file    *File
	name    string
	line    int // number of the present line, from 1
	section *Section
	indent  int // of the last line that was no continuation

	key   string // the key that continuation lines belong to; "" for none
	at    Position
	lines []string // its value so far
	cuts  []Cut    // its lines that remarks have ended

	bad []badLine
}

type badLine struct {
	number int
	text   string
}

// read takes in one line, which ends in a line feed unless it is an unfinished
// last one.
func (p *parser) read(line string) error {
	text := line
	cut := commentStart(line)
	if cut >= 0 {
		text = line[:cut]
	}
	text = TrimSpace(text)
	if text == "" {
		// A blank line is part of a value, a line of comment is not.
		if cut < 0 && p.key != "" {
			p.lines = append(p.lines, "")
		}
		return nil
	}
	indent := indentation(line)
	if p.key != "" && indent > p.indent {
		p.lines = append(p.lines, text)
		p.noteCut(line, text, cut)
		return nil
	}
	p.indent = indent
	// Greedy: "[a]b]" is the section "a]b".
	if end := strings.LastIndexByte(text, ']'); text[0] == '[' && end >= 2 {
		p.finish()
		p.section = p.file.open(text[1:end], Position{p.name, p.line})
		return nil
	}
	if p.section == nil {
		return &Error{Pos: Position{p.name, p.line}, Err: fmt.Errorf(
			"File contains no section headers.\nfile: %s, line: %d\n%s",
			PythonRepr(p.name), p.line, PythonRepr(shownLine(line)))}
	}
	p.option(line, text)
	p.noteCut(line, text, cut)
	return nil
}

// noteCut notes that the remark at cut has ended a line of the present value.
func (p *parser) noteCut(line, text string, cut int) {
	if cut > 0 && p.key != "" {
		p.cuts = append(p.cuts, Cut{Position{p.name, p.line}, text, TrimSpace(line[cut:])})
	}
}

// option takes in a line that should be "key = value" or "key: value", of which
// text is what is left without comment and blanks.
func (p *parser) option(line, text string) {
	i := strings.IndexAny(text, "=:")
	if i < 0 {
		if hides(p.key) { // it may have been meant to go on here
			line = "...\n"
		}
		p.bad = append(p.bad, badLine{p.line, line})
		return // and the key before goes on
	}
	p.finish()
	if i == 0 {
		p.bad = append(p.bad, badLine{p.line, line})
		return
	}
	if text[0] == '[' {
		p.file.remarks = append(p.file.remarks, Remark{Pos: Position{p.name, p.line}, Section: p.section.nameOr(""), Mistake: true,
			Text: "the name of a section ends with a bracket: write " + TrimSpace(text) + "]"})
	}
	p.key = python.Lower(TrimSpace(text[:i]))
	p.at = Position{p.name, p.line}
	p.lines = append(p.lines[:0], TrimSpace(text[i+1:]))
}

// finish stores the value that was being read.
func (p *parser) finish() {
	if p.key != "" && p.section != p.file.unwanted {
		p.section.set(p.key, python.TrimRight(strings.Join(p.lines, "\n")), p.at, nil)
		p.section.values[p.key].cuts = p.cuts
	}
	p.key, p.cuts = "", nil
}

// err returns what is wrong with all the bad lines, nil if there was none.
func (p *parser) err() error {
	if p.bad == nil {
		return nil
	}
	var text strings.Builder
	text.WriteString("Source contains parsing errors: " + PythonRepr(p.name))
	for _, bad := range p.bad {
		fmt.Fprintf(&text, "\n\t[line %2d]: %s", bad.number, PythonRepr(bad.text))
	}
	return &Error{Pos: Position{p.name, p.bad[0].number}, Err: errors.New(text.String())}
}

// commentStart returns where the comment of line begins, -1 if it has none.
//
// The leftmost prefix after a blank is not always the one: each round looks at
// the next ";" and the next "#", and the first round that finds a valid one
// decides. So the comment of "a;b ;c #d" is "#d".
func commentStart(line string) int {
	if text := TrimSpace(line); text != "" && (text[0] == ';' || text[0] == '#') {
		return 0
	}
	from := [...]int{0, 0} // where to go on looking; -1 after the last one
	for from[0] >= 0 || from[1] >= 0 {
		start := -1
		for i, prefix := range [...]byte{';', '#'} {
			if from[i] < 0 {
				continue
			}
			at := strings.IndexByte(line[from[i]:], prefix)
			if at < 0 {
				from[i] = -1
				continue
			}
			at += from[i]
			from[i] = at + 1
			before, _ := utf8.DecodeLastRuneInString(line[:at])
			if (at == 0 || python.IsSpace(before)) && (start < 0 || at < start) {
				start = at
			}
		}
		if start >= 0 {
			return start
		}
	}
	return -1
}

// indentation returns how many characters of white space line begins with. A tab
// is one.
func indentation(line string) int {
	n := 0
	for _, r := range line {
		if !python.IsSpace(r) {
			break
		}
		n++
	}
	return n
}
