package web

import (
	"context"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"supervisor/xmlrpc"
)

// askPage is what the page asks before an action.
type askPage struct {
	Question string
	Foreign  bool     // no page of ours has sent the request
	Hits     string   // what it is about, in words
	Names    []string // of processes, at most maxNamed
	More     int      // how many there are besides Names
	Yes      string   // what the button that carries it out says
	URL      template.URL
	Back     template.URL
	Version  string
}

// maxNamed is how many processes a question names one by one.
const maxNamed = 20

// ask answers with a page that asks whether to carry out an action, as a form
// that does it. It reports false if the action hits nothing that is there: there
// is nothing to ask then, and act says why.
func (u *ui) ask(ctx context.Context, p params, foreign bool) (rep reply, ok bool) {
	u.inTurn(func() { rep, ok = u.makeQuestion(ctx, p, foreign) })
	return rep, ok
}

func (u *ui) makeQuestion(ctx context.Context, p params, foreign bool) (reply, bool) {
	processes, err := u.backend.AllProcessInfo(ctx)
	if err != nil {
		return u.failed(err), true
	}
	page, ok := question(processes, p["action"], p["processname"])
	if !ok {
		return reply{}, false
	}
	page.Foreign, page.Version = foreign, u.version
	page.URL, page.Back = actionURL(p["processname"], p["action"], p["filter"]), pageURL(p["filter"])
	return u.page(200, "ask.html", page), true
}

// wide reports whether an action hits more than one program or deletes something,
// so that a slip of the hand has to be caught.
func wide(action string) bool {
	switch action {
	case "stopall", "restartall", "startgroup", "stopgroup", "restartgroup", "clearlog":
		return true
	}
	return false
}

// question words what is asked before an action; false if there is no such action,
// or no such process or group.
func question(processes []xmlrpc.ProcessInfo, action, name string) (askPage, bool) {
	switch action {
	case "start", "stop", "restart", "clearlog":
		i := slices.IndexFunc(processes, func(p xmlrpc.ProcessInfo) bool { return p.Namespec() == name })
		if i < 0 {
			return askPage{}, false
		}
		return questionOne(&processes[i], action), true
	case "stopall", "restartall":
		return questionMany(processes, strings.TrimSuffix(action, "all"), "all programs"), true
	case "startgroup", "stopgroup", "restartgroup":
		group, ok := groupName(name)
		members := slices.DeleteFunc(processes, func(p xmlrpc.ProcessInfo) bool { return p.Group != group })
		if !ok || len(members) == 0 {
			return askPage{}, false
		}
		return questionMany(members, strings.TrimSuffix(action, "group"), "group "+group), true
	}
	return askPage{}, false
}

// questionOne is about one process.
func questionOne(p *xmlrpc.ProcessInfo, action string) askPage {
	if action == "clearlog" {
		return askPage{Question: "Clear the log of " + p.Namespec() + "?", Yes: "Clear Log",
			Hits: "What is in its log files, stdout and stderr, will be deleted."}
	}
	verb := verbs[action]
	return askPage{Question: verb + " " + p.Namespec() + "?", Yes: verb, Hits: p.Namespec() + " is " + strings.ToLower(p.State.String()) + "."}
}

// verbs are the actions on processes as buttons name them.
var verbs = map[string]string{"start": "Start", "stop": "Stop", "restart": "Restart"}

// questionMany is about all of the processes that verb changes something about.
func questionMany(processes []xmlrpc.ProcessInfo, verb, what string) askPage {
	var names []string
	up := 0
	for i := range processes {
		isUp := processes[i].State.Up()
		if isUp {
			up++
		}
		if verb == "restart" || isUp == (verb == "stop") {
			names = append(names, processes[i].Namespec())
		}
	}
	of := strconv.Itoa(up) + " of " + strconv.Itoa(len(processes)) + " are up"
	hits := map[string]string{
		"start":   of + ". To be started:",
		"stop":    of + ". To be stopped:",
		"restart": of + " and will be stopped first. To be started:",
	}[verb]
	if len(names) == 0 {
		hits = of + ", so there is nothing to do."
	}
	return askPage{
		Question: verbs[verb] + " " + what + "?", Yes: verbs[verb] + " " + plural(len(names), "program"),
		Hits:  hits,
		Names: names[:min(len(names), maxNamed)], More: max(0, len(names)-maxNamed),
	}
}

// trusted reports whether what a GET asks for may be done without a question: it
// comes from one of our own pages, or from no browser.
func trusted(r *request) bool {
	from := originOf(r)
	return from == originSame || from == originNone
}

// refusal is the page that says why an action was not carried out.
type refusal struct {
	Site    string // what the browser says, if it does
	Origin  string // else: where it says that the request comes from; may be empty
	Host    string // and whom it asked; may be empty
	Back    template.URL
	Version string
}

// refuse answers a request of another site. Where that is told by comparing names,
// the other site may be ourselves behind a proxy that hides our name, so the page
// says what the proxy has to do.
func (u *ui) refuse(r *request) reply {
	page := refusal{Back: pageURL(""), Version: u.version}
	page.Site, _ = r.Header.Get("Sec-Fetch-Site")
	page.Host, _ = r.Header.Get("Host")
	ok := false
	if page.Origin, ok = r.Header.Get("Origin"); !ok {
		page.Origin, _ = r.Header.Get("Referer")
	}
	return u.page(403, "refused.html", page)
}
