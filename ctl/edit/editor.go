// Package edit edits a line on a terminal. It is a model without input and output: Next
// makes keys of bytes, an Editor takes keys, a Frame is what is to be seen, and a Screen
// says what to send to the terminal so that it is seen there. Begin with Editor.Press.
//
// The keys are those of Emacs and readline. Whoever uses the package reads the terminal,
// writes to it, and puts it into raw mode and back.
package edit

import (
	"slices"
	"strings"
	"unicode"

	"supervisor/ctl/cells"
)

// Editor is a line that is being edited, of which the zero value with a Prompt is a new
// one.
type Editor struct {
	// Prompt stands before the line. Escape sequences in it take no place.
	Prompt string
	// Hidden shows nothing of the line: it is a password.
	Hidden bool
	// History is the lines before, the oldest first.
	History []string
	// Complete returns the words that the last word of before can become, each with what
	// is to follow it. Nil: TAB does nothing.
	Complete func(before string) []string
	// Delimiters are the characters that end a word for Complete.
	Delimiters string

	text []rune
	at   int // the cursor is before this character

	entry  int            // of History, counted from the end; 0 is the new line
	edited map[int][]rune // lines as they were left, by entry

	killed  []rune // what Ctrl-Y inserts
	killing bool   // the last key has killed: the next one adds to it

	search *search
	query  string // of the last search
}

// Event is what a key means for whoever reads the terminal.
type Event int

// The events. All but EventNone end an edit or need something done to the terminal.
const (
	EventNone      Event = iota
	EventEnter           // the line is finished
	EventEOF             // Ctrl-D in an empty line
	EventInterrupt       // Ctrl-C
	EventSuspend         // Ctrl-Z
	EventClear           // the screen is to be cleared
	EventList            // the words of Choices are to be shown
)

// Text returns the line.
func (e *Editor) Text() string { return string(e.text) }

// Press changes the line as a key says.
func (e *Editor) Press(key Key) Event {
	if e.search != nil {
		if e.searchKey(key) {
			return EventNone
		}
		e.query, e.search = string(e.search.query), nil // the line found is edited on
	}
	killing := e.killing
	e.killing = false
	switch key {
	case '\r', '\n':
		return EventEnter
	case Ctrl('C'):
		return EventInterrupt
	case Ctrl('D'):
		if len(e.text) == 0 {
			return EventEOF
		}
		e.cut(e.at, e.next(e.at))
	case Ctrl('Z'):
		return EventSuspend
	case Ctrl('L'):
		return EventClear
	case '\t':
		return e.complete()
	case Ctrl('R'), Ctrl('S'):
		if !e.Hidden { // what is searched for can be seen
			e.beginSearch()
		}
	case Ctrl('U'):
		e.kill(killing, 0, e.at)
	case Ctrl('K'):
		e.kill(killing, e.at, len(e.text))
	case Ctrl('W'):
		e.kill(killing, e.blankBefore(), e.at)
	case RubOutWord:
		e.kill(killing, e.wordBefore(), e.at)
	case DeleteWord:
		e.kill(killing, e.at, e.wordBehind())
	default:
		e.moveOrInsert(key)
	}
	return EventNone
}

// moveOrInsert is Press for the keys that move the cursor or put something in.
func (e *Editor) moveOrInsert(key Key) {
	switch key {
	case Left, Ctrl('B'):
		e.at = e.before(e.at)
	case Right, Ctrl('F'):
		e.at = e.next(e.at)
	case Home, Ctrl('A'):
		e.at = 0
	case End, Ctrl('E'):
		e.at = len(e.text)
	case WordLeft:
		e.at = e.wordBefore()
	case WordRight:
		e.at = e.wordBehind()
	case Up, Ctrl('P'):
		e.recall(e.entry + 1)
	case Down, Ctrl('N'):
		e.recall(e.entry - 1)
	case backspace, '\b':
		e.cut(e.before(e.at), e.at)
	case Delete:
		e.cut(e.at, e.next(e.at))
	case Ctrl('T'):
		e.transpose()
	case Ctrl('Y'):
		e.insert(e.killed)
	default:
		if typed(key) {
			e.insert([]rune{rune(key)})
		}
	}
}

// typed reports whether a key types a character.
func typed(key Key) bool {
	return key >= ' ' && key <= unicode.MaxRune && !unicode.Is(unicode.Cc, rune(key))
}

func (e *Editor) insert(text []rune) {
	e.text = slices.Insert(e.text, e.at, text...)
	e.at += len(text)
}

// cut takes out a part of the line and leaves the cursor in its place.
func (e *Editor) cut(from, to int) {
	e.text = slices.Delete(e.text, from, to)
	e.at = from
}

// kill is cut for what Ctrl-Y brings back. Kills in a row come back together.
func (e *Editor) kill(again bool, from, to int) {
	part := slices.Clone(e.text[from:to])
	switch {
	case !again:
		e.killed = part
	case to == e.at:
		e.killed = append(part, e.killed...)
	default:
		e.killed = append(e.killed, part...)
	}
	e.killing = true
	e.cut(from, to)
}

// next returns where the character at i ends, with its marks.
func (e *Editor) next(i int) int {
	if i < len(e.text) {
		i++
	}
	for i < len(e.text) && cells.RuneWidth(e.text[i]) == 0 {
		i++
	}
	return i
}

// before returns where the character that ends at i begins.
func (e *Editor) before(i int) int {
	for i > 0 {
		i--
		if cells.RuneWidth(e.text[i]) != 0 {
			break
		}
	}
	return i
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// wordBefore returns where the word before the cursor begins.
func (e *Editor) wordBefore() int {
	i := e.at
	for i > 0 && !inWord(e.text[i-1]) {
		i--
	}
	for i > 0 && inWord(e.text[i-1]) {
		i--
	}
	return i
}

// wordBehind returns where the word behind the cursor ends.
func (e *Editor) wordBehind() int {
	i := e.at
	for i < len(e.text) && !inWord(e.text[i]) {
		i++
	}
	for i < len(e.text) && inWord(e.text[i]) {
		i++
	}
	return i
}

// blankBefore is wordBefore where only blanks end words.
func (e *Editor) blankBefore() int {
	i := e.at
	for i > 0 && unicode.IsSpace(e.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(e.text[i-1]) {
		i--
	}
	return i
}

// transpose moves the character before the cursor behind the one at it; at the end of
// the line it changes places with the one before.
func (e *Editor) transpose() {
	second := e.at
	if second == len(e.text) {
		second = e.before(second)
	}
	first, end := e.before(second), e.next(second)
	if first == second {
		return
	}
	swapped := slices.Concat(e.text[second:end], e.text[first:second])
	copy(e.text[first:end], swapped)
	e.at = end
}

// recall shows a line of the history, as it was left.
func (e *Editor) recall(entry int) {
	if entry < 0 || entry > len(e.History) {
		return
	}
	e.keep()
	e.entry = entry
	text, ok := e.edited[entry]
	if !ok {
		text = []rune(e.line(entry))
	}
	e.text, e.at = text, len(text)
}

// keep remembers the line as it is, for when its entry is shown again.
func (e *Editor) keep() {
	if e.edited == nil {
		e.edited = make(map[int][]rune)
	}
	e.edited[e.entry] = slices.Clone(e.text)
}

// line returns an entry of the history, 1 for the last one.
func (e *Editor) line(entry int) string { return e.History[len(e.History)-entry] }

// complete makes the word before the cursor as long as there is only one way to.
func (e *Editor) complete() Event {
	choices := e.Choices()
	if len(choices) == 0 {
		return EventNone
	}
	word := e.at - e.wordStart()
	if common := []rune(commonPrefix(choices)); len(common) > word {
		e.insert(common[word:])
		return EventNone
	}
	if len(choices) > 1 {
		return EventList
	}
	return EventNone
}

// Choices returns what the word before the cursor can become.
func (e *Editor) Choices() []string {
	if e.Complete == nil {
		return nil
	}
	return e.Complete(string(e.text[:e.at]))
}

func (e *Editor) wordStart() int {
	i := e.at
	for i > 0 && !strings.ContainsRune(e.Delimiters, e.text[i-1]) {
		i--
	}
	return i
}

func commonPrefix(words []string) string {
	prefix := []rune(words[0])
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, string(prefix)) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return string(prefix)
}
