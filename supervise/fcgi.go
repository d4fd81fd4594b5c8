package supervise

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/supervise/sys"
)

// sockets are the listening sockets that fcgi programs share. A socket exists as
// long as a process refers to it. They belong to the loop.
type sockets struct {
	log  *logs.Logger
	open map[*config.FastCGISocket]*sharedSocket
}

// sharedSocket is a socket and how many refer to it.
type sharedSocket struct {
	cfg  *config.FastCGISocket
	refs int // the loop's

	mu sync.Mutex // held while it is made, which may take long
	fd int        // -1 as long as it is not made
}

// hold returns a socket, for one more who refers to it. It need not be made yet.
func (s *sockets) hold(cfg *config.FastCGISocket) *sharedSocket {
	shared := s.open[cfg]
	if shared == nil {
		shared = &sharedSocket{cfg: cfg, fd: -1}
		s.open[cfg] = shared
	}
	shared.refs++
	return shared
}

// make returns the descriptor of a socket that is held. The first one makes it, and
// may have to wait like createSocket. It may be called from any goroutine.
func (h *sharedSocket) make(log *logs.Logger) (fd int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fd >= 0 {
		return h.fd, nil
	}
	if fd, err = createSocket(log, h.cfg); err == nil {
		h.fd = fd
	}
	return fd, err
}

// createSocket makes a socket. It may have to wait for the look-up of a name. Its error
// is what the process's status says.
func createSocket(log *logs.Logger, cfg *config.FastCGISocket) (fd int, err error) {
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
func closeSocket(log *logs.Logger, cfg *config.FastCGISocket, fd int) {
	log.Info("Closing socket %s", cfg.URL)
	syscall.Close(fd)
}

// trySocket reports why a socket cannot be had, if so. It may have to wait like
// createSocket.
func trySocket(log *logs.Logger, cfg *config.FastCGISocket) error {
	if cfg == nil {
		return nil
	}
	fd, err := createSocket(log, cfg)
	if err == nil {
		closeSocket(log, cfg, fd)
	}
	return err
}

// release gives up what hold gave. The last one closes the socket; a unix socket's
// file stays, as it always did, and the next bind replaces it.
func (s *sockets) release(cfg *config.FastCGISocket) {
	shared := s.open[cfg]
	if shared == nil {
		return
	}
	if shared.refs--; shared.refs > 0 {
		return
	}
	delete(s.open, cfg)
	if shared.fd >= 0 { // nobody is making it, since nobody refers to it
		closeSocket(s.log, cfg, shared.fd)
	}
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
func listenFastCGI(cfg *config.FastCGISocket) (fd int, err error) {
	family, addr, err := fastCGIAddress(cfg)
	if err != nil {
		return -1, err
	}
	fd, err = sys.SocketCloexec(family)
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

func fastCGIAddress(cfg *config.FastCGISocket) (family int, addr syscall.Sockaddr, err error) {
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
