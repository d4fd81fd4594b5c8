// Package stories plays the end-to-end tests of testdata: real daemons with real
// children, steered as people and programs steer them.
package stories

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"supervisor/testdata/child"
	"supervisor/testdata/story"
)

// TestMain builds the program, with the race detector if the tests have it, and
// lets the test binary be the programs it supervises.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "abuse" {
		os.Exit(runAbuses(os.Args[2:]))
	}
	if filepath.Base(os.Args[0]) == "child" {
		os.Exit(child.Run(os.Args))
	}
	os.Exit(runTests(m))
}

// links is the directory with the names of all roles, and "child".
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
	if err := os.Chdir("../.."); err != nil { // stories name files from the root
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
	binary := filepath.Join(dir, "supervisor")
	args := []string{"build", "-tags", buildTags, "-o", binary}
	if os.Getenv("GOCOVERDIR") != "" { // it is to be measured what of the program the stories use
		args = append(args, "-cover")
	}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	for _, role := range []string{"supervisord", "supervisorctl", "echo_supervisord_conf", "pidproxy"} {
		if err := os.Symlink(binary, filepath.Join(dir, role)); err != nil {
			return "", err
		}
	}
	return dir, os.Symlink(self, filepath.Join(dir, "child"))
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

// layers says which of our packages may use which, and which packages of others. Names
// are from the root, which is ".".
const layers = `
.                    ctl github.com/alecthomas/kong inifile inifile/near supervise supervise/config supervise/getopt supervise/lines supervise/logs supervise/pidproxy supervise/spawn supervise/tz
ctl                  ctl/cells ctl/edit golang.org/x/term inifile inifile/near inifile/python xmlrpc
ctl/cells
ctl/edit             ctl/cells
ctl/top              ctl/cells xmlrpc
inifile              gopkg.in/ini.v1 inifile/python
inifile/envfile
inifile/near
inifile/python
supervise            inifile inifile/envfile inifile/python supervise/backoff supervise/config supervise/event supervise/health supervise/job supervise/life supervise/limits supervise/lines supervise/logs supervise/notify supervise/order supervise/pipes supervise/rlimit supervise/spawn supervise/sys supervise/tz supervise/vfork web web/api xmlrpc
supervise/backoff    inifile
supervise/config     inifile inifile/near supervise/backoff supervise/health supervise/life supervise/limits supervise/lines supervise/logs supervise/order
supervise/cron
supervise/event      inifile inifile/python xmlrpc
supervise/getopt
supervise/health     inifile
supervise/job
supervise/life       supervise/backoff xmlrpc
supervise/limits     inifile supervise/sys
supervise/lines
supervise/logs       inifile supervise/job supervise/lines supervise/sys
supervise/notify
supervise/order      inifile
supervise/pidproxy   supervise/sys
supervise/pipes      inifile/python supervise/lines supervise/logs supervise/sys
supervise/proctree
supervise/rlimit
supervise/spawn      inifile supervise/limits supervise/sys supervise/vfork
supervise/stories
supervise/sys
supervise/tz
supervise/vfork      supervise/limits
web                  inifile/python web/api web/httpd xmlrpc
web/api              web/httpd web/jsonenc xmlrpc
web/httpd
web/httpd/httpdtest
web/jsonenc
web/sse
xmlrpc               inifile/python
`

// allowedImports are the packages that each of ours may import, by path.
func allowedImports() map[string][]string {
	allowed := make(map[string][]string)
	path := func(name string) string {
		first, _, _ := strings.Cut(name, "/")
		if name == "." || strings.Contains(first, ".") {
			return strings.TrimPrefix(name, ".")
		}
		return "/" + name
	}
	for line := range strings.Lines(layers) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		may := []string{}
		for _, name := range fields[1:] {
			if name = path(name); strings.HasPrefix(name, "/") {
				name = "supervisor" + name
			}
			may = append(may, name)
		}
		allowed["supervisor"+path(fields[0])] = may
	}
	return allowed
}

// TestLayers keeps the table of packages true: which of our packages may use
// which, and where each direct dependency may be used.
func TestLayers(t *testing.T) {
	allowed := allowedImports()
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
		if !slices.Contains([]string{"github.com/alecthomas/kong", "gopkg.in/ini.v1", "golang.org/x/term"}, path) {
			t.Errorf("go.mod must not require %s", path)
		}
	}
}
