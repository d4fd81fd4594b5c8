package web

import (
	"hash/maphash"
	"net"
	"sync"
	"time"

	"supervisor/web/httpd"
)

// failures remember from where wrong passwords came, so that the answers to more of them
// are put off. Who has the right one is not concerned. The zero value has seen none. It is
// safe for concurrent use.
type failures struct {
	once sync.Once
	seed maphash.Seed

	mu   sync.Mutex
	seen [256]wrongPasswords // by the hash of the address: some share one, and the delays
}

type wrongPasswords struct {
	n    int       // wrong passwords, one after the other
	last time.Time // when the last one came
}

const (
	// forgiven is how long after the last wrong password there is none.
	forgiven = time.Minute
	// maxDoublings is how often the delay is doubled: from 0.2 s to 3.2 s.
	maxDoublings = 4
)

// count notes a wrong password from addr and returns for how long its answer is put off:
// first, and twice as long each time.
func (f *failures) count(addr net.Addr, now time.Time, first time.Duration) time.Duration {
	f.once.Do(func() { f.seed = maphash.MakeSeed() })
	place := &f.seen[maphash.String(f.seed, origins(addr))%uint64(len(f.seen))]
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(place.last) > forgiven {
		place.n = 0
	}
	delay := first << min(place.n, maxDoublings)
	place.n, place.last = place.n+1, now
	return delay
}

// origins returns the addresses of which a client may have all if it has addr: an IPv4
// address, the network of an IPv6 address, and one for all of a unix socket.
func origins(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return ""
	}
	if ip := tcp.IP.To4(); ip != nil {
		return string(ip)
	}
	return string(tcp.IP.Mask(net.CIDRMask(64, 128)))
}

// refuseLogin is the reply to a request without the right password. If it had a wrong one
// it comes late.
func (s *Server) refuseLogin(r *request, status int) reply {
	if _, tried := r.Header.Get("Authorization"); tried {
		r.PutOff(s.failed.count(r.RemoteAddr(), time.Now(), s.opts.delay))
	}
	if status != 401 {
		return httpd.ErrorReply(status)
	}
	rep := httpd.ErrorReply(status, field{"Connection", "close"}, field{"WWW-Authenticate", `Basic realm="default"`})
	rep.Close = true
	return rep
}
