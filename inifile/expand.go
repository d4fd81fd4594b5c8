package inifile

// Names is what %(name)s can refer to. It is a value: With… return a new Names
// and leave the old one as it was, and share what they have in common. The zero
// value has no names.
type Names struct {
	layer *layer
}

type layer struct{}

// With returns n with one more name, which hides an older one of that name.
func (n Names) With(name, value string) Names { return n }

// WithInt is With for a number: %(name)02d works only with numbers.
func (n Names) WithInt(name string, value int) Names { return n }

// WithEnvironment returns n with an ENV_ name for each variable of env. The map
// must not be changed afterwards.
func (n Names) WithEnvironment(env map[string]string) Names { return n }

// All returns the names in the order of their code points, as messages list them.
func (n Names) All() []string { return nil }

// Expand replaces %(name)s and everything else Python's % operator knows, once.
// The label says in the error whose value it is, for example "supervisord.user".
func Expand(value, label string, names Names) (string, error) { return "", nil }
