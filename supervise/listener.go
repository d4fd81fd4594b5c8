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
	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// owes reports whether an event of a type is still to be dealt with, and somebody may.
func (g *group) owes(t eventType) bool {
	alive := slices.ContainsFunc(g.processes, func(proc *process) bool {
		return proc.State == xmlrpc.Running && proc.listener.state != listenerUnknown
	})
	return alive && (g.pool.holds(t) || slices.ContainsFunc(g.processes, func(proc *process) bool {
		return proc.inHand.event != nil && proc.inHand.typ == t
	}))
}

// takesEvents reports whether a listener can be given an event.
func (p *process) takesEvents() bool {
	return p.State == xmlrpc.Running && p.listener.state == listenerReady && p.stdin != nil && !p.stdin.closed
}

// listenerGroup is the group of an [eventlistener:x] as its pool sees it.
type listenerGroup struct {
	*group
	log *Logger
}

func (g listenerGroup) ready() bool {
	return slices.ContainsFunc(g.processes, (*process).takesEvents)
}

// give gives one event to the first listener that is ready for it.
func (g listenerGroup) give(ev poolEvent) bool {
	for _, proc := range g.processes {
		if !proc.takesEvents() {
			continue
		}
		err := proc.stdin.write(ev.envelope(g.pool))
		if err != nil {
			if errors.Is(err, syscall.EPIPE) {
				g.log.Debug("epipe occurred while sending event %d to listener %s, listener state unchanged", ev.serial, proc.cfg.Name)
			}
			continue
		}
		g.log.Debug("event %d sent to listener %s", ev.serial, proc.cfg.Name)
		proc.listener.sent()
		proc.inHand = ev
		return true
	}
	return false
}

// listen acts on what a listener wrote.
func (s *Supervisor) listen(p *process, data []byte, now time.Time) {
	shown := p.group.shown
	p.listener.feed(data, func(v verdict, from listenerState, detail string) {
		name := p.cfg.Name
		if isResult := v == listenerSaidOK || v == listenerSaidOther; isResult && shown != nil {
			v = listenerSaidOK
			if !showResult(shown, detail) {
				v = listenerCausedError
				p.listener.end()
			}
		}
		switch v {
		case listenerSaidOK:
			s.log.Debug("%s: event was processed", name)
		case listenerSaidOther:
			s.log.Warn("%s: event was rejected", name)
			p.inHand.rejections++
			if p.inHand.rejections > 1 {
				p.inHand.notBefore = now.Add(rejectionPause)
			}
		case listenerCausedError:
			s.log.Warn("%s: event caused an error", name)
		case listenerBadResult:
			s.log.Warn("%s: bad result line: %s", name, inifile.PythonRepr(detail))
		}
		s.log.Debug("%s: %v -> %v", name, from, p.listener.state)
		if p.listener.state == listenerUnknown {
			s.log.Warn("%s: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol", name)
		}
		switch {
		case v == listenerSaidOK:
			p.inHand = poolEvent{}
		case from == listenerBusy:
			p.reject()
		}
	})
	p.group.pool.dispatch()
}

// reject gives the event that a listener has in hand back to its own pool.
func (p *process) reject() {
	ev := p.inHand
	if ev.event == nil {
		return
	}
	p.inHand = poolEvent{}
	p.group.pool.rebuffer(ev)
}

// makePool makes a listener group one that gets events.
func (s *Supervisor) makePool(g *group, cfg *config.Group) {
	if cfg.ShowsResults() {
		g.shown = s.stdout
	}
	g.pool = newPool(g.name, cfg.Events, cfg.BufferSize, listenerGroup{g, s.log}, &s.bus)
	s.bus.subscribe(g.pool)
}

// busLog tells the main log what becomes of events.
type busLog struct{ log *Logger }

func (l busLog) overflowed(p *pool, serial uint64) {
	l.log.Error("pool %s event buffer overflowed, discarding event %d", p.name, serial)
}

func (l busLog) rebuffered(p *pool, serial uint64, others int) {
	if l.log.Enabled(logs.Debug) {
		l.log.Debug("rebuffering event %d for pool %s (buf size=%d, max=%d)", serial, p.name, others, p.size)
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
