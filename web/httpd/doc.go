// Package httpd is an HTTP/1 server: listeners, connections and what they may take, where
// a request begins and ends, and how an answer is written. What is answered is a Handler's.
//
// Begin reading with Options and Handler, then conn.serveOne.
//
//   - A listener (Listen) makes a unix socket so that of two servers that start at the same
//     time one wins, and removes what a dead one has left. Replace opens it anew on the same
//     socket. Any other net.Listener will do, such as one for an inherited descriptor.
//   - A connection is one goroutine, which holds no buffer while it waits. It reads from the
//     descriptor itself, so it has to be a socket; one that is not, for TLS, needs a
//     readSome of its own.
//   - Room is how many connections there may be and how many bytes of requests and answers,
//     for all servers that share it. It is taken before anything grows. When there is none,
//     the connection that can best be done without gives way.
//   - framing says where a request ends. Where there is any doubt, the connection is closed
//     after the answer. FuzzFraming compares that with http.ReadRequest.
//
// Requests are read as Medusa does, the server of the original: what a line, a field or a
// number has to look like, what keeps a connection, which path an escape belongs to, and
// that some requests get no answer at all. Clients rely on some of that. It does neither
// chunked requests (411) nor 100-continue: nobody needs an answer before the body is sent.
//
// # Why not net/http
//
// Because of Medusa's dialect, much of which net/http refuses before a handler sees it, and
// of these numbers (compare_test.go; linux/amd64, Go 1.26, two processors) for the same
// service, which answers a call of 115 bytes on a unix socket:
//
//	                                     httpd   net/http
//	program with nothing else           2.4 MB     5.7 MB
//	a call, with the client's work      9.5 µs     15.1 µs
//	its allocations                          1         31
//	                                     160 B    3,058 B
//	an idle connection, both ends       5.8 KB    19.5 KB
//	resident, at the start              2.8 MB     4.7 MB
//	resident, with 400 connections      5.9 MB    19.5 MB
//
// net/http has no common bound for what all of its connections hold either, and does not let
// one give way to another.
package httpd
