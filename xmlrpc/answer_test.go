package xmlrpc

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// fakeText is a Text that says when it is closed.
type fakeText struct {
	io.ReaderAt
	size   int64
	closed *int
}

// broken is what can be read at the beginning only.
type broken struct{ err error }

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off > 0 {
		return 0, b.err
	}
	return copy(p, strings.Repeat("x", textPiece)), nil
}

func (t fakeText) Size() int64 { return t.size }

func (t fakeText) Close() error { *t.closed++; return nil }

// textServer answers supervisor.read with a Text and supervisor.tail with a TailText.
func textServer(text func() Text) *Server {
	return NewServer(new(trace), Namespace{Name: "supervisor", Methods: []Method{
		{Name: "read", Call: func(context.Context, Args) (any, error) { return text(), nil }},
		{Name: "tail", Call: func(context.Context, Args) (any, error) { return TailText{text(), 7, true}, nil }},
	}})
}

// TestText: a text that is read in pieces is answered as the same string at once.
func TestText(t *testing.T) {
	long := strings.Repeat("log <line> & äöü€😀\x01 of a program\n", 20_000)
	for name, row := range map[string]struct{ content, want string }{
		"empty":                         {"", ""},
		"short":                         {"a<b", "a<b"},
		"several pieces":                {long, long},
		"ends inside a character":       {"x\xe2\x82", "x\xe2\x82"},
		"bytes that are no characters":  {strings.Repeat("\xff\x80", 70_000), strings.Repeat("\xff\x80", 70_000)},
		"a character begins everywhere": {strings.Repeat("\xf0", 70_000), strings.Repeat("\xf0", 70_000)},
		"very long":                     {strings.Repeat(long, 3), strings.Repeat(long, 3)},
	} {
		closed := 0
		s := textServer(func() Text { return fakeText{strings.NewReader(row.content), int64(len(row.content)), &closed} })
		for method, v := range map[string]any{"read": row.want, "tail": Tail{row.want, 7, true}} {
			answer, status := s.Serve(t.Context(), AppendCall(nil, "supervisor."+method), nil, nil)
			if want := string(appendResponse(nil, v)); status != 200 || string(answer) != want {
				t.Errorf("%s, %s: status %d, %d bytes, want %d", name, method, status, len(answer), len(want))
			}
		}
		if closed != 2 {
			t.Errorf("%s: closed %d times of 2", name, closed)
		}
	}
}

// TestTextIsLimited: what was added to a log since its size was taken is not in the answer,
// what was cut off is no error.
func TestTextIsLimited(t *testing.T) {
	for size, want := range map[int64]string{3: "abc", 100: "abcdef"} {
		closed := 0
		s := textServer(func() Text { return fakeText{strings.NewReader("abcdef"), size, &closed} })
		answer, status := s.Serve(t.Context(), AppendCall(nil, "supervisor.read"), nil, nil)
		if status != 200 || string(answer) != string(appendResponse(nil, want)) {
			t.Errorf("%d: %d %s", size, status, answer)
		}
	}
}

// TestTextFails: nothing of a text that cannot be read to its end is answered.
func TestTextFails(t *testing.T) {
	closed := 0
	failure := errors.New("broken")
	for _, err := range []error{NewFault(Failed), failure} {
		s := textServer(func() Text { return fakeText{broken{err}, 2 * textPiece, &closed} })
		answer, status := s.Serve(t.Context(), AppendCall(nil, "supervisor.read"), []byte("prefix"), nil)
		want, wantStatus := "prefix", 500
		if err != failure {
			want, wantStatus = "prefix"+string(appendFault(nil, NewFault(Failed))), 200
		}
		if string(answer) != want || status != wantStatus {
			t.Errorf("%v: %d %s", err, status, answer)
		}
		call := Struct{{"methodName", "supervisor.read"}, {"params", []any{}}}
		answer, status = s.Serve(t.Context(), AppendCall(nil, "system.multicall", []any{call}), nil, nil)
		fault := NewFault(Failed)
		if err == failure {
			fault = NewFault(Failed, "broken")
		}
		if want := string(appendResponse(nil, []any{fault})); string(answer) != want || status != 200 {
			t.Errorf("%v: in a multicall: %d %s", err, status, answer)
		}
	}
	if closed != 4 {
		t.Errorf("closed %d times of 4", closed)
	}
}

// TestNoRoom: room is taken before an answer grows, and where there is none the calls that
// are left are not made.
func TestNoRoom(t *testing.T) {
	const size = 1 << 20
	closed, calls := 0, 0
	s := textServer(func() Text {
		calls++
		return fakeText{strings.NewReader(strings.Repeat("x", size)), size, &closed}
	})
	var asked, left int
	room := func(n int) bool {
		asked += n
		left -= n
		return left >= 0
	}
	left = 2 * size
	answer, status := s.Serve(t.Context(), AppendCall(nil, "supervisor.read"), nil, room)
	if status != 200 || len(answer) < size || asked < len(answer) || asked > size+size/4 {
		t.Errorf("status %d, %d bytes, asked for %d", status, len(answer), asked)
	}
	left = size / 2
	answer, status = s.Serve(t.Context(), AppendCall(nil, "supervisor.read"), []byte("prefix"), room)
	if status != 503 || string(answer) != "prefix" {
		t.Errorf("no room: %d, %d bytes", status, len(answer))
	}
	bomb := make([]any, 1000)
	for i := range bomb {
		bomb[i] = Struct{{"methodName", "supervisor.read"}, {"params", []any{}}}
	}
	calls, left = 0, 8*size
	answer, status = s.Serve(t.Context(), AppendCall(nil, "system.multicall", bomb), []byte("prefix"), room)
	if status != 503 || string(answer) != "prefix" || calls > 8 {
		t.Errorf("multicall: %d, %d bytes, %d calls", status, len(answer), calls)
	}
	if closed != calls+2 {
		t.Errorf("%d texts, %d closed", calls+2, closed)
	}
}
