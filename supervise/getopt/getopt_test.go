package getopt

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var options = []Option{
	{Name: "configuration", Short: "c", Arg: true},
	{Name: "childlogdir", Short: "q", Arg: true},
	{Name: "help", Short: "h?"},
	{Name: "nodaemon", Short: "n"},
	{Name: "logfile", Short: "l", Arg: true},
	{Name: "logfile_maxbytes", Short: "y", Arg: true},
	{Name: "minprocs", Arg: true},
	{Name: "check", Exact: true},
}

// show writes what was found as Python's getopt would return it.
func show(found []Found, rest []string) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s=%s ", f.Spelled, f.Value)
	}
	return b.String() + "| " + strings.Join(rest, " ")
}

func TestScan(t *testing.T) {
	tests := []struct {
		name  string
		words []string
		want  string // or the error
	}{
		{"nothing", nil, "| "},
		{"cluster with an argument in the next word", []string{"-nc", "f"}, "-n= -c=f | "},
		{"cluster with an argument in the word", []string{"-ncf", "x"}, "-n= -c=f | x"},
		{"equals sign belongs to a short argument", []string{"-c=f"}, "-c==f | "},
		{"a letter that needs more than one byte", []string{"-né"}, "option -é not recognized"},
		{"question mark", []string{"-?"}, "-?= | "},
		{"long with equals sign", []string{"--configuration=a=b"}, "--configuration=a=b | "},
		{"long with the next word", []string{"--configuration", "-n"}, "--configuration=-n | "},
		{"long with an empty argument", []string{"--conf="}, "--configuration= | "},
		{"prefix", []string{"--conf=f", "--nod"}, "--configuration=f --nodaemon= | "},
		{"exact name beats longer ones", []string{"--logfile", "f"}, "--logfile=f | "},
		{"ambiguous prefix", []string{"--log", "x"}, "option --log not a unique prefix"},
		{"empty prefix", []string{"--=x"}, "option -- not a unique prefix"},
		{"an exact option in full", []string{"--check"}, "--check= | "},
		{"an exact option does not disturb prefixes", []string{"--ch", "d"}, "--childlogdir=d | "},
		{"an exact option has no prefixes", []string{"--chec"}, "option --chec not recognized"},
		{"ends at the first other word", []string{"-n", "x", "-n"}, "-n= | x -n"},
		{"a lone dash is a word", []string{"-", "-n"}, "| - -n"},
		{"two dashes", []string{"--", "-i", "x"}, "| -i x"},
		{"unknown letter", []string{"-x"}, "option -x not recognized"},
		{"unknown letter in a cluster", []string{"-n=1"}, "option -= not recognized"},
		{"unknown name", []string{"--bogus=1"}, "option --bogus not recognized"},
		{"missing argument of a letter", []string{"-nc"}, "option -c requires argument"},
		{"missing argument of a name", []string{"--conf"}, "option --configuration requires argument"},
		{"superfluous argument", []string{"--nod=yes"}, "option --nodaemon must not have an argument"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, rest, err := Scan(options, test.words)
			got := show(found, rest)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("Scan(%q) = %q, want %q", test.words, got, test.want)
			}
		})
	}
}

// pythonGetopt prints what Python makes of each line of words.
const pythonGetopt = `
import getopt, sys
long = ["configuration=", "childlogdir=", "help", "nodaemon", "logfile=", "logfile_maxbytes=", "minprocs="]
for line in sys.stdin.read().splitlines():
    try:
        opts, rest = getopt.getopt(line.split(" "), "c:q:h?nl:y:", long)
        print("".join("%s=%s " % o for o in opts) + "| " + " ".join(rest))
    except getopt.GetoptError as e:
        print(e)
`

// TestLikePython compares all command lines of three words made of nasty pieces.
func TestLikePython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 to compare with")
	}
	pieces := []string{"-", "--", "-n", "-nc", "-ncf", "-c=f", "-n=", "-x", "-?h", "-l", "--l", "--logfile", "--logfile_", "--logfile=",
		"--n", "--nodaemon=", "--h", "--c", "--conf=a=b", "--minprocs", "--=", "--bogus", "x"}
	var lines []string
	for _, a := range pieces {
		for _, b := range pieces {
			for _, c := range pieces {
				lines = append(lines, a+" "+b+" "+c)
			}
		}
	}
	cmd := exec.Command("python3", "-c", pythonGetopt)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	python := slices.DeleteFunc(slices.Clone(options), func(o Option) bool { return o.Exact })
	for i, line := range lines {
		found, rest, err := Scan(python, strings.Split(line, " "))
		got := show(found, rest)
		if err != nil {
			got = err.Error()
		}
		if got != want[i] {
			t.Fatalf("%s: got %q, Python %q", line, got, want[i])
		}
	}
}
