package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"supervisor/inifile"
	"supervisor/xmlrpc"
)

// valueError is what Supervisor would raise as ValueError.
type valueError string

func (e valueError) Error() string { return string(e) }

// endOfInput says that a question found nobody to answer it. Its text is
// Python's: empty at a terminal.
type endOfInput string

func (e endOfInput) Error() string { return string(e) }

// position stands where Supervisor tells a place in its source. Scripts cut the
// line at ": file: ".
const position = ": file: supervisorctl line: 0"

// unhandled is the line for an error that no action has words for.
func unhandled(err error) string {
	class, text := pythonError(err)
	return "error: <class '" + class + "'>, " + text + position
}

// pythonError returns the class and the text that Supervisor's Python has for
// err: scripts and people know these lines.
func pythonError(err error) (class, text string) {
	var fault *xmlrpc.Fault
	var http *xmlrpc.HTTPError
	var scheme *xmlrpc.SchemeError
	var end endOfInput
	var port *xmlrpc.PortError
	var value valueError
	var errno syscall.Errno
	var dns *net.DNSError
	var late net.Error
	switch {
	case errors.As(err, &fault):
		return "xmlrpc.client.Fault", faultText(fault)
	case errors.As(err, &http):
		return "xmlrpc.client.ProtocolError",
			"<ProtocolError for 127.0.0.1/RPC2: " + strconv.Itoa(http.Status) + " " + http.Reason + ">"
	case errors.As(err, &scheme), errors.As(err, &port), errors.As(err, &value):
		return "ValueError", err.Error()
	case errors.As(err, &end):
		return "EOFError", end.Error()
	case errors.As(err, &errno):
		return errnoClass(errno), errnoText(errno)
	case errors.As(err, &dns):
		return "socket.gaierror", "[Errno -2] Name or service not known"
	case errors.As(err, &late) && late.Timeout():
		return "TimeoutError", "timed out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "http.client.RemoteDisconnected", "Remote end closed connection without response"
	default:
		return "OSError", err.Error()
	}
}

// faultText is the fault as Python shows it.
func faultText(f *xmlrpc.Fault) string {
	return "<Fault " + strconv.Itoa(int(f.Code)) + ": " + inifile.PythonRepr(f.Text) + ">"
}

func errnoClass(e syscall.Errno) string {
	switch e {
	case syscall.ECONNREFUSED:
		return "ConnectionRefusedError"
	case syscall.ENOENT:
		return "FileNotFoundError"
	case syscall.EACCES, syscall.EPERM:
		return "PermissionError"
	case syscall.ECONNRESET:
		return "ConnectionResetError"
	case syscall.ECONNABORTED:
		return "ConnectionAbortedError"
	case syscall.EPIPE:
		return "BrokenPipeError"
	case syscall.ETIMEDOUT:
		return "TimeoutError"
	case syscall.EAGAIN:
		return "BlockingIOError"
	case syscall.ENOTDIR:
		return "NotADirectoryError"
	default:
		return "OSError"
	}
}

// errnoText gives back the capital that Go takes from the system's words.
func errnoText(e syscall.Errno) string {
	text := e.Error()
	return "[Errno " + strconv.Itoa(int(e)) + "] " + strings.ToUpper(text[:1]) + text[1:]
}

// faultCode returns the code of the fault that err is, 0 if it is none.
func faultCode(err error) xmlrpc.Code {
	var fault *xmlrpc.Fault
	if errors.As(err, &fault) {
		return fault.Code
	}
	return 0
}

func unauthorized(err error) bool {
	var http *xmlrpc.HTTPError
	return errors.As(err, &http) && http.Status == 401
}

// apiVersion is the version of the interface that the actions use. It has been
// the same since Supervisor 3.0.
const apiVersion = "3.0"

// shuttingDown is what people are told who ask a daemon that is on its way out. Programs
// know the fault.
const shuttingDown = "ERROR: supervisord is shutting down"

// upcheck asks whether a supervisord of the right version answers, and says so
// if it does not. What it has no words for it returns.
func (s *session) upcheck(ctx context.Context) (up bool, err error) {
	d, err := s.client()
	if err != nil {
		return false, err
	}
	version, err := d.APIVersion(ctx)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		s.fail(exitRefused, s.o.ServerURL, " refused connection")
		s.advise(err)
	case errors.Is(err, syscall.ENOENT):
		s.fail(exitNotRunning, s.o.ServerURL, " no such file")
		s.advise(err)
	case faultCode(err) == xmlrpc.ShutdownState && s.person:
		s.fail(exitFailed, shuttingDown)
	case faultCode(err) == xmlrpc.UnknownMethod:
		s.fail(exitUnimplemented, "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section is enabled in the configuration file (see sample.conf).")
	case err != nil:
		return false, err
	case version != apiVersion:
		s.fail(exitNotInstalled, "Sorry, this version of supervisorctl expects to talk to a server with API version ", apiVersion, ", but the remote version is ", version, ".")
	default:
		return true, nil
	}
	return false, nil
}

// advise tells a person at a terminal what an error about the connection
// probably means. Programs never see it.
func (s *session) advise(err error) {
	if s.person {
		for _, line := range advice(s.o.ServerURL, err) {
			s.say("  ", line)
		}
	}
}

// advice is what probably happened, and what to do, in lines.
func advice(url string, err error) []string {
	path, local := strings.CutPrefix(url, "unix://")
	var dns *net.DNSError
	var dialing *net.OpError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && local:
		return []string{
			"The socket file is there, but nobody listens: supervisord has probably died.",
			"Start it again; it replaces the file. Its log file may say what happened.",
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		return []string{
			"Nobody listens at that address: supervisord is probably not running there,",
			"or its configuration has no [inet_http_server] with this port. Start it, or say",
			"where it is: -s URL, -c FILE, or serverurl= in the section [supervisorctl].",
		}
	case errors.Is(err, syscall.ENOENT) && local:
		return []string{
			missing(path) + ": supervisord is probably not running, or its",
			"[unix_http_server] names another file. Start it, or say where it is: -s URL,",
			"-c FILE, or serverurl= in the section [supervisorctl].",
		}
	case errors.Is(err, syscall.EACCES) && local:
		return []string{
			"You may not use the socket " + path + whose(path) + ". Become the user who runs supervisord,",
			"or let chmod= and chown= in its section [unix_http_server] admit you.",
		}
	case errors.As(err, &dns):
		return []string{"The name of the host in " + url + " is not known. Is it spelled right?"}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.As(err, &dialing) && dialing.Op == "dial" && dialing.Timeout():
		return []string{
			"Nothing came back from the address in " + url + ": the host is down, or a firewall",
			"keeps us away.",
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EAGAIN) && local:
		return []string{
			"Somebody listens at " + url + ", but does not answer: supervisord may be stopped",
			"(SIGSTOP) or traced, or another program has that address.",
		}
	case unauthorized(err):
		return []string{
			"The server wants the name and the password of its configuration: give them with",
			"-u and -p, or as username= and password= in the section [supervisorctl].",
		}
	default:
		return nil
	}
}

// missing says what of a path is not there.
func missing(path string) string {
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return "There is no directory " + filepath.Dir(path)
	}
	return "There is no socket " + path
}

// whose says who owns what keeps us out: the socket, or else its directory.
func whose(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		path = filepath.Dir(path)
		if info, err = os.Stat(path); err != nil {
			return ""
		}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	owner := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	return fmt.Sprintf(" (%s belongs to %s, mode %v)", path, owner, info.Mode().Perm())
}
