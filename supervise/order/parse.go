package order

import (
	"errors"
	"strings"

	"supervisor/inifile"
)

// Conditions is a set of what can be waited for of a program.
type Conditions uint8

const (
	Started Conditions = 1 << iota // it is RUNNING
	Ready                          // it is RUNNING, and healthy if it has a health check
	Done                           // it has exited as expected
)

var conditions = [...]struct {
	condition Conditions
	word      string
}{{Started, "started"}, {Ready, "ready"}, {Done, "done"}}

// String returns the words, with commas between them.
func (c Conditions) String() string {
	var words []string
	for _, known := range conditions {
		if c&known.condition != 0 {
			words = append(words, known.word)
		}
	}
	return strings.Join(words, ", ")
}

// Need is one part of depends_on.
type Need struct {
	// Name is a program, a group, GROUP:NAME, or a pattern of names.
	Name      string
	Condition Conditions // one of them
}

// String returns the need as it may be written.
func (n Need) String() string { return n.Name + ":" + n.Condition.String() }

// Parse reads depends_on: NAME or NAME:CONDITION, with commas between them. Quotes, which
// keep commas together, are taken away. What is behind the last colon is a condition if
// it is the word for one, and else part of the name.
func Parse(text string) ([]Need, error) {
	items, err := split(text)
	if err != nil {
		return nil, err
	}
	needs := make([]Need, 0, len(items))
	for _, item := range items {
		n := Need{item, Started}
		if at := strings.LastIndexByte(item, ':'); at >= 0 {
			for _, known := range conditions {
				if known.word == inifile.TrimSpace(item[at+1:]) {
					n = Need{inifile.TrimSpace(item[:at]), known.condition}
				}
			}
		}
		if err := checkName(n.Name); err != nil {
			return nil, err
		}
		needs = append(needs, n)
	}
	return needs, nil
}

// checkName reports what is wrong with a name, whatever programs there are.
func checkName(name string) error {
	group, process, colon := strings.Cut(name, ":")
	switch {
	case name == "":
		return errors.New("there is an empty name: write names with one comma between them, such as db:ready, cache")
	case strings.Contains(process, ":"), colon && (group == "" || process == ""):
		return errors.New(inifile.PythonRepr(name) + " is not a name: write NAME or GROUP:NAME, and :started, :ready or :done behind it")
	}
	return nil
}

// split cuts text at commas that are not within quotes, and takes away the quotes and the
// blanks around each item. A blank text has none.
func split(text string) ([]string, error) {
	if inifile.TrimSpace(text) == "" {
		return nil, nil
	}
	var items []string
	var item strings.Builder
	quote := rune(0)
	for _, r := range text {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote == 0 && r == ',':
			items = append(items, inifile.TrimSpace(item.String()))
			item.Reset()
		default:
			item.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, errors.New(inifile.PythonRepr(text) + " has a quotation that does not end: write another " + string(quote))
	}
	return append(items, inifile.TrimSpace(item.String())), nil
}
