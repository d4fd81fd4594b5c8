package web

import (
	"context"
	"time"

	"supervisor/xmlrpc"
)

// Backend is what the pages and the log streams need to know and do.
// *supervise.API has it.
type Backend interface {
	Identification(ctx context.Context) (string, error)
	SupervisorVersion(ctx context.Context) (string, error)
	AllProcessInfo(ctx context.Context) ([]xmlrpc.ProcessInfo, error)
	ProcessInfo(ctx context.Context, namespec string) (xmlrpc.ProcessInfo, error)
	StartProcess(ctx context.Context, namespec string, wait bool) (bool, error)
	StopProcess(ctx context.Context, namespec string, wait bool) (bool, error)
	StartProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error)
	StopProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error)
	StartAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error)
	StopAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error)
	ClearProcessLogs(ctx context.Context, namespec string) (bool, error)
	ReadProcessLog(ctx context.Context, namespec, channel string, offset, length int64) (string, error)

	// LogPath returns the file that channel ("stdout" or "stderr") of a process
	// is logged to, "" if it is not logged. Fault: BAD_NAME.
	LogPath(ctx context.Context, namespec, channel string) (string, error)
	// MainLogPath returns the file of the daemon's own log, "" if it has none.
	MainLogPath(ctx context.Context) string
	// Changed blocks until the process table is newer than version since, or
	// ctx ends, and returns its present version. The version 0 is older than any.
	Changed(ctx context.Context, since uint64) (uint64, error)
}

// Logger receives the daemon's own log lines. It keeps none of the arguments.
type Logger interface {
	Trace(format string, args ...any)
	Error(format string, args ...any)
}

// pager serves the pages a browser shows, and the files they are made of.
type pager interface {
	// serve answers a GET or POST for a page; false if there is no such page.
	// The request and what it holds are valid only until serve, or the stream
	// of its reply, returns.
	serve(ctx context.Context, r *request) (reply, bool)
	// static returns the file at path, which has no leading slash and no dots
	// to resolve: "images/icon.png".
	static(path string) (asset, bool)
}

// asset is a static file.
type asset struct {
	body        []byte
	contentType string
	modified    time.Time
}
