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
	Message        string       // how the last action went; empty: there was none
	Failed         bool         // Message tells of a failure
	Filter         string       // what the table is narrowed to
	Back           template.URL // the page without the message
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
	Exit        string // how it ended; empty if it runs, or never did
	Bad         bool   // Exit tells of a failure
	ExitTime    string // when that was
	History     []string
	Tail        template.URL
	Actions     []button // always the same, so that nothing changes its place
	Logs        []button
}

// button is an action or a link.
type button struct {
	Label string
	URL   template.URL
	Off   bool // there is nothing to do for it now
}

// status shows the status page.
func (u *ui) status(ctx context.Context, p params) (rep reply) {
	u.inTurn(func() { rep = u.makeStatus(ctx, p) })
	return rep
}

func (u *ui) makeStatus(ctx context.Context, p params) reply {
	processes, err := u.backend.AllProcessInfo(ctx)
	if err != nil {
		return u.failed(err)
	}
	identification, err := u.backend.Identification(ctx)
	if err != nil {
		return u.failed(err)
	}
	return u.page(200, "status.html", statusPage{
		Identification: identification,
		Version:        u.version,
		Message:        p["message"],
		Failed:         failure(p["message"]),
		Filter:         p["filter"],
		Back:           pageURL(p["filter"]),
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
		for _, s := range []string{p.Group, p.Name, p.SpawnErr, p.Ended, description} {
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

// summarize counts the processes by state, those that need care last. States that
// none is in count too: what comes and goes would move the table up and down.
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
		name := strings.ToLower(state.String())
		counts = append(counts, count{name, n, pageURL(name)})
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
	g.Filter = pageURL(g.Name + ":")
	target := g.Name + ":*"
	g.Actions = []button{
		{"Start", actionURL(target, "startgroup", filter), g.Up == g.Total},
		{"Restart", actionURL(target, "restartgroup", filter), g.Up == 0},
		{"Stop", actionURL(target, "stopgroup", filter), g.Up == 0},
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
			{Label: "Tail -f Stdout", URL: template.URL("logtail/" + quote(name))},
			{Label: "Tail -f Stderr", URL: template.URL("logtail/" + quote(name) + "/stderr")},
		},
	}
	if endedLast(p) {
		r.Exit, r.Bad, r.ExitTime = p.Ended, p.SpawnErr != "", moment(p.Stop)
	}
	if p.State == xmlrpc.Running {
		r.Start = p.Start
	}
	r.Hidden = !matches(filter, name, r.State)
	return r
}

// rowActions returns what can be done about a process, each in a place of its own.
// A process that is coming up can be stopped too, as supervisorctl can.
func rowActions(state xmlrpc.State, name, filter string) []button {
	startable := state == xmlrpc.Stopped || state == xmlrpc.Exited || state == xmlrpc.Fatal
	return []button{
		{"Start", actionURL(name, "start", filter), !startable},
		{"Restart", actionURL(name, "restart", filter), state != xmlrpc.Running},
		{"Stop", actionURL(name, "stop", filter), !state.Up()},
		{"Clear Log", actionURL(name, "clearlog", filter), false},
	}
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

// endedLast reports whether the last that happened to a process is that its child
// ended, rather than a start.
func endedLast(p *xmlrpc.ProcessInfo) bool {
	return p.PID == 0 && p.Ended != "" && p.Stop >= p.Start
}

// history tells of the last start, the restarts and an exit that Exit does not
// tell of, as far as they are known.
func history(p *xmlrpc.ProcessInfo) (parts []string) {
	if p.Start != 0 {
		parts = append(parts, "started "+moment(p.Start))
	}
	if p.Restarts > 0 {
		parts = append(parts, plural(p.Restarts, "restart"))
	}
	if p.Ended != "" && !endedLast(p) {
		parts = append(parts, "last exit: "+p.Ended+" at "+moment(p.Stop))
	}
	return parts
}

// plural returns "1 restart", "2 restarts".
func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
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
