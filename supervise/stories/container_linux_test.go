package stories

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// containerExample is the configuration in README.md.
func containerExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## In a container")
	_, rest, _ = strings.Cut(rest, "With\n")
	example, _, found := strings.Cut(rest, "\nas `/etc/supervisord.conf`")
	if !found {
		t.Fatal("README.md has no example for a container")
	}
	return strings.ReplaceAll(example, "\n    ", "\n")
}

// The example of README.md, as process 1 of a PID namespace: the migration comes first, the
// server is checked, its output comes out, and the end is that of the server.
func TestContainer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it takes root to make a PID namespace")
	}
	for _, need := range []string{"unshare", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skip(err)
		}
	}
	dir, port := t.TempDir(), freePort(t)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("migrate", "#!/bin/sh\nsleep 0.2; echo migrated\n")
	write("web", `#!/usr/bin/env python3
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.flush()
        print("asked for", self.path, flush=True)
        if self.path == "/end": os._exit(0)
    def log_message(self, *a): pass
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
`)
	conf := strings.NewReplacer("/app/", dir+"/", "8080", fmt.Sprint(port), "/tmp/supervisord.pid", dir+"/pid").Replace(containerExample(t))
	write("conf", conf)
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", filepath.Join(links, "supervisord"), "-c", filepath.Join(dir, "conf"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
	awaitText(t, out.Name(), "asked for /health", 1)
	awaitText(t, out.Name(), "success: web entered RUNNING", 1) // or its end would be a failed start
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/end", port))
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		text, _ := os.ReadFile(out.Name())
		t.Fatalf("it does not end\n%s", text)
	}
	text, _ := os.ReadFile(out.Name())
	if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	at := 0
	for _, line := range []string{"spawned: 'migrate' with pid", "migrate | migrated\n", "exited: migrate (exit status 0; expected)", "spawned: 'web'", "web     | serving\n", "asked for /health",
		"exited: web (exit status 0; expected)", "CRIT shutting down because of web (exit status 0): exit_on=exit"} {
		next := strings.Index(string(text)[at:], line)
		if next < 0 {
			t.Fatalf("%q does not follow in\n%s", line, text)
		}
		at += next
	}
}
