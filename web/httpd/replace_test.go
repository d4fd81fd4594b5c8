package httpd

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// replaced opens a listener of a section, and another in its place.
func replaced(t *testing.T, c, again Address) (old, now net.Listener) {
	t.Helper()
	old, err := Listen(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	if again.Network == "tcp" {
		again.Address = old.Addr().String()
	}
	if now, err = Replace(old, again, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { now.Close() })
	return old, now
}

// connect connects to where clients find l.
func connect(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	address := l.Addr().String()
	if l, ok := l.(*unixListener); ok {
		address = l.path
	}
	client, err := net.Dial(l.Addr().Network(), address)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// answers fails the test unless whoever connects reaches l.
func answers(t *testing.T, l net.Listener) {
	t.Helper()
	defer connect(t, l).Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
}

// Whichever of the two is closed first, the other goes on, with what waits already.
func TestReplaceKeepsTheSocket(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]Address{
		"unix": {Network: "unix", Address: filepath.Join(dir, "s"), Mode: 0o700, UID: -1, GID: -1},
		"tcp":  {Network: "tcp", Address: "127.0.0.1:0"},
	} {
		old, now := replaced(t, c, c)
		waiting := connect(t, now)
		old.Close()
		old.Close() // once more changes nothing
		server, err := now.Accept()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		server.Close()
		waiting.Close()
		answers(t, now)
		now.Close()
		if _, err = os.Lstat(c.Address); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: its file is left: %v", name, err)
		}

		old, now = replaced(t, c, c)
		now.Close()
		answers(t, old)
		old.Close()
		if _, err = os.Lstat(c.Address); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: its file is left: %v", name, err)
		}
	}
}

func TestReplaceChangesMode(t *testing.T) {
	c := Address{Network: "unix", Address: filepath.Join(t.TempDir(), "s"), UID: -1, GID: -1, Mode: 0o700}
	again := c
	again.Mode = 0o770
	_, now := replaced(t, c, again)
	if info, err := os.Lstat(c.Address); err != nil || info.Mode().Perm() != 0o770 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	answers(t, now)
}

// A socket that somebody has deleted is made again.
func TestReplaceWhatIsGone(t *testing.T) {
	c := Address{Network: "unix", Address: filepath.Join(t.TempDir(), "s"), Mode: 0o700, UID: -1, GID: -1}
	old, err := Listen(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err = os.Remove(c.Address); err != nil {
		t.Fatal(err)
	}
	now, err := Replace(old, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	old.Close()
	answers(t, now)
}
