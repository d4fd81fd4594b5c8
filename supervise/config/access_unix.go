//go:build unix

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"supervisor/supervise/logs"
)

// The permissions that access(2) and the mode of a file have in common.
const (
	mayWrite  = 2
	maySearch = 1 // a directory
)

// MayWrite returns nil if the daemon, as the user that it becomes, could write the file
// called path, or make it if there is none. Else the error says what is in the way. It
// goes by owner, groups and mode bits of the file and of each directory on the way, so
// an access control list is not seen; for the user that we are already the system is asked.
func (c *Config) MayWrite(path string) error { return c.User.mayWrite(path, "") }

// MayWriteLog is MayWrite for a log, which cannot be a directory. The streams that we
// were started with, such as /dev/stdout, are always there.
func (c *Config) MayWriteLog(path string) error {
	if logs.StreamFD(path) >= 0 {
		return nil
	}
	if isDirectory(path) {
		return fmt.Errorf("%s is a directory", path)
	}
	return c.MayWrite(path)
}

// MayMakeAutoLogs is MayWrite for the AUTO logs of all programs. Without any it is nil.
func (c *Config) MayMakeAutoLogs() error {
	auto := slices.ContainsFunc(c.Groups, func(g *Group) bool {
		return slices.ContainsFunc(g.Programs, func(p *Program) bool {
			return p.HasAutoLog(logs.Stdout) || p.HasAutoLog(logs.Stderr)
		})
	})
	if !auto {
		return nil
	}
	return c.User.mayMake(c.ChildLogDir)
}

// mayWrite is MayWrite for an account, nil for the one that we are. Of a symbolic link
// that leads to no file, from is the link.
func (u *User) mayWrite(path, from string) error {
	if _, err := os.Stat(path); err == nil {
		return u.may(path, mayWrite)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s cannot be reached: %w", path, errors.Unwrap(err))
	}
	if target, err := os.Readlink(path); err == nil && from == "" { // further links are not followed
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		return u.mayWrite(target, path)
	}
	dir := filepath.Dir(path)
	if !isDirectory(dir) {
		return fmt.Errorf("the directory of %s does not exist", path)
	}
	if err := u.mayMake(dir); err != nil {
		return fmt.Errorf("%s cannot be made: %w", path, err)
	}
	return nil
}

// mayMake reports why an account could not make a file in a directory.
func (u *User) mayMake(dir string) error {
	return u.may(dir, mayWrite|maySearch)
}

// may returns nil if the account has the permissions for a file that is there. The
// error says which file or directory lacks them.
func (u *User) may(path string, bits uint32) error {
	system := syscall.Access(path, bits)
	ours := u == nil || u.UID == os.Getuid()
	switch {
	case system != nil && (ours || errors.Is(system, syscall.EROFS)):
		return fmt.Errorf("%s is not writable: %w", path, system)
	case ours:
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, name := range []string{path, real} {
		for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
			if !u.has(dir, maySearch) {
				return fmt.Errorf("user %s may not enter %s", u.Name, dir)
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if !u.has(real, bits) {
		return fmt.Errorf("%s is not writable for user %s", path, u.Name)
	}
	return nil
}

// has reports whether the mode of a file gives the account these permissions. Only the
// first class that the account belongs to counts.
func (u *User) has(path string, bits uint32) bool {
	var st syscall.Stat_t
	if u.UID == 0 {
		return true
	}
	if syscall.Stat(path, &st) != nil {
		return false
	}
	mode := uint32(st.Mode)
	switch {
	case int(st.Uid) == u.UID:
		mode >>= 6
	case int(st.Gid) == u.GID || slices.Contains(u.Groups, int(st.Gid)):
		mode >>= 3
	}
	return mode&bits == bits
}
