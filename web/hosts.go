package web

import (
	"html"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"supervisor/web/httpd"
)

// hosts are the names by which a server may be asked for. Without them a page of
// any site can have its own name resolved to our address, and is then one of ours to
// its browser (DNS rebinding). The zero value is a server that may have any name.
type hosts struct {
	restricted bool
	allowed    []string // in lower case, without port; "*" for all
}

// hostsOf returns the names of a server: those that are configured; and without
// a password, where only programs of this machine get to it, its own ones as well.
// Any other server without a password is open to all who reach it, and behind a proxy,
// in a container and by an alias it has names that it cannot know.
func hostsOf(c ListenConfig) hosts {
	if c.Network == "unix" || len(c.AllowedHosts) == 0 && (c.Username != "" || !onLoopback(c.Address)) {
		return hosts{}
	}
	h := hosts{restricted: true}
	for _, name := range c.AllowedHosts {
		h.allowed = append(h.allowed, strings.ToLower(name))
	}
	host, _ := httpd.SplitAddress(c.Address)
	h.allowed = append(h.allowed, "localhost", strings.ToLower(host))
	if own, err := os.Hostname(); err == nil {
		h.allowed = append(h.allowed, strings.ToLower(own))
	}
	return h
}

// onLoopback reports whether an address can be reached from this machine only.
func onLoopback(address string) bool {
	host, _ := httpd.SplitAddress(address)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// allow reports whether a request may ask for this host: an address of any kind, since
// that cannot be resolved to something else, or one of the names. Browsers always
// name one; who does not is none.
func (h hosts) allow(host string) bool {
	if !h.restricted || host == "" {
		return true
	}
	name := strings.ToLower(host)
	if _, err := netip.ParseAddrPort(name); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimSuffix(name, ".")
	return strings.HasSuffix(name, ".localhost") || slices.Contains(h.allowed, name) || slices.Contains(h.allowed, "*")
}

// wrongHost is the reply to a request for a name that is not ours.
func wrongHost(host string) reply {
	rep := httpd.ErrorReply(403)
	rep.Body = append(rep.Body, "<p>This server has no password and is not known as <code>"+html.EscapeString(host)+"</code>. "+
		"If it is, set a password, or write the name into <code>allowed_hosts=</code> of <code>[inet_http_server]</code>.\r\n"...)
	rep.Header = []field{{"Content-Length", strconv.Itoa(len(rep.Body))}, {"Content-Type", "text/html"}}
	return rep
}
