package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"supervisor/web/jsonenc"
	"supervisor/xmlrpc"
)

// operation is a row of the table.
type operation struct {
	method  string
	path    string // below Root; {namespec} is any one segment
	summary string
	query   []param
	body    []param
	answer  string // its schema, by name
	serve   func(c *call) (status int, err error)
}

// param is a parameter of a query, or a key of a body.
type param struct {
	name     string
	kind     kind
	required bool
	text     string
}

// kind is what a parameter may be.
type kind int

const (
	aText kind = iota
	aFlag
	aTime  // seconds
	aList  // a text; of a query, where it may be there several times
	states // the same, of names of states
)

var (
	names   = param{"name", aList, false, "name, group:name, group:*, all, or a pattern with * ? [abc]; several times: any of them"}
	state   = param{"state", states, false, "only those in this state; several times: in any of them"}
	wait    = param{"wait", aFlag, false, "answer when it is done; if not, when it has begun. Default: true"}
	timeout = param{"timeout", aTime, false, "how long to wait at most, in seconds; what was asked for goes on. Default, and 0: as long as it takes"}
	noDeps  = param{"no_deps", aFlag, false, "start it without what it depends on. Default: false"}
	signal  = param{"signal", aText, true, "name or number of a signal: HUP, SIGHUP, 1"}
	data    = param{"data", aText, true, "what to write, as it is: a line needs a line feed"}
)

// operations returns the table.
func operations() []operation {
	const program = "/programs/{namespec}"
	return []operation{
		{method: "GET", path: "", summary: "Tells about supervisord itself.", answer: "Overview", serve: overview},
		{method: "GET", path: "/programs", summary: "Tells all about all programs, or some of them.", query: []param{names, state}, answer: "Programs", serve: programs},
		{method: "GET", path: program, summary: "Tells all about one program.", answer: "Program", serve: oneProgram},
		{method: "POST", path: program + "/start", summary: "Starts programs.", body: []param{wait, timeout, noDeps}, answer: "Results", serve: change(Backend.StartPrograms)},
		{method: "POST", path: program + "/stop", summary: "Stops programs.", body: []param{wait, timeout}, answer: "Results", serve: change(Backend.StopPrograms)},
		{method: "POST", path: program + "/restart", summary: "Stops programs, and starts them when they have stopped.", body: []param{wait, timeout, noDeps}, answer: "Results", serve: change(Backend.RestartPrograms)},
		{method: "POST", path: program + "/signal", summary: "Sends a signal to programs.", body: []param{signal}, answer: "Results", serve: send(Backend.SignalPrograms, "signal")},
		{method: "POST", path: program + "/clear", summary: "Empties the logs of programs.", answer: "Results", serve: clearLogs},
		{method: "POST", path: program + "/stdin", summary: "Writes to the standard input of programs.", body: []param{data}, answer: "Results", serve: send(Backend.WritePrograms, "data")},
		{method: "POST", path: "/shutdown", summary: "Stops everything and ends supervisord.", answer: "Done", serve: done(Backend.Shutdown)},
		{method: "POST", path: "/reload", summary: "Stops everything and begins again with the configuration as it is then.", answer: "Done", serve: done(Backend.Restart)},
		{method: "GET", path: "/health", summary: "Tells whether all is well: status 200, or 503 and why not.", query: []param{names}, answer: "Health", serve: health},
		{method: "GET", path: "/openapi.json", summary: "Describes this API.", answer: "Description", serve: describe},
	}
}

// call is a request that has been checked.
type call struct {
	ctx      context.Context
	backend  Backend
	room     func(n int) bool
	dst      []byte // what is appended here is the answer
	namespec string
	lists    map[string][]string // of the query
	texts    map[string]string   // of the body, as the other two
	flags    map[string]bool
	times    map[string]time.Duration
}

func overview(c *call) (int, error) {
	o, err := c.backend.Overview(c.ctx)
	if err == nil {
		c.dst = appendObject(c.dst, overviewFields, &o)
	}
	return 200, err
}

// roomOfProgram is how many bytes it usually takes to answer with a program.
const roomOfProgram = 2 << 10

// fits reports whether there is room for so many programs. For a few there always is.
func (c *call) fits(programs int) bool {
	const many = 32
	return programs <= many || c.room(programs*roomOfProgram)
}

func programs(c *call) (int, error) {
	all, err := c.backend.Programs(c.ctx, c.lists["name"])
	if err != nil {
		return 0, err
	}
	if !c.fits(len(all)) {
		return 0, noRoom
	}
	wanted := c.lists["state"]
	c.dst = append(c.dst, `{"programs":[`...)
	for i := range all {
		if inState(&all[i], wanted) {
			c.dst = appendObject(jsonenc.Comma(c.dst), programFields, &all[i])
		}
	}
	c.dst = append(c.dst, "]}"...)
	return 200, nil
}

func inState(p *Program, wanted []string) bool {
	for _, name := range wanted {
		if strings.EqualFold(name, p.State.String()) {
			return true
		}
	}
	return len(wanted) == 0
}

func oneProgram(c *call) (int, error) {
	all, err := c.backend.Programs(c.ctx, []string{c.namespec})
	switch {
	case err != nil:
		return 0, err
	case len(all) != 1:
		return 0, &problem{status: 404, detail: "this is the place of one program: ask for several at " + Root + "/programs?name=NAMESPEC"}
	}
	c.dst = appendObject(c.dst, programFields, &all[0])
	return 200, nil
}

// change is an operation that starts or stops.
func change(do func(b Backend, ctx context.Context, namespec string, how Change) ([]Result, error)) func(*call) (int, error) {
	return func(c *call) (int, error) {
		how := Change{Wait: true, Timeout: c.times["timeout"], NoDeps: c.flags["no_deps"]}
		if wait, ok := c.flags["wait"]; ok {
			how.Wait = wait
		}
		return c.results(do(c.backend, c.ctx, c.namespec, how))
	}
}

// send is an operation with one text.
func send(do func(b Backend, ctx context.Context, namespec, text string) ([]Result, error), key string) func(*call) (int, error) {
	return func(c *call) (int, error) {
		return c.results(do(c.backend, c.ctx, c.namespec, c.texts[key]))
	}
}

func clearLogs(c *call) (int, error) { return c.results(c.backend.ClearPrograms(c.ctx, c.namespec)) }

// results answers with what became of each program.
func (c *call) results(results []Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	ok := true
	for i := range results {
		ok = ok && results[i].OK
	}
	c.dst = strconv.AppendBool(append(c.dst, `{"ok":`...), ok)
	c.dst = append(c.dst, `,"results":[`...)
	for i := range results {
		c.dst = appendObject(jsonenc.Comma(c.dst), resultFields, &results[i])
	}
	c.dst = append(c.dst, "]}"...)
	return 200, nil
}

// done is an operation that is for supervisord itself.
func done(do func(b Backend, ctx context.Context) (bool, error)) func(*call) (int, error) {
	return func(c *call) (int, error) {
		_, err := do(c.backend, c.ctx)
		c.dst = append(c.dst, `{"ok":true}`...)
		return 200, err
	}
}

func health(c *call) (int, error) {
	all, err := c.backend.Programs(c.ctx, c.lists["name"])
	if err != nil {
		return 0, err
	}
	var reasons []Reason
	for i := range all {
		if r := ailment(&all[i]); r.Text != "" {
			reasons = append(reasons, r)
		}
	}
	if !c.fits(len(reasons)) {
		return 0, noRoom
	}
	c.dst = strconv.AppendBool(append(c.dst, `{"healthy":`...), len(reasons) == 0)
	c.dst = append(c.dst, `,"reasons":[`...)
	for i := range reasons {
		c.dst = appendObject(jsonenc.Comma(c.dst), reasonFields, &reasons[i])
	}
	c.dst = append(c.dst, "]}"...)
	if len(reasons) > 0 {
		return 503, nil
	}
	return 200, nil
}

// Reason is why something is not well.
type Reason struct {
	Name  string // namespec
	State xmlrpc.State
	Text  string
}

// ailment returns why a program is not well; its Text is empty if it is.
func ailment(p *Program) Reason {
	r := Reason{Name: p.Namespec(), State: p.State}
	switch {
	case p.WaitingFor != "":
		r.Text = "waiting for " + p.WaitingFor
	case p.State == xmlrpc.Fatal, p.State == xmlrpc.Backoff, p.State == xmlrpc.Unknown:
		r.Text = p.State.String()
		if p.SpawnErr != "" {
			r.Text += ": " + p.SpawnErr
		}
	case p.State == xmlrpc.Exited && p.SpawnErr != "":
		r.Text = "EXITED: " + p.Ended + ", not expected"
	case p.State == xmlrpc.Stopped && p.SpawnErr != "":
		r.Text = p.SpawnErr
	case p.Ill != "":
		r.Text = "unhealthy: " + p.Ill
	}
	return r
}

func describe(c *call) (int, error) {
	c.dst = appendDescription(c.dst)
	return 200, nil
}
