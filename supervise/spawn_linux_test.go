package supervise

import (
	"os"
	"syscall"
	"testing"

	"supervisor/supervise/config"
	"supervisor/supervise/spawn"
	"supervisor/supervise/sys"
	"supervisor/supervise/vfork"
)

// A child that cannot become its program is started a second time, as our own
// binary, and its end can be waited for like that of any other.
func TestSecondWay(t *testing.T) {
	starter, err := spawn.NewStarter(new(spawn.Starters), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer starter.Close()
	w := &spawner{starter: starter, executable: "/bin/true"}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd := int(null.Fd())
	cfg := &config.Program{Command: "/bin/cat", Directory: "/no/such/directory", Umask: -1}
	c, err := new(Supervisor).command(&process{cfg: cfg})
	if err != nil {
		t.Fatal(err)
	}
	a := &attempt{cfg: cfg, command: c, file: c.words[0], pipes: spawn.Pipes{Child: [4]int{fd, fd, fd, -1}}}
	pid, pidfd, err := w.fork(a, -1)
	if err != nil {
		t.Fatal(err)
	}
	if own := vfork.OpenPID(os.Getpid()); own >= 0 {
		syscall.Close(own)
		if pidfd < 0 {
			t.Error("it has no descriptor")
		}
	}
	syscall.Close(pidfd)
	var ws syscall.WaitStatus
	if _, err := sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(pid, &ws, 0, nil) }); err != nil || ws.ExitStatus() != 0 {
		t.Errorf("%v, %v", ws, err)
	}
}
