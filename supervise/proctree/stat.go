package proctree

import (
	"bytes"
	"errors"
)

// stat is what we want of /proc/PID/stat.
type stat struct {
	pid, parent    int
	group, session int
	state          byte
	ticks          uint64 // of the processor, with those of children that were waited for
	threads        int
	start          uint64
	pages          int64 // resident
}

// ended reports whether there is nothing left of the process but its exit status.
func (s *stat) ended() bool { return s.state == 'Z' || s.state == 'X' || s.state == 'x' }

var errStat = errors.New("/proc/PID/stat is not as expected")

// parseStat reads text without keeping any of it. The name, which it returns as a part of
// text, is in brackets and may have brackets and blanks itself.
func parseStat(text []byte) (s stat, name []byte, err error) {
	open, shut := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 2 || shut < open || len(text) < shut+4 || text[open-1] != ' ' || text[shut+1] != ' ' {
		return stat{}, nil, errStat
	}
	pid, ok := whole(text[:open-1])
	if !ok {
		return stat{}, nil, errStat
	}
	s.pid, s.state = int(pid), text[shut+2]
	rest := text[shut+3:]
	for field := 4; field <= 24; field++ { // as proc(5) counts them
		if len(rest) == 0 || rest[0] != ' ' {
			return stat{}, nil, errStat
		}
		var n int64
		if n, rest, ok = number(rest[1:]); !ok {
			return stat{}, nil, errStat
		}
		switch field {
		case 4:
			s.parent = int(n)
		case 5:
			s.group = int(n)
		case 6:
			s.session = int(n)
		case 14, 15, 16, 17: // utime, stime, cutime, cstime
			s.ticks += uint64(n)
		case 20:
			s.threads = int(n)
		case 22:
			s.start = uint64(n)
		case 24:
			s.pages = n
		}
	}
	return s, text[open+1 : shut], nil
}

// number reads the number that text begins with, and returns what is behind it. It returns
// false if there is none.
func number(text []byte) (n int64, rest []byte, ok bool) {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	first := i
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		n = n*10 + int64(text[i]-'0')
	}
	if first > 0 {
		n = -n
	}
	return n, text[i:], i > first
}

// whole returns the number that text is.
func whole(text []byte) (n int64, ok bool) {
	n, rest, ok := number(text)
	return n, ok && len(rest) == 0
}

// field returns the number behind a name in a file with lines of the form "name: number".
func field(text []byte, name string) (n int64, ok bool) {
	for len(text) > 0 {
		line := text
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = nil
		}
		if len(line) > len(name)+2 && string(line[:len(name)]) == name && line[len(name)] == ':' {
			return whole(line[len(name)+2:])
		}
	}
	return 0, false
}
