package httpd

import (
	"fmt"
	"net"
	"os"
)

// Replace opens a listener in place of old, which the same address had before. It is on the
// same socket, if that is still where it was: then no client is refused, whichever of the
// two is closed first, and a unix socket gets the mode and the owner of a. Errors are those
// of Listen.
func Replace(old net.Listener, a Address, stale func(path string)) (net.Listener, error) {
	switch old := old.(type) {
	case *unixListener:
		if old.inPlace() {
			return old.share(a)
		}
	case *net.TCPListener:
		return share(old)
	}
	return Listen(a, stale)
}

// share returns another listener of a socket.
func share(l interface{ File() (*os.File, error) }) (net.Listener, error) {
	f, err := l.File()
	if err != nil {
		return nil, err
	}
	defer f.Close() // FileListener has a copy of its own
	same, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return same, nil
}

// inPlace reports whether the socket file is still that of l.
func (l *unixListener) inPlace() bool {
	now, err := os.Lstat(l.path)
	return err == nil && os.SameFile(now, l.file)
}

// share returns another listener of the socket, with which its file goes as well.
func (l *unixListener) share(a Address) (net.Listener, error) {
	owner := a
	if l.owned { // what is not named is what a new file would have
		if owner.UID < 0 {
			owner.UID = os.Geteuid()
		}
		if owner.GID < 0 {
			owner.GID = os.Getegid()
		}
	}
	if err := setOwnerAndMode(owner, l.path); err != nil {
		return nil, err
	}
	same, err := share(l.UnixListener)
	if err != nil {
		return nil, err
	}
	listener, ok := same.(*net.UnixListener)
	if !ok {
		same.Close() // nobody knows it
		return nil, fmt.Errorf("%s is not a unix socket any more", l.path)
	}
	listener.SetUnlinkOnClose(false)
	l.users.Add(1)
	owned := l.owned || a.UID >= 0 || a.GID >= 0
	return &unixListener{UnixListener: listener, path: l.path, file: l.file, owned: owned, users: l.users}, nil
}
