package inifile

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "5": 5 * time.Second, "1.5": 1500 * time.Millisecond, ".5": time.Second / 2, "500ms": time.Second / 2,
		"5s": 5 * time.Second, " 2m ": 2 * time.Minute, "1h": time.Hour, "0.5h": 30 * time.Minute,
	} {
		if got, err := ParseDuration(text); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "s", "-1", "+1", "1e3", "1h30m", "5 s", "1..2", ".", "1d", "inf", "0x1", "9999999999h", "5S"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
