package httpd

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestHeaderGet(t *testing.T) {
	h := Header("Nonsense\r\nContent-Length:5\r\nX-Content-Length: 7\r\nCONTENT-length:  6 \r\nContent-Length: 9\r\nEmpty: \r\nLast: z")
	for name, want := range map[string]string{"Content-Length": " 6 ", "empty": "", "LAST": "z", "x-content-length": "7"} {
		if got, ok := h.Get(name); got != want || !ok {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"Nonsense", "Length", "", "Las"} {
		if got, ok := h.Get(name); ok {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "%41%6a%6A": "Ajj", "%": "%", "%4": "%4", "%zz%41": "%zzA", "%%41": "%A",
		"%25%34%31": "%41", "%C3%A9é": "éé", "%ff": "\uFFFD", "a%00b": "a\x00b",
	} {
		if got := Unescape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestSplitURI(t *testing.T) {
	for in, want := range map[string][3]string{
		"/a":           {"/a", "", ""},
		"/a?b":         {"/a", "", "b"},
		"/a;p?b#c?d;e": {"/a", "p", "b"},
		"/a#c?d":       {"/a", "", ""},
		"/a?b;c?d":     {"/a", "", "b;c?d"},
		"?":            {"", "", ""},
	} {
		path, params, query := splitURI(in)
		if got := [3]string{path, params, query}; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestContentLength(t *testing.T) {
	for _, row := range []struct {
		value          string
		length, status int
	}{
		{"12", 12, 0}, {" 12\t", 12, 0}, {"+12", 12, 0}, {"-12", 0, 0}, {"0", 0, 0}, {"007", 7, 0}, {"1_000", 1000, 0},
		{"", 0, 500}, {"+", 0, 500}, {"-", 0, 500}, {"+-1", 0, 500}, {"--1", 0, 500}, {"1__0", 0, 500}, {"_1", 0, 500}, {"1_", 0, 500}, {"1.0", 0, 500},
		{"0x10", 0, 500}, {"1 2", 0, 500}, {"99999999999999999999", math.MaxInt, 0},
	} {
		length, status := parseLength(row.value)
		if length != row.length || status != row.status {
			t.Errorf("%q: got %d, %d", row.value, length, status)
		}
	}
}

func TestParseDate(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		if got, err := ParseDate(s); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v", s, got, err)
		}
	}
}

// TestFieldInjection: what a handler puts into a field stays in that field.
func TestFieldInjection(t *testing.T) {
	rep := Reply{Status: 301, Header: []Field{{"Location", "/?message=a\r\nSet-Cookie: x"}}}
	head := string(NewServer(Options{}).appendHead(nil, "1.1", &rep, 0, time.Unix(0, 0)))
	if strings.Contains(head, "Set-Cookie") || !strings.Contains(head, "\r\nLocation: /?message=a\r\nContent-Length: 0\r\n") {
		t.Errorf("got %q", head)
	}
}

// FuzzParseRequest checks what holds for every request that is accepted.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /ok.html HTTP/1.1", "POST /RPC2 HTTP/1.0\r\nContent-Length: 12\r\nX: y\r\n z", "GET /a%3Fb;c?d%?e#f",
		"\r\n\r\nGET / HTTP/2", "GET / HTTP/1.1\r\n x", "X\r\nY", "GET /%ff%c3 HTTP/1.1\r\nAuthorization: Basic a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, block string) {
		if strings.Contains(block, "\r\n\r\n") {
			return // is where a block ends
		}
		var r Request
		if err := parseRequest(&r, block); err != nil {
			return
		}
		if !strings.Contains(block, r.Line) || !strings.HasPrefix(r.Line, r.Method+" ") {
			t.Errorf("line %q, method %q", r.Line, r.Method)
		}
		if strings.Contains(r.Version, " ") || strings.ContainsAny(r.Version+r.Line, "\r\n") && !strings.ContainsAny(block, "\r\n") {
			t.Errorf("version %q", r.Version)
		}
		if strings.ContainsAny(r.Path, ";?#") || strings.ContainsAny(r.Params, "?#") || strings.Contains(r.Query, "#") {
			t.Errorf("uri %q: path %q, params %q, query %q", r.URI, r.Path, r.Params, r.Query)
		}
		if !utf8.ValidString(r.URI) {
			t.Errorf("uri %q", r.URI)
		}
		if strings.Contains(string(r.Header), "\r\n ") || strings.Contains(string(r.Header), "\r\n\t") {
			t.Errorf("header %q", r.Header)
		}
		keepAlive(&r, true)
	})
}
