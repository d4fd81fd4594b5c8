package config

import (
	"strings"
	"testing"
)

// FuzzCheck reads anything: --check says that there is an error where a start finds one,
// and each line of it says where.
func FuzzCheck(f *testing.F) {
	for _, bad := range badConfigs {
		f.Add(complete(bad.conf))
	}
	f.Add(onThisMachine(uncommented()))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "inet_http_server") && strings.Contains(text, "port") || len(text) > 1<<16 {
			return // it would look for names in the network
		}
		t.Chdir(t.TempDir())
		_, err := readHere(text)
		var out strings.Builder
		exit := Check("s.conf", Overrides{}, testEnv(), atMost, &out)
		if err != nil && exit != 2 {
			t.Errorf("%v, but --check says\n%s", err, &out)
		}
		lines := strings.Split(out.String(), "\n")
		if last := lines[len(lines)-2]; !strings.HasPrefix(last, "s.conf: errors: ") {
			t.Errorf("the last line is %q", last)
		}
		if (exit == 2) != strings.Contains(out.String(), ": error: ") {
			t.Errorf("exit status %d of\n%s", exit, &out)
		}
	})
}
