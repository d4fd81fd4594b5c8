package event

import (
	"bytes"
	"errors"

	"supervisor/inifile"
)

// TalkState is where a listener is in the protocol on its stdout.
type TalkState int

const (
	Acknowledged TalkState = iota // the state at each start
	Ready
	Busy
	Unknown
)

// String returns the state as Supervisor's log has it.
func (s TalkState) String() string {
	switch s {
	case Ready:
		return "READY"
	case Busy:
		return "BUSY"
	case Acknowledged:
		return "ACKNOWLEDGED"
	}
	return "UNKNOWN"
}

// Verdict is what a listener said that somebody has to act on.
type Verdict int

const (
	SaidReady          Verdict = iota // READY
	SaidOK                            // a result: the event is done with
	SaidOther                         // a result: the event is rejected
	BadResult                         // no result line; detail holds it
	Spoke                             // anything where nothing was expected
	CausedError                       // a result that its handler cannot use
	resultHeader       = len("RESULT ")
	readyToken         = "READY\n"
	maxResultLine      = 1 << 16 // longer than any number of bytes can be written
	maxListenerResults = 64 << 20
)

// Protocol reads the stdout of a listener: bytes in, verdicts out, no I/O. The
// zero value is that of a listener just started. After dispatchers.py,
// PEventListenerDispatcher.
type Protocol struct {
	State  TalkState
	buf    []byte
	length int // of the result being read; -1 for none
	inBody bool
}

// Sent notes that the listener was given an event.
func (p *Protocol) Sent() { p.State, p.inBody = Busy, false }

// End ends the talk: from now on the listener is not listened to.
func (p *Protocol) End() { p.State, p.buf = Unknown, nil }

// Feed takes what the listener wrote. For each thing it said it calls act, which
// is told the state the listener was in before; Feed has changed it by then. Detail is
// the result, or what is no result line. The call may end the talk.
func (p *Protocol) Feed(data []byte, act func(v Verdict, from TalkState, detail string)) {
	if p.State == Unknown {
		return
	}
	p.buf = append(p.buf, data...)
	for len(p.buf) > 0 {
		var more bool
		switch p.State {
		case Acknowledged:
			more = p.readReady(act)
		case Ready:
			p.fail(Spoke, "", act)
		case Busy:
			more = p.readResult(act)
		}
		if !more {
			break
		}
	}
	if len(p.buf) == 0 {
		p.buf = nil // an idle listener holds no buffer
	}
}

func (p *Protocol) readReady(act func(Verdict, TalkState, string)) bool {
	if len(p.buf) < len(readyToken) {
		return false
	}
	if string(p.buf[:len(readyToken)]) != readyToken {
		p.fail(Spoke, "", act)
		return false
	}
	p.buf = p.buf[len(readyToken):]
	p.State = Ready
	act(SaidReady, Acknowledged, "")
	return true
}

// readResult reads "RESULT n\n" and n bytes. The word before the number is not
// looked at, as ever; a negative number is no number here. An empty result counts
// when something follows it, as ever too.
func (p *Protocol) readResult(act func(Verdict, TalkState, string)) bool {
	if !p.inBody {
		eol := bytes.IndexByte(p.buf, '\n')
		if eol < 0 {
			if len(p.buf) > maxResultLine {
				p.fail(BadResult, string(p.buf[:resultHeader]), act)
			}
			return false
		}
		line := string(p.buf[:eol])
		n, err := resultLength(line)
		if err != nil {
			p.fail(BadResult, line, act)
			return false
		}
		p.buf, p.length, p.inBody = p.buf[eol+1:], n, true
	}
	if len(p.buf) < max(p.length, 1) {
		return false
	}
	said, result := SaidOther, string(p.buf[:p.length])
	if result == "OK" {
		said = SaidOK
	}
	p.buf, p.inBody = p.buf[p.length:], false
	p.State = Acknowledged
	act(said, Busy, result)
	return true
}

func resultLength(line string) (int, error) {
	if len(line) < resultHeader {
		return 0, errors.New("no length")
	}
	n, err := inifile.ParseInt(line[resultHeader:])
	if err == nil && (n < 0 || n > maxListenerResults) {
		err = errors.New("length out of range")
	}
	return int(n), err
}

// fail ends the talk because of what was said.
func (p *Protocol) fail(v Verdict, detail string, act func(Verdict, TalkState, string)) {
	from := p.State
	p.End()
	act(v, from, detail)
}
