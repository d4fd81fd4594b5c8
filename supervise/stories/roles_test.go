package stories

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// exitUsage is the status after an error of the command line or configuration.
const exitUsage = 2

// call runs the program under the name argv[0] and returns its exit status and
// output.
func call(t *testing.T, argv ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.Cmd{Path: filepath.Join(links, "supervisor"), Args: argv, Stdout: &out, Stderr: &errs}
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// inEmptyDirectory makes a new working directory with the file ok.conf, whose
// user does not exist: a start that comes so far ends there.
func inEmptyDirectory(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("ok.conf", []byte("[supervisord]\nuser=nosuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSupervisordUsage(t *testing.T) {
	const started = "Invalid user name nosuch" // all was well with the command line
	tests := []struct {
		name string
		line string // words separated by blanks, "" is an empty one
		want string // the error
	}{
		{"short", "-n -c ok.conf", started},
		{"cluster", "-nc ok.conf", started},
		{"argument in the cluster", "-ncok.conf", started},
		{"prefixes", "--conf=ok.conf --nod", started},
		{"options that take effect later", "-c ok.conf -s -k -t -m 077 -y 1MB -z 3 -e WARN -i x -a 5 --minprocs=5 --profile_options cumulative,calls", started},
		{"user of the command line", "-c ok.conf -u 4711", "Invalid user id 4711"},
		{"empty log file and pid file", `-c ok.conf -l "" -j ""`, started},
		{"equals sign of a short option", "-c=ok.conf", "could not find config file =ok.conf"},
		{"flag with a value", "--nodaemon=1", "option --nodaemon must not have an argument"},
		{"ambiguous", "--log x", "option --log not a unique prefix"},
		{"unknown", "--bogus", "option --bogus not recognized"},
		{"missing argument", "-c", "option -c requires argument"},
		{"words", "-n foo bar", "positional arguments are not supported: ['foo', 'bar']"},
		{"a dash", "-", "positional arguments are not supported: ['-']"},
		{"words after a version", "-v foo", "positional arguments are not supported: ['foo']"},
		{"the same flag twice", "-n -n", "conflicting command line option '-n'"},
		{"the same setting twice", "-c a --conf=b", "conflicting command line option '--configuration'"},
		{"one empty", `-i "" -i x`, "conflicting command line option '-i'"},
		{"bad value before conflict", "-m 8 -m 9", "invalid value for -m '8': 8 can not be converted to an octal type"},
		{"long name in full", "--um=9", "invalid value for --umask '9': 9 can not be converted to an octal type"},
		{"bad value before version", "-e bogus -v", "invalid value for -e 'bogus': bad logging level name 'bogus'"},
		{"not expanded", "-l %(here)s/x", "invalid value for -l '%(here)s/x': The directory named as part of the path %(here)s/x does not exist"},
		{"directory", "-d /nope", "invalid value for -d '/nope': /nope is not an existing directory"},
		{"empty directory", `-q ""`, "invalid value for -q '':  is not an existing directory"},
		{"number", `-z ""`, "invalid value for -z '': invalid literal for int() with base 10: ''"},
		{"size", "-y 1K", "invalid value for -y '1K': invalid literal for int() with base 10: '1k'"},
		{"no such file", "-c nope", "could not find config file nope"},
		{"empty file name", `-c ""`, "could not find config file "},
	}
	inEmptyDirectory(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			words := strings.Fields(test.line)
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], `""`, "")
			}
			exit, stdout, stderr := call(t, append([]string{"bin/supervisord"}, words...)...)
			want := "Error: " + test.want + "\nFor help, use bin/supervisord -h\n"
			if exit != exitUsage || stdout != "" || stderr != want {
				t.Errorf("exit %d, stdout %q, stderr %q\nwant stderr %q", exit, stdout, stderr, want)
			}
		})
	}
}

func TestSupervisorctlUsage(t *testing.T) {
	tests := []struct{ line, want string }{
		{"--version", "option --version not recognized"},
		{"-s nonsense status", "invalid value for -s 'nonsense': value 'nonsense' is not a URL"},
		{"-s http: status", "invalid value for -s 'http:': value 'http:' is not a URL"},
		{"-u a -u b", "conflicting command line option '-u'"},
		{"-c nope status", "could not find config file nope"},
		{"-c ok.conf status -n", ".ini file does not include supervisorctl section"},
	}
	inEmptyDirectory(t)
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			exit, stdout, stderr := call(t, append([]string{"bin/supervisorctl"}, strings.Fields(test.line)...)...)
			want := "Error: " + test.want + "\nFor help, use bin/supervisorctl -h\n"
			if exit != exitUsage || stdout != "" || stderr != want {
				t.Errorf("exit %d, stdout %q, stderr %q\nwant stderr %q", exit, stdout, stderr, want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, role := range []string{"supervisord", "supervisorctl"} {
		exit, stdout, stderr := call(t, "bin/"+role, "-?")
		if exit != 0 || stderr != "" {
			t.Errorf("%s: exit %d, %s", role, exit, stderr)
		}
		golden(t, role+"-help", stdout)
		if _, long, _ := call(t, "bin/"+role, "-c", "/nope", "--help"); long != stdout {
			t.Errorf("%s: -h and -? differ", role)
		}
		for line := range strings.Lines(stdout) {
			if len(line) > 120 {
				t.Errorf("%s: too long: %s", role, line)
			}
		}
		// What is listed is there, with an argument or without.
		options := regexp.MustCompile(`(?m)^(?:(-\w)/)?(--\w+)( [A-Z_]+)? -- `).FindAllStringSubmatch(stdout, -1)
		if len(options) < 7 {
			t.Errorf("%s: %d options", role, len(options))
		}
		for _, o := range options {
			word, want := o[2]+"=1", "option "+o[2]+" must not have an argument\n"
			if o[3] != "" {
				word, want = o[2], "option "+o[2]+" requires argument\n"
			}
			if _, _, stderr := call(t, "bin/"+role, word); !strings.Contains(stderr, want) {
				t.Errorf("%s %s: %q, want %q", role, word, stderr, want)
			}
			if o[1] == "" {
				continue
			}
			if _, _, stderr := call(t, "bin/"+role, o[1]+"?", "-c", "/nope"); strings.Contains(stderr, "not recognized") {
				t.Errorf("%s %s: %q", role, o[1], stderr)
			}
		}
	}
}

// golden compares text with a file that -update rewrites.
func golden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("differs from %s:\n%s", file, text)
	}
}

func TestVersion(t *testing.T) {
	for _, line := range [][]string{{"-v"}, {"--vers"}, {"-v", "-e", "bogus"}, {"-n", "-v", "-c", "/nope"}} {
		exit, stdout, _ := call(t, append([]string{"bin/supervisord"}, line...)...)
		if exit != 0 || !regexp.MustCompile(`^4\.3\.0\+go\d+\.\d+\.\d+\n$`).MatchString(stdout) {
			t.Errorf("%v: exit %d, %q", line, exit, stdout)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, argv := range [][]string{{"echo_supervisord_conf"}, {"/x/echo_supervisord_conf", "-h"}, {"supervisor", "echo_supervisord_conf"}, {"anything", "echo_supervisord_conf", "x"}} {
		exit, stdout, _ := call(t, argv...)
		if exit != 0 || !strings.Contains(stdout, "\n[supervisord]\n") {
			t.Errorf("%q: exit %d, %.40q", argv, exit, stdout)
		}
	}
	for _, argv := range [][]string{{"supervisor"}, {"supervisor", "nonsense"}, {"supervisor", "-h"}} {
		exit, stdout, stderr := call(t, argv...)
		if exit != exitUsage || stdout != "" || !strings.Contains(stderr, "Usage: supervisor supervisord") {
			t.Errorf("%q: exit %d, %q, %q", argv, exit, stdout, stderr)
		}
	}
	inEmptyDirectory(t)
	if _, _, stderr := call(t, "bin/supervisor", "supervisord", "-x"); stderr != "Error: option -x not recognized\nFor help, use bin/supervisor supervisord -h\n" {
		t.Errorf("role as the first word: %q", stderr)
	}
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // a second time changes nothing
		if exit, _, stderr := call(t, "supervisor", "link", dir); exit != 0 {
			t.Fatalf("exit %d, %s", exit, stderr)
		}
	}
	for _, role := range []string{"supervisord", "supervisorctl", "echo_supervisord_conf", "pidproxy"} {
		if _, err := os.Stat(filepath.Join(dir, role)); err != nil {
			t.Error(err)
		}
	}
	if exit, _, _ := call(t, "supervisor", "link"); exit != exitUsage {
		t.Errorf("without a directory: exit %d", exit)
	}
	if exit, _, stderr := call(t, "supervisor", "link", filepath.Join(dir, "nope")); exit != 1 || stderr == "" {
		t.Errorf("without the directory being there: exit %d, %q", exit, stderr)
	}
	name := filepath.Join(dir, "pidproxy")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if exit, _, _ := call(t, "supervisor", "link", dir); exit != 1 {
		t.Errorf("over somebody's file: exit %d", exit)
	}
}

// TestSearch looks at what is said of the files that are searched for.
func TestSearch(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := os.Stat("/etc/supervisord.conf"); err == nil {
		t.Skip("this machine has a configuration of its own")
	}
	if _, err := os.Stat("/etc/supervisor/supervisord.conf"); err == nil {
		t.Skip("this machine has a configuration of its own")
	}
	_, _, stderr := call(t, "a/bin/supervisord")
	warning, message, warned := strings.Cut(stderr, "security.\n")
	if !warned {
		message = warning
	}
	if warned != (os.Getuid() == 0) {
		t.Errorf("warning: %q", stderr)
	}
	const want = "Error: No config file found at default paths (a/etc/supervisord.conf, a/supervisord.conf, supervisord.conf, etc/supervisord.conf, " +
		"/etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the -c option to specify a config file at a different path\nFor help, use a/bin/supervisord -h\n"
	if message != want {
		t.Errorf("got  %q\nwant %q", message, want)
	}
}

// TestLinkCopy: with --copy the installation outlives what it was made from.
func TestLinkCopy(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // again, over an earlier one
		if exit, _, stderr := call(t, "supervisor", "link", "--copy", dir); exit != 0 {
			t.Fatalf("exit %d, %s", exit, stderr)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "supervisorctl")); err != nil || target != "supervisor" {
		t.Errorf("leads to %s, %v", target, err)
	}
	out, err := exec.Command(filepath.Join(dir, "supervisord"), "-v").Output()
	if err != nil || len(out) == 0 {
		t.Errorf("%s, %v", out, err)
	}
	for _, words := range [][]string{{"-h"}, {"--help"}} {
		if exit, stdout, _ := call(t, append([]string{"supervisor", "link"}, words...)...); exit != 0 || !strings.Contains(stdout, "--copy") {
			t.Errorf("link %v: exit %d, %s", words, exit, stdout)
		}
	}
	if exit, _, _ := call(t, "supervisor", "link", "--what", dir); exit != exitUsage {
		t.Errorf("an unknown option: exit %d", exit)
	}
	// As the only file of a container, whatever it is called there.
	if out, err := exec.Command(filepath.Join(dir, "supervisord"), "supervisorctl", "-h").Output(); err != nil || !strings.Contains(string(out), "supervisord supervisorctl [options] [action") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := exec.Command(filepath.Join(dir, "supervisorctl"), "echo_supervisord_conf").Output(); err != nil || !strings.Contains(string(out), "[supervisord]") {
		t.Errorf("%s, %v", out, err)
	}
}
