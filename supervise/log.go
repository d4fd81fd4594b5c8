package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

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

// LoggerOptions says what is logged, and where. The zero value logs everything
// nowhere.
type LoggerOptions struct {
	Level Level // lines below it are dropped

	// Path is the log file; "" for none, "syslog" for the system's log.
	Path     string
	MaxBytes int64 // 0: the file is never rotated
	Backups  int

	// Echo, if not nil, gets every line as well: one Write for each.
	Echo io.Writer
	// Program is the tag of lines sent to syslog.
	Program string
	// Report is told what is wrong with writing the file; nil for nobody.
	Report func(text string)
	// Now is the clock; nil for time.Now.
	Now func() time.Time

	files *logFiles // shared with the logs of children; nil for none
}

// Logger writes the activity log: "YYYY-MM-DD HH:MM:SS,mmm LEVL message", in
// local time, milliseconds cut off. It may be used by any goroutine, and a nil
// *Logger drops everything.
//
// Arguments are put into interfaces before a line can be dropped; where that
// would cost something, ask Enabled first.
type Logger struct {
	level  Level
	file   *logFile // nil for none
	syslog *syslogWriter
	echo   io.Writer
	now    func() time.Time
	spare  atomic.Pointer[[]byte] // a buffer for the next line
}

// NewLogger opens the log. The error is that of opening the file.
func NewLogger(o LoggerOptions) (*Logger, error) {
	l := &Logger{level: o.Level, echo: o.Echo, now: o.Now}
	if l.now == nil {
		l.now = time.Now
	}
	switch o.Path {
	case "":
	case "syslog":
		l.syslog = newSyslog(o.Program, "")
	default:
		files := o.files
		if files == nil {
			files = newLogFiles()
		}
		l.file = files.file(o.Path, o.MaxBytes, o.Backups)
		l.file.report = o.Report
		if err := l.file.Open(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Enabled reports whether lines of this level are written.
func (l *Logger) Enabled(level Level) bool { return l != nil && level >= l.level }

// Crit, Error, Warn, Info, Debug, Trace and Blather write one line of their
// level, formatted as by fmt.Sprintf. A message of several lines is written as
// it is.
func (l *Logger) Crit(format string, args ...any)    { l.Log(Critical, format, args...) }
func (l *Logger) Error(format string, args ...any)   { l.Log(Error, format, args...) }
func (l *Logger) Warn(format string, args ...any)    { l.Log(Warn, format, args...) }
func (l *Logger) Info(format string, args ...any)    { l.Log(Info, format, args...) }
func (l *Logger) Debug(format string, args ...any)   { l.Log(Debug, format, args...) }
func (l *Logger) Trace(format string, args ...any)   { l.Log(Trace, format, args...) }
func (l *Logger) Blather(format string, args ...any) { l.Log(Blather, format, args...) }

// Log writes one line of the level given.
func (l *Logger) Log(level Level, format string, args ...any) {
	if l.Enabled(level) {
		l.line(level, func(b []byte) []byte { return fmt.Appendf(b, format, args...) })
	}
}

// Say writes one line of the level given, text as it is: formatting what is complete
// would lie between the death of a process and its next start.
func (l *Logger) Say(level Level, text string) {
	if l.Enabled(level) {
		l.line(level, func(b []byte) []byte { return append(b, text...) })
	}
}

// line writes a line of which message appends what is said.
func (l *Logger) line(level Level, message func([]byte) []byte) {
	line := l.spare.Swap(nil)
	if line == nil {
		line = new([]byte) // another goroutine has the spare one
	}
	b := append(message(appendLinePrefix((*line)[:0], l.now(), level)), '\n')
	l.write(b)
	// A buffer that one huge chunk of child output has blown up is not kept.
	if cap(b) <= 64<<10 {
		*line = b
		l.spare.Store(line)
	}
}

// appendLinePrefix appends what stands before the message.
func appendLinePrefix(b []byte, now time.Time, level Level) []byte {
	b = now.AppendFormat(b, "2006-01-02 15:04:05,000")
	b = append(b, ' ')
	b = append(b, level.code()...)
	return append(b, ' ')
}

func (l *Logger) write(line []byte) {
	if l.echo != nil {
		// Standard output may be closed or broken; there is nobody left to
		// tell, and the file has the line.
		_, _ = l.echo.Write(line)
	}
	if l.file != nil {
		l.file.Write(line)
	}
	if l.syslog != nil {
		l.syslog.Send(line)
	}
}

// Path is the log file's path, "" if the log goes to no file.
func (l *Logger) Path() string {
	if l == nil || l.file == nil {
		return ""
	}
	return l.file.Path()
}

// Reopen opens the file anew by its name, after someone has renamed it.
func (l *Logger) Reopen() error {
	if l == nil || l.file == nil {
		return nil
	}
	return l.file.Reopen()
}

// Clear deletes the file and begins it anew. Each place that the log goes to is
// announced by "reopening log file", the echo first: so the new file is empty.
// The error is that of deleting or opening; fs.ErrNotExist if there is no file.
func (l *Logger) Clear() error {
	if l.Path() == "" {
		return os.ErrNotExist
	}
	if _, err := os.Stat(l.Path()); err != nil {
		return err
	}
	if err := l.file.remove(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if l.echo != nil {
		l.Info("reopening log file")
	}
	l.Info("reopening log file")
	return l.file.Reopen()
}

// Close closes the file. Lines logged later still reach the echo.
func (l *Logger) Close() {
	if l == nil {
		return
	}
	if l.file != nil {
		l.file.Close()
	}
	if l.syslog != nil {
		l.syslog.Close()
	}
}
