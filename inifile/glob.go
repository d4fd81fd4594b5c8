package inifile

import (
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// glob returns the paths that match an absolute pattern, in the order of their
// code points. The language is that of Python's glob module: "!" negates a set,
// nothing quotes, a name that begins with a dot is matched only by a pattern
// that does, and what cannot be read has no entries.
func glob(pattern string) []string {
	matches := expandGlob(pattern, false)
	slices.Sort(matches)
	return matches
}

// expandGlob returns the paths that match pattern, of directories only if
// dirsOnly.
func expandGlob(pattern string, dirsOnly bool) []string {
	dir, base := splitPath(pattern)
	if !hasMagic(pattern) {
		if base == "" && isDir(dir) || base != "" && exists(pattern) {
			return []string{pattern}
		}
		return nil
	}
	dirs := []string{dir}
	if dir != pattern && hasMagic(dir) {
		dirs = expandGlob(dir, true)
	}
	var matches []string
	for _, dir := range dirs {
		for _, name := range entries(dir, base, dirsOnly) {
			matches = append(matches, joinPath(dir, name))
		}
	}
	return matches
}

// entries returns the names in dir that match one component of a pattern. The
// empty component, after a last slash, matches itself if dir is a directory.
func entries(dir, pattern string, dirsOnly bool) []string {
	if !hasMagic(pattern) {
		if pattern == "" && isDir(dir) || pattern != "" && exists(joinPath(dir, pattern)) {
			return []string{pattern}
		}
		return nil
	}
	listed, _ := os.ReadDir(dir) // an unreadable directory has no matches
	var names []string
	for _, entry := range listed {
		name := entry.Name()
		switch {
		case name[0] == '.' && pattern[0] != '.':
		case !MatchName(pattern, name):
		case dirsOnly && !entry.IsDir() && !isDir(joinPath(dir, name)):
		default:
			names = append(names, name)
		}
	}
	return names
}

func hasMagic(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }

// exists reports whether there is a file name, be it a dangling link.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// MatchName reports whether the whole of name matches pattern, in the language of
// [include] files: * ? [abc] [a-z] [!abc]. A slash is a character like any other, and a
// bracket that does not close stands for itself. It takes
// time proportional to the product of both lengths at most: only the last star
// is ever tried again.
func MatchName(pattern, name string) bool {
	p, n := 0, 0
	star, retry := -1, 0 // where to go on if the rest fails: after the last star
	for n < len(name) {
		r, size := utf8.DecodeRuneInString(name[n:])
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, retry = p, n
			continue
		}
		if p < len(pattern) {
			if ok, width := matchOne(pattern[p:], r); ok {
				p += width
				n += size
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[retry:])
		retry += size
		p, n = star, retry
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchOne reports whether r matches the first element of pattern, which is not
// a star, and how long that element is.
func matchOne(pattern string, r rune) (ok bool, width int) {
	switch first, size := utf8.DecodeRuneInString(pattern); first {
	case '?':
		return true, size
	case '[':
		set, found := cutSet(pattern)
		if !found {
			return r == '[', size
		}
		return matchSet(set, r), len(set) + 2
	default:
		return r == first, size
	}
}

// cutSet returns what is between the brackets at the start of pattern. A "]" that
// comes first belongs to the set. Without a closing bracket there is no set.
func cutSet(pattern string) (set string, found bool) {
	first := 1
	if strings.HasPrefix(pattern[first:], "!") {
		first++
	}
	if strings.HasPrefix(pattern[first:], "]") {
		first++
	}
	end := strings.IndexByte(pattern[first:], ']')
	if end < 0 {
		return "", false
	}
	return pattern[1 : first+end], true
}

// matchSet reports whether r is in set. A range that is backwards is as if it were
// not there, so that a "!" after it negates: Python's accident.
func matchSet(set string, r rune) bool {
	negated, in := false, false
	for first := true; set != ""; {
		if first && set[0] == '!' {
			negated, first = true, false
			set = set[1:]
			continue
		}
		low, size := utf8.DecodeRuneInString(set)
		high := low
		set = set[size:]
		if len(set) > 1 && set[0] == '-' {
			high, size = utf8.DecodeRuneInString(set[1:])
			set = set[1+size:]
		}
		first = first && low > high
		in = in || low <= r && r <= high
	}
	return in != negated
}
