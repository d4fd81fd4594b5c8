//go:build unix

package supervise

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// commandError says why a program's command cannot be run: Supervisor's text
// for it, and the fault that a client gets who asks for a start.
type commandError struct {
	code xmlrpc.Code
	text string
}

func (e *commandError) Error() string { return e.text }

func (e *commandError) fault() *xmlrpc.Fault { return xmlrpc.NewFault(e.code, e.text) }

// resolveCommand splits a program's command into words and finds the file to be
// run: a word with a slash as it is, relative to our directory, any other in the
// PATH of the program's environment, else in ours. The first entry of that name
// is taken, whatever it is, and then has to be executable by us.
func resolveCommand(cfg *Program, env map[string]string) (file string, argv []string, err error) {
	argv, err = inifile.SplitCommand(cfg.Command)
	if err != nil {
		return "", nil, &commandError{xmlrpc.NotExecutable, "can't parse command " + inifile.PythonRepr(cfg.Command) + ": " + err.Error()}
	}
	if len(argv) == 0 {
		return "", nil, &commandError{xmlrpc.NotExecutable, "command is empty"}
	}
	file, info := findCommand(argv[0], searchPath(cfg, env))
	if info == nil {
		return "", nil, &commandError{xmlrpc.NoFile, "can't find command " + inifile.PythonRepr(argv[0])}
	}
	text := ""
	switch {
	case info.IsDir():
		text = "command at " + inifile.PythonRepr(file) + " is a directory"
	case info.Mode()&0o111 == 0:
		text = "command at " + inifile.PythonRepr(file) + " is not executable"
	case syscall.Access(file, 1) != nil:
		text = "no permission to run command " + inifile.PythonRepr(file)
	}
	if text != "" {
		return "", nil, &commandError{xmlrpc.NotExecutable, text}
	}
	return file, argv, nil
}

// searchPath returns the PATH a program's command is looked up in.
func searchPath(cfg *Program, env map[string]string) string {
	if path, ok := cfg.Environment["PATH"]; ok {
		return path
	}
	if path := env["PATH"]; path != "" {
		return path
	}
	return "/bin:/usr/bin:/usr/local/bin"
}

// findCommand returns the first file of that name, and nothing if there is none.
func findCommand(name, path string) (string, os.FileInfo) {
	if strings.Contains(name, "/") {
		if info, err := os.Stat(name); err == nil {
			return name, info
		}
		return "", nil
	}
	for dir := range strings.SplitSeq(path, ":") {
		if dir != "" && !strings.HasSuffix(dir, "/") { // an empty element is the current directory
			dir += "/"
		}
		file := dir + name
		if info, err := os.Stat(file); err == nil {
			return file, info
		}
	}
	return "", nil
}

// childEnvironment returns what the environment of a program's child is: ours,
// Supervisor's own variables, then the configured ones, the later winning.
func (s *Supervisor) childEnvironment(cfg *Program) []string {
	set := make(map[string]string, len(cfg.Environment)+4)
	set["SUPERVISOR_ENABLED"] = "1"
	if cfg.ServerURL != "" {
		set["SUPERVISOR_SERVER_URL"] = cfg.ServerURL
	}
	set["SUPERVISOR_PROCESS_NAME"] = cfg.Name
	set["SUPERVISOR_GROUP_NAME"] = cfg.Group
	for name, value := range cfg.Environment {
		set[name] = value
	}
	env := make([]string, 0, len(s.environ)+len(set))
	for _, pair := range s.environ {
		name, _, _ := strings.Cut(pair, "=")
		if _, ok := set[name]; !ok {
			env = append(env, pair)
		}
	}
	added := len(env)
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	slices.Sort(env[added:])
	return env
}

// pipes are the descriptors of a child about to be started: its ends, and ours.
type pipes struct {
	child [3]int // becomes fd 0, 1, 2; -1 for none of its own
	ours  [3]int // -1 for none
}

// makePipes makes the pipes of a child. An fcgi program's fd 0 is its socket, and
// with redirect_stderr fd 2 is the pipe of stdout.
func makePipes(cfg *Program, socket int) (pp pipes, err error) {
	pp = pipes{[3]int{-1, -1, -1}, [3]int{-1, -1, -1}}
	defer func() {
		if err != nil {
			pp.close()
		}
	}()
	if socket < 0 {
		if pp.child[0], pp.ours[0], err = newPipe(); err != nil {
			return pp, err
		}
		if err = syscall.SetNonblock(pp.ours[0], true); err != nil {
			return pp, err
		}
	}
	for fd := 1; fd <= 2; fd++ {
		if fd == 2 && cfg.RedirectStderr {
			break
		}
		if pp.ours[fd], pp.child[fd], err = newPipe(); err != nil {
			return pp, err
		}
		if err = syscall.SetNonblock(pp.ours[fd], true); err != nil {
			return pp, err
		}
	}
	return pp, nil
}

// newPipe makes a pipe that no child inherits by accident.
func newPipe() (r, w int, err error) {
	var fds [2]int
	if err = pipeCloexec(&fds); err != nil {
		return -1, -1, err
	}
	return fds[0], fds[1], nil
}

// closeChild closes the child's ends in the parent.
func (pp *pipes) closeChild() {
	for i, fd := range pp.child {
		if fd >= 0 {
			syscall.Close(fd)
			pp.child[i] = -1
		}
	}
}

func (pp *pipes) close() {
	pp.closeChild()
	for _, fd := range pp.ours {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// fork starts the child. The usual start is one fork and one exec; where that
// fails in the child, our own binary is started instead, which fails again at the
// same step and writes to the child's stderr which one it was. pidfd is readable
// when the child has ended; -1 where there is none.
func (s *Supervisor) fork(cfg *Program, file string, argv []string, pp *pipes, socket int) (pid, pidfd int, err error) {
	env := s.childEnvironment(cfg)
	files := childFiles(cfg, pp, socket)
	switchUser := cfg.User != nil && cfg.User.UID != os.Getuid()
	nowhere := cfg.ChangeDir && cfg.Directory == ""
	if !nowhere && (!switchUser || os.Getuid() == 0) { // else there is no use in trying
		var credential *syscall.Credential
		if switchUser {
			credential = &syscall.Credential{
				Uid: uint32(cfg.User.UID), Gid: uint32(cfg.User.GID), Groups: groupIDs(cfg.User.Groups),
			}
		}
		var failedInChild bool
		pid, pidfd, failedInChild, err = s.starter.start(cfg, file, argv, env, files, credential)
		if !failedInChild {
			return pid, pidfd, err
		}
	}
	pid, err = syscall.ForkExec(s.executable, childArgs(cfg, file, argv), &syscall.ProcAttr{
		Env:   env,
		Files: []uintptr{uintptr(files[0]), uintptr(files[1]), uintptr(files[2])},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	return pid, -1, err
}

func childFiles(cfg *Program, pp *pipes, socket int) [3]int {
	stdin, stderr := pp.child[0], pp.child[2]
	if socket >= 0 {
		stdin = socket
	}
	if cfg.RedirectStderr {
		stderr = pp.child[1]
	}
	return [3]int{stdin, pp.child[1], stderr}
}

func groupIDs(groups []int) []uint32 {
	ids := make([]uint32, len(groups))
	for i, g := range groups {
		ids[i] = uint32(g)
	}
	return ids
}

// forkErrorText says in Supervisor's words why there is no child.
func forkErrorText(name string, err error) string {
	if errors.Is(err, syscall.EAGAIN) {
		return "Too many processes in process table to spawn '" + name + "'"
	}
	return "unknown error during fork for '" + name + "': " + errnoName(err)
}

// pipeErrorText says in Supervisor's words why a child has no pipes or logs.
func pipeErrorText(name string, err error) string {
	if errors.Is(err, syscall.EMFILE) {
		return "too many open files to spawn '" + name + "'"
	}
	return "unknown error making dispatchers for '" + name + "': " + errnoName(err)
}

// childArgs is the command line of the hidden role RunChild.
func childArgs(cfg *Program, file string, argv []string) []string {
	args := []string{childRole, strconv.Itoa(cfg.Umask), "", file, "", "", ""}
	if cfg.ChangeDir {
		args[2] = "=" + cfg.Directory
	}
	if u := cfg.User; u != nil && u.UID != os.Getuid() {
		groups := make([]string, len(u.Groups))
		for i, g := range u.Groups {
			groups[i] = strconv.Itoa(g)
		}
		args[4], args[5], args[6] = strconv.Itoa(u.UID), strconv.Itoa(u.GID), strings.Join(groups, ",")
	}
	return append(args, argv...)
}
