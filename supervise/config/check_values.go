package config

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"supervisor/inifile"
)

// remarks tells what was noticed while the text was read.
func (c *check) remarks() {
	for _, r := range c.file.Remarks() {
		text := "[" + r.Section + "]"
		if r.Key != "" {
			text += " " + r.Key
		}
		if r.Mistake {
			text = r.Text
		} else {
			text += ": " + r.Text
		}
		c.say(finding{r.Pos, !r.Mistake, text})
	}
}

// plainer returns the text of an error, or better words for it where the original's
// leave the reader alone.
func (c *check) plainer(at *inifile.Error) string {
	text := at.Err.Error()
	raw := ""
	if c.file != nil && at.Key != "" {
		if s := c.file.Section(at.Section); s != nil {
			raw, _, _ = s.Lookup(at.Key)
		}
	}
	switch {
	case unrendered(raw) || unrendered(text):
		text += ": it looks like a template that was not rendered"
	case noType.MatchString(raw) && strings.Contains(text, "is badly formatted"):
		name := noType.FindStringSubmatch(raw)[1]
		text += ": write %(" + name + ")s, with an s"
	case strings.HasPrefix(text, "Unexpected end of key/value pairs"):
		text += ": put the values into quotation marks, KEY=\"value\",KEY2=\"value2\""
	case strings.Contains(text, "is badly formatted"):
		text += ": write %% for a percent sign"
	default:
		names, _, listed := strings.Cut(text, " Available names:")
		if m := unknownName.FindStringSubmatch(text); m != nil {
			if variable, ok := strings.CutPrefix(m[1], "ENV_"); ok {
				text = "the environment variable " + variable + " is not set"
			} else {
				text = names + knownHere(text)
			}
		} else if listed {
			text = names + knownHere(text)
		}
	}
	if k := keyOf(whereIs(at.Section), at.Key); k != nil && text == at.Err.Error() && wrongType.MatchString(text) {
		text += ": write " + k.Type() + ", such as " + k.Example
	}
	if strings.HasPrefix(text, "Source contains parsing errors") && strings.Contains(text, "'[") {
		text += "\n\tthe name of a section ends with a bracket: [name]"
	}
	return text
}

// wrongType matches the messages that do not say what would be right.
var wrongType = regexp.MustCompile(`^invalid literal for int|^not a valid boolean|^not a valid list|is not a valid signal|can not be converted to an octal|^invalid 'autorestart'|^bad logging level`)

// noType matches a reference without the letter of its type.
var noType = regexp.MustCompile(`%\((\w+)\)(?:[^\w#+ .-]|_|$)`)

var unknownName = regexp.MustCompile(`contains names \('([^']*)'\) which cannot be expanded`)

// knownHere lists the names that can be expanded, without the environment.
func knownHere(text string) string {
	_, list, _ := strings.Cut(text, "Available names: ")
	names := slices.DeleteFunc(strings.Split(list, ", "), func(name string) bool { return name == "" || strings.HasPrefix(name, "ENV_") })
	if len(names) == 0 {
		return " Known here is nothing but %(ENV_NAME)s"
	}
	return " Known here are: " + strings.Join(names, ", ")
}

// unrendered reports whether text has the marks of a template in it.
func unrendered(text string) bool {
	return strings.Contains(text, "{{") && strings.Contains(text, "}}") || strings.Contains(text, "<%") && strings.Contains(text, "%>") ||
		strings.Contains(text, "{%") && strings.Contains(text, "%}")
}

// values looks at how values are written.
func (c *check) values() {
	for _, section := range c.file.Sections() {
		keys := keyNames(whereIs(section.Name()))
		for _, key := range section.Keys() {
			value, pos, _ := section.Lookup(key)
			if !slices.Contains(keys, key) || pos.Line < section.Pos().Line && pos.File == section.File() {
				continue // of DEFAULT, or nobody reads it
			}
			c.value(section, keys, key, value, pos)
		}
	}
}

// value looks at one value.
func (c *check) value(section *inifile.Section, keys []string, key, value string, pos inifile.Position) {
	where := "[" + section.Name() + "] " + key
	c.continuation(where, keys, key, value, pos)
	if shown := inifile.Shown(key, value); unrendered(value) && !c.wrong[section.Name()+"."+key] {
		if shown != value {
			shown = "the value"
		}
		c.warn(pos, "%s: %s looks like a template that was not rendered", where, shown)
	}
	if key != "command" && key != "environment" && len(value) > 1 && strings.IndexByte(`"'`, value[0]) >= 0 && value[len(value)-1] == value[0] {
		c.warn(pos, "%s: the quotation marks are part of the value", where)
	}
	if key == "environment" {
		c.environment(section, where, value, pos)
	}
	for _, cut := range section.Cuts(key) {
		if key == "password" && !strings.HasPrefix(cut.Remark[1:], " ") {
			c.warn(cut.Pos, "%s: the value ends here at %c, since a blank before it begins a remark", where, cut.Remark[0])
		}
	}
}

// continuation looks at the lines of a value behind the first: whether they were meant to
// be lines of their own.
func (c *check) continuation(where string, keys []string, key, value string, pos inifile.Position) {
	lines := strings.Split(value, "\n")
	for i, line := range lines[1:] {
		at := inifile.Position{File: pos.File, Line: pos.Line + i + 1}
		before := strings.Join(lines[:i+1], "\n")
		if _, err := inifile.SplitCommand(before); err != nil && (key == "command" || key == "environment") {
			continue // within quotation marks
		}
		name, _, isPair := strings.Cut(line, "=")
		name = inifile.TrimSpace(name)
		if header := headerLike.FindString(line); header != "" && whereIs(header[1:len(header)-1]) != 0 {
			c.warn(at, "%s: %s is indented and so a part of this value: take the blanks in front of it away", where, header)
		} else if isPair && slices.Contains(keys, name) && !(key == "environment" && openPair(before)) {
			c.warn(at, "%s: %s is indented and so a part of this value: take the blanks in front of it away", where, name+"="+inifile.Shown(name, line[strings.IndexByte(line, '=')+1:]))
		} else if line != "" && !manyLines(key) {
			c.warn(at, "%s: the value goes on in this line, since it is indented", where)
		}
	}
}

var headerLike = regexp.MustCompile(`^\[[^\[\]]+\]`)

// openPair reports whether the text of an environment goes on with a pair.
func openPair(text string) bool {
	text = inifile.TrimSpace(text)
	return text == "" || strings.HasSuffix(text, ",")
}

// environment looks at what ends values of an environment early.
func (c *check) environment(section *inifile.Section, where, value string, pos inifile.Position) {
	for _, m := range shellVariable.FindAllString(value, -1) {
		if name := strings.Trim(m, "${}"); c.env[name] != "" { // else it may be a part of a secret
			c.warn(pos, "%s: %s is not expanded: write %%(ENV_%s)s", where, m, name)
			break
		}
	}
	for _, cut := range section.Cuts("environment") {
		if strings.Count(cut.Before, `"`)%2 == 1 {
			c.warn(cut.Pos, "%s: a quotation does not close: it was cut at %c, since a blank before it begins a remark", where, cut.Remark[0])
			return
		}
	}
	names, err := inifile.LooseValues(value)
	for _, name := range names {
		if err == nil && !c.wrong[section.Name()+".environment"] {
			c.warn(pos, "%s: the value of %s ends before a character that is not a comma: put it into quotation marks", where, inifile.Shown("environment", name))
		}
	}
}

// manyLines reports whether the values of a key often go over several lines.
func manyLines(key string) bool {
	switch key {
	case "command", "environment", "files", "programs", "events", "serverurl":
		return true
	}
	return false
}

var shellVariable = regexp.MustCompile(`\$(\{[A-Za-z_][A-Za-z_0-9]*\}|[A-Za-z_][A-Za-z_0-9]*)`)

// shells are the programs that understand $VARIABLE in an argument.
var shells = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "busybox", "su", "runuser", "ssh", "eval", "watch"}

// remote are those that understand all of a shell's language, without quotation marks.
var remote = []string{"ssh", "eval", "watch"}

// operator matches a word of a shell that is not the first of a command.
var operator = regexp.MustCompile(`^(&&?|\|\|?|;|[0-9&]?>>?(&?[0-9]|[^>=]*)|<[^<=]*)$`)

// shellWords looks for words that mean something to a shell only.
func (c *check) shellWords(pos inifile.Position, section, command string, words []string) {
	among := func(names []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(names, filepath.Base(w)) })
	}
	if among(remote) {
		return
	}
	bare := strings.Fields(blanked(command, `'"`))
	for i, w := range bare {
		switch {
		case i > 0 && operator.MatchString(w):
			c.warn(pos, "[%s] command: %s means something to a shell only: write sh -c '...'", section, w)
		case strings.HasPrefix(w, "~/"):
			c.warn(pos, "[%s] command: ~ is not expanded: write %%(ENV_HOME)s", section)
		}
	}
	quotes := "'"
	if among(shells) {
		quotes = `'"`
	}
	for _, m := range shellVariable.FindAllString(blanked(command, quotes), -1) {
		c.warn(pos, "[%s] command: %s is not expanded: write %%(ENV_%s)s, or sh -c '...'", section, m, strings.Trim(m, "${}"))
	}
}

// blanked returns a command with a full stop for each character that is escaped, or
// between quotation marks of the given kinds.
func blanked(command, quotes string) string {
	var b strings.Builder
	open := rune(0)
	escaped := false
	for _, r := range command {
		hidden := open != 0 && strings.ContainsRune(quotes, open)
		switch {
		case escaped:
			escaped, hidden = false, true
		case r == '\\' && open != '\'':
			escaped, hidden = true, true
		case open == 0 && (r == '\'' || r == '"'):
			open, hidden = r, true
		case r == open:
			open, hidden = 0, true
		}
		if hidden {
			r = '.'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// script says why the system could not run a file that is no binary, "" if it could.
func (c *check) script(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	line, _ := bufio.NewReader(f).ReadString('\n')
	interpreter, ok := strings.CutPrefix(line, "#!")
	switch {
	case line == "":
		return "is empty"
	case !ok && printableText(line):
		return `is a script without an interpreter: its first line is not "#!/bin/sh" or the like`
	case !ok:
		return ""
	case strings.HasSuffix(line, "\r\n"):
		return "has the line ends of Windows, which become part of the interpreter's name"
	}
	words := strings.Fields(interpreter)
	if len(words) == 0 {
		return "names no interpreter"
	}
	if _, err := os.Stat(c.inDaemon(words[0])); err != nil {
		return fmt.Sprintf("needs the interpreter %s, which is not there", words[0])
	}
	return ""
}

// printableText reports whether a line is text and no binary.
func printableText(line string) bool {
	return !strings.ContainsFunc(line, func(r rune) bool { return r == '\uFFFD' || r < ' ' && r != '\t' && r != '\r' && r != '\n' })
}

// foreignKeys are keys that are known from elsewhere, or from nowhere but many files: what
// they were meant to be, and what to write here.
func foreignKeys() []struct {
	in    Where
	names []string
	text  string
} {
	const everywhere = ^Where(0)
	return []struct {
		in    Where
		names []string
		text  string
	}{
		{everywhere, []string{"dependent_startup", "dependent_startup_wait_for"}, "it belongs to the plug-in supervisord-dependent-startup; write depends_on="},
		{InListener | InGroup, []string{"depends_on"}, "only a [program:x] and an [fcgi-program:x] can wait for others; start earlier with priority="},
		{everywhere, []string{"envfiles"}, "it belongs to the Go port of Supervisor; write environment_file="},
		{everywhere, []string{"restartpause"}, "it belongs to the Go port of Supervisor; write restart_delay="},
		{everywhere, []string{"cron"}, "it belongs to the Go port of Supervisor; run the program by a scheduler"},
		{inPrograms, []string{"group"}, "a program is put into a group by programs= of [group:x]; to run as a group of accounts, set user="},
		{inPrograms, []string{"logfile", "log_stdout"}, "write stdout_logfile="},
		{inPrograms, []string{"log_stderr"}, "write redirect_stderr="},
		{everywhere, []string{"stdout_maxbytes"}, "write stdout_logfile_maxbytes="},
		{everywhere, []string{"stderr_maxbytes"}, "write stderr_logfile_maxbytes="},
		{everywhere, []string{"unmask"}, "write umask="},
		{everywhere, []string{"http_port"}, "write port= into a section [inet_http_server]"},
		{everywhere &^ inPrograms, []string{"redirect_stderr"}, "it belongs into [program:x]"},
	}
}

// foreignKey says what a key that is known from elsewhere was meant to be, and what to
// write here; "" for any other.
func foreignKey(where Where, key string) string {
	for _, f := range foreignKeys() {
		if f.in&where != 0 && slices.Contains(f.names, key) {
			return f.text
		}
	}
	return ""
}
