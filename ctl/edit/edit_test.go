package edit

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// keysOf takes apart all that a terminal has sent.
func keysOf(text string, late bool) (keys []Key, rest string) {
	for text != "" {
		key, n := Next([]byte(text), late)
		if n == 0 {
			break
		}
		keys = append(keys, key)
		text = text[n:]
	}
	return keys, text
}

func TestNext(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Key
	}{
		{"letters", "aé日", []Key{'a', 'é', '日'}},
		{"control characters", "\x01\r\x7f\x03", []Key{Ctrl('A'), '\r', backspace, Ctrl('C')}},
		{"arrows of xterm", "\x1b[A\x1b[B\x1b[C\x1b[D", []Key{Up, Down, Right, Left}},
		{"arrows as for applications", "\x1bOA\x1bOB\x1bOC\x1bOD", []Key{Up, Down, Right, Left}},
		{"Home and End of xterm", "\x1b[H\x1b[F\x1bOH\x1bOF", []Key{Home, End, Home, End}},
		{"Home and End of tmux, screen, linux", "\x1b[1~\x1b[4~", []Key{Home, End}},
		{"Home and End of rxvt", "\x1b[7~\x1b[8~\x1b[7$\x1b[8^", []Key{Home, End, Home, End}},
		{"Delete", "\x1b[3~\x1b[3;5~\x1b[3^\x1b[3$", []Key{Delete, DeleteWord, DeleteWord, Delete}},
		{"Ctrl-arrows of xterm and tmux", "\x1b[1;5C\x1b[1;5D\x1b[1;5A", []Key{WordRight, WordLeft, Up}},
		{"Ctrl-arrows of old", "\x1b[5C\x1b[5D", []Key{WordRight, WordLeft}},
		{"Ctrl-arrows of rxvt", "\x1bOc\x1bOd\x1bOa", []Key{WordRight, WordLeft, Up}},
		{"Alt-arrows", "\x1b[1;3C\x1b[1;3D\x1b\x1b[C\x1b\x1bOD", []Key{WordRight, WordLeft, WordRight, WordLeft}},
		{"Shift-arrows", "\x1b[1;2C\x1b[d", []Key{Right, Left}},
		{"more cells", "\x1b[2C", []Key{Right}},
		{"Alt with letters", "\x1bb\x1bf\x1bd\x1b\x7f\x1b\b", []Key{WordLeft, WordRight, DeleteWord, RubOutWord, RubOutWord}},
		{"function keys of xterm", "\x1bOP\x1bOS\x1b[15~\x1b[24~\x1b[1;5P", []Key{NoKey, NoKey, NoKey, NoKey, NoKey}},
		{"function keys of linux", "\x1b[[A\x1b[[Ex", []Key{NoKey, NoKey, 'x'}},
		{"function keys of rxvt", "\x1b[11~\x1b[23$\x1b[23^\x1b[23@x", []Key{NoKey, NoKey, NoKey, NoKey, 'x'}},
		{"pages, Insert, a paste", "\x1b[5~\x1b[6~\x1b[2~\x1b[200~a\x1b[201~", []Key{NoKey, NoKey, NoKey, NoKey, 'a', NoKey}},
		{"keypad", "\x1bOM\x1bOp", []Key{'\r', NoKey}},
		{"Esc before letters", "\x1bstatus", []Key{Escape, 's', 't', 'a', 't', 'u', 's'}},
		{"Esc before Enter", "\x1b\r", []Key{Escape, '\r'}},
		{"Esc twice", "\x1b\x1bx", []Key{Escape, Escape, 'x'}},
		{"Esc before a letter of more bytes", "\x1bé", []Key{Escape, 'é'}},
		{"a sequence that breaks off", "\x1b[1;\rx", []Key{NoKey, '\r', 'x'}},
		{"a sequence within another", "\x1b[1\x1b[A", []Key{NoKey, Up}},
		{"a letter that cannot follow ESC O", "\x1bO\r", []Key{Escape, 'O', '\r'}},
		{"not UTF-8", "\xffa", []Key{utf8.RuneError, 'a'}},
		{"a report of the mouse", "\x1b[<0;10;10M", []Key{NoKey}},
		{"what never ends", "\x1b[" + strings.Repeat("1", 30) + "ab", []Key{NoKey, 'a', 'b'}},
	}
	for _, tt := range tests {
		keys, rest := keysOf(tt.text, false)
		if !slices.Equal(keys, tt.want) || rest != "" {
			t.Errorf("%s: got %v and %q, want %v", tt.name, keys, rest, tt.want)
		}
	}
}

// TestNextWaits has what may be the beginning of a key, and what it is if nothing
// follows.
func TestNextWaits(t *testing.T) {
	tests := []struct {
		text string
		late []Key
	}{
		{"\x1b", []Key{Escape}},
		{"\x1b\x1b", []Key{Escape, Escape}},
		{"\x1b[", []Key{Escape, '['}},
		{"\x1bO", []Key{Escape, 'O'}},
		{"\x1b[1;5", []Key{NoKey}},
		{"\x1b[[", []Key{NoKey}},
		{"\x1b\x1b[", []Key{Escape, Escape, '['}},
		{"\xe6\x97", []Key{utf8.RuneError, utf8.RuneError}},
	}
	for _, tt := range tests {
		if keys, rest := keysOf(tt.text, false); len(keys) > 0 || rest != tt.text {
			t.Errorf("%q: got %v at once", tt.text, keys)
		}
		if keys, rest := keysOf(tt.text, true); !slices.Equal(keys, tt.late) || rest != "" {
			t.Errorf("%q: got %v and %q, want %v", tt.text, keys, rest, tt.late)
		}
	}
}

// FuzzNext: whatever comes, it is taken apart, and what is no sequence is not lost.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{"\x1b[1;5Cx", "\x1b\x1bOA", "\x1bstatus\r", "\xe6\x97\xa5", "\x1b[[", "\x1b[\x1b["} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		for len(p) > 0 {
			key, n := Next(p, false)
			if n == 0 {
				key, n = Next(p, true)
			}
			if n <= 0 || n > len(p) {
				t.Fatalf("%q: key %d of %d bytes", p, key, n)
			}
			if p[0] != esc && key < utf8.MaxRune && n != max(1, utf8.RuneLen(rune(key))) && key != utf8.RuneError {
				t.Fatalf("%q: key %d of %d bytes", p, key, n)
			}
			p = p[n:]
		}
	})
}

// pressed presses keys, in the bytes of xterm, and returns the last event.
func pressed(e *Editor, text string) (event Event) {
	keys, _ := keysOf(text, true)
	for _, key := range keys {
		event = e.Press(key)
	}
	return event
}

// shown is the line with the cursor as |.
func shown(e *Editor) string {
	return string(e.text[:e.at]) + "|" + string(e.text[e.at:])
}

func TestEditor(t *testing.T) {
	const (
		home, end, left, right = "\x1b[H", "\x1b[F", "\x1b[D", "\x1b[C"
		wordLeft, wordRight    = "\x1b[1;5D", "\x1b[1;5C"
	)
	tests := []struct{ name, keys, want string }{
		{"nothing", "", "|"},
		{"typing", "status", "status|"},
		{"in the middle", "stas" + left + "tu", "statu|s"},
		{"beginning and end", "ab" + home + "x" + end + "y", "xaby|"},
		{"Ctrl-A and Ctrl-E", "ab\x01x\x05y", "xaby|"},
		{"Ctrl-B and Ctrl-F", "ab\x02\x02x\x06y", "xay|b"},
		{"no further than the ends", left + "a" + right + right + "b" + home + left + "c", "c|ab"},
		{"words", "one two-three" + wordLeft + wordLeft, "one |two-three"},
		{"words forwards", "one two-three" + home + wordRight + wordRight, "one two|-three"},
		{"Alt-b and Alt-f", "one two\x1bb\x1bb\x1bf", "one| two"},
		{"backspace", "abc\x7f\b", "a|"},
		{"backspace at the beginning", "a" + home + "\x7f", "|a"},
		{"Delete", "abc" + home + "\x1b[3~", "|bc"},
		{"Delete at the end", "abc\x1b[3~", "abc|"},
		{"Ctrl-D", "abc" + home + "\x04", "|bc"},
		{"Ctrl-K", "one two" + wordLeft + "\x0b", "one |"},
		{"Ctrl-U", "one two" + wordLeft + "\x15", "|two"},
		{"Ctrl-W", "start web:*  \x17", "start |"},
		{"Ctrl-W in the middle", "start web" + left + "\x17", "start |b"},
		{"Alt-Backspace", "start web:one\x1b\x7f", "start web:|"},
		{"Alt-d", "one two three" + home + "\x1bd\x1bd", "| three"},
		{"Ctrl-Y", "one two\x17\x19\x19", "one twotwo|"},
		{"kills come back together", "one two three\x17\x17\x01\x19", "two three|one "},
		{"kills forwards too", "one two three" + home + "\x1bd\x1bd\x05\x19", " threeone two|"},
		{"kills in both directions", "one two three" + wordLeft + "\x17\x0b\x19", "one two three|"},
		{"another key between kills", "one two\x17" + left + right + "\x17\x19", "one |"},
		{"Ctrl-T at the end", "ab\x14", "ba|"},
		{"Ctrl-T in the middle", "abc" + left + left + "\x14", "ba|c"},
		{"Ctrl-T with one", "a\x14", "a|"},
		{"Ctrl-T at the beginning", "ab" + home + "\x14", "|ab"},
		{"marks go with their character", "ae\u0301b" + left + left + "x", "ax|e\u0301b"},
		{"and are deleted with it", "ae\u0301\x7f", "a|"},
		{"forwards too", "e\u0301b" + home + "\x1b[3~", "|b"},
		{"and change places with it", "ae\u0301\x14", "e\u0301a|"},
		{"wide ones", "日本" + left + "x", "日x|本"},
		{"Esc alone", "ab\x1b", "ab|"},
		{"function keys", "a\x1bOP\x1b[15~b", "ab|"},
		{"other control characters", "a\x0f\x11b", "ab|"},
		{"TAB without words", "a\tb", "ab|"},
	}
	for _, tt := range tests {
		var e Editor
		if event := pressed(&e, tt.keys); shown(&e) != tt.want || event != EventNone {
			t.Errorf("%s: got %q and event %d, want %q", tt.name, shown(&e), event, tt.want)
		}
	}
}

func TestEvents(t *testing.T) {
	for keys, want := range map[string]Event{"a\r": EventEnter, "\n": EventEnter, "\x03": EventInterrupt, "a\x03": EventInterrupt, "\x04": EventEOF, "\x1a": EventSuspend, "\x0c": EventClear} {
		var e Editor
		if got := pressed(&e, keys); got != want {
			t.Errorf("%q: got %d, want %d", keys, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	const up, down = "\x1b[A", "\x1b[B"
	tests := []struct{ keys, want string }{
		{up, "third|"},
		{up + up, "second|"},
		{up + up + up + up + up, "first|"},
		{up + up + down, "third|"},
		{"\x10\x10\x0e", "third|"},
		{"new" + up + down, "new|"},
		{down, "|"},
		{up + "x" + up + down, "thirdx|"},
	}
	for _, tt := range tests {
		e := Editor{History: []string{"first", "second", "third"}}
		pressed(&e, tt.keys)
		if shown(&e) != tt.want {
			t.Errorf("%q: got %q, want %q", tt.keys, shown(&e), tt.want)
		}
	}
}

func TestSearch(t *testing.T) {
	tests := []struct{ name, keys, want, question string }{
		{"the last one", "\x12st", "|stop web", "(reverse-i-search)`st': "},
		{"an older one", "\x12st\x12", "re|start all", "(reverse-i-search)`st': "},
		{"the oldest", "\x12st\x12\x12\x12", "|status", "(failed reverse-i-search)`st': "},
		{"and back", "\x12st\x12\x12\x13", "re|start all", "(reverse-i-search)`st': "},
		{"longer and longer", "\x12stat", "|status", "(reverse-i-search)`stat': "},
		{"shorter again", "\x12stat\x7f", "re|start all", "(reverse-i-search)`sta': "},
		{"nothing", "abc\x12xyz", "abc|", "(failed reverse-i-search)`xyz': "},
		{"then less", "\x12stx\x7f", "|stop web", "(reverse-i-search)`st': "},
		{"cancelled", "abc\x12stat\x07", "abc|", "> "},
		{"taken by Esc", "\x12stat\x1b", "|status", "> "},
		{"taken by another key", "\x12stat\x05x", "statusx|", "> "},
		{"taken by an arrow", "\x12top\x1b[D", "|stop web", "> "},
		{"function keys are ignored", "\x12sto\x1bOP", "|stop web", "(reverse-i-search)`sto': "},
		{"the last query again", "\x12stat\x1b\x15\x12\x12", "|status", "(reverse-i-search)`stat': "},
		{"back to the new line", "abc\x12stat\x1b" + strings.Repeat("\x1b[B", 4), "abc|", "> "},
		{"from an older line on", "\x12start\x1b\x1b[A", "status|", "> "},
	}
	for _, tt := range tests {
		e := Editor{Prompt: "> ", History: []string{"status", "restart all", "stop web"}}
		pressed(&e, tt.keys)
		if shown(&e) != tt.want || e.question() != tt.question {
			t.Errorf("%s: got %q at %q, want %q at %q", tt.name, shown(&e), e.question(), tt.want, tt.question)
		}
	}
	e := Editor{History: []string{"status"}}
	if event := pressed(&e, "\x12stat\r"); event != EventEnter || e.Text() != "status" {
		t.Errorf("Enter: event %d, %q", event, e.Text())
	}
}

func TestComplete(t *testing.T) {
	words := []string{"start ", "status ", "日本1 ", "日本2 "}
	complete := func(before string) (found []string) {
		word := before[strings.LastIndexByte(before, ' ')+1:]
		for _, w := range words {
			if strings.HasPrefix(w, word) {
				found = append(found, w)
			}
		}
		return found
	}
	tests := []struct {
		keys, want string
		event      Event
	}{
		{"st\t", "sta|", EventNone},
		{"st\t\t", "sta|", EventList},
		{"statu\t", "status |", EventNone},
		{"x\t", "x|", EventNone},
		{"statu y\x1b[D\x1b[D\t", "status | y", EventNone},
		{"help 日\t", "help 日本|", EventNone},
		{"help 日\t\t", "help 日本|", EventList},
	}
	for _, tt := range tests {
		e := Editor{Complete: complete, Delimiters: " "}
		if event := pressed(&e, tt.keys); shown(&e) != tt.want || event != tt.event {
			t.Errorf("%q: got %q, event %d", tt.keys, shown(&e), event)
		}
	}
	if got := commonPrefix([]string{"日", "月"}); got != "" { // the first bytes are the same
		t.Errorf("got %q", got)
	}
}
