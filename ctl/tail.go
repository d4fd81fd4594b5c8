package ctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"supervisor/inifile"
	"supervisor/inifile/python"
	"supervisor/xmlrpc"
)

const (
	tailBytes  = 1600 // what tail and maintail show unless told
	toEnd      = "==> Press Ctrl-C to exit <=="
	followWord = "f"
)

// extent is what a word like "-f" or "-100" asks for.
type extent struct {
	follow bool
	bytes  int // from the end; 0 for all; negative to leave out as many at the beginning
}

// parseExtent reads such a word; an empty one asks for the usual.
func parseExtent(word string) (extent, error) {
	if word == "" {
		return extent{bytes: tailBytes}, nil
	}
	what := word[1:]
	if what == followWord {
		return extent{follow: true}, nil
	}
	n, err := inifile.ParseInt(what)
	return extent{bytes: n}, err
}

// tail shows the end of a child's log, or all that is added to it.
func (s *session) tail(ctx context.Context, arg string) error {
	words := strings.Fields(arg)
	switch {
	case len(words) == 0:
		s.fail(exitFailed, "Error: too few arguments")
		s.explain("tail")
		return nil
	case len(words) > 3:
		s.fail(exitFailed, "Error: too many arguments")
		s.explain("tail")
		return nil
	}
	modifier := ""
	if strings.HasPrefix(words[0], "-") {
		modifier, words = words[0], words[1:]
	}
	if len(words) == 0 {
		s.fail(exitFailed, "Error: tail requires process name")
		return nil
	}
	name, channel := words[0], "stdout"
	if len(words) > 1 {
		channel = strings.ToLower(words[len(words)-1])
		if channel != "stdout" && channel != "stderr" {
			s.fail(exitFailed, "Error: bad channel ", inifile.PythonRepr(channel))
			return nil
		}
	}
	what, err := parseExtent(modifier)
	if err != nil {
		s.fail(exitFailed, "Error: bad argument ", modifier)
		return nil
	}
	if what.follow {
		return s.follow(ctx, logPath(name, channel))
	}
	text, err := s.server.ReadProcessLog(ctx, name, channel, -int64(what.bytes), 0)
	if err == nil && text == "" && channel == "stdout" && s.person {
		defer s.say("  There is nothing on stdout. Try: tail ", name, " stderr")
	}
	return s.showLog(ctx, name, text, err)
}

// logPath is where the log of a program is followed, before quote.
func logPath(name, channel string) string { return "/logtail/" + pathOf.Replace(name) + "/" + channel }

// pathOf escapes what would end the name of a program in a URL. A server takes escapes
// out twice, before and after it takes the URL apart, so they are put in twice: here and
// by quote.
var pathOf = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", ";", "%3B")

// mainTail does the same for the log of supervisord.
func (s *session) mainTail(ctx context.Context, arg string) error {
	words := strings.Fields(arg)
	if len(words) > 1 {
		s.fail(exitFailed, "Error: too many arguments")
		s.explain("maintail")
		return nil
	}
	word := strings.Join(words, "")
	if word != "" && !strings.HasPrefix(word, "-") {
		s.fail(exitFailed, "Error: bad argument ", word)
		return nil
	}
	what, err := parseExtent(word)
	if err != nil {
		s.fail(exitFailed, "Error: bad argument ", word)
		return nil
	}
	if what.follow {
		return s.follow(ctx, "/mainlogtail")
	}
	text, err := s.server.ReadLog(ctx, -int64(what.bytes), 0)
	return s.showLog(ctx, "supervisord", text, err)
}

// showLog prints what was read of a log, or why it was not.
func (s *session) showLog(ctx context.Context, name, text string, err error) error {
	switch faultCode(err) {
	case xmlrpc.NoFile:
		s.fail(exitFailed, name, ": ERROR (no log file)")
	case xmlrpc.Failed:
		s.fail(exitFailed, name, ": ERROR (unknown error reading log)")
	case xmlrpc.BadName:
		s.fail(exitFailed, name, ": ERROR (no such process name)")
		s.suggest(ctx, name, aProcess)
	default:
		if err == nil {
			s.say(text)
		}
		return err
	}
	return nil
}

// follow copies a log stream to stdout until Ctrl-C.
func (s *session) follow(ctx context.Context, path string) error {
	s.say(toEnd)
	s.flush()
	ctx, stop := s.untilCtrlC(ctx)
	defer stop()
	s.stream(ctx, path, &sharedOutput{out: s.o.Stdout, err: s.err})
	if interrupted(ctx) {
		s.say()
	}
	return nil
}

// stream copies what the server sends for path. That it sends nothing is told on
// stderr; it is no matter for the exit status, and neither is the end.
func (s *session) stream(ctx context.Context, path string, out *sharedOutput) {
	var text decoder
	err := s.server.Stream(ctx, quote(path), func(p []byte) error {
		return out.write(text.decode(p))
	})
	_ = out.write(text.rest()) // without a reader, we are about to end anyway
	var http *xmlrpc.HTTPError
	var dialing *net.OpError
	switch {
	case errors.As(err, &http):
		out.complain(s.o.ServerURL + path + " Cannot read, status code " + strconv.Itoa(http.Status))
	case ctx.Err() == nil && errors.As(err, &dialing) && dialing.Op == "dial":
		class, reason := pythonError(err)
		out.complain(s.o.ServerURL + path + " Cannot connect, error: <class '" + class + "'> (" + reason + ")")
	}
}

// decoder makes chunks of a log fit to be shown as text. The zero value is ready.
type decoder struct {
	begun bool
	held  []byte // of a character whose end is in the next chunk
}

// decode returns what can be shown of a chunk. A stream may begin inside a
// character, of which nothing is shown, and chunks may divide one. What is not
// UTF-8 at all is shown as Supervisor does it: the whole chunk, spelled out.
func (d *decoder) decode(p []byte) []byte {
	p = append(d.held, p...)
	if !d.begun {
		for i := 0; i < utf8.UTFMax-1 && len(p) > 0 && !utf8.RuneStart(p[0]); i++ {
			p = p[1:]
		}
		d.begun = true
	}
	whole := len(p) - partial(p)
	d.held = bytes.Clone(p[whole:])
	return shown(p[:whole])
}

// rest returns what can be shown of a character whose end never came.
func (d *decoder) rest() []byte { return shown(d.held) }

// partial returns how many bytes at the end of p begin a character but do not end
// it.
func partial(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

func shown(p []byte) []byte {
	if utf8.Valid(p) {
		return p
	}
	return []byte(python.Decoded(p))
}

const hexDigits = "0123456789abcdef"

// foreground connects the terminal with a process: its outputs are shown, and
// each line goes to its stdin.
func (s *session) foreground(ctx context.Context, arg string) error {
	name, ok, err := s.foregroundName(ctx, strings.Fields(arg))
	if !ok {
		return err
	}
	s.say(toEnd)
	s.flush()
	ctx, stop := s.untilCtrlC(ctx)
	defer stop()
	streams, endStreams := context.WithCancel(ctx)
	var both sync.WaitGroup
	out := &sharedOutput{out: s.o.Stdout, err: s.err}
	for _, channel := range []string{"stdout", "stderr"} {
		both.Go(func() { s.stream(streams, logPath(name, channel), out) })
	}
	s.talk(ctx, name)
	endStreams()
	both.Wait()
	s.say("Exiting foreground")
	return nil
}

// foregroundName checks what fg is asked for.
func (s *session) foregroundName(ctx context.Context, words []string) (name string, ok bool, err error) {
	switch {
	case len(words) == 0:
		s.fail(exitFailed, "ERROR: no process name supplied")
		s.explain("fg")
		return "", false, nil
	case len(words) > 1:
		s.fail(exitFailed, "ERROR: too many process names supplied")
		return "", false, nil
	}
	info, err := s.server.ProcessInfo(ctx, words[0])
	var fault *xmlrpc.Fault
	switch {
	case faultCode(err) == xmlrpc.BadName:
		s.fail(exitFailed, "ERROR: bad process name supplied")
		s.suggest(ctx, words[0], aProcess)
		return "", false, nil
	case errors.As(err, &fault):
		s.say("ERROR: ", faultText(fault))
		return "", false, nil
	case err != nil:
		return "", false, err
	case info.State != xmlrpc.Running:
		s.fail(exitFailed, "ERROR: process not running")
		return "", false, nil
	}
	return words[0], true, nil
}

// talk passes lines on until Ctrl-C, the end of input or of the process.
func (s *session) talk(ctx context.Context, name string) {
	for {
		line, err := s.in.line(ctx)
		if err != nil {
			return
		}
		if _, err = s.server.SendProcessStdin(ctx, name, line+"\n"); err == nil {
			var info xmlrpc.ProcessInfo
			if info, err = s.server.ProcessInfo(ctx, name); err == nil && info.State == xmlrpc.Running {
				continue
			}
		}
		var fault *xmlrpc.Fault
		switch {
		case err == nil, faultCode(err) == xmlrpc.NotRunning:
			s.say("Process got killed")
		case errors.As(err, &fault):
			s.say("ERROR: ", faultText(fault))
		case !interrupted(ctx):
			s.say("ERROR: ", err.Error())
		}
		return
	}
}

// sharedOutput lets two streams write to one place, a piece at a time.
type sharedOutput struct {
	mu       sync.Mutex
	out, err io.Writer
}

func (o *sharedOutput) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err := o.out.Write(p)
	return err
}

// complain prints a line on stderr.
func (o *sharedOutput) complain(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.err, line+"\n") // there is nobody else to tell
}

// quote makes a path with names in it fit for a request.
func quote(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if isWordByte(c) || strings.IndexByte("-.~:/*", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}
