package config

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
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
	factorKind    = valueKind[float64]{name: "a number of at least 1", parse: parseFactor}
	partKind      = valueKind[float64]{name: "a percentage from 0% to 100%", parse: parsePart, raw: true}
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

// parseFactor reads a number of at least 1.
func parseFactor(text string) (float64, error) {
	f, err := strconv.ParseFloat(inifile.TrimSpace(text), 64)
	if err != nil || !(f >= 1) || math.IsInf(f, 0) {
		return 1, fmt.Errorf("%s is not a number of at least 1", inifile.PythonRepr(text))
	}
	return f, nil
}

// parsePart reads a part of a whole, in per cent.
func parsePart(text string) (float64, error) {
	number := strings.TrimRight(inifile.TrimSpace(text), "%")
	f, err := strconv.ParseFloat(inifile.TrimSpace(number), 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0, fmt.Errorf("%s is not a percentage from 0%% to 100%%", inifile.PythonRepr(text))
	}
	return f / 100, nil
}

// Dependency is one item of depends_on: what has to be so before a program starts.
type Dependency struct {
	On        string // a program, a group, or group:name, which may have wildcards
	Condition Condition
}

// Condition is what a dependency has to have reached.
type Condition int

const (
	Started Condition = iota // RUNNING
	Ready                    // RUNNING, and healthy if that is checked
	Done                     // it has exited as expected
)

// conditions are the words for a Condition, in their order.
var conditions = []string{"started", "ready", "done"}

// parseDependencies reads NAME[:CONDITION] items with commas between them, each in
// quotation marks or not. What follows a colon and is no condition belongs to the name.
func parseDependencies(text string) ([]Dependency, error) {
	var all []Dependency
	for _, item := range inifile.ParseList(text) {
		if n := len(item); n > 1 && (item[0] == '\'' || item[0] == '"') && item[n-1] == item[0] {
			item = item[1 : n-1]
		}
		d := Dependency{On: item}
		if i := strings.LastIndexByte(item, ':'); i >= 0 {
			if condition := slices.Index(conditions, item[i+1:]); condition >= 0 {
				d = Dependency{On: item[:i], Condition: Condition(condition)}
			}
		}
		if d.On == "" || strings.ContainsAny(d.On, " \t\n'\"") {
			return nil, fmt.Errorf("%s is not the name of a program or group: write NAME, or NAME:started, NAME:ready or NAME:done, with commas between them",
				inifile.PythonRepr(item))
		}
		all = append(all, d)
	}
	return all, nil
}

// StopStep is one signal of stop_sequence, and how long to wait for the end after it.
type StopStep struct {
	Signal syscall.Signal
	Wait   time.Duration
}

// parseStopSequence reads SIGNAL TIME items with commas between them.
func parseStopSequence(text string) ([]StopStep, error) {
	var steps []StopStep
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
		steps = append(steps, StopStep{signal, wait})
	}
	if len(steps) == 0 {
		return nil, errors.New("a signal and a time are missing, such as TERM 10s")
	}
	return steps, nil
}

// Rate is a number of times within a time.
type Rate struct {
	Count  int
	Within time.Duration
}

// parseRate reads COUNT/TIME.
func parseRate(text string) (Rate, error) {
	count, within, ok := strings.Cut(text, "/")
	n, err := inifile.ParseInt(count)
	if !ok || err != nil || n < 1 {
		return Rate{}, fmt.Errorf("%s is not a number and a time, such as 5/60s", inifile.PythonRepr(text))
	}
	d, err := inifile.ParseDuration(within)
	if err == nil && d == 0 {
		err = fmt.Errorf("%s: the time has to be more than 0", inifile.PythonRepr(text))
	}
	return Rate{n, d}, err
}
