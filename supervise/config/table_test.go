package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"supervisor/ctl"
	"supervisor/supervise/backoff"
	"supervisor/supervise/health"
)

// minimal has a section of each kind that can be read, with what it has to have. Where a
// key shows its effect only together with others, these are there.
func minimal() map[string]string {
	const name = "process_name=%(program_name)s%(process_num)d\nrestart_delay=1\n"
	return map[string]string{
		"unix_http_server": "[unix_http_server]\nfile=/tmp/s\n",
		"inet_http_server": "[inet_http_server]\nport=1\n",
		"supervisord":      "",
		"program:":         "[program:x]\ncommand=c\n" + name,
		"program-default":  "[program:x]\n[program-default]\ncommand=c\n" + name,
		"eventlistener:":   "[eventlistener:x]\ncommand=c\nevents=EVENT\n" + name,
		"fcgi-program:":    "[fcgi-program:x]\ncommand=c\nsocket=unix:///tmp/s\n" + name,
		"group:":           "[program:y]\ncommand=c\n[group:x]\n",
	}
}

// with returns a minimal section with a key in addition, or in place of the one there.
func with(base, key, value string) string {
	lines := slices.DeleteFunc(strings.SplitAfter(base, "\n"), func(line string) bool { return strings.HasPrefix(line, key+"=") })
	if key == "username" || key == "password" {
		lines = append(lines, "username=u\npassword=p\n")
	}
	start := "[supervisord]\n"
	switch key {
	case "depends_on":
		start += "[program:db]\ncommand=c\ndepends_on=\n[program:cache]\ncommand=c\ndepends_on=\n"
	case "watchdog":
		lines = append(lines, "ready=notify\n")
	}
	return start + strings.Join(lines, "") + key + "=" + value + "\n"
}

// eachKey calls f for each kind of section and each key of it that is read here.
func eachKey(t *testing.T, f func(t *testing.T, kind, base string, k *Key)) {
	t.Helper()
	for i, kind := range sectionKinds() {
		base, ok := minimal()[kind]
		for j := range keys() {
			if k := &keys()[j]; ok && k.In&(1<<i) != 0 {
				t.Run(kind+k.Name, func(t *testing.T) { f(t, kind, base, k) })
			}
		}
	}
}

func TestKeyTable(t *testing.T) {
	for i := range keys() {
		k := &keys()[i]
		if k.Text == "" || strings.HasSuffix(k.Text, ".") || strings.Contains(k.Text, "\n") {
			t.Errorf("%s: its text is %q", k.Name, k.Text)
		}
		if k.Example == "" || k.Name != strings.ToLower(k.Name) || k.Type() == "" {
			t.Errorf("%s: example %q, type %q", k.Name, k.Example, k.Type())
		}
		if !regexp.MustCompile(`^(ours|[34]\.\d(\.\d)?)$`).MatchString(k.Since) {
			t.Errorf("%s: since %q", k.Name, k.Since)
		}
		if k.Default != "" && k.Unset != "" {
			t.Errorf("%s has two defaults", k.Name)
		}
		for j := range i {
			if o := &keys()[j]; o.Name == k.Name && o.In&k.In != 0 {
				t.Errorf("%s has two rows for one section", k.Name)
			}
		}
	}
	for _, f := range foreignKeys() {
		for _, name := range f.names {
			if k := keyOf(f.in, name); k != nil && k.In&f.in != 0 {
				t.Errorf("%s is called a foreign key, but is one of ours", name)
			}
		}
	}
}

// TestKeyExamples reads the example of each key.
func TestKeyExamples(t *testing.T) {
	eachKey(t, func(t *testing.T, kind, base string, k *Key) {
		example := onThisMachine(k.Example)
		if k.Name == "user" {
			example = "root"
		}
		if k.Name == "programs" {
			example = "y"
		}
		if k.Name == "depends_on" {
			example = k.Example
		}
		readTest(t, with(base, k.Name, example))
	})
}

// TestKeyDefaults states each default, which must change nothing.
func TestKeyDefaults(t *testing.T) {
	eachKey(t, func(t *testing.T, kind, base string, k *Key) {
		if k.Default == "" || strings.Contains(base, k.Name+"=") {
			return // it has no default, or has to be there
		}
		t.Chdir(t.TempDir()) // one directory for both: paths are absolute
		without, err := readHere("[supervisord]\n" + base)
		if err != nil {
			t.Fatal(err)
		}
		stated, err := readHere(with(base, k.Name, k.Default))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(without, stated) {
			t.Errorf("%s is not the default", k.Default)
		}
	})
}

// other is a value of a key that is not what holds without it.
func other(k *Key) string {
	switch k.Name {
	case "user":
		return "root"
	case "programs":
		return "y"
	case "numprocs":
		return "3" // which a group without processes would not show
	case "directory", "childlogdir":
		return "/"
	case "events":
		return "TICK_5"
	case "result_handler":
		return stdoutResultHandler
	case "process_name":
		return "other%(process_num)d"
	case "umask", "chmod", "socket_mode":
		return "0111"
	case "stop_sequence", "nice", "ioprio", "capabilities":
		return k.Example
	case "environment_file":
		return "/tmp/other"
	case "depends_on", "restart_limit", "watchdog", "health_http", "health_tcp":
		return k.Example
	case "ready":
		return "notify"
	case "exit_on", "exit_status":
		return map[string]string{"exit_on": "fatal", "exit_status": "0"}[k.Name]
	case "health_action":
		return "none"
	case "log_format":
		return "json"
	}
	if k.Example != k.Default && k.Unset == "" && !k.Required() {
		return onThisMachine(k.Example)
	}
	switch k.Type() {
	case boolKind.name:
		if k.Default == "true" {
			return "false"
		}
		return "true"
	case levelKind.name:
		return "blather"
	case restartKind.name:
		return "true"
	case partKind.name:
		return "7%"
	case logPathKind, pathKind:
		return "/tmp/other"
	case ownerKind:
		return "0:0"
	case pairsKind:
		return "OTHER=1"
	case socketKind:
		return "unix:///tmp/other"
	case textKind.name:
		return "other"
	}
	return "77"
}

// TestKeyEffects gives each key another value: the configuration has to show it, and so
// has the comparison by a reread, if the key is one of a group.
func TestKeyEffects(t *testing.T) {
	eachKey(t, func(t *testing.T, kind, base string, k *Key) {
		if kind == "eventlistener:" && k.Name == "redirect_stderr" {
			return // it has only one value
		}
		t.Chdir(t.TempDir())
		before, err := readHere("[supervisord]\n" + base)
		if err != nil {
			t.Fatal(err)
		}
		if k.Name == "username" || k.Name == "password" { // they come together
			if before, err = readHere("[supervisord]\n" + base + "username=u\npassword=p\n"); err != nil {
				t.Fatal(err)
			}
		}
		after, err := readHere(with(base, k.Name, other(k)))
		if err != nil {
			t.Fatal(err)
		}
		if reflect.DeepEqual(before, after) {
			t.Errorf("%s=%s has no effect", k.Name, other(k))
		}
		if len(before.Groups) == 0 {
			return
		}
		a, b := before.ByName()["x"], after.ByName()["x"]
		if a.Equal(b) {
			t.Errorf("a reread does not see %s=%s", k.Name, other(k))
		}
	})
}

// TestPolicyDefaults: what the table has for a program that says nothing is what the packages
// that act on it call their default.
func TestPolicyDefaults(t *testing.T) {
	p := readTest(t, "[supervisord]\n[program:x]\ncommand=c\n").Groups[0].Programs[0]
	if want := backoff.Default(); p.Restart != want {
		t.Errorf("restarts: %+v, want %+v", p.Restart, want)
	}
	h := health.Policy{Interval: p.Health.Interval, Timeout: p.Health.Timeout, Retries: p.Health.Retries, Grace: p.Health.Grace}
	if want := health.Default(); h != want {
		t.Errorf("health: %+v, want %+v", h, want)
	}
}

// TestAdditionsDocument: ADDITIONS.md has each key of ours, and no other.
func TestAdditionsDocument(t *testing.T) {
	data, err := os.ReadFile("../ADDITIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?[^\\]) \|`).FindAllStringSubmatch(string(data), -1) {
		for _, m := range regexp.MustCompile("(?:`|\\] )([a-z_]+)=").FindAllStringSubmatch(row[1], -1) {
			written[m[1]] = true
		}
	}
	ours := map[string]bool{}
	for i := range keys() {
		k := &keys()[i]
		if k.Since != Ours {
			continue
		}
		ours[k.Name] = true
		if !written[k.Name] && !strings.HasPrefix(k.Name, "rlimit_") { // of these one stands for all
			t.Errorf("%s is not there", k.Name)
		}
	}
	for name := range written {
		if !ours[name] {
			t.Errorf("%s is there, but is no key of ours", name)
		}
	}
}

// TestCtlKeys: supervisorctl reads the keys that the table has for it, with these defaults.
func TestCtlKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	read := func(text string) ctl.Settings {
		if err := os.WriteFile("s.conf", []byte("[supervisorctl]\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		settings, err := ctl.ReadSettings("s.conf", nil)
		if err != nil {
			t.Fatal(err)
		}
		return settings
	}
	unset := read("")
	for _, name := range keyNames(InCtl) {
		k := keyOf(InCtl, name)
		if read(name+"="+k.Example+"\n") == unset {
			t.Errorf("supervisorctl does not read %s", name)
		}
		if k.Default != "" && read(name+"="+k.Default+"\n") != unset {
			t.Errorf("%s is not the default of %s", k.Default, name)
		}
	}
}
