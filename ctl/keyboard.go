package ctl

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"supervisor/ctl/edit"
)

// keyboard is a terminal that lines can be edited on.
type keyboard struct {
	in, out *os.File
	input   *input
	plain   bool        // it knows no escape sequences
	before  *term.State // of the terminal, while it is in raw mode
	catches func() bool // whether SIGINT is for somebody who does not end for it
}

// completer returns what the last word of a line can be completed to, each with a
// blank behind it.
type completer func(line string) []string

// line reads a line, with editing, history and, unless complete is nil, TAB.
// Ctrl-D in an empty line is io.EOF, Ctrl-C errInterrupted.
func (k *keyboard) line(ctx context.Context, question string, h *history, complete completer) (string, error) {
	line, err := k.raw(ctx, &edit.Editor{Prompt: question, History: h.lines, Complete: complete, Delimiters: wordDelimiters})
	if err == nil {
		h.Add(line)
	}
	return line, err
}

// secret reads a line without showing it.
func (k *keyboard) secret(ctx context.Context, question string) (string, error) {
	return k.raw(ctx, &edit.Editor{Prompt: question, Hidden: true})
}

// raw has the terminal in raw mode while a line is edited, and leaves it as it was even
// if a signal ends the program meanwhile.
func (k *keyboard) raw(ctx context.Context, e *edit.Editor) (string, error) {
	ctx, end := k.untilKilled(ctx)
	defer end()
	if err := k.makeRaw(); err != nil {
		return "", err
	}
	defer k.restore()
	events := make(chan os.Signal, 4)
	signal.Notify(events, syscall.SIGWINCH, syscall.SIGCONT)
	if !signal.Ignored(syscall.SIGTSTP) {
		signal.Notify(events, syscall.SIGTSTP)
	}
	defer signal.Stop(events)
	p := &page{
		editor: e, screen: edit.Screen{OneRow: k.plain}, input: k.input, out: k.out,
		events: events, size: k.size, suspend: k.suspend, resume: k.makeRaw,
	}
	return p.line(ctx)
}

func (k *keyboard) makeRaw() error {
	before, err := term.MakeRaw(int(k.in.Fd()))
	if err == nil && k.before == nil {
		k.before = before
	}
	return err
}

// restore gives the terminal back as it was. If it is gone there is nothing to restore.
func (k *keyboard) restore() {
	if k.before != nil { // else it has been done
		_ = term.Restore(int(k.in.Fd()), k.before)
		k.before = nil
	}
}

// size returns how large the terminal is, as far as it says.
func (k *keyboard) size() (width, height int) {
	width, height, err := term.GetSize(int(k.out.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// suspend does what the terminal does for Ctrl-Z when it is not in raw mode. SIGCONT
// tells when we are in the foreground again. False: no shell is there to wake us.
func (k *keyboard) suspend() bool {
	if session, _, _ := syscall.Syscall(syscall.SYS_GETSID, 0, 0, 0); int(session) == syscall.Getpgrp() {
		return false
	}
	k.restore()
	// Not SIGTSTP: Go ignores it once somebody has asked to be told of it.
	return syscall.Kill(0, syscall.SIGSTOP) == nil
}

// untilKilled returns a context that a deadly signal ends. The signal has its
// usual effect only when end is called.
func (k *keyboard) untilKilled(ctx context.Context) (limited context.Context, end func()) {
	limited, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	deadly := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	if !k.catches() {
		deadly = append(deadly, syscall.SIGINT)
	}
	for _, sig := range deadly {
		if !signal.Ignored(sig) { // nohup
			signal.Notify(signals, sig)
		}
	}
	killed := make(chan os.Signal, 1)
	go func() {
		defer close(killed)
		select {
		case sig := <-signals:
			cancel()
			killed <- sig
		case <-limited.Done():
		}
	}()
	return limited, func() {
		cancel()
		sig := <-killed
		signal.Stop(signals)
		if sig == syscall.SIGQUIT { // for which Go would show its stacks
			os.Exit(128 + int(syscall.SIGQUIT))
		}
		if sig != nil {
			// Sending a signal to ourselves fails in no case that is known.
			_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
			select {} // until it comes
		}
	}
}

// page is one edit of a line on a terminal.
type page struct {
	editor  *edit.Editor
	screen  edit.Screen
	input   *input
	out     io.Writer
	events  <-chan os.Signal
	size    func() (width, height int)
	suspend func() bool
	resume  func() error // makes the terminal ready after that

	width, height int
	away          bool // others have the terminal
}

// escapeTime is how long the rest of a sequence may take that a key sends. Then it was
// Esc itself.
const escapeTime = 100 * time.Millisecond

// line reads keys until the line is finished, and takes no more of the input than that.
func (p *page) line(ctx context.Context) (string, error) {
	p.width, p.height = p.size()
	for late := false; ; {
		line, over, err := p.keys(late)
		if over {
			return line, err
		}
		if !p.away {
			p.draw()
		}
		if late, err = p.wait(ctx); err != nil {
			p.show(p.screen.Stay())
			return "", err
		}
	}
}

// wait waits until there is more to do. It reports whether what is there of a key has to
// do.
func (p *page) wait(ctx context.Context) (late bool, err error) {
	var silence <-chan time.Time
	if len(p.input.rest) > 0 && !p.away {
		silence = time.After(escapeTime)
	}
	select {
	case c := <-p.input.reading():
		return false, p.input.take(c)
	case sig := <-p.events:
		return false, p.event(sig)
	case <-silence:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// event does what a signal asks for.
func (p *page) event(sig os.Signal) error {
	switch sig {
	case syscall.SIGTSTP:
		p.stop()
	case syscall.SIGCONT: // somebody else has had the terminal
		if err := p.resume(); err != nil {
			return err
		}
		p.away = false
		p.screen.Forget()
		p.width, p.height = p.size()
	case syscall.SIGWINCH:
		if p.away {
			break
		}
		p.width, p.height = p.size()
		p.show(p.screen.Resized(p.frame(), p.width))
	}
	return nil
}

// stop leaves the terminal to others. The line is drawn again when we have it back.
func (p *page) stop() {
	p.draw()
	p.show(p.screen.Leave())
	p.away = p.suspend()
}

// keys presses the keys that are there. It reports whether the line is over.
func (p *page) keys(late bool) (line string, over bool, err error) {
	for {
		key, n := edit.Next(p.input.rest, late)
		if n == 0 || p.away {
			return "", false, nil
		}
		p.input.drop(n)
		switch p.editor.Press(key) {
		case edit.EventEnter:
			if key == '\r' && len(p.input.rest) > 0 && p.input.rest[0] == '\n' {
				p.input.drop(1) // one end, not two
			}
			p.draw()
			p.show(p.screen.Leave())
			return p.editor.Text(), true, nil
		case edit.EventEOF:
			p.draw()
			p.show(p.screen.Stay())
			return "", true, io.EOF
		case edit.EventInterrupt:
			p.draw()
			p.show(p.screen.Stay())
			return "", true, errInterrupted
		case edit.EventSuspend:
			p.stop()
		case edit.EventClear:
			p.show(p.screen.Clear())
		case edit.EventList:
			p.list(p.editor.Choices())
		}
	}
}

// list shows words under the line, as many as fit. The line goes on below.
func (p *page) list(words []string) {
	p.draw()
	p.show(p.screen.Leave())
	for shown := len(words); ; shown = shown * 2 / 3 {
		rows := edit.Columns(words[:shown], p.width-1)
		if len(rows) >= p.height-1 && shown > 1 {
			continue
		}
		text := strings.Join(rows, "\r\n") + "\r\n"
		if shown < len(words) {
			text += "and " + strconv.Itoa(len(words)-shown) + " more\r\n"
		}
		p.show(text)
		return
	}
}

func (p *page) frame() edit.Frame {
	return p.editor.Frame(p.width, p.height, p.screen.OneRow)
}

func (p *page) draw() { p.show(p.screen.Draw(p.frame(), p.width)) }

// show sends text to the terminal. If that is gone, the next read says so.
func (p *page) show(text string) {
	if text != "" {
		_, _ = io.WriteString(p.out, text)
	}
}
