package xmlrpc

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// call returns a request with one parameter.
func call(value string) []byte {
	return []byte("<methodCall><methodName>m</methodName><params><param>" + value + "</param></params></methodCall>")
}

// decodeCall reads a request as a server does.
func decodeCall(body []byte) (method string, params []any, err error) {
	return new(decoder).call(string(body))
}

// wide returns n as an int where it fits into one.
func wide(n int64) any {
	if int64(int(n)) == n {
		return int(n)
	}
	return n
}

func TestDecodeValue(t *testing.T) {
	tests := []struct {
		name, value string
		want        any
	}{
		{"string", "<value><string>cat</string></value>", "cat"},
		{"untyped", "<value>cat</value>", "cat"},
		{"untyped with blank", "<value> cat</value>", " cat"},
		{"empty value", "<value/>", ""},
		{"empty string", "<value><string/></value>", ""},
		{"text around the child", "<value> x <int>1</int> y <int>2</int></value>", 1},
		{"int", "<value><int>-5</int></value>", -5},
		{"i4", "<value><i4>7</i4></value>", 7},
		{"int with blanks, sign, underscore", "<value><int>\n +1_000 </int></value>", 1000},
		{"int with zeros", "<value><int>007</int></value>", 7},
		{"wide int", "<value><int>3221225472</int></value>", wide(3 << 30)},
		{"enormous int", "<value><int>-099999999999999999999</int></value>", bigInt("-99999999999999999999")},
		{"int before a child", "<value><int>5<b/></int></value>", 5},
		{"i8 is text", "<value><i8>-5</i8></value>", "-5"},
		{"nil", "<value><nil/></value>", nil},
		{"nil in a declared namespace", "<value xmlns:ex='u'><ex:nil/></value>", nil},
		{"unknown element", "<value><foo>x</foo></value>", "x"},
		{"true", "<value><boolean>1</boolean></value>", true},
		{"false", "<value><boolean>0</boolean></value>", false},
		{"the word true", "<value><boolean>true</boolean></value>", false},
		{"true with blanks", "<value><boolean> 1 </boolean></value>", false},
		{"double", "<value><double>-1.5e1</double></value>", -15.0},
		{"double infinity", "<value><double> -Infinity</double></value>", math.Inf(-1)},
		{"double too great", "<value><double>1e999</double></value>", math.Inf(1)},
		{"date", "<value><dateTime.iso8601>20261122T09:09:53</dateTime.iso8601></value>", time.Date(2026, 11, 22, 9, 9, 53, 0, time.UTC)},
		{"base64", "<value><base64>R3LD\nvMOfZQ==</base64></value>", "Grüße"},
		{"base64 with rubbish", "<value><base64>!YQ==zzz</base64></value>", "a"},
		{"base64 of nothing", "<value><base64/></value>", ""},
		{"array", "<value><array><data><value>a</value><value><int>1</int></value></data></array></value>", []any{"a", 1}},
		{"empty array", "<value><array><data/></array></value>", []any{}},
		{"array of other elements", "<value><array><data><foo>x</foo><int>1</int><nil/></data></array></value>", []any{"x", 1, nil}},
		{"array without data", "<value><array><value>x</value></array></value>", "x"},
		{"struct", "<value><struct><member><name>a</name><value><int>1</int></value></member></struct></value>", Struct{{"a", 1}}},
		{"empty struct", "<value><struct/></value>", Struct{}},
		{"struct by position", "<value><struct><m><int>5</int><b>x</b></m></struct></value>", Struct{{"5", "x"}}},
		{"struct with key of nothing", "<value><struct><m><name/><value/></m></struct></value>", Struct{{"", ""}}},
		{"param without value element", "x<foo>y</foo>", "y"},
		{"comment and CDATA in text", "<value>a<!-- x -->b<![CDATA[<&]]>c<?pi d?>e</value>", "ab<&ce"},
		{"entities", "<value>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#13;</value>", "<>&\"'AB\r"},
		{"line ends", "<value>a\r\nb\rc\n</value>", "a\nb\nc\n"},
		{"line ends in CDATA", "<value><![CDATA[a\r\nb\rc]]></value>", "a\nb\nc"},
		{"astral", "<value>&#x1F600;😀</value>", "😀😀"},
		{"attributes", `<value a="1" b='&lt;"' ><string c = "x">y</string ></value >`, "y"},
		{"namespace taken back", "<value xmlns='u'><value xmlns=''><int>1</int></value></value>", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, params, err := decodeCall(call(test.value))
			if err != nil || len(params) != 1 || !reflect.DeepEqual(params[0], test.want) {
				t.Errorf("got %#v, %v; want %#v", params, err, test.want)
			}
		})
	}
	if _, params, err := decodeCall(call("<value><double>nan</double></value>")); err != nil || !math.IsNaN(params[0].(float64)) {
		t.Errorf("nan: %v, %v", params, err)
	}
}

func TestDecodeValueRefuses(t *testing.T) {
	for _, value := range []string{
		"<int></int>", "<int>abc</int>", "<int>5.0</int>", "<int>1__0</int>", "<int>_1</int>", "<int>- 1</int>", "<int>+-1</int>",
		"<int>" + strings.Repeat("9", 5000) + "</int>", "<int><int>1</int></int>",
		"<double></double>", "<double>x</double>", "<double>0x10</double>", "<double>1_.5</double>", "<double>1e</double>",
		"<dateTime.iso8601>2026-11-22T09:09:53</dateTime.iso8601>", "<dateTime.iso8601>20261122T09:09:53.5</dateTime.iso8601>",
		"<dateTime.iso8601>20261322T09:09:53</dateTime.iso8601>", "<dateTime.iso8601/>",
		"<base64>YQ</base64>", "<base64>YQ=</base64>", "<base64>/w==</base64>",
		"<array/>", "<array>x</array>",
		"<struct><member/></struct>", "<struct><member><name>a</name></member></struct>",
		"<struct><member><name>a</name><value/><value/></member></struct>",
		"<struct><value><int>1</int></value></struct>",
		"<struct><m><struct><m><a>1</a><b/></m></struct><b/></m></struct>",
		// not well-formed
		"<a>", "</a>", "<a></b>", "<a></a", "<a", "<a b></a>", "<a b=1/>", "<a b='1'c='2'/>", "<a b='<'/>", "<a b='&x;'/>",
		"<a b='1' b='2'/>", "< a/>", "<a/ >", "<1/>", "<:a/>", "<a:/>", "<a:b/>", "<a b:c='1'/>", "<a:b:c xmlns:a='u'/>",
		"<a xmlns:b=''/>", "<a xmlns:xml='u'/>", "<a xmlns:xmlns='u'/>",
		"&x;", "&", "& ", "&amp", "&#0;", "&#1;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#99999999999999999999;", "&#;", "&#x;", "&#X41;",
		"]]>", "<![CDATA[", "<!-- -- -->", "<!--", "<!--x--->", "<?pi", "<?xml version='1.0'?>", "<?XML ?>", "<??>", "<?a:b ?>",
		"\x00", "\x01", "\x1b", "\x0c", "\xff", "\xed\xa0\x80", "\ufffe", "\uffff",
		"<!DOCTYPE a>", "<!ELEMENT a>",
		strings.Repeat("<a>", 10000) + strings.Repeat("</a>", 10000),
	} {
		if _, params, err := decodeCall(call("<value>x</value>" + value)); err == nil {
			t.Errorf("%.60q is accepted: %#v", value, params)
		}
	}
}

func TestDecodeCall(t *testing.T) {
	const pid = "<methodCall><methodName>supervisor.getPID</methodName></methodCall>"
	var syntax *SyntaxError
	tests := []struct {
		name, body string
		method     string // "" for an error
		params     []any
		noMethod   bool
	}{
		{name: "no params", body: pid, method: "supervisor.getPID"},
		{name: "declaration", body: "<?xml version='1.0' encoding=\"UTF-8\" standalone='no' ?>\n" + pid, method: "supervisor.getPID"},
		{name: "another encoding", body: "<?xml version='1.0' encoding='iso-8859-1'?><m><methodName>ü</methodName></m>", method: "ü"},
		{name: "UTF-16 by declaration only", body: "<?xml version='1.0' encoding='utf-16'?>" + pid, method: "supervisor.getPID"},
		{name: "XML 1.1", body: `<?xml version="1.1"?>` + pid, method: "supervisor.getPID"},
		{name: "byte-order mark", body: "\ufeff<?xml version='1.0'?>" + pid, method: "supervisor.getPID"},
		{name: "another root", body: "<x><methodName>a.b</methodName></x>", method: "a.b"},
		{name: "root is the name", body: "<methodName>a.b</methodName>", method: "a.b"},
		{name: "blanks in the name", body: "<m><methodName> a.b </methodName></m>", method: " a.b "},
		{name: "last name", body: "<m><methodName>a</methodName><methodName>b</methodName></m>", method: "b"},
		{name: "last params", body: "<m><methodName>a</methodName><params><v>1</v></params><params><v>2</v></params></m>", method: "a", params: []any{"2"}},
		{name: "params of any element", body: "<m><methodName>a</methodName><params><foo>x</foo><int>1</int></params></m>", method: "a", params: []any{"x", 1}},
		{name: "comments and instructions around", body: "<!-- a --><?b c?>\n" + pid + "\n<!-- d --><?e?> \t", method: "supervisor.getPID"},
		{name: "namespace with prefix elsewhere", body: "<m xmlns:x='u'><methodName>a</methodName></m>", method: "a"},

		{name: "no name", body: "<methodCall/>", noMethod: true},
		{name: "empty name", body: "<m><methodName></methodName></m>", noMethod: true},
		{name: "last name empty", body: "<m><methodName>a</methodName><methodName/></m>", noMethod: true},
		{name: "default namespace", body: "<methodCall xmlns='u'><methodName>a</methodName></methodCall>", noMethod: true},
		{name: "prefix", body: "<m xmlns:x='u'><x:methodName>a</x:methodName></m>", noMethod: true},

		{name: "nothing", body: ""},
		{name: "blanks", body: " \n"},
		{name: "text", body: "hello"},
		{name: "text before", body: "x" + pid},
		{name: "text after", body: pid + "x"},
		{name: "reference after", body: pid + "&#32;"},
		{name: "second root", body: pid + pid},
		{name: "CDATA after", body: pid + "<![CDATA[]]>"},
		{name: "end tag after", body: pid + "</x>"},
		{name: "LF before the declaration", body: "\n<?xml version='1.0'?>" + pid},
		{name: "declaration without version", body: "<?xml encoding='utf-8'?>" + pid},
		{name: "empty declaration", body: "<?xml ?>" + pid},
		{name: "declaration in disorder", body: "<?xml encoding='a' version='1.0'?>" + pid},
		{name: "declaration without blank", body: "<?xml version='1.0'encoding='a'?>" + pid},
		{name: "odd standalone", body: "<?xml version='1.0' standalone='maybe'?>" + pid},
		{name: "odd encoding", body: "<?xml version='1.0' encoding='1'?>" + pid},
		{name: "DTD", body: "<!DOCTYPE m [<!ENTITY a 'b'>]><m><methodName>&a;</methodName></m>"},
		{name: "cut off", body: pid[:len(pid)-1]},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			method, params, err := decodeCall([]byte(test.body))
			switch {
			case test.method != "":
				if err != nil || method != test.method || !reflect.DeepEqual(params, test.params) {
					t.Errorf("got %q %#v, %v", method, params, err)
				}
			case test.noMethod:
				if !errors.Is(err, errNoMethod) {
					t.Errorf("got %q, %v; want errNoMethod", method, err)
				}
			case !errors.As(err, &syntax):
				t.Errorf("got %q, %v; want a SyntaxError", method, err)
			}
		})
	}
}

func TestDecodeResponse(t *testing.T) {
	var fault *Fault
	if _, err := decodeResponse(string(appendFault(nil, NewFault(BadName, "a<b")))); !errors.As(err, &fault) || *fault != (Fault{BadName, "BAD_NAME: a<b"}) {
		t.Errorf("fault: %v", err)
	}
	// The original sends control characters and broken UTF-8 of logs as they are.
	raw := "<methodResponse><params><param><value><string>a\x01\x1b\xff&#1;</string></value></param></params></methodResponse>"
	if v, err := decodeResponse(raw); err != nil || v != "a\x01\x1b\xff\x01" {
		t.Errorf("raw characters: %q, %v", v, err)
	}
	for _, body := range []string{"", "<html>", "<html></html>", "<methodResponse><params/></methodResponse>"} {
		if v, err := decodeResponse(body); err == nil {
			t.Errorf("%q is an answer: %v", body, v)
		}
	}
}

func TestDecodeProcessInfos(t *testing.T) {
	odd := demo
	odd.Name, odd.SpawnErr, odd.ExitStatus, odd.State = "a&<b>]]", "x\r\ny", -1, 77
	infos := []ProcessInfo{demo, {}, odd}
	answer := string(appendResponse(nil, infos))
	want := []ProcessInfo{demo, {}, odd}
	want[2].SpawnErr = "x\ny"
	// What the quick reader leaves to the other gives the same.
	for name, body := range map[string]string{
		"quick and slow":   answer,
		"other layout":     strings.ReplaceAll(answer, "\n<", "<"),
		"untyped":          strings.ReplaceAll(strings.ReplaceAll(answer, "<string>", ""), "</string>", ""),
		"more members":     strings.ReplaceAll(answer, "<member>\n<name>pid<", "<member>\n<name>new</name>\n<value><nil/></value>\n</member>\n<member>\n<name>pid<"),
		"before 3.0":       strings.ReplaceAll(answer, "<name>stdout_logfile<", "<name>out<"),
		"another spelling": strings.ReplaceAll(answer, "<name>pid<", "<name>&#112;id<"),
	} {
		got, err := decodeProcessInfos(body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n%+v\n%+v", name, err, got, want)
		}
	}
	quick, ok := readInfos(string(appendResponse(nil, []ProcessInfo{demo, {}, demo})))
	if !ok || !reflect.DeepEqual(quick, []ProcessInfo{demo, {}, demo}) {
		t.Errorf("the usual layout is not read quickly: %v %+v", ok, quick)
	}
	if _, err := decodeProcessInfos(string(appendFault(nil, NewFault(ShutdownState)))); err == nil || err.Error() != "<Fault 6: 'SHUTDOWN_STATE'>" {
		t.Errorf("fault: %v", err)
	}
	for _, body := range []string{"", answer[:len(answer)-2], answer + "x", strings.Replace(answer, "<int>0<", "<int>x<", 1), string(appendResponse(nil, []int{1}))} {
		if got, err := decodeProcessInfos(body); err == nil {
			t.Errorf("%.40q... is accepted: %+v", body, got)
		}
	}
}

// Attacks: small documents that could cost much time or memory.
func TestHostileDocuments(t *testing.T) {
	const n = 1 << 18
	start := time.Now()
	for name, body := range map[string]string{
		"pieces of text": "<m><methodName>a</methodName><x>" + strings.Repeat("a<!---->", n) + "</x></m>",
		"references":     "<m><methodName>a</methodName><x>" + strings.Repeat("&amp;", n) + "</x></m>",
		"empty elements": "<m><methodName>a</methodName><data>" + strings.Repeat("<a/>", n) + "</data></m>",
		"attributes":     "<m><methodName>a</methodName><x" + strings.Repeat(" a='b'", n) + "/></m>",
		"comment":        "<m><methodName>a</methodName><!--" + strings.Repeat("- ", n) + "--></m>",
		"members": "<m><methodName>a</methodName><struct>" +
			strings.Repeat("<m><name>a</name><value/></m>", n) + "</struct></m>",
		"namespaces": "<m><methodName>a</methodName>" + strings.Repeat("<x xmlns:a='b'>", maxDepth-2) +
			strings.Repeat("<a:x/>", n) + strings.Repeat("</x>", maxDepth-2) + "</m>",
	} {
		_, _, err := decodeCall([]byte(body))
		if refused := name == "attributes" || name == "namespaces"; (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("hostile documents took %v", took)
	}
}

func TestDecodingAllocatesLittle(t *testing.T) {
	body := AppendCall(nil, "supervisor.getState")
	if n := testing.AllocsPerRun(20, func() { decodeCall(body) }); n > 7 {
		t.Errorf("getState: %v allocations", n)
	}
	answer := string(appendResponse(nil, thousand()))
	if n := testing.AllocsPerRun(5, func() { decodeProcessInfos(answer) }); n > 1 {
		t.Errorf("getAllProcessInfo: %v allocations", n)
	}
}

// What a decoder has read before, even if it could not, leaves no trace.
func TestDecoderForgets(t *testing.T) {
	deep := strings.Repeat("<value><array><data>", 20) + strings.Repeat("</data></array></value>", 20)
	bodies := []string{
		"<methodCall><methodName>a</methodName><params><param><value>x</value></param></params></methodCall>",
		"<methodCall><methodName>b</methodName></methodCall>",
		"<methodCall><params><param><value><int>1</int>",
		"<methodCall xmlns:a='b'><methodName>c<![CDATA[d]]>e<!-- f",
		"<methodCall><methodName>g</methodName><params><param>" + deep + "</param></params></methodCall>",
		"<methodCall><methodName>h</methodName><params><param><value><struct><member><name>i</name><value>j</value></member></struct></value></param></params></methodCall>",
		"<methodCall/>",
		"\x00",
	}
	type result struct {
		method string
		params []any
		failed string
	}
	read := func(d *decoder, body string) (r result) {
		method, params, err := d.call(body)
		r = result{method, params, ""}
		if err != nil {
			r.failed = err.Error()
		}
		return r
	}
	var used decoder
	for range 3 {
		for _, i := range rand.Perm(len(bodies)) {
			want := read(new(decoder), bodies[i])
			if got := read(&used, bodies[i]); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", bodies[i], got, want)
			}
			used.forget()
			for _, f := range used.frames[:cap(used.frames)] {
				if !reflect.ValueOf(f).IsZero() {
					t.Fatalf("%s: kept %v", bodies[i], f)
				}
			}
		}
	}
}
