package inifile

import (
	"errors"
	"os"
	"os/user"
	"strings"
	"syscall"
)

// AbsPath returns path made absolute against the physical working directory and
// normalised as Python does it: lexically, with two leading slashes kept.
func AbsPath(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		// os.Getwd would believe $PWD, which shows the way through symbolic links.
		cwd, err := syscall.Getwd()
		if err != nil {
			return "", os.NewSyscallError("getcwd", err)
		}
		path = joinPath(cwd, path)
	}
	return normPath(path), nil
}

// normPath resolves "." and ".." in an absolute path. It differs from path.Clean
// in "//x", which POSIX leaves to the system, and Python alone.
func normPath(path string) string {
	root := "/"
	if strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///") {
		root = "//"
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case part == "", part == ".":
		case part != "..":
			parts = append(parts, part)
		case len(parts) > 0:
			parts = parts[:len(parts)-1]
		}
	}
	return root + strings.Join(parts, "/")
}

// joinPath returns name as seen from dir.
func joinPath(dir, name string) string {
	switch {
	case strings.HasPrefix(name, "/"), dir == "":
		return name
	case strings.HasSuffix(dir, "/"):
		return dir + name
	}
	return dir + "/" + name
}

// splitPath cuts path before its last component. The directory has no slash at
// its end unless it is the root.
func splitPath(path string) (dir, base string) {
	i := strings.LastIndexByte(path, '/') + 1
	dir, base = path[:i], path[i:]
	if trimmed := strings.TrimRight(dir, "/"); trimmed != "" {
		dir = trimmed
	}
	return dir, base
}

func dirname(path string) string {
	dir, _ := splitPath(path)
	return dir
}

// ExpandUser replaces ~ and ~user at the start of a path by the home directory,
// if there is one.
func ExpandUser(path string) string {
	if !strings.HasPrefix(path, "~") {
		return path
	}
	name, rest := path[1:], ""
	if i := strings.IndexByte(path, '/'); i >= 0 {
		name, rest = path[1:i], path[i:]
	}
	home, ok := homeOf(name)
	if !ok {
		return path
	}
	if path = strings.TrimRight(home, "/") + rest; path == "" {
		return "/"
	}
	return path
}

// homeOf returns the home directory of the user name, by default our own.
func homeOf(name string) (string, bool) {
	var account *user.User
	var err error
	if name != "" {
		account, err = user.Lookup(name)
	} else if home, ok := os.LookupEnv("HOME"); ok {
		return home, true
	} else {
		account, err = user.Current()
	}
	if err != nil {
		return "", false
	}
	return account.HomeDir, true
}

// ExistingDirectory returns path with ~ expanded. It must be a directory.
func ExistingDirectory(path string) (string, error) {
	expanded := ExpandUser(path)
	if !isDir(expanded) {
		return "", errors.New(path + " is not an existing directory")
	}
	return expanded, nil
}

// ExistingDirpath returns path with ~ expanded. The directory part, if there is
// one, must be a directory; the last part need not exist.
func ExistingDirpath(path string) (string, error) {
	expanded := ExpandUser(path)
	if dir := dirname(expanded); dir != "" && !isDir(dir) {
		return "", errors.New("The directory named as part of the path " + path + " does not exist")
	}
	return expanded, nil
}
