package web

import (
	"io"
	"testing"

	"supervisor/web/httpd"
)

// FuzzRequest sends requests of all kinds to what looks at them.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/ok.html", "", "Host: a\r\nAuthorization: Basic am9lOmE=")
	f.Add("POST", "/RPC2", "a=b", "Sec-Fetch-Site: none\r\nOrigin: null")
	f.Add("HEAD", "//index.html", "action=x&&=&limit=99999999999999999999", "Referer: http://[::1/?#\r\nAuthorization: x y")
	f.Fuzz(func(t *testing.T, method, path, query, fields string) {
		r := request{Method: method, Path: path, Query: query, Header: httpd.Header(fields)}
		credentials{"joe", "secret"}.check(r.Header, io.Discard)
		crossSite(&r)
		crossSiteCall(&r)
		tailRoom(&r)
		if rt, status := find(routes, &r); (rt == nil) != (status != 0) {
			t.Errorf("%s %s: %v, %d", method, path, rt, status)
		}
	})
}
