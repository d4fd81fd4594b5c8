package xmlrpc

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// JSONAnswer is what the JSON API of a server has answered, or whatever was answered in
// its place.
type JSONAnswer struct {
	Status int
	Type   string // Content-Type
	Body   string
}

// JSON sends a request for a path of the JSON API, such as "/api/v1/health". The body is
// JSON, or empty. The answer to a POST may take as long as it needs. Errors as for Call; of the
// statuses only 401 is an *HTTPError.
func (c *Client) JSON(ctx context.Context, method, path, body string) (JSONAnswer, error) {
	n, err := c.take(ctx)
	if err != nil {
		return JSONAnswer{}, err
	}
	var b strings.Builder
	b.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + c.host + "\r\nAccept-Encoding: identity\r\nAccept: application/json\r\n" + c.authorization)
	if method == "POST" {
		b.WriteString("Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n" + body)
	watch := watchContext(ctx, n)
	limit := c.AnswerTime
	if method == "POST" { // it may wait for processes
		limit = 0
	}
	answer, err := n.ask(b.String(), limit)
	if stopped := watch(); stopped != nil {
		err = stopped
	}
	if err != nil {
		n.Close()
		return JSONAnswer{}, err
	}
	c.release(n)
	return answer, nil
}

// ask sends a request and returns the answer, of any status but 401, which has to begin
// within limit unless that is 0.
func (n *conn) ask(request string, limit time.Duration) (JSONAnswer, error) {
	answered := n.within(limit)
	_, failed := n.Write([]byte(request))
	head, err := n.head()
	switch inTime := answered(); {
	case !inTime:
		return JSONAnswer{}, &SilentError{limit}
	case err == nil && head.status == 401:
		return JSONAnswer{}, &HTTPError{head.status, head.reason}
	case failed != nil:
		return JSONAnswer{}, failed
	case err != nil:
		return JSONAnswer{}, err
	}
	body, err := n.body(head)
	n.reusable = err == nil && head.keep && (head.chunked || head.length >= 0) && n.r.Buffered() == 0
	return JSONAnswer{head.status, head.kind, body}, err
}
