package ctl

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"supervisor/xmlrpc"
)

// showStatus prints the state of processes, a line each.
func (s *session) showStatus(ctx context.Context, arg string) error {
	names, view, err := s.statusWords(strings.Fields(arg))
	if err != nil {
		s.fail(exitInvalid, "Error: ", err.Error())
		return nil
	}
	infos, err := s.server.AllProcessInfo(ctx)
	if faultCode(err) == xmlrpc.ShutdownState && s.person {
		s.fail(exitFailed, shuttingDown)
		return nil
	}
	if err != nil {
		return err
	}
	s.known = &infos
	complain := func(name string, parts ...string) {
		s.say(parts...)
		s.suggest(ctx, name, someProcesses)
	}
	if view.json {
		complain = func(_ string, parts ...string) { s.warn(parts...) }
	}
	shown := s.choose(infos, names, complain)
	if view.json {
		s.sayJSON(shown)
	} else {
		s.sayTable(shown, view.color)
	}
	if slices.ContainsFunc(shown, func(info *xmlrpc.ProcessInfo) bool { return info.State.Down() }) {
		s.status = exitStatusDown
	}
	return nil
}

// statusView is how the words of status want it shown.
type statusView struct{ json, color bool }

// statusWords takes our own words out of those of status.
func (s *session) statusWords(words []string) (names []string, view statusView, err error) {
	color := s.o.Color
	view.json = s.o.JSON
	if color == "" && len(s.o.Args) > 0 {
		color = "never" // a terminal may be one that "ssh -t" or "docker exec -t" made for a script
	}
	for i := 0; i < len(words); i++ {
		value, glued := strings.CutPrefix(words[i], "--color=")
		switch {
		case words[i] == "--json":
			view.json = true
		case glued:
			color = value
		case words[i] == "--color":
			color = ""
			if i++; i < len(words) {
				color = words[i]
			}
			if color == "" {
				color = "nothing"
			}
		default:
			names = append(names, words[i])
		}
	}
	switch color {
	case "", "auto":
		view.color = s.person && os.Getenv("NO_COLOR") == ""
	case "always":
		view.color = true
	case "never":
	default:
		return nil, view, valueError("--color is auto, always or never, not " + color)
	}
	return names, view, nil
}

// choose returns what names stand for, in their order, and says which of them
// stand for nothing.
func (s *session) choose(infos []xmlrpc.ProcessInfo, names []string, complain func(name string, parts ...string)) []*xmlrpc.ProcessInfo {
	var chosen []*xmlrpc.ProcessInfo
	if len(names) == 0 || slices.Contains(names, "all") {
		for i := range infos {
			chosen = append(chosen, &infos[i])
		}
		return chosen
	}
	table := newProcessTable(infos)
	for _, name := range names {
		found := table.named(name)
		chosen = append(chosen, found...)
		if len(found) > 0 {
			continue
		}
		s.status = exitStatusUnknown
		if group, _, whole := xmlrpc.SplitNamespec(name); whole {
			complain(name, group, ": ERROR (no such group)")
		} else {
			complain(name, name, ": ERROR (no such process)")
		}
	}
	return chosen
}

// sayTable prints name, state and description in columns. The widths are
// interface, and so are the blanks behind a state without a description.
func (s *session) sayTable(infos []*xmlrpc.ProcessInfo, color bool) {
	width := 30
	for _, info := range infos {
		width = max(width, utf8.RuneCountInString(info.Namespec()))
	}
	for _, info := range infos {
		name, state := info.Namespec(), info.State.String()
		word := state
		if color {
			word = paint(info.State) + state + "\x1b[0m"
		}
		s.say(name, blanks(width+3-utf8.RuneCountInString(name)), word, blanks(10-len(state)), info.Description)
		if how := exitOf(info); s.person && how != "" {
			s.say(blanks(width+3), how)
		}
	}
}

// exitOf says how a process that has exited did so, "" if that was well. The line of the
// table, which programs read, has no place for it.
func exitOf(info *xmlrpc.ProcessInfo) string {
	switch {
	case info.State != xmlrpc.Exited, info.ExitStatus == 0:
		return ""
	case info.ExitStatus < 0:
		return "ended by a signal"
	}
	return "exit status " + strconv.Itoa(info.ExitStatus)
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }

// paint returns the escape sequence for the colour of a state. The word tells
// the state too, for those who do not see the colour.
func paint(state xmlrpc.State) string {
	switch state {
	case xmlrpc.Running:
		return "\x1b[32m" // green
	case xmlrpc.Starting, xmlrpc.Stopping, xmlrpc.Backoff:
		return "\x1b[33m" // yellow
	case xmlrpc.Fatal, xmlrpc.Unknown:
		return "\x1b[1;31m" // bright red
	default:
		return "\x1b[2m" // faint
	}
}

// statusJSON is one process of status --json: the struct of getProcessInfo
// with its member names, and the name people use.
type statusJSON struct {
	Namespec      string `json:"namespec"`
	Name          string `json:"name"`
	Group         string `json:"group"`
	State         int    `json:"state"`
	StateName     string `json:"statename"`
	Description   string `json:"description"`
	PID           int    `json:"pid"`
	Start         int64  `json:"start"`
	Stop          int64  `json:"stop"`
	Now           int64  `json:"now"`
	ExitStatus    int    `json:"exitstatus"`
	SpawnErr      string `json:"spawnerr"`
	StdoutLogfile string `json:"stdout_logfile"`
	StderrLogfile string `json:"stderr_logfile"`
}

// sayJSON prints an array, one process on each line.
func (s *session) sayJSON(infos []*xmlrpc.ProcessInfo) {
	for i, info := range infos {
		// Marshalling a struct of strings and numbers cannot fail.
		object, _ := json.Marshal(statusJSON{
			Namespec: info.Namespec(), Name: info.Name, Group: info.Group,
			State: int(info.State), StateName: info.State.String(), Description: info.Description,
			PID: info.PID, Start: info.Start, Stop: info.Stop, Now: info.Now,
			ExitStatus: info.ExitStatus, SpawnErr: info.SpawnErr,
			StdoutLogfile: info.StdoutLogfile, StderrLogfile: info.StderrLogfile,
		})
		before := ",\n "
		if i == 0 {
			before = "["
		}
		s.out.WriteString(before)
		s.out.Write(object)
	}
	if len(infos) == 0 {
		s.out.WriteString("[")
	}
	s.say("]")
}

// warn prints a line on stderr, where it is in no program's way.
func (s *session) warn(parts ...string) {
	s.flush()
	_, _ = io.WriteString(s.err, strings.Join(parts, "")+"\n") // nobody else is left to tell
}
