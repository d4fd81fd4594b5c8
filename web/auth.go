package web

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"supervisor/inifile/python"
	"supervisor/web/httpd"
)

// credentials are what a listener asks for. The zero value lets everyone in.
type credentials struct {
	username string
	password string // plain, or "{SHA}" and the lower-case hexadecimal SHA-1
}

// check returns 0 if the request may pass, else the status to refuse it with.
// What is odd about a refused request is written to stderr.
func (c credentials) check(h httpd.Header, stderr io.Writer) int {
	if c.username == "" {
		return 0 // some clients send an Authorization regardless
	}
	scheme, text, ok := authorization(h)
	if !ok {
		return 401
	}
	if scheme = strings.ToLower(scheme); scheme != "basic" {
		fmt.Fprintf(stderr, "unknown/unsupported auth method: %s\n", printable(scheme))
		return 401
	}
	decoded, ok := python.Base64(text)
	if !ok || !utf8.Valid(decoded) {
		fmt.Fprintf(stderr, "malformed authorization info <%s>\n", printable(text))
		return 400
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return 401
	}
	want := c.password
	if hash, ok := strings.CutPrefix(want, "{SHA}"); ok {
		sum := sha1.Sum([]byte(password))
		want, password = hash, hex.EncodeToString(sum[:])
	}
	// Both, whatever the first says: the time must not tell which was wrong.
	named, proved := sameSecret(c.username, username), sameSecret(want, password)
	if named && proved {
		return 0
	}
	return 401
}

// authorization returns scheme and credentials of the first field that has both.
func authorization(h httpd.Header) (scheme, text string, ok bool) {
	value, _ := h.Get("Authorization")
	scheme, text, ok = strings.Cut(value, " ")
	return scheme, text, ok && scheme != ""
}

// sameSecret compares digests, in a time that tells nothing of the secret.
func sameSecret(secret, given string) bool {
	a, b := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// printable replaces what a terminal would act on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// origin says what is known of the page that a request comes from.
type origin int

const (
	originNone  origin = iota // no page: a script, curl
	originSame                // certainly one of ours
	originOther               // certainly another site's
	originMaybe               // a browser's, which does not tell
)

// originOf finds out what page a request comes from. Without TLS a browser sends
// Sec-Fetch-Site only to localhost, and a GET has no Origin. A page can have its
// browser leave the Referer out, so a browser that tells nothing may act for any page.
func originOf(r *request) origin {
	if site, ok := r.Header.Get("Sec-Fetch-Site"); ok {
		switch site {
		case "same-origin":
			return originSame
		case "none": // typed, a bookmark, or a link in a mail program
			return originMaybe
		}
		return originOther
	}
	from, ok := r.Header.Get("Origin")
	if !ok {
		from, ok = r.Header.Get("Referer")
	}
	switch {
	case ok && sameSite(r, from):
		return originSame
	case ok:
		return originOther
	case isBrowser(r):
		return originMaybe
	}
	return originNone
}

// isBrowser reports whether a request looks like a browser's.
func isBrowser(r *request) bool {
	agent, _ := r.Header.Get("User-Agent")
	if strings.HasPrefix(agent, "Mozilla/") {
		return true
	}
	for _, name := range []string{"Upgrade-Insecure-Requests", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User"} {
		if _, ok := r.Header.Get(name); ok {
			return true
		}
	}
	return false
}

// sameSite reports whether an Origin or Referer has the host that r was sent to. What else
// a proxy says of it (X-Forwarded-Host and the like) counts for nothing: anybody who gets
// to us without the proxy can say so, too.
func sameSite(r *request, from string) bool {
	_, authority, _ := strings.Cut(from, "://")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	host, ok := r.Header.Get("Host")
	return ok && host != "" && strings.EqualFold(host, authority)
}

// crossSite reports whether a POST comes from a browser that acts, or may act, for
// another site's page, so that it must not change anything. Browsers say of each POST
// where it comes from.
func crossSite(r *request) bool {
	from := originOf(r)
	return from == originOther || from == originMaybe
}

// crossSiteCall reports whether the request is a call, by XML-RPC or the JSON API, that a
// page of another site made behind its visitor's back. Such a page can only send the
// media types of forms: for any other the browser asks us for permission, which
// it does not get. Clients other than browsers are not concerned.
func crossSiteCall(r *request) bool {
	kind, _ := r.Header.Get("Content-Type")
	kind, _, _ = strings.Cut(kind, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data":
		return crossSite(r)
	}
	return false
}
