package pipes

import (
	"fmt"
	"os"
	"time"

	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
)

// offering is one piece of output on its way to a log that may not take it.
type offering struct {
	out    *Output
	log    *logs.OpenFile
	locked bool
}

// offer takes a piece of output to a log that is no regular file. It waits until that takes
// it, but no longer than Drop says; then lines are dropped.
func (r *reader) offer(o *Output, s *logs.OpenFile, p []byte) {
	w := offering{out: o, log: s}
	o.Drop.Write(p, time.Now(), w.take)
	for until := o.Drop.Hold(); !until.IsZero() && !o.giveUp.Load(); until = o.Drop.Hold() {
		w.wait(until)
		o.Drop.Retry(time.Now(), w.take)
	}
	switch {
	case w.locked && o.Drop.Waiting() && !o.giveUp.Load() && s.CanAwait():
		o.room = make(chan struct{})
		go o.watch(s, o.room)
	case w.locked:
		s.Writer.Set(nil)
		s.Unlock()
	}
	o.count()
}

// watch waits until a log takes the rest of a line that it has the beginning of. It has the
// lock, so that nothing comes between the two.
func (o *Output) watch(s *logs.OpenFile, room chan struct{}) {
	s.AwaitRoom(time.Time{})
	s.Writer.Set(nil)
	s.Unlock()
	close(room)
	_ = o.file.SetReadDeadline(time.Now()) // if it is closed, nobody is left who could be told
}

// hasRoom reports whether the rest of a line can be written that is waited with.
func (o *Output) hasRoom() bool {
	if o.room == nil {
		return false
	}
	select {
	case <-o.room:
		return true
	default:
		return false
	}
}

// take has the log take what it takes now.
func (w *offering) take(p []byte) int {
	if !w.locked && !w.lock(time.Time{}) {
		return 0
	}
	return w.out.Log.Offer(w.log, p)
}

// wait waits until the log may take something, or until then.
func (w *offering) wait(until time.Time) {
	if w.locked || w.lock(until) {
		w.log.AwaitRoom(until)
	}
}

// lock takes the lock of the log, for which it waits until then.
func (w *offering) lock(until time.Time) bool {
	if w.locked = w.log.LockUntil(until, w.out.stop); w.locked {
		w.log.Writer.Set(&w.out.giveUp)
	}
	return w.locked
}

// count adds what was dropped to the account of the log, and says so if it is time.
func (o *Output) count() {
	n, bytes := o.Drop.Dropped()
	if bytes == o.dropped.bytes {
		return
	}
	o.Log.CountDropped(n-o.dropped.lines, bytes-o.dropped.bytes)
	o.dropped.lines, o.dropped.bytes = n, bytes
	o.sayDropped(time.Now())
}

// sayDropped says what was dropped, if something was and it is time.
func (o *Output) sayDropped(now time.Time) {
	if n, bytes, due := o.Drop.Report(now); due {
		o.Main.SayAbout(logs.Warn, logs.About{Program: o.Name, Event: "dropped"},
			fmt.Sprintf("'%s' %v: dropped %d lines (%d bytes), since %s took no more for %v", o.Name, o.Channel, n, bytes, o.Log.Path(), lines.Patience))
	}
}

// endDrop offers what is left for the last time, and says what was not said of what was
// dropped.
func (r *reader) endDrop(o *Output) {
	if s := o.Log.Shared.Load(); s != nil && o.Drop.Waiting() {
		o.giveUp.Store(true)
		if o.room != nil {
			s.Writer.Exhaust(&o.giveUp)
			<-o.room
		}
		r.offer(o, s, nil)
	}
	o.Drop.Gone()
	o.count()
	o.sayDropped(o.Drop.NextReport())
}

// remind has the goroutine of an output stop reading when there is something to be said of
// what was dropped.
func (p *Poller) remind(o *Output) {
	next := o.Drop.NextReport()
	if next.IsZero() {
		return
	}
	_ = o.file.SetReadDeadline(next)
	if o.hasRoom() || p.called(o) { // it was set to now, perhaps, and is not any more
		_ = o.file.SetReadDeadline(time.Now())
	}
}

// called reports whether an output is to be brought to its end.
func (p *Poller) called(o *Output) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return o.giveUp.Load() || o.child != nil && !o.said
}

// interrupted finds out why the goroutine of an output was to stop reading. It reports an
// error if nothing more is to be read.
func (p *Poller) interrupted(o *Output, r *reader) error {
	_ = o.file.SetReadDeadline(time.Time{})
	if o.Drop != nil {
		o.sayDropped(time.Now())
		if s := o.Log.Shared.Load(); o.hasRoom() && s != nil {
			o.room = nil
			o.reader = r
			r.offer(o, s, nil)
		}
		if !p.called(o) {
			return nil
		}
	}
	if o.giveUp.Load() {
		return os.ErrClosed
	}
	return p.lastWordsAlone(o, r)
}
