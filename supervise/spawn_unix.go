//go:build unix

package supervise

import (
	"errors"
	"io/fs"
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

// command is what stays the same for all starts of a program: the words of its
// command line, and what the system is given of it.
type command struct {
	words         []string
	argv, environ arguments
	unusable      error // why there is no argv or environ: a NUL in them; nil mostly
}

// command returns the command of a process. It is made for its first start.
func (s *Supervisor) command(p *process) (*command, error) {
	if p.command == nil {
		words, err := splitCommand(p.cfg.Command)
		if err != nil {
			return nil, err
		}
		c := &command{words: words}
		if c.argv, c.unusable = newArguments(nil, words); c.unusable == nil {
			kept, own := s.childEnvironment(p.cfg)
			c.environ, c.unusable = newArguments(pick(s.environArgs, kept), own)
		}
		p.command = c
	}
	return p.command, nil
}

// splitCommand splits the command line of a program into words.
func splitCommand(line string) ([]string, error) {
	words, err := inifile.SplitCommand(line)
	if err != nil {
		return nil, &commandError{xmlrpc.NotExecutable, "can't parse command " + inifile.PythonRepr(line) + ": " + err.Error()}
	}
	if len(words) == 0 {
		return nil, &commandError{xmlrpc.NotExecutable, "command is empty"}
	}
	return words, nil
}

// findExecutable finds the file to be run: a name with a slash as it is, relative
// to our directory, any other in path. The first file of that name is taken,
// whatever it is, and then has to be executable by us.
func findExecutable(name, path string) (file string, err error) {
	file, info, found := findCommand(name, path)
	if !found {
		return "", &commandError{xmlrpc.NoFile, "can't find command " + inifile.PythonRepr(name)}
	}
	text := ""
	switch {
	case info.is(syscall.S_IFDIR):
		text = "command at " + inifile.PythonRepr(file) + " is a directory"
	case info.mode&0o111 == 0:
		text = "command at " + inifile.PythonRepr(file) + " is not executable"
	case syscall.Access(file, 1) != nil:
		text = "no permission to run command " + inifile.PythonRepr(file)
	}
	if text != "" {
		return "", &commandError{xmlrpc.NotExecutable, text}
	}
	return file, nil
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

// findCommand returns the first file of that name.
func findCommand(name, path string) (file string, info inode, found bool) {
	if strings.Contains(name, "/") {
		info, err := inodeOf(name)
		return name, info, err == nil
	}
	for dir := range strings.SplitSeq(path, ":") {
		if dir != "" && !strings.HasSuffix(dir, "/") { // an empty element is the current directory
			dir += "/"
		}
		file := dir + name
		if info, err := inodeOf(file); err == nil {
			return file, info, true
		}
	}
	return "", inode{}, false
}

// childEnvironment returns what the environment of a program's child consists of:
// kept are the indices of what it has from s.environ, own are Supervisor's own
// variables and the configured ones, the later winning.
func (s *Supervisor) childEnvironment(cfg *Program) (kept []int, own []string) {
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
// same step and writes to the child's stderr which one it was.
func (w *spawner) fork(a *attempt, socket int) (pid, pidfd int, err error) {
	cfg, c := a.cfg, a.command
	if c.unusable != nil {
		return 0, -1, c.unusable
	}
	files := childFiles(cfg, &a.pipes, socket)
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
		pid, pidfd, failedInChild, err = w.starter.start(&a.child, cfg, a.file, c.argv, c.environ, files, credential)
		if !failedInChild || a.child.Stopped() {
			return pid, pidfd, err
		}
	}
	argv, err := newArguments(nil, childArgs(cfg, a.file, c.words))
	if err != nil {
		return 0, -1, err
	}
	pid, pidfd, _, err = w.starter.start(&a.child, &Program{Umask: -1}, w.executable, argv, c.environ, files, nil)
	return pid, pidfd, err
}

// forkExec starts a child as package syscall does it. failedInChild says that it was
// not the fork that failed, but one of the steps after it. The umask belongs to the
// process here: ours is set around the fork.
//
// The child is known only once it has executed the program. If the order to stop comes
// before, it has run in vain.
func forkExec(child *childProgress, cfg *Program, file string, argv, environ []string, files [3]int, user *syscall.Credential) (pid int, failedInChild bool, err error) {
	if cfg.Umask >= 0 {
		defer syscall.Umask(syscall.Umask(cfg.Umask))
	}
	pid, err = syscall.ForkExec(file, argv, &syscall.ProcAttr{
		Dir:   cfg.Directory,
		Env:   environ,
		Files: []uintptr{uintptr(files[0]), uintptr(files[1]), uintptr(files[2])},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Credential: user},
	})
	if err != nil {
		return 0, !isForkError(err), err
	}
	child.Forked(pid)
	if !child.Stopped() {
		return pid, false, nil
	}
	// It is ours and has not been waited for; who waits for all children may be first.
	_ = syscall.Kill(pid, syscall.SIGKILL)
	_, _ = ignoringEINTR(func() (int, error) { return syscall.Wait4(pid, nil, 0, nil) })
	child.Forked(0)
	return 0, true, syscall.ECANCELED
}

// isForkError reports whether it was the fork that failed: no child was there
// that could have failed.
func isForkError(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
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
	text := "unknown error making dispatchers for '" + name + "': " + errnoName(err)
	var file *fs.PathError
	if errors.As(err, &file) && !errors.Is(err, fs.ErrNotExist) { // of a missing directory people know the text
		text += " (" + file.Path + ")"
	}
	return text
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
