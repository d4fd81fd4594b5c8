package inifile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fakeDirectory puts a getent and an id in front of all others that know one account.
func fakeDirectory(t *testing.T, getent, id string) {
	dir := t.TempDir()
	for name, text := range map[string]string{"getent": getent, "id": id} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestAccountsOfADirectory(t *testing.T) {
	calls := filepath.Join(t.TempDir(), "calls")
	fakeDirectory(t, `echo "$*" >>`+calls+`
case "$*" in
"passwd remote"|"passwd 61234") echo 'remote:x:61234:61235:Re Mote:/home/remote:/bin/sh' ;;
"group staff2"|"group 61236") echo 'staff2:x:61236:' ;;
"passwd odd") echo 'odd:x:a:b::/:' ;;
*) exit 2 ;;
esac
`, "[ \"$*\" = '-G remote' ] && echo 61235 61236\n")
	for _, text := range []string{"remote", "61234"} {
		u, err := ParseUser(text)
		if err != nil || u.Username != "remote" || u.Uid != "61234" || u.Gid != "61235" || u.HomeDir != "/home/remote" {
			t.Fatalf("%s: %+v, %v", text, u, err)
		}
		if groups := GroupIDs(u); !slices.Equal(groups, []string{"61235", "61235", "61236"}) {
			t.Errorf("groups %v", groups)
		}
	}
	for _, text := range []string{"remote:staff2", "61234:61236"} {
		if uid, gid, err := ParseUserGroup(text); uid != 61234 || gid != 61236 || err != nil {
			t.Errorf("%s: %d, %d, %v", text, uid, gid, err)
		}
	}
	for _, text := range []string{"nobody-knows", "odd", "-x", "", "a:b"} {
		if u, err := ParseUser(text); err == nil {
			t.Errorf("%q: %+v", text, u)
		}
	}
	if u, err := ParseUser("root"); err != nil || u.Uid != "0" {
		t.Errorf("root: %v, %v", u, err)
	}

	// A name that many programs have is asked for once.
	os.Remove(calls)
	f, err := Parse("f", []byte("[a]\nuser=remote\n[b]\nuser=remote\n[c]\nuser=root\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Sections() {
		if u := s.Reader(Names{}, "").User("user"); u == nil {
			t.Errorf("[%s]: none", s.Name())
		}
	}
	if asked, err := os.ReadFile(calls); err != nil || string(asked) != "passwd remote\n" {
		t.Errorf("asked for %q, %v", asked, err)
	}
}

func TestNoDirectory(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if u, err := ParseUser("nobody-knows"); err == nil {
		t.Errorf("%+v", u)
	}
	if u, err := ParseUser("root"); err != nil {
		t.Errorf("root: %+v, %v", u, err)
	}
}
