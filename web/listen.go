// Package web is the HTTP side of supervisord: sockets and authentication, the
// status and tail pages, and the log streams. It knows process state only
// through Backend.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// ListenConfig is one [unix_http_server] or [inet_http_server] section.
type ListenConfig struct {
	Section  string      // its name, for example "inet_http_server:b"
	Network  string      // "unix" or "tcp"
	Address  string      // path of the socket, or host:port; without host, every IPv4 address
	Mode     fs.FileMode // of a unix socket
	UID, GID int         // owner of a unix socket; -1 leaves it unchanged
	Username string      // empty: no authentication
	Password string      // plain, or "{SHA}" and the hexadecimal SHA-1

	// AllowedHosts are names that requests may ask for besides addresses, localhost
	// and the server's own; "*" is any. Empty: a server on a loopback address without
	// a password answers to its own names only, any other to all.
	AllowedHosts []string
}

// URL returns the address as clients write it: unix://PATH or http://HOST:PORT,
// with localhost for a server that listens on every address.
func (c ListenConfig) URL() string {
	if c.Network == "unix" {
		return "unix://" + c.Address
	}
	if host, port := splitAddress(c.Address); host == "" {
		return "http://localhost:" + port
	}
	return "http://" + c.Address
}

// Listen opens the listener of a section. Closing it removes the socket file.
// What is left of a dead supervisord is removed before, with a line on stderr.
// Error texts are Supervisor's, for a usage error.
func Listen(c ListenConfig, stderr io.Writer) (net.Listener, error) {
	if c.Network == "unix" {
		return listenUnix(c, stderr)
	}
	return listenTCP(c)
}

// errInUse is that somebody else listens there.
var errInUse = errors.New("Another program is already listening on a port that one of our HTTP servers " +
	"is configured to use.  Shut this program down first before starting supervisord.")

// cannotOpen is any other reason not to listen.
func cannotOpen(reason string) error {
	return errors.New("Cannot open an HTTP server: socket.error reported " + reason)
}

// listenError puts what the system said into Supervisor's words.
func listenError(err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errInUse
	case errors.As(err, &errno):
		if name := errnoName(errno); name != "" {
			return cannotOpen(fmt.Sprintf("errno.%s (%d)", name, int(errno)))
		}
		return cannotOpen(strconv.Itoa(int(errno)))
	default:
		return cannotOpen("-2") // of the resolver: no such name
	}
}

// errnoName returns the symbolic name of an error that opening a socket can
// end with; "" for any other.
func errnoName(errno syscall.Errno) string {
	switch errno {
	case syscall.EACCES:
		return "EACCES"
	case syscall.EADDRNOTAVAIL:
		return "EADDRNOTAVAIL"
	case syscall.EAFNOSUPPORT:
		return "EAFNOSUPPORT"
	case syscall.EDQUOT:
		return "EDQUOT"
	case syscall.EEXIST:
		return "EEXIST"
	case syscall.EINVAL:
		return "EINVAL"
	case syscall.EIO:
		return "EIO"
	case syscall.EISDIR:
		return "EISDIR"
	case syscall.ELOOP:
		return "ELOOP"
	case syscall.EMFILE:
		return "EMFILE"
	case syscall.ENAMETOOLONG:
		return "ENAMETOOLONG"
	case syscall.ENFILE:
		return "ENFILE"
	case syscall.ENOBUFS:
		return "ENOBUFS"
	case syscall.ENOENT:
		return "ENOENT"
	case syscall.ENOMEM:
		return "ENOMEM"
	case syscall.ENOSPC:
		return "ENOSPC"
	case syscall.ENOTDIR:
		return "ENOTDIR"
	case syscall.EOPNOTSUPP:
		return "EOPNOTSUPP"
	case syscall.EPERM:
		return "EPERM"
	case syscall.EPROTOTYPE:
		return "EPROTOTYPE"
	case syscall.EROFS:
		return "EROFS"
	}
	return ""
}

// splitAddress divides host:port at the last colon; host is without brackets,
// and "" for every address.
func splitAddress(address string) (host, port string) {
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

// listenTCP listens on an IPv4 address, or an IPv6 one if that is what the
// section names or all that its name has.
func listenTCP(c ListenConfig) (net.Listener, error) {
	host, port := splitAddress(c.Address)
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
		return nil, listenError(err)
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
func listenUnix(c ListenConfig, stderr io.Writer) (net.Listener, error) {
	own := c.Address + "." + strconv.Itoa(os.Getpid())
	if len(own) >= len(syscall.RawSockaddrUnix{}.Path) {
		return nil, cannotOpen("AF_UNIX path too long")
	}
	if err := removeSocket(own); err != nil {
		return nil, err
	}
	l, err := bindUnix(c, own)
	if err != nil {
		return nil, err
	}
	for range attempts {
		err = link(own, c.Address)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if err = probe(c.Address, stderr); err != nil {
			break
		}
		err = errInUse
	}
	os.Remove(own) // made by us; if link used it up it is not there
	if err != nil {
		l.Close() // was not yet seen by anybody
		return nil, err
	}
	file, err := os.Lstat(c.Address)
	if err != nil {
		l.Close() // as above
		return nil, listenError(err)
	}
	users := new(atomic.Int32)
	users.Add(1)
	return &unixListener{UnixListener: l, path: c.Address, file: file, owned: c.UID >= 0 || c.GID >= 0, users: users}, nil
}

// bindUnix listens on a new socket at path, with the mode and owner of c.
func bindUnix(c ListenConfig, path string) (*net.UnixListener, error) {
	mode := c.Mode.Perm()
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			// Linux makes the file with this mode, less the umask. Elsewhere it
			// fails, and until chmod a client may connect whom the umask lets.
			_ = syscall.Fchmod(int(fd), uint32(mode))
		})
	}}
	listener, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, listenError(err)
	}
	l := listener.(*net.UnixListener)
	l.SetUnlinkOnClose(false)
	if err = setOwnerAndMode(c, path); err != nil {
		os.Remove(path) // made by us; nobody knows of it
		l.Close()       // as above
		return nil, err
	}
	return l, nil
}

// setOwnerAndMode gives a socket file the mode and the owner of its section.
func setOwnerAndMode(c ListenConfig, path string) error {
	if err := os.Chmod(path, c.Mode.Perm()); err != nil {
		return listenError(err)
	}
	if c.UID < 0 && c.GID < 0 {
		return nil
	}
	err := os.Chown(path, c.UID, c.GID)
	switch {
	case errors.Is(err, syscall.EPERM):
		return chownError(c)
	case err != nil:
		return listenError(err)
	}
	return nil
}

func chownError(c ListenConfig) error {
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return fmt.Errorf("Not permitted to chown %s to uid/gid (%d, %d); adjust \"sockchown\" value in config file "+
		"or on command line to values that the current user (%s) can successfully chown", c.Address, c.UID, c.GID, name)
}

// link gives the socket at own its path. The error is fs.ErrExist if there is
// something, else one for the user.
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
		return listenError(err)
	}
	return nil
}

// probe finds out who has the path. If it is a socket that nobody listens on it
// is removed, which stderr is told; if it is gone that is as good. All else is
// an error for the user.
func probe(path string, stderr io.Writer) error {
	before, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return listenError(err)
	}
	if empty(before) {
		return removeSame(path, before)
	}
	if before.Mode().Type() != fs.ModeSocket {
		return notSocket(path)
	}
	nc, err := net.DialTimeout("unix", path, probeTimeout)
	switch {
	case err == nil:
		nc.Close() // nothing was said
		return errInUse
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, os.ErrDeadlineExceeded):
		return errInUse // and so busy that its queue is full
	case !errors.Is(err, syscall.ECONNREFUSED):
		return listenError(err)
	}
	fmt.Fprintf(stderr, "Unlinking stale socket %s\n", path)
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
		return listenError(err)
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
		return listenError(err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return notSocket(path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return listenError(err)
	}
	return nil
}

// notSocket is what Supervisor has no words for: it would delete the file.
func notSocket(path string) error {
	return fmt.Errorf("Cannot open an HTTP server: %s exists and is not a socket", path)
}
