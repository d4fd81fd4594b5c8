package httpd

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

func TestFrame(t *testing.T) {
	for _, row := range []struct {
		block string
		want  framing
	}{
		{"GET / HTTP/1.1\r\nHost: a", framing{status: 411}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: 12", framing{length: 12}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: 12\r\ncontent-length:  12 ", framing{length: 12}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: 12\r\nContent-Length: 13", framing{length: 12, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: 12, 12", framing{status: 500, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length:12", framing{status: 411, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length : 12", framing{status: 411, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: +12", framing{length: 12, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: 1_2", framing{length: 12, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: -1", framing{doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nContent-Length: 0x1", framing{status: 500, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nX: a\r\n Content-Length: 3", framing{status: 411, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked", framing{status: 411, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\ntransfer-encoding:\tidentity\r\nContent-Length: 3", framing{length: 3, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nno colon\r\nContent-Length: 3", framing{length: 3, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nX: a\nContent-Length: 3", framing{status: 411, doubt: true}},
		{"POST /RPC2 HTTP/1.1\r\nX: a\rContent-Length: 3", framing{status: 411, doubt: true}},
		{"POST /RPC2 HTTP/2\r\nContent-Length: 3", framing{length: 3, doubt: true}},
		{"POST /RPC2", framing{status: 411, doubt: true}},
		{"GET /%zz HTTP/1.1", framing{status: 411, doubt: true}},
	} {
		var r Request
		if err := parseRequest(&r, row.block); err != nil {
			t.Errorf("%q: %v", row.block, err)
			continue
		}
		if r.framing != row.want {
			t.Errorf("%q: got %+v, want %+v", row.block, r.framing, row.want)
		}
	}
}

// FuzzFraming compares with net/http, which stands for every proxy in front: where
// we go on with a next request, it must begin at the same byte for both.
func FuzzFraming(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"POST /RPC2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"\r\nGET / HTTP/1.0\r\n A: b\r\n\r\n", "POST /%41 HTTP/1.1\r\nContent-Length:\t3\r\n\r\nabc",
		"GET * HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n", "GET http://a/ HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		end, goesOn := firstRequest(data)
		if !goesOn {
			return
		}
		source := bytes.NewReader(data)
		buffered := bufio.NewReader(source)
		r, err := http.ReadRequest(buffered)
		if err != nil {
			t.Fatalf("%q: we go on at %d, net/http does not: %v", data, end, err)
		}
		if _, err = io.Copy(io.Discard, r.Body); err != nil {
			t.Fatalf("%q: the body: %v", data, err)
		}
		if theirs := len(data) - source.Len() - buffered.Buffered(); theirs != end {
			t.Fatalf("%q: we go on at %d, net/http at %d", data, end, theirs)
		}
	})
}

// firstRequest returns where the request behind the first one would begin for us,
// false if we would close the connection or wait for more.
func firstRequest(data []byte) (end int, goesOn bool) {
	if bytes.HasPrefix(data, []byte("\r\n")) {
		return 0, false // the standard lets a server skip it, net/http does not
	}
	i := bytes.Index(data, []byte("\r\n\r\n"))
	if i < 0 {
		return 0, false
	}
	var r Request
	if parseRequest(&r, string(data[:i])) != nil {
		return 0, false
	}
	end = i + 4
	end += r.unread()
	return end, r.ends() && end <= len(data)
}
