package supervise

import (
	"path/filepath"
	"syscall"
	"testing"

	"supervisor/xmlrpc"
)

// A named pipe is not waited for, and nothing is taken from it.
func TestReadLogOfPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := readLog(path, 0, 0); text != "" || err == nil || err.Error() != xmlrpc.NewFault(xmlrpc.Failed).Error() {
		t.Errorf("readLog: %q, %v", text, err)
	}
	if tail := tailLog(path, 0, 100); tail != (xmlrpc.Tail{}) {
		t.Errorf("tailLog: %+v", tail)
	}
	if fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK, 0); err != syscall.ENXIO {
		t.Errorf("somebody has it open for reading: %d, %v", fd, err)
	}
}
