package xmlrpc

import (
	"context"
	"fmt"
)

// APIVersion returns the version of the interface, "3.0" for every Supervisor
// since 3.0. It calls getVersion, which old servers have too.
func (c *Client) APIVersion(ctx context.Context) (string, error) {
	return asked[string](c.supervisor(ctx, MethodGetVersion))
}

// SupervisorVersion returns the version of the program at the other end.
func (c *Client) SupervisorVersion(ctx context.Context) (string, error) {
	return asked[string](c.supervisor(ctx, MethodGetSupervisorVersion))
}

// Identification returns the identifier= of the daemon.
func (c *Client) Identification(ctx context.Context) (string, error) {
	return asked[string](c.supervisor(ctx, MethodGetIdentification))
}

// State returns what the daemon as a whole is doing.
func (c *Client) State(ctx context.Context) (StateInfo, error) {
	s, err := asked[Struct](c.supervisor(ctx, MethodGetState))
	return StateInfo{Code: s.int("statecode"), Name: s.string("statename")}, err
}

// PID returns the process id of the daemon.
func (c *Client) PID(ctx context.Context) (int, error) {
	return asked[int](c.supervisor(ctx, MethodGetPID))
}

// ReadLog returns length bytes of the daemon's own log from offset on; all that
// follow if length is 0. A negative offset counts from the end, with length 0.
// Faults: BAD_ARGUMENTS, NO_FILE, FAILED.
func (c *Client) ReadLog(ctx context.Context, offset, length int64) (string, error) {
	return asked[string](c.supervisor(ctx, MethodReadLog, offset, length))
}

// ClearLog empties the daemon's own log. Faults: NO_FILE, FAILED.
func (c *Client) ClearLog(ctx context.Context) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodClearLog))
}

// Shutdown tells the daemon to stop all processes and exit. It does not wait.
func (c *Client) Shutdown(ctx context.Context) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodShutdown))
}

// Restart tells the daemon to stop all processes and to begin anew. It does not
// wait.
func (c *Client) Restart(ctx context.Context) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodRestart))
}

// ReloadConfig reads the configuration again and returns which groups are not
// as it says; nothing is started or stopped. Fault: CANT_REREAD.
func (c *Client) ReloadConfig(ctx context.Context) (Changes, error) {
	v, err := asked[[]any](c.supervisor(ctx, MethodReloadConfig))
	if err != nil {
		return Changes{}, err
	}
	if len(v) > 0 { // the odd array around the one with the lists
		v, _ = v[0].([]any)
	}
	if len(v) < 3 {
		return Changes{}, fmt.Errorf("reloadConfig: %d lists in the answer", len(v))
	}
	return Changes{Added: stringsOf(v[0]), Changed: stringsOf(v[1]), Removed: stringsOf(v[2])}, nil
}

// AddProcessGroup activates a group of the configuration as last read. Faults:
// BAD_NAME, ALREADY_ADDED.
func (c *Client) AddProcessGroup(ctx context.Context, name string) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodAddProcessGroup, name))
}

// RemoveProcessGroup forgets a group whose processes are all stopped. Faults:
// BAD_NAME, STILL_RUNNING.
func (c *Client) RemoveProcessGroup(ctx context.Context, name string) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodRemoveProcessGroup, name))
}

// StartProcess starts a process and, if wait, returns when it is RUNNING.
// Faults: BAD_NAME, NO_FILE, NOT_EXECUTABLE, ALREADY_STARTED, SPAWN_ERROR,
// ABNORMAL_TERMINATION.
func (c *Client) StartProcess(ctx context.Context, namespec string, wait bool) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodStartProcess, namespec, wait))
}

// StartProcessGroup starts all processes of a group. Fault: BAD_NAME.
func (c *Client) StartProcessGroup(ctx context.Context, group string, wait bool) ([]Result, error) {
	return results(c.supervisor(ctx, MethodStartProcessGroup, group, wait))
}

// StartAllProcesses starts all processes.
func (c *Client) StartAllProcesses(ctx context.Context, wait bool) ([]Result, error) {
	return results(c.supervisor(ctx, MethodStartAllProcesses, wait))
}

// StopProcess stops a process and, if wait, returns when it has stopped.
// Faults: BAD_NAME, NOT_RUNNING, FAILED.
func (c *Client) StopProcess(ctx context.Context, namespec string, wait bool) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodStopProcess, namespec, wait))
}

// StopProcessGroup stops all processes of a group. Fault: BAD_NAME.
func (c *Client) StopProcessGroup(ctx context.Context, group string, wait bool) ([]Result, error) {
	return results(c.supervisor(ctx, MethodStopProcessGroup, group, wait))
}

// StopAllProcesses stops all processes.
func (c *Client) StopAllProcesses(ctx context.Context, wait bool) ([]Result, error) {
	return results(c.supervisor(ctx, MethodStopAllProcesses, wait))
}

// SignalProcess sends a signal, given by name or number. Faults: BAD_NAME,
// BAD_SIGNAL, NOT_RUNNING, FAILED.
func (c *Client) SignalProcess(ctx context.Context, namespec, signal string) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodSignalProcess, namespec, signal))
}

// SignalProcessGroup sends a signal to all processes of a group. Fault: BAD_NAME.
func (c *Client) SignalProcessGroup(ctx context.Context, group, signal string) ([]Result, error) {
	return results(c.supervisor(ctx, MethodSignalProcessGroup, group, signal))
}

// SignalAllProcesses sends a signal to all processes.
func (c *Client) SignalAllProcesses(ctx context.Context, signal string) ([]Result, error) {
	return results(c.supervisor(ctx, MethodSignalAllProcesses, signal))
}

// AllProcessInfo describes all processes, sorted by group and name.
func (c *Client) AllProcessInfo(ctx context.Context) ([]ProcessInfo, error) {
	var infos []ProcessInfo
	err := c.roundTrip(ctx, Namespaced(MethodGetAllProcessInfo), nil, func(body string) (err error) {
		infos, err = decodeProcessInfos(body)
		return err
	})
	return infos, err
}

// ProcessInfo describes one process. Fault: BAD_NAME.
func (c *Client) ProcessInfo(ctx context.Context, namespec string) (ProcessInfo, error) {
	s, err := asked[Struct](c.supervisor(ctx, MethodGetProcessInfo, namespec))
	return s.processInfo(), err
}

// AllConfigInfo describes all processes of the configuration as last read,
// sorted by name. Old servers tell less; the rest is zero then.
func (c *Client) AllConfigInfo(ctx context.Context) ([]ConfigInfo, error) {
	return structs(Struct.configInfo)(c.supervisor(ctx, MethodGetAllConfigInfo))
}

// ReadProcessLog is ReadLog for the log of a process. Channel is "stdout" or
// "stderr". Faults: BAD_NAME, BAD_ARGUMENTS, NO_FILE, FAILED.
func (c *Client) ReadProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (string, error) {
	return asked[string](c.supervisor(ctx, ofChannel(channel, MethodReadProcessStdoutLog, MethodReadProcessStderrLog), namespec, offset, length))
}

// TailProcessLog returns the last length bytes of a log, or fewer if offset is
// close to its end. Without a log the answer is zero. Fault: BAD_NAME.
func (c *Client) TailProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (Tail, error) {
	v, err := asked[[]any](c.supervisor(ctx, ofChannel(channel, MethodTailProcessStdoutLog, MethodTailProcessStderrLog), namespec, offset, length))
	if err != nil {
		return Tail{}, err
	}
	if len(v) < 3 {
		return Tail{}, fmt.Errorf("%d values in the answer instead of 3", len(v))
	}
	bytes, _ := v[0].(string)
	overflow, _ := v[2].(bool)
	return Tail{Bytes: bytes, Offset: int64Of(v[1]), Overflow: overflow}, nil
}

// ofChannel returns the method for the log of a channel.
func ofChannel(channel, stdout, stderr string) string {
	if channel == "stderr" {
		return stderr
	}
	return stdout
}

// ClearProcessLogs empties both logs of a running process. Faults: BAD_NAME,
// FAILED.
func (c *Client) ClearProcessLogs(ctx context.Context, namespec string) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodClearProcessLogs, namespec))
}

// ClearAllProcessLogs empties the logs of all running processes.
func (c *Client) ClearAllProcessLogs(ctx context.Context) ([]Result, error) {
	return results(c.supervisor(ctx, MethodClearAllProcessLogs))
}

// SendProcessStdin writes chars to the standard input of a process. Faults:
// BAD_NAME, NOT_RUNNING, NO_FILE.
func (c *Client) SendProcessStdin(ctx context.Context, namespec, chars string) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodSendProcessStdin, namespec, chars))
}

// SendRemoteCommEvent raises a REMOTE_COMMUNICATION event.
func (c *Client) SendRemoteCommEvent(ctx context.Context, typ, data string) (bool, error) {
	return asked[bool](c.supervisor(ctx, MethodSendRemoteCommEvent, typ, data))
}

// supervisor calls a method of Supervisor's own.
func (c *Client) supervisor(ctx context.Context, method string, params ...any) (any, error) {
	return c.Call(ctx, Namespaced(method), params...)
}

// asked returns the answer of a call as the type it must have.
func asked[T any](v any, err error) (T, error) {
	t, ok := v.(T)
	if err == nil && !ok {
		err = fmt.Errorf("unexpected answer: %T instead of %T", v, t)
	}
	return t, err
}

// structs returns what turns the answer of a call, an array of structs, into
// typed values.
func structs[T any](one func(Struct) T) func(any, error) ([]T, error) {
	return func(v any, err error) ([]T, error) {
		array, err := asked[[]any](v, err)
		if err != nil {
			return nil, err
		}
		typed := make([]T, len(array))
		for i, e := range array {
			s, err := asked[Struct](e, nil)
			if err != nil {
				return nil, err
			}
			typed[i] = one(s)
		}
		return typed, nil
	}
}

func results(v any, err error) ([]Result, error) {
	return structs(Struct.result)(v, err)
}

func stringsOf(v any) []string {
	array, _ := v.([]any)
	texts := make([]string, 0, len(array))
	for _, e := range array {
		s, _ := e.(string)
		texts = append(texts, s)
	}
	return texts
}

// int64Of returns an integer of either size, else 0.
func int64Of(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	}
	return 0
}

// The members of a struct by type: zero if there is none of this name, or of
// another type. Old servers lack members, and others have more.

func (s Struct) string(name string) string {
	v, _ := s.Get(name)
	text, _ := v.(string)
	return text
}

func (s Struct) int64(name string) int64 {
	v, _ := s.Get(name)
	return int64Of(v)
}

func (s Struct) int(name string) int { return int(s.int64(name)) }

func (s Struct) bool(name string) bool {
	v, _ := s.Get(name)
	b, _ := v.(bool)
	return b
}

func (s Struct) processInfo() ProcessInfo {
	p := ProcessInfo{
		Name: s.string("name"), Group: s.string("group"),
		Start: s.int64("start"), Stop: s.int64("stop"), Now: s.int64("now"),
		State: State(s.int("state")), SpawnErr: s.string("spawnerr"),
		ExitStatus:    s.int("exitstatus"),
		StdoutLogfile: s.string("stdout_logfile"), StderrLogfile: s.string("stderr_logfile"),
		PID: s.int("pid"), Description: s.string("description"),
	}
	if _, ok := s.Get("stdout_logfile"); !ok {
		p.StdoutLogfile = s.string("logfile")
	}
	return p
}

func (s Struct) result() Result {
	return Result{
		Name: s.string("name"), Group: s.string("group"),
		Status: Code(s.int("status")), Description: s.string("description"),
	}
}

func (s Struct) configInfo() ConfigInfo {
	c := ConfigInfo{
		Name: s.string("name"), Group: s.string("group"),
		InUse: s.bool("inuse"), Autostart: s.bool("autostart"),
		GroupPrio: s.int("group_prio"), ProcessPrio: s.int("process_prio"),
		Command: s.string("command"), Directory: s.string("directory"),
		KillAsGroup: s.bool("killasgroup"), RedirectStderr: s.bool("redirect_stderr"),
		StartRetries: s.int("startretries"), StartSecs: s.int("startsecs"),
		StopSignal: s.int("stopsignal"), StopWaitSecs: s.int("stopwaitsecs"),
		ServerURL:             s.string("serverurl"),
		StdoutLogfile:         s.string("stdout_logfile"),
		StdoutLogfileBackups:  s.int("stdout_logfile_backups"),
		StdoutLogfileMaxBytes: s.int64("stdout_logfile_maxbytes"),
		StdoutCaptureMaxBytes: s.int64("stdout_capture_maxbytes"),
		StdoutEventsEnabled:   s.bool("stdout_events_enabled"),
		StdoutSyslog:          s.bool("stdout_syslog"),
		StderrLogfile:         s.string("stderr_logfile"),
		StderrLogfileBackups:  s.int("stderr_logfile_backups"),
		StderrLogfileMaxBytes: s.int64("stderr_logfile_maxbytes"),
		StderrCaptureMaxBytes: s.int64("stderr_capture_maxbytes"),
		StderrEventsEnabled:   s.bool("stderr_events_enabled"),
		StderrSyslog:          s.bool("stderr_syslog"),
	}
	c.Autorestart, _ = s.Get("autorestart")
	c.UID, _ = s.Get("uid")
	codes, _ := s.Get("exitcodes")
	array, _ := codes.([]any)
	for _, e := range array {
		c.ExitCodes = append(c.ExitCodes, int(int64Of(e)))
	}
	return c
}
