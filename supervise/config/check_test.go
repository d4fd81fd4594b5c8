package config

import (
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name, conf string
		want       []string // lines, but for the last, which counts them
		exit       int
	}{
		{"nothing wrong", "[supervisord]\n[unix_http_server]\nfile=s.sock\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n", nil, 0},
		{"no server", "[supervisord]\n[supervisorctl]\n", []string{"s.conf:2: warning: there is no server: supervisorctl cannot connect"}, 0},
		{"no server, and nobody who would connect", "[supervisord]\n", nil, 0},
		{"all errors", "[supervisord]\nminfds=x\nlogfile=/nope/x\n[program:a]\ncommand=c\nstartsecs=y\n[program:b]\n[unix_http_server]\n",
			[]string{
				"s.conf:2: error: [supervisord] minfds: invalid literal for int() with base 10: 'x'",
				"s.conf:3: error: [supervisord] logfile: The directory named as part of the path /nope/x does not exist",
				"s.conf:6: error: [program:a] startsecs: invalid literal for int() with base 10: 'y'",
				"s.conf:7: error: [program:b] command: program section program:b does not specify a command",
				"s.conf:8: error: [unix_http_server] file: section [unix_http_server] has no file value",
			}, 2},
		{"an error of all processes once", "[supervisord]\n[program:a]\ncommand=c\nnumprocs=3\nprocess_name=%(process_num)s\ndirectory=%(x)s\n",
			[]string{"s.conf:6: error: [program:a] directory: Format string '%(x)s' for 'program:a.directory' contains names ('x') which cannot be expanded. Known here are: group_name, here, "}, 2},
		{"not a configuration", "[supervisord]\nfoo\n", []string{"s.conf:2: error: Source contains parsing errors: 's.conf'", "\t[line  2]: 'foo\\n'"}, 2},
		{"unknown names", "[supervisord]\nnodeamon=true\n[progam:a]\n[program:a]\ncommand=/bin/sh\nautorestrat=true\nzebra=1\n[elsewhere]\n",
			[]string{
				"s.conf:2: warning: unknown key nodeamon in [supervisord]: did you mean nodaemon?",
				"s.conf:3: warning: unknown section [progam:a]: did you mean program:a?",
				"s.conf:6: warning: unknown key autorestrat in [program:a]: did you mean autorestart?",
				"s.conf:7: warning: unknown key zebra in [program:a]",
				"s.conf:8: warning: unknown section [elsewhere]",
			}, 0},
		{"passwords", "[supervisord]\n[inet_http_server]\nport=1\n[supervisorctl]\nusername=u\npassword=p\n",
			[]string{
				"s.conf:2: warning: [inet_http_server] asks for no password: whoever reaches the port can run programs",
				"s.conf: warning: it holds a password, but everybody can read it (mode 0644)",
			}, 0},
		{"what programs need", "[supervisord]\ndirectory=/\n[program:a]\ncommand=nosuchcommand x\ndirectory=/nope\n[program:b]\ncommand=/etc/passwd\nstdout_logfile=logs/x\n[program:c]\ncommand=/etc\n[program:d]\ncommand='\n[program:e]\ncommand=\n",
			[]string{
				"s.conf:4: warning: [program:a] command nosuchcommand is not found",
				"s.conf:5: warning: [program:a] directory /nope does not exist",
				"s.conf:7: warning: [program:b] command /etc/passwd is not executable",
				"s.conf:8: warning: [program:b] stdout_logfile: the directory of /logs/x does not exist: the program will not start",
				"s.conf:10: warning: [program:c] command /etc is a directory",
				"s.conf:12: warning: [program:d] command cannot be parsed: No closing quotation",
				"s.conf:14: warning: [program:e] command is empty",
			}, 0},
		{"socket without a directory", "[supervisord]\n[unix_http_server]\nfile=/nope/s\n", []string{"s.conf:3: error: [unix_http_server] file: the directory of /nope/s does not exist"}, 2},
		{"in order", "[supervisord]\nzebra=1\n[program:a]\ncommand=/bin/sh\nstartsecs=x\nzebra=1\n",
			[]string{"s.conf:2: warning: unknown key zebra in [supervisord]\ns.conf:5: error: [program:a] startsecs: invalid literal for int() with base 10: 'x': write a whole number of seconds, such as 1\ns.conf:6: warning: unknown key zebra"}, 2},
		{"a fragment", "[program:a]\ncommand=/bin/sh\nstartsecs=x\n",
			[]string{"s.conf: error: .ini file does not include supervisord section", "s.conf:3: error: [program:a] startsecs: invalid literal"}, 2},
		{"limits", "[supervisord]\nminfds=1000000000000\n", []string{"s.conf:2: error: [supervisord] minfds: too many"}, 2},
		{"sockets and ports", "[supervisord]\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
			"[unix_http_server]\nfile=/etc/passwd\n[inet_http_server]\nport=192.0.2.1:9001\nusername=a\npassword=b\n[fcgi-program:f]\ncommand=/bin/sh\nsocket=unix:///nope/s\n",
			[]string{
				"s.conf:5: error: [unix_http_server] file: /etc/passwd exists and is not a socket",
				"s.conf:7: error: [inet_http_server] port: 192.0.2.1 is no address of this machine",
				"s.conf:12: error: [fcgi-program:f] socket: the directory of /nope/s does not exist",
			}, 2},
		{"files of the daemon", "[supervisord]\nlogfile=/etc\n", []string{"s.conf:2: error: [supervisord] logfile: /etc is a directory"}, 2},
		{"said once", "[supervisord]\n[group:g]\nprograms=x\n", []string{"s.conf:3: error: [group:g] programs: names unknown program or fcgi-program x\ns.conf: errors: 1, warnings: 0"}, 2},
		{"the group is to blame", "[supervisord]\n[program:a]\ncommand=/bin/sh\n[group:g]\nprograms=a,x\n", []string{"s.conf:5: error: [group:g] programs: names unknown program or fcgi-program x"}, 2},
		{"a reference without its s", "[supervisord]\n[program:a]\ncommand=/bin/sh\nprocess_name=%(program_name)_1\n", []string{"s.conf:4: error: [program:a] process_name: Format string '%(program_name)_1' for 'process_name' is badly formatted: unsupported format character '_' (0x5f) at index 15: write %(program_name)s, with an s"}, 2},
		{"no followers", "[supervisord]\n[program:a]\ncommand=%(ENV_NOPE)s\ndirectory=%(ENV_NOPE)s\n",
			[]string{
				"s.conf:3: error: [program:a] command: the environment variable NOPE is not set",
				"s.conf:4: error: [program:a] directory: the environment variable NOPE is not set\ns.conf: errors: 2, warnings: 0",
			}, 2},
		{"a bad interface is one", "[supervisord]\n[unix_http_server]\nfile=s.sock\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=x\n",
			[]string{"s.conf:5: error: [rpcinterface:supervisor] supervisor.rpcinterface_factory: x cannot be resolved within [rpcinterface:supervisor]: it is not of the form module:attribute\ns.conf: errors: 1, warnings: 0"}, 2},
		{"relative to the daemon's directory", "[supervisord]\ndirectory=/bin\n[program:a]\ncommand=./sh\ndirectory=../etc\n", nil, 0},
		{"percent sign", "[supervisord]\n[program:a]\ncommand=/bin/date +%H\n", []string{"s.conf:3: error: [program:a] command: Format string '/bin/date +%H' for 'program:a.command' is badly formatted: unsupported format character 'H' (0x48) at index 12: write %% for a percent sign"}, 2},
		{"template", "[supervisord]\n[program:a]\ncommand=/bin/sh\nnumprocs={{ n }}\n", []string{"s.conf:4: error: [program:a] numprocs: invalid literal for int() with base 10: '{{ n }}': it looks like a template that was not rendered"}, 2},
		{"twice", "[supervisord]\n[program:a]\ncommand=/bin/cat\ncommand=/bin/sh\n[program:a]\nstartsecs=2\n",
			[]string{
				"s.conf:4: warning: [program:a] command: it is there twice: this one takes the place of line 3",
				"s.conf:5: warning: [program:a]: it is there twice: what it says is added to line 2",
			}, 0},
		{"a shell's language", "[supervisord]\n[program:a]\ncommand=/bin/echo $HOME && /bin/cat ~/x > y\n[program:b]\ncommand=/bin/sh -c 'echo $HOME && cat'\n",
			[]string{
				"s.conf:3: warning: [program:a] command: && means something to a shell only: write sh -c '...'",
				"s.conf:3: warning: [program:a] command: ~ is not expanded: write %(ENV_HOME)s",
				"s.conf:3: warning: [program:a] command: > means something to a shell only: write sh -c '...'",
				"s.conf:3: warning: [program:a] command: $HOME is not expanded: write %(ENV_HOME)s, or sh -c '...'\ns.conf: errors: 0, warnings: 4",
			}, 0},
		{"where a key belongs", "[supervisord]\nautostart=true\n", []string{"s.conf:2: warning: unknown key autostart in [supervisord]: it belongs into [program:x]"}, 0},
		{"no suggestion of what is there", "[supervisord]\n[program:a]\ncommand=/bin/sh\ncomand=/bin/cat\n", []string{"s.conf:4: warning: unknown key comand in [program:a]\n"}, 0},
		{"keys from elsewhere", "[supervisord]\nredirect_stderr=true\n[program:a]\ncommand=/bin/sh\ndependent_startup=true\nrestartpause=1\nunmask=022\nlogfile=x\nenvFiles=a.env\n",
			[]string{
				"s.conf:2: warning: unknown key redirect_stderr in [supervisord]: it belongs into [program:x]",
				"s.conf:5: warning: unknown key dependent_startup in [program:a]: it belongs to the plug-in supervisord-dependent-startup; write depends_on=",
				"s.conf:6: warning: unknown key restartpause in [program:a]: it belongs to the Go port of Supervisor; write restart_delay=",
				"s.conf:7: warning: unknown key unmask in [program:a]: write umask=",
				"s.conf:8: warning: unknown key logfile in [program:a]: write stdout_logfile=",
				"s.conf:9: warning: unknown key envfiles in [program:a]: it belongs to the Go port of Supervisor; write environment_file=",
			}, 0},
		{"indented", "[supervisord]\n[program:a]\ncommand=/bin/sh\n  autostart=false\n  [program:b]\n[program:c]\ncommand=/bin/sh\npriority=1\n  2\n",
			[]string{
				"s.conf:4: warning: [program:a] command: autostart=false is indented and so a part of this value: take the blanks in front of it away",
				"s.conf:5: warning: [program:a] command: [program:b] is indented and so a part of this value",
				"s.conf:8: error: [program:c] priority: invalid literal",
				"s.conf:9: warning: [program:c] priority: the value goes on in this line, since it is indented",
			}, 2},
		{"quotation marks", "[supervisord]\n[program:a]\ncommand=/bin/sh\nstdout_logfile=\"logs/x\"\n[program:b]\ncommand=/bin/sh -c 'a ; b'\nenvironment=A=\"x ; y\"\n",
			[]string{
				"s.conf:4: warning: [program:a] stdout_logfile: the quotation marks are part of the value",
				"s.conf:6: warning: [program:b] command cannot be parsed: No closing quotation: it was cut at \"; b'\", since a blank before ; begins a remark",
				"s.conf:7: warning: [program:b] environment: a quotation does not close: it was cut at ;, since a blank before it begins a remark",
			}, 2},
		{"a shell's language in quotation marks", "[supervisord]\n[program:a]\ncommand=/bin/echo 'a > b' '$HOME' \\; \"|\" x\\&\n[program:b]\ncommand=/bin/sh -c \"$HOME >/dev/null\" > x\n[program:c]\ncommand=/bin/sh run.sh $HOME 2>&1 >>log\n[program:d]\ncommand=/bin/echo \"$HOME\" a=>b\n",
			[]string{
				"s.conf:5: warning: [program:b] command: > means something to a shell only: write sh -c '...'",
				"s.conf:7: warning: [program:c] command: 2>&1 means something to a shell only: write sh -c '...'",
				"s.conf:7: warning: [program:c] command: >>log means something to a shell only: write sh -c '...'",
				"s.conf:7: warning: [program:c] command: $HOME is not expanded: write %(ENV_HOME)s, or sh -c '...'",
				"s.conf:9: warning: [program:d] command: $HOME is not expanded: write %(ENV_HOME)s, or sh -c '...'\ns.conf: errors: 0, warnings: 5",
			}, 0},
		{"words of a shell", "[supervisord]\n[program:a]\ncommand=cd /tmp\n[program:b]\ncommand=/bin/echo a ; /bin/cat b\n[program:d]\ncommand=export A=1\n[program:e]\ncommand=umask 0\n[program:f]\ncommand=exec x\n[program:c]\ncommand=/bin/echo a ; says a # twice\n",
			[]string{
				"s.conf:3: warning: [program:a] command: cd means something to a shell only: write sh -c '...', or set directory=",
				"s.conf:5: warning: [program:b] command: it ends before \"; /bin/cat b\", since a blank before ; begins a remark: write sh -c \"one; two\"",
				"s.conf:7: warning: [program:d] command: export means something to a shell only: write sh -c '...', or set environment=",
				"s.conf:9: warning: [program:e] command: umask means something to a shell only: write sh -c '...', or set umask=",
				"s.conf:11: warning: [program:f] command: exec means something to a shell only: write sh -c '...'\ns.conf: errors: 0, warnings: 5",
			}, 0},
		{"the second cut was the mistake", "[supervisord]\n[program:a]\ncommand=/bin/sh -c \"a\n  b ; c\n  d # e\"\n", []string{"s.conf:5: warning: [program:a] command cannot be parsed: No closing quotation: it was cut at \"# e\\\"\", since a blank before # begins a remark"}, 0},
		{"lines of a script", "[supervisord]\n[program:a]\ncommand=/bin/sh -c \"\n  [ -f x ]\n  directory=/tmp\n  [program:b]\"\n[program:b]\ncommand=/bin/cat\n  [ -f x ] [[ -f y ]]\n", nil, 0},
		{"lines of an environment", "[supervisord]\n[program:a]\ncommand=/bin/sh\nenvironment=\n  user=\"x\",\n  USER=\"x\"\n  , umask=\"1\"\n", nil, 0},
		{"values that end early", "[supervisord]\n[program:a]\ncommand=/bin/sh\nenvironment=A=\"1\",URL=http://x/a;b=1\n",
			[]string{"s.conf:4: warning: [program:a] environment: the value of URL ends before a character that is not a comma: put it into quotation marks\ns.conf: errors: 0, warnings: 1"}, 0},
		{"a password that was cut", "[supervisord]\n[unix_http_server]\nfile=s.sock\nusername=u\npassword=a #b\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
			[]string{"s.conf:5: warning: [unix_http_server] password: the value ends here at #, since a blank before it begins a remark"}, 0},
		{"logs of programs", "[supervisord]\nnodaemon=true\n[program:a]\ncommand=/bin/sh\nstdout_logfile=logs\nstderr_logfile=logs/x\n[program:b]\ncommand=/bin/sh\nstdout_logfile=/dev/stdout\nstderr_logfile=/dev/null\n",
			[]string{"s.conf:5: warning: [program:a] stdout_logfile: logs is a directory: the program will not start\ns.conf: errors: 0, warnings: 1"}, 0},
		{"no processes of a fcgi program", "[supervisord]\n[fcgi-program:f]\ncommand=/bin/sh\nsocket=unix:///nope/s\nnumprocs=0\n", []string{"s.conf:4: error: [fcgi-program:f] socket: the directory of /nope/s does not exist"}, 2},
		{"socket of a member of a group", "[supervisord]\n[fcgi-program:f]\ncommand=/bin/sh\nsocket=unix:///nope/s\n[group:g]\nprograms=f\n", []string{"s.conf:4: error: [fcgi-program:f] socket: the directory of /nope/s does not exist"}, 2},
		{"defaults of programs", "[supervisord]\n[program-default]\ncommand=nosuch\ndirectory=/nope\nstartsecs=-1\nautorestrat=1\nevents=EVENT\nnumprocs=x\n[program:a]\n[program:b]\ncommand=/bin/sh\n[program-defaults]\n",
			[]string{
				"s.conf:3: warning: [program-default] command nosuch is not found",
				"s.conf:4: warning: [program-default] directory /nope does not exist",
				"s.conf:5: warning: [program-default] startsecs: -1 is less than nothing, and counts as 0",
				"s.conf:6: warning: unknown key autorestrat in [program-default]: did you mean autorestart?",
				"s.conf:7: warning: unknown key events in [program-default]: it belongs into [eventlistener:x]",
				"s.conf:8: error: [program-default] numprocs: invalid literal",
				"s.conf:12: warning: unknown section [program-defaults]: did you mean program-default?\ns.conf: errors: 1, warnings: 6",
			}, 2},
		{"what would be right", "[supervisord]\nloglevel=warning\n[program:a]\ncommand=/bin/sh\nautorestart=always\nstdout_logfile_maxbytes=10M\nexitcodes=0 2\nno_new_privs=maybe\n[eventlistener:e]\ncommand=/bin/sh\nevents=EVENT\npriority=x\n",
			[]string{
				"s.conf:2: error: [supervisord] loglevel: bad logging level name 'warning': write critical, error, warn, info, debug, trace or blather, such as info",
				"s.conf:5: error: [program:a] autorestart: invalid 'autorestart' value 'always': write true, false or unexpected, such as unexpected",
				"s.conf:6: error: [program:a] stdout_logfile_maxbytes: invalid literal for int() with base 10: '10m': write a size in bytes, or with KB, MB or GB, such as 1MB",
				"s.conf:7: error: [program:a] exitcodes: not a valid list of exit codes: '0 2': write numbers from 0 to 255 with commas between them, such as 0",
				"s.conf:8: error: [program:a] no_new_privs: not a valid boolean value: 'maybe': write true or false, such as true",
				"s.conf:12: error: [eventlistener:e] priority: invalid literal for int() with base 10: 'x': write a whole number, such as -1",
			}, 2},
		{"a port that nobody has", "[supervisord]\n[unix_http_server]\nfile=/tmp/a.sock\n[supervisorctl]\nserverurl=http://localhost:9002\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
			[]string{"s.conf:5: warning: [supervisorctl] serverurl: no server has port 9002, there is unix:///tmp/a.sock"}, 0},
		{"no unix socket at all", "[supervisord]\n[inet_http_server]\nport=127.0.0.1:1\nusername=u\npassword=p\n[supervisorctl]\nserverurl=unix:///tmp/b.sock\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
			[]string{"s.conf:7: warning: [supervisorctl] serverurl: no server has the socket /tmp/b.sock"}, 0},
		{"the port that supervisorctl asks for", "[supervisord]\n[unix_http_server]\nfile=/tmp/a.sock\n[supervisorctl]\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
			[]string{"s.conf:4: warning: [supervisorctl] serverurl: no server has port 9001, there is unix:///tmp/a.sock"}, 0},
		{"what supervisorctl refuses", "[supervisord]\n[unix_http_server]\nfile=/tmp/a.sock\nusername=a\npassword=b\n[supervisorctl]\nserverurl=unix:///tmp/a.sock\npassword=b%w\nprompt=%(here)s\ncolor=red\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
			[]string{
				"s.conf:8: warning: [supervisorctl] password: Format string for 'supervisorctl.password' is badly formatted: write %% for a percent sign: supervisorctl will refuse it",
				"s.conf:9: warning: [supervisorctl] prompt: Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which cannot be expanded. Known here is nothing but %(ENV_NAME)s: supervisorctl will refuse it",
				"s.conf:10: warning: [supervisorctl] color: 'red' is not known: write auto, always or never: supervisorctl will refuse it",
			}, 0},
		{"values without quotation marks", "[supervisord]\nenvironment=A=b c,D=1\n", []string{"s.conf:2: error: [supervisord] environment: Unexpected end of key/value pairs in value 'A=b c,D=1': put the values into quotation marks, KEY=\"value\",KEY2=\"value2\""}, 2},
		{"where notes are about", "[supervisord]\n[include]\nfiles=nope\n[program:a]\ncommand=/bin/sh\nstdout_logfile=syslog\nstderr_logfile_maxbytes=0\n[program-default]\nstderr_logfile=AUTO\n[ctlplugin:x]\nsupervisor.ctl_factory=a:b\n[eventlistener:e]\ncommand=/bin/sh\nevents=EVENT\nresult_handler=a:b\n",
			[]string{
				"s.conf:3: warning: No file matches via include ",
				"s.conf:6: warning: For [program:a], stdout_logfile=syslog but this is deprecated",
				"s.conf:9: warning: For [program:a], AUTO logging used for stderr_logfile without rollover",
				"s.conf:11: warning: [ctlplugin:x] is ignored",
				"s.conf:15: warning: For [eventlistener:e], result_handler=a:b is Python code",
			}, 0},
		{"section without an end", "[supervisord]\n[program:web\ncommand=/bin/sh\n", []string{"s.conf:2: error: the name of a section ends with a bracket: write [program:web]"}, 2},
		{"less than nothing", "[supervisord]\n[program:a]\ncommand=/bin/sh\nstartsecs=-5\n", []string{"s.conf:4: warning: [program:a] startsecs: -5 is less than nothing, and counts as 0"}, 0},
		{"a socket that nobody has", "[supervisord]\n[unix_http_server]\nfile=/tmp/a.sock\n[supervisorctl]\nserverurl=unix:///tmp/b.sock\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
			[]string{"s.conf:5: warning: [supervisorctl] serverurl: no server has the socket /tmp/b.sock, there is unix:///tmp/a.sock"}, 0},
		{"two groups of one name", "[supervisord]\n[program:a]\ncommand=/bin/sh\n[program:b]\ncommand=/bin/sh\n[group:b]\nprograms=a\n", []string{"s.conf:4: warning: several groups are called b: only one of them will run"}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			writeConfig(t, test.conf)
			if err := os.Mkdir("logs", 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod("s.conf", 0o644); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if exit := Check("s.conf", Overrides{}, testEnv(), atMost, &out); exit != test.exit {
				t.Errorf("exit status %d, want %d", exit, test.exit)
			}
			lines := strings.Split(out.String(), "\n")
			for _, want := range test.want {
				if strings.Contains(want, "\n") && strings.Contains(out.String(), want) {
					continue
				}
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, want) }) {
					t.Errorf("missing: %s\nin:\n%s", want, out.String())
				}
			}
			if want := len(test.want) == 0; want != strings.HasPrefix(out.String(), "s.conf: errors: 0, warnings: 0\n") {
				t.Errorf("got:\n%s", out.String())
			}
			if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 {
				t.Errorf("it has left something behind: %v, %v", entries, err)
			}
		})
	}
}

// atMost is a system that allows 4096 files.
func atMost(c *Config) map[string]error {
	if c.MinFDs > 4096 {
		return map[string]error{"minfds": errors.New("too many")}
	}
	return nil
}

func TestMeant(t *testing.T) {
	known := []string{"autostart", "autorestart", "program:", "command"}
	for name, want := range map[string]string{
		"autorstart": ": did you mean autostart?", "Command": ": did you mean command?", "prog:x": "", "Programs : x": ": did you mean program:x?", "x": "",
	} {
		if got := meant(name, known); got != want {
			t.Errorf("meant(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestCheckScripts looks at what is run.
func TestCheckScripts(t *testing.T) {
	writeConfig(t, "[supervisord]\nnodaemon=true\n[program:a]\ncommand=./crlf\n[program:b]\ncommand=./none\n[program:c]\ncommand=./gone\n[program:d]\ncommand=./good\n")
	for name, text := range map[string]string{"crlf": "#!/bin/sh\r\n", "none": "echo x\n", "gone": "#!/nope/sh\n", "good": "#! /bin/sh -e\n"} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	Check("s.conf", Overrides{}, testEnv(), atMost, &out)
	want := "s.conf:4: warning: [program:a] command ./crlf has the line ends of Windows, which become part of the interpreter's name\n" +
		"s.conf:6: warning: [program:b] command ./none is a script without an interpreter: its first line is not \"#!/bin/sh\" or the like\n" +
		"s.conf:8: warning: [program:c] command ./gone needs the interpreter /nope/sh, which is not there\n" +
		"s.conf: errors: 0, warnings: 3\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", &out, want)
	}
}

// TestCheckIncludes: a mistake in one file does not hide those in the others.
func TestCheckIncludes(t *testing.T) {
	writeConfig(t, "[supervisord]\n[unix_http_server]\nfile=/tmp/s\n[supervisorctl]\nserverurl=unix:///tmp/s\n[include]\nfiles=*.ini\n")
	for name, text := range map[string]string{"a.ini": "[program:a]\ncommand=\xe9\n", "b.ini": "[program:b]\nnonsense\n", "c.ini": "[program:c]\ncommand=/bin/sh\nstartsecs=x\n[include]\nfiles=y\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	Check("s.conf", Overrides{}, testEnv(), atMost, &out)
	for _, want := range []string{
		"/a.ini:2: error: 'utf-8' codec can't decode byte 0xe9", "/b.ini:2: error: Source contains parsing errors",
		"/c.ini:3: error: [program:c] startsecs: invalid literal", "/c.ini:4: warning: [include]: it has no effect in a file that is included itself",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing: %s\nin:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "no server") || strings.Contains(out.String(), "no [rpcinterface") {
		t.Errorf("what may stand in a file that could not be read is missed:\n%s", &out)
	}
}

// TestCheckPort: a port in use is a mistake, unless the daemon itself is what uses it.
func TestCheckPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	writeConfig(t, "[supervisord]\npidfile=pid\n[inet_http_server]\nport="+l.Addr().String()+"\nusername=u\npassword=p\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n")
	for pid, want := range map[string]string{
		"":                               "s.conf:4: error: [inet_http_server] port: another program listens on " + l.Addr().String() + "\ns.conf: errors: 1, warnings: 0\n",
		strconv.Itoa(os.Getpid()) + "\n": "s.conf: errors: 0, warnings: 0\n",
		"-1\n":                           "s.conf:4: error: [inet_http_server] port: another program listens on " + l.Addr().String() + "\ns.conf: errors: 1, warnings: 0\n",
	} {
		if err := os.WriteFile("pid", []byte(pid), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if Check("s.conf", Overrides{}, testEnv(), atMost, &out); out.String() != want {
			t.Errorf("with the pidfile %q:\n%swant:\n%s", pid, &out, want)
		}
	}
}
