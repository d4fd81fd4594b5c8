package supervise

import (
	"errors"
	"strconv"
	"syscall"
	"time"

	"supervisor/supervise/config"
	"supervisor/supervise/logs"
	"supervisor/xmlrpc"
)

// process is one process of the table. It belongs to the loop, and what a running
// child needs is in plain values.
type process struct {
	status
	cfg     *config.Program
	group   *group
	gone    bool     // it is in no active group any more
	place   int      // among the processes of its group, in order of definition
	command *command // nil until it is wanted for the first time

	logs    [2]*logFile // by Channel; nil without a log file
	outputs [2]*output  // of the present child; nil without
	child   *child      // the present child, if the poller waits for it
	stdin   *stdinPipe  // of the present child; nil without
	spawns  int         // how many children it has had
	reaped  *exitStatus // the child has ended, its output is being brought in
	ended   string      // how the last child ended; empty if none has

	socketHeld bool // it refers to its fcgi socket

	attempt  *attempt // to start it, not decided yet; nil if there is none
	asks     []wish   // of clients, for a start
	found    string   // of a start that was asked for: where the command is
	askedFor bool     // the start is one that was asked for
	killed   bool     // the child that hangs before its exec got SIGKILL, in a shutdown

	waiters    []waiter
	reportStop time.Time // when to say again that a stop is being waited for

	listener protocol  // of an event listener
	inHand   poolEvent // the event it is busy with

	due   time.Time // its place in the agenda; zero if it is not in there
	retry bool      // what is due is to repeat a failed start
	order uint64    // among those due at the same moment
	index int       // in the agenda
}

// waitFor is what a client waits for.
type waitFor int

const (
	waitForStart waitFor = iota // until it is up
	waitForStop
	waitForSpawn // until there is a child
)

// waiter is a client who waits for a process. reply never blocks the loop: it has
// room for all the answers it can get.
type waiter struct {
	what  waitFor
	reply chan outcome
}

// outcome is how a wait ended.
type outcome struct {
	group, name string
	fault       *xmlrpc.Fault // nil for success
	skipped     bool          // by a request for many: there was nothing to do
}

func (p *process) outcome(fault *xmlrpc.Fault) outcome {
	return outcome{group: p.cfg.Group, name: p.cfg.Name, fault: fault}
}

// settle answers the waiters whose wait the present state ends.
func (p *process) settle() {
	if len(p.waiters) == 0 {
		return
	}
	kept := p.waiters[:0]
	for _, w := range p.waiters {
		done, fault := p.decided(w.what)
		if !done {
			kept = append(kept, w)
			continue
		}
		w.reply <- p.outcome(fault)
	}
	p.waiters = kept
	if len(kept) == 0 {
		p.waiters = nil
	}
}

// decided reports whether a wait is over, and how.
func (p *process) decided(what waitFor) (done bool, fault *xmlrpc.Fault) {
	if what == waitForStop {
		return p.State.Down(), nil
	}
	if what == waitForSpawn && p.SpawnErr == "" && p.PID != 0 {
		return true, nil
	}
	switch {
	case p.SpawnErr != "":
		return true, xmlrpc.NewFault(xmlrpc.SpawnError, p.namespec())
	case p.State == xmlrpc.Running:
		return true, nil
	case p.State != xmlrpc.Starting:
		return true, xmlrpc.NewFault(xmlrpc.AbnormalTermination, p.namespec())
	}
	return false, nil
}

func (p *process) namespec() string { return xmlrpc.Namespec(p.cfg.Group, p.cfg.Name) }

// stopReportPeriod is how often it is said that a stop is being waited for.
const stopReportPeriod = 2 * time.Second

// feed puts an input into the life cycle of a process and carries out what
// follows from it.
func (s *Supervisor) feed(p *process, now time.Time, in input) {
	before := p.State
	st, effects := next(&p.cfg.Policy, p.status, now, in)
	p.status = st
	if p.State != before {
		s.version++
	}
	for _, e := range effects {
		s.carryOut(p, now, e)
	}
	if p.socketHeld && p.PID == 0 { // said after what happened to the process, its cause
		p.socketHeld = false
		s.sockets.release(p.cfg.Socket)
	}
	if p.State == before {
		s.schedule(p)
		p.settle()
		return
	}
	if p.State.Down() {
		p.reportStop = time.Time{}
	}
	s.schedule(p)
	p.settle()
	if p.State == xmlrpc.Running && p.group.pool != nil {
		p.group.pool.dispatch()
	}
}

// carryOut does one effect.
func (s *Supervisor) carryOut(p *process, now time.Time, e effect) {
	switch e := e.(type) {
	case say:
		s.say(p, e)
	case announce:
		if t := stateEvent(e.To); s.bus.wants(t) {
			s.bus.raise(t, statePayload(p.cfg.Name, p.cfg.Group, stateChange(e)))
		}
	case kill:
		s.kill(p, now, e)
	case spawn:
		s.start(p, now)
	case callOff:
		s.callOff(p, now)
	}
}

// say writes a line about a process to the main log.
func (s *Supervisor) say(p *process, e say) {
	if e.What == signals && !s.log.Enabled(logs.Debug) {
		return
	}
	level, text := line(p.cfg, e)
	s.log.Say(level, text)
}

// kill sends a signal to a child or its process group.
func (s *Supervisor) kill(p *process, now time.Time, k kill) {
	if k.Signal == syscall.SIGKILL && p.attempt != nil && s.mood != Running {
		p.killed, p.Due = true, now.Add(abandonAfter)
	}
	err := s.signalChild(p, k.Signal, k.Group)
	switch {
	case err == nil:
	case errors.Is(err, syscall.ESRCH):
		s.log.Debug("unable to signal %s (pid %d), it probably just exited on its own: [Errno 3] No such process", p.cfg.Name, p.PID)
	default:
		text := "unknown problem killing " + p.cfg.Name + " (" + strconv.Itoa(p.PID) + "):" + err.Error()
		s.log.Say(logs.Critical, text)
		s.feed(p, now, killFailed{text})
	}
}

// signalChild signals a child. A child already reaped has lost its pid, which by
// now may be somebody else's; its process group lives as long as a member does.
func (s *Supervisor) signalChild(p *process, sig syscall.Signal, group bool) error {
	if p.PID <= 0 || p.reaped != nil && !group {
		return syscall.ESRCH
	}
	if p.attempt != nil { // its start is not decided
		return p.attempt.child.Signal(sig, group)
	}
	if group {
		return syscall.Kill(-p.PID, sig)
	}
	return syscall.Kill(p.PID, sig)
}

// attend begins to look after a new child.
func (s *Supervisor) attend(p *process, a *attempt) {
	p.reaped, p.listener, p.stdin = nil, protocol{}, nil
	if fd := a.pipes.ours[0]; fd >= 0 {
		p.stdin = &stdinPipe{fd: fd, loop: s.messages}
	}
	for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
		p.outputs[ch] = nil
		if fd := a.pipes.ours[ch+1]; fd >= 0 {
			s.follow(p, ch, fd)
		}
	}
	s.awaitEnd(p, a.pidfd)
}

// awaitEnd sees to it that the end of a new child becomes known.
func (s *Supervisor) awaitEnd(p *process, pidfd int) {
	p.child = &child{owner: p, pidfd: pidfd, outputs: p.outputs}
	if pidfd >= 0 {
		if s.poller.addChild(p.child) == nil {
			return
		}
		syscall.Close(pidfd)
		p.child.pidfd = -1
	}
	s.watchAllChildren()
}

// follow begins to pump one output of a new child.
func (s *Supervisor) follow(p *process, ch logs.Channel, fd int) {
	cfg := p.cfg.Logs[ch]
	o := &output{
		owner: p, channel: ch, fd: fd, name: p.cfg.Name, main: s.log, log: p.logs[ch],
		events: cfg.EventsEnabled, listener: p.cfg.Listener && ch == logs.Stdout,
	}
	if o.listener { // its stdout is the protocol, which nothing is captured from
		cfg.CaptureMaxBytes, cfg.Syslog = 0, false
	}
	if s.cfg.StripANSI || cfg.CaptureMaxBytes != 0 {
		o.filter = newCapture(cfg.CaptureMaxBytes, s.cfg.StripANSI)
	}
	if cfg.Syslog {
		o.syslog = s.syslog
	}
	if err := s.poller.add(o); err != nil {
		s.log.Crit("cannot follow the %v of %s: %v", ch, p.cfg.Name, err)
		syscall.Close(fd)
		if o.log != nil {
			s.bounds.freeing.Later(func() { o.log.Close() })
		}
		return
	}
	p.outputs[ch] = o
}

// exit is the end of a child whose output is complete.
func (s *Supervisor) exit(p *process, now time.Time) {
	how := *p.reaped
	p.reaped, p.ended = nil, how.Text
	if p.stdin != nil {
		p.stdin.close()
		p.stdin = nil
	}
	p.outputs, p.child = [2]*output{}, nil
	s.feed(p, now, exited{how})
	if p.group.pool != nil {
		p.listener = protocol{}
		p.reject()
		p.group.pool.dispatch()
	}
}

// handle acts on what a pump or a stdin writer says.
func (s *Supervisor) handle(m message, now time.Time) {
	defer s.poller.taken(m)
	switch m.kind {
	case inputWritten:
		m.in.written(m.err)
		return
	case childEnded:
		s.reapChild(m.child, now)
		return
	}
	p := m.out.owner.(*process)
	if p.outputs[m.out.channel] != m.out {
		return // of a child that is history
	}
	switch m.kind {
	case outputLogged:
		t := eventLogStdout + eventType(m.out.channel)
		if s.bus.wants(t) {
			s.bus.raise(t, outputPayload(p.cfg.Name, p.cfg.Group, p.PID, m.out.channel.String(), true, m.data))
		}
	case outputCaptured:
		t := eventCommStdout + eventType(m.out.channel)
		if s.bus.wants(t) {
			s.bus.raise(t, outputPayload(p.cfg.Name, p.cfg.Group, p.PID, m.out.channel.String(), false, m.data))
		}
	case outputSpoken:
		// Said here and not by the pump, so that the log has question and answer
		// in this order.
		if s.log.Enabled(logs.Debug) {
			s.log.Debug("'%s' %v output:\n%s", p.cfg.Name, m.out.channel, appendBytesRepr(nil, m.data))
		}
		s.listen(p, m.data, now)
	case outputEnded:
		s.sayClosed(p, m.out)
	}
}

// sayClosed writes the debug line on the end of an output, with fd and pid where
// Supervisor shows the addresses of its objects.
func (s *Supervisor) sayClosed(p *process, o *output) {
	if !s.log.Enabled(logs.Debug) {
		return
	}
	kind := "POutputDispatcher"
	if o.listener {
		kind = "PEventListenerDispatcher"
	}
	s.log.Debug("fd %d closed, stopped monitoring <%s at %d for <Subprocess at %d with name %s in state %v> (%v)>",
		o.fd, kind, o.fd, p.PID, p.cfg.Name, p.State, o.channel)
}

// view is a process as it was at one moment, for other goroutines than the loop.
type view struct {
	status
	cfg      *config.Program
	logPaths [2]string // by Channel
	spawns   int
	ended    string
}

func (p *process) view() view {
	return view{p.status, p.cfg, [2]string{p.logPath(logs.Stdout), p.logPath(logs.Stderr)}, p.spawns, p.ended}
}

// info is what clients see of a process.
func (v *view) info(now time.Time) xmlrpc.ProcessInfo {
	return xmlrpc.ProcessInfo{
		Name: v.cfg.Name, Group: v.cfg.Group,
		Start: unixOrZero(v.Started), Stop: unixOrZero(v.Stopped), Now: now.Unix(),
		State: v.State, SpawnErr: v.SpawnErr, ExitStatus: v.Exit,
		StdoutLogfile: v.logPaths[logs.Stdout], StderrLogfile: v.logPaths[logs.Stderr],
		PID: v.PID, Description: v.description(now), Restarts: max(v.spawns-1, 0), Ended: v.ended,
	}
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// logPath returns where an output goes, "" for nowhere.
func (p *process) logPath(ch logs.Channel) string {
	if p.logs[ch] == nil {
		return ""
	}
	return p.logs[ch].Path()
}

// description is the third column of status.
func (v *view) description(now time.Time) string {
	switch v.State {
	case xmlrpc.Running:
		b := append(make([]byte, 0, 48), "pid "...)
		b = append(strconv.AppendInt(b, int64(v.PID), 10), ", uptime "...)
		return string(appendUptime(b, now.Sub(v.Started)))
	case xmlrpc.Fatal, xmlrpc.Backoff:
		if v.SpawnErr == "" {
			return `unknown error (try "tail ` + v.cfg.Name + `")`
		}
		return v.SpawnErr
	case xmlrpc.Stopped, xmlrpc.Exited:
		if v.Started.IsZero() {
			return "Not started"
		}
		if wait := v.Due.Sub(now); v.cfg.Restart != nil && v.State == xmlrpc.Exited && wait > 0 {
			return "restarting in " + strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10) + "s"
		}
		when := v.Stopped
		if when.IsZero() { // started, but never had a child: the epoch, as ever
			when = time.Unix(0, 0)
		}
		return when.Format("Jan 02 03:04 PM")
	}
	return ""
}

// appendUptime appends a duration as Python prints one, without fractions.
func appendUptime(b []byte, d time.Duration) []byte {
	secs := max(int64(d/time.Second), 0)
	switch days := secs / 86400; {
	case days == 1:
		b = append(b, "1 day, "...)
	case days > 1:
		b = append(strconv.AppendInt(b, days, 10), " days, "...)
	}
	secs %= 86400
	b = strconv.AppendInt(b, secs/3600, 10)
	return append(b, ':', byte('0'+secs/600%6), byte('0'+secs/60%10), ':', byte('0'+secs%60/10), byte('0'+secs%10))
}

// sendSignal is the signal RPC: to the child alone, without a change of state.
func (s *Supervisor) sendSignal(p *process, now time.Time, sig syscall.Signal) *xmlrpc.Fault {
	if !p.State.Signallable() || p.PID == 0 {
		return xmlrpc.NewFault(xmlrpc.NotRunning, p.namespec())
	}
	name := signalName(sig)
	s.log.Debug("sending %s (pid %d) sig %s", p.cfg.Name, p.PID, name)
	err := s.signalChild(p, sig, false)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ESRCH):
		s.log.Debug("unable to signal %s (pid %d), it probably just now exited on its own: [Errno 3] No such process", p.cfg.Name, p.PID)
		return nil
	}
	text := "unknown problem sending sig " + p.cfg.Name + " (" + strconv.Itoa(p.PID) + "):" + err.Error()
	s.log.Say(logs.Critical, text)
	s.feed(p, now, killFailed{text})
	return xmlrpc.NewFault(xmlrpc.Failed, text)
}
