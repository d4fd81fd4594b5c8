package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"supervisor/inifile"
)

// CreateAuto creates the log file of a process that asks for AUTO, and returns
// its absolute path in dir: NAME-CHANNEL---IDENTIFIER-XXXXXXXX.log. The file is
// new, empty and of mode 0600; nothing that is already there is opened. It waits for
// the disk.
func CreateAuto(dir, process string, channel Channel, identifier string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", autoLogError(dir, process, channel, err)
	}
	for {
		name := fmt.Sprintf("%s-%s---%s-%s.log", process, channel, identifier, randomName())
		path := filepath.Join(dir, name)
		// O_EXCL does not follow symbolic links either.
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", autoLogError(dir, process, channel, err)
		}
		return path, file.Close()
	}
}

// autoLogError says what the configuration does not show where AUTO stands: in which
// directory, and as whom.
func autoLogError(dir, process string, channel Channel, err error) error {
	who := strconv.Itoa(os.Geteuid())
	if account, err := user.LookupId(who); err == nil {
		who = account.Username
	}
	return fmt.Errorf("cannot create the %v log of %s in childlogdir=%s as user %s: %w", channel, process, dir, who, cause(err))
}

// randomName is what Python's tempfile puts into names: 8 of these characters. It
// need not be secret, since only a file that is not there is ever created.
func randomName() string {
	const from = "abcdefghijklmnopqrstuvwxyz0123456789_"
	var name [8]byte
	for i := range name {
		name[i] = from[rand.IntN(len(from))]
	}
	return string(name[:])
}

// CleanAuto deletes the AUTO logs that earlier runs with this identifier left
// in dir, and returns what could not be done. Names are matched as Supervisor
// does, which takes the identifier for a regular expression and does not look at
// what follows ".log".
func CleanAuto(dir, identifier string) (trouble []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []string{"Could not clear childlog dir"}
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !strings.Contains(e.Name(), "---") })
	if len(entries) == 0 {
		return nil // mostly, and then the start need not compile a pattern
	}
	pattern := autoLogPattern(identifier)
	for _, entry := range entries {
		if !pattern.MatchString(entry.Name()) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		// Another supervisord may have been quicker.
		if err := unlink(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			trouble = append(trouble, "Failed to clean up "+inifile.PythonRepr(path))
		}
	}
	return trouble
}

// autoLogPattern matches the names of AUTO logs and their backups.
func autoLogPattern(identifier string) *regexp.Regexp {
	// White space and blanks as Python sees them.
	const rest = `-[^\s\v\x1c-\x1f\x{85}\pZ]+\.log`
	// In a group, or an identifier like "a|b" would delete much that is no log.
	if pattern, err := regexp.Compile(`^.+?---(?:` + identifier + `)` + rest); err == nil {
		return pattern
	}
	return regexp.MustCompile(`^.+?---` + regexp.QuoteMeta(identifier) + rest)
}
