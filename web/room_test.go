package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestHalfRequestsGiveWay: whoever has a request is served at once, however many do not
// finish theirs, on this server or on another that shares the room.
func TestHalfRequestsGiveWay(t *testing.T) {
	room := NewRoom(8)
	other := start(t, func(o *Options) { o.Room = room })
	ts := start(t, func(o *Options) { o.Room = room })
	regular := ts.dial(t)
	answers := bufio.NewReader(regular)
	io.WriteString(regular, "GET /ok.html HTTP/1.1\r\n\r\n")
	readAnswer(t, answers)
	for i := range 30 {
		from := ts
		if i%2 == 0 {
			from = other
		}
		nc := from.dial(t)
		io.WriteString(nc, "POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\n"+strings.Repeat("\r\n", i%3)+"x")
	}
	begin := time.Now()
	nc := ts.dial(t)
	io.WriteString(nc, "GET /ok.html HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, bufio.NewReader(nc)); got != "OK" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(begin); took > 2*time.Second { // a moment, on an idle machine
		t.Errorf("it took %v", took)
	}
	// Who has had an answer before is not one of them.
	io.WriteString(regular, "GET /ok.html HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, answers); got != "OK" {
		t.Errorf("the regular client got %q", got)
	}
}

// TestStreamsAreBounded: they leave connections for everybody else.
func TestStreamsAreBounded(t *testing.T) {
	room := NewRoom(8)
	ts := start(t, func(o *Options) { o.Room = room })
	follow := func() (net.Conn, string) {
		nc := ts.dial(t)
		io.WriteString(nc, "GET /wait.live HTTP/1.1\r\n\r\n")
		line, err := bufio.NewReader(nc).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return nc, line
	}
	first, line := follow()
	if !strings.Contains(line, "200") {
		t.Fatal(line)
	}
	follow()
	if _, line = follow(); !strings.Contains(line, "503") {
		t.Errorf("a third stream of eight connections: %s", line)
	}
	first.Close()
	eventually(t, "a stream has ended", func() bool { return room.streams.Load() == 1 })
	if _, line = follow(); !strings.Contains(line, "200") {
		t.Errorf("after one has ended: %s", line)
	}
}

// TestLargeBodiesAreBounded: what is announced is taken before it is read, and given
// back.
func TestLargeBodiesAreBounded(t *testing.T) {
	room := NewRoom(8)
	room.bytes.Store(250_000)
	ts := start(t, func(o *Options) {
		o.Room = room
		o.RPC = func(_ context.Context, body, dst []byte) ([]byte, int) { return append(dst, body[:1]...), 200 }
	})
	call := "POST /RPC2 HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
	half := ts.dial(t)
	io.WriteString(half, call+"x")
	eventually(t, "the room is taken", func() bool { return room.bytes.Load() == 50_000 })
	if got := ts.exchange(t, call); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Connection: close") {
		t.Errorf("got %q", got)
	}
	io.WriteString(half, strings.Repeat("x", 199_999))
	if got := readAnswer(t, bufio.NewReader(half)); got != "x" {
		t.Errorf("got %q", got)
	}
	eventually(t, "it is given back", func() bool { return room.bytes.Load() == 250_000 })
}
