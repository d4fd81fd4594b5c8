package web

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

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

// Logger receives the daemon's own log lines.
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
	uri     string // with its path decoded: "/index.html?action=x", whatever was %3F
	path    string // decoded; up to the first of ;?#
	query   string // behind the question mark, still encoded
	version string // "1.1"; "None" if the request line had none
	header  header
	body    []byte // of POST to /RPC2 and to a page; UTF-8
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

// reply is what a handler answers. Server and Date come before its fields;
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
