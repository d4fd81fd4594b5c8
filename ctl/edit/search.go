package edit

import (
	"slices"
	"unicode/utf8"
)

// search looks through the history for a text.
type search struct {
	query  []rune
	entry  int // of the line shown
	failed bool

	// The line as it was before, for Ctrl-G.
	text  []rune
	at    int
	start int // its entry
}

func (e *Editor) beginSearch() {
	e.keep()
	e.search = &search{entry: e.entry, text: slices.Clone(e.text), at: e.at, start: e.entry}
}

// searchKey takes a key for the search. False ends the search, and the key is for the
// line that was found.
func (e *Editor) searchKey(key Key) bool {
	s := e.search
	switch key {
	case Ctrl('R'), Ctrl('S'):
		if len(s.query) == 0 {
			s.query = []rune(e.query)
			e.find(max(s.entry, 1), older)
			return true
		}
		direction := older
		if key == Ctrl('S') {
			direction = newer
		}
		e.find(s.entry+direction, direction)
	case backspace, '\b':
		if len(s.query) > 0 {
			s.query = s.query[:len(s.query)-1]
		}
		e.find(1, older)
	case Ctrl('G'):
		e.text, e.at, e.entry = s.text, s.at, s.start
		e.search = nil
	case Escape:
		e.query, e.search = string(s.query), nil
	case NoKey:
	default:
		if !typed(key) {
			return false
		}
		s.query = append(s.query, rune(key))
		e.find(max(s.entry, 1), older)
	}
	return true
}

const (
	older = +1
	newer = -1
)

// find shows the first line from an entry on that holds the query. If there is none, what
// is shown stays.
func (e *Editor) find(entry, direction int) {
	s := e.search
	if s.failed = len(s.query) > 0; !s.failed {
		return
	}
	for ; 1 <= entry && entry <= len(e.History); entry += direction {
		if at := lastIndex(e.line(entry), string(s.query)); at >= 0 {
			e.text, e.at, e.entry = []rune(e.line(entry)), at, entry
			s.entry, s.failed = entry, false
			return
		}
	}
}

// lastIndex returns where part is in text for the last time, in characters; -1 if it is
// not.
func lastIndex(text, part string) int {
	for i := len(text) - len(part); i >= 0; i-- {
		if text[i:i+len(part)] == part {
			return utf8.RuneCountInString(text[:i])
		}
	}
	return -1
}

// question is what stands before the line: what is searched for, while something is.
func (e *Editor) question() string {
	if e.search == nil {
		return e.Prompt
	}
	begin := "(reverse-i-search)`"
	if e.search.failed {
		begin = "(failed reverse-i-search)`"
	}
	return begin + string(e.search.query) + "': "
}
