package xmlrpc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Bounds on what a server may make us read into memory.
const (
	maxHeader = 1 << 20
	maxBody   = 1 << 30
	maxPiece  = 1 << 20 // of a stream, that is passed on at once
)

// conn is a connection to a server of HTTP/1. It knows what a supervisord and a
// proxy before it may answer, and nothing of pipelining.
type conn struct {
	net.Conn
	r        *bufio.Reader
	reusable bool // after the last answer
}

func newConn(n net.Conn) *conn {
	return &conn{Conn: n, r: bufio.NewReaderSize(n, 64<<10)}
}

// response is the head of an answer, as far as it matters.
type response struct {
	status  int
	reason  string
	length  int64 // of the body, -1 if it was not said
	chunked bool
	keep    bool   // whether another request may follow
	kind    string // Content-Type
}

// exchange sends a request and returns the answer, which has to begin within limit unless
// that is 0. A status that takes does not report true for is an *HTTPError.
func (n *conn) exchange(request []byte, limit time.Duration, takes func(status int) bool) (response, string, error) {
	answered := n.within(limit)
	_, failed := n.Write(request)
	head, err := n.head() // a server may refuse a request it has not read to the end
	switch inTime := answered(); {
	case !inTime:
		return head, "", &SilentError{limit}
	case err == nil && !takes(head.status): // the body is a page about it
		return head, "", &HTTPError{head.status, head.reason}
	case failed != nil:
		return head, "", failed
	case err != nil:
		return head, "", err
	}
	body, err := n.body(head)
	n.reusable = err == nil && head.keep && (head.chunked || head.length >= 0) && n.r.Buffered() == 0
	return head, body, err
}

// within makes n fail after limit. What it returns ends that, and reports whether it came
// first.
func (n *conn) within(limit time.Duration) (answered func() bool) {
	if limit == 0 {
		return func() bool { return true }
	}
	return time.AfterFunc(limit, func() {
		n.SetDeadline(time.Unix(1, 0)) // fails only on a closed connection
	}).Stop
}

// stream sends a request and passes the body of the answer to fn as it comes.
func (n *conn) stream(request string, fn func([]byte) error) error {
	if _, err := io.WriteString(n, request); err != nil {
		return err
	}
	head, err := n.head()
	if err != nil {
		return err
	}
	if head.status != 200 {
		return &HTTPError{head.status, head.reason}
	}
	if head.chunked {
		err = n.chunks(fn)
	} else {
		err = n.pieces(head.length, fn)
	}
	if errors.Is(err, io.EOF) { // a daemon that stops just closes
		err = nil
	}
	return err
}

// head reads the head of an answer, and passes over those with status 1xx.
func (n *conn) head() (response, error) {
	for {
		line, rest, err := n.line(maxHeader)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("the server closed the connection without an answer: %w", io.ErrUnexpectedEOF)
			}
			return response{}, err
		}
		version, words, _ := strings.Cut(line, " ")
		code, reason, _ := strings.Cut(words, " ")
		status, err := strconv.Atoi(code)
		if err != nil || !strings.HasPrefix(version, "HTTP/") {
			return response{}, fmt.Errorf("not an answer of HTTP: %.80q", line)
		}
		h := response{status: status, reason: reason, length: -1, keep: version == "HTTP/1.1"}
		if err := n.fields(&h, rest); err != nil {
			return response{}, err
		}
		if status >= 200 {
			return h, nil
		}
	}
}

// fields reads the header fields up to the empty line, limit bytes at most.
func (n *conn) fields(h *response, limit int) error {
	for {
		line, rest, err := n.line(limit)
		if err != nil {
			return noEOF(err)
		}
		if line == "" {
			return nil
		}
		limit = rest
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if h.length, err = strconv.ParseInt(value, 10, 64); err != nil || h.length < 0 {
				return fmt.Errorf("Content-Length %.80q is not a length", value)
			}
		case strings.EqualFold(name, "Content-Type"):
			h.kind = value
		case strings.EqualFold(name, "Transfer-Encoding"):
			h.chunked = strings.EqualFold(value, "chunked")
		case strings.EqualFold(name, "Connection"):
			h.keep = strings.EqualFold(value, "keep-alive") || h.keep && !strings.EqualFold(value, "close")
		}
	}
}

// line reads a line of at most limit bytes, and returns it without its end, and
// what remains of limit.
func (n *conn) line(limit int) (string, int, error) {
	var long []byte
	for {
		part, err := n.r.ReadSlice('\n')
		limit -= len(part)
		switch {
		case limit < 0:
			return "", 0, errors.New("head of the answer is too long")
		case err == nil && long == nil: // nearly always
			return strings.TrimRight(string(part), "\r\n"), limit, nil
		}
		long = append(long, part...)
		switch {
		case err == nil:
			return strings.TrimRight(string(long), "\r\n"), limit, nil
		case errors.Is(err, io.EOF) && len(long) > 0:
			return "", 0, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", 0, err
		}
	}
}

// body reads the whole body that follows h.
func (n *conn) body(h response) (string, error) {
	var b strings.Builder
	add := func(p []byte) error {
		if b.Len()+len(p) > maxBody {
			return errors.New("answer is too long")
		}
		b.Write(p)
		return nil
	}
	if h.chunked {
		err := noEOF(n.chunks(add))
		return b.String(), err
	}
	b.Grow(int(min(max(h.length, 0), 16<<20)))
	err := n.pieces(h.length, add)
	return b.String(), err
}

// pieces passes length bytes to fn as they come, or all up to the end of the
// connection if length is -1.
func (n *conn) pieces(length int64, fn func([]byte) error) error {
	for length != 0 {
		if n.r.Buffered() == 0 {
			if _, err := n.r.Peek(1); err != nil {
				if length < 0 && errors.Is(err, io.EOF) {
					return nil
				}
				return noEOF(err)
			}
		}
		size := n.r.Buffered()
		if length > 0 {
			size = int(min(int64(size), length))
		}
		p, _ := n.r.Peek(size) // it is in the buffer
		if err := fn(p); err != nil {
			return err
		}
		n.r.Discard(size)
		length -= int64(size)
	}
	return nil
}

// chunks passes a chunked body to fn, each chunk as it was sent. An error that
// is io.EOF says that the connection ended between two chunks.
func (n *conn) chunks(fn func([]byte) error) error {
	var buf []byte
	for {
		line, _, err := n.line(maxHeader)
		if err != nil {
			return err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 62)
		if err != nil {
			return fmt.Errorf("chunk size %.80q is not a number", line)
		}
		if size == 0 {
			var trailer response
			return n.fields(&trailer, maxHeader)
		}
		for size > 0 {
			piece := min(size, maxPiece)
			if uint64(cap(buf)) < piece {
				buf = make([]byte, piece)
			}
			if _, err := io.ReadFull(n.r, buf[:piece]); err != nil {
				return noEOF(err)
			}
			if err := fn(buf[:piece]); err != nil {
				return err
			}
			size -= piece
		}
		if line, _, err = n.line(2); err != nil {
			return noEOF(err)
		}
		if line != "" {
			return errors.New("chunk does not end with its length")
		}
	}
}

// noEOF returns err, with io.EOF as the end in the midst of something.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
