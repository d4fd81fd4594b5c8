package xmlrpc

import (
	"math"
	"strconv"
	"strings"
	"time"

	"supervisor/inifile/python"
)

// Args are the arguments of a call. Its methods give argument i (from 0) as
// what the callee needs. Clients send all sorts of types and Python took what
// it could use; these do the same. Their errors are faults for the caller.
type Args []any

// typeError says that an argument is of a type that cannot be a name. Python
// found out when it took the name apart, and multicall shows it in these words.
type typeError struct{ value any }

func (e *typeError) Error() string {
	return "<class 'AttributeError'>:'" + typeName(e.value) + "' object has no attribute 'split'"
}

// Name returns the name of a process, or "group:*" where the method allows it.
// Only a string will do.
func (a Args) Name(i int) (string, error) {
	if s, ok := a[i].(string); ok {
		return s, nil
	}
	return "", &typeError{a[i]}
}

// Group returns the name of a group. Something simple that is no string cannot
// be one: BAD_NAME. An array or struct: INCORRECT_PARAMETERS.
func (a Args) Group(i int) (string, error) {
	switch a[i].(type) {
	case []any, Struct:
		return "", NewFault(IncorrectParameters)
	}
	return a.NewGroup(i)
}

// NewGroup returns the name of a group that is to be added. Whatever is not a
// string is a BAD_NAME.
func (a Args) NewGroup(i int) (string, error) {
	switch v := a[i].(type) {
	case string:
		return v, nil
	case nil:
		return "", NewFault(BadName)
	}
	return "", NewFault(BadName, a.String(i))
}

// Int returns a number, such as the offset in a log: an int, a double without
// its fraction, a boolean as 0 or 1, or a string that holds an integer.
func (a Args) Int(i int) (int64, error) {
	switch v := a[i].(type) {
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case float64:
		if v > -(1<<63) && v < 1<<63 { // false for NaN
			return int64(v), nil
		}
	case string:
		n, err := parseInt(v)
		switch n := n.(type) {
		case int:
			return int64(n), err
		case int64:
			return n, err
		}
	}
	return 0, NewFault(IncorrectParameters)
}

// Truth returns a switch such as wait, or unset where the caller left it out.
// Everything is true that is not zero, empty or nil; the string "no" is true.
func (a Args) Truth(i int, unset bool) bool {
	if i >= len(a) {
		return unset
	}
	switch v := a[i].(type) {
	case nil:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case Struct:
		return len(v) > 0
	}
	return true
}

// Signal returns a signal's name or number as text, and leaves to the callee
// whether there is such a signal.
func (a Args) Signal(i int) (string, error) {
	switch v := a[i].(type) {
	case string:
		return v, nil
	case bool:
		if v {
			return "1", nil
		}
		return "0", nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<31 {
			return strconv.Itoa(int(v)), nil
		}
		return a.String(i), nil
	case int, int64, bigInt:
		return a.String(i), nil
	}
	return "", NewFault(IncorrectParameters)
}

// Text returns what is to be written to a process. Only a string will do; the
// fault shows what came instead.
func (a Args) Text(i int) (string, error) {
	if s, ok := a[i].(string); ok {
		return s, nil
	}
	return "", NewFault(IncorrectParameters, a.String(i))
}

// String returns any argument as text, the way Python's str does.
func (a Args) String(i int) string {
	if s, ok := a[i].(string); ok {
		return s
	}
	if t, ok := a[i].(time.Time); ok {
		return t.Format(time.DateTime)
	}
	return string(appendRepr(nil, a[i]))
}

// typeName returns what Python calls the type of v.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int, int64, bigInt:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case Struct:
		return "dict"
	case time.Time:
		return "datetime.datetime"
	}
	return "object"
}

// appendRepr appends v in the form of Python's repr.
func appendRepr(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case bigInt:
		return append(dst, v...)
	case float64:
		return appendFloat(dst, v)
	case string:
		return python.AppendRepr(dst, v)
	case time.Time:
		return append(dst, v.Format("datetime.datetime(2006, 1, 2, 15, 4, 5)")...)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendRepr(dst, e)
		}
		return append(dst, ']')
	case Struct:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(python.AppendRepr(dst, m.Name), ": "...)
			dst = appendRepr(dst, m.Value)
		}
		return append(dst, '}')
	}
	return dst
}

// appendFloat appends the shortest text that reads back as f, with a fraction
// or an exponent so that it does not look like an int.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if !strings.Contains(string(dst[start:]), ".") {
		dst = append(dst, ".0"...)
	}
	return dst
}

// bigInt is an integer beyond 64 bits, in decimal digits. Nothing can be done
// with it but to show it.
type bigInt string
