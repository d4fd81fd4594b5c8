//go:build unix

package supervise

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"supervisor/supervise/config"
)

// Check is config.Check for a daemon that this process could become.
func Check(path string, o config.Overrides, env map[string]string, w io.Writer) (exit int) {
	return config.Check(path, o, env, refusedLimits, w)
}

// refusedLimits are those of minfds and minprocs that raiseLimits would fail for.
func refusedLimits(cfg *config.Config) map[string]error {
	refused := map[string]error{}
	for _, l := range []struct {
		resource int
		key      string
		min      int
		refusal  string
	}{
		{syscall.RLIMIT_NOFILE, "minfds", cfg.MinFDs, tooFewFiles},
		{rlimitNproc, "minprocs", cfg.MinProcs, tooFewProcesses},
	} {
		limit, err := inheritedLimit(l.resource)
		if err != nil || l.min < 0 {
			continue
		}
		most := uint64(limit.Max)
		if mayRaiseLimits() {
			most = ^uint64(0)
			if l.resource == syscall.RLIMIT_NOFILE {
				most = systemFiles(most)
			}
		}
		if uint64(l.min) > most {
			refused[l.key] = fmt.Errorf(l.refusal, l.min, most)
		}
	}
	return refused
}

// mayRaiseLimits reports whether we may raise hard limits: CAP_SYS_RESOURCE, or root
// where there are no capabilities.
func mayRaiseLimits() bool {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return os.Getuid() == 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return err == nil && set&(1<<24) != 0
		}
	}
	return os.Getuid() == 0
}

// systemFiles is how many files a process can have at most, or else if that is unknown.
func systemFiles(otherwise uint64) uint64 {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return otherwise
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}
