package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"supervisor/inifile"
	"supervisor/supervise/config"
	"supervisor/supervise/event"
	"supervisor/supervise/job"
	"supervisor/supervise/lines"
	"supervisor/supervise/logs"
	"supervisor/supervise/pipes"
	"supervisor/supervise/spawn"
	"supervisor/supervise/tz"
	"supervisor/web"
	jsonapi "supervisor/web/api"
	"supervisor/xmlrpc"
)

// Run is supervisord. It returns the exit status, or an error of the
// configuration or of the start that is to be shown as a usage error.
func Run(st Start) (exit int, err error) {
	parent := takeParent(st.Env)
	cfg, err := config.Read(st.Path, st.Overrides, st.Env)
	if err != nil {
		return 0, err
	}
	if !cfg.NoDaemon && parent == nil {
		return launch(st)
	}
	streams := logs.InheritedStreams()
	closeInherited()
	if parent != nil {
		nameProcess("supervisord") // it was executed as /proc/self/exe
	}
	defer st.Signals.stop()
	tidier := newTidier(tidyAfter, freeMemory)
	defer tidier.stop()
	d := &daemon{
		Start: st, tidier: tidier, executable: selfPath(), parent: parent, path: st.Path, first: true, bounds: newBounds(),
		stdout: logs.NewEcho(st.Stdout), stderr: logs.NewEcho(st.Stderr), streams: streams,
	}
	for fd := 1; fd <= 2; fd++ {
		logs.AppendTo(fd) // logs may lead there too
	}
	defer func() {
		deadline := time.Now().Add(logs.FlushWait)
		d.stdout.Flush(deadline)
		d.stderr.Flush(deadline)
	}()
	go job.Reserve(reservedThreads())
	d.remember(cfg, nil)
	return d.rounds(cfg)
}

// rounds runs one round after the other. One that cannot begin is followed by another
// with the former configuration.
func (d *daemon) rounds(cfg *config.Config) (exit int, err error) {
	next := &nextRound{cfg: cfg}
	for former := (*config.Config)(nil); next != nil; d.first = false {
		r, err := d.begin(next)
		switch {
		case err == nil:
			former = next.cfg
			next = r.run()
			exit = r.s.exitStatus
		case former != nil:
			again := *former
			again.Notes = append(slices.Clone(again.Notes),
				config.Note{Level: logs.Critical, Text: fmt.Sprintf("cannot begin with the new configuration, going on with the former one: %v", err)})
			next, former = &nextRound{cfg: &again}, nil
		default:
			var refused *refusal
			if errors.As(err, &refused) {
				fmt.Fprintf(d.Stderr, "Error: %v\n", err)
				return 1, nil
			}
			return 0, err
		}
	}
	return exit, nil
}

// refusal is why a round cannot begin, where that is no usage error.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// daemon is what lives longer than a round.
type daemon struct {
	Start
	tidier     *tidier
	stdout     *logs.Outlet // what has to wait for nobody who reads it, and nothing at the start
	stderr     *logs.Outlet
	streams    logs.Streams
	executable string
	path       string   // of the configuration: as given, or absolute once the directory has changed
	parent     *os.File // in the background: where the launcher waits for us; nil otherwise
	first      bool
	strangers  bool            // children that we have not started can end
	serial     uint64          // of the next event
	noFile     *syscall.Rlimit // of children; nil for the same as ours
	starters   spawn.Starters
	bounds     bounds

	// environ is all that [supervisord] environment has said in this run: it can
	// still be referred to when it is gone from the file. Whoever reads sets it.
	environ atomic.Pointer[map[string]string]
}

// read reads the configuration again. It may be called from any goroutine.
func (d *daemon) read() (*config.Config, error) {
	o := d.Overrides
	if earlier := d.environ.Load(); earlier != nil {
		o.Environment = *earlier
	}
	defer d.tidier.soon() // a thousand programs are read with megabytes
	cfg, err := config.Read(d.path, o, d.Env)
	if err != nil {
		return nil, err
	}
	cfg.Path = d.Path
	d.remember(cfg, o.Environment)
	return cfg, nil
}

func (d *daemon) remember(cfg *config.Config, earlier map[string]string) {
	environ := maps.Clone(earlier)
	if environ == nil {
		environ = map[string]string{}
	}
	maps.Copy(environ, cfg.Environment)
	d.environ.Store(&environ)
}

// round is one run of a configuration.
type round struct {
	log       *logs.Logger
	s         *Supervisor
	listeners []net.Listener // that no server has yet
	servers   servers
	pidfile   pidfile
}

// begin makes a round, ready to run. On an error nothing is left of it.
func (d *daemon) begin(next *nextRound) (r *round, err error) {
	cfg := next.cfg
	r = &round{listeners: next.listeners}
	defer func() {
		if err != nil {
			if !d.first {
				r.log.Crit("cannot begin: %v", err)
			}
			r.end()
		}
	}()
	notes := slices.Clone(cfg.Notes)
	if err = becomeUser(cfg, &notes); err != nil {
		return r, err
	}
	if d.first {
		if _, err := tz.Load(d.Env["TZ"]); err != nil {
			notes = append(notes, config.Note{Level: logs.Warn, Text: err.Error() + "; times are in UTC"})
		}
		if d.noFile, err = raiseLimits(cfg, &notes); err != nil {
			return r, err
		}
		adoptOrphans(cfg, &notes)
		d.strangers = mayHaveStrangers()
	}
	files := logs.NewFiles()
	files.Freeing = d.bounds.freeing
	files.Streams = d.streams
	if r.log, err = d.openLog(cfg, files); err != nil {
		return r, &refusal{fmt.Errorf("cannot open the log %s: %w", cfg.Logfile, err)}
	}
	r.log.TakeCrashes()
	logNotes(r.log, notes)
	if r.s, err = d.newSupervisor(cfg, r.log, files); err != nil {
		return r, &refusal{err}
	}
	if d.first {
		d.Signals.keep() // before there is a socket or a file that a sudden end would leave behind
	}
	if r.listeners, err = listen(cfg, r.listeners, d.Stderr); err != nil {
		return r, err
	}
	if err = r.s.build(cfg); err != nil {
		return r, &refusal{err}
	}
	r.s.signals = d.Signals.caught
	if d.strangers {
		r.s.watchAllChildren()
	}
	r.s.announceServers(cfg)
	if d.first && d.parent != nil {
		if err = d.detach(cfg, r.log); err != nil {
			return r, err
		}
	}
	r.s.present = &nextRound{cfg: cfg, listeners: r.listeners}
	limitMemory(cfg)
	r.servers = r.s.serve(cfg, r.listeners, &API{s: r.s, version: d.Version})
	r.listeners = nil
	r.pidfile = writePidfile(cfg.Pidfile, r.log)
	d.ready()
	return r, nil
}

// run runs the round until it is to be replaced by the next, or nil.
func (r *round) run() (next *nextRound) {
	defer r.end()
	r.s.bus.Raise(event.SupervisorRunning, "")
	if r.s.run() == Shutdown {
		r.s.successor.discard()
		return nil
	}
	return r.s.successor
}

// end releases what the round has.
func (r *round) end() {
	r.pidfile.remove()
	r.servers.close()
	closeAll(r.listeners)
	if r.s != nil {
		r.s.close()
	}
	r.log.Close()
}

// openLog opens the main log.
func (d *daemon) openLog(cfg *config.Config, files *logs.Files) (*logs.Logger, error) {
	o := logs.LoggerOptions{
		Level: cfg.LogLevel, JSON: cfg.LogFormat == lines.JSON, Path: cfg.Logfile, MaxBytes: cfg.LogfileMaxBytes, Backups: cfg.LogfileBackups,
		Program: filepath.Base(d.Argv0), Files: files,
		Report: func(text string) { fmt.Fprintln(d.stderr, text) },
	}
	if cfg.NoDaemon && !cfg.Silent && !logs.LeadsToStdout(cfg.Logfile) {
		o.Echo = d.stdout
	}
	return logs.NewLogger(o)
}

// logNotes logs what there was to say before there was a log: the worst first.
func logNotes(log *logs.Logger, notes []config.Note) {
	slices.SortStableFunc(notes, func(a, b config.Note) int { return cmp.Compare(b.Level, a.Level) })
	for _, n := range notes {
		log.Say(n.Level, n.Text)
	}
}

// newSupervisor makes a round without groups.
func (d *daemon) newSupervisor(cfg *config.Config, log *logs.Logger, files *logs.Files) (*Supervisor, error) {
	s := &Supervisor{
		log: log, cfg: cfg, configured: cfg.ByName(), read: d.read, next: d.next, preparing: make(chan struct{}, 1), tidier: d.tidier, executable: d.executable,
		environ: os.Environ(), env: d.Env,
		table:    newTable(),
		depends:  newDependencies(cfg),
		bus:      event.Bus{Identifier: cfg.Identifier, Serial: &d.serial, Tell: busLog{log}},
		stdout:   d.stdout,
		ticks:    event.NewTicks(),
		sockets:  sockets{log: log, open: map[*config.FastCGISocket]*sharedSocket{}},
		logFiles: files, autoLogs: map[autoLogKey]string{},
		bounds: d.bounds,
		syslog: logs.NewSyslog(filepath.Base(d.Argv0), ""),
		mood:   Running, messages: make(chan pipes.Message, 256), requests: make(chan func(time.Time)),
		watchers: map[chan uint64]struct{}{},
		timer:    time.NewTimer(time.Hour), done: make(chan struct{}),
		turn: maxTurn,
	}
	s.timer.Stop()
	s.tasks = newTasks()
	s.guard.Store(int32(Running))
	all, err := spawn.NewArguments(nil, s.environ)
	if err != nil {
		return nil, err
	}
	s.environArgs = all[:len(s.environ)]
	s.starts.spawn = func() (*spawner, error) { return d.newSpawner(log) }
	s.starts.results = make(chan *attempt)
	s.starts.loan.timer = time.AfterFunc(time.Hour, s.watch)
	s.starts.loan.timer.Stop()
	first, err := s.starts.spawn() // early, as long as low descriptors are free
	if err != nil {
		return nil, err
	}
	first.starter.Reserve(descriptors(cfg))
	s.starts.add(first)
	if s.poller, err = pipes.NewPoller(s.messages); err != nil {
		s.starts.close()
		return nil, err
	}
	return s, nil
}

// newSpawner makes a spawner.
func (d *daemon) newSpawner(log *logs.Logger) (*spawner, error) {
	starter, err := spawn.NewStarter(&d.starters, d.noFile)
	if err != nil {
		return nil, err
	}
	return &spawner{starter, d.executable, log}, nil
}

// descriptors is how many we shall have open at most: our own, and of each child
// three pipes, two logs, and one for itself.
func descriptors(cfg *config.Config) int {
	n := 64
	for _, g := range cfg.Groups {
		n += 6 * len(g.Programs)
	}
	return n
}

// maxConnections is how many clients there may be at a time.
const maxConnections = 1024

// connections is how many of them there may be so that programs can still be started:
// each may need two descriptors.
func connections(cfg *config.Config) int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return maxConnections
	}
	left := int64(min(limit.Cur, 1<<30)) - int64(descriptors(cfg))
	return int(min(left/2, maxConnections))
}

// build makes the configured groups active.
func (s *Supervisor) build(cfg *config.Config) error {
	if !cfg.NoCleanup {
		for _, trouble := range logs.CleanAuto(cfg.ChildLogDir, cfg.Identifier) {
			s.log.Warn("%s", trouble)
		}
	}
	now := time.Now()
	for _, g := range cfg.Groups {
		if s.table.group(g.Name) != nil {
			continue // a second group of that name never had a chance
		}
		programs := g.Running()
		prepared := s.prepare(programs)
		if err := prepared.make(); err != nil {
			return err
		}
		s.use(prepared)
		s.addGroup(g, programs, s.newProcesses(programs, prepared), now)
	}
	s.fitColumn()
	return nil
}

// close releases what the round holds besides its children, which are gone.
func (s *Supervisor) close() {
	if s.allWatched {
		signal.Stop(s.deaths)
	}
	if s.checks != nil {
		s.checks.Close()
	}
	if s.notify != nil {
		s.notify.Close()
	}
	s.closeTasks()
	s.poller.Close()
	s.starts.close()
	s.syslog.Close()
	s.timer.Stop()
}

// listen opens the sockets of those servers that have none in open. It returns all of
// them, also with an error.
func listen(cfg *config.Config, open []net.Listener, stderr io.Writer) (listeners []net.Listener, err error) {
	listeners = make([]net.Listener, len(cfg.Servers))
	copy(listeners, open)
	for i, c := range cfg.Servers {
		if listeners[i] != nil {
			continue
		}
		if listeners[i], err = web.Listen(listenConfig(c), stderr); err != nil {
			listeners[i] = nil // not an interface that holds nil
			return listeners, err
		}
	}
	return listeners, nil
}

// listenConfig is what the server of a section needs to know.
func listenConfig(c config.Server) web.ListenConfig {
	return web.ListenConfig{
		Section: c.Section, Network: c.Network, Address: c.Address, Mode: c.Mode, UID: c.UID, GID: c.GID,
		Username: c.Username, Password: c.Password, AllowedHosts: c.AllowedHosts,
	}
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		if l != nil {
			l.Close()
		}
	}
}

// announceServers says which servers there are.
func (s *Supervisor) announceServers(cfg *config.Config) {
	for _, c := range cfg.Servers {
		for _, name := range cfg.RPCNamespaces {
			s.log.Info("RPC interface '%s' initialized", name)
		}
		if c.Username == "" {
			s.log.Crit("Server %s running without any HTTP authentication checking", inifile.PythonRepr(c.Section))
		}
	}
}

// servers are the HTTP servers of a round.
type servers []*web.Server

// serve begins to answer clients.
func (s *Supervisor) serve(cfg *config.Config, listeners []net.Listener, api *API) servers {
	rpc := sync.OnceValue(func() *xmlrpc.Server { // by the first call, not by the start
		var namespaces []xmlrpc.Namespace
		for _, name := range cfg.RPCNamespaces {
			namespaces = append(namespaces, api.namespace(name))
		}
		return xmlrpc.NewServer(rpcLog{s.log}, namespaces...)
	})
	var all servers
	var json jsonapi.Backend // nil: not offered
	if cfg.API && slices.Contains(cfg.RPCNamespaces, "supervisor") {
		json = apiV1{api, time.Now()}
	}
	room := web.NewRoom(connections(cfg))
	for i, l := range listeners {
		server := web.NewServer(web.Options{
			Config: listenConfig(cfg.Servers[i]), Version: api.version, Backend: api, Log: s.log, Stderr: os.Stderr,
			Large: s.tidier.soon, Room: room,
			RPC: func(ctx context.Context, body, dst []byte, room func(int) bool) ([]byte, int) {
				return rpc().Serve(ctx, body, dst, room)
			},
			API: json, Disk: api.logs().Do,
		})
		all = append(all, server)
		go server.Serve(l) // ends with Close, and has no other error worth a word
	}
	return all
}

func (all servers) close() {
	for _, server := range all {
		server.Close()
	}
}

// rpcLog writes what happens to calls to the main log.
type rpcLog struct{ log *logs.Logger }

func (l rpcLog) Called(method string) {
	if l.log.Enabled(logs.Trace) {
		l.log.Trace("XML-RPC method called: %s()", method)
	}
}

func (l rpcLog) Returned(method string) {
	if l.log.Enabled(logs.Trace) {
		l.log.Trace("XML-RPC method %s() returned successfully", method)
	}
}

func (l rpcLog) Faulted(method string, f *xmlrpc.Fault) {
	if l.log.Enabled(logs.Trace) {
		l.log.Trace("XML-RPC method %s() returned fault: [%d] %s", method, f.Code, f.Text)
	}
}

func (l rpcLog) Invalid(data []byte, reason string) {
	if reason == "no method name" {
		l.log.Error("XML-RPC request data %s is invalid: no method name", shown(data))
		return
	}
	l.log.Error("XML-RPC request data %s is invalid: unmarshallable", shown(data))
}

func (l rpcLog) Crashed(data []byte, trace string) {
	l.log.Crit("Handling XML-RPC request with data %s raised an unexpected exception: %s", shown(data), trace)
}

// maxShown is how much of a request is logged, before escaping.
const maxShown = 1 << 10

// shown is the data of a request for the log.
func shown(data []byte) string {
	if len(data) <= maxShown {
		return inifile.PythonRepr(string(data))
	}
	start := strings.ToValidUTF8(string(data[:maxShown]), "")
	return inifile.PythonRepr(start) + "... (" + strconv.Itoa(len(data)) + " bytes)"
}

// pidfile is a pidfile that is ours to remove; the zero value is none.
type pidfile struct {
	path string
	file os.FileInfo
}

// writePidfile writes our pid, and says that we have started. That it cannot be
// written keeps us from nothing.
func writePidfile(path string, log *logs.Logger) pidfile {
	pid := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(path, []byte(pid+"\n"), 0o666); err != nil {
		log.Crit("could not write pidfile %s", path)
		return pidfile{}
	}
	log.Info("supervisord started with pid %s", pid)
	file, err := os.Stat(path)
	if err != nil || !file.Mode().IsRegular() {
		return pidfile{} // a device such as /dev/null, or somebody has taken it away
	}
	return pidfile{path, file}
}

// remove removes the file that was written, and nothing else that has its name by now.
func (p pidfile) remove() {
	if p.file == nil {
		return
	}
	now, err := os.Lstat(p.path)
	if err != nil || !os.SameFile(now, p.file) {
		return
	}
	if text, err := os.ReadFile(p.path); err == nil && string(text) == strconv.Itoa(os.Getpid())+"\n" {
		_ = os.Remove(p.path) // nobody is left to hear that it cannot be
	}
}
