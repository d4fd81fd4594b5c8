package ctl

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadSettings(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	env := map[string]string{"WHO": "joe", "HOME": "/home/joe"}
	defaults := Settings{ServerURL: "http://localhost:9001", Prompt: "supervisor"}
	with := func(change func(*Settings)) Settings {
		s := defaults
		change(&s)
		return s
	}
	tests := []struct {
		name, text string
		want       Settings
		err        string
	}{
		{"defaults", "[supervisorctl]\n", defaults, ""},
		{"no section", "[supervisord]\n", Settings{}, ".ini file does not include supervisorctl section"},
		{"socket made absolute", "[supervisorctl]\nserverurl=unix://run/../s.sock\n",
			with(func(s *Settings) { s.ServerURL = "unix://" + dir + "/s.sock" }), ""},
		{"url as it is", "[supervisorctl]\nserverurl=ftp://x\n", with(func(s *Settings) { s.ServerURL = "ftp://x" }), ""},
		{"here", "[supervisorctl]\nserverurl=unix://%(here)s/s\nhistory_file=%(here)s/h\n",
			with(func(s *Settings) { s.ServerURL, s.HistoryFile = "unix://"+dir+"/s", dir+"/h" }), ""},
		{"credentials and prompt", "[supervisorctl]\nusername=%(ENV_WHO)s\npassword=\nprompt=p%%\n", with(func(s *Settings) {
			s.Username, s.HasUsername, s.HasPassword, s.Prompt = "joe", true, true, "p%"
		}), ""},
		{"color", "[supervisorctl]\ncolor=always\n", with(func(s *Settings) { s.Color = "always" }), ""},
		{"color", "[supervisorctl]\ncolor=red\n", with(func(s *Settings) {}), "color is auto, always or never, not red"},
		{"history against the directory", "[supervisorctl]\nhistory_file=h\n", with(func(s *Settings) { s.HistoryFile = dir + "/h" }), ""},
		{"other sections are not looked at", "[supervisorctl]\n[program:x]\nstartsecs=never\n", defaults, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile("c.conf", []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadSettings(filepath.Join(dir, "c.conf"), env)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
			} else if err != nil || got != tt.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
	if got, err := ReadSettings("", env); err != nil || got != defaults {
		t.Errorf("without a file: %+v, %v", got, err)
	}
	for _, text := range []string{"[supervisorctl]\nprompt=%(here)s\n", "[supervisorctl]\nusername=%(nope)s\n", "[supervisorctl\n"} {
		if err := os.WriteFile("c.conf", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadSettings("c.conf", env); err == nil {
			t.Errorf("%q was accepted: %+v", text, got)
		}
	}
}
