package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"supervisor/xmlrpc"
)

// apiRoot is where the JSON API of a server is.
const apiRoot = "/api/v1"

// noDepsOption starts a program without what it depends on.
const noDepsOption = "--no-deps"

const noDepsUsage = "start --no-deps <name>\tStart it without what it depends on"

// withoutNoDeps takes the option --no-deps out of the words of start.
func withoutNoDeps(words []string) (names []string, alone bool) {
	names = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == noDepsOption })
	return names, len(names) < len(words)
}

// askAPI asks the JSON API and puts what it answers into answer. It reports whether it
// has: if the server has no API that is said, and the status set. Errors of the API are
// *xmlrpc.Fault where they have its code.
func (s *session) askAPI(ctx context.Context, method, path, body string, answer any) (ok bool, err error) {
	got, err := s.server.JSON(ctx, method, apiRoot+path, body)
	if err != nil {
		return false, err
	}
	switch kind, _, _ := strings.Cut(got.Type, ";"); kind {
	case "application/json":
		if err := json.Unmarshal([]byte(got.Body), answer); err != nil {
			return false, fmt.Errorf("the server's answer is not what it should be: %w", err)
		}
		return true, nil
	case "application/problem+json":
		return false, problemOf(got)
	}
	version, err := s.server.SupervisorVersion(ctx)
	if err == nil {
		s.fail(exitFailed, "ERROR (", s.o.ServerURL, " is Supervisor ", version, ", which cannot do this)")
	}
	return false, err
}

// problemOf returns the error that an answer is.
func problemOf(got xmlrpc.JSONAnswer) error {
	var p struct {
		Detail string      `json:"detail"`
		Code   xmlrpc.Code `json:"code"`
	}
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
		return fmt.Errorf("the server's answer is not what it should be: %w", err)
	}
	if p.Code != 0 {
		return xmlrpc.NewFault(p.Code, p.Detail)
	}
	return errors.New(p.Detail)
}

// startAlone starts programs without what they depend on.
func (s *session) startAlone(ctx context.Context, names []string, follow bool) error {
	if follow {
		s.fail(exitInvalid, "Error: ", followOption, " and ", noDepsOption, " do not go together")
		return nil
	}
	if slices.Contains(names, "all") {
		names = []string{"all"}
	}
	v := s.startVerb(false)
	for _, name := range names {
		s.flush() // the call may take its time
		var answer struct {
			Results []struct {
				Group, Name, Detail string
				Code                xmlrpc.Code
			} `json:"results"`
		}
		ok, err := s.askAPI(ctx, "POST", "/programs/"+url.PathEscape(name)+"/start", `{"no_deps":true}`, &answer)
		if faultCode(err) == xmlrpc.BadName {
			s.noSuchName(name, v.noGroup)
			continue
		}
		if err != nil || !ok {
			return err
		}
		var results []xmlrpc.Result
		for _, r := range answer.Results {
			results = append(results, xmlrpc.Result{Name: r.Name, Group: r.Group, Status: r.Code, Description: r.Code.String() + ": " + r.Detail})
		}
		if err := s.report(ctx, v, results); err != nil {
			return err
		}
	}
	return nil
}

// noSuchName says that a name stands for nothing.
func (s *session) noSuchName(name string, noGroup int) {
	if group, _, whole := xmlrpc.SplitNamespec(name); whole {
		s.fail(noGroup, group, ": ERROR (no such group)")
		return
	}
	s.fail(exitFailed, name, ": ERROR (", noSuchProcess, ")")
}

// health says what is not well, in lines.
func (s *session) health(ctx context.Context, arg string) error {
	path := "/health"
	if names := strings.Fields(arg); len(names) > 0 {
		path += "?" + url.Values{"name": names}.Encode()
	}
	var answer struct {
		Healthy bool `json:"healthy"`
		Reasons []struct {
			Namespec, Reason string
		} `json:"reasons"`
	}
	ok, err := s.askAPI(ctx, "GET", path, "", &answer)
	var fault *xmlrpc.Fault
	if errors.As(err, &fault) && fault.Code == xmlrpc.BadName {
		s.noSuchName(fault.Detail(), exitFailed)
		return nil
	}
	if err != nil || !ok {
		return err
	}
	for _, r := range answer.Reasons {
		s.say(r.Namespec, ": ", r.Reason)
	}
	if !answer.Healthy {
		s.status = exitFailed
	}
	return nil
}
