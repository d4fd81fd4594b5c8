// Package web is the HTTP side of supervisord: sockets and authentication, the
// status and tail pages, and the log streams. It knows process state only
// through Backend.
package web

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"supervisor/web/httpd"
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
	if host, port := httpd.SplitAddress(c.Address); host == "" {
		return "http://localhost:" + port
	}
	return "http://" + c.Address
}

// address is where the server of a section listens.
func (c ListenConfig) address() httpd.Address {
	return httpd.Address{Network: c.Network, Address: c.Address, Mode: c.Mode, UID: c.UID, GID: c.GID}
}

// Listen opens the listener of a section. Closing it removes the socket file.
// What is left of a dead supervisord is removed before, with a line on stderr.
// Error texts are Supervisor's, for a usage error.
func Listen(c ListenConfig, stderr io.Writer) (net.Listener, error) {
	l, err := httpd.Listen(c.address(), unlinking(stderr))
	return l, inWords(c, err)
}

// Replace opens the listener of a section in place of old, which the section with the
// same address had before. It is on the same socket, if that is still where it was: then
// no client is refused, whichever of the two is closed first, and a unix socket gets the
// mode and the owner of c. Errors are those of Listen.
func Replace(old net.Listener, c ListenConfig, stderr io.Writer) (net.Listener, error) {
	l, err := httpd.Replace(old, c.address(), unlinking(stderr))
	return l, inWords(c, err)
}

func unlinking(stderr io.Writer) func(string) {
	return func(path string) { fmt.Fprintf(stderr, "Unlinking stale socket %s\n", path) }
}

// cannotOpen is any reason not to listen but that somebody else does.
func cannotOpen(reason string) error {
	return errors.New("Cannot open an HTTP server: socket.error reported " + reason)
}

// inWords puts an error of httpd into Supervisor's words.
func inWords(c ListenConfig, err error) error {
	var errno syscall.Errno
	notSocket, isNotSocket := errors.AsType[*httpd.NotSocketError](err)
	_, isOwner := errors.AsType[*httpd.OwnerError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, httpd.ErrInUse), errors.Is(err, syscall.EADDRINUSE):
		return errors.New("Another program is already listening on a port that one of our HTTP servers " +
			"is configured to use.  Shut this program down first before starting supervisord.")
	case errors.Is(err, httpd.ErrTooLong):
		return cannotOpen("AF_UNIX path too long")
	case isNotSocket: // Supervisor has no words for it: it would delete the file
		return fmt.Errorf("Cannot open an HTTP server: %s exists and is not a socket", notSocket.Path)
	case isOwner:
		return chownError(c)
	case errors.As(err, &errno):
		if name := errnoName(errno); name != "" {
			return cannotOpen(fmt.Sprintf("errno.%s (%d)", name, int(errno)))
		}
		return cannotOpen(strconv.Itoa(int(errno)))
	default:
		return cannotOpen("-2") // of the resolver: no such name
	}
}

func chownError(c ListenConfig) error {
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return fmt.Errorf("Not permitted to chown %s to uid/gid (%d, %d); adjust \"sockchown\" value in config file "+
		"or on command line to values that the current user (%s) can successfully chown", c.Address, c.UID, c.GID, name)
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
