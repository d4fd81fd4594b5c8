package xmlrpc

import (
	"math"
	"strings"
	"testing"
	"time"
)

// demo is the process of the transcripts in the specification.
var demo = ProcessInfo{
	Name: "demo", Group: "demo", Start: 1795338591, Now: 1795338593, State: Running,
	StdoutLogfile: "demo.out", StderrLogfile: "demo.err", PID: 25754,
	Description: "pid 25754, uptime 0:00:02",
}

// appendResponse appends the answer v of a method as a server does.
func appendResponse(dst []byte, v any) []byte {
	out, err := respond(dst, v, nil)
	if err != nil {
		panic(err) // only a Text can fail
	}
	return out
}

const demoAnswer = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n" + demoValue +
	"</param>\n</params>\n</methodResponse>\n"

const demoValue = `<value><struct>
<member>
<name>name</name>
<value><string>demo</string></value>
</member>
<member>
<name>group</name>
<value><string>demo</string></value>
</member>
<member>
<name>start</name>
<value><int>1795338591</int></value>
</member>
<member>
<name>stop</name>
<value><int>0</int></value>
</member>
<member>
<name>now</name>
<value><int>1795338593</int></value>
</member>
<member>
<name>state</name>
<value><int>20</int></value>
</member>
<member>
<name>statename</name>
<value><string>RUNNING</string></value>
</member>
<member>
<name>spawnerr</name>
<value><string></string></value>
</member>
<member>
<name>exitstatus</name>
<value><int>0</int></value>
</member>
<member>
<name>logfile</name>
<value><string>demo.out</string></value>
</member>
<member>
<name>stdout_logfile</name>
<value><string>demo.out</string></value>
</member>
<member>
<name>stderr_logfile</name>
<value><string>demo.err</string></value>
</member>
<member>
<name>pid</name>
<value><int>25754</int></value>
</member>
<member>
<name>description</name>
<value><string>pid 25754, uptime 0:00:02</string></value>
</member>
</struct></value>
`

func TestAnswersToTheByte(t *testing.T) {
	if got := string(appendResponse(nil, demo)); got != demoAnswer {
		t.Errorf("getProcessInfo:\n%s\nwant:\n%s", got, demoAnswer)
	}
	if len(demoAnswer) != 1210 {
		t.Errorf("getProcessInfo has %d bytes, the original's 1210", len(demoAnswer))
	}
	fault := "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n" +
		"<member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n" +
		"<member>\n<name>faultString</name>\n<value><string>BAD_NAME: nope</string></value>\n</member>\n" +
		"</struct></value>\n</fault>\n</methodResponse>\n"
	if got := string(appendFault(nil, NewFault(BadName, "nope"))); got != fault || len(got) != 270 {
		t.Errorf("fault:\n%s\nwant:\n%s", got, fault)
	}
	call := "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.getProcessInfo</methodName>\n<params>\n<param>\n" +
		"<value><string>demo</string></value>\n</param>\n</params>\n</methodCall>\n"
	if got := string(AppendCall(nil, "supervisor.getProcessInfo", "demo")); got != call || len(got) != 173 {
		t.Errorf("call:\n%s\nwant:\n%s", got, call)
	}
}

func TestAppendValue(t *testing.T) {
	text := func(s string) string { return "<value><string>" + s + "</string></value>\n" }
	number := func(s string) string { return "<value><int>" + s + "</int></value>\n" }
	array := func(s ...string) string {
		return "<value><array><data>\n" + strings.Join(s, "") + "</data></array></value>\n"
	}
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"empty string", "", text("")},
		{"escapes", `<a> & "b" 'c'`, text(`&lt;a&gt; &amp; "b" 'c'`)},
		{"white space stays", "a\"b'\n\t\r", text("a\"b'\n\t\r")},
		{"control characters", "\x00\x01\x1b[31m\x7f", text("\ufffd\ufffd\ufffd[31m\x7f")},
		{"control character after eight", "12345678\x01", text("12345678\ufffd")},
		{"not UTF-8", "\xff\xfe", text("\ufffd\ufffd")},
		{"half a character", "ab\xe4\xb8", text("ab\ufffd\ufffd")},
		{"surrogate", "\xed\xa0\x80", text("\ufffd\ufffd\ufffd")},
		{"no characters", "\ufffe\uffff", text("\ufffd\ufffd")},
		{"UTF-8", "Grüße 世界 😀", text("Grüße 世界 😀")},
		{"U+FFFD itself", "\ufffd", text("\ufffd")},
		{"int", -1, number("-1")},
		{"greatest", math.MaxInt32, number("2147483647")},
		{"greater", int64(math.MaxInt32) + 1, number("2147483647")},
		{"least", int64(math.MinInt32) - 1, number("-2147483648")},
		{"beyond 64 bits", bigInt("99999999999999999999"), number("2147483647")},
		{"far below", bigInt("-99999999999999999999"), number("-2147483648")},
		{"state", Backoff, number("30")},
		{"code", Success, number("80")},
		{"true", true, "<value><boolean>1</boolean></value>\n"},
		{"false", false, "<value><boolean>0</boolean></value>\n"},
		{"nil", nil, "<value><nil/></value>"},
		{"double", 15.0, "<value><double>15.0</double></value>\n"},
		{"date", time.Date(2026, 11, 22, 9, 9, 53, 0, time.UTC), "<value><dateTime.iso8601>20261122T09:09:53</dateTime.iso8601></value>\n"},
		{"empty array", []any{}, array()},
		{"no strings", []string(nil), array()},
		{"strings", []string{"a", "b"}, array(text("a"), text("b"))},
		{"ints", []int{0, 2}, array(number("0"), number("2"))},
		{"infos", []ProcessInfo{demo, demo}, array(demoValue, demoValue)},
		{"tail", Tail{"x\n", 20, true}, array(text("x\n"), number("20"), "<value><boolean>1</boolean></value>\n")},
		{"tail of 3 GB", Tail{Offset: 3 << 30}, array(text(""), number("2147483647"), "<value><boolean>0</boolean></value>\n")},
		{"changes", Changes{Added: []string{"a"}, Removed: []string{"r"}},
			array(array(array(text("a")), array(), array(text("r"))))},
		{"empty struct", Struct{}, "<value><struct>\n</struct></value>\n"},
		{"struct", Struct{{"z&", 1}, {"a", "b"}}, "<value><struct>\n<member>\n<name>z&amp;</name>\n" + number("1") +
			"</member>\n<member>\n<name>a</name>\n" + text("b") + "</member>\n</struct></value>\n"},
		{"state of the daemon", StateInfo{1, "RUNNING"}, "<value><struct>\n<member>\n<name>statecode</name>\n" + number("1") +
			"</member>\n<member>\n<name>statename</name>\n" + text("RUNNING") + "</member>\n</struct></value>\n"},
		{"results", []Result{{"a", "g", BadName, "BAD_NAME: a"}}, array("<value><struct>\n" +
			"<member>\n<name>name</name>\n" + text("a") + "</member>\n<member>\n<name>group</name>\n" + text("g") +
			"</member>\n<member>\n<name>status</name>\n" + number("10") +
			"</member>\n<member>\n<name>description</name>\n" + text("BAD_NAME: a") + "</member>\n</struct></value>\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(appendValue(nil, test.value)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestCallKeepsWideIntegers(t *testing.T) {
	// The offset in a log of 3 GiB: only answers are kept within 32 bits.
	got := string(AppendCall(nil, "m", int64(3<<30)))
	if want := "<value><int>3221225472</int></value>"; !strings.Contains(got, want) {
		t.Errorf("%s\nwant %s in it", got, want)
	}
}

// The names and order of getAllConfigInfo as specified.
func TestConfigInfoMembers(t *testing.T) {
	const want = "autostart autorestart directory uid command exitcodes group group_prio inuse killasgroup name " +
		"process_prio redirect_stderr startretries startsecs stdout_capture_maxbytes stdout_events_enabled " +
		"stdout_logfile stdout_logfile_backups stdout_logfile_maxbytes stdout_syslog stopsignal stopwaitsecs " +
		"stderr_capture_maxbytes stderr_events_enabled stderr_logfile stderr_logfile_backups " +
		"stderr_logfile_maxbytes stderr_syslog serverurl"
	v, err := decodeResponse(string(appendResponse(nil, []ConfigInfo{{UID: "none", Autorestart: true}})))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range v.([]any)[0].(Struct) {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnknownTypePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a type without encoding was encoded")
		}
	}()
	appendResponse(nil, struct{}{})
}

func TestEncodingAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1<<20)
	infos := thousand()[:100]
	values := map[string]any{"infos": infos, "state": StateInfo{1, "RUNNING"}, "text": "a<b\x01", "tail": Tail{Bytes: "x"}}
	for name, v := range values {
		if n := testing.AllocsPerRun(20, func() { appendResponse(dst, v) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	fault := NewFault(BadName, "x")
	if n := testing.AllocsPerRun(20, func() { appendFault(dst, fault) }); n != 0 {
		t.Errorf("fault: %v allocations", n)
	}
}
