package stories

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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
	pid    int
	client *xmlrpc.Client
	ended  chan syscall.WaitStatus
}

// startLogDaemon starts a supervisord whose standard output is stdout. supervisord
// is what its section says besides the names of files, conf is what follows; $DIR
// stands for the directory.
func startLogDaemon(t *testing.T, stdout *os.File, supervisord, conf string) *logDaemon {
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
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	d.pid, err = syscall.ForkExec(filepath.Join(links, "supervisord"), []string{"supervisord", "-n", "-c", file},
		&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{null.Fd(), stdout.Fd(), 2}})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var ws syscall.WaitStatus
		_, _ = syscall.Wait4(d.pid, &ws, 0, nil)
		d.ended <- ws
	}()
	t.Cleanup(d.kill)
	if d.client, err = xmlrpc.NewClient("unix://"+filepath.Join(d.dir, "s"), "", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.client.Close() })
	d.until("supervisord answers", func() bool {
		_, err := d.client.PID(context.Background())
		return err == nil
	})
	return d
}

// kill ends a daemon that has not ended by itself.
func (d *logDaemon) kill() {
	select {
	case <-d.ended:
	default:
		_ = syscall.Kill(d.pid, syscall.SIGKILL)
		<-d.ended
	}
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
	before := time.Now()
	if err := syscall.Kill(d.pid, syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
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
