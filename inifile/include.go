package inifile

import (
	"os"
	"strings"

	"supervisor/inifile/python"
)

// Notice is something to log about the reading of the files, once there is a log.
type Notice struct {
	Warning bool // else information
	Text    string
}

// Include carries out [include] if the file has such a section: it replaces
// %(here)s, reads the files, and merges them. The files setting can refer to
// here, host_node_name and the variables of env, which is the environment of
// the process. The notices are in the order of events, also beside an error.
//
// An included file's own [include] is merged and never looked at.
func (f *File) Include(env map[string]string, hostNodeName string) ([]Notice, error) {
	include := f.Section("include")
	if include == nil {
		return nil, nil
	}
	f.replaceHere(f.here)
	names := Names{}.WithEnvironment(env).With("here", f.here).With("host_node_name", hostNodeName)
	r := include.Reader(names, "")
	files := r.Required("files", ".ini file has [include] section, but no files setting")
	if err := r.Err(); err != nil {
		return nil, err
	}
	var notices []Notice
	for _, pattern := range strings.FieldsFunc(files, python.IsSpace) {
		pattern = joinPath(f.here, pattern)
		matches := glob(pattern)
		if len(matches) == 0 {
			notices = append(notices, Notice{true, `No file matches via include "` + pattern + `"`})
		}
		for _, name := range matches {
			notices = append(notices, Notice{false, `Included extra file "` + name + `" during parsing`})
			if err := f.includeFile(name); err != nil {
				f.errs = append(f.errs, err) // the others are read all the same: to be told of them, too
			}
		}
	}
	if len(f.errs) > 0 {
		return notices, f.errs[0]
	}
	return notices, nil
}

// includeFile merges the file name.
func (f *File) includeFile(name string) error {
	data, err := os.ReadFile(name)
	if err == nil {
		if err := f.merge(name, data); err != nil {
			return err
		}
	}
	// A file that cannot be opened counts as empty: Supervisor starts without it.
	here, err := AbsPath(dirname(name))
	if err != nil {
		return &Error{Pos: Position{File: name}, Err: err}
	}
	f.replaceHere(here)
	return nil
}

// hereName is replaced as text, before any expansion, in files that include
// others. Other ways to write it are left to Expand.
const hereName = "%(here)s"

// replaceHere puts here in place of the text %(here)s in every value that any
// section shows, so that each file's stands for its own directory. What a section
// has from DEFAULT becomes its own, and does not follow DEFAULT any more.
func (f *File) replaceHere(here string) {
	if len(f.defaults.values) > 0 {
		sections := f.bare // the others have DEFAULT's keys since the last time
		if f.newDefaults {
			sections = f.Sections()
		}
		f.bare, f.newDefaults = nil, false
		for _, s := range sections {
			for _, key := range s.Keys() {
				if s.values[key] == nil {
					v := f.defaults.values[key]
					s.set(key, v.key.Value(), v.pos, v)
				}
			}
		}
	}
	for _, v := range f.fresh {
		v.key.SetValue(strings.ReplaceAll(v.key.Value(), hereName, here))
	}
	f.fresh = nil
}
