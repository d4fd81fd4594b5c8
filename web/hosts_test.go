package web

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	own, err := os.Hostname()
	if err != nil {
		t.Skip("no host name:", err)
	}
	local := ListenConfig{Network: "tcp", Address: "127.0.0.1:9001"}
	named, secret, wide, open, socket := local, local, local, local, local
	named.AllowedHosts = []string{"Box.example"}
	secret.Username = "u"
	wide.AllowedHosts = []string{"*"}
	open.Address = ":9001"
	socket.Network, socket.Address = "unix", "/s"
	for _, row := range []struct {
		config ListenConfig
		yes    string
		no     string
	}{
		{local, "127.0.0.1 127.0.0.1:9001 192.168.1.1:80 [::1]:9001 [::1] localhost LOCALHOST:9001 a.localhost localhost.: " + own + " " + own + ":9001",
			"evil.example evil.example:9001 localhost.evil.example 127.0.0.1.evil.example [evil] :9001x"},
		{named, "box.example BOX.example:9001 localhost", "evil.example"},
		{secret, "evil.example", ""},
		{wide, "evil.example", ""},
		{open, "evil.example", ""},
		{socket, "evil.example", ""},
	} {
		h := hostsOf(row.config)
		if !h.allow("") {
			t.Errorf("%+v: who names no host is refused", row.config)
		}
		for _, host := range strings.Fields(row.yes) {
			if !h.allow(host) {
				t.Errorf("%+v: %s is refused", row.config, host)
			}
		}
		for _, host := range strings.Fields(row.no) {
			if h.allow(host) {
				t.Errorf("%+v: %s is allowed", row.config, host)
			}
		}
	}
}

// TestWrongHost: a page whose name was made to lead to us gets nothing at all.
func TestWrongHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{Config: ListenConfig{Network: "tcp", Address: l.Addr().String()}, Backend: newZoo(), Log: &fakeLog{}})
	defer s.Close()
	go s.Serve(l)
	for _, line := range []string{"GET / HTTP/1.1", "GET /ok.html HTTP/1.1", "GET /logtail/demo HTTP/1.1", "POST /RPC2 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 1"} {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(nc, line+"\r\nHost: evil.example:9001\r\nX-Forwarded-Host: localhost\r\nConnection: close\r\n\r\nx")
		got, err := io.ReadAll(nc)
		nc.Close()
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 403 ") || !strings.Contains(string(got), "not known as <code>evil.example:9001</code>") {
			t.Errorf("%s: %s, %v", line, got, err)
		}
	}
}
