package httpd

import (
	"math"
	"net/url"
	"strconv"
	"strings"
)

// framing says where a request ends (RFC 9112, section 6). After a request whose
// end is in any doubt the connection is closed: a proxy or a browser in front may
// have seen it elsewhere, and what follows would be taken for a request of theirs.
type framing struct {
	length int // bytes of the body that are announced
	status int // why there is none to be read: 411 or 500; 0 if there is
	doubt  bool
}

// frame finds out where the body behind the header block of r ends. It reads the
// length as Medusa does, which takes more for a number than the standard, but then
// with a doubt.
func frame(r *Request, target, block string) framing {
	f := framing{status: 411, doubt: !properLines(block) || !token(r.Method) || !properTarget(target) || r.Version != "1.0" && r.Version != "1.1"}
	fields := r.Header
	seen := ""
	for rest := string(fields); rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || !token(name) {
			f.doubt = true
			name = strings.TrimSpace(name)
		}
		switch {
		case strings.EqualFold(name, "Transfer-Encoding"):
			f.doubt = true
		case strings.EqualFold(name, "Content-Length"):
			value = strings.Trim(value, " \t")
			f.doubt = f.doubt || seen != "" && seen != value || !digits(value)
			seen = value
		}
	}
	if text, ok := fields.Get("Content-Length"); ok {
		f.length, f.status = parseLength(text)
	} else if seen != "" {
		f.doubt = true // Medusa does not see it, everybody else does
	}
	return f
}

// properLines reports whether all lines of a header block end in CRLF, none goes on in
// the next, and no control character is in them but tabs.
func properLines(block string) bool {
	for i := 0; i < len(block); i++ {
		c := block[i]
		if c >= ' ' && c != 0x7f || c == '\t' {
			continue
		}
		if c != '\r' || i+1 == len(block) || block[i+1] != '\n' {
			return false
		}
		if i++; i+1 < len(block) && (block[i+1] == ' ' || block[i+1] == '\t') {
			return false
		}
	}
	return true
}

// properTarget reports whether a request's target is one by the standard.
func properTarget(target string) bool {
	for i := range len(target) {
		c := target[i]
		if c <= ' ' || c == '%' || c >= 0x7f {
			_, err := url.ParseRequestURI(target)
			return err == nil
		}
	}
	return target[0] == '/'
}

// token reports whether s can be the name of a field.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// digits reports whether s is nothing but decimal digits, and some.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || '9' < s[i] {
			return false
		}
	}
	return s != ""
}

// parseLength reads a number as Python does: blanks around, a sign, and underscores
// between digits. status is 500 for what is no number. A negative length is 0, one
// that fits no int is the greatest.
func parseLength(text string) (length, status int) {
	text = strings.TrimSpace(text)
	number := strings.TrimPrefix(text, "-")
	negative := len(number) < len(text)
	if !negative {
		number = strings.TrimPrefix(text, "+")
	}
	if strings.HasPrefix(number, "_") || strings.HasSuffix(number, "_") || strings.Contains(number, "__") {
		return 0, 500
	}
	if number = strings.ReplaceAll(number, "_", ""); !digits(number) {
		return 0, 500
	}
	if negative {
		return 0, 0
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return math.MaxInt, 0 // too great: all else has been looked at
	}
	return n, 0
}
