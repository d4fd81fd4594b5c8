//go:build unix

package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	refused := c.limits(c.config)
	for _, key := range slices.Sorted(maps.Keys(refused)) {
		c.err(section.Error(key, refused[key]))
	}
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
	text, err := os.ReadFile(c.config.Pidfile)
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil && pid > 0 && (syscall.Kill(pid, 0) == nil || errors.Is(syscall.Kill(pid, 0), syscall.EPERM))
}

// port looks whether a server could listen on its address, by doing so for a moment.
func (c *check) port(section *inifile.Section, s Server, running bool) {
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
