package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/backoff"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
)

// testEnv is the environment in which tests read configurations.
func testEnv() map[string]string {
	return map[string]string{"HOME": "/root", "FIVE": "5", "PAIR": `"a,b",C=d`, "ODD": "a:b /c", "NUM": "%(process_num)d", "NAMED": "/tmp/%(program_name)s.log"}
}

// writeConfig writes s.conf into a new directory, which becomes the working
// directory.
func writeConfig(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("s.conf", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readTest reads text as s.conf.
func readTest(t *testing.T, text string) *Config {
	t.Helper()
	writeConfig(t, text)
	c, err := Read("s.conf", Overrides{}, testEnv())
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return c
}

// readHere reads text as s.conf in the working directory.
func readHere(text string) (*Config, error) {
	if err := os.WriteFile("s.conf", []byte(text), 0o600); err != nil {
		return nil, err
	}
	return Read("s.conf", Overrides{}, testEnv())
}

const inProgram = " in section 'program:x' (file: 's.conf')"

// badConfigs are configurations and what Supervisor says of them. Unless it has
// one, each gets a section [supervisord], and what begins with a key is the rest
// of a [program:x] with a command. A text may end at "...", for what depends on
// the machine.
var badConfigs = []struct{ name, conf, want string }{
	{"no section", "[program:x]\ncommand=c\n[nothing]\n", ".ini file does not include supervisord section"},
	{"include without files", "[supervisord]\n[include]\n", ".ini file has [include] section, but no files setting"},
	{"here after include", "[supervisord]\n[program:x]\ncommand=%%(here)s\n[include]\nfiles=\n", "Format string '%/..."},

	{"minfds", "[supervisord]\nminfds=0x10\n", "invalid literal for int() with base 10: '0x10'"},
	{"minprocs", "[supervisord]\nminprocs=\n", "invalid literal for int() with base 10: ''"},
	{"the first of two", "[supervisord]\nloglevel=x\nminprocs=y\n", "invalid literal for int() with base 10: 'y'"},
	{"directory", "[supervisord]\ndirectory=/nope\n", "/nope is not an existing directory"},
	{"umask", "[supervisord]\numask=8\n", "8 can not be converted to an octal type"},
	{"empty umask", "[supervisord]\numask=\n", " can not be converted to an octal type"},
	{"logfile", "[supervisord]\nlogfile=/nope/x\n", "The directory named as part of the path /nope/x does not exist"},
	{"logfile_maxbytes", "[supervisord]\nlogfile_maxbytes=1K\n", "invalid literal for int() with base 10: '1k'"},
	{"logfile_backups", "[supervisord]\nlogfile_backups=1.5\n", "invalid literal for int() with base 10: '1.5'"},
	{"loglevel", "[supervisord]\nloglevel=warning\n", "bad logging level name 'warning'"},
	{"loglevel as a number", "[supervisord]\nloglevel=20\n", "bad logging level name '20'"},
	{"pidfile", "[supervisord]\npidfile=/nope/x\n", "The directory named as part of the path /nope/x does not exist"},
	{"nodaemon", "[supervisord]\nnodaemon=perhaps\n", "not a valid boolean value: 'perhaps'"},
	{"continuation that looks like a header", "[supervisord]\nnodaemon=true\n  [program:x]\n", `not a valid boolean value: 'true\n[program:x]'`},
	{"silent", "[supervisord]\nsilent=t\n", "not a valid boolean value: 't'"},
	{"childlogdir", "[supervisord]\nchildlogdir=/nope\n", "/nope is not an existing directory"},
	{"nocleanup", "[supervisord]\nnocleanup=y\n", "not a valid boolean value: 'y'"},
	{"strip_ansi", "[supervisord]\nstrip_ansi=\n", "not a valid boolean value: ''"},
	{"environment", "[supervisord]\nenvironment=A=x@y,B=1\n", "Unexpected end of key/value pairs in value 'A=x@y,B=1'"},
	{"unknown name", "[supervisord]\nidentifier=%(program_name)s\n", "Format string '%(program_name)s' for 'supervisord.identifier' contains names ('program_name') which cannot be expanded. Available names: ENV_..."},
	{"own environment is not known yet", "[supervisord]\nenvironment=N=\"1\"\nminfds=%(ENV_N)s\n", "Format string '%(ENV_N)s' for 'supervisord.minfds' contains names ('ENV_N') which..."},
	{"own environment is not known to include", "[supervisord]\nenvironment=N=\"1\"\n[include]\nfiles=%(ENV_N)s\n", "Format string '%(ENV_N)s' for 'include.files' contains names ('ENV_N') which..."},
	{"user", "[supervisord]\nuser=nobody:nogroup\n", "Invalid user name nobody:nogroup"},
	{"user id", "[supervisord]\nuser=4711\n", "Invalid user id 4711"},
	{"the user comes last", "[supervisord]\nuser=nosuch\n[inet_http_server]\n", "section [inet_http_server] has no port value"},

	{"port", "[inet_http_server]\nport=*\n", "not a valid port number: '*' "},
	{"empty port", "[inet_http_server]\nport=host:\n", "no port number specified in ''"},
	{"port 0", "[inet_http_server]\nport=0\n", "not a valid port number: '0' "},
	{"port 0 of a host", "[inet_http_server]\nport=h:0\n", "0 is below lower bound (1)"},
	{"port too high", "[inet_http_server]\nport=h:65536\n", "65536 is above upper bound (65535)"},
	{"no port", "[inet_http_serverX]\n", "section [inet_http_serverX] has no port value"},
	{"no password", "[inet_http_server]\nusername=a\n", "Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified"},
	{"servers do not know here", "[inet_http_server]\nusername=%(here)s\n", "Format string '%(here)s' for 'inet_http_server.username' contains names ('here') which cannot be expanded. Available names: ENV_..."},
	{"percent sign in a password", "[inet_http_server]\nport=1\nusername=u\npassword=p%w\n", "Format string for 'inet_http_server.password' is badly formatted"},
	{"no socket file", "[unix_http_server]\nusername=a\n", "section [unix_http_server] has no file value"},
	{"no user name", "[unix_http_server]\nfile=s\npassword=a\nchmod=x\n", "Section [unix_http_server] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified"},
	{"chown before chmod", "[unix_http_server]\nfile=s\nchown=nobody.nogroup\nchmod=x\n", "Invalid sockchown value nobody.nogroup"},
	{"chmod", "[unix_http_server]\nfile=s\nchmod=0o8\n", "Invalid chmod value 0o8"},
	{"inet before unix", "[unix_http_server]\n[inet_http_server]\n", "section [inet_http_server] has no port value"},

	{"no factory", "[rpcinterface:a]\nx=1\n", "section [rpcinterface:a] does not specify a supervisor.rpcinterface_factory"},
	{"unknown attribute", "[rpcinterface:a]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:nope\n", "supervisor.rpcinterface:nope cannot be resolved within [rpcinterface:a]..."},
	{"unknown module", "[rpcinterface:a]\nsupervisor.rpcinterface_factory=supervisor.nope:nope\n", "supervisor.nope:nope cannot be resolved within [rpcinterface:a]..."},
	{"two colons", "[rpcinterface:a]\nsupervisor.rpcinterface_factory=own.mod:x:y\n", "own.mod:x:y cannot be resolved within [rpcinterface:a]..."},
	{"no Python name", "[rpcinterface:a]\nsupervisor.rpcinterface_factory=own-mod:x\n", "own-mod:x cannot be resolved within [rpcinterface:a]..."},
	{"no attribute", "[rpcinterface:a]\nsupervisor.rpcinterface_factory=nope\n", "nope cannot be resolved within [rpcinterface:a]..."},
	{"arguments of a factory", "[rpcinterface:a]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nx=%(y)s\n", "Format string '%(y)s' for 'rpcinterface:a.x' contains names ('y') which..."},

	{"blank in a name", "[program:a/b:c d]\n", "Invalid name: 'a/b:c d' because of character: ' '"},
	{"colon in a name", "[program:a/b:c]\n", "Invalid name: 'a/b:c' because of character: ':'"},
	{"slash in a name", "[group: a/b ]\n", "Invalid name: ' a/b ' because of character: '/'"},
	{"name of a listener", "[eventlistener:a b]\ncommand=c\nevents=EVENT\n", "Invalid name: 'a b' because of character: ' ' in section 'eventlistener:a b' (file: 's.conf')"},
	{"name of a fcgi program", "[fcgi-program:a b]\ncommand=c\n", "Invalid name: 'a b' because of character: ' '"},
	{"no command", "[program:x]\n", "program section program:x does not specify a command" + inProgram},
	{"priority of the group", "priority=", "invalid literal for int() with base 10: ''"},
	{"priority in a group", "priority=y\n[group:g]\nprograms=x", "invalid literal for int() with base 10: 'y'" + inProgram},
	{"priority by program_name", "priority=%(program_name)s", "Format string '%(program_name)s' for 'program:x.priority' contains names ('program_name') which..."},
	{"autostart", "autostart=t", "not a valid boolean value: 't'" + inProgram},
	{"autorestart", "autorestart=Always", "invalid 'autorestart' value 'always'" + inProgram},
	{"startsecs", "startsecs=5s", "invalid literal for int() with base 10: '5s'" + inProgram},
	{"startretries", "startretries=x", "invalid literal for int() with base 10: 'x'" + inProgram},
	{"stopsignal name", "stopsignal=RTMIN+1", "value 'RTMIN+1' is not a valid signal name" + inProgram},
	{"stopsignal number", "stopsignal=35", "value '35' is not a valid signal number" + inProgram},
	{"stopwaitsecs", "stopwaitsecs=1.5", "invalid literal for int() with base 10: '1.5'" + inProgram},
	{"stopasgroup", "stopasgroup=x", "not a valid boolean value: 'x'" + inProgram},
	{"stopasgroup alone", "stopasgroup=true\nkillasgroup=false", "Cannot set stopasgroup=true and killasgroup=false" + inProgram},
	{"exitcodes", "exitcodes=0,", "not a valid list of exit codes: '0,'" + inProgram},
	{"exit code too high", "exitcodes=256", "not a valid list of exit codes: '256'" + inProgram},
	{"numprocs", "numprocs=many", "invalid literal for int() with base 10: 'many'" + inProgram},
	{"numprocs beyond reason", "numprocs=100001\nprocess_name=%(process_num)d", "numprocs is 100001, but a program can have 100000 processes at most" + inProgram},
	{"numprocs by process_num", "startsecs=%(process_num)d", "Format string '%(process_num)d' for 'program:x.startsecs' contains names ('process_num') which..."},
	{"several processes with one name", "numprocs=2\nprocess_name=%(ENV_NUM)s", "%(process_num) must be present within process_name when numprocs > 1" + inProgram},
	{"capture", "stderr_capture_maxbytes=1M", "invalid literal for int() with base 10: '1m'" + inProgram},
	{"events", "stdout_events_enabled=1.0", "not a valid boolean value: '1.0'" + inProgram},
	{"user of a program", "user=nosuch", "Invalid user name nosuch" + inProgram},
	{"umask of a program", "umask=x", "x can not be converted to an octal type" + inProgram},
	{"process name", "process_name=%(program_name)s %(process_num)d", "Invalid name: '%(program_name)s %(process_num)d' because of character: ' '" + inProgram},
	{"environment of a program", "environment=A=1\n B=2", "Unexpected end of key/value pairs in value 'A=1\nB=2'" + inProgram},
	{"environment that looks at itself", `environment=A="1",B="%(ENV_A)s"`, `Format string 'A="1",B="%(ENV_A)s"' for 'environment' contains names ('ENV_A') which...`},
	{"own environment in a shared key", "environment=B=\"5\"\nstartsecs=%(ENV_B)s", "Format string '%(ENV_B)s' for 'program:x.startsecs' contains names ('ENV_B') which..."},
	{"log directory", "stdout_logfile=/nope/x.log", "The directory named as part of the path /nope/x.log does not exist" + inProgram},
	{"log file is expanded twice", "stdout_logfile=/tmp/100%%.log", "Format string '/tmp/100%.log' for 'stdout_logfile' is badly formatted: %o format: an integer is required, not dict" + inProgram},
	{"log size", "stdout_logfile_maxbytes=1.5MB", "invalid literal for int() with base 10: '1.5'" + inProgram},
	{"log backups", "stderr_logfile_backups=x", "invalid literal for int() with base 10: 'x'" + inProgram},
	{"syslog", "stdout_syslog=x", "not a valid boolean value: 'x'" + inProgram},
	{"command with a percent sign", "command=date +%Y", "Format string 'date +%Y' for 'program:x.command' is badly formatted: unsupported format character 'Y' (0x59) at index 7" + inProgram},
	{"command with a blank after it", "command=date 100% done", "Format string 'date 100% done' for 'program:x.command' is badly formatted: %d format: a real number is required, not dict" + inProgram},
	{"command that ends so", "command=date 100%", "Format string 'date 100%' for 'program:x.command' is badly formatted: incomplete format" + inProgram},
	{"sibling key", "command=%(priority)s\npriority=5", "Format string '%(priority)s' for 'program:x.command' contains names ('priority') which..."},
	{"shared keys before others", "command=%(a)s\numask=x", "x can not be converted to an octal type" + inProgram},

	{"unknown member", "[group:g]\nprograms=a", "[group:g] names unknown program or fcgi-program a"},
	{"members in lines", "[program:a]\ncommand=c\n[program:b]\ncommand=c\n[group:g]\nprograms=a\n b", "[group:g] names unknown program or fcgi-program a\nb"},
	{"the second member is blamed on the first", "[program:a]\ncommand=c\n[group:g]\nprograms=a,", "[program:a] names unknown program or fcgi-program "},
	{"member with blanks in its name", "[program: a]\ncommand=c\n[group:g]\nprograms=a", "[group:g] names unknown program or fcgi-program a"},
	{"ambiguous member", "[program:a]\ncommand=c\n[fcgi-program:a]\ncommand=c\n[group:g]\nprograms=a", "[group:g] name a is ambiguous (exists as program and fcgi-program)"},
	{"priority before members", "[group:g]\nprograms=a\npriority=x", "invalid literal for int() with base 10: 'x'"},
	{"group name in priority", "[group:g]\npriority=%(group_name)s", "Format string '%(group_name)s' for 'group:g.priority' contains names ('group_name') which..."},

	{"no events", "[eventlistener:e]\ncommand=c", `[eventlistener:e] section requires an "events" line`},
	{"empty events", "[eventlistener:e]\ncommand=c\nevents=", `[eventlistener:e] section requires an "events" line`},
	{"comma after events", "[eventlistener:e]\ncommand=c\nevents=EVENT,", "Unknown event type  in [eventlistener:e] events"},
	{"unknown event", "[eventlistener:e]\ncommand=c\nevents=tick_7", "Unknown event type TICK_7 in [eventlistener:e] events"},
	{"buffer", "[eventlistener:e]\ncommand=c\nevents=EVENT\nbuffer_size=0", "[eventlistener:e] section sets invalid buffer_size (0)"},
	{"result handler", "[eventlistener:e]\ncommand=c\nevents=EVENT\nresult_handler=supervisor.dispatchers:nope", "supervisor.dispatchers:nope cannot be resolved within [eventlistener:e]..."},
	{"redirect", "[eventlistener:e]\ncommand=c\nevents=EVENT\nredirect_stderr=true", "[eventlistener:e] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol"},
	{"buffer before handler before events", "[eventlistener:e]\nbuffer_size=x\nresult_handler=y\nevents=z", "invalid literal for int() with base 10: 'x'"},

	{"no socket", "[fcgi-program:f]\ncommand=c", `[fcgi-program:f] section requires a "socket" line`},
	{"empty socket", "[fcgi-program:f]\ncommand=c\nsocket=", `[fcgi-program:f] section requires a "socket" line`},
	{"relative socket", "[fcgi-program:f]\ncommand=c\nsocket=unix://x.sock", "('Unix socket path %s is not an absolute path', 'x.sock') in [fcgi-program:f] socket"},
	{"mode without a slash", "[fcgi-program:f]\ncommand=c\nsocket=unix:/run/a\nsocket_mode=0600", "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:f] socket"},
	{"strange socket", "[fcgi-program:f]\ncommand=c\nsocket=TCP://h:1", "('Bad socket format %s', 'TCP://h:1') in [fcgi-program:f] socket"},
	{"port of a socket", "[fcgi-program:f]\ncommand=c\nsocket=tcp://h:65536", "65536 is above upper bound (65535) in [fcgi-program:f] socket"},
	{"mode of tcp", "[fcgi-program:f]\ncommand=c\nsocket=tcp://h:1\nsocket_mode=0700", "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:f] socket"},
	{"backlog", "[fcgi-program:f]\ncommand=c\nsocket_backlog=0", "Invalid socket_backlog value 0"},
	{"socket owner", "[fcgi-program:f]\ncommand=c\nsocket_owner=nosuch\nsocket_mode=x", "Invalid socket_owner value nosuch"},
	{"socket mode", "[fcgi-program:f]\ncommand=c\nsocket_mode=rw", "Invalid socket_mode value rw"},
	{"group name in a socket", "[fcgi-program:f]\ncommand=c\nsocket=unix:///r/%(group_name)s.sock", "Format string 'unix:///r/%(group_name)s.sock' for 'fcgi-program:f.socket' contains names ('group_name') which..."},
	{"user of a fcgi program", "[fcgi-program:f]\ncommand=c\nsocket=tcp://h:1\nuser=nosuch", "Invalid user name nosuch"},
	{"command of a fcgi program", "[fcgi-program:f]\nsocket=tcp://h:1", "program section fcgi-program:f does not specify a command in section 'fcgi-program:f' (file: 's.conf')"},

	{"groups before programs before listeners before fcgi", "[fcgi-program:f]\n[eventlistener:e]\n[program:x]\n[group:g]\npriority=y", "invalid literal for int() with base 10: 'y'"},
	{"programs before listeners", "[fcgi-program:f]\n[eventlistener:e]\n[program:x]\n", "program section program:x does not specify a command" + inProgram},
	{"listeners before fcgi", "[fcgi-program:f]\n[eventlistener:e]\n", `[eventlistener:e] section requires an "events" line`},
	{"interfaces before groups", "[group:g]\npriority=x\n[rpcinterface:a]\n", "section [rpcinterface:a] does not specify a supervisor.rpcinterface_factory"},
	{"programs before servers", "[inet_http_server]\n[program:x]\n", "program section program:x does not specify a command" + inProgram},
}

// originalSays has the message of Supervisor where ours differs on purpose; "" where it
// has none.
var originalSays = map[string]string{
	"numprocs beyond reason":     "",
	"percent sign in a password": "Format string 'p%w' for 'inet_http_server.password' is badly formatted: unsupported format character 'w' (0x77) at index 2",
}

// complete makes a file of a row of badConfigs.
func complete(conf string) string {
	if !strings.HasPrefix(conf, "[") {
		conf = "[program:x]\ncommand=c\n" + conf + "\n"
	}
	if !strings.HasPrefix(conf, "[supervisord]") && !strings.Contains(conf, "[nothing]") {
		conf = "[supervisord]\n" + conf
	}
	return conf
}

// matches compares a message with what is wanted of it.
func matches(got, want string) bool {
	if start, ok := strings.CutSuffix(want, "..."); ok {
		return strings.HasPrefix(got, start)
	}
	return got == want
}

func TestReadConfigErrors(t *testing.T) {
	original := os.Getenv("SUPERVISOR_ORIGINAL")
	for _, test := range badConfigs {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, complete(test.conf))
			_, err := Read("s.conf", Overrides{}, testEnv())
			if err == nil || !matches(err.Error(), test.want) {
				t.Errorf("Read: %v\nwant:       %s", err, test.want)
			}
			if original != "" {
				says, differs := originalSays[test.name]
				if !differs {
					says = test.want
				}
				if says != "" {
					compareWithOriginal(t, original, says)
				}
			}
		})
	}
}

// compareWithOriginal asks Supervisor itself about s.conf. It would refuse the
// configuration if our expectation is right.
func compareWithOriginal(t *testing.T, original, want string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(original, "supervisord"), "-n", "-c", "s.conf", "-l", "original.log", "-j", "original.pid")
	for name, value := range testEnv() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	// Its status is looked at by way of what it wrote.
	_ = cmd.Wait()
	got, _, _ := strings.Cut(stderr.String(), "\nFor help, use ")
	if !matches(got, "Error: "+want) {
		t.Errorf("original: %s\nwant:     Error: %s", got, want)
	}
}

// TestErrorPosition looks at where an error is said to be.
func TestErrorPosition(t *testing.T) {
	writeConfig(t, "[supervisord]\n[include]\nfiles=*.inc\n[program:x]\ncommand=c\n")
	if err := os.WriteFile("a.inc", []byte("; remark\n[program:x]\nstartsecs=x\n[program:y]\ncommand=c\numask=9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := read("s.conf", Overrides{}, testEnv())
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		dir + "/a.inc:3 [program:x] startsecs: invalid literal for int() with base 10: 'x' in section 'program:x' (file: 's.conf')",
		dir + "/a.inc:6 [program:y] umask: 9 can not be converted to an octal type in section 'program:y' (file: '" + dir + "/a.inc')",
	}
	var got []string
	for _, err := range r.errs {
		var at *inifile.Error
		if !errors.As(err, &at) {
			t.Fatalf("%v is no *inifile.Error", err)
		}
		got = append(got, fmt.Sprintf("%s [%s] %s: %v", at.Pos, at.Section, at.Key, err))
	}
	if !slices.Equal(got, want) {
		t.Errorf("errors:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// describe lists groups and processes: "group@priority(process@priority ...)".
func describe(c *Config) string {
	var b strings.Builder
	for _, g := range c.Groups {
		fmt.Fprintf(&b, "%s@%d(", g.Name, g.Priority)
		for i, p := range g.Programs {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s@%d", p.Name, p.Priority)
		}
		b.WriteString(") ")
	}
	return strings.TrimSpace(b.String())
}

func TestGroups(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"by priority, then name", "[program:z]\ncommand=c\npriority=1\n[program:b]\ncommand=c\n[program:a]\ncommand=c\n", "z@1(z@1) a@999(a@999) b@999(b@999)"},
		{"process names sort as text", "[program:x]\ncommand=c\nnumprocs=12\nprocess_name=x%(process_num)d\n",
			"x@999(x0@999 x1@999 x10@999 x11@999 x2@999 x3@999 x4@999 x5@999 x6@999 x7@999 x8@999 x9@999)"},
		{"padded numbers", "[program:x]\ncommand=c\nnumprocs=2\nnumprocs_start=9\nprocess_name=p_%(process_num)02d\n", "x@999(p_09@999 p_10@999)"},
		{"no processes, no command", "[program:x]\nnumprocs=0\n", "x@999()"},
		{"fewer than none", "[program:x]\nnumprocs=-1\n", "x@999()"},
		{"empty name", "[program:]\ncommand=c\n", "@999(@999)"},
		{"blanks around a name", "[program: x ]\ncommand=c\n", "x@999(x@999)"},
		{"strange names", "[program:a%b;c@ü]\nprocess_name=%%s\ncommand=c\n", "a%b;c@ü@999(%s@999)"},
		{"name from a variable is not checked", "[program:x]\ncommand=c\nprocess_name=%(ENV_ODD)s\n", "x@999(a:b /c@999)"},
		{"group in the order of its members", "[program:a]\ncommand=c\npriority=5\n[program:b]\ncommand=c\n[group:g]\nprograms=b, a\npriority=7\n", "g@7(b@999 a@5)"},
		{"group without members", "[group:g]\n", "g@999()"},
		{"program in two groups", "[program:a]\ncommand=c\n[group:g]\nprograms=a\n[group:f]\nprograms=a\n", "f@999(a@999) g@999(a@999)"},
		{"priority by program_name in a group", "[program:5]\ncommand=c\npriority=%(program_name)s\n[group:g]\nprograms=5\n", "g@999(5@5)"},
		{"two groups of one name", "[program:a]\ncommand=c\n[program:b]\ncommand=c\n[group:b]\nprograms=a\n", "b@999(a@999) b@999(b@999)"},
		{"two processes of one name", "[program:x]\ncommand=c\nnumprocs=2\nprocess_name=%%(process_num)s\n", "x@999(%(process_num)s@999 %(process_num)s@999)"},
		{"listener", "[eventlistener:e]\ncommand=c\nevents=EVENT\n", "e@-1(e@999)"},
		{"listener with priority", "[eventlistener: e ]\ncommand=c\nevents=EVENT\npriority=4\n", " e @4(e@4)"},
		{"fcgi program as a member", "[fcgi-program:f]\ncommand=c\n[group:g]\nprograms=f\n", "g@999(f@999)"},
		{"unknown sections", "[Program:x]\n[ program:x ]\n[program]\n[group]\n[rpcinterface]\n[foo]\nx=%(y)s\n", ""},
		{"DEFAULT", "[DEFAULT]\npriority=3\n[program:x]\ncommand=c\n", "x@3(x@3)"},
		{"digits of other scripts", "[program:x]\ncommand=c\npriority=٣\n", "x@3(x@3)"},
		{"underscore and sign", "[program:x]\ncommand=c\npriority=+1_000\n", "x@1000(x@1000)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := readTest(t, "[supervisord]\n"+test.conf)
			if got := describe(c); got != strings.TrimSpace(test.want) {
				t.Errorf("groups: %s\nwant:   %s", got, test.want)
			}
		})
	}
}

// program reads the rest of a [program:x] that has a command.
func program(t *testing.T, rest string) *Program {
	t.Helper()
	return readTest(t, "[supervisord]\nenvironment=TOP=\"t\",HOME=\"/h\"\n[program:x]\ncommand=c\n"+rest+"\n").Groups[0].Programs[0]
}

func TestProgramValues(t *testing.T) {
	tests := []struct {
		name, conf string
		get        func(*Program) any
		want       any
	}{
		{"defaults", "", func(p *Program) any {
			return []any{p.Autostart, p.Autorestart, p.StartSecs, p.Restart.Retries, p.StopSignal, p.StopWait, p.StopAsGroup, p.KillAsGroup, p.User, p.Umask, p.ExitCodes, p.RedirectStderr, p.Section}
		}, []any{true, life.RestartUnexpected, time.Second, 3, syscall.SIGTERM, 10 * time.Second, false, false, (*User)(nil), -1, []int{0}, false, "program:x"}},
		{"default logs", "", func(p *Program) any { return p.Logs },
			[2]Log{{Auto: true, MaxBytes: 50 << 20, Backups: 10}, {Auto: true, MaxBytes: 50 << 20, Backups: 10}}},
		{"autorestart", "autorestart=ON", func(p *Program) any { return p.Autorestart }, life.RestartAlways},
		{"no autorestart", "autorestart=0", func(p *Program) any { return p.Autorestart }, life.RestartNever},
		{"unexpected", "autorestart=Unexpected", func(p *Program) any { return p.Autorestart }, life.RestartUnexpected},
		{"stopasgroup implies killasgroup", "stopasgroup=true", func(p *Program) any { return p.KillAsGroup }, true},
		{"exit codes", "exitcodes= 3 , 4,4", func(p *Program) any { return p.ExitCodes }, []int{3, 4, 4}},
		{"no exit codes", "exitcodes=", func(p *Program) any { return len(p.ExitCodes) }, 0},
		{"signal", "stopsignal=sigusr1", func(p *Program) any { return p.StopSignal }, syscall.SIGUSR1},
		{"umask", "umask=0o22", func(p *Program) any { return p.Umask }, 0o22},
		{"size", "stdout_logfile_maxbytes=1 MB", func(p *Program) any { return p.Logs[logs.Stdout].MaxBytes }, int64(1 << 20)},
		{"no log", "stdout_logfile=OFF\nstderr_logfile=", func(p *Program) any {
			return []any{p.Logs[logs.Stdout].Path, p.Logs[logs.Stdout].Auto, p.Logs[logs.Stderr].Path, p.Logs[logs.Stderr].Auto}
		},
			[]any{"", false, "", false}},
		{"log in a home directory", "stdout_logfile=~/x.log", func(p *Program) any { return p.Logs[logs.Stdout].Path }, homeOf("x.log")},
		{"directory stays as it is", "directory=~", func(p *Program) any { return p.Directory }, "~"},
		{"log expanded twice", "stdout_logfile=%(ENV_NAMED)s", func(p *Program) any { return p.Logs[logs.Stdout].Path }, "/tmp/x.log"},
		{"percent sign in a log", "stdout_logfile=/tmp/100%%%%.log", func(p *Program) any { return p.Logs[logs.Stdout].Path }, "/tmp/100%.log"},
		{"redirect drops stderr", "redirect_stderr=true\nstderr_logfile=/tmp/e\nstderr_syslog=true", func(p *Program) any { return p.Logs[logs.Stderr] },
			Log{MaxBytes: 50 << 20, Backups: 10, Syslog: true}},
		{"syslog as a log", "stdout_logfile=Syslog\nstdout_syslog=false", func(p *Program) any { return p.Logs[logs.Stdout] },
			Log{MaxBytes: 50 << 20, Backups: 10, Syslog: true}},
		{"environment", `environment=A="%(process_num)d",HOME="/o"`, func(p *Program) any { return p.Environment }, map[string]string{"TOP": "t", "HOME": "/o", "A": "0"}},
		{"environment that is taken apart after expansion", "environment=A=%(ENV_PAIR)s", func(p *Program) any { return p.Environment }, map[string]string{"TOP": "t", "HOME": "/h", "A": "a,b", "C": "d"}},
		{"global environment in a command", "command=%(ENV_HOME)s %(ENV_TOP)s", func(p *Program) any { return p.Command }, "/h t"},
		{"own environment in a command", "environment=B=\"5\"\ncommand=%(ENV_B)s", func(p *Program) any { return p.Command }, "5"},
		{"numbers", "command=%(process_num)03d/%(numprocs)d %(group_name)s", func(p *Program) any { return p.Command }, "000/1 x"},
		{"octal number with a prefix", "numprocs_start=9\ncommand=%(process_num)#o", func(p *Program) any { return p.Command }, "0o11"},
		{"percent signs", "command=date +%%Y 100%%", func(p *Program) any { return p.Command }, "date +%Y 100%"},
		{"backups by process_num", "stdout_logfile_backups=%(process_num)d", func(p *Program) any { return p.Logs[logs.Stdout].Backups }, 0},
		{"server URL", "serverurl=http://h:1", func(p *Program) any { return []any{p.ServerURL, p.ServerURLAuto} }, []any{"http://h:1", false}},
		{"automatic server URL", "serverurl=auto", func(p *Program) any { return []any{p.ServerURL, p.ServerURLAuto} }, []any{"", true}},
		{"no server URL", "serverurl=", func(p *Program) any { return []any{p.ServerURL, p.ServerURLAuto} }, []any{"", false}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.get(program(t, test.conf))
			if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", test.want) {
				t.Errorf("got  %#v\nwant %#v", got, test.want)
			}
		})
	}
}

// homeOf returns a file in the home directory that ~ stands for.
func homeOf(name string) string {
	return inifile.ExpandUser("~/" + name)
}

func TestRestartKeys(t *testing.T) {
	if p := program(t, "restart_factor=2\nrestart_delay_max=1m\nrestart_jitter=10%\nrestart_reset=5m"); p.Restart.Delay >= 0 {
		t.Errorf("without restart_delay: %+v", p.Restart)
	}
	p := program(t, "restart_delay=0")
	if want := (backoff.Policy{Factor: 1, Max: time.Minute, Reset: time.Minute, Retries: 3}); p.Restart != want {
		t.Errorf("got %+v, want %+v", p.Restart, want)
	}
	p = program(t, "restart_delay=500ms\nrestart_factor=1.5\nrestart_delay_max=2m\nrestart_jitter=25%\nrestart_reset=1h")
	if want := (backoff.Policy{Delay: time.Second / 2, Factor: 1.5, Max: 2 * time.Minute, Jitter: 0.25, Reset: time.Hour, Retries: 3}); p.Restart != want {
		t.Errorf("got %+v, want %+v", p.Restart, want)
	}
	for _, bad := range []string{"restart_delay=", "restart_delay=-1", "restart_factor=0.5", "restart_factor=x", "restart_factor=inf", "restart_jitter=101%", "restart_jitter=%", "restart_delay_max=1d", "restart_reset=soon"} {
		writeConfig(t, "[supervisord]\n[program:x]\ncommand=c\n"+bad+"\n")
		key, _, _ := strings.Cut(bad, "=")
		var at *inifile.Error
		if _, err := Read("s.conf", Overrides{}, testEnv()); !errors.As(err, &at) || at.Key != key || at.Section != "program:x" {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	a, b := program(t, "restart_delay=5"), program(t, "restart_delay=6")
	if a.equal(b) || !a.equal(program(t, "restart_delay=5s")) {
		t.Error("a reread does not see the change, or sees one where there is none")
	}
}

// TestProgramDefault: what programs do not say themselves, [program-default] may.
func TestProgramDefault(t *testing.T) {
	const defaults = "[supervisord]\nenvironment=TOP=\"t\"\n[program-default]\ncommand=run %(program_name)s %(process_num)d\nstartsecs=7\npriority=5\n" +
		"environment=A=\"%(program_name)s\",B=\"b\"\nrestart_delay=2s\nstdout_logfile=/tmp/%(program_name)s\nnumprocs=2\nprocess_name=n%(process_num)d\n"
	c := readTest(t, defaults+"[program:x]\n[program:y]\ncommand=own\nstartsecs=1\nenvironment=B=\"own\",C=\"c\"\nnumprocs=1\n[group:g]\nprograms=y\n"+
		"[eventlistener:e]\ncommand=c\nevents=EVENT\n[fcgi-program:f]\ncommand=c\nsocket=unix:///tmp/s\n")
	if got, want := describe(c), "e@-1(e@999) x@5(n0@5 n1@5) f@999(f@999) g@999(n0@5)"; got != want {
		t.Errorf("groups: %s\nwant:   %s", got, want)
	}
	byName := c.ByName()
	x, y, e, f := byName["x"].Programs[1], byName["g"].Programs[0], byName["e"].Programs[0], byName["f"].Programs[0]
	if x.Command != "run x 1" || x.StartSecs != 7*time.Second || x.Restart.Delay != 2*time.Second || x.Logs[logs.Stdout].Path != "/tmp/x" ||
		!reflect.DeepEqual(x.Environment, map[string]string{"TOP": "t", "A": "x", "B": "b"}) {
		t.Errorf("defaults: %+v", x)
	}
	if y.Command != "own" || y.StartSecs != time.Second || y.Logs[logs.Stdout].Path != "/tmp/y" || !reflect.DeepEqual(y.Environment, map[string]string{"TOP": "t", "A": "y", "B": "own", "C": "c"}) {
		t.Errorf("a program's own: %+v", y)
	}
	for _, p := range []*Program{e, f} {
		if p.StartSecs != time.Second || len(p.Environment) != 1 || p.Restart.Delay >= 0 {
			t.Errorf("not for these: %+v", p)
		}
	}
	if x.equal(readTest(t, strings.Replace(defaults, "startsecs=7", "startsecs=8", 1)+"[program:x]\n").Groups[0].Programs[1]) {
		t.Error("a reread does not see a change of a default")
	}

	const inDefault = " in section 'program-default' (file: 's.conf')"
	for _, test := range []struct{ name, conf, section, want string }{
		{"a default that everybody hides", "startsecs=x\n[program:x]\ncommand=c\nstartsecs=1\n", "program-default", "invalid literal for int() with base 10: 'x'" + inDefault},
		{"no program", "stdout_logfile=/nope/x\n", "program-default", "The directory named as part of the path /nope/x does not exist" + inDefault},
		{"environment", "environment=A\n", "program-default", "Unexpected end of key/value pairs in value 'A'" + inDefault},
		{"percent sign", "command=date +%H\n", "program-default", "Format string 'date +%H' for 'program-default.command' is badly formatted: unsupported format character 'H' (0x48) at index 7" + inDefault},
		{"a name that only programs have", "startsecs=%(program_name)s\n", "", ""},
		{"that stands for a wrong value", "startsecs=%(program_name)s\n[program:x]\ncommand=c\n", "program-default", "invalid literal for int() with base 10: 'x'" + inProgram},
		{"unknown name", "directory=%(nope)s\n[program:x]\ncommand=c\n", "program-default", "Format string '%(nope)s' for 'program-default.directory' contains names ('nope') which cannot be expanded. Available names: ..."},
		{"two keys of two sections", "numprocs=2\n[program:x]\ncommand=c\n", "program:x", "%(process_num) must be present within process_name when numprocs > 1" + inProgram},
	} {
		writeConfig(t, "[supervisord]\n[program-default]\n"+test.conf)
		_, err := Read("s.conf", Overrides{}, testEnv())
		var at *inifile.Error
		switch {
		case test.want == "" && err == nil:
		case !errors.As(err, &at), !matches(err.Error(), test.want), at.Section != test.section:
			t.Errorf("%s: %v\nwant of [%s]: %s", test.name, err, test.section, test.want)
		}
	}
}

func TestServers(t *testing.T) {
	tests := []struct{ name, conf, want, url string }{
		{"none", "", "", ""},
		{"port alone", "[inet_http_server]\nport=9001\n", "inet_http_server tcp :9001", "http://localhost:9001"},
		{"all addresses", "[inet_http_serverX]\nport=*:3\n", "inet_http_serverX tcp :3", "http://localhost:3"},
		{"host", "[inet_http_server]\nport=LocalHost:3\n", "inet_http_server tcp localhost:3", "http://localhost:3"},
		{"IPv6", "[inet_http_server]\nport=[::1]:3\n", "inet_http_server tcp [::1]:3", "http://[::1]:3"},
		{"the last inet server", "[inet_http_server:b]\nport=1\n[inet_http_server:a]\nport=h:2\n", "inet_http_server:b tcp :1, inet_http_server:a tcp h:2", "http://h:2"},
		{"the first unix server", "[unix_http_server:1]\nfile=/a/../b\n[inet_http_server]\nport=1\n[unix_http_server:2]\nfile=/c\n",
			"inet_http_server tcp :1, unix_http_server:1 unix /b, unix_http_server:2 unix /c", "unix:///b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := readTest(t, "[supervisord]\n"+test.conf+"[program:x]\ncommand=c\n")
			var got []string
			for _, s := range c.Servers {
				got = append(got, s.Section+" "+s.Network+" "+s.Address)
			}
			if all := strings.Join(got, ", "); all != test.want {
				t.Errorf("servers: %s\nwant:    %s", all, test.want)
			}
			if url := c.Groups[0].Programs[0].ServerURL; url != test.url {
				t.Errorf("URL for programs: %q, want %q", url, test.url)
			}
		})
	}

	t.Run("owner and password", func(t *testing.T) {
		c := readTest(t, "[supervisord]\n[unix_http_server]\nfile= %(here)s/s.sock\nchmod=0770\nchown=0:0\nusername=\npassword=x\n")
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		want := Server{Section: "unix_http_server", Network: "unix", Address: dir + "/s.sock", Mode: 0o770, Password: "x"}
		if !reflect.DeepEqual(c.Servers[0], want) {
			t.Errorf("got  %+v\nwant %+v", c.Servers[0], want)
		}
	})
}

func TestSupervisordValues(t *testing.T) {
	c := readTest(t, "[supervisord]\nlogfile=NONE\npidfile=//x.pid\nidentifier=\nlogfile_maxbytes=1gb\nsubreaper=yes\nuser=root\n")
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if c.Logfile != dir+"/NONE" || c.Pidfile != "//x.pid" || c.Identifier != "" || c.LogfileMaxBytes != 1<<30 || !c.Subreaper {
		t.Errorf("got %+v", c)
	}
	if c.User == nil || c.User.Name != "root" || c.User.UID != 0 || len(c.User.Groups) == 0 || c.User.Groups[0] != 0 {
		t.Errorf("user: %+v", c.User)
	}
	if c := readTest(t, "[supervisord]\nlogfile=syslog\n"); c.Logfile != "syslog" {
		t.Errorf("logfile=syslog is %q", c.Logfile)
	}
}

// TestHostNodeName: the name is known in all of [supervisord].
func TestHostNodeName(t *testing.T) {
	node, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	c := readTest(t, "[supervisord]\nidentifier=on %(host_node_name)s\nlogfile=%(host_node_name)s.log\nenvironment=N=\"%(host_node_name)s\"\n")
	if c.Identifier != "on "+node || filepath.Base(c.Logfile) != node+".log" || c.Environment["N"] != node {
		t.Errorf("got %q, %q, %q", c.Identifier, c.Logfile, c.Environment)
	}
}

func TestOverrides(t *testing.T) {
	text := func(s string) *string { return &s }
	writeConfig(t, "[supervisord]\nuser=nosuch\nlogfile=file.log\nidentifier=file\nnodaemon=true\n")
	level := logs.Debug
	c, err := Read("s.conf", Overrides{User: text("root"), Logfile: text("line.log"), Identifier: text(""), LogLevel: &level, Silent: true}, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if c.User.Name != "root" || filepath.Base(c.Logfile) != "line.log" || c.Identifier != "" || c.LogLevel != logs.Debug || !c.Silent || !c.NoDaemon {
		t.Errorf("got %+v", c)
	}

	t.Run("the file is checked all the same", func(t *testing.T) {
		writeConfig(t, "[supervisord]\nlogfile=/nope/x\n")
		if _, err := Read("s.conf", Overrides{Logfile: text("ok.log")}, testEnv()); err == nil {
			t.Error("no error")
		}
	})
	t.Run("earlier environment", func(t *testing.T) {
		writeConfig(t, "[supervisord]\n[program:x]\ncommand=%(ENV_GONE)s %(ENV_FIVE)s\n")
		c, err := Read("s.conf", Overrides{Environment: map[string]string{"GONE": "still here"}}, testEnv())
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Groups[0].Programs[0]; p.Command != "still here 5" || len(p.Environment) != 0 {
			t.Errorf("command %q, environment %v", p.Command, p.Environment)
		}
	})
}

func TestNotes(t *testing.T) {
	const standard = "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
	tests := []struct {
		name, conf string
		want       []string
	}{
		{"nothing", standard + "[program:x]\ncommand=c\n", nil},
		{"include", "[include]\nfiles=/nope\n", []string{`warn No file matches via include "/nope"`}},
		{"syslog", "[program:x]\ncommand=c\nstdout_logfile=syslog\n",
			[]string{"warn For [program:x], stdout_logfile=syslog but this is deprecated and will be removed.  Use stdout_syslog=true to enable syslog instead."}},
		{"auto without rollover, for each process", "[program:x]\ncommand=c\nredirect_stderr=true\nstderr_logfile_maxbytes=0\nnumprocs=2\nprocess_name=%(process_num)s\n",
			slices.Repeat([]string{"warn For [program:x], AUTO logging used for stderr_logfile without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally"}, 2)},
		{"redirect", "[program:x]\ncommand=c\nredirect_stderr=true\nstderr_logfile=\n",
			[]string{"warn For [program:x], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored"}},
		{"redirect without a file", "[program:x]\ncommand=c\nredirect_stderr=true\nstderr_logfile=None\n", nil},
		{"Python code", standard + "[rpcinterface:x]\nsupervisor.rpcinterface_factory=twiddler:make\ncolour=red\n[ctlplugin:y]\nsupervisor.ctl_factory=wild:card\n",
			[]string{
				"warn [rpcinterface:x] is ignored: its supervisor.rpcinterface_factory twiddler:make is Python code, which this supervisord cannot run",
				"warn [ctlplugin:y] is ignored: its supervisor.ctl_factory wild:card is Python code, which this supervisorctl cannot run",
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := readTest(t, "[supervisord]\n"+test.conf)
			var got []string
			for _, n := range c.Notes {
				got = append(got, n.Level.String()+" "+n.Text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("notes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestInterfaces(t *testing.T) {
	const factory = "supervisor.rpcinterface_factory = supervisor.rpcinterface : make_main_rpcinterface\n"
	c := readTest(t, "[supervisord]\n[inet_http_server]\nport=1\n[rpcinterface:supervisor]\n"+factory+"[rpcinterface:other:x]\n"+factory)
	if want := []string{"supervisor", "other:x"}; !slices.Equal(c.RPCNamespaces, want) {
		t.Errorf("namespaces: %q, want %q", c.RPCNamespaces, want)
	}
	readTest(t, "[supervisord]\n[rpcinterface:supervisor]\ncolour=red\n"+factory) // never made without a server

	const want = "Could not make supervisor rpc interface"
	for _, extra := range []string{"colour=red\n", "[DEFAULT]\nfoo=1\n"} {
		writeConfig(t, "[supervisord]\n[inet_http_server]\nport=1\n[rpcinterface:supervisor]\n"+factory+extra)
		if _, err := Read("s.conf", Overrides{}, testEnv()); err == nil || err.Error() != want {
			t.Errorf("with %q: %v, want %s", extra, err, want)
		}
	}
}

func TestListenerAndFastCGI(t *testing.T) {
	c := readTest(t, `[supervisord]
[eventlistener:e]
command=c
events=tick_5, EVENT,TICK_5
buffer_size=3
[fcgi-program:f]
command=c
socket=unix:///tmp/../tmp/%(program_name)s.sock
socket_mode=0600
socket_backlog=5
numprocs=2
process_name=%(process_num)d
[fcgi-program:m]
command=c
socket=tcp://LocalHost:7
[group:g]
programs=m
`)
	e, f, g := c.Groups[0], c.Groups[1], c.Groups[2]
	if !slices.Equal(e.Events, []string{"EVENT", "TICK_5"}) || e.BufferSize != 3 || e.Kind != ListenerPool || !e.Programs[0].Listener {
		t.Errorf("listener: %+v", e)
	}
	if want := (FastCGISocket{URL: "unix:///tmp/f.sock", Network: "unix", Address: "/tmp/f.sock", OwnerUID: -1, OwnerGID: -1, Mode: 0o600, Backlog: 5}); *f.Socket != want {
		t.Errorf("socket: %+v, want %+v", *f.Socket, want)
	}
	if f.Programs[0].Socket != f.Socket || f.Programs[1].Socket != f.Socket {
		t.Error("the processes do not share the socket")
	}
	if s := g.Programs[0].Socket; g.Kind != ProgramGroup || s == nil || s.URL != "tcp://localhost:7" {
		t.Errorf("member of a group: %+v", s)
	}
}

func BenchmarkReadConfig(b *testing.B) {
	const programs = 1000
	var conf strings.Builder
	conf.WriteString("[supervisord]\nenvironment=A=\"1\"\n")
	for i := range programs {
		fmt.Fprintf(&conf, "[program:p%d]\ncommand=/bin/cat %%(program_name)s\nstdout_logfile=/tmp/%%(program_name)s.log\nenvironment=B=\"%d\"\nuser=root\n", i, i)
	}
	b.Chdir(b.TempDir())
	if err := os.WriteFile("s.conf", []byte(conf.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	env := testEnv()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read("s.conf", Overrides{}, env); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFactoryExtras: what setuptools lets follow the name of a factory is no part of it.
func TestFactoryExtras(t *testing.T) {
	for reference, want := range map[string]bool{
		standardInterface: true, standardInterface + "\n[include]": true, standardInterface + " [a, b] ": true,
		standardInterface + "[a": false, standardInterface + "\nx": false,
	} {
		if got, err := resolve(reference, standardInterface); got != want || (err == nil) != want {
			t.Errorf("%q: %v, %v", reference, got, err)
		}
	}
}
