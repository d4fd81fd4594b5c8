package supervise

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
	"strings"

	"supervisor/supervise/config"
)

// Start is what a command line asks of the daemon.
type Start struct {
	Path      string // of the configuration file, as given or found
	Overrides config.Overrides
	Env       map[string]string // of the process
	Argv0     string            // for messages: "For help, use ARGV0 -h"
	Version   string            // what getSupervisorVersion says
	Args      []string          // the words after argv[0], for the process in the background
	Signals   *Signals          // being caught since the program began

	Stdout, Stderr io.Writer
}

// Environ turns a list of NAME=value into a map.
func Environ(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, item := range list {
		if name, value, ok := strings.Cut(item, "="); ok {
			env[name] = value
		}
	}
	return env
}

// LookArgv0 returns argv0 as a script would see it: a name without a slash is
// replaced by the file that the shell found in path.
func LookArgv0(argv0, path string) string {
	if strings.Contains(argv0, "/") {
		return argv0
	}
	for _, dir := range filepath.SplitList(path) {
		name := filepath.Join(cmp.Or(dir, "."), argv0)
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return name
		}
	}
	return argv0
}
