package ctl

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"
)

// shell runs actions as they are typed, "status" first. Its exit status is
// always 0.
func (s *session) shell(ctx context.Context) int {
	s.o.Interactive = true
	s.history.load(s.o.HistoryFile)
	defer s.history.save(s.o.HistoryFile)
	defer s.catchInterrupts()()
	for line := "status"; ; {
		action, stop := s.untilInterrupt(ctx)
		s.execute(action, line)
		cut := interrupted(action) && !s.endless
		stop()
		if s.left {
			return 0
		}
		if cut {
			break
		}
		var err error
		prompt, stop := s.untilInterrupt(ctx)
		line, err = s.prompt(prompt)
		stop()
		if err != nil { // Ctrl-D, Ctrl-C: the same here
			break
		}
	}
	s.say()
	s.flush()
	return 0
}

// prompt asks for the next line.
func (s *session) prompt(ctx context.Context) (string, error) {
	question := s.o.Prompt + "> "
	if s.keyboard != nil {
		return s.keyboard.line(ctx, question, &s.history, s.complete)
	}
	s.out.WriteString(question)
	s.flush()
	return s.in.line(ctx)
}

// ask asks a question whose answer is not an action.
func (s *session) ask(ctx context.Context, question string) (string, error) {
	s.flush()
	var line string
	var err error
	if s.keyboard != nil {
		line, err = s.keyboard.line(ctx, question, &history{}, nil)
	} else {
		s.out.WriteString(question)
		s.flush()
		line, err = s.in.line(ctx)
	}
	return answered(ctx, line, err)
}

// askSecret asks for something that is not to be seen.
func (s *session) askSecret(ctx context.Context, question string) (string, error) {
	if s.keyboard == nil {
		return s.ask(ctx, question)
	}
	s.flush()
	line, err := s.keyboard.secret(ctx, question)
	return answered(ctx, line, err)
}

func answered(ctx context.Context, line string, err error) (string, error) {
	switch {
	case interrupted(ctx):
		return "", errInterrupted
	case err == io.EOF:
		return "", endOfInput{}
	}
	return line, err
}

// keyboard is a terminal that lines can be edited on.
type keyboard struct {
	in, out *os.File
	input   *input
}

// line reads a line, with editing, history and, unless complete is nil, TAB. Both
// Ctrl-D and Ctrl-C end in io.EOF.
func (k *keyboard) line(ctx context.Context, question string, h *history, complete completer) (string, error) {
	return k.raw(ctx, question, func(t *term.Terminal) (string, error) {
		t.History = h
		if complete != nil {
			tab := &tabKey{terminal: t, complete: complete}
			t.AutoCompleteCallback = tab.pressed
		}
		return t.ReadLine()
	})
}

// secret reads a line without showing it.
func (k *keyboard) secret(ctx context.Context, question string) (string, error) {
	return k.raw(ctx, "", func(t *term.Terminal) (string, error) { return t.ReadPassword(question) })
}

// raw has the terminal in raw mode while read runs.
func (k *keyboard) raw(ctx context.Context, question string, read func(*term.Terminal) (string, error)) (string, error) {
	before, err := term.MakeRaw(int(k.in.Fd()))
	if err != nil {
		return "", err
	}
	// If the terminal is gone there is nothing to restore.
	defer func() { _ = term.Restore(int(k.in.Fd()), before) }()
	keys := &rawReader{ctx: ctx, in: k.input}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, k.out}, question)
	if width, height, err := term.GetSize(int(k.out.Fd())); err == nil && width > 0 {
		_ = t.SetSize(width, height) // it only redraws, and there is nothing yet
	}
	line, err := read(t)
	if keys.interrupted {
		return "", io.EOF
	}
	return line, err
}

// history is the lines typed, the oldest first. It is a term.History.
type history struct{ lines []string }

// Add adds a line; an empty one is not worth keeping.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) != "" {
		h.lines = append(h.lines, line)
	}
}

// Len returns how many lines there are.
func (h *history) Len() int { return len(h.lines) }

// At returns a line, 0 for the last one.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

// load reads the lines of earlier runs. Without a file there are none.
func (h *history) load(path string) {
	if path == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return // it is made at the end
	}
	for line := range strings.Lines(string(data)) {
		h.Add(strings.TrimRight(line, "\r\n"))
	}
}

// save writes all lines, for the next run. That it cannot is no reason to bother
// anybody who is leaving.
func (h *history) save(path string) {
	if path == "" || len(h.lines) == 0 {
		return
	}
	_ = os.WriteFile(path, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600)
}

// completer returns what the last word of a line can be completed to, each with a
// blank behind it.
type completer func(line string) []string

// tabKey is what TAB does: it completes as far as there is only one way, and
// shows the ways if there are several.
type tabKey struct {
	terminal *term.Terminal
	complete completer
}

const tab = '\t'

func (k *tabKey) pressed(line string, pos int, key rune) (string, int, bool) {
	if key != tab {
		return "", 0, false
	}
	before, after := line[:pos], line[pos:]
	begin := strings.LastIndexAny(before, wordDelimiters) + 1
	found := k.complete(before)
	if len(found) == 0 {
		return line, pos, true
	}
	common := commonPrefix(found)
	if len(common) > len(before)-begin {
		before = before[:begin] + common
		return before + after, len(before), true
	}
	if len(found) > 1 {
		for _, row := range columns(found, 79) {
			// If the terminal is gone, the next read says so.
			_, _ = k.terminal.Write([]byte(row + "\n"))
		}
	}
	return line, pos, true
}

// wordDelimiters are those of readline without colon, asterisk and dash, which
// are part of names.
const wordDelimiters = " \t\n`~!@#$%^&()=+[{]}\\|;'\",<>/?"

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}

// complete returns the candidates for the last word of a line.
func (s *session) complete(line string) []string {
	line = strings.TrimLeft(line, " \t")
	begin := strings.LastIndexAny(line, wordDelimiters) + 1
	text := line[begin:]
	var all []string
	if !strings.ContainsAny(line, " \t") {
		all = actionNames()
	} else if c := find(strings.Fields(line)[0]); c != nil {
		all = s.candidates(c.complete, text)
	}
	var found []string
	for _, word := range all {
		if strings.HasPrefix(word, text) && !slices.Contains(found, word+" ") {
			found = append(found, word+" ")
		}
	}
	return found
}

// actionNames returns what a line can begin with.
func actionNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// candidates returns the words that an action can be followed by.
func (s *session) candidates(what candidates, text string) []string {
	var words []string
	switch what {
	case actions:
		return actionNames()
	case groups:
		for _, p := range s.processes() {
			words = append(words, p.Group)
		}
	case processes:
		for _, p := range s.processes() {
			if !strings.Contains(text, ":") && p.Group == p.Name {
				words = append(words, p.Name)
				continue
			}
			words = append(words, p.Group+":"+p.Name, p.Group+":*")
		}
	}
	return words
}
