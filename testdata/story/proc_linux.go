package story

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// marked lists the pids of all living processes whose environment has the mark.
func marked(mark string) []int {
	var pids []int
	names, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is good
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		for _, entry := range bytes.Split(data, []byte{0}) {
			if string(entry) == mark {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

func kill(pid int) {
	syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
}

// threads counts the threads of a process.
func threads(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return len(entries), err
}

// switches counts how often the threads of a process gave up a CPU by their own
// will, which is how often they woke up.
func switches(pid int) (int, error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no threads of process %d: %v", pid, err)
	}
	total := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		for _, line := range strings.Split(string(data), "\n") {
			if value, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, err := strconv.Atoi(strings.TrimSpace(value))
				if err != nil {
					return 0, err
				}
				total += n
			}
		}
	}
	return total, nil
}
