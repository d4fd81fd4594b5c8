package inifile

import (
	"strings"
	"testing"
)

// TestNoSecrets: what may be a secret is in no error.
func TestNoSecrets(t *testing.T) {
	names := Names{}.WithEnvironment(map[string]string{"X": `s3cret`, "ODD": "s3cret s3cret x"})
	const section = "[s]\n"
	tests := []struct{ name, text, want string }{
		{"what a variable stands for", section + "environment=A=%(ENV_ODD)s", "Unexpected end of key/value pairs in value 'A=%(ENV_ODD)s'"},
		{"a value by its name", section + "environment=A=1,DB_PASSWORD=s3c@s3cret x,B=2", "Unexpected end of key/value pairs in value 'A=1,DB_PASSWORD=...'"},
		{"a quoted name", section + "environment=\"api token\"=s3cret s3cret x", "Unexpected end of key/value pairs in value '\"api token\"=...'"},
		{"a URL", section + "environment=DB=postgres://u:s3cret@h/d x", "Unexpected end of key/value pairs in value 'DB=postgres://...'"},
		{"nothing that could be one", section + "environment=A=x@y,B=1", "Unexpected end of key/value pairs in value 'A=x@y,B=1'"},
		{"percent sign behind a secret", section + "environment=TOKEN=\"s3cret%s3cret\"", "Format string 'TOKEN=...' for 'environment' is badly formatted"},
		{"unknown variable", section + "environment=TOKEN=\"s3cret\",B=%(ENV_NO)s", "Format string 'TOKEN=...' for 'environment' contains names ('ENV_NO') which cannot be expanded. Available names: ENV_ODD, ENV_X"},
		{"unknown name", section + "environment=TOKEN=\"%(s3cret)s\"", "Format string 'TOKEN=...' for 'environment' contains a name which cannot be expanded. Available names: ENV_ODD, ENV_X"},
		{"unknown name without a secret", section + "environment=A=\"%(here)s\"", "Format string 'A=\"%(here)s\"' for 'environment' contains names ('here') which cannot be expanded. Available names: ENV_ODD, ENV_X"},
		{"password", section + "password=s3cret%s3cret", "Format string for 's.password' is badly formatted"},
		{"password with a name in it", section + "password=%(s3cret)s", "Format string for 's.password' contains a name which cannot be expanded. Available names: ENV_ODD, ENV_X"},
		{"password from a variable", section + "password=s3cret%(ENV_NO)s", "Format string for 's.password' contains names ('ENV_NO') which cannot be expanded. Available names: ENV_ODD, ENV_X"},
		{"a line of an environment that is not indented", section + "environment=A=\"-\n  1\ns3cret\n\"\n", "Source contains parsing errors: 'n'\n\t[line  4]: '...\\n'\n\t[line  5]: '...\\n'"},
		{"no section", "password = s3cret\n", "File contains no section headers.\nfile: 'n', line: 1\n'password =...\\n'"},
		{"environment without a section", "environment=A=1,KEY=s3cret\n", "File contains no section headers.\nfile: 'n', line: 1\n'environment=A=1,KEY=...\\n'"},
		{"any other without a section", "a = b\n", "File contains no section headers.\nfile: 'n', line: 1\n'a = b\\n'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file, err := Parse("n", []byte(test.text))
			if err == nil {
				r := file.Section("s").Reader(names, "")
				r.KeyValues("environment")
				r.String("password", "")
				err = r.Err()
			}
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3c") {
				t.Errorf("there is a secret in: %v", err)
			}
		})
	}
}

func TestWithUnlisted(t *testing.T) {
	names := Names{}.With("a", "1").WithUnlisted("b", "2")
	if got, err := Expand("%(a)s%(b)s", "l", names); err != nil || got != "12" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Expand("%(c)s", "l", names); err == nil || !strings.HasSuffix(err.Error(), "Available names: a") {
		t.Errorf("got %v", err)
	}
}
