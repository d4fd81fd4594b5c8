package xmlrpc

import "strings"

// decodeProcessInfos reads the answer of getAllProcessInfo, which with many
// programs is a megabyte. The layout that Supervisor and this package write is
// read in one pass; any other the usual way.
func decodeProcessInfos(body string) ([]ProcessInfo, error) {
	if infos, ok := readInfos(body); ok {
		return infos, nil
	}
	return structs(Struct.processInfo)(decodeResponse(body))
}

// infoReader reads a known layout. Its methods report whether s went on as
// expected; once it did not, the rest is meaningless.
type infoReader struct{ s string }

func (r *infoReader) skip(prefix string) bool {
	if !strings.HasPrefix(r.s, prefix) {
		return false
	}
	r.s = r.s[len(prefix):]
	return true
}

func readInfos(body string) ([]ProcessInfo, bool) {
	r := infoReader{body}
	if !r.skip(responseBegin + arrayBegin) {
		return nil, false
	}
	const usual = 1200 // bytes of one
	infos := make([]ProcessInfo, 0, len(body)/usual+1)
	for r.skip(structBegin) {
		infos = append(infos, ProcessInfo{})
		if !r.info(&infos[len(infos)-1]) {
			return nil, false
		}
	}
	return infos, r.skip(arrayEnd+responseEnd) && r.s == ""
}

// info reads the members of one struct and its end.
func (r *infoReader) info(p *ProcessInfo) bool {
	logfile := "" // what stdout_logfile was called before there were two
	named := false
	for r.skip("<member>\n<name>") {
		name, ok := r.text()
		if !ok {
			return false
		}
		switch name {
		case "name":
			ok = r.string(&p.Name)
		case "group":
			ok = r.string(&p.Group)
		case "start":
			ok = r.int(&p.Start)
		case "stop":
			ok = r.int(&p.Stop)
		case "now":
			ok = r.int(&p.Now)
		case "state":
			var n int64
			ok = r.int(&n)
			p.State = State(n)
		case "statename": // follows from the state
			var s string
			ok = r.string(&s)
		case "spawnerr":
			ok = r.string(&p.SpawnErr)
		case "exitstatus":
			var n int64
			ok = r.int(&n)
			p.ExitStatus = int(n)
		case "logfile":
			ok = r.string(&logfile)
		case "stdout_logfile":
			ok = r.string(&p.StdoutLogfile)
			named = true
		case "stderr_logfile":
			ok = r.string(&p.StderrLogfile)
		case "pid":
			var n int64
			ok = r.int(&n)
			p.PID = int(n)
		case "description":
			ok = r.string(&p.Description)
		default:
			ok = false
		}
		if !ok || !r.skip(memberEnd) {
			return false
		}
	}
	if !named {
		p.StdoutLogfile = logfile
	}
	return r.skip(structEnd)
}

// text returns what stands before the next tag. What XML has rules for, beyond
// the references to the three characters we escape, is left to the decoder.
func (r *infoReader) text() (string, bool) {
	escaped := false
	for i := range len(r.s) {
		switch r.s[i] {
		case '<':
			text := r.s[:i]
			r.s = r.s[i:]
			if !escaped {
				return text, true
			}
			text, err := new(scanner).unescape(text)
			return text, err == nil
		case '&':
			escaped = true
		case '\r', ']':
			return "", false
		}
	}
	return "", false
}

func (r *infoReader) string(p *string) (ok bool) {
	if !r.skip("</name>\n" + stringBegin) {
		return false
	}
	*p, ok = r.text()
	return ok && r.skip(stringEnd)
}

func (r *infoReader) int(p *int64) bool {
	if !r.skip("</name>\n" + intBegin) {
		return false
	}
	negative := r.skip("-")
	digits, n := 0, int64(0)
	for ; digits < len(r.s) && '0' <= r.s[digits] && r.s[digits] <= '9'; digits++ {
		if digits == 10 { // more than any int has
			return false
		}
		n = n*10 + int64(r.s[digits]-'0')
	}
	r.s = r.s[digits:]
	if *p = n; negative {
		*p = -n
	}
	return digits > 0 && r.skip(intEnd)
}
