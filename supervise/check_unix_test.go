//go:build unix

package supervise

import (
	"os"
	"strings"
	"testing"

	"supervisor/supervise/config"
)

// TestCheckLimits: --check knows what a start would not be allowed.
func TestCheckLimits(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("s.conf", []byte("[supervisord]\nminfds=1000000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	const want = "s.conf:2: error: [supervisord] minfds: The minimum number of file descriptors required to run this process is 1000000000000 as per"
	if exit := Check("s.conf", config.Overrides{}, nil, &out); exit != 2 || !strings.HasPrefix(out.String(), want) {
		t.Errorf("exit status %d, got:\n%s", exit, &out)
	}
	if refused := refusedLimits(&config.Config{MinFDs: 1, MinProcs: -1}); len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
}
