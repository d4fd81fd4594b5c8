package rlimit_test

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"supervisor/supervise/rlimit"
)

// The test starts itself under a lowered soft limit and asks what it inherited.
func TestInherited(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only known on Linux")
	}
	if os.Getenv("TELL_INHERITED") != "" {
		limit, ok := rlimit.Inherited()
		os.Stdout.WriteString("inherited " + strconv.FormatUint(limit, 10) + " " + strconv.FormatBool(ok) + "\n")
		return
	}
	cmd := exec.Command("sh", "-c", `ulimit -S -n 123; exec "$0" -test.run=TestInherited -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), "TELL_INHERITED=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "inherited 123 true") {
		t.Errorf("with a soft limit of 123: %v\n%s", err, out)
	}
}
