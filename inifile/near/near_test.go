package near

import "testing"

func TestName(t *testing.T) {
	names := []string{"status", "start", "stop", "--json", "--color"}
	for word, want := range map[string]string{
		"statsu": "status", "sart": "start", "stpo": "stop", "--jsno": "--json", "--colour": "--color", "status": "status",
		"reload": "", "x": "", "": "", "xyz": "", "--version": "", "--jsn": "--json",
	} {
		if got := Name(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
