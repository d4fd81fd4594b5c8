package web

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const inUse = "Another program is already listening on a port that one of our HTTP servers is configured to use.  " +
	"Shut this program down first before starting supervisord."

// socketDir returns a directory whose name is short enough for sockets.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func unixConfig(path string) ListenConfig {
	return ListenConfig{Section: "unix_http_server", Network: "unix", Address: path, Mode: 0o700, UID: -1, GID: -1}
}

func mustListen(t *testing.T, c ListenConfig, stderr io.Writer) net.Listener {
	t.Helper()
	l, err := Listen(c, stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// names returns what is in a directory.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestListenMode(t *testing.T) {
	for _, mode := range []fs.FileMode{0, 0o700, 0o777, 0o660} {
		dir := socketDir(t)
		c := unixConfig(filepath.Join(dir, "s"))
		c.Mode = mode
		l := mustListen(t, c, io.Discard)
		info, err := os.Lstat(c.Address)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != fs.ModeSocket|mode {
			t.Errorf("asked for %v: got %v", mode, info.Mode())
		}
		if got := names(t, dir); got != "s" {
			t.Errorf("the directory holds %s", got)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); got != "" {
			t.Errorf("after Close the directory holds %s", got)
		}
	}
}

func TestListenOwner(t *testing.T) {
	c := unixConfig(filepath.Join(socketDir(t), "s"))
	c.UID, c.GID = 12345, -1
	if os.Getuid() == 0 {
		mustListen(t, c, io.Discard)
		info, err := os.Lstat(c.Address)
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 12345 || int(stat.Gid) != os.Getgid() {
			t.Errorf("owner is %d:%d", stat.Uid, stat.Gid)
		}
		return
	}
	_, err := Listen(c, io.Discard)
	if err == nil || err.Error() != chownError(c).Error() {
		t.Errorf("got %v", err)
	}
	if got := names(t, filepath.Dir(c.Address)); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

func TestChownError(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	want := `Not permitted to chown /run/s to uid/gid (0, -1); adjust "sockchown" value in config file ` +
		`or on command line to values that the current user (` + u.Username + `) can successfully chown`
	if got := chownError(ListenConfig{Address: "/run/s", UID: 0, GID: -1}).Error(); got != want {
		t.Errorf("got %s", got)
	}
}

// TestListenStale: what a killed supervisord left is removed, with a word.
func TestListenStale(t *testing.T) {
	dir := socketDir(t)
	c := unixConfig(filepath.Join(dir, "s"))
	for _, left := range []string{c.Address, c.Address + "." + strconv.Itoa(os.Getpid())} {
		dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		dead.SetUnlinkOnClose(false)
		dead.Close()
	}
	var stderr bytes.Buffer
	l := mustListen(t, c, &stderr)
	if want := "Unlinking stale socket " + c.Address + "\n"; stderr.String() != want {
		t.Errorf("said %q", stderr.String())
	}
	if got := names(t, dir); got != "s" {
		t.Errorf("the directory holds %s", got)
	}
	nc, err := net.Dial("unix", c.Address)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	l.Close()
}

// TestListenInUse: a live one is left alone.
func TestListenInUse(t *testing.T) {
	dir := socketDir(t)
	c := unixConfig(filepath.Join(dir, "s"))
	mustListen(t, c, io.Discard)
	var stderr bytes.Buffer
	if _, err := Listen(c, &stderr); err == nil || err.Error() != inUse {
		t.Errorf("got %v", err)
	}
	if stderr.Len() > 0 {
		t.Errorf("said %q", stderr.String())
	}
	if got := names(t, dir); got != "s" {
		t.Errorf("the directory holds %s", got)
	}

	tcp := mustListen(t, ListenConfig{Network: "tcp", Address: "127.0.0.1:0"}, io.Discard)
	if _, err := Listen(ListenConfig{Network: "tcp", Address: tcp.Addr().String()}, io.Discard); err == nil || err.Error() != inUse {
		t.Errorf("tcp: got %v", err)
	}
}

// TestListenNotSocket: nothing but a socket is ever removed.
func TestListenNotSocket(t *testing.T) {
	dir := socketDir(t)
	file, folder, link := filepath.Join(dir, "file"), filepath.Join(dir, "folder"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("precious"), 0o600), os.Mkdir(folder, 0o700), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	for _, path := range []string{file, folder, link} {
		var stderr bytes.Buffer
		_, err := Listen(unixConfig(path), &stderr)
		if want := "Cannot open an HTTP server: " + path + " exists and is not a socket"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if stderr.Len() > 0 {
			t.Errorf("said %q", stderr.String())
		}
	}
	own := filepath.Join(dir, "s."+strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(unixConfig(filepath.Join(dir, "s")), io.Discard); err == nil {
		t.Error("a file in the place of our own name was removed")
	}
	os.Remove(own)
	if got := names(t, dir); got != before {
		t.Errorf("the directory holds %s", got)
	}
}

// TestListenErrors has Supervisor's texts.
func TestListenErrors(t *testing.T) {
	dir := socketDir(t)
	for _, row := range []struct{ network, address, want string }{
		{"unix", dir + "/none/s", "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)"},
		{"unix", "/dev/null/s", "Cannot open an HTTP server: socket.error reported errno.ENOTDIR (20)"},
		{"unix", dir + "/" + strings.Repeat("x", 100), "Cannot open an HTTP server: socket.error reported AF_UNIX path too long"},
		{"tcp", "192.0.2.1:0", "Cannot open an HTTP server: socket.error reported errno.EADDRNOTAVAIL (99)"},
		{"tcp", "[nonsense:0", "Cannot open an HTTP server: socket.error reported -2"},
		{"tcp", "[::zz]:0", "Cannot open an HTTP server: socket.error reported -2"},
	} {
		l, err := Listen(ListenConfig{Network: row.network, Address: row.address, UID: -1, GID: -1}, io.Discard)
		if err == nil {
			l.Close()
		}
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: got %v, want %s", row.address, err, row.want)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	for address, want := range map[string]string{
		":0": "0.0.0.0:", "*:0": "0.0.0.0:", "127.0.0.1:0": "127.0.0.1:", "localhost:0": "127.0.0.1:", "[::1]:0": "[::1]:", "::1:0": "[::1]:",
	} {
		l, err := Listen(ListenConfig{Network: "tcp", Address: address}, io.Discard)
		if err != nil && strings.Contains(want, "::1") && !haveIPv6() {
			t.Logf("%s: not tried, there is no IPv6 here", address)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := l.Addr().String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: listens on %s", address, got)
		}
		l.Close()
	}
}

func haveIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// TestCloseLeavesOthers: a socket that has taken our path meanwhile stays.
func TestCloseLeavesOthers(t *testing.T) {
	c := unixConfig(filepath.Join(socketDir(t), "s"))
	first := mustListen(t, c, io.Discard)
	if err := os.Remove(c.Address); err != nil {
		t.Fatal(err)
	}
	mustListen(t, c, io.Discard)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	nc, err := net.Dial("unix", c.Address)
	if err != nil {
		t.Fatal("the second is gone: ", err)
	}
	nc.Close()
}

func TestURL(t *testing.T) {
	for _, row := range []struct{ network, address, want string }{
		{"unix", "/run/s", "unix:///run/s"}, {"tcp", ":9001", "http://localhost:9001"}, {"tcp", "*:9001", "http://localhost:9001"},
		{"tcp", "127.0.0.1:9001", "http://127.0.0.1:9001"}, {"tcp", "[::1]:9001", "http://[::1]:9001"},
	} {
		if got := (ListenConfig{Network: row.network, Address: row.address}).URL(); got != row.want {
			t.Errorf("%s: got %s", row.address, got)
		}
	}
}

// TestTouchedSocket: an empty file at the path of a socket was only made for its name.
func TestTouchedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for text, ok := range map[string]bool{"": true, "x": false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Listen(ListenConfig{Network: "unix", Address: path, UID: -1, GID: -1}, io.Discard)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil {
			l.Close()
		}
	}
}
