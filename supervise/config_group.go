package supervise

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

// groupReader reads what a section says about its group. Errors do not name the
// section.
func (r *reading) groupReader(section *inifile.Section) *inifile.Reader {
	return section.Reader(r.global.With("here", r.config.Here), "")
}

// groupName is the name after the colon of a section that makes a group.
func groupName(s *inifile.Reader) string {
	name, err := checkedName(afterColon(s.Section()))
	if err != nil {
		s.Fail("", err)
	}
	return name
}

// readGroup is the whole of [group:x].
func (r *reading) readGroup(section *inifile.Section) *Group {
	s := r.groupReader(section)
	g := &Group{Kind: ProgramGroup, Name: groupName(s)}
	members := s.List("programs")
	g.Priority = s.Int("priority", 999)
	r.collect(s)
	blamed := section.Name() // like Supervisor, which names the last member it has found
	for _, name := range members {
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
	return g
}

// readProgramGroup is [program:x] as a group of its own.
func (r *reading) readProgramGroup(section *inifile.Section) *Group {
	s := r.groupReader(section)
	g := &Group{Kind: ProgramGroup, Name: groupName(s), Priority: s.Int("priority", 999)}
	r.collect(s)
	g.Programs = r.readProcesses(section, g.Name, Program{})
	return g
}

// readListener is the whole of [eventlistener:x].
func (r *reading) readListener(section *inifile.Section) *Group {
	name := section.Name()
	s := r.groupReader(section)
	g := &Group{Kind: ListenerPool, Name: afterColon(section), Priority: s.Int("priority", -1)}
	g.BufferSize = s.Int("buffer_size", 10)
	if g.BufferSize < 1 {
		s.Fail("buffer_size", fmt.Errorf("[%s] section sets invalid buffer_size (%d)", name, g.BufferSize))
	}
	g.ResultHandler = s.String("result_handler", standardResultHandler)
	standard, err := resolve(g.ResultHandler, standardResultHandler)
	if err != nil {
		s.Fail("result_handler", fmt.Errorf("%s cannot be resolved within [%s]: %w", g.ResultHandler, name, err))
	} else if !standard && !showsResults(g.ResultHandler) {
		r.note(Warn, "For [%s], result_handler=%s is Python code, which this supervisord cannot run; the standard one is used", name, g.ResultHandler)
	}
	g.Events = readEvents(s)
	if s.Bool("redirect_stderr", false) {
		s.Fail("redirect_stderr", fmt.Errorf("[%s] section sets redirect_stderr=true but this is not allowed "+
			"because it will interfere with the eventlistener protocol", name))
	}
	r.collect(s)
	g.Programs = r.readProcesses(section, g.Name, Program{Listener: true})
	return g
}

// readEvents reads the types of events that a listener wants, sorted.
func readEvents(s *inifile.Reader) []string {
	name := s.Section().Name()
	var events []string
	for _, item := range s.List("events") {
		event := strings.ToUpper(item)
		if !slices.Contains(eventTypes(), event) {
			s.Fail("events", fmt.Errorf("Unknown event type %s in [%s] events", event, name))
		}
		events = append(events, event)
	}
	if len(events) == 0 {
		s.Fail("events", fmt.Errorf(`[%s] section requires an "events" line`, name))
	}
	slices.Sort(events)
	return slices.Compact(events)
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
	s := r.groupReader(section)
	g := &Group{Kind: FastCGIGroup, Name: groupName(s), Priority: s.Int("priority", 999)}
	g.Socket = r.readSocket(s)
	r.collect(s)
	g.Programs = r.readProcesses(section, g.Name, Program{Socket: g.Socket})
	return g
}

// readMemberSocket is readSocket for a member of a [group:x]. Supervisor does
// not look at the socket then, so it can be missing.
func (r *reading) readMemberSocket(section *inifile.Section) *FastCGISocket {
	if value, _, ok := section.Lookup("socket"); !ok || value == "" {
		return nil
	}
	s := r.groupReader(section)
	socket := r.readSocket(s)
	r.collect(s)
	return socket
}

// readSocket reads what [fcgi-program:x] has beyond [program:x].
func (r *reading) readSocket(s *inifile.Reader) *FastCGISocket {
	socket := &FastCGISocket{Mode: 0o700, OwnerUID: -1, OwnerGID: -1}
	if user := r.account(s.User("user")); user != nil && user.UID != os.Getuid() {
		socket.OwnerUID, socket.OwnerGID = user.UID, user.GID
	}
	if s.Has("socket_backlog") {
		socket.Backlog = s.Int("socket_backlog", 0)
		if socket.Backlog < 1 || socket.Backlog > 65535 {
			s.Fail("socket_backlog", fmt.Errorf("Invalid socket_backlog value %d", socket.Backlog))
		}
	}
	if s.Has("socket_owner") {
		socket.OwnerUID, socket.OwnerGID = readOwner(s, "socket_owner", "Invalid socket_owner value %s")
	}
	if s.Has("socket_mode") {
		socket.Mode = readMode(s, "socket_mode", "Invalid socket_mode value %s")
	}
	r.readSocketURL(s, socket)
	r.sockets[s.Section().Name()] = socket
	return socket
}

// readSocketURL reads socket, which is unix:///PATH or tcp://HOST:PORT.
func (r *reading) readSocketURL(s *inifile.Reader, socket *FastCGISocket) {
	section := s.Section().Name()
	// The name alone; whether it can be one has been looked at.
	name, _ := checkedName(afterColon(s.Section()))
	url := s.With(r.global.With("here", r.config.Here).With("program_name", name)).String("socket", "")
	if url == "" {
		s.Fail("socket", fmt.Errorf(`[%s] section requires a "socket" line`, section))
		return
	}
	if path, ok := strings.CutPrefix(url, "unix://"); ok {
		if !strings.HasPrefix(path, "/") {
			s.Fail("socket", fmt.Errorf("('Unix socket path %%s is not an absolute path', %s) in [%s] socket", inifile.PythonRepr(path), section))
		}
		socket.Network, socket.Address = "unix", absolute(path)
		socket.URL = "unix://" + socket.Address
		return
	}
	if s.Has("socket_owner") || s.Has("socket_mode") {
		s.Fail("socket", fmt.Errorf("socket_owner and socket_mode params should only be used with a Unix domain socket in [%s] socket", section))
		return
	}
	match := regexp.MustCompile(`^tcp://([^\s:]+):(\d+)$`).FindStringSubmatch(url)
	if match == nil {
		s.Fail("socket", fmt.Errorf("('Bad socket format %%s', %s) in [%s] socket", inifile.PythonRepr(url), section))
		return
	}
	port, err := inifile.ParsePort(match[2])
	if err != nil {
		s.Fail("socket", fmt.Errorf("%w in [%s] socket", err, section))
	}
	socket.OwnerUID, socket.OwnerGID = -1, -1
	socket.Network, socket.Address = "tcp", fmt.Sprintf("%s:%d", strings.ToLower(match[1]), port)
	socket.URL = "tcp://" + socket.Address
}
