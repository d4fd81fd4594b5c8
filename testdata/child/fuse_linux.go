package child

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
)

// HungMount is a file system (FUSE) that does not answer: who wants anything of it
// waits. It belongs to one user and group, and even root is refused.
type HungMount struct {
	dir string
	fd  int

	mu   sync.Mutex
	held [][]byte // requests that were read and not answered
	free bool     // what is read is answered
}

// MountHung mounts one on dir. It needs root and /dev/fuse. Until Serve nobody reads
// what is asked of it, and who waits can be killed.
func MountHung(dir string, uid, gid int) (*HungMount, error) {
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, uid, gid)
	if err = syscall.Mount("hung", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("mount: %w", err)
	}
	return &HungMount{dir: dir, fd: fd}, nil
}

// Close takes the file system away, and with it whoever waits for it.
func (m *HungMount) Close() {
	syscall.Unmount(m.dir, syscall.MNT_DETACH) // if it is not there, so much the better
	syscall.Close(m.fd)
}

// Serve reads what is asked and answers the greeting alone: who waits now cannot be
// killed. It ends with the mount.
func (m *HungMount) Serve() {
	const greeting, headerSize = 26, 40
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(m.fd, buf)
		if err == syscall.EINTR || err == syscall.EAGAIN || err == syscall.ENOENT {
			continue
		}
		if err != nil || n < headerSize {
			return
		}
		request := append([]byte(nil), buf[:n]...)
		if binary.NativeEndian.Uint32(request[4:]) == greeting {
			m.welcome(request)
			continue
		}
		m.mu.Lock()
		if m.free {
			m.refuse(request)
		} else {
			m.held = append(m.held, request)
		}
		m.mu.Unlock()
	}
}

// Free answers all that was asked, and what will be: that it cannot be done, which for a
// directory's permission means yes.
func (m *HungMount) Free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = true
	for _, request := range m.held {
		m.refuse(request)
	}
	m.held = nil
}

// Asked returns how many requests wait for an answer.
func (m *HungMount) Asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.held)
}

func (m *HungMount) welcome(request []byte) {
	answer := make([]byte, 16+64)
	le := binary.NativeEndian
	copy(answer[8:16], request[8:16])
	le.PutUint32(answer[16:], 7)  // version
	le.PutUint32(answer[20:], 31) // of the protocol
	le.PutUint32(answer[36:], 4096)
	m.reply(answer)
}

func (m *HungMount) refuse(request []byte) {
	answer := make([]byte, 16)
	copy(answer[8:16], request[8:16])
	refusal := -int32(syscall.ENOSYS)
	binary.NativeEndian.PutUint32(answer[4:], uint32(refusal))
	m.reply(answer)
}

func (m *HungMount) reply(answer []byte) {
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	syscall.Write(m.fd, answer) // who asked may have given up
}

// hung DIR UID GID COMMAND [ARGUMENT...] mounts a file system that does not answer, and
// becomes the command. A process in the background serves it and lets go on SIGUSR1;
// its pid is in DIR.pid.
func hung(args []string) int {
	if len(args) < 4 {
		return 64
	}
	uid, err := strconv.Atoi(args[1])
	gid, e := strconv.Atoi(args[2])
	if err = errors.Join(err, e); err != nil {
		return 64
	}
	m, err := MountHung(args[0], uid, gid)
	if err == nil {
		err = background([]string{"hung-server", args[0]}, m.fd)
	}
	if err == nil {
		err = syscall.Exec(args[3], args[3:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// background starts a program of ours that is nobody's child, with fd as its
// descriptor 3.
func background(args []string, fd int) error {
	files := []uintptr{0, 1, 2, uintptr(fd)}
	argv := append([]string{"child", "background"}, args...)
	pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: os.Environ(), Files: files})
	if err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err = syscall.Wait4(pid, &status, 0, nil); err == nil && status.ExitStatus() != 0 {
		err = errors.New("no program in the background")
	}
	return err
}

// inBackground is the process between: it starts the program and ends.
func inBackground(args []string) int {
	_, err := syscall.ForkExec("/proc/self/exe", append([]string{"child"}, args...),
		&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2, 3}})
	if err != nil {
		return 1
	}
	return 0
}

// hungServer DIR serves the mount behind descriptor 3.
func hungServer(args []string) int {
	if len(args) != 1 {
		return 64
	}
	m := &HungMount{dir: args[0], fd: 3}
	letGo := make(chan os.Signal, 1)
	signal.Notify(letGo, syscall.SIGUSR1)
	go func() {
		<-letGo
		m.Free()
	}()
	if err := os.WriteFile(args[0]+".pid", []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return 1
	}
	m.Serve()
	return 0
}
