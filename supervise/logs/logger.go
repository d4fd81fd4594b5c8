package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"supervisor/supervise/lines"
)

// LoggerOptions says what is logged, and where. The zero value logs everything
// nowhere.
type LoggerOptions struct {
	Level Level // lines below it are dropped
	JSON  bool  // lines are JSON objects

	// Path is the log file; "" for none, "syslog" for the system's log.
	Path     string
	MaxBytes int64 // 0: the file is never rotated
	Backups  int

	// Echo, if not nil, gets every line as well, whole lines with each Write.
	Echo io.Writer
	// Program is the tag of lines sent to syslog.
	Program string
	// Report is told what is wrong with writing the file; nil for nobody. It must not
	// wait for anything.
	Report func(text string)
	// Now is the clock; nil for time.Now.
	Now func() time.Time

	Files *Files // shared with the logs of children; nil for none
}

// Logger writes the activity log: "YYYY-MM-DD HH:MM:SS,mmm LEVL message", in
// local time, milliseconds cut off; or the same as an object of JSON a line, in UTC. It
// may be used by any goroutine, and a nil *Logger drops everything.
//
// Nobody who logs a line waits for a place that the log goes to: each has an outlet,
// which writes it a moment later. Where a line has to be seen, see Flush.
//
// Arguments are put into interfaces before a line can be dropped; where that
// would cost something, ask Enabled first.
type Logger struct {
	level   Level
	json    bool
	now     func() time.Time
	file    *File     // nil for none
	toFile  *Outlet   // of file
	echo    *Outlet   // nil for none
	shared  bool      // the echo is not ours to close
	outlets []*Outlet // all of them
	syslog  *Syslog
	spare   atomic.Pointer[[]byte] // a buffer for the next line
}

// NewLogger opens the log. The error is that of opening the file.
func NewLogger(o LoggerOptions) (*Logger, error) {
	l := &Logger{level: o.Level, json: o.JSON, now: o.Now}
	if l.now == nil {
		l.now = time.Now
	}
	switch o.Path {
	case "":
	case "syslog":
		l.syslog = NewSyslog(o.Program, "")
		l.add(l.newOutlet(l.writeSyslog)).finish = l.syslog.Close
	default:
		files := o.Files
		if files == nil {
			files = NewFiles()
		}
		l.file = files.File(o.Path, o.MaxBytes, o.Backups)
		l.file.Report = o.Report
		if err := l.file.Open(); err != nil {
			return nil, err
		}
		l.toFile = l.add(l.newOutlet(l.file.WriteLines))
		l.toFile.finish = l.file.Close
	}
	switch echo := o.Echo.(type) {
	case nil:
	case *Outlet:
		l.echo, l.shared = l.add(echo), true
		echo.sayLost(l.lost)
	default:
		l.echo = l.add(NewEcho(echo))
	}
	return l, nil
}

func (l *Logger) add(o *Outlet) *Outlet {
	l.outlets = append(l.outlets, o)
	return o
}

func (l *Logger) newOutlet(write func(lines []byte, ends []int)) *Outlet {
	o := newOutlet(write)
	o.lost = l.lost
	return o
}

// lost is the line that tells a place how many lines it did not get.
func (l *Logger) lost(n int) []byte {
	return l.append(nil, Warn, About{}, func(b []byte) []byte {
		return fmt.Appendf(b, "%d lines are missing here: they could not be written in time", n)
	})
}

// NewEcho returns an outlet for a stream, of which a line is never torn by what
// others write to it.
func NewEcho(w io.Writer) *Outlet {
	o := newOutlet(func(lines []byte, ends []int) {
		wholeLines(lines, ends, func(p []byte) {
			// The stream may be closed or broken; there is nobody left to tell.
			_, _ = w.Write(p)
		})
	})
	o.lost = (&Logger{now: time.Now}).lost
	return o
}

func (l *Logger) writeSyslog(lines []byte, ends []int) {
	begin := 0
	for _, end := range ends {
		l.syslog.send(lines[begin:end])
		begin = end
	}
}

// Enabled reports whether lines of this level are written.
func (l *Logger) Enabled(level Level) bool { return l != nil && level >= l.level }

// Crit, Error, Warn, Info, Debug, Trace and Blather write one line of their
// level, formatted as by fmt.Sprintf. A message of several lines is written as
// it is.
func (l *Logger) Crit(format string, args ...any)    { l.log(Critical, format, args...) }
func (l *Logger) Error(format string, args ...any)   { l.log(Error, format, args...) }
func (l *Logger) Warn(format string, args ...any)    { l.log(Warn, format, args...) }
func (l *Logger) Info(format string, args ...any)    { l.log(Info, format, args...) }
func (l *Logger) Debug(format string, args ...any)   { l.log(Debug, format, args...) }
func (l *Logger) Trace(format string, args ...any)   { l.log(Trace, format, args...) }
func (l *Logger) Blather(format string, args ...any) { l.log(Blather, format, args...) }

// log writes one line of the level given.
func (l *Logger) log(level Level, format string, args ...any) {
	if l.Enabled(level) {
		l.line(level, About{}, func(b []byte) []byte { return fmt.Appendf(b, format, args...) })
	}
}

// Say writes one line of the level given, text as it is: formatting what is complete
// would lie between the death of a process and its next start.
func (l *Logger) Say(level Level, text string) { l.SayAbout(level, About{}, text) }

// About is the program that a line is about, for lines of JSON. What is zero is left out.
type About struct {
	Program string
	PID     int
	Event   string // what has happened, in one word
}

// SayAbout is Say for a line about a program.
func (l *Logger) SayAbout(level Level, about About, text string) {
	if l.Enabled(level) {
		l.line(level, about, func(b []byte) []byte { return append(b, text...) })
	}
}

// line writes a line of which message appends what is said.
func (l *Logger) line(level Level, about About, message func([]byte) []byte) {
	line := l.spare.Swap(nil)
	if line == nil {
		line = new([]byte) // another goroutine has the spare one
	}
	b := l.append((*line)[:0], level, about, message)
	l.write(b)
	// A buffer that one huge chunk of child output has blown up is not kept.
	if cap(b) <= 64<<10 {
		*line = b
		l.spare.Store(line)
	}
}

// append appends a line of which message appends what is said.
func (l *Logger) append(b []byte, level Level, about About, message func([]byte) []byte) []byte {
	if l.json {
		return appendObject(b, l.now(), level, about, message(nil))
	}
	return append(message(appendLinePrefix(b, l.now(), level)), '\n')
}

// appendObject appends a line of JSON.
func appendObject(b []byte, now time.Time, level Level, about About, message []byte) []byte {
	b = append(b, `{"time":"`...)
	b = now.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","level":"`...)
	b = append(b, level.code()...)
	b = append(b, `","message":"`...)
	b = append(lines.AppendEscaped(b, message), '"')
	if about.Program != "" {
		b = append(b, `,"program":"`...)
		b = append(lines.AppendEscaped(b, []byte(about.Program)), '"')
	}
	if about.PID != 0 {
		b = append(b, `,"pid":`...)
		b = strconv.AppendInt(b, int64(about.PID), 10)
	}
	if about.Event != "" {
		b = append(b, `,"event":"`...)
		b = append(lines.AppendEscaped(b, []byte(about.Event)), '"')
	}
	return append(b, "}\n"...)
}

// appendLinePrefix appends what stands before the message.
func appendLinePrefix(b []byte, now time.Time, level Level) []byte {
	b = now.AppendFormat(b, "2006-01-02 15:04:05,000")
	b = append(b, ' ')
	b = append(b, level.code()...)
	return append(b, ' ')
}

func (l *Logger) write(line []byte) {
	for _, o := range l.outlets {
		_, _ = o.Write(line) // has no error
	}
}

// Path is the log file's path, "" if the log goes to no file.
func (l *Logger) Path() string {
	if l == nil || l.file == nil {
		return ""
	}
	return l.file.Path()
}

// Hold keeps lines from being written until it is called with false, or there are
// many, or somebody flushes: for those that one piece of work logs, which costs less.
func (l *Logger) Hold(on bool) {
	if l == nil {
		return
	}
	for _, o := range l.outlets {
		o.hold(on)
	}
}

// Flush waits until all lines logged before are in their places, a second at most.
func (l *Logger) Flush() { l.flush(time.Now().Add(FlushWait)) }

func (l *Logger) flush(deadline time.Time) {
	if l == nil {
		return
	}
	for _, o := range l.outlets {
		o.Flush(deadline)
	}
}

// Settle waits a moment for the lines logged before to be in their places, so that who
// was told of something finds it in the log. Where nothing can be written it does not
// wait.
func (l *Logger) Settle() {
	if l == nil {
		return
	}
	for _, o := range l.outlets {
		o.settle()
	}
}

// Reopen logs lines of level info and then opens the file anew by its name, after
// someone has renamed it: these lines are the last ones in the old file. It does not
// wait for that. If it fails, a line says so.
func (l *Logger) Reopen(texts ...string) {
	if l == nil {
		return
	}
	if !l.Enabled(Info) {
		texts = nil
	}
	last := make([][]byte, len(texts))
	for i, text := range texts {
		last[i] = l.info(text)
	}
	for _, o := range l.outlets {
		if o == l.toFile {
			o.order(l.reopen, last...)
			continue
		}
		for _, line := range last {
			_, _ = o.Write(line)
		}
	}
}

// info is a line of level info.
func (l *Logger) info(text string) []byte {
	return l.append(nil, Info, About{}, func(b []byte) []byte { return append(b, text...) })
}

func (l *Logger) reopen() {
	if err := l.file.Reopen(); err != nil {
		l.Crit("cannot reopen the log %s: %v", l.Path(), err)
	}
}

// Clear deletes the file and begins it anew. Each place that the log goes to is
// announced by "reopening log file", the echo first: so the new file is empty.
// The error is that of deleting or opening; fs.ErrNotExist if there is no file;
// that of ctx, while the disk takes its time.
func (l *Logger) Clear(ctx context.Context) error {
	if l.Path() == "" {
		return os.ErrNotExist
	}
	done := make(chan error, 1)
	if !l.toFile.order(func() { done <- l.clear() }) {
		return errBusy
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errBusy says that too much is waiting already.
var errBusy = errors.New("the log is not being written at the moment")

func (l *Logger) clear() error {
	if _, err := os.Stat(l.Path()); err != nil {
		return os.ErrNotExist
	}
	if err := l.file.with((*OpenFile).remove); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if l.echo != nil && l.Enabled(Info) { // the file would not keep its lines
		for range 2 {
			_, _ = l.echo.Write(l.info("reopening log file"))
		}
	}
	return l.file.Reopen()
}

// Close writes what is still to be written, for a second at most, and closes the
// file. Lines logged later are dropped.
func (l *Logger) Close() {
	if l == nil {
		return
	}
	deadline := time.Now().Add(FlushWait)
	for _, o := range l.outlets {
		if o == l.echo && l.shared {
			o.Flush(deadline)
		} else if !o.close(deadline) && o == l.toFile {
			l.file.Close()
		}
	}
}
