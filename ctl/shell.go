package ctl

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

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
		late := interrupted(action) && !s.endless // too late for the action, which was done
		stop()
		if s.left {
			return 0
		}
		if late {
			break
		}
		var err error
		prompt, stop := s.untilInterrupt(ctx)
		line, err = s.prompt(prompt)
		stop()
		if err != nil || interrupted(prompt) { // Ctrl-D, Ctrl-C: the same here
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
	if s.keyboard != nil {
		line, err := s.keyboard.line(ctx, question, &history{}, nil)
		return answered(ctx, line, err, "")
	}
	s.out.WriteString(question)
	s.flush()
	line, err := s.in.line(ctx)
	return answered(ctx, line, err, "EOF when reading a line")
}

// askSecret asks for something that is not to be seen.
func (s *session) askSecret(ctx context.Context, question string) (string, error) {
	if s.keyboard == nil {
		return s.ask(ctx, question)
	}
	s.flush()
	line, err := s.keyboard.secret(ctx, question)
	return answered(ctx, line, err, "")
}

// answered is what a question has come to. If the input has ended, the error has
// the text eof.
func answered(ctx context.Context, line string, err error, eof endOfInput) (string, error) {
	switch {
	case interrupted(ctx):
		return "", errInterrupted
	case err == io.EOF:
		return "", eof
	}
	return line, err
}

// keyboard is a terminal that lines can be edited on.
type keyboard struct {
	in, out *os.File
	input   *input
	before  *term.State // of the terminal, while it is in raw mode
	catches func() bool // whether SIGINT is for somebody who does not end for it
}

// line reads a line, with editing, history and, unless complete is nil, TAB.
// Ctrl-D in an empty line is io.EOF, Ctrl-C errInterrupted.
func (k *keyboard) line(ctx context.Context, question string, h *history, complete completer) (string, error) {
	return k.raw(ctx, question, func(t *term.Terminal) (string, error) {
		t.History = h
		if complete != nil {
			keys := &specialKeys{terminal: t, complete: complete, suspend: k.suspend}
			t.AutoCompleteCallback = keys.pressed
		}
		return t.ReadLine()
	})
}

// secret reads a line without showing it.
func (k *keyboard) secret(ctx context.Context, question string) (string, error) {
	return k.raw(ctx, "", func(t *term.Terminal) (string, error) { return t.ReadPassword(question) })
}

// raw has the terminal in raw mode while read runs, and leaves it as it was even
// if a signal ends the program meanwhile.
func (k *keyboard) raw(ctx context.Context, question string, read func(*term.Terminal) (string, error)) (string, error) {
	ctx, end := k.untilKilled(ctx)
	defer end()
	before, err := term.MakeRaw(int(k.in.Fd()))
	if err != nil {
		return "", err
	}
	k.before = before
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
		return "", errInterrupted
	}
	return line, err
}

// untilKilled returns a context that a deadly signal ends. The signal has its
// usual effect only when end is called.
func (k *keyboard) untilKilled(ctx context.Context) (limited context.Context, end func()) {
	limited, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	deadly := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	if !k.catches() {
		deadly = append(deadly, syscall.SIGINT)
	}
	for _, sig := range deadly {
		if !signal.Ignored(sig) { // nohup
			signal.Notify(signals, sig)
		}
	}
	killed := make(chan os.Signal, 1)
	go func() {
		defer close(killed)
		select {
		case sig := <-signals:
			cancel()
			killed <- sig
		case <-limited.Done():
		}
	}()
	return limited, func() {
		cancel()
		sig := <-killed
		signal.Stop(signals)
		if sig == syscall.SIGQUIT { // for which Go would show its stacks
			os.Exit(128 + int(syscall.SIGQUIT))
		}
		if sig != nil {
			// Sending a signal to ourselves fails in no case that is known.
			_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
			select {} // until it comes
		}
	}
}

// suspend does what the terminal does for Ctrl-Z when it is not in raw mode. It
// returns when we are in the foreground again.
func (k *keyboard) suspend() {
	if session, _, _ := syscall.Syscall(syscall.SYS_GETSID, 0, 0, 0); int(session) == syscall.Getpgrp() {
		return // no shell is there to wake us, and the signal would be dropped
	}
	woken := make(chan os.Signal, 1)
	signal.Notify(woken, syscall.SIGCONT)
	defer signal.Stop(woken)
	// If the terminal is gone, the next read says so.
	_ = term.Restore(int(k.in.Fd()), k.before)
	if syscall.Kill(0, syscall.SIGTSTP) == nil {
		<-woken
	}
	_, _ = term.MakeRaw(int(k.in.Fd()))
}

// history is the lines typed, the oldest first. It is a term.History.
type history struct{ lines []string }

// Add adds a line. An empty one, and one like the line before, are not worth
// keeping.
func (h *history) Add(line string) {
	if line != "" && (len(h.lines) == 0 || h.lines[len(h.lines)-1] != line) {
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
	if path == "" {
		return
	}
	var text strings.Builder
	for _, line := range h.lines {
		text.WriteString(line + "\n")
	}
	_ = os.WriteFile(path, []byte(text.String()), 0o600)
}

// completer returns what the last word of a line can be completed to, each with a
// blank behind it.
type completer func(line string) []string

// specialKeys are those that the line editor leaves to us.
type specialKeys struct {
	terminal *term.Terminal
	complete completer
	suspend  func()
}

const (
	keyTab   = '\t'
	keyCtrlZ = 'Z' - '@'
)

func (k *specialKeys) pressed(line string, pos int, key rune) (string, int, bool) {
	switch key {
	case keyTab:
		line, pos = k.tab(line, pos)
		return line, pos, true
	case keyCtrlZ:
		k.suspend()
		_, _ = k.terminal.Write(nil) // draws the prompt again
		return line, pos, true
	}
	return "", 0, false
}

// tab completes a word as far as there is only one way, and shows the ways if
// there are several.
func (k *specialKeys) tab(line string, pos int) (string, int) {
	before, after := line[:pos], line[pos:]
	begin := strings.LastIndexAny(before, wordDelimiters) + 1
	found := k.complete(before)
	if len(found) == 0 {
		return line, pos
	}
	common := commonPrefix(found)
	if len(common) > len(before)-begin {
		before = before[:begin] + common
		return before + after, len(before)
	}
	if len(found) > 1 {
		// If the terminal is gone, the next read says so.
		_, _ = k.terminal.Write([]byte(strings.Join(columns(found, 79), "\n") + "\n"))
	}
	return line, pos
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
		all = offered()
	} else if action := strings.Fields(line)[0]; strings.Contains("help", action) {
		all = offered() // Supervisor takes any part of the word for it
	} else if c := find(action); c != nil {
		all = s.candidates(c.complete, text)
	}
	var found []string
	seen := make(map[string]bool)
	for _, word := range all {
		if strings.HasPrefix(word, text) && !seen[word] {
			seen[word] = true
			found = append(found, word+" ")
		}
	}
	return found
}

// offered returns what TAB offers for the first word: the actions in the table of
// help, and help. Our own additions are for those who know them.
func offered() []string {
	var names []string
	for _, c := range commands() {
		if !c.extra || c.name == "help" {
			names = append(names, c.name)
		}
	}
	return names
}

// candidates returns the words that an action can be followed by.
func (s *session) candidates(what candidates, text string) []string {
	var words []string
	switch what {
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
