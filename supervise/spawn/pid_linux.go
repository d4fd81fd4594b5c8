//go:build portable

package spawn

import "supervisor/supervise/vfork"

// openPID returns a descriptor that becomes readable when a child ends, -1 for none.
func openPID(pid int) int {
	if pid == 0 {
		return -1
	}
	return vfork.OpenPID(pid)
}
