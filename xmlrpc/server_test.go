package xmlrpc

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// trace keeps what a server tells, one line each.
type trace struct{ lines []string }

func (t *trace) add(words ...string)           { t.lines = append(t.lines, strings.Join(words, " ")) }
func (t *trace) Called(m string)               { t.lines = append(t.lines[:0], "called "+m) }
func (t *trace) Returned(m string)             { t.add("returned", m) }
func (t *trace) Faulted(m string, f *Fault)    { t.add("faulted", m, f.Text) }
func (t *trace) Invalid(data []byte, s string) { t.add("invalid:", s) }
func (t *trace) Crashed(_ []byte, s string) {
	first, _, _ := strings.Cut(s, "\n")
	t.add("crashed:", first)
}

// newTestServer has a method for every coercion, which answers what it got.
func newTestServer(tr *trace) *Server {
	one := []Param{{Type: "string", Name: "x"}}
	method := func(name string, call func(a Args) (any, error)) Method {
		return Method{Name: name, Params: one, Returns: Param{Type: "string"},
			Call: func(_ context.Context, a Args) (any, error) { return call(a) }}
	}
	return NewServer(tr, Namespace{Name: "supervisor", Methods: []Method{
		method("name", func(a Args) (any, error) { return a.Name(0) }),
		method("group", func(a Args) (any, error) { return a.Group(0) }),
		method("newGroup", func(a Args) (any, error) { return a.NewGroup(0) }),
		method("int", func(a Args) (any, error) { return a.Int(0) }),
		method("truth", func(a Args) (any, error) { return a.Truth(0, true), nil }),
		method("signal", func(a Args) (any, error) { return a.Signal(0) }),
		method("text", func(a Args) (any, error) { return a.Text(0) }),
		method("string", func(a Args) (any, error) { return a.String(0), nil }),
		method("panics", func(Args) (any, error) { panic("ouch") }),
		method("fails", func(Args) (any, error) { return nil, errors.New("no fault") }),
		method("answersRubbish", func(Args) (any, error) { return struct{}{}, nil }),
		{
			Name: "startProcess", Aliases: []string{"start"},
			Summary: "Starts a process.\nOr a group.",
			Params: []Param{{Type: "string", Name: "name", Text: "which one"},
				{Type: "boolean", Name: "wait", Text: "until it runs", Optional: true}},
			Returns: Param{Type: "boolean", Name: "result", Text: "true"},
			Call:    func(_ context.Context, a Args) (any, error) { return a.Truth(1, true), nil },
		},
	}}, Namespace{Name: "guarded", Methods: []Method{method("m", func(a Args) (any, error) { return a.Name(0) })},
		Guard: func(_ context.Context, method string) error { return NewFault(ShutdownState) }})
}

func TestServe(t *testing.T) {
	unknown, incorrect := NewFault(UnknownMethod), NewFault(IncorrectParameters)
	struct1 := Struct{{"a", 1}}
	tests := []struct {
		method string
		params []any
		want   any // an answer, a *Fault, or a status other than 200
	}{
		{"nope", nil, unknown},
		{"supervisor", nil, unknown},
		{"supervisor.nope", nil, unknown},
		{"supervisor._name", []any{"x"}, unknown},
		{"nope.name", []any{"x"}, unknown},
		{"supervisor.name.x", []any{"x"}, unknown},
		{" supervisor.name ", []any{"x"}, unknown},

		{"supervisor.name", nil, incorrect},
		{"supervisor.name", []any{"x", "y"}, incorrect},
		{"supervisor.startProcess", nil, incorrect},
		{"supervisor.startProcess", []any{"x"}, true},
		{"supervisor.start", []any{"x", false}, false},
		{"supervisor.startProcess", []any{"x", true, 1}, incorrect},
		{"guarded.m", nil, incorrect}, // before the guard
		{"guarded.m", []any{3}, NewFault(ShutdownState)},

		{"supervisor.name", []any{"cat"}, "cat"},
		{"supervisor.name", []any{3}, incorrect},
		{"supervisor.name", []any{true}, incorrect},
		{"supervisor.name", []any{nil}, incorrect},
		{"supervisor.name", []any{[]any{}}, incorrect},

		{"supervisor.group", []any{"g"}, "g"},
		{"supervisor.group", []any{3}, NewFault(BadName, "3")},
		{"supervisor.group", []any{true}, NewFault(BadName, "True")},
		{"supervisor.group", []any{1.5}, NewFault(BadName, "1.5")},
		{"supervisor.group", []any{nil}, NewFault(BadName)},
		{"supervisor.group", []any{[]any{}}, incorrect},
		{"supervisor.group", []any{Struct{}}, incorrect},
		{"supervisor.newGroup", []any{[]any{}}, NewFault(BadName, "[]")},
		{"supervisor.newGroup", []any{Struct{}}, NewFault(BadName, "{}")},
		{"supervisor.newGroup", []any{[]any{1, "a'b", Struct{{"b", false}}}}, NewFault(BadName, `[1, "a'b", {'b': False}]`)},

		{"supervisor.int", []any{-5}, -5},
		{"supervisor.int", []any{"-5"}, -5},
		{"supervisor.int", []any{" 1_0\n"}, 10},
		{"supervisor.int", []any{-5.9}, -5},
		{"supervisor.int", []any{true}, 1},
		{"supervisor.int", []any{false}, 0},
		{"supervisor.int", []any{"x"}, incorrect},
		{"supervisor.int", []any{"5.0"}, incorrect},
		{"supervisor.int", []any{1e300}, incorrect},
		{"supervisor.int", []any{nil}, incorrect},
		{"supervisor.int", []any{[]any{}}, incorrect},
		{"supervisor.int", []any{"99999999999999999999"}, incorrect},

		{"supervisor.truth", []any{"no"}, true},
		{"supervisor.truth", []any{""}, false},
		{"supervisor.truth", []any{0}, false},
		{"supervisor.truth", []any{2}, true},
		{"supervisor.truth", []any{0.0}, false},
		{"supervisor.truth", []any{nil}, false},
		{"supervisor.truth", []any{[]any{}}, false},
		{"supervisor.truth", []any{[]any{0}}, true},
		{"supervisor.truth", []any{Struct{}}, false},
		{"supervisor.truth", []any{struct1}, true},

		{"supervisor.signal", []any{" hup "}, " hup "},
		{"supervisor.signal", []any{1}, "1"},
		{"supervisor.signal", []any{15.0}, "15"},
		{"supervisor.signal", []any{99.5}, "99.5"},
		{"supervisor.signal", []any{true}, "1"},
		{"supervisor.signal", []any{nil}, incorrect},
		{"supervisor.signal", []any{[]any{}}, incorrect},

		{"supervisor.text", []any{"x\n"}, "x\n"},
		{"supervisor.text", []any{3}, NewFault(IncorrectParameters, "3")},
		{"supervisor.text", []any{nil}, NewFault(IncorrectParameters, "None")},
		{"supervisor.text", []any{[]any{1, "b"}}, NewFault(IncorrectParameters, "[1, 'b']")},

		{"supervisor.string", []any{"x'"}, "x'"},
		{"supervisor.string", []any{1e16}, "1e+16"},
		{"supervisor.string", []any{false}, "False"},
		{"supervisor.string", []any{[]any{"\u2028\n'\"", "ü"}}, `['\u2028\n\'"', 'ü']`},

		{"supervisor.panics", []any{1}, 500},
		{"supervisor.fails", []any{1}, 500},
		{"supervisor.answersRubbish", []any{1}, 500},

		{"system.methodHelp", []any{"nope"}, NewFault(SignatureUnsupported)},
		{"system.methodHelp", []any{3}, NewFault(SignatureUnsupported)},
		{"system.methodHelp", nil, incorrect},
		{"system.methodSignature", []any{"nope"}, NewFault(SignatureUnsupported)},
		{"system.methodSignature", []any{"supervisor.start"}, []any{"boolean", "string", "boolean"}},
		{"system.methodSignature", []any{"system.multicall"}, []any{"array", "array"}},
		{"system.methodSignature", []any{"system.listMethods"}, []any{"array"}},
		{"system.methodHelp", []any{"supervisor.startProcess"}, " Starts a process.\n        Or a group.\n" +
			"\n        @param string name which one\n        @param boolean wait until it runs\n        @return boolean result true\n        "},
		{"system.listMethods", []any{1}, incorrect},
	}
	var tr trace
	s := newTestServer(&tr)
	for _, test := range tests {
		body := AppendCall(nil, test.method, test.params...)
		answer, status := s.Serve(t.Context(), body, []byte("prefix"), nil)
		if want, ok := test.want.(int); ok && want >= 400 {
			if status != want || string(answer) != "prefix" || !strings.HasPrefix(tr.lines[1], "crashed: ") {
				t.Errorf("%s%v: status %d, %q, %v", test.method, test.params, status, answer, tr.lines)
			}
			continue
		}
		rest, ok := strings.CutPrefix(string(answer), "prefix")
		if status != 200 || !ok {
			t.Errorf("%s%v: status %d, %q", test.method, test.params, status, answer)
			continue
		}
		got, err := decodeResponse(rest)
		event := "returned " + test.method
		if fault, ok := err.(*Fault); ok {
			got, event = fault, "faulted "+test.method+" "+fault.Text
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s%v: got %#v, want %#v", test.method, test.params, got, test.want)
		}
		if want := []string{"called " + test.method, event}; !reflect.DeepEqual(tr.lines, want) {
			t.Errorf("%s%v: told %q, want %q", test.method, test.params, tr.lines, want)
		}
	}
}

func TestServeInvalid(t *testing.T) {
	for body, want := range map[string]string{
		"":                         "invalid: unmarshallable",
		"<a>":                      "invalid: unmarshallable",
		"<a/>":                     "invalid: no method name",
		"<m>\xff</m>":              "invalid: unmarshallable",
		"<a><int>x</int></a>":      "invalid: unmarshallable",
		"\n<?xml version='1.0'?>/": "invalid: unmarshallable",
	} {
		var tr trace
		answer, status := newTestServer(&tr).Serve(t.Context(), []byte(body), nil, nil)
		if status != 400 || answer != nil || !reflect.DeepEqual(tr.lines, []string{want}) {
			t.Errorf("%q: %d %q %v", body, status, answer, tr.lines)
		}
	}
}

func TestListMethods(t *testing.T) {
	answer, _ := newTestServer(new(trace)).Serve(t.Context(), AppendCall(nil, "system.listMethods"), nil, nil)
	v, err := decodeResponse(string(answer))
	if err != nil {
		t.Fatal(err)
	}
	const want = "guarded.m supervisor.answersRubbish supervisor.fails supervisor.group supervisor.int supervisor.name " +
		"supervisor.newGroup supervisor.panics supervisor.signal supervisor.start supervisor.startProcess supervisor.string " +
		"supervisor.text supervisor.truth system.listMethods system.methodHelp system.methodSignature system.multicall"
	if got := strings.Join(stringsOf(v), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMulticall(t *testing.T) {
	entry := func(method any, params any) Struct { return Struct{{"methodName", method}, {"params", params}} }
	fault := func(code Code, detail ...string) Struct {
		f := NewFault(code, detail...)
		return Struct{{"faultCode", int(f.Code)}, {"faultString", f.Text}}
	}
	noSplit := func(typ string) Struct {
		return fault(Failed, "<class 'AttributeError'>:'"+typ+"' object has no attribute 'split'")
	}
	tests := []struct {
		name string
		call any
		want any
	}{
		{"bare value", entry("supervisor.name", []any{"x"}), "x"},
		{"params missing", Struct{{"methodName", "supervisor.name"}}, fault(IncorrectParameters)},
		{"unknown", entry("nosuch", []any{}), fault(UnknownMethod)},
		{"empty name", entry("", []any{}), fault(UnknownMethod)},
		{"private", entry("supervisor._x", []any{}), fault(UnknownMethod)},
		{"no name", Struct{{"params", []any{}}}, fault(IncorrectParameters, "No methodName")},
		{"name nil", entry(nil, []any{}), fault(IncorrectParameters, "No methodName")},
		{"name int", entry(3, []any{}), noSplit("int")},
		{"name list", entry([]any{}, []any{}), noSplit("list")},
		{"recursive", entry("system.multicall", []any{[]any{}}), fault(IncorrectParameters, "Recursive system.multicall forbidden")},
		{"other system method", entry("system.methodSignature", []any{"system.multicall"}), []any{"array", "array"}},
		{"string as params", entry("supervisor.name", "ab"), fault(IncorrectParameters)},
		{"one letter as params", entry("supervisor.name", "ü"), "ü"},
		{"struct as params", entry("supervisor.name", Struct{{"cat", 1}}), "cat"},
		{"int as params", entry("supervisor.name", 3), fault(IncorrectParameters)},
		{"wrong type", entry("supervisor.name", []any{3}), noSplit("int")},
		{"fault", entry("supervisor.group", []any{3}), fault(BadName, "3")},
		{"panic", entry("supervisor.panics", []any{3}), fault(Failed, "ouch")},
		{"error", entry("supervisor.fails", []any{3}), fault(Failed, "no fault")},
		{"guard", entry("guarded.m", []any{3}), fault(ShutdownState)},
		{"not a struct", 3, fault(IncorrectParameters, "No methodName")},
	}
	s := newTestServer(new(trace))
	var calls, want []any
	for _, test := range tests {
		calls, want = append(calls, test.call), append(want, test.want)
	}
	answer, status := s.Serve(t.Context(), AppendCall(nil, "system.multicall", calls), nil, nil)
	v, err := decodeResponse(string(answer))
	got, ok := v.([]any)
	if status != 200 || err != nil || !ok || len(got) != len(want) {
		t.Fatalf("%d %v %v", status, v, err)
	}
	for i, test := range tests {
		if !reflect.DeepEqual(got[i], test.want) {
			t.Errorf("%s: got %#v, want %#v", test.name, got[i], test.want)
		}
	}
	for _, calls := range []any{3, nil, Struct{}, "abc"} {
		answer, status := s.Serve(t.Context(), AppendCall(nil, "system.multicall", calls), nil, nil)
		if _, err := decodeResponse(string(answer)); status != 200 || err == nil || err.Error() != "<Fault 2: 'INCORRECT_PARAMETERS'>" {
			t.Errorf("calls %v: %d %v", calls, status, err)
		}
	}
	if answer, _ := s.Serve(t.Context(), AppendCall(nil, "system.multicall", []any{}), nil, nil); !strings.Contains(string(answer), arrayBegin+arrayEnd) {
		t.Errorf("no calls: %s", answer)
	}
}

// Transcript 8.3 of the specification.
func TestMulticallToTheByte(t *testing.T) {
	s := NewServer(new(trace), Namespace{Name: "supervisor", Methods: []Method{
		{Name: "getAPIVersion", Call: func(context.Context, Args) (any, error) { return "3.0", nil }},
		{Name: "stopProcess", Params: []Param{{Type: "string"}}, Call: func(_ context.Context, a Args) (any, error) {
			return nil, NewFault(BadName, a.String(0))
		}},
	}})
	const body = `<?xml version='1.0'?>
<methodCall><methodName>system.multicall</methodName><params><param><value><array><data><value><struct><member>
<name>methodName</name><value><string>supervisor.getAPIVersion</string></value></member><member><name>params</name>
<value><array><data/></array></value></member></struct></value><value><struct><member><name>methodName</name><value>
<string>supervisor.stopProcess</string></value></member><member><name>params</name><value><array><data><value>
<string>nope</string></value></data></array></value></member></struct></value></data></array></value></param></params></methodCall>`
	const want = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\n" +
		"<value><string>3.0</string></value>\n<value><struct>\n" +
		"<member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n" +
		"<member>\n<name>faultString</name>\n<value><string>BAD_NAME: nope</string></value>\n</member>\n" +
		"</struct></value>\n</data></array></value>\n</param>\n</params>\n</methodResponse>\n"
	answer, status := s.Serve(t.Context(), []byte(body), nil, nil)
	if status != 200 || string(answer) != want || len(answer) != 370 {
		t.Errorf("%d\n%s", status, answer)
	}
}

// TestExplodeLongString: a string in the place of arguments costs no more than it has
// to, and is too many arguments for every method.
func TestExplodeLongString(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	args, ok := explode(long)
	if !ok || len(args) != maxParams {
		t.Errorf("%d arguments, %v", len(args), ok)
	}
	if n := testing.AllocsPerRun(10, func() { explode(long) }); n > 3*maxParams {
		t.Errorf("%v allocations", n)
	}
}
