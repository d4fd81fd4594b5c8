//go:build unix

package xmlrpc

import "syscall"

// quiet reports whether nothing has come on a connection that waits for its
// next request: the server has not closed it, nor sent what nobody asked for.
func (n *conn) quiet() bool {
	raw, ok := n.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	c, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = c.Read(func(fd uintptr) bool {
		var one [1]byte
		_, err := syscall.Read(int(fd), one[:]) // does not wait: net made it so
		quiet = err == syscall.EAGAIN
		return true
	})
	return err == nil && quiet
}
