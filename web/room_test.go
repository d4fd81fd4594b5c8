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
	room.requests.Store(250_000)
	ts := start(t, func(o *Options) {
		o.Room = room
		o.RPC = func(_ context.Context, body, dst []byte, _ func(int) bool) ([]byte, int) {
			return append(dst, body[:1]...), 200
		}
	})
	call := "POST /RPC2 HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
	half := ts.dial(t)
	io.WriteString(half, call+"x")
	eventually(t, "the room is taken", func() bool { return room.requests.Load() == 50_000 })
	if got := ts.exchange(t, call); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Connection: close") {
		t.Errorf("got %q", got)
	}
	io.WriteString(half, strings.Repeat("x", 199_999))
	if got := readAnswer(t, bufio.NewReader(half)); got != "x" {
		t.Errorf("got %q", got)
	}
	eventually(t, "it is given back", func() bool { return room.requests.Load() == 250_000 })
}

// stall makes the connections of a server look as if they had been at a standstill for
// longer than is allowed when there is no room.
func (ts *testServer) stall() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for c := range ts.conns {
		if c.stalled.Load() != 0 {
			c.stalled.Store(-int64(stalledAfter))
		}
	}
}

// TestAnswersAreBounded: an answer takes room before it grows. One that nobody reads gives
// way to others, and is not waited for as long as it is read.
func TestAnswersAreBounded(t *testing.T) {
	const size = 4 << 20
	room := NewRoom(8)
	room.answers.Store(size + size/2)
	refused := make(chan bool, 10)
	ts := start(t, func(o *Options) {
		o.Room = room
		o.RPC = func(_ context.Context, body, dst []byte, room func(int) bool) ([]byte, int) {
			ok := room(size)
			refused <- !ok
			if !ok {
				return dst, 503
			}
			return append(dst, make([]byte, size)...), 200
		}
	})
	const call = "POST /RPC2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
	reader := ts.dial(t)
	io.WriteString(reader, call)
	if <-refused {
		t.Fatal("there is no room for the first")
	}
	if got := ts.exchange(t, call); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !<-refused {
		t.Errorf("got %.100q", got)
	}
	eventually(t, "it is written", func() bool {
		ts.stall()
		next := ts.dial(t)
		defer next.Close()
		io.WriteString(next, call)
		return !<-refused
	})
	if _, err := io.Copy(io.Discard, reader); err != nil {
		t.Error(err)
	}
	eventually(t, "all is given back", func() bool { return room.answers.Load() == size+size/2 })
}

// TestHeadersAreBounded: who sends much that is no request yet gives way, too.
func TestHeadersAreBounded(t *testing.T) {
	room := NewRoom(8)
	room.requests.Store(40_000)
	ts := start(t, func(o *Options) { o.Room = room })
	long := "GET /ok.html HTTP/1.1\r\nX: " + strings.Repeat("x", 20_000)
	half := ts.dial(t)
	io.WriteString(half, long)
	eventually(t, "it takes room", func() bool { return room.requests.Load() < 20_000 })
	if got := ts.exchange(t, long+"\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("got %.100q", got)
	}
	ts.stall()
	if got := ts.exchange(t, long+"\r\nConnection: close\r\n\r\n"); got != kept {
		t.Errorf("got %.100q", got)
	}
	eventually(t, "all is given back", func() bool { return room.requests.Load() == 40_000 })
}

// TestStalledStreamsGiveWay: a stream whose reader takes nothing is ended when somebody else
// wants one.
func TestStalledStreamsGiveWay(t *testing.T) {
	room := NewRoom(8)
	ts, path := logServer(t, "", func(o *Options) { o.Room = room })
	var stalled []*stream
	for range 2 {
		stalled = append(stalled, open(t, ts, "GET /logtail/demo"+tailClient))
	}
	write(t, path, strings.Repeat("x", 4<<20))
	eventually(t, "they are at a standstill", func() bool {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		n := 0
		for c := range ts.conns {
			if c.standstill() > 50*time.Millisecond {
				n++
			}
		}
		return n == 2
	})
	if got := open(t, ts, "GET /logtail/demo"+tailClient); !strings.Contains(got.head, " 503 ") {
		t.Errorf("a third stream of eight connections: %s", got.head)
	}
	ts.stall()
	third := open(t, ts, "GET /logtail/demo"+tailClient)
	third.expect(strings.Repeat("x", 1024))
	ended := 0
	for _, s := range stalled {
		s.nc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := io.Copy(io.Discard, s.r); err == nil {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("%d streams had to give way to one", ended)
	}
}

// TestGreatBufferIsGivenUp: what came behind a great request does not keep its buffer.
func TestGreatBufferIsGivenUp(t *testing.T) {
	ts := start(t, nil)
	nc := ts.dial(t)
	const size = 1 << 20
	io.WriteString(nc, "POST /RPC2 HTTP/1.1\r\nContent-Length: "+itoa(size)+"\r\n\r\n"+strings.Repeat("x", size)+"GET /ok.html HT")
	answers := bufio.NewReader(nc)
	readAnswer(t, answers)
	eventually(t, "it waits for the rest", func() bool { return ts.idlingOrHalf() == 1 })
	ts.mu.Lock()
	for c := range ts.conns {
		if n := cap(*c.hold); n > maxPooled {
			t.Errorf("it waits with a buffer of %d bytes", n)
		}
	}
	ts.mu.Unlock()
	io.WriteString(nc, "TP/1.1\r\n\r\n")
	if got := readAnswer(t, answers); got != "OK" {
		t.Errorf("got %q", got)
	}
}
