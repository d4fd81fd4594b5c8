package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"supervisor/inifile"
	"supervisor/inifile/near"
	"supervisor/supervise/logs"
)

// Check reads the configuration as a start would and writes what is wrong with
// it to w: all errors, and warnings about what is allowed but hardly meant, in the order
// of files and lines. It starts and changes nothing. The exit status is 2 if a start
// would fail. What the daemon could not have of minfds and minprocs is told by limits: the
// refusal for each of these keys.
func Check(path string, o Overrides, env map[string]string, limits func(*Config) map[string]error, w io.Writer) (exit int) {
	c := &check{reading: read(path, o, env), limits: limits, seen: map[finding]bool{}, wrong: map[string]bool{}}
	for _, err := range c.errs {
		c.err(err)
	}
	if c.file != nil {
		c.remarks()
		c.notes()
		c.names()
		c.values()
		c.servers()
		c.passwords()
		c.programs()
		c.system()
	}
	errors, warnings := c.print(w)
	fmt.Fprintf(w, "%s: errors: %d, warnings: %d\n", path, errors, warnings)
	if errors > 0 {
		return 2
	}
	return 0
}

// finding is one thing to say.
type finding struct {
	pos     inifile.Position
	warning bool
	text    string
}

// check is one run of Check.
type check struct {
	*reading
	limits   func(*Config) map[string]error
	findings []finding
	seen     map[finding]bool // they come for each process of a program
	wrong    map[string]bool  // "SECTION.KEY" and "SECTION" with an error of their own
}

func (c *check) say(f finding) {
	if f.pos.File == "" {
		f.pos.File = c.config.Path
	}
	if !c.seen[f] {
		c.seen[f] = true
		c.findings = append(c.findings, f)
	}
}

// print writes the findings by file, as the files were read, and line.
func (c *check) print(w io.Writer) (errors, warnings int) {
	order := map[string]int{c.config.Path: 0}
	if c.file != nil {
		for _, s := range c.file.Sections() {
			if _, ok := order[s.File()]; !ok {
				order[s.File()] = len(order)
			}
		}
	}
	for _, f := range c.findings { // files that could not be read have no sections
		if _, ok := order[f.pos.File]; !ok {
			order[f.pos.File] = len(order)
		}
	}
	slices.SortStableFunc(c.findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(order[a.pos.File], order[b.pos.File]), cmp.Compare(a.pos.Line, b.pos.Line))
	})
	for _, f := range c.findings {
		kind := "error"
		if f.warning {
			kind = "warning"
			warnings++
		} else {
			errors++
		}
		fmt.Fprintf(w, "%s: %s: %s\n", f.pos, kind, f.text)
	}
	return errors, warnings
}

func (c *check) err(err error) {
	var at *inifile.Error
	if !errors.As(err, &at) {
		c.say(finding{text: err.Error()})
		return
	}
	c.wrong[at.Section], c.wrong[at.Section+"."+at.Key] = true, true
	text := c.plainer(at)
	if at.Key == "programs" { // a start may blame the member before
		text = text[strings.IndexByte(text, ']')+1:]
		text = strings.TrimPrefix(text, " ")
	}
	switch {
	case strings.HasPrefix(text, "["+at.Section+"]"), at.Section == "":
	case at.Key != "":
		text = fmt.Sprintf("[%s] %s: %s", at.Section, at.Key, text)
	default:
		text = fmt.Sprintf("[%s]: %s", at.Section, text)
	}
	c.say(finding{pos: at.Pos, text: text})
}

func (c *check) warn(pos inifile.Position, format string, args ...any) {
	c.say(finding{pos, true, fmt.Sprintf(format, args...)})
}

// notes repeats what a start would log.
func (c *check) notes() {
	for _, note := range c.config.Notes {
		if note.Level >= logs.Warn {
			c.warn(note.Pos, "%s", note.Text)
		}
	}
	taken := map[string]bool{}
	for _, g := range c.config.Groups {
		if taken[g.Name] {
			var pos inifile.Position
			if len(g.Programs) > 0 {
				pos = c.file.Section(g.Programs[0].Section).Pos()
			}
			c.warn(pos, "several groups are called %s: only one of them will run", g.Name)
		}
		taken[g.Name] = true
	}
}

// names looks for sections and keys that nobody reads.
func (c *check) names() {
	for _, section := range c.file.Sections() {
		where := whereIs(section.Name())
		if where == 0 {
			c.warn(section.Pos(), "unknown section [%s]%s", section.Name(), meant(section.Name(), sectionKinds()))
			continue
		}
		if where&(InRPCInterface|InCtlPlugin) != 0 {
			continue // further keys are arguments of the factory
		}
		for _, key := range section.Keys() {
			_, pos, _ := section.Lookup(key)
			_, _, inherited := c.file.Defaults().Lookup(key)
			if inherited || keyOf(where, key) != nil || strings.HasPrefix(key, "[") {
				continue
			}
			c.warn(pos, "unknown key %s in [%s]%s", key, section.Name(), hint(where, key, section))
		}
	}
}

// hint says what an unknown key may have been meant to be.
func hint(where Where, key string, section *inifile.Section) string {
	if text := foreignKey(where, key); text != "" {
		return ": " + text
	}
	free := slices.DeleteFunc(keyNames(where), func(k string) bool {
		_, _, has := section.Lookup(k)
		return has
	})
	if text := meant(key, free); text != "" {
		return text
	}
	if k := keyOf(InProgram, key); k != nil {
		return ": it belongs into [program:x]"
	}
	for i, kind := range sectionKinds() {
		if keyOf(1<<i, key) == nil {
			continue
		}
		if strings.HasSuffix(kind, ":") {
			kind += "x"
		}
		return ": it belongs into [" + kind + "]"
	}
	return ""
}

// meant returns a hint at the known name that is nearest, if any is near.
func meant(name string, known []string) string {
	kind, x, _ := strings.Cut(name, ":")
	var words []string
	for _, k := range known {
		words = append(words, strings.TrimSuffix(k, ":"))
	}
	best := near.Name(strings.ToLower(strings.TrimSpace(kind)), words)
	if best == "" {
		return ""
	}
	if slices.Contains(known, best+":") {
		best += ":" + strings.TrimSpace(x)
	}
	return ": did you mean " + best + "?"
}

// position is that of a key, or of its section if the key is absent.
func position(section *inifile.Section, key string) inifile.Position {
	if _, pos, ok := section.Lookup(key); ok {
		return pos
	}
	return section.Pos()
}

// source is the section that a program's value of key comes from: its own, or
// [program-default]. It is nil if there is an error in the value.
func (c *check) source(section *inifile.Section, key string) *inifile.Section {
	from := section.Reader(inifile.Names{}, "").Over(c.defaultsOf(section)).Source(key)
	if c.wrong[from.Name()+"."+key] {
		return nil
	}
	return from
}

// servers looks at who could connect, and with what.
func (c *check) servers() {
	ctl := c.file.Section("supervisorctl")
	complete := len(c.file.Errors()) == 0 && c.file.Section("supervisord") != nil
	switch {
	case len(c.config.Servers) == 0 && ctl != nil && complete:
		c.warn(ctl.Pos(), "there is no server: supervisorctl cannot connect")
	case len(c.config.Servers) > 0 && len(c.sections("rpcinterface:")) == 0 && complete:
		c.warn(inifile.Position{}, "there is no [rpcinterface:supervisor]: supervisorctl and the web page cannot do anything")
	}
	for _, s := range c.config.Servers {
		section := c.file.Section(s.Section)
		if s.Network == "tcp" && s.Username == "" {
			c.warn(section.Pos(), "[%s] asks for no password: whoever reaches the port can run programs", s.Section)
		}
		if host, _, err := net.SplitHostPort(s.Address); err == nil && host == "::" {
			c.warn(position(section, "port"), "[%s] port: [::] takes connections by IPv6, and by IPv4 only if the system maps them", s.Section)
		}
	}
	if ctl != nil {
		c.supervisorctl(ctl)
	}
}

// supervisorctl looks at what supervisorctl would refuse, and at whom it would ask.
func (c *check) supervisorctl(ctl *inifile.Section) {
	names := inifile.Names{}.WithEnvironment(c.env)
	plain := ctl.Reader(names, "")
	placed := plain.With(names.With("here", c.config.Here))
	for _, key := range []string{"username", "password", "prompt"} {
		plain.String(key, "")
	}
	placed.String("history_file", "")
	if color := plain.String("color", ""); color != "" && !slices.Contains([]string{"auto", "always", "never"}, color) {
		plain.Fail("color", fmt.Errorf("%s is not known: write auto, always or never", inifile.PythonRepr(color)))
	}
	address := placed.String("serverurl", keyOf(InCtl, "serverurl").Default)
	for _, err := range plain.Errs() {
		c.warn(err.Pos, "[supervisorctl] %s: %s: supervisorctl will refuse it", err.Key, c.plainer(err))
	}
	if len(c.config.Servers) > 0 && len(c.file.Errors()) == 0 && c.file.Section("supervisord") != nil {
		c.serverURL(position(ctl, "serverurl"), address)
	}
}

// serverURL looks whether supervisorctl is told of an address that a server has.
func (c *check) serverURL(pos inifile.Position, address string) {
	var there []string
	add := func(s Server) { there = append(there, s.URL()) }
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		path = absolute(path)
		for _, s := range c.config.Servers {
			if s.Network == "unix" {
				add(s)
			}
		}
		if !slices.Contains(there, "unix://"+path) {
			c.warn(pos, "[supervisorctl] serverurl: no server has the socket %s%s", path, orElse(there))
		}
		return
	}
	asked, err := url.Parse(address)
	if err != nil || !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, asked.Hostname()) {
		return // another machine, or a name that may be this one
	}
	port := cmp.Or(asked.Port(), "80")
	for _, s := range c.config.Servers {
		if strings.HasSuffix(s.Address, ":"+port) && s.Network == "tcp" {
			return
		}
		add(s)
	}
	c.warn(pos, "[supervisorctl] serverurl: no server has port %s%s", port, orElse(there))
}

// orElse names what there is instead.
func orElse(sockets []string) string {
	if len(sockets) == 0 {
		return ""
	}
	return ", there is " + strings.Join(sockets, ", ")
}

// passwords looks for files with passwords that everybody can read.
func (c *check) passwords() {
	for _, section := range c.file.Sections() {
		value, pos, ok := section.Lookup("password")
		if !ok || value == "" {
			continue
		}
		switch sectionKind(section.Name()) {
		case "unix_http_server", "inet_http_server", "supervisorctl":
			if info, err := os.Stat(pos.File); err == nil && info.Mode()&0o004 != 0 {
				c.warn(inifile.Position{File: pos.File}, "it holds a password, but everybody can read it (mode %04o)", info.Mode().Perm())
			}
		}
	}
}

// programs looks at what a start of each process would need.
func (c *check) programs() {
	for _, g := range c.config.Groups {
		for _, p := range g.Programs {
			section := c.file.Section(p.Section)
			if from := c.source(section, "command"); from != nil {
				c.command(from, p)
			}
			if from := c.source(section, "directory"); from != nil && p.ChangeDir && !isDirectory(c.inDaemon(p.Directory)) {
				c.warn(position(from, "directory"), "[%s] directory %s does not exist", from.Name(), p.Directory)
			}
			for channel := range p.Logs {
				c.log(section, p, logs.Channel(channel))
			}
			for _, key := range []string{"startsecs", "stopwaitsecs"} {
				if from := c.source(section, key); from != nil {
					c.negative(from, key)
				}
			}
		}
	}
}

// negative looks for a time that is less than nothing.
func (c *check) negative(section *inifile.Section, key string) {
	if text, pos, _ := section.Lookup(key); strings.HasPrefix(text, "-") {
		c.warn(pos, "[%s] %s: %s is less than nothing, and counts as 0", section.Name(), key, text)
	}
}

// inDaemon returns a path as the daemon will see it, which in the background goes to
// the directory that is configured.
func (c *check) inDaemon(path string) string {
	if path == "" || filepath.IsAbs(path) || c.config.NoDaemon || c.config.Directory == "" {
		return path
	}
	return filepath.Join(c.config.Directory, path)
}

// command looks for the program to run, which section names.
func (c *check) command(section *inifile.Section, p *Program) {
	pos, name := position(section, "command"), section.Name()
	words, err := inifile.SplitCommand(p.Command)
	switch {
	case err != nil:
		hint := ""
		for _, cut := range section.Cuts("command") {
			if hint == "" || strings.ContainsAny(cut.Remark, `"'`) {
				pos, hint = cut.Pos, fmt.Sprintf(": it was cut at %q, since a blank before %c begins a remark", cut.Remark, cut.Remark[0])
			}
		}
		c.warn(pos, "[%s] command cannot be parsed: %v%s", name, err, hint)
		return
	case len(words) == 0:
		c.warn(pos, "[%s] command is empty", name)
		return
	}
	path, ok := p.Environment["PATH"]
	if !ok {
		path = cmp.Or(c.env["PATH"], "/bin:/usr/bin:/usr/local/bin")
	}
	file := c.lookCommand(words[0], path)
	info, err := os.Stat(file)
	switch {
	case err != nil && shellBuiltin(words[0]):
		c.warn(pos, "[%s] command: %s means something to a shell only: write sh -c '...'%s", name, words[0], insteadOf(words[0]))
	case err != nil:
		c.warn(pos, "[%s] command %s is not found", name, words[0])
	case info.IsDir():
		c.warn(pos, "[%s] command %s is a directory", name, file)
	case info.Mode()&0o111 == 0:
		c.warn(pos, "[%s] command %s is not executable", name, file)
	default:
		if trouble := c.script(file); trouble != "" {
			c.warn(pos, "[%s] command %s %s", name, file, trouble)
		}
	}
	c.shellWords(pos, name, p.Command, words)
	for _, cut := range section.Cuts("command") {
		next, _, _ := strings.Cut(inifile.TrimSpace(cut.Remark[1:]), " ")
		if cut.Remark[0] == ';' && next != "" && (shellBuiltin(next) || c.lookCommand(next, path) != "" && isFile(c.lookCommand(next, path))) {
			c.warn(cut.Pos, "[%s] command: it ends before %q, since a blank before ; begins a remark: write sh -c \"one; two\"", name, cut.Remark)
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// shellBuiltin reports whether only a shell can do what a word asks for.
func shellBuiltin(word string) bool {
	return slices.Contains([]string{"cd", "export", "source", ".", "exec", "ulimit", "umask"}, word)
}

// insteadOf names the key for what a word of a shell does.
func insteadOf(word string) string {
	switch word {
	case "cd":
		return ", or set directory="
	case "export":
		return ", or set environment="
	case "umask":
		return ", or set umask="
	}
	return ""
}

// lookCommand returns the first file called so in path, "" if there is none.
func (c *check) lookCommand(name, path string) string {
	if strings.Contains(name, "/") {
		return c.inDaemon(name)
	}
	for dir := range strings.SplitSeq(path, ":") {
		file := c.inDaemon(filepath.Join(cmp.Or(dir, "."), name))
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// log looks whether the daemon could write a log of a program: as the user that it will
// be, and where it will be.
func (c *check) log(section *inifile.Section, p *Program, channel logs.Channel) {
	key := channel.String() + "_logfile"
	from := c.source(section, key)
	if p.Logs[channel].Path == "" || from == nil {
		return
	}
	path := c.inDaemon(p.Logs[channel].Path)
	if err := c.config.MayWriteLog(path); err != nil {
		c.warn(position(from, key), "[%s] %s: %v: the program will not start", from.Name(), key, err)
	}
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
