package httpd

import (
	"errors"
	"net"
	"strings"
	"time"
	"unicode/utf8"
)

// Request is one request as it was read.
type Request struct {
	Line    string // the whole request line
	Method  string
	URI     string // its path decoded, so that %3F in it is a question mark like any other
	Path    string // of URI, up to the first of ;?#
	Params  string // of URI, behind the semicolon
	Query   string // of URI, behind the question mark
	Version string // "1.1"; "None" if the request line had none
	Header  Header
	Body    []byte // once ReadBody has read it; UTF-8

	conn    *conn // nil if the request was not read from one
	framing framing
	read    bool // the body has been read
	lost    bool // the connection ended meanwhile
}

// RemoteAddr returns where the client is.
func (r *Request) RemoteAddr() net.Addr { return r.conn.RemoteAddr() }

// Buffer returns an empty buffer for the body of the answer, which is used again afterwards
// if the Reply has it, or what it has grown to, as Body and says Reuse. It is called once.
func (r *Request) Buffer() []byte {
	c := r.conn
	c.out = c.server.outs.Get().(*[]byte)
	if cap(*c.out) > firstBuffer && !c.roomForAnswer(cap(*c.out)) {
		c.server.outs.Put(c.out)
		c.out = c.server.getBuffer()
	}
	return *c.out
}

// Room takes room for n bytes more that the answer will have, or that it takes to make it,
// beyond what Buffer has. It reports whether there is; the answer should be Refuse(503)
// then. It is given back when the answer has been written.
func (r *Request) Room(n int) bool { return r.conn.roomForAnswer(n) }

// PutOff waits. Meanwhile the connection gives way to others as if it had no request; then
// nobody hears the answer.
func (r *Request) PutOff(delay time.Duration) {
	c := r.conn
	c.endTurn()
	c.stop = make(chan struct{})
	c.begun.Store(true)
	c.incomplete.Store(c.server.now())
	c.server.room.tell()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.stop:
	case <-c.server.ctx.Done():
	}
	if !c.complete() {
		r.lost = true
		return
	}
	c.stop = nil
}

// unread returns how much of the body has not been read.
func (r *Request) unread() int {
	if r.read {
		return 0
	}
	return r.framing.length
}

// Bodiless reports whether a request says nothing at all of a body, so that it has none.
// ReadBody refuses it all the same, as Medusa does.
func (r *Request) Bodiless() bool { return r.framing.status == 411 && !r.framing.doubt }

// maxDiscard is the most that is read of a body that nobody wants, so that the
// connection can be kept.
const maxDiscard = 64 << 10

// ends reports whether it is beyond doubt where the next request begins. A client
// that waits to be asked for the body may leave it out.
func (r *Request) ends() bool {
	if r.framing.doubt {
		return false
	}
	n := r.unread()
	return n == 0 || n <= maxDiscard && !r.expects()
}

// expects reports whether the client waits to be asked for the body.
func (r *Request) expects() bool {
	_, ok := r.Header.Get("Expect")
	return ok
}

// Header is the header block of a request: lines separated by CRLF, with
// continuations already joined.
type Header string

// Get returns the value of the first field of that name, in any case. As in
// Medusa, a field counts only if a space follows its colon; what stands
// behind that space is the value, untrimmed.
func (h Header) Get(name string) (value string, ok bool) {
	for rest := string(h); rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		if len(line) > len(name)+1 && line[len(name)] == ':' && line[len(name)+1] == ' ' &&
			strings.EqualFold(line[:len(name)], name) {
			return line[len(name)+2:], true
		}
	}
	return "", false
}

// errSilent is a request that Medusa answers by closing the connection.
var errSilent = errors.New("no answer to this")

// parseRequest takes apart a header block, which is all before the empty line.
// Its only error is errSilent.
func parseRequest(r *Request, block string) error {
	if !utf8.ValidString(block) {
		return errSilent
	}
	for strings.HasPrefix(block, "\r\n") {
		block = block[2:]
	}
	line, fields, _ := strings.Cut(block, "\r\n")
	method, uri, version, ok := splitRequestLine(line)
	if !ok {
		return errSilent
	}
	if strings.HasPrefix(fields, " ") || strings.HasPrefix(fields, "\t") {
		return errSilent // continues nothing
	}
	if strings.Contains(fields, "\r\n ") || strings.Contains(fields, "\r\n\t") {
		fields = strings.NewReplacer("\r\n ", "", "\r\n\t", "").Replace(fields)
	}
	*r = Request{conn: r.conn, Line: line, Method: method, URI: decodeURI(uri), Version: version, Header: Header(fields)}
	r.framing = frame(r, uri, block)
	r.Path, r.Params, r.Query = splitURI(r.URI)
	return nil
}

// splitRequestLine takes "METHOD URI" or "METHOD URI HTTP/VERSION" apart. The
// version of the short form is "None", which is what goes into the status line.
func splitRequestLine(line string) (method, uri, version string, ok bool) {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || method == "" {
		return "", "", "", false
	}
	uri, proto, versioned := strings.Cut(rest, " ")
	if uri == "" {
		return "", "", "", false
	}
	if !versioned {
		return method, uri, "None", true
	}
	version, ok = strings.CutPrefix(proto, "HTTP/")
	if !ok || version == "" || strings.Trim(version, "0123456789.") != "" {
		return "", "", "", false
	}
	return method, uri, version, true
}

// decodeURI decodes the escapes before the last question mark. As in
// Medusa that happens before the URI is taken apart.
func decodeURI(uri string) string {
	path, query := uri, ""
	if i := strings.LastIndexByte(uri, '?'); i >= 0 {
		path, query = uri[:i], uri[i+1:]
	}
	if !strings.Contains(path, "%") {
		return uri
	}
	if query != "" {
		return Unescape(path) + "?" + query
	}
	return Unescape(path)
}

// splitURI takes path;params?query#fragment apart.
func splitURI(uri string) (path, params, query string) {
	uri, _, _ = strings.Cut(uri, "#")
	rest, query, _ := strings.Cut(uri, "?")
	path, params, _ = strings.Cut(rest, ";")
	return path, params, query
}

// Unescape decodes %XX once. What is no escape stays as it is, and bytes that
// are no UTF-8 become U+FFFD.
func Unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
