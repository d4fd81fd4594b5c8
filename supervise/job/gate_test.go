package job_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"supervisor/supervise/job"
)

// No more calls are made at a time than there are places, and all are made.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, release := job.NewGate(3), make(chan struct{})
		var at, made atomic.Int32
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				err := gate.Do(context.Background(), func() {
					at.Add(1)
					<-release
					at.Add(-1)
					made.Add(1)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		for range 10 {
			synctest.Wait()
			if n := at.Load(); n > 3 || n == 0 {
				t.Errorf("%d at a time", n)
			}
			release <- struct{}{}
		}
		all.Wait()
		if n := made.Load(); n != 10 {
			t.Errorf("%d calls were made", n)
		}
	})
}

// Who waits for a place can give up, and takes none.
func TestGateGivenUp(t *testing.T) {
	gate, ctx := job.NewGate(1), context.Background()
	err := gate.Do(ctx, func() {
		waiting, cancel := context.WithCancel(ctx)
		cancel()
		err := gate.Do(waiting, func() { t.Error("it was called") })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err = gate.Do(ctx, func() {}); err != nil {
		t.Error(err)
	}
}

// A call that panics leaves its place.
func TestGatePanic(t *testing.T) {
	gate, ctx := job.NewGate(1), context.Background()
	func() {
		defer func() { recover() }()
		gate.Do(ctx, func() { panic("x") })
	}()
	called := false
	if err := gate.Do(ctx, func() { called = true }); err != nil || !called {
		t.Errorf("called: %v, %v", called, err)
	}
}

func TestNoGate(t *testing.T) {
	var gate *job.Gate
	called := false
	if err := gate.Do(context.Background(), func() { called = true }); err != nil || !called {
		t.Errorf("called: %v, %v", called, err)
	}
}

// Go makes no call for which there is no place, Later makes it when there is one.
func TestGateBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, release := job.NewGate(1), make(chan struct{})
		var made atomic.Int32
		call := func() {
			<-release
			made.Add(1)
		}
		if !gate.Go(call) || gate.Go(call) {
			t.Error("the first has a place, the second has none")
		}
		gate.Later(call)
		close(release)
		synctest.Wait()
		if n := made.Load(); n != 2 {
			t.Errorf("%d calls were made", n)
		}
		if !gate.Go(call) {
			t.Error("no place is free at the end")
		}
	})
}
