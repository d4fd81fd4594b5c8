//go:build unix

package supervise

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"supervisor/supervise/config"
	"supervisor/supervise/limits"
	"supervisor/supervise/spawn"
	"supervisor/supervise/sys"
	"supervisor/xmlrpc"
)

// command is what stays the same for all starts of a program: the words of its
// command line, and what the system is given of it.
type command struct {
	words         []string
	argv, environ spawn.Arguments
	unusable      error             // why there is no argv or environ: a NUL in them; nil mostly
	notify        map[string]string // variables of ready=notify
	limits        *limits.Plan      // nil for none
}

// command returns the command of a process. It is made for its first start.
func (s *Supervisor) command(p *process) (*command, error) {
	if p.command == nil {
		c, err := s.newCommand(p.cfg)
		if err != nil {
			return nil, err
		}
		p.command = c
	}
	return p.command, nil
}

func (s *Supervisor) newCommand(cfg *config.Program) (c *command, err error) {
	c = new(command)
	if c.words, err = spawn.SplitCommand(cfg.Command); err != nil {
		return nil, err
	}
	if c.limits, err = limitsOf(cfg); err != nil {
		return nil, &spawn.CommandError{Text: err.Error()}
	}
	if c.notify, err = s.notifyVariables(cfg); err != nil {
		return nil, &spawn.CommandError{Text: err.Error()}
	}
	if c.argv, c.unusable = spawn.NewArguments(nil, c.words); c.unusable == nil {
		c.environ, c.unusable = s.childEnviron(cfg, c.notify)
	}
	return c, nil
}

// limitsOf is what makes the limits of a program, nil for none.
func limitsOf(cfg *config.Program) (*limits.Plan, error) {
	uid, changes := os.Getuid(), false
	if u := cfg.User; u != nil {
		uid, changes = u.UID, u.UID != uid
	}
	return limits.NewPlan(&cfg.Limits, uid, changes)
}

// freshEnviron is the environment of a program that has some of it from files or from its
// user, as it is now. Only what nobody changes is used of s, so it may be called by any
// goroutine.
func (s *Supervisor) freshEnviron(cfg *config.Program, c *command) (spawn.Arguments, error) {
	below, err := variables(cfg)
	if err != nil {
		return nil, err
	}
	maps.Copy(below, c.notify)
	return s.childEnviron(cfg, below)
}

// childEnviron is the environment of a program's child as the system takes it.
func (s *Supervisor) childEnviron(cfg *config.Program, below map[string]string) (spawn.Arguments, error) {
	kept, own := s.childEnvironment(cfg, below)
	return spawn.NewArguments(pick(s.environArgs, kept), own)
}

// commandFault is what a client gets who asks for a start.
func commandFault(e *spawn.CommandError) *xmlrpc.Fault {
	if e.Missing {
		return xmlrpc.NewFault(xmlrpc.NoFile, e.Text)
	}
	return xmlrpc.NewFault(xmlrpc.NotExecutable, e.Text)
}

// childEnvironment returns what the environment of a program's child consists of:
// kept are the indices of what it has from s.environ, own are Supervisor's own
// variables and the configured ones, the later winning, and before them what is below.
func (s *Supervisor) childEnvironment(cfg *config.Program, below map[string]string) (kept []int, own []string) {
	set := make(map[string]string, len(cfg.Environment)+len(below)+4)
	maps.Copy(set, below)
	set["SUPERVISOR_ENABLED"] = "1"
	if cfg.ServerURL != "" {
		set["SUPERVISOR_SERVER_URL"] = cfg.ServerURL
	}
	set["SUPERVISOR_PROCESS_NAME"] = cfg.Name
	set["SUPERVISOR_GROUP_NAME"] = cfg.Group
	for name, value := range cfg.Environment {
		set[name] = value
	}
	for i, pair := range s.environ {
		name, _, _ := strings.Cut(pair, "=")
		if _, ok := set[name]; !ok {
			kept = append(kept, i)
		}
	}
	for name, value := range set {
		own = append(own, name+"="+value)
	}
	slices.Sort(own)
	return kept, own
}

// pick returns the elements of list that have these indices.
func pick[T any](list []T, indices []int) []T {
	picked := make([]T, len(indices))
	for i, index := range indices {
		picked[i] = list[index]
	}
	return picked
}

// newOrder is what a program's settings say of the start of a child, of whatever command.
func newOrder(cfg *config.Program) *spawn.Order {
	o := &spawn.Order{Umask: cfg.Umask, Directory: cfg.Directory, ChangeDir: cfg.ChangeDir}
	if u := cfg.User; u != nil {
		o.User = &spawn.Account{UID: u.UID, GID: u.GID, Groups: u.Groups}
	}
	return o
}

// order is what is to be started for an attempt.
func (a *attempt) order(socket int) *spawn.Order {
	cfg, o := a.cfg, newOrder(a.cfg)
	o.File, o.Words, o.Argv, o.Environ = a.file, a.command.words, a.command.argv, a.command.environ
	if a.environ != nil {
		o.Environ = a.environ
	}
	o.Files = a.pipes.Files(socket, cfg.RedirectStderr)
	o.Limits, o.OwnNoFile = a.command.limits, cfg.Limits.SetsOpenFiles()
	if cfg.Ready.When == config.ReadyFD {
		o.Extra, o.ExtraAs = a.pipes.Child[3], cfg.Ready.FD
	}
	return o
}

// forkErrorText says in Supervisor's words why there is no child.
func forkErrorText(name string, err error) string {
	var refused *limits.Refused
	if errors.As(err, &refused) {
		return err.Error()
	}
	if errors.Is(err, syscall.EAGAIN) {
		return "Too many processes in process table to spawn '" + name + "'"
	}
	return "unknown error during fork for '" + name + "': " + sys.ErrnoName(err)
}

// pipeErrorText says in Supervisor's words why a child has no pipes or logs.
func pipeErrorText(name string, err error) string {
	if errors.Is(err, syscall.EMFILE) {
		return "too many open files to spawn '" + name + "'"
	}
	text := "unknown error making dispatchers for '" + name + "': " + sys.ErrnoName(err)
	var file *fs.PathError
	if errors.As(err, &file) && !errors.Is(err, fs.ErrNotExist) { // of a missing directory people know the text
		text += " (" + file.Path + ")"
	}
	return text
}
