package config

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"supervisor/inifile"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
)

// Overrides is what the command line puts in place of the file's settings. A
// field that is nil or false says nothing.
type Overrides struct {
	MinFDs          *int
	MinProcs        *int
	Directory       *string
	User            *string // name or number, resolved after the file was read
	Umask           *int
	Logfile         *string
	LogfileMaxBytes *int64
	LogfileBackups  *int
	LogLevel        *logs.Level
	LogFormat       *lines.Format
	Pidfile         *string
	Identifier      *string
	ChildLogDir     *string
	NoDaemon        bool
	Silent          bool
	NoCleanup       bool
	StripANSI       bool

	// Environment is what earlier readings in this run of the daemon found as
	// [supervisord] environment. It can still be referred to as %(ENV_x)s, the
	// present one comes first.
	Environment map[string]string
}

// Read reads the file called path, its includes and the command line's
// overrides into a checked Config. The environment env is that of the process.
// Nothing is opened or created. The text of an error is Supervisor's message;
// most are of type *inifile.Error.
func Read(path string, o Overrides, env map[string]string) (*Config, error) {
	r := read(path, o, env)
	if len(r.errs) > 0 {
		return nil, r.errs[0]
	}
	return r.config, nil
}

// reading is one pass over the configuration, in Supervisor's order of
// validation. It goes on after an error, so that all of them can be shown.
type reading struct {
	config *Config
	file   *inifile.File
	env    map[string]string // of the process
	node   string            // host_node_name
	global inifile.Names     // ENV_x, with [supervisord] environment
	errs   []error

	userName *string          // of [supervisord], expanded; nil for none
	defaults *inifile.Section // [program-default]; nil for none

	grouped map[string]bool // sections whose processes belong to a [group:x]
	autoURL []*Program      // to be told the address of the servers
	users   map[string]*User
	sockets map[string]*FastCGISocket // by section
	unset   map[Where]*draft          // programs that say nothing
	scratch draft                     // of readProgram
}

// read always returns a reading with a config, which is complete if there are
// no errs.
func read(path string, o Overrides, env map[string]string) *reading {
	r := &reading{
		config:  preset(InAPI, ofAPI, preset(InSupervisord, ofDaemon, &Config{Path: path})),
		env:     env,
		grouped: map[string]bool{},
		users:   map[string]*User{},
		sockets: map[string]*FastCGISocket{},
		unset:   map[Where]*draft{},
	}
	if err := r.load(path); err != nil {
		r.fail(err)
		if r.file == nil {
			return r
		}
		for _, more := range r.file.Errors()[min(1, len(r.file.Errors())):] {
			r.fail(more)
		}
	}
	// After an error the rest is read all the same, to be told of all mistakes.
	r.global = inifile.Names{}.WithEnvironment(env)
	if section := r.file.Section("supervisord"); section != nil {
		r.readSupervisord(section, o.Environment)
	} else {
		r.fail(errors.New(".ini file does not include supervisord section"))
	}
	r.readAPI()
	r.readInterfaces()
	r.readDefaults()
	r.readGroups()
	r.settleOrder()
	r.readServers()
	r.override(o)
	r.checkInterfaces()
	return r
}

// load parses the file and what it includes.
func (r *reading) load(path string) (err error) {
	if r.node, err = os.Hostname(); err != nil {
		return err
	}
	if r.file, err = inifile.Read(path); err != nil {
		r.file = nil
		return err
	}
	r.config.Here = r.file.Here()
	notices, err := r.file.Include(r.env, r.node)
	for _, n := range notices {
		level := logs.Info
		if n.Warning {
			level = logs.Warn
		}
		r.config.Notes = append(r.config.Notes, Note{Level: level, Text: n.Text, Pos: position(r.file.Section("include"), "files")})
	}
	return err
}

func (r *reading) fail(err error) { r.errs = append(r.errs, err) }

// collect takes over the errors of a section's reader.
func (r *reading) collect(s *inifile.Reader) {
	for _, err := range s.Errs() {
		r.fail(err)
	}
}

// note warns about key in a section.
func (r *reading) note(section *inifile.Section, key, format string, args ...any) {
	r.config.Notes = append(r.config.Notes, Note{Level: logs.Warn, Text: fmt.Sprintf(format, args...), Pos: position(section, key)})
}

// sections returns the sections whose name begins so, in their order.
func (r *reading) sections(prefix string) []*inifile.Section {
	return slices.DeleteFunc(slices.Clone(r.file.Sections()), func(s *inifile.Section) bool {
		return !strings.HasPrefix(s.Name(), prefix)
	})
}

// readSupervisord is the whole of [supervisord]. The user is resolved later,
// because the command line may name another one.
func (r *reading) readSupervisord(section *inifile.Section, earlier map[string]string) {
	environ := inifile.Names{}.WithEnvironment(r.env)
	if len(earlier) > 0 {
		environ = environ.WithEnvironment(earlier)
	}
	r.global = environ.With("here", r.config.Here)
	s := section.Reader(r.global.WithUnlisted("host_node_name", r.node), "")
	r.readKeys(ofDaemon, s, r.config)
	r.collect(s)
	r.global = environ.WithEnvironment(r.config.Environment)
}

// readAPI is the whole of [api].
func (r *reading) readAPI() {
	if section := r.file.Section("api"); section != nil {
		s := section.Reader(r.global, "")
		r.readKeys(ofAPI, s, r.config)
		r.collect(s)
	}
}

func (r *reading) readDaemonUser(s *inifile.Reader, key string, _ *Config) {
	if s.Has(key) {
		name := s.String(key, "")
		r.userName = &name
	}
}

func (r *reading) readChildLogDir(s *inifile.Reader, key string, c *Config) {
	c.ChildLogDir = inifile.Convert(s, key, "", inifile.ExistingDirectory)
	if !s.Has(key) {
		c.ChildLogDir = tempDir(r.env)
	}
}

// readDaemonEnvironment knows host_node_name as Supervisor does, so messages list it.
func (r *reading) readDaemonEnvironment(s *inifile.Reader, key string, c *Config) {
	c.Environment = s.With(r.global.With("host_node_name", r.node)).KeyValues(key)
}

// tempDir is the directory that Python's tempfile would choose.
func tempDir(env map[string]string) string {
	const mayCreate = 2 | 1 // W_OK and X_OK
	for _, dir := range []string{env["TMPDIR"], env["TEMP"], env["TMP"], "/tmp", "/var/tmp", "/usr/tmp"} {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() && syscall.Access(dir, mayCreate) == nil {
			return absolute(dir)
		}
	}
	return absolute(".")
}

// absolute makes a path absolute where that is possible: without a working
// directory, the path is left for its user to fail with.
func absolute(path string) string {
	abs, err := inifile.AbsPath(path)
	if err != nil {
		return path
	}
	return abs
}

// override merges the command line, makes paths absolute and resolves the user.
func (r *reading) override(o Overrides) {
	c := r.config
	replace(&c.MinFDs, o.MinFDs)
	replace(&c.MinProcs, o.MinProcs)
	replace(&c.Directory, o.Directory)
	replace(&c.Umask, o.Umask)
	replace(&c.Logfile, o.Logfile)
	replace(&c.LogfileMaxBytes, o.LogfileMaxBytes)
	replace(&c.LogfileBackups, o.LogfileBackups)
	replace(&c.LogLevel, o.LogLevel)
	replace(&c.LogFormat, o.LogFormat)
	replace(&c.Pidfile, o.Pidfile)
	replace(&c.Identifier, o.Identifier)
	replace(&c.ChildLogDir, o.ChildLogDir)
	c.NoDaemon = c.NoDaemon || o.NoDaemon
	c.Silent = c.Silent || o.Silent
	c.NoCleanup = c.NoCleanup || o.NoCleanup
	c.StripANSI = c.StripANSI || o.StripANSI
	if c.Logfile != "syslog" {
		c.Logfile = absolute(c.Logfile)
	}
	c.Pidfile = absolute(c.Pidfile)
	c.ChildLogDir = absolute(c.ChildLogDir)

	if o.User != nil {
		account, err := inifile.ParseUser(*o.User)
		if err != nil {
			r.fail(err)
			return
		}
		c.User = r.account(account)
	} else if r.userName != nil {
		section := r.file.Section("supervisord")
		account, err := inifile.ParseUser(*r.userName)
		if err != nil {
			r.fail(section.Error("user", err))
			return
		}
		c.User = r.account(account)
	}
}

func replace[T any](setting, override *T) {
	if override != nil {
		*setting = *override
	}
}

// account resolves what becoming that user takes.
func (r *reading) account(u *user.User) *User {
	if u == nil {
		return nil
	}
	if known := r.users[u.Username]; known != nil {
		return known
	}
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			return -1 // only where user ids are no numbers, which no Unix has
		}
		return n
	}
	account := &User{Name: u.Username, UID: number(u.Uid), GID: number(u.Gid)}
	for _, g := range inifile.GroupIDs(u) {
		if gid := number(g); !slices.Contains(account.Groups, gid) {
			account.Groups = append(account.Groups, gid)
		}
	}
	r.users[u.Username] = account
	return account
}

// readServers reads the sections of the HTTP servers and tells the programs the
// address of one of them.
func (r *reading) readServers() {
	for _, section := range r.sections("inet_http_server") {
		r.config.Servers = append(r.config.Servers, r.readInetServer(section))
	}
	for _, section := range r.sections("unix_http_server") {
		r.config.Servers = append(r.config.Servers, r.readUnixServer(section))
	}
	url := r.config.serverURL()
	for _, p := range r.autoURL {
		p.ServerURL = url
	}
}

// serverURL is what a program is told of the servers: the first unix one, else
// the last of the others.
func (c *Config) serverURL() string {
	url := ""
	for _, s := range c.Servers {
		url = s.URL()
		if s.Network == "unix" {
			break
		}
	}
	return url
}

// readInetServer is the whole of [inet_http_server].
func (r *reading) readInetServer(section *inifile.Section) Server {
	c := Server{Section: section.Name(), Network: "tcp", UID: -1, GID: -1}
	s := section.Reader(r.global, "")
	r.readKeys(ofServer, s, &c)
	r.collect(s)
	return c
}

// readUnixServer is the whole of [unix_http_server].
func (r *reading) readUnixServer(section *inifile.Section) Server {
	c := preset(InUnixServer, ofServer, &Server{Section: section.Name(), Network: "unix", UID: -1, GID: -1})
	s := section.Reader(r.global, "")
	r.readKeys(ofServer, s, c)
	r.collect(s)
	return *c
}

func (r *reading) readSocketFile(s *inifile.Reader, key string, c *Server) {
	file := s.With(r.global.With("here", r.config.Here)).Required(key, fmt.Sprintf("section [%s] has no file value", c.Section))
	c.Address = absolute(inifile.ExpandUser(inifile.TrimSpace(file)))
}

func (r *reading) readPort(s *inifile.Reader, key string, c *Server) {
	port := s.Required(key, fmt.Sprintf("section [%s] has no port value", c.Section))
	if !s.Has(key) {
		return
	}
	host, number, err := inifile.ParseInetAddress(port)
	if err != nil {
		s.Fail(key, err)
	}
	c.Address = host + ":" + strconv.Itoa(number)
}

// readPassword reads what comes together with a username.
func (r *reading) readPassword(s *inifile.Reader, key string, c *Server) {
	c.Password = s.String(key, "")
	if s.Has("username") != s.Has(key) {
		s.Fail("", fmt.Errorf("Section [%s] contains incomplete authentication: "+
			"If a username or a password is specified, both the username and password must be specified", c.Section))
	}
}
