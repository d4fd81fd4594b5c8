// Package httpdtest is what tests of servers on unix sockets share: serving until the test
// ends, and a client that sends bytes as they are.
package httpdtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Dir returns a directory that is removed when the test ends. Its path is short: that of
// t.TempDir may be too long for a socket.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Serve serves until the test ends.
func Serve(t testing.TB, l net.Listener, server interface {
	Serve(net.Listener) error
	Close()
}) {
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-served; err != nil {
			t.Error("Serve:", err)
		}
	})
}

// Dial connects to a socket. The connection fails after 20 seconds, and is closed when the
// test ends.
func Dial(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc.(*net.UnixConn)
}

// Exchange sends bytes by a connection of its own, and returns all that comes until the
// server closes it.
func Exchange(t testing.TB, path, send string) string {
	t.Helper()
	nc := Dial(t, path)
	if _, err := io.WriteString(nc, send); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(nc)
	if err != nil {
		t.Fatalf("after %q: %v", answer, err)
	}
	return string(answer)
}

// ReadAnswer reads one answer with a length and returns its body.
func ReadAnswer(t testing.TB, r *bufio.Reader) string {
	t.Helper()
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("reading an answer: %v after %q", err, line)
		}
		if line == "\r\n" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Eventually waits until a condition holds, for ten seconds at most.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
		time.Sleep(time.Millisecond)
	}
}
