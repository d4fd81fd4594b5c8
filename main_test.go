package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"supervisor/supervise"
	"supervisor/testdata/child"
	"supervisor/testdata/story"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain lets the test binary play every role, so that the stories run what
// the tests were compiled from, with the race detector when the tests have it.
func TestMain(m *testing.M) {
	if exit, isChild := supervise.RunChild(os.Args); isChild {
		os.Exit(exit)
	}
	switch name := filepath.Base(os.Args[0]); {
	case name == "child":
		os.Exit(child.Run(os.Args))
	case !strings.HasSuffix(name, ".test") && !strings.Contains(name, "debug_bin"):
		os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(runTests(m))
}

// links is the directory in which the test binary has the names of all roles.
var links string

func runTests(m *testing.M) int {
	flag.Parse()
	dir, err := linkRoles()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	links = dir
	// Stories wait far more than they work, so many can run on few CPUs.
	if !slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.parallel") }) {
		flag.Set("test.parallel", "12") // the flag exists
	}
	return m.Run()
}

func linkRoles() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "roles")
	if err != nil {
		return "", err
	}
	// Programs started as another user have to reach "child".
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	for _, role := range []string{"supervisor", "supervisord", "supervisorctl", "echo_supervisord_conf", "pidproxy", "child"} {
		if err := os.Symlink(self, filepath.Join(dir, role)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// TestScript plays the stories of testdata/script. With SUPERVISOR_ORIGINAL set
// to a directory, such as /usr/bin, it plays them with the supervisord and the
// supervisorctl there.
func TestScript(t *testing.T) { playAll(t, "testdata/script/*.txt") }

// TestInterop plays the stories of testdata/interop: other people's clients,
// listeners and daemons together with ours.
func TestInterop(t *testing.T) { playAll(t, "testdata/interop/*.txt") }

func playAll(t *testing.T, pattern string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in %s: %v", pattern, err)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	programs := story.Programs{Dir: links, Child: filepath.Join(links, "child"), Root: root, Debian: debian()}
	if original := os.Getenv("SUPERVISOR_ORIGINAL"); original != "" {
		programs.Dir, programs.Original = original, true
	}
	for _, file := range files {
		s, err := story.Parse(file)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			story.Play(t, s, programs)
		})
	}
}

// debian is where Debian's package puts Supervisor's programs; empty when they
// are not there, or are links to ours.
func debian() string {
	for _, name := range []string{"supervisord", "supervisorctl"} {
		data, err := os.ReadFile(filepath.Join("/usr/bin", name))
		if err != nil || !strings.HasPrefix(string(data), "#!") {
			return ""
		}
	}
	return "/usr/bin"
}

// TestLayers keeps the table of packages true: which of our packages may use
// which, and where each direct dependency may be used.
func TestLayers(t *testing.T) {
	const kong, ini, term = "github.com/alecthomas/kong", "gopkg.in/ini.v1", "golang.org/x/term"
	allowed := map[string][]string{
		"supervisor":                  {"supervisor/supervise", "supervisor/ctl", "supervisor/web", "supervisor/xmlrpc", "supervisor/inifile", "supervisor/supervise/getopt", kong},
		"supervisor/supervise":        {"supervisor/web", "supervisor/xmlrpc", "supervisor/inifile", "supervisor/supervise/rlimit"},
		"supervisor/supervise/getopt": {},
		"supervisor/supervise/rlimit": {},
		"supervisor/ctl":              {"supervisor/xmlrpc", "supervisor/inifile", term},
		"supervisor/web":              {"supervisor/xmlrpc"},
		"supervisor/xmlrpc":           {},
		"supervisor/inifile":          {ini},
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		may, ok := allowed[fields[0]]
		if !ok {
			t.Errorf("package %s has no row in the table", fields[0])
		}
		for _, imported := range fields[1:] {
			// A dot in the first element marks packages from elsewhere; x/sys comes
			// with the direct dependencies and may be used wherever it is needed.
			first, _, _ := strings.Cut(imported, "/")
			foreign := strings.Contains(first, ".") && !strings.HasPrefix(imported, "golang.org/x/sys/")
			if (foreign || first == "supervisor") && !slices.Contains(may, imported) {
				t.Errorf("%s must not import %s", fields[0], imported)
			}
		}
	}
	direct, err := exec.Command("go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(direct)) {
		if !slices.Contains([]string{kong, ini, term}, path) {
			t.Errorf("go.mod must not require %s", path)
		}
	}
}

// call runs the program in a directory with an empty configuration and returns
// its exit status and output.
func call(t *testing.T, argv ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	exit = run(argv, nil, &out, &err)
	return exit, out.String(), err.String()
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
		{"--history-file F", "option --history-file not recognized"},
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
	for _, role := range roles() {
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
