package web

import (
	"context"
	"hash/fnv"
	"html/template"
	"strconv"
	"strings"
	"time"

	"supervisor/xmlrpc"
)

// statusPage is what index.html shows.
type statusPage struct {
	Identification string
	Version        string
	Message        string // how the last action went; empty: there was none
	Failed         bool   // Message tells of a failure
	Filter         string // what the table is narrowed to
	Table          table
}

// table is the part of the status page that follows what happens.
type table struct {
	Mark    string // differs whenever anything else here does
	Now     int64  // the server's clock, in Unix seconds
	Summary []count
	Groups  []group
	Rows    []row
}

// count says how many processes are in a state.
type count struct {
	State  string
	Number int
	Filter template.URL // the page, narrowed to this state
}

// group is a group that consists of more than a process of its own name.
type group struct {
	Name      string
	Total, Up int
	Filter    template.URL // the page, narrowed to this group
	Actions   []button
}

// row is one process.
type row struct {
	Name        string // the namespec
	State       string // in lower case
	Class       string // of the state
	Shade       string
	Hidden      bool  // not what the filter asks for
	Start       int64 // since when it runs, in Unix seconds; 0 unless it does
	Description string
	History     []string // last start and last exit
	Tail        template.URL
	Actions     []button // three places; a place may be empty
	Logs        []button
}

// button is an action or a link.
type button struct {
	Label string
	URL   template.URL
}

// status shows the status page.
func (u *ui) status(ctx context.Context, p params) reply {
	processes, err := u.backend.AllProcessInfo(ctx)
	if err != nil {
		return u.failed(err)
	}
	identification, err := u.backend.Identification(ctx)
	if err != nil {
		return u.failed(err)
	}
	return u.page("status.html", statusPage{
		Identification: identification,
		Version:        u.version,
		Message:        p["message"],
		Failed:         failure(p["message"]),
		Filter:         p["filter"],
		Table:          makeTable(processes, u.now(), p["filter"]),
	})
}

// failure reports whether a message of act tells that something went wrong.
func failure(message string) bool {
	return strings.HasPrefix(message, "ERROR") || strings.HasPrefix(message, "No such") ||
		strings.HasPrefix(message, "unexpected")
}

// makeTable lays out the processes, which come sorted by group and name.
func makeTable(processes []xmlrpc.ProcessInfo, now time.Time, filter string) table {
	t := table{Mark: fingerprint(processes...), Now: now.Unix(), Summary: summarize(processes)}
	for rest := processes; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Group == rest[0].Group {
			n++
		}
		if n > 1 || rest[0].Name != rest[0].Group {
			t.Groups = append(t.Groups, makeGroup(rest[:n], filter))
		}
		rest = rest[n:]
	}
	for i := range processes {
		t.Rows = append(t.Rows, makeRow(&processes[i], i, filter))
	}
	return t
}

// fingerprint returns a word for how the processes are. What only time changes, such
// as an uptime, does not count.
func fingerprint(processes ...xmlrpc.ProcessInfo) string {
	h := fnv.New64a()
	for _, p := range processes {
		description := p.Description
		if p.State == xmlrpc.Running {
			description = ""
		}
		for _, s := range []string{p.Group, p.Name, p.SpawnErr, description} {
			h.Write([]byte(s))
			h.Write([]byte{0})
		}
		for _, n := range []int64{int64(p.State), p.Start, p.Stop, int64(p.PID), int64(p.ExitStatus)} {
			h.Write(strconv.AppendInt(nil, n, 10))
			h.Write([]byte{0})
		}
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// summarize counts the processes by state, those that need care last.
func summarize(processes []xmlrpc.ProcessInfo) []count {
	var counts []count
	for _, state := range []xmlrpc.State{xmlrpc.Running, xmlrpc.Starting, xmlrpc.Stopping, xmlrpc.Stopped,
		xmlrpc.Exited, xmlrpc.Backoff, xmlrpc.Fatal, xmlrpc.Unknown} {
		n := 0
		for i := range processes {
			if processes[i].State == state {
				n++
			}
		}
		if n > 0 {
			name := strings.ToLower(state.String())
			counts = append(counts, count{name, n, template.URL("index.html?filter=" + name)})
		}
	}
	return counts
}

// makeGroup lays out the group that the processes make up.
func makeGroup(processes []xmlrpc.ProcessInfo, filter string) group {
	g := group{Name: processes[0].Group, Total: len(processes)}
	for i := range processes {
		if processes[i].State.Up() {
			g.Up++
		}
	}
	g.Filter = template.URL("index.html?filter=" + quote(g.Name+":"))
	target := g.Name + ":*"
	if g.Up < g.Total {
		g.Actions = append(g.Actions, button{"Start", actionURL(target, "startgroup", filter)})
	}
	if g.Up > 0 {
		g.Actions = append(g.Actions, button{"Restart", actionURL(target, "restartgroup", filter)},
			button{"Stop", actionURL(target, "stopgroup", filter)})
	}
	return g
}

// makeRow lays out the process that stands at place i.
func makeRow(p *xmlrpc.ProcessInfo, i int, filter string) row {
	name := p.Namespec()
	r := row{
		Name:        name,
		State:       strings.ToLower(p.State.String()),
		Class:       stateClass(p.State),
		Shade:       []string{"", "shade"}[i%2],
		Description: p.Description,
		History:     history(p),
		Tail:        template.URL("tail.html?processname=" + quote(name)),
		Actions:     rowActions(p.State, name, filter),
		Logs: []button{
			{"Tail -f Stdout", template.URL("logtail/" + quote(name))},
			{"Tail -f Stderr", template.URL("logtail/" + quote(name) + "/stderr")},
		},
	}
	if p.State == xmlrpc.Running {
		r.Start = p.Start
	}
	r.Hidden = !matches(filter, name, r.State)
	return r
}

// rowActions returns what can be done about a process, in its three places. A
// process that is coming up can be stopped too, as supervisorctl can.
func rowActions(state xmlrpc.State, name, filter string) []button {
	actions := make([]button, 3)
	switch state {
	case xmlrpc.Running:
		actions[0] = button{"Restart", actionURL(name, "restart", filter)}
	case xmlrpc.Stopped, xmlrpc.Exited, xmlrpc.Fatal:
		actions[0] = button{"Start", actionURL(name, "start", filter)}
	}
	if state.Up() {
		actions[1] = button{"Stop", actionURL(name, "stop", filter)}
	}
	actions[2] = button{"Clear Log", actionURL(name, "clearlog", filter)}
	return actions
}

// actionURL returns the link of an action, which has always looked like this.
func actionURL(name, action, filter string) template.URL {
	url := "index.html?processname=" + quote(name) + "&action=" + action
	if filter != "" {
		url += "&filter=" + quote(filter)
	}
	return template.URL(url)
}

// stateClass returns the style class of a state.
func stateClass(state xmlrpc.State) string {
	switch state {
	case xmlrpc.Running:
		return "statusrunning"
	case xmlrpc.Fatal, xmlrpc.Backoff:
		return "statuserror"
	default:
		return "statusnominal"
	}
}

// history tells of the last start, the restarts and the last exit, as far as they
// are known.
func history(p *xmlrpc.ProcessInfo) (parts []string) {
	if p.Start != 0 {
		parts = append(parts, "started "+moment(p.Start))
	}
	if p.Restarts > 0 {
		parts = append(parts, strconv.Itoa(p.Restarts)+" restarts")
	}
	if p.Stop != 0 {
		exit := "last exit " + moment(p.Stop)
		switch {
		case p.PID != 0: // the status is that of the exit to come
		case p.ExitStatus < 0:
			exit += ", killed by a signal"
		case p.ExitStatus > 0 || p.SpawnErr == "": // a start that failed leaves 0 behind
			exit += ", status " + strconv.Itoa(p.ExitStatus)
		}
		parts = append(parts, exit)
	}
	return parts
}

// moment formats Unix seconds in local time.
func moment(seconds int64) string {
	return time.Unix(seconds, 0).Local().Format("2006-01-02 15:04:05")
}

// matches reports whether a process is one of those that filter asks for: each
// of its words is part of the name or of the state, in any case. A word with a
// colon is how the name begins, so that "web:" is a group. The script in the
// page goes by the same rule.
func matches(filter, name, state string) bool {
	name = strings.ToLower(name)
	for _, word := range strings.Fields(strings.ToLower(filter)) {
		if strings.Contains(word, ":") {
			if !strings.HasPrefix(name, word) {
				return false
			}
		} else if !strings.Contains(name, word) && !strings.Contains(state, word) {
			return false
		}
	}
	return true
}
