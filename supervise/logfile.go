package supervise

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// logRetry is how soon after a failed attempt a log is opened or rotated again.
	logRetry = time.Second
	// logReportEvery is the least time between two remarks about one file.
	logReportEvery = time.Minute
)

// logFiles are the log files that are open, by path. Whoever names the same file
// shares it, so that two programs with one log do not rotate it under each other.
// It belongs to one goroutine, which alone opens and closes its files.
type logFiles struct {
	open map[string]*openLog
	now  func() time.Time // of all its files
}

func newLogFiles() *logFiles {
	return &logFiles{open: make(map[string]*openLog), now: time.Now}
}

// file returns the log of this path, not yet open. maxBytes 0 means that this
// user never rotates it; another user's limit holds for what that one writes.
func (r *logFiles) file(path string, maxBytes int64, backups int) *logFile {
	return &logFile{files: r, path: path, key: filepath.Clean(path), folder: filepath.Dir(path), maxBytes: maxBytes, backups: backups}
}

// newLogFile returns a log that is shared with nobody.
func newLogFile(path string, maxBytes int64, backups int) *logFile {
	return newLogFiles().file(path, maxBytes, backups)
}

// logFile is where one user, a channel of a child or the activity log, writes.
// After Supervisor's loggers.py, RotatingFileHandler, except that the file is
// always in append mode, that only regular files rotate, and that no trouble with
// the disk reaches the one who writes.
//
// Open and Close belong to the goroutine that owns files, everything else is free.
type logFile struct {
	files    *logFiles
	path     string
	key      string // path, cleaned: what it has in files
	folder   string // that it is in
	maxBytes int64
	backups  int

	// private is set for a log with a generated name: it has mode 0600, and is
	// neither followed if it is a symbolic link nor used if it is another's.
	private bool
	// report is told, at most once a minute, that output was lost and why, and
	// when it works again. It is called by the goroutine that writes.
	report func(text string)

	shared atomic.Pointer[openLog] // nil while closed
}

// Path returns the path as it was given.
func (f *logFile) Path() string { return f.path }

// Open opens the file for appending, by its name, even if it is already open. A
// named pipe that nobody reads is no error: it is opened once somebody does.
func (f *logFile) Open() error {
	s := f.files.open[f.key]
	if s == nil {
		s = &openLog{path: f.path, folder: f.folder, private: f.private, now: f.files.now}
	}
	if err := s.openByName(); err != nil {
		return err
	}
	f.files.open[f.key] = s
	if f.shared.Load() == nil {
		s.users++
		f.shared.Store(s)
	}
	return nil
}

// Close closes the file, unless others still have it open. What is written
// afterwards is dropped.
func (f *logFile) Close() {
	s := f.shared.Swap(nil)
	if s == nil {
		return
	}
	if s.users--; s.users == 0 {
		delete(f.files.open, f.key)
		s.close()
	}
}

// Write appends the whole of p, then rotates the file if it has reached the limit.
func (f *logFile) Write(p []byte) {
	s := f.shared.Load()
	if s == nil {
		return
	}
	if text := s.write(p, f.maxBytes, f.backups); text != "" && f.report != nil {
		f.report(text)
	}
}

// WriteLines appends lines, of which ends has the end of each, as if they were
// written one by one: a line that reaches the limit is the last in its file.
func (f *logFile) WriteLines(lines []byte, ends []int) {
	begin := 0
	for i := 0; begin < len(lines); begin, ends = ends[i], ends[i+1:] {
		room := f.room()
		i = sort.Search(len(ends)-1, func(i int) bool { return int64(ends[i]-begin) >= room })
		f.Write(lines[begin:ends[i]])
	}
}

// room is how many bytes can be written before the file is rotated.
func (f *logFile) room() int64 {
	s := f.shared.Load()
	if s == nil || f.maxBytes <= 0 {
		return math.MaxInt64
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.maxBytes - s.size
}

// Reopen opens the file anew by its name. If that fails, writing goes on in the
// old file as long as there is one, and opening is tried again.
func (f *logFile) Reopen() error {
	if s := f.shared.Load(); s != nil {
		return s.reopen()
	}
	return nil
}

// Clear deletes the file, which may be missing, and begins it anew. Backups stay.
func (f *logFile) Clear() error {
	if err := f.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.Reopen()
}

// remove deletes the file's name. Devices, pipes and sockets stay.
func (f *logFile) remove() error {
	if s := f.shared.Load(); s == nil || !s.isRegular() {
		return nil
	}
	return os.Remove(f.path)
}

// inode is what is asked about files here.
type inode struct {
	fileID
	mode  uint32 // as stat has it, with the kind of file in it
	size  int64
	links uint64 // names that it has
	uid   uint32
}

// fileID is what no two files have in common that are there at the same time. The
// zero value is that of none.
type fileID struct{ device, number uint64 }

// openLog is an open file and all who write to it.
type openLog struct {
	path    string
	folder  string // that it is in
	private bool
	now     func() time.Time
	users   int // logFiles that have it open; for the owner of the registry

	mu      sync.Mutex
	file    io.WriteCloser // nil: closed, or it could not be opened
	regular bool           // a diskFile: has a size, can be deleted and rotated
	size    int64          // where the last write ended, as far as we know
	id, dir fileID         // of the file and of its directory

	wanted   bool      // should be opened by name as soon as that works
	err      error     // why it has not worked so far
	lookAt   time.Time // when next to see whether opening works or is due
	rotateAt time.Time // not to be rotated before

	lost    int64     // bytes that could not be written and were not told of
	quietTo time.Time // no remark before
}

// openByName makes sure that the file of this name is the one that is open.
func (s *openLog) openByName() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil && s.current() {
		return nil
	}
	err := s.open(false)
	if errors.Is(err, errNoReader) {
		return nil
	}
	return err
}

// current reports whether the open file is still the one of this name.
func (s *openLog) current() bool {
	named, err := inodeOf(s.path)
	return err == nil && named.fileID == s.id
}

func (s *openLog) reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.open(false)
	if errors.Is(err, errNoReader) {
		return nil
	}
	return err
}

func (s *openLog) isRegular() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.regular
}

// open opens the file by name and lets go of the old one. On failure the old one
// stays, and the next attempt is due in a while.
func (s *openLog) open(truncate bool) error {
	s.lookAt = s.now().Add(logRetry)
	file, info, err := openLogPath(s.path, s.private)
	if err == nil && truncate && info.regular() {
		if err = file.(diskFile).Truncate(0); err != nil {
			// Nobody has written to it, so closing it cannot fail usefully.
			_ = file.Close()
		}
	}
	s.wanted, s.err = err != nil, err
	if err != nil {
		return err
	}
	s.closeFile()
	s.file, s.id, s.regular, s.size = file, info.fileID, info.regular(), info.size
	if truncate {
		s.size = 0
	}
	// Without its directory the file counts as orphaned once it has no name.
	dir, _ := inodeOf(s.folder)
	s.dir = dir.fileID
	return nil
}

func (s *openLog) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeFile()
	s.wanted = false
}

func (s *openLog) closeFile() {
	if s.file != nil {
		// Every write was checked, and there is no second chance at a close.
		_ = s.file.Close()
		s.file = nil
	}
}

// write appends p and says what there is to say about it, mostly nothing.
func (s *openLog) write(p []byte, maxBytes int64, backups int) (remark string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
	if s.file == nil {
		return s.lose(len(p), s.err)
	}
	n, err := s.writeFile(p)
	if err != nil {
		remark = s.lose(len(p)-n, err)
	} else if s.lost > 0 {
		remark = s.recovered()
	}
	if s.size += int64(n); maxBytes > 0 && s.regular && s.size >= maxBytes {
		if trouble := s.rotate(maxBytes, backups); remark == "" {
			remark = trouble
		}
	}
	return remark
}

// writeFile is called with the lock and returns with it. It lets go of it for
// what may take as long as a reader likes, so that reopening and closing never
// wait for one; the file itself then keeps chunks whole.
func (s *openLog) writeFile(p []byte) (int, error) {
	file := s.file
	if s.regular {
		return file.Write(p)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return file.Write(p)
}

// look sees, once in a while, whether the file has to be opened by its name: after
// a failed attempt, or because its directory was deleted. A file that was merely
// renamed or deleted goes on receiving data until Reopen.
func (s *openLog) look() {
	if !s.regular && s.file != nil && !s.wanted {
		return
	}
	now := s.now()
	if now.Before(s.lookAt) {
		return
	}
	s.lookAt = now.Add(logRetry)
	orphaned := s.file != nil && s.orphaned()
	if !s.wanted && !orphaned {
		return
	}
	if s.open(false) != nil && orphaned {
		s.closeFile()
	}
}

// orphaned reports whether the file has lost its name and its directory with it.
func (s *openLog) orphaned() bool {
	if !s.regular {
		return false
	}
	info, err := s.file.(diskFile).inode()
	if err != nil || info.links > 0 {
		return false
	}
	dir, err := inodeOf(s.folder)
	return err != nil || dir.fileID != s.dir
}

// rotate begins a new file if this one really has reached the limit: somebody
// may have truncated it.
func (s *openLog) rotate(maxBytes int64, backups int) (remark string) {
	now := s.now()
	if now.Before(s.rotateAt) {
		return ""
	}
	if info, err := s.file.(diskFile).inode(); err == nil && info.size < maxBytes {
		s.size = info.size
		return ""
	}
	err := shiftBackups(s.path, backups)
	if err == nil {
		err = s.open(true)
	}
	if err == nil {
		return ""
	}
	// Rather a file too large than output lost.
	s.rotateAt = now.Add(logRetry)
	return s.remark("cannot rotate %s: %v", s.path, cause(err))
}

// shiftBackups renames path to path.1, path.1 to path.2 and so on. The last one
// is deleted; missing ones are skipped.
func shiftBackups(path string, backups int) error {
	to := path + "." + strconv.Itoa(backups)
	if backups > 0 {
		discard(to)
	}
	for i := backups - 1; i >= 0; i-- {
		from := path
		if i > 0 {
			from += "." + strconv.Itoa(i)
		}
		if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		to = from
	}
	return nil
}

// lose counts n bytes that could not be written because of err.
func (s *openLog) lose(n int, err error) (remark string) {
	s.lost += int64(n)
	return s.remark("cannot write to %s: %v, %d bytes lost so far", s.path, cause(err), s.lost)
}

// recovered ends an account of lost bytes.
func (s *openLog) recovered() (remark string) {
	remark = s.remark("%s can be written to again, %d bytes were lost", s.path, s.lost)
	if remark != "" {
		s.lost = 0
	}
	return remark
}

// remark returns the text, or "" if the last one was given less than a minute ago.
func (s *openLog) remark(format string, args ...any) string {
	now := s.now()
	if now.Before(s.quietTo) {
		return ""
	}
	s.quietTo = now.Add(logReportEvery)
	return fmt.Sprintf(format, args...)
}

// cause is the error without operation and path.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// mayBlock reports whether writing may have to wait for whoever reads: the open
// file is not a regular one.
func (f *logFile) mayBlock() bool {
	s := f.shared.Load()
	return s != nil && !s.isRegular()
}
