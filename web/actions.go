package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"supervisor/xmlrpc"
)

// errAction is an action that does not exist, or lacks its process.
var errAction = errors.New("no such action")

// act carries out an action of the status page and returns the message that
// tells how it went, in Supervisor's words. An error means that the request
// made no sense, or that the daemon is going down.
func (u *ui) act(ctx context.Context, action, name string) (string, error) {
	// The daemon refuses everything once it is stopping, so ask it first.
	if _, err := u.backend.Identification(ctx); err != nil {
		return "", err
	}
	switch action {
	case "refresh":
		return "Page refreshed at " + u.clock(), nil
	case "stopall":
		_, err := u.backend.StopAllProcesses(ctx, true)
		return "All stopped at " + u.clock(), err
	case "restartall":
		if _, err := u.backend.StopAllProcesses(ctx, true); err != nil {
			return "", err
		}
		_, err := u.backend.StartAllProcesses(ctx, true)
		return "All restarted at " + u.clock(), err
	case "startgroup", "stopgroup", "restartgroup":
		return u.actOnGroup(ctx, strings.TrimSuffix(action, "group"), name)
	}
	if name != "" {
		if _, err := u.backend.ProcessInfo(ctx, name); code(err) == xmlrpc.BadName {
			return "No such process named " + name, nil
		} else if err != nil {
			return "", err
		}
		switch action {
		case "start":
			_, err := u.backend.StartProcess(ctx, name, true)
			return started(name, err)
		case "stop":
			_, err := u.backend.StopProcess(ctx, name, true)
			return outcome("Process "+name+" stopped", err)
		case "restart":
			return u.restart(ctx, name)
		case "clearlog":
			_, err := u.backend.ClearProcessLogs(ctx, name)
			return outcome("Log for "+name+" cleared", err)
		}
	}
	return "", fmt.Errorf("%w: %q", errAction, action)
}

// restart stops and starts a process. Whether it was there to be stopped and
// whether it came up, the page shows: the message is always the same.
func (u *ui) restart(ctx context.Context, name string) (string, error) {
	if _, err := u.backend.StopProcess(ctx, name, true); err != nil && code(err) == 0 {
		return "", err
	}
	if _, err := u.backend.StartProcess(ctx, name, true); err != nil && code(err) == 0 {
		return "", err
	}
	return "Process " + name + " restarted", nil
}

// actOnGroup starts, stops or restarts a group, given as "group" or "group:*".
func (u *ui) actOnGroup(ctx context.Context, action, name string) (string, error) {
	group, ok := groupName(name)
	if !ok {
		return "", fmt.Errorf("%w: %q", errAction, action)
	}
	var results []xmlrpc.Result
	var err error
	if action != "start" {
		results, err = u.backend.StopProcessGroup(ctx, group, true)
	}
	if action != "stop" && err == nil {
		var more []xmlrpc.Result
		more, err = u.backend.StartProcessGroup(ctx, group, true)
		results = append(results, more...)
	}
	if code(err) == xmlrpc.BadName {
		return "No such group named " + group, nil
	}
	var failed []string
	for _, r := range results {
		if r.Status != xmlrpc.Success {
			failed = append(failed, r.Namespec()+": "+r.Description)
		}
	}
	if len(failed) > 0 {
		return "ERROR: Group " + group + ": " + strings.Join(failed, ", "), nil
	}
	done := map[string]string{"start": " started", "stop": " stopped", "restart": " restarted"}[action]
	return outcome("Group "+group+done, err)
}

// groupName returns the group that is named as "group" or "group:*"; false if
// that is no group's name.
func groupName(name string) (group string, ok bool) {
	group, process, whole := xmlrpc.SplitNamespec(name)
	return group, name != "" && (whole || process == group)
}

// started words the outcome of a start.
func started(name string, err error) (string, error) {
	text := ""
	switch code(err) {
	case xmlrpc.NoFile:
		text = "no such file"
	case xmlrpc.NotExecutable:
		text = "file not executable"
	case xmlrpc.AlreadyStarted:
		text = "already started"
	case xmlrpc.SpawnError:
		text = "spawn error"
	case xmlrpc.AbnormalTermination:
		text = "abnormal termination"
	case 0:
		return "Process " + name + " started", err
	default:
		text = unexpected(err)
	}
	return "ERROR: Process " + name + ": " + text, nil
}

// outcome is done, or else the fault in its place. Other errors are passed on.
func outcome(done string, err error) (string, error) {
	if code(err) == 0 {
		return done, err
	}
	return unexpected(err), nil
}

// code returns the code of a fault, 0 if err is not one.
func code(err error) xmlrpc.Code {
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		return fault.Code
	}
	return 0
}

// clock returns the local time as C's asctime writes it.
func (u *ui) clock() string { return u.now().Local().Format(time.ANSIC) }
