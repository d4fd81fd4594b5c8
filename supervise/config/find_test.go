package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFind tries the places in their order.
func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"etc/supervisord.conf", "supervisord.conf", "d/supervisord.conf", "d/etc/supervisord.conf"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Find("d/bin/supervisord"); err != nil || got != name {
			t.Errorf("Find = %q, %v, want %q", got, err, name)
		}
	}
	if got, err := Find("bin/supervisord"); err != nil || got != "etc/supervisord.conf" {
		t.Errorf("with a relative program: %q, %v", got, err)
	}
}

func TestPythonDir(t *testing.T) {
	for path, want := range map[string]string{"/usr/bin/x": "/usr/bin", "/usr": "/", "/": "/", "x": "", "": "", "a//b": "a", "//x": "//", "bin/x": "bin"} {
		if got := pythonDir(path); got != want {
			t.Errorf("pythonDir(%q) = %q, want %q", path, got, want)
		}
	}
}
