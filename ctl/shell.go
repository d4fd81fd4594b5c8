package ctl

import (
	"context"
	"io"
	"os"
	"strings"
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

// history is the lines typed, the oldest first.
type history struct{ lines []string }

// Add adds a line. An empty one, and one like the line before, are not worth
// keeping.
func (h *history) Add(line string) {
	if line != "" && (len(h.lines) == 0 || h.lines[len(h.lines)-1] != line) {
		h.lines = append(h.lines, line)
	}
}

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
