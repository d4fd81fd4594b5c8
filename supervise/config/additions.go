package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/backoff"
	"supervisor/supervise/health"
	"supervisor/supervise/life"
	"supervisor/supervise/lines"
	"supervisor/supervise/order"
)

// ExitOn is which end of a program ends supervisord.
type ExitOn int

const (
	ExitNever        ExitOn = iota
	ExitOnExit              // any, if it is not started again
	ExitOnUnexpected        // one that is not expected, if it is not started again
	ExitOnFatal             // FATAL
)

// exitOns are the words for them in a file.
var exitOns = []string{ExitNever: "never", ExitOnExit: "exit", ExitOnUnexpected: "unexpected", ExitOnFatal: "fatal"}

// String returns the word for it in a file.
func (e ExitOn) String() string { return exitOns[e] }

// ReadyWhen is what makes RUNNING of STARTING.
type ReadyWhen int

const (
	ReadyStartSecs ReadyWhen = iota // it stays up for startsecs
	ReadyNotify                     // READY=1 at $NOTIFY_SOCKET
	ReadyFD                         // a line feed on a descriptor
	ReadyLog                        // a line of output that matches
	ReadyHealth                     // the first good check
)

// Readiness is when a program is ready.
type Readiness struct {
	When    ReadyWhen
	FD      int            // with ReadyFD
	Pattern *regexp.Regexp // with ReadyLog
}

// Health is how the health of a program is checked. The zero value is not at all.
type Health struct {
	Command string // one of these three is set
	HTTP    string
	TCP     string

	Interval time.Duration // from one check to the next
	Timeout  time.Duration // of a check
	Retries  int           // failures in a row that are too many
	Grace    time.Duration // after RUNNING, in which failures do not count
	Action   HealthAction  // after the last failure
}

// Set reports whether there is a check.
func (c *Health) Set() bool { return c.Command != "" || c.HTTP != "" || c.TCP != "" }

// defaultPrefix is what stands before each line where nothing is said of that.
const defaultPrefix = "%(program_name)s | "

// ParseLogFormat reads the form of the daemon's own log: text or json.
func ParseLogFormat(text string) (lines.Format, error) { return daemonFormatKind.parse(text) }

// daemonFormatKind is the form of the daemon's own log.
var daemonFormatKind = valueKind[lines.Format]{name: "text or json", parse: func(text string) (lines.Format, error) {
	n, err := choiceKind[int]("text", "json").parse(text)
	return [...]lines.Format{lines.Text, lines.JSON}[n], err
}}

// exitStatusKind is what supervisord returns.
var exitStatusKind = valueKind[bool]{name: "program or 0", parse: func(text string) (bool, error) {
	n, err := choiceKind[int]("program", "0").parse(text)
	return n == 0, err
}}

// HealthAction is what is done about a program that is not healthy.
type HealthAction int

const (
	HealthRestart HealthAction = iota // its child is ended, as an unexpected exit
	HealthStop                        // it is stopped
	HealthNone                        // it is only shown
)

// LineFormat is the form in which output gets into log files.
type LineFormat struct {
	Format     lines.Format
	Prefix     [2]string // of text, by channel
	Timestamps lines.Timestamps
	Drop       bool // log_when_blocked=drop
}

var (
	sequenceKind   = valueKind[[]life.StopStep]{name: "signals with times, such as TERM 10s, INT 5s", parse: parseStopSequence}
	filesKind      = valueKind[[]string]{name: "paths with commas between them", parse: parseFiles}
	formatKind     = choiceKind[lines.Format]("raw", "text", "json")
	timestampsKind = choiceKind[lines.Timestamps]("none", "iso8601", "unix")
	blockedKind    = valueKind[bool]{name: "wait or drop", parse: func(text string) (bool, error) {
		n, err := choiceKind[int]("wait", "drop").parse(text)
		return n == 1, err
	}}
	exitOnKind       = choiceKind[ExitOn](exitOns...)
	healthActionKind = choiceKind[HealthAction]("restart", "stop", "none")
	needsKind        = valueKind[[]order.Need]{name: "NAME or NAME:CONDITION with commas between them, CONDITION being started, ready or done", parse: order.Parse}
	limitKind        = valueKind[backoff.Limit]{name: "a number of restarts and a time, such as 5/60s", parse: backoff.ParseLimit, raw: true}
	factorKind       = valueKind[float64]{name: "a number of at least 1", parse: backoff.ParseFactor}
	partKind         = valueKind[float64]{name: "a percentage from 0% to 100%", parse: backoff.ParsePart, raw: true}
	readyKind        = valueKind[Readiness]{name: "startsecs, notify, fd:N, log:REGEX or health", parse: parseReadiness}
	countKind        = valueKind[int]{name: "a whole number of at least 1", parse: parseCount}
	urlKind          = valueKind[string]{name: "http://HOST[:PORT]/PATH or unix:///SOCKET:/PATH", parse: parseCheckURL}
	checkCommandKind = valueKind[string]{name: "a command of a check", parse: parseCheckCommand}
	hostPortKind     = valueKind[string]{name: "HOST:PORT", parse: parseHostPort}
	pauseKind        = valueKind[time.Duration]{name: "a time of more than 0, in seconds, or with ms, s, m or h", parse: parsePause}
)

// parseFiles reads environment_file.
func parseFiles(text string) ([]string, error) {
	files := inifile.ParseList(text)
	for i, name := range files {
		optional, path := "", inifile.TrimSpace(name)
		if rest, ok := strings.CutPrefix(path, "-"); ok {
			optional, path = "-", rest
		}
		if path == "" {
			return nil, fmt.Errorf("%s names no file: write paths with commas between them", inifile.PythonRepr(text))
		}
		files[i] = optional + inifile.ExpandUser(path)
	}
	return files, nil
}

// parseReadiness reads ready=.
func parseReadiness(text string) (Readiness, error) {
	text = inifile.TrimSpace(text)
	word, rest, found := strings.Cut(text, ":")
	switch strings.ToLower(word) {
	case "startsecs", "notify", "health":
		if !found {
			when := map[string]ReadyWhen{"startsecs": ReadyStartSecs, "notify": ReadyNotify, "health": ReadyHealth}
			return Readiness{When: when[strings.ToLower(word)]}, nil
		}
	case "fd":
		fd, err := strconv.Atoi(rest)
		if err != nil || fd < 3 || fd > 1023 {
			return Readiness{}, fmt.Errorf("%s is no descriptor for readiness: write fd:N, N being from 3 to 1023", inifile.PythonRepr(rest))
		}
		return Readiness{When: ReadyFD, FD: fd}, nil
	case "log":
		pattern, err := regexp.Compile(rest)
		if err != nil || rest == "" {
			if err == nil {
				err = errors.New("it is empty")
			}
			return Readiness{}, fmt.Errorf("%s is not a regular expression (RE2): %w", inifile.PythonRepr(rest), err)
		}
		return Readiness{When: ReadyLog, Pattern: pattern}, nil
	}
	return Readiness{}, fmt.Errorf("%s is not known: write startsecs, notify, fd:N, log:REGEX or health", inifile.PythonRepr(text))
}

// parseCount reads a number of times.
func parseCount(text string) (int, error) {
	n, err := inifile.ParseInt(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("%s is not a number of at least 1", inifile.PythonRepr(text))
	}
	return n, err
}

// parsePause reads a time that is more than none.
func parsePause(text string) (time.Duration, error) {
	d, err := inifile.ParseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%s: the time has to be more than 0", inifile.PythonRepr(text))
	}
	return d, err
}

// parseCheckURL reads health_http, as it is read once more when the checks begin.
func parseCheckURL(text string) (string, error) {
	text = inifile.TrimSpace(text)
	rest, isHTTP := strings.CutPrefix(text, "http://")
	path, isUnix := strings.CutPrefix(text, "unix://")
	switch {
	case isHTTP && rest != "":
	case isUnix && strings.Contains(path, ":/"):
	default:
		return "", fmt.Errorf("%s is not an address to check: write http://HOST[:PORT]/PATH or unix:///SOCKET:/PATH", inifile.PythonRepr(text))
	}
	_, err := health.ParseHTTP(text)
	return text, err
}

// parseHostPort reads health_tcp.
func parseHostPort(text string) (string, error) {
	address, err := health.ParseTCP(text)
	return string(address), err
}

// parseCheckCommand reads health_command. It is split when a check begins, but what cannot
// be split is known now.
func parseCheckCommand(text string) (string, error) {
	words, err := inifile.SplitCommand(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("can't parse command %s: %w", inifile.PythonRepr(text), err)
	case len(words) == 0:
		return "", errors.New("the command is empty: write one, or leave the key out")
	}
	return text, nil
}

// settleAdditions looks at what keys of ours say together.
func settleAdditions(s *inifile.Reader, d *draft) {
	checks := 0
	for _, key := range []string{"health_command", "health_http", "health_tcp"} {
		if s.Has(key) {
			checks++
		}
		if checks == 2 {
			s.Fail(key, errors.New("there is another check already: write one of health_command, health_http and health_tcp"))
			break
		}
	}
	if d.Ready.When == ReadyHealth && checks == 0 {
		s.Fail("ready", errors.New("ready=health needs health_command, health_http or health_tcp"))
	}
	if d.Watchdog > 0 && d.Ready.When != ReadyNotify {
		s.Fail("watchdog", errors.New("watchdog needs ready=notify"))
	}
	d.Readiness = d.Ready.When != ReadyStartSecs
}

// settleOrder makes the graph of all programs that depend on others. What is wrong with it
// is an error of the section.
func (r *reading) settleOrder() {
	var all []order.Program
	var from []*Program
	for _, g := range r.config.Groups {
		from = append(from, g.Programs...)
	}
	if !slices.ContainsFunc(from, func(p *Program) bool { return len(p.Needs) > 0 }) {
		return
	}
	place := map[string]int{} // a cycle is told from the first of it in the file on
	for i, section := range r.file.Sections() {
		place[section.Name()] = i
	}
	slices.SortStableFunc(from, func(a, b *Program) int { return cmp.Compare(place[a.Section], place[b.Section]) })
	for _, p := range from {
		_, section, _ := strings.Cut(p.Section, ":")
		all = append(all, order.Program{Group: p.Group, Name: p.Name, Section: section, Needs: p.Needs})
	}
	graph, errs := order.New(all)
	told := map[string]bool{} // all processes of a section have the same
	for _, err := range errs {
		section := from[err.Program].Section
		if told[section+err.Text] {
			continue
		}
		told[section+err.Text] = true
		s := r.file.Section(section)
		reader := s.Reader(r.global, fmt.Sprintf(" in section '%s' (file: '%s')", s.Name(), s.File()))
		reader.Fail("depends_on", err)
		r.collect(reader)
	}
	r.config.Order = graph
}
