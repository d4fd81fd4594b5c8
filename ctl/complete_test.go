package ctl

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hostile are names of programs on a server that is not to be trusted.
var hostile = []string{"web", "we$(touch${IFS}ran)", "we`touch${IFS}ran`", "we;touch", "we*", "we:x", "we:${y}", "we'q", `we"q`, `we\q`, "other"}

// completionTest is a directory with a supervisorctl that names the hostile programs and
// notes how it was called.
type completionTest struct {
	t                *testing.T
	shell, dir, file string
}

func newCompletionTest(t *testing.T, shell string) completionTest {
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skip("needs", shell)
	}
	dir := t.TempDir()
	var table strings.Builder
	for _, name := range hostile {
		table.WriteString(name + "                    RUNNING   pid 1, uptime 0:00:01\n")
	}
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" > '" + dir + "/called'\ncat '" + dir + "/table'\n"
	for name, text := range map[string]string{"table": table.String(), "supervisorctl": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if status := Run(t.Context(), Options{Args: []string{"completion", shell}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}); status != 0 {
		t.Fatal(out.String())
	}
	file := filepath.Join(dir, "completion")
	if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return completionTest{t, path, dir, file}
}

// run runs a script in the shell and returns the lines of its output.
func (c completionTest) run(script string, args ...string) []string {
	cmd := exec.Command(c.shell, append(append(args, "-c"), script)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "PATH="+c.dir+":"+os.Getenv("PATH"), "HOME="+c.dir, "SCRIPT="+c.file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// harmless checks that no name was run, and how supervisorctl was called.
func (c completionTest) harmless(call ...string) {
	c.t.Helper()
	if _, err := os.Stat(filepath.Join(c.dir, "ran")); err == nil {
		c.t.Error("the name of a program was run as a command")
	}
	called, err := os.ReadFile(filepath.Join(c.dir, "called"))
	if want := strings.Join(call, "\n") + "\n"; err != nil || string(called) != want {
		c.t.Errorf("called with %q, want %q, %v", called, want, err)
	}
}

func TestBashCompletion(t *testing.T) {
	c := newCompletionTest(t, "bash")
	complete := func(words string, line string) []string {
		return c.run(`source "$SCRIPT"; breaks=$COMP_WORDBREAKS; COMP_WORDS=(`+words+`); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			COMP_LINE='`+line+`'; COMP_POINT=${#COMP_LINE}; _supervisorctl supervisorctl; [[ $breaks == "$COMP_WORDBREAKS" ]] || echo changed
			for w in "${COMPREPLY[@]}"; do eval "printf '%s\n' $w"; done`, "--norc")
	}
	got := complete(`supervisorctl -c "a file" start we`, "supervisorctl -c \"a file\" start we")
	if want := hostile[:len(hostile)-1]; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c.harmless("-c", "a file", "status")
	got = complete(`supervisorctl -s http : //h : 1 stop we : ''`, "supervisorctl -s http://h:1 stop we:")
	if want := []string{"x", "${y}"}; !slices.Equal(got, want) {
		t.Errorf("behind a colon: got %q, want %q", got, want)
	}
	c.harmless("-s", "http://h:1", "status")
	if got = complete(`supervisorctl sta`, "supervisorctl sta"); !slices.Equal(got, []string{"start", "status"}) {
		t.Errorf("actions: %q", got)
	}
}

func TestZshCompletion(t *testing.T) {
	c := newCompletionTest(t, "zsh")
	got := c.run(`compdef() { : }; source "$SCRIPT"; _supervisorctl_names supervisorctl -c 'a\ file' start we; print -rl -- "${(@)reply}"`, "-f")
	if want := append([]string{"all"}, hostile...); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c.harmless("-c", "a file", "status")
}

func TestFishCompletion(t *testing.T) {
	c := newCompletionTest(t, "fish")
	got := c.run(`source "$SCRIPT"; complete -C 'supervisorctl -c "a file" start we'`, "--no-config")
	for _, name := range hostile[:len(hostile)-1] {
		if !slices.Contains(got, name) {
			t.Errorf("%q is missing in %q", name, got)
		}
	}
	c.harmless("-c", "a file", "status")
}
