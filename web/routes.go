package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"supervisor/web/httpd"
)

// route is a row of the table of all that is served. A request is answered by the first
// row that has its path and, unless other is set, its method.
type route struct {
	name    string // for people
	has     func(path string) bool
	methods []string
	other   int    // status for any other method; 0: rows below may have it
	role    role   // what it takes to be served, of who has logged in
	site    policy // what pages of other sites may have browsers do
	limits  limitsOf
	exact   bool // httpd.Reply.Exact
	serve   func(s *Server, ctx context.Context, r *request) reply
	refuse  func(status int) reply // words a refusal; nil: as a page
}

// role is what the visitors of a server may do. There is one login, which may do all; what
// is for a viewer changes nothing.
type role int

const (
	viewer   role = iota
	operator      // starts, stops and clears
)

// policy is what is done with requests that a page of another site may have made.
type policy int

const (
	// reads: they are answered. The page that has made them does not get to see it.
	reads policy = iota
	// asks: what changes nothing is answered; other requests, if GET, by a question to
	// the user, and else refused.
	asks
	// calls: they are refused, but for those that a browser asks us about first, and for
	// those that read only, as above.
	calls
)

// limitsOf are the limits of one route.
type limitsOf struct {
	body int  // greatest body in bytes; 0: none is read; httpd.MaxBody: Options.MaxBody
	bare bool // a POST need not have one
	// room returns how many bytes it takes to make the answer. Nil: not many.
	room func(r *request) int
	// stall is how long a client may take for a piece of a stream. 0: Limits.Stall.
	stall time.Duration
}

// maxForm is the greatest body of a form.
const maxForm = 64 << 10

// routes are all there are.
var routes = []route{
	{
		name: "XML-RPC", has: beginsWith("/RPC2"), methods: []string{"POST"}, other: 400,
		role: operator, site: calls, limits: limitsOf{body: httpd.MaxBody}, serve: (*Server).call,
	},
	{
		name: "JSON API", has: isAPI, methods: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, other: 400,
		role: operator, site: calls, limits: limitsOf{body: maxAPIBody, bare: true}, serve: (*Server).serveAPI, refuse: refuseAPI,
	},
	{
		name: "log of a process", has: beginsWith("/logtail"), methods: []string{"GET"}, other: 400,
		role: viewer, site: reads, serve: (*Server).processLog,
	},
	{
		name: "main log", has: beginsWith("/mainlogtail"), methods: []string{"GET"}, other: 400,
		role: viewer, site: reads, serve: (*Server).mainLog,
	},
	{
		name: "status and actions", has: named("", "index.html"), methods: []string{"GET", "POST"},
		role: operator, site: asks, limits: limitsOf{body: maxForm}, exact: true, serve: (*Server).page,
	},
	{
		name: "tail", has: named("tail.html"), methods: []string{"GET", "POST"},
		role: viewer, site: reads, limits: limitsOf{body: maxForm, room: tailRoom}, exact: true, serve: (*Server).page,
	},
	{
		name: "sign of life", has: named("ok.html"), methods: []string{"GET", "POST"},
		role: viewer, site: reads, limits: limitsOf{body: maxForm}, exact: true, serve: (*Server).page,
	},
	{
		name: "live view", has: named("live"), methods: []string{"GET"},
		role: viewer, site: reads, limits: limitsOf{stall: liveStall}, serve: (*Server).page,
	},
	{
		name: "files", has: beginsWith(""), methods: []string{"GET", "HEAD"}, other: 400,
		role: viewer, site: reads, serve: (*Server).static,
	},
}

// beginsWith has all paths that begin with prefix.
func beginsWith(prefix string) func(string) bool {
	return func(path string) bool { return strings.HasPrefix(path, prefix) }
}

// named has the pages of these names, below any number of slashes.
func named(names ...string) func(string) bool {
	return func(path string) bool { return slices.Contains(names, strings.TrimLeft(path, "/")) }
}

// find returns the row for a request; nil with the status to refuse it with.
func find(table []route, r *request) (*route, int) {
	for i := range table {
		rt := &table[i]
		if !rt.has(r.Path) {
			continue
		}
		if slices.Contains(rt.methods, r.Method) {
			return rt, 0
		}
		if rt.other != 0 {
			return nil, rt.other
		}
	}
	return nil, 404
}

// answer answers a request.
func (rt *route) answer(ctx context.Context, s *Server, r *request) reply {
	rep := rt.refusal(s, r)
	if rep.Status != 0 && rt.refuse != nil {
		close := rep.Close
		rep = rt.refuse(rep.Status)
		rep.Close = close
	}
	if rep.Status == 0 {
		rep = rt.serve(s, ctx, r)
	}
	rep.Exact, rep.Stall = rt.exact, rt.limits.stall
	return rep
}

// refusal is the reply to a request that a route does not take; its Status is 0 for any
// other. It reads the body.
func (rt *route) refusal(s *Server, r *request) reply {
	if rt.site == calls && r.Method != "GET" && r.Method != "HEAD" && crossSiteCall(r) {
		return httpd.ErrorReply(403)
	}
	if rt.limits.body > 0 && r.Method == "POST" && !(rt.limits.bare && r.Bodiless()) {
		limit := rt.limits.body
		if limit == httpd.MaxBody {
			limit = s.opts.MaxBody
		}
		if status := r.ReadBody(limit); status != 0 {
			return httpd.Refuse(status)
		}
	}
	if rt.limits.room != nil {
		if n := rt.limits.room(r); n > largeRoom && !r.Room(n) {
			return httpd.Refuse(503)
		}
	}
	return reply{}
}

// largeRoom is from where on it counts what it takes to make an answer, in bytes.
const largeRoom = 64 << 10
