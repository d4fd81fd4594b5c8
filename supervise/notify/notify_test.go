package notify

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("x", maxStatus-1)
	for datagram, want := range map[string]Message{
		"":            {},
		"READY=1":     {Ready: true},
		"READY=1\n":   {Ready: true},
		"READY=1\x00": {Ready: true},
		"RELOADING=0\nSTOPPING=x\nWATCHDOG=trigger": {},
		"READY=0\nREADY":                                {},
		"READY=1\nREADY=0":                              {Ready: true},
		" READY=1\nXREADY=1":                            {},
		"RELOADING=1\nSTOPPING=1":                       {Reloading: true, Stopping: true},
		"WATCHDOG=1\nWATCHDOG_USEC=5\nWATCHDOG=trigger": {Watchdog: true},
		"STATUS=a=b c":                                  {Status: "a=b c", HasStatus: true},
		"STATUS=":                                       {HasStatus: true},
		"STATUS":                                        {},
		"STATUS=a\nFOO=bar\n\nSTATUS=größe\t\x1b[1m\xff\u0085": {Status: "größe  [1m\uFFFD ", HasStatus: true},
		"STATUS=" + long + "y":  {Status: long + "y", HasStatus: true},
		"STATUS=" + long + "yz": {Status: long + "y…", HasStatus: true},
		"STATUS=" + long + "é":  {Status: long + "…", HasStatus: true},
		"MAINPID=12":            {MainPID: 12},
		"MAINPID=-1\nMAINPID=x\nMAINPID=99999999999\nMAINPID=": {},
		"MAINPID=12\nMAINPID=0":                                {MainPID: 12},
		"READY=1\nMAINPID=7\nSTATUS=up":                        {Ready: true, MainPID: 7, Status: "up", HasStatus: true},
	} {
		if got, err := parse([]byte(datagram)); got != want || err != nil {
			t.Errorf("%.100q: got %+v, %v", datagram, got, err)
		}
	}
	for datagram, want := range map[string]string{
		"\x00READY=1":                       "a message with a NUL in it",
		"READY=1\x00STATUS=x":               "a message with a NUL in it",
		strings.Repeat("\n", maxSize) + "x": "a message of more than 4096 bytes",
	} {
		if got, err := parse([]byte(datagram)); got != (Message{}) || err == nil || err.Error() != want {
			t.Errorf("%.100q: got %+v, %v", datagram, got, err)
		}
	}
	if _, err := parse([]byte(strings.Repeat("\n", maxSize))); err != nil {
		t.Error(err)
	}
}

// Whatever comes, what is kept is small, and can be shown.
func FuzzParse(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=größe \xff\nMAINPID=3\nWATCHDOG=1\nRELOADING=1\nSTOPPING=1\nX_Y=z"))
	f.Add([]byte("STATUS=" + strings.Repeat("\xff", maxStatus)))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m, err := parse(datagram)
		if err != nil && m != (Message{}) {
			t.Errorf("%q: %+v, %v", datagram, m, err)
		}
		if len(m.Status) > maxStatus+len("…") || !utf8.ValidString(m.Status) || strings.ContainsAny(m.Status, "\x00\x1b\n\r\x7f") || m.MainPID < 0 {
			t.Errorf("%q: %+v", datagram, m)
		}
	})
}

func TestChain(t *testing.T) {
	const self = 10
	processes := map[int]process{
		1: {0, 1}, 10: {1, 5}, 20: {10, 50}, 30: {20, 60}, 31: {30, 60}, 40: {1, 70}, 41: {40, 71},
		50: {20, 40},             // older than 20: its parent had that number before
		60: {61, 9}, 61: {60, 9}, // what cannot be
		70: {99, 80}, // its parent has ended meanwhile
	}
	for pid := 100; pid < 300; pid++ {
		processes[pid] = process{pid + 1, 9}
	}
	look := func(pid int) (process, bool) { p, ok := processes[pid]; return p, ok }
	for pid, want := range map[int][]int{
		0: nil, -1: nil,
		31: {31, 30, 20}, 20: {20}, 10: {10}, 41: {41, 40, 1}, 1: {1}, 50: {50}, 70: {70}, 99: {99},
	} {
		if got := chainOf(pid, self, look); !slices.Equal(got, want) {
			t.Errorf("%d: got %v, want %v", pid, got, want)
		}
	}
	for _, pid := range []int{60, 100} {
		if got := chainOf(pid, self, look); len(got) != maxChain {
			t.Errorf("%d: %d generations", pid, len(got))
		}
	}
	// A process whose parent is not to be known any more: it is known itself.
	if got := chainOf(7, self, func(int) (process, bool) { return process{}, false }); !slices.Equal(got, []int{7}) {
		t.Errorf("got %v", got)
	}
}

func TestFind(t *testing.T) {
	known := func(pid int) bool { return pid == 20 || pid == 30 }
	for _, test := range []struct {
		chain []int
		want  int
	}{{nil, 0}, {[]int{5}, 0}, {[]int{20}, 20}, {[]int{31, 30, 20}, 30}, {[]int{31, 4, 20}, 20}} {
		if got, ok := Find(test.chain, known); got != test.want || ok != (test.want != 0) {
			t.Errorf("%v: got %d, %v", test.chain, got, ok)
		}
	}
}

func TestParseStat(t *testing.T) {
	const rest = " S 12 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5000 0 0\n"
	for text, want := range map[string]process{
		"20 (cat)" + rest:            {12, 5000},
		"20 (a) R 1 (b\n) c)" + rest: {12, 5000},
		"":                           {}, "20": {}, "20 (cat)": {}, "20 (cat) S x": {},
		"20 (cat) S 12 12 12":                        {},
		strings.Replace("1 (c)"+rest, "12", "-1", 1): {}, strings.Replace("1 (c)"+rest, "5000", "x", 1): {},
	} {
		if got, ok := parseStat([]byte(text)); got != want || ok != (want != process{}) {
			t.Errorf("%q: got %+v, %v", text, got, ok)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("20 (a) b) S 12 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5000 0 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, ok := parseStat(data); p.parent < 0 || !ok && p != (process{}) {
			t.Errorf("%q: %+v, %v", data, p, ok)
		}
	})
}
