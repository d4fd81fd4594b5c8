package httpd_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"supervisor/web/httpd"
)

// The same service by this package and by net/http: a call of 115 bytes that is answered
// with 200. What they need is in the package comment.
var services = map[string]func(net.Listener) (end func()){"httpd": byHTTPD, "net-http": byNetHTTP}

const answerText = "0123456789"

var answer = []byte(strings.Repeat(answerText, 20))

func byHTTPD(l net.Listener) func() {
	s := httpd.NewServer(httpd.Options{Name: "test", Handler: func(_ context.Context, r *httpd.Request) httpd.Reply {
		if status := r.ReadBody(httpd.MaxBody); status != 0 {
			return httpd.Refuse(status)
		}
		return httpd.Reply{Status: 200, Header: xmlFields, Body: append(r.Buffer(), answer...), Reuse: true}
	}})
	go s.Serve(l)
	return s.Close
}

var xmlFields = []httpd.Field{{"Content-Type", "text/xml"}}

func byNetHTTP(l net.Listener) func() {
	s := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, httpd.MaxBody)); err != nil {
				w.WriteHeader(413)
				return
			}
			w.Header().Set("Content-Type", "text/xml")
			w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
			w.Write(answer) // the client may have gone
		}),
	}
	go s.Serve(l)
	return func() { s.Close() } // was only a test's
}

const request = "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\nUser-Agent: Python-xmlrpc/3.11\r\n" +
	"Content-Type: text/xml\r\nAccept: text/xml\r\nContent-Length: 115\r\n\r\n"

func listen(b testing.TB) net.Listener {
	b.Helper()
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkService is a call by one of eight clients on a unix socket, with the work of
// the client.
func BenchmarkService(b *testing.B) {
	for name, serve := range services {
		b.Run(name, func(b *testing.B) {
			l := listen(b)
			defer serve(l)()
			b.ReportAllocs()
			b.ResetTimer()
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() { calls(b, l, b.N/8) })
			}
			clients.Wait()
		})
	}
}

// calls makes calls by one connection.
func calls(b *testing.B, l net.Listener, n int) {
	nc, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Error(err)
		return
	}
	defer nc.Close()
	send, buf := []byte(request+strings.Repeat("y", 115)), make([]byte, 4096)
	for range n {
		if _, err = nc.Write(send); err == nil {
			_, err = nc.Read(buf)
		}
		if err != nil {
			b.Error(err)
			return
		}
	}
}

// BenchmarkIdle reports what an idle connection holds at both ends, in bytes of heap and of
// stacks; the client's end is a bare socket.
func BenchmarkIdle(b *testing.B) {
	for name, serve := range services {
		b.Run(name, func(b *testing.B) {
			l := listen(b)
			defer serve(l)()
			const connections = 400
			before := inUse()
			var open []net.Conn
			for range connections {
				nc, err := net.Dial("unix", l.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				open = append(open, nc)
				buf := make([]byte, 4096)
				if _, err = io.WriteString(nc, request+strings.Repeat("y", 115)); err == nil {
					_, err = nc.Read(buf)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(inUse()-before)/connections, "B/conn")
			for _, nc := range open {
				nc.Close()
			}
		})
	}
}

func inUse() uint64 {
	for range 3 { // pools survive one collection
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
