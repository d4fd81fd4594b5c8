package inifile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"supervisor/inifile/python"
)

// Names is what %(name)s can refer to. It is a value: With… return a new Names
// and leave the old one as it was, and share what they have in common. The zero
// value has no names.
type Names struct {
	last *layer
}

// layer is one name, or a whole environment, put over the names below.
type layer struct {
	below    *layer
	name     string
	arg      argument
	unlisted bool
	env      map[string]string // if not nil, name and arg mean nothing
}

// With returns n with one more name, which hides an older one of that name.
func (n Names) With(name, value string) Names {
	return Names{&layer{below: n.last, name: name, arg: argument{text: value}}}
}

// WithUnlisted is With for a name that Supervisor does not know there: messages list
// the names that it has.
func (n Names) WithUnlisted(name, value string) Names {
	return Names{&layer{below: n.last, name: name, arg: argument{text: value}, unlisted: true}}
}

// WithInt is With for a number: %(name)02d works only with numbers.
func (n Names) WithInt(name string, value int) Names {
	arg := argument{kind: isNumber, number: value, text: strconv.Itoa(value)}
	return Names{&layer{below: n.last, name: name, arg: arg}}
}

// WithEnvironment returns n with an ENV_ name for each variable of env. The map
// must not be changed afterwards.
func (n Names) WithEnvironment(env map[string]string) Names {
	if len(env) == 0 {
		return n
	}
	return Names{&layer{below: n.last, env: env}}
}

const envPrefix = "ENV_"

// lookup returns what name stands for.
func (n Names) lookup(name string) (argument, bool) {
	variable, isEnv := strings.CutPrefix(name, envPrefix)
	for l := n.last; l != nil; l = l.below {
		if l.env == nil {
			if l.name == name {
				return l.arg, true
			}
		} else if isEnv {
			if text, ok := l.env[variable]; ok {
				return argument{text: text}, true
			}
		}
	}
	return argument{}, false
}

// All returns the names in the order of their code points, as messages list them.
func (n Names) All() []string {
	all := make(map[string]bool)
	for l := n.last; l != nil; l = l.below {
		if l.env == nil && !l.unlisted {
			all[l.name] = true
		}
		for variable := range l.env {
			all[envPrefix+variable] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Expand replaces %(name)s and everything else Python's % operator knows, once.
// The label says in the error whose value it is, for example "supervisord.user".
func Expand(value, label string, names Names) (string, error) {
	if !strings.Contains(value, "%") {
		return value, nil
	}
	f := formatter{format: value, names: names}
	text, err := f.run()
	var unknown *unknownName
	switch {
	case errors.As(err, &unknown):
		return "", &expandError{value: value, label: label, name: unknown.name, known: names.All()}
	case err != nil:
		return "", &expandError{value: value, label: label, cause: err}
	}
	return text, nil
}

// unknownName is the error for a name that nothing stands for.
type unknownName struct{ name string }

func (e *unknownName) Error() string { return "unknown name " + e.name }

// The errors of Python's % operator.
var (
	errIncompleteFormat = errors.New("incomplete format")
	errIncompleteKey    = errors.New("incomplete format key")
	errNoName           = errors.New("a name in parentheses is missing, as in %(here)s") // Python prints all, the environment with its secrets
	errNotEnough        = errors.New("not enough arguments for format string")
	errStarWantsInt     = errors.New("* wants int")
	errWantsChar        = errors.New("%c requires int or char")
	errNotReal          = errors.New("must be real number, not str")
	errNotRealMapping   = errors.New("must be real number, not dict")
	errCharRange        = errors.New("%c arg not in range(0x110000)")
	errWidth            = errors.New("width too big")
	errPrecision        = errors.New("precision too big")
)

// longest is the greatest width and precision. Python's limit is its memory.
const longest = 1 << 20

// argument is what an item formats.
type argument struct {
	kind   argumentKind
	number int
	text   string // of every kind: what %s inserts
}

type argumentKind byte

const (
	isText    argumentKind = iota
	isNumber               // process_num and numprocs
	isMapping              // all names, for an item without one
)

// pythonType is what messages call the type of an argument that is no number.
func (a argument) pythonType() string {
	if a.kind == isMapping {
		return "dict"
	}
	return "str"
}

// item is one % item of a format.
type item struct {
	left, plus, blank, alternate, zero bool

	width, precision int // -1: not given
	verb             rune
}

// formatter is Python's % operator with a mapping on the right side.
type formatter struct {
	format string
	pos    int
	names  Names
	out    strings.Builder

	arg argument // what the next item without a name formats
	// used says that arg has been formatted. Once any item had an argument, an
	// item without a name finds none.
	used   bool
	loaded bool // arg is set
}

func (f *formatter) run() (string, error) {
	for {
		i := strings.IndexByte(f.format[f.pos:], '%')
		if i < 0 {
			f.out.WriteString(f.format[f.pos:])
			return f.out.String(), nil
		}
		f.out.WriteString(f.format[f.pos : f.pos+i])
		f.pos += i + 1
		if strings.HasPrefix(f.format[f.pos:], "%") {
			f.pos++
			f.out.WriteByte('%')
			continue
		}
		it, err := f.parse()
		if err != nil {
			return "", err
		}
		if err := f.write(it); err != nil {
			return "", err
		}
	}
}

// take returns the argument of the item.
func (f *formatter) take() (argument, error) {
	if f.used {
		return argument{}, errNotEnough
	}
	f.used = true
	if !f.loaded {
		return argument{kind: isMapping}, nil
	}
	return f.arg, nil
}

// peek returns the byte at pos, 0 at the end.
func (f *formatter) peek() byte {
	if f.pos < len(f.format) {
		return f.format[f.pos]
	}
	return 0
}

// parse reads an item from after its % to its type.
func (f *formatter) parse() (it item, err error) {
	if f.peek() == '(' {
		name, err := f.parseName()
		if err != nil {
			return it, err
		}
		arg, ok := f.names.lookup(name)
		if !ok {
			return it, &unknownName{name}
		}
		f.arg, f.loaded, f.used = arg, true, false
	}
	for f.parseFlag(&it) {
		f.pos++
	}
	if it.width, err = f.parseSize(errWidth); err != nil {
		return it, err
	}
	if it.width < -1 { // only from a star
		it.left, it.width = true, -it.width
	}
	it.precision = -1
	if f.peek() == '.' {
		f.pos++
		if it.precision, err = f.parseSize(errPrecision); err != nil {
			return it, err
		}
		it.precision = max(it.precision, 0)
	}
	if c := f.peek(); c == 'h' || c == 'l' || c == 'L' {
		f.pos++
	}
	if f.pos == len(f.format) {
		return it, errIncompleteFormat
	}
	verb, size := utf8.DecodeRuneInString(f.format[f.pos:])
	f.pos += size
	it.verb = verb
	return it, nil
}

// parseName reads "(name)", where the name may have pairs of parentheses.
func (f *formatter) parseName() (string, error) {
	start, depth := f.pos+1, 0
	for ; f.pos < len(f.format); f.pos++ {
		switch f.format[f.pos] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				f.pos++
				return f.format[start : f.pos-1], nil
			}
		}
	}
	return "", errIncompleteKey
}

// parseFlag sets the flag at pos, if it is one.
func (f *formatter) parseFlag(it *item) bool {
	switch f.peek() {
	case '-':
		it.left = true
	case '+':
		it.plus = true
	case ' ':
		it.blank = true
	case '#':
		it.alternate = true
	case '0':
		it.zero = true
	default:
		return false
	}
	return true
}

// parseSize reads a width or precision: digits, a star for which the argument is
// taken, or nothing, which is -1.
func (f *formatter) parseSize(tooBig error) (int, error) {
	if f.peek() == '*' {
		arg, err := f.take()
		switch {
		case err != nil:
			return 0, err
		case arg.kind != isNumber:
			return 0, errStarWantsInt
		case arg.number > longest || arg.number < -longest:
			return 0, tooBig
		}
		f.pos++
		return arg.number, nil
	}
	start, size := f.pos, 0
	for ; '0' <= f.peek() && f.peek() <= '9'; f.pos++ {
		if size = size*10 + int(f.peek()-'0'); size > longest {
			return 0, tooBig
		}
	}
	if f.pos == start {
		return -1, nil
	}
	return size, nil
}

// write formats an item with its argument. As in Python, the argument is asked
// for before the type of the item is looked at.
func (f *formatter) write(it item) error {
	arg, err := f.take()
	if err != nil {
		return err
	}
	switch it.verb {
	case 's', 'r', 'a':
		if arg.kind == isMapping {
			return errNoName
		}
		f.pad(it, "", "", arg.printed(it))
	case 'd', 'i', 'u', 'o', 'x', 'X':
		return f.writeInt(it, arg)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return f.writeFloat(it, arg)
	case 'c':
		return f.writeChar(it, arg)
	default:
		shown := it.verb
		if shown < 0x1f || shown > '~' { // 0x1f by an old mistake of Python's
			shown = '?'
		}
		index := utf8.RuneCountInString(f.format[:f.pos]) - 1
		return fmt.Errorf("unsupported format character '%c' (0x%x) at index %d", shown, it.verb, index)
	}
	return nil
}

// printed returns a as the types s, r and a print it, cut to the precision.
func (a argument) printed(it item) string {
	s := a.text
	switch {
	case it.verb == 's' || a.kind == isNumber:
	case a.kind == isText && it.verb == 'a':
		s = python.ASCII(s)
	case a.kind == isText:
		s = python.Repr(s)
	case it.verb == 'a':
		s = python.ASCIIOnly(s)
	}
	if it.precision >= 0 && utf8.RuneCountInString(s) > it.precision {
		s = string([]rune(s)[:it.precision])
	}
	return s
}

func (f *formatter) writeInt(it item, arg argument) error {
	hexOrOctal := strings.ContainsRune("oxX", it.verb)
	if arg.kind != isNumber {
		wanted := "a real number"
		if hexOrOctal {
			wanted = "an integer"
		}
		return fmt.Errorf("%%%c format: %s is required, not %s", it.verb, wanted, arg.pythonType())
	}
	base, prefix := 10, ""
	if hexOrOctal {
		base = 16
		if it.verb == 'o' {
			base = 8
		}
		if it.alternate {
			prefix = "0" + string(it.verb)
		}
	}
	digits, negative := strings.CutPrefix(strconv.FormatInt(int64(arg.number), base), "-")
	if it.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if missing := it.precision - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	f.pad(it, it.sign(negative), prefix, digits)
	return nil
}

func (f *formatter) writeFloat(it item, arg argument) error {
	switch arg.kind {
	case isText:
		return errNotReal
	case isMapping:
		return errNotRealMapping
	}
	format := "%.*" + string(it.verb)
	if it.alternate {
		format = "%#.*" + string(it.verb)
	}
	precision := it.precision
	if precision < 0 {
		precision = 6
	}
	if precision == 0 && (it.verb == 'g' || it.verb == 'G') {
		precision = 1
	}
	digits, negative := strings.CutPrefix(fmt.Sprintf(format, precision, float64(arg.number)), "-")
	f.pad(it, it.sign(negative), "", digits)
	return nil
}

func (f *formatter) writeChar(it item, arg argument) error {
	it.zero = false
	switch {
	case arg.kind == isMapping, arg.kind == isText && utf8.RuneCountInString(arg.text) != 1:
		return errWantsChar
	case arg.kind == isText:
		f.pad(it, "", "", arg.text)
	case arg.number < 0 || arg.number > utf8.MaxRune:
		return errCharRange
	default:
		f.pad(it, "", "", string(rune(arg.number)))
	}
	return nil
}

// sign returns what stands before a number.
func (it *item) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case it.plus:
		return "+"
	case it.blank:
		return " "
	}
	return ""
}

// pad writes sign, prefix and body in at least it.width characters. Zeros go
// between prefix and body, and only there.
func (f *formatter) pad(it item, sign, prefix, body string) {
	missing := it.width - len(sign) - len(prefix) - utf8.RuneCountInString(body)
	missing = max(missing, 0)
	textual := strings.ContainsRune("srac", it.verb)
	switch {
	case it.left:
		f.out.WriteString(sign + prefix + body + strings.Repeat(" ", missing))
	case it.zero && !textual:
		f.out.WriteString(sign + prefix + strings.Repeat("0", missing) + body)
	default:
		f.out.WriteString(strings.Repeat(" ", missing) + sign + prefix + body)
	}
}
