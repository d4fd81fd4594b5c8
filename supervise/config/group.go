package config

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"supervisor/inifile"
)

// readGroups makes the groups: those of [group:x] first, then one for each
// program, listener and fcgi-program that is in none of them.
func (r *reading) readGroups() {
	add := func(g *Group) { r.config.Groups = append(r.config.Groups, g) }
	for _, section := range r.sections("group:") {
		add(r.readGroup(section))
	}
	for _, section := range r.sections("program:") {
		if !r.grouped[section.Name()] {
			add(r.readProgramGroup(section))
		}
	}
	for _, section := range r.sections("eventlistener:") {
		add(r.readListener(section))
	}
	for _, section := range r.sections("fcgi-program:") {
		if !r.grouped[section.Name()] {
			add(r.readFastCGI(section))
		}
	}
	slices.SortStableFunc(r.config.Groups, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), strings.Compare(a.Name, b.Name))
	})
}

// groupDraft is a group that is being read.
type groupDraft struct {
	Group
	members []string // programs= of [group:x]
}

// groupReader reads what a section says about its group. Errors do not name the
// section.
func (r *reading) groupReader(section *inifile.Section) *inifile.Reader {
	return section.Reader(r.global.With("here", r.config.Here), "").Over(r.defaultsOf(section))
}

// beginGroup reads what a section says about its group.
func (r *reading) beginGroup(section *inifile.Section, kind Kind) *groupDraft {
	g := preset(whereIs(section.Name()), ofGroup, &groupDraft{Group: Group{Kind: kind, Name: afterColon(section)}})
	s := r.groupReader(section)
	if kind != ListenerPool { // Supervisor does not look at the name of one before its processes
		name, err := checkedName(g.Name)
		if g.Name = name; err != nil {
			s.Fail("", err)
		}
	}
	r.readKeys(ofGroup, s, g)
	r.collect(s)
	return g
}

// readGroup is the whole of [group:x].
func (r *reading) readGroup(section *inifile.Section) *Group {
	g := r.beginGroup(section, ProgramGroup)
	blamed := section.Name() // like Supervisor, which names the last member it has found
	for _, name := range g.members {
		program, fcgi := r.file.Section("program:"+name), r.file.Section("fcgi-program:"+name)
		switch {
		case program == nil && fcgi == nil:
			r.fail(section.Error("programs", fmt.Errorf("[%s] names unknown program or fcgi-program %s", blamed, name)))
			continue
		case program != nil && fcgi != nil:
			r.fail(section.Error("programs", fmt.Errorf("[%s] name %s is ambiguous (exists as program and fcgi-program)", blamed, name)))
			continue
		}
		var p Program
		member := program
		if member == nil {
			member = fcgi
			p.Socket = r.readMemberSocket(fcgi)
		}
		blamed = member.Name()
		r.grouped[member.Name()] = true
		g.Programs = append(g.Programs, r.readProcesses(member, g.Name, p)...)
	}
	return &g.Group
}

// readProgramGroup is [program:x] as a group of its own.
func (r *reading) readProgramGroup(section *inifile.Section) *Group {
	g := r.beginGroup(section, ProgramGroup)
	g.Programs = r.readProcesses(section, g.Name, Program{})
	return &g.Group
}

// readListener is the whole of [eventlistener:x].
func (r *reading) readListener(section *inifile.Section) *Group {
	g := r.beginGroup(section, ListenerPool)
	g.Programs = r.readProcesses(section, g.Name, Program{Listener: true})
	return &g.Group
}

func (r *reading) checkBufferSize(s *inifile.Reader, key string, g *groupDraft) {
	if g.BufferSize < 1 {
		s.Fail(key, fmt.Errorf("[%s] section sets invalid buffer_size (%d)", s.Section().Name(), g.BufferSize))
	}
}

func (r *reading) checkResultHandler(s *inifile.Reader, key string, g *groupDraft) {
	name := s.Section().Name()
	standard, err := resolve(g.ResultHandler, standardResultHandler)
	if err != nil {
		s.Fail(key, fmt.Errorf("%s cannot be resolved within [%s]: %w", g.ResultHandler, name, err))
	} else if !standard && !g.ShowsResults() {
		r.note(s.Section(), key, "For [%s], result_handler=%s is Python code, which this supervisord cannot run; the standard one is used", name, g.ResultHandler)
	}
}

// readRedirect looks that the stdout of a listener stays what it is.
func (r *reading) readRedirect(s *inifile.Reader, key string, _ *groupDraft) {
	if s.Bool(key, false) {
		s.Fail(key, fmt.Errorf("[%s] section sets redirect_stderr=true but this is not allowed "+
			"because it will interfere with the eventlistener protocol", s.Section().Name()))
	}
}

// readEvents reads the types of events that a listener wants, sorted.
func (r *reading) readEvents(s *inifile.Reader, key string, g *groupDraft) {
	name := s.Section().Name()
	var events []string
	for _, item := range s.List(key) {
		event := strings.ToUpper(item)
		if !slices.Contains(eventTypes(), event) {
			s.Fail(key, fmt.Errorf("Unknown event type %s in [%s] events", event, name))
		}
		events = append(events, event)
	}
	if len(events) == 0 {
		s.Fail(key, fmt.Errorf(`[%s] section requires an "events" line`, name))
	}
	slices.Sort(events)
	g.Events = slices.Compact(events)
}

// eventTypes are the names that events= can have.
func eventTypes() []string {
	return []string{
		"EVENT",
		"PROCESS_STATE", "PROCESS_STATE_STOPPED", "PROCESS_STATE_EXITED", "PROCESS_STATE_STARTING", "PROCESS_STATE_STOPPING",
		"PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL", "PROCESS_STATE_RUNNING", "PROCESS_STATE_UNKNOWN",
		"PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION_STDERR",
		"PROCESS_LOG", "PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR",
		"REMOTE_COMMUNICATION",
		"SUPERVISOR_STATE_CHANGE", "SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE_STOPPING",
		"TICK", "TICK_5", "TICK_60", "TICK_3600",
		"PROCESS_GROUP", "PROCESS_GROUP_ADDED", "PROCESS_GROUP_REMOVED",
	}
}

// readFastCGI is the whole of [fcgi-program:x].
func (r *reading) readFastCGI(section *inifile.Section) *Group {
	g := r.beginGroup(section, FastCGIGroup)
	g.Socket = r.readSocket(section)
	g.Programs = r.readProcesses(section, g.Name, Program{Socket: g.Socket})
	return &g.Group
}

// readMemberSocket is readSocket for a member of a [group:x]. Supervisor does
// not look at the socket then, so it can be missing.
func (r *reading) readMemberSocket(section *inifile.Section) *FastCGISocket {
	if value, _, ok := section.Lookup("socket"); !ok || value == "" {
		return nil
	}
	return r.readSocket(section)
}

// readSocket reads what [fcgi-program:x] has beyond [program:x].
func (r *reading) readSocket(section *inifile.Section) *FastCGISocket {
	socket := preset(InFastCGI, ofSocket, &FastCGISocket{OwnerUID: -1, OwnerGID: -1})
	s := r.groupReader(section)
	r.readKeys(ofSocket, s, socket)
	r.collect(s)
	r.sockets[section.Name()] = socket
	return socket
}

// readSocketUser makes a socket that of the user, unless we are it.
func (r *reading) readSocketUser(s *inifile.Reader, key string, socket *FastCGISocket) {
	if user := r.account(s.User(key)); user != nil && user.UID != os.Getuid() {
		socket.OwnerUID, socket.OwnerGID = user.UID, user.GID
	}
}

func (r *reading) readBacklog(s *inifile.Reader, key string, socket *FastCGISocket) {
	if !s.Has(key) {
		return
	}
	socket.Backlog = s.Int(key, 0)
	if socket.Backlog < 1 || socket.Backlog > 65535 {
		s.Fail(key, fmt.Errorf("Invalid socket_backlog value %d", socket.Backlog))
	}
}

// readSocketURL reads socket, which is unix:///PATH or tcp://HOST:PORT.
func (r *reading) readSocketURL(s *inifile.Reader, key string, socket *FastCGISocket) {
	section := s.Section().Name()
	// The name alone; whether it can be one has been looked at.
	name, _ := checkedName(afterColon(s.Section()))
	url := s.With(r.global.With("here", r.config.Here).With("program_name", name)).String(key, "")
	if url == "" {
		s.Fail(key, fmt.Errorf(`[%s] section requires a "socket" line`, section))
		return
	}
	if path, ok := strings.CutPrefix(url, "unix://"); ok {
		if !strings.HasPrefix(path, "/") {
			s.Fail(key, fmt.Errorf("('Unix socket path %%s is not an absolute path', %s) in [%s] socket", inifile.PythonRepr(path), section))
		}
		socket.Network, socket.Address = "unix", absolute(path)
		socket.URL = "unix://" + socket.Address
		return
	}
	if s.Has("socket_owner") || s.Has("socket_mode") {
		s.Fail(key, fmt.Errorf("socket_owner and socket_mode params should only be used with a Unix domain socket in [%s] socket", section))
		return
	}
	match := regexp.MustCompile(`^tcp://([^\s:]+):(\d+)$`).FindStringSubmatch(url)
	if match == nil {
		s.Fail(key, fmt.Errorf("('Bad socket format %%s', %s) in [%s] socket", inifile.PythonRepr(url), section))
		return
	}
	port, err := inifile.ParsePort(match[2])
	if err != nil {
		s.Fail(key, fmt.Errorf("%w in [%s] socket", err, section))
	}
	socket.OwnerUID, socket.OwnerGID = -1, -1
	socket.Network, socket.Address = "tcp", fmt.Sprintf("%s:%d", strings.ToLower(match[1]), port)
	socket.URL = "tcp://" + socket.Address
}
