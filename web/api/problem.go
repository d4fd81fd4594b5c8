package api

import (
	"context"
	"errors"
	"os"
	"strconv"

	"supervisor/web/httpd"
	"supervisor/web/jsonenc"
	"supervisor/xmlrpc"
)

// problem is an error as the client gets to see it.
type problem struct {
	status int
	detail string
	allow  string
}

func (p *problem) Error() string { return p.detail }

// noRoom is the error if an answer would take more memory than there is for answers.
var noRoom = &problem{status: 503, detail: "too many large answers are on their way: try again"}

// failure returns the answer for an error.
func failure(err error) Answer {
	var p *problem
	var fault *xmlrpc.Fault
	switch {
	case errors.As(err, &p):
		return Refusal(p.status, p.detail, p.allow)
	case errors.As(err, &fault):
		return refusal(faultStatus(fault.Code), fault.Detail(), "", fault)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return Refusal(503, "supervisord did not come to it in time", "")
	}
	return Refusal(500, err.Error(), "")
}

// faultStatus returns the status of an answer that is a fault.
func faultStatus(code xmlrpc.Code) int {
	switch code {
	case xmlrpc.BadName:
		return 404
	case xmlrpc.BadSignal, xmlrpc.BadArguments, xmlrpc.IncorrectParameters:
		return 400
	case xmlrpc.ShutdownState:
		return 503
	case xmlrpc.Failed:
		return 500
	}
	return 409
}

// Refusal returns the answer to a request that gets nothing but a status and, in words,
// the reason. Allow is empty, or has methods.
func Refusal(status int, detail, allow string) Answer {
	return refusal(status, detail, allow, nil)
}

func refusal(status int, detail, allow string, f *xmlrpc.Fault) Answer {
	kind := "about:blank"
	if f != nil {
		kind = "urn:supervisor:fault:" + f.Code.String()
	}
	b := jsonenc.String([]byte(`{"type":`), kind)
	b = jsonenc.String(jsonenc.Key(b, "title"), httpd.Reason(status))
	b = strconv.AppendInt(jsonenc.Key(b, "status"), int64(status), 10)
	b = jsonenc.String(jsonenc.Key(b, "detail"), detail)
	if f != nil {
		b = strconv.AppendInt(jsonenc.Key(b, "code"), int64(f.Code), 10)
		b = jsonenc.String(jsonenc.Key(b, "name"), f.Code.String())
	}
	return Answer{Status: status, Type: Problem, Allow: allow, Body: append(b, '}')}
}
