package xmlrpc

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzDecodeCall checks that no request makes the decoder or the server panic,
// and that what was read is written and read again as the same.
func FuzzDecodeCall(f *testing.F) {
	f.Add(AppendCall(nil, "supervisor.startProcess", "cat", true))
	f.Add(call("<value><struct><member><name>a</name><value><int>1</int></value></member></struct></value>"))
	f.Add(call("<value><base64>YQ==</base64><array><data><i4>1_0</i4><double>-.5e3</double></data></array></value>"))
	f.Add([]byte("\ufeff<?xml version='1.0' encoding='x' standalone='no'?><!-- a --><a:b xmlns:a='u' a:c='&lt;'>&#x41;<![CDATA[]]]]>\r</a:b><?x y?>"))
	s := newTestServer(new(trace))
	f.Fuzz(func(t *testing.T, body []byte) {
		method, params, err := decodeCall(body)
		s.Serve(t.Context(), body, nil, nil)
		if err != nil {
			return
		}
		again, same, err := decodeCall(AppendCall(nil, method, params...))
		if err != nil || again != normal(method) || len(same) != len(params) {
			t.Fatalf("%q %#v\nbecame %q %#v, %v", method, params, again, same, err)
		}
		for i := range params {
			if want := expected(params[i], true); !equal(same[i], want) {
				t.Fatalf("%#v became %#v, want %#v", params[i], same[i], want)
			}
		}
	})
}

// normal returns how s comes back from a text: line ends are LF.
func normal(s string) string { return newlines(s) }

// expected returns how v comes back after it was written: integers within 32
// bits except at the top, and nil as nil.
func expected(v any, top bool) any {
	switch v := v.(type) {
	case string:
		return normal(v)
	case int:
		if top {
			return v
		}
		return min(max(v, -1<<31), 1<<31-1)
	case bigInt:
		return map[bool]any{true: -1 << 31, false: 1<<31 - 1}[v[0] == '-']
	case []any:
		w := make([]any, len(v))
		for i := range v {
			w[i] = expected(v[i], false)
		}
		return w
	case Struct:
		w := make(Struct, len(v))
		for i := range v {
			w[i] = Member{normal(v[i].Name), expected(v[i].Value, false)}
		}
		return w
	}
	return v
}

// equal is reflect.DeepEqual with NaN equal to itself.
func equal(a, b any) bool {
	return reflect.DeepEqual(a, b) || string(appendRepr(nil, a)) == string(appendRepr(nil, b))
}

// FuzzText checks that any text makes an answer that is XML, with each byte or
// character that cannot be sent replaced, and nothing else changed.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a<b>&c", "\x00\x1b[0m", "\xff\xfe", "ab\xe4\xb8", "\ufffe", "1234567\x80", "12345678<", "]]>", "\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		answer := appendResponse(nil, s)
		if at := illegalAt(string(answer)); at >= 0 || !utf8.Valid(answer) {
			t.Fatalf("%q: illegal at %d", answer, at)
		}
		var want strings.Builder
		for _, r := range s { // invalid bytes are U+FFFD each
			if !allowed(r) {
				r = utf8.RuneError
			}
			want.WriteRune(r)
		}
		got, err := decodeResponse(string(answer))
		if err != nil || got != normal(want.String()) {
			t.Fatalf("got %q, %v; want %q", got, err, want.String())
		}
	})
}

// FuzzProcessInfos checks that the quick reader agrees with the decoder.
func FuzzProcessInfos(f *testing.F) {
	answer := appendResponse(nil, []ProcessInfo{demo, {Name: "a&b", SpawnErr: "<\t>"}})
	f.Add(answer)
	f.Add(bytes.ReplaceAll(answer, []byte("<name>pid<"), []byte("<name>x<")))
	f.Add(bytes.ReplaceAll(answer, []byte("demo"), []byte("]]&gt;")))
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, ok := readInfos(string(body))
		if !ok {
			return
		}
		slow, err := structs(Struct.processInfo)(decodeResponse(string(body)))
		if err != nil || len(quick) != len(slow) || len(quick) > 0 && !reflect.DeepEqual(quick, slow) {
			t.Fatalf("%q\nquick %+v\nslow  %+v, %v", body, quick, slow, err)
		}
	})
}

// FuzzInfo checks that what is told of a process arrives.
func FuzzInfo(f *testing.F) {
	f.Add("cat", "g", "pid 1, uptime 0:00:01", int64(1), 20)
	f.Fuzz(func(t *testing.T, name, group, description string, start int64, state int) {
		for _, s := range []string{name, group, description} {
			if illegalAt(s) >= 0 {
				return
			}
		}
		info := ProcessInfo{Name: normal(name), Group: normal(group), Description: normal(description),
			Start: start, State: State(state)}
		got, err := decodeProcessInfos(string(appendResponse(nil, []ProcessInfo{info})))
		info.Start = min(max(start, -1<<31), 1<<31-1)
		info.State = min(max(info.State, -1<<31), 1<<31-1)
		if err != nil || len(got) != 1 || got[0] != info {
			t.Fatalf("%+v became %+v, %v", info, got, err)
		}
	})
}

// FuzzAnswer checks that no server makes the client panic or hang.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 401 Unauthorized\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		done := time.AfterFunc(10*time.Second, func() { panic("client hangs on " + answer) })
		defer done.Stop()
		newConn(&canned{Reader: strings.NewReader(answer)}).exchange([]byte("request"), 0, func(status int) bool { return status == 200 })
		newConn(&canned{Reader: strings.NewReader(answer)}).stream("request", func([]byte) error { return nil })
	})
}
