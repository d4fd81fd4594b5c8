package supervise

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// mountTable knows which file system a path is on, without asking any of them: the
// mount points of those that could be slow to answer.
type mountTable []string

// mountsNow reads the table. Without one all paths are on the same file system.
func mountsNow() mountTable {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	return parseMounts(data)
}

// parseMounts reads a table in the form of /proc/self/mountinfo.
func parseMounts(data []byte) (t mountTable) {
	for line := range bytes.Lines(data) {
		const mountPoint, least = 4, 5
		before, after, ok := strings.Cut(string(line), " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < least || inMemory(after) {
			continue
		}
		// In the table blanks and the like are octal numbers behind a backslash.
		if point := unescapeOctal(fields[mountPoint]); point != "/" {
			t = append(t, point)
		}
	}
	return t
}

// inMemory reports whether a file system, of which this is the second part of a line,
// has nothing that it could wait for.
func inMemory(rest string) bool {
	kind, _, _ := strings.Cut(rest, " ")
	switch kind {
	case "tmpfs", "devtmpfs", "ramfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "bpf":
		return true
	}
	return false
}

// unescapeOctal replaces \040 and the like.
func unescapeOctal(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			b.WriteByte((text[i+1]-'0')<<6 | (text[i+2]-'0')<<3 | (text[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// of returns the mount point that a path lies behind, "" for none.
func (t mountTable) of(path string) (longest string) {
	for _, point := range t {
		if len(point) > len(longest) && strings.HasPrefix(path, point) && (len(path) == len(point) || path[len(point)] == '/') {
			longest = point
		}
	}
	return longest
}

// currentThread is the thread that calls it.
func currentThread() int {
	tid, _, _ := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	return int(tid)
}

// isWaiting reports whether a thread waits, in a system call, for the system. One that
// waits for a processor does not, nor does one that has nothing to do.
func isWaiting(thread int) bool {
	switch stateOf(thread) {
	case 'D':
		return true
	case 'S':
		where, _ := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/wchan")
		return !bytes.HasPrefix(where, []byte("futex"))
	}
	return false
}

// isRunning reports whether a process runs, or would if it had a processor.
func isRunning(pid int) bool { return stateOf(pid) == 'R' }

// stateOf returns the state of a process or a thread as the system shows it, 0 if it is
// not known.
func stateOf(id int) byte {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat") // number, name in parentheses, state, and more
	if at := bytes.LastIndex(data, []byte(") ")); err == nil && at >= 0 && at+2 < len(data) {
		return data[at+2]
	}
	return 0
}
