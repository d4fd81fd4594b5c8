// Package inifile reads Supervisor's configuration files: sections and their
// order, [include], %(name)s expansion, and typed values whose errors say which
// setting is wrong, and where. Which settings exist is left to the callers.
//
// The dialect is that of Python's RawConfigParser with ";" and "#" as inline
// comments, because that is what every existing file was written for.
package inifile

import (
	"strconv"

	"gopkg.in/ini.v1"
)

// File is a configuration file together with what it includes. It is not safe
// for concurrent use.
type File struct {
	doc *ini.File
}

// Section is one section of a File, with what all its appearances say.
type Section struct {
	file *File
	ini  *ini.Section
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
func Read(name string) (*File, error) { return nil, nil }

// Parse is Read for a file whose bytes are at hand. The name stands in messages
// and decides what %(here)s is; the file need not exist.
func Parse(name string, data []byte) (*File, error) { return nil, nil }

// Name returns the name that Read was given.
func (f *File) Name() string { return "" }

// Here returns the absolute directory of the file, for the name "here": against
// the physical working directory, with the symbolic links in the file's name
// left as they are.
func (f *File) Here() string { return "" }

// Sections returns all sections in the order of their first appearance. DEFAULT
// is not one of them: its keys show through in each.
func (f *File) Sections() []*Section { return nil }

// Section returns the section called exactly name, nil if there is none.
func (f *File) Section(name string) *Section { return nil }

// Defaults returns the section DEFAULT. It may be empty.
func (f *File) Defaults() *Section { return nil }

// Name returns the text between the brackets, verbatim.
func (s *Section) Name() string { return "" }

// File returns the name of the file in which the section first appeared.
func (s *Section) File() string { return "" }

// Pos returns where the section first appeared.
func (s *Section) Pos() Position { return Position{} }

// Keys returns the section's keys, lower-cased, in their order, then those that
// only DEFAULT has.
func (s *Section) Keys() []string { return nil }

// Lookup returns the value of key as it was written, several lines joined by
// line feeds, or DEFAULT's if the section has none of its own.
func (s *Section) Lookup(key string) (value string, pos Position, ok bool) {
	return "", Position{}, false
}

// Unread returns the section's own keys that no Reader was asked for, so far.
// Keys of DEFAULT are not among them: see Defaults().
func (s *Section) Unread() []string { return nil }

// Error returns err as an Error about key in this section, with key's position,
// or the section's if key is absent or empty.
func (s *Section) Error(key string, err error) *Error { return nil }
