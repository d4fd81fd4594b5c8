package ctl

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"supervisor/ctl/cells"
)

// backlog is how much of a log a stream of it begins with, in bytes.
const backlog = 1024

// following makes a call that starts programs, and shows meanwhile what they write.
func following[T any](ctx context.Context, s *session, names []string, call func(context.Context) (T, error)) (T, error) {
	s.flush()
	streams, end := context.WithCancel(ctx)
	out := &sharedOutput{out: s.o.Stdout, err: s.err}
	var logs []*followed
	var all sync.WaitGroup
	for _, name := range names {
		for _, channel := range []string{"stdout", "stderr"} {
			tail, err := s.server.TailProcessLog(ctx, name, channel, 0, 0)
			if err != nil {
				continue // the call will say what is wrong with the name
			}
			log := &followed{name: name, channel: channel, next: tail.Offset, skip: min(tail.Offset, backlog), out: out}
			if len(names) > 1 {
				log.prefix = name + " | "
			}
			logs = append(logs, log)
			all.Go(func() {
				// What the stream does not bring is read at the end.
				_ = s.server.Stream(streams, quote(logPath(name, channel)), log.write)
			})
		}
	}
	result, err := call(ctx)
	end()
	all.Wait()
	for _, log := range logs {
		// Without a log there is nothing to show.
		if text, err := s.server.ReadProcessLog(ctx, log.name, log.channel, log.next, 0); err == nil {
			_ = log.write([]byte(text)) // without a reader, we are about to end anyway
		}
		log.close()
	}
	return result, err
}

// followed is a log of which is shown what is added to it.
type followed struct {
	name, channel string
	next          int64 // of the log, what is shown next
	skip          int64 // bytes of the stream that were there before
	prefix        string
	out           *sharedOutput
	line          []byte // the beginning of a line, if lines get a prefix
	open          bool   // the last line has no end yet
}

// write shows a piece of the log.
func (f *followed) write(p []byte) error {
	old := min(f.skip, int64(len(p)))
	f.skip -= old
	if p = p[old:]; len(p) == 0 {
		return nil
	}
	f.next += int64(len(p))
	if f.prefix == "" {
		f.open = p[len(p)-1] != '\n'
		return f.out.write(p)
	}
	f.line = append(f.line, p...)
	end := bytes.LastIndexByte(f.line, '\n') + 1
	var text []byte
	for line := range bytes.Lines(f.line[:end]) {
		text = append(append(text, f.prefix...), line...)
	}
	f.line = append(f.line[:0], f.line[end:]...)
	return f.out.write(text)
}

// close ends a line that has no end, so that what is said next begins one.
func (f *followed) close() {
	if len(f.line) > 0 || f.open {
		f.skip = 0
		_ = f.write([]byte("\n")) // as above
	}
}

// membersOf returns the processes of a group, or all.
func (s *session) membersOf(ctx context.Context, group string, all bool) []string {
	infos, err := s.server.AllProcessInfo(ctx)
	if err != nil {
		return nil // the call that follows says so
	}
	var names []string
	for i := range infos {
		if all || infos[i].Group == group {
			names = append(names, infos[i].Namespec())
		}
	}
	return names
}

// lastLines shows a person how the log of a program that did not start ends.
func (s *session) lastLines(ctx context.Context, namespec string) {
	const most = 5
	for _, channel := range []string{"stderr", "stdout"} {
		text, err := s.server.ReadProcessLog(ctx, namespec, channel, -tailBytes, 0)
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		if err != nil || len(lines) == 1 && lines[0] == "" {
			continue
		}
		s.say("  The end of its ", channel, ":")
		for _, line := range lines[max(0, len(lines)-most):] {
			s.say("    ", harmless(line))
		}
		return
	}
}

// harmless is a line of a log with its control characters spelled out.
func harmless(line string) string {
	var b strings.Builder
	for _, c := range cells.Of([]rune(line)) {
		b.WriteString(c.Text)
	}
	return b.String()
}
