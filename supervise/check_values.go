package supervise

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
	if section := c.file; section != nil && at.Key != "" {
		if s := c.file.Section(at.Section); s != nil {
			raw, _, _ = s.Lookup(at.Key)
		}
	}
	switch {
	case unrendered(raw) || unrendered(text):
		text += ": it looks like a template that was not rendered"
	case strings.Contains(text, "is badly formatted"):
		text += ": write %% for a percent sign"
	default:
		if m := unknownName.FindStringSubmatch(text); m != nil {
			names, _, _ := strings.Cut(text, " Available names:")
			if variable, ok := strings.CutPrefix(m[1], "ENV_"); ok {
				text = "the environment variable " + variable + " is not set"
			} else {
				text = names + " Known here are: " + strings.Join(plainNames(text), ", ")
			}
		}
	}
	if strings.HasPrefix(text, "Source contains parsing errors") && strings.Contains(text, "'[") {
		text += "\n\tthe name of a section ends with a bracket: [name]"
	}
	return text
}

var unknownName = regexp.MustCompile(`contains names \('([^']*)'\) which cannot be expanded`)

// plainNames are the names that can be expanded, without the environment.
func plainNames(text string) []string {
	_, list, _ := strings.Cut(text, "Available names: ")
	return slices.DeleteFunc(strings.Split(list, ", "), func(name string) bool { return strings.HasPrefix(name, "ENV_") })
}

// unrendered reports whether text has the marks of a template in it.
func unrendered(text string) bool {
	return strings.Contains(text, "{{") && strings.Contains(text, "}}") || strings.Contains(text, "<%") && strings.Contains(text, "%>") ||
		strings.Contains(text, "{%") && strings.Contains(text, "%}")
}

// values looks at how values are written.
func (c *check) values() {
	known := sampleKeys()
	for _, section := range c.file.Sections() {
		keys := known[sectionKind(section.Name())]
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
	lines := strings.Split(value, "\n")
	for i, line := range lines[1:] {
		at := inifile.Position{File: pos.File, Line: pos.Line + i + 1}
		name, _, isPair := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "[") && strings.Contains(line, "]"):
			c.warn(at, "%s: %s is indented and so a part of this value: take the blanks in front of it away", where, line)
		case isPair && slices.Contains(keys, strings.ToLower(strings.TrimSpace(name))):
			c.warn(at, "%s: %s is indented and so a part of this value: take the blanks in front of it away", where, line)
		case line != "" && !manyLines(key):
			c.warn(at, "%s: the value goes on in this line, since it is indented", where)
		}
	}
	if unrendered(value) && !c.wrong[section.Name()+"."+key] {
		c.warn(pos, "%s: %s looks like a template that was not rendered", where, value)
	}
	if key != "command" && key != "environment" && len(value) > 1 && strings.IndexByte(`"'`, value[0]) >= 0 && value[len(value)-1] == value[0] {
		c.warn(pos, "%s: the quotation marks are part of the value", where)
	}
	if key == "environment" {
		if m := shellVariable.FindString(value); m != "" {
			c.warn(pos, "%s: %s is not expanded: write %%(ENV_%s)s", where, m, strings.Trim(m, "${}"))
		}
		if cut := section.Cut(key); cut != nil && strings.Count(cut.Before, `"`)%2 == 1 {
			c.warn(cut.Pos, "%s: it was cut at %q, since a blank before %c begins a remark", where, cut.Remark, cut.Remark[0])
		}
		if strings.Contains(value, ";") && !strings.ContainsAny(value, `"'`) {
			c.warn(pos, "%s: put a value with a semicolon in it into quotation marks", where)
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

// shells are the programs that understand what shellWords looks for.
var shells = []string{"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "busybox", "su", "runuser", "ssh", "eval"}

// shellWords looks for words that mean something to a shell only.
func (c *check) shellWords(pos inifile.Position, p *Program, words []string) {
	for _, w := range words {
		if slices.Contains(shells, filepath.Base(w)) {
			return
		}
	}
	for i, w := range words {
		switch {
		case slices.Contains([]string{"&", "&&", "|", "||", ";", ">", ">>", "<", "2>&1", "2>", "&>"}, w) && i > 0:
			c.warn(pos, "[%s] command: %s means something to a shell only: write sh -c '...'", p.Section, w)
		case shellVariable.MatchString(w):
			m := shellVariable.FindString(w)
			c.warn(pos, "[%s] command: %s is not expanded: write %%(ENV_%s)s, or sh -c '...'", p.Section, m, strings.Trim(m, "${}"))
		case strings.HasPrefix(w, "~/"):
			c.warn(pos, "[%s] command: ~ is not expanded: write %%(ENV_HOME)s", p.Section)
		}
	}
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

// foreignKey says what a key that is known from elsewhere was meant to be, and what to
// write here; "" for any other.
func foreignKey(kind, key string) string {
	program := kind == "program:" || kind == "eventlistener:" || kind == "fcgi-program:"
	switch key {
	case "dependent_startup", "dependent_startup_wait_for":
		return "it belongs to the plug-in supervisord-dependent-startup; order starts with priority="
	case "depends_on":
		return "it belongs to the Go port of Supervisor; order starts with priority="
	case "envfiles":
		return "it belongs to the Go port of Supervisor; write the variables into environment="
	case "restartpause":
		return "it belongs to the Go port of Supervisor; write restart_delay="
	case "cron":
		return "it belongs to the Go port of Supervisor; run the program by a scheduler"
	case "group":
		if program {
			return "a program is put into a group by programs= of [group:x]; to run as a group of accounts, set user="
		}
	case "logfile", "log_stdout":
		if program {
			return "write stdout_logfile="
		}
	case "stdout_maxbytes":
		return "write stdout_logfile_maxbytes="
	case "stderr_maxbytes":
		return "write stderr_logfile_maxbytes="
	case "unmask":
		return "write umask="
	case "http_port":
		return "write port= into a section [inet_http_server]"
	case "redirect_stderr":
		if !program {
			return "it belongs into [program:x]"
		}
	}
	return ""
}
