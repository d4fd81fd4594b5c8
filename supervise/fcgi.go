package supervise

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// sockets are the listening sockets that fcgi programs share. A socket exists as
// long as a process refers to it. It belongs to the loop.
type sockets struct {
	log  *Logger
	open map[*FastCGISocket]*sharedSocket
}

// sharedSocket is an open socket and how many processes refer to it.
type sharedSocket struct {
	fd   int
	refs int
}

// acquire returns the descriptor of a socket, for one process more. The first
// one makes the socket. Its error is what the process's status says.
func (s *sockets) acquire(cfg *FastCGISocket) (fd int, err error) {
	if shared := s.open[cfg]; shared != nil {
		shared.refs++
		return shared.fd, nil
	}
	if fd, err = createSocket(s.log, cfg); err != nil {
		return -1, err
	}
	s.open[cfg] = &sharedSocket{fd, 1}
	return fd, nil
}

// createSocket makes a socket. It may have to wait for the look-up of a name.
func createSocket(log *Logger, cfg *FastCGISocket) (fd int, err error) {
	log.Info("Creating socket %s", cfg.URL)
	if fd, err = listenFastCGI(cfg); err != nil {
		var errno syscall.Errno
		if e, ok := err.(syscall.Errno); ok {
			errno = e
		}
		return -1, fmt.Errorf("Could not create FastCGI socket %s: [Errno %d] %s", cfg.URL, int(errno), sentence(err))
	}
	return fd, nil
}

// closeSocket closes a socket.
func closeSocket(log *Logger, cfg *FastCGISocket, fd int) {
	log.Info("Closing socket %s", cfg.URL)
	syscall.Close(fd)
}

// trySocket reports why a socket cannot be had, if so. It may have to wait like
// createSocket.
func trySocket(log *Logger, cfg *FastCGISocket) error {
	if cfg == nil {
		return nil
	}
	fd, err := createSocket(log, cfg)
	if err == nil {
		closeSocket(log, cfg, fd)
	}
	return err
}

// release gives up what acquire gave. The last one closes the socket; a unix
// socket's file stays, as it always did, and the next bind replaces it.
func (s *sockets) release(cfg *FastCGISocket) {
	shared := s.open[cfg]
	if shared == nil {
		return
	}
	if shared.refs--; shared.refs > 0 {
		return
	}
	closeSocket(s.log, cfg, shared.fd)
	delete(s.open, cfg)
}

// sentence returns the system's words for an error, beginning with a capital as
// C prints them.
func sentence(err error) string {
	text := err.Error()
	if text != "" && 'a' <= text[0] && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

// listenFastCGI makes, binds and listens. Errors are the system's own.
func listenFastCGI(cfg *FastCGISocket) (fd int, err error) {
	family, addr, err := fastCGIAddress(cfg)
	if err != nil {
		return -1, err
	}
	fd, err = socketCloexec(family)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			syscall.Close(fd)
		}
	}()
	if cfg.Network == "tcp" {
		if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
			return -1, err
		}
	} else if err = removeSocket(cfg.Address); err != nil {
		return -1, err
	}
	if err = syscall.Bind(fd, addr); err != nil {
		return -1, err
	}
	if cfg.Network == "unix" {
		defer func() {
			if err != nil {
				_ = syscall.Unlink(cfg.Address) // ours, and of no use to anybody
			}
		}()
		if cfg.OwnerUID >= 0 || cfg.OwnerGID >= 0 {
			if err = syscall.Chown(cfg.Address, cfg.OwnerUID, cfg.OwnerGID); err != nil {
				return -1, err
			}
		}
		if err = syscall.Chmod(cfg.Address, uint32(cfg.Mode)); err != nil {
			return -1, err
		}
	}
	backlog := cfg.Backlog
	if backlog == 0 {
		backlog = maxBacklog
	}
	err = syscall.Listen(fd, backlog)
	return fd, err
}

// maxBacklog is more than any system allows; each takes what it can of it.
const maxBacklog = 65535

// removeSocket makes room for a socket. Only a socket and an empty file are removed:
// anything else of that name is somebody's file. People make the empty one by "touch",
// as they are advised to.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // bind will say what is wrong, if anything is
	}
	if info.Mode()&os.ModeSocket == 0 && !(info.Mode().IsRegular() && info.Size() == 0) {
		return syscall.EADDRINUSE
	}
	return syscall.Unlink(path)
}

func fastCGIAddress(cfg *FastCGISocket) (family int, addr syscall.Sockaddr, err error) {
	if cfg.Network == "unix" {
		return syscall.AF_UNIX, &syscall.SockaddrUnix{Name: cfg.Address}, nil
	}
	host, portText, err := net.SplitHostPort(cfg.Address)
	if err != nil {
		return 0, nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return 0, nil, err
	}
	in4 := &syscall.SockaddrInet4{Port: port}
	if host == "" || host == "*" {
		return syscall.AF_INET, in4, nil
	}
	ip, err := net.ResolveIPAddr("ip4", host)
	if err != nil {
		return 0, nil, err
	}
	copy(in4.Addr[:], ip.IP.To4())
	return syscall.AF_INET, in4, nil
}
