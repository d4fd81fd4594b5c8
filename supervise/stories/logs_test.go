package stories

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

// logDaemon is a supervisord in the foreground, with a directory of its own.
type logDaemon struct {
	t      *testing.T
	dir    string
	pid    int // of supervisord, or of what it was started by
	client *xmlrpc.Client
	ended  chan syscall.WaitStatus
}

// startLogDaemon starts a supervisord whose standard output is stdout. supervisord
// is what its section says besides the names of files, conf is what follows; $DIR
// stands for the directory. With words in by, that command starts it.
func startLogDaemon(t *testing.T, stdout *os.File, supervisord, conf string, by ...string) *logDaemon {
	t.Helper()
	d := &logDaemon{t: t, dir: t.TempDir(), ended: make(chan syscall.WaitStatus, 1)}
	if !strings.Contains(supervisord, "logfile=") {
		supervisord += "\nlogfile=$DIR/log"
	}
	text := "[supervisord]\npidfile=$DIR/pid\nchildlogdir=$DIR\n" + supervisord +
		"\n[unix_http_server]\nfile=$DIR/s\n" +
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" + conf
	file := filepath.Join(d.dir, "conf")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "$DIR", d.dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.client, err = xmlrpc.NewClient("unix://"+filepath.Join(d.dir, "s"), "", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.client.Close() })
	d.start(stdout, append(by, filepath.Join(links, "supervisord"), "-n", "-c", file))
	t.Cleanup(d.kill)
	d.until("supervisord answers", func() bool {
		_, err := d.client.PID(context.Background())
		return err == nil
	})
	return d
}

// start starts a command in which $DIR stands for the directory.
func (d *logDaemon) start(stdout *os.File, command []string) {
	d.t.Helper()
	for i, word := range command {
		command[i] = strings.ReplaceAll(word, "$DIR", d.dir)
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		d.t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		d.t.Fatal(err)
	}
	defer null.Close()
	d.pid, err = syscall.ForkExec(path, command, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{null.Fd(), stdout.Fd(), 2}})
	if err != nil {
		d.t.Fatal(err)
	}
	go func() {
		var ws syscall.WaitStatus
		_, _ = syscall.Wait4(d.pid, &ws, 0, nil)
		d.ended <- ws
	}()
}

// kill ends a daemon that has not ended by itself: in order, with its programs, if it
// does so soon.
func (d *logDaemon) kill() {
	for _, attempt := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, 5 * time.Second}, {syscall.SIGKILL, time.Minute}} {
		select {
		case ws := <-d.ended: // its pid is not its own any more
			d.ended <- ws
			return
		default:
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(d.read("pid"))); err == nil && pid != d.pid {
			_ = syscall.Kill(pid, attempt.signal)
		}
		_ = syscall.Kill(d.pid, attempt.signal)
		select {
		case ws := <-d.ended:
			d.ended <- ws
			return
		case <-time.After(attempt.wait):
		}
	}
	d.t.Error("supervisord cannot be ended")
}

// until waits for a condition.
func (d *logDaemon) until(what string, met func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !met(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// terminated sends SIGTERM and returns how long the daemon takes to end.
func (d *logDaemon) terminated() time.Duration {
	d.t.Helper()
	pid, err := d.client.PID(d.t.Context())
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGTERM)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	before := time.Now()
	select {
	case ws := <-d.ended:
		d.ended <- ws
		return time.Since(before)
	case <-time.After(20 * time.Second):
		d.t.Fatal("supervisord does not end")
		return 0
	}
}

// read is the text of a file in the directory.
func (d *logDaemon) read(name string) string {
	data, _ := os.ReadFile(filepath.Join(d.dir, name)) // one that is not there yet is empty
	return string(data)
}

// A standard output that nobody reads holds up nothing: requests are answered, the
// log file goes on, and the end comes.
func TestStdoutWithoutReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	d := startLogDaemon(t, w, "loglevel=trace", "")
	const calls = 1500 // each logs two lines, together more than a pipe holds
	for range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if _, err = d.client.State(ctx); err != nil {
			t.Fatalf("supervisord does not answer any more: %v", err)
		}
		cancel()
	}
	const returned = "TRAC XML-RPC method supervisor.getState() returned successfully\n"
	d.until("all is in the file", func() bool { return strings.Count(d.read("log"), returned) == calls })
	if took := d.terminated(); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
	w.Close()
	echo, err := io.ReadAll(r)
	if err != nil || len(echo) < 32<<10 || strings.Count(string(echo), returned) == calls {
		t.Errorf("%d bytes were in the pipe, %v", len(echo), err)
	}
	if !strings.HasPrefix(d.read("log"), string(echo)) {
		t.Error("the pipe has something else than the log")
	}
}

// Where standard output leads to a file, what supervisord and programs write to it
// follows each other; nothing is written over, nothing twice.
func TestStdoutIsFile(t *testing.T) {
	for _, tt := range []struct {
		name, logfile string
	}{
		{"log elsewhere", "$DIR/log"},
		{"log there", "/dev/stdout"},
		{"log there by number", "/dev/fd/1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := os.Create(filepath.Join(t.TempDir(), "all.txt"))
			if err != nil {
				t.Fatal(err)
			}
			defer all.Close()
			d := startLogDaemon(t, all, "logfile="+tt.logfile, "[program:p]\nnumprocs=3\nprocess_name=%(process_num)d\nstdout_logfile=/dev/stdout\n"+
				"startsecs=0\nautorestart=false\ncommand=sh -c 'for i in 1 2 3 4 5; do echo line %(process_num)d $i; sleep 0.01; done'\n")
			d.until("all have ended", func() bool {
				infos, err := d.client.AllProcessInfo(t.Context())
				return err == nil && !slices.ContainsFunc(infos, func(i xmlrpc.ProcessInfo) bool { return i.State != xmlrpc.Exited })
			})
			d.terminated()
			data, err := os.ReadFile(all.Name())
			if err != nil {
				t.Fatal(err)
			}
			for process := range 3 {
				for i := 1; i <= 5; i++ {
					if line := fmt.Sprintf("line %d %d\n", process, i); strings.Count(string(data), line) != 1 {
						t.Errorf("not once: %q", line)
					}
				}
				for _, line := range []string{"INFO spawned: '%d'", "INFO success: %d entered", "INFO exited: %d (exit"} {
					if line = fmt.Sprintf(line, process); strings.Count(string(data), line) != 1 {
						t.Errorf("not once: %q", line)
					}
				}
			}
			if t.Failed() || strings.Contains(string(data), "\x00") {
				t.Errorf("standard output:\n%s", data)
			}
		})
	}
}

// state is that of a process.
func (d *logDaemon) state(name string) xmlrpc.State {
	info, err := d.client.ProcessInfo(d.t.Context(), name)
	if err != nil {
		d.t.Errorf("%s: %v", name, err)
	}
	return info.State
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	return null
}

// What a helper of a program says after the program has ended is in the log, and does
// not hold up its end.
func TestLastWordsOfHelper(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	d := startLogDaemon(t, devNull(t), "", "[program:p]\nnumprocs=20\nprocess_name=%(process_num)d\nstdout_logfile=$DIR/p%(process_num)d\n"+
		"startsecs=0\nautorestart=false\ncommand=bash -c 'exec > >(sed -u s/^/app:/) 2>&1; echo fatal; exit 3'\n"+
		"[program:holder]\nstartsecs=0\nautorestart=false\nautostart=false\ncommand=sh -c 'sleep 60 & exit 0'\n")
	for i := range 20 {
		d.until("the last words are in the log", func() bool { return d.read(fmt.Sprintf("p%d", i)) == "app:fatal\n" })
	}
	// Less than the two seconds for which it is read on; with the race detector a busy
	// machine needs more than one for the end alone.
	limit := time.Second
	if raceDetector {
		limit = 1800 * time.Millisecond
	}
	before := time.Now()
	if _, err := d.client.StartProcess(t.Context(), "holder", true); err != nil {
		t.Fatal(err)
	}
	d.until("it has ended", func() bool { return d.state("holder") == xmlrpc.Exited })
	if took := time.Since(before); took > limit {
		t.Errorf("its end was known after %v", took)
	}
	if took := d.terminated(); took > limit {
		t.Errorf("supervisord ended after %v", took)
	}
}

// A program whose log is a pipe that nobody reads can be stopped, and supervisord too.
func TestLogWithoutReader(t *testing.T) {
	d := startLogDaemon(t, devNull(t), "", "[program:p]\nautostart=false\nstartsecs=0\ncommand=yes\nstdout_logfile=$DIR/fifo\n"+
		"[program:q]\nautostart=false\nstartsecs=0\ncommand=yes\nstdout_logfile=$DIR/fifo\n")
	path := filepath.Join(d.dir, "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0) // it has it open, that is all
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for range 2 {
		for _, name := range []string{"p", "q"} {
			if _, err = d.client.StartProcess(t.Context(), name, true); err != nil {
				t.Fatal(err)
			}
		}
		before := time.Now()
		if _, err = d.client.StopProcess(t.Context(), "p", true); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("stopping took %v", took)
		}
		if _, err = d.client.StopProcess(t.Context(), "q", true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = d.client.StartProcess(t.Context(), "p", true); err != nil {
		t.Fatal(err)
	}
	if took := d.terminated(); took > 5*time.Second {
		t.Errorf("supervisord ended after %v", took)
	}
}

// calls calls getState until told to stop, and returns how long each call took.
func (d *logDaemon) calls() (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	took := make(chan []time.Duration, 1)
	go func() {
		var all []time.Duration
		for ctx.Err() == nil {
			before := time.Now()
			if _, err := d.client.State(context.Background()); err != nil {
				d.t.Error(err)
			}
			all = append(all, time.Since(before))
			<-time.After(2 * time.Millisecond)
		}
		slices.Sort(all)
		took <- all
	}()
	return func() []time.Duration {
		cancel()
		return <-took
	}
}

// beating is a program that lives for a moment again and again and says so, and one that
// says something all the time.
const beating = "[program:beat]\nstdout_logfile=$DIR/beat\nstartsecs=0\nautorestart=true\nrestart_delay=0\ncommand=sh -c 'date +%%s%%N; sleep 0.2'\n" +
	"[program:talk]\nstdout_logfile=$DIR/talk\nstartsecs=0\ncommand=sh -c 'while :; do date +%%s%%N; sleep 0.05; done'\n"

// watchBeat watches both for a while and complains about pauses.
func (d *logDaemon) watchBeat(while time.Duration) {
	d.t.Helper()
	count := func(name string) int { return strings.Count(d.read(name), "\n") }
	stop := d.calls()
	beats, lines := count("beat"), count("talk")
	<-time.After(while)
	beats, lines = count("beat")-beats, count("talk")-lines
	took := stop()
	d.t.Logf("%v: %d lives of 0.2 s, %d lines of one each 0.05 s, getState p50 %v p99 %v at most %v", while, beats, lines,
		took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	// A fourth of what there is on a machine with nothing else to do.
	if beats < int(while/(800*time.Millisecond)) || lines < int(while/(250*time.Millisecond)) {
		d.t.Errorf("only %d lives and %d lines in %v", beats, lines, while)
	}
	if p99 := took[len(took)*99/100]; p99 > 200*time.Millisecond {
		d.t.Errorf("getState took %v", p99)
	}
}

// With a disk that takes two seconds for whatever is done with one log, others are not
// affected.
func TestSlowLogFile(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command("strace", "-f", "--seccomp-bpf", "-o", os.DevNull, "-P", "/", "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v: %s", err, out)
	}
	d := startLogDaemon(t, devNull(t), "", beating+
		"[program:slow]\nstdout_logfile=$DIR/slow\nstdout_logfile_maxbytes=2000\nstdout_logfile_backups=100000\n"+
		"startsecs=0\nautorestart=true\nrestart_delay=0\ncommand=sh -c 'while :; do seq 1 1000; sleep 0.1; done'\n",
		"strace", "-f", "--seccomp-bpf", "-o", "$DIR/trace", "-P", "$DIR/slow", "-P", "$DIR/slow.1",
		"-e", "trace=write,openat,renameat,rename,unlink,unlinkat", "-e", "inject=write,openat,renameat,rename,unlink,unlinkat:delay_enter=2000000")
	d.until("the disk is slow", func() bool { return strings.Contains(d.read("trace"), "DELAYED") })
	d.watchBeat(4 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	_, err := d.client.ClearProcessLogs(ctx, "slow")
	cancel()
	if err == nil {
		t.Log("the slow log was cleared at once")
	}
	d.watchBeat(2 * time.Second)
	before := time.Now()
	if _, err := d.client.StopProcess(t.Context(), "slow", true); err != nil {
		t.Error(err)
	}
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("stopping it took %v", took)
	}
}

// frozen makes a file system of its own at $DIR/disk for the daemon alone, and returns
// what freezes it and what thaws it.
func frozen(t *testing.T) (by []string, freeze, thaw func(d *logDaemon)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	for _, tool := range []string{"unshare", "mkfs.ext4", "mount", "fsfreeze"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	image := filepath.Join(t.TempDir(), "image")
	script := "truncate -s 16M " + image + " && mkfs.ext4 -q " + image + " && mkdir -p $DIR/disk && mount -o loop " + image + " $DIR/disk"
	if out, err := exec.Command("unshare", "-m", "sh", "-c", strings.ReplaceAll(script, "$DIR", t.TempDir())).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here: %v: %s", err, out)
	}
	do := func(option string) func(d *logDaemon) {
		return func(d *logDaemon) {
			out, err := exec.Command("fsfreeze", option, fmt.Sprintf("/proc/%d/root%s/disk", d.pid, d.dir)).CombinedOutput()
			if err != nil && option == "-f" {
				t.Skipf("it cannot be frozen: %v: %s", err, out)
			}
		}
	}
	return []string{"unshare", "-m", "sh", "-c", script + ` && exec "$@"`, "sh"}, do("-f"), do("-u")
}

// A frozen disk holds up what writes to it and nobody else: others end, are started
// again and write, and requests are answered.
func TestFrozenDisk(t *testing.T) {
	by, freeze, thaw := frozen(t)
	conf := beating
	for i := range 6 {
		conf += fmt.Sprintf("[program:frozen%d]\nstdout_logfile=$DIR/disk/log%d\nstartsecs=0\ncommand=sh -c 'while :; do date; sleep 0.02; done'\n", i, i)
	}
	d := startLogDaemon(t, devNull(t), "", conf, by...)
	inside := fmt.Sprintf("/proc/%d/root%s/disk/log2", d.pid, d.dir)
	written := func() int {
		data, _ := os.ReadFile(inside) // one that is not there yet is empty
		return len(data)
	}
	d.until("there is output", func() bool { return written() > 0 })
	t.Cleanup(func() { thaw(d) })
	freeze(d)
	d.watchBeat(3 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	if _, err := d.client.ClearProcessLogs(ctx, "frozen0"); err == nil {
		t.Error("a log on a frozen disk was cleared")
	}
	cancel()
	pid, err := d.client.PID(t.Context())
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGUSR2) // all logs are to be opened anew
	}
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if _, err := d.client.StopProcess(t.Context(), "frozen1", true); err != nil {
		t.Error(err)
	}
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("stopping a program with a log there took %v", took)
	}
	d.watchBeat(2 * time.Second)
	size := written()
	thaw(d)
	d.until("output goes on", func() bool { return written() > size })
	if took := d.terminated(); took > 10*time.Second {
		t.Errorf("supervisord ended after %v", took)
	}
}
