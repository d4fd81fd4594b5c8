package supervise

import (
	"supervisor/supervise/config"
	"supervisor/supervise/life"
	"supervisor/supervise/logs"
)

// What the loop speaks of all the time.
type (
	Config        = config.Config
	Group         = config.Group
	Program       = config.Program
	FastCGISocket = config.FastCGISocket
	Autorestart   = life.Autorestart
	RestartPolicy = life.RestartPolicy
	Policy        = life.Policy
	User          = config.User
	Channel       = logs.Channel
	LogConfig     = config.Log
	ServerConfig  = config.Server
	Note          = config.Note
)

const (
	Stdout = logs.Stdout
	Stderr = logs.Stderr

	ListenerPool = config.ListenerPool
	FastCGIGroup = config.FastCGIGroup
	ProgramGroup = config.ProgramGroup

	RestartAlways     = life.RestartAlways
	RestartNever      = life.RestartNever
	RestartUnexpected = life.RestartUnexpected
)
