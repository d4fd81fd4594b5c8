package ctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"supervisor/xmlrpc"
)

// avail prints the processes of the configuration as last read.
func (s *session) avail(ctx context.Context, _ string) error {
	d, err := s.client()
	if err != nil {
		return err
	}
	infos, err := d.AllConfigInfo(ctx)
	if faultCode(err) == xmlrpc.ShutdownState {
		s.fail(exitFailed, "ERROR: supervisor shutting down")
		return nil
	}
	for i := range infos {
		info := &infos[i]
		inUse, auto := "avail", "manual"
		if info.InUse {
			inUse = "in use"
		}
		if info.Autostart {
			auto = "auto"
		}
		fmt.Fprintf(s.out, "%-32s %-9s %-9s %d:%d\n", xmlrpc.Namespec(info.Group, info.Name),
			inUse, auto, info.GroupPrio, info.ProcessPrio)
	}
	return err
}

// reread lets the server read its configuration and prints what is new in it.
func (s *session) reread(ctx context.Context, _ string) error {
	d, err := s.client()
	if err != nil {
		return err
	}
	changes, err := d.ReloadConfig(ctx)
	var fault *xmlrpc.Fault
	switch {
	case faultCode(err) == xmlrpc.ShutdownState:
		s.fail(exitFailed, "ERROR: supervisor shutting down")
		return nil
	case errors.As(err, &fault) && fault.Code == xmlrpc.CantReread:
		s.fail(exitFailed, "ERROR: ", fault.Text)
		return nil
	case err != nil:
		return err
	}
	var lines []string
	for _, name := range changes.Added {
		lines = append(lines, name+": available")
	}
	for _, name := range changes.Changed {
		lines = append(lines, name+": changed")
	}
	for _, name := range changes.Removed {
		lines = append(lines, name+": disappeared")
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		before, _, _ := strings.Cut(a, ": ")
		after, _, _ := strings.Cut(b, ": ")
		return strings.Compare(before, after)
	})
	if len(lines) == 0 {
		lines = []string{"No config updates to processes"}
	}
	for _, line := range lines {
		s.say(line)
	}
	return nil
}

// update brings the running groups in line with the configuration.
func (s *session) update(ctx context.Context, arg string) error {
	d, err := s.client()
	if err != nil {
		return err
	}
	changes, err := d.ReloadConfig(ctx)
	if faultCode(err) == xmlrpc.ShutdownState {
		s.fail(exitFailed, "ERROR: already shutting down")
		return nil
	} else if err != nil {
		return err
	}
	wanted := strings.Fields(arg)
	if slices.Contains(wanted, "all") {
		wanted = nil
	}
	if err := s.checkGroups(ctx, d, wanted, changes.Added); err != nil {
		return err
	}
	skip := func(group string) bool { return len(wanted) > 0 && !slices.Contains(wanted, group) }
	steps := []struct {
		groups []string
		step   func(context.Context, daemon, string) error
	}{
		{changes.Removed, s.updateRemoved},
		{changes.Changed, s.updateChanged},
		{changes.Added, s.updateAdded},
	}
	for _, st := range steps {
		for _, group := range st.groups {
			if skip(group) {
				continue
			}
			s.flush()
			err := st.step(ctx, d, group)
			if faultCode(err) == 0 && err != nil {
				return err
			}
			if err != nil { // one that fails is no reason to leave the others
				s.fail(exitFailed, updateFailed(group, err))
			}
		}
	}
	return nil
}

// updateFailed says why a group could not be brought in line.
func updateFailed(group string, err error) string {
	var fault *xmlrpc.Fault
	if errors.As(err, &fault) && fault.Code == xmlrpc.Failed {
		return group + ": ERROR (" + strings.TrimPrefix(fault.Text, "FAILED: ") + ")"
	}
	return unhandled(err)
}

// checkGroups complains of groups that are neither active nor about to be.
func (s *session) checkGroups(ctx context.Context, d daemon, wanted, added []string) error {
	if len(wanted) == 0 {
		return nil
	}
	infos, err := d.AllProcessInfo(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for i := range infos {
		known[infos[i].Group] = true
	}
	for _, name := range added {
		known[name] = true
	}
	for _, name := range wanted {
		if !known[name] {
			known[name] = true // once is enough
			s.fail(exitFailed, "ERROR: no such group: ", name)
			s.suggest(ctx, name, aGroup)
		}
	}
	return nil
}

func (s *session) updateRemoved(ctx context.Context, d daemon, group string) error {
	results, err := d.StopProcessGroup(ctx, group, true)
	if err != nil {
		return err
	}
	s.say(group, ": stopped")
	if slices.ContainsFunc(results, func(r xmlrpc.Result) bool { return r.Status == xmlrpc.Failed }) {
		s.fail(exitFailed, group, ": has problems; not removing")
		return nil
	}
	if _, err := d.RemoveProcessGroup(ctx, group); err != nil {
		return err
	}
	s.say(group, ": removed process group")
	return nil
}

func (s *session) updateChanged(ctx context.Context, d daemon, group string) error {
	// A server of ours takes a changed number of processes without stopping the
	// rest; any other says that the group is there already.
	_, err := d.AddProcessGroup(ctx, group)
	if err == nil {
		s.say(group, ": updated process group")
		return nil
	}
	if faultCode(err) != xmlrpc.AlreadyAdded {
		return err
	}
	if _, err := d.StopProcessGroup(ctx, group, true); err != nil {
		return err
	}
	s.say(group, ": stopped")
	if _, err := d.RemoveProcessGroup(ctx, group); err != nil {
		return err
	}
	if _, err := d.AddProcessGroup(ctx, group); err != nil {
		return err
	}
	s.say(group, ": updated process group")
	return nil
}

func (s *session) updateAdded(ctx context.Context, d daemon, group string) error {
	if _, err := d.AddProcessGroup(ctx, group); err != nil {
		return err
	}
	s.say(group, ": added process group")
	return nil
}

// add activates groups of the configuration as last read.
func (s *session) add(ctx context.Context, arg string) error {
	d, err := s.client()
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(arg) {
		_, err := d.AddProcessGroup(ctx, name)
		switch faultCode(err) {
		case xmlrpc.ShutdownState:
			s.fail(exitFailed, "ERROR: shutting down")
		case xmlrpc.AlreadyAdded:
			s.say("ERROR: process group already active")
		case xmlrpc.BadName:
			s.fail(exitFailed, "ERROR: no such process/group: ", name)
		default:
			if err != nil {
				return err
			}
			s.say(name, ": added process group")
		}
	}
	return nil
}

// remove deactivates groups that have stopped.
func (s *session) remove(ctx context.Context, arg string) error {
	d, err := s.client()
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(arg) {
		_, err := d.RemoveProcessGroup(ctx, name)
		switch faultCode(err) {
		case xmlrpc.StillRunning:
			s.fail(exitFailed, "ERROR: process/group still running: ", name)
		case xmlrpc.BadName:
			s.fail(exitFailed, "ERROR: no such process/group: ", name)
			s.suggest(ctx, name, aGroup)
		default:
			if err != nil {
				return err
			}
			s.say(name, ": removed process group")
		}
	}
	return nil
}

// reload restarts the server, which then reads its configuration.
func (s *session) reload(ctx context.Context, _ string) error {
	if ok, err := s.consent(ctx, "Really restart the remote supervisord process y/N? "); err != nil || !ok {
		return err
	}
	d, err := s.client()
	if err != nil {
		return err
	}
	_, err = d.Restart(ctx)
	if faultCode(err) == xmlrpc.ShutdownState {
		s.fail(exitFailed, "ERROR: already shutting down")
		return nil
	}
	var fault *xmlrpc.Fault
	if errors.As(err, &fault) && fault.Code == xmlrpc.CantReread { // ours: nothing was stopped
		s.fail(exitFailed, "ERROR: ", fault.Text)
		return nil
	}
	if err == nil {
		s.say("Restarted supervisord")
	}
	return err
}

// shutdown ends the server.
func (s *session) shutdown(ctx context.Context, _ string) error {
	if ok, err := s.consent(ctx, "Really shut the remote supervisord process down y/N? "); err != nil || !ok {
		return err
	}
	d, err := s.client()
	if err != nil {
		return err
	}
	_, err = d.Shutdown(ctx)
	switch {
	case faultCode(err) == xmlrpc.ShutdownState:
		s.say("ERROR: already shutting down") // what was wanted: no reason for a status
	case errors.Is(err, syscall.ECONNREFUSED):
		s.fail(exitFailed, "ERROR: ", s.o.ServerURL, " refused connection (already shut down?)")
	case errors.Is(err, syscall.ENOENT):
		s.fail(exitFailed, "ERROR: ", s.o.ServerURL, " no such file (already shut down?)")
	case err != nil:
		return err
	default:
		s.say("Shut down")
	}
	return nil
}

// consent asks a person before something drastic. Scripts are not asked.
func (s *session) consent(ctx context.Context, question string) (bool, error) {
	if !s.o.Interactive {
		return true, nil
	}
	answer, err := s.ask(ctx, question)
	return strings.HasPrefix(answer, "y") || strings.HasPrefix(answer, "Y"), err
}

// open turns the session to another server and shows the processes there.
func (s *session) open(ctx context.Context, url string) error {
	// What has the scheme but not its slashes is left to the client to refuse.
	scheme, _, found := strings.Cut(strings.ToLower(url), ":")
	if !found || scheme != "http" && scheme != "unix" {
		s.fail(exitFailed, "ERROR: url must be http:// or unix://")
		return nil
	}
	s.hangUp()
	if url != s.o.ServerURL {
		// Name and password are for the server of the configuration.
		s.o.Username, s.o.Password, s.o.HasUsername, s.o.HasPassword = "", "", false, false
	}
	s.o.ServerURL = url
	before := s.status
	defer func() { s.status = before }()
	return s.dispatch(ctx, find("status"), "")
}
