package ctl

import (
	"bytes"
	"context"
	"io"
	"strings"
)

// input hands out standard input to one reader at a time: the prompt, a
// question, or the process that fg is connected to. It reads only when someone
// asks, and what a reader that gave up has left behind goes to the next one, so
// that no line is lost when fg ends.
type input struct {
	r       io.Reader
	rest    []byte
	pending chan chunk // of a read that has not come back
}

type chunk struct {
	data []byte
	err  error
}

// reading returns the channel on which the next piece of input comes, for take.
func (in *input) reading() <-chan chunk {
	if in.pending == nil {
		pending := make(chan chunk, 1)
		go func() {
			buf := make([]byte, 4096)
			n, err := in.r.Read(buf)
			pending <- chunk{buf[:n], err}
		}()
		in.pending = pending
	}
	return in.pending
}

// take adds a piece to rest. Errors are not remembered: at a terminal there is life after
// the end of file.
func (in *input) take(c chunk) error {
	in.pending = nil
	in.rest = append(in.rest, c.data...)
	if len(c.data) > 0 {
		return nil // the next read repeats the error
	}
	return c.err
}

// drop takes n bytes out of rest.
func (in *input) drop(n int) {
	in.rest = append(in.rest[:0], in.rest[n:]...)
}

// fill waits until there is something in rest.
func (in *input) fill(ctx context.Context) error {
	select {
	case c := <-in.reading():
		return in.take(c)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// line returns the next line without its end, which may be a carriage return in
// what was typed ahead of a prompt. A last line without an end is one, too.
func (in *input) line(ctx context.Context) (string, error) {
	for {
		if i := bytes.IndexAny(in.rest, "\r\n"); i >= 0 {
			return in.cut(i), nil
		}
		if err := in.fill(ctx); err == io.EOF && len(in.rest) > 0 {
			return in.cut(len(in.rest)), nil
		} else if err != nil {
			return "", err
		}
	}
}

// cut takes n bytes and one line end behind them.
func (in *input) cut(n int) string {
	text, rest := string(in.rest[:n]), string(in.rest[n:])
	if after, ok := strings.CutPrefix(rest, "\r\n"); ok {
		rest = after
	} else if rest != "" {
		rest = rest[1:]
	}
	in.rest = append(in.rest[:0], rest...)
	return text
}
