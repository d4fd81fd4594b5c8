package logs

import (
	"strings"
	"testing"
)

func TestParseLevel(t *testing.T) {
	for _, tt := range []struct {
		name string
		want Level
		err  string
	}{
		{"critical", Critical, ""},
		{"error", Error, ""},
		{"warn", Warn, ""},
		{"Info", Info, ""},
		{"DEBUG", Debug, ""},
		{"trace", Trace, ""},
		{"blather", Blather, ""},
		{"warning", 0, "bad logging level name 'warning'"},
		{"20", 0, "bad logging level name '20'"},
		{"", 0, "bad logging level name ''"},
	} {
		got, err := ParseLevel(tt.name)
		if got != tt.want || err != nil && err.Error() != tt.err || (err == nil) != (tt.err == "") {
			t.Errorf("ParseLevel(%q) = %v, %v; want %v, %q", tt.name, got, err, tt.want, tt.err)
		}
		if err == nil && !strings.EqualFold(got.String(), tt.name) {
			t.Errorf("level %d is called %s, not %s", got, got, tt.name)
		}
	}
	if got := Level(7).String(); got != "level 7" {
		t.Errorf("unknown level: %s", got)
	}
}
