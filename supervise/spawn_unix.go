//go:build unix

package supervise

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"supervisor/inifile"
)

// commandError says, in Supervisor's words, why a program's command cannot be run.
type commandError struct {
	text    string
	missing bool // there is no such file
}

func (e *commandError) Error() string { return e.text }

// splitCommand splits the command line of a program into words.
func splitCommand(line string) ([]string, error) {
	words, err := inifile.SplitCommand(line)
	if err != nil {
		return nil, &commandError{text: "can't parse command " + inifile.PythonRepr(line) + ": " + err.Error()}
	}
	if len(words) == 0 {
		return nil, &commandError{text: "command is empty"}
	}
	return words, nil
}

// findExecutable finds the file to be run: a name with a slash as it is, relative
// to our directory, any other in path. The first file of that name is taken,
// whatever it is, and then has to be executable by us.
func findExecutable(name, path string) (file string, err error) {
	file, info, found := findCommand(name, path)
	if !found {
		return "", &commandError{text: "can't find command " + inifile.PythonRepr(name), missing: true}
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
		return "", &commandError{text: text}
	}
	return file, nil
}

// searchPath returns the PATH a program's command is looked up in: that of the program's
// own environment, or of ours.
func searchPath(own, env map[string]string) string {
	if path, ok := own["PATH"]; ok {
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

// pipes are the descriptors of a child about to be started: its ends, and ours.
type pipes struct {
	child [3]int // becomes fd 0, 1, 2; -1 for none of its own
	ours  [3]int // -1 for none
}

// makePipes makes the pipes of a child. With a socket, that is its fd 0, and with
// redirect_stderr fd 2 is the pipe of stdout.
func makePipes(hasSocket, redirectStderr bool) (pp pipes, err error) {
	pp = pipes{[3]int{-1, -1, -1}, [3]int{-1, -1, -1}}
	defer func() {
		if err != nil {
			pp.close()
		}
	}()
	if !hasSocket {
		if pp.child[0], pp.ours[0], err = newPipe(); err != nil {
			return pp, err
		}
		if err = syscall.SetNonblock(pp.ours[0], true); err != nil {
			return pp, err
		}
	}
	for fd := 1; fd <= 2; fd++ {
		if fd == 2 && redirectStderr {
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

// spawnOrder says what is to be started, and how.
type spawnOrder struct {
	File          string // to be executed
	Words         []string
	Argv, Environ arguments
	Files         [3]int // what becomes descriptor 0, 1 and 2
	Umask         int    // -1 for ours
	Directory     string
	ChangeDir     bool     // Directory is set; an empty one cannot be entered
	User          *account // to become; nil to stay
}

// account is whom a child becomes.
type account struct {
	UID, GID int
	Groups   []int
}

// fork starts the child. The usual start is one fork and one exec; where that
// fails in the child, our own binary is started instead, which fails again at the
// same step and writes to the child's stderr which one it was.
func (s starter) fork(child *childProgress, o *spawnOrder, self string) (pid, pidfd int, err error) {
	switchUser := o.User != nil && o.User.UID != os.Getuid()
	nowhere := o.ChangeDir && o.Directory == ""
	if !nowhere && (!switchUser || os.Getuid() == 0) { // else there is no use in trying
		var credential *syscall.Credential
		if switchUser {
			credential = &syscall.Credential{
				Uid: uint32(o.User.UID), Gid: uint32(o.User.GID), Groups: groupIDs(o.User.Groups),
			}
		}
		var failedInChild bool
		pid, pidfd, failedInChild, err = s.start(child, o, credential)
		if !failedInChild || child.Stopped() {
			return pid, pidfd, err
		}
	}
	second := spawnOrder{File: self, Environ: o.Environ, Files: o.Files, Umask: -1}
	if second.Argv, err = newArguments(nil, childArgs(o)); err != nil {
		return 0, -1, err
	}
	pid, pidfd, _, err = s.start(child, &second, nil)
	return pid, pidfd, err
}

// forkExec starts a child as package syscall does it. failedInChild says that it was
// not the fork that failed, but one of the steps after it. The umask belongs to the
// process here: ours is set around the fork.
//
// The child is known only once it has executed the program. If the order to stop comes
// before, it has run in vain.
func forkExec(child *childProgress, o *spawnOrder, argv, environ []string, user *syscall.Credential) (pid int, failedInChild bool, err error) {
	if o.Umask >= 0 {
		defer syscall.Umask(syscall.Umask(o.Umask))
	}
	pid, err = syscall.ForkExec(o.File, argv, &syscall.ProcAttr{
		Dir:   o.Directory,
		Env:   environ,
		Files: []uintptr{uintptr(o.Files[0]), uintptr(o.Files[1]), uintptr(o.Files[2])},
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

// files are the child's descriptors 0, 1 and 2; a socket, if there is one, is the first.
func (pp *pipes) files(socket int, redirectStderr bool) [3]int {
	stdin, stderr := pp.child[0], pp.child[2]
	if socket >= 0 {
		stdin = socket
	}
	if redirectStderr {
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

// childArgs is the command line of the hidden role RunChild.
func childArgs(o *spawnOrder) []string {
	args := []string{childRole, strconv.Itoa(o.Umask), "", o.File, "", "", ""}
	if o.ChangeDir {
		args[2] = "=" + o.Directory
	}
	if u := o.User; u != nil && u.UID != os.Getuid() {
		groups := make([]string, len(u.Groups))
		for i, g := range u.Groups {
			groups[i] = strconv.Itoa(g)
		}
		args[4], args[5], args[6] = strconv.Itoa(u.UID), strconv.Itoa(u.GID), strings.Join(groups, ",")
	}
	return append(args, o.Words...)
}
