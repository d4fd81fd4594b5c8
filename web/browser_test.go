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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"supervisor/xmlrpc"
)

// TestBrowser drives the pages in a real browser. With SUPERVISOR_SCREENSHOTS
// set to a directory, it leaves pictures of them there to be looked at.
func TestBrowser(t *testing.T) {
	b := startBrowser(t)
	t.Run("actions", func(t *testing.T) { testBrowserActions(t, b) })
	t.Run("live", func(t *testing.T) { testBrowserLive(t, b) })
	t.Run("filter", func(t *testing.T) { testBrowserFilter(t, b) })
	t.Run("keyboard", func(t *testing.T) { testBrowserKeyboard(t, b) })
	t.Run("fast hands", func(t *testing.T) { testBrowserFastHands(t, b) })
	t.Run("still", func(t *testing.T) { testBrowserStill(t, b) })
	t.Run("message", func(t *testing.T) { testBrowserMessage(t, b) })
	t.Run("no contact", func(t *testing.T) { testBrowserNoContact(t, b) })
	t.Run("silence", func(t *testing.T) { testBrowserSilence(t, b) })
	t.Run("hidden", func(t *testing.T) { testBrowserHidden(t, b) })
	t.Run("tail", func(t *testing.T) { testBrowserTail(t, b) })
	t.Run("cross-site", func(t *testing.T) { testBrowserCrossSite(t, b) })
	t.Run("hidden origin", func(t *testing.T) { testBrowserHiddenOrigin(t, b) })
	t.Run("no script", func(t *testing.T) { testBrowserNoScript(t, b) })
	t.Run("looks", func(t *testing.T) { testBrowserLooks(t, b) })
}

// serveZoo serves the pages over z until the test ends, and returns their address.
func serveZoo(t *testing.T, z *zoo) string {
	t.Helper()
	address, stop := serveAt(t, z, "127.0.0.1:0")
	t.Cleanup(stop)
	return "http://" + address
}

// serveAt serves the pages over z at an address until stop is called.
func serveAt(t *testing.T, z *zoo, at string) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Options{Backend: z, Version: "4.3.0", Log: &fakeLog{}})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	return l.Addr().String(), sync.OnceFunc(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// elsewhere is a name for this machine that the browser takes for another's: to
// localhost it tells more about where a request comes from.
const elsewhere = "box.example"

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
	p.wait(asked, "Stop group web? 2 of 4 are up. To be stopped:")
	p.do("document.querySelector('dialog .yes').click()")
	p.wait(message, "Group web stopped")
	p.wait(stateOf("web:a"), "stopped")
	p.do("document.querySelector('[name=\"Stop All\"]').click()")
	p.wait(asked, "Stop all programs? 2 of 9 are up. To be stopped:")
	p.do("document.querySelector('dialog .yes').click()")
	p.wait("document.querySelectorAll('.statusrunning').length", 0.0)
	p.wait(stayed, true)
}

// asked is what the page asks; what it says of it in detail comes second.
const asked = "[...document.querySelectorAll('dialog h2, dialog h2 + p')].map((e) => e.textContent).join(' ')"

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
	// Whatever becomes of a button, the focus stays on it, so that the next key
	// hits nothing else.
	focused := "document.activeElement.getAttribute('aria-label')"
	p.do("document.querySelector('tr[data-name=api] [name=Restart]').focus()")
	p.key("Enter", "Enter")
	p.wait(message, "Process api restarted")
	p.wait(focused, "Restart api")
	p.do("document.querySelector('tr[data-name=api] [name=Stop]').focus()")
	p.key("Enter", "Enter")
	p.wait(stateOf("api"), "stopped")
	p.wait(focused, "Stop api")
	p.wait("document.activeElement.ariaDisabled", "true")
	p.do("window.submits = 0; addEventListener('submit', () => submits++)")
	p.key("Enter", "Enter")
	p.wait("submits", 1.0)
	p.call("Input.dispatchKeyEvent", object{"type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
	p.wait(focused, "Clear Log api")
	p.wait("document.querySelector('tr[data-name=api] [name=Stop]').disabled", true)

	// A question begins at its harmless end, and returns to where it came from.
	for _, no := range []struct{ key, code string }{{"Enter", "Enter"}, {"Escape", "Escape"}} {
		p.key("Enter", "Enter")
		p.wait(asked, "Clear the log of api? What is in its log files, stdout and stderr, will be deleted.")
		p.wait("document.activeElement.textContent", "Cancel")
		p.key(no.key, no.code)
		p.wait(asked, "")
		p.wait(focused, "Clear Log api")
		p.do("Date.now = ((now) => () => now() + 1000)(Date.now)") // or it is a double click
	}
	z.wantCalls(t, "stop api, start api, stop api")
	p.key("Enter", "Enter")
	p.wait("document.activeElement.textContent", "Cancel")
	p.call("Input.dispatchKeyEvent", object{"type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
	p.wait("document.activeElement.textContent", "Clear Log")
	p.key("Enter", "Enter")
	p.wait(message, "Log for api cleared")
	z.wantCalls(t, "stop api, start api, stop api, clear api")
}

// wantCalls checks what has been asked of the zoo.
func (z *zoo) wantCalls(t *testing.T, want string) {
	t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	if got := strings.Join(z.calls, ", "); got != want {
		t.Errorf("done: %s; want %s", got, want)
	}
}

// Who clicks twice at the same place does one thing, and once.
func testBrowserFastHands(t *testing.T, b *browser) {
	z := newZoo()
	p := b.open(t, serveZoo(t, z)+"/")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.call("Emulation.setDeviceMetricsOverride", object{"width": 1600, "height": 1200, "deviceScaleFactor": 1, "mobile": false})
	place := p.place("tr[data-name=migrate] [name=Start]")
	p.click(place, 1)
	p.click(place, 2)
	p.wait(stateOf("migrate"), "running")
	p.wait(message, "Process migrate started")
	p.click(place, 1) // later than a double click
	place = p.place("tr[data-name=api] [name=Restart]")
	p.click(place, 1)
	p.click(place, 2)
	p.wait(message, "Process api restarted")
	p.do(press("web:a", "Stop"))
	p.wait(stateOf("web:a"), "stopped")
	z.wantCalls(t, "start migrate, stop api, start api, stop web:a")
}

// Nothing changes its place, whatever becomes of a program.
func testBrowserStill(t *testing.T, b *browser) {
	z := newZoo()
	url := serveZoo(t, z)
	// Once the browser has drawn what changed. The numbers of the summary change.
	places := `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
		[...document.querySelectorAll('button, #table a')].map((e) => {
			const r = e.getBoundingClientRect();
			return [e.textContent.replace(/^\d+/, ''), r.x, r.y, r.width, r.height].join(' ');
		}).join('\n')))))`
	for _, width := range []int{390, 820, 1100, 1600} {
		p := b.open(t, "about:blank")
		p.call("Emulation.setDeviceMetricsOverride", object{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false})
		p.navigate(url + "/")
		p.wait("document.getElementById('livetoggle').textContent", "live")
		before := p.eval(places)
		for _, next := range []xmlrpc.ProcessInfo{
			{State: xmlrpc.Starting, PID: 7, Start: 1},
			{State: xmlrpc.Backoff, Start: 1, Stop: 2, Ended: "terminated by SIGSEGV (core dumped)", SpawnErr: "Exited too quickly (process log may have details)"},
			{State: xmlrpc.Fatal, SpawnErr: "x", Description: strings.Repeat("can't find command '/a/path/that/is/longer/than/any/line' ", 5)},
			{State: xmlrpc.Stopped, Description: "Not started"},
			{State: xmlrpc.Running, PID: 7, Start: 1, Stop: 1, Ended: "exit status 1", Restarts: 12345, Description: "pid 7, uptime 20000 days, 0:00:00"},
		} {
			z.mu.Lock()
			next.Group, next.Name = "flaky", "flaky"
			if next.Description == "" {
				next.Description = next.SpawnErr
			}
			*z.find("flaky") = next
			z.touch()
			z.mu.Unlock()
			p.wait(stateOf("flaky"), strings.ToLower(next.State.String()))
			if got := firstChange(before, p.eval(places)); got != "" {
				t.Errorf("%d pixels wide, %v: %s", width, next.State, got)
			}
		}
	}
}

// firstChange returns the first line in which two texts differ.
func firstChange(before, after any) string {
	b, _ := before.(string)
	a, _ := after.(string)
	was, is := strings.Split(b, "\n"), strings.Split(a, "\n")
	for i := range was {
		if i >= len(is) || was[i] != is[i] {
			return fmt.Sprintf("%q became %q", was[i], is[min(i, len(is)-1)])
		}
	}
	return ""
}

// What an action has done is said where it is seen, until it is closed.
func testBrowserMessage(t *testing.T, b *browser) {
	z := newZoo()
	for i := range 100 {
		z.processes = append(z.processes, xmlrpc.ProcessInfo{Group: "zz", Name: strconv.Itoa(i), State: xmlrpc.Running, PID: 1000 + i, Start: 1})
	}
	url := serveZoo(t, z)
	seen := "(() => { const r = document.querySelector('.status_msg').getBoundingClientRect(); return r.top > 0 && r.bottom < innerHeight; })()"
	p := b.open(t, url+"/")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.do("scrollTo(0, document.documentElement.scrollHeight)")
	p.do(press("zz:99", "Stop"))
	p.wait(message, "Process zz:99 stopped")
	p.wait(seen, true)
	p.wait("scrollY > 3000", true)
	p.do("document.querySelector('.close').click()")
	p.wait(message, nil)

	p = b.open(t, url+"/?filter=zz&message=ERROR%3A+no")
	p.wait(seen, true)
	p.do("document.querySelector('.close').click()")
	p.wait(message, nil)
	p.wait("location.search", "?filter=zz")
}

// A page whose daemon has gone looks like it, and says since when.
func testBrowserNoContact(t *testing.T, b *browser) {
	z := newZoo()
	address, stop := serveAt(t, z, "127.0.0.1:0")
	p := b.open(t, "http://"+address+"/")
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.wait("document.getElementById('contact').offsetHeight", 0.0)
	dot := "getComputedStyle(document.getElementById('livetoggle'), '::before').color"
	green := p.eval(dot)
	stop()
	defer func() { stop() }()
	contact := "document.getElementById('contact').offsetHeight > 0 && document.getElementById('contact').textContent"
	p.wait(fmt.Sprintf("/^No contact since \\d\\d:\\d\\d:\\d\\d\\./.test(%s)", contact), true)
	p.wait("document.getElementById('livetoggle').textContent", "reconnecting")
	if p.eval(dot) == green {
		t.Error("the dot is still green")
	}
	p.wait("getComputedStyle(document.querySelector('main')).filter", "grayscale(1)")
	said := p.eval(contact)

	// The clock jumps, and has ticked when document.hidden was asked for again.
	uptime := p.eval("document.querySelector('tr[data-name=api] .desc').textContent")
	p.do(`window.ticks = 0;
		Object.defineProperty(document, 'hidden', { configurable: true, get: () => { ticks++; return false; } });
		Date.now = ((now) => () => now() + 3600e3)(Date.now)`)
	p.wait("ticks > 3", true)
	if got := p.eval("document.querySelector('tr[data-name=api] .desc').textContent"); got != uptime {
		t.Errorf("the uptime goes on from %q to %q", uptime, got)
	}
	if got := p.eval(contact); got != said {
		t.Errorf("said %q first, then %q", said, got)
	}
	p.do(press("api", "Stop"))
	p.wait(message, "ERROR: Stop api: no answer from the server; it may or may not have been done")
	p.wait("document.querySelector('.status_msg').hasAttribute('data-failed')", true)
	p.screenshot("no-contact.png")

	_, stop = serveAt(t, z, address)
	defer stop()
	p.wait("document.getElementById('livetoggle').textContent", "live")
	p.wait(contact, false)
	p.do(press("api", "Stop"))
	p.wait(message, "Process api stopped")

	z.logDir = t.TempDir()
	if err := os.WriteFile(filepath.Join(z.logDir, "api-stdout.log"), []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tail := b.open(t, "http://"+address+"/tail.html?processname=api")
	tail.wait("document.getElementById('livetoggle').textContent", "live")
	stop()
	tail.wait(fmt.Sprintf("/^No contact since /.test(%s)", contact), true)
	_, stop = serveAt(t, z, address)
	defer stop()
	if err := os.Remove(filepath.Join(z.logDir, "api-stdout.log")); err != nil {
		t.Fatal(err)
	}
	tail.wait(fmt.Sprintf("/^The server answers 404 Not Found since /.test(%s)", contact), true)
}

// A server that is there and says nothing any more is as good as gone.
func testBrowserSilence(t *testing.T, b *browser) {
	z := newZoo()
	p := b.open(t, "about:blank")
	p.call("Page.addScriptToEvaluateOnNewDocument", object{"source": `setTimeout = ((later) =>
		(f, ms) => later(f, ms === 40000 ? 200 : ms))(setTimeout)`})
	p.navigate(serveZoo(t, z) + "/")
	p.wait("/^No contact since /.test(document.getElementById('contact').textContent)", true)
	z.StopProcess(t.Context(), "api", true) // it is missed until the next try
	p.wait(stateOf("api"), "stopped")
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

// evilSite is another site, whose page has links to and forms for target.
func evilSite(t *testing.T, target string) string {
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><title>evil</title>
			<form id="post" method="post" action="%s/index.html?action=stopall"></form>
			<form id="null" method="post" action="%[1]s/index.html?action=stopall" rel="noreferrer"></form>
			<a id="get" href="%[1]s/?action=stopall">look</a>
			<a id="noreferrer" rel="noreferrer" href="%[1]s/?action=stopall">look</a>
			<iframe id="frame"></iframe>`, target)
	}))
	t.Cleanup(evil.Close)
	return evil.URL
}

// Another site must not be able to do anything, however it tries: neither where
// the browser says that it is another site's request, nor where it does not.
func testBrowserCrossSite(t *testing.T, b *browser) {
	z := newZoo()
	local := serveZoo(t, z)
	for _, target := range []string{local, strings.Replace(local, "127.0.0.1", elsewhere, 1)} {
		evil := strings.Replace(evilSite(t, target), "127.0.0.1", "evil.example", 1) + "/"
		for id, answer := range map[string]string{
			"document.getElementById('post').submit()":      "Nothing was done",
			"document.getElementById('null').submit()":      "Nothing was done",
			"document.getElementById('get').click()":        "Stop all programs?",
			"document.getElementById('noreferrer').click()": "Stop all programs?",
		} {
			p := b.open(t, evil)
			p.wait("document.title", "evil")
			p.do(id)
			p.wait("(document.querySelector('h2') || {}).textContent", answer)
		}
		p := b.open(t, evil)
		for _, try := range []string{
			"image('')", "image('no-referrer')", "image('unsafe-url')",
			"call({ method: 'POST', mode: 'no-cors' })",
			"call({ method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer' })",
			"call({ mode: 'no-cors', referrerPolicy: 'no-referrer' })",
		} {
			p.wait(fmt.Sprintf(`(() => {
				const url = '%s/?action=stopall';
				const image = (policy) => new Promise((done) => {
					const i = new Image();
					i.onerror = () => done('over');
					i.referrerPolicy = policy;
					i.src = url;
				});
				const call = (how) => fetch(url, how).then(() => 'over', () => 'over');
				return %s;
			})()`, target, try), "over")
		}
	}
	z.wantCalls(t, "")
}

// Where the browser tells nothing of itself, our own pages do all the same, and an
// address that was typed in, or opened by another program, asks first.
func testBrowserHiddenOrigin(t *testing.T, b *browser) {
	z := newZoo()
	local := serveZoo(t, z)
	remote := strings.Replace(local, "127.0.0.1", elsewhere, 1)
	calls := ""
	does := func(what string) {
		t.Helper()
		calls = strings.TrimPrefix(calls+", "+what, ", ")
		z.wantCalls(t, calls)
	}
	for _, url := range []string{local, remote} {
		p := b.open(t, url+"/")
		p.wait("isSecureContext", url == local)
		p.do(press("api", "Restart"))
		p.wait(message, "Process api restarted")
		does("stop api, start api")
		p.do(`document.body.insertAdjacentHTML('beforeend', '<a id="old" href="index.html?processname=api&action=stop">old link</a>');
			document.getElementById('old').click()`)
		p.wait("location.search", "?message=Process%20api%20stopped")
		does("stop api")

		p.navigate(url + "/index.html?action=start&processname=api&filter=api")
		p.wait("document.querySelector('h2').textContent", "Start api?")
		p.wait("document.querySelector('#ask p').textContent.startsWith('None of this')", true)
		p.do("document.querySelector('#ask a').click()")
		p.wait("location.pathname + location.search", "/index.html?filter=api")
		z.wantCalls(t, calls)
		p.navigate(url + "/index.html?action=start&processname=api&filter=api")
		p.do("document.querySelector('#ask button').click()")
		p.wait("location.pathname + location.search", "/?message=Process%20api%20started&filter=api")
		does("start api")
		p.navigate(url + "/?action=refresh")
		p.wait(message+".slice(0, 14)", "Page refreshed")
	}
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
	p.wait(message, "Process api started")
	p.do("document.querySelector('.close').click()")
	p.wait("location.pathname + location.search", "/index.html?filter=api")
	p.wait("document.querySelector('tr[data-name=api] [name=Start]').disabled", true)
	p.do("document.querySelector('[name=\"Stop All\"]').click()")
	p.wait("(document.querySelector('h2') || {}).textContent", "Stop all programs?")
	z.wantCalls(t, "stop api, start api")
	p.do("document.querySelector('#ask .yes').click()")
	p.wait(message+".slice(0, 11)", "All stopped")
	p.wait("document.getElementById('filterbox').value", "api")
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
			for _, width := range []int{390, 820, 1600} {
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

// findBrowser returns the path of a browser, "" if there is none.
func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := findBrowser()
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
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--hide-scrollbars", "--host-resolver-rules=MAP *.example 127.0.0.1", "--user-data-dir="+profile, "--remote-debugging-pipe")
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

// place returns where the middle of an element is.
func (p *tab) place(selector string) [2]float64 {
	p.t.Helper()
	get := func(side string) float64 {
		v, _ := p.eval(fmt.Sprintf("(() => { const r = document.querySelector('%s').getBoundingClientRect(); return %s; })()", selector, side)).(float64)
		return v
	}
	return [2]float64{get("r.x + r.width / 2"), get("r.y + r.height / 2")}
}

// click presses the mouse, for the first or the second time of a double click.
func (p *tab) click(at [2]float64, count int) {
	p.t.Helper()
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.call("Input.dispatchMouseEvent", object{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": count})
	}
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
