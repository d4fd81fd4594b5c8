// Package story plays the end-to-end tests of testdata/script: real daemons with
// real children, steered by the steps of a text file.
//
// A story is a text file: steps, a line each, then files, each below a line
// "-- NAME --" or "-- NAME MODE --". "#" begins a comment line. Everywhere $WORK
// is the story's directory (and where everything runs), $CHILD the program that
// plays testdata/child, $BIN the directory of supervisord and supervisorctl,
// $PORT, $PORT2, $PORT3 are free TCP ports, $ROOT is the project, $ORIGINAL the
// directory of Debian's Supervisor, $CALLERHOME the HOME of the test (the story has
// its own), and $NAME is what "set NAME" kept. The file supervisord.conf begins with
// the sections for socket, paths and RPC, which the runner puts there.
//
// Lines that say when a story, or a part of it, can be played:
//
//	needs: root|nonroot|linux|original   else the story is skipped
//	needs: program NAME...               on PATH
//	needs: env NAME                      this variable is set
//	needs: python MODULE...              importable by Debian's python3
//	needs: node PACKAGE...               installed for node
//	needs: module DIR                    a nested Go module whose packages can be had
//	differs: WHY                         against the original, the steps up to the next
//	                                     empty line are left out; when it stands alone,
//	                                     all steps that follow
//
// Steps that run a program; it has to succeed, or fail after "!", or may do both
// after "?". Its output is kept as stdout and stderr, its status for "exit":
//
//	supervisord [ARG...]      the daemon with -n and supervisord.conf, until it answers
//	supervisord -daemon ...   without -n
//	! supervisord ...         it has to refuse to run
//	ctl [ARG...]              supervisorctl
//	exec PROGRAM [ARG...]     any program
//	rpc METHOD [JSON...]      an XML-RPC call; stdout is the result as JSON, or the fault
//	http METHOD PATH [USER:PASSWORD]    to the inet server at $PORT; $HTTP is the status
//	background PROGRAM [ARG...]         runs until the story ends
//
// Steps that act:
//
//	signal NAME [PROCESS|PID]  to the daemon, or else to that process
//	stop                       SIGTERM to the daemon, which has to exit with 0
//	conf FILE                  makes this file the new supervisord.conf
//	write FILE TEXT, append FILE TEXT, rm FILE, rename OLD NEW, mkdir DIR
//	program ROLE PATH          from now on this plays supervisord or supervisorctl
//	set NAME pid [PROCESS]     keeps a pid; also: set NAME stdout, set NAME file FILE
//
// Steps that wait for a condition, each until a deadline:
//
//	wait PROCESS STATE[,STATE]     wait-log REGEXP [FILE [COUNT]]
//	wait-file FILE, wait-gone FILE|PID    wait-exit, wait-http URL REGEXP
//
// Steps that look; FILE may be stdout or stderr:
//
//	exit STATUS               the last program's status
//	cmp FILE WANT             equal, byte for byte
//	match FILE WANT           each line of WANT is a regexp for the same line of FILE
//	[!] grep REGEXP FILE      some line matches
//	count N REGEXP FILE       as many lines match
//	order FILE REGEXP...      lines that match, in this order
//	idle SECONDS              the daemon sleeps all the time
//	threads MAX               the daemon has no more threads than that
package story

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Story is one parsed file.
type Story struct {
	Name  string
	Needs []string
	Steps []Step
	Files []File
}

// Step is one line of a story.
type Step struct {
	Line int
	Text string
	// Differs says why the original is not asked to do this; empty: it is.
	Differs string
}

// File is one file of a story.
type File struct {
	Name string
	Mode fs.FileMode
	Text string
}

// Parse reads the story in the named file.
func Parse(name string) (*Story, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := &Story{Name: strings.TrimSuffix(filepath.Base(name), ".txt")}
	lines := strings.SplitAfter(string(data), "\n")
	differs, alone := "", false
	for i, line := range lines {
		text := strings.TrimSpace(line)
		if file, ok := fileHeader(text); ok {
			return s, s.addFiles(file, lines[i+1:])
		}
		key, value, _ := strings.Cut(text, ": ")
		switch {
		case strings.HasPrefix(text, "#"):
		case text == "":
			if !alone {
				differs = ""
			}
		case key == "needs":
			s.Needs = append(s.Needs, value)
		case key == "differs":
			differs, alone = value, true
		default:
			// The first step right below its "differs:" makes it hold for this
			// paragraph only.
			if alone && differs != "" && i > 0 && strings.TrimSpace(lines[i-1]) != "" {
				alone = false
			}
			s.Steps = append(s.Steps, Step{i + 1, text, differs})
		}
	}
	return s, nil
}

// fileHeader takes "-- NAME --" or "-- NAME MODE --" apart.
func fileHeader(line string) (File, bool) {
	words := strings.Fields(line)
	if len(words) < 3 || len(words) > 4 || words[0] != "--" || words[len(words)-1] != "--" {
		return File{}, false
	}
	f := File{Name: words[1], Mode: 0o644}
	if len(words) == 4 {
		mode, err := strconv.ParseUint(words[2], 8, 32)
		if err != nil {
			return File{}, false
		}
		f.Mode = fs.FileMode(mode)
	}
	return f, true
}

func (s *Story) addFiles(f File, lines []string) error {
	seen := map[string]bool{}
	for _, line := range lines {
		next, ok := fileHeader(strings.TrimSpace(line))
		if !ok {
			f.Text += line
			continue
		}
		s.Files = append(s.Files, f)
		f = next
	}
	s.Files = append(s.Files, f)
	for _, f := range s.Files {
		if seen[f.Name] {
			return fmt.Errorf("%s: file %s is there twice", s.Name, f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

// words splits a step at blanks. Within '…' and "…" blanks are kept; there is no
// escape character, so that regular expressions stay readable.
func words(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t':
			if inWord {
				out = append(out, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("no closing %c", quote)
	}
	if inWord {
		out = append(out, word.String())
	}
	return out, nil
}
