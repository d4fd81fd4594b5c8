package supervise

import (
	"strings"
	"testing"
)

// TestShown: a bad request does not fill the log.
func TestShown(t *testing.T) {
	if got := shown([]byte("<x\n")); got != `'<x\n'` {
		t.Errorf("got %s", got)
	}
	if got := shown([]byte(strings.Repeat("\x01", 8<<20))); len(got) > 4<<10+100 || !strings.HasSuffix(got, `\x01'... (8388608 bytes)`) {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-40:])
	}
}
