package stories

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"supervisor/xmlrpc"
)

// starving is a daemon that lives where no process and no thread can be made any more.
type starving struct {
	*logDaemon
	starve, feed func() // take all processes away, give them back
}

// starvingUser has a limit of processes for its user, which is not root.
func starvingUser(t *testing.T, conf string) starving {
	const user = "54321" // nobody else's
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip(err)
	}
	d := startLogDaemon(t, devNull(t), "", conf, "unshare", "-m", "sh", "-c",
		`mkdir $DIR/hung $DIR/well && ln -s well $DIR/link && chmod 755 $DIR/.. && chown -R `+user+` $DIR &&
		exec `+filepath.Join(links, "child")+` hung $DIR/hung `+user+` 0 `+setpriv+` --reuid `+user+` --regid 0 --clear-groups "$@"`, "sh")
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &now); err != nil {
		t.Fatal(err)
	}
	limit := func(n uint64) { // root may not everywhere, the user may
		out, err := exec.Command(setpriv, "--reuid", user, "--regid", "0", "--clear-groups",
			"prlimit", "--pid", strconv.Itoa(d.pid), fmt.Sprintf("--nproc=%d:", n)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return starving{d, func() { limit(1) }, func() { limit(now.Max) }}
}

// starvingGroup has a control group with a limit of pids, and is root.
func starvingGroup(t *testing.T, conf string) starving {
	group, err := pidsGroup()
	if err != nil {
		t.Skip("no control group for pids can be made here: ", err)
	}
	d := startLogDaemon(t, devNull(t), "", conf, "unshare", "-m", "sh", "-c",
		`echo $$ >`+group+`/cgroup.procs && mkdir $DIR/hung $DIR/well && ln -s well $DIR/link &&
		exec `+filepath.Join(links, "child")+` hung $DIR/hung 0 0 "$@"`, "sh")
	t.Cleanup(func() {
		d.kill()
		// What it has started ends because its mount does; then the group can go.
		d.until("the control group is empty", func() bool {
			endAll(group)
			err := os.Remove(group)
			return err == nil || errors.Is(err, os.ErrNotExist)
		})
	})
	limit := func(text string) {
		if err := os.WriteFile(filepath.Join(group, "pids.max"), []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
	return starving{d, func() { limit("1") }, func() { limit("max") }}
}

// pidsGroup makes a control group that can limit pids.
func pidsGroup() (string, error) {
	var errs []error
	for _, at := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		group, err := os.MkdirTemp(at, "supervisor-test")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if _, err = os.Stat(filepath.Join(group, "pids.max")); err == nil {
			return group, nil
		}
		errs = append(errs, err, os.Remove(group))
	}
	return "", errors.Join(errs...)
}

// endAll ends whoever is in a control group.
func endAll(group string) {
	data, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil {
		return
	}
	for _, word := range bytes.Fields(data) {
		if pid, err := strconv.Atoi(string(word)); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
		}
	}
}

// Where all processes are used up, the daemon lives: it has all threads that it can need
// at a time. What it cannot start is tried again and starts when there is room.
func TestOutOfProcesses(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it takes root to mount a file system that does not answer")
	}
	for name, start := range map[string]func(*testing.T, string) starving{"user": starvingUser, "control group": starvingGroup} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testOutOfProcesses(t, start)
		})
	}
}

func testOutOfProcesses(t *testing.T, start func(*testing.T, string) starving) {
	d := start(t, "[program:beat]\ncommand=cat\nstartsecs=0\nstartretries=1000000\nautorestart=true\n"+
		"[program:talk]\ncommand=yes 0123456789012345678901234567890123456789\nstartsecs=0\nstdout_logfile=$DIR/talk\nstdout_logfile_maxbytes=1MB\n"+
		"[program:stuck]\ncommand=yes 0123456789012345678901234567890123456789\nnumprocs=4\nprocess_name=%(process_num)d\nstartsecs=0\n"+
		"autostart=false\nautorestart=false\nstdout_logfile=$DIR/link/%(process_num)d\nstdout_logfile_maxbytes=100KB\n"+
		"[program:late]\ncommand=cat\ndirectory=$DIR/link\nnumprocs=20\nprocess_name=%(process_num)d\nautostart=false\nstartsecs=0\n")
	pid := runningPID(t, d.client, "beat")
	last := 0
	d.until("the threads are there", func() bool {
		before := last
		last = d.threads()
		<-time.After(200 * time.Millisecond)
		return last > 30 && last == before
	})
	if _, err := d.client.StartProcessGroup(t.Context(), "stuck", true); err != nil {
		t.Fatal(err)
	}
	// What answers until now does not any more: logs that are written, rotated and read.
	next := filepath.Join(d.dir, "next")
	if err := errors.Join(os.Symlink("hung", next), os.Rename(next, filepath.Join(d.dir, "link"))); err != nil {
		t.Fatal(err)
	}
	threads := d.threads()
	letGo := sync.OnceFunc(func() {
		if server, err := strconv.Atoi(strings.TrimSpace(d.read("hung.pid"))); err == nil {
			_ = syscall.Kill(server, syscall.SIGUSR1) // or it is gone
		}
	})
	t.Cleanup(letGo) // before the daemon is ended: it waits for it
	d.starve()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() { // nobody waits for these but here
			client := d.another()
			defer client.Close()
			if i < 20 {
				_, _ = client.StartProcess(ctx, fmt.Sprintf("late:%d", i), true)
			}
			_, _ = client.ReadProcessLog(ctx, "stuck:0", "stdout", 0, 0)
		})
	}
	stop := d.calls()
	<-time.After(time.Second)
	took := stop()
	if p99 := took[len(took)*99/100]; p99 > 200*time.Millisecond {
		t.Errorf("of %d calls one in a hundred took %v or more", len(took), p99)
	}
	d.until("it is said why nothing starts", func() bool {
		return strings.Contains(d.read("log"), "spawnerr: Too many processes in process table to spawn 'beat'")
	})
	if now := d.threads(); now > threads {
		t.Errorf("%d threads, %d before", now, threads)
	}
	d.feed()
	runningPID(t, d.client, "beat")
	letGo()
	cancel()
	all.Wait()
	if took := d.terminated(); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
}

// threads is how many the daemon has.
func (d *logDaemon) threads() int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", d.pid))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(all)
}

// another returns one more client.
func (d *logDaemon) another() *xmlrpc.Client {
	client, err := xmlrpc.NewClient("unix://"+filepath.Join(d.dir, "s"), "", "")
	if err != nil {
		d.t.Error(err)
	}
	return client
}
