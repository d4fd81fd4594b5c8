package web

import (
	"context"
	"strings"

	"supervisor/web/api"
	"supervisor/web/httpd"
)

// maxAPIBody is the greatest body of an operation of the JSON API.
const maxAPIBody = 1 << 20

// isAPI has the paths of the JSON API.
func isAPI(path string) bool {
	return path == api.Root || strings.HasPrefix(path, api.Root+"/")
}

// serveAPI answers a request for an operation of the JSON API. Its path is taken apart as
// it was sent: here an escaped question mark is not where the query begins.
func (s *Server) serveAPI(ctx context.Context, r *request) reply {
	if s.opts.API == nil {
		return httpd.ErrorReply(404)
	}
	_, target, _ := strings.Cut(r.Line, " ")
	target, _, _ = strings.Cut(target, " ")
	kind, _ := r.Header.Get("Content-Type")
	buffer := false
	answer := api.Serve(ctx, s.opts.API, api.Request{
		Method: r.Method, Target: target, Type: kind, Body: r.Body, Room: r.Room,
		Buffer: func() []byte { buffer = true; return r.Buffer() },
	})
	rep := apiReply(answer)
	rep.Reuse = buffer && answer.Type == api.JSON
	return rep
}

// refuseAPI is the reply to a request for the JSON API that is refused before it gets
// there.
func refuseAPI(status int) reply {
	detail := "the request is not as it has to be"
	switch status {
	case 403:
		detail = "a page of another site has made this request, or may have: send Content-Type: " + api.JSON
	case 411:
		detail = "the body needs a Content-Length"
	case 413:
		detail = "the body is too long"
	case 503:
		detail = "there is no room for the body: try again"
	}
	return apiReply(api.Refusal(status, detail, ""))
}

func apiReply(a api.Answer) reply {
	fields := []field{{"Content-Type", a.Type}, {"Cache-Control", "no-store"}}
	if a.Allow != "" {
		fields = append(fields, field{"Allow", a.Allow})
	}
	return reply{Status: a.Status, Header: fields, Body: a.Body}
}
