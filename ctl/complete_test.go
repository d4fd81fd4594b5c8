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

// completionTest is a directory with a supervisorctl that answers with the hostile
// programs and notes how it was called.
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
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" > '" + dir + "/called'\ncat '" + dir + "/answer'\n"
	if err := os.WriteFile(filepath.Join(dir, "supervisorctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if status := Run(t.Context(), Options{Args: []string{"completion", shell}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}); status != 0 {
		t.Fatal(out.String())
	}
	file := filepath.Join(dir, "completion")
	if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := completionTest{t, path, dir, file}
	c.answer("words", hostile[:len(hostile)-1]...)
	return c
}

// answer is what supervisorctl says from now on.
func (c completionTest) answer(first string, words ...string) {
	c.t.Helper()
	text := strings.Join(append([]string{first}, words...), "\n") + "\n"
	if err := os.WriteFile(filepath.Join(c.dir, "answer"), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
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
	complete := func(line string) []string {
		return c.run(`source "$SCRIPT"; breaks=$COMP_WORDBREAKS
			COMP_LINE='`+strings.ReplaceAll(line, "'", `'\''`)+`'; COMP_POINT=${#COMP_LINE}; _supervisorctl supervisorctl; [[ $breaks == "$COMP_WORDBREAKS" ]] || echo changed
			for w in "${COMPREPLY[@]}"; do eval "printf '%s\n' $w"; done`, "--norc")
	}
	const line = "supervisorctl -c \"a file\" start we"
	got := complete(line)
	if want := hostile[:len(hostile)-1]; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c.harmless("completion", "bash", line)
	c.answer("words", "we:x", "we:${y}")
	if got := complete("supervisorctl -s http://h:1 stop we:"); !slices.Equal(got, []string{"x", "${y}"}) {
		t.Errorf("behind a colon: got %q", got)
	}
	c.answer("words", "--color=always", "--color=auto")
	if got := complete("supervisorctl status --color=a"); !slices.Equal(got, []string{"always", "auto"}) {
		t.Errorf("behind an equals sign: got %q", got)
	}
	c.answer("words", "web", "we$(touch${IFS}ran)")
	if got := complete(`supervisorctl start "we`); !slices.Equal(got, []string{"web"}) {
		t.Errorf("within quotes: got %q", got)
	}
	for _, other := range []string{"*** Unknown syntax: completion bash", "error: <class 'OSError'>"} {
		c.answer(other, "web")
		if got := complete("supervisorctl start we"); !slices.Equal(got, []string{""}) {
			t.Errorf("%s: got %q", other, got)
		}
	}
}

func TestZshCompletion(t *testing.T) {
	c := newCompletionTest(t, "zsh")
	complete := func(line, prefix string) []string {
		return c.run(`compdef() { : }; source "$SCRIPT"; compadd() { [[ $1 == -- ]] && shift; print -rl -- "$@" }; _files() { print files }
			words=(`+line+` ); PREFIX=`+prefix+`; CURRENT=$#words; _supervisorctl`, "-f")
	}
	got := complete(`supervisorctl -c 'a\ file' start we`, "we")
	if want := hostile[:len(hostile)-1]; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c.harmless("completion", "zsh", `supervisorctl -c a\ file start we`)
	c.answer("files")
	if got := complete("supervisorctl -c ''", ""); !slices.Equal(got, []string{"files"}) {
		t.Errorf("files: got %q", got)
	}
	c.harmless("completion", "zsh", "supervisorctl -c ")
}

func TestFishCompletion(t *testing.T) {
	c := newCompletionTest(t, "fish")
	const line = `supervisorctl -c "a file" start we`
	got := c.run(`source "$SCRIPT"; complete -C '`+line+`'`, "--no-config")
	for _, name := range hostile[:len(hostile)-1] {
		if !slices.Contains(got, name) {
			t.Errorf("%q is missing in %q", name, got)
		}
	}
	c.harmless("completion", "fish", line)
	c.answer("files")
	if got := c.run(`source "$SCRIPT"; complete -C 'supervisorctl -c comp'`, "--no-config"); !slices.Contains(got, "completion") {
		t.Errorf("files: got %q", got)
	}
	c.answer("*** Unknown syntax", "web")
	if got := c.run(`source "$SCRIPT"; complete -C 'supervisorctl start we'`, "--no-config"); !slices.Equal(got, []string{""}) {
		t.Errorf("of another supervisorctl: got %q", got)
	}
}

func TestSplitTyped(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	tests := []struct {
		line string
		want []string
	}{
		{"supervisorctl", []string{}},
		{"supervisorctl ", []string{""}},
		{"supervisorctl  st", []string{"st"}},
		{"supervisorctl status ", []string{"status", ""}},
		{`supervisorctl -c "a file" 'b c' d\ e ''`, []string{"-c", "a file", "b c", "d e", ""}},
		{`supervisorctl '' `, []string{"", ""}},
		{`supervisorctl start "we`, []string{"start", "we"}},
		{`supervisorctl start 'a\b' "a\"b" $(x) a;b`, []string{"start", `a\b`, `a"b`, "$(x)", "a;b"}},
		{`A=1 B=2 supervisorctl x`, []string{"x"}},
		{`supervisorctl -c ~/s.conf `, []string{"-c", "/home/me/s.conf", ""}},
		{`supervisorctl x\`, []string{`x\`}},
	}
	for _, tt := range tests {
		if got := SplitTyped(tt.line); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.line, got, tt.want)
		}
	}
}

// TestCompleteTyped has what the scripts are told.
func TestCompleteTyped(t *testing.T) {
	options := []Option{{Name: "--configuration", File: true}, {Name: "--color", Values: colors()}, {Name: "--json"}, {Name: "--username"}}
	tests := []struct {
		name  string
		typed Typed
		want  []string
	}{
		{"an action", Typed{Words: []string{"sta"}}, []string{"words", "start", "status"}},
		{"an option", Typed{Words: []string{"--c"}, Options: options}, []string{"words", "--configuration", "--color"}},
		{"its argument", Typed{Words: []string{"--color=a"}, Options: options}, []string{"words", "--color=auto", "--color=always"}},
		{"a file", Typed{Words: []string{"x"}, Option: &options[0], Value: "x"}, []string{"files"}},
		{"a known argument", Typed{Words: []string{"n"}, Option: &options[1], Value: "n"}, []string{"words", "never"}},
		{"any argument", Typed{Words: []string{""}, Option: &options[3]}, []string{"words"}},
		{"a program", Typed{Words: []string{"start", "c"}}, []string{"words", "cat"}},
	}
	for _, tt := range tests {
		var out strings.Builder
		s := newSession(Options{Stdout: &out}, func(string, string, string) (daemon, error) { return &fake{infos: table}, nil })
		s.completeTyped(t.Context(), tt.typed)
		s.close()
		if got := strings.Fields(out.String()); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
