package logs

import (
	"fmt"
	"strings"

	"supervisor/inifile"
)

// Level is the weight of a log line, Supervisor's number for it.
type Level int

// The levels, from the most talkative.
const (
	Blather  Level = 3
	Trace    Level = 5
	Debug    Level = 10
	Info     Level = 20
	Warn     Level = 30
	Error    Level = 40
	Critical Level = 50
)

// levels has the name of each level in the configuration and in a log line.
var levels = [...]struct {
	level      Level
	name, code string
}{
	{Critical, "critical", "CRIT"},
	{Error, "error", "ERRO"},
	{Warn, "warn", "WARN"},
	{Info, "info", "INFO"},
	{Debug, "debug", "DEBG"},
	{Trace, "trace", "TRAC"},
	{Blather, "blather", "BLAT"},
}

// ParseLevel reads the value of loglevel, in any case.
func ParseLevel(name string) (Level, error) {
	for _, l := range levels {
		if strings.EqualFold(l.name, name) {
			return l.level, nil
		}
	}
	return 0, fmt.Errorf("bad logging level name %s", inifile.PythonRepr(name))
}

// String returns the name that the configuration has for the level.
func (l Level) String() string {
	for _, known := range levels {
		if known.level == l {
			return known.name
		}
	}
	return fmt.Sprintf("level %d", int(l))
}

// code is how a log line names the level.
func (l Level) code() string {
	for _, known := range levels {
		if known.level == l {
			return known.code
		}
	}
	return "????"
}
