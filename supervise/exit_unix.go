//go:build unix

package supervise

import (
	"strconv"
	"syscall"
)

// describeExit decodes what wait4 reports: the exit code, -1 after death by a signal, and
// how the child ended in Supervisor's words.
func describeExit(ws syscall.WaitStatus) (code int, text string) {
	switch {
	case ws.Exited():
		code := ws.ExitStatus()
		return code, "exit status " + strconv.Itoa(code)
	case ws.Signaled():
		text := "terminated by " + signalName(ws.Signal())
		if ws.CoreDump() {
			text += " (core dumped)"
		}
		return -1, text
	}
	return -1, "unknown termination cause 0x" + strconv.FormatUint(uint64(uint32(ws)), 16)
}
