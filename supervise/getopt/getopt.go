// Package getopt takes command lines apart the way Python's getopt does, which
// is how Supervisor reads them: options end at the first other word, short ones
// cluster, long ones may be shortened.
package getopt

import (
	"fmt"
	"strings"
)

// Option is an option that a program has.
type Option struct {
	Name  string // long name, without dashes
	Short string // its letters, for example "h?"; empty for none
	Arg   bool   // it takes an argument
	Exact bool   // Name must be written in full and leaves other prefixes alone
}

// Found is an option on the command line.
type Found struct {
	Name    string // of the Option
	Spelled string // "-c", or "--configuration" even if it was shortened
	Value   string // the argument, if it takes one
}

// Unknown says that there is no such option.
type Unknown struct {
	Spelled string // as Found.Spelled
}

func (e *Unknown) Error() string { return "option " + e.Spelled + " not recognized" }

// NoArgument says that the words end where the argument of an option belongs.
type NoArgument struct {
	Name    string // of the Option
	Spelled string // as Found.Spelled
}

func (e *NoArgument) Error() string { return "option " + e.Spelled + " requires argument" }

// Scan returns the options at the start of words, in order, and the words after
// them. An error has the text that Supervisor shows; *Unknown and *NoArgument are those
// that a caller may know what to do with.
func Scan(options []Option, words []string) (found []Found, rest []string, err error) {
	for len(words) > 0 {
		word := words[0]
		if !strings.HasPrefix(word, "-") || word == "-" {
			break
		}
		words = words[1:]
		if word == "--" {
			break
		}
		if name, ok := strings.CutPrefix(word, "--"); ok {
			var f Found
			f, words, err = scanLong(options, name, words)
			found = append(found, f)
		} else {
			found, words, err = scanCluster(options, found, word[1:], words)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return found, words, nil
}

// scanLong reads --name, --name=value or --name value.
func scanLong(options []Option, name string, next []string) (Found, []string, error) {
	name, value, hasValue := strings.Cut(name, "=")
	o, err := byName(options, name)
	if err != nil {
		return Found{}, nil, err
	}
	switch {
	case !o.Arg && hasValue:
		return Found{}, nil, fmt.Errorf("option --%s must not have an argument", o.Name)
	case o.Arg && !hasValue:
		if len(next) == 0 {
			return Found{}, nil, &NoArgument{o.Name, "--" + o.Name}
		}
		value, next = next[0], next[1:]
	}
	return Found{Name: o.Name, Spelled: "--" + o.Name, Value: value}, next, nil
}

// byName returns the option that name stands for: its own name, or the only one
// that begins so.
func byName(options []Option, name string) (Option, error) {
	var match Option
	matches := 0
	for _, o := range options {
		if o.Name == name {
			return o, nil
		}
		if strings.HasPrefix(o.Name, name) && !o.Exact {
			match = o
			matches++
		}
	}
	switch matches {
	case 0:
		return Option{}, &Unknown{"--" + name}
	case 1:
		return match, nil
	default:
		return Option{}, fmt.Errorf("option --%s not a unique prefix", name)
	}
}

// scanCluster reads the letters of one word: -nc file, -ncfile.
func scanCluster(options []Option, found []Found, letters string, next []string) ([]Found, []string, error) {
	for i, letter := range letters {
		o, ok := byLetter(options, letter)
		if !ok {
			return nil, nil, &Unknown{"-" + string(letter)}
		}
		f := Found{Name: o.Name, Spelled: "-" + string(letter)}
		if !o.Arg {
			found = append(found, f)
			continue
		}
		f.Value = letters[i+len(string(letter)):]
		if f.Value == "" {
			if len(next) == 0 {
				return nil, nil, &NoArgument{o.Name, "-" + string(letter)}
			}
			f.Value, next = next[0], next[1:]
		}
		return append(found, f), next, nil
	}
	return found, next, nil
}

func byLetter(options []Option, letter rune) (Option, bool) {
	for _, o := range options {
		if strings.ContainsRune(o.Short, letter) {
			return o, true
		}
	}
	return Option{}, false
}
