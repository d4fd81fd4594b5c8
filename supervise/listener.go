package supervise

import (
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// owes reports whether an event of a type is still to be dealt with, and somebody may.
func (g *group) owes(t event.Type) bool {
	alive := slices.ContainsFunc(g.processes, func(proc *process) bool {
		return proc.State == xmlrpc.Running && proc.listener.State != event.Unknown
	})
	return alive && (g.pool.Holds(t) || slices.ContainsFunc(g.processes, func(proc *process) bool {
		return proc.inHand.Event != nil && proc.inHand.Type == t
	}))
}

// takesEvents reports whether a listener can be given an event.
func (p *process) takesEvents() bool {
	return p.State == xmlrpc.Running && p.listener.State == event.Ready && p.stdin != nil && !p.stdin.Closed
}

// listenerGroup is the group of an [eventlistener:x] as its pool sees it.
type listenerGroup struct {
	*group
	log *logs.Logger
}

func (g listenerGroup) Ready() bool {
	return slices.ContainsFunc(g.processes, (*process).takesEvents)
}

// Give gives one event to the first listener that is ready for it.
func (g listenerGroup) Give(ev event.Held) bool {
	for _, proc := range g.processes {
		if !proc.takesEvents() {
			continue
		}
		err := proc.stdin.Write(ev.Envelope(g.pool))
		if err != nil {
			if errors.Is(err, syscall.EPIPE) {
				g.log.Debug("epipe occurred while sending event %d to listener %s, listener state unchanged", ev.Serial, proc.cfg.Name)
			}
			continue
		}
		g.log.Debug("event %d sent to listener %s", ev.Serial, proc.cfg.Name)
		proc.listener.Sent()
		proc.inHand = ev
		return true
	}
	return false
}

// listen acts on what a listener wrote.
func (s *Supervisor) listen(p *process, data []byte, now time.Time) {
	shown := p.group.shown
	p.listener.Feed(data, func(v event.Verdict, from event.TalkState, detail string) {
		name := p.cfg.Name
		if isResult := v == event.SaidOK || v == event.SaidOther; isResult && shown != nil {
			v = event.SaidOK
			if !showResult(shown, detail) {
				v = event.CausedError
				p.listener.End()
			}
		}
		switch v {
		case event.SaidOK:
			s.log.Debug("%s: event was processed", name)
		case event.SaidOther:
			s.log.Warn("%s: event was rejected", name)
			p.inHand.Rejections++
			if p.inHand.Rejections > 1 {
				p.inHand.NotBefore = now.Add(event.RejectionPause)
			}
		case event.CausedError:
			s.log.Warn("%s: event caused an error", name)
		case event.BadResult:
			s.log.Warn("%s: bad result line: %s", name, inifile.PythonRepr(detail))
		}
		s.log.Debug("%s: %v -> %v", name, from, p.listener.State)
		if p.listener.State == event.Unknown {
			s.log.Warn("%s: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol", name)
		}
		switch {
		case v == event.SaidOK:
			p.inHand = event.Held{}
		case from == event.Busy:
			p.reject()
		}
	})
	p.group.pool.Dispatch()
}

// reject gives the event that a listener has in hand back to its own pool.
func (p *process) reject() {
	ev := p.inHand
	if ev.Event == nil {
		return
	}
	p.inHand = event.Held{}
	p.group.pool.Rebuffer(ev)
}

// makePool makes a listener group one that gets events.
func (s *Supervisor) makePool(g *group, cfg *config.Group) {
	if cfg.ShowsResults() {
		g.shown = s.stdout
	}
	g.pool = event.NewPool(g.name, cfg.Events, cfg.BufferSize, listenerGroup{g, s.log}, &s.bus)
	s.bus.Subscribe(g.pool)
}

// busLog tells the main log what becomes of events.
type busLog struct{ log *logs.Logger }

func (l busLog) Overflowed(p *event.Pool, serial uint64) {
	l.log.Error("pool %s event buffer overflowed, discarding event %d", p.Name, serial)
}

func (l busLog) Rebuffered(p *event.Pool, serial uint64, others int) {
	if l.log.Enabled(logs.Debug) {
		l.log.Debug("rebuffering event %d for pool %s (buf size=%d, max=%d)", serial, p.Name, others, p.Size)
	}
}

// showResult writes the result of a listener as event_handler of supervisor-stdout
// does: it is the payload of a PROCESS_LOG event, each line of which is written behind
// "PROCESS CHANNEL | ". It reports whether it is such a payload.
func showResult(w io.Writer, result string) bool {
	header, data, found := strings.Cut(result, "\n")
	process, channel := "", ""
	for field := range strings.FieldsSeq(header) {
		switch key, value, _ := strings.Cut(field, ":"); key {
		case "processname":
			process = value
		case "channel":
			channel = value
		}
	}
	if !found || process == "" || channel == "" {
		return false
	}
	var b []byte
	for line := range strings.Lines(strings.ReplaceAll(data, "\r\n", "\n")) {
		b = append(b, process+" "+channel+" | "...)
		b = append(b, strings.TrimSuffix(line, "\n")...)
		b = append(b, '\n')
	}
	_, _ = w.Write(b) // whoever reads our stdout may have gone; the log files have it all
	return true
}
