package inifile

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// What /etc does not know may be known to a directory: LDAP, SSSD, NIS, systemd's
// userdb. Only the C library asks these, so programs that have it are asked: getent
// for accounts and groups, id for the groups of an account. Where they are missing,
// or take too long, there is nothing but /etc.

// lookupTime is how long a directory may take to answer.
const lookupTime = 5 * time.Second

// lookupUser finds an account by name.
func lookupUser(name string) (*user.User, error) {
	if account, err := user.Lookup(name); err == nil {
		return account, nil
	}
	return askForUser(name)
}

// lookupUserID finds an account by number.
func lookupUserID(uid int) (*user.User, error) {
	if account, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return account, nil
	}
	return askForUser(strconv.Itoa(uid))
}

// askForUser asks for an account, whose line is name:password:uid:gid:gecos:home:shell.
func askForUser(key string) (*user.User, error) {
	f, err := getent("passwd", key, 7)
	if err != nil {
		return nil, err
	}
	return &user.User{Username: f[0], Uid: f[2], Gid: f[3], Name: f[4], HomeDir: f[5]}, nil
}

// Login is what a shell that somebody logs into has of the account.
type Login struct{ Name, Home, Shell string }

// LoginOf returns that of an account, which is found by its name or, if that is empty, by its
// number. It may wait for a directory.
func LoginOf(name string, uid int) (Login, error) {
	find := func() (*user.User, error) { return lookupUser(name) }
	if name == "" {
		find = func() (*user.User, error) { return lookupUserID(uid) }
	}
	account, err := find()
	if err != nil {
		return Login{}, err
	}
	return Login{account.Username, account.HomeDir, shell(account)}, nil
}

// shell returns the login shell of an account, "" if it is not known: package user does not
// tell it.
func shell(account *user.User) string {
	if data, err := os.ReadFile("/etc/passwd"); err == nil {
		for line := range strings.Lines(string(data)) {
			if f := strings.Split(strings.TrimSuffix(line, "\n"), ":"); len(f) == 7 && f[0] == account.Username {
				return f[6]
			}
		}
	}
	f, err := getent("passwd", account.Username, 7)
	if err != nil {
		return ""
	}
	return f[6]
}

// lookupGroup finds the number of a group by its name.
func lookupGroup(name string) (gid string, err error) {
	if group, err := user.LookupGroup(name); err == nil {
		return group.Gid, nil
	}
	f, err := getent("group", name, 4)
	if err != nil {
		return "", err
	}
	return f[2], nil
}

// lookupGroupID finds out whether there is a group of that number.
func lookupGroupID(gid int) error {
	if _, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return nil
	}
	_, err := getent("group", strconv.Itoa(gid), 4)
	return err
}

var errUnknown = errors.New("unknown")

// getent returns the fields of one entry of a database. The numbers in it, which are
// all that is used for more than showing it, are numbers.
func getent(database, key string, count int) ([]string, error) {
	if key == "" || strings.HasPrefix(key, "-") || strings.ContainsAny(key, ":\n\x00") {
		return nil, errUnknown // no name of an account
	}
	fields := strings.Split(ask("getent", database, key), ":")
	if len(fields) != count {
		return nil, errUnknown
	}
	numbers := fields[2:3] // of a group
	if database == "passwd" {
		numbers = fields[2:4]
	}
	for _, number := range numbers {
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			return nil, errUnknown
		}
	}
	return fields, nil
}

// ask runs a program and returns what it prints, without the last line feed; "" if it
// fails or takes too long.
func ask(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var out strings.Builder
	cmd.Stdout = &out
	err := cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) || errors.Is(err, exec.ErrNotFound) || ctx.Err() != nil {
		return ""
	}
	// Any other error is that somebody else has waited for it: the daemon does so for
	// all of its children.
	return strings.TrimSuffix(out.String(), "\n")
}

// GroupIDs returns the groups of an account, its primary group among them.
func GroupIDs(account *user.User) []string {
	if _, err := user.Lookup(account.Username); err == nil {
		groups, _ := account.GroupIds() // without a list of groups there is only the primary one
		return append([]string{account.Gid}, groups...)
	}
	return append([]string{account.Gid}, strings.Fields(ask("id", "-G", account.Username))...)
}
