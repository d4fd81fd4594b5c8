package supervise

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLookArgv0(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"plain": 0o600, "program": 0o700} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for argv0, want := range map[string]string{"program": dir + "/program", "plain": "plain", "a/program": "a/program"} {
		if got := LookArgv0(argv0, "/nope:"+dir); got != want {
			t.Errorf("LookArgv0(%q) = %q, want %q", argv0, got, want)
		}
	}
}
