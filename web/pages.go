package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"strconv"
	"strings"
	"sync"
	"time"

	"supervisor/web/httpd"
	"supervisor/xmlrpc"
)

// ui makes the pages: status, tail, and the live view of the status page.
type ui struct {
	backend Backend
	version string
	log     Logger
	born    time.Time // what its files claim as their age
	now     func() time.Time
	making  chan struct{} // holds one for each page of many processes that is being made
	// templates parses the pages' templates when the first page is asked for:
	// most daemons are never looked at in a browser.
	templates func() *template.Template
}

// makers is how many pages of many processes are made at a time: each takes several times
// as much as its answer.
const makers = 4

// inTurn makes what shows many processes, as soon as not too many others do.
func (u *ui) inTurn(make func()) {
	u.making <- struct{}{}
	defer func() { <-u.making }()
	make()
}

// newUI returns the pages over backend. Version stands in their footer.
func newUI(backend Backend, version string, log Logger) *ui {
	return &ui{
		backend: backend,
		version: version,
		log:     log,
		born:    time.Now(),
		now:     time.Now,
		making:  make(chan struct{}, makers),
		templates: sync.OnceValue(func() *template.Template {
			return template.Must(template.ParseFS(files, "ui/*.html"))
		}),
	}
}

// serve answers a request for a page; false if its path is not one. An action
// that waits does so here; ctx must not end with the client's patience, or a
// restart could end half-way.
func (u *ui) serve(ctx context.Context, r *request) (reply, bool) {
	if r.Method != "GET" && r.Method != "POST" {
		return reply{}, false
	}
	switch strings.TrimLeft(r.Path, "/") {
	case "", "index.html":
		return u.index(ctx, r), true
	case "tail.html":
		return u.tail(ctx, readParams(r)), true
	case "live":
		if r.Method != "GET" {
			return reply{}, false
		}
		return u.live(readParams(r)), true
	case "ok.html":
		return reply{Status: 200, Header: []field{{"Content-Type", "text/plain"}}, Body: []byte("OK")}, true
	default:
		return reply{}, false
	}
}

// index carries out an action, or asks first, or else shows the status page.
func (u *ui) index(ctx context.Context, r *request) reply {
	p := readParams(r)
	action := p["action"]
	if action == "" {
		return u.status(ctx, p)
	}
	switch {
	case prefetch(r):
		return httpd.ErrorReply(403)
	case r.Method == "POST" && crossSite(r):
		return u.refuse(r)
	case r.Method == "GET" && action != "refresh" && !trusted(r):
		// Anybody's image or link can be behind it.
		if rep, ok := u.ask(ctx, p, true); ok {
			return rep
		}
		return httpd.ErrorReply(404)
	case p["ask"] != "" && wide(action):
		if rep, ok := u.ask(ctx, p, false); ok {
			return rep
		}
	}
	message, err := u.act(ctx, action, p["processname"])
	if err != nil {
		return u.failed(err)
	}
	location := home(r) + "?message=" + quote(message)
	if p["filter"] != "" {
		location += "&filter=" + quote(p["filter"])
	}
	header := append([]field{{"Location", location}, {"Content-Type", "text/html"}}, uncached()...)
	return reply{Status: 301, Header: header, Body: httpd.ErrorBody(301)}
}

// home is where a redirect leads: relative to the page, so that it stays below the
// prefix that a proxy may have. A bare client, which cannot be a browser and shows no
// proxy, gets the path that is recorded of Supervisor.
func home(r *request) string {
	for _, name := range []string{"User-Agent", "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"} {
		if _, ok := r.Header.Get(name); ok {
			return "./"
		}
	}
	return "/"
}

// prefetch reports whether a browser only guesses that its user might go there.
func prefetch(r *request) bool {
	purpose, _ := r.Header.Get("Sec-Purpose")
	return strings.Contains(purpose, "prefetch")
}

// uncached returns the fields that keep pages out of caches.
func uncached() []field {
	return []field{
		{"Pragma", "no-cache"},
		{"Cache-Control", "no-cache"},
		{"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
	}
}

// failed logs why there is no page, and says so.
func (u *ui) failed(err error) reply {
	u.log.Error("Web interface error: %v", err)
	return httpd.ErrorReply(500)
}

// page renders a template as a page. Nothing in it may come from elsewhere or
// stand in the page itself, and no other page may frame it.
func (u *ui) page(status int, name string, data any) reply {
	var body bytes.Buffer
	if err := u.templates().ExecuteTemplate(&body, name, data); err != nil {
		return u.failed(err)
	}
	header := append([]field{{"Content-Type", "text/html;charset=utf-8"}}, uncached()...)
	header = append(header,
		field{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		field{"X-Frame-Options", "DENY"},
		// Not no-referrer: with that, browsers say "Origin: null" in our own forms.
		field{"Referrer-Policy", "same-origin"},
	)
	return reply{Status: status, Header: header, Body: body.Bytes()}
}

// pageURL returns the link to the status page.
func pageURL(filter string) template.URL {
	if filter == "" {
		return "index.html"
	}
	return template.URL("index.html?filter=" + quote(filter))
}

const (
	minTail = 1 << 10
	maxTail = 1 << 20 // more of a log is no page to read, and many of them hurt the daemon
)

// tailRoom returns how much it takes to make the page that r asks for: the log, the same as
// text, and with what has to be escaped.
func tailRoom(r *request) int { return 6 * int(tailLimit(readParams(r)["limit"])) }

// tailPage is what tail.html shows.
type tailPage struct {
	Title   string // the name of the process, or None
	Name    string // empty: no process was named
	Text    string
	Channel string // stdout or stderr
	Limit   int64
	Limits  []tailChoice // to choose from
	Refresh template.URL // the page again
	Follow  template.URL // the stream that goes on where Text ends; empty: there is none
	Version string
}

// tailChoice is a limit to choose.
type tailChoice struct {
	Bytes int64
	Label string
}

// tail shows the end of a process's log.
func (u *ui) tail(ctx context.Context, p params) reply {
	page := tailPage{Title: "None", Text: "No process name found", Version: u.version}
	if name := p["processname"]; name != "" {
		page.Title, page.Name = name, name
		page.Limit = tailLimit(p["limit"])
		page.Limits = tailChoices(page.Limit)
		page.Channel = "stdout"
		query := "tail.html?processname=" + quote(name) + "&limit=" + strconv.FormatInt(page.Limit, 10)
		follow := "logtail/" + quote(name)
		if p["channel"] == "stderr" {
			page.Channel = "stderr"
			query += "&channel=stderr"
			follow += "/stderr"
		}
		page.Refresh = template.URL(query)
		text, err := u.tailText(ctx, name, page.Channel, page.Limit)
		if err == nil {
			page.Follow = template.URL(follow)
		}
		page.Text = strings.ToValidUTF8(text, "\ufffd")
	}
	return u.page(200, "tail.html", page)
}

// tailText returns the last limit bytes of a log. With an error, the text says
// what is the matter in Supervisor's words.
func (u *ui) tailText(ctx context.Context, name, channel string, limit int64) (string, error) {
	text, err := u.backend.ReadProcessLog(ctx, name, channel, -limit, 0)
	switch {
	case err == nil:
		return text, nil
	case code(err) == xmlrpc.NoFile:
		return "No file for " + name, err
	default:
		return "ERROR: " + unexpected(err), err
	}
}

// tailChoices returns what to choose from, among them limit.
func tailChoices(limit int64) []tailChoice {
	sizes := []tailChoice{{1 << 10, "1 KB"}, {10 << 10, "10 KB"}, {100 << 10, "100 KB"}, {1 << 20, "1 MB"}}
	for _, s := range sizes {
		if s.Bytes == limit {
			return sizes
		}
	}
	return append(sizes, tailChoice{limit, strconv.FormatInt(limit, 10) + " bytes"})
}

// tailLimit reads how many bytes are asked for: digits, or else the minimum. There
// is a maximum, too.
func tailLimit(s string) int64 {
	for i := range len(s) {
		if s[i] < '0' || '9' < s[i] {
			return minTail
		}
	}
	// Out of range, the value is the largest there is; of "", it is 0.
	limit, _ := strconv.ParseInt(s, 10, 64)
	return min(max(minTail, limit), maxTail)
}

// unexpected describes an error that has no words of its own.
func unexpected(err error) string {
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		return "unexpected rpc fault [" + strconv.Itoa(int(fault.Code)) + "] " + fault.Text
	}
	return err.Error()
}
