package xmlrpc

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"supervisor/inifile/python"
)

// Struct is a struct as it came, its members in order.
type Struct []Member

// Member is one member of a Struct.
type Member struct {
	Name  string
	Value any
}

// Get returns the value of the member name. Of several the last one counts.
func (s Struct) Get(name string) (value any, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].Name == name {
			return s[i].Value, true
		}
	}
	return nil, false
}

// errNoMethod says that a request is XML, but names no method.
var errNoMethod = errors.New("no method name")

// call reads a request, if d is new or has forgotten what it read before. It is as tolerant
// as Supervisor: elements have a meaning by their name only, wherever they stand. The types
// of params are string, int, int64 (only where int is too small), bool, float64, time.Time,
// []any, Struct and nil; an integer beyond 64 bits is of a type that only Args knows. The
// strings are parts of body.
// Errors: errNoMethod; errNoRoom; *SyntaxError; a value that is not what its element says.
func (d *decoder) call(body string) (method string, params []any, err error) {
	if err := d.decode(body, false); err != nil {
		return "", nil, err
	}
	if d.method == "" {
		return "", nil, errNoMethod
	}
	return d.method, d.params, nil
}

// decodeResponse reads an answer, whose types are those that params of a call have. A fault
// is returned as error, of type *Fault. Characters that XML does not allow are
// let through, since Supervisor sends what is in a log as it is.
func decodeResponse(body string) (any, error) {
	var d decoder
	if err := d.decode(body, true); err != nil {
		return nil, fmt.Errorf("answer cannot be read: %w", err)
	}
	if fault, ok := d.fault.(Struct); ok {
		return nil, &Fault{Code: Code(fault.int("faultCode")), Text: fault.string("faultString")}
	}
	if len(d.params) == 0 {
		return nil, errors.New("answer cannot be read: it has no value")
	}
	return d.params[0], nil
}

// kind is what an element means.
type kind uint8

const (
	kindOther kind = iota
	kindValue
	kindString
	kindInt
	kindBoolean
	kindDouble
	kindDateTime
	kindBase64
	kindArray // the value of its first child, as param and fault
	kindData
	kindStruct
	kindMethodName
	kindParams
	kindFault
)

func kindOf(name string) kind {
	switch name {
	case "value":
		return kindValue
	case "string":
		return kindString
	case "int", "i4":
		return kindInt
	case "boolean":
		return kindBoolean
	case "double":
		return kindDouble
	case "dateTime.iso8601":
		return kindDateTime
	case "base64":
		return kindBase64
	case "array", "param":
		return kindArray
	case "data":
		return kindData
	case "struct":
		return kindStruct
	case "methodName":
		return kindMethodName
	case "params":
		return kindParams
	case "fault":
		return kindFault
	}
	return kindOther
}

// maxValues bounds the memory that a small document of many empty elements
// takes. A call has some ten, and the answer for 1,000 programs 30,000.
const maxValues = 1 << 20

// roomPerValue is what an element that has ended takes, in bytes and by experience, and
// valuesAtATime for how many of them room is asked at a time.
const (
	roomPerValue  = 24
	valuesAtATime = 4096
)

// usualDepth is how deep a call with two strings nests.
const usualDepth = 8

// decoder computes values bottom-up, as elements end.
type decoder struct {
	scanner
	frames []frame          // of the elements that have not ended
	text   string           // of the innermost element since its start
	pieces []byte           // the same, once it consists of several
	values int              // elements that have ended
	room   func(n int) bool // whether the values may take n bytes more; nil: always

	method string
	params []any
	fault  any
}

// frame is what is known of an element that has not ended.
type frame struct {
	kind          kind
	count         int    // of children that have ended
	first, second any    // their values
	text          string // before the first child
	list          []any  // of data and params: the values of all children
	members       Struct // of a struct
}

// decode reads a document. Responses may hold any characters, and their faults
// are an element of meaning.
func (d *decoder) decode(src string, response bool) error {
	if err := d.begin(src, response); err != nil {
		return err
	}
	if d.frames == nil {
		d.frames, d.open = make([]frame, 0, usualDepth), make([]string, 0, usualDepth)
	}
	for {
		t, err := d.next()
		if err != nil {
			return err
		}
		switch t {
		case tokenStart:
			d.keepText()
			k := kindOf(d.name)
			if k == kindFault && !response {
				k = kindOther
			}
			d.frames = append(d.frames, frame{kind: k})
		case tokenText:
			d.addText(d.scanner.text)
		case tokenEnd:
			d.keepText()
			if err := d.close(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// forget makes d as good as new, but for room that is worth keeping.
func (d *decoder) forget() {
	if cap(d.frames) > usualDepth || cap(d.open) > usualDepth {
		*d = decoder{}
		return
	}
	clear(d.frames[:cap(d.frames)])
	clear(d.open[:cap(d.open)])
	*d = decoder{scanner: scanner{open: d.open[:0]}, frames: d.frames[:0]}
}

// addText adds to the text of the innermost element.
func (d *decoder) addText(text string) {
	switch {
	case len(d.pieces) > 0:
		d.pieces = append(d.pieces, text...)
	case d.text == "":
		d.text = text
	default: // a comment or CDATA lies between
		d.pieces = append(append(d.pieces, d.text...), text...)
	}
}

// keepText ends a text. It belongs to the innermost element if nothing has been
// between the start of that element and the text.
func (d *decoder) keepText() {
	if n := len(d.frames); n > 0 && d.frames[n-1].count == 0 {
		f := &d.frames[n-1]
		f.text = d.text
		if len(d.pieces) > 0 {
			f.text = string(d.pieces)
		}
	}
	d.text, d.pieces = "", d.pieces[:0]
}

// close computes the value of the innermost element and hands it to the one
// around it.
func (d *decoder) close() error {
	if d.values++; d.values > maxValues {
		return d.fail("too many values")
	}
	if d.values%valuesAtATime == 0 {
		runtime.Gosched() // a great call must not hold up what takes a moment
		if d.room != nil && !d.room(valuesAtATime*roomPerValue) {
			return errNoRoom
		}
	}
	f := &d.frames[len(d.frames)-1]
	value, err := f.value()
	if err != nil {
		return err
	}
	switch f.kind {
	case kindMethodName:
		d.method = f.text
	case kindParams:
		d.params = f.list
	case kindFault:
		d.fault = value
	}
	d.frames = d.frames[:len(d.frames)-1]
	if len(d.frames) == 0 {
		return nil
	}
	parent := &d.frames[len(d.frames)-1]
	switch parent.count++; parent.count {
	case 1:
		parent.first = value
	case 2:
		parent.second = value
	}
	switch parent.kind {
	case kindData, kindParams:
		parent.list = append(parent.list, value)
	case kindStruct:
		m, err := f.member()
		if err != nil {
			return err
		}
		parent.members = append(parent.members, m)
	}
	return nil
}

// value returns what the element stands for.
func (f *frame) value() (any, error) {
	switch f.kind {
	case kindValue:
		if f.count > 0 {
			return f.first, nil
		}
		return f.text, nil
	case kindString:
		return f.text, nil
	case kindInt:
		return parseInt(f.text)
	case kindBoolean:
		return f.text == "1", nil
	case kindDouble:
		return parseFloat(f.text)
	case kindDateTime:
		return parseDateTime(f.text)
	case kindBase64:
		return parseBase64(f.text)
	case kindArray, kindFault:
		if f.count == 0 {
			return nil, errors.New("array, param or fault without a value")
		}
		return f.first, nil
	case kindData:
		if f.list == nil {
			return []any{}, nil
		}
		return f.list, nil
	case kindStruct:
		if f.members == nil {
			return Struct{}, nil
		}
		return f.members, nil
	}
	if f.text == "" {
		return nil, nil
	}
	return f.text, nil
}

// member returns the element as the member of a struct: its children are the
// name and the value, whatever they are called.
func (f *frame) member() (Member, error) {
	plain := f.kind == kindOther || f.kind == kindMethodName || f.kind == kindParams
	if !plain || f.count != 2 {
		return Member{}, errors.New("member of a struct without name and value")
	}
	key := Args{f.first}
	if !key.Truth(0, false) { // nil, and what else Python takes for nothing
		return Member{Value: f.second}, nil
	}
	switch f.first.(type) {
	case []any, Struct:
		return Member{}, errors.New("name of a member is an array or a struct")
	}
	return Member{Name: key.String(0), Value: f.second}, nil
}

var errNumber = errors.New("not a number")

// parseInt reads an integer as Python's int does, of any size.
func parseInt(s string) (any, error) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, nil
	}
	negative, s, ok := python.Digits(s, 10)
	if !ok || len(s) > 4300 { // Python's own limit
		return nil, errNumber
	}
	sign := ""
	if negative {
		sign = "-"
	}
	n, err := strconv.ParseInt(sign+s, 10, 64)
	if err != nil {
		return bigInt(sign + strings.TrimLeft(s, "0")), nil
	}
	if int64(int(n)) == n {
		return int(n), nil
	}
	return n, nil
}

// parseFloat reads a number as Python's float does.
func parseFloat(s string) (any, error) {
	s, ok := withoutUnderscores(python.TrimNumber(s))
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "nan", "inf", "infinity":
	default: // ParseFloat also knows hexadecimal
		ok = ok && strings.Trim(s, "+-.eE0123456789") == ""
	}
	f, err := strconv.ParseFloat(s, 64)
	if !ok || err != nil && !math.IsInf(f, 0) {
		return nil, errNumber
	}
	return f, nil
}

// withoutUnderscores removes underscores, which may stand between two digits.
func withoutUnderscores(s string) (string, bool) {
	if strings.IndexByte(s, '_') < 0 {
		return s, true
	}
	digit := func(i int) bool { return i >= 0 && i < len(s) && '0' <= s[i] && s[i] <= '9' }
	for i := range len(s) {
		if s[i] == '_' && !(digit(i-1) && digit(i+1)) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// dateTimeLayout is the only form of dateTime.iso8601.
const dateTimeLayout = "20060102T15:04:05"

func parseDateTime(s string) (any, error) {
	t, err := time.Parse(dateTimeLayout, s)
	if err != nil || len(s) != len(dateTimeLayout) || t.Year() == 0 {
		return nil, errors.New("not a date and time")
	}
	return t, nil
}

// parseBase64 decodes text.
func parseBase64(s string) (any, error) {
	out, ok := python.Base64(s)
	if !ok || !utf8.Valid(out) {
		return nil, errors.New("not base64 of text")
	}
	return string(out), nil
}
