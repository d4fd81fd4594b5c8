package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCreateAutoLog(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	names := make(map[string]bool)
	for range 20 {
		path, err := CreateAuto(".", "web:1", Stderr, "supervisor")
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(path) != dir {
			t.Errorf("%s is not in %s", path, dir)
		}
		if name := filepath.Base(path); !regexp.MustCompile(`^web:1-stderr---supervisor-[a-z0-9_]{8}\.log$`).MatchString(name) {
			t.Errorf("name %s", name)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 || info.Size() != 0 {
			t.Errorf("%v, %v", info, err)
		}
		names[path] = true
	}
	if len(names) != 20 {
		t.Errorf("%d names of 20 files", len(names))
	}
	_, err := CreateAuto(filepath.Join(dir, "no"), "a", Stdout, "b")
	if want := "cannot create the stdout log of a in childlogdir=" + dir + "/no as user "; !errors.Is(err, fs.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), ": no such file or directory") {
		t.Errorf("missing directory: %v", err)
	}
}

func TestCleanAutoLogs(t *testing.T) {
	for _, tt := range []struct {
		name, identifier string
		gone, kept       []string
	}{
		{"default", "supervisor",
			[]string{"x-stdout---supervisor-abc.log", "x-stdout---supervisor-abc.log.1", "x---supervisor-abc.log.12345x",
				"x---supervisor-y.logXYZ", "---x---supervisor-q.log", "x---supervisor---supervisor-é.log"},
			[]string{"---supervisor-abc.log", "x---other-abc.log", "x---supervisor-a b.log", "x---supervisor-a\u00a0b.log",
				"foo---supervisor-.log", "x--supervisor-a.log", "x---supervisor-a.lo", "x---supervisor2-a.log", "a\nb---supervisor-a.log"}},
		{"pattern", "my.id", []string{"x---my.id-a.log", "x---myXid-a.log"}, []string{"x---myid-a.log"}},
		{"alternatives", "a|b", []string{"x---a-1.log", "x---b-1.log"}, []string{"x---c-1.log"}},
		{"no pattern", "a(b", []string{"x---a(b-1.log"}, []string{"x---ab-1.log"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range slices.Concat(tt.gone, tt.kept) {
				writeFile(t, filepath.Join(dir, name), "")
			}
			if trouble := CleanAuto(dir, tt.identifier); len(trouble) > 0 {
				t.Errorf("trouble: %v", trouble)
			}
			for _, name := range tt.gone {
				if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
					t.Errorf("%q is still there", name)
				}
			}
			for _, name := range tt.kept {
				if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestCleanAutoLogsTrouble(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "no")
	if got := CleanAuto(missing, "x"); !slices.Equal(got, []string{"Could not clear childlog dir"}) {
		t.Errorf("missing directory: %v", got)
	}
	// A directory is nobody's log, whatever its name.
	path := filepath.Join(dir, "a---x-1.log")
	mkdir(t, path)
	if got := CleanAuto(dir, "x"); !slices.Equal(got, []string{"Failed to clean up '" + path + "'"}) {
		t.Errorf("directory: %v", got)
	}
	// Of a symbolic link the link goes, not what it points to.
	other := filepath.Join(dir, "precious")
	writeFile(t, other, "")
	if err := os.Symlink(other, filepath.Join(dir, "b---x-1.log")); err != nil {
		t.Fatal(err)
	}
	CleanAuto(dir, "x")
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "b---x-1.log")); err == nil {
		t.Error("the link is still there")
	}
}
