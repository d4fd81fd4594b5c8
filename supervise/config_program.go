package supervise

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"supervisor/inifile"
)

// common is what the processes of one section share.
type common struct {
	Program             // without what differs between them
	first, count int    // process numbers
	nameFormat   string // process_name unexpanded
}

// readProcesses reads the keys that [program:x], [fcgi-program:x] and
// [eventlistener:x] have in common, and returns the processes by name. The
// program p has what the kind of section adds to each.
func (r *reading) readProcesses(section *inifile.Section, group string, p Program) []*Program {
	name, err := checkedName(afterColon(section))
	names := r.global.With("here", r.config.Here).With("program_name", name).
		With("host_node_name", r.node).With("group_name", group)
	s := section.Reader(names, fmt.Sprintf(" in section '%s' (file: '%s')", section.Name(), section.File()))
	if err != nil {
		s.Fail("", err)
	}
	p.Group, p.Section = group, section.Name()
	c := r.readProgram(s, p)
	var programs []*Program
	// After an error one process is enough: it is wrong with all of them.
	for i := 0; i < c.count && (i == 0 || s.Err() == nil); i++ {
		programs = append(programs, r.readProcess(s, names, c, c.first+i))
	}
	r.collect(s)
	slices.SortStableFunc(programs, func(a, b *Program) int { return strings.Compare(a.Name, b.Name) })
	return programs
}

// readProgram reads the keys that are expanded once for all processes.
func (r *reading) readProgram(s *inifile.Reader, p Program) common {
	p.Priority = s.Int("priority", 999)
	p.Autostart = s.Bool("autostart", true)
	p.Autorestart = inifile.Convert(s, "autorestart", RestartUnexpected, parseAutorestart)
	p.StartSecs = s.Seconds("startsecs", 1)
	p.StartRetries = s.Int("startretries", 3)
	p.Restart = readRestart(s)
	p.StopSignal = s.Signal("stopsignal", syscall.SIGTERM)
	p.StopWait = s.Seconds("stopwaitsecs", 10)
	p.StopAsGroup = s.Bool("stopasgroup", false)
	p.KillAsGroup = s.Bool("killasgroup", p.StopAsGroup)
	p.ExitCodes = s.ExitCodes("exitcodes", 0)
	p.RedirectStderr = s.Bool("redirect_stderr", false)
	c := common{count: s.Int("numprocs", 1), first: s.Int("numprocs_start", 0)}
	for channel := range p.Logs {
		key := Channel(channel).String()
		p.Logs[channel].CaptureMaxBytes = s.Bytes(key+"_capture_maxbytes", 0)
		p.Logs[channel].EventsEnabled = s.Bool(key+"_events_enabled", false)
	}
	p.ServerURL = s.String("serverurl", "AUTO")
	if p.ServerURLAuto = strings.EqualFold(inifile.TrimSpace(p.ServerURL), "AUTO"); p.ServerURLAuto {
		p.ServerURL = "" // for readServers to fill in
	}
	p.User = r.account(s.User("user"))
	p.Umask = s.Octal("umask", -1)

	name, err := checkedName(s.Raw("process_name", "%(program_name)s"))
	if err != nil {
		s.Fail("process_name", err)
	}
	if c.count > 1 && !strings.Contains(name, "%(process_num)") {
		s.Fail("process_name", errors.New("%(process_num) must be present within process_name when numprocs > 1"))
	}
	if p.StopAsGroup && !p.KillAsGroup {
		s.Fail("killasgroup", errors.New("Cannot set stopasgroup=true and killasgroup=false"))
	}
	c.Program, c.nameFormat = p, name
	return c
}

// readRestart reads the keys of the restart policy, which there is with restart_delay.
func readRestart(s *inifile.Reader) *RestartPolicy {
	r := &RestartPolicy{
		Delay:  s.Duration("restart_delay", 0),
		Factor: inifile.Convert(s, "restart_factor", 1, parseFactor),
		Max:    s.Duration("restart_delay_max", time.Minute),
		Reset:  s.Duration("restart_reset", time.Minute),
	}
	// As it is: a per cent sign is not the beginning of an expansion here.
	var err error
	if r.Jitter, err = parsePart(s.Raw("restart_jitter", "0%")); err != nil {
		s.Fail("restart_jitter", err)
	}
	if !s.Has("restart_delay") {
		return nil
	}
	return r
}

// parseFactor reads a number of at least 1.
func parseFactor(text string) (float64, error) {
	f, err := strconv.ParseFloat(inifile.TrimSpace(text), 64)
	if err != nil || !(f >= 1) || math.IsInf(f, 0) {
		return 1, fmt.Errorf("%s is not a number of at least 1", inifile.PythonRepr(text))
	}
	return f, nil
}

// parsePart reads a part of a whole, in per cent.
func parsePart(text string) (float64, error) {
	number := strings.TrimRight(inifile.TrimSpace(text), "%")
	f, err := strconv.ParseFloat(inifile.TrimSpace(number), 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0, fmt.Errorf("%s is not a percentage from 0%% to 100%%", inifile.PythonRepr(text))
	}
	return f / 100, nil
}

// readProcess reads the keys that are expanded for each process.
func (r *reading) readProcess(s *inifile.Reader, names inifile.Names, c common, number int) *Program {
	p := c.Program
	names = names.WithInt("process_num", number).WithInt("numprocs", c.count)
	own := s.With(names).KeyValues("environment")
	p.Environment = overlay(r.config.Environment, own)
	s = s.With(names.WithEnvironment(own))
	p.Directory, p.ChangeDir = s.String("directory", ""), s.Has("directory")
	for channel := range p.Logs {
		r.readLog(s, Channel(channel), &p)
	}
	p.Command = s.Required("command", fmt.Sprintf("program section %s does not specify a command", s.Section().Name()))
	p.Name = s.Expand("process_name", c.nameFormat)
	if p.ServerURLAuto {
		r.autoURL = append(r.autoURL, &p)
	}
	return &p
}

// overlay returns base with what own has in addition or instead. Without that
// the map is shared: nobody changes it.
func overlay(base, own map[string]string) map[string]string {
	if len(own) == 0 {
		return base
	}
	all := make(map[string]string, len(base)+len(own))
	maps.Copy(all, base)
	maps.Copy(all, own)
	return all
}

// readLog reads where the output of a channel goes, but for what readProgram
// has read already.
func (r *reading) readLog(s *inifile.Reader, channel Channel, p *Program) {
	var (
		log  = &p.Logs[channel]
		key  = channel.String() + "_logfile"
		name = s.Section().Name()
		kind logKind
	)
	log.Path, kind = readLogfile(s, key)
	log.Auto, log.Blank = kind == autoLog, kind == fileLog && log.Path == ""
	log.Backups = s.Int(key+"_backups", 10)
	log.MaxBytes = s.Bytes(key+"_maxbytes", 50<<20)
	log.Syslog = s.Bool(channel.String()+"_syslog", false)
	switch {
	case kind == syslogLog:
		log.Syslog = true
		r.note(Warn, "For [%s], %s=syslog but this is deprecated and will be removed.  Use %s_syslog=true to enable syslog instead.", name, key, channel)
	case log.Auto && log.MaxBytes == 0:
		r.note(Warn, "For [%s], AUTO logging used for %s without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally", name, key)
	}
	if channel == Stderr && p.RedirectStderr {
		if kind == fileLog {
			r.note(Warn, "For [%s], redirect_stderr=true but %s has also been set to a filename, the filename has been ignored", name, key)
		}
		log.Path, log.Auto, log.Blank = "", false, false
	}
}

// logKind is what sort of value a log file has.
type logKind int

const (
	fileLog logKind = iota
	noLog
	autoLog
	syslogLog
)

// readLogfile reads the value of a log file. It is expanded twice, as existing
// files rely on.
func readLogfile(s *inifile.Reader, key string) (path string, kind logKind) {
	if !s.Has(key) {
		return "", autoLog
	}
	path = s.Expand(key, s.String(key, ""))
	switch strings.ToLower(path) {
	case "none", "off":
		return "", noLog
	case "auto":
		return "", autoLog
	case "syslog":
		return "", syslogLog
	}
	path, err := inifile.ExistingDirpath(path)
	if err != nil {
		s.Fail(key, err)
	}
	return path, fileLog
}

// parseAutorestart reads a boolean or "unexpected".
func parseAutorestart(text string) (Autorestart, error) {
	word := strings.ToLower(text)
	if word == "unexpected" {
		return RestartUnexpected, nil
	}
	always, err := inifile.ParseBool(word)
	switch {
	case err != nil:
		return 0, fmt.Errorf("invalid 'autorestart' value %s", inifile.PythonRepr(word))
	case always:
		return RestartAlways, nil
	default:
		return RestartNever, nil
	}
}

// afterColon is the x of [kind:x].
func afterColon(section *inifile.Section) string {
	_, x, _ := strings.Cut(section.Name(), ":")
	return x
}

// checkedName returns the name of a program, group or process without the
// blanks around it, if it can be one.
func checkedName(text string) (string, error) {
	name := inifile.TrimSpace(text)
	for _, character := range []string{" ", ":", "/"} {
		if strings.Contains(name, character) {
			return name, fmt.Errorf("Invalid name: %s because of character: '%s'", inifile.PythonRepr(text), character)
		}
	}
	return name, nil
}
