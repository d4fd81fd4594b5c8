package ctl

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"supervisor/ctl/edit"
)

// newPage is an edit on a terminal of 40 columns and 10 rows that has sent what r reads.
func newPage(r io.Reader, out io.Writer, e *edit.Editor) *page {
	return &page{
		editor: e, input: &input{r: r}, out: out,
		size: func() (int, int) { return 40, 10 }, suspend: func() bool { return false }, resume: func() error { return nil },
	}
}

// TestTypedAhead checks that what a reader leaves behind is there for the next.
func TestTypedAhead(t *testing.T) {
	p := newPage(strings.NewReader("one\r\ntwo\rthree"), io.Discard, &edit.Editor{})
	if got, err := p.line(t.Context()); got != "one" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	for _, want := range []string{"two", "three"} {
		if got, err := p.input.line(t.Context()); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestPaste: of many lines pasted at once, each is a line, whatever is in them.
func TestPaste(t *testing.T) {
	want := make([]string, 300)
	for i := range want {
		want[i] = strings.Repeat("start web:日本 ", i%7) + "status"
	}
	in := &input{r: strings.NewReader("\x1b[200~" + strings.Join(want, "\r") + "\r\x1b[201~")}
	for i := range want {
		p := newPage(nil, io.Discard, &edit.Editor{Prompt: "> "})
		p.input = in
		if got, err := p.line(t.Context()); got != want[i] || err != nil {
			t.Fatalf("line %d: got %q, %v, want %q", i, got, err, want[i])
		}
	}
}

// TestEscapeAlone: Esc swallows nothing that is typed after it, and a key whose sequence
// comes in two parts is one.
func TestEscapeAlone(t *testing.T) {
	tests := []struct {
		pause       time.Duration
		parts, want string
	}{
		{2 * escapeTime, "a\x1b|b\r", "ab"},           // not Alt-b
		{escapeTime / 2, "ab\x1b|bx\r", "xab"},        // Alt-b
		{escapeTime / 2, "ab\x1b[1;|5Dx\r", "xab"},    // Ctrl-Left
		{2 * escapeTime, "a\x1b|[|b\r", "a[b"},        // Esc and a bracket
		{2 * escapeTime, "a\x1b|fg cat\r", "afg cat"}, // no word is passed over
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			r, w := io.Pipe()
			p := newPage(r, io.Discard, &edit.Editor{})
			written := make(chan bool)
			go func() {
				for part := range strings.SplitSeq(tt.parts, "|") {
					_, _ = w.Write([]byte(part)) // the reader is there
					time.Sleep(tt.pause)
				}
				close(written)
			}()
			if got, err := p.line(t.Context()); got != tt.want || err != nil {
				t.Errorf("%q: got %q, %v, want %q", tt.parts, got, err, tt.want)
			}
			<-written
		})
	}
}

// TestPageSignals has what happens to the terminal while a line is edited.
func TestPageSignals(t *testing.T) {
	events := make(chan os.Signal)
	r, w := io.Pipe()
	out := make(written, 100)
	width, suspended, resumed := 40, 0, 0
	p := newPage(r, out, &edit.Editor{Prompt: "> "})
	p.events = events
	p.size = func() (int, int) { return width, 10 }
	p.suspend = func() bool { suspended++; return true }
	p.resume = func() error { resumed++; return nil }
	result := make(chan error, 1)
	go func() {
		_, err := p.line(t.Context())
		result <- err
	}()
	_, _ = w.Write([]byte("abcdefghijkl"))
	out.expect(t, "> abcdefghijkl")
	width = 10
	events <- syscall.SIGWINCH
	out.expect(t, "\x1b[A\r\x1b[J> abcdefghijkl")
	events <- syscall.SIGTSTP
	events <- syscall.SIGCONT
	out.expect(t, "\r\n> abcdefghijkl")
	_, _ = w.Write([]byte("\x1a"))
	out.expect(t, "\r\n")
	events <- syscall.SIGCONT
	out.expect(t, "> abcdefghijkl")
	_ = w.CloseWithError(io.ErrUnexpectedEOF)
	if err := <-result; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if suspended != 2 || resumed != 2 {
		t.Errorf("suspended %d times, resumed %d times", suspended, resumed)
	}
}

// written is what a page writes, for a test that waits for it.
type written chan string

func (w written) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func (w written) expect(t *testing.T, want string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for got := ""; got != want; {
		select {
		case part := <-w:
			got += part
		case <-late:
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestPageCancelled(t *testing.T) {
	r, _ := io.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	p := newPage(r, io.Discard, &edit.Editor{})
	if _, err := p.line(ctx); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
}

// TestList has the words that TAB shows, also where there are too many.
func TestList(t *testing.T) {
	var out strings.Builder
	many := make([]string, 400)
	for i := range many {
		many[i] = "web:" + strings.Repeat("x", i%5) + " "
	}
	p := newPage(strings.NewReader("\t\t\r"), &out, &edit.Editor{Prompt: "> ", Complete: func(string) []string { return many }})
	if _, err := p.line(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(out.String(), "\r\n")
	if len(rows) > 12 || !strings.HasPrefix(rows[len(rows)-3], "and ") || !strings.HasSuffix(rows[len(rows)-3], " more") {
		t.Errorf("%d rows: %q", len(rows), rows)
	}
}
