package inifile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parse parses text as supervisord.conf. Texts without a header are put into
// [supervisord], so that they begin on line 2.
func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("supervisord.conf", []byte(inSection(text)))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return f
}

func inSection(text string) string {
	if strings.HasPrefix(text, "[") {
		return text
	}
	return "[supervisord]\n" + text
}

// show returns all that f says but for [include]: [section]key=value…, quoted as
// Python would.
func show(f *File) string {
	var b strings.Builder
	for _, s := range f.Sections() {
		if s.Name() == "include" {
			continue
		}
		b.WriteString("[" + s.Name() + "]")
		for i, key := range s.Keys() {
			if i > 0 {
				b.WriteString(" ")
			}
			text, _, _ := s.Lookup(key)
			b.WriteString(key + "=" + PythonRepr(text))
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"semicolon without blank", "command=a;b", "[supervisord]command='a;b'"},
		{"comment after blank", "command=a ;b", "[supervisord]command='a'"},
		{"comment after tab", "command=a\t;b", "[supervisord]command='a'"},
		{"hash", "command=a #b", "[supervisord]command='a'"},
		{"single quotes protect nothing", "command=bash -c 'foo ; bar'", `[supervisord]command="bash -c 'foo"`},
		{"no blank before", `command=sh -c "a; b"`, `[supervisord]command='sh -c "a; b"'`},
		{"colour", "command=x --color #fff", "[supervisord]command='x --color'"},
		{"hash is the value", "command=#x", "[supervisord]command='#x'"},
		{"hash after blank", "command= #x", "[supervisord]command=''"},
		{"password", "password=a;b#c", "[supervisord]password='a;b#c'"},
		{"no-break space", "command=cat\u00a0;foo", "[supervisord]command='cat'"},
		{"first round wins", "command=a;b ;c #d", "[supervisord]command='a;b ;c'"},
		{"first round wins, hashes", "command=a#b #c ;d", "[supervisord]command='a#b #c'"},
		{"second round", "command=a;b ;c", "[supervisord]command='a;b'"},
		{"continuation", "command=a\n b\n  c", `[supervisord]command='a\nb\nc'`},
		{"blank line inside", "command=a\n\n b", `[supervisord]command='a\n\nb'`},
		{"comment inside", "command=a\n; note\n b", `[supervisord]command='a\nb'`},
		{"indented comment inside", "command=a\n  ; note\n b", `[supervisord]command='a\nb'`},
		{"comments on both lines", "command=a ; c1\n b ; c2", `[supervisord]command='a\nb'`},
		{"key swallowed", "command=a\n  priority=4", `[supervisord]command='a\npriority=4'`},
		{"same indent", "  command=a\n  priority=4", "[supervisord]command='a' priority='4'"},
		{"dedent", "    command=a\n  priority=4", "[supervisord]command='a' priority='4'"},
		{"tab is one", "  command=a\n\tpriority=3", "[supervisord]command='a' priority='3'"},
		{"header swallowed", "nodaemon=true\n  [program:x]", `[supervisord]nodaemon='true\n[program:x]'`},
		{"indented first key", "[program:x]\n   command=a", "[program:x]command='a'"},
		{"leading empty line", "command=\n  a\n  b", `[supervisord]command='\na\nb'`},
		{"trailing blank lines", "command=a\n\n\n", "[supervisord]command='a'"},
		{"no joining by backslash", "command=cat \\\npriority=3", `[supervisord]command='cat \\' priority='3'`},
		{"quotes kept", `command="cat" 'a'`, `[supervisord]command='"cat" \'a\''`},
		{"quoted key", `"command"=c`, `[supervisord]"command"='c'`},
		{"upper case", "COMMAND=cat\nPrIoRiTy=5", "[supervisord]command='cat' priority='5'"},
		{"sections are exact", "[Program:x]\n[Include]\n[default]\n", "[Program:x][Include][default]"},
		{"not trimmed", "[ program:x ]\n[program : x]\n", "[ program:x ][program : x]"},
		{"after the bracket", "[program:x] trailing ; text", "[program:x]"},
		{"last bracket", "[program:x]y]", "[program:x]y]"},
		{"no bracket", "a=1\n[program:x\nb=2", "[supervisord]a='1' [program='x' b='2'"},
		{"comment in header", "a=1\n[program:a ;b]", "[supervisord]a='1' [program='a'"},
		{"header before option", "[foo] = bar", "[foo]"},
		{"colon", "serverurl:http://h:9001", "[supervisord]serverurl='http://h:9001'"},
		{"first separator", "a:b=c\nd=e:f", "[supervisord]a='b=c' d='e:f'"},
		{"merged", "[program:x]\ncommand=cat\n[program:y]\ncommand=z\n[program:x]\npriority=5",
			"[program:x]command='cat' priority='5'[program:y]command='z'"},
		{"last wins", "command=cat\nCommand=dog", "[supervisord]command='dog'"},
		{"default", "[DEFAULT]\nautostart=false\n[program:x]\ncommand=c", "[program:x]command='c' autostart='false'"},
		{"default hidden", "[DEFAULT]\na=1\n[x]\na=2", "[x]a='2'"},
		{"CRLF", "a=1\r\nb=2\r\n", "[supervisord]a='1' b='2'"},
		{"CR", "[x]\ra=1\rb=2", "[x]a='1' b='2'"},
		{"no child sections", "[program:x]\na=1\n[program:x.y]\nb=2", "[program:x]a='1'[program:x.y]b='2'"},
		{"no numbering", "-=x\n-=y", "[supervisord]-='y'"},
		{"vertical tab indents", "command=cat\n\vfoo", `[supervisord]command='cat\nfoo'`},
		{"unit separator", "command=cat foo\x1f", "[supervisord]command='cat foo'"},
		{"NUL", "a=\x00b", `[supervisord]a='\x00b'`},
		{"no interpolation", "a=1\nb=%(a)s ${a}", "[supervisord]a='1' b='%(a)s ${a}'"},
		{"empty file", "", "[supervisord]"},
		{"empty name", "[program:]\ncommand=c", "[program:]command='c'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := show(parse(t, test.text)); got != test.want {
				t.Errorf("%q:\n got %s\nwant %s", test.text, got, test.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const bad = "Source contains parsing errors: 'supervisord.conf'"
	for _, test := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"no header", "[", 1, "File contains no section headers.\nfile: 'supervisord.conf', line: 1\n'['"},
		{"byte order mark", "\ufeff[supervisord]\n", 1,
			"File contains no section headers.\nfile: 'supervisord.conf', line: 1\n" + `'\ufeff[supervisord]\n'`},
		{"comment in key", "[s]\ncommand ;x=cat\n", 2, bad + "\n\t[line  2]: " + `'command ;x=cat\n'`},
		{"three quotes", "[s]\n\ncommand=\"\"\"a\nb\"\"\"\n", 4, bad + "\n\t[line  4]: " + `'b"""\n'`},
		{"empty header", "[s]\n[]\n", 2, bad + "\n\t[line  2]: " + `'[]\n'`},
		{"all of them", "[s]\none\ntwo\n", 2, bad + "\n\t[line  2]: 'one\\n'\n\t[line  3]: 'two\\n'"},
		{"no key", "[s]\n=foo", 2, bad + "\n\t[line  2]: '=foo'"},
		{"wide numbers", "[s]\n" + strings.Repeat("\n", 99) + "x", 101, bad + "\n\t[line 101]: 'x'"},
		{"Latin-1", "[s]\n; caf\xe9 x\n", 2,
			"'utf-8' codec can't decode byte 0xe9 in position 9: invalid continuation byte"},
		{"encoding before bad lines", "[s]\nbad\n\xff", 3,
			"'utf-8' codec can't decode byte 0xff in position 8: invalid start byte"},
		{"half a surrogate at the end of a block", "[s]\n" + strings.Repeat("\n", 8186) + "\xed\xa0\x80", 8188,
			"'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"},
		{"counted from the block", "[s]\n" + strings.Repeat("\n", 8190) + "a\xff", 8192,
			"'utf-8' codec can't decode byte 0xff in position 3: invalid start byte"},
		{"two bytes", "[s]\n\xe2\x82x", 2,
			"'utf-8' codec can't decode bytes in position 4-5: invalid continuation byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("supervisord.conf", []byte(test.text))
			e, ok := err.(*Error)
			if !ok {
				t.Fatalf("%q: error is %#v", test.text, err)
			}
			if strings.Contains(test.want, "codec") {
				test.want += " (file: 'supervisord.conf')"
			}
			if want := (Position{"supervisord.conf", test.line}); e.Error() != test.want || e.Pos != want {
				t.Errorf("%q:\n got %v: %s\nwant %v: %s", test.text, e.Pos, e, want, test.want)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ name, want string }{
		{"", "could not find config file "},
		{dir + "/none.conf", "could not find config file " + dir + "/none.conf"},
		{dir, "could not read config file " + dir},
	} {
		if _, err := Read(test.name); err == nil || err.Error() != test.want {
			t.Errorf("Read(%q) says %v, want %s", test.name, err, test.want)
		}
	}
}

func TestPositions(t *testing.T) {
	f := parse(t, "[DEFAULT]\nd=0\n[x]\na=1\n  1\n; c\nb=2\n[x]\na=3\n")
	x := f.Section("x")
	if x.Pos() != (Position{"supervisord.conf", 3}) || x.File() != "supervisord.conf" {
		t.Errorf("[x] is at %v", x.Pos())
	}
	for key, line := range map[string]int{"a": 9, "b": 7, "d": 2} {
		if _, pos, ok := x.Lookup(key); !ok || pos.Line != line {
			t.Errorf("%s is at %v, want line %d", key, pos, line)
		}
	}
	if _, _, ok := x.Lookup("none"); ok {
		t.Error("a key that is not there is found")
	}
	if f.Section("y") != nil || f.Section("DEFAULT") != nil {
		t.Error("a section that is not there is found")
	}
}

// TestHere is about symbolic links: they are kept in the name of the file, but
// not in that of the working directory.
func TestHere(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir+"/real", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/real/s.conf", "[supervisord]\n")
	for link, to := range map[string]string{"/s.conf": "real/s.conf", "/link": "real"} {
		if err := os.Symlink(to, dir+link); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir + "/link") // sets $PWD as well
	for _, test := range []struct{ name, want string }{
		{dir + "/s.conf", dir},
		{dir + "/link/s.conf", dir + "/link"},
		{"s.conf", dir + "/real"},
		{"./../real//s.conf", dir + "/real"},
	} {
		f, err := Read(test.name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Here() != test.want || f.Name() != test.name {
			t.Errorf("here of %s is %s, want %s", test.name, f.Here(), test.want)
		}
	}
	if f, err := Parse("/dev/stdin", nil); err != nil || f.Here() != "/dev" {
		t.Errorf("here of /dev/stdin: %v", err)
	}
}

func TestUnread(t *testing.T) {
	f := parse(t, "[DEFAULT]\nd=1\ne=1\n[include]\nfiles=\n[x]\na=1\nb=2\nc=3\n")
	if _, err := f.Include(nil, ""); err != nil {
		t.Fatal(err)
	}
	r := f.Section("x").Reader(Names{}, "")
	r.Int("b", 0)
	r.With(Names{}).Raw("d", "")
	r.Int("none", 0)
	if got := f.Section("x").Unread(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("[x] has unread %q", got)
	}
	if got := f.Defaults().Unread(); !slices.Equal(got, []string{"e"}) {
		t.Errorf("[DEFAULT] has unread %q", got)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("[supervisord]\nlogfile=/var/log/supervisord.log ; the log\n")
	for i := range 1000 {
		text.WriteString("\n; one of many\n[program:p" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) +
			strings.Repeat("y", i/26) + "]\ncommand=/usr/bin/env sleep 10 ; for ever\n  and ever\n" +
			"directory=%(here)s\nautostart=true\nstartsecs=5\nenvironment=A=\"1\",B=\"2;3\"\nstdout_logfile=/var/log/%(program_name)s.log\n")
	}
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("supervisord.conf", data); err != nil {
			b.Fatal(err)
		}
	}
}

// With names given, other sections are checked but not kept.
func TestParseOnly(t *testing.T) {
	f, err := Parse("x.conf", []byte("[DEFAULT]\nd=1\n[a]\nk=1\n[b]\nk=2\n more\n[a]\nl=3\n"), "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(f.Sections()); got != 1 || f.Section("b") != nil {
		t.Errorf("%d sections kept, b is %v", got, f.Section("b"))
	}
	for key, want := range map[string]string{"k": "1", "l": "3", "d": "1"} {
		if got, _, _ := f.Section("a").Lookup(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if _, err = Parse("x.conf", []byte("[a]\n[b]\nnonsense\n"), "a"); err == nil {
		t.Error("no error for a bad line in another section")
	}
}
