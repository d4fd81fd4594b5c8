package pipes

import (
	"regexp"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, output string
		want            bool
	}{
		{"^ready$", "ready\n", true}, {"^ready$", "ready\r\n", true}, {"^ready$", "ready", false}, {"^ready$", "not ready\nready to go\n", false},
		{"listening on [0-9]+", "start\nnow listening on 80, with love\n", true}, {"", "\n", true}, {"a.b", "a\nb\n", false},
		{"^ready$", "\x1b[32mready\x1b[0m\n", true}, {"^\x1b\\[1mready", "\x1b[1mready\x1b[0m\n", true}, {"^m?ready$", "\x1b[32m not ready\x1b[0m\n", false},
		{"end$", strings.Repeat("x", maxMatched) + "end\n", false}, {"^x+$", strings.Repeat("x", maxMatched+9) + "\n", true},
	} {
		for _, size := range []int{1, 7, len(tt.output)} {
			m, got := NewMatch(regexp.MustCompile(tt.pattern)), false
			for rest := tt.output; rest != "" && !got; {
				n := min(size, len(rest))
				got = m.feed([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got != tt.want {
				t.Errorf("%q in %.20q by %d: %v", tt.pattern, tt.output, size, got)
			}
		}
	}
}
