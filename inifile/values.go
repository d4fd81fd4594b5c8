package inifile

import (
	"os/user"
	"syscall"
)

// ParseInt reads a whole number as Python does: blanks around it, a sign, any
// decimal digits of Unicode, single underscores between them. What an int cannot
// hold becomes the nearest that it can.
func ParseInt(text string) (int, error) { return 0, nil }

// ParseBool reads yes, true, on, 1 and no, false, off, 0, in any case.
func ParseBool(text string) (bool, error) { return false, nil }

// ParseBytes reads a number of bytes: an int, or one with KB, MB or GB.
func ParseBytes(text string) (int64, error) { return 0, nil }

// ParseOctal reads a number of base 8, with or without the prefix 0o.
func ParseOctal(text string) (int, error) { return 0, nil }

// ParseSignal reads a signal: its number, or its name with or without SIG in any
// case. The number 0 is accepted, as the original does.
func ParseSignal(text string) (syscall.Signal, error) { return 0, nil }

// ParseExitCodes reads numbers of 0 to 255 separated by commas. Empty text is an
// empty list, not nil.
func ParseExitCodes(text string) ([]int, error) { return nil, nil }

// ParseList reads texts separated by commas, without the blanks around them.
// Empty items are kept. Empty text is an empty list, not nil.
func ParseList(text string) []string { return nil }

// ParsePort reads the number of a port, 1 to 65535.
func ParsePort(text string) (int, error) { return 0, nil }

// ParseInetAddress reads "PORT" or "HOST:PORT". The host is in lower case, and
// empty for all addresses, which is also what "*" means.
func ParseInetAddress(text string) (host string, port int, err error) { return "", 0, nil }

// ParseUser finds an account by its number or name.
func ParseUser(text string) (*user.User, error) { return nil, nil }

// ParseUserGroup reads "USER" or "USER:GROUP", each a name or a number. Without a
// group, gid is -1: unchanged. The error is about the part that was not found;
// every key that has such a value has its own text for it.
func ParseUserGroup(text string) (uid, gid int, err error) { return 0, 0, nil }

// ParseURL accepts what has a scheme, and a host or a path, and returns it as it is.
func ParseURL(text string) (string, error) { return "", nil }

// ExpandUser replaces ~ and ~user at the start of a path by the home directory,
// if there is one.
func ExpandUser(path string) string { return "" }

// ExistingDirectory returns path with ~ expanded. It must be a directory.
func ExistingDirectory(path string) (string, error) { return "", nil }

// ExistingDirpath returns path with ~ expanded. The directory part, if there is
// one, must be a directory; the last part need not exist.
func ExistingDirpath(path string) (string, error) { return "", nil }

// AbsPath returns path made absolute against the physical working directory and
// normalised as Python does it: lexically, with two leading slashes kept.
func AbsPath(path string) (string, error) { return "", nil }

// PythonRepr returns how Python would print text as a literal, quotes included.
func PythonRepr(text string) string { return "" }

// TrimSpace removes what Python takes for white space from both ends, which is a
// few characters more than unicode.IsSpace knows.
func TrimSpace(text string) string { return "" }
