package httpd

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"supervisor/web/httpd/httpdtest"
)

// TestHalfRequestsGiveWay: whoever has a request is served at once, however many do not
// finish theirs, on this server or on another that shares the room.
func TestHalfRequestsGiveWay(t *testing.T) {
	room := NewRoom(8)
	other := start(t, func(o *options) { o.Room = room })
	ts := start(t, func(o *options) { o.Room = room })
	regular := ts.dial(t)
	answers := bufio.NewReader(regular)
	io.WriteString(regular, "GET /ok HTTP/1.1\r\n\r\n")
	readAnswer(t, answers)
	for i := range 30 {
		from := ts
		if i%2 == 0 {
			from = other
		}
		nc := from.dial(t)
		io.WriteString(nc, "POST /call HTTP/1.1\r\nContent-Length: 5\r\n"+strings.Repeat("\r\n", i%3)+"x")
	}
	begin := time.Now()
	nc := ts.dial(t)
	io.WriteString(nc, "GET /ok HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, bufio.NewReader(nc)); got != "OK" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(begin); took > 2*time.Second { // a moment, on an idle machine
		t.Errorf("it took %v", took)
	}
	// Who has had an answer before is not one of them.
	io.WriteString(regular, "GET /ok HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, answers); got != "OK" {
		t.Errorf("the regular client got %q", got)
	}
}

// TestStreamsAreBounded: they leave connections for everybody else.
func TestStreamsAreBounded(t *testing.T) {
	room := NewRoom(8)
	ts := start(t, func(o *options) { o.Room = room })
	follow := func() (net.Conn, string) {
		nc := ts.dial(t)
		io.WriteString(nc, "GET /wait HTTP/1.1\r\n\r\n")
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
	ts := start(t, func(o *options) {
		o.Room = room
		o.call = func(_ context.Context, r *Request) Reply { return text(string(r.Body[:1])) }
	})
	call := "POST /call HTTP/1.1\r\nContent-Length: 200000\r\n\r\n"
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
	ts := start(t, func(o *options) {
		o.Room = room
		o.call = func(_ context.Context, r *Request) Reply {
			ok := r.Room(size)
			refused <- !ok
			if !ok {
				return Refuse(503)
			}
			return Reply{Status: 200, Body: make([]byte, size)}
		}
	})
	const call = "POST /call HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"
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
	ts := start(t, func(o *options) { o.Room = room })
	long := "GET /ok HTTP/1.1\r\nX: " + strings.Repeat("x", 20_000)
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
	ts := start(t, func(o *options) { o.Room = room })
	flood := func() (net.Conn, *bufio.Reader, string) {
		nc := ts.dial(t)
		io.WriteString(nc, "GET /flood HTTP/1.0\r\n\r\n")
		r := bufio.NewReader(nc)
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return nc, r, line
	}
	one, answersOne, _ := flood()
	two, answersTwo, _ := flood()
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
	if _, _, line := flood(); !strings.Contains(line, " 503 ") {
		t.Errorf("a third stream of eight connections: %s", line)
	}
	ts.stall()
	if _, _, line := flood(); !strings.Contains(line, " 200 ") {
		t.Errorf("a stream that could have taken the place of another: %s", line)
	}
	ended := 0
	for nc, r := range map[net.Conn]*bufio.Reader{one: answersOne, two: answersTwo} {
		nc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := io.Copy(io.Discard, r); err == nil {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("%d streams had to give way to one", ended)
	}
}

// TestPutOffGivesWay: those whose answers are put off take no place from others, and the end
// of the server is theirs.
func TestPutOffGivesWay(t *testing.T) {
	ts := start(t, func(o *options) { o.Room = NewRoom(8) })
	for range 30 {
		io.WriteString(ts.dial(t), "GET /putoff HTTP/1.1\r\n\r\n")
	}
	begin := time.Now()
	nc := ts.dial(t)
	io.WriteString(nc, "GET /ok HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, bufio.NewReader(nc)); got != "OK" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(begin); took > 2*time.Second { // a moment, on an idle machine
		t.Errorf("it took %v", took)
	}
	ts.Close()
}

// TestGreatBufferIsGivenUp: what came behind a great request does not keep its buffer.
func TestGreatBufferIsGivenUp(t *testing.T) {
	ts := start(t, nil)
	nc := ts.dial(t)
	const size = 1 << 20
	io.WriteString(nc, "POST /call HTTP/1.1\r\nContent-Length: "+strconv.Itoa(size)+"\r\n\r\n"+strings.Repeat("x", size)+"GET /ok HT")
	answers := bufio.NewReader(nc)
	readAnswer(t, answers)
	eventually(t, "it waits for the rest", func() bool { return ts.idlingOrHalf() == 1 })
	ts.mu.Lock()
	for c := range ts.conns {
		if n := cap(c.buf); n > maxPooled {
			t.Errorf("it waits with a buffer of %d bytes", n)
		}
	}
	ts.mu.Unlock()
	io.WriteString(nc, "TP/1.1\r\n\r\n")
	if got := readAnswer(t, answers); got != "OK" {
		t.Errorf("got %q", got)
	}
}

// TestUnixSocketsKeepTheirPlace: whatever comes by TCP, there is a connection for a unix
// socket, and one that waits there for its next request is not closed.
func TestUnixSocketsKeepTheirPlace(t *testing.T) {
	room := NewRoom(16)
	ts := start(t, func(o *options) { o.Room = room })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	tcp := NewServer(Options{Room: room, Limits: longLimits(), Handler: func(context.Context, *Request) Reply {
		<-release
		return text("OK")
	}})
	go tcp.Serve(l)
	defer tcp.Close()
	defer close(release)
	regular := ts.dial(t)
	answers := bufio.NewReader(regular)
	io.WriteString(regular, "GET /ok HTTP/1.1\r\n\r\n")
	readAnswer(t, answers)
	for range 30 {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		io.WriteString(nc, "GET / HTTP/1.1\r\n\r\n") // is answered late: nobody gives way
	}
	eventually(t, "there is no room for more by TCP", func() bool { return tcp.Connections() == 14 })
	io.WriteString(regular, "GET /ok HTTP/1.1\r\n\r\n")
	if got := readAnswer(t, answers); got != "OK" {
		t.Errorf("got %q", got)
	}
	if got := ts.exchange(t, last); got != kept {
		t.Errorf("a second one got %q", got)
	}
}

// TestTurns: requests that may be much work are answered so many at a time, and those that
// wait for their turn wait no longer than a while.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRoom(8)
		r.turns = make(chan struct{}, 1)
		end := r.turn(t.Context())
		begin := time.Now()
		late := r.turn(t.Context()) // nobody ends the first one
		if took := time.Since(begin); took != turnWait {
			t.Errorf("waited for %v", took)
		}
		late() // it had none to give back
		// As long as others are at work, it is waited for.
		begin = time.Now()
		go func() {
			for range 5 {
				time.Sleep(turnWait / 2)
				r.ended.Add(1)
			}
		}()
		late = r.turn(t.Context())
		if took := time.Since(begin); took != 4*turnWait {
			t.Errorf("waited for %v", took)
		}
		late()
		time.AfterFunc(turnWait/2, end)
		begin = time.Now()
		end = r.turn(t.Context())
		if took := time.Since(begin); took != turnWait/2 {
			t.Errorf("waited for %v", took)
		}
		end()
		if len(r.turns) != 0 {
			t.Errorf("%d turns are not given back", len(r.turns))
		}
	})
}

// TestUnwantedBodyTakesNoRoom: what is only read to get to the next request is not kept.
func TestUnwantedBodyTakesNoRoom(t *testing.T) {
	path := filepath.Join(httpdtest.Dir(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := httpdtest.Dial(t, path)
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newConn(NewServer(Options{Limits: longLimits()}), nc)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go io.WriteString(client, strings.Repeat("x", maxDiscard)+"next") // it ends with the test
	if err := c.discard(maxDiscard); err != nil {
		t.Fatal(err)
	}
	if size := cap(c.buf); size > firstBuffer {
		t.Errorf("the buffer has %d bytes", size)
	}
	if err := c.await(len("next")); err != nil || string(c.buf[c.start:]) != "next" {
		t.Errorf("what follows: %q, %v", c.buf[c.start:], err)
	}
}
