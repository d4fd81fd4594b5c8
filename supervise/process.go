package supervise

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"supervisor/inifile/python"
	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/life"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/pipes"
	"supervisor/supervise/sys"
	"supervisor/xmlrpc"
)

// process is one process of the table. It belongs to the loop, and what a running
// child needs is in plain values.
type process struct {
	life.Status
	cfg     *config.Program
	group   *group
	gone    bool     // it is in no active group any more
	place   int      // among the processes of its group, in order of definition
	command *command // nil until it is wanted for the first time

	logs    [2]*logs.File    // by Channel; nil without a log file
	outputs [2]*pipes.Output // of the present child; nil without
	child   *pipes.Child     // the present child, if the poller waits for it
	stdin   *pipes.Stdin     // of the present child; nil without
	spawns  int              // how many children it has had
	reaped  *life.Exit       // the child has ended, its output is being brought in
	ended   string           // how the last child ended; empty if none has
	how     life.Exit        // the same

	dependent int  // its place in the order of those that depend on others, plus 1; 0 for none
	again     bool // so, as soon as it has stopped
	patient   bool // so, and it waited by itself before
	demanded  bool // somebody has asked for its start, which waits for others
	alone     bool // it is started without them, until it is down again
	leaving   bool // it is to be stopped together with others
	held      bool // so, but not before those that need it

	ready *os.File  // of ready=fd:N, from which somebody reads; nil for none
	well  bool      // a check was good, and none since was one failure too many
	ill   string    // why it is not healthy; empty if it is, or if nobody looks
	said  string    // STATUS= of ready=notify
	bark  time.Time // when its watchdog barks; zero for never

	socketHeld bool // it refers to its fcgi socket

	attempt  *attempt // to start it, not decided yet; nil if there is none
	asks     []wish   // of clients, for a start
	found    string   // of a start that was asked for: where the command is
	askedFor bool     // the start is one that was asked for
	killed   bool     // the child that hangs before its exec got SIGKILL, in a shutdown

	waiters    []waiter
	reportStop time.Time // when to say again that a stop is being waited for

	listener event.Protocol // of an event listener
	inHand   event.Held     // the event it is busy with

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

// healthy reports whether nothing is known to be wrong with a process that is RUNNING.
func (p *process) healthy() bool {
	return p.Ailing == "" && (p.well || !p.cfg.Health.Set())
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
		return p.State.Down() && !p.held, nil
	}
	if p.demanded && p.State.Down() {
		return false, nil
	}
	if what == waitForSpawn && p.SpawnErr == "" && p.PID != 0 {
		return true, nil
	}
	switch {
	case p.SpawnErr != "" && (p.State == xmlrpc.Stopped || strings.HasPrefix(p.SpawnErr, "dependency ")): // for want of what it depends on
		return true, xmlrpc.NewFault(xmlrpc.SpawnError, p.SpawnErr)
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
func (s *Supervisor) feed(p *process, now time.Time, in life.Input) {
	before, pid := p.State, p.PID
	st, effects := life.Next(&p.cfg.Policy, p.Status, now, in)
	p.Status = st
	if p.State != before {
		s.version++
	}
	for _, e := range effects {
		s.carryOut(p, now, e, pid)
	}
	if p.socketHeld && p.PID == 0 { // said after what happened to the process, its cause
		p.socketHeld = false
		s.sockets.release(p.cfg.Socket)
	}
	// The wait for a start that somebody has asked for is over when nothing is due any more, or
	// when something has come of it.
	if p.Due.IsZero() || p.State != before {
		p.demanded, p.patient = false, false
	}
	if p.again && p.State.Down() {
		p.again, p.demanded, p.Due = false, true, now
	}
	if p.State == before {
		s.schedule(p)
		p.settle()
		if p.dependent > 0 {
			s.disappoint(p, now, s.failure(p))
		}
		return
	}
	if p.State.Down() {
		p.reportStop, p.alone = time.Time{}, false
	}
	s.schedule(p)
	p.settle()
	if p.dependent > 0 {
		s.conditionsChanged(p)
		s.disappoint(p, now, s.failure(p))
	}
	if p.State == xmlrpc.Running {
		s.cameUp(p, now)
	}
	if p.State.Down() {
		s.release(p, now)
		s.consider(p, now)
	}
	if p.State == xmlrpc.Running && p.group.pool != nil {
		p.group.pool.Dispatch()
	}
}

// carryOut does one effect of what happened while the child, if there was one, had this pid.
func (s *Supervisor) carryOut(p *process, now time.Time, e life.Effect, pid int) {
	switch e := e.(type) {
	case life.Say:
		s.say(p, e, pid)
	case life.Announce:
		if t := event.StateType(e.To); s.bus.Wants(t) {
			s.bus.Raise(t, event.StatePayload(p.cfg.Name, p.cfg.Group, event.StateChange(e)))
		}
	case life.Kill:
		s.kill(p, now, e)
	case life.Spawn:
		s.start(p, now)
	case life.CallOff:
		s.callOff(p, now)
	}
}

// say writes a line about a process to the main log.
func (s *Supervisor) say(p *process, e life.Say, pid int) {
	if e.What == life.Signals && !s.log.Enabled(logs.Debug) {
		return
	}
	level, text := line(p.cfg, e)
	if e.PID != 0 {
		pid = e.PID
	}
	s.log.SayAbout(level, logs.About{Program: p.cfg.Name, PID: pid, Event: word(e.What)}, text)
}

// about is what a line is about that says what has happened to a process.
func (p *process) about(what string) logs.About {
	return logs.About{Program: p.cfg.Name, PID: p.PID, Event: what}
}

// kill sends a signal to a child or its process group.
func (s *Supervisor) kill(p *process, now time.Time, k life.Kill) {
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
		s.log.SayAbout(logs.Critical, p.about("unkillable"), text)
		s.feed(p, now, life.KillFailed{Text: text})
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
	p.reaped, p.listener, p.stdin = nil, event.Protocol{}, nil
	if fd := a.pipes.Ours[0]; fd >= 0 {
		p.stdin = &pipes.Stdin{Fd: fd, Loop: s.messages}
	}
	for ch := logs.Stdout; ch <= logs.Stderr; ch++ {
		p.outputs[ch] = nil
		if fd := a.pipes.Ours[ch+1]; fd >= 0 {
			s.follow(p, ch, fd)
		}
	}
	s.awaitEnd(p, a.pidfd)
	s.watchReadiness(p, a.pipes.Ours[3])
}

// awaitEnd sees to it that the end of a new child becomes known.
func (s *Supervisor) awaitEnd(p *process, pidfd int) {
	p.child = &pipes.Child{Owner: p, Pidfd: pidfd, Outputs: p.outputs}
	if pidfd >= 0 {
		if s.poller.AddChild(p.child) == nil {
			return
		}
		syscall.Close(pidfd)
		p.child.Pidfd = -1
	}
	s.watchAllChildren()
}

// follow begins to pump one output of a new child.
func (s *Supervisor) follow(p *process, ch logs.Channel, fd int) {
	cfg := p.cfg.Logs[ch]
	o := &pipes.Output{
		Owner: p, Channel: ch, Fd: fd, Name: p.cfg.Name, Main: s.log, Log: p.logs[ch],
		Events: cfg.EventsEnabled, Listener: p.cfg.Listener && ch == logs.Stdout,
	}
	if o.Listener { // its stdout is the protocol, which nothing is captured from
		cfg.CaptureMaxBytes, cfg.Syslog = 0, false
	}
	if s.cfg.StripANSI || cfg.CaptureMaxBytes != 0 {
		o.Filter = pipes.NewCapture(cfg.CaptureMaxBytes, s.cfg.StripANSI)
	}
	if p.cfg.Ready.When == config.ReadyLog && !o.Listener {
		o.Match = pipes.NewMatch(p.cfg.Ready.Pattern)
	}
	if cfg.Syslog {
		o.Syslog = s.syslog
	}
	if o.Log != nil {
		s.form(o, p.cfg)
	}
	if err := s.poller.Add(o); err != nil {
		s.log.Crit("cannot follow the %v of %s: %v", ch, p.cfg.Name, err)
		syscall.Close(fd)
		if o.Log != nil {
			s.bounds.freeing.Later(func() { o.Log.Close() })
		}
		return
	}
	p.outputs[ch] = o
}

// form gives an output the form that it is to have in its log.
func (s *Supervisor) form(o *pipes.Output, cfg *config.Program) {
	if f := cfg.Lines; f.Format != lines.Raw {
		o.Lines = lines.New(lines.Settings{
			Format: f.Format, Timestamps: f.Timestamps, Prefix: f.Prefix[o.Channel], Column: &s.column,
			Program: cfg.Name, Group: cfg.Group, Stream: o.Channel.String(),
		})
	}
	if cfg.Lines.Drop {
		o.Drop = new(lines.Drop)
	}
}

// fitColumn has the bars of all programs stand under each other.
func (s *Supervisor) fitColumn() {
	var prefixes []string
	s.table.each(func(p *process) {
		if p.cfg.Lines.Format == lines.Text {
			prefixes = append(prefixes, p.cfg.Lines.Prefix[:]...)
		}
	})
	s.column.Fit(prefixes...)
}

// exit is the end of a child whose output is complete.
func (s *Supervisor) exit(p *process, now time.Time) {
	how := *p.reaped
	p.reaped, p.ended, p.how = nil, how.Text, how
	if p.stdin != nil {
		p.stdin.Close()
		p.stdin = nil
	}
	p.outputs = [2]*pipes.Output{}
	s.endWatching(p)
	p.child = nil
	s.feed(p, now, life.Exited{Status: how})
	if p.group.pool != nil {
		p.listener = event.Protocol{}
		p.reject()
		p.group.pool.Dispatch()
	}
}

// handle acts on what a pump or a stdin writer says.
func (s *Supervisor) handle(m pipes.Message, now time.Time) {
	defer s.poller.Taken(m)
	switch m.Kind {
	case pipes.InputWritten:
		m.In.Written(m.Err)
		return
	case pipes.ChildEnded:
		s.reapChild(m.Child, now)
		return
	}
	p := m.Out.Owner.(*process)
	if p.outputs[m.Out.Channel] != m.Out {
		return // of a child that is history
	}
	switch m.Kind {
	case pipes.OutputLogged:
		t := event.LogStdout + event.Type(m.Out.Channel)
		if s.bus.Wants(t) {
			s.bus.Raise(t, event.OutputPayload(p.cfg.Name, p.cfg.Group, p.PID, m.Out.Channel.String(), true, m.Data))
		}
	case pipes.OutputCaptured:
		t := event.CommStdout + event.Type(m.Out.Channel)
		if s.bus.Wants(t) {
			s.bus.Raise(t, event.OutputPayload(p.cfg.Name, p.cfg.Group, p.PID, m.Out.Channel.String(), false, m.Data))
		}
	case pipes.OutputSpoken:
		// Said here and not by the pump, so that the log has question and answer
		// in this order.
		if s.log.Enabled(logs.Debug) {
			s.log.Debug("'%s' %v output:\n%s", p.cfg.Name, m.Out.Channel, python.AppendBytesRepr(nil, m.Data))
		}
		s.listen(p, m.Data, now)
	case pipes.OutputMatched:
		s.feed(p, now, life.BecameReady{})
	case pipes.OutputEnded:
		s.sayClosed(p, m.Out)
	}
}

// sayClosed writes the debug line on the end of an output, with fd and pid where
// Supervisor shows the addresses of its objects.
func (s *Supervisor) sayClosed(p *process, o *pipes.Output) {
	if !s.log.Enabled(logs.Debug) {
		return
	}
	kind := "POutputDispatcher"
	if o.Listener {
		kind = "PEventListenerDispatcher"
	}
	s.log.Debug("fd %d closed, stopped monitoring <%s at %d for <Subprocess at %d with name %s in state %v> (%v)>",
		o.Fd, kind, o.Fd, p.PID, p.cfg.Name, p.State, o.Channel)
}

// view is what clients get to see of a process at one moment, for other goroutines than the
// loop. It has no more than that: for a client that asks for all, the loop makes one of each.
type view struct {
	cfg *config.Program

	// As in life.Status.
	State                 xmlrpc.State
	Due, Started, Stopped time.Time
	PID, Exit             int
	SpawnErr              string

	logPaths [2]string // by Channel
	spawns   int
	ended    string
	waiting  string // for what; empty for nothing
	ill      string // why it is not healthy; empty if it is
}

func (s *Supervisor) view(p *process) view {
	return view{
		cfg: p.cfg, State: p.State, Due: p.Due, Started: p.Started, Stopped: p.Stopped,
		PID: p.PID, Exit: p.Exit, SpawnErr: p.SpawnErr,
		logPaths: [2]string{p.logPath(logs.Stdout), p.logPath(logs.Stderr)},
		spawns:   p.spawns, ended: p.ended, waiting: s.waitingFor(p), ill: p.ill,
	}
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
	if v.waiting != "" {
		return "waiting for " + v.waiting
	}
	switch v.State {
	case xmlrpc.Running:
		b := append(make([]byte, 0, 48), "pid "...)
		b = append(strconv.AppendInt(b, int64(v.PID), 10), ", uptime "...)
		b = appendUptime(b, now.Sub(v.Started))
		if v.ill != "" {
			b = append(b, ", unhealthy"...)
		}
		return string(b)
	case xmlrpc.Fatal, xmlrpc.Backoff:
		if v.SpawnErr == "" {
			return `unknown error (try "tail ` + v.cfg.Name + `")`
		}
		return v.SpawnErr
	case xmlrpc.Stopped, xmlrpc.Exited:
		if v.Started.IsZero() {
			return "Not started"
		}
		if wait := v.Due.Sub(now); v.cfg.Restart.Delay >= 0 && v.State == xmlrpc.Exited && wait > 0 {
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
	name := sys.SignalName(sig)
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
	s.log.SayAbout(logs.Critical, p.about("unkillable"), text)
	s.feed(p, now, life.KillFailed{Text: text})
	return xmlrpc.NewFault(xmlrpc.Failed, text)
}
