package supervise

import (
	"fmt"
	"net"
	"os"
	"slices"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/web"
)

// nextRound is a round that is to come: its configuration, and the sockets of its
// servers as far as they are open already. The present round goes on until everything
// is tried or opened that could keep the next one from beginning.
type nextRound struct {
	cfg       *config.Config
	listeners []net.Listener // by server; nil for one that is opened when the round begins
}

// discard closes what was opened for a round that is not to be.
func (n *nextRound) discard() {
	if n == nil {
		return
	}
	closeAll(n.listeners) // whoever connected is told that there is nobody
	n.listeners = nil
}

// next reads the configuration again and prepares its round, which is to follow those
// in open: the present one, and one that was prepared earlier, which may be nil. The
// addresses of the sockets that fcgi programs have now are in taken. It may be called by
// any goroutine.
func (d *daemon) next(open [2]*nextRound, taken map[string]bool) (*nextRound, error) {
	cfg, err := d.read()
	if err != nil {
		return nil, err
	}
	if err = d.tryFiles(cfg); err != nil {
		return nil, err
	}
	for _, g := range cfg.Groups {
		// One of each group, as when it is added.
		i := slices.IndexFunc(g.Programs, func(p *config.Program) bool { return p.Socket != nil })
		if i < 0 || taken[g.Programs[i].Socket.URL] {
			continue
		}
		if err = trySocket(nil, g.Programs[i].Socket); err != nil {
			return nil, err
		}
	}
	n := &nextRound{cfg: cfg, listeners: make([]net.Listener, len(cfg.Servers))}
	for i := range cfg.Servers {
		if n.listeners[i], err = d.listenNext(cfg, i, open); err != nil {
			n.discard()
			return nil, err
		}
	}
	return n, nil
}

// tryFiles reports why a round could not begin because of the user that it becomes, its
// log, or the directory of AUTO logs.
func (d *daemon) tryFiles(cfg *config.Config) error {
	if cfg.User != nil && cfg.User.UID != os.Getuid() && os.Getuid() != 0 {
		return errNotRoot
	}
	if err := cfg.MayMakeAutoLogs(); err != nil {
		return fmt.Errorf("AUTO logs cannot be made in %s: %w", cfg.ChildLogDir, err)
	}
	if cfg.Logfile == "syslog" {
		return nil
	}
	if info, err := os.Stat(cfg.Logfile); err != nil || info.Mode().IsRegular() {
		if err := cfg.MayWrite(cfg.Logfile); err != nil {
			return fmt.Errorf("cannot open the log: %w", err)
		}
	}
	files := logs.NewFiles()
	files.Freeing = d.bounds.freeing
	files.Streams = d.streams
	log := files.File(cfg.Logfile, 0, 0)
	if err := log.Open(); err != nil {
		return fmt.Errorf("cannot open the log %s: %w", cfg.Logfile, err)
	}
	log.Close()
	return nil
}

// listenNext opens the i-th server of a configuration while others are open. It returns
// nil, without an error, if that is possible only when they are closed.
func (d *daemon) listenNext(cfg *config.Config, i int, others [2]*nextRound) (net.Listener, error) {
	c := cfg.Servers[i]
	if u := cfg.User; u != nil && c.Network == "unix" { // who makes the file when a round begins
		if c.UID < 0 {
			c.UID = u.UID
		}
		if c.GID < 0 {
			c.GID = u.GID
		}
	}
	overlaps := false
	for _, other := range others {
		if other == nil {
			continue
		}
		for j, l := range other.listeners {
			theirs := other.cfg.Servers[j]
			switch {
			case l == nil:
			case theirs.Network == c.Network && theirs.Address == c.Address:
				return web.Replace(l, listenConfig(c), d.Stderr)
			case c.Network == "tcp" && theirs.Network == "tcp" && port(c.Address) == port(theirs.Address):
				overlaps = true // such as all addresses and one of them
			}
		}
	}
	l, err := web.Listen(listenConfig(c), d.Stderr)
	if err != nil && overlaps {
		return nil, nil
	}
	return l, err
}

// port is the part of an address behind the last colon.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
