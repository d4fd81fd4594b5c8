package stories

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// manyPrograms writes 1,000 programs that are up at once, of which each, but for the first,
// depends on the one that on names; nil for nobody.
func manyPrograms(dir string, on func(i int) int) string {
	var conf strings.Builder
	fmt.Fprintf(&conf, "[supervisord]\nlogfile=%[1]s/log\nlogfile_maxbytes=0\npidfile=%[1]s/pid\nchildlogdir=%[1]s\n", dir)
	for i := range programs {
		fmt.Fprintf(&conf, "[program:p%03d]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i)
		if on != nil && i > 0 {
			fmt.Fprintf(&conf, "depends_on=p%03d\n", on(i))
		}
	}
	return conf.String()
}

const programs = 1000

// startAll starts a supervisord and ends it. It returns how long it has taken until all
// programs were RUNNING, by its log, and the processor time of all of it.
func startAll(t *testing.T, on func(i int) int) (up, work time.Duration) {
	t.Helper()
	const stamp = "2006-01-02 15:04:05,000"
	dir := t.TempDir()
	conf, log := filepath.Join(dir, "conf"), filepath.Join(dir, "log")
	if err := os.WriteFile(conf, []byte(manyPrograms(dir, on)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(links, "supervisord"), "-n", "-s", "-c", conf)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceValue(func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // if it is gone, Wait says why
		return cmd.Wait()
	})
	defer end()
	awaitText(t, log, "entered RUNNING", programs)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text[strings.LastIndex(string(text), "\n20")+1:]), " INFO")
	at, err := time.ParseInLocation(stamp, before, time.Local)
	if err != nil {
		t.Fatal(err)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	return at.Sub(begun), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// Order costs next to nothing: 1,000 programs in a chain, or of which 999 wait for one, are
// up in no more than 1.3 times the time that they take without, and with no more than 1.3
// times the work. Others may have the processors for a while, so there are some rounds: the
// best of a shape is compared with the middle one without order.
func TestOrderCostsLittle(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector changes what things cost")
	}
	shapes := []struct {
		name string
		on   func(i int) int
	}{{"no order", nil}, {"chain", func(i int) int { return i - 1 }}, {"fan", func(int) int { return 0 }}}
	var up, work [3][]time.Duration // by shape, sorted
	within := func(i int) bool {
		middle := len(up[0]) / 2
		return up[i][0]*10 <= up[0][middle]*13 && work[i][0]*10 <= work[0][middle]*13
	}
	for round := 0; round < 7 && (round < 2 || !within(1) || !within(2)); round++ {
		for i, shape := range shapes {
			u, w := startAll(t, shape.on)
			up[i], work[i] = append(up[i], u), append(work[i], w)
			slices.Sort(up[i])
			slices.Sort(work[i])
		}
	}
	for i, shape := range shapes {
		t.Logf("%s: up in %v, work %v", shape.name, up[i], work[i])
		if !within(i) {
			t.Errorf("%s costs more than 3 tenths", shape.name)
		}
	}
}

// A cycle of 1,000 programs is found while the file is read, and shown whole. From the
// start to the end of supervisord that takes less than 50 ms.
func TestCycleIsFoundAtOnce(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector changes what things cost")
	}
	dir := t.TempDir()
	text := manyPrograms(dir, func(i int) int { return i - 1 })
	text = strings.Replace(text, "[program:p000]\n", fmt.Sprintf("[program:p000]\ndepends_on=p%03d\n", programs-1), 1)
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	best := time.Hour
	for round := 0; round < 50 && best >= 50*time.Millisecond; round++ {
		begun := time.Now()
		out, err := exec.Command(filepath.Join(links, "supervisord"), "-n", "-c", conf).CombinedOutput()
		best = min(best, time.Since(begun))
		if err == nil || strings.Count(string(out), " → ") != programs {
			t.Fatalf("%v, %.300s", err, out)
		}
	}
	t.Logf("found after %v", best.Round(time.Millisecond))
	if best >= 50*time.Millisecond {
		t.Error("it takes too long")
	}
}
