package ctl

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"supervisor/inifile"
)

// Settings are those of the section [supervisorctl].
type Settings struct {
	// ServerURL is where supervisord listens; a unix socket's path is absolute.
	// Key serverurl, default http://localhost:9001.
	ServerURL string
	// Username and Password are for a server that asks for them; Has tells an
	// empty one from none. Keys username and password.
	Username, Password       string
	HasUsername, HasPassword bool
	// Prompt stands before "> " in the shell. Key prompt, default supervisor.
	Prompt string
	// HistoryFile keeps the lines typed in the shell; "" for none. Key
	// history_file.
	HistoryFile string
	// Color is auto, always or never, "" if it is not set: see Options. Key color.
	Color string
}

// ReadSettings reads the section [supervisorctl] of a file, or the defaults if
// path is "". Includes are not followed and other sections not looked at. The
// text of an error is Supervisor's message.
func ReadSettings(path string, env map[string]string) (Settings, error) {
	settings := Settings{ServerURL: "http://localhost:9001", Prompt: "supervisor"}
	if path == "" {
		return settings, nil
	}
	file, err := inifile.Read(path, "supervisorctl")
	if err != nil {
		return settings, err
	}
	section := file.Section("supervisorctl")
	if section == nil {
		return settings, errors.New(".ini file does not include supervisorctl section")
	}
	plain := section.Reader(inifile.Names{}.WithEnvironment(env), "")
	placed := plain.With(inifile.Names{}.WithEnvironment(env).With("here", file.Here()))
	settings.ServerURL = placed.String("serverurl", settings.ServerURL)
	if socket, ok := strings.CutPrefix(settings.ServerURL, "unix://"); ok {
		settings.ServerURL = "unix://" + absolute(socket)
	}
	settings.Prompt = plain.String("prompt", settings.Prompt)
	settings.Username, settings.HasUsername = plain.String("username", ""), plain.Has("username")
	settings.Password, settings.HasPassword = plain.String("password", ""), plain.Has("password")
	if settings.HistoryFile = placed.String("history_file", ""); settings.HistoryFile != "" {
		settings.HistoryFile = absolute(settings.HistoryFile)
	}
	settings.Color = inifile.Convert(plain, "color", "", ParseColor)
	return settings, plain.Err()
}

// absolute expands ~ and makes a path absolute against the current directory.
func absolute(path string) string {
	path = inifile.ExpandUser(path)
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// ParseColor reads when the output is to have colours: see Options.Color.
func ParseColor(text string) (string, error) {
	if slices.Contains(colors(), text) {
		return text, nil
	}
	return "", errors.New("color is auto, always or never, not " + text)
}
