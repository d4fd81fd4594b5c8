package httpd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Address is where a server listens.
type Address struct {
	Network  string      // "unix" or "tcp"
	Address  string      // path of the socket, or host:port; without host, or with "*", every IPv4 address
	Mode     fs.FileMode // of a unix socket
	UID, GID int         // owner of a unix socket; -1 leaves it unchanged
}

// Errors of Listen and Replace. All others are those of the system or of the resolver.
var (
	// ErrInUse is that somebody else listens there.
	ErrInUse = errors.New("address in use")
	// ErrTooLong is that the path of a unix socket, with our pid behind it, is too long.
	ErrTooLong = errors.New("path of a unix socket too long")
)

// NotSocketError is that there is something else in the place of a unix socket.
type NotSocketError struct{ Path string }

func (e *NotSocketError) Error() string { return e.Path + " is not a socket" }

// OwnerError is that a unix socket could not be given to its owner.
type OwnerError struct {
	Path     string
	UID, GID int
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s cannot be given to %d:%d", e.Path, e.UID, e.GID)
}

// Listen opens a listener. Closing it removes the socket file. What is left of a dead
// server is removed before, which stale is told; nil: nobody is.
func Listen(a Address, stale func(path string)) (net.Listener, error) {
	if a.Network == "unix" {
		return listenUnix(a, stale)
	}
	return listenTCP(a)
}

// SplitAddress divides host:port at the last colon; host is without brackets,
// and "" for every address.
func SplitAddress(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	host, port = address[:max(i, 0)], address[i+1:]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if host == "*" {
		host = ""
	}
	return host, port
}

// listenTCP listens on an IPv4 address, or an IPv6 one if that is what a
// names or all that its name has.
func listenTCP(a Address) (net.Listener, error) {
	host, port := SplitAddress(a.Address)
	network := "tcp4"
	if strings.Contains(host, ":") {
		network = "tcp6"
	}
	l, err := net.Listen(network, net.JoinHostPort(host, port))
	var unknown *net.AddrError // the name has no address of that kind
	if errors.As(err, &unknown) {
		l, err = net.Listen("tcp", net.JoinHostPort(host, port))
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// unixListener removes its socket file when it closes, if that is still its own.
type unixListener struct {
	*net.UnixListener
	path  string
	file  os.FileInfo   // of path, as it was made
	owned bool          // it was given an owner
	users *atomic.Int32 // listeners of this socket that are not closed

	closed atomic.Bool
}

func (l *unixListener) Close() error {
	if !l.closed.Swap(true) && l.users.Add(-1) == 0 && l.inPlace() {
		// Fails if the directory forbids it now; the next start finds it stale.
		_ = os.Remove(l.path)
	}
	return l.UnixListener.Close()
}

// attempts is how often a stale socket is removed before giving up: whoever
// makes it again each time is not dead.
const attempts = 10

// listenUnix makes the socket under a name of its own and then links it to its
// path, which fails if there is something: of two that start at the same time
// one wins, and the file has mode and owner before anybody can see it.
func listenUnix(a Address, stale func(path string)) (net.Listener, error) {
	own := a.Address + "." + strconv.Itoa(os.Getpid())
	if len(own) >= len(syscall.RawSockaddrUnix{}.Path) {
		return nil, ErrTooLong
	}
	if err := removeSocket(own); err != nil {
		return nil, err
	}
	l, err := bindUnix(a, own)
	if err != nil {
		return nil, err
	}
	file, err := os.Lstat(own)
	if err != nil {
		os.Remove(own) // made by us; nobody knows of it
		l.Close()      // as above
		return nil, err
	}
	for range attempts {
		err = link(own, a.Address)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if err = probe(a.Address, stale); err != nil {
			break
		}
		err = ErrInUse
	}
	os.Remove(own) // made by us; if link used it up it is not there
	if err != nil {
		l.Close() // was not yet seen by anybody
		return nil, err
	}
	users := new(atomic.Int32)
	users.Add(1)
	return &unixListener{UnixListener: l, path: a.Address, file: file, owned: a.UID >= 0 || a.GID >= 0, users: users}, nil
}

// bindUnix listens on a new socket at path, with the mode and the owner of a.
func bindUnix(a Address, path string) (*net.UnixListener, error) {
	mode := a.Mode.Perm()
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			// Linux makes the file with this mode, less the umask. Elsewhere it
			// fails, and until chmod a client may connect whom the umask lets.
			_ = syscall.Fchmod(int(fd), uint32(mode))
		})
	}}
	listener, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	l := listener.(*net.UnixListener)
	l.SetUnlinkOnClose(false)
	if err = setOwnerAndMode(a, path); err != nil {
		os.Remove(path) // made by us; nobody knows of it
		l.Close()       // as above
		return nil, err
	}
	return l, nil
}

// setOwnerAndMode gives a socket file the mode and the owner of its section.
func setOwnerAndMode(a Address, path string) error {
	if err := os.Chmod(path, a.Mode.Perm()); err != nil {
		return err
	}
	if a.UID < 0 && a.GID < 0 {
		return nil
	}
	err := os.Chown(path, a.UID, a.GID)
	switch {
	case errors.Is(err, syscall.EPERM):
		return &OwnerError{a.Address, a.UID, a.GID}
	case err != nil:
		return err
	}
	return nil
}

// link gives the socket at own its path. The error is fs.ErrExist if there is
// something.
func link(own, path string) error {
	err := os.Link(own, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// Some file systems of containers have no links. There a renamed socket must
	// do, although of two that start in the same instant both would win.
	if _, statErr := os.Lstat(path); statErr == nil {
		return fs.ErrExist
	}
	if err := os.Rename(own, path); err != nil {
		return err
	}
	return nil
}

// probe finds out who has the path. If it is a socket that nobody listens on it
// is removed, which stale is told; if it is gone that is as good. All else is
// an error.
func probe(path string, stale func(path string)) error {
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if empty(before) {
		return removeSame(path, before)
	}
	if before.Mode().Type() != fs.ModeSocket {
		return &NotSocketError{path}
	}
	nc, err := net.DialTimeout("unix", path, probeTimeout)
	switch {
	case err == nil:
		nc.Close() // nothing was said
		return ErrInUse
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, os.ErrDeadlineExceeded):
		return ErrInUse // and so busy that its queue is full
	case !errors.Is(err, syscall.ECONNREFUSED):
		return err
	}
	if stale != nil {
		stale(path)
	}
	return removeSame(path, before)
}

// empty reports whether a file is there for nothing but its name: people are advised
// to "touch supervisor.sock".
func empty(info fs.FileInfo) bool { return info.Mode().IsRegular() && info.Size() == 0 }

// removeSame removes a file if it is still the one that was looked at. Another
// supervisord that starts may have been quicker: that one is alive.
func removeSame(path string, before fs.FileInfo) error {
	if now, err := os.Lstat(path); err != nil || !os.SameFile(now, before) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// probeTimeout is how long a full queue is waited for.
const probeTimeout = 5 * time.Second

// removeSocket removes what a supervisord of the same pid has left at path.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return &NotSocketError{path}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
