package ctl

import (
	"context"
	"embed"
	"strings"
	"time"

	"supervisor/xmlrpc"
)

// completionTimeout is how long a server may take before TAB does nothing.
const completionTimeout = 2 * time.Second

// processes returns what completion knows of the processes: it asks once for each
// line. That nobody answers is no news in the middle of typing.
func (s *session) processes() []xmlrpc.ProcessInfo {
	if s.known == nil {
		var infos []xmlrpc.ProcessInfo
		if d, err := s.client(); err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), completionTimeout)
			defer cancel()
			infos, _ = d.AllProcessInfo(ctx)
		}
		s.known = &infos
	}
	return *s.known
}

// completion prints a script for a shell. It gets the names from "status", so it
// needs nothing but this program.
func (s *session) completion(_ context.Context, arg string) error {
	script, err := completions.ReadFile("completion/" + arg)
	if arg == "" || err != nil {
		s.fail(exitInvalid, "Error: completion requires the name of a shell")
		s.explain("completion")
		return nil
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	s.out.WriteString(strings.ReplaceAll(string(script), "ACTIONS", strings.Join(names, " ")))
	return nil
}

// The scripts take the names of programs, which may be anything, for what they are:
// text. No shell expands them, and what is inserted is quoted. Options that say which
// server is meant are handed on. COMP_WORDBREAKS belongs to the user.
//
//go:embed completion
var completions embed.FS
