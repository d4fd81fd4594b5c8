package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The examples of README.md are tried as they stand there.

// TestBehindNginx has the pages behind nginx, below a path.
func TestBehindNginx(t *testing.T) {
	z := newZoo()
	z.logDir = t.TempDir()
	upstream := strings.TrimPrefix(serveZoo(t, z), "http://")
	t.Run("example", func(t *testing.T) {
		checkProxy(t, z, startNginx(t, example(t, "nginx", upstream)))
	})
	// A proxy that keeps the host for itself is the most frequent mistake.
	t.Run("no host", func(t *testing.T) {
		checkNoHost(t, startNginx(t, regexp.MustCompile(`(?m)^.*Host \$http_host;\n`).ReplaceAllString(example(t, "nginx", upstream), "")))
	})
}

// TestBehindCaddy has them behind Caddy.
func TestBehindCaddy(t *testing.T) {
	z := newZoo()
	z.logDir = t.TempDir()
	upstream := strings.TrimPrefix(serveZoo(t, z), "http://")
	checkProxy(t, z, startCaddy(t, example(t, "caddy", upstream)))
}

// example returns an example of README.md, with a server of ours for the one in it.
func example(t *testing.T, language, upstream string) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := between(string(text), "```"+language+"\n", "```")
	if !strings.Contains(block, "127.0.0.1:9001") {
		t.Fatalf("no example for %s in README.md", language)
	}
	return strings.ReplaceAll(block, "127.0.0.1:9001", upstream)
}

// startNginx runs nginx with what a server has in it, and returns its address.
func startNginx(t *testing.T, block string) string {
	t.Helper()
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // else its workers could not read our directories
	}
	return startProxy(t, "nginx", func(dir, address string) (config string, args []string) {
		return fmt.Sprintf(`%s daemon off; worker_processes 1; pid %s/pid; error_log stderr;
			events {}
			http {
				access_log off;
				client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
				uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
				server {
					listen %s;
					%s
				}
			}`, user, dir, address, block), []string{"-p", dir, "-e", "stderr", "-c", dir + "/config"}
	})
}

// startCaddy runs Caddy with a site, and returns its address.
func startCaddy(t *testing.T, site string) string {
	t.Helper()
	return startProxy(t, "caddy", func(dir, address string) (config string, args []string) {
		_, port, _ := net.SplitHostPort(address)
		site = strings.Replace(site, "example.org", "http://:"+port, 1)
		return "{\n\tadmin off\n\tauto_https off\n\tgrace_period 1ms\n}\n" + site,
			[]string{"run", "--adapter", "caddyfile", "--config", dir + "/config"}
	})
}

// startProxy runs a proxy until the test ends. It is given an address that was
// free a moment ago; if it is not any more, another one.
func startProxy(t *testing.T, name string, configure func(dir, address string) (config string, args []string)) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		t.Skipf("no %s to put the pages behind", name)
	}
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close() // was only asked for
		dir := t.TempDir()
		config, args := configure(dir, address)
		if err := os.WriteFile(dir+"/config", []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, args...)
		var output strings.Builder
		cmd.Stdout, cmd.Stderr = &output, &output
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			cmd.Wait() // how it ended is of no interest
			close(ended)
		}()
		if listens(address, ended) {
			t.Cleanup(func() {
				cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
				select {
				case <-ended:
				case <-time.After(10 * time.Second):
					cmd.Process.Kill()
					<-ended
				}
				if t.Failed() {
					t.Logf("%s said:\n%s", name, output.String())
				}
			})
			return address
		}
		if !strings.Contains(strings.ToLower(output.String()), "address already in use") {
			t.Fatalf("%s: %s", name, output.String())
		}
	}
	t.Fatalf("%s finds no free port", name)
	return ""
}

// listens waits until somebody listens at an address, or has ended instead.
func listens(address string, ended <-chan struct{}) bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if nc, err := net.Dial("tcp", address); err == nil {
			nc.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond): // between two looks
		}
	}
	return false
}

// throughProxy sends a request as a browser would that shows the pages at base.
func throughProxy(t *testing.T, method, base, path string, header ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// checkProxy checks that everything works below /supervisor/ at address.
func checkProxy(t *testing.T, z *zoo, address string) {
	t.Helper()
	origin := "http://" + address
	base := origin + "/supervisor/"

	if r := throughProxy(t, "GET", origin, "/supervisor"); !strings.HasSuffix(r.Header.Get("Location"), "/supervisor/") {
		t.Errorf("without the slash: %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	for _, asked := range []struct{ method, path, proof, value string }{
		{"GET", "?action=refresh", "Referer", base},
		{"GET", "index.html?action=start&processname=gone", "Referer", base + "index.html"},
		{"POST", "index.html?action=restart&processname=api", "Origin", origin},
	} {
		r := throughProxy(t, asked.method, base, asked.path, asked.proof, asked.value)
		location, err := r.Request.URL.Parse(r.Header.Get("Location"))
		if err != nil || r.StatusCode != 301 || !strings.HasPrefix(location.String(), base+"?message=") {
			t.Errorf("%s %s: %d to %v, %v", asked.method, asked.path, r.StatusCode, location, err)
		}
	}
	z.wantCalls(t, "start gone, stop api, start api")
	if r := throughProxy(t, "POST", base, "?action=stopall", "Origin", "http://evil.example"); r.StatusCode != 403 {
		t.Errorf("another site's form: %d", r.StatusCode)
	}
	z.wantCalls(t, "start gone, stop api, start api")

	live := bufio.NewReader(throughProxy(t, "GET", base, "live?mark=old").Body)
	expectLine(t, live, "data-name=\\\"web:a\\\"")
	z.StopProcess(t.Context(), "web:a", true)
	expectLine(t, live, `data-name=\"web:a\" data-state=\"stopped\"`)

	path := filepath.Join(z.logDir, "web:a-stdout.log")
	write(t, path, "first\n")
	log := bufio.NewReader(throughProxy(t, "GET", base, "logtail/"+url.PathEscape("web:a")).Body)
	expectLine(t, log, "first")
	write(t, path, "second\n")
	expectLine(t, log, "second")

	if findBrowser() == "" {
		t.Log("no chromium to look at the pages with: requests alone were tried")
		return
	}
	p := startBrowser(t).open(t, base)
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.do(press("migrate", "Start"))
	p.wait(message, "Process migrate started")
	p.call("Emulation.setScriptExecutionDisabled", object{"value": true})
	p.navigate(strings.Replace(base, "127.0.0.1", elsewhere, 1))
	p.do(press("migrate", "Stop"))
	p.wait(message, "Process migrate stopped")
	p.wait("location.pathname", "/supervisor/")
}

// checkNoHost checks that a refused form says what to set.
func checkNoHost(t *testing.T, address string) {
	t.Helper()
	base := "http://" + address + "/supervisor/"
	r := throughProxy(t, "POST", base, "?action=stopall", "Origin", "http://"+address)
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 403 || !strings.Contains(string(body), "proxy_set_header Host $http_host") {
		t.Errorf("%d, %v: %s", r.StatusCode, err, body)
	}
	if findBrowser() == "" {
		t.Log("no chromium to look at the pages with: requests alone were tried")
		return
	}
	p := startBrowser(t).open(t, strings.Replace(base, "127.0.0.1", elsewhere, 1))
	p.wait(stateOf("web:a"), "stopped")
	p.do(press("migrate", "Stop"))
	p.do(press("api", "Stop"))
	p.wait(fmt.Sprintf("/^ERROR: Stop api: .*proxy_set_header Host/s.test(%s)", message), true)
}

// expectLine reads until a line has text in it.
func expectLine(t *testing.T, r *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("no %s: %v", text, err)
		}
	}
}
