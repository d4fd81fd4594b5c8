package xmlrpc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// Param describes one argument of a method, or its answer.
type Param struct {
	Type string // as clients know it: string, int, boolean, array, struct
	Name string
	Text string // what it means, one line
	// Optional says that callers may leave the argument out. Only the last
	// arguments of a method can be optional.
	Optional bool
}

// Method is one method of a namespace, declared once: how many arguments it
// takes, its signature and its help all follow from Params and Returns.
type Method struct {
	Name    string   // without the namespace, for example "startProcess"
	Aliases []string // older names of the same method
	Summary string   // what it does; lines are divided by LF
	Params  []Param
	Returns Param

	// Call does the work. It is called with as many arguments as Params allow
	// and from many goroutines at once. Its answer has to be nil, a string, bool, int,
	// int64, float64, State, Code, time.Time, []any, []string, []int, Struct, *Fault (as a
	// struct), one of the types that describe answers in this package, a slice of
	// ProcessInfo, ConfigInfo or Result, a Text or a TailText; its error should be a
	// *Fault, which is what the client then gets. Any other error is answered with status
	// 500.
	Call func(ctx context.Context, args Args) (any, error)
}

// Namespace is what stands before the dot in the full names of its methods.
type Namespace struct {
	Name    string
	Methods []Method

	// Guard, unless nil, is asked before a method is called, after the number
	// of its arguments was checked and before any of them is looked at. Its
	// error is the answer then. Method is the name as called, without the
	// namespace.
	Guard func(ctx context.Context, method string) error
}

// Tracer is told what the server does, for the log. Methods are full names.
type Tracer interface {
	Called(method string)
	Returned(method string)
	Faulted(method string, fault *Fault)
	// Invalid is a request that cannot be called: data is not what a call looks
	// like, for the reason "unmarshallable" or "no method name".
	Invalid(data []byte, reason string)
	// Crashed is a method that panicked or failed other than by a fault. Trace
	// says where.
	Crashed(data []byte, trace string)
}

// Server answers calls of the methods it was made with, and of the methods
// listMethods, methodHelp, methodSignature and multicall of the namespace
// system, which every server has. It is safe for concurrent use.
type Server struct {
	tracer  Tracer
	methods map[string]bound // by full name
	names   []string         // sorted
	spare   sync.Pool        // of *decoder
}

// bound is a method under one of its names.
type bound struct {
	*Method
	name  string // as called, without the namespace
	guard func(context.Context, string) error
}

// NewServer returns a server for the methods of namespaces.
func NewServer(tracer Tracer, namespaces ...Namespace) *Server {
	s := &Server{tracer: tracer, methods: make(map[string]bound)}
	for _, n := range append(namespaces, Namespace{Name: "system", Methods: s.system()}) {
		for i := range n.Methods {
			m := &n.Methods[i]
			for _, name := range append([]string{m.Name}, m.Aliases...) {
				s.methods[n.Name+"."+name] = bound{Method: m, name: name, guard: n.Guard}
				s.names = append(s.names, n.Name+"."+name)
			}
		}
	}
	slices.Sort(s.names)
	return s
}

// Serve carries out the call in body and appends the answer to dst. The status
// is that of the HTTP response: 200, for faults too; 400 if body is not a call;
// 500 if the method failed in a way that no client should see; 503 if there is no
// room for the answer. With a status other than 200 nothing is appended. A panic of
// the method does not go further.
//
// Room is asked before the call takes n bytes more, for what it consists of or for an
// answer beyond the capacity of dst, and says whether it may; nil: it always may.
//
// A body of more than KeptBody bytes is not copied: nobody may change it afterwards.
func (s *Server) Serve(ctx context.Context, body, dst []byte, room func(n int) bool) (out []byte, status int) {
	d, ok := s.spare.Get().(*decoder)
	if !ok {
		d = new(decoder)
	}
	d.room = room
	method, args, err := d.call(keep(body))
	d.forget()
	s.spare.Put(d)
	if errors.Is(err, errNoRoom) {
		return dst, statusUnavailable
	}
	if err != nil {
		reason := "unmarshallable"
		if errors.Is(err, errNoMethod) {
			reason = "no method name"
		}
		s.tracer.Invalid(body, reason)
		return dst, statusBadRequest
	}
	defer func() {
		if r := recover(); r != nil {
			s.tracer.Crashed(body, fmt.Sprintf("%v\n%s", r, debug.Stack()))
			out, status = dst, statusInternalError
		}
	}()
	s.tracer.Called(method)
	value, err := s.call(ctx, method, args)
	if err == nil {
		out, err = respond(dst, value, room)
	}
	if err == nil {
		s.tracer.Returned(method)
		return out, statusOK
	}
	if errors.Is(err, errNoRoom) {
		return dst, statusUnavailable
	}
	fault := asFault(err)
	if fault == nil {
		s.tracer.Crashed(body, err.Error())
		return dst, statusInternalError
	}
	s.tracer.Faulted(method, fault)
	return appendFault(dst, fault), statusOK
}

// KeptBody is the greatest body in bytes that Serve makes a copy of.
const KeptBody = 64 << 10

// keep returns body as a string that does not change.
func keep(body []byte) string {
	if len(body) <= KeptBody {
		return string(body)
	}
	return unsafe.String(&body[0], len(body))
}

// respond appends the response with what a method has answered.
func respond(dst []byte, value any, room func(n int) bool) ([]byte, error) {
	a := answer{buf: append(dst, responseBegin...), room: room, held: cap(dst)}
	if err := a.value(value); err != nil {
		return dst, err
	}
	return append(a.buf, responseEnd...), nil
}

// The statuses of HTTP that Serve knows. Package net/http would name them, and
// bring a megabyte with it.
const (
	statusOK            = 200
	statusBadRequest    = 400
	statusInternalError = 500
	statusUnavailable   = 503
)

// asFault returns the fault that a caller at the top level sees of err, nil if
// it is none.
func asFault(err error) *Fault {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault
	}
	var wrong *typeError
	if errors.As(err, &wrong) {
		return NewFault(IncorrectParameters)
	}
	return nil
}

// call finds a method by its full name and calls it.
func (s *Server) call(ctx context.Context, method string, args Args) (any, error) {
	m, ok := s.methods[method]
	if !ok {
		return nil, NewFault(UnknownMethod)
	}
	if len(args) < m.required() || len(args) > len(m.Params) {
		return nil, NewFault(IncorrectParameters)
	}
	if m.guard != nil {
		if err := m.guard(ctx, m.name); err != nil {
			return nil, err
		}
	}
	return m.Call(ctx, args)
}

// required returns how many arguments a call must have.
func (m *Method) required() int {
	n := 0
	for n < len(m.Params) && !m.Params[n].Optional {
		n++
	}
	return n
}

// Signature returns the types of the answer and of the arguments, in this
// order, as system.methodSignature does.
func (m *Method) Signature() []string {
	types := []string{m.Returns.Type}
	for _, p := range m.Params {
		types = append(types, p.Type)
	}
	return types
}

// Help returns what system.methodHelp answers: the summary, then a line for
// each argument and one for the answer, laid out as in Supervisor, so that
// tools can read the signature from it.
func (m *Method) Help() string {
	const indent = "\n        "
	var b strings.Builder
	b.WriteByte(' ')
	b.WriteString(strings.ReplaceAll(strings.ReplaceAll(m.Summary, "\n", indent), indent+"\n", "\n\n"))
	b.WriteByte('\n')
	for _, p := range m.Params {
		b.WriteString(indent + "@param " + p.Type + " " + p.Name + " " + p.Text)
	}
	b.WriteString(indent + "@return " + m.Returns.Type + " " + m.Returns.Name + " " + m.Returns.Text)
	b.WriteString(indent)
	return b.String()
}

// system returns the methods that every server has.
func (s *Server) system() []Method {
	name := []Param{{Type: "string", Name: "name", Text: "full name of a method, with its namespace"}}
	return []Method{{
		Name:    "listMethods",
		Summary: "Names all methods of this server.",
		Returns: Param{Type: "array", Name: "result", Text: "full names, sorted"},
		Call:    func(context.Context, Args) (any, error) { return s.names, nil },
	}, {
		Name:    "methodHelp",
		Summary: "Describes a method.",
		Params:  name,
		Returns: Param{Type: "string", Name: "result", Text: "the description"},
		Call: func(_ context.Context, args Args) (any, error) {
			m, err := s.lookup(args[0])
			if err != nil {
				return nil, err
			}
			return m.Help(), nil
		},
	}, {
		Name:    "methodSignature",
		Summary: "Names the type of a method's answer and those of its arguments.",
		Params:  name,
		Returns: Param{Type: "array", Name: "result", Text: "types, that of the answer first"},
		Call: func(_ context.Context, args Args) (any, error) {
			m, err := s.lookup(args[0])
			if err != nil {
				return nil, err
			}
			return m.Signature(), nil
		},
	}, {
		Name: "multicall",
		Summary: "Makes several calls, one after the other, in one request.\n" +
			"A call that fails does not keep the next from being made. The\n" +
			"answer of a call that succeeds is the bare value.",
		Params:  []Param{{Type: "array", Name: "calls", Text: "structs {'methodName': string, 'params': array}"}},
		Returns: Param{Type: "array", Name: "result", Text: "for each call its answer, or a struct {'faultCode': int, 'faultString': string}"},
		Call:    s.multicall,
	}}
}

// lookup finds the method that a caller asks about.
func (s *Server) lookup(name any) (*Method, error) {
	text, _ := name.(string)
	m, ok := s.methods[text]
	if !ok {
		return nil, NewFault(SignatureUnsupported)
	}
	return m.Method, nil
}

// multicall is system.multicall. Against the usual convention, an answer is not
// wrapped in an array of one element: clients rely on that.
func (s *Server) multicall(ctx context.Context, args Args) (any, error) {
	calls, ok := args[0].([]any)
	if !ok {
		return nil, NewFault(IncorrectParameters)
	}
	return &multicall{s, ctx, calls}, nil
}

// multicall is the answer of system.multicall. The calls are made while it is written:
// what each of them answers is kept in that form only, and when there is no room for more
// the rest is not called.
type multicall struct {
	server *Server
	ctx    context.Context
	calls  []any
}

func (m *multicall) answer(a *answer) error {
	a.buf = append(a.buf, arrayBegin...)
	for i, c := range m.calls {
		m.calls[i] = nil  // it is not needed any more
		runtime.Gosched() // other clients want their turn
		value, err := m.server.multicallOne(m.ctx, c)
		if err == nil {
			err = a.value(value)
		}
		if err != nil && !errors.Is(err, errNoRoom) {
			err = a.value(multicallFault(err))
		}
		if err != nil {
			return err
		}
	}
	a.buf = append(a.buf, arrayEnd...)
	return nil
}

func (s *Server) multicallOne(ctx context.Context, c any) (value any, err error) {
	call, _ := c.(Struct) // of anything else no member is found
	name, _ := call.Get("methodName")
	if name == nil {
		return nil, NewFault(IncorrectParameters, "No methodName")
	}
	method, ok := name.(string)
	if !ok {
		return nil, &typeError{name}
	}
	if method == "system.multicall" {
		return nil, NewFault(IncorrectParameters, "Recursive system.multicall forbidden")
	}
	params, given := call.Get("params")
	args, ok := explode(params)
	if given && !ok {
		return nil, NewFault(IncorrectParameters)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
			s.tracer.Crashed([]byte(method), fmt.Sprintf("%v\n%s", r, debug.Stack()))
		}
	}()
	return s.call(ctx, method, args)
}

// maxParams is more arguments than any method has.
const maxParams = 16

// explode returns the arguments that params stands for: the elements of an
// array, the keys of a struct, the characters of a string. Of a long string there are
// only so many that it is too many.
func explode(params any) (args Args, ok bool) {
	switch params := params.(type) {
	case []any:
		return params, true
	case Struct:
		for _, m := range params {
			args = append(args, m.Name)
		}
		return args, true
	case string:
		for _, r := range params {
			if len(args) == maxParams {
				break
			}
			args = append(args, string(r))
		}
		return args, true
	}
	return nil, false
}

// multicallFault returns how an answer of multicall shows err.
func multicallFault(err error) *Fault {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault
	}
	return NewFault(Failed, err.Error())
}
