package ctl

import (
	"context"
	"errors"
	"slices"
	"strings"

	"supervisor/ctl/edit"
	"supervisor/inifile"
	"supervisor/inifile/near"
)

// command is one action: what the words mean, what help says of it, what TAB
// offers behind it.
type command struct {
	name  string
	usage []string
	ours  []string // usage that Supervisor does not have, for people only

	// extra marks what Supervisor does not have. The table of help, which is
	// interface, leaves it out.
	extra bool

	// upcheck asks first whether a server answers. If it cannot be used, the exit
	// status is down or, where that is 0, what the check says.
	upcheck bool
	down    int

	// bare actions refuse arguments.
	bare bool

	// What may follow, for TAB: words by their position, the last one of which stands for
	// all further ones, and options.
	words   []kind
	options []actionOption

	run func(s *session, ctx context.Context, arg string) error
}

// commands returns the table of actions, by name. It is data, so it is as long as it has to
// be; a variable could not name functions that look into it, as help does.
func commands() []command {
	const sameUpdate = "\t\tReload config and add/remove as necessary, and will restart affected programs"
	return []command{
		{name: "add", run: (*session).add, words: []kind{aGroup}, usage: []string{
			"add <name> [...]\tActivates any updates in config for process/group",
		}},
		{name: "avail", run: (*session).avail, bare: true, usage: []string{
			"avail\t\t\tDisplay all configured processes",
		}},
		{name: "clear", run: (*session).clear, upcheck: true, words: []kind{aProcessOrAll}, usage: []string{
			"clear <name>\t\tClear a process' log files.",
			"clear <name> <name>\tClear multiple process' log files",
			"clear all\t\tClear all process' log files",
		}},
		{name: "completion", extra: true, run: (*session).completion, words: []kind{aShell}, usage: []string{
			"completion bash|zsh|fish\tPrint a script that completes the words of supervisorctl in that shell",
		}},
		{name: "exit", run: (*session).leave, usage: []string{"exit\tExit the supervisor shell."}},
		{name: "fg", run: (*session).foreground, upcheck: true, words: []kind{aProcess}, usage: []string{
			"fg <process>\tConnect to a process in foreground mode",
			"\t\tCtrl-C to exit",
		}},
		{name: "health", extra: true, run: (*session).health, upcheck: true, down: exitFailed, words: []kind{someProcesses}, usage: []string{
			"health\t\t\tTell what is not well, one line each",
			"health <name> [...]\tTell it of some processes, groups or patterns",
			"Exit status: 0 if all is well, else 1.",
		}},
		{name: "help", extra: true, run: (*session).help, words: []kind{anAction}, usage: []string{
			"help\t\tPrint a list of available actions",
			"help <action>\tPrint help for <action>",
		}},
		{name: "maintail", run: (*session).mainTail, upcheck: true, options: []actionOption{{name: "-f"}}, usage: []string{
			"maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)",
			"maintail -100\tlast 100 *bytes* of supervisord main log file",
			"maintail\tlast 1600 *bytes* of supervisor main log file",
			"",
		}},
		{name: "open", run: (*session).open, usage: []string{
			"open <url>\tConnect to a remote supervisord process.",
			"\t\t(for UNIX domain socket, use unix:///socket/path)",
		}},
		{name: "pid", run: (*session).pid, upcheck: true, words: []kind{aProcessOrAll}, usage: []string{
			"pid\t\t\tGet the PID of supervisord.",
			"pid <name>\t\tGet the PID of a single child process by name.",
			"pid all\t\t\tGet the PID of every child process, one per line.",
		}},
		{name: "quit", run: (*session).leave, usage: []string{"quit\tExit the supervisor shell."}},
		{name: "reload", run: (*session).reload, bare: true, usage: []string{
			"reload \t\tRestart the remote supervisord.",
		}},
		{name: "remove", run: (*session).remove, words: []kind{aGroup}, usage: []string{
			"remove <name> [...]\tRemoves process/group from active config",
		}},
		{name: "reread", run: (*session).reread, bare: true, usage: []string{
			"reread \t\t\tReload the daemon's configuration files without add/remove",
		}},
		{name: "restart", run: (*session).restart, upcheck: true, words: []kind{someProcesses}, options: []actionOption{{name: followOption}}, ours: followUsage("restart"), usage: []string{
			"restart <name>\t\tRestart a process",
			"restart <gname>:*\tRestart all processes in a group",
			"restart <name> <name>\tRestart multiple processes or groups",
			"restart all\t\tRestart all processes",
			"Note: restart does not reread config files. For that, see reread and update.",
		}},
		{name: "shutdown", run: (*session).shutdown, bare: true, usage: []string{
			"shutdown \tShut the remote supervisord down.",
		}},
		{name: "signal", run: (*session).signal, upcheck: true, words: []kind{aSignal, someProcesses}, usage: []string{
			"signal <signal name> <name>\t\tSignal a process",
			"signal <signal name> <gname>:*\t\tSignal all processes in a group",
			"signal <signal name> <name> <name>\tSignal multiple processes or groups",
			"signal <signal name> all\t\tSignal all processes",
		}},
		{name: "start", run: (*session).start, upcheck: true, words: []kind{someProcesses}, options: []actionOption{{name: followOption}, {name: noDepsOption}}, ours: append(followUsage("start"), noDepsUsage), usage: []string{
			"start <name>\t\tStart a process",
			"start <gname>:*\t\tStart all processes in a group",
			"start <name> <name>\tStart multiple processes or groups",
			"start all\t\tStart all processes",
		}},
		{name: "status", run: (*session).showStatus, upcheck: true, down: exitStatusUnknown, words: []kind{someProcesses}, options: []actionOption{{name: "--json"}, {name: "--color", takes: true, values: colors()}}, usage: []string{
			"status <name>\t\tGet status for a single process",
			"status <gname>:*\tGet status for all processes in a group",
			"status <name> <name>\tGet status for multiple named processes",
			"status\t\t\tGet all process status info",
		}},
		{name: "stop", run: (*session).stop, upcheck: true, words: []kind{someProcesses}, usage: []string{
			"stop <name>\t\tStop a process",
			"stop <gname>:*\t\tStop all processes in a group",
			"stop <name> <name>\tStop multiple processes or groups",
			"stop all\t\tStop all processes",
		}},
		{name: "tail", run: (*session).tail, upcheck: true, words: []kind{aProcess, aChannel}, options: []actionOption{{name: "-f"}}, usage: []string{
			"tail [-f] <name> [stdout|stderr] (default stdout)",
			"Ex:",
			"tail -f <name>\t\tContinuous tail of named process stdout",
			"\t\t\tCtrl-C to exit.",
			"tail -100 <name>\tlast 100 *bytes* of process stdout",
			"tail <name> stderr\tlast 1600 *bytes* of process stderr",
		}},
		{name: "update", run: (*session).update, words: []kind{aGroupOrAll}, usage: []string{
			"update\t" + sameUpdate,
			"update all" + sameUpdate,
			"update <gname> [...]\tUpdate specific groups",
		}},
		{name: "version", run: (*session).version, upcheck: true, bare: true, usage: []string{
			"version\t\t\tShow the version of the remote supervisord process",
		}},
		{name: "wait", extra: true, run: (*session).wait, upcheck: true, words: []kind{someProcesses, aState}, options: []actionOption{{name: "--timeout", takes: true}}, usage: []string{
			"wait <name> [<state>] [--timeout <seconds>]\tWait until a process is RUNNING, or in that state",
			"wait <gname>:* [<state>]\t\t\tWait for all processes in a group",
			"wait all [<state>]\t\t\t\tWait for all processes",
			"Exit status: 0 when it is so, 124 when the time is over, 7 when a process is FATAL instead.",
		}},
	}
}

func find(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return &c
		}
	}
	return nil
}

// splitLine takes a line of input apart: the action is the longest run of
// letters, digits and "_" at its beginning, so "status-x" is "status" with
// "-x". A question mark is short for help.
func splitLine(line string) (action, arg string) {
	if rest, ok := strings.CutPrefix(line, "?"); ok {
		line = "help " + rest
	}
	i := 0
	for i < len(line) && isWordByte(line[i]) {
		i++
	}
	return line[:i], inifile.TrimSpace(line[i:])
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// execute carries out one line of input. It sets s.status if something goes
// wrong, and leaves it alone otherwise.
func (s *session) execute(ctx context.Context, line string) {
	defer s.flush()
	line = inifile.TrimSpace(line)
	if line == "" {
		return
	}
	s.known, s.endless = nil, false
	action, arg := splitLine(line)
	if action == "EOF" {
		_ = s.leave(ctx, arg)
		return
	}
	c := find(action)
	if c == nil {
		s.fail(exitFailed, "*** Unknown syntax: ", line)
		s.suggest(ctx, action, anAction)
		return
	}
	err := s.dispatch(ctx, c, arg)
	for unauthorized(err) {
		s.fail(exitFailed, "Server requires authentication")
		if !s.o.Interactive {
			break
		}
		if err = s.askCredentials(ctx); err == nil {
			s.status = 0
			err = s.dispatch(ctx, c, arg)
		}
	}
	switch {
	case err == nil:
	case interrupted(ctx), errors.Is(err, errInterrupted):
		s.fail(exitInterrupted)
		s.left = true
	default:
		s.fail(exitFailed, unhandled(err))
		s.advise(err)
	}
}

// dispatch makes the checks that the table asks for, and runs c.
func (s *session) dispatch(ctx context.Context, c *command, arg string) error {
	if c.bare && arg != "" {
		s.fail(exitFailed, "Error: ", c.name, " accepts no arguments")
		s.explain(c.name)
		return nil
	}
	if word, meant := c.misspelt(strings.Fields(arg)); word != "" {
		s.fail(exitInvalid, "Error: ", c.name, " has no option ", word, ": did you mean ", meant, "?")
		return nil
	}
	if c.upcheck {
		if up, err := s.upcheck(ctx); err != nil {
			return err
		} else if !up {
			if c.down != 0 && s.status != exitFailed {
				s.status = c.down
			}
			return nil
		}
	}
	return c.run(s, ctx, arg)
}

// misspelt returns the first of words that looks like an option of c but is none, and the
// one that was probably meant. What is near none may be the name of a program.
func (c *command) misspelt(words []string) (word, meant string) {
	var names []string
	for _, o := range c.options {
		if strings.HasPrefix(o.name, "--") {
			names = append(names, o.name)
		}
	}
	for _, word := range words {
		name, _, _ := strings.Cut(word, "=")
		if !strings.HasPrefix(name, "--") || slices.Contains(names, name) {
			continue
		}
		if meant := near.Name(name, names); meant != "" {
			return name, meant
		}
	}
	return "", ""
}

// askCredentials takes a new name and password for the rest of the session.
func (s *session) askCredentials(ctx context.Context) error {
	username, err := s.ask(ctx, "Username:")
	if err != nil {
		return err
	}
	password, err := s.askSecret(ctx, "Password:")
	if err != nil {
		return err
	}
	s.say()
	s.o.Username, s.o.Password = username, password
	s.o.HasUsername, s.o.HasPassword = true, true
	s.hangUp()
	return nil
}

// followUsage is the usage of an action with --follow.
func followUsage(action string) []string {
	return []string{action + " --follow <name>\tShow what the program writes while it starts"}
}

// explain prints the usage lines of an action.
func (s *session) explain(name string) {
	c := find(name)
	for _, line := range c.usage {
		s.say(line)
	}
	if s.person {
		for _, line := range c.ours {
			s.say(line)
		}
	}
}

// suggest tells a person which word of a kind was probably meant by one that stands for
// nothing.
func (s *session) suggest(ctx context.Context, word string, what kind) {
	if !s.person {
		return
	}
	words := s.wordsOf(ctx, what, word)
	meant := near.Name(word, words)
	if group := word + ":*"; slices.Contains(words, group) {
		meant = group
	}
	if meant != "" && meant != word {
		s.say("  Did you mean ", meant, "?")
	}
}

// help prints the table of actions, or the usage of one.
func (s *session) help(ctx context.Context, arg string) error {
	if arg != "" {
		if find(arg) == nil {
			s.say("*** No help on ", arg)
			s.suggest(ctx, arg, anAction)
			return nil
		}
		s.explain(arg)
		return nil
	}
	var theirs, ours []string
	for _, c := range commands() {
		if c.extra {
			ours = append(ours, c.name)
		} else {
			theirs = append(theirs, c.name)
		}
	}
	s.say()
	s.helpTable("default commands (type help <topic>):", theirs)
	if s.person { // programs may compare what was always there
		s.helpTable("commands that Supervisor does not have:", ours)
		for _, line := range []string{
			"TAB completes words here, and in your shell behind one of these lines:",
			"bash, zsh: source <(supervisorctl completion bash), or zsh",
			"fish:      supervisorctl completion fish | source",
			"",
		} {
			s.say(line)
		}
	}
	return nil
}

func (s *session) helpTable(title string, names []string) {
	s.say(title)
	s.say(strings.Repeat("=", len(title)))
	for _, row := range edit.Columns(names, 79) {
		s.say(row)
	}
	s.say()
}

// leave ends the shell.
func (s *session) leave(context.Context, string) error {
	s.say()
	s.left = true
	return nil
}

// version prints the version of the server.
func (s *session) version(ctx context.Context, _ string) error {
	version, err := s.server.SupervisorVersion(ctx)
	if err == nil {
		s.say(version)
	}
	return err
}
