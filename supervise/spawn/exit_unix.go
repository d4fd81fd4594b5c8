//go:build unix

package spawn

import (
	"strconv"
	"syscall"

	"supervisor/supervise/sys"
)

// DescribeExit decodes what wait4 reports: the exit code, -1 after death by a signal, and
// how the child ended in Supervisor's words.
func DescribeExit(ws syscall.WaitStatus) (code int, text string) {
	switch {
	case ws.Exited():
		code := ws.ExitStatus()
		return code, "exit status " + strconv.Itoa(code)
	case ws.Signaled():
		text := "terminated by " + sys.SignalName(ws.Signal())
		if ws.CoreDump() {
			text += " (core dumped)"
		}
		return -1, text
	}
	return -1, "unknown termination cause 0x" + strconv.FormatUint(uint64(uint32(ws)), 16)
}
