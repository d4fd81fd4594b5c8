package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
)

// valueKind is a kind of values: what it is called, and how it is read.
type valueKind[T any] struct {
	name  string // says what to write
	parse func(string) (T, error)
	raw   bool // a percent sign has no meaning
}

// The kinds of values.
var (
	textKind      = valueKind[string]{name: "text", parse: func(text string) (string, error) { return text, nil }}
	numberKind    = valueKind[int]{name: "a whole number", parse: inifile.ParseInt}
	boolKind      = valueKind[bool]{name: "true or false", parse: inifile.ParseBool}
	secondsKind   = valueKind[time.Duration]{name: "a whole number of seconds", parse: inifile.ParseSeconds}
	durationKind  = valueKind[time.Duration]{name: "a time in seconds, or with ms, s, m or h", parse: inifile.ParseDuration}
	bytesKind     = valueKind[int64]{name: "a size in bytes, or with KB, MB or GB", parse: inifile.ParseBytes}
	octalKind     = valueKind[int]{name: "an octal number", parse: inifile.ParseOctal}
	signalKind    = valueKind[syscall.Signal]{name: "a signal", parse: inifile.ParseSignal}
	exitCodesKind = valueKind[[]int]{name: "numbers from 0 to 255 with commas between them", parse: inifile.ParseExitCodes}
	listKind      = valueKind[[]string]{name: "a list with commas", parse: func(text string) ([]string, error) { return inifile.ParseList(text), nil }}
	directoryKind = valueKind[string]{name: "a directory that exists", parse: inifile.ExistingDirectory}
	fileKind      = valueKind[string]{name: "a path in a directory that exists", parse: inifile.ExistingDirpath}
	levelKind     = valueKind[logs.Level]{name: "critical, error, warn, info, debug, trace or blather", parse: logs.ParseLevel}
	nameKind      = valueKind[string]{name: "a name without blanks, colons and slashes", parse: checkedName, raw: true}
	restartKind   = valueKind[life.Autorestart]{name: "true, false or unexpected", parse: parseAutorestart}
)

// The names of kinds whose values are read by a function of their own.
const (
	accountKind  = "an account, by name or number"
	ownerKind    = "USER or USER:GROUP"
	pairsKind    = `KEY="value",KEY2="value2"`
	logPathKind  = "a path, NONE, or AUTO"
	socketKind   = "unix:///PATH or tcp://HOST:PORT"
	addressKind  = "HOST:PORT"
	commandKind  = "a command"
	pathKind     = "a path"
	anyDirectory = "a directory"
)

// modeKind is the mode of a socket; what is wrong with one is told in the words of refusal.
func modeKind(refusal string) valueKind[fs.FileMode] {
	return valueKind[fs.FileMode]{name: "an octal mode", parse: func(text string) (fs.FileMode, error) {
		number, err := inifile.ParseOctal(text)
		if err != nil {
			return 0, errors.New(refusal + text)
		}
		return fs.FileMode(number) & fs.ModePerm, nil
	}}
}

// owner is USER or USER:GROUP of a socket; what is wrong with one is told in the words of
// refusal.
func owner[S any](at stage, refusal string, fields func(*S) (uid, gid *int)) value {
	return special(at, ownerKind, func(_ *reading, s *inifile.Reader, key string, target *S) {
		if !s.Has(key) {
			return
		}
		text := s.String(key, "")
		uid, gid := fields(target)
		var err error
		if *uid, *gid, err = inifile.ParseUserGroup(text); err != nil {
			s.Fail(key, errors.New(refusal+text))
			*uid, *gid = -1, -1
		}
	})
}

// choiceKind is one of some words, which are the values of a type in the order of these.
func choiceKind[T ~int](words ...string) valueKind[T] {
	last := len(words) - 1
	name := strings.Join(words[:last], ", ") + " or " + words[last]
	return valueKind[T]{name: name, parse: func(text string) (T, error) {
		i := slices.Index(words, strings.ToLower(inifile.TrimSpace(text)))
		if i < 0 {
			return 0, fmt.Errorf("%s is not known: write %s", inifile.PythonRepr(text), name)
		}
		return T(i), nil
	}}
}

// parseAutorestart reads a boolean or "unexpected".
func parseAutorestart(text string) (life.Autorestart, error) {
	word := strings.ToLower(text)
	if word == "unexpected" {
		return life.RestartUnexpected, nil
	}
	always, err := inifile.ParseBool(word)
	switch {
	case err != nil:
		return 0, fmt.Errorf("invalid 'autorestart' value %s", inifile.PythonRepr(word))
	case always:
		return life.RestartAlways, nil
	default:
		return life.RestartNever, nil
	}
}

// parseStopSequence reads SIGNAL TIME items with commas between them.
func parseStopSequence(text string) ([]life.StopStep, error) {
	var steps []life.StopStep
	for _, item := range inifile.ParseList(text) {
		words := strings.Fields(item)
		if len(words) != 2 {
			return nil, fmt.Errorf("%s is not a signal and a time, such as TERM 10s", inifile.PythonRepr(item))
		}
		signal, err := inifile.ParseSignal(words[0])
		if err != nil {
			return nil, err
		}
		wait, err := inifile.ParseDuration(words[1])
		if err != nil {
			return nil, err
		}
		steps = append(steps, life.StopStep{Signal: signal, Wait: wait})
	}
	if len(steps) == 0 {
		return nil, errors.New("a signal and a time are missing, such as TERM 10s")
	}
	return steps, nil
}
