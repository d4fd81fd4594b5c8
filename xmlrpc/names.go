package xmlrpc

// The methods of the namespace supervisor, by the names that client and server have for
// them. Older names that a server knows besides are with the server, but for getVersion,
// which is what a client calls.
const (
	MethodGetAPIVersion        = "getAPIVersion"
	MethodGetVersion           = "getVersion"
	MethodGetSupervisorVersion = "getSupervisorVersion"
	MethodGetIdentification    = "getIdentification"
	MethodGetState             = "getState"
	MethodGetPID               = "getPID"
	MethodReadLog              = "readLog"
	MethodClearLog             = "clearLog"
	MethodShutdown             = "shutdown"
	MethodRestart              = "restart"
	MethodReloadConfig         = "reloadConfig"
	MethodSendRemoteCommEvent  = "sendRemoteCommEvent"

	MethodAddProcessGroup    = "addProcessGroup"
	MethodRemoveProcessGroup = "removeProcessGroup"
	MethodStartProcess       = "startProcess"
	MethodStartProcessGroup  = "startProcessGroup"
	MethodStartAllProcesses  = "startAllProcesses"
	MethodStopProcess        = "stopProcess"
	MethodStopProcessGroup   = "stopProcessGroup"
	MethodStopAllProcesses   = "stopAllProcesses"
	MethodSignalProcess      = "signalProcess"
	MethodSignalProcessGroup = "signalProcessGroup"
	MethodSignalAllProcesses = "signalAllProcesses"
	MethodSendProcessStdin   = "sendProcessStdin"
	MethodGetProcessInfo     = "getProcessInfo"
	MethodGetAllProcessInfo  = "getAllProcessInfo"
	MethodGetAllConfigInfo   = "getAllConfigInfo"

	MethodReadProcessStdoutLog = "readProcessStdoutLog"
	MethodReadProcessStderrLog = "readProcessStderrLog"
	MethodTailProcessStdoutLog = "tailProcessStdoutLog"
	MethodTailProcessStderrLog = "tailProcessStderrLog"
	MethodClearProcessLogs     = "clearProcessLogs"
	MethodClearAllProcessLogs  = "clearAllProcessLogs"
)

// Namespaced returns the full name of a method of the namespace supervisor.
func Namespaced(method string) string { return "supervisor." + method }

// waits reports whether a call is answered only when processes have started or stopped.
func waits(method string, params []any) bool {
	switch method {
	case Namespaced(MethodStartProcess), Namespaced(MethodStartProcessGroup), Namespaced(MethodStartAllProcesses),
		Namespaced(MethodStopProcess), Namespaced(MethodStopProcessGroup), Namespaced(MethodStopAllProcesses):
		return len(params) > 0 && params[len(params)-1] == true
	case "system.multicall": // of anything
		return true
	}
	return false
}
