package supervise

import (
	"context"
	"errors"

	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// The parameters and answers that several methods have.
var (
	paramProcess = xmlrpc.Param{Type: "string", Name: "name", Text: "process name, or group:name; group:* for the whole group where that makes sense"}
	paramGroup   = xmlrpc.Param{Type: "string", Name: "name", Text: "group name"}
	paramWait    = xmlrpc.Param{Type: "boolean", Name: "wait", Text: "answer only when it is decided; true unless given", Optional: true}
	paramSignal  = xmlrpc.Param{Type: "string", Name: "signal", Text: "signal name, with or without SIG, or number"}
	paramOffset  = xmlrpc.Param{Type: "int", Name: "offset", Text: "where to begin; negative counts from the end"}
	paramLength  = xmlrpc.Param{Type: "int", Name: "length", Text: "number of bytes, 0 for all"}
	done         = xmlrpc.Param{Type: "boolean", Name: "result", Text: "always true; what goes wrong is a fault"}
	version      = xmlrpc.Param{Type: "string", Name: "version", Text: "the version"}
	text         = xmlrpc.Param{Type: "string", Name: "result", Text: "the text"}
	statuses     = xmlrpc.Param{Type: "array", Name: "result", Text: "structs {name, group, status, description}, one for each process concerned"}
	tailed       = xmlrpc.Param{Type: "array", Name: "result", Text: "[bytes, offset of the end, whether there is more than was asked for]"}
)

// methods is the table of the remote interface: every name, what it takes, what
// it answers, its help, and what it does.
func (a *API) methods() []xmlrpc.Method {
	all := a.daemonMethods()
	all = append(all, a.controlMethods()...)
	all = append(all, a.logMethods(logs.Stdout)...)
	all = append(all, a.logMethods(logs.Stderr)...)
	return append(all, a.infoMethods()...)
}

// namespace is the methods under the name that an [rpcinterface:x] gives them.
func (a *API) namespace(name string) xmlrpc.Namespace {
	return xmlrpc.Namespace{
		Name: name, Methods: a.methods(),
		Guard: func(ctx context.Context, method string) error {
			if method == xmlrpc.MethodSendRemoteCommEvent { // listeners may have to hear of the end
				return nil
			}
			return a.ready(ctx, method)
		},
	}
}

// plain makes the Call of a method without arguments.
func plain[T any](fn func(context.Context) (T, error)) func(context.Context, xmlrpc.Args) (any, error) {
	return func(ctx context.Context, _ xmlrpc.Args) (any, error) { return fn(ctx) }
}

func (a *API) daemonMethods() []xmlrpc.Method {
	return []xmlrpc.Method{
		{Name: xmlrpc.MethodGetAPIVersion, Aliases: []string{xmlrpc.MethodGetVersion}, Summary: "Tells the version of this interface.", Returns: version, Call: plain(a.APIVersion)},
		{Name: xmlrpc.MethodGetSupervisorVersion, Summary: "Tells the version of supervisord.", Returns: version, Call: plain(a.SupervisorVersion)},
		{Name: xmlrpc.MethodGetIdentification, Summary: "Tells the identifier of this supervisord.",
			Returns: xmlrpc.Param{Type: "string", Name: "identifier", Text: "as configured"}, Call: plain(a.Identification)},
		{
			Name: xmlrpc.MethodGetState, Summary: "Tells what supervisord is about.",
			Returns: xmlrpc.Param{Type: "struct", Name: "result", Text: "{statecode, statename}"}, Call: plain(a.State),
		},
		{
			Name: xmlrpc.MethodGetPID, Summary: "Tells the process id of supervisord.",
			Returns: xmlrpc.Param{Type: "int", Name: "PID", Text: "the process id"}, Call: plain(a.PID),
		},
		{
			Name: xmlrpc.MethodReadLog, Aliases: []string{"readMainLog"}, Summary: "Reads from supervisord's own log.",
			Params: []xmlrpc.Param{paramOffset, paramLength}, Returns: text,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				offset, length, err := extent(args, 0)
				if err != nil {
					return nil, err
				}
				if err := a.ready(ctx, ""); err != nil {
					return nil, err
				}
				return asText(a.logs().open(ctx, a.MainLogPath(ctx), offset, length))
			},
		},
		{Name: xmlrpc.MethodClearLog, Summary: "Empties supervisord's own log.", Returns: done, Call: plain(a.ClearLog)},
		{Name: xmlrpc.MethodShutdown, Summary: "Stops all processes and ends supervisord.", Returns: done, Call: plain(a.Shutdown)},
		{Name: xmlrpc.MethodRestart, Summary: "Stops all processes, reads the configuration again and starts over.", Returns: done, Call: plain(a.Restart)},
		{
			Name:    xmlrpc.MethodReloadConfig,
			Summary: "Reads the configuration again and compares it with what is active.\nNothing is started or stopped.",
			Returns: xmlrpc.Param{Type: "array", Name: "result", Text: "[[added, changed, removed]], three arrays of group names"},
			Call:    plain(a.ReloadConfig),
		},
		{
			Name: xmlrpc.MethodSendRemoteCommEvent, Summary: "Sends an event to the listeners of REMOTE_COMMUNICATION.",
			Params: []xmlrpc.Param{
				{Type: "string", Name: "type", Text: "what kind of message it is"},
				{Type: "string", Name: "data", Text: "the message"},
			},
			Returns: done,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				return a.SendRemoteCommEvent(ctx, args.String(0), args.String(1))
			},
		},
	}
}

// extent returns offset and length, which are arguments i and i+1.
func extent(args xmlrpc.Args, i int) (offset, length int64, err error) {
	if offset, err = args.Int(i); err != nil {
		return 0, 0, err
	}
	length, err = args.Int(i + 1)
	return offset, length, err
}

func (a *API) controlMethods() []xmlrpc.Method {
	return []xmlrpc.Method{
		a.change(xmlrpc.MethodStartProcess, "Starts a process.", a.StartProcess, a.StartProcessGroup),
		a.changeGroup(xmlrpc.MethodStartProcessGroup, "Starts the processes of a group that are not up.", a.StartProcessGroup),
		a.changeAll(xmlrpc.MethodStartAllProcesses, "Starts all processes that are not up.", a.StartAllProcesses),
		a.change(xmlrpc.MethodStopProcess, "Stops a process.", a.StopProcess, a.StopProcessGroup),
		a.changeGroup(xmlrpc.MethodStopProcessGroup, "Stops the processes of a group that are up.", a.StopProcessGroup),
		a.changeAll(xmlrpc.MethodStopAllProcesses, "Stops all processes that are up.", a.StopAllProcesses),
		{
			Name: xmlrpc.MethodSignalProcess, Summary: "Sends a signal to a process.",
			Params: []xmlrpc.Param{paramProcess, paramSignal}, Returns: done,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				name, err := args.Name(0)
				if err != nil {
					return nil, err
				}
				signal, err := args.Signal(1)
				if err != nil {
					return nil, err
				}
				if group, _, whole := xmlrpc.SplitNamespec(name); whole {
					results, err := a.SignalProcessGroup(ctx, group, signal)
					return results, asSent(err, name)
				}
				return a.SignalProcess(ctx, name, signal)
			},
		},
		{
			Name: xmlrpc.MethodSignalProcessGroup, Summary: "Sends a signal to the processes of a group.",
			Params: []xmlrpc.Param{paramGroup, paramSignal}, Returns: statuses,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				group, err := args.Group(0)
				if err != nil {
					return nil, err
				}
				signal, err := args.Signal(1)
				if err != nil {
					return nil, err
				}
				return a.SignalProcessGroup(ctx, group, signal)
			},
		},
		{
			Name: xmlrpc.MethodSignalAllProcesses, Summary: "Sends a signal to all processes.",
			Params: []xmlrpc.Param{paramSignal}, Returns: statuses,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				signal, err := args.Signal(0)
				if err != nil {
					return nil, err
				}
				return a.SignalAllProcesses(ctx, signal)
			},
		},
		{
			Name: xmlrpc.MethodSendProcessStdin, Summary: "Writes to the standard input of a process, as it is, without a newline.",
			Params: []xmlrpc.Param{paramProcess, {Type: "string", Name: "chars", Text: "what to write"}}, Returns: done,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				chars, err := args.Text(1)
				if err != nil {
					return nil, err
				}
				name, err := args.Name(0)
				if err != nil {
					return nil, err
				}
				return a.SendProcessStdin(ctx, name, chars)
			},
		},
		a.onGroup(xmlrpc.MethodAddProcessGroup, "Makes a group of the configuration as last read active.", xmlrpc.Args.NewGroup, a.AddProcessGroup),
		a.onGroup(xmlrpc.MethodRemoveProcessGroup, "Makes a stopped group inactive.", xmlrpc.Args.Group, a.RemoveProcessGroup),
	}
}

func (a *API) onGroup(name, summary string, arg func(xmlrpc.Args, int) (string, error), call func(context.Context, string) (bool, error)) xmlrpc.Method {
	return xmlrpc.Method{
		Name: name, Summary: summary, Params: []xmlrpc.Param{paramGroup}, Returns: done,
		Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
			group, err := arg(args, 0)
			if err != nil {
				return nil, err
			}
			return call(ctx, group)
		},
	}
}

// change is startProcess or stopProcess, which take a whole group too and then
// answer as the method for groups does.
func (a *API) change(name, summary string, one func(context.Context, string, bool) (bool, error), group func(context.Context, string, bool) ([]xmlrpc.Result, error)) xmlrpc.Method {
	return xmlrpc.Method{
		Name: name, Summary: summary, Params: []xmlrpc.Param{paramProcess, paramWait}, Returns: done,
		Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
			name, err := args.Name(0)
			if err != nil {
				return nil, err
			}
			wait := args.Truth(1, true)
			if g, _, whole := xmlrpc.SplitNamespec(name); whole {
				results, err := group(ctx, g, wait)
				return results, asSent(err, name)
			}
			return one(ctx, name, wait)
		},
	}
}

// asSent lets BAD_NAME name what the caller sent, not the group that was cut out
// of it.
func asSent(err error, namespec string) error {
	var fault *xmlrpc.Fault
	if errors.As(err, &fault) && fault.Code == xmlrpc.BadName {
		return xmlrpc.NewFault(xmlrpc.BadName, namespec)
	}
	return err
}

func (a *API) changeGroup(name, summary string, call func(context.Context, string, bool) ([]xmlrpc.Result, error)) xmlrpc.Method {
	return xmlrpc.Method{
		Name: name, Summary: summary, Params: []xmlrpc.Param{paramGroup, paramWait}, Returns: statuses,
		Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
			group, err := args.Group(0)
			if err != nil {
				return nil, err
			}
			return call(ctx, group, args.Truth(1, true))
		},
	}
}

func (a *API) changeAll(name, summary string, call func(context.Context, bool) ([]xmlrpc.Result, error)) xmlrpc.Method {
	return xmlrpc.Method{
		Name: name, Summary: summary, Params: []xmlrpc.Param{paramWait}, Returns: statuses,
		Call: func(ctx context.Context, args xmlrpc.Args) (any, error) { return call(ctx, args.Truth(0, true)) },
	}
}

// logMethods are those that read one channel's log. Those of stdout have older
// names besides.
func (a *API) logMethods(ch logs.Channel) []xmlrpc.Method {
	read, tail := xmlrpc.MethodReadProcessStdoutLog, xmlrpc.MethodTailProcessStdoutLog
	oldRead, oldTail := []string{"readProcessLog"}, []string{"tailProcessLog"}
	if ch == logs.Stderr {
		read, tail, oldRead, oldTail = xmlrpc.MethodReadProcessStderrLog, xmlrpc.MethodTailProcessStderrLog, nil, nil
	}
	params := []xmlrpc.Param{paramProcess, paramOffset, paramLength}
	return []xmlrpc.Method{
		{
			Name: read, Aliases: oldRead, Params: params, Returns: text,
			Summary: "Reads from the " + ch.String() + " log of a process.",
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				name, offset, length, err := nameAndExtent(args)
				if err != nil {
					return nil, err
				}
				path, err := a.LogPath(ctx, name, ch.String())
				if err != nil {
					return nil, err
				}
				return asText(a.logs().open(ctx, path, offset, length))
			},
		},
		{
			Name: tail, Aliases: oldTail, Params: params, Returns: tailed,
			Summary: "Reads the end of the " + ch.String() + " log of a process, and tells whether it grew beyond that.",
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				name, offset, length, err := nameAndExtent(args)
				if err != nil {
					return nil, err
				}
				path, err := a.LogPath(ctx, name, ch.String())
				if err != nil {
					return nil, err
				}
				tail, err := a.logs().tail(ctx, path, offset, length)
				if err != nil || tail.Text == nil {
					return xmlrpc.Tail{}, err
				}
				return tail, nil
			},
		},
	}
}

// asText is what a method answers that has opened a log: it is read when it is answered.
func asText(t *logText, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}

func nameAndExtent(args xmlrpc.Args) (name string, offset, length int64, err error) {
	if name, err = args.Name(0); err != nil {
		return "", 0, 0, err
	}
	offset, length, err = extent(args, 1)
	return name, offset, length, err
}

func (a *API) infoMethods() []xmlrpc.Method {
	return []xmlrpc.Method{
		{
			Name: xmlrpc.MethodGetProcessInfo, Summary: "Tells all about a process.", Params: []xmlrpc.Param{paramProcess},
			Returns: xmlrpc.Param{Type: "struct", Name: "result", Text: "name, group, state, times, logs, pid, description"},
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				name, err := args.Name(0)
				if err != nil {
					return nil, err
				}
				return a.ProcessInfo(ctx, name)
			},
		},
		{
			Name: xmlrpc.MethodGetAllProcessInfo, Summary: "Tells all about all processes.",
			Returns: xmlrpc.Param{Type: "array", Name: "result", Text: "structs as of getProcessInfo, by group and name"},
			Call:    plain(a.AllProcessInfo),
		},
		{
			Name: xmlrpc.MethodGetAllConfigInfo, Summary: "Tells how all processes of the configuration as last read are configured.",
			Returns: xmlrpc.Param{Type: "array", Name: "result", Text: "structs, by name"},
			Call:    plain(a.AllConfigInfo),
		},
		{
			Name: xmlrpc.MethodClearProcessLogs, Aliases: []string{"clearProcessLog"}, Summary: "Empties the logs of a running process.",
			Params: []xmlrpc.Param{paramProcess}, Returns: done,
			Call: func(ctx context.Context, args xmlrpc.Args) (any, error) {
				name, err := args.Name(0)
				if err != nil {
					return nil, err
				}
				return a.ClearProcessLogs(ctx, name)
			},
		},
		{Name: xmlrpc.MethodClearAllProcessLogs, Summary: "Empties the logs of all running processes.", Returns: statuses, Call: plain(a.ClearAllProcessLogs)},
	}
}
