// Package logs writes log files: those of programs and the daemon's own. A File is one
// user's view of an OpenFile, which all who write to the same path share, and which rotates;
// the Logger makes lines and has an Outlet write them, which waits for nobody. Levels, AUTO
// names, standard streams as logs and syslog are here too. The methods of a File may take as
// long as a disk takes; who may wait for that is not decided here.
//
// Begin with File and Logger.
package logs

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
	"supervisor/supervise/sys"
)

const (
	// logRetry is how soon after a failed attempt a log is opened or rotated again.
	logRetry = time.Second
	// logReportEvery is the least time between two remarks about one file.
	logReportEvery = time.Minute
)

// Files are the log files that are open, by path. Whoever names the same file
// shares it, so that two programs with one log do not rotate it under each other.
type Files struct {
	Streams Streams          // that paths like /dev/stdout lead to
	now     func() time.Time // of all its files
	Freeing *job.Gate        // for the freeing of deleted files; nil does not bound it

	mu   sync.Mutex // for moments only: what may wait for a disk is done without it
	Open map[string]*OpenFile
}

// NewFiles returns a set with no file open, no stream and no Freeing.
func NewFiles() *Files {
	return &Files{Open: make(map[string]*OpenFile), now: time.Now}
}

// File returns the log of this path, not yet open. maxBytes 0 means that this
// user never rotates it; another user's limit holds for what that one writes.
func (r *Files) File(path string, maxBytes int64, backups int) *File {
	return &File{Files: r, path: path, key: filepath.Clean(path), MaxBytes: maxBytes, backups: backups}
}

// File is where one user, a channel of a program or the activity log, writes.
// After Supervisor's loggers.py, RotatingFileHandler, except that the file is
// always in append mode, that only regular files rotate, and that no trouble with
// the disk reaches the one who writes.
//
// It is safe for concurrent use. What its methods do may take as long as a disk
// takes, or as another user of the file, so the loop calls none but Path.
type File struct {
	Files    *Files
	path     string
	key      string // path, cleaned: what it has in Files.Open
	MaxBytes int64
	backups  int

	// Private is set for a log with a generated name: it has mode 0600, and is
	// neither followed if it is a symbolic link nor used if it is another's.
	Private bool
	// Report is told, at most once a minute, that output was lost and why, and
	// when it works again. It is called by the goroutine that writes.
	Report func(text string)

	droppedLines, droppedBytes atomic.Uint64

	opened int                      // calls of Open without one of Close; with the lock of Files
	Shared atomic.Pointer[OpenFile] // nil while closed
}

// Path returns the path as it was given.
func (f *File) Path() string { return f.path }

// Open opens the file for appending, by its name, even if it is already open. A
// named pipe that nobody reads is no error: it is opened once somebody does. Each
// Open that has no error needs a Close.
func (f *File) Open() error {
	s := f.join()
	if !s.TryLock() {
		if s.inUse.Load() { // by whoever writes to it, and may not be through soon
			s.lookSoon.Store(true)
			return nil
		}
		s.Lock(nil)
	}
	err := s.openByName()
	s.Unlock()
	if err != nil {
		f.Close()
	}
	return err
}

// join makes f one of the users of the file.
func (f *File) join() *OpenFile {
	f.Files.mu.Lock()
	defer f.Files.mu.Unlock()
	s := f.Shared.Load()
	if s == nil {
		s = f.Files.Open[f.key]
	}
	if s == nil {
		s = &OpenFile{path: f.path, private: f.Private, streams: f.Files.Streams, now: f.Files.now, freeing: f.Files.Freeing, place: make(chan struct{}, 1)}
		f.Files.Open[f.key] = s
	}
	s.users++
	f.opened++
	f.Shared.Store(s)
	return s
}

// leave makes f one user less, and returns the file if that was the last.
func (f *File) leave() *OpenFile {
	f.Files.mu.Lock()
	defer f.Files.mu.Unlock()
	s := f.Shared.Load()
	if s == nil {
		return nil
	}
	if f.opened--; f.opened == 0 {
		f.Shared.Store(nil)
	}
	if s.users--; s.users > 0 {
		return nil
	}
	delete(f.Files.Open, f.key)
	return s
}

// Close closes the file, unless others still have it open. What is written
// afterwards is dropped. If somebody is just writing, he closes it; he does not wait for
// a reader any more.
func (f *File) Close() {
	s := f.leave()
	if s == nil {
		return
	}
	s.Unused.Store(true)
	if s.TryLock() {
		s.Unlock()
	} else {
		s.Writer.Exhaust(nil)
	}
}

// WriteTo appends the whole of p, then rotates the file if it has reached the limit. It is
// for who has the lock.
func (f *File) WriteTo(s *OpenFile, p []byte) {
	n, remark := s.write(p, f.MaxBytes, f.backups)
	if n < len(p) {
		f.lose(p[n:])
	}
	f.remark(remark)
}

// WriteLines appends lines, of which ends has the end of each, as if they were
// written one by one: a line that reaches the limit is the last in its file.
func (f *File) WriteLines(lines []byte, ends []int) {
	s := f.Shared.Load()
	if s == nil {
		return
	}
	s.Lock(nil)
	defer s.Unlock()
	begin := 0
	for i := 0; begin < len(lines); begin, ends = ends[i], ends[i+1:] {
		i = len(ends) - 1
		if f.MaxBytes > 0 {
			room := f.MaxBytes - s.size
			i = sort.Search(i, func(i int) bool { return int64(ends[i]-begin) >= room })
		}
		f.WriteTo(s, lines[begin:ends[i]])
	}
}

// Reopen opens the file anew by its name. If that fails, writing goes on in the
// old file as long as there is one, and opening is tried again.
func (f *File) Reopen() error {
	return f.with((*OpenFile).Reopen)
}

// with calls do with the lock, if the file is open.
func (f *File) with(do func(*OpenFile) error) error {
	s := f.Shared.Load()
	if s == nil {
		return nil
	}
	s.Lock(nil)
	defer s.Unlock()
	return do(s)
}

// OpenFile is an open file and all who write to it. Who has its lock may take as long
// as the disk takes; so it is one that can be tried, and that one can cease to wait for.
type OpenFile struct {
	path    string
	private bool
	streams Streams
	now     func() time.Time
	freeing *job.Gate
	users   int // by whom it is open; with the lock of Files

	place    chan struct{} // the lock: who has put something in has it
	inUse    atomic.Bool   // there is a file
	Regular  atomic.Bool   // it is a DiskFile with a name of its own: can be deleted and rotated
	Unused   atomic.Bool   // whoever has the lock closes it
	Writer   Writing       // of who writes to a stream
	Slow     Slowness      // how it is dealt with as long as it takes its time
	lookSoon atomic.Bool   // the next who writes looks whether the name leads to another file

	// With the lock:
	File   io.WriteCloser // nil: closed, or it could not be opened
	size   int64          // where the last write ended, as far as we know
	id     sys.FileID
	wanted bool  // should be opened by name as soon as that works
	err    error // why it has not worked so far

	LookAt   time.Time // when next to see whether opening works or is due
	rotateAt time.Time // not to be rotated before

	lost    int64     // bytes that could not be written and were not told of
	quietTo time.Time // no remark before

	opened func(io.WriteCloser) // told of each file that is opened, with the lock; nil mostly
}

// Slowness is what those who pump to a log note of it.
type Slowness struct {
	Until  atomic.Int64           // the time until when it counts as slow; 0 for never
	Device atomic.Uint64          // that it is on
	Left   atomic.Pointer[func()] // whoever has the lock calls it, once, when he is through
	Lane   any                    // what waits for it; theirs, with a lock of theirs
}

// TryLock takes the lock if nobody has it, and reports whether it did.
func (s *OpenFile) TryLock() bool {
	select {
	case s.place <- struct{}{}:
		return true
	default:
		return false
	}
}

// Lock waits for the lock, and reports whether it has it; not if giveUp, which may be
// nil, is closed before.
func (s *OpenFile) Lock(giveUp <-chan struct{}) bool {
	if s.TryLock() {
		return true
	}
	select {
	case s.place <- struct{}{}:
		return true
	case <-giveUp:
		return false
	}
}

// LockUntil is Lock for who waits until then, at most; not at all if the time is over.
func (s *OpenFile) LockUntil(until time.Time, giveUp <-chan struct{}) bool {
	if s.TryLock() {
		return true
	}
	wait := time.Until(until)
	if wait <= 0 {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case s.place <- struct{}{}:
		return true
	case <-timer.C:
	case <-giveUp:
	}
	return false
}

// Unlock gives the lock back. It first closes a file that nobody uses any more, and tells
// who has asked for that by Slow.Left.
func (s *OpenFile) Unlock() {
	for {
		if s.Unused.Load() {
			s.closeFile()
			s.wanted = false
		}
		<-s.place
		// Who has found it locked relies on us.
		if s.Slow.Left.Load() != nil {
			if told := s.Slow.Left.Swap(nil); told != nil {
				(*told)()
			}
		}
		if !s.Unused.Load() || !s.inUse.Load() || !s.TryLock() {
			return
		}
	}
}

// openByName makes sure that the file of this name is the one that is open.
func (s *OpenFile) openByName() error {
	if s.File != nil && s.current() {
		return nil
	}
	return s.Reopen()
}

// current reports whether the open file is still the one of this name.
func (s *OpenFile) current() bool {
	named, err := sys.InodeOf(s.path)
	return err == nil && named.FileID == s.id
}

// Reopen is that of File, for who has the lock.
func (s *OpenFile) Reopen() error {
	if s.Unused.Load() {
		return nil
	}
	err := s.open(false)
	if errors.Is(err, errNoReader) {
		return nil
	}
	return err
}

// Clear deletes the file, which may be missing, and begins it anew. Backups stay. It is for
// who has the lock.
func (s *OpenFile) Clear() error {
	if err := s.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.Reopen()
}

// remove deletes the file's name. Devices, pipes and sockets stay.
func (s *OpenFile) remove() error {
	if s.Unused.Load() || !s.Regular.Load() {
		return nil
	}
	return os.Remove(s.path)
}

// open opens the file by name and lets go of the old one. On failure the old one
// stays, and the next attempt is due in a while.
func (s *OpenFile) open(truncate bool) error {
	s.LookAt = s.now().Add(logRetry)
	file, info, err := openLogPath(s.path, s.private, s.streams)
	if err == nil && truncate && info.Regular() {
		if err = file.(DiskFile).Truncate(0); err != nil {
			// Nobody has written to it, so closing it cannot fail usefully.
			_ = file.Close()
		}
	}
	s.wanted, s.err = err != nil, err
	if err != nil {
		return err
	}
	s.closeFile()
	s.File, s.id, s.size = file, info.FileID, info.Size
	if truncate {
		s.size = 0
	}
	s.Regular.Store(info.Regular())
	s.Slow.Device.Store(info.Device)
	s.inUse.Store(true)
	if s.opened != nil {
		s.opened(file)
	}
	return nil
}

func (s *OpenFile) closeFile() {
	if s.File != nil {
		// Every write was checked, and there is no second chance at a close.
		_ = s.File.Close()
		s.File = nil
		s.inUse.Store(false)
	}
}

// write appends p. It returns how much of it is not lost, and what there is to say about
// it, mostly nothing.
func (s *OpenFile) write(p []byte, maxBytes int64, backups int) (n int, remark string) {
	if s.Unused.Load() {
		return len(p), ""
	}
	if s.wanted {
		s.retry()
	}
	if s.File == nil {
		return 0, s.lose(len(p), s.err)
	}
	n, err := s.put(p)
	if err != nil {
		remark = s.lose(len(p)-n, err)
	} else if s.lost > 0 {
		remark = s.recovered()
	}
	if !s.Regular.Load() {
		return n, remark
	}
	if s.size += int64(n); maxBytes > 0 && s.size >= maxBytes {
		if trouble := s.rotate(maxBytes, backups); remark == "" {
			remark = trouble
		}
	}
	s.look()
	return n, remark
}

// put writes p. Where there is a reader to be waited for, the writer can be told to
// cease.
func (s *OpenFile) put(p []byte) (int, error) {
	if stream, ok := s.File.(*os.File); ok {
		return s.Writer.write(stream, p, &s.Unused)
	}
	return s.File.Write(p)
}

// Writing is what is known of who writes to a stream, and may wait for its reader.
type Writing struct {
	mu     sync.Mutex
	out    *atomic.Bool // of who has the lock of the log: he gives up; nil for none that can be told
	stream *os.File     // that it writes to just now
	ceased bool         // it was told
}

// Set says who writes from now on: giveUp becomes true when he is to cease. nil is for
// nobody who can be told.
func (w *Writing) Set(giveUp *atomic.Bool) {
	w.mu.Lock()
	w.out = giveUp
	w.mu.Unlock()
}

// write writes p. What is not to be waited for gets as much as it takes.
func (w *Writing) write(stream *os.File, p []byte, unused *atomic.Bool) (n int, err error) {
	if !w.begin(stream, unused) {
		w.end(stream)
		if n, err = writeNow(stream, p); err == nil && n < len(p) {
			err = os.ErrDeadlineExceeded
		}
		return n, err
	}
	n, err = stream.Write(p)
	w.end(stream)
	return n, err
}

// begin notes that a stream is about to be waited for. It reports false if it shall not be.
func (w *Writing) begin(stream *os.File, unused *atomic.Bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out != nil && w.out.Load() || unused.Load() {
		return false
	}
	w.stream = stream
	return true
}

func (w *Writing) end(stream *os.File) {
	w.mu.Lock()
	w.stream = nil
	if w.ceased {
		w.ceased = false
		_ = stream.SetWriteDeadline(time.Time{}) // as cease could, so can this
	}
	w.mu.Unlock()
}

// Exhaust makes who was set with giveUp, or whoever writes if it is nil, cease to wait,
// if the stream is of a kind where that can be done.
func (w *Writing) Exhaust(giveUp *atomic.Bool) {
	w.mu.Lock()
	if (giveUp == nil || w.out == giveUp) && w.stream != nil {
		w.cease()
	}
	w.mu.Unlock()
}

func (w *Writing) cease() {
	w.ceased = true
	_ = w.stream.SetWriteDeadline(time.Now()) // a thread that waits in the system cannot be freed
}

// retry opens the file by its name if the last attempt, which failed, is long
// enough ago.
func (s *OpenFile) retry() {
	if !s.now().Before(s.LookAt) {
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
func (s *OpenFile) look() {
	now := s.now()
	if now.Before(s.LookAt) && !s.lookSoon.Swap(false) {
		return
	}
	s.LookAt = now.Add(logRetry)
	if s.current() || s.open(false) == nil {
		return
	}
	if info, err := s.File.(DiskFile).inode(); err != nil || info.Links == 0 {
		s.closeFile()
	}
}

// rotate begins a new file if this one really has reached the limit: somebody
// may have truncated it.
func (s *OpenFile) rotate(maxBytes int64, backups int) (remark string) {
	now := s.now()
	if now.Before(s.rotateAt) {
		return ""
	}
	if info, err := s.File.(DiskFile).inode(); err == nil && info.Size < maxBytes {
		s.size = info.Size
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
func (s *OpenFile) lose(n int, err error) (remark string) {
	s.lost += int64(n)
	return s.remark("cannot write to %s: %v, %d bytes lost so far", s.path, cause(err), s.lost)
}

// recovered ends an account of lost bytes.
func (s *OpenFile) recovered() (remark string) {
	remark = s.remark("%s can be written to again, %d bytes were lost", s.path, s.lost)
	if remark != "" {
		s.lost = 0
	}
	return remark
}

// remark returns the text, or "" if the last one was given less than a minute ago.
func (s *OpenFile) remark(format string, args ...any) string {
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

// MayBlock reports whether writing may have to wait for whoever reads: the open
// file is not a regular one.
func (f *File) MayBlock() bool {
	s := f.Shared.Load()
	return s != nil && !s.Regular.Load()
}
