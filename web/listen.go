// Package web is the HTTP side of supervisord: sockets and authentication, the
// status and tail pages, and the log streams. It knows process state only
// through Backend.
package web

import "io/fs"

// ListenConfig is one [unix_http_server] or [inet_http_server] section.
type ListenConfig struct {
	Section  string      // its name, for example "inet_http_server:b"
	Network  string      // "unix" or "tcp"
	Address  string      // path of the socket, or host:port; without host, every IPv4 address
	Mode     fs.FileMode // of a unix socket; 0700 unless configured
	UID, GID int         // owner of a unix socket; -1 leaves it unchanged
	Username string      // empty: no authentication
	Password string      // plain, or "{SHA}" and the hexadecimal SHA-1
}

// URL returns the address as clients write it: unix://PATH or http://HOST:PORT,
// with localhost for a server that listens on every address.
func (c ListenConfig) URL() string {
	if c.Network == "unix" {
		return "unix://" + c.Address
	}
	if len(c.Address) > 0 && c.Address[0] == ':' {
		return "http://localhost" + c.Address
	}
	return "http://" + c.Address
}
