package supervise

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/supervise/vfork"
)

// rlimitNproc is RLIMIT_NPROC, which package syscall does not name and which is
// not the same everywhere.
var rlimitNproc = func() int {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return 8
	}
	return 6
}()

// limitValue makes a number of the type that a limit has here.
func limitValue[T int | uint64](n T) uint64 { return uint64(n) }

// closeOnExecFrom has all descriptors from first on closed by exec, if that can be
// said in one call.
func closeOnExecFrom(first int) bool { return vfork.CloseOnExec(first) }

// PR_SET_CHILD_SUBREAPER and PR_GET_CHILD_SUBREAPER.
const (
	prSetChildSubreaper = 36
	prGetChildSubreaper = 37
)

// adoptOrphans makes us the parent of grandchildren whose parent dies, if the
// configuration asks for that.
func adoptOrphans(cfg *config.Config, notes *[]config.Note) {
	if !cfg.Subreaper {
		return
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		*notes = append(*notes, config.Note{Level: logs.Warn, Text: "subreaper=true has no effect: " + errno.Error()})
	}
}

// adoptsOrphans reports whether grandchildren become our children when their
// parent dies: always as process 1, and otherwise if we, or whoever became this
// program by exec, asked for it.
func adoptsOrphans() bool {
	var yes int32
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prGetChildSubreaper, uintptr(unsafe.Pointer(&yes)), 0)
	return os.Getpid() == 1 || errno != 0 || yes != 0
}
