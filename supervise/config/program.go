package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"supervisor/inifile"
	"supervisor/supervise/logs"
)

// draft is a program that is being read: what all processes of a section share, or one of
// them.
type draft struct {
	Program
	first, count int    // process numbers
	nameFormat   string // process_name unexpanded
	logKinds     [2]logKind
}

// newDraft is one of a program that says nothing.
func newDraft() *draft {
	d := new(draft)
	d.Restart.Delay = -1
	return d
}

// defaultsOf is the section that a program takes from what it does not say itself: nil
// for none, as listeners and fcgi programs have.
func (r *reading) defaultsOf(section *inifile.Section) *inifile.Section {
	if whereIs(section.Name()) != InProgram {
		return nil
	}
	return r.defaults
}

// readDefaults looks at [program-default] by itself, since programs may say otherwise and so
// hide what is wrong there. What refers to a name is left to the programs, which know it.
func (r *reading) readDefaults() {
	section := r.file.Section("program-default")
	if section == nil {
		return
	}
	r.defaults = section
	s := section.Reader(r.global, fmt.Sprintf(" in section '%s' (file: '%s')", section.Name(), section.File()))
	r.readKeys(ofProgram, s, preset(InProgramDefault, ofProgram, &draft{}))
	r.readKeys(ofProcess, s, preset(InProgramDefault, ofProcess, &draft{}))
	s.KeyValues("environment")
	for _, err := range s.Errs() {
		if text, _, ok := section.Lookup(err.Key); ok && !strings.Contains(text, "%(") {
			r.fail(err)
		}
	}
}

// readProcesses reads the keys that [program:x], [fcgi-program:x] and
// [eventlistener:x] have in common, and returns the processes by name. The
// program p has what the kind of section adds to each.
func (r *reading) readProcesses(section *inifile.Section, group string, p Program) []*Program {
	name, err := checkedName(afterColon(section))
	names := r.global.With("here", r.config.Here).With("program_name", name).
		With("host_node_name", r.node).With("group_name", group)
	s := section.Reader(names, fmt.Sprintf(" in section '%s' (file: '%s')", section.Name(), section.File())).Over(r.defaultsOf(section))
	if err != nil {
		s.Fail("", err)
	}
	p.Group, p.Section = group, section.Name()
	d := r.readProgram(s, p)
	var programs []*Program
	// After an error one process is enough: it is wrong with all of them.
	for i := 0; i < d.count && (i == 0 || s.Err() == nil); i++ {
		programs = append(programs, r.readProcess(s, names, d, d.first+i))
	}
	r.collect(s)
	slices.SortStableFunc(programs, func(a, b *Program) int { return strings.Compare(a.Name, b.Name) })
	return programs
}

// readProgram reads the keys that are expanded once for all processes. What it returns holds
// until the next call.
func (r *reading) readProgram(s *inifile.Reader, p Program) *draft {
	where := whereIs(s.Section().Name())
	unset, ok := r.unset[where]
	if !ok {
		unset = preset(where, ofProcess, preset(where, ofProgram, newDraft()))
		r.unset[where] = unset
	}
	d := &r.scratch
	*d = *unset
	d.Group, d.Section, d.Socket, d.Listener = p.Group, p.Section, p.Socket, p.Listener
	r.readKeys(ofProgram, s, d)
	if d.count > 1 && !strings.Contains(d.nameFormat, "%(process_num)") {
		s.Fail("process_name", errors.New("%(process_num) must be present within process_name when numprocs > 1"))
	}
	if d.StopAsGroup && !d.KillAsGroup {
		s.Fail("killasgroup", errors.New("Cannot set stopasgroup=true and killasgroup=false"))
	}
	settleAdditions(s, d)
	return d
}

// maxCount is how many processes of a program there can be: a slip of the finger in a file
// that is read again should not take all the memory.
const maxCount = 100_000

func checkCount(_ *reading, s *inifile.Reader, key string, d *draft) {
	if d.count > maxCount {
		s.Fail(key, fmt.Errorf("numprocs is %d, but a program can have %d processes at most", d.count, maxCount))
		d.count = 1
	}
}

func (r *reading) settleServerURL(_ *inifile.Reader, _ string, d *draft) {
	if d.ServerURLAuto = strings.EqualFold(inifile.TrimSpace(d.ServerURL), "AUTO"); d.ServerURLAuto {
		d.ServerURL = "" // for readServers to fill in
	}
}

func (r *reading) readUser(s *inifile.Reader, key string, d *draft) {
	d.User = r.account(s.User(key))
}

// readProcess reads the keys that are expanded for each process. It has a copy of what all
// processes of the section share.
func (r *reading) readProcess(s *inifile.Reader, names inifile.Names, shared *draft, number int) *Program {
	d := new(draft)
	*d = *shared
	names = names.WithInt("process_num", number).WithInt("numprocs", d.count)
	own := s.With(names).KeyValues("environment")
	if hidden := s.With(names).Hidden("environment"); hidden != nil {
		own = overlay(hidden.KeyValues("environment"), own)
	}
	d.Environment = overlay(r.config.Environment, own)
	names = names.WithEnvironment(own)
	s = s.With(names)
	r.readKeys(ofProcess, s, d)
	d.Lines.Prefix = r.readPrefix(s, names)
	d.EnvironmentFiles = slices.Concat(r.config.EnvironmentFiles, d.EnvironmentFiles)
	for channel := range d.Logs {
		r.settleLog(s, d, logs.Channel(channel))
	}
	d.Name = s.Expand("process_name", d.nameFormat)
	if d.Restart.Jitter > 0 {
		d.Seed = d.Group + ":" + d.Name
	}
	if d.ServerURLAuto {
		r.autoURL = append(r.autoURL, &d.Program)
	}
	return &d.Program
}

// readPrefix reads log_prefix for both channels. Most programs have none, and then nothing is
// made for each of their processes.
func (r *reading) readPrefix(s *inifile.Reader, names inifile.Names) (prefix [2]string) {
	if !s.Has("log_prefix") {
		plain := afterColon(s.Section()) + " | " // as defaultPrefix
		return [2]string{plain, plain}
	}
	for channel := range prefix {
		named := s.With(names.With("channel", logs.Channel(channel).String()))
		text := named.Expand("log_prefix", named.Raw("log_prefix", defaultPrefix))
		if text != "" && !strings.HasSuffix(text, " ") {
			text += " " // which cannot be written at the end of a value
		}
		prefix[channel] = text
	}
	return prefix
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

// settleLog decides where the output of a channel goes, when all is read that has a say
// in it.
func (r *reading) settleLog(s *inifile.Reader, d *draft, channel logs.Channel) {
	var (
		log  = &d.Logs[channel]
		key  = channel.String() + "_logfile"
		name = s.Section().Name()
		kind = d.logKinds[channel]
	)
	log.Auto, log.Blank = kind == autoLog, kind == fileLog && log.Path == ""
	switch {
	case kind == syslogLog:
		log.Syslog = true
		r.note(s.Source(key), key, "For [%s], %s=syslog but this is deprecated and will be removed.  Use %s_syslog=true to enable syslog instead.", name, key, channel)
	case log.Auto && log.MaxBytes == 0:
		r.note(s.Source(key), key, "For [%s], AUTO logging used for %s without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally", name, key)
	}
	if channel == logs.Stderr && d.RedirectStderr {
		if kind == fileLog {
			r.note(s.Source(key), key, "For [%s], redirect_stderr=true but %s has also been set to a filename, the filename has been ignored", name, key)
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
func (d *draft) readLogfile(s *inifile.Reader, key string, channel logs.Channel) {
	d.Logs[channel].Path, d.logKinds[channel] = parseLogfile(s, key)
}

func parseLogfile(s *inifile.Reader, key string) (path string, kind logKind) {
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
