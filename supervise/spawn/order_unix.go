//go:build unix

// Package spawn starts a child: where its command is, its pipes, its environment in the form
// that the system takes, and fork and exec, as Linux can do it best (package vfork) or as
// package syscall does it. RunChild is the child's side of the second attempt at a start that
// failed in the child. Whoever calls may have to wait for a file system; when a start is
// made, and what becomes of it, is the loop's business.
//
// Begin with Order and Starter.
package spawn

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"supervisor/inifile"
	"supervisor/supervise/limits"
	"supervisor/supervise/sys"
)

// CommandError says, in Supervisor's words, why a program's command cannot be run.
type CommandError struct {
	Text    string
	Missing bool // there is no such file
}

func (e *CommandError) Error() string { return e.Text }

// SplitCommand splits the command line of a program into words.
func SplitCommand(line string) ([]string, error) {
	words, err := inifile.SplitCommand(line)
	if err != nil {
		return nil, &CommandError{Text: "can't parse command " + inifile.PythonRepr(line) + ": " + err.Error()}
	}
	if len(words) == 0 {
		return nil, &CommandError{Text: "command is empty"}
	}
	return words, nil
}

// FindExecutable finds the file to be run: a name with a slash as it is, relative
// to our directory, any other in path. The first file of that name is taken,
// whatever it is, and then has to be executable by us.
func FindExecutable(name, path string) (file string, err error) {
	file, info, found := findCommand(name, path)
	if !found {
		return "", &CommandError{Text: "can't find command " + inifile.PythonRepr(name), Missing: true}
	}
	text := ""
	switch {
	case info.Is(syscall.S_IFDIR):
		text = "command at " + inifile.PythonRepr(file) + " is a directory"
	case info.Mode&0o111 == 0:
		text = "command at " + inifile.PythonRepr(file) + " is not executable"
	case syscall.Access(file, 1) != nil:
		text = "no permission to run command " + inifile.PythonRepr(file)
	}
	if text != "" {
		return "", &CommandError{Text: text}
	}
	return file, nil
}

// SearchPath returns the PATH a program's command is looked up in: that of the program's
// own environment, or of ours.
func SearchPath(own, env map[string]string) string {
	if path, ok := own["PATH"]; ok {
		return path
	}
	if path := env["PATH"]; path != "" {
		return path
	}
	return "/bin:/usr/bin:/usr/local/bin"
}

// findCommand returns the first file of that name.
func findCommand(name, path string) (file string, info sys.Inode, found bool) {
	if strings.Contains(name, "/") {
		info, err := sys.InodeOf(name)
		return name, info, err == nil
	}
	for dir := range strings.SplitSeq(path, ":") {
		if dir != "" && !strings.HasSuffix(dir, "/") { // an empty element is the current directory
			dir += "/"
		}
		file := dir + name
		if info, err := sys.InodeOf(file); err == nil {
			return file, info, true
		}
	}
	return "", sys.Inode{}, false
}

// Pipes are the descriptors of a child about to be started: its ends, and ours.
type Pipes struct {
	Child [4]int // becomes fd 0, 1, 2, and that on which it says that it is ready; -1 for none of its own
	Ours  [4]int // -1 for none
}

// MakePipes makes the pipes of a child. With a socket, that is its fd 0, and with
// redirect_stderr fd 2 is the pipe of stdout.
func MakePipes(hasSocket, redirectStderr, saysReady bool) (pp Pipes, err error) {
	pp = Pipes{[4]int{-1, -1, -1, -1}, [4]int{-1, -1, -1, -1}}
	defer func() {
		if err != nil {
			pp.Close()
		}
	}()
	if !hasSocket {
		if pp.Child[0], pp.Ours[0], err = NewPipe(); err != nil {
			return pp, err
		}
		if err = syscall.SetNonblock(pp.Ours[0], true); err != nil {
			return pp, err
		}
	}
	for fd := 1; fd <= 3; fd++ {
		if fd == 2 && redirectStderr || fd == 3 && !saysReady {
			continue
		}
		if pp.Ours[fd], pp.Child[fd], err = NewPipe(); err != nil {
			return pp, err
		}
		if err = syscall.SetNonblock(pp.Ours[fd], true); err != nil {
			return pp, err
		}
	}
	return pp, nil
}

// NewPipe makes a pipe that no child inherits by accident.
func NewPipe() (r, w int, err error) {
	var fds [2]int
	if err = sys.PipeCloexec(&fds); err != nil {
		return -1, -1, err
	}
	return fds[0], fds[1], nil
}

// CloseChild closes the child's ends in the parent.
func (pp *Pipes) CloseChild() {
	for i, fd := range pp.Child {
		if fd >= 0 {
			syscall.Close(fd)
			pp.Child[i] = -1
		}
	}
}

// Close closes the ends of both.
func (pp *Pipes) Close() {
	pp.CloseChild()
	for _, fd := range pp.Ours {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// Order says what is to be started, and how.
type Order struct {
	File          string // to be executed
	Words         []string
	Argv, Environ Arguments
	Files         [3]int // what becomes descriptor 0, 1 and 2
	Extra         int    // what becomes descriptor ExtraAs
	ExtraAs       int    // above 2; 0 for none
	Umask         int    // -1 for ours
	Directory     string
	ChangeDir     bool     // Directory is set; an empty one cannot be entered
	User          *Account // to become; nil to stay
	Limits        *limits.Plan
	OwnNoFile     bool // Limits has the limit of open files
}

// Account is whom a child becomes.
type Account struct {
	UID, GID int
	Groups   []int
}

// Fork starts the child. The usual start is one fork and one exec; where that
// fails in the child, our own binary is started instead, which fails again at the
// same step and writes to the child's stderr which one it was.
func (s Starter) Fork(child *Child, o *Order, self string) (pid, pidfd int, err error) {
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
	second := Order{File: self, Environ: o.Environ, Files: o.Files, Extra: o.Extra, ExtraAs: o.ExtraAs, Umask: -1}
	if second.Argv, err = NewArguments(nil, childArgs(o)); err != nil {
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
func forkExec(child *Child, o *Order, argv, environ []string, user *syscall.Credential) (pid int, failedInChild bool, err error) {
	if o.Limits != nil {
		return 0, false, errNoLimits
	}
	if o.Umask >= 0 {
		defer syscall.Umask(syscall.Umask(o.Umask))
	}
	pid, err = syscall.ForkExec(o.File, argv, &syscall.ProcAttr{
		Dir:   o.Directory,
		Env:   environ,
		Files: o.descriptors(),
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
	_, _ = sys.IgnoringEINTR(func() (int, error) { return syscall.Wait4(pid, nil, 0, nil) })
	child.Forked(0)
	return 0, true, syscall.ECANCELED
}

// descriptors are those of the child as package syscall wants them.
func (o *Order) descriptors() []uintptr {
	const closed = ^uintptr(0)
	files := []uintptr{uintptr(o.Files[0]), uintptr(o.Files[1]), uintptr(o.Files[2])}
	if o.ExtraAs > 2 {
		for len(files) < o.ExtraAs {
			files = append(files, closed)
		}
		files = append(files, uintptr(o.Extra))
	}
	return files
}

// errNoLimits is why limits cannot be set where a child is not started in our own way.
var errNoLimits = errors.New("limits of a program cannot be set here: this system does not let us start it in the way that this needs")

// isForkError reports whether it was the fork that failed: no child was there
// that could have failed.
func isForkError(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Files are the child's descriptors 0, 1 and 2; a socket, if there is one, is the first.
func (pp *Pipes) Files(socket int, redirectStderr bool) [3]int {
	stdin, stderr := pp.Child[0], pp.Child[2]
	if socket >= 0 {
		stdin = socket
	}
	if redirectStderr {
		stderr = pp.Child[1]
	}
	return [3]int{stdin, pp.Child[1], stderr}
}

func groupIDs(groups []int) []uint32 {
	ids := make([]uint32, len(groups))
	for i, g := range groups {
		ids[i] = uint32(g)
	}
	return ids
}

// childArgs is the command line of the hidden role RunChild.
func childArgs(o *Order) []string {
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
