package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"supervisor/supervise/sys"
)

// chunks is n times the byte c.
func chunks(c string, n int) []byte { return []byte(strings.Repeat(c, n)) }

// newFile returns a log that is shared with nobody.
func newFile(path string, maxBytes int64, backups int) *File {
	return NewFiles().File(path, maxBytes, backups)
}

// Write writes as the pump does.
func (f *File) Write(p []byte) {
	if s := f.Shared.Load(); s != nil {
		s.Lock(nil)
		defer s.Unlock()
		f.WriteTo(s, p)
	}
}

// Clear clears as the loop has it done.
func (f *File) Clear() error { return f.with((*OpenFile).Clear) }

func openTestLog(t testing.TB, path string, maxBytes int64, backups int) *File {
	t.Helper()
	f := newFile(path, maxBytes, backups)
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// openAtNoon opens a log that has a clock of its own, at noon, and keeps its remarks.
func openAtNoon(t testing.TB, path string, maxBytes int64, backups int) (*File, *clock, *remarks) {
	t.Helper()
	at, said := &clock{noon}, &remarks{}
	files := NewFiles()
	files.now = at.time
	f := files.File(path, maxBytes, backups)
	f.Report = said.add
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f, at, said
}

// contents is path and its backups, by what is behind the name.
func contents(t testing.TB, path string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, name := range names {
		got[strings.TrimPrefix(name, path)] = readFile(t, name)
	}
	return got
}

func TestRotation(t *testing.T) {
	large := strings.Repeat("x", 65536)
	for _, tt := range []struct {
		name     string
		maxBytes int64
		backups  int
		before   map[string]string
		writes   []string
		want     map[string]string
	}{
		{"shift", 20, 2, nil,
			[]string{strings.Repeat("A", 19), "B", "CCCC", strings.Repeat("D", 25), "EEEEE", strings.Repeat("F", 20), "GGG", strings.Repeat("H", 21), "I"},
			map[string]string{"": "I", ".1": "GGG" + strings.Repeat("H", 21), ".2": "EEEEE" + strings.Repeat("F", 20)}},
		{"large chunk", 20, 3, nil, []string{large}, map[string]string{"": "", ".1": large}},
		{"no backups", 20, 0, nil, []string{strings.Repeat("a", 19), "b", "c"}, map[string]string{"": "c"}},
		{"never", 0, 5, nil, []string{large, "b"}, map[string]string{"": large + "b"}},
		{"large at the start", 10, 1, map[string]string{"": "this is more than ten bytes\n"}, []string{"next\n", "x"},
			map[string]string{"": "x", ".1": "this is more than ten bytes\nnext\n"}},
		{"appends", 100, 1, map[string]string{"": "old "}, []string{"new"}, map[string]string{"": "old new"}},
		{"gap", 3, 4, map[string]string{".2": "two"}, []string{"abc"}, map[string]string{"": "", ".1": "abc", ".3": "two"}},
		{"gap at the end", 3, 2, map[string]string{".2": "two"}, []string{"abc"}, map[string]string{"": "", ".1": "abc", ".2": "two"}},
		{"many wanted", 3, 100_000, map[string]string{".1": "one", ".2": "two", ".7": "seven", ".99999": "last but one", ".100000": "last",
			".0": "no number", ".01": "no number", ".x": "no number", ".3.gz": "no number", ".100001": "beyond"}, []string{"abc"},
			map[string]string{"": "", ".1": "abc", ".2": "one", ".3": "two", ".8": "seven", ".100000": "last but one",
				".0": "no number", ".01": "no number", ".x": "no number", ".3.gz": "no number", ".100001": "beyond"}},
		{"more backups than wanted stay", 3, 1, map[string]string{".1": "one", ".2": "two"}, []string{"abc"},
			map[string]string{"": "", ".1": "abc", ".2": "two"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			for suffix, data := range tt.before {
				writeFile(t, path+suffix, data)
			}
			f := openTestLog(t, path, tt.maxBytes, tt.backups)
			for _, w := range tt.writes {
				f.Write([]byte(w))
			}
			compareContents(t, contents(t, path), tt.want)
		})
	}
}

// A rotation costs what is there, not what could be.
func TestRotationWithMuchRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 1, 1_000_000)
	before := time.Now()
	for range 100 {
		f.Write([]byte("x"))
	}
	if took := time.Since(before); took > 10*time.Second { // 100 million renames take minutes
		t.Errorf("100 rotations took %v", took)
	}
	if got := contents(t, path); len(got) != 101 || got[".100"] != "x" {
		t.Errorf("%d files", len(got))
	}
}

func compareContents(t *testing.T, got, want map[string]string) {
	t.Helper()
	for suffix := range want {
		if g, ok := got[suffix]; !ok || g != want[suffix] {
			t.Errorf("file%s is %.60q (there: %v), want %.60q", suffix, g, ok, want[suffix])
		}
	}
	for suffix := range got {
		if _, ok := want[suffix]; !ok {
			t.Errorf("file%s should not be there", suffix)
		}
	}
}

func writeFile(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestRotationWithoutBase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 4, 2)
	f.Write([]byte("abc"))
	remove(t, path)
	f.Write([]byte("d"))
	f.Write([]byte("e"))
	compareContents(t, contents(t, path), map[string]string{"": "e"})
}

// What copytruncate does must neither leave a hole nor count as bytes that are
// still there.
func TestTruncatedFromOutside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 10, 1)
	f.Write(chunks("a", 12)) // rotates
	f.Write(chunks("b", 8))
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("cc"))
	compareContents(t, contents(t, path), map[string]string{"": "cc", ".1": strings.Repeat("a", 12)})
	f.Write(chunks("d", 7))
	compareContents(t, contents(t, path), map[string]string{"": "cc" + strings.Repeat("d", 7), ".1": strings.Repeat("a", 12)})
	f.Write([]byte("e"))
	compareContents(t, contents(t, path), map[string]string{"": "", ".1": "cc" + strings.Repeat("d", 7) + "e"})
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 0, 0)
	f.Write([]byte("one\n"))
	rename(t, path, path+".old")
	f.Write([]byte("two\n"))
	if err := f.Reopen(); err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("three\n"))
	compareContents(t, contents(t, path), map[string]string{"": "three\n", ".old": "one\ntwo\n"})
}

func TestClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 4, 1)
	f.Write([]byte("four"))
	f.Write([]byte("one"))
	for range 2 { // the second time it is not even there
		if err := f.Clear(); err != nil {
			t.Fatal(err)
		}
		compareContents(t, contents(t, path), map[string]string{"": "", ".1": "four"})
		remove(t, path)
	}
	f.Close()
	if err := f.Clear(); err != nil {
		t.Errorf("clearing a closed log: %v", err)
	}
	compareContents(t, contents(t, path), map[string]string{".1": "four"})
}

func TestMode(t *testing.T) {
	old := syscall.Umask(0o026)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 1, 1)
	f.Write([]byte("x"))
	for _, name := range []string{path, path + ".1"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != 0o640 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestSharedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	files := NewFiles()
	a := files.File(path, 12, 2)
	b := files.File(filepath.Dir(path)+"/./a.log", 12, 2)
	for _, f := range []*File{a, a, b} { // one that is opened twice has to be closed twice
		if err := f.Open(); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		a.Write([]byte("aaa\n"))
		b.Write([]byte("bbb\n"))
	}
	compareContents(t, contents(t, path), map[string]string{
		"": "aaa\nbbb\n", ".1": "bbb\naaa\nbbb\n", ".2": "aaa\nbbb\naaa\n"})
	a.Close()
	a.Write([]byte("a\n"))
	a.Close()
	a.Write([]byte("dropped"))
	b.Write([]byte("b"))
	if got := readFile(t, path); got != "aaa\nbbb\na\nb" {
		t.Errorf("after one has closed: %q", got)
	}
	b.Close()
	b.Close()
	if len(files.Open) > 0 {
		t.Errorf("still open: %v", files.Open)
	}
}

// A program that starts opens its log by name, also if another one still has the
// renamed file open.
func TestSharedFileRenamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	files := NewFiles()
	a, b := files.File(path, 0, 0), files.File(path, 0, 0)
	if err := a.Open(); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	rename(t, path, path+".old")
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a.Write([]byte("a"))
	b.Write([]byte("b"))
	compareContents(t, contents(t, path), map[string]string{"": "ab", ".old": ""})
}

func TestOpenFails(t *testing.T) {
	files := NewFiles()
	f := files.File(filepath.Join(t.TempDir(), "no", "a.log"), 0, 0)
	if err := f.Open(); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
	f.Write([]byte("dropped"))
	f.Close()
	if len(files.Open) > 0 {
		t.Error("a file that could not be opened is in the register")
	}
}

// clock is a time that tests set.
type clock struct{ now time.Time }

func (c *clock) time() time.Time         { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// remarks collects what a log file reports.
type remarks []string

func (r *remarks) add(text string) { *r = append(*r, text) }

func (r *remarks) want(t *testing.T, want ...string) {
	t.Helper()
	if strings.Join(*r, "\n") != strings.Join(want, "\n") {
		t.Errorf("reported:\n%s\nwant:\n%s", strings.Join(*r, "\n"), strings.Join(want, "\n"))
	}
	*r = nil
}

func TestDirectoryRecreated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "a.log")
	mkdir(t, dir)
	f, at, said := openAtNoon(t, path, 0, 0)
	f.Write([]byte("one"))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	at.advance(time.Second)
	f.Write([]byte("last in the old file"))
	f.Write([]byte("12345"))
	said.want(t, "cannot write to "+path+": no such file or directory, 5 bytes lost so far")
	f.Write([]byte("678"))
	mkdir(t, dir)
	f.Write([]byte("9")) // too early for another look
	at.advance(time.Second)
	f.Write([]byte("two"))
	said.want(t)
	at.advance(time.Minute)
	f.Write([]byte("three"))
	f.Write([]byte("four"))
	said.want(t, path+" can be written to again, 9 bytes were lost")
	if got := readFile(t, path); got != "twothreefour" {
		t.Errorf("file %q", got)
	}
}

// A log that was renamed or deleted is written to for no more than a second of
// output; what is in its place then is appended to.
func TestNameLeadsElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t testing.TB, path string)
		want   map[string]string
	}{
		{"renamed", func(t testing.TB, path string) { rename(t, path, path+".old") },
			map[string]string{".old": "onetwothree", "": "fourfive"}},
		{"deleted", remove, map[string]string{"": "fourfive"}},
		{"replaced", func(t testing.TB, path string) {
			writeFile(t, path+".new", "new")
			rename(t, path+".new", path)
		}, map[string]string{"": "newfourfive"}},
		{"renamed, with a directory in its place", func(t testing.TB, path string) {
			rename(t, path, filepath.Dir(path)+"/old")
			mkdir(t, path)
		}, nil},
		{"nothing", func(testing.TB, string) {}, map[string]string{"": "onetwothreefourfive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			f, at, _ := openAtNoon(t, path, 0, 0)
			f.Write([]byte("one"))
			tt.change(t, path)
			f.Write([]byte("two"))
			at.advance(time.Second)
			f.Write([]byte("three"))
			f.Write([]byte("four"))
			at.advance(time.Hour)
			f.Write([]byte("five"))
			if tt.want == nil {
				if got := readFile(t, filepath.Dir(path)+"/old"); got != "onetwothreefourfive" {
					t.Errorf("the renamed file has %q", got)
				}
				return
			}
			compareContents(t, contents(t, path), tt.want)
		})
	}
}

func TestReopenFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "a.log")
	mkdir(t, dir)
	f, at, _ := openAtNoon(t, path, 0, 0)
	rename(t, dir, dir+".old")
	if err := f.Reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	f.Write([]byte("old"))
	mkdir(t, dir)
	at.advance(time.Second)
	f.Write([]byte("new"))
	if got := readFile(t, dir+".old/a.log"); got != "old" {
		t.Errorf("old file: %q", got)
	}
	if got := readFile(t, path); got != "new" {
		t.Errorf("new file: %q", got)
	}
}

func TestRotationFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	mkdir(t, path+".1")
	mkdir(t, path+".1/full")
	f, at, said := openAtNoon(t, path, 3, 1)
	f.Write([]byte("abc"))
	if len(*said) != 1 || !strings.HasPrefix((*said)[0], "cannot rotate "+path+": ") {
		t.Errorf("reported %q", *said)
	}
	f.Write([]byte("def"))
	if got := readFile(t, path); got != "abcdef" {
		t.Errorf("file %q", got)
	}
	if err := os.RemoveAll(path + ".1"); err != nil {
		t.Fatal(err)
	}
	at.advance(time.Second)
	f.Write([]byte("g"))
	compareContents(t, contents(t, path), map[string]string{"": "", ".1": "abcdefg"})
}

// What stands in the place of the last backup is deleted, but never a directory,
// and a link goes without what it points to.
func TestRotationDeletes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		place func(t testing.TB, path string)
		kept  bool
	}{
		{"a file", func(t testing.TB, path string) { writeFile(t, path, "old") }, false},
		{"a file that cannot be read", func(t testing.TB, path string) {
			writeFile(t, path, "old")
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"an empty directory", mkdir, true},
		{"a link", func(t testing.TB, path string) {
			writeFile(t, filepath.Dir(path)+"/target", "not a log")
			if err := os.Symlink("target", path); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			tt.place(t, path+".1")
			f := newFile(path, 3, 1)
			if err := f.Open(); err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			f.Write([]byte("abc"))
			f.Write([]byte("d"))
			info, err := os.Lstat(path + ".1")
			if err != nil {
				t.Fatal(err)
			}
			if info.IsDir() != tt.kept {
				t.Errorf("the backup is now %v", info.Mode())
			}
			if !tt.kept {
				compareContents(t, contents(t, path), map[string]string{"": "d", ".1": "abc"})
			}
			if _, err := os.Lstat(filepath.Dir(path) + "/target"); err == nil && readFile(t, filepath.Dir(path)+"/target") != "not a log" {
				t.Error("the target of the link was changed")
			}
		})
	}
}

func TestFullDisk(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skipf("no full disk here: %v", err)
	}
	f, at, said := openAtNoon(t, full, 10, 1)
	f.Write(chunks("x", 100))
	f.Write(chunks("x", 100))
	at.advance(time.Minute)
	f.Write(chunks("x", 50))
	said.want(t,
		"cannot write to /dev/full: no space left on device, 100 bytes lost so far",
		"cannot write to /dev/full: no space left on device, 250 bytes lost so far")
	if err := f.Clear(); err != nil {
		t.Errorf("clear: %v", err)
	}
	if _, err := os.Stat(full); err != nil {
		t.Errorf("clearing has deleted the device: %v", err)
	}
}

func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, at, said := openAtNoon(t, path, 5, 1)
	f.Write([]byte("lost"))
	said.want(t, "cannot write to "+path+": nobody reads this pipe, 4 bytes lost so far")
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	at.advance(time.Second)
	f.Write([]byte("more than five"))
	buf := make([]byte, 100)
	n, err := reader.Read(buf)
	if err != nil || string(buf[:n]) != "more than five" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	compareContents(t, contents(t, path+"."), map[string]string{})
}

// Closing must not wait for a reader that takes its time.
func TestCloseWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	f := openTestLog(t, path, 0, 0)
	written := make(chan struct{})
	go func() {
		defer close(written)
		f.Write(make([]byte, 1<<20)) // more than any pipe holds
	}()
	if _, err := reader.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	f.Close()
	<-written
}

func TestWriteConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := openTestLog(t, path, 1000, 1000)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 250 {
				f.Write([]byte("0123456789\n"))
			}
		})
	}
	for range 20 {
		if err := f.Reopen(); err != nil {
			t.Error(err)
		}
	}
	writers.Wait()
	total := 0
	for suffix, data := range contents(t, path) {
		total += len(data)
		if strings.Count(data, "0123456789\n")*11 != len(data) {
			t.Errorf("file%s has broken lines", suffix)
		}
	}
	if total != 11000 {
		t.Errorf("%d bytes of 11000", total)
	}
}

func TestPrivateLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	open := func() error {
		f := newFile(path, 0, 0)
		f.Private = true
		defer f.Close()
		return f.Open()
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	rename(t, path, path+".real")
	if err := os.Symlink(path+".real", path); err != nil {
		t.Fatal(err)
	}
	if err := open(); err == nil {
		t.Error("it went through a symbolic link")
	}
	remove(t, path)
	if os.Geteuid() != 0 {
		t.Log("skipped: giving a file away needs root")
		return
	}
	writeFile(t, path, "")
	if err := os.Chown(path, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, errNotOurs) {
		t.Errorf("somebody else's file: %v", err)
	}
}

func TestStreamFD(t *testing.T) {
	for path, want := range map[string]int{
		"/dev/stdout": 1, "/dev/stderr": 2, "/dev/fd/2": 2, "/proc/self/fd/1": 1, "/dev/fd/17": 17,
		"/tmp/x": -1, "/dev/fd/": -1, "/dev/fd/01": -1, "/dev/fd/-1": -1, "/dev/fd/1x": -1,
	} {
		if got := StreamFD(path); got != want {
			t.Errorf("StreamFD(%s) = %d", path, got)
		}
	}
}

// standardOutput makes file our standard output for as long as a test runs.
func standardOutput(t *testing.T, file *os.File) {
	t.Helper()
	before, err := sys.DupCloexec(1)
	if err == nil {
		err = sys.Duplicate(int(file.Fd()), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Duplicate(before, 1); err != nil {
			t.Fatal(err)
		}
		syscall.Close(before)
	})
}

// A stream that leads to a file is appended to by all who write to it, and neither
// rotated nor deleted.
func TestStandardOutputToFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "all.txt")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	standardOutput(t, file)
	files := NewFiles()
	a, b := files.File("/dev/stdout", 3, 1), files.File("/dev/fd/1", 3, 1)
	for _, f := range []*File{a, b} {
		if err = f.Open(); err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	a.Write([]byte("one\n"))
	b.Write([]byte("two\n"))
	if _, err = file.WriteString("three\n"); err != nil {
		t.Fatal(err)
	}
	a.Write([]byte("four\n"))
	if err = a.Clear(); err != nil {
		t.Error(err)
	}
	a.Write([]byte("five\n"))
	compareContents(t, contents(t, path), map[string]string{"": "one\ntwo\nthree\nfour\nfive\n"})
}

// Of other streams the opening is ours alone, if they can be opened.
func TestStandardOutputToPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	standardOutput(t, w)
	f := newFile("/dev/stdout", 3, 1)
	if err = f.Open(); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Write([]byte("line\n"))
	buf := make([]byte, 100)
	if n, err := r.Read(buf); string(buf[:n]) != "line\n" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

// A descriptor that nobody has given us is one of our own making: not for logs.
func TestUnknownStream(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd := int(file.Fd())
	path := "/dev/fd/" + strconv.Itoa(fd)
	files := NewFiles()
	if err = files.File(path, 0, 0).Open(); !errors.Is(err, syscall.EBADF) {
		t.Errorf("got %v", err)
	}
	files.Streams = 1 << fd
	f := files.File(path, 0, 0)
	if err = f.Open(); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if InheritedStreams()&(1<<fd) != 0 {
		t.Error("it counts as inherited, and is closed on exec")
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFD, 0); errno != 0 {
		t.Fatal(errno)
	}
	if InheritedStreams()&(1<<fd) == 0 {
		t.Error("it does not count as inherited")
	}
}

func TestWriteAllocates(t *testing.T) {
	for _, maxBytes := range []int64{0, 1 << 30} {
		f := openTestLog(t, filepath.Join(t.TempDir(), "a.log"), maxBytes, 1)
		chunk := chunks("x", 100)
		if n := testing.AllocsPerRun(200, func() { f.Write(chunk) }); n > 0 {
			t.Errorf("maxbytes %d: %v allocations", maxBytes, n)
		}
	}
}

func mkdir(t testing.TB, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkLogFile(b *testing.B) {
	for _, bb := range []struct {
		name     string
		size     int
		maxBytes int64
	}{
		{"line", 80, 0},
		{"chunk", 64 << 10, 64 << 20},
		{"rotate each", 80, 1},
	} {
		b.Run(bb.name, func(b *testing.B) {
			f := openTestLog(b, filepath.Join(b.TempDir(), "a.log"), bb.maxBytes, 1)
			chunk := chunks("x", bb.size)
			b.SetBytes(int64(bb.size))
			b.ReportAllocs()
			for b.Loop() {
				f.Write(chunk)
			}
		})
	}
}
