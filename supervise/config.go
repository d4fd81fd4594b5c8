package supervise

import "supervisor/supervise/config"

// What the loop speaks of all the time.
type (
	Config        = config.Config
	Group         = config.Group
	Program       = config.Program
	FastCGISocket = config.FastCGISocket
	Autorestart   = config.Autorestart
	RestartPolicy = config.RestartPolicy
	User          = config.User
	Channel       = config.Channel
	LogConfig     = config.Log
	ServerConfig  = config.Server
	Note          = config.Note
)

const (
	Stdout = config.Stdout
	Stderr = config.Stderr

	ListenerPool = config.ListenerPool
	FastCGIGroup = config.FastCGIGroup
	ProgramGroup = config.ProgramGroup

	RestartAlways     = config.RestartAlways
	RestartNever      = config.RestartNever
	RestartUnexpected = config.RestartUnexpected
)
