package supervise

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"supervisor/inifile"
)

// Check reads the configuration as a start would and writes what is wrong with
// it to w: all errors, and warnings about what is allowed but hardly meant. It
// starts and changes nothing. The exit status is 2 if a start would fail.
func Check(path string, o Overrides, env map[string]string, w io.Writer) (exit int) {
	c := &check{reading: read(path, o, env), seen: map[string]bool{}, w: w}
	for _, err := range c.errs {
		c.err(err)
	}
	if c.file != nil {
		c.notes()
		c.names()
		c.servers()
		c.passwords()
		c.programs()
	}
	fmt.Fprintf(w, "%s: errors: %d, warnings: %d\n", path, c.errors, c.warnings)
	if c.errors > 0 {
		return 2
	}
	return 0
}

// check is one run of Check.
type check struct {
	*reading
	w                io.Writer
	seen             map[string]bool // lines written
	errors, warnings int
}

// say writes a line unless it has been written before, as it would be for each
// process of a program.
func (c *check) say(count *int, pos inifile.Position, kind, text string) {
	where := pos.String()
	if where == "" {
		where = c.config.Path
	}
	line := fmt.Sprintf("%s: %s: %s", where, kind, text)
	if !c.seen[line] {
		c.seen[line] = true
		*count++
		fmt.Fprintln(c.w, line)
	}
}

func (c *check) err(err error) {
	var at *inifile.Error
	if !errors.As(err, &at) {
		c.say(&c.errors, inifile.Position{}, "error", err.Error())
		return
	}
	text := at.Err.Error()
	switch {
	case at.Key != "":
		text = fmt.Sprintf("[%s] %s: %s", at.Section, at.Key, text)
	case at.Section != "":
		text = fmt.Sprintf("[%s]: %s", at.Section, text)
	}
	c.say(&c.errors, at.Pos, "error", text)
}

func (c *check) warn(pos inifile.Position, format string, args ...any) {
	c.say(&c.warnings, pos, "warning", fmt.Sprintf(format, args...))
}

// notes repeats what a start would log.
func (c *check) notes() {
	for _, note := range c.config.Notes {
		if note.Level >= Warn {
			c.warn(inifile.Position{}, "%s", note.Text)
		}
	}
	taken := map[string]bool{}
	for _, g := range c.config.Groups {
		if taken[g.Name] {
			c.warn(inifile.Position{}, "several groups are called %s: only one of them will run", g.Name)
		}
		taken[g.Name] = true
	}
}

// names looks for sections and keys that nobody reads.
func (c *check) names() {
	known := sampleKeys()
	for _, section := range c.file.Sections() {
		kind := sectionKind(section.Name())
		keys, ok := known[kind]
		if !ok {
			c.warn(section.Pos(), "unknown section [%s]%s", section.Name(), meant(section.Name(), kinds(known)))
			continue
		}
		if kind == "rpcinterface:" || kind == "ctlplugin:" {
			continue // further keys are arguments of the factory
		}
		for _, key := range section.Keys() {
			_, pos, _ := section.Lookup(key)
			if _, _, inherited := c.file.Defaults().Lookup(key); !inherited && !slices.Contains(keys, key) {
				c.warn(pos, "unknown key %s in [%s]%s", key, section.Name(), meant(key, keys))
			}
		}
	}
}

// sectionKind returns what a section's name begins with, or the whole name if
// it stands for itself.
func sectionKind(name string) string {
	for _, server := range []string{"unix_http_server", "inet_http_server"} {
		if strings.HasPrefix(name, server) {
			return server
		}
	}
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[:i+1]
	}
	return name
}

// sampleKeys returns the keys of each kind of section: those of the sample, which
// has them all.
func sampleKeys() map[string][]string {
	known := map[string][]string{}
	kind := ""
	for line := range strings.Lines(Sample()) {
		line = strings.TrimPrefix(line, ";")
		if name, _, ok := strings.Cut(line, "]"); ok && strings.HasPrefix(name, "[") {
			kind = sectionKind(name[1:])
			known[kind] = []string{}
		} else if key, _, ok := strings.Cut(line, "="); ok && kind != "" && !strings.HasPrefix(key, " ") {
			known[kind] = append(known[kind], strings.TrimSpace(key))
		}
	}
	for _, kind := range []string{"eventlistener:", "fcgi-program:"} {
		known[kind] = append(known[kind], known["program:"]...)
	}
	return known
}

func kinds(known map[string][]string) []string {
	var names []string
	for kind := range known {
		names = append(names, kind)
	}
	slices.Sort(names)
	return names
}

// meant returns a hint at the known name that is nearest, if any is near.
func meant(name string, known []string) string {
	kind, x, hasColon := strings.Cut(name, ":")
	kind, x = strings.TrimSpace(kind), strings.TrimSpace(x)
	best, bestDistance := "", len(kind)/3+2
	for _, candidate := range known {
		d := distance(strings.ToLower(kind), strings.TrimSuffix(candidate, ":"))
		if d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	if hasColon && strings.HasSuffix(best, ":") {
		best += x
	}
	return ": did you mean " + best + "?"
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// position is that of a key, or of its section if the key is absent.
func position(section *inifile.Section, key string) inifile.Position {
	if section == nil {
		return inifile.Position{}
	}
	if _, pos, ok := section.Lookup(key); ok {
		return pos
	}
	return section.Pos()
}

// servers looks at who could connect, and at what would keep one from opening.
func (c *check) servers() {
	if len(c.config.Servers) == 0 {
		c.warn(inifile.Position{}, "there is no server: supervisorctl cannot connect")
	} else if len(c.config.RPCNamespaces) == 0 {
		c.warn(inifile.Position{}, "there is no [rpcinterface:supervisor]: supervisorctl and the web page cannot do anything")
	}
	for _, s := range c.config.Servers {
		section := c.file.Section(s.Section)
		switch {
		case s.Network == "tcp" && s.Username == "":
			c.warn(section.Pos(), "[%s] asks for no password: whoever reaches the port can run programs", s.Section)
		case s.Network == "unix" && s.Address != "" && !isDirectory(filepath.Dir(s.Address)):
			c.err(section.Error("file", fmt.Errorf("the directory of %s does not exist", s.Address)))
		}
	}
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
	if c.config.User != nil && os.Getuid() != 0 && c.config.User.UID != os.Getuid() {
		c.err(c.file.Section("supervisord").Error("user", errors.New("Can't drop privilege as nonroot user")))
	}
	for _, g := range c.config.Groups {
		for _, p := range g.Programs {
			section := c.file.Section(p.Section)
			c.command(section, p)
			if p.ChangeDir && !isDirectory(p.Directory) {
				c.warn(position(section, "directory"), "[%s] directory %s does not exist", p.Section, p.Directory)
			}
			for channel := range p.Logs {
				c.log(section, p, Channel(channel))
			}
		}
	}
}

// command looks for the program to run.
func (c *check) command(section *inifile.Section, p *Program) {
	pos := position(section, "command")
	words, err := inifile.SplitCommand(p.Command)
	switch {
	case err != nil:
		c.warn(pos, "[%s] command cannot be parsed: %v", p.Section, err)
		return
	case len(words) == 0:
		c.warn(pos, "[%s] command is empty", p.Section)
		return
	}
	path, ok := p.Environment["PATH"]
	if !ok {
		path = cmp.Or(c.env["PATH"], "/bin:/usr/bin:/usr/local/bin")
	}
	file := lookCommand(words[0], path)
	info, err := os.Stat(file)
	switch {
	case err != nil:
		c.warn(pos, "[%s] command %s is not found", p.Section, words[0])
	case info.IsDir():
		c.warn(pos, "[%s] command %s is a directory", p.Section, file)
	case info.Mode()&0o111 == 0:
		c.warn(pos, "[%s] command %s is not executable", p.Section, file)
	}
}

// lookCommand returns the first file called so in path, "" if there is none.
func lookCommand(name, path string) string {
	if strings.Contains(name, "/") {
		return name
	}
	for dir := range strings.SplitSeq(path, ":") {
		file := filepath.Join(cmp.Or(dir, "."), name)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// log looks at the directory that a log file will be in: a daemon has gone to
// another one by the time it opens the file.
func (c *check) log(section *inifile.Section, p *Program, channel Channel) {
	path := p.Logs[channel].Path
	if path == "" || filepath.IsAbs(path) || c.config.NoDaemon || c.config.Directory == "" {
		return
	}
	dir := filepath.Dir(filepath.Join(c.config.Directory, path))
	if !isDirectory(dir) {
		key := channel.String() + "_logfile"
		c.warn(position(section, key), "[%s] %s will be in %s, which does not exist", p.Section, key, dir)
	}
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
