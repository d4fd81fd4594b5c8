package ctl

import (
	"context"
	"errors"
	"sync"
	"time"

	"supervisor/xmlrpc"
)

// How long a server may take. One that runs makes a connection and answers in milliseconds,
// whatever it is busy with: beyond these times it is stopped, or the network is gone.
const (
	connectTime = 10 * time.Second
	answerTime  = 30 * time.Second
	watchPeriod = 10 * time.Second // between questions whether it still answers, during a call that waits
)

// watched is a daemon whose calls that wait for processes are given up when it does not
// answer other calls any more. As long as it does they may take as long as they need.
type watched struct {
	daemon
	period time.Duration
}

func (w watched) StartProcess(ctx context.Context, namespec string, wait bool) (bool, error) {
	return whileAlive(ctx, w, func(ctx context.Context) (bool, error) { return w.daemon.StartProcess(ctx, namespec, wait) })
}

func (w watched) StartProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error) {
	return whileAlive(ctx, w, func(ctx context.Context) ([]xmlrpc.Result, error) {
		return w.daemon.StartProcessGroup(ctx, group, wait)
	})
}

func (w watched) StartAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error) {
	return whileAlive(ctx, w, func(ctx context.Context) ([]xmlrpc.Result, error) { return w.daemon.StartAllProcesses(ctx, wait) })
}

func (w watched) StopProcess(ctx context.Context, namespec string, wait bool) (bool, error) {
	return whileAlive(ctx, w, func(ctx context.Context) (bool, error) { return w.daemon.StopProcess(ctx, namespec, wait) })
}

func (w watched) StopProcessGroup(ctx context.Context, group string, wait bool) ([]xmlrpc.Result, error) {
	return whileAlive(ctx, w, func(ctx context.Context) ([]xmlrpc.Result, error) {
		return w.daemon.StopProcessGroup(ctx, group, wait)
	})
}

func (w watched) StopAllProcesses(ctx context.Context, wait bool) ([]xmlrpc.Result, error) {
	return whileAlive(ctx, w, func(ctx context.Context) ([]xmlrpc.Result, error) { return w.daemon.StopAllProcesses(ctx, wait) })
}

func (w watched) JSON(ctx context.Context, method, path, body string) (xmlrpc.JSONAnswer, error) {
	return whileAlive(ctx, w, func(ctx context.Context) (xmlrpc.JSONAnswer, error) { return w.daemon.JSON(ctx, method, path, body) })
}

// whileAlive makes a call, and asks the server now and then for its version meanwhile. If
// it leaves that without an answer, the call fails with the error of the question.
func whileAlive[T any](ctx context.Context, w watched, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		again := time.NewTicker(w.period)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
			var silent *xmlrpc.SilentError
			if _, err := w.daemon.APIVersion(ctx); errors.As(err, &silent) {
				cancel(err)
				return
			}
		}
	})
	result, err := call(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	watch.Wait()
	return result, err
}
