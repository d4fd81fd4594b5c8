package supervise

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"supervisor/supervise/logs"
)

// TestShown: a bad request does not fill the log.
func TestShown(t *testing.T) {
	if got := shown([]byte("<x\n")); got != `'<x\n'` {
		t.Errorf("got %s", got)
	}
	if got := shown([]byte(strings.Repeat("\x01", 8<<20))); len(got) > 4<<10+100 || !strings.HasSuffix(got, `\x01'... (8388608 bytes)`) {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-40:])
	}
}

// TestPidfile: only the file that was written is removed.
func TestPidfile(t *testing.T) {
	log, err := logs.NewLogger(logs.LoggerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	path := filepath.Join(t.TempDir(), "x.pid")
	write := func() pidfile { return writePidfile(path, log) }
	gone := func() bool { _, err := os.Lstat(path); return err != nil }

	if write().remove(); !gone() {
		t.Error("ours is still there")
	}
	p := write()
	writeFile(t, path, "1\n") // in place
	if p.remove(); gone() {
		t.Error("one that another has written to was removed")
	}
	p = write()
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "1\n")
	if p.remove(); gone() {
		t.Error("another's file was removed")
	}
	os.Remove(path)
	if err := os.Symlink("/dev/null", path); err != nil {
		t.Fatal(err)
	}
	if write().remove(); gone() {
		t.Error("a link to a device was removed")
	}
	if p := writePidfile("/dev/null", log); p.file != nil {
		t.Error("a device is taken for ours")
	}
}

func writeFile(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}
