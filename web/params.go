package web

import (
	"strings"

	"supervisor/web/httpd"
)

// params are the parameters of a request for a page. An empty value is as good
// as none.
type params map[string]string

// readParams reads the parameters of a request: those of the query, of which
// the first of a name counts, and over them those of a posted form, of which
// the last counts.
func readParams(r *request) params {
	p := params{}
	eachParam(r.Query, func(name, value string) {
		if _, seen := p[name]; !seen {
			p[name] = value
		}
	})
	if r.Method == "POST" {
		eachParam(string(r.Body), func(name, value string) { p[name] = value })
	}
	return p
}

// eachParam hands on the pairs of a URL-encoded form. Pairs without a value are
// left out; a semicolon divides nothing.
func eachParam(form string, use func(name, value string)) {
	for pair := range strings.SplitSeq(form, "&") {
		if name, value, _ := strings.Cut(pair, "="); value != "" {
			use(unquote(name), unquote(value))
		}
	}
}

// unquote decodes one part of a URL-encoded form. An escape that is none stays
// as it is; bytes that are not UTF-8 become U+FFFD.
func unquote(s string) string {
	return strings.ToValidUTF8(httpd.Unescape(strings.ReplaceAll(s, "+", " ")), "\ufffd")
}

// quote encodes s for a link in the form clients compare with: letters, digits
// and "_.-~/" stay, every other byte becomes %XX in upper case.
func quote(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("_.-~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}
