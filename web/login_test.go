package web

import (
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestFailures(t *testing.T) {
	v4 := func(s string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(s), Port: 1} }
	var f failures
	now := time.Unix(1e9, 0)
	for i, want := range []int{1, 2, 4, 8, 16, 16, 16} {
		if got := f.count(v4("192.0.2.1"), now, time.Second); got != time.Duration(want)*time.Second {
			t.Errorf("failure %d: %v", i, got)
		}
		now = now.Add(10 * time.Second)
	}
	now = now.Add(forgiven)
	if got := f.count(v4("192.0.2.1"), now, time.Second); got != time.Second {
		t.Errorf("after a while: %v", got)
	}
	for addr, same := range map[string]string{"2001:db8::1": "2001:db8::ffff", "192.0.2.9": "::ffff:192.0.2.9"} {
		first := f.count(v4(addr), now, time.Second)
		if got := f.count(v4(same), now, time.Second); got != 2*first {
			t.Errorf("%s after %s: %v, then %v", same, addr, first, got)
		}
	}
	for i := range 100_000 { // however many there are, there is no more to remember
		f.count(v4(net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).String()), now, time.Second)
	}
}

func login(password string) string {
	return "GET /ok.html HTTP/1.1\r\nAuthorization: Basic " + base64.StdEncoding.EncodeToString([]byte("joe:"+password)) + "\r\nConnection: close\r\n\r\n"
}

func guarded(first time.Duration) func(o *Options) {
	return func(o *Options) {
		o.Config.Username, o.Config.Password = "joe", "secret"
		o.delay = first
	}
}

// TestWrongPassword: the answers to wrong passwords come later and later; those to the right
// one, and to who has not tried, at once.
func TestWrongPassword(t *testing.T) {
	const first = 50 * time.Millisecond
	ts := start(t, guarded(first))
	for i, least := range []time.Duration{first, 2 * first, 4 * first} {
		begin := time.Now()
		if got := ts.exchange(t, login("wrong")); !strings.HasPrefix(got, "HTTP/1.1 401 ") {
			t.Errorf("got %q", got)
		}
		if took := time.Since(begin); took < least {
			t.Errorf("attempt %d was answered after %v", i, took)
		}
	}
	if got := ts.exchange(t, "GET / HTTP/1.1\r\nAuthorization: Basic /w==\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("got %q", got)
	}
	ts.Close()

	ts = start(t, guarded(time.Hour))
	waiting := ts.dial(t)
	io.WriteString(waiting, login("wrong"))
	eventually(t, "the attempt waits", func() bool { return ts.tried() == 1 })
	if got := ts.exchange(t, login("secret")); got != kept {
		t.Errorf("the right password: %q", got)
	}
	if got := ts.exchange(t, "GET /ok.html HTTP/1.1\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 401 ") {
		t.Errorf("no password: %q", got)
	}
	ts.Close() // nobody waits any more
}

// tried returns how many wrong passwords there were.
func (ts *testServer) tried() (n int) {
	ts.failed.mu.Lock()
	defer ts.failed.mu.Unlock()
	for _, from := range ts.failed.seen {
		n += from.n
	}
	return n
}
