package health

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"supervisor/inifile"
)

// Check is a way to find out how a program is.
type Check interface {
	// Probe returns nil if the program is well, and else why it is not. When ctx ends the
	// result does not matter any more, and Probe is to return soon.
	Probe(ctx context.Context) error
}

// Command is a check by a command: an exit status of 0 is good.
type Command struct {
	// Start starts it, in a process group of its own. It gives up when ctx ends.
	Start func(ctx context.Context) (Process, error)
}

// Process is a command that was started. Whoever starts it also waits for it.
type Process interface {
	// Ended receives how it has ended, once that was waited for.
	Ended() <-chan Exit
	// Kill kills its process group, unless it was waited for already.
	Kill()
}

// Exit is how a command has ended.
type Exit struct {
	Code int    // -1 unless it exited by itself
	Text string // "exit status 1", "terminated by SIGSEGV"
}

// Probe runs the command.
func (c Command) Probe(ctx context.Context) error {
	process, err := c.Start(ctx)
	if err != nil {
		return err
	}
	var exit Exit
	select {
	case exit = <-process.Ended():
	case <-ctx.Done():
		process.Kill()
		<-process.Ended()
		return ctx.Err()
	}
	if exit.Code != 0 {
		return errors.New(exit.Text)
	}
	return nil
}

// TCP is a check by a connection, to HOST:PORT.
type TCP string

// ParseTCP reads health_tcp.
func ParseTCP(text string) (TCP, error) {
	text = inifile.TrimSpace(text)
	if !isAddress(text) {
		return "", errors.New(inifile.PythonRepr(text) + " is not an address: write HOST:PORT, such as localhost:5432 or [::1]:5432")
	}
	return TCP(text), nil
}

// isAddress reports whether text is HOST:PORT.
func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	number, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && host != "" && isVisible(text) && bad == nil && number > 0
}

// Probe connects.
func (c TCP) Probe(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", string(c))
	if err != nil {
		return err
	}
	return conn.Close()
}

// HTTP is a check by a GET, of which an answer of 2xx or 3xx is good. No redirection is
// followed. It can be compared.
type HTTP struct {
	network, address string // as for net.Dial
	host, uri        string // as in the request
}

// ParseHTTP reads health_http: http://HOST[:PORT][/PATH], or unix:///PATH[:/URI] for a
// socket.
func ParseHTTP(text string) (HTTP, error) {
	text = inifile.TrimSpace(text)
	bad := errors.New(inifile.PythonRepr(text) + " is not an address: write http://HOST:PORT/PATH or unix:///PATH:/URI")
	scheme, rest, found := strings.Cut(text, "://")
	switch scheme = strings.ToLower(scheme); {
	case !found:
		return HTTP{}, bad
	case scheme == "https":
		return HTTP{}, errors.New("https is not offered: write an http:// address of the program, or health_command with a client that knows https")
	case !isVisible(rest):
		return HTTP{}, errors.New(inifile.PythonRepr(text) + " has blanks or other characters that a URL cannot have: write them as %20 and the like")
	case scheme == "unix":
		path, uri, found := strings.Cut(rest, ":")
		if !strings.HasPrefix(path, "/") || found && !strings.HasPrefix(uri, "/") {
			return HTTP{}, bad
		}
		return HTTP{"unix", path, "localhost", withoutFragment(uri)}, nil
	case scheme != "http":
		return HTTP{}, bad
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, uri := rest[:end], rest[end:]
	if strings.Contains(host, "@") {
		return HTTP{}, errors.New("a user and a password cannot be given here: write the address of something that needs none, or health_command")
	}
	address := host
	if strings.LastIndexByte(host, ':') <= strings.LastIndexByte(host, ']') { // no port
		address += ":80"
	}
	if !isAddress(address) {
		return HTTP{}, bad
	}
	return HTTP{"tcp", address, host, withoutFragment(uri)}, nil
}

// withoutFragment is what goes into a request.
func withoutFragment(uri string) string {
	uri, _, _ = strings.Cut(uri, "#")
	if !strings.HasPrefix(uri, "/") {
		uri = "/" + uri
	}
	return uri
}

// isVisible reports whether text is visible ASCII: nothing that could end a line.
func isVisible(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

const (
	// maxHeader is how much is read up to the line that tells the status.
	maxHeader = 64 << 10
	// Of the rest so much is read, for so long: a server that cannot write its answer
	// to the end may complain in its log.
	maxRest  = 64 << 10
	restTime = 100 * time.Millisecond
)

// Probe asks.
func (c HTTP) Probe(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, c.network, c.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: supervisor\r\nAccept: */*\r\nConnection: close\r\n\r\n", c.uri, c.host); err != nil {
		return err
	}
	header := &io.LimitedReader{R: conn, N: maxHeader}
	status, err := readStatus(bufio.NewReader(header))
	switch {
	case err != nil && header.N == 0:
		return errors.New("the answer has no status in its first 64 KiB")
	case err != nil:
		return err
	}
	conn.SetReadDeadline(time.Now().Add(restTime))
	io.CopyN(io.Discard, conn, maxRest) // whether that goes well is nothing to us
	if status < 200 || status > 399 {
		return fmt.Errorf("HTTP status %d", status)
	}
	return nil
}

// readStatus reads up to the status of an answer. Before it there may be some that are not
// final, such as 103.
func readStatus(r *bufio.Reader) (int, error) {
	for {
		line, err := readLine(r)
		if err != nil {
			return 0, err
		}
		rest, isHTTP := bytes.CutPrefix(line, []byte("HTTP/1."))
		if !isHTTP || len(rest) < 5 || rest[1] != ' ' || len(rest) > 5 && rest[5] != ' ' {
			return 0, errors.New("the answer is not HTTP")
		}
		status, err := strconv.ParseUint(string(rest[2:5]), 10, 16)
		if err != nil || status < 100 {
			return 0, errors.New("the answer is not HTTP")
		}
		if status >= 200 || status == 101 {
			return int(status), nil
		}
		for len(line) > 0 {
			if line, err = readLine(r); err != nil {
				return 0, err
			}
		}
	}
}

// readLine reads a line, without its end, that is valid until the next one is read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull:
		return nil, errors.New("the answer is not HTTP")
	case err == io.EOF && len(line) == 0:
		return nil, errors.New("the connection was closed without an answer")
	case err == io.EOF:
		return nil, errors.New("the connection was closed in the middle of an answer")
	case err != nil:
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}
