package web

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"supervisor/xmlrpc"
)

// Backend is what the pages and the log streams need to know and do.
// *supervise.API has it.
type Backend interface {
	Identification(ctx context.Context) (string, error)
	SupervisorVersion(ctx context.Context) (string, error)
	AllProcessInfo(ctx context.Context) ([]xmlrpc.ProcessInfo, error)
	ProcessInfo(ctx context.Context, namespec string) (xmlrpc.ProcessInfo, error)
	StartProcess(ctx context.Context, namespec string, wait bool) (bool, error)
	StopProcess(ctx context.Context, namespec string, wait bool) (bool, error)
	StartProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error)
	StopProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error)
	StartAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error)
	StopAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error)
	ClearProcessLogs(ctx context.Context, namespec string) (bool, error)
	ReadProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (string, error)

	// LogPath returns the file that channel ("stdout" or "stderr") of a process
	// is logged to, "" if it is not logged. Fault: BAD_NAME.
	LogPath(ctx context.Context, namespec, channel string) (string, error)
	// MainLogPath returns the file of the daemon's own log, "" if it has none.
	MainLogPath(ctx context.Context) string
	// Changed blocks until the process table is newer than version since, or
	// ctx ends, and returns its present version. The version 0 is older than any.
	Changed(ctx context.Context, since uint64) (uint64, error)
}

// Logger receives the daemon's own log lines. It keeps none of the arguments.
type Logger interface {
	Trace(format string, args ...any)
	Error(format string, args ...any)
}

// pager serves the pages a browser shows, and the files they are made of.
type pager interface {
	// serve answers a GET or POST for a page; false if there is no such page.
	// The request and what it holds are valid only until serve, or the stream
	// of its reply, returns.
	serve(ctx context.Context, r *request) (reply, bool)
	// static returns the file at path, which has no leading slash and no dots
	// to resolve: "images/icon.png".
	static(path string) (asset, bool)
}

// asset is a static file.
type asset struct {
	body        []byte
	contentType string
	modified    time.Time
}

// request is one request as it was read.
type request struct {
	line    string // the whole request line
	method  string
	uri     string // its path decoded, so that %3F in it is a question mark like any other
	path    string // of uri, up to the first of ;?#
	params  string // of uri, behind the semicolon
	query   string // of uri, behind the question mark
	version string // "1.1"; "None" if the request line had none
	header  header
	framing framing
	body    []byte // of POST to /RPC2 and to a page; UTF-8
	read    bool   // the body has been read
}

// unread returns how much of the body has not been read.
func (r *request) unread() int {
	if r.read {
		return 0
	}
	return r.framing.length
}

// maxDiscard is the most that is read of a body that nobody wants, so that the
// connection can be kept.
const maxDiscard = 64 << 10

// ends reports whether it is beyond doubt where the next request begins. A client
// that waits to be asked for the body may leave it out.
func (r *request) ends() bool {
	if r.framing.doubt {
		return false
	}
	n := r.unread()
	return n == 0 || n <= maxDiscard && !r.expects()
}

func (r *request) expects() bool {
	_, ok := r.header.get("Expect")
	return ok
}

// header is the header block of a request: lines separated by CRLF, with
// continuations already joined.
type header string

// get returns the value of the first field of that name, in any case. As in
// Supervisor, a field counts only if a space follows its colon; what stands
// behind that space is the value, untrimmed.
func (h header) get(name string) (value string, ok bool) {
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

// field is one header field of a reply.
type field struct{ name, value string }

// reply is what a handler answers. Server, Date and guards come before its fields;
// Content-Length is added behind them unless it is among them.
type reply struct {
	status int
	header []field
	body   []byte
	close  bool // close the connection afterwards
	// stream, if set, writes the body bit by bit: each Write is on its way to
	// the client at once. ctx ends when the client has gone or the server
	// closes. The connection closes when stream returns.
	stream func(ctx context.Context, w io.Writer) error
}

// has reports whether a reply has a field of that name.
func (rep *reply) has(name string) bool {
	return slices.ContainsFunc(rep.header, func(f field) bool { return f.name == name })
}

// errorReply returns Supervisor's page for a status, with the fields in front.
func errorReply(status int, fields ...field) reply {
	body := errorBody(status)
	fields = append(fields, field{"Content-Length", itoa(len(body))}, field{"Content-Type", "text/html"})
	return reply{status: status, header: fields, body: body}
}

// errorBody returns the page that goes with a status.
func errorBody(status int) []byte {
	return []byte("<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n" +
		"<p>Error code " + itoa(status) + ".\r\n<p>Message: " + reason(status) + ".\r\n</body>\r\n")
}

// reason returns the phrase that goes with a status.
func reason(status int) string {
	switch status {
	case 200:
		return "OK"
	case 301:
		return "Moved Permanently"
	case 303:
		return "See Other"
	case 304:
		return "Not Modified"
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 411:
		return "Length Required"
	case 413:
		return "Request Entity Too Large"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 503:
		return "Service Unavailable"
	default:
		return "Unknown"
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// errSilent is a request that Supervisor answers by closing the connection.
var errSilent = errors.New("no answer to this")

// parseRequest takes apart a header block, which is all before the empty line.
// Its only error is errSilent.
func parseRequest(r *request, block string) error {
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
	*r = request{line: line, method: method, uri: decodeURI(uri), version: version, header: header(fields)}
	r.framing = frame(r, uri, block)
	r.path, r.params, r.query = splitURI(r.uri)
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
// Supervisor that happens before the URI is taken apart.
func decodeURI(uri string) string {
	path, query := uri, ""
	if i := strings.LastIndexByte(uri, '?'); i >= 0 {
		path, query = uri[:i], uri[i+1:]
	}
	if !strings.Contains(path, "%") {
		return uri
	}
	if query != "" {
		return unescape(path) + "?" + query
	}
	return unescape(path)
}

// splitURI takes path;params?query#fragment apart.
func splitURI(uri string) (path, params, query string) {
	uri, _, _ = strings.Cut(uri, "#")
	rest, query, _ := strings.Cut(uri, "?")
	path, params, _ = strings.Cut(rest, ";")
	return path, params, query
}

// unescape decodes %XX once. What is no escape stays as it is, and bytes that
// are no UTF-8 become U+FFFD.
func unescape(s string) string {
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

// keepAlive reports whether the connection stays open after an answer whose
// length the client can tell. exact is Supervisor's habit with pages, where
// "close" and "keep-alive" count in lower case only.
func keepAlive(r *request, exact bool) bool {
	connection, _ := r.header.get("Connection")
	if !exact {
		connection = strings.ToLower(connection)
	}
	switch r.version {
	case "1.0":
		return connection == "keep-alive"
	case "1.1":
		return connection != "close"
	case "None":
		return false
	default:
		return true
	}
}

// guards are fields of every answer: a browser takes it for nothing but what it says it is,
// and gives it to no page of another site.
const guards = "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"

// appendHead appends the status line and the fields of a reply. length is that
// of a body to announce, -1 for none.
func appendHead(dst []byte, version string, rep *reply, length int, now time.Time) []byte {
	dst = append(dst, "HTTP/"...)
	dst = append(dst, version...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(rep.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason(rep.status)...)
	dst = append(dst, "\r\nServer: Medusa/1.12\r\nDate: "...)
	dst = now.UTC().AppendFormat(dst, dateFormat)
	dst = append(dst, "\r\n"+guards...)
	for _, f := range rep.header {
		if f.name == "Content-Length" {
			length = -1
		}
		dst = appendField(dst, f.name, f.value)
	}
	if length >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, int64(length), 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendField appends one header field. A value that would end its line early
// is cut there, so that no value makes another field.
func appendField(dst []byte, name, value string) []byte {
	if i := strings.IndexAny(value, "\r\n\x00"); i >= 0 {
		value = value[:i]
	}
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// dateFormat is how HTTP writes times, which are in UTC.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// parseDate reads a time of any of HTTP's forms, without what may follow it
// behind a semicolon.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{dateFormat, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no date of HTTP: " + s)
}
