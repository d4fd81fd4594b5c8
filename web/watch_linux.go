package web

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"syscall"
)

// watcher tells of changes to files, by one inotify instance for any number of
// subscriptions: a user has 128 of those, and many more watches.
type watcher struct {
	file *os.File
	fd   int           // of file, valid until close
	done chan struct{} // closed when run has ended

	mu   sync.Mutex
	subs map[int32]map[*subscription]struct{} // by watch descriptor
}

// subscription is woken when something happened to what it watches.
type subscription struct {
	watcher *watcher
	wake    chan struct{} // holds at most one
	watches []int32       // guarded by watcher.mu
}

const (
	fileEvents = syscall.IN_MODIFY | syscall.IN_MOVE_SELF | syscall.IN_DELETE_SELF | syscall.IN_ATTRIB
	dirEvents  = syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_DELETE | syscall.IN_ONLYDIR
)

// newWatcher fails where inotify is not to be had.
func newWatcher() (*watcher, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	w := &watcher{
		file: os.NewFile(uintptr(fd), "inotify"),
		fd:   fd,
		done: make(chan struct{}),
		subs: make(map[int32]map[*subscription]struct{}),
	}
	go w.run()
	return w, nil
}

func (w *watcher) subscribe() *subscription {
	return &subscription{watcher: w, wake: make(chan struct{}, 1)}
}

// watch watches a file and directories from now on, and nothing else. A file
// that does not exist is no error.
func (s *subscription) watch(file string, dirs ...string) error {
	w := s.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subs == nil {
		return os.ErrClosed
	}
	old := s.watches
	s.watches = nil
	var first error
	for _, dir := range dirs {
		first = errors.Join(first, s.add(dir, dirEvents))
	}
	if err := s.add(file, fileEvents); err != syscall.ENOENT {
		first = errors.Join(first, err)
	}
	s.drop(old)
	return first
}

// add adds one watch. The kernel has one for each file, whoever asks.
func (s *subscription) add(path string, events uint32) error {
	wd, err := syscall.InotifyAddWatch(s.watcher.fd, path, events)
	if err != nil {
		return err
	}
	id := int32(wd)
	if s.watcher.subs[id] == nil {
		s.watcher.subs[id] = make(map[*subscription]struct{})
	}
	s.watcher.subs[id][s] = struct{}{}
	s.watches = append(s.watches, id)
	return nil
}

// drop removes those of the watches that are not in use any more.
func (s *subscription) drop(watches []int32) {
	for _, id := range watches {
		used := false
		for _, now := range s.watches {
			used = used || now == id
		}
		if used {
			continue
		}
		delete(s.watcher.subs[id], s)
		if subs, ok := s.watcher.subs[id]; ok && len(subs) == 0 {
			delete(s.watcher.subs, id)
			// Fails if the file is gone, and its watch with it.
			_, _ = syscall.InotifyRmWatch(s.watcher.fd, uint32(id))
		}
	}
}

func (s *subscription) close() {
	s.watcher.mu.Lock()
	defer s.watcher.mu.Unlock()
	if s.watcher.subs == nil {
		return // the watcher was first, and all watches went with it
	}
	old := s.watches
	s.watches = nil
	s.drop(old)
}

// close ends the watcher. Its subscriptions stay asleep.
func (w *watcher) close() {
	w.mu.Lock()
	w.subs = nil
	w.file.Close() // wakes run; was only read
	w.mu.Unlock()
	<-w.done
}

// run hands on what the kernel tells, until close.
func (w *watcher) run() {
	defer close(w.done)
	buf := make([]byte, 4096)
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		for p := buf[:n]; len(p) >= syscall.SizeofInotifyEvent; {
			id := int32(binary.NativeEndian.Uint32(p))
			mask := binary.NativeEndian.Uint32(p[4:])
			p = p[syscall.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(p[12:])):]
			w.tell(id, mask)
		}
		w.mu.Unlock()
	}
}

// tell wakes who watches. When the kernel lost events that is everyone.
func (w *watcher) tell(id int32, mask uint32) {
	if mask&syscall.IN_Q_OVERFLOW != 0 {
		for _, subs := range w.subs {
			wake(subs)
		}
		return
	}
	wake(w.subs[id])
	if mask&syscall.IN_IGNORED != 0 {
		delete(w.subs, id)
	}
}

func wake(subs map[*subscription]struct{}) {
	for s := range subs {
		select {
		case s.wake <- struct{}{}:
		default: // it is to look anyway
		}
	}
}
