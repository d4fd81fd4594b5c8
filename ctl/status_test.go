package ctl

import "testing"

// TestColorByDefault: one action has no colours, not even on a terminal, which a script
// behind "ssh -t" may read; the shell has.
func TestColorByDefault(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for _, row := range []struct {
		args  []string
		color string
		want  bool
	}{
		{[]string{"status"}, "", false},
		{[]string{"status"}, "auto", true},
		{[]string{"status"}, "never", false},
		{nil, "", true},
		{nil, "never", false},
	} {
		s := &session{o: Options{Args: row.args, Color: row.color}, person: true}
		if _, view, err := s.statusWords(nil); err != nil || view.color != row.want {
			t.Errorf("%v, color %q: got %v, %v", row.args, row.color, view.color, err)
		}
	}
}
