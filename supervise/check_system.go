//go:build unix

package supervise

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"supervisor/inifile"
)

// system looks for what this machine would refuse to a start: limits, sockets, files.
func (c *check) system() {
	section := c.file.Section("supervisord")
	if section == nil {
		return
	}
	if c.config.User != nil && os.Getuid() != 0 && c.config.User.UID != os.Getuid() {
		c.err(section.Error("user", errors.New("Can't drop privilege as nonroot user")))
	}
	c.limits(section)
	c.daemonFiles(section)
	running := c.running()
	for _, s := range c.config.Servers {
		if c.wrong[s.Section] {
			continue
		}
		if s.Network == "unix" {
			c.socketPath(c.file.Section(s.Section), "file", s.Address)
		} else {
			c.port(c.file.Section(s.Section), s, running)
		}
	}
	for _, section := range c.sections("fcgi-program:") {
		if s := c.sockets[section.Name()]; s != nil && s.Network == "unix" && !c.wrong[section.Name()+".socket"] {
			c.socketPath(section, "socket", s.Address)
		}
	}
}

// limits looks whether the daemon may have as many files and processes as it is to.
func (c *check) limits(section *inifile.Section) {
	for _, l := range []struct {
		resource int
		key      string
		min      int
		refusal  string
	}{
		{syscall.RLIMIT_NOFILE, "minfds", c.config.MinFDs, tooFewFiles},
		{rlimitNproc, "minprocs", c.config.MinProcs, tooFewProcesses},
	} {
		limit, err := inheritedLimit(l.resource)
		if err != nil || l.min < 0 {
			continue
		}
		most := uint64(limit.Max)
		if mayRaiseLimits() {
			most = ^uint64(0)
			if l.resource == syscall.RLIMIT_NOFILE {
				most = systemFiles(most)
			}
		}
		if uint64(l.min) > most {
			c.err(section.Error(l.key, fmt.Errorf(l.refusal, l.min, most)))
		}
	}
}

// mayRaiseLimits reports whether we may raise hard limits: CAP_SYS_RESOURCE, or root
// where there are no capabilities.
func mayRaiseLimits() bool {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return os.Getuid() == 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return err == nil && set&(1<<24) != 0
		}
	}
	return os.Getuid() == 0
}

// systemFiles is how many files a process can have at most, or else if that is unknown.
func systemFiles(otherwise uint64) uint64 {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return otherwise
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// daemonFiles looks at the daemon's log and pidfile and at the directory of AUTO logs.
func (c *check) daemonFiles(section *inifile.Section) {
	if c.config.Logfile != "syslog" && !c.wrong["supervisord.logfile"] {
		if err := c.config.MayWriteLog(c.config.Logfile); err != nil {
			c.err(section.Error("logfile", err))
		}
	}
	if err := c.config.MayWrite(c.config.Pidfile); err != nil && !c.wrong["supervisord.pidfile"] {
		c.warn(position(section, "pidfile"), "[supervisord] pidfile: %v: there will be none", err)
	}
	if err := c.config.MayMakeAutoLogs(); err != nil && !c.wrong["supervisord.childlogdir"] {
		c.err(section.Error("childlogdir", fmt.Errorf("%w; AUTO logs are made there", err)))
	}
}

// socketPath looks whether a socket can be made at a path.
func (c *check) socketPath(section *inifile.Section, key, path string) {
	info, err := os.Lstat(path)
	switch {
	case path == "":
	case !isDirectory(filepath.Dir(path)):
		c.err(section.Error(key, fmt.Errorf("the directory of %s does not exist", path)))
	case err == nil && info.Mode().Type() != os.ModeSocket && !(info.Mode().IsRegular() && info.Size() == 0):
		c.err(section.Error(key, fmt.Errorf("%s exists and is not a socket", path)))
	case err != nil:
		if err := c.config.MayWrite(path); err != nil {
			c.err(section.Error(key, err))
		}
	}
}

// running reports whether a supervisord with this pidfile is alive: then its ports are
// in use, as they should be.
func (c *check) running() bool {
	pid, err := readPid(c.config.Pidfile)
	return err == nil && (syscall.Kill(pid, 0) == nil || errors.Is(syscall.Kill(pid, 0), syscall.EPERM))
}

// port looks whether a server could listen on its address, by doing so for a moment.
func (c *check) port(section *inifile.Section, s ServerConfig, running bool) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return
	}
	network := "tcp"
	if host == "" {
		network = "tcp4"
	}
	l, err := net.Listen(network, net.JoinHostPort(host, port))
	var lookup *net.DNSError
	switch {
	case err == nil:
		l.Close()
	case errors.Is(err, syscall.EADDRINUSE) && running:
	case errors.Is(err, syscall.EADDRINUSE):
		c.err(section.Error("port", fmt.Errorf("another program listens on %s", s.Address)))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		c.err(section.Error("port", fmt.Errorf("%s is no address of this machine", host)))
	case errors.Is(err, syscall.EACCES):
		c.err(section.Error("port", fmt.Errorf("this user may not listen on port %s", port)))
	case errors.As(err, &lookup):
		c.err(section.Error("port", fmt.Errorf("the name %s cannot be resolved", host)))
	}
}
