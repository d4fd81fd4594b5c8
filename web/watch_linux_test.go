package web

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWatcherOverflow: when the kernel lost events everyone looks.
func TestWatcherOverflow(t *testing.T) {
	w, err := newWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "")
	s := w.subscribe()
	if err := s.watch(path, filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.tell(-1, syscall.IN_Q_OVERFLOW)
	w.mu.Unlock()
	<-s.wake
	s.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.subs) != 0 {
		t.Errorf("left: %v", w.subs)
	}
}

// TestWatcherErrors: a directory that is not there cannot be watched, nor can
// anything after close.
func TestWatcherErrors(t *testing.T) {
	w, err := newWatcher()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := w.subscribe()
	if err := s.watch(dir+"/none", dir); err != nil {
		t.Error("a file that is not there yet:", err)
	}
	if err := s.watch(dir+"/none/log", dir+"/none"); err == nil {
		t.Error("a directory that is not there was watched")
	}
	w.close()
	if err := s.watch(dir+"/log", dir); err == nil {
		t.Error("watched after close")
	}
	s.close()
}

// TestWatches: streams share one watcher, and leave nothing in it.
func TestWatches(t *testing.T) {
	ts, path := logServer(t, "hello\n")
	first, second := open(t, ts, "GET /logtail/demo"+tailClient), open(t, ts, "GET /logtail/demo"+tailClient)
	for _, s := range []*stream{first, second} {
		s.expect("hello\n")
	}
	count := func() int {
		ts.watcher.mu.Lock()
		defer ts.watcher.mu.Unlock()
		return len(ts.watcher.subs)
	}
	eventually(t, "a file and a directory are watched", func() bool { return count() == 2 })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, path, "new\n")
	for _, s := range []*stream{first, second} {
		s.expect("new\n")
	}
	eventually(t, "the old file is forgotten", func() bool { return count() == 2 })
	first.nc.Close()
	second.nc.Close()
	eventually(t, "all is forgotten", func() bool { return count() == 0 })
}

// TestWatchAgain: what could not be watched is watched as soon as it can be, and
// then not looked at any more.
func TestWatchAgain(t *testing.T) {
	ts, path := logServer(t, "")
	c := ts.subscribe()
	defer c.close()
	ts.newWatcher = func() (*watcher, error) { return nil, syscall.EMFILE }
	c.watch(t.Context(), path)
	if c.ticker == nil || c.subscription != nil {
		t.Fatal("without a watcher nothing looks at the log")
	}
	ts.newWatcher = newWatcher
	c.wait(t.Context()) // for the ticker
	if c.ticker != nil || c.subscription == nil {
		t.Error("the log is looked at now and then although it can be watched")
	}
}
