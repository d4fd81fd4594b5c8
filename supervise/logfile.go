package supervise

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"supervisor/supervise/job"
)

const (
	// logRetry is how soon after a failed attempt a log is opened or rotated again.
	logRetry = time.Second
	// logReportEvery is the least time between two remarks about one file.
	logReportEvery = time.Minute
)

// logFiles are the log files that are open, by path. Whoever names the same file
// shares it, so that two programs with one log do not rotate it under each other.
type logFiles struct {
	streams streams          // that paths like /dev/stdout lead to
	now     func() time.Time // of all its files
	freeing *job.Gate        // for the freeing of deleted files; nil does not bound it

	mu   sync.Mutex // for moments only: what may wait for a disk is done without it
	open map[string]*openLog
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

// logFile is where one user, a channel of a program or the activity log, writes.
// After Supervisor's loggers.py, RotatingFileHandler, except that the file is
// always in append mode, that only regular files rotate, and that no trouble with
// the disk reaches the one who writes.
//
// It is safe for concurrent use. What its methods do may take as long as a disk
// takes, or as another user of the file, so the loop calls none but Path.
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

	opened int                     // calls of Open without one of Close; with the lock of files
	shared atomic.Pointer[openLog] // nil while closed
}

// Path returns the path as it was given.
func (f *logFile) Path() string { return f.path }

// Open opens the file for appending, by its name, even if it is already open. A
// named pipe that nobody reads is no error: it is opened once somebody does. Each
// Open that has no error needs a Close.
func (f *logFile) Open() error {
	s := f.join()
	if !s.tryLock() {
		if s.inUse.Load() { // by whoever writes to it, and may not be through soon
			s.lookSoon.Store(true)
			return nil
		}
		s.lock(nil)
	}
	err := s.openByName()
	s.unlock()
	if err != nil {
		f.Close()
	}
	return err
}

// join makes f one of the users of the file.
func (f *logFile) join() *openLog {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	s := f.shared.Load()
	if s == nil {
		s = f.files.open[f.key]
	}
	if s == nil {
		s = &openLog{path: f.path, private: f.private, streams: f.files.streams, now: f.files.now, freeing: f.files.freeing, place: make(chan struct{}, 1)}
		f.files.open[f.key] = s
	}
	s.users++
	f.opened++
	f.shared.Store(s)
	return s
}

// leave makes f one user less, and returns the file if that was the last.
func (f *logFile) leave() *openLog {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	s := f.shared.Load()
	if s == nil {
		return nil
	}
	if f.opened--; f.opened == 0 {
		f.shared.Store(nil)
	}
	if s.users--; s.users > 0 {
		return nil
	}
	delete(f.files.open, f.key)
	return s
}

// Close closes the file, unless others still have it open. What is written
// afterwards is dropped. If somebody is just writing, he closes it; he does not wait for
// a reader any more.
func (f *logFile) Close() {
	s := f.leave()
	if s == nil {
		return
	}
	s.unused.Store(true)
	if s.tryLock() {
		s.unlock()
	} else {
		s.writer.exhaust(nil)
	}
}

// Write appends the whole of p, then rotates the file if it has reached the limit.
func (f *logFile) Write(p []byte) {
	if s := f.shared.Load(); s != nil {
		s.lock(nil)
		defer s.unlock()
		f.writeTo(s, p)
	}
}

// writeTo is Write for who has the lock.
func (f *logFile) writeTo(s *openLog, p []byte) {
	if text := s.write(p, f.maxBytes, f.backups); text != "" && f.report != nil {
		f.report(text)
	}
}

// WriteLines appends lines, of which ends has the end of each, as if they were
// written one by one: a line that reaches the limit is the last in its file.
func (f *logFile) WriteLines(lines []byte, ends []int) {
	s := f.shared.Load()
	if s == nil {
		return
	}
	s.lock(nil)
	defer s.unlock()
	begin := 0
	for i := 0; begin < len(lines); begin, ends = ends[i], ends[i+1:] {
		i = len(ends) - 1
		if f.maxBytes > 0 {
			room := f.maxBytes - s.size
			i = sort.Search(i, func(i int) bool { return int64(ends[i]-begin) >= room })
		}
		f.writeTo(s, lines[begin:ends[i]])
	}
}

// Reopen opens the file anew by its name. If that fails, writing goes on in the
// old file as long as there is one, and opening is tried again.
func (f *logFile) Reopen() error {
	return f.with((*openLog).reopen)
}

// Clear deletes the file, which may be missing, and begins it anew. Backups stay.
func (f *logFile) Clear() error {
	return f.with((*openLog).clear)
}

// with calls do with the lock, if the file is open.
func (f *logFile) with(do func(*openLog) error) error {
	s := f.shared.Load()
	if s == nil {
		return nil
	}
	s.lock(nil)
	defer s.unlock()
	return do(s)
}

// openLog is an open file and all who write to it. Who has its lock may take as long
// as the disk takes; so it is one that can be tried, and that one can cease to wait for.
type openLog struct {
	path    string
	private bool
	streams streams
	now     func() time.Time
	freeing *job.Gate
	users   int // by whom it is open; with the lock of logFiles

	place    chan struct{} // the lock: who has put something in has it
	inUse    atomic.Bool   // there is a file
	regular  atomic.Bool   // it is a diskFile with a name of its own: can be deleted and rotated
	unused   atomic.Bool   // whoever has the lock closes it
	writer   writing       // of who writes to a stream
	slow     slowness      // how it is dealt with as long as it takes its time
	lookSoon atomic.Bool   // the next who writes looks whether the name leads to another file

	// With the lock:
	file   io.WriteCloser // nil: closed, or it could not be opened
	size   int64          // where the last write ended, as far as we know
	id     fileID
	wanted bool  // should be opened by name as soon as that works
	err    error // why it has not worked so far

	lookAt   time.Time // when next to see whether opening works or is due
	rotateAt time.Time // not to be rotated before

	lost    int64     // bytes that could not be written and were not told of
	quietTo time.Time // no remark before

	opened func(io.WriteCloser) // told of each file that is opened, with the lock; nil mostly
}

// slowness is what those who pump to a log note of it.
type slowness struct {
	until  atomic.Int64           // the time until when it counts as slow; 0 for never
	device atomic.Uint64          // that it is on
	left   atomic.Pointer[func()] // whoever has the lock calls it, once, when he is through
	lane   any                    // what waits for it; theirs, with a lock of theirs
}

func (s *openLog) tryLock() bool {
	select {
	case s.place <- struct{}{}:
		return true
	default:
		return false
	}
}

// lock waits for the lock, and reports whether it has it; not if giveUp, which may be
// nil, is closed before.
func (s *openLog) lock(giveUp <-chan struct{}) bool {
	if s.tryLock() {
		return true
	}
	select {
	case s.place <- struct{}{}:
		return true
	case <-giveUp:
		return false
	}
}

func (s *openLog) unlock() {
	for {
		if s.unused.Load() {
			s.closeFile()
			s.wanted = false
		}
		<-s.place
		// Who has found it locked relies on us.
		if s.slow.left.Load() != nil {
			if told := s.slow.left.Swap(nil); told != nil {
				(*told)()
			}
		}
		if !s.unused.Load() || !s.inUse.Load() || !s.tryLock() {
			return
		}
	}
}

// openByName makes sure that the file of this name is the one that is open.
func (s *openLog) openByName() error {
	if s.file != nil && s.current() {
		return nil
	}
	return s.reopen()
}

// current reports whether the open file is still the one of this name.
func (s *openLog) current() bool {
	named, err := inodeOf(s.path)
	return err == nil && named.fileID == s.id
}

func (s *openLog) reopen() error {
	if s.unused.Load() {
		return nil
	}
	err := s.open(false)
	if errors.Is(err, errNoReader) {
		return nil
	}
	return err
}

func (s *openLog) clear() error {
	if err := s.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.reopen()
}

// remove deletes the file's name. Devices, pipes and sockets stay.
func (s *openLog) remove() error {
	if s.unused.Load() || !s.regular.Load() {
		return nil
	}
	return os.Remove(s.path)
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
	s.file, s.id, s.size = file, info.fileID, info.size
	if truncate {
		s.size = 0
	}
	s.regular.Store(info.regular())
	s.slow.device.Store(info.device)
	s.inUse.Store(true)
	if s.opened != nil {
		s.opened(file)
	}
	return nil
}

func (s *openLog) closeFile() {
	if s.file != nil {
		// Every write was checked, and there is no second chance at a close.
		_ = s.file.Close()
		s.file = nil
		s.inUse.Store(false)
	}
}

// write appends p and says what there is to say about it, mostly nothing.
func (s *openLog) write(p []byte, maxBytes int64, backups int) (remark string) {
	if s.unused.Load() {
		return ""
	}
	if s.wanted {
		s.retry()
	}
	if s.file == nil {
		return s.lose(len(p), s.err)
	}
	n, err := s.put(p)
	if err != nil {
		remark = s.lose(len(p)-n, err)
	} else if s.lost > 0 {
		remark = s.recovered()
	}
	if !s.regular.Load() {
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

// put writes p. Where there is a reader to be waited for, the writer can be told to
// cease.
func (s *openLog) put(p []byte) (int, error) {
	if stream, ok := s.file.(*os.File); ok {
		return s.writer.write(stream, p, &s.unused)
	}
	return s.file.Write(p)
}

// writing is what is known of who writes to a stream, and may wait for its reader.
type writing struct {
	mu     sync.Mutex
	out    *atomic.Bool // of who has the lock of the log: he gives up; nil for none that can be told
	stream *os.File     // that it writes to just now
	ceased bool         // it was told
}

func (w *writing) set(giveUp *atomic.Bool) {
	w.mu.Lock()
	w.out = giveUp
	w.mu.Unlock()
}

func (w *writing) write(stream *os.File, p []byte, unused *atomic.Bool) (int, error) {
	w.mu.Lock()
	w.stream = stream
	if w.out != nil && w.out.Load() || unused.Load() {
		w.cease()
	}
	w.mu.Unlock()
	n, err := stream.Write(p)
	w.mu.Lock()
	w.stream = nil
	if w.ceased {
		w.ceased = false
		_ = stream.SetWriteDeadline(time.Time{}) // as cease could, so can this
	}
	w.mu.Unlock()
	return n, err
}

// exhaust makes who was set with giveUp, or whoever writes if it is nil, cease to wait,
// if the stream is of a kind where that can be done.
func (w *writing) exhaust(giveUp *atomic.Bool) {
	w.mu.Lock()
	if (giveUp == nil || w.out == giveUp) && w.stream != nil {
		w.cease()
	}
	w.mu.Unlock()
}

func (w *writing) cease() {
	w.ceased = true
	_ = w.stream.SetWriteDeadline(time.Now()) // a thread that waits in the system cannot be freed
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
	if now.Before(s.lookAt) && !s.lookSoon.Swap(false) {
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
	err := shiftBackups(s.path, backups, s.freeing)
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
func shiftBackups(path string, backups int, freeing *job.Gate) error {
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
			discard(to, freeing)
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
	return s != nil && !s.regular.Load()
}
