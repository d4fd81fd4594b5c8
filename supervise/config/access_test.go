package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMayWrite goes by owner, groups and modes of everything on the way.
func TestMayWrite(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files to others")
	}
	top := t.TempDir()
	for dir := top; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	type entry struct {
		name     string
		uid, gid int
		mode     os.FileMode
	}
	for _, e := range []entry{
		{"own/", 700, 0, 0o700}, {"own/file", 0, 0, 0o600}, {"own/mine", 700, 0, 0o200},
		{"group/", 0, 701, 0o770}, {"group2/", 0, 702, 0o770}, {"others/", 0, 0, 0o777},
		{"no-search/", 0, 0, 0o776}, {"not-own/", 700, 701, 0o077}, {"closed/", 0, 0, 0o700}, {"closed/open/", 0, 0, 0o777}, {"closed/open/file", 0, 0, 0o666},
	} {
		name := filepath.Join(top, e.name)
		var err error
		if strings.HasSuffix(e.name, "/") {
			err = os.Mkdir(name, 0o700)
		} else {
			err = os.WriteFile(name, nil, 0o600)
		}
		for _, err := range []error{err, os.Chown(name, e.uid, e.gid), os.Chmod(name, e.mode)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for link, target := range map[string]string{"link": "closed/open", "dangling": "own/new", "dead": "gone/new"} {
		if err := os.Symlink(target, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	c := &Config{User: &User{Name: "u", UID: 700, GID: 701, Groups: []int{701, 702}}}
	for name, want := range map[string]string{
		"own/new": "", "own/mine": "", "group/new": "", "group2/new": "", "others/new": "", "dangling": "",
		"new":              "TOP/new cannot be made: TOP is not writable for user u",
		"own/file":         "TOP/own/file is not writable for user u",
		"no-search/new":    "TOP/no-search/new cannot be made: TOP/no-search is not writable for user u",
		"not-own/new":      "TOP/not-own/new cannot be made: TOP/not-own is not writable for user u",
		"closed/open/file": "user u may not enter TOP/closed",
		"closed/open/new":  "TOP/closed/open/new cannot be made: user u may not enter TOP/closed",
		"link/new":         "TOP/link/new cannot be made: user u may not enter TOP/closed",
		"dead":             "the directory of TOP/gone/new does not exist",
		"own/mine/x":       "TOP/own/mine/x cannot be reached: not a directory",
		"gone/x":           "the directory of TOP/gone/x does not exist",
	} {
		got := ""
		if err := c.MayWrite(filepath.Join(top, name)); err != nil {
			got = strings.ReplaceAll(err.Error(), top, "TOP")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if err := (&Config{}).MayWrite(filepath.Join(top, "closed/open/file")); err != nil {
		t.Errorf("as root: %v", err)
	}
	if err := c.MayWriteLog(filepath.Join(top, "own")); err == nil || !strings.HasSuffix(err.Error(), "own is a directory") {
		t.Errorf("a directory as a log: %v", err)
	}
	if err := c.MayWriteLog("/dev/stdout"); err != nil {
		t.Errorf("a stream of ours: %v", err)
	}
	c.ChildLogDir = filepath.Join(top, "closed")
	if err := c.MayMakeAutoLogs(); err != nil {
		t.Errorf("without AUTO logs: %v", err)
	}
	c.Groups = []*Group{{Programs: []*Program{{Logs: [2]Log{{Auto: true}}}}}}
	if err := c.MayMakeAutoLogs(); err == nil || !strings.HasSuffix(err.Error(), "closed is not writable for user u") {
		t.Errorf("with AUTO logs: %v", err)
	}
}

// TestCheckAsUser: logs are written by whom the daemon becomes.
func TestCheckAsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	writeConfig(t, "[supervisord]\nuser=nobody\nlogfile=/proc/self/x\nchildlogdir=logs\n[program:a]\ncommand=/bin/sh\nstdout_logfile=/root/x\n")
	if err := os.Mkdir("logs", 0o700); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	Check("s.conf", Overrides{}, testEnv(), atMost, &out)
	for _, want := range []string{
		"s.conf:3: error: [supervisord] logfile: /proc/self/x cannot be made: ",
		"s.conf:4: error: [supervisord] childlogdir: ", "; AUTO logs are made there\n",
		"s.conf:7: warning: [program:a] stdout_logfile: /root/x cannot be made: ",
		" user nobody",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing: %s\nin:\n%s", want, &out)
		}
	}
}

// TestCheckShowsNoSecrets: what may be a secret is in no line.
func TestCheckShowsNoSecrets(t *testing.T) {
	writeConfig(t, "[supervisord]\n[program:a]\ncommand=/bin/sh\nenvironment=TOKEN=\"{{ s3cret }} %s3cret\"\n[program:b]\ncommand=/bin/sh\nenvironment=PASSWORD=s3$s3cret,B=\"a ; s3cret\"\n"+
		"[unix_http_server]\nfile=s.sock\n  password=s3cret\nusername=u\npassword={{ s3cret }} # s3cret\n[program:c]\ncommand=/bin/sh\nenvironment=A=%(ENV_ODD)s,B=%(ENV_PAIR)s x\n")
	var out strings.Builder
	Check("s.conf", Overrides{}, testEnv(), atMost, &out)
	if strings.Contains(out.String(), "s3") || strings.Contains(out.String(), "a:b") {
		t.Errorf("got:\n%s", &out)
	}
	if strings.Count(out.String(), "\n") < 7 {
		t.Errorf("only:\n%s", &out)
	}
}
