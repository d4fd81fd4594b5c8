package inifile

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"supervisor/inifile/python"
)

// ParseInt reads a whole number as Python does: blanks around it, a sign, any
// decimal digits of Unicode, single underscores between them. What an int cannot
// hold becomes the nearest that it can.
func ParseInt(text string) (int, error) {
	n, ok := python.Int(text, 10)
	if !ok {
		return 0, errInt(text)
	}
	return n, nil
}

// errInt is Python's complaint. It quotes no more than 200 characters.
func errInt(text string) error {
	shown := []rune(PythonRepr(text))
	return errors.New("invalid literal for int() with base 10: " + string(shown[:min(200, len(shown))]))
}

// ParseSeconds reads a whole number of seconds. Beyond what a Duration can hold, it is the
// longest one.
func ParseSeconds(text string) (time.Duration, error) {
	const most = math.MaxInt64 / int64(time.Second)
	n, err := ParseInt(text)
	return time.Duration(max(-most, min(int64(n), most))) * time.Second, err
}

// ParseBool reads yes, true, on, 1 and no, false, off, 0, in any case.
func ParseBool(text string) (bool, error) {
	switch python.Lower(text) {
	case "yes", "true", "on", "1":
		return true, nil
	case "no", "false", "off", "0":
		return false, nil
	}
	return false, errors.New("not a valid boolean value: " + PythonRepr(text))
}

// ParseBytes reads a number of bytes: an int, or one with KB, MB or GB.
func ParseBytes(text string) (int64, error) {
	number, factor := python.Lower(text), 1
	for i, suffix := range [...]string{"kb", "mb", "gb"} {
		if trimmed, found := strings.CutSuffix(number, suffix); found {
			number, factor = trimmed, 1<<(10*(i+1))
			break
		}
	}
	n, err := ParseInt(number)
	switch {
	case err != nil:
		return 0, err
	case n > math.MaxInt/factor:
		return math.MaxInt64, nil
	case n < math.MinInt/factor:
		return math.MinInt64, nil
	}
	return int64(n) * int64(factor), nil
}

// ParseOctal reads a number of base 8, with or without the prefix 0o.
func ParseOctal(text string) (int, error) {
	n, ok := python.Int(text, 8)
	if !ok {
		return 0, errors.New(text + " can not be converted to an octal type")
	}
	return n, nil
}

// ParseSignal reads a signal: its number, or its name with or without SIG in any
// case. The number 0 is accepted, as the original does.
func ParseSignal(text string) (syscall.Signal, error) {
	if n, ok := python.Int(text, 10); ok {
		if 0 <= n && n <= 31 {
			return syscall.Signal(n), nil
		}
		for _, s := range signals {
			if int(s.number) == n {
				return s.number, nil
			}
		}
		return 0, errors.New("value " + PythonRepr(text) + " is not a valid signal number")
	}
	name := strings.TrimPrefix(strings.ToUpper(TrimSpace(text)), "SIG")
	for _, s := range signals {
		if s.name == name {
			return s.number, nil
		}
	}
	return 0, errors.New("value " + PythonRepr(text) + " is not a valid signal name")
}

type signalName struct {
	name   string
	number syscall.Signal
}

// ParseExitCodes reads numbers of 0 to 255 separated by commas. Empty text is an
// empty list, not nil.
func ParseExitCodes(text string) ([]int, error) {
	codes := []int{}
	for _, item := range ParseList(text) {
		code, ok := python.Int(item, 10)
		if !ok || code < 0 || code > 255 {
			return nil, errors.New("not a valid list of exit codes: " + PythonRepr(text))
		}
		codes = append(codes, code)
	}
	return codes, nil
}

// ParseList reads texts separated by commas, without the blanks around them.
// Empty items are kept. Empty text is an empty list, not nil.
func ParseList(text string) []string {
	if text == "" {
		return []string{}
	}
	items := strings.Split(text, ",")
	for i, item := range items {
		items[i] = TrimSpace(item)
	}
	return items
}

// ParsePort reads the number of a port, 1 to 65535.
func ParsePort(text string) (int, error) {
	port, err := ParseInt(text)
	switch {
	case err != nil:
		return 0, err
	case port < 1:
		return 0, fmt.Errorf("%d is below lower bound (1)", port)
	case port > 65535:
		return 0, fmt.Errorf("%d is above upper bound (65535)", port)
	}
	return port, nil
}

// ParseInetAddress reads "PORT" or "HOST:PORT". The host is in lower case, and
// empty for all addresses, which is also what "*" means.
func ParseInetAddress(text string) (host string, port int, err error) {
	i := strings.LastIndexByte(text, ':')
	switch {
	case i < 0:
		if port, err = ParsePort(text); err != nil {
			// The blank at the end is part of the message.
			err = errors.New("not a valid port number: " + PythonRepr(text) + " ")
		}
		return "", port, err
	case text[i+1:] == "":
		return "", 0, errors.New("no port number specified in ''")
	}
	if port, err = ParsePort(text[i+1:]); err != nil {
		return "", 0, err
	}
	if host = python.Lower(text[:i]); host == "*" {
		host = ""
	}
	return host, port, nil
}

// ParseUser finds an account by its number or name.
func ParseUser(text string) (*user.User, error) {
	if uid, ok := python.Int(text, 10); ok {
		account, err := lookupUserID(uid)
		if err != nil {
			return nil, errors.New("Invalid user id " + text)
		}
		return account, nil
	}
	account, err := lookupUser(text)
	if err != nil {
		return nil, errors.New("Invalid user name " + text)
	}
	return account, nil
}

// ParseUserGroup reads "USER" or "USER:GROUP", each a name or a number. Without a
// group, gid is -1: unchanged. The error is about the part that was not found;
// every key that has such a value has its own text for it.
func ParseUserGroup(text string) (uid, gid int, err error) {
	name, group, both := strings.Cut(text, ":")
	account, err := ParseUser(name)
	if err != nil {
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(account.Uid); err != nil || !both {
		return uid, -1, err
	}
	gid, err = groupID(group)
	return uid, gid, err
}

func groupID(text string) (int, error) {
	if gid, ok := python.Int(text, 10); ok {
		if lookupGroupID(gid) != nil {
			return 0, errors.New("Invalid group id " + text)
		}
		return gid, nil
	}
	number, err := lookupGroup(text)
	if err != nil {
		return 0, errors.New("Invalid group name " + text)
	}
	return strconv.Atoi(number)
}

// ParseURL accepts what has a scheme, and a host or a path, and returns it as it is.
func ParseURL(text string) (string, error) {
	scheme, rest, found := strings.Cut(strings.TrimLeftFunc(text, func(r rune) bool { return r <= ' ' }), ":")
	rest = strings.TrimPrefix(rest, "//")
	if !found || !isScheme(scheme) || rest == "" || strings.ContainsAny(rest[:1], "?#") {
		return "", errors.New("value " + PythonRepr(text) + " is not a URL")
	}
	if _, authority, found := strings.Cut(text, ":"); found && strings.HasPrefix(authority, "//") {
		if err := checkBrackets(authority[len("//"):]); err != nil {
			return "", err
		}
	}
	return text, nil
}

// checkBrackets looks whether the host at the start of rest is in brackets if,
// and only if, it is an IPv6 address.
func checkBrackets(rest string) error {
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if !strings.ContainsAny(rest, "[]") {
		return nil
	}
	before, rest, opened := strings.Cut(rest, "[")
	host, after, closed := strings.Cut(rest, "]")
	if before != "" || !opened || !closed || after != "" && after[0] != ':' {
		return errors.New("Invalid IPv6 URL")
	}
	switch address, err := netip.ParseAddr(host); {
	case err != nil:
		return errors.New(PythonRepr(host) + " does not appear to be an IPv4 or IPv6 address")
	case address.Is4():
		return errors.New("An IPv4 address cannot be in brackets")
	}
	return nil
}

func isScheme(text string) bool {
	for i, c := range text {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", c)) {
			return false
		}
	}
	return text != ""
}
