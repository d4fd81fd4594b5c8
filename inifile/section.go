package inifile

import (
	"errors"
	"fmt"
	"os/user"
	"strings"
)

// Reader reads the typed values of one section, in the order in which it is
// asked, which is therefore the order of validation. A value that is wrong is
// answered by the default, so that a caller can read all settings in one
// expression and ask Err afterwards.
//
// All methods that take a default return it as it is when the key is absent:
// a default is not expanded.
type Reader struct {
	section  *Section
	defaults *Section // nil for none
	names    Names
	suffix   string
	errs     *[]*Error
}

// Reader returns a Reader of s. The names are in force for every value, with
// the label "SECTION.KEY" unless a method says otherwise. The suffix is appended
// to the text of every error.
func (s *Section) Reader(names Names, suffix string) *Reader {
	return &Reader{section: s, names: names, suffix: suffix, errs: new([]*Error)}
}

// With returns a Reader of the same section that expands other names and adds
// its errors to those of r.
func (r *Reader) With(names Names) *Reader {
	other := *r
	other.names = names
	return &other
}

// Over returns a Reader that takes the keys which the section itself does not have from
// another one, before those of DEFAULT. Errors about such a key are about that section.
// With nil there is no other one.
func (r *Reader) Over(defaults *Section) *Reader {
	other := *r
	other.defaults = defaults
	return &other
}

// Hidden returns a Reader of the section given to Over alone, if it has key and what
// it says is hidden by the section itself; else nil.
func (r *Reader) Hidden(key string) *Reader {
	if r.defaults == nil || !r.defaults.has(key) || r.Source(key) == r.defaults {
		return nil
	}
	other := *r
	other.section, other.defaults = r.defaults, nil
	return &other
}

// Source returns the section that a value of key comes from.
func (r *Reader) Source(key string) *Section {
	if r.defaults != nil && !r.section.has(key) && r.defaults.has(key) {
		return r.defaults
	}
	return r.section
}

// label is what messages call the value of key.
func (r *Reader) label(key string) string { return r.Source(key).Name() + "." + key }

// Section returns the section that r reads.
func (r *Reader) Section() *Section { return r.section }

// Err returns the first error, an *Error, nil if there was none.
func (r *Reader) Err() error {
	if len(*r.errs) == 0 {
		return nil
	}
	return (*r.errs)[0]
}

// Errs returns all errors in order.
func (r *Reader) Errs() []*Error { return *r.errs }

// Fail records that err is wrong with key, for rules that only the caller knows.
// An *Error is taken as it is.
func (r *Reader) Fail(key string, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = r.Source(key).Error(key, err)
		e.Suffix = r.suffix
	}
	*r.errs = append(*r.errs, e)
}

// Has reports whether the section, the one it falls back to, or DEFAULT has key.
func (r *Reader) Has(key string) bool {
	_, ok := r.lookup(key)
	return ok
}

// lookup is Section.Lookup, and remembers that the key is one that has a meaning.
func (r *Reader) lookup(key string) (string, bool) {
	v := r.Source(key).find(key)
	if v == nil {
		return "", false
	}
	v.read = true
	if v.origin != nil {
		v.origin.read = true
	}
	return v.key.Value(), true
}

// Raw returns the value of key unexpanded.
func (r *Reader) Raw(key, def string) string {
	if text, ok := r.lookup(key); ok {
		return text
	}
	return def
}

// String returns the expanded value of key.
func (r *Reader) String(key, def string) string {
	if text, ok := r.expanded(key, ""); ok {
		return text
	}
	return def
}

// expanded returns the value of key, ok false if there is none or only a wrong one. An empty
// label is the usual one, which is made only where it may be told.
func (r *Reader) expanded(key, label string) (text string, ok bool) {
	raw, ok := r.lookup(key)
	if !ok {
		return "", false
	}
	if label == "" && strings.Contains(raw, "%") {
		label = r.label(key)
	}
	text, err := Expand(raw, label, r.names)
	var bad *expandError
	if errors.As(err, &bad) {
		err = bad.discreet(key)
	}
	if err != nil {
		r.Fail(key, err)
		return "", false
	}
	return text, true
}

// Required returns the expanded value of key. Without the key, the error has the
// text missing; a value that is present may be empty.
func (r *Reader) Required(key, missing string) string {
	if !r.Has(key) {
		r.Fail(key, errors.New(missing))
		return ""
	}
	return r.String(key, "")
}

// Expand expands a value that the caller got otherwise, with the label key, as
// process_name and the second pass over log files need it. After an error it
// returns value as it is.
func (r *Reader) Expand(key, value string) string {
	text, err := Expand(value, key, r.names)
	if err != nil {
		r.Fail(key, err)
		return value
	}
	return text
}

// Convert reads key with a converter of the caller's. The error of convert
// becomes that of r.
func Convert[T any](r *Reader, key string, def T, convert func(string) (T, error)) T {
	return convertLabelled(r, key, "", def, convert)
}

func convertLabelled[T any](r *Reader, key, label string, def T, convert func(string) (T, error)) T {
	text, ok := r.expanded(key, label)
	if !ok {
		return def
	}
	v, err := convert(text)
	if err != nil {
		r.Fail(key, err)
		return def
	}
	return v
}

// Int reads a whole number, see ParseInt.
func (r *Reader) Int(key string, def int) int { return Convert(r, key, def, ParseInt) }

// Bool reads a boolean, see ParseBool.
func (r *Reader) Bool(key string, def bool) bool { return Convert(r, key, def, ParseBool) }

// List reads a list of texts, see ParseList. Absent, it is nil.
func (r *Reader) List(key string) []string {
	return Convert(r, key, nil, func(text string) ([]string, error) { return ParseList(text), nil })
}

// KeyValues reads an environment, see ParseKeyValues. The label is only KEY.
// Absent, it is nil. An error shows no more of it than Shown allows.
func (r *Reader) KeyValues(key string) map[string]string {
	return convertLabelled(r, key, key, nil, func(text string) (map[string]string, error) {
		pairs, err := ParseKeyValues(text)
		if errors.Is(err, errPairs) {
			written, _ := r.lookup(key)
			err = fmt.Errorf("%w in value '%s'", err, Shown(key, written))
		}
		return pairs, err
	})
}

// User reads an account, see ParseUser. Absent, it is nil. In one File each name is
// looked up once.
func (r *Reader) User(key string) *user.User {
	return Convert(r, key, nil, func(text string) (*user.User, error) {
		found, ok := r.section.file.accounts[text]
		if !ok {
			found.user, found.err = ParseUser(text)
			r.section.file.accounts[text] = found
		}
		return found.user, found.err
	})
}
