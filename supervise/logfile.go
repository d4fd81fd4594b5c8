package supervise

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
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
	open    map[string]*openLog
	streams streams          // that paths like /dev/stdout lead to
	now     func() time.Time // of all its files
}

func newLogFiles() *logFiles {
	return &logFiles{open: make(map[string]*openLog), now: time.Now}
}

// file returns the log of this path, not yet open. maxBytes 0 means that this
// user never rotates it; another user's limit holds for what that one writes.
func (r *logFiles) file(path string, maxBytes int64, backups int) *logFile {
	return &logFile{files: r, path: path, key: filepath.Clean(path), maxBytes: maxBytes, backups: backups}
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
	s := f.hold()
	err := s.openByName()
	if err != nil || f.shared.Load() != nil {
		f.files.drop(s)
		return err
	}
	f.take(s)
	return nil
}

// hold returns the file for one user more, who is to call openByName, which may be done
// in any goroutine, and then take or drop.
func (f *logFile) hold() *openLog {
	s := f.files.open[f.key]
	if s == nil {
		s = &openLog{path: f.path, key: f.key, private: f.private, streams: f.files.streams, now: f.files.now}
		f.files.open[f.key] = s
	}
	s.users++
	return s
}

// take has f write to s, which it holds.
func (f *logFile) take(s *openLog) { f.shared.Store(s) }

// drop gives up what hold gave. The last one closes the file.
func (r *logFiles) drop(s *openLog) {
	if s.users--; s.users == 0 {
		delete(r.open, s.key)
		s.close()
	}
}

// Close closes the file, unless others still have it open. What is written
// afterwards is dropped.
func (f *logFile) Close() {
	if s := f.shared.Swap(nil); s != nil {
		f.files.drop(s)
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
	key     string // path, cleaned: what it has in the registry
	private bool
	streams streams
	now     func() time.Time
	users   int // logFiles that have it open; for the owner of the registry

	mu      sync.Mutex
	file    io.WriteCloser // nil: closed, or it could not be opened
	regular bool           // a diskFile with a name of its own: can be deleted and rotated
	size    int64          // where the last write ended, as far as we know
	id      fileID

	wanted   bool      // should be opened by name as soon as that works
	err      error     // why it has not worked so far
	lookAt   time.Time // when next to see whether opening works or is due
	rotateAt time.Time // not to be rotated before

	lost    int64     // bytes that could not be written and were not told of
	quietTo time.Time // no remark before

	opened func(io.WriteCloser) // told of each file that is opened, with the lock; nil mostly
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
	file, info, err := openLogPath(s.path, s.private, s.streams)
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
	if s.opened != nil {
		s.opened(file)
	}
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
	if s.wanted {
		s.retry()
	}
	if s.file == nil {
		return s.lose(len(p), s.err)
	}
	n, err := s.writeFile(p)
	if err != nil {
		remark = s.lose(len(p)-n, err)
	} else if s.lost > 0 {
		remark = s.recovered()
	}
	if !s.regular {
		return remark
	}
	if s.size += int64(n); maxBytes > 0 && s.size >= maxBytes {
		if trouble := s.rotate(maxBytes, backups); remark == "" {
			remark = trouble
		}
	}
	s.look()
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

// retry opens the file by its name if the last attempt, which failed, is long
// enough ago.
func (s *openLog) retry() {
	if !s.now().Before(s.lookAt) {
		_ = s.open(false) // it has noted the error
	}
}

// look sees, once in a while, whether the name still leads to the file that is
// open. If not, somebody has renamed or deleted it, and what comes next goes to a
// new file of that name. What cannot be opened is written to the old one as long as
// that has a name.
//
// It is called after a write, so that who renames the file and then says so finds
// the last of what was written before in the old one.
func (s *openLog) look() {
	now := s.now()
	if now.Before(s.lookAt) {
		return
	}
	s.lookAt = now.Add(logRetry)
	if s.current() || s.open(false) == nil {
		return
	}
	if info, err := s.file.(diskFile).inode(); err != nil || info.links == 0 {
		s.closeFile()
	}
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

// shiftBackups renames path to path.1, path.1 to path.2 and so on. What is in the
// place of the last one is deleted; missing ones leave a gap in the next place.
func shiftBackups(path string, backups int) error {
	if backups <= 0 {
		return nil
	}
	name := func(i int) string {
		if i == 0 {
			return path
		}
		return path + "." + strconv.Itoa(i)
	}
	for _, i := range append(backupNumbers(path, backups), 0) {
		from, to := name(i), name(i+1)
		if i+1 == backups && exists(from) {
			discard(to)
		}
		if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// fewBackups is up to how many backups it costs less to try each of them than to
// look which there are.
const fewBackups = 16

// backupNumbers returns, the largest first, the numbers of the backups of path that
// are to get the next number; of a few also those that are not there.
func backupNumbers(path string, backups int) []int {
	if backups > fewBackups {
		if numbers, err := numbersIn(filepath.Dir(path), filepath.Base(path)+".", backups); err == nil {
			return numbers
		}
	}
	numbers := make([]int, 0, backups)
	for i := backups - 1; i > 0; i-- {
		numbers = append(numbers, i)
	}
	return numbers
}

// numbersIn returns the numbers from 1 up to below end that follow prefix in names
// of the directory, the largest first.
func numbersIn(dir, prefix string, end int) (numbers []int, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(1000)
		for _, name := range names {
			digits, ok := strings.CutPrefix(name, prefix)
			if n, err := strconv.Atoi(digits); ok && err == nil && 0 < n && n < end && strconv.Itoa(n) == digits {
				numbers = append(numbers, n)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(numbers, func(a, b int) int { return b - a })
	return numbers, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
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
