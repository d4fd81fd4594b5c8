package xmlrpc

import (
	"context"
	"strconv"
	"strings"
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
	var b strings.Builder
	b.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + c.host + "\r\nAccept-Encoding: identity\r\nAccept: application/json\r\n" + c.authorization)
	limit := c.AnswerTime
	if method == "POST" {
		b.WriteString("Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n")
		limit = 0 // it may wait for processes
	}
	b.WriteString("\r\n" + body)
	head, text, err := c.ask(ctx, []byte(b.String()), limit, func(status int) bool { return status != 401 })
	return JSONAnswer{head.status, head.kind, text}, err
}
