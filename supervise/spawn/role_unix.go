//go:build unix

package spawn

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"supervisor/supervise/sys"
)

// childRole is argv[0] of the hidden role of our binary; no link has that name.
const childRole = "supervisord: child"

// RunChild is the second attempt at a start that failed in the child. If argv is
// that of the hidden role, it repeats the steps between fork and exec in
// Supervisor's order, says on stderr which one fails, and returns the exit
// status. Should all of them work this time, the program runs and RunChild does
// not return.
func RunChild(argv []string) (exit int, isChild bool) {
	if len(argv) < 8 || argv[0] != childRole {
		return 0, false
	}
	text := becomeChild(argv[1:])
	// The terms are Supervisor's; people grep their logs for them.
	_, _ = os.Stderr.WriteString("supervisor: " + text + "\nsupervisor: child process was not spawned\n")
	return 127, true
}

// becomeChild carries out umask, directory (behind a "=", if there is one), file,
// uid, gid and groups, which are args[0:6], and executes args[6:]. It returns only to say what failed.
func becomeChild(args []string) string {
	umask, _ := strconv.Atoi(args[0])
	dir, file := args[1], args[2]
	if uid, err := strconv.Atoi(args[3]); err == nil {
		if text := switchUser(uid, args[4], args[5]); text != "" {
			return "couldn't setuid to " + args[3] + ": " + text
		}
	}
	if dir, set := strings.CutPrefix(dir, "="); set {
		if err := syscall.Chdir(dir); err != nil {
			return "couldn't chdir to " + dir + ": " + sys.ErrnoName(err)
		}
	}
	if umask >= 0 {
		syscall.Umask(umask)
	}
	err := syscall.Exec(file, args[6:], os.Environ())
	return "couldn't exec " + args[6] + ": " + sys.ErrnoName(err)
}

func switchUser(uid int, gidText, groupsText string) string {
	if os.Getuid() != 0 {
		return "Can't drop privilege as nonroot user"
	}
	gid, _ := strconv.Atoi(gidText)
	var groups []int
	for g := range strings.SplitSeq(groupsText, ",") {
		if n, err := strconv.Atoi(g); err == nil {
			groups = append(groups, n)
		}
	}
	if syscall.Setgroups(groups) != nil {
		return "Could not set groups of effective user"
	}
	if syscall.Setgid(gid) != nil {
		return "Could not set group id of effective user"
	}
	if err := syscall.Setuid(uid); err != nil {
		return sys.ErrnoName(err)
	}
	return ""
}
