package web

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// credentials are what a listener asks for. The zero value lets everyone in.
type credentials struct {
	username string
	password string // plain, or "{SHA}" and the lower-case hexadecimal SHA-1
}

// check returns 0 if the request may pass, else the status to refuse it with.
// What is odd about a refused request is written to stderr.
func (c credentials) check(h header, stderr io.Writer) int {
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
	decoded, ok := decodeBase64(text)
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
func authorization(h header) (scheme, text string, ok bool) {
	value, _ := h.get("Authorization")
	scheme, text, ok = strings.Cut(value, " ")
	return scheme, text, ok && scheme != ""
}

// sameSecret compares in a time that depends on the length of given alone.
func sameSecret(secret, given string) bool {
	differ := byte(0)
	if len(secret) != len(given) {
		differ = 1
	}
	if secret == "" {
		return given == ""
	}
	for i := range len(given) {
		differ |= given[i] ^ secret[i%len(secret)]
	}
	return differ == 0
}

// decodeBase64 decodes as leniently as Python does: what is not of the alphabet
// is skipped, complete padding ends the text, and only a number of digits that
// cannot be is an error.
func decodeBase64(s string) (decoded []byte, ok bool) {
	var bits uint32
	digits, pads := 0, 0 // of the present group of four
	for i := range len(s) {
		if s[i] == '=' {
			if pads++; digits >= 2 && digits+pads >= 4 {
				return decoded, true
			}
			continue
		}
		value := strings.IndexByte(base64Digits, s[i])
		if value < 0 {
			continue
		}
		pads = 0
		bits = bits<<6 | uint32(value)
		if digits++; digits > 1 {
			decoded = append(decoded, byte(bits>>(8-2*digits)))
		}
		digits %= 4
	}
	return decoded, digits == 0
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// printable replaces what a terminal would act on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// A Host that we do not know is accepted: behind a proxy, in a container and by
// an alias a server has names that it cannot know, and clients use them. Against
// a page that has its own name resolved to our address (DNS rebinding) only a
// password helps.

// crossSite reports whether a browser sent the request on behalf of another
// site's page, so that it must not change anything. Who sends none of the
// fields that browsers do, scripts and curl, is trusted. A page that is to pass
// must not suppress its Referer: an Origin of "null" is another site.
func crossSite(r *request) bool {
	if site, ok := r.header.get("Sec-Fetch-Site"); ok {
		return site != "same-origin" && site != "none"
	}
	// Without TLS a browser sends no Sec-Fetch-Site except to localhost.
	origin, ok := r.header.get("Origin")
	if !ok {
		if origin, ok = r.header.get("Referer"); !ok {
			return false
		}
	}
	_, authority, _ := strings.Cut(origin, "://")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	// A proxy may have put its own Host; no page of another site can name a
	// forwarded one without being asked for permission first.
	for _, name := range []string{"Host", "X-Forwarded-Host"} {
		if host, ok := r.header.get(name); ok && host != "" && strings.EqualFold(host, authority) {
			return false
		}
	}
	return true
}

// crossSiteCall reports whether the request is an XML-RPC call that a page of
// another site made behind its visitor's back. Such a page can only send the
// media types of forms: for any other the browser asks us for permission, which
// it does not get. Clients other than browsers are not concerned.
func crossSiteCall(r *request) bool {
	kind, _ := r.header.get("Content-Type")
	kind, _, _ = strings.Cut(kind, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data":
		return crossSite(r)
	}
	return false
}
