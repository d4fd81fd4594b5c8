package supervise

import (
	"os"
	"slices"
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
		{"no server", "[supervisord]\n", []string{"s.conf: warning: there is no server: supervisorctl cannot connect"}, 0},
		{"all errors", "[supervisord]\nminfds=x\nlogfile=/nope/x\n[program:a]\ncommand=c\nstartsecs=y\n[program:b]\n[unix_http_server]\n",
			[]string{
				"s.conf:2: error: [supervisord] minfds: invalid literal for int() with base 10: 'x'",
				"s.conf:3: error: [supervisord] logfile: The directory named as part of the path /nope/x does not exist",
				"s.conf:6: error: [program:a] startsecs: invalid literal for int() with base 10: 'y'",
				"s.conf:7: error: [program:b] command: program section program:b does not specify a command",
				"s.conf:8: error: [unix_http_server] file: section [unix_http_server] has no file value",
			}, 2},
		{"an error of all processes once", "[supervisord]\n[program:a]\ncommand=c\nnumprocs=3\nprocess_name=%(process_num)s\ndirectory=%(x)s\n",
			[]string{"s.conf:6: error: [program:a] directory: Format string '%(x)s' for 'program:a.directory' contains names ('x') which cannot be expanded. Available names: "}, 2},
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
				"s.conf:8: warning: [program:b] stdout_logfile will be in /logs, which does not exist",
				"s.conf:10: warning: [program:c] command /etc is a directory",
				"s.conf:12: warning: [program:d] command cannot be parsed: No closing quotation",
				"s.conf:14: warning: [program:e] command is empty",
			}, 0},
		{"socket without a directory", "[supervisord]\n[unix_http_server]\nfile=/nope/s\n", []string{"s.conf:3: error: [unix_http_server] file: the directory of /nope/s does not exist"}, 2},
		{"two groups of one name", "[supervisord]\n[program:a]\ncommand=/bin/sh\n[program:b]\ncommand=/bin/sh\n[group:b]\nprograms=a\n", []string{"s.conf: warning: several groups are called b: only one of them will run"}, 0},
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
			if exit := Check("s.conf", Overrides{}, testEnv(), &out); exit != test.exit {
				t.Errorf("exit status %d, want %d", exit, test.exit)
			}
			lines := strings.Split(out.String(), "\n")
			for _, want := range test.want {
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
