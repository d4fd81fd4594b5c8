package web

import (
	"strconv"
	"strings"
	"testing"

	"supervisor/web/httpd"
)

// browserSigns are what a request looks like that a browser has sent.
var browserSigns = map[string]string{
	"fetch metadata": "Sec-Fetch-Mode: navigate\r\n",
	"upgrade":        "Upgrade-Insecure-Requests: 1\r\n",
	"agent":          "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n",
}

// TestWhoMayAct: what may have been sent behind a user's back changes nothing,
// whatever it asks for; what scripts send, and our own pages, does.
func TestWhoMayAct(t *testing.T) {
	const host = "Host: box:9001\r\n"
	origins := []struct {
		name, header string
		get, post    string // of a browser: acts, asks, or refused
		script       string // of what is no browser, with either method; empty: cannot be
	}{
		{"says nothing", host, "asks", "refused", "acts"},
		{"no host either", "", "asks", "refused", "acts"},
		{"same origin", host + "Sec-Fetch-Site: same-origin\r\n", "acts", "acts", ""},
		{"same origin behind a proxy", "Host: upstream\r\nSec-Fetch-Site: same-origin\r\nReferer: https://box/\r\n", "acts", "acts", ""},
		{"typed in, or in a mail", host + "Sec-Fetch-Site: none\r\n", "asks", "refused", ""},
		{"cross-site", host + "Sec-Fetch-Site: cross-site\r\n", "asks", "refused", ""},
		{"cross-site that lies about itself", host + "Sec-Fetch-Site: cross-site\r\nReferer: http://box:9001/\r\n", "asks", "refused", ""},
		{"same site", host + "Sec-Fetch-Site: same-site\r\n", "asks", "refused", ""},
		{"own referrer", host + "Referer: http://box:9001/index.html\r\n", "acts", "acts", "acts"},
		{"own origin", host + "Origin: http://box:9001\r\n", "acts", "acts", "acts"},
		{"foreign referrer", host + "Referer: http://evil/?box:9001\r\n", "asks", "refused", ""},
		{"foreign origin", host + "Origin: http://evil\r\n", "asks", "refused", ""},
		{"other port", host + "Referer: http://box/\r\n", "asks", "refused", ""},
		{"hidden origin", host + "Origin: null\r\n", "asks", "refused", ""},
		{"own page through a proxy that drops the host", "Host: 127.0.0.1:9001\r\nOrigin: http://box\r\n", "asks", "refused", ""},
	}
	actions := map[string]string{
		"action=stopall":                      "stopall",
		"action=restartall":                   "stopall, startall",
		"action=startgroup&processname=web":   "startgroup web",
		"action=stopgroup&processname=web:*":  "stopgroup web",
		"action=restartgroup&processname=web": "stopgroup web, startgroup web",
		"action=start&processname=gone":       "start gone",
		"action=stop&processname=web:a":       "stop web:a",
		"action=restart&processname=api":      "stop api, start api",
		"action=clearlog&processname=api":     "clear api",
	}
	for _, o := range origins {
		for action, calls := range actions {
			for sign, header := range browserSigns {
				checkAction(t, o.name+", "+sign, "GET", o.header+header, action, calls, o.get)
				checkAction(t, o.name+", "+sign, "POST", o.header+header, action, calls, o.post)
			}
			if o.script != "" {
				checkAction(t, o.name+", script", "GET", o.header, action, calls, o.script)
				checkAction(t, o.name+", script", "POST", o.header, action, calls, o.script)
			}
		}
	}
}

func checkAction(t *testing.T, name, method, header, query, calls, want string) {
	t.Helper()
	z := newZoo()
	r, _ := zooUI(t, z).serve(t.Context(), &request{Method: method, Path: "/", Query: query, Header: asHeader(header)})
	got := strconv.Itoa(r.Status)
	switch {
	case r.Status == 301:
		got = "acts"
	case r.Status == 403 && strings.Contains(string(r.Body), "Nothing was done"):
		got = "refused"
	case r.Status == 200 && strings.Contains(string(r.Body), `<form id="ask"`):
		got = "asks"
	}
	if want != "acts" {
		calls = ""
	}
	if done := strings.Join(z.calls, ", "); got != want || done != calls {
		t.Errorf("%s, %s %s: %s, done %q; want %s, %q", name, method, query, got, done, want, calls)
	}
}

func asHeader(fields string) httpd.Header { return httpd.Header(strings.TrimSuffix(fields, "\r\n")) }

// What is not there cannot be asked about, and is no reason to do something else.
func TestNothingToAskAbout(t *testing.T) {
	for _, query := range []string{
		"action=start&processname=nope", "action=start&processname=web:*", "action=stop", "action=frob", "action=frob&processname=api",
		"action=startall", "action=clearloggroup&processname=web", "action=stopgroup", "action=stopgroup&processname=web:a",
		"action=stopgroup&processname=nope", "action=all", "action=group", "action=stop;processname=api",
	} {
		z := newZoo()
		r, _ := zooUI(t, z).serve(t.Context(), &request{Method: "GET", Path: "/", Query: query, Header: asHeader(browserSigns["agent"])})
		if r.Status != 404 || len(z.calls) > 0 {
			t.Errorf("%s: %d, done %q", query, r.Status, z.calls)
		}
	}
}

func TestRefreshChangesNothing(t *testing.T) {
	r, _ := zooUI(t, newZoo()).serve(t.Context(), &request{Method: "GET", Path: "/", Query: "action=refresh", Header: asHeader(browserSigns["agent"])})
	if r.Status != 301 {
		t.Errorf("status %d", r.Status)
	}
}

// The page's own buttons ask before what hits many or deletes something.
func TestButtonsAsk(t *testing.T) {
	for query, want := range map[string]string{
		"action=stopall":                          "Stop all programs?|4 of 9 are up. To be stopped:|api flaky web:a web:b|Stop 4 programs",
		"action=restartall":                       "Restart all programs?|4 of 9 are up and will be stopped first. To be started:|api cron &amp; &lt;co&gt; flaky gone migrate web:a web:b web:grün web:z|Restart 9 programs",
		"action=stopgroup&processname=web:*":      "Stop group web?|2 of 4 are up. To be stopped:|web:a web:b|Stop 2 programs",
		"action=startgroup&processname=web":       "Start group web?|2 of 4 are up. To be started:|web:grün web:z|Start 2 programs",
		"action=restartgroup&processname=web":     "Restart group web?|2 of 4 are up and will be stopped first. To be started:|web:a web:b web:grün web:z|Restart 4 programs",
		"action=stopgroup&processname=gone":       "Stop group gone?|0 of 1 are up, so there is nothing to do.||Stop 0 programs",
		"action=clearlog&processname=api":         "Clear the log of api?|What is in its log files, stdout and stderr, will be deleted.||Clear Log",
		"action=start&processname=gone":           "301",
		"action=stop&processname=api":             "301",
		"action=restart&processname=api":          "301",
		"action=refresh":                          "301",
		"action=stopgroup&processname=nope":       "301",
		"action=clearlog&processname=nope":        "301",
		"action=clearlog&processname=api&filter=": "Clear the log of api?|What is in its log files, stdout and stderr, will be deleted.||Clear Log",
	} {
		z := newZoo()
		r, _ := zooUI(t, z).serve(t.Context(), &request{Method: "POST", Path: "/index.html", Query: query, Body: []byte("ask=1")})
		got := strconv.Itoa(r.Status)
		if r.Status == 200 {
			wellFormed(t, r.Body)
			body := string(r.Body)
			parts := []string{between(body, "<h2>", "</h2>"), between(body, "<p>", "</p>")}
			names := strings.NewReplacer("<li>", "", "</li>", "", "\n", " ").Replace(between(body, `<ul class="names">`, "</ul>"))
			parts = append(parts, strings.TrimSpace(names), between(body, `<button class="yes">`, "</button>"))
			got = strings.Join(parts, "|")
			if len(z.calls) > 0 {
				t.Errorf("%s: done before it was answered: %q", query, z.calls)
			}
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", query, got, want)
		}
	}
}

func between(s, begin, end string) string {
	_, s, _ = strings.Cut(s, begin)
	s, _, _ = strings.Cut(s, end)
	return s
}

// A question about a great many names some.
func TestQuestionAboutMany(t *testing.T) {
	z := newZoo()
	for len(z.processes) < 500 {
		z.processes = append(z.processes, z.processes[0])
	}
	page, _ := question(z.processes, "restartall", "")
	if len(page.Names) != maxNamed || page.More != 500-maxNamed || page.Yes != "Restart 500 programs" {
		t.Errorf("%d names and %d more: %s", len(page.Names), page.More, page.Yes)
	}
}

// The form of a question does what was asked, with the filter kept.
func TestAnswerToQuestion(t *testing.T) {
	z := newZoo()
	u := zooUI(t, z)
	r, _ := u.serve(t.Context(), &request{Method: "GET", Path: "/", Query: "action=stop&processname=web:gr%C3%BCn&filter=a%20%26b",
		Header: asHeader(browserSigns["agent"])})
	action := strings.ReplaceAll(between(string(r.Body), `<form id="ask" class="card" action="`, `"`), "&amp;", "&")
	path, query, _ := strings.Cut(action, "?")
	if path != "index.html" {
		t.Fatalf("the form leads to %q", action)
	}
	r, _ = u.serve(t.Context(), &request{Method: "POST", Path: path, Query: query})
	if r.Status != 301 || !strings.HasSuffix(fieldOf(r, "Location"), "&filter=a%20%26b") || strings.Join(z.calls, ", ") != "stop web:grün" {
		t.Errorf("%d %s, done %q", r.Status, fieldOf(r, "Location"), z.calls)
	}
}

// Behind a proxy that does not pass Host on, every form is refused: the page says
// what has to be set.
func TestRefusalSaysWhatToSet(t *testing.T) {
	for header, want := range map[string][]string{
		"Host: 127.0.0.1:9001\r\nOrigin: https://box.example\r\n":          {"https://box.example", "127.0.0.1:9001", "proxy_set_header Host $http_host", "ProxyPreserveHost On"},
		"Origin: https://box.example\r\n":                                  {"https://box.example", "no host", "proxy_set_header Host $http_host"},
		"Host: a\r\nReferer: http://<b>/x?y\r\n":                           {"http://&lt;b&gt;", "proxy_set_header"},
		"Host: a\r\nSec-Fetch-Site: cross-site\r\nOrigin: http://evil\r\n": {"Sec-Fetch-Site: cross-site"},
		"Host: a\r\nUser-Agent: Mozilla/5.0\r\n":                           {"does not say which page"},
	} {
		r, _ := zooUI(t, newZoo()).serve(t.Context(), &request{Method: "POST", Path: "/", Query: "action=stopall", Header: asHeader(header)})
		wellFormed(t, r.Body)
		reason := between(string(r.Body), `<p id="reason">`, "</p>")
		for _, text := range want {
			if r.Status != 403 || !strings.Contains(reason, text) {
				t.Errorf("%q: %d, no %q in %q", header, r.Status, text, reason)
			}
		}
		if strings.Contains(header, "Sec-Fetch") && strings.Contains(reason, "proxy") {
			t.Errorf("%q: blames a proxy: %q", header, reason)
		}
		if fieldOf(r, "X-Frame-Options") != "DENY" {
			t.Errorf("%q: header %v", header, r.Header)
		}
	}
}
