package logs

import (
	"io"
	"os"
	"runtime/debug"

	"supervisor/supervise/sys"
)

// TakeCrashes has the log file get, as it is, what the Go runtime says when this program
// crashes, besides stderr, which leads nowhere in the background. It follows the file when
// that is opened anew. Of a log that is no file nothing is taken.
func (l *Logger) TakeCrashes() {
	if l != nil && l.file != nil {
		l.file.onOpen(crashInto)
	}
}

// onOpen calls fn for the file that is open, and for each that takes its place.
func (f *File) onOpen(fn func(io.WriteCloser)) {
	s := f.Shared.Load()
	if s == nil {
		return
	}
	s.Lock(nil)
	defer s.Unlock()
	s.opened = fn
	if s.File != nil {
		fn(s.File)
	}
}

// crashInto has crashes reported to a file.
func crashInto(w io.WriteCloser) {
	file, ok := w.(DiskFile)
	if !ok {
		return
	}
	fd, err := sys.DupCloexec(int(file))
	if err != nil {
		return // no descriptor is left for what will hardly ever be needed
	}
	f := os.NewFile(uintptr(fd), "log")
	defer f.Close()
	_ = debug.SetCrashOutput(f, debug.CrashOptions{}) // as above
}
