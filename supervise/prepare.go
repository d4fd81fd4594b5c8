package supervise

import (
	"maps"
	"os"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
)

// preparation is what programs need before they can be in the table and what the loop
// must not wait for, since it takes the disk or the look-up of a name: their AUTO logs,
// and whether the socket of an fcgi program can be had. It is either made as a whole or
// not at all.
type preparation struct {
	log             *logs.Logger
	dir, identifier string                // of the logs
	logs            []autoLogKey          // to be made
	kept            map[autoLogKey]string // that are there already
	socket          *config.FastCGISocket // to be tried; nil for none
	made            map[autoLogKey]string
}

// prepare says what there is to be made for programs. It runs on the loop.
func (s *Supervisor) prepare(programs []*config.Program) *preparation {
	p := &preparation{log: s.log, dir: s.cfg.ChildLogDir, identifier: s.cfg.Identifier, kept: map[autoLogKey]string{}, made: map[autoLogKey]string{}}
	for _, cfg := range programs {
		for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
			key := autoLogKey{cfg, ch}
			path, there := s.autoLogs[key]
			switch {
			case !cfg.HasAutoLog(ch):
			case there:
				p.kept[key] = path
			default:
				p.logs = append(p.logs, key)
			}
		}
		if p.socket == nil {
			p.socket = cfg.Socket
		}
	}
	return p
}

// make makes it. It may wait, so the loop does not call it.
func (p *preparation) make() error {
	for _, key := range p.logs {
		path, err := logs.CreateAuto(p.dir, key.cfg.Name, key.channel, p.identifier)
		if err != nil {
			p.undo()
			return err
		}
		p.made[key] = path
	}
	// A socket that cannot be had is found out now, not by the first start.
	if err := trySocket(p.log, p.socket); err != nil {
		p.undo()
		return err
	}
	return nil
}

// undo deletes what was made and is not going to be used.
func (p *preparation) undo() {
	for key, path := range p.made {
		_ = os.Remove(path) // an empty file too many does no harm, and the next start deletes it
		delete(p.made, key)
	}
}

// logPath returns the file an output is logged to, "" for none. An AUTO log is made
// when its group is to become active, and stays the same for as long as the
// configuration that asked for it is in force.
func (p *preparation) logPath(cfg *config.Program, ch logs.Channel) string {
	key := autoLogKey{cfg, ch}
	switch {
	case cfg.HasAutoLog(ch):
		return p.kept[key] + p.made[key] // one of them
	case ch == logs.Stderr && cfg.RedirectStderr:
		return ""
	}
	return cfg.Logs[ch].Path
}

// use takes over what was made. It runs on the loop.
func (s *Supervisor) use(p *preparation) { maps.Copy(s.autoLogs, p.made) }
