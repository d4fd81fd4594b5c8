package inifile

import (
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	names := Names{}.WithEnvironment(map[string]string{"X": `"a,b",C=d`, "a": "1", "_": "2", "Z": "%(here)s"}).
		With("here", "/w").With("program_name", "web").WithInt("process_num", 9)
	for _, test := range []struct{ value, want string }{
		{"nothing", "nothing"},
		{"100%%", "100%"},
		{"%(here)s/x", "/w/x"},
		{"%%(here)s", "%(here)s"},
		{"%(here)10s|%(here)-4s|%(here).1s", "        /w|/w  |/"},
		{"A=%(ENV_X)s", `A="a,b",C=d`},
		{"%(ENV_Z)s", "%(here)s"}, // once only
		{"%(program_name)s_%(process_num)02d", "web_09"},
		{"%(process_num)d%(process_num)i%(process_num)u%(process_num)s%(process_num)r", "99999"},
		{"%(process_num)#o|%(process_num)#x|%(process_num)#05X|%(process_num)+d|%(process_num) d|%(process_num).3d", "0o11|0x9|0X009|+9| 9|009"},
		{"%(process_num)e|%(process_num)f|%(process_num)g|%(process_num)07.2f", "9.000000e+00|9.000000|9|0009.00"},
		{"%(process_num)c|%(ENV_a)c", "\t|1"},
		{"%(here)r %(here)a", "'/w' '/w'"},
		{"%(here)hs%(here)ls%(here)Ls", "/w/w/w"},
	} {
		got, err := Expand(test.value, "l", names)
		if err != nil || got != test.want {
			t.Errorf("%s:\n got %q, %v\nwant %q", test.value, got, err, test.want)
		}
	}
}

func TestExpandErrors(t *testing.T) {
	names := Names{}.WithEnvironment(map[string]string{"a": "1", "_": "2", "Z": "3"}).With("here", "/w").WithInt("n", 1)
	for _, test := range []struct{ value, want string }{
		{"date +%Y", "unsupported format character 'Y' (0x59) at index 7"},
		{"é%日", "unsupported format character '?' (0x65e5) at index 2"},
		{"date 100% done", "%d format: a real number is required, not dict"},
		{"date 100%", "incomplete format"},
		{"/tmp/100%.log", "%o format: an integer is required, not dict"},
		{"p%w", "unsupported format character 'w' (0x77) at index 2"},
		{"%/w", "unsupported format character '/' (0x2f) at index 1"},
		{"%(here)d", "%d format: a real number is required, not str"},
		{"%(here)x", "%x format: an integer is required, not str"},
		{"%(here)f", "must be real number, not str"},
		{"%(here)c", "%c requires int or char"},
		{"%c", "%c requires int or char"},
		{"%*d", "* wants int"},
		{"echo %s", "a name in parentheses is missing, as in %(here)s"},
		{"%r", "a name in parentheses is missing, as in %(here)s"},
		{"%(n)*d", "not enough arguments for format string"},
		{"%(here)s %s", "not enough arguments for format string"},
		{"%(here)%", "unsupported format character '%' (0x25) at index 7"},
		{"%5%", "unsupported format character '%' (0x25) at index 2"},
		{"%-%", "unsupported format character '%' (0x25) at index 2"},
		{"%(here)", "incomplete format"},
		{"%(here", "incomplete format key"},
		{"%(a(here)s", "incomplete format key"},
		{"%(n)99999999999999999999d", "width too big"},
		{"%(n).99999999999999999999d", "precision too big"},
	} {
		_, err := Expand(test.value, "program:x.command", names)
		want := "Format string " + PythonRepr(test.value) + " for 'program:x.command' is badly formatted: " + test.want
		if err == nil || err.Error() != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
	}
	_, err := Expand("%(here)s %(it's)s %(other)s", "command", names)
	const want = `Format string "%(here)s %(it's)s %(other)s" for 'command' contains names ("it's") which cannot be expanded. ` +
		"Available names: ENV_Z, ENV__, ENV_a, here, n"
	if err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

// TestNames: what is added last hides the rest, and only in what was returned.
func TestNames(t *testing.T) {
	low := Names{}.WithEnvironment(map[string]string{"HOME": "/root", "A": "1"}).With("x", "old")
	high := low.WithEnvironment(map[string]string{"HOME": "5"}).With("x", "new").WithInt("y", -1).WithEnvironment(nil)
	for _, test := range []struct {
		names       Names
		value, want string
	}{
		{low, "%(ENV_HOME)s %(ENV_A)s %(x)s", "/root 1 old"},
		{high, "%(ENV_HOME)s %(ENV_A)s %(x)s %(y)d", "5 1 new -1"},
	} {
		if got, err := Expand(test.value, "", test.names); err != nil || got != test.want {
			t.Errorf("%s is %q, %v, want %q", test.value, got, err, test.want)
		}
	}
	if got, want := high.All(), []string{"ENV_A", "ENV_HOME", "x", "y"}; !slices.Equal(got, want) {
		t.Errorf("all names: %q, want %q", got, want)
	}
	if got := (Names{}).All(); len(got) != 0 {
		t.Errorf("no names: %q", got)
	}
}

func BenchmarkExpand(b *testing.B) {
	names := Names{}.WithEnvironment(map[string]string{"HOME": "/root"}).With("here", "/etc").With("host_node_name", "h").
		With("program_name", "web").With("group_name", "web").WithInt("process_num", 3).WithInt("numprocs", 10)
	for _, bench := range []struct{ name, value string }{
		{"plain", "/var/log/web.log"},
		{"names", "%(here)s/%(program_name)s_%(process_num)02d.log %(ENV_HOME)s"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Expand(bench.value, "stdout_logfile", names); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestExpandIsQuick: neither width nor nesting makes a short value expensive.
func TestExpandIsQuick(t *testing.T) {
	names := Names{}.With("x", "y")
	if _, err := Expand("%(x)"+strings.Repeat("9", 100)+"s", "", names); err == nil {
		t.Error("an enormous width is accepted")
	}
	if _, err := Expand(strings.Repeat("%(", 100000), "", names); err == nil {
		t.Error("open parentheses are accepted")
	}
}
