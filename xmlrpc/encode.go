package xmlrpc

// AppendResponse appends the answer v of a method to dst, byte for byte as
// Supervisor lays it out. V is nil, a string, bool, int, int64, float64, State,
// Code, time.Time, []any, []string, []int, Struct, *Fault (as a struct), or one
// of the types of this package, or a slice of them; it panics for others.
// Characters that XML does not allow, and bytes that are not UTF-8, are each
// replaced by U+FFFD; integers beyond 32 bits by the nearest that fits, because
// many clients know no others.
func AppendResponse(dst []byte, v any) []byte { return dst }

// AppendFault appends an answer that is a fault.
func AppendFault(dst []byte, f *Fault) []byte { return dst }

// AppendCall appends a request. Params are of the types of AppendResponse, but
// integers may have 64 bits.
func AppendCall(dst []byte, method string, params ...any) []byte { return dst }
