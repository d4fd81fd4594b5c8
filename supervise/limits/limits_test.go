package limits

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// set reads pieces of the form KEY=VALUE.
func set(t *testing.T, pieces ...string) *Settings {
	t.Helper()
	s := &Settings{}
	for _, piece := range pieces {
		key, text, _ := strings.Cut(piece, "=")
		if err := s.Set(key, text); err != nil {
			t.Fatalf("%s: %v", piece, err)
		}
	}
	return s
}

func TestSet(t *testing.T) {
	number := func(n int) *int { return &n }
	caps := func(n uint64) *uint64 { return &n }
	limit := func(name string, soft, hard uint64) Settings {
		return Settings{Rlimits: []Rlimit{{name, soft, hard}}}
	}
	for piece, want := range map[string]Settings{
		"nice=10":                       {Nice: number(10)},
		"nice= -20 ":                    {Nice: number(-20)},
		"nice=0":                        {Nice: number(0)},
		"nice=+5":                       {Nice: number(5)},
		"oom_score_adj=-1000":           {OOMScoreAdj: number(-1000)},
		"oom_score_adj=1000":            {OOMScoreAdj: number(1000)},
		"cpu_affinity=0":                {CPUs: []int{0}},
		"cpu_affinity=6, 0-2,1-3":       {CPUs: []int{0, 1, 2, 3, 6}},
		"cpu_affinity=8191":             {CPUs: []int{8191}},
		"ioprio=idle":                   {IOPrio: IOPrio{Idle, 0}},
		"ioprio=best-effort":            {IOPrio: IOPrio{BestEffort, 4}},
		"ioprio=realtime:0":             {IOPrio: IOPrio{RealTime, 0}},
		"ioprio=best-effort:7":          {IOPrio: IOPrio{BestEffort, 7}},
		"rlimit_nofile=4096":            limit("nofile", 4096, 4096),
		"rlimit_nofile=4096:65536":      limit("nofile", 4096, 65536),
		"rlimit_core=0:unlimited":       limit("core", 0, Unlimited),
		"rlimit_memlock=infinity":       limit("memlock", Unlimited, Unlimited),
		"rlimit_as=512MB : 1gb":         limit("as", 512<<20, 1<<30),
		"rlimit_stack=8388608":          limit("stack", 8<<20, 8<<20),
		"rlimit_cpu=90:2h":              limit("cpu", 90, 7200),
		"rlimit_rttime=1.5:2s":          limit("rttime", 1_500_000, 2_000_000),
		"rlimit_nice=40":                limit("nice", 40, 40),
		"capabilities=":                 {Capabilities: caps(0)},
		"capabilities=CAP_CHOWN":        {Capabilities: caps(1)},
		"capabilities=cap_kill,CAP_BPF": {Capabilities: caps(1<<5 | 1<<39)},
		"no_new_privs=true":             {NoNewPrivs: true},
		"no_new_privs=off":              {},
	} {
		if got := set(t, piece); !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, want %+v", piece, *got, want)
		}
	}
}

func TestSetErrors(t *testing.T) {
	const (
		cpus   = " is wrong: write numbers of processors and ranges of them, such as 0-3,6"
		ioprio = " is wrong: write idle, or best-effort or realtime with a level from 0 (first) to 7, such as best-effort:6"
		limit  = " is wrong: write SOFT:HARD or one value for both, each "
	)
	for piece, want := range map[string]string{
		"nice=":                     "'' is wrong: write a whole number from -20 to 19; 0 is usual, and more is nicer to others",
		"nice=20":                   "'20' is wrong: write a whole number from -20 to 19; 0 is usual, and more is nicer to others",
		"nice=1.5":                  "'1.5' is wrong: write a whole number from -20 to 19; 0 is usual, and more is nicer to others",
		"oom_score_adj=-1001":       "'-1001' is wrong: write a whole number from -1000 to 1000; 0 is usual, and -1000 is for what is never to be killed",
		"cpu_affinity=":             "''" + cpus,
		"cpu_affinity=3-1":          "'3-1'" + cpus,
		"cpu_affinity=1,":           "'1,'" + cpus,
		"cpu_affinity=-1":           "'-1'" + cpus,
		"cpu_affinity=8192":         "'8192'" + cpus,
		"cpu_affinity=all":          "'all'" + cpus,
		"ioprio=":                   "''" + ioprio,
		"ioprio=8":                  "'8'" + ioprio,
		"ioprio=best-effort:8":      "'best-effort:8'" + ioprio,
		"ioprio=realtime:":          "'realtime:'" + ioprio,
		"ioprio=idle:0":             "'idle:0'" + ioprio,
		"ioprio=none":               "'none'" + ioprio,
		"rlimit_nofile=":            "''" + limit + "a number or unlimited",
		"rlimit_nofile=-1":          "'-1'" + limit + "a number or unlimited",
		"rlimit_nofile=1:2:3":       "'1:2:3'" + limit + "a number or unlimited",
		"rlimit_nofile=4k":          "'4k'" + limit + "a number or unlimited",
		"rlimit_nofile=2":           "'2' is too low, a program has 3 files open when it begins: write more",
		"rlimit_as=1TB":             "'1TB'" + limit + "a size such as 512MB or unlimited",
		"rlimit_as=-1MB":            "'-1MB'" + limit + "a size such as 512MB or unlimited",
		"rlimit_cpu=500ms":          "'500ms'" + limit + "a time such as 90s or 2h or unlimited",
		"rlimit_nproc=10:5":         "'10:5' is wrong, the soft limit is above the hard one: write the smaller one first",
		"rlimit_core=unlimited:0":   "'unlimited:0' is wrong, the soft limit is above the hard one: write the smaller one first",
		"capabilities=KILL":         "'KILL' is wrong: write CAP_KILL",
		"capabilities=cap_fly":      "'cap_fly' is no capability: write a list such as CAP_NET_BIND_SERVICE,CAP_KILL, see capabilities(7)",
		"capabilities=CAP_KILL,":    "a name is missing: write a list such as CAP_NET_BIND_SERVICE,CAP_KILL",
		"no_new_privs=maybe":        "not a valid boolean value: 'maybe'",
		"rlimit_files=1":            "rlimit_files is no limit: write one of " + strings.Join(Keys(), ", "),
		"nofile=1":                  "nofile is no limit: write one of " + strings.Join(Keys(), ", "),
		"capabilities=CAP_KILL KEY": "'CAP_KILL KEY' is no capability: write a list such as CAP_NET_BIND_SERVICE,CAP_KILL, see capabilities(7)",
	} {
		key, text, _ := strings.Cut(piece, "=")
		s := Settings{}
		if err := s.Set(key, text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", piece, err, want)
		}
		if !reflect.DeepEqual(s, Settings{}) {
			t.Errorf("%s: it has changed %+v", piece, s)
		}
	}
}

// Every key that there is can be set.
func TestKeys(t *testing.T) {
	for _, key := range Keys() {
		s := Settings{}
		values := []string{"1", "idle", "CAP_KILL", "100"}
		if !slices.ContainsFunc(values, func(text string) bool { return s.Set(key, text) == nil }) || reflect.DeepEqual(s, Settings{}) {
			t.Errorf("%s cannot be set", key)
		}
	}
}

func TestSetsOpenFiles(t *testing.T) {
	if !set(t, "rlimit_core=0", "rlimit_nofile=10").SetsOpenFiles() || set(t, "rlimit_core=0").SetsOpenFiles() {
		t.Error("wrong")
	}
}

// FuzzSet: whatever the value, there are settings or an error that says what to write.
func FuzzSet(f *testing.F) {
	for _, text := range []string{"", "1", "-5", "0-3,6", "best-effort:3", "4096:65536", "512MB", "2h", "unlimited", "CAP_KILL"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, key := range Keys() {
			s := Settings{}
			err := s.Set(key, text)
			if err != nil && (!reflect.DeepEqual(s, Settings{}) || key != "no_new_privs" && !strings.Contains(err.Error(), "write")) {
				t.Fatalf("%s=%q: %v, %+v", key, text, err, s)
			}
			for _, r := range s.Rlimits {
				if r.Soft > r.Hard {
					t.Fatalf("%s=%q: %+v", key, text, r)
				}
			}
			if !slices.IsSorted(s.CPUs) {
				t.Fatalf("%s=%q: %+v", key, text, s.CPUs)
			}
		}
	})
}
