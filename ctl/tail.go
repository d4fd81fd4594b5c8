package ctl

import (
	"context"
	"errors"
	"strings"
	"sync"

	"supervisor/inifile"
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
			s.fail(exitFailed, "Error: bad channel '", channel, "'")
			return nil
		}
	}
	what, err := parseExtent(modifier)
	if err != nil {
		s.fail(exitFailed, "Error: bad argument ", modifier)
		return nil
	}
	if what.follow {
		return s.follow(ctx, "/logtail/"+quote(name)+"/"+channel)
	}
	text, err := s.server.ReadProcessLog(ctx, name, channel, -int64(what.bytes), 0)
	return s.showLog(name, text, err)
}

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
	return s.showLog("supervisord", text, err)
}

// showLog prints what was read of a log, or why it was not.
func (s *session) showLog(name, text string, err error) error {
	switch faultCode(err) {
	case xmlrpc.NoFile:
		s.fail(exitFailed, name, ": ERROR (no log file)")
	case xmlrpc.Failed:
		s.fail(exitFailed, name, ": ERROR (unknown error reading log)")
	case xmlrpc.BadName:
		s.fail(exitFailed, name, ": ERROR (no such process name)")
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
	err := s.server.Stream(ctx, path, func(p []byte) error {
		_, err := s.o.Stdout.Write(p)
		return err
	})
	if interrupted(ctx) {
		s.say()
		return nil
	}
	s.streamFailed(path, err)
	return nil
}

// streamFailed says on stderr why a stream ended, which is no matter for the exit
// status.
func (s *session) streamFailed(path string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	s.flush()
	text := s.o.ServerURL + path + " Cannot connect, error: "
	var http *xmlrpc.HTTPError
	if errors.As(err, &http) {
		text = s.o.ServerURL + path + " Cannot read, status code " + itoa(http.Status)
	} else {
		class, reason := pythonError(err)
		text += "<class '" + class + "'> (" + reason + ")"
	}
	_, _ = s.err.Write([]byte(text + "\n")) // there is nobody else to tell
}

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
	out := &lockedWriter{w: s.o.Stdout}
	for _, channel := range []string{"stdout", "stderr"} {
		both.Go(func() {
			// A log that is off or ends is no reason to leave.
			_ = s.server.Stream(streams, "/logtail/"+quote(name)+"/"+channel, out.write)
		})
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

// lockedWriter lets two streams write to one place, a piece at a time.
type lockedWriter struct {
	mu sync.Mutex
	w  interface{ Write([]byte) (int, error) }
}

func (l *lockedWriter) write(p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(p)
	return err
}

// quote makes a name fit for the path of a URL. The colon of a namespec stays.
func quote(name string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if isWordByte(c) || strings.IndexByte("-.~:/*", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
