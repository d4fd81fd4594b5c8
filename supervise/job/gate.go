// Package job bounds how many calls that the system may be slow to answer are made at
// a time.
//
// Such a call, of a disk, of a file server or of whoever knows a name, holds a thread
// of ours for as long as it takes. Go makes another thread for what else there is to
// do, and ends the program if the system refuses it one. So as many threads are made
// ahead as can be held at once, and whoever is about to make such a call enters a Gate
// first.
package job

import "context"

// Gate lets a bounded number of calls through at a time. It is safe for concurrent use.
// A nil Gate lets all through.
type Gate struct {
	places chan struct{} // each one that is taken
}

// NewGate makes a Gate for n calls at a time.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, n)} }

// Go makes the call in a goroutine of its own if there is a place for it now, and
// reports whether it does.
func (g *Gate) Go(call func()) bool {
	if g == nil {
		go call()
		return true
	}
	select {
	case g.places <- struct{}{}:
	default:
		return false
	}
	go func() {
		defer func() { <-g.places }()
		call()
	}()
	return true
}

// Later makes the call in a goroutine of its own as soon as there is a place.
func (g *Gate) Later(call func()) {
	go func() { _ = g.Do(context.Background(), call) }() // that context does not end
}

// Do makes the call, in the caller's goroutine, as soon as there is a place. If ctx ends
// before, the call is not made and Do returns ctx's error. A call that was begun is not
// given up: it holds its place until it returns.
func (g *Gate) Do(ctx context.Context, call func()) error {
	if g == nil {
		call()
		return nil
	}
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.places }()
	call()
	return nil
}
