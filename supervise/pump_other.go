//go:build !linux

package supervise

import "errors"

// poller gives each output a goroutine of its own, which the runtime's poller wakes.
// (On Linux one goroutine serves most of them.)
type poller struct{ outputs }

// newPoller returns a poller that reports to loop.
func newPoller(loop chan<- message) (*poller, error) {
	p := &poller{outputs: newOutputs(loop)}
	p.slow = newSlowLogs(p)
	return p, nil
}

// add begins to pump an output. The loop calls it.
func (p *poller) add(o *output) error {
	p.addAlone(o)
	return nil
}

// addChild is for systems with a descriptor for a child; here there is none.
func (p *poller) addChild(*child) error { return errors.ErrUnsupported }

// finish has what a child that has ended said last taken to its logs, and says
// childEnded then.
func (p *poller) finish(c *child) {
	p.ending(c)
	for _, o := range c.outputs {
		if o != nil {
			o.finishAlone()
		}
	}
	p.settle(c)
	p.await(c)
}

// close ends what goroutines are left, and waits a moment for them.
func (p *poller) close() {
	close(p.closed)
	p.wait()
}

// pace and relief are for systems with a poller; so are outputs that are watched, or
// away.
type (
	pace   struct{}
	relief struct{}
)

func (*relief) begin(*reader, *output, *openLog) {}
func (*relief) end(*reader) (uint64, bool)       { return 0, true }

func (p *poller) ceaseWatched(*output)       {}
func (p *poller) giveBack(*reader, *output)  {}
func (p *poller) endOutput(*reader, *output) {}
