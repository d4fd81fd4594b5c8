package inifile

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestInclude(t *testing.T) {
	// DIR stands for the directory of the main file in all texts.
	type files map[string]string
	for _, test := range []struct {
		name    string
		main    string
		files   files
		want    string // what the file shows without [include]
		notices []string
	}{
		{"no section", "[x]\na=%(here)s\n", nil, "[x]a='%(here)s'", nil},
		{"here of the main file", "[include]\nfiles=\n[x]\na=%(here)s/%(here)s\n", nil, "[x]a='DIR/DIR'", nil},
		{"percent before here", "[include]\nfiles=\n[x]\na=%%(here)s\n", nil, "[x]a='%DIR'", nil},
		{"here of the included file", "[include]\nfiles=sub/*.conf\n[x]\nm=%(here)s %(here)-3s\n",
			files{"sub/a.conf": "[x]\na=%(here)s\n[y]\nb=%(here)-3s\n"},
			"[x]m='DIR %(here)-3s' a='DIR/sub'[y]b='%(here)-3s'", []string{"DIR/sub/a.conf"}},
		{"no hidden files", "[include]\nfiles=d/* d/[.]* d/?h.conf", files{"d/.h.conf": "[h]"}, "",
			[]string{"-DIR/d/*", "-DIR/d/[.]*", "-DIR/d/?h.conf"}},
		{"hidden files", "[include]\nfiles=d/.*", files{"d/.h.conf": "[h]"}, "[h]", []string{"DIR/d/.h.conf"}},
		{"whole path sorted", "[include]\nfiles=*/x.conf", files{"a/x.conf": "[1]", "a-b/x.conf": "[2]", "a.b/x.conf": "[3]"},
			"[2][3][1]", []string{"DIR/a-b/x.conf", "DIR/a.b/x.conf", "DIR/a/x.conf"}},
		{"code points sort", "[include]\nfiles=*.conf", files{"10.conf": "[x]\na=10", "9.conf": "[x]\na=9"},
			"[x]a='9'", []string{"DIR/10.conf", "DIR/9.conf"}},
		{"patterns in order", "[include]\nfiles=z.inc\n  a.inc", files{"z.inc": "[x]\na=z", "a.inc": "[x]\na=a"},
			"[x]a='a'", []string{"DIR/z.inc", "DIR/a.inc"}},
		{"two stars are one", "[include]\nfiles=**/*.conf", files{"0.conf": "[0]", "a/1.conf": "[1]", "a/b/2.conf": "[2]"},
			"[1]", []string{"DIR/a/1.conf"}},
		{"negated set", "[include]\nfiles=[!a].conf", files{"a.conf": "[a]", "b.conf": "[b]", "!.conf": "[e]"},
			"[e][b]", []string{"DIR/!.conf", "DIR/b.conf"}},
		{"caret", "[include]\nfiles=[^a].conf", files{"a.conf": "[a]", "b.conf": "[b]", "^.conf": "[c]"},
			"[c][a]", []string{"DIR/^.conf", "DIR/a.conf"}},
		{"nothing quotes", "[include]\nfiles={a,b}.conf a.conf,b.conf \"a.conf\" ~/a.conf a\\*.conf",
			files{"a.conf": "[a]", "b.conf": "[b]"}, "",
			[]string{"-DIR/{a,b}.conf", "-DIR/a.conf,b.conf", `-DIR/"a.conf"`, "-DIR/~/a.conf", `-DIR/a\*.conf`}},
		{"open bracket", "[include]\nfiles=[a.conf", files{"[a.conf": "[a]"}, "[a]", []string{"DIR/[a.conf"}},
		{"not normalised", "[include]\nfiles=./a.inc nope.conf", files{"a.inc": "[a]"}, "[a]",
			[]string{"DIR/./a.inc", "-DIR/nope.conf"}},
		{"directory", "[include]\nfiles=*.d", files{"x.d/a": "[a]"}, "", []string{"DIR/x.d"}},
		{"only directories", "[include]\nfiles=*/", files{"x.d/a": "[a]", "f": ""}, "", []string{"DIR/x.d/"}},
		{"not nested", "[include]\nfiles=a.inc", files{"a.inc": "[include]\nfiles=b.inc", "b.inc": "[b]"}, "",
			[]string{"DIR/a.inc"}},
		{"last include wins", "[include]\nfiles=a\n[include]\nfiles=b", files{"a": "[a]", "b": "[b]"}, "[b]", []string{"DIR/b"}},
		{"included wins", "[include]\nfiles=a\n[supervisord]\nloglevel=warn", files{"a": "[supervisord]\nloglevel=debug"},
			"[supervisord]loglevel='debug'", []string{"DIR/a"}},
		{"files from DEFAULT", "[DEFAULT]\nfiles=a\n[include]\n", files{"a": "[a]"}, "[a]files='a'", []string{"DIR/a"}},
		{"twice", "[include]\nfiles=a a", files{"a": "[a]"}, "[a]", []string{"DIR/a", "DIR/a"}},
		{"names", "[include]\nfiles=%(ENV_D)s/a %(host_node_name)s %(here)s/a", files{"dir/a": "[a]", "host": "[h]", "a": "[b]"},
			"[a][h][b]", []string{"DIR/dir/a", "DIR/host", "DIR/a"}},
		{"DEFAULT is copied", "[DEFAULT]\nd=%(here)s\n[include]\nfiles=s/a\n[x]\n",
			files{"s/a": "[DEFAULT]\nd=new\n[y]\n"}, "[x]d='DIR'[y]d='new'", []string{"DIR/s/a"}},
		{"DEFAULT of the main file", "[DEFAULT]\nd=%(here)s\n[include]\nfiles=s/a\n[x]\n",
			files{"s/a": "[y]\n"}, "[x]d='DIR'[y]d='DIR/s'", []string{"DIR/s/a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			inDir := func(text string) string { return strings.ReplaceAll(text, "DIR", dir) }
			for name, text := range test.files {
				write(t, dir+"/"+name, text+"\n")
			}
			f, err := Parse(dir+"/main", []byte(test.main))
			if err != nil {
				t.Fatal(err)
			}
			notices, err := f.Include(map[string]string{"D": "dir"}, "host")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := show(f), inDir(test.want); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			var texts []Notice
			for _, n := range test.notices {
				if pattern, missing := strings.CutPrefix(inDir(n), "-"); missing {
					texts = append(texts, Notice{true, `No file matches via include "` + pattern + `"`})
				} else {
					texts = append(texts, Notice{false, `Included extra file "` + pattern + `" during parsing`})
				}
			}
			if !slices.Equal(notices, texts) {
				t.Errorf("notices\n got %v\nwant %v", notices, texts)
			}
		})
	}
}

func TestIncludeErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/bad", "[x]\nbad\n")
	write(t, dir+"/latin", "[x]\n; \xe9 \n")
	for _, test := range []struct{ text, want string }{
		{"[include]\n", ".ini file has [include] section, but no files setting"},
		{"[include]\nfiles=%(x)s", "Format string '%(x)s' for 'include.files' contains names ('x') which cannot be expanded. " +
			"Available names: ENV_A, here, host_node_name"},
		{"[include]\nfiles=bad", "Source contains parsing errors: '" + dir + "/bad'\n\t[line  2]: 'bad\\n'"},
		{"[include]\nfiles=latin", "'utf-8' codec can't decode byte 0xe9 in position 6: invalid continuation byte (file: '" + dir + "/latin')"},
	} {
		f, err := Parse(dir+"/main", []byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Include(map[string]string{"A": "1"}, "host"); err == nil || err.Error() != test.want {
			t.Errorf("%q:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// TestIncludeUnreadable: what cannot be opened is announced and counts as empty.
func TestIncludeUnreadable(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("nowhere", dir+"/dangling"); err != nil {
		t.Fatal(err)
	}
	f, err := Parse(dir+"/main", []byte("[include]\nfiles=dangling\n"))
	if err != nil {
		t.Fatal(err)
	}
	notices, err := f.Include(nil, "")
	want := []Notice{{false, `Included extra file "` + dir + `/dangling" during parsing`}}
	if err != nil || !slices.Equal(notices, want) {
		t.Errorf("got %v, %v", notices, err)
	}
}

// TestIncludeMagicDirectory: the name of the directory is part of the pattern.
func TestIncludeMagicDirectory(t *testing.T) {
	dir := t.TempDir() + "/d[1]"
	write(t, dir+"/a.inc", "[a]\n")
	f, err := Parse(dir+"/main", []byte("[include]\nfiles=a.inc\n"))
	if err != nil {
		t.Fatal(err)
	}
	notices, err := f.Include(nil, "")
	if err != nil || len(notices) != 1 || !notices[0].Warning {
		t.Errorf("got %v, %v", notices, err)
	}
}

// TestIncludedPositions: a section belongs to the file where it was seen first,
// its values to where they were read.
func TestIncludedPositions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.inc", "[x]\n\nb=2\n[y]\nc=3\n")
	f, err := Parse(dir+"/main", []byte("[include]\nfiles=a.inc\n[x]\na=1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Include(nil, ""); err != nil {
		t.Fatal(err)
	}
	if x, y := f.Section("x").File(), f.Section("y").File(); x != dir+"/main" || y != dir+"/a.inc" {
		t.Errorf("[x] is of %s, [y] of %s", x, y)
	}
	if _, pos, _ := f.Section("x").Lookup("b"); pos != (Position{dir + "/a.inc", 3}) {
		t.Errorf("b is at %v", pos)
	}
}

func TestMatchName(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false}, {"?", "é", true}, {"?", "", false},
		{"[a-c]", "b", true}, {"[a-c]", "d", false}, {"[]]", "]", true}, {"[!]]", "]", false}, {"[a-]", "-", true},
		{"[c-a]", "b", false}, {"[c-a!x]", "b", true}, {"[é-ö]", "ñ", true}, {"[", "[", true}, {`\*`, `\x`, true},
		{strings.Repeat("*a", 50), strings.Repeat("a", 2000) + "b", false}, // and soon
	} {
		if got := MatchName(test.pattern, test.name); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.name, got)
		}
	}
}
