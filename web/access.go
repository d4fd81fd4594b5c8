package web

import (
	"fmt"
	"strings"
	"unicode"

	"supervisor/web/httpd"
)

// accessLine is the log line of one answer, put together only if it is wanted.
type accessLine httpd.Access

// String has the time in UTC and yet the local offset, as Supervisor has it.
func (l *accessLine) String() string {
	return fmt.Sprintf(`%s - - [%s%s] "%s" %d %d`, (*httpd.Access)(l).Peer(), l.At.UTC().Format("02/Jan/2006:15:04:05 "),
		l.At.Local().Format("-0700"), l.Line, l.Status, l.Size)
}

// logAccess logs an answer. Supervisor takes a line with "error" in it for one.
func (s *Server) logAccess(a *httpd.Access) {
	a.Line = loggable(a.Line)
	if saysError(a.Line) {
		s.opts.Log.Error("%s", (*accessLine)(a))
	} else {
		s.opts.Log.Trace("%s", (*accessLine)(a))
	}
}

// logCrash logs a panic of whoever was to answer.
func (s *Server) logCrash(peer string, value any, stack []byte) {
	s.opts.Log.Error("%s:Server Error: %v\n%s", peer, value, stack)
}

// maxLogged is how much of a request line is logged. Who sends it need not be known.
const maxLogged = 1 << 10

// loggable returns a request line so that it stays one line, of a limited length, and
// does nothing to a terminal.
func loggable(line string) string {
	if len(line) > maxLogged {
		line = strings.ToValidUTF8(line[:maxLogged], "") + "..."
	}
	if !strings.ContainsFunc(line, unicode.IsControl) {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// saysError reports whether s contains "error" in any case.
func saysError(s string) bool {
	for i := 0; i+5 <= len(s); i++ {
		if s[i]|0x20 == 'e' && strings.EqualFold(s[i:i+5], "error") {
			return true
		}
	}
	return false
}
