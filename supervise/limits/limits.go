// Package limits reads what a program may use and may do, and plans the system calls that
// make it so in the child, between fork and exec:
//
//	nice=10                      -20 to 19; more is nicer to others
//	oom_score_adj=-500           -1000 to 1000; less makes the kernel spare the program
//	cpu_affinity=0-3,6           the processors it may run on
//	ioprio=best-effort:6         idle, or best-effort or realtime with a level, 0 (first) to 7
//	rlimit_nofile=4096:65536     soft and hard; one value is for both; unlimited
//	capabilities=CAP_NET_RAW,…   just these, whoever the user is; none if it is empty
//	no_new_privs=true            no setuid program gives it more
//
// A Settings is what was written, a Plan the calls for it. The plan is made before the
// fork, since nothing can be allocated behind it, and its order is the one that needs the
// fewest privileges: limits before what they permit, and as much as possible before the
// user changes. Which program has which settings, the fork and the change of the user are
// others'. So far there are plans on Linux only.
//
// Begin reading at Settings, then at NewPlan.
package limits

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"supervisor/inifile"
)

// Settings is what a program's limits are to be. The zero value leaves all as it is.
type Settings struct {
	Nice         *int
	OOMScoreAdj  *int
	CPUs         []int // in order, each once
	IOPrio       IOPrio
	Rlimits      []Rlimit // in the order of Keys
	Capabilities *uint64  // a bit for each
	NoNewPrivs   bool
}

// IOPrio is a class of input and output, and the level in it; the zero value is none.
type IOPrio struct{ Class, Level int }

// The classes of IOPrio, as the kernel numbers them.
const (
	RealTime   = 1
	BestEffort = 2
	Idle       = 3
)

// Rlimit is one resource limit.
type Rlimit struct {
	Name       string // nofile
	Soft, Hard uint64 // in the unit of the system: bytes, seconds, microseconds or numbers
}

// Unlimited is a limit that is none.
const Unlimited = 1<<64 - 1

// maxCPU is the highest number of a processor; no kernel has been built for more.
const maxCPU = 8191

// unit is what a limit counts.
type unit int

const (
	number unit = iota
	size
	seconds
	microseconds
)

// resource is a limit that there is.
type resource struct {
	name string
	unit unit
}

var resources = [...]resource{
	{"as", size}, {"core", size}, {"cpu", seconds}, {"data", size}, {"fsize", size},
	{"locks", number}, {"memlock", size}, {"msgqueue", size}, {"nice", number},
	{"nofile", number}, {"nproc", number}, {"rss", size}, {"rtprio", number},
	{"rttime", microseconds}, {"sigpending", number}, {"stack", size},
}

// Keys returns the keys that Set knows, in the order in which they are best read.
func Keys() []string {
	keys := []string{"nice", "oom_score_adj", "cpu_affinity", "ioprio"}
	for _, r := range resources {
		keys = append(keys, "rlimit_"+r.name)
	}
	return append(keys, "capabilities", "no_new_privs")
}

// Set reads the value of a key, see Keys. Each key is set once. The error says what to
// write instead; s is unchanged then.
func (s *Settings) Set(key, text string) (err error) {
	text = inifile.TrimSpace(text)
	switch key {
	case "nice":
		s.Nice, err = within(text, -20, 19, "0 is usual, and more is nicer to others")
	case "oom_score_adj":
		s.OOMScoreAdj, err = within(text, -1000, 1000, "0 is usual, and -1000 is for what is never to be killed")
	case "cpu_affinity":
		var cpus []int
		if cpus, err = parseCPUs(text); err == nil {
			s.CPUs = cpus
		}
	case "ioprio":
		var prio IOPrio
		if prio, err = parseIOPrio(text); err == nil {
			s.IOPrio = prio
		}
	case "capabilities":
		var caps uint64
		if caps, err = parseCapabilities(text); err == nil {
			s.Capabilities = &caps
		}
	case "no_new_privs":
		s.NoNewPrivs, err = inifile.ParseBool(text)
	default:
		return s.setRlimit(key, text)
	}
	return err
}

// within reads a whole number of a range.
func within(text string, low, high int, meaning string) (*int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return nil, fmt.Errorf("%s is wrong: write a whole number from %d to %d; %s", inifile.PythonRepr(text), low, high, meaning)
	}
	return &n, nil
}

// parseCPUs reads a list of numbers and ranges.
func parseCPUs(text string) ([]int, error) {
	var cpus []int
	for item := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(inifile.TrimSpace(item), "-")
		if !ranged {
			to = from
		}
		low, err := strconv.ParseUint(from, 10, 16)
		high, err2 := strconv.ParseUint(to, 10, 16)
		if err != nil || err2 != nil || low > high || high > maxCPU {
			return nil, fmt.Errorf("%s is wrong: write numbers of processors and ranges of them, such as 0-3,6", inifile.PythonRepr(text))
		}
		for n := low; n <= high; n++ {
			cpus = append(cpus, int(n))
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), nil
}

func parseIOPrio(text string) (IOPrio, error) {
	class, levelText, leveled := strings.Cut(text, ":")
	level := 4 // as in the kernel, for who does not say
	if leveled {
		n, err := strconv.ParseUint(levelText, 10, 8)
		if err != nil || n > 7 {
			class = "" // wrong
		}
		level = int(n)
	}
	switch {
	case class == "realtime":
		return IOPrio{RealTime, level}, nil
	case class == "best-effort":
		return IOPrio{BestEffort, level}, nil
	case class == "idle" && !leveled:
		return IOPrio{Idle, 0}, nil
	}
	return IOPrio{}, fmt.Errorf("%s is wrong: write idle, or best-effort or realtime with a level from 0 (first) to 7, such as best-effort:6", inifile.PythonRepr(text))
}

func (s *Settings) setRlimit(key, text string) error {
	name, _ := strings.CutPrefix(key, "rlimit_")
	at := slices.IndexFunc(resources[:], func(r resource) bool { return "rlimit_"+r.name == key })
	if at < 0 {
		return fmt.Errorf("%s is no limit: write one of %s", key, strings.Join(Keys(), ", "))
	}
	softText, hardText, both := strings.Cut(text, ":")
	if !both {
		hardText = softText
	}
	soft, ok := parseLimit(resources[at].unit, softText)
	hard, ok2 := parseLimit(resources[at].unit, hardText)
	if !ok || !ok2 {
		return fmt.Errorf("%s is wrong: write SOFT:HARD or one value for both, each %s or unlimited", inifile.PythonRepr(text), resources[at].unit.examples())
	}
	if soft > hard {
		return fmt.Errorf("%s is wrong, the soft limit is above the hard one: write the smaller one first", inifile.PythonRepr(text))
	}
	if name == "nofile" && soft < 3 {
		return fmt.Errorf("%s is too low, a program has 3 files open when it begins: write more", inifile.PythonRepr(text))
	}
	s.Rlimits = append(s.Rlimits, Rlimit{name, soft, hard})
	return nil
}

func (u unit) examples() string {
	switch u {
	case size:
		return "a size such as 512MB"
	case seconds, microseconds:
		return "a time such as 90s or 2h"
	}
	return "a number"
}

// parseLimit reads one value. A system has no way to write a limit that is larger than an
// int64 and not unlimited.
func parseLimit(u unit, text string) (n uint64, ok bool) {
	text = inifile.TrimSpace(text)
	switch strings.ToLower(text) {
	case "unlimited", "infinity":
		return Unlimited, true
	}
	switch u {
	case size:
		n, err := inifile.ParseBytes(text)
		return uint64(n), err == nil && n >= 0
	case seconds, microseconds:
		d, err := inifile.ParseDuration(text)
		unit := time.Second
		if u == microseconds {
			unit = time.Microsecond
		}
		return uint64(d / unit), err == nil && d%unit == 0
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return n, err == nil
}

// capabilities are the names, without CAP_, in the order of their numbers on Linux.
var capabilities = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
	"IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
	"SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
	"LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
	"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
}

// parseCapabilities reads a list of names; an empty text has none.
func parseCapabilities(text string) (caps uint64, err error) {
	if text == "" {
		return 0, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		name := inifile.TrimSpace(item)
		short, prefixed := strings.CutPrefix(strings.ToUpper(name), "CAP_")
		n := slices.Index(capabilities[:], short)
		switch {
		case n >= 0 && prefixed:
			caps |= 1 << n
		case n >= 0:
			return 0, fmt.Errorf("%s is wrong: write CAP_%s", inifile.PythonRepr(name), short)
		case name == "":
			return 0, errors.New("a name is missing: write a list such as CAP_NET_BIND_SERVICE,CAP_KILL")
		default:
			return 0, fmt.Errorf("%s is no capability: write a list such as CAP_NET_BIND_SERVICE,CAP_KILL, see capabilities(7)", inifile.PythonRepr(name))
		}
	}
	return caps, nil
}
