package xmlrpc

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	declaration   = "<?xml version='1.0'?>\n"
	responseBegin = declaration + "<methodResponse>\n<params>\n<param>\n"
	responseEnd   = "</param>\n</params>\n</methodResponse>\n"
	faultBegin    = declaration + "<methodResponse>\n<fault>\n"
	faultEnd      = "</fault>\n</methodResponse>\n"
	callBegin     = declaration + "<methodCall>\n<methodName>"
	callMiddle    = "</methodName>\n<params>\n"
	callEnd       = "</params>\n</methodCall>\n"

	arrayBegin  = "<value><array><data>\n"
	arrayEnd    = "</data></array></value>\n"
	structBegin = "<value><struct>\n"
	structEnd   = "</struct></value>\n"
	memberEnd   = "</member>\n"
	stringBegin = "<value><string>"
	stringEnd   = "</string></value>\n"
	intBegin    = "<value><int>"
	intEnd      = "</int></value>\n"
	boolTrue    = "<value><boolean>1</boolean></value>\n"
	boolFalse   = "<value><boolean>0</boolean></value>\n"
)

// appendFault appends an answer that is a fault.
func appendFault(dst []byte, f *Fault) []byte {
	dst = append(dst, faultBegin...)
	dst = f.appendTo(dst)
	return append(dst, faultEnd...)
}

// AppendCall appends a request. Params are of the types that a method may answer (Method),
// without Text and TailText; their integers may have 64 bits.
func AppendCall(dst []byte, method string, params ...any) []byte {
	dst = append(dst, callBegin...)
	dst = appendText(dst, method)
	dst = append(dst, callMiddle...)
	for _, p := range params {
		dst = append(dst, "<param>\n"...)
		switch p := p.(type) {
		case int64:
			dst = appendWide(dst, p)
		case int:
			dst = appendWide(dst, int64(p))
		default:
			dst = appendValue(dst, p)
		}
		dst = append(dst, "</param>\n"...)
	}
	return append(dst, callEnd...)
}

// appendValue appends the VALUE of v, byte for byte as Supervisor lays it out. It is the
// counterpart of frame.value, and panics for a type that has no encoding. Characters that
// XML does not allow, and bytes that are not UTF-8, are each replaced by U+FFFD; integers
// beyond 32 bits by the nearest that fits, because many clients know no others.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(dst, v)
	case bool:
		return appendBool(dst, v)
	case int:
		return appendInt(dst, int64(v))
	case int64:
		return appendInt(dst, v)
	case State:
		return appendInt(dst, int64(v))
	case Code:
		return appendInt(dst, int64(v))
	case bigInt:
		if v[0] == '-' {
			return appendInt(dst, math.MinInt64)
		}
		return appendInt(dst, math.MaxInt64)
	case []ProcessInfo:
		return appendInfos(dst, v)
	case ProcessInfo:
		return v.appendTo(dst)
	case Result:
		return v.appendTo(dst)
	case ConfigInfo:
		return v.appendTo(dst)
	case Tail:
		return v.appendTo(dst)
	case Changes:
		return v.appendTo(dst)
	case StateInfo:
		return v.appendTo(dst)
	case *Fault:
		return v.appendTo(dst)
	case []any:
		return appendArray(dst, v, appendValue)
	case []string:
		return appendArray(dst, v, appendString)
	case []int:
		return appendArray(dst, v, func(dst []byte, n int) []byte { return appendInt(dst, int64(n)) })
	case []Result:
		return appendArray(dst, v, func(dst []byte, r Result) []byte { return r.appendTo(dst) })
	case []ConfigInfo:
		return appendArray(dst, v, func(dst []byte, c ConfigInfo) []byte { return c.appendTo(dst) })
	case Struct:
		dst = append(dst, structBegin...)
		for _, m := range v {
			dst = appendValue(appendName(dst, m.Name), m.Value)
			dst = append(dst, memberEnd...)
		}
		return append(dst, structEnd...)
	case float64:
		dst = append(dst, "<value><double>"...)
		dst = appendFloat(dst, v)
		return append(dst, "</double></value>\n"...)
	case time.Time:
		dst = append(dst, "<value><dateTime.iso8601>"...)
		dst = v.AppendFormat(dst, dateTimeLayout)
		return append(dst, "</dateTime.iso8601></value>\n"...)
	case nil:
		return append(dst, "<value><nil/></value>"...) // without LF, as Python
	}
	panic(fmt.Sprintf("xmlrpc: no encoding for type %T", v))
}

func appendArray[T any](dst []byte, array []T, appendOne func([]byte, T) []byte) []byte {
	dst = append(dst, arrayBegin...)
	for _, e := range array {
		dst = appendOne(dst, e)
	}
	return append(dst, arrayEnd...)
}

func appendString(dst []byte, s string) []byte {
	dst = append(dst, stringBegin...)
	dst = appendText(dst, s)
	return append(dst, stringEnd...)
}

func appendInt(dst []byte, n int64) []byte {
	return appendWide(dst, min(max(n, math.MinInt32), math.MaxInt32))
}

func appendWide(dst []byte, n int64) []byte {
	dst = append(dst, intBegin...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, intEnd...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, boolTrue...)
	}
	return append(dst, boolFalse...)
}

// appendName begins the member name of a struct. Its value has to follow, and
// memberEnd.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, "<member>\n<name>"...)
	dst = appendText(dst, name)
	return append(dst, "</name>\n"...)
}

func (f *Fault) appendTo(dst []byte) []byte {
	dst = append(dst, structBegin+"<member>\n<name>faultCode</name>\n"...)
	dst = appendInt(dst, int64(f.Code))
	dst = append(dst, memberEnd+"<member>\n<name>faultString</name>\n"...)
	dst = appendString(dst, f.Text)
	return append(dst, memberEnd+structEnd...)
}

// What stands between the values of two members of a struct, by the types of
// the values. Constants, so that what is the same in every answer is copied in
// one piece.
const (
	afterString = stringEnd + memberEnd + "<member>\n<name>"
	afterInt    = intEnd + memberEnd + "<member>\n<name>"
	stringNext  = "</name>\n" + stringBegin
	intNext     = "</name>\n" + intBegin
)

// appendInfos appends the answer of getAllProcessInfo.
func appendInfos(dst []byte, infos []ProcessInfo) []byte {
	const usual = 1400 // bytes of one: 1,100 without its texts
	dst = slices.Grow(dst, len(infos)*usual+len(arrayBegin+arrayEnd+responseEnd))
	dst = append(dst, arrayBegin...)
	for i := range infos {
		dst = infos[i].appendTo(dst)
	}
	return append(dst, arrayEnd...)
}

// appendTo appends the struct of getProcessInfo, its members in the order that
// Supervisor sends.
func (p *ProcessInfo) appendTo(dst []byte) []byte {
	dst = append(dst, structBegin+"<member>\n<name>name"+stringNext...)
	dst = appendText(dst, p.Name)
	dst = append(dst, afterString+"group"+stringNext...)
	dst = appendText(dst, p.Group)
	dst = append(dst, afterString+"start"+intNext...)
	dst = appendNumber(dst, p.Start)
	dst = append(dst, afterInt+"stop"+intNext...)
	dst = appendNumber(dst, p.Stop)
	dst = append(dst, afterInt+"now"+intNext...)
	dst = appendNumber(dst, p.Now)
	dst = append(dst, afterInt+"state"+intNext...)
	dst = appendNumber(dst, int64(p.State))
	dst = append(dst, afterInt+"statename"+stringNext...)
	dst = append(dst, p.State.String()...)
	dst = append(dst, afterString+"spawnerr"+stringNext...)
	dst = appendText(dst, p.SpawnErr)
	dst = append(dst, afterString+"exitstatus"+intNext...)
	dst = appendNumber(dst, int64(p.ExitStatus))
	dst = append(dst, afterInt+"logfile"+stringNext...)
	begin := len(dst)
	dst = appendText(dst, p.StdoutLogfile)
	end := len(dst)
	dst = append(dst, afterString+"stdout_logfile"+stringNext...)
	dst = append(dst, dst[begin:end]...)
	dst = append(dst, afterString+"stderr_logfile"+stringNext...)
	dst = appendText(dst, p.StderrLogfile)
	dst = append(dst, afterString+"pid"+intNext...)
	dst = appendNumber(dst, int64(p.PID))
	dst = append(dst, afterInt+"description"+stringNext...)
	dst = appendText(dst, p.Description)
	return append(dst, stringEnd+memberEnd+structEnd...)
}

// appendNumber appends the digits of n, kept within 32 bits.
func appendNumber(dst []byte, n int64) []byte {
	if n == 0 {
		return append(dst, '0')
	}
	return strconv.AppendInt(dst, min(max(n, math.MinInt32), math.MaxInt32), 10)
}

func (r *Result) appendTo(dst []byte) []byte {
	dst = append(dst, structBegin+"<member>\n<name>name"+stringNext...)
	dst = appendText(dst, r.Name)
	dst = append(dst, afterString+"group"+stringNext...)
	dst = appendText(dst, r.Group)
	dst = append(dst, afterString+"status"+intNext...)
	dst = appendNumber(dst, int64(r.Status))
	dst = append(dst, afterInt+"description"+stringNext...)
	dst = appendText(dst, r.Description)
	return append(dst, stringEnd+memberEnd+structEnd...)
}

// appendTo appends the array that tailProcess*Log answers.
func (t *Tail) appendTo(dst []byte) []byte {
	dst = append(dst, arrayBegin...)
	dst = appendString(dst, t.Bytes)
	dst = appendInt(dst, t.Offset)
	dst = appendBool(dst, t.Overflow)
	return append(dst, arrayEnd...)
}

// appendTo appends what reloadConfig answers: the three lists in one array more
// than is needed.
func (c *Changes) appendTo(dst []byte) []byte {
	dst = append(dst, arrayBegin+arrayBegin...)
	dst = appendArray(dst, c.Added, appendString)
	dst = appendArray(dst, c.Changed, appendString)
	dst = appendArray(dst, c.Removed, appendString)
	return append(dst, arrayEnd+arrayEnd...)
}

func (s *StateInfo) appendTo(dst []byte) []byte {
	dst = append(dst, structBegin+"<member>\n<name>statecode"+intNext...)
	dst = appendNumber(dst, int64(s.Code))
	dst = append(dst, afterInt+"statename"+stringNext...)
	dst = appendText(dst, s.Name)
	return append(dst, stringEnd+memberEnd+structEnd...)
}

// appendTo appends one struct of getAllConfigInfo, its members in the order that
// Supervisor sends.
func (c *ConfigInfo) appendTo(dst []byte) []byte {
	dst = append(dst, structBegin...)
	for _, m := range [...]Member{
		{"autostart", c.Autostart},
		{"autorestart", c.Autorestart},
		{"directory", c.Directory},
		{"uid", c.UID},
		{"command", c.Command},
		{"exitcodes", c.ExitCodes},
		{"group", c.Group},
		{"group_prio", c.GroupPrio},
		{"inuse", c.InUse},
		{"killasgroup", c.KillAsGroup},
		{"name", c.Name},
		{"process_prio", c.ProcessPrio},
		{"redirect_stderr", c.RedirectStderr},
		{"startretries", c.StartRetries},
		{"startsecs", c.StartSecs},
		{"stdout_capture_maxbytes", c.StdoutCaptureMaxBytes},
		{"stdout_events_enabled", c.StdoutEventsEnabled},
		{"stdout_logfile", c.StdoutLogfile},
		{"stdout_logfile_backups", c.StdoutLogfileBackups},
		{"stdout_logfile_maxbytes", c.StdoutLogfileMaxBytes},
		{"stdout_syslog", c.StdoutSyslog},
		{"stopsignal", c.StopSignal},
		{"stopwaitsecs", c.StopWaitSecs},
		{"stderr_capture_maxbytes", c.StderrCaptureMaxBytes},
		{"stderr_events_enabled", c.StderrEventsEnabled},
		{"stderr_logfile", c.StderrLogfile},
		{"stderr_logfile_backups", c.StderrLogfileBackups},
		{"stderr_logfile_maxbytes", c.StderrLogfileMaxBytes},
		{"stderr_syslog", c.StderrSyslog},
		{"serverurl", c.ServerURL},
	} {
		dst = appendValue(appendName(dst, m.Name), m.Value)
		dst = append(dst, memberEnd...)
	}
	return append(dst, structEnd...)
}

// appendText appends text, escaped. Only the three characters that must be are
// escaped, as clients of Supervisor expect.
func appendText(dst []byte, s string) []byte {
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		size := 1
		switch c := s[n]; {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case isXMLSpace(c):
			dst = append(dst, c)
		case c < utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[n:])
			if !allowed(r) {
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
		}
		s = s[n+size:]
	}
}

// plainPrefix returns how many bytes at the start of s need no second look:
// printable ASCII except the three that are escaped. It looks at eight at a
// time.
func plainPrefix(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		control := w - ' '*ones                   // borrows into the high bit below a blank
		amp := (w ^ '&'*ones) - ones              // and here where a byte has become zero,
		angle := ((w | 2*ones) ^ '>'*ones) - ones // as < and > do, which differ in one bit
		if (w|control|amp|angle)&high != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '&' || c == '<' || c == '>' {
			break
		}
	}
	return i
}
