//go:build !linux

package notify

import "errors"

// Socket is where programs send their messages, on Linux.
type Socket struct{}

// Listen opens a socket, on Linux. Here it is an error.
func Listen(handle func(Received)) (*Socket, error) {
	return nil, errors.New("ready=notify is not on this system, only on Linux: write ready=fd:N, log:REGEX or health")
}

// Address is what $NOTIFY_SOCKET has to be.
func (s *Socket) Address() string { return "" }

// Close ends receiving.
func (s *Socket) Close() error { return nil }
