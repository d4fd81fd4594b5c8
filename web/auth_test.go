package web

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"supervisor/web/httpd"
)

func TestCredentials(t *testing.T) {
	plain := credentials{"joe", "a:b"}
	hashed := credentials{"joe", "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"} // "secret"
	upper := credentials{"joe", "{SHA}E5E9FA1BA31ECD1AE84F75CAAA474F3A663F05F4"}
	empty := credentials{"joe", ""}
	code := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, row := range []struct {
		name   string
		c      credentials
		header string
		want   int
		stderr string
	}{
		{"nothing asked", credentials{}, "", 0, ""},
		{"nothing asked, nonsense sent", credentials{}, "Authorization: x", 0, ""},
		{"right", plain, "Authorization: Basic " + code("joe:a:b"), 0, ""},
		{"other case", plain, "authorization: bASIC " + code("joe:a:b"), 0, ""},
		{"blanks behind the scheme", plain, "Authorization: Basic   " + code("joe:a:b"), 0, ""},
		{"blank at the end", plain, "Authorization: Basic " + code("joe:a:b") + " ", 0, ""},
		{"strange characters", plain, "Authorization: Basic *" + code("joe:a:b"), 0, ""},
		{"behind the padding", plain, "Authorization: Basic " + code("joe:a:b12") + "", 401, ""},
		{"second line", plain, "X: y\r\nAuthorization: Basic " + code("joe:a:b"), 0, ""},
		{"absent", plain, "X: y", 401, ""},
		{"wrong password", plain, "Authorization: Basic " + code("joe:a:c"), 401, ""},
		{"part of the password", plain, "Authorization: Basic " + code("joe:a"), 401, ""},
		{"password twice", plain, "Authorization: Basic " + code("joe:a:ba:b"), 401, ""},
		{"wrong user", plain, "Authorization: Basic " + code("jim:a:b"), 401, ""},
		{"no colon", plain, "Authorization: Basic " + code("joe"), 401, ""},
		{"no digits", plain, "Authorization: Basic !!!", 401, ""},
		{"no credentials", plain, "Authorization: Basic", 401, ""},
		{"empty credentials", plain, "Authorization: Basic ", 401, ""},
		{"no blank", plain, "Authorization:Basic " + code("joe:a:b"), 401, ""},
		{"two blanks", plain, "Authorization:  Basic " + code("joe:a:b"), 401, ""},
		{"tab", plain, "Authorization:\tBasic " + code("joe:a:b"), 401, ""},
		{"other scheme", plain, "Authorization: Digest x=y", 401, "unknown/unsupported auth method: digest\n"},
		{"scheme with escapes", plain, "Authorization: \x1b[2J x", 401, "unknown/unsupported auth method: ?[2j\n"},
		{"bad padding", plain, "Authorization: Basic abc", 400, "malformed authorization info <abc>\n"},
		{"not UTF-8", plain, "Authorization: Basic /w==", 400, "malformed authorization info </w==>\n"},
		{"hash", hashed, "Authorization: Basic " + code("joe:secret"), 0, ""},
		{"hash, wrong", hashed, "Authorization: Basic " + code("joe:Secret"), 401, ""},
		{"hash sent", hashed, "Authorization: Basic " + code("joe:"+hashed.password), 401, ""},
		{"hash in upper case", upper, "Authorization: Basic " + code("joe:secret"), 401, ""},
		{"empty password", empty, "Authorization: Basic " + code("joe:"), 0, ""},
		{"empty password, one sent", empty, "Authorization: Basic " + code("joe:x"), 401, ""},
	} {
		var stderr bytes.Buffer
		if got := row.c.check(httpd.Header(row.header), &stderr); got != row.want || stderr.String() != row.stderr {
			t.Errorf("%s: got %d, %q, want %d, %q", row.name, got, stderr.String(), row.want, row.stderr)
		}
	}
}

// TestUnauthorized: nothing is outside of authentication, and the connection
// ends instead of going deaf.
func TestUnauthorized(t *testing.T) {
	ts := start(t, func(o *Options) { o.Config.Username, o.Config.Password = "joe", "secret" })
	want := "HTTP/1.1 " + page(401, "Connection: close\r\nWWW-Authenticate: Basic realm=\"default\"\r\n")
	for _, line := range []string{
		"GET / HTTP/1.1", "GET /nope HTTP/1.1", "GET /ok.html HTTP/1.1", "GET /stylesheets/supervisor.css HTTP/1.1",
		"GET /logtail/demo HTTP/1.1", "GET /mainlogtail HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /panic.live HTTP/1.1",
	} {
		if got := ts.exchange(t, line+"\r\n\r\n"+probeRequest); got != want {
			t.Errorf("%s: got %q", line, got)
		}
	}
	body := strings.Repeat("x", 100_000)
	if got := ts.exchange(t, "POST /RPC2 HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"+body); got != want {
		t.Errorf("call: got %q", got)
	}
	pass := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("joe:secret")) + "\r\n"
	if got := ts.exchange(t, strings.TrimSuffix(probeRequest, "\r\n")+pass+"\r\n"); got != kept {
		t.Errorf("authorized: got %q", got)
	}
}

func TestCrossSite(t *testing.T) {
	for _, row := range []struct {
		name, header string
		want         bool
	}{
		{"curl", "Host: h", false},
		{"same origin", "Host: h\r\nSec-Fetch-Site: same-origin", false},
		{"typed by the user", "Sec-Fetch-Site: none", true},
		{"browser that tells nothing", "Host: h\r\nUser-Agent: Mozilla/5.0", true},
		{"navigation that tells nothing", "Host: h\r\nUpgrade-Insecure-Requests: 1", true},
		{"other site", "Host: h\r\nSec-Fetch-Site: cross-site", true},
		{"other port of the host", "Host: h\r\nSec-Fetch-Site: same-site\r\nReferer: http://h/", true},
		{"same origin behind a proxy", "Host: back\r\nOrigin: https://h\r\nSec-Fetch-Site: same-origin", false},
		{"Origin", "Host: h:9001\r\nOrigin: http://h:9001", false},
		{"Origin in capitals", "Host: H:9001\r\nOrigin: http://h:9001", false},
		{"other Origin", "Host: h:9001\r\nOrigin: http://evil:9001", true},
		{"other port", "Host: h:9001\r\nOrigin: http://h:8080", true},
		{"no Origin to tell", "Host: h\r\nOrigin: null", true},
		{"no Host", "Origin: http://h", true},
		{"Referer", "Host: h:9001\r\nReferer: http://h:9001/index.html?x=1", false},
		{"other Referer", "Host: h\r\nReferer: http://evil/h", true},
		{"tricky Referer", "Host: h\r\nReferer: http://evil?//h/", true},
		{"forwarded", "Host: back\r\nX-Forwarded-Host: h\r\nOrigin: http://h", true},
		{"forwarded by the standard", "Host: back\r\nForwarded: host=h\r\nOrigin: http://h", true},
		{"forwarded, no host", "X-Forwarded-Host: h\r\nOrigin: http://h", true},
		{"forwarded, other", "Host: back\r\nX-Forwarded-Host: h\r\nOrigin: http://evil", true},
	} {
		r := &request{Header: httpd.Header(row.header)}
		if got := crossSite(r); got != row.want {
			t.Errorf("%s: got %v", row.name, got)
		}
		// As a call it depends on the media type, too.
		r.Header += "\r\nContent-Type: Text/Plain; charset=x"
		if got := crossSiteCall(r); got != row.want {
			t.Errorf("%s: as plain text: got %v", row.name, got)
		}
		r.Header = httpd.Header("Content-Type: text/xml\r\n" + row.header)
		if crossSiteCall(r) {
			t.Errorf("%s: as XML: refused", row.name)
		}
	}
}
