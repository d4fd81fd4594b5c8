//go:build unix && !linux

package supervise

import (
	"os"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
)

// rlimitNproc is RLIMIT_NPROC, which package syscall does not name.
const rlimitNproc = 7

// closeOnExecFrom would have all descriptors from first on closed by exec.
func closeOnExecFrom(first int) bool { return false }

// adoptOrphans makes us the parent of grandchildren whose parent dies, if the
// configuration asks for that. Only Linux can.
func adoptOrphans(cfg *config.Config, notes *[]config.Note) {
	if cfg.Subreaper {
		*notes = append(*notes, config.Note{Level: logs.Warn, Text: "subreaper=true has no effect on this system"})
	}
}

// adoptsOrphans reports whether grandchildren become our children when their
// parent dies.
func adoptsOrphans() bool { return os.Getpid() == 1 }
