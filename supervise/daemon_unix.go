//go:build unix

package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"supervisor/inifile"
	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/supervise/rlimit"
	"supervisor/supervise/sys"
)

// parentVariable tells supervisord, started in the background by a supervisord
// that it replaces, which descriptor that one waits on.
const parentVariable = "SUPERVISORD_LAUNCHER_FD"

// takeParent returns the pipe to the launcher if there is one, and takes every
// trace of it out of the environment.
func takeParent(env map[string]string) *os.File {
	text, ok := env[parentVariable]
	if !ok {
		return nil
	}
	delete(env, parentVariable)
	os.Unsetenv(parentVariable)
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "launcher")
}

// launch starts supervisord in the background and waits until it either has
// started, pidfile and all, or has ended with an error, which it has shown then.
// A Go program cannot fork itself; it starts its own binary.
func launch(st Start) (exit int, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	argv0 := os.Args[0]
	if filepath.Base(argv0) != "supervisord" {
		argv0 = "supervisord"
	}
	pid, err := syscall.ForkExec(selfPath(), append([]string{argv0}, st.Args...), &syscall.ProcAttr{
		Env:   append(os.Environ(), parentVariable+"=3"),
		Files: []uintptr{0, 1, 2, w.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	w.Close()
	if err != nil {
		return 0, fmt.Errorf("cannot start in the background: %w", err)
	}
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return 0, nil
	}
	var ws syscall.WaitStatus
	_, err = sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(pid, &ws, 0, nil) })
	if err != nil || !ws.Exited() {
		return 1, nil
	}
	return ws.ExitStatus(), nil
}

// selfPath is our own binary, also after it has been replaced.
func selfPath() string {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// nameProcess gives the process the name that ps, top and pgrep know it by, where the
// system has such a file.
func nameProcess(name string) {
	if file, err := os.OpenFile("/proc/self/comm", os.O_WRONLY, 0); err == nil {
		_, _ = file.WriteString(name) // it is only a name
		file.Close()
	}
}

// detach goes into the background: directory, terminal, umask.
func (d *daemon) detach(cfg *config.Config, log *logs.Logger) error {
	log.Blather("supervisord forked; parent exiting")
	log.Info("daemonizing the supervisord process")
	if cfg.Directory != "" {
		path, pathErr := filepath.Abs(d.path)
		repr := inifile.PythonRepr(cfg.Directory)
		if err := os.Chdir(cfg.Directory); err != nil {
			var errno syscall.Errno
			errors.As(err, &errno)
			log.Crit("can't chdir into %s: [Errno %d] %s: %s", repr, int(errno), sentence(errno), repr)
		} else {
			log.Info("set current directory: %s", repr)
			if pathErr == nil {
				d.path = path // or the file would not be found again
			}
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 3 {
		if err = sys.Duplicate(int(null.Fd()), fd); err != nil {
			return os.NewSyscallError("dup", err)
		}
	}
	syscall.Umask(cfg.Umask)
	return nil
}

// ready lets the launcher go.
func (d *daemon) ready() {
	if d.parent == nil {
		return
	}
	// The launcher may be gone; then nobody waits.
	_, _ = d.parent.Write([]byte{1})
	d.parent.Close()
	d.parent = nil
}

// errNotRoot is that we cannot become another user.
var errNotRoot = errors.New("Can't drop privilege as nonroot user")

// becomeUser becomes the user that the configuration names.
func becomeUser(cfg *config.Config, notes *[]config.Note) error {
	uid := os.Getuid()
	if cfg.User == nil {
		if uid == 0 {
			*notes = append(*notes, config.Note{Level: logs.Critical, Text: "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  If you intend to run as root, you can set user=root in the config file to avoid this message."})
		}
		return nil
	}
	if cfg.User.UID != uid {
		if uid != 0 {
			return errNotRoot
		}
		if syscall.Setgroups(cfg.User.Groups) != nil {
			return errors.New("Could not set groups of effective user")
		}
		if syscall.Setgid(cfg.User.GID) != nil {
			return errors.New("Could not set group id of effective user")
		}
		if err := syscall.Setuid(cfg.User.UID); err != nil {
			return fmt.Errorf("cannot become user %d: %w", cfg.User.UID, err)
		}
	}
	*notes = append(*notes, config.Note{Level: logs.Info, Text: "Set uid to user " + strconv.Itoa(cfg.User.UID) + " succeeded"})
	return nil
}

const (
	tooFewFiles = "The minimum number of file descriptors required to run this process is %d as per the \"minfds\" command-line argument or config file setting. " +
		"The current environment will only allow you to open %d file descriptors.  Either raise the number of usable file descriptors in your environment (see README.rst) " +
		"or lower the minfds setting in the config file to allow the process to start."
	tooFewProcesses = "The minimum number of available processes required to run this program is %d as per the \"minprocs\" command-line argument or config file setting. " +
		"The current environment will only allow you to open %d processes.  Either raise the number of usable processes in your environment (see README.rst) " +
		"or lower the minprocs setting in the config file to allow the program to start."
)

// raiseLimits raises the soft limits that children get, where they are lower than
// minfds and minprocs ask for, and never lowers one. noFile is the limit of open
// files that children are to have; nil for the same as ours, whatever becomes of it.
func raiseLimits(cfg *config.Config, notes *[]config.Note) (noFile *syscall.Rlimit, err error) {
	var ours syscall.Rlimit
	limit, err := inheritedLimit(syscall.RLIMIT_NOFILE)
	if err == nil && syscall.Getrlimit(syscall.RLIMIT_NOFILE, &ours) == nil && limit != ours {
		noFile = &limit
	}
	for _, l := range []struct {
		resource int
		name     string
		min      int
		refusal  string
	}{
		{syscall.RLIMIT_NOFILE, "RLIMIT_NOFILE", cfg.MinFDs, tooFewFiles},
		{rlimitNproc, "RLIMIT_NPROC", cfg.MinProcs, tooFewProcesses},
	} {
		limit, err := inheritedLimit(l.resource)
		if err != nil || l.min < 0 || uint64(limit.Cur) >= uint64(l.min) {
			continue
		}
		allowed := limit.Max
		limit.Cur = limitValue(l.min)
		limit.Max = max(limit.Max, limit.Cur)
		if syscall.Setrlimit(l.resource, &limit) != nil {
			return nil, fmt.Errorf(l.refusal, l.min, allowed)
		}
		if l.resource == syscall.RLIMIT_NOFILE {
			noFile = nil
		}
		*notes = append(*notes, config.Note{Level: logs.Info, Text: "Increased " + l.name + " limit to " + strconv.Itoa(l.min)})
	}
	return noFile, nil
}

// inheritedLimit is the limit that we were started with, not what the Go runtime
// makes of it for itself.
func inheritedLimit(resource int) (syscall.Rlimit, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(resource, &limit)
	if soft, ok := rlimit.Inherited(); ok && resource == syscall.RLIMIT_NOFILE {
		limit.Cur = min(limit.Cur, limitValue(soft))
	}
	return limit, err
}

// closeInherited keeps descriptors that somebody left open from our children.
func closeInherited() {
	if closeOnExecFrom(3) {
		return
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		if entries, err = os.ReadDir("/dev/fd"); err != nil {
			return
		}
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
