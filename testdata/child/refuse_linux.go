package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// Refuse has the system refuse these calls, by number, with errno, to this thread and
// to what it executes (seccomp). The goroutine stays on it.
func Refuse(errno syscall.Errno, calls ...uint32) error {
	const (
		load, jumpEqual, answer = 0x20, 0x15, 0x06 // of the filter's language: ld abs, jeq, ret
		refuse, allow           = 0x00050000, 0x7fff0000
		setNoNewPrivs           = 38
		modeFilter              = 2
	)
	filter := []syscall.SockFilter{{Code: load, K: 0}} // the number of the call
	for i, nr := range calls {
		filter = append(filter, syscall.SockFilter{Code: jumpEqual, Jt: uint8(len(calls) - i), K: nr})
	}
	filter = append(filter, syscall.SockFilter{Code: answer, K: allow}, syscall.SockFilter{Code: answer, K: refuse | uint32(errno)})
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("no new privileges: %w", errno)
	}
	_, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_SECCOMP, modeFilter, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}

// The numbers of calls that came after numbers became the same for all.
const (
	Clone3     = 435
	CloseRange = 436
	PidfdOpen  = 434
)

// refuse ERRNO CALL,... COMMAND [ARGUMENT...] becomes a command that the system refuses
// these calls, all by number.
func refuse(args []string) int {
	if len(args) < 3 {
		return 64
	}
	errno, err := strconv.Atoi(args[0])
	var calls []uint32
	for text := range strings.SplitSeq(args[1], ",") {
		nr, e := strconv.Atoi(text)
		err = errors.Join(err, e)
		calls = append(calls, uint32(nr))
	}
	path, e := exec.LookPath(args[2])
	if err = errors.Join(err, e); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 64
	}
	if err = Refuse(syscall.Errno(errno), calls...); err == nil {
		err = syscall.Exec(path, args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
