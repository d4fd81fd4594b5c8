package xmlrpc

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Client calls the methods of a supervisord. It keeps its connections for the
// next calls and is safe for concurrent use. Close releases them.
//
// It speaks just as much HTTP as a supervisord does: package net/http would make
// the program twice as large and a one-shot command slower to start.
type Client struct {
	network, address string // as for net.Dial
	host             string // the Host of calls
	authorization    string // value of the header; empty for none

	mu   sync.Mutex
	idle []*clientConn // kept for the next call
}

// SchemeError says that the URL of a server begins with neither http:// nor
// unix://, in lower case.
type SchemeError struct{ URL string }

func (e *SchemeError) Error() string { return "Unknown protocol for serverurl " + e.URL }

// HTTPError is an answer with another status than 200, for example 401 where
// the credentials are wrong.
type HTTPError struct {
	Status int
	Reason string // the words behind the status, as sent
}

func (e *HTTPError) Error() string { return strconv.Itoa(e.Status) + " " + e.Reason }

// NewClient returns a client of the server at serverURL, which is
// "http://host[:port]" with port 80 where there is none, and any path ignored,
// or "unix://" and the path of a socket. Nothing is sent yet. Without username
// and password no credentials are sent. Error: *SchemeError.
func NewClient(serverURL, username, password string) (*Client, error) {
	c := &Client{}
	if path, ok := strings.CutPrefix(serverURL, "unix://"); ok {
		c.network, c.address, c.host = "unix", path, "localhost"
	} else if rest, ok := strings.CutPrefix(serverURL, "http://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		c.network, c.address, c.host = "tcp", host, host
		if _, _, err := net.SplitHostPort(host); err != nil {
			c.address = net.JoinHostPort(strings.Trim(host, "[]"), "80")
		}
	} else {
		return nil, &SchemeError{serverURL}
	}
	if username != "" || password != "" {
		c.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
	}
	return c, nil
}

// Call calls a method by its full name and returns its answer, of one of the
// types that DecodeResponse gives. Errors: *Fault; *HTTPError; or what went
// wrong below, such that errors.Is finds syscall.ECONNREFUSED where nobody
// listens, and syscall.ENOENT where there is no socket.
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

// Stream opens path, for example "/logtail/web/stdout", and passes what the
// server sends to fn until it ends the stream (nil), fn fails, or ctx is done.
// The bytes are valid only during the call of fn. Errors as for Call, and fn's.
func (c *Client) Stream(ctx context.Context, path string, fn func([]byte) error) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.follow(ctx)()
	host := c.host
	if c.network == "unix" {
		host = "" // as log readers have always sent it
	}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAccept-Encoding: chunked\r\nAccept: */*\r\nUser-agent: Supervisor HTTP Client\r\n"
	if err = conn.send(request+c.credentials()+"\r\n", nil); err != nil {
		return because(ctx, err)
	}
	head, err := conn.readHead()
	if err != nil {
		return because(ctx, err)
	}
	if head.status != 200 {
		return &HTTPError{head.status, head.reason}
	}
	var body io.Reader = conn.r
	if head.chunked {
		body = &chunks{r: conn.r}
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if err := fn(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return because(ctx, err)
		}
	}
}

// Close closes the connections that are kept. Calls under way go on.
func (c *Client) Close() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, conn := range idle {
		conn.Close()
	}
}

// roundTrip sends a call and hands the body of the answer to use.
func (c *Client) roundTrip(ctx context.Context, method string, params []any, use func(body string) error) error {
	conn, err := c.connection(ctx)
	if err != nil {
		return err
	}
	stop := conn.follow(ctx)
	body, keep, err := c.exchange(conn, AppendCall(nil, method, params...))
	stop()
	if err == nil && keep && ctx.Err() == nil {
		c.mu.Lock()
		c.idle = append(c.idle, conn)
		c.mu.Unlock()
	} else {
		conn.Close()
	}
	if err != nil {
		return because(ctx, err)
	}
	return use(body)
}

// because returns the context's error where that is why a connection failed.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *Client) credentials() string {
	if c.authorization == "" {
		return ""
	}
	return "Authorization: " + c.authorization + "\r\n"
}

// maxAnswer bounds what a server can make us hold.
const maxAnswer = 1 << 30

func (c *Client) exchange(conn *clientConn, call []byte) (body string, keep bool, err error) {
	head := "POST /RPC2 HTTP/1.1\r\nHost: " + c.host + "\r\nAccept-Encoding: identity\r\n" +
		"User-Agent: supervisorctl\r\nContent-Type: text/xml\r\nAccept: text/xml\r\n" +
		c.credentials() + "Content-Length: " + strconv.Itoa(len(call)) + "\r\n\r\n"
	if err = conn.send(head, call); err != nil {
		return "", false, err
	}
	answer, err := conn.readHead()
	if err != nil {
		return "", false, err
	}
	if answer.status != 200 {
		return "", false, &HTTPError{answer.status, answer.reason}
	}
	var b strings.Builder
	switch {
	case answer.chunked:
		_, err = io.Copy(&b, io.LimitReader(&chunks{r: conn.r}, maxAnswer))
	case answer.length >= 0:
		b.Grow(int(min(answer.length, 16<<20)))
		_, err = io.CopyN(&b, conn.r, answer.length)
	default:
		answer.close = true
		_, err = io.Copy(&b, io.LimitReader(conn.r, maxAnswer))
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b.String(), !answer.close, err
}

// connection returns a kept connection on which nothing has come since, not even
// its end, or a new one.
func (c *Client) connection(ctx context.Context) (*clientConn, error) {
	for {
		c.mu.Lock()
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return c.dial(ctx)
		}
		conn := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if conn.quiet() {
			return conn, nil
		}
		conn.Close()
	}
}

func (c *Client) dial(ctx context.Context) (*clientConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// clientConn is one connection to a server.
type clientConn struct {
	net.Conn
	r *bufio.Reader
}

// quiet reports whether the server has neither said anything nor hung up.
func (c *clientConn) quiet() bool {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok || c.r.Buffered() > 0 {
		return false
	}
	sc, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = sc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		quiet = err == syscall.EAGAIN
		return true
	})
	return quiet && err == nil
}

// follow makes the connection fail when ctx ends. The caller calls stop when it
// is through.
func (c *clientConn) follow(ctx context.Context) (stop func()) {
	end := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	return func() { end() }
}

// send sends a request in one piece.
func (c *clientConn) send(head string, body []byte) error {
	_, err := c.Write(append([]byte(head), body...))
	return err
}

// answerHead is what a client needs to know of the header of an answer.
type answerHead struct {
	status  int
	reason  string
	length  int64 // -1 if not said
	chunked bool
	close   bool
}

// readHead reads the status line and the header.
func (c *clientConn) readHead() (answerHead, error) {
	head := answerHead{length: -1}
	line, err := c.readLine()
	if err != nil {
		return head, err
	}
	version, rest, _ := strings.Cut(line, " ")
	status, reason, _ := strings.Cut(rest, " ")
	head.status, err = strconv.Atoi(status)
	if err != nil || !strings.HasPrefix(version, "HTTP/") {
		return head, fmt.Errorf("not an HTTP answer: %q", line)
	}
	head.reason = reason
	head.close = version == "HTTP/1.0"
	for {
		line, err := c.readLine()
		if err != nil || line == "" {
			return head, err
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "content-length":
			if head.length, err = strconv.ParseInt(value, 10, 64); err != nil || head.length < 0 || head.length > maxAnswer {
				return head, fmt.Errorf("not a length: %q", line)
			}
		case "transfer-encoding":
			head.chunked = strings.EqualFold(value, "chunked")
		case "connection":
			head.close = strings.EqualFold(value, "close") || head.close && !strings.EqualFold(value, "keep-alive")
		}
	}
}

// readLine reads a line of a header. A line longer than the buffer is an error.
func (c *clientConn) readLine() (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// chunks reads a body with the transfer encoding chunked.
type chunks struct {
	r    *bufio.Reader
	left int64 // of the present chunk
	ends bool  // the next line ends a chunk
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// next reads the line before a chunk. The chunk of size 0 is the end.
func (c *chunks) next() error {
	if c.ends {
		if _, err := c.r.ReadSlice('\n'); err != nil {
			return err
		}
		c.ends = false
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return fmt.Errorf("not the size of a chunk: %q", line)
	}
	if c.left == 0 {
		return io.EOF
	}
	c.ends = true
	return nil
}
