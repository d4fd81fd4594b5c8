// Package inifile reads Supervisor's configuration files: sections and their
// order, [include], %(name)s expansion, and typed values whose errors say which
// setting is wrong, and where. Which settings exist is left to the callers.
//
// The dialect is that of Python's RawConfigParser with ";" and "#" as inline
// comments, because that is what every existing file was written for.
package inifile

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/ini.v1"
)

// File is a configuration file together with what it includes. It is not safe
// for concurrent use.
type File struct {
	name, here string
	doc        *ini.File // the sections in their order, each with its keys in theirs
	sections   map[string]*Section
	defaults   *Section
	only       []string  // the sections to keep; nil for all
	unwanted   *Section  // stands for the others
	fresh      []*option // those with %(here)s, for replaceHere

	// For replaceHere: the sections that do not have DEFAULT's keys yet, and whether
	// there are new ones of these.
	bare        []*Section
	newDefaults bool

	remarks  []Remark
	errs     []error // of included files
	accounts map[string]account
}

// account is what the look-up of a user has found.
type account struct {
	user *user.User
	err  error
}

// Remark is something in the text of the files that is allowed and hardly meant.
type Remark struct {
	Pos     Position
	Section string
	Key     string // empty if the section is meant
	Text    string
	Mistake bool // it cannot have been meant
}

// Remarks returns what was noticed while reading, in the order of the files.
func (f *File) Remarks() []Remark { return f.remarks }

// Errors returns all errors of included files, of which Include returns the first.
func (f *File) Errors() []error { return f.errs }

// Section is one section of a File, with what all its appearances say.
type Section struct {
	file   *File
	pos    Position
	ini    *ini.Section
	values map[string]*option
}

// option is the value of one key; its text is in the ini.Key.
type option struct {
	key    *ini.Key
	pos    Position
	read   bool    // by a Reader
	origin *option // DEFAULT's, if this is a copy of it
	cuts   []Cut
}

// Cut is where a remark ended a line of a value.
type Cut struct {
	Pos    Position
	Before string // the value's line up to it
	Remark string // what was cut off, with its ";" or "#"
}

// Position is where something was read. The zero value is unknown.
type Position struct {
	File string // the name as given, or as the include produced it
	Line int    // from 1; 0 if the whole file is meant
}

// String returns "FILE:LINE", or less if less is known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Error says which setting is wrong and where it was read.
type Error struct {
	Pos     Position
	Section string // empty if the file as a whole is wrong
	Key     string // empty if the section as a whole is wrong
	Err     error  // what is wrong, in Supervisor's words
	Suffix  string // what Supervisor appends to say where, often empty
}

// Error returns Supervisor's message, which does not always say where the
// mistake is. That is in Pos.
func (e *Error) Error() string { return e.Err.Error() + e.Suffix }

func (e *Error) Unwrap() error { return e.Err }

// Read reads the file name. Its includes are left to Include. The errors are of
// type *Error and have Supervisor's texts: for a file that is missing, one that
// cannot be opened, and one that is malformed.
//
// With names in only, other sections are checked but not kept: who needs one
// section of a thousand does not wait for the rest.
func Read(name string, only ...string) (*File, error) {
	// A name that cannot be looked up, for whatever reason, counts as missing.
	if _, err := os.Stat(name); err != nil {
		return nil, &Error{Pos: Position{File: name}, Err: errors.New("could not find config file " + name)}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, &Error{Pos: Position{File: name}, Err: errors.New("could not read config file " + name)}
	}
	return Parse(name, data, only...)
}

// Parse is Read for a file whose bytes are at hand. The name stands in messages
// and decides what %(here)s is; the file need not exist.
func Parse(name string, data []byte, only ...string) (*File, error) {
	here, err := AbsPath(dirname(name))
	if err != nil {
		return nil, &Error{Pos: Position{File: name}, Err: err}
	}
	f := &File{name: name, here: here, only: only, unwanted: &Section{}, sections: make(map[string]*Section), accounts: make(map[string]account)}
	f.doc = ini.Empty(ini.LoadOptions{
		// The library would let [a.b] inherit from [a]. No name read from a file
		// holds this byte: it is not UTF-8.
		ChildSectionDelimiter: "\xff",
		// Spares a search through all names for each section. Sections are
		// found in f.sections, so that none is made twice.
		AllowNonUniqueSections: true,
	})
	f.doc.BlockMode = false // no locks: one goroutine
	f.defaults = f.newSection(f.doc.Section(ini.DefaultSection), Position{File: name})
	if err := f.merge(name, data); err != nil {
		return nil, err
	}
	return f, nil
}

// Name returns the name that Read was given.
func (f *File) Name() string { return f.name }

// Here returns the absolute directory of the file, for the name "here": against
// the physical working directory, with the symbolic links in the file's name
// left as they are.
func (f *File) Here() string { return f.here }

// Sections returns all sections in the order of their first appearance. DEFAULT
// is not one of them: its keys show through in each.
func (f *File) Sections() []*Section {
	all := make([]*Section, 0, len(f.sections))
	for _, s := range f.doc.Sections() {
		if s != f.defaults.ini {
			all = append(all, f.sections[s.Name()])
		}
	}
	return all
}

// Section returns the section called exactly name, nil if there is none.
func (f *File) Section(name string) *Section { return f.sections[name] }

// Defaults returns the section DEFAULT. It may be empty.
func (f *File) Defaults() *Section { return f.defaults }

// open returns the section of a header, which is made if it is new.
func (f *File) open(name string, pos Position) *Section {
	if name == ini.DefaultSection {
		return f.defaults
	}
	if f.only != nil && !slices.Contains(f.only, name) {
		return f.unwanted
	}
	s := f.sections[name]
	if s == nil {
		held, err := f.doc.NewSection(name)
		if err != nil {
			panic(err) // only for an empty name, and "[]" is no header
		}
		s = f.newSection(held, pos)
		f.sections[name] = s
		f.bare = append(f.bare, s)
	} else if s.pos.File == pos.File {
		f.remark(pos, s, "", "it is there twice: what it says is added to line %d", s.pos.Line)
	}
	if name == "include" && pos.File != f.name {
		f.remark(pos, s, "", "it has no effect in a file that is included itself")
	}
	return s
}

func (f *File) remark(pos Position, s *Section, key, format string, args ...any) {
	f.remarks = append(f.remarks, Remark{Pos: pos, Section: s.Name(), Key: key, Text: fmt.Sprintf(format, args...)})
}

func (f *File) newSection(held *ini.Section, pos Position) *Section {
	return &Section{file: f, pos: pos, ini: held, values: make(map[string]*option)}
}

// Name returns the text between the brackets, verbatim.
func (s *Section) Name() string { return s.ini.Name() }

// nameOr returns the name, or instead if the section is one of those not kept.
func (s *Section) nameOr(instead string) string {
	if s.ini == nil {
		return instead
	}
	return s.ini.Name()
}

// File returns the name of the file in which the section first appeared.
func (s *Section) File() string { return s.pos.File }

// Pos returns where the section first appeared.
func (s *Section) Pos() Position { return s.pos }

// Keys returns the section's keys, lower-cased, in their order, then those that
// only DEFAULT has.
func (s *Section) Keys() []string {
	keys := s.ini.KeyStrings()
	if s == s.file.defaults {
		return keys
	}
	for _, key := range s.file.defaults.ini.KeyStrings() {
		if s.values[key] == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// Lookup returns the value of key as it was written, several lines joined by
// line feeds, or DEFAULT's if the section has none of its own.
func (s *Section) Lookup(key string) (text string, pos Position, ok bool) {
	v := s.find(key)
	if v == nil {
		return "", Position{}, false
	}
	return v.key.Value(), v.pos, true
}

// Cuts returns where remarks ended lines of key's value.
func (s *Section) Cuts(key string) []Cut {
	if v := s.find(key); v != nil {
		return v.cuts
	}
	return nil
}

// has reports whether the section itself has key.
func (s *Section) has(key string) bool {
	v := s.values[key]
	return v != nil && v.origin == nil
}

// find returns the section's value of key, DEFAULT's, or nil.
func (s *Section) find(key string) *option {
	if v := s.values[key]; v != nil {
		return v
	}
	return s.file.defaults.values[key]
}

// set gives key a value, in place of the one it may have had. The origin is nil
// unless the value is a copy of DEFAULT's.
func (s *Section) set(key, text string, pos Position, origin *option) {
	v := s.values[key]
	if v == nil {
		held, err := s.ini.NewKey(key, text)
		if err != nil {
			panic(err) // only for an empty key, which is a parse error before
		}
		v = &option{key: held}
		s.values[key] = v
		if s == s.file.defaults {
			s.file.newDefaults = true
		}
	} else {
		if origin == nil && v.origin == nil && v.pos.File == pos.File {
			s.file.remark(pos, s, key, "it is there twice: this one takes the place of line %d", v.pos.Line)
		}
		v.key.SetValue(text)
	}
	v.pos, v.origin, v.cuts = pos, origin, nil
	if s != s.file.defaults && strings.Contains(text, hereName) {
		s.file.fresh = append(s.file.fresh, v)
	}
}

// Unread returns the section's own keys that no Reader was asked for, so far.
// Keys of DEFAULT are not among them: see Defaults.
func (s *Section) Unread() []string {
	var keys []string
	for _, key := range s.ini.KeyStrings() {
		if v := s.values[key]; !v.read && v.origin == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// Error returns err as an Error about key in this section, with key's position,
// or the section's if key is absent or empty.
func (s *Section) Error(key string, err error) *Error {
	e := &Error{Pos: s.pos, Section: s.Name(), Key: key, Err: err}
	if v := s.find(key); v != nil {
		e.Pos = v.pos
	}
	return e
}
