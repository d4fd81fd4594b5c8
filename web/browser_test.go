package web

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBrowser drives the pages in a real browser. With SUPERVISOR_SCREENSHOTS
// set to a directory, it leaves pictures of them there to be looked at.
func TestBrowser(t *testing.T) {
	b := startBrowser(t)
	t.Run("actions", func(t *testing.T) { testBrowserActions(t, b) })
	t.Run("live", func(t *testing.T) { testBrowserLive(t, b) })
	t.Run("filter", func(t *testing.T) { testBrowserFilter(t, b) })
	t.Run("keyboard", func(t *testing.T) { testBrowserKeyboard(t, b) })
	t.Run("hidden", func(t *testing.T) { testBrowserHidden(t, b) })
	t.Run("tail", func(t *testing.T) { testBrowserTail(t, b) })
	t.Run("cross-site", func(t *testing.T) { testBrowserCrossSite(t, b) })
	t.Run("by name", func(t *testing.T) { testBrowserByName(t, b) })
	t.Run("no script", func(t *testing.T) { testBrowserNoScript(t, b) })
	t.Run("looks", func(t *testing.T) { testBrowserLooks(t, b) })
}

// serveZoo serves the pages over z and returns their address.
func serveZoo(t *testing.T, z *zoo) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{Backend: z, Version: "4.3.0", Log: &fakeLog{}})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String()
}

// stateOf is the state the page shows of a process, as an expression.
func stateOf(name string) string {
	return fmt.Sprintf("document.querySelector('tr[data-name=\"%s\"] .status').textContent", name)
}

// press is an expression that presses a button in the row of a process.
func press(name, label string) string {
	return fmt.Sprintf("document.querySelector('tr[data-name=\"%s\"] [name=\"%s\"]').click()", name, label)
}

const message = "(document.querySelector('.status_msg') || {}).textContent"

// stays marks the page, so that stayed can tell that it was not loaded again.
const (
	stays  = "window.stayed = true"
	stayed = "window.stayed === true"
)

func testBrowserActions(t *testing.T, b *browser) {
	z := newZoo()
	p := b.open(t, serveZoo(t, z)+"/")
	p.wait(stateOf("api"), "running")
	p.do(stays)
	p.do(press("api", "Stop"))
	p.wait(stateOf("api"), "stopped")
	p.wait(message, "Process api stopped")
	p.do(press("api", "Start"))
	p.wait(stateOf("api"), "running")
	p.wait(message, "Process api started")
	p.do(press("api", "Restart"))
	p.wait(message, "Process api restarted")
	p.do("document.querySelector('[aria-label=\"Stop group web\"]').click()")
	p.wait(message, "Group web stopped")
	p.wait(stateOf("web:a"), "stopped")
	p.do("document.querySelector('[name=\"Stop All\"]').click()")
	p.wait("document.querySelectorAll('.statusrunning').length", 0.0)
	p.wait(stayed, true)
}

func testBrowserLive(t *testing.T, b *browser) {
	z := newZoo()
	p := b.open(t, serveZoo(t, z)+"/")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.do(stays)
	z.StopProcess(t.Context(), "api", true)
	p.wait(stateOf("api"), "stopped")
	p.wait("document.querySelector('#summary [data-state=stopped] b').textContent", "2")
	z.StartProcess(t.Context(), "api", true)
	p.wait("/^pid 5000, uptime 0:00:[01][1-9]$/.test(document.querySelector('tr[data-name=api] .desc').textContent)", true)

	z.mu.Lock()
	z.processes = z.processes[1:]
	z.touch()
	z.mu.Unlock()
	p.wait("document.querySelectorAll('tr[data-name]').length", 8.0)

	p.do("document.getElementById('livetoggle').click()")
	p.wait("document.getElementById('livetoggle').textContent", "paused")
	z.StopProcess(t.Context(), "web:a", true)
	p.wait(stateOf("web:a"), "running")
	p.do("document.getElementById('livetoggle').click()")
	p.wait(stateOf("web:a"), "stopped")
	p.wait(stayed, true)
}

func testBrowserFilter(t *testing.T, b *browser) {
	url := serveZoo(t, newZoo())
	shown := "[...document.querySelectorAll('tr[data-name]')].filter((r) => r.offsetHeight).map((r) => r.dataset.name).join()"
	p := b.open(t, url+"/")
	p.do("document.getElementById('filterbox').focus()")
	p.call("Input.insertText", object{"text": "web: ing"})
	p.wait(shown, "web:a,web:b,web:grün")
	p.wait("document.getElementById('matches').textContent", "3 of 9 shown")
	p.wait("location.search", "?filter=web%3A+ing")
	p.do("document.querySelector('#groups a').click()")
	p.wait(shown, "web:a,web:b,web:grün,web:z")

	p = b.open(t, url+"/?filter=fatal")
	p.wait(shown, "gone")
}

func testBrowserKeyboard(t *testing.T, b *browser) {
	z := newZoo()
	p := b.open(t, serveZoo(t, z)+"/")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.key("/", "Slash")
	p.wait("document.activeElement.id", "filterbox")
	p.call("Input.insertText", object{"text": "api"})
	p.key("Escape", "Escape")
	p.wait("document.getElementById('filterbox').value", "")
	// The button goes with the state; the focus stays in its row.
	p.do("document.querySelector('tr[data-name=api] [name=Stop]').focus()")
	p.key("Enter", "Enter")
	p.wait(stateOf("api"), "stopped")
	p.wait("document.activeElement.getAttribute('aria-label')", "Start api")
}

func testBrowserHidden(t *testing.T, b *browser) {
	p := b.open(t, serveZoo(t, newZoo())+"/")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.do(`Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
		document.dispatchEvent(new Event('visibilitychange'))`)
	p.wait("document.getElementById('livetoggle').textContent", "paused")
	p.do(`delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))`)
	p.wait("document.getElementById('livetoggle').textContent", "live")
}

func testBrowserTail(t *testing.T, b *browser) {
	z := newZoo()
	z.logDir = t.TempDir()
	path := filepath.Join(z.logDir, "web:a-stdout.log")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	var want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&want, "line %d <b>grün</b>\n", i)
	}
	write(want.String())
	p := b.open(t, serveZoo(t, z)+"/tail.html?processname=web:a&limit=5000")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.wait("document.getElementById('log').textContent", want.String())
	write("more\n")
	p.wait("document.getElementById('log').textContent", want.String()+"more\n")
	p.do("document.getElementById('livetoggle').click()")
	write("and more\n")
	p.do("document.getElementById('livetoggle').click()")
	p.wait("document.getElementById('log').textContent", want.String()+"more\nand more\n")
}

// Another site must not be able to do anything, however it tries.
func testBrowserCrossSite(t *testing.T, b *browser) {
	z := newZoo()
	target := serveZoo(t, z)
	var mu sync.Mutex
	seen := 0
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen++
		mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><title>evil</title>
			<form id="post" method="post" action="%s/index.html?action=stopall"></form>
			<a id="get" href="%[1]s/?action=stopall">look</a>`, target)
	}))
	defer evil.Close()
	for try, want := range map[string]string{
		"document.getElementById('post').submit()": "Supervisor: refused",
		"document.getElementById('get').click()":   "Supervisor: please confirm",
	} {
		p := b.open(t, strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)+"/")
		p.wait("document.title", "evil")
		p.do(try)
		p.wait("document.title", want)
	}
	p := b.open(t, evil.URL+"/")
	for _, try := range []string{
		fmt.Sprintf("new Promise((done) => { const i = new Image(); i.onerror = () => done('refused'); i.src = '%s/?action=stopall'; document.body.append(i) })", target),
		fmt.Sprintf("fetch('%s/?action=stopall', { method: 'POST', mode: 'no-cors' }).then(() => 'refused', () => 'refused')", target),
	} {
		p.wait(try, "refused")
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.calls) > 0 {
		t.Errorf("another site could do %q", z.calls)
	}
	// The page's own links are not another site's.
	if mu.Lock(); seen == 0 {
		t.Error("the other site was never visited")
	}
	mu.Unlock()
}

// testBrowserByName: without TLS and to another name than localhost a browser does not
// say where a GET comes from, if the page does not want it to.
func testBrowserByName(t *testing.T, b *browser) {
	z := newZoo()
	target := strings.Replace(serveZoo(t, z), "127.0.0.1", "box.example", 1)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><title>evil</title>
			<form id="post" method="post" action="%s/index.html?action=stopall"></form>
			<meta name="referrer" content="no-referrer">
			<img referrerpolicy="no-referrer" src="%[1]s/?action=stopall">
			<a id="link" rel="noreferrer" href="%[1]s/?action=stop&amp;processname=api">look</a>`, target)
	}))
	defer evil.Close()
	page := strings.Replace(evil.URL, "127.0.0.1", "evil.example", 1) + "/"
	p := b.open(t, page)
	p.wait("document.title", "evil")
	p.do("document.getElementById('post').submit()")
	p.wait("document.title", "Supervisor: refused")
	p.navigate(page)
	p.wait("document.images[0].complete", true)
	p.do("document.getElementById('link').click()")
	p.wait("document.title", "Supervisor: please confirm")
	p.wait("document.querySelector('strong').textContent", "stop api")
	z.mu.Lock()
	if len(z.calls) > 0 {
		t.Errorf("another site could do %q", z.calls)
	}
	z.mu.Unlock()
	p.do("document.querySelector('button[name=confirm]').click()")
	p.wait(message, "Process api stopped")
	p.do(press("api", "Start"))
	p.wait(stateOf("api"), "running")
}

func testBrowserNoScript(t *testing.T, b *browser) {
	z := newZoo()
	p := b.open(t, "about:blank")
	p.call("Emulation.setScriptExecutionDisabled", object{"value": true})
	p.navigate(serveZoo(t, z) + "/?filter=api")
	p.wait(stateOf("api"), "running")
	p.wait("document.getElementById('livetoggle').hidden", true)
	p.wait("document.querySelector('tr[data-name=gone]').offsetHeight", 0.0)
	p.do(press("api", "Stop"))
	p.wait(stateOf("api"), "stopped")
	p.wait(message, "Process api stopped")
	p.wait("document.getElementById('filterbox').value", "api")
	p.do(press("api", "Start"))
	p.wait(stateOf("api"), "running")
}

// testBrowserLooks checks what can be checked of how the pages look: nothing
// sticks out at any width, and night is dark.
func testBrowserLooks(t *testing.T, b *browser) {
	z := newZoo()
	z.logDir = t.TempDir()
	log := strings.Repeat("2026-11-22 12:00:00 INFO a line of a log that is long enough to be broken on a phone\n", 10)
	if err := os.WriteFile(filepath.Join(z.logDir, "web:a-stdout.log"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	url := serveZoo(t, z)
	for _, page := range []struct{ name, path string }{
		{"status", "/?message=Process%20api%20restarted"},
		{"filtered", "/?filter=web:&message=ERROR%3A%20Process%20gone%3A%20no%20such%20file"},
		{"tail", "/tail.html?processname=web:a"},
	} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int{360, 900, 1400} {
				p := b.open(t, "about:blank")
				p.call("Emulation.setDeviceMetricsOverride", object{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
				p.call("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}})
				p.navigate(url + page.path)
				p.wait("document.getElementById('livetoggle').textContent", "live")
				p.wait("document.documentElement.scrollWidth <= innerWidth", true)
				p.wait("matchMedia('(prefers-color-scheme: dark)').matches === (getComputedStyle(document.body).backgroundColor === 'rgb(18, 21, 28)')", true)
				p.screenshot(fmt.Sprintf("%s-%s-%d.png", page.name, scheme, width))
			}
		}
	}
}

// ------------------------------------------------------------- the browser

type object map[string]any

// browser is a headless Chromium, spoken to through a pair of pipes in the
// DevTools protocol: JSON, each message ended by a zero byte.
type browser struct {
	in io.WriteCloser

	mu      sync.Mutex
	id      int
	waiting map[int]chan browserAnswer
	gone    error
}

type browserAnswer struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium on the PATH to look at the pages with")
	}
	fromUs, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile := t.TempDir()
	cmd := exec.Command(path, "--headless", "--host-resolver-rules=MAP *.example 127.0.0.1", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--hide-scrollbars", "--user-data-dir="+profile, "--remote-debugging-pipe")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // its descriptors 3 and 4
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fromUs.Close()
	toUs.Close()
	b := &browser{in: in, waiting: map[int]chan browserAnswer{}}
	read := make(chan struct{})
	go func() { defer close(read); b.read(out) }()
	t.Cleanup(func() {
		b.mu.Lock()
		crashed := b.gone != nil
		b.mu.Unlock()
		in.Close() // it ends when its pipe does
		exited := make(chan error, 1)
		go func() { exited <- cmd.Wait() }()
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-exited
		}
		out.Close()
		<-read
		if crashed {
			t.Logf("the browser ended too early and said:\n%s", stderr.String())
		}
	})
	return b
}

// read hands answers to those who wait for them; events are of no interest.
func (b *browser) read(out io.Reader) {
	r := bufio.NewReader(out)
	for {
		data, err := r.ReadBytes(0)
		var a browserAnswer
		if err == nil {
			err = json.Unmarshal(data[:len(data)-1], &a)
		}
		b.mu.Lock()
		if err != nil {
			b.gone = err
			for id, c := range b.waiting {
				delete(b.waiting, id)
				close(c)
			}
			b.mu.Unlock()
			return
		}
		if c, ok := b.waiting[a.ID]; ok {
			delete(b.waiting, a.ID)
			c <- a
		}
		b.mu.Unlock()
	}
}

// call has the browser do something, in a page if session names one.
func (b *browser) call(session, method string, params object) (json.RawMessage, error) {
	b.mu.Lock()
	if b.gone != nil {
		b.mu.Unlock()
		return nil, b.gone
	}
	b.id++
	id := b.id
	done := make(chan browserAnswer, 1)
	b.waiting[id] = done
	b.mu.Unlock()
	request := object{"id": id, "method": method, "params": params}
	if session != "" {
		request["sessionId"] = session
	}
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		return nil, err
	}
	select {
	case a, ok := <-done:
		switch {
		case !ok:
			return nil, errors.New("the browser has gone")
		case a.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-time.After(20 * time.Second):
		return nil, fmt.Errorf("%s: no answer", method)
	}
}

// tab is a page in the browser, closed at the end of its test.
type tab struct {
	t       *testing.T
	b       *browser
	session string
}

func (b *browser) open(t *testing.T, url string) *tab {
	t.Helper()
	p := &tab{t: t, b: b}
	var target struct{ TargetID, SessionID string }
	p.decode(p.call("Target.createTarget", object{"url": "about:blank"}), &target)
	id := target.TargetID
	p.decode(p.call("Target.attachToTarget", object{"targetId": id, "flatten": true}), &target)
	p.session = target.SessionID
	t.Cleanup(func() { b.call("", "Target.closeTarget", object{"targetId": id}) })
	p.call("Page.enable", object{})
	if url != "about:blank" {
		p.navigate(url)
	}
	return p
}

func (p *tab) call(method string, params object) json.RawMessage {
	p.t.Helper()
	result, err := p.b.call(p.session, method, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

func (p *tab) decode(data json.RawMessage, v any) {
	p.t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) navigate(url string) {
	p.t.Helper()
	var result struct{ ErrorText string }
	p.decode(p.call("Page.navigate", object{"url": url}), &result)
	if result.ErrorText != "" {
		p.t.Fatalf("%s: %s", url, result.ErrorText)
	}
	p.wait("document.readyState", "complete")
}

// eval returns the value of an expression in the page, or of what it promises;
// nil if it has none, as when the page is just being replaced.
func (p *tab) eval(expression string) any {
	p.t.Helper()
	result, err := p.b.call(p.session, "Runtime.evaluate", object{
		"expression": expression, "awaitPromise": true, "returnByValue": true})
	if err != nil {
		return err.Error()
	}
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails struct{ Exception struct{ Description string } }
	}
	p.decode(result, &r)
	if d := r.ExceptionDetails.Exception.Description; d != "" {
		return d
	}
	return r.Result.Value
}

// do evaluates an expression for what it does.
func (p *tab) do(expression string) {
	p.t.Helper()
	if _, err := p.b.call(p.session, "Runtime.evaluate", object{"expression": expression, "userGesture": true}); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until an expression has a value.
func (p *tab) wait(expression string, want any) {
	p.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		got := p.eval(expression)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			p.screenshot("failed.png")
			p.t.Fatalf("%s\nis   %q\nwant %q", expression, got, want)
		}
		time.Sleep(20 * time.Millisecond) // between two looks, not instead of them
	}
}

// key types a key.
func (p *tab) key(key, code string) {
	p.t.Helper()
	params := object{"type": "keyDown", "key": key, "code": code}
	switch key {
	case "Enter":
		params["text"], params["windowsVirtualKeyCode"] = "\r", 13
	case "/":
		params["text"] = "/"
	case "Escape":
		params["windowsVirtualKeyCode"] = 27
	}
	p.call("Input.dispatchKeyEvent", params)
	params["type"] = "keyUp"
	delete(params, "text")
	p.call("Input.dispatchKeyEvent", params)
}

// screenshot keeps a picture of the whole page, if pictures are wanted.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv("SUPERVISOR_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	p.decode(p.call("Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": true}), &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
		p.t.Fatal(err)
	}
}
