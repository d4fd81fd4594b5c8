package xmlrpc

import (
	"context"
	"encoding/base64"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Client calls the methods of a supervisord. It keeps its connections for the
// next calls and is safe for concurrent use. Close releases them.
type Client struct {
	// ConnectTime is how long a connection may take to be made. AnswerTime is how long
	// the server may leave a call without an answer; once that has begun, and for calls
	// that wait for processes, there is no limit. Zero for no limit of either. They are
	// set before the first call.
	ConnectTime, AnswerTime time.Duration

	network, address string // as for net.Dial
	host             string // the Host of calls
	authorization    string // header line of calls; empty for none
	password         bool   // whether streams have it too

	mu     sync.Mutex
	idle   []*conn // the one used last at the end
	closed bool
}

// maxIdle is how many connections a client keeps. More are in use only while
// many goroutines call at once.
const maxIdle = 8

// SchemeError says that the URL of a server begins with neither http:// nor
// unix://, in lower case.
type SchemeError struct{ URL string }

func (e *SchemeError) Error() string { return "Unknown protocol for serverurl " + e.URL }

// PortError says that the port in the URL of a server is not one.
type PortError struct{ Port string }

func (e *PortError) Error() string {
	if strings.Trim(e.Port, "0123456789") == "" {
		return "Port out of range 0-65535"
	}
	return "Port could not be cast to integer value as '" + e.Port + "'"
}

// HTTPError is an answer with another status than 200, for example 401 where
// the credentials are wrong.
type HTTPError struct {
	Status int
	Reason string // the words behind the status, as sent
}

func (e *HTTPError) Error() string { return strconv.Itoa(e.Status) + " " + e.Reason }

// SilentError says that the server has left a call without an answer. To errors.Is it is
// context.DeadlineExceeded.
type SilentError struct{ After time.Duration }

func (e *SilentError) Error() string { return "no answer within " + e.After.String() }

// Unwrap returns context.DeadlineExceeded.
func (e *SilentError) Unwrap() error { return context.DeadlineExceeded }

// NewClient returns a client of the server at serverURL, which is
// "http://host[:port]" with port 80 where there is none, and any path ignored,
// or "unix://" and the path of a socket. Nothing is sent yet. Without username
// and password no credentials are sent. Errors: *SchemeError, *PortError.
func NewClient(serverURL, username, password string) (*Client, error) {
	c := &Client{password: password != ""}
	if username != "" || password != "" {
		c.authorization = "Authorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte(username+":"+password)) + "\r\n"
	}
	if path, ok := strings.CutPrefix(serverURL, "unix://"); ok {
		c.network, c.address, c.host = "unix", path, "localhost"
		return c, nil
	}
	rest, ok := strings.CutPrefix(serverURL, "http://")
	if !ok {
		return nil, &SchemeError{serverURL}
	}
	host, port, err := splitAuthority(rest)
	if err != nil {
		return nil, err
	}
	c.network, c.address = "tcp", net.JoinHostPort(host, port)
	c.host = strings.TrimSuffix(c.address, ":80")
	return c, nil
}

// splitAuthority takes host and port from what follows the scheme of a URL.
func splitAuthority(rest string) (host, port string, err error) {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, port = rest, ""
	bracket := strings.LastIndexByte(rest, ']') + 1
	if colon := strings.IndexByte(rest[bracket:], ':'); colon >= 0 {
		host, port = rest[:bracket+colon], rest[bracket+colon+1:]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if port == "" {
		port = "80"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", &PortError{port}
	}
	return host, port, nil
}

// Call calls a method by its full name and returns its answer: a string, int, int64 (only
// where int is too small), bool, float64, time.Time, []any, Struct or nil. Errors: *Fault;
// *HTTPError; *SilentError; or what went wrong below, such that errors.Is finds
// syscall.ECONNREFUSED where nobody listens, and syscall.ENOENT where there is no socket.
//
// A call is never sent twice: a kept connection that the server has closed is
// noticed before.
func (c *Client) Call(ctx context.Context, method string, params ...any) (answer any, err error) {
	err = c.roundTrip(ctx, method, params, func(body string) (err error) {
		answer, err = decodeResponse(body)
		return err
	})
	return answer, err
}

// roundTrip makes a call and passes the body of the answer to use.
func (c *Client) roundTrip(ctx context.Context, method string, params []any, use func(body string) error) error {
	body := AppendCall(nil, method, params...)
	request := make([]byte, 0, 256+len(c.host)+len(c.authorization)+len(body))
	request = append(request, "POST /RPC2 HTTP/1.1\r\nHost: "...)
	request = append(request, c.host...)
	request = append(request, "\r\nAccept-Encoding: identity\r\nContent-Type: text/xml\r\nAccept: text/xml\r\n"...)
	request = append(request, c.authorization...)
	request = append(request, "Content-Length: "...)
	request = strconv.AppendInt(request, int64(len(body)), 10)
	request = append(append(request, "\r\n\r\n"...), body...)

	limit := c.AnswerTime
	if waits(method, params) {
		limit = 0
	}
	_, text, err := c.ask(ctx, request, limit, func(status int) bool { return status == 200 })
	if err != nil {
		return err
	}
	return use(text)
}

// ask sends a request by a connection that is kept, or a new one, and returns the answer.
// Limit and takes are those of exchange.
func (c *Client) ask(ctx context.Context, request []byte, limit time.Duration, takes func(status int) bool) (response, string, error) {
	n, err := c.take(ctx)
	if err != nil {
		return response{}, "", err
	}
	watch := watchContext(ctx, n)
	head, body, err := n.exchange(request, limit, takes)
	if stopped := watch(); stopped != nil {
		err = stopped
	}
	if err != nil {
		n.Close() // how much of an answer may still come, nobody knows
		return response{}, "", err
	}
	c.release(n)
	return head, body, nil
}

// Stream opens path, for example "/logtail/web/stdout", and passes what the
// server sends to fn until it ends the stream (nil), fn fails, or ctx is done.
// What the server sent as one chunk comes as one, unless it is longer than a
// megabyte. The bytes are valid only during the call of fn. Errors as for Call,
// and fn's, except io.EOF, which ends the stream well. A stream has a connection
// of its own.
func (c *Client) Stream(ctx context.Context, path string, fn func([]byte) error) error {
	n, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer n.Close()
	host := c.host
	if c.network == "unix" {
		host = ""
	}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + host +
		"\r\nAccept-Encoding: chunked\r\nAccept: */*\r\nUser-agent: Supervisor HTTP Client\r\n"
	if c.password {
		request += c.authorization
	}
	watch := watchContext(ctx, n)
	err = n.stream(request+"\r\n", fn)
	if stopped := watch(); stopped != nil {
		err = stopped
	}
	return err
}

// Close closes the connections that are kept. Calls under way go on; later ones
// make connections that are not kept.
func (c *Client) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, n := range idle {
		n.Close()
	}
}

// take returns a connection: one that is kept and still good, or a new one.
func (c *Client) take(ctx context.Context) (*conn, error) {
	for {
		c.mu.Lock()
		last := len(c.idle) - 1
		if last < 0 {
			c.mu.Unlock()
			return c.dial(ctx)
		}
		n := c.idle[last]
		c.idle = c.idle[:last]
		c.mu.Unlock()
		if n.quiet() {
			return n, nil
		}
		n.Close()
	}
}

// release keeps n for the next call, if it can have one.
func (c *Client) release(n *conn) {
	c.mu.Lock()
	keep := n.reusable && !c.closed && len(c.idle) < maxIdle
	if keep {
		c.idle = append(c.idle, n)
	}
	c.mu.Unlock()
	if !keep {
		n.Close()
	}
}

func (c *Client) dial(ctx context.Context) (*conn, error) {
	d := net.Dialer{Timeout: c.ConnectTime}
	n, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, err
	}
	return newConn(n), nil
}

// watchContext makes n fail once ctx is done. The function it returns ends that
// and returns the error of ctx if it was done before.
func watchContext(ctx context.Context, n *conn) (end func() error) {
	if ctx.Done() == nil {
		return func() error { return nil }
	}
	stop := context.AfterFunc(ctx, func() {
		n.SetDeadline(time.Unix(1, 0)) // fails only on a closed connection
	})
	return func() error {
		if stop() {
			return nil
		}
		return ctx.Err()
	}
}
