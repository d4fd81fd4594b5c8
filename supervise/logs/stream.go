package logs

import (
	"strconv"
	"strings"
)

// StreamFD is the descriptor that a path stands for, -1 if for none.
func StreamFD(path string) int {
	switch path {
	case "/dev/stdout":
		return 1
	case "/dev/stderr":
		return 2
	}
	for _, dir := range [...]string{"/dev/fd/", "/proc/self/fd/"} {
		digits, ok := strings.CutPrefix(path, dir)
		if fd, err := strconv.Atoi(digits); ok && err == nil && fd >= 0 && strconv.Itoa(fd) == digits {
			return fd
		}
	}
	return -1
}
