package config

import (
	"fmt"
	"os"
	"strings"
)

// Find returns the file that is read when the command line names none.
// The first two places depend on where the program itself is.
func Find(argv0 string) (string, error) {
	d := pythonDir(pythonDir(argv0))
	if d != "" && !strings.HasSuffix(d, "/") {
		d += "/"
	}
	places := []string{
		d + "etc/supervisord.conf",
		d + "supervisord.conf",
		"supervisord.conf",
		"etc/supervisord.conf",
		"/etc/supervisord.conf",
		"/etc/supervisor/supervisord.conf",
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", fmt.Errorf("No config file found at default paths (%s); use the -c option to specify a config file at a different path",
		strings.Join(places, ", "))
}

// pythonDir is dirname as Python has it: textual, and empty for a bare name.
func pythonDir(path string) string {
	i := strings.LastIndexByte(path, '/') + 1
	if trimmed := strings.TrimRight(path[:i], "/"); trimmed != "" {
		return trimmed
	}
	return path[:i]
}
