package inifile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"supervisor/inifile/python"
)

// Error texts travel far: to a terminal, into logs, to every client that asks for a
// reread. So they show an environment only as it is written, never what a %(ENV_x)s of
// it stands for, and end where a value begins that looks like a secret. Of a password
// they show nothing.

// secretKey matches keys whose values are not shown.
var secretKey = regexp.MustCompile(`(?i)passw|secret|token`)

// secretVariable matches the beginning of a pair whose value may be a secret: one with
// such a name, or a URL, which may hold a password.
var secretVariable = regexp.MustCompile(`(?i)[\w.-]*(?:pass|pwd|secret|token|key|cred|auth|private|salt|dsn|conn|url|uri)[\w.-]*["']?\s*=|://`)

// hides reports whether the values of key are not shown in full.
func hides(key string) bool { return key == "environment" || secretKey.MatchString(key) }

// Shown returns the part of a value, as it is written, that may be shown in a text.
func Shown(key, written string) string {
	switch {
	case secretKey.MatchString(key):
		return "..."
	case key == "environment":
		if at := secretVariable.FindStringIndex(written); at != nil && at[1] < len(written) {
			return written[:at[1]] + "..."
		}
	}
	return written
}

// shownLine is a line of a file as it may be shown.
func shownLine(line string) string {
	i := strings.IndexAny(line, "=:")
	if i < 0 || !hides(TrimSpace(python.Lower(line[:i]))) {
		return line
	}
	key, value := TrimSpace(python.Lower(line[:i])), line[i+1:]
	if shown := Shown(key, value); shown != value {
		return line[:i+1] + shown + "\n"
	}
	return line
}

// expandError is what is wrong with the references in a value.
type expandError struct {
	value, label string
	name         string // that is not known; "" if cause says what is wrong
	known        []string
	cause        error
}

func (e *expandError) Error() string {
	return e.text(PythonRepr(e.value)+" ", e.name, e.cause)
}

// text is the message with the value, the name and the cause as they may be shown.
func (e *expandError) text(value, name string, cause error) string {
	start := fmt.Sprintf("Format string %sfor %s ", value, PythonRepr(e.label))
	switch {
	case e.cause == nil && name == "":
		return start + "contains a name which cannot be expanded. Available names: " + strings.Join(e.known, ", ")
	case e.cause == nil:
		return start + fmt.Sprintf("contains names (%s) which cannot be expanded. Available names: %s", PythonRepr(name), strings.Join(e.known, ", "))
	case cause == nil:
		return start + "is badly formatted"
	}
	return start + "is badly formatted: " + cause.Error()
}

func (e *expandError) Unwrap() error { return e.cause }

// discreet is the error for a value of key. Of a value that is not shown, neither is
// what may be a part of it: any name but that of a variable, and the letter after a
// percent sign.
func (e *expandError) discreet(key string) error {
	shown := Shown(key, e.value)
	if shown == e.value {
		return e
	}
	name := e.name
	if !strings.HasPrefix(name, envPrefix) {
		name = ""
	}
	value := ""
	if key == "environment" {
		value = PythonRepr(shown) + " "
	}
	return errors.New(e.text(value, name, nil))
}
