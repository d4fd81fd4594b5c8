//go:build !linux

package pipes

import (
	"errors"

	"supervisor/supervise/logs"
)

// Poller gives each output a goroutine of its own, which the runtime's poller wakes.
// (On Linux one goroutine serves most of them.)
type Poller struct{ outputs }

// NewPoller returns a poller that reports to loop.
func NewPoller(loop chan<- Message) (*Poller, error) {
	p := &Poller{outputs: newOutputs(loop)}
	p.slow = newSlowLogs(p)
	return p, nil
}

// Add begins to pump an output. The loop calls it.
func (p *Poller) Add(o *Output) error {
	p.addAlone(o)
	return nil
}

// AddChild is for systems with a descriptor for a child; here there is none.
func (p *Poller) AddChild(*Child) error { return errors.ErrUnsupported }

// Finish has what a child that has ended said last taken to its logs, and says
// ChildEnded then.
func (p *Poller) Finish(c *Child) {
	p.ending(c)
	for _, o := range c.Outputs {
		if o != nil {
			o.finishAlone()
		}
	}
	p.settle(c)
	p.await(c)
}

// Close ends what goroutines are left, and waits a moment for them.
func (p *Poller) Close() {
	close(p.closed)
	p.wait()
}

// pace and relief are for systems with a poller; so are outputs that are watched, or
// away.
type (
	pace   struct{}
	relief struct{}
)

func (*relief) begin(*reader, *Output, *logs.OpenFile) {}
func (*relief) end(*reader) (uint64, bool)             { return 0, true }

func (p *Poller) ceaseWatched(*Output)       {}
func (p *Poller) giveBack(*reader, *Output)  {}
func (p *Poller) endOutput(*reader, *Output) {}
