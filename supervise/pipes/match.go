package pipes

import (
	"bytes"
	"regexp"
)

// maxMatched is how long a line may be that is looked at; of a longer one only so much is.
const maxMatched = 64 << 10

// Match looks for a line that matches a pattern. It is of one output, and looks until it
// has found one.
type Match struct {
	pattern *regexp.Regexp
	line    []byte // that has no end yet
}

// NewMatch returns one that looks for a line that matches the pattern.
func NewMatch(pattern *regexp.Regexp) *Match { return &Match{pattern: pattern} }

// feed takes a piece of output and reports whether the end of a matching line was in it. A
// line feed, and a carriage return before it, do not belong to the line.
func (m *Match) feed(p []byte) bool {
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		if room := maxMatched - len(m.line); room > 0 {
			m.line = append(m.line, line[:min(len(line), room)]...)
		}
		if !ended {
			return false
		}
		if m.matches(bytes.TrimSuffix(m.line, []byte{'\r'})) {
			return true
		}
		m.line, p = m.line[:0], rest
	}
	return false
}

// matches reports whether a line matches as it is, or as a terminal shows it: who writes a
// pattern sees the text, and often not that it has colours.
func (m *Match) matches(line []byte) bool {
	if m.pattern.Match(line) {
		return true
	}
	return bytes.IndexByte(line, esc) >= 0 && m.pattern.Match(new(ansi).strip(nil, line))
}
