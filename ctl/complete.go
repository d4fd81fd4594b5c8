package ctl

import (
	"context"
	"embed"
	"slices"
	"strings"
	"time"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// completionTimeout is how long a server may take before TAB does nothing.
const completionTimeout = 2 * time.Second

// kind says what a word behind an action is, for TAB.
type kind int

const (
	free kind = iota // anything
	anAction
	aShell
	aSignal
	aChannel
	aState
	aGroup
	aGroupOrAll
	aProcess      // one only
	aProcessOrAll // or several, named one by one
	someProcesses // or groups of them
)

// actionOption is an option of an action.
type actionOption struct {
	name   string
	takes  bool     // a value, behind "=" or as the next word
	values []string // what it may be, as far as that is known
}

// colors are the values of --color.
func colors() []string { return []string{"auto", "always", "never"} }

// Option is an option of the program, which comes before the action.
type Option struct {
	Name   string   // with its dashes
	Values []string // of its argument, as far as they are known
	File   bool     // its argument is the name of a file
}

// Typed is a command line up to the cursor, for Complete.
type Typed struct {
	// Words are the action and its arguments. The last one, or Value, is to be completed:
	// it may be empty, but it is there.
	Words []string
	// Option is the option whose argument is to be completed, nil if it is something else.
	Option *Option
	Value  string // what there is of that argument
	// Options are those that the program has.
	Options []Option
}

// Complete prints, for the scripts of the action completion, what the last word can
// become: "words" and a line for each, or "files" if it is the name of a file.
func Complete(ctx context.Context, o Options, t Typed) int {
	s := newSession(o, dial)
	defer s.close()
	s.completeTyped(ctx, t)
	return 0
}

func (s *session) completeTyped(ctx context.Context, t Typed) {
	if t.Option != nil && t.Option.File {
		s.say("files")
		return
	}
	s.say("words")
	var found []string
	switch {
	case t.Option != nil:
		found = beginning(t.Option.Values, t.Value)
	case len(t.Words) == 1 && strings.HasPrefix(t.Words[0], "-"):
		found = optionWords(t.Options, t.Words[0])
	default:
		found = s.choices(ctx, t.Words)
	}
	for _, word := range found {
		s.say(word)
	}
}

// optionWords returns the options that a word is the beginning of, or the values of the
// one that it names.
func optionWords(options []Option, word string) (found []string) {
	name, value, named := strings.Cut(word, "=")
	for _, o := range options {
		switch {
		case !named:
			found = append(found, o.Name)
		case o.Name == name:
			for _, v := range beginning(o.Values, value) {
				found = append(found, name+"="+v)
			}
		}
	}
	return beginning(found, word)
}

// choices returns what the last of words can become. The first one is the action.
func (s *session) choices(ctx context.Context, words []string) []string {
	last := words[len(words)-1]
	if len(words) == 1 {
		return beginning(actionNames(), last)
	}
	c := find(words[0])
	if c == nil {
		return nil
	}
	position := 0
	var given *actionOption // whose value comes next
	for _, word := range words[1 : len(words)-1] {
		o := c.option(word)
		switch {
		case given != nil:
			given = nil
		case o != nil && o.takes:
			given = o
		case !strings.HasPrefix(word, "-"):
			position++
		}
	}
	if given != nil {
		return beginning(given.values, last)
	}
	if strings.HasPrefix(last, "-") {
		return c.optionChoices(last)
	}
	if len(c.words) == 0 {
		return nil
	}
	return beginning(s.wordsOf(ctx, c.words[min(position, len(c.words)-1)], last), last)
}

func (c *command) option(name string) *actionOption {
	i := slices.IndexFunc(c.options, func(o actionOption) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return &c.options[i]
}

// optionChoices returns the options of c, or, behind "=", the values of one.
func (c *command) optionChoices(word string) []string {
	var options []Option
	for _, o := range c.options {
		options = append(options, Option{Name: o.name, Values: o.values})
	}
	return optionWords(options, word)
}

// beginning returns the words that begin with text, each once.
func beginning(words []string, text string) (found []string) {
	seen := make(map[string]bool)
	for _, word := range words {
		if strings.HasPrefix(word, text) && !seen[word] {
			seen[word] = true
			found = append(found, word)
		}
	}
	return found
}

func actionNames() (names []string) {
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// wordsOf returns the words of a kind, for one that begins with text.
func (s *session) wordsOf(ctx context.Context, what kind, text string) (words []string) {
	switch what {
	case anAction:
		return actionNames()
	case aShell:
		return shells()
	case aSignal:
		return []string{"HUP", "INT", "QUIT", "KILL", "TERM", "USR1", "USR2", "CONT", "STOP", "WINCH", "ALRM"}
	case aChannel:
		return []string{"stdout", "stderr"}
	case aState:
		return states()
	case aGroup, aGroupOrAll:
		for _, p := range s.processes(ctx) {
			words = append(words, p.Group)
		}
	case aProcess, aProcessOrAll, someProcesses:
		for _, p := range s.processes(ctx) {
			if !strings.Contains(text, ":") && p.Group == p.Name {
				words = append(words, p.Name)
				continue
			}
			words = append(words, p.Group+":"+p.Name)
			if what == someProcesses {
				words = append(words, p.Group+":*")
			}
		}
	}
	if what == aGroupOrAll || what == aProcessOrAll || what == someProcesses {
		words = append(words, "all")
	}
	return words
}

// states returns the names of the states of a process.
func states() (names []string) {
	for _, state := range xmlrpc.States() {
		names = append(names, state.String())
	}
	return names
}

// processes returns what completion knows of the processes: it asks once for each
// line. That nobody answers is no news in the middle of typing.
func (s *session) processes(ctx context.Context) []xmlrpc.ProcessInfo {
	if s.known == nil {
		var infos []xmlrpc.ProcessInfo
		if d, err := s.client(); err == nil {
			ctx, cancel := context.WithTimeout(ctx, completionTimeout)
			defer cancel()
			infos, _ = d.AllProcessInfo(ctx)
		}
		s.known = &infos
	}
	return *s.known
}

// complete returns what the last word of a line in our own shell can become.
func (s *session) complete(line string) (found []string) {
	words := strings.Fields(line)
	if line == "" || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
		words = append(words, "")
	}
	if rest, ok := strings.CutPrefix(words[0], "?"); ok {
		words = append([]string{"help", rest}, words[1:]...)
	}
	if strings.Contains("help", words[0]) && len(words) > 1 {
		words[0] = "help" // Supervisor takes any part of the word for it
	}
	for _, word := range s.choices(context.Background(), words) {
		found = append(found, word+" ")
	}
	return found
}

// wordDelimiters are what words are divided by in our own shell. The question mark is
// the short form of help.
const wordDelimiters = " \t?"

// completion prints a script for a shell.
func (s *session) completion(_ context.Context, arg string) error {
	script, err := completions.ReadFile("completion/" + arg)
	if arg == "" || err != nil {
		s.fail(exitInvalid, "Error: completion requires the name of a shell")
		s.explain("completion")
		return nil
	}
	s.out.Write(script)
	return nil
}

func shells() []string { return []string{"bash", "zsh", "fish"} }

// SplitTyped takes a line of bash, zsh or fish apart as the shell would, but expands
// nothing, and takes away what stands before the name of the program. The last word is
// the one at the end of the line, which is empty behind a blank.
func SplitTyped(line string) []string {
	var words []string
	var word []byte
	quote, begun := byte(0), false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word, begun = append(word, line[i]), true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case quote == 0 && strings.IndexByte(" \t\n", c) >= 0:
			if begun {
				words = append(words, string(word))
			}
			word, begun = nil, false
		default:
			word, begun = append(word, c), true
		}
	}
	words = append(words, string(word))
	for len(words) > 1 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	for i, w := range words {
		if strings.HasPrefix(w, "~") {
			words[i] = inifile.ExpandUser(w)
		}
	}
	return words[1:]
}

// The scripts know nothing but how to ask. They take the names of programs, which may be
// anything, for what they are: text. No shell expands them, and what is inserted is
// quoted. COMP_WORDBREAKS belongs to the user. What another supervisorctl may answer is
// not taken for words.
//
//go:embed completion
var completions embed.FS
