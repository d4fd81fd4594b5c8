package supervise

import (
	"bytes"
	"errors"

	"supervisor/inifile"
)

// listenerState is where a listener is in the protocol on its stdout.
type listenerState int

const (
	listenerAcknowledged listenerState = iota // the state at each start
	listenerReady
	listenerBusy
	listenerUnknown
)

func (s listenerState) String() string {
	switch s {
	case listenerReady:
		return "READY"
	case listenerBusy:
		return "BUSY"
	case listenerAcknowledged:
		return "ACKNOWLEDGED"
	}
	return "UNKNOWN"
}

// verdict is what a listener said that somebody has to act on.
type verdict int

const (
	listenerSaidReady   verdict = iota // READY
	listenerSaidOK                     // a result: the event is done with
	listenerSaidOther                  // a result: the event is rejected
	listenerBadResult                  // no result line; detail holds it
	listenerSpoke                      // anything where nothing was expected
	listenerCausedError                // a result that its handler cannot use
	resultHeader        = len("RESULT ")
	readyToken          = "READY\n"
	maxResultLine       = 1 << 16 // longer than any number of bytes can be written
	maxListenerResults  = 64 << 20
)

// protocol reads the stdout of a listener: bytes in, verdicts out, no I/O. The
// zero value is that of a listener just started. After dispatchers.py,
// PEventListenerDispatcher.
type protocol struct {
	state  listenerState
	buf    []byte
	length int // of the result being read; -1 for none
	inBody bool
}

// sent notes that the listener was given an event.
func (p *protocol) sent() { p.state, p.inBody = listenerBusy, false }

// end ends the talk: from now on the listener is not listened to.
func (p *protocol) end() { p.state, p.buf = listenerUnknown, nil }

// feed takes what the listener wrote. For each thing it said it calls act, which
// is told the state the listener was in before; feed has changed it by then. Detail is
// the result, or what is no result line. The call may end the talk.
func (p *protocol) feed(data []byte, act func(v verdict, from listenerState, detail string)) {
	if p.state == listenerUnknown {
		return
	}
	p.buf = append(p.buf, data...)
	for len(p.buf) > 0 {
		var more bool
		switch p.state {
		case listenerAcknowledged:
			more = p.readReady(act)
		case listenerReady:
			p.fail(listenerSpoke, "", act)
		case listenerBusy:
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

func (p *protocol) readReady(act func(verdict, listenerState, string)) bool {
	if len(p.buf) < len(readyToken) {
		return false
	}
	if string(p.buf[:len(readyToken)]) != readyToken {
		p.fail(listenerSpoke, "", act)
		return false
	}
	p.buf = p.buf[len(readyToken):]
	p.state = listenerReady
	act(listenerSaidReady, listenerAcknowledged, "")
	return true
}

// readResult reads "RESULT n\n" and n bytes. The word before the number is not
// looked at, as ever; a negative number is no number here. An empty result counts
// when something follows it, as ever too.
func (p *protocol) readResult(act func(verdict, listenerState, string)) bool {
	if !p.inBody {
		eol := bytes.IndexByte(p.buf, '\n')
		if eol < 0 {
			if len(p.buf) > maxResultLine {
				p.fail(listenerBadResult, string(p.buf[:resultHeader]), act)
			}
			return false
		}
		line := string(p.buf[:eol])
		n, err := resultLength(line)
		if err != nil {
			p.fail(listenerBadResult, line, act)
			return false
		}
		p.buf, p.length, p.inBody = p.buf[eol+1:], n, true
	}
	if len(p.buf) < max(p.length, 1) {
		return false
	}
	said, result := listenerSaidOther, string(p.buf[:p.length])
	if result == "OK" {
		said = listenerSaidOK
	}
	p.buf, p.inBody = p.buf[p.length:], false
	p.state = listenerAcknowledged
	act(said, listenerBusy, result)
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
func (p *protocol) fail(v verdict, detail string, act func(verdict, listenerState, string)) {
	from := p.state
	p.end()
	act(v, from, detail)
}
