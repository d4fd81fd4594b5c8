package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestEqual(t *testing.T) {
	const program = "[program:x]\ncommand=c\n"
	const fcgi = "[fcgi-program:f]\ncommand=c\nsocket=unix:///tmp/f.sock\n"
	const listener = "[eventlistener:e]\ncommand=c\nevents=EVENT\n"
	tests := []struct {
		name, before, after string
		want                bool
	}{
		{"nothing", program, program, true},
		{"a default that is stated", program, program + "priority=999\nnumprocs=1\nexitcodes=0\n", true},
		{"an unknown key", program, program + "colour=red\n", true},
		{"blanks in a command", program, "[program:x]\ncommand=c  a\n", false},
		{"priority", program, program + "priority=1\n", false},
		{"umask that is the same in effect", program, program + "umask=022\n", false},
		{"user", program, program + "user=root\n", false},
		{"user by number", program + "user=root\n", program + "user=0\n", true},
		{"environment", program, program + "environment=A=1\n", false},
		{"environment of the daemon", program, program + "[supervisord]\nenvironment=A=1\n", false},
		{"other settings of the daemon", program, program + "[supervisord]\nidentifier=x\n", true},
		{"server", program, program + "[inet_http_server]\nport=1\n", true},
		{"server URL", program, program + "serverurl=\n", false},
		{"AUTO becomes a path", program, program + "stdout_logfile=/tmp/x\n", false},
		{"AUTO becomes none", program, program + "stdout_logfile=NONE\n", false},
		{"a path becomes AUTO", program + "stdout_logfile=/tmp/x\n", program, true},
		{"a path becomes AUTO and the size changes", program + "stdout_logfile=/tmp/x\n", program + "stdout_logfile_maxbytes=1\n", false},
		{"group priority", program + "[group:g]\nprograms=x\n", program + "[group:g]\nprograms=x\npriority=1\n", false},
		{"order of members", program + "[program:y]\ncommand=c\n[group:g]\nprograms=x,y\n", program + "[program:y]\ncommand=c\n[group:g]\nprograms=y,x\n", false},
		{"socket mode", fcgi, fcgi + "socket_mode=0600\n", false},
		{"socket backlog", fcgi, fcgi + "socket_backlog=3\n", false},
		{"socket owner", fcgi, fcgi + "socket_owner=0:0\n", false},
		{"the same socket", fcgi, fcgi + "socket_mode=0700\n", true},
		{"buffer", listener, listener + "buffer_size=11\n", false},
		{"events", listener, listener + "events=TICK_5\n", false},
		{"order of events", listener + "events=TICK_5,TICK_60\n", listener + "events=tick_60,TICK_5\n", true},
		{"kind", "[program:x]\ncommand=c\npriority=999\n", "[eventlistener:x]\ncommand=c\nevents=EVENT\npriority=999\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := readTest(t, "[supervisord]\n"+test.before).Groups[0]
			after := readTest(t, "[supervisord]\n"+test.after).Groups[0]
			if got := before.Equal(after); got != test.want {
				t.Errorf("Equal = %t, want %t", got, test.want)
			}
		})
	}
}

// TestEqualSeesEverySetting changes each field of a Program in turn.
func TestEqualSeesEverySetting(t *testing.T) {
	// What follows from other settings, or is where a setting was read.
	const derived = "ServerURL"
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Program]()) {
		if field.Anonymous {
			continue // its own fields follow
		}
		before, after := &Program{ServerURLAuto: true}, &Program{ServerURLAuto: true}
		change(t, reflect.ValueOf(after).Elem().FieldByIndex(field.Index))
		if before.equal(after) != (field.Name == derived) {
			t.Errorf("%s: equal = %t", field.Name, before.equal(after))
		}
	}
}

// change makes v another value than zero.
func change(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("changed")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"changed": ""}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		change(t, v.Field(0))
	case reflect.Array:
		change(t, v.Index(0).Field(0))
	default:
		t.Fatalf("do not know how to change a %s", v.Type())
	}
}

func TestResized(t *testing.T) {
	numbered := func(rest string) string {
		return "[program:x]\ncommand=c\nprocess_name=%(process_num)d\n" + rest + "\n"
	}
	const inGroup = "[program:y]\ncommand=c\n[program:z]\ncommand=c\n[group:g]\nprograms=x,y\n"
	tests := []struct {
		name, before, after string
		want                string // added/removed, empty if the groups differ otherwise
	}{
		{"more", numbered("numprocs=2"), numbered("numprocs=4"), "2 3/"},
		{"fewer", numbered("numprocs=3"), numbered("numprocs=1"), "/1 2"},
		{"others", numbered("numprocs=2"), numbered("numprocs=2\nnumprocs_start=1"), "2/0"},
		{"the same", numbered("numprocs=2"), numbered("numprocs=2"), ""},
		{"nothing in common", numbered("numprocs=1"), numbered("numprocs_start=5"), ""},
		{"from none", numbered("numprocs=0"), numbered("numprocs=1"), ""},
		{"another setting too", numbered("numprocs=2"), numbered("numprocs=3\nstartsecs=5"), ""},
		{"processes that know how many they are", numbered("command=%(numprocs)d\nnumprocs=2"), numbered("command=%(numprocs)d\nnumprocs=3"), ""},
		{"in a group", numbered("numprocs=1") + inGroup, numbered("numprocs=2") + inGroup, "1/"},
		{"another member", numbered("") + inGroup, numbered("") + strings.Replace(inGroup, "x,y", "x,y,z", 1), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := readTest(t, "[supervisord]\n"+test.before).Groups[0]
			after := readTest(t, "[supervisord]\n"+test.after).Groups[0]
			added, removed, ok := before.Resized(after)
			got := processNames(added) + "/" + processNames(removed)
			if !ok {
				got = ""
			}
			if got != test.want {
				t.Errorf("Resized = %q, want %q", got, test.want)
			}
		})
	}
}

func processNames(programs []*Program) string {
	var names []string
	for _, p := range programs {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
