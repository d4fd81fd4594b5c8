package inifile

import (
	"os/user"
	"syscall"
	"time"
)

// Reader reads the typed values of one section, in the order in which it is
// asked, which is therefore the order of validation. A value that is wrong is
// answered by the default, so that a caller can read all settings in one
// expression and ask Err afterwards.
//
// All methods that take a default return it as it is when the key is absent:
// a default is not expanded.
type Reader struct {
	section *Section
	names   Names
	suffix  string
	errs    *[]*Error
}

// Reader returns a Reader of s. The names are in force for every value, with
// the label "SECTION.KEY" unless a method says otherwise. The suffix is appended
// to the text of every error.
func (s *Section) Reader(names Names, suffix string) *Reader { return nil }

// With returns a Reader of the same section that expands other names and adds
// its errors to those of r.
func (r *Reader) With(names Names) *Reader { return r }

// Section returns the section that r reads.
func (r *Reader) Section() *Section { return r.section }

// Err returns the first error, an *Error, nil if there was none.
func (r *Reader) Err() error { return nil }

// Errs returns all errors in order.
func (r *Reader) Errs() []*Error { return nil }

// Fail records that err is wrong with key, for rules that only the caller knows.
func (r *Reader) Fail(key string, err error) {}

// Has reports whether the section or DEFAULT has key.
func (r *Reader) Has(key string) bool { return false }

// Raw returns the value of key unexpanded.
func (r *Reader) Raw(key, def string) string { return "" }

// String returns the expanded value of key.
func (r *Reader) String(key, def string) string { return "" }

// Required returns the expanded value of key. Without the key, the error has the
// text missing; a value that is present may be empty.
func (r *Reader) Required(key, missing string) string { return "" }

// Expand expands a value that the caller got otherwise, with the label key, as
// process_name and the second pass over log files need it. After an error it
// returns value as it is.
func (r *Reader) Expand(key, value string) string { return "" }

// Convert reads key with a converter of the caller's. The error of convert
// becomes that of r.
func Convert[T any](r *Reader, key string, def T, convert func(string) (T, error)) T {
	return def
}

// Int reads a whole number, see ParseInt.
func (r *Reader) Int(key string, def int) int { return 0 }

// Seconds reads a whole number of seconds. Beyond what a Duration can hold, it
// is the longest one.
func (r *Reader) Seconds(key string, def int) time.Duration { return 0 }

// Bool reads a boolean, see ParseBool.
func (r *Reader) Bool(key string, def bool) bool { return false }

// Bytes reads a size in bytes, see ParseBytes.
func (r *Reader) Bytes(key string, def int64) int64 { return 0 }

// Octal reads a number of base 8, see ParseOctal.
func (r *Reader) Octal(key string, def int) int { return 0 }

// Signal reads a signal, see ParseSignal.
func (r *Reader) Signal(key string, def syscall.Signal) syscall.Signal { return 0 }

// ExitCodes reads a list of exit codes, see ParseExitCodes.
func (r *Reader) ExitCodes(key string, def ...int) []int { return nil }

// List reads a list of texts, see ParseList. Absent, it is nil.
func (r *Reader) List(key string) []string { return nil }

// KeyValues reads an environment, see ParseKeyValues. The label is only KEY.
// Absent, it is nil.
func (r *Reader) KeyValues(key string) map[string]string { return nil }

// User reads an account, see ParseUser. Absent, it is nil.
func (r *Reader) User(key string) *user.User { return nil }

// ExistingDirectory reads the name of a directory, see ExistingDirectory.
func (r *Reader) ExistingDirectory(key, def string) string { return "" }

// ExistingDirpath reads the name of a file, see ExistingDirpath.
func (r *Reader) ExistingDirpath(key, def string) string { return "" }
