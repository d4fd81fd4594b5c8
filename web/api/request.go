package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"supervisor/xmlrpc"
)

// route finds the operation of a request.
func (c *call) route(r *Request) (*operation, error) {
	target, _, _ := strings.Cut(r.Target, "#")
	path, _, _ := strings.Cut(target, "?")
	rest, ok := strings.CutPrefix(path, Root)
	if !ok || rest != "" && rest[0] != '/' {
		return nil, notThere
	}
	if rest == "/" {
		rest = ""
	}
	segments := strings.Split(rest, "/")
	var methods []string
	table := operations()
	for i := range table {
		op := &table[i]
		namespec, ok := fits(op.path, segments)
		if !ok {
			continue
		}
		if op.method == r.Method || op.method == "GET" && r.Method == "HEAD" {
			var err error
			c.namespec, err = plain(namespec, url.PathUnescape)
			return op, err
		}
		methods = append(methods, op.method)
	}
	if methods != nil {
		allow := strings.Join(methods, ", ")
		return nil, &problem{status: 405, allow: allow, detail: "the method for this is " + allow}
	}
	return nil, notThere
}

// notThere is the error for a path that no operation has.
var notThere = &problem{status: 404, detail: "there is no such operation: " + Root + "/openapi.json has all"}

// fits reports whether a path is one of an operation, and what stands for its {namespec}.
func fits(pattern string, segments []string) (namespec string, ok bool) {
	n := 0
	for want := range strings.SplitSeq(pattern, "/") {
		if n == len(segments) {
			return "", false
		}
		switch got := segments[n]; {
		case want == "{namespec}" && got != "":
			namespec = got
		case want != got:
			return "", false
		}
		n++
	}
	return namespec, n == len(segments)
}

// plain decodes a part of a target.
func plain(text string, decode func(string) (string, error)) (string, error) {
	decoded, err := decode(text)
	if err != nil || !utf8.ValidString(decoded) {
		return "", &problem{status: 400, detail: fmt.Sprintf("%.80q is not URL-encoded UTF-8", text)}
	}
	return decoded, nil
}

// check reads the parameters of a request.
func (c *call) check(op *operation, r *Request) error {
	target, _, _ := strings.Cut(r.Target, "#")
	_, query, _ := strings.Cut(target, "?")
	if err := c.readQuery(op, query); err != nil {
		return err
	}
	return c.readBody(op, r)
}

func (c *call) readQuery(op *operation, query string) error {
	c.lists = map[string][]string{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := plain(name, url.QueryUnescape)
		if err != nil {
			return err
		}
		if value, err = plain(value, url.QueryUnescape); err != nil {
			return err
		}
		p, err := known(op.query, name, "query parameter")
		if err != nil {
			return err
		}
		if value == "" || p.kind == states && !slices.Contains(stateNames(), strings.ToUpper(value)) {
			return &problem{status: 400, detail: fmt.Sprintf("%s=%.80s: it has to be %s", name, value, p.kind.words())}
		}
		c.lists[name] = append(c.lists[name], value)
	}
	return nil
}

// stateNames are the states that a program can be in.
func stateNames() []string {
	var all []string
	for _, s := range xmlrpc.States() {
		all = append(all, s.String())
	}
	return all
}

// known returns the parameter of that name. If there is none the error says which ones
// there are.
func known(all []param, name, what string) (*param, error) {
	var names []string
	for i := range all {
		if all[i].name == name {
			return &all[i], nil
		}
		names = append(names, all[i].name)
	}
	detail := fmt.Sprintf("%.80q is no %s of this operation, which has ", name, what)
	if names == nil {
		return nil, &problem{status: 400, detail: detail + "none"}
	}
	return nil, &problem{status: 400, detail: detail + strings.Join(names, ", ")}
}

func (c *call) readBody(op *operation, r *Request) error {
	values := map[string]json.RawMessage{}
	if len(r.Body) > 0 {
		if kind, _, _ := strings.Cut(r.Type, ";"); !strings.EqualFold(strings.TrimSpace(kind), JSON) {
			return &problem{status: 415, detail: "send the body as Content-Type: " + JSON}
		}
		if err := json.Unmarshal(r.Body, &values); err != nil || values == nil {
			return &problem{status: 400, detail: "the body is not one JSON object"}
		}
	}
	c.texts, c.flags, c.times = map[string]string{}, map[string]bool{}, map[string]time.Duration{}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names) // of several mistakes always the same one is told
	for _, name := range names {
		p, err := known(op.body, name, "key of the body")
		if err != nil {
			return err
		}
		if !c.take(p, values[name]) {
			return &problem{status: 400, detail: name + " has to be " + p.kind.words()}
		}
	}
	for i := range op.body {
		if p := &op.body[i]; p.required && values[p.name] == nil {
			return &problem{status: 400, detail: "the body needs the key " + p.name + ", " + p.kind.words()}
		}
	}
	return nil
}

// maxTimeout is the longest time that can be asked for.
const maxTimeout = 365 * 24 * time.Hour

// take takes the value of a key of the body. It reports whether it is of its kind.
func (c *call) take(p *param, value json.RawMessage) bool {
	if bytes.Equal(value, []byte("null")) {
		return false
	}
	switch p.kind {
	case aFlag:
		var v bool
		err := json.Unmarshal(value, &v)
		c.flags[p.name] = v
		return err == nil
	case aTime:
		var v float64
		err := json.Unmarshal(value, &v)
		if err != nil || v < 0 || v > maxTimeout.Seconds() {
			return false
		}
		c.times[p.name] = time.Duration(math.Ceil(v * float64(time.Second)))
		return true
	default:
		var v string
		err := json.Unmarshal(value, &v)
		c.texts[p.name] = v
		return err == nil
	}
}

// words say what a value of a kind looks like.
func (k kind) words() string {
	switch k {
	case aFlag:
		return "true or false"
	case aTime:
		return "a number of seconds, of a year at most"
	case states:
		return "one of " + strings.ToLower(strings.Join(stateNames(), ", "))
	default:
		return "a text"
	}
}
