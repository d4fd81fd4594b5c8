//go:build !linux

package web

import "errors"

// watcher is not to be had here: kqueue would need each log opened once more.
// The log streams look twice a second instead.
type watcher struct{}

type subscription struct{ wake chan struct{} }

func newWatcher() (*watcher, error) { return nil, errors.ErrUnsupported }

func (w *watcher) subscribe() *subscription { return nil }

func (w *watcher) close() {}

func (s *subscription) watch(file string, dirs ...string) error { return errors.ErrUnsupported }

func (s *subscription) close() {}
