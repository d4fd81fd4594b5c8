//go:build unix

package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"supervisor/inifile"
	"supervisor/inifile/envfile"
	"supervisor/supervise/config"
)

// variables returns what a program has below its environment=: the variables of its user,
// then those of files, which are read now. It may wait for a disk, so it is not for the loop.
// No error shows a value.
func variables(cfg *config.Program) (map[string]string, error) {
	set := map[string]string{}
	if cfg.UserEnvironment {
		userVariables(cfg.User, set)
	}
	for _, name := range cfg.EnvironmentFiles {
		path, optional := strings.CutPrefix(name, "-")
		vars, err := envfile.Read(path)
		var at *fs.PathError
		switch {
		case optional && errors.Is(err, fs.ErrNotExist):
			continue
		case errors.As(err, &at):
			return nil, fmt.Errorf("environment_file %s: %w", path, at.Err)
		case err != nil:
			return nil, fmt.Errorf("environment_file %w", err)
		}
		for _, v := range vars {
			set[v.Name] = v.Value
		}
	}
	return set, nil
}

// userVariables sets those of an account, nil for the daemon's own. What is not known of it is
// not set.
func userVariables(u *config.User, set map[string]string) {
	name, uid := "", os.Getuid()
	if u != nil {
		name, uid = u.Name, u.UID
		set["USER"], set["LOGNAME"] = name, name
	}
	login, err := inifile.LoginOf(name, uid)
	if err != nil {
		return // it has no account
	}
	set["USER"], set["LOGNAME"], set["HOME"] = login.Name, login.Name, login.Home
	if login.Shell != "" {
		set["SHELL"] = login.Shell
	}
}
