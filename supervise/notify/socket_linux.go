package notify

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is where programs send their messages.
type Socket struct {
	file    *os.File
	address string
	closed  atomic.Bool
	done    chan struct{} // closed when handle is called no more
}

// Listen opens a socket and has a goroutine call handle for each datagram, one after the
// other, until Close. Whoever sends one may have to wait for handle, and with systemd-notify
// also until it has returned, so it must not take long.
func Listen(handle func(Received)) (*Socket, error) {
	s, err := open(fmt.Sprintf("@supervisor-%d-%016x", os.Getpid(), rand.Uint64()))
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket for ready=notify: %w", err)
	}
	conn, err := s.file.SyscallConn()
	if err != nil { // a file that was just made has one
		s.Close()
		return nil, err
	}
	go s.receive(conn, handle)
	return s, nil
}

// Address is what $NOTIFY_SOCKET has to be.
func (s *Socket) Address() string { return s.address }

// Close ends receiving. A call of handle that is under way is not waited for.
func (s *Socket) Close() error {
	s.closed.Store(true)
	return s.file.Close()
}

func open(address string) (*Socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("setsockopt", err)
	}
	// Kernels before 6.5 do not have it. Then a sender that has ended may be taken for who has
	// its number now.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSPIDFD, 1)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: address}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return &Socket{file: os.NewFile(uintptr(fd), address), address: address, done: make(chan struct{})}, nil
}

// receive calls handle for all that comes.
func (s *Socket) receive(conn syscall.RawConn, handle func(Received)) {
	defer close(s.done)
	self := os.Getpid()
	data := make([]byte, maxSize+1)
	control := make([]byte, 2048) // for as many descriptors as can be sent, and the rest
	for {
		var n, controls, flags int
		var err error
		waited := conn.Read(func(fd uintptr) bool {
			n, controls, flags, _, err = unix.Recvmsg(int(fd), data, control, unix.MSG_CMSG_CLOEXEC)
			return err != unix.EAGAIN
		})
		switch {
		case s.closed.Load():
			return
		case waited != nil:
			err = waited
		case err == unix.EINTR:
			continue
		}
		if err != nil { // while it can be read at all, there is none
			handle(Received{Err: os.NewSyscallError("recvmsg", err), Last: true})
			return
		}
		r, files := sender(control[:controls], self)
		if r.Message, err = parse(data[:n]); err != nil || flags&unix.MSG_TRUNC != 0 {
			r.Err = err
		}
		if r.MainPID != 0 {
			r.MainChain = chainOf(r.MainPID, self, lookup)
		}
		handle(r)
		// Who sends BARRIER=1 waits until the descriptor that came with it is closed.
		for _, fd := range files {
			unix.Close(fd)
		}
	}
}

// sender says who has sent a datagram, by what came along with it, and which files came.
func sender(control []byte, self int) (r Received, files []int) {
	parts, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return r, nil
	}
	pidfd := -1
	for i := range parts {
		if parts[i].Header.Level != unix.SOL_SOCKET {
			continue
		}
		switch parts[i].Header.Type {
		case unix.SCM_CREDENTIALS:
			if who, err := unix.ParseUnixCredentials(&parts[i]); err == nil {
				r.PID, r.UID = int(who.Pid), int(who.Uid)
			}
		case unix.SCM_RIGHTS:
			if fds, err := unix.ParseUnixRights(&parts[i]); err == nil {
				files = append(files, fds...)
			}
		case unix.SCM_PIDFD:
			if len(parts[i].Data) >= 4 {
				pidfd = int(int32(binary.NativeEndian.Uint32(parts[i].Data)))
			}
		}
	}
	r.Chain = chainOf(r.PID, self, lookup)
	if pidfd >= 0 {
		// If it is still there now, all that was read was of itself.
		if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); err == unix.ESRCH {
			r.Chain = nil
		}
		unix.Close(pidfd)
	} else if _, ok := lookup(r.PID); !ok {
		r.Chain = nil
	}
	return r, files
}

// lookup reads /proc/PID/stat.
func lookup(pid int) (process, bool) {
	var name [32]byte
	path := fmt.Appendf(name[:0], "/proc/%d/stat", pid)
	fd, err := unix.Open(string(path), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return process{}, false
	}
	defer unix.Close(fd)
	var data [1024]byte
	n, err := unix.Read(fd, data[:])
	if err != nil {
		return process{}, false
	}
	return parseStat(data[:n])
}
