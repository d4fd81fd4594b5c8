package limits

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"supervisor/supervise/rlimit"
)

// The test binary plays the child (LIMITS_SET has settings, LIMITS_UID the user to become),
// and the program that the child becomes, which tells what it may do.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("LIMITS_TELL") != "":
		tell()
	case os.Getenv("LIMITS_SET") != "":
		play()
	default:
		os.Exit(m.Run())
	}
}

const nobody = 65534

// play does what a child does between fork and exec.
func play() {
	s := &Settings{}
	for piece := range strings.SplitSeq(os.Getenv("LIMITS_SET"), ";") {
		key, text, _ := strings.Cut(piece, "=")
		if err := s.Set(key, text); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	uid, _ := strconv.Atoi(os.Getenv("LIMITS_UID"))
	p, err := NewPlan(s, uid, uid != os.Getuid())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	runtime.LockOSThread()
	makeOrExit(p.BeforeUser)
	if uid != os.Getuid() { // of this thread alone, as a child does
		if _, _, errno := syscall.RawSyscall(unix.SYS_SETUID, uintptr(uid), 0, 0); errno != 0 {
			fmt.Println("setuid:", errno)
			os.Exit(1)
		}
	}
	makeOrExit(p.Last)
	fmt.Println(syscall.Exec("/proc/self/exe", []string{"tell"}, []string{"LIMITS_TELL=1"}))
	os.Exit(1)
}

func makeOrExit(calls []Call) {
	if i, errno := Make(calls); errno != 0 {
		fmt.Println(&Refused{&calls[i], errno})
		os.Exit(1)
	}
}

// tell prints, in words of its own, what the system says about this process.
func tell() {
	runtime.LockOSThread()
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains([]string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Cpus_allowed_list", "Uid"}, name) {
			fmt.Println(name, strings.Fields(value)[0])
		}
	}
	limits, _ := os.ReadFile("/proc/self/limits")
	for line := range strings.Lines(string(limits)) {
		fields := strings.Fields(line)
		if soft, ok := rlimit.Inherited(); ok && strings.HasPrefix(line, "Max open files") {
			fields[3] = strconv.FormatUint(soft, 10) // Go has raised it since
		}
		fmt.Println(strings.Join(fields, " "))
	}
	adj, _ := os.ReadFile("/proc/self/oom_score_adj")
	fmt.Println("oom", strings.TrimSpace(string(adj)))
	nice, _, _ := syscall.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	fmt.Println("nice", 20-int(nice))
	prio, _, _ := syscall.RawSyscall(unix.SYS_IOPRIO_GET, 1, 0, 0)
	fmt.Println("ioprio", prio>>13, prio&7)
}

// run starts a child as a user, with settings, that becomes another user, and returns the
// lines that its program tells, or that it fails with.
func run(t *testing.T, as, becomes int, pieces ...string) []string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"LIMITS_SET=" + strings.Join(pieces, ";"), "LIMITS_UID=" + strconv.Itoa(becomes)}
	if as != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(as), Gid: uint32(as)}}
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// needs skips a test unless this process has a capability.
func needs(t *testing.T, capability int) {
	if !have(t, capability) {
		t.Skip("needs CAP_" + capabilities[capability])
	}
}

func have(t *testing.T, capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	return data[0].Effective>>capability&1 != 0
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%q is missing in\n%s", line, strings.Join(got, "\n"))
			return
		}
	}
}

// What needs no privilege works for everybody.
func TestUnprivileged(t *testing.T) {
	as := os.Getuid()
	if as == 0 {
		as = nobody
	}
	got := run(t, as, as, "nice=7", "oom_score_adj=300", "cpu_affinity=0", "ioprio=best-effort:6",
		"rlimit_nofile=100:200", "rlimit_core=0:0", "rlimit_cpu=1h:2h", "capabilities=", "no_new_privs=true")
	wantLines(t, got, "nice 7", "oom 300", "Cpus_allowed_list 0", "ioprio 2 6", "NoNewPrivs 1",
		"Max open files 100 200 files", "Max core file size 0 0 bytes", "Max cpu time 3600 7200 seconds",
		"CapPrm 0000000000000000", "CapEff 0000000000000000", "CapAmb 0000000000000000")
	for pieces, want := range map[string]string{
		"nice=-5":                 "nice=-5: setpriority: permission denied (EACCES)",
		"oom_score_adj=-5":        "oom_score_adj=-5: write /proc/self/oom_score_adj: permission denied (EACCES)",
		"ioprio=realtime:0":       "ioprio=realtime:0: ioprio_set: operation not permitted (EPERM)",
		"rlimit_msgqueue=1000GB":  "rlimit_msgqueue=1073741824000:1073741824000: prlimit: operation not permitted (EPERM)",
		"cpu_affinity=8000-8001":  "cpu_affinity=8000,8001: sched_setaffinity: invalid argument (EINVAL)",
		"capabilities=CAP_SYSLOG": "capabilities=CAP_SYSLOG: capset: operation not permitted (EPERM)",
	} {
		if got := run(t, as, as, pieces); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", pieces, got, want)
		}
	}
}

// Each resource is the one that the system means by that name.
func TestResources(t *testing.T) {
	names := map[string]string{
		"core": "Max core file size", "cpu": "Max cpu time", "data": "Max data size", "fsize": "Max file size",
		"locks": "Max file locks", "memlock": "Max locked memory", "msgqueue": "Max msgqueue size",
		"nice": "Max nice priority", "nofile": "Max open files", "nproc": "Max processes", "rss": "Max resident set",
		"rtprio": "Max realtime priority", "rttime": "Max realtime timeout", "sigpending": "Max pending signals",
		"stack": "Max stack size", "as": "Max address space",
	}
	for _, r := range resources {
		// The soft limit alone, so that everybody may; not so low that Go does not start.
		value, want := "4000000000:unlimited", "4000000000"
		var limit unix.Rlimit
		number := int(numberOf(r.name))
		if err := unix.Prlimit(0, number, nil, &limit); err != nil {
			t.Fatal(err)
		}
		switch {
		case r.unit == microseconds:
			value, want = "4000:unlimited", "4000000000"
		case limit.Max != Unlimited: // which may be too low for that
			soft := limit.Max - min(limit.Max, 1)
			if r.name == "nofile" {
				soft = 1000
			}
			value = fmt.Sprint(soft, ":", limit.Max)
			want = strconv.FormatUint(soft, 10)
		}
		got := run(t, os.Getuid(), os.Getuid(), "rlimit_"+r.name+"="+value)
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, names[r.name]+" "+want+" ") }) {
			t.Errorf("rlimit_%s=%s: %q", r.name, value, got)
		}
	}
}

func TestPrivileged(t *testing.T) {
	for _, capability := range []int{unix.CAP_SETUID, unix.CAP_SETPCAP, unix.CAP_SYS_NICE, unix.CAP_NET_BIND_SERVICE} {
		needs(t, capability)
	}
	const kept = "0000000000800400"
	for _, becomes := range []int{nobody, 0} {
		got := run(t, 0, becomes, "nice=-7", "ioprio=realtime:3", "capabilities=CAP_NET_BIND_SERVICE,CAP_SYS_NICE", "no_new_privs=yes")
		wantLines(t, got, "Uid "+strconv.Itoa(becomes), "nice -7", "ioprio 1 3", "NoNewPrivs 1",
			"CapPrm "+kept, "CapEff "+kept, "CapInh "+kept, "CapBnd "+kept)
		if becomes != 0 {
			wantLines(t, got, "CapAmb "+kept)
		}
		got = run(t, 0, becomes, "capabilities=")
		wantLines(t, got, "CapPrm 0000000000000000", "CapEff 0000000000000000", "CapBnd 0000000000000000", "NoNewPrivs 0")
	}
	// Without the key nothing is kept over the change of the user, as ever.
	wantLines(t, run(t, 0, nobody, "nice=1"), "CapEff 0000000000000000", "nice 1")
}

// What CAP_SYS_RESOURCE permits is done while the child still has it.
func TestResource(t *testing.T) {
	needs(t, unix.CAP_SYS_RESOURCE)
	got := run(t, 0, nobody, "oom_score_adj=-300", "rlimit_nofile=2000:1000000", "capabilities=")
	wantLines(t, got, "oom -300", "Max open files 2000 1000000 files")
}

// A limit that permits something is in force before that is done.
func TestLimitBeforeUse(t *testing.T) {
	needs(t, unix.CAP_SYS_RESOURCE)
	old := unix.Rlimit{}
	if err := unix.Prlimit(0, unix.RLIMIT_NICE, nil, &old); err != nil {
		t.Fatal(err)
	}
	// The child inherits the hard limit; the soft one it has to raise itself.
	if err := unix.Prlimit(0, unix.RLIMIT_NICE, &unix.Rlimit{Cur: 0, Max: 30}, nil); err != nil {
		t.Fatal(err)
	}
	defer unix.Prlimit(0, unix.RLIMIT_NICE, &old, nil) // root may
	wantLines(t, run(t, nobody, nobody, "nice=-5", "rlimit_nice=30"), "nice -5")
	wantLines(t, run(t, nobody, nobody, "nice=-5"), "nice=-5: setpriority: permission denied (EACCES)")
}

// TestOrder shows the plan of everything, and how little the plan of little is.
func TestOrder(t *testing.T) {
	list := func(s *Settings, uid int, changes bool) string {
		p, err := NewPlan(s, uid, changes)
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			return "nothing"
		}
		var b bytes.Buffer
		last := ""
		for i, c := range slices.Concat(p.BeforeUser, p.Last) {
			if i == len(p.BeforeUser) {
				b.WriteString("| ")
			}
			if c.Name != last {
				b.WriteString(c.Name + " ")
			}
			last = c.Name
		}
		return strings.TrimSpace(b.String())
	}
	all := []string{"no_new_privs=1", "capabilities=CAP_KILL,CAP_BPF", "ioprio=idle", "cpu_affinity=0", "nice=1", "rlimit_nofile=10", "rlimit_core=0", "oom_score_adj=0"}
	const file = " /proc/self/oom_score_adj "
	want := "open" + file + "write" + file + "close" + file + "prlimit setpriority ioprio_set sched_setaffinity prctl(PR_CAPBSET_DROP)"
	end := " | capset prctl(PR_CAP_AMBIENT_RAISE) prctl(PR_SET_NO_NEW_PRIVS)"
	if got := list(set(t, all...), 1000, true); got != want+" prctl(PR_SET_KEEPCAPS)"+end {
		t.Errorf("all: %s", got)
	}
	if got := list(set(t, all...), 0, false); got != want+end {
		t.Errorf("all, the user stays: %s", got)
	}
	if got := list(&Settings{}, 0, true); got != "nothing" {
		t.Errorf("nothing: %s", got)
	}
	if got := list(set(t, "no_new_privs=1"), 0, true); got != "| prctl(PR_SET_NO_NEW_PRIVS)" {
		t.Errorf("little: %s", got)
	}
}

// The names are those of this kernel's numbers.
func TestCapabilityNumbers(t *testing.T) {
	for name, number := range map[string]int{
		"CHOWN": unix.CAP_CHOWN, "SETPCAP": unix.CAP_SETPCAP, "NET_RAW": unix.CAP_NET_RAW, "SYS_ADMIN": unix.CAP_SYS_ADMIN,
		"MKNOD": unix.CAP_MKNOD, "SYSLOG": unix.CAP_SYSLOG, "CHECKPOINT_RESTORE": unix.CAP_CHECKPOINT_RESTORE,
	} {
		if capabilities[number] != name {
			t.Errorf("%d is %s, not %s", number, capabilities[number], name)
		}
	}
	if len(capabilities) != unix.CAP_LAST_CAP+1 {
		t.Errorf("%d capabilities, want %d", len(capabilities), unix.CAP_LAST_CAP+1)
	}
}

func TestRefused(t *testing.T) {
	err := error(&Refused{&Call{Key: "nice", Value: "-5", Name: "setpriority"}, syscall.ENOTUNIQ})
	if want := "nice=-5: setpriority: name not unique on network (errno 76)"; err.Error() != want || !errors.Is(err, syscall.ENOTUNIQ) {
		t.Errorf("got %v, want %s", err, want)
	}
}
