package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 4, 12, 0, 5, 7_999_999, time.UTC)

func TestLoggerLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.log")
	var echo bytes.Buffer
	log, err := NewLogger(LoggerOptions{
		Level: Debug, Path: path, Echo: &echo,
		Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.Crit("spawned: '%s' with pid %d", "a", 17)
	log.Error("%d%%", 100)
	log.Warn("two\nlines")
	log.Info("'é'")
	log.Debug("")
	log.Trace("not this")
	log.Blather("nor this")
	log.Flush()
	const want = "2026-03-04 12:00:05,007 CRIT spawned: 'a' with pid 17\n" +
		"2026-03-04 12:00:05,007 ERRO 100%\n" +
		"2026-03-04 12:00:05,007 WARN two\nlines\n" +
		"2026-03-04 12:00:05,007 INFO 'é'\n" +
		"2026-03-04 12:00:05,007 DEBG \n"
	if got := readFile(t, path); got != want {
		t.Errorf("file:\n%s\nwant:\n%s", got, want)
	}
	if got := echo.String(); got != want {
		t.Errorf("echo:\n%s\nwant:\n%s", got, want)
	}
	for level, want := range map[Level]bool{Critical: true, Debug: true, Trace: false, Blather: false} {
		if got := log.Enabled(level); got != want {
			t.Errorf("Enabled(%v) = %v", level, got)
		}
	}
	if got := string(appendLinePrefix(nil, noon, Trace)) + string(appendLinePrefix(nil, noon, Blather)); got !=
		"2026-03-04 12:00:05,007 TRAC 2026-03-04 12:00:05,007 BLAT " {
		t.Errorf("prefixes %q", got)
	}
}

func TestLoggerNowhere(t *testing.T) {
	var none *Logger
	zero, err := NewLogger(LoggerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range []*Logger{none, zero} {
		log.Info("dropped %d", 1)
		if log.Path() != "" || !errors.Is(log.Clear(t.Context()), fs.ErrNotExist) {
			t.Errorf("%+v is more than nothing", log)
		}
		log.Reopen("dropped")
		log.Flush()
		log.Close()
	}
	if none.Enabled(Critical) {
		t.Error("nobody wants critical lines")
	}
}

func TestLoggerCannotOpen(t *testing.T) {
	_, err := NewLogger(LoggerOptions{Path: filepath.Join(t.TempDir(), "no", "s.log")})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestLoggerRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.log")
	log, err := NewLogger(LoggerOptions{Path: path, MaxBytes: 60, Backups: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for i := range 5 {
		log.Info("line %d", i) // 36 bytes
	}
	log.Flush()
	if got := readFile(t, path); !strings.HasSuffix(got, "INFO line 4\n") || len(got) != 36 {
		t.Errorf("file %q", got)
	}
	if got := readFile(t, path+".1"); !strings.Contains(got, "line 2\n") || !strings.HasSuffix(got, "line 3\n") {
		t.Errorf("backup %q", got)
	}
}

func TestLoggerReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.log")
	log, err := NewLogger(LoggerOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.Info("one")
	log.Flush()
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	log.Info("two")
	log.Reopen("last but one", "last")
	log.Info("three")
	log.Flush()
	if got := readFile(t, path+".old"); !strings.Contains(got, "one\n") || !strings.Contains(got, "INFO two\n") ||
		!strings.Contains(got, "INFO last but one\n") || !strings.HasSuffix(got, "INFO last\n") {
		t.Errorf("old file %q", got)
	}
	if got := readFile(t, path); !strings.HasSuffix(got, "three\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("new file %q", got)
	}
}

func TestLoggerClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.log")
	var echo bytes.Buffer
	log, err := NewLogger(LoggerOptions{Path: path, Echo: &echo})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.Info("old")
	if err := log.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	log.Flush()
	if got := readFile(t, path); got != "" {
		t.Errorf("file after clearing: %q", got)
	}
	// One for the echo and one for the file, as Supervisor has it.
	if got := strings.Count(echo.String(), "INFO reopening log file\n"); got != 2 {
		t.Errorf("echo:\n%s", &echo)
	}
	log.Info("new")
	log.Flush()
	if got := readFile(t, path); !strings.HasSuffix(got, "new\n") {
		t.Errorf("file %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := log.Clear(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("clearing a missing file: %v", err)
	}
}

func TestLoggerConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.log")
	log, err := NewLogger(LoggerOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for j := range 50 {
				log.Info("writer %d line %d end", i, j)
			}
		})
	}
	writers.Wait()
	log.Close()
	lines := strings.Split(strings.TrimSuffix(readFile(t, path), "\n"), "\n")
	if len(lines) != 400 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		var i, j int
		if _, err := fmt.Sscanf(line[len("2006-01-02 15:04:05,000 "):], "INFO writer %d line %d end", &i, &j); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func TestLoggerAllocates(t *testing.T) {
	log, err := NewLogger(LoggerOptions{Level: Info, Path: filepath.Join(t.TempDir(), "s.log")})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, tt := range []struct {
		name string
		run  func()
	}{
		{"plain line", func() { log.Info("received SIGCHLD indicating a child quit") }},
		{"complete line", func() { log.Say(Info, "exited: a (exit status 0; expected)") }},
		{"level off", func() { log.Debug("received %s indicating a child quit", "SIGCHLD") }},
	} {
		if n := testing.AllocsPerRun(200, tt.run); n > 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

func BenchmarkLogger(b *testing.B) {
	log, err := NewLogger(LoggerOptions{Level: Info, Path: filepath.Join(b.TempDir(), "s.log")})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	b.Run("on", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			log.Info("spawned: '%s' with pid %d", "web", 12345)
		}
	})
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if log.Enabled(Debug) {
				log.Debug("'%s' %s output:\n%s", "web", "stdout", "text")
			}
		}
	})
}

// A log of JSON has an object a line, with what is known of the program that it is about.
func TestLoggerJSON(t *testing.T) {
	noon := time.Date(2026, 3, 1, 13, 0, 0, 7_900_000, time.FixedZone("", 3600))
	path := filepath.Join(t.TempDir(), "log")
	var echo bytes.Buffer
	l, err := NewLogger(LoggerOptions{JSON: true, Path: path, Echo: &echo, Level: Info, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	l.Crit("a \"quoted\"\nsecond %d", 1)
	l.Debug("not this")
	l.SayAbout(Warn, About{Program: "web", PID: 7, Event: "exited"}, "exited: web")
	l.Reopen("reopened")
	l.Close()
	want := `{"time":"2026-03-01T12:00:00.007Z","level":"CRIT","message":"a \"quoted\"\nsecond 1"}
{"time":"2026-03-01T12:00:00.007Z","level":"WARN","message":"exited: web","program":"web","pid":7,"event":"exited"}
{"time":"2026-03-01T12:00:00.007Z","level":"INFO","message":"reopened"}
`
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("logged %s (%v)", got, err)
	}
	if echo.String() != want {
		t.Errorf("shown %s", echo.String())
	}
	if got, want := string(l.lost(3)), `{"time":"2026-03-01T12:00:00.007Z","level":"WARN","message":"3 lines are missing here: they could not be written in time"}`+"\n"; got != want {
		t.Errorf("got %s", got)
	}
}
