//go:build !linux

package supervise

import (
	"errors"
	"os"
)

// poller gives each output a pump of its own, a goroutine that the runtime's
// poller wakes. (On Linux one goroutine serves them all.)
type poller struct {
	loop chan<- message
}

// newPoller returns a poller that reports to loop.
func newPoller(loop chan<- message) (*poller, error) { return &poller{loop: loop}, nil }

// add begins to pump an output. The loop calls it.
func (p *poller) add(o *output) error {
	o.file = os.NewFile(uintptr(o.fd), o.name)
	o.send = func(m message) { p.loop <- m }
	go o.run()
	return nil
}

// addChild is for systems with a descriptor for a child; here there is none.
func (p *poller) addChild(*child) error { return errors.ErrUnsupported }

// finish makes the pump deliver what the pipe holds now and end, whoever else
// has it open. The loop calls it.
func (p *poller) finish(o *output) { o.finishAlone() }

// close ends the poller; its pumps end with their pipes.
func (p *poller) close() {}

// pace is for systems with a poller.
type pace struct{}
