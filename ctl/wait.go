package ctl

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// waitPeriod is how often wait asks. The remote interface has no way to be told.
const waitPeriod = 100 * time.Millisecond

// wait waits until processes are in a state, RUNNING unless told.
func (s *session) wait(ctx context.Context, arg string) error {
	name, state, timeout, err := waitWords(strings.Fields(arg))
	if err != nil {
		s.fail(exitInvalid, "Error: ", err.Error())
		s.explain("wait")
		return nil
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	again := time.NewTicker(waitPeriod)
	defer again.Stop()
	for {
		infos, err := s.server.AllProcessInfo(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			over, err := s.waitOver(ctx, infos, name, state)
			if over || err != nil {
				return err
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				s.fail(exitTimeout, name, ": ERROR (timed out waiting for ", state, ")")
				return nil
			}
			return context.Cause(ctx)
		}
	}
}

// waitWords takes the arguments of wait apart.
func waitWords(words []string) (name, state string, timeout time.Duration, err error) {
	state = xmlrpc.Running.String()
	var plain []string
	for i := 0; i < len(words); i++ {
		value, found := strings.CutPrefix(words[i], "--timeout=")
		if words[i] == "--timeout" && i+1 < len(words) {
			i++
			value, found = words[i], true
		}
		if !found {
			plain = append(plain, words[i])
			continue
		}
		secs, err := strconv.ParseFloat(value, 64)
		if err != nil || !(secs > 0 && secs < 1e9) {
			return "", "", 0, errors.New("bad timeout " + inifile.PythonRepr(value))
		}
		timeout = time.Duration(secs * float64(time.Second))
	}
	switch len(plain) {
	case 0:
		return "", "", 0, errors.New("wait requires a process name")
	case 1:
	case 2:
		state = strings.ToUpper(plain[1])
	default:
		return "", "", 0, errors.New("too many arguments")
	}
	if slices.Contains(states(), state) {
		return plain[0], state, timeout, nil
	}
	return "", "", 0, errors.New("no such state " + inifile.PythonRepr(state))
}

// waitOver reports whether there is nothing to wait for any more, and says what
// there is to say of it.
func (s *session) waitOver(ctx context.Context, infos []xmlrpc.ProcessInfo, name, state string) (bool, error) {
	chosen := newProcessTable(infos).named(name)
	if name == "all" && len(chosen) == 0 {
		for i := range infos {
			chosen = append(chosen, &infos[i])
		}
	}
	if len(chosen) == 0 {
		s.fail(exitFailed, name, ": ERROR (", noSuchProcess, ")")
		s.known = &infos
		s.suggest(ctx, name, someProcesses)
		return true, nil
	}
	over := true
	for _, p := range chosen {
		switch p.State.String() {
		case state:
		case xmlrpc.Fatal.String():
			s.fail(exitNotRunning, p.Namespec(), ": ERROR (", p.Description, ")")
			return true, nil
		default:
			over = false
		}
	}
	if !over {
		return false, nil
	}
	for _, p := range chosen {
		s.say(p.Namespec(), ": ", strings.ToLower(state))
	}
	return true, nil
}
