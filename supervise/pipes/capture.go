package pipes

import "bytes"

// The tokens between which a child's output is captured.
const (
	captureBegin = "<!--XSUPERVISOR:BEGIN-->"
	captureEnd   = "<!--XSUPERVISOR:END-->"
)

// outputSink gets what a child's output consists of, in order. The bytes are
// valid during the call only.
type outputSink interface {
	// output gets bytes as they come. Captured ones are not for the log file, but
	// for everything else that output is for.
	output(p []byte, captured bool)
	// communication gets what stood between the tokens.
	communication(p []byte)
}

// Capture filters the output of one channel of a child: it finds the tokens and
// what is between them, and takes escape sequences out. Bytes in, calls of the
// sink out, no I/O.
//
// After Supervisor's dispatchers.py, POutputDispatcher.record_output, except that
// it holds nothing back but what can still become a token, and loses nothing at
// the end of output.
type Capture struct {
	enabled bool // look for tokens
	strip   bool // take escape sequences out

	inside bool // behind BEGIN
	held   int  // so many bytes of the next token have been seen, at the end
	ansi   ansi
	body   captureBuffer

	*scratch // while something is done
}

// scratch is memory that captures and forms of lines need only while they work: whoever
// feeds many of them has one for all.
type scratch struct {
	lines  []byte // in the form that they have in the log
	joined []byte // a token begun in an earlier chunk, and the chunk
	plain  []byte // without escape sequences
}

// NewCapture returns a filter. maxBytes is the limit of what is captured, 0 for
// no capturing; strip says whether to take escape sequences out. With neither,
// everything passes unchanged.
func NewCapture(maxBytes int64, strip bool) *Capture {
	return &Capture{
		enabled: maxBytes != 0,
		strip:   strip,
		body:    captureBuffer{max: maxBytes},
	}
}

// feed handles the next chunk of output.
func (c *Capture) feed(p []byte, to outputSink, with *scratch) {
	c.scratch = with
	defer func() { c.scratch = nil }()
	if !c.enabled {
		c.emit(p, to)
		return
	}
	if c.held > 0 {
		// Held bytes go out in one piece with what follows them.
		c.joined = append(append(c.joined[:0], c.token()[:c.held]...), p...)
		p = c.joined
		c.held = 0
	}
	for {
		token := c.token()
		at := indexToken(p, token)
		c.emit(p[:at], to)
		p = p[at:]
		if len(p) < len(token) {
			c.held = len(p)
			return
		}
		p = p[len(token):]
		c.toggle(to)
	}
}

// finish handles the end of output: what is held back goes out. A capture that
// was not ended is no communication.
func (c *Capture) finish(to outputSink, with *scratch) {
	c.scratch = with
	defer func() { c.scratch = nil }()
	held := c.token()[:c.held]
	c.held = 0
	c.emit([]byte(held), to)
	c.flush(to)
	c.inside = false
	c.body.reset()
}

// discard forgets what has been captured so far, as clearing the log does.
func (c *Capture) discard() { c.body.reset() }

// token is the one that is looked for.
func (c *Capture) token() string {
	if c.inside {
		return captureEnd
	}
	return captureBegin
}

// toggle goes over a token. An escape sequence does not go over one.
func (c *Capture) toggle(to outputSink) {
	c.flush(to)
	if c.inside {
		to.communication(c.body.bytes())
		c.body.reset()
	}
	c.inside = !c.inside
}

// emit sends bytes on. A piece of which stripping leaves nothing is still one: an
// event without data, as with Supervisor.
func (c *Capture) emit(p []byte, to outputSink) {
	if len(p) == 0 {
		return
	}
	if c.strip && !c.ansi.untouched(p) {
		c.plain = c.ansi.strip(c.plain[:0], p)
		p = c.plain
		if len(p) == 0 && c.ansi.state == ansiEscape {
			return // nothing but what is held back
		}
	}
	c.send(p, to)
}

// flush sends on what may have been the beginning of an escape sequence.
func (c *Capture) flush(to outputSink) {
	if !c.strip {
		return
	}
	if c.plain = c.ansi.finish(c.plain[:0]); len(c.plain) > 0 {
		c.send(c.plain, to)
	}
}

func (c *Capture) send(p []byte, to outputSink) {
	if c.inside {
		c.body.add(p)
	}
	to.output(p, c.inside)
}

// indexToken is where in p the token is, or else where at the end of p it may
// have begun, or else len(p). The first byte of a token is in no other place of
// it, so that no two beginnings can overlap.
func indexToken(p []byte, token string) int {
	for at := 0; ; at++ {
		n := bytes.IndexByte(p[at:], token[0])
		if n < 0 {
			return len(p)
		}
		at += n
		rest := p[at:min(len(p), at+len(token))]
		if token[:len(rest)] == string(rest) {
			return at
		}
	}
}

// captureBuffer keeps about the last max bytes: when n bytes do not fit any more,
// the oldest n bytes go. So one large piece stays whole, and the sum may be
// larger than max. That is Supervisor's rule, and what listeners get.
type captureBuffer struct {
	max   int64
	data  []byte
	start int // where in data it begins
}

func (b *captureBuffer) bytes() []byte { return b.data[b.start:] }

func (b *captureBuffer) reset() {
	b.data, b.start = b.data[:0], 0
	if cap(b.data) > 64<<10 {
		b.data = nil
	}
}

func (b *captureBuffer) add(p []byte) {
	if int64(len(b.bytes())+len(p)) > b.max {
		b.start += min(len(p), len(b.bytes()))
	}
	// Moving the rest to the front now and then costs less than a ring would.
	if b.start > len(b.data)/2 {
		b.data = b.data[:copy(b.data, b.bytes())]
		b.start = 0
	}
	b.data = append(b.data, p...)
}
