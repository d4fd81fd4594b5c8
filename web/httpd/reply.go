package httpd

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"
)

// Field is one header field of a reply: its name and its value. A value that would end its
// line early is cut there.
type Field [2]string

// Reply is what a Handler answers. Server, Date and Options.Fields come before its fields;
// Content-Length is added behind them unless it is among them.
type Reply struct {
	Status int
	Header []Field
	Body   []byte
	Reuse  bool // Body is Request.Buffer, or what that has grown to
	Close  bool // close the connection afterwards
	Exact  bool // it goes on by Medusa's rule for pages: "close" and "keep-alive" count in lower case only

	// Stream, if set, writes the body bit by bit: each Write is on its way to
	// the client at once. ctx ends when the client has gone or the server
	// closes. The connection closes when Stream returns. It is always called.
	Stream func(ctx context.Context, w io.Writer) error
	Stall  time.Duration // for the client to take a piece of Stream; 0: Limits.Stall
}

// has reports whether a reply has a field of that name.
func (rep *Reply) has(name string) bool {
	return slices.ContainsFunc(rep.Header, func(f Field) bool { return f[0] == name })
}

// ErrorReply returns Medusa's page for a status, with the fields in front.
func ErrorReply(status int, fields ...Field) Reply {
	body := ErrorBody(status)
	fields = append(fields, Field{"Content-Length", strconv.Itoa(len(body))}, Field{"Content-Type", "text/html"})
	return Reply{Status: status, Header: fields, Body: body}
}

// Refuse returns the page for a request whose body was not read, or for whose answer there
// is no room. One that is too long is not waited for.
func Refuse(status int) Reply {
	rep := ErrorReply(status)
	rep.Close = status == 413 || status == 503
	return rep
}

// ErrorBody returns the page that goes with a status.
func ErrorBody(status int) []byte {
	return []byte("<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n" +
		"<p>Error code " + strconv.Itoa(status) + ".\r\n<p>Message: " + Reason(status) + ".\r\n</body>\r\n")
}

// Reason returns the phrase that goes with a status of those that are answered.
func Reason(status int) string {
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
	case 405:
		return "Method Not Allowed"
	case 409:
		return "Conflict"
	case 411:
		return "Length Required"
	case 413:
		return "Request Entity Too Large"
	case 415:
		return "Unsupported Media Type"
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

// DateFormat is how HTTP writes times, which are in UTC.
const DateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// ParseDate reads a time of any of HTTP's forms, without what may follow it
// behind a semicolon.
func ParseDate(s string) (time.Time, error) {
	for _, layout := range []string{DateFormat, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no date of HTTP: " + s)
}
