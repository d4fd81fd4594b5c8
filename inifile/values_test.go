package inifile

import (
	"errors"
	"fmt"
	"math"
	"os/user"
	"strings"
	"syscall"
	"testing"
	"time"
)

// conversion is one row: the text, and what it becomes, or "error: …".
type conversion struct{ text, want string }

func checkConversions[T any](t *testing.T, parse func(string) (T, error), rows []conversion) {
	t.Helper()
	for _, row := range rows {
		v, err := parse(row.text)
		got := fmt.Sprint(v)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != row.want {
			t.Errorf("%q is %s, want %s", row.text, got, row.want)
		}
	}
}

func invalidInt(repr string) string { return "error: invalid literal for int() with base 10: " + repr }

func TestParseInt(t *testing.T) {
	checkConversions(t, ParseInt, []conversion{
		{"5", "5"}, {"1_000", "1000"}, {"+5", "5"}, {"-5", "-5"}, {"05", "5"}, {"٣", "3"}, {" 7\n", "7"},
		{"0x10", invalidInt("'0x10'")}, {"5s", invalidInt("'5s'")}, {"1.5", invalidInt("'1.5'")}, {"", invalidInt("''")},
		{"it's", invalidInt(`"it's"`)}, {strings.Repeat("x", 300), invalidInt("'" + strings.Repeat("x", 199))},
		{"99999999999999999999", fmt.Sprint(math.MaxInt)}, {"-99999999999999999999", fmt.Sprint(-math.MaxInt)},
	})
}

func TestParseBool(t *testing.T) {
	checkConversions(t, ParseBool, []conversion{
		{"yes", "true"}, {"TRUE", "true"}, {"On", "true"}, {"1", "true"},
		{"no", "false"}, {"False", "false"}, {"oFF", "false"}, {"0", "false"},
		{"t", "error: not a valid boolean value: 't'"}, {"", "error: not a valid boolean value: ''"},
		{"Maybe", "error: not a valid boolean value: 'Maybe'"},
		{"true\n[program:x]", `error: not a valid boolean value: 'true\n[program:x]'`},
	})
}

func TestParseBytes(t *testing.T) {
	checkConversions(t, ParseBytes, []conversion{
		{"0", "0"}, {"50MB", "52428800"}, {"1 MB", "1048576"}, {"2kb", "2048"}, {"1Gb", "1073741824"}, {"-1KB", "-1024"},
		{"10K", invalidInt("'10k'")}, {"1.5MB", invalidInt("'1.5'")}, {"1TB", invalidInt("'1tb'")}, {"KB", invalidInt("''")},
		{"99999999999GB", fmt.Sprint(int64(math.MaxInt64))}, {"-99999999999GB", fmt.Sprint(int64(math.MinInt64))},
	})
}

func TestParseOctal(t *testing.T) {
	checkConversions(t, ParseOctal, []conversion{
		{"022", "18"}, {"0o22", "18"}, {"0O2_2", "18"}, {"-1", "-1"}, {"7777777", "2097151"},
		{"8", "error: 8 can not be converted to an octal type"}, {"", "error:  can not be converted to an octal type"},
	})
}

func TestParseSignal(t *testing.T) {
	number := func(text string) (int, error) { s, err := ParseSignal(text); return int(s), err }
	checkConversions(t, number, []conversion{
		{"TERM", "15"}, {"sigterm", "15"}, {" term", "15"}, {"9", "9"}, {"0", "0"}, {"31", "31"}, {"SIGUSR1", fmt.Sprint(int(syscall.SIGUSR1))},
		{"RTMIN+1", "error: value 'RTMIN+1' is not a valid signal name"}, {"", "error: value '' is not a valid signal name"},
		{"Sig term", "error: value 'Sig term' is not a valid signal name"},
		{"35", "error: value '35' is not a valid signal number"}, {"-1", "error: value '-1' is not a valid signal number"},
	})
	for _, s := range signals {
		for _, text := range []string{s.name, "sig" + strings.ToLower(s.name), fmt.Sprint(int(s.number))} {
			if got, err := ParseSignal(text); err != nil || got != s.number {
				t.Errorf("%s is %d, %v", text, got, err)
			}
		}
	}
}

func TestParseExitCodes(t *testing.T) {
	checkConversions(t, ParseExitCodes, []conversion{
		{"", "[]"}, {"0", "[0]"}, {"0, 2 ,2", "[0 2 2]"}, {"255", "[255]"},
		{"0,", "error: not a valid list of exit codes: '0,'"}, {"256", "error: not a valid list of exit codes: '256'"},
		{"-1", "error: not a valid list of exit codes: '-1'"}, {" ", "error: not a valid list of exit codes: ' '"},
	})
}

func TestParseList(t *testing.T) {
	quoted := func(text string) (string, error) { return fmt.Sprintf("%q", ParseList(text)), nil }
	checkConversions(t, quoted, []conversion{
		{"", `[]`}, {"a", `["a"]`}, {" a ,\nb", `["a" "b"]`}, {"a,", `["a" ""]`}, {"a\n b", `["a\n b"]`}, {" ", `[""]`},
	})
}

func TestParseInetAddress(t *testing.T) {
	both := func(text string) (string, error) {
		host, port, err := ParseInetAddress(text)
		return fmt.Sprintf("%s %d", host, port), err
	}
	checkConversions(t, both, []conversion{
		{"9001", " 9001"}, {"*:9001", " 9001"}, {":9001", " 9001"}, {"LocalHost:1", "localhost 1"}, {"[::1]:9001", "[::1] 9001"},
		{"*", "error: not a valid port number: '*' "}, {"0", "error: not a valid port number: '0' "},
		{"65536", "error: not a valid port number: '65536' "}, {"host:", "error: no port number specified in ''"},
		{"h:0", "error: 0 is below lower bound (1)"}, {"h:65536", "error: 65536 is above upper bound (65535)"},
		{"h:x", invalidInt("'x'")},
	})
}

func TestParseUser(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	uid := func(text string) (string, error) {
		account, err := ParseUser(text)
		if err != nil {
			return "", err
		}
		return account.Uid, nil
	}
	checkConversions(t, uid, []conversion{
		{me.Uid, me.Uid}, {" 0" + me.Uid, me.Uid}, {me.Username, me.Uid},
		{"no-such:user", "error: Invalid user name no-such:user"}, {"+0987654321", "error: Invalid user id +0987654321"},
	})
	both := func(text string) (string, error) {
		uid, gid, err := ParseUserGroup(text)
		return fmt.Sprint(uid, " ", gid), err
	}
	checkConversions(t, both, []conversion{
		{me.Username, me.Uid + " -1"}, {me.Username + ":" + me.Gid, me.Uid + " " + me.Gid},
		{"no-such", "error: Invalid user name no-such"}, {me.Uid + ":no-such", "error: Invalid group name no-such"},
		{me.Uid + ":987654321", "error: Invalid group id 987654321"},
	})
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]bool{
		"http://localhost:9001": true, "unix:///a": true, "localhost:9001": true, "foo:bar": true, "a+.-1:x": true, " http://x": true,
		"http:": false, "foo": false, "//x": false, "127.0.0.1:9001": false, "http://": false, "http://?q": false, "a:#x": false, "é:x": false, "": false,
	} {
		_, err := ParseURL(text)
		if err == nil != want {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && err.Error() != "value "+PythonRepr(text)+" is not a URL" {
			t.Errorf("%q: %v", text, err)
		}
	}
	const ipv6 = "error: Invalid IPv6 URL"
	checkConversions(t, ParseURL, []conversion{
		{"http://[::1]:9001", "http://[::1]:9001"}, {"http://u@[::1]/x", "http://u@[::1]/x"}, {"http://[::1]", "http://[::1]"},
		{"http://[fe80::1%eth0]:1", "http://[fe80::1%eth0]:1"}, {"foo:/[x", "foo:/[x"}, {"http:[", "http:["}, {"http://a/[", "http://a/["}, {"http://a?]", "http://a?]"},
		{"http://[::1", ipv6}, {"http://::1]:80", ipv6}, {"http://x@[::1", ipv6}, {"unix://[x", ipv6}, {"foo://]/", ipv6},
		{"http://a[::1]b:1", ipv6}, {"http://[::1]x:1", ipv6},
		{"http://[x]:80", "error: 'x' does not appear to be an IPv4 or IPv6 address"},
		{"http://[1.2.3.4]", "error: An IPv4 address cannot be in brackets"},
	})
}

func TestPaths(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home+"/")
	t.Chdir(home)
	write(t, home+"/d/f", "")
	checkConversions(t, ExistingDirectory, []conversion{
		{"d", "d"}, {"~/d", home + "/d"}, {"~", home}, {"~/nope", "error: ~/nope is not an existing directory"},
		{"d/f", "error: d/f is not an existing directory"}, {"", "error:  is not an existing directory"},
		{"~no-such-user/d", "error: ~no-such-user/d is not an existing directory"},
	})
	const gone = "error: The directory named as part of the path "
	checkConversions(t, ExistingDirpath, []conversion{
		{"", ""}, {"x.log", "x.log"}, {"d/x.log", "d/x.log"}, {"~/x.log", home + "/x.log"}, {"/x.log", "/x.log"}, {"//x.log", "//x.log"},
		{"~/nope/x.log", gone + "~/nope/x.log does not exist"}, {"d/f/x", gone + "d/f/x does not exist"},
	})
	t.Setenv("HOME", "/")
	checkConversions(t, func(path string) (string, error) { return ExpandUser(path), nil },
		[]conversion{{"~", "/"}, {"~/x", "/x"}, {"a~", "a~"}, {"", ""}})
	checkConversions(t, AbsPath, []conversion{
		{"/a//b/../c/./", "/a/c"}, {"//a/b", "//a/b"}, {"///a", "/a"}, {"/../..", "/"}, {"/", "/"},
	})
}

func TestReader(t *testing.T) {
	f := parse(t, "[DEFAULT]\nd=%(x)s\n[program:x]\nok=%(x)s\nint=x\nsecs=99999999999999\nneg=-3\nbad=%(y)s\nempty=\nenvironment=A=%(z)s\nkv=A=\"%(x)s\"\nsig=KILL\nlist=a,b\ncodes=1,2\nyes=yes\nsize=1KB\nmask=27\n")
	r := f.Section("program:x").Reader(Names{}.With("x", "7"), " in section 'program:x'")
	type readings struct {
		String, Default, Raw, Missing, Empty string
		Int, FromDefault, Octal              int
		Bool                                 bool
		Size, Secs, Neg                      string
		List, Codes, KV, Signal              string
	}
	got := readings{
		String: r.String("ok", ""), Default: r.String("none", "%(x)s"), Raw: r.Raw("ok", ""), Missing: r.Raw("none", "m"),
		Empty: r.String("empty", "default"), Int: r.Int("none", 3), FromDefault: r.Int("d", 0), Octal: Convert(r, "mask", 0, ParseOctal),
		Bool: r.Bool("yes", false), Size: fmt.Sprint(Convert(r, "size", 0, ParseBytes)), Secs: fmt.Sprint(Convert(r, "secs", time.Second, ParseSeconds) > 1<<62),
		Neg: Convert(r, "neg", time.Second, ParseSeconds).String(), List: fmt.Sprint(r.List("list"), r.List("none") == nil),
		Codes: fmt.Sprint(Convert(r, "codes", nil, ParseExitCodes), Convert(r, "none", []int{0}, ParseExitCodes)), KV: fmt.Sprint(r.KeyValues("kv")),
		Signal: Convert(r, "sig", 0, ParseSignal).String(),
	}
	want := readings{
		String: "7", Default: "%(x)s", Raw: "%(x)s", Missing: "m", Empty: "", Int: 3, FromDefault: 7, Octal: 23, Bool: true, Size: "1024",
		Secs: "true", Neg: "-3s", List: "[a b] true", Codes: "[1 2] [0]", KV: "map[A:7]", Signal: "killed",
	}
	if got != want {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}

	other := r.With(Names{})
	if n := r.Int("int", 12); n != 12 {
		t.Errorf("a wrong number is %d, not the default", n)
	}
	other.String("bad", "")
	other.KeyValues("environment")
	other.Expand("process_name", "%(p)s")
	r.Required("none", "section [program:x] has no none")
	r.Fail("ok", errors.New("own rule"))
	const cannot = " which cannot be expanded. Available names:  in section 'program:x'"
	wants := []struct {
		text string
		line int
	}{
		{"invalid literal for int() with base 10: 'x' in section 'program:x'", 5},
		{"Format string '%(y)s' for 'program:x.bad' contains names ('y')" + cannot, 8},
		{"Format string 'A=%(z)s' for 'environment' contains names ('z')" + cannot, 10},
		{"Format string '%(p)s' for 'process_name' contains names ('p')" + cannot, 3},
		{"section [program:x] has no none in section 'program:x'", 3},
		{"own rule in section 'program:x'", 4},
	}
	if len(r.Errs()) != len(wants) || r.Err() != error(r.Errs()[0]) {
		t.Fatalf("errors: %v", r.Errs())
	}
	for i, want := range wants {
		if e := r.Errs()[i]; e.Error() != want.text || e.Pos.Line != want.line || e.Section != "program:x" {
			t.Errorf("error %d\n got %v: %s\nwant line %d: %s", i, e.Pos, e, want.line, want.text)
		}
	}
}

// TestOver: what a section does not say, another one may.
func TestOver(t *testing.T) {
	file, err := Parse("n", []byte("[DEFAULT]\nc=3\nd=4\n[d]\na=d%(x)s\nb=x\nc=30\ne=E=1\n[s]\na=1\ne=F=2\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, included := range []bool{false, true} {
		if included { // then sections have copies of DEFAULT's keys
			file.replaceHere("/")
		}
		r := file.Section("s").Reader(Names{}, " suffix").Over(file.Section("d"))
		if a, c, d, f := r.String("a", ""), r.Int("c", 0), r.Int("d", 0), r.Has("f"); a != "1" || c != 30 || d != 4 || f {
			t.Errorf("a=%q c=%d d=%d f=%t", a, c, d, f)
		}
		if r.Hidden("b") != nil || r.Hidden("d") != nil || r.Hidden("f") != nil {
			t.Error("nothing is hidden there")
		}
		if e := r.Hidden("e"); e == nil || e.KeyValues("environment") != nil || e.String("e", "") != "E=1" {
			t.Error("what is hidden cannot be read")
		}
		r.Hidden("a").String("a", "")
		r.Int("b", 0)
		if errs := r.Errs(); len(errs) != 2 || errs[0].Section != "d" || errs[0].Pos.Line != 5 || errs[1].Section != "d" ||
			errs[1].Error() != "invalid literal for int() with base 10: 'x' suffix" || errs[1].Pos.Line != 6 {
			t.Errorf("got %+v", errs)
		}
	}
	if r := file.Section("s").Reader(Names{}, "").Over(nil); r.Hidden("a") != nil || r.String("a", "") != "1" {
		t.Error("without another section")
	}
}
