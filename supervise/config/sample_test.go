package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"supervisor/inifile"
)

// uncommented is the sample with the lines switched on that can be: those that
// are a section or a setting.
func uncommented() string {
	return regexp.MustCompile(`(?m)^;(\[|[a-z_.]+ ?=)`).ReplaceAllString(Sample(), "$1")
}

// onThisMachine replaces in the sample what only exists elsewhere.
func onThisMachine(sample string) string {
	return strings.NewReplacer(
		"user=supervisord", "user=root     ", "user=chrism", "user=root  ", "nobody:nogroup", "0:0", "/a/path", "/tmp/sample.log",
		"progname1,progname2", "theprogramname,thefcgiprogramname",
		"db:ready, cache", "thefcgiprogramname", "ready=startsecs ", "ready=notify    ",
		"\nhealth_http=", "\n;health_http=", "\nhealth_tcp=", "\n;health_tcp=", // only one of three can be
	).Replace(sample)
}

func TestSampleIsValid(t *testing.T) {
	c := readTest(t, Sample())
	if len(c.Groups) > 0 || len(c.Servers) != 1 || len(c.Notes) > 0 || !slices.Equal(c.RPCNamespaces, []string{"supervisor"}) {
		t.Errorf("got %+v", c)
	}
	lines := strings.SplitAfter(Sample(), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, ";") || strings.HasPrefix(line, "; ") || line == ";\n" {
			continue
		}
		one := slices.Clone(lines)
		one[i] = line[1:]
		if _, err := inifile.Parse("sample.conf", []byte(strings.Join(one, ""))); err != nil {
			t.Errorf("with %s: %v", line, err)
		}
	}
}

// TestSampleIsComplete: there is a line for each key of the table.
func TestSampleIsComplete(t *testing.T) {
	for i := range keys() {
		if k := &keys()[i]; !regexp.MustCompile(`(?m)^;?` + regexp.QuoteMeta(k.Name) + ` ?=`).MatchString(Sample()) {
			t.Errorf("%s is missing", k.Name)
		}
	}
}

// TestSampleOfListeners: the text says which keys of [program:x] a listener cannot have.
func TestSampleOfListeners(t *testing.T) {
	_, text, _ := strings.Cut(Sample(), "\n; A program that listens to events")
	text, _, _ = strings.Cut(text, "\n;[")
	_, without, _ := strings.Cut(text, "but for")
	for i := range keys() {
		k := &keys()[i]
		kind, _, _ := strings.Cut(k.Name, "_")
		if k.In&InProgram == 0 || keyOf(InListener, k.Name) != nil || strings.Contains(without, kind+"_...") || strings.Contains(without, k.Name) {
			continue
		}
		t.Errorf("nothing is said of %s", k.Name)
	}
}

// TestSampleSwitchedOn reads the sample with every line in force, and looks
// whether the program reads every key that it mentions.
func TestSampleSwitchedOn(t *testing.T) {
	writeConfig(t, onThisMachine(uncommented()))
	r := read("s.conf", Overrides{}, testEnv())
	for _, err := range r.errs {
		t.Error(err)
	}
	if len(r.config.Groups) != 2 || len(r.config.Servers) != 2 {
		t.Errorf("got %d groups and %d servers", len(r.config.Groups), len(r.config.Servers))
	}
	for _, section := range r.file.Sections() {
		switch section.Name() {
		case "supervisorctl", "ctlplugin:thepluginname": // read by supervisorctl
		default:
			if unread := section.Unread(); len(unread) > 0 {
				t.Errorf("nobody reads %q of [%s]", unread, section.Name())
			}
		}
	}
}

// TestSampleDefaults states each default of the sample in the place that the
// sample leaves it unstated, which must change nothing.
func TestSampleDefaults(t *testing.T) {
	minimal := map[string]string{
		"unix_http_server": "[unix_http_server]\nfile=/tmp/s\n",
		"supervisord":      "",
		"program:":         "[program:x]\ncommand=c\n",
		"eventlistener:":   "[eventlistener:x]\ncommand=c\nevents=EVENT\n",
		"fcgi-program:":    "[fcgi-program:x]\ncommand=c\nsocket=unix:///tmp/s\n",
		"group:":           "[group:x]\n",
	}
	kind, tried := "", 0
	setting := regexp.MustCompile(`^;?([a-z_]+) ?=.*\(default ([^ ]+)\)$`)
	for line := range strings.Lines(Sample()) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(strings.TrimPrefix(line, ";"), "["); ok {
			name, _, _ = strings.Cut(name, "]")
			kind = sectionKind(name)
			continue
		}
		match := setting.FindStringSubmatch(line)
		base, known := minimal[kind]
		if match == nil || !known {
			continue
		}
		tried++
		if kind == "supervisord" {
			base = "[supervisord]\n"
		} else {
			base = "[supervisord]\n" + base
		}
		// One directory for both: paths are absolute.
		writeConfig(t, base)
		without, err := Read("s.conf", Overrides{}, testEnv())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("s.conf", []byte(base+match[1]+"="+match[2]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		with, err := Read("s.conf", Overrides{}, testEnv())
		if err != nil {
			t.Errorf("[%s] %s=%s: %v", kind, match[1], match[2], err)
			continue
		}
		if !reflect.DeepEqual(without, with) {
			t.Errorf("[%s] %s=%s is not the default:\n%+v\n%+v", kind, match[1], match[2], without, with)
		}
	}
	if tried < 60 {
		t.Errorf("only %d defaults found in the sample", tried)
	}
}

// TestSampleOrder looks for Supervisor's own entries, whose order tools rely on.
func TestSampleOrder(t *testing.T) {
	const want = "file= ;chmod= ;chown= ;username= ;password= ;port= ;username= ;password= " +
		"logfile= logfile_maxbytes= logfile_backups= loglevel= pidfile= nodaemon= silent= minfds= minprocs= " +
		";umask= ;user= ;identifier= ;directory= ;nocleanup= ;childlogdir= ;environment= ;strip_ansi= " +
		"supervisor.rpcinterface_factory= serverurl= ;serverurl= ;username= ;password= ;prompt= ;history_file= " +
		";command= ;process_name= ;numprocs= ;directory= ;umask= ;priority= ;autostart= ;startsecs= ;startretries= " +
		";autorestart= ;exitcodes= ;stopsignal= ;stopwaitsecs= ;stopasgroup= ;killasgroup= ;user= ;redirect_stderr= " +
		";stdout_logfile= ;stdout_logfile_maxbytes= ;stdout_logfile_backups= ;stdout_capture_maxbytes= ;stdout_events_enabled= ;stdout_syslog= " +
		";stderr_logfile= ;stderr_logfile_maxbytes= ;stderr_logfile_backups= ;stderr_capture_maxbytes= ;stderr_events_enabled= ;stderr_syslog= " +
		";environment= ;serverurl= " +
		";command= ;process_name= ;numprocs= ;events= ;buffer_size= ;directory= ;umask= ;priority= ;autostart= ;startsecs= ;startretries= " +
		";autorestart= ;exitcodes= ;stopsignal= ;stopwaitsecs= ;stopasgroup= ;killasgroup= ;user= ;redirect_stderr= " +
		";stdout_logfile= ;stdout_logfile_maxbytes= ;stdout_logfile_backups= ;stdout_events_enabled= ;stdout_syslog= " +
		";stderr_logfile= ;stderr_logfile_maxbytes= ;stderr_logfile_backups= ;stderr_events_enabled= ;stderr_syslog= " +
		";environment= ;serverurl= ;programs= ;priority= ;files="
	rest := strings.Fields(want)
	for _, entry := range regexp.MustCompile(`(?m)^;?[a-z_.]+ ?=`).FindAllString(Sample(), -1) {
		if len(rest) > 0 && strings.ReplaceAll(entry, " ", "") == rest[0] {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Errorf("missing, or not in this order: %q", rest)
	}
}
