// Package notify hears what programs say of themselves in the way of systemd's sd_notify:
// READY=1, STATUS=text and a few more, in a datagram to the socket that $NOTIFY_SOCKET
// names.
//
// One socket serves all programs. The kernel tells with each datagram which process has
// sent it, and the chain of its parents leads to the program. What a message means for a
// program, and who is a program, is the caller's to say; so are time limits and watchdogs.
//
// # The address
//
// The socket has an address of Linux's abstract kind (@supervisor-…), not a path. Programs
// with user= need no rights on a directory, a container may have no directory that can be
// written, in a chroot there is the same address, and nothing is left behind by a kill -9.
// Anybody on the machine can send to such a socket. With a path that all of user= can use
// that is not different: it is not who may send that protects a program, but whose
// descendant the sender is. What comes from others costs this package's goroutine some
// 20 µs each, and nobody else anything. A program in a network namespace of its own does
// not reach the address: for that there is ready=fd:N.
//
// Begin reading at Listen for where messages come from, and at Find for whose they are.
package notify

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSize is how many bytes a message has at most, as with systemd.
	maxSize = 4096
	// maxStatus is how many bytes of a status are kept.
	maxStatus = 512
)

// Message is what a program says. The zero value says nothing.
type Message struct {
	Ready     bool // READY=1: it is up, or up again after Reloading
	Reloading bool // RELOADING=1
	Stopping  bool // STOPPING=1
	Watchdog  bool // WATCHDOG=1: it is alive
	// Status is STATUS=, in UTF-8 and without control characters, cut with … behind
	// 512 bytes. HasStatus tells an empty one from none.
	Status    string
	HasStatus bool
	// MainPID is MAINPID=, 0 for none. Whether it is a process of the program is to be
	// looked at; see Received.
	MainPID int
}

// parse reads a datagram: lines of NAME=VALUE. What is not known is ignored. A datagram
// that is too long or has a NUL in it (other than at its end) is an error.
func parse(datagram []byte) (Message, error) {
	var m Message
	if len(datagram) > maxSize {
		return m, fmt.Errorf("a message of more than %d bytes", maxSize)
	}
	datagram = bytes.TrimRight(datagram, "\x00")
	if bytes.IndexByte(datagram, 0) >= 0 {
		return m, errors.New("a message with a NUL in it")
	}
	for line := range strings.SplitSeq(string(datagram), "\n") {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "READY":
			m.Ready = m.Ready || value == "1"
		case "RELOADING":
			m.Reloading = m.Reloading || value == "1"
		case "STOPPING":
			m.Stopping = m.Stopping || value == "1"
		case "WATCHDOG":
			m.Watchdog = m.Watchdog || value == "1"
		case "STATUS":
			m.Status, m.HasStatus = cleaned(value), strings.HasPrefix(line, "STATUS=")
		case "MAINPID":
			if pid, err := strconv.ParseInt(value, 10, 32); err == nil && pid > 0 {
				m.MainPID = int(pid)
			}
		}
	}
	return m, nil
}

// cleaned makes text fit to be shown.
func cleaned(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= maxStatus {
		return text
	}
	at := maxStatus
	for !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at] + "…"
}

// Received is a datagram with who has sent it.
type Received struct {
	Message
	// PID is the sender, 0 if that is none of our PID namespace.
	PID int
	// UID is the sender's user.
	UID int
	// Chain is the sender, its parent, the parent of that and so on, up to a child of
	// ours or as far as can be known. It is empty if the sender had ended already, so
	// that its number may be another's. MainChain is the same of MainPID.
	Chain, MainChain []int
	// Err is why there is no message: it is not one, or nothing will come any more.
	Err error
	// Last says that nothing will come any more, because of Err.
	Last bool
}

// maxChain is how many generations are looked at.
const maxChain = 64

// process is what has to be known of a process to find its parent.
type process struct {
	parent int
	start  uint64 // when it was started, in whatever unit; the same for all
}

// chainOf returns pid, its parent, and so on up to a child of self. It ends earlier where a
// process is not to be found by look, and where one is younger than its child: then the
// number of the parent has been used again since look said it.
func chainOf(pid, self int, look func(pid int) (process, bool)) []int {
	var chain []int
	if pid <= 0 {
		return nil
	}
	for p, ok := look(pid); len(chain) < maxChain; {
		chain = append(chain, pid)
		if !ok || pid == self || p.parent == self || p.parent <= 0 {
			break
		}
		parent, found := look(p.parent)
		if !found || parent.start > p.start {
			break
		}
		pid, p, ok = p.parent, parent, found
	}
	return chain
}

// Find returns the first of a chain that is known, which is the child of a program. The
// caller has to know a child from before its program can have sent anything, and until
// it has waited for it; so no number is anybody else's meanwhile.
func Find(chain []int, known func(pid int) bool) (pid int, ok bool) {
	for _, pid := range chain {
		if known(pid) {
			return pid, true
		}
	}
	return 0, false
}
