package proctree

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is also one that tries to kill what it may not.
func TestMain(m *testing.M) {
	if text := os.Getenv("PROCTREE_KILL"); text != "" {
		pid, _ := strconv.Atoi(text)
		which, _ := Identify(pid)
		r, err := Kill(Mark{Root: which}, time.Minute)
		fmt.Print(r, err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// What may not be killed is left, and named; nobody waits for its end.
func TestKillDenied(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	root, _ := tree(t, "echo ready; exec sleep 1000")
	untilNames(t, root, "sleep")
	first := identify(t, root)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "PROCTREE_KILL="+strconv.Itoa(root))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	begin := time.Now()
	out, err := cmd.Output()
	if want := fmt.Sprint(Result{Left: []Process{first}}, error(nil)); string(out) != want || err != nil {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
	if time.Since(begin) > 30*time.Second {
		t.Errorf("it took %v", time.Since(begin))
	}
	identify(t, root)
}

// tree starts a shell with a process group of its own, and returns it once it has said
// "ready" on its output; after that, the other words of that line.
func tree(t testing.TB, script string, environ ...string) (root int, words []string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // if the test has not done so
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if words = strings.Fields(lines.Text()); len(words) > 0 && words[0] == "ready" {
			go io.Copy(io.Discard, out)
			return cmd.Process.Pid, words[1:]
		}
	}
	t.Fatal("the shell has not said that it is ready")
	return 0, nil
}

func newSampler(t testing.TB, descriptors int) *Sampler {
	t.Helper()
	s, err := NewSampler(descriptors)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func sample(t *testing.T, s *Sampler, what What, roots ...int) []Usage {
	t.Helper()
	usage := make([]Usage, len(roots))
	usage[0].CPU = time.Hour // of an earlier sample
	if err := s.Sample(roots, what, usage); err != nil {
		t.Fatal(err)
	}
	return usage
}

// until waits for a condition that a change of the system brings about.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to this: ", what)
		}
	}
}

func TestSample(t *testing.T) {
	s := newSampler(t, 100)
	small, _ := tree(t, "echo ready; exec sleep 1000")
	// Two children, one with a child of its own that has left the group and the session.
	large, _ := tree(t, "exec 5<&0 6<&0; sleep 1000 & sh -c 'setsid sleep 1000 & wait' & echo ready; wait")
	var got []Usage
	until(t, "1 and 4 processes", func() bool {
		got = sample(t, s, WithFiles|WithIO, small, 0, large, 1<<30)
		return got[0].Processes == 1 && got[2].Processes == 4
	})
	for i, u := range got {
		if there := i == 0 || i == 2; there != (u.RSS > 0) || u.Threads != u.Processes || there != (u.Files >= 3) || u.Hidden > 0 {
			t.Errorf("tree %d: %+v", i, u)
		}
	}
	if got[1] != (Usage{}) || got[3] != (Usage{}) {
		t.Errorf("no trees: %+v", got)
	}
	if n := got[2].Files; n < 4*3+2 {
		t.Errorf("%d files in a tree of 4", n)
	}
	if none := sample(t, s, 0, large)[0]; none.Files != 0 || none.ReadBytes != 0 || none.Processes != 4 {
		t.Errorf("without files: %+v", none)
	}
}

// The time of what has ended stays with the tree.
func TestCPU(t *testing.T) {
	s := newSampler(t, 100)
	root, _ := tree(t, "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; echo ready; read x; sleep 1000")
	used := sample(t, s, 0, root)[0].CPU
	if used < 20*time.Millisecond || used > 20*time.Second {
		t.Errorf("%v of a child that has ended", used)
	}
	if again := sample(t, s, 0, root)[0].CPU; again < used {
		t.Errorf("%v after %v", again, used)
	}
	self := sample(t, s, WithFiles, os.Getpid())[0]
	if self.CPU == 0 || self.RSS < 1<<20 || self.Threads < 2 || self.Files < 3 {
		t.Errorf("ourselves: %+v", self)
	}
}

// Bytes that were written to a disk are counted.
func TestIO(t *testing.T) {
	s := newSampler(t, 100)
	file := filepath.Join(t.TempDir(), "x")
	root, _ := tree(t, "dd if=/dev/zero of="+file+" bs=4096 count=64 conv=fsync 2>/dev/null; echo ready; exec sleep 1000")
	if u := sample(t, s, WithIO, root)[0]; u.WrittenBytes < 64*4096 {
		t.Skipf("%d bytes were written, so this system's temporary files are in memory", u.WrittenBytes)
	}
}

// Processes whose parents have ended count by their group, and each for the nearest root.
func TestOwners(t *testing.T) {
	s := newSampler(t, 100)
	root, words := tree(t, "sh -c 'sleep 1000 & echo $!' >/tmp/../dev/fd/1; sh -c 'sleep 1000 & sleep 1000 & wait' & echo ready $!; wait")
	inner, _ := strconv.Atoi(words[0])
	until(t, "an orphan, a shell and two in a tree inside", func() bool {
		both := sample(t, s, 0, root, inner)
		return both[0].Processes == 2 && both[1].Processes == 3
	})
	if all := sample(t, s, 0, root)[0]; all.Processes != 5 {
		t.Errorf("%d processes in all, want 5", all.Processes)
	}
}

// A circle of parents, as a reused pid can seem to make one, is nobody's tree; a parent may
// have the higher pid.
func TestAssign(t *testing.T) {
	s := &Sampler{}
	for _, p := range [][4]int{{2, 3, 2, 2}, {3, 2, 2, 2}, {4, 44, 4, 4}, {5, 1, 5, 5}, {6, 1, 6, 5}, {7, 9, 7, 7}, {8, 1, 5, 8}, {9, 5, 9, 9}} {
		s.procs = append(s.procs, entry{owner: unknown, stat: stat{pid: p[0], parent: p[1], group: p[2], session: p[3]}})
	}
	s.assign([]int{5, 0, 7})
	var got []string
	for _, p := range s.procs {
		got = append(got, fmt.Sprint(p.pid, ":", p.owner))
	}
	if want := "2:-3 3:-3 4:-3 5:0 6:0 7:2 8:0 9:0"; strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %v", strings.Join(got, " "), want)
	}
}

func TestNoAllocations(t *testing.T) {
	s := newSampler(t, 100)
	roots, usage := []int{os.Getpid(), os.Getppid(), 1}, make([]Usage, 3)
	run := func() {
		if err := s.Sample(roots, WithFiles|WithIO, usage); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(5, run); n > 2 { // growing, if processes came up meanwhile
		t.Errorf("%v allocations a sample", n)
	}
}

// Without the size of the directory the entries are counted.
func TestFilesOfOldKernels(t *testing.T) {
	p, err := openProc()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	dir, errno := p.open(os.Getpid(), "fd", syscall.O_DIRECTORY)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer syscall.Close(dir)
	n := 0
	if err := p.list(dir, func(name []byte, _ uint64) {
		if name[0] != '.' {
			n++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if got, ok := p.files(os.Getpid()); got != n || !ok {
		t.Errorf("%d files, %d entries, %v", got, n, ok)
	}
}

func TestRootOf(t *testing.T) {
	root, words := tree(t, "sh -c 'sleep 1000 & echo ready $!; wait'; :")
	leaf, _ := strconv.Atoi(words[0])
	isRoot := func(pid int) bool { return pid == root }
	for pid, want := range map[int]int{leaf: root, root: root, os.Getpid(): 0, 1 << 30: 0, 0: 0} {
		if got, ok := RootOf(pid, isRoot); ok != (want > 0) || ok && got != want {
			t.Errorf("%d: %d, %v", pid, got, ok)
		}
	}
}

func TestTree(t *testing.T) {
	root, words := tree(t, "setsid sleep 1000 & echo ready $!; wait")
	child, _ := strconv.Atoi(words[0])
	var got []Process
	until(t, "sh and sleep", func() bool {
		var err error
		if got, err = Tree(root); err != nil {
			t.Fatal(err)
		}
		return len(got) == 2 && got[1].Name == "sleep"
	})
	if got[0].PID != root || got[0].Name != "sh" || got[1].PID != child || got[0].Start == 0 {
		t.Errorf("%+v", got)
	}
	if self, ok := Identify(root); !ok || self != got[0] {
		t.Errorf("%+v, %v", self, ok)
	}
	if _, ok := Identify(1 << 30); ok {
		t.Error("a process that cannot be")
	}
}

// kill ends a tree, within limit at the longest.
func kill(t *testing.T, m Mark) Result {
	t.Helper()
	begin := time.Now()
	r, err := Kill(m, 2*time.Second)
	if err != nil || time.Since(begin) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	return r
}

func identify(t *testing.T, pid int) Process {
	t.Helper()
	p, ok := Identify(pid)
	if !ok || !alive(p) {
		t.Fatalf("process %d has ended", pid)
	}
	return p
}

// alive reports whether a process has not ended.
func alive(which Process) bool {
	p, err := openProc()
	if err != nil {
		return false
	}
	defer p.close()
	return p.lives(which)
}

func pids(words []string) (list []int) {
	for _, word := range words {
		pid, _ := strconv.Atoi(word)
		list = append(list, pid)
	}
	return list
}

// wantGone wants each of the processes among those that were killed, and none left.
func wantGone(t *testing.T, r Result, processes ...Process) {
	t.Helper()
	for _, p := range processes {
		if !slices.ContainsFunc(r.Killed, func(k Process) bool { return k.PID == p.PID && k.Start == p.Start }) {
			t.Errorf("%+v is not among %+v", p, r.Killed)
		}
		if now, ok := Identify(p.PID); ok && now.Start == p.Start && alive(p) {
			t.Errorf("%+v still runs", p)
		}
	}
	if len(r.Left) > 0 {
		t.Errorf("left: %+v", r.Left)
	}
}

func TestKill(t *testing.T) {
	for _, test := range []struct {
		name, script string // which prints the pids of all that runs besides the root
		atLeast      int
	}{
		{"alone", "echo ready; exec sleep 1000", 1},
		{"children", "sleep 1000 & a=$!; sleep 1000 & echo ready $a $!; wait", 3},
		{"deaf", "trap '' TERM INT HUP; sh -c 'trap \"\" TERM; echo ready $$; while :; do sleep 1000; done'; :", 2},
		{"another session", "setsid sh -c 'sleep 1000 & echo ready $$ $!; wait' & wait", 3},
		{"two forks", "(setsid sh -c 'sleep 1000 & echo ready $!') ; sleep 1000", 2},
		{"stopped", "sleep 1000 & kill -STOP $!; echo ready $!; wait", 2},
		{"many", "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait", 101},
	} {
		t.Run(test.name, func(t *testing.T) {
			root, words := tree(t, test.script, "PROCTREE_TEST="+test.name)
			list := []Process{identify(t, root)}
			for _, pid := range pids(words) {
				list = append(list, identify(t, pid))
			}
			other, _ := tree(t, "echo ready; exec sleep 1000", "PROCTREE_TEST=another")
			r := kill(t, Mark{Root: list[0], Environ: []string{"PROCTREE_TEST=" + test.name}})
			wantGone(t, r, list...)
			if len(r.Killed) < test.atLeast {
				t.Errorf("%d were killed, want %d: %+v", len(r.Killed), test.atLeast, r.Killed)
			}
			identify(t, other)
		})
	}
}

// What runs away: each process starts the next one and ends. Its group betrays it, or the
// environment if it has left the group.
func TestKillRunaway(t *testing.T) {
	for name, script := range map[string]string{
		"group":   `f() { f & }; echo ready; f; exec sleep 1000`,
		"session": `export RUN='setsid sh -c "$RUN" & '; echo ready; sh -c "$RUN"; exec sleep 1000`,
	} {
		t.Run(name, func(t *testing.T) {
			mark := "PROCTREE_TEST=runaway " + name
			root, _ := tree(t, script, mark)
			m := Mark{Root: identify(t, root), Environ: []string{mark}}
			r := kill(t, m)
			wantGone(t, r, m.Root)
			if again := kill(t, m); len(again.Killed)+len(again.Left) > 0 {
				t.Errorf("there were more: %+v", again)
			}
		})
	}
}

// Without any other trace, what was known before is found, and what descends from it.
func TestKillKnown(t *testing.T) {
	root, words := tree(t, "(setsid env -i sh -c 'sh -c \"sleep 1000 & wait\" & echo ready $$ $!; wait' &) ; exec sleep 1000")
	shell := identify(t, pids(words)[0])
	until(t, "three in the other session", func() bool { list, _ := Tree(shell.PID); return len(list) == 3 })
	first := identify(t, root)
	r := kill(t, Mark{Root: first})
	wantGone(t, r, first)
	identify(t, shell.PID) // nothing tells that it belongs there
	r = kill(t, Mark{Root: first, Known: []Process{shell}})
	wantGone(t, r, shell)
	if len(r.Killed) != 3 {
		t.Errorf("%+v", r.Killed)
	}
}

// A pid that another process has by now is no trace of the tree.
func TestKillReused(t *testing.T) {
	root, _ := tree(t, "sleep 1000 & echo ready; wait")
	now := identify(t, root)
	old := now
	old.Start--
	if r := kill(t, Mark{Root: old, Known: []Process{old}}); len(r.Killed)+len(r.Left) > 0 {
		t.Errorf("%+v", r)
	}
	if r := kill(t, Mark{Environ: []string{}}); len(r.Killed)+len(r.Left) > 0 {
		t.Errorf("no mark: %+v", r)
	}
	if r := kill(t, Mark{Root: identify(t, os.Getpid()), Spare: []int{root}}); slices.ContainsFunc(r.Killed, func(p Process) bool { return p.PID == root || p.PID == os.Getpid() }) {
		t.Errorf("spared: %+v", r)
	}
	identify(t, root)
}

// All of several variables are needed, whole ones.
func TestKillEnviron(t *testing.T) {
	root, _ := tree(t, "echo ready; exec sleep 1000", "PROCTREE_A=environ", "PROCTREE_B=2")
	for _, environ := range [][]string{{"PROCTREE_A=environ", "PROCTREE_B=3"}, {"PROCTREE_A=env"}, {"ROCTREE_A=environ"}, {"PROCTREE_A"}} {
		if r := kill(t, Mark{Environ: environ}); len(r.Killed)+len(r.Left) > 0 {
			t.Errorf("%q: %+v", environ, r)
		}
	}
	first := identify(t, root)
	wantGone(t, kill(t, Mark{Environ: []string{"PROCTREE_B=2", "PROCTREE_A=environ"}}), first)
	if still, ok := Identify(root); !ok || still.Start != first.Start { // nobody has waited for it
		t.Errorf("%+v, %v", still, ok)
	}
}

// What is in another PID namespace is in ours as well.
func TestKillNamespace(t *testing.T) {
	if out, err := exec.Command("unshare", "--pid", "--fork", "true").CombinedOutput(); err != nil {
		t.Skipf("no PID namespace can be made: %s%v", out, err)
	}
	const mark = "PROCTREE_TEST=namespace"
	root, _ := tree(t, "unshare --pid --fork env "+mark+" sh -c 'setsid sleep 1000 & echo ready; wait'")
	// By its environment alone, it may be another supervisord's.
	if r := kill(t, Mark{Environ: []string{mark}}); len(r.Killed)+len(r.Left) > 0 {
		t.Errorf("by environment: %+v", r)
	}
	r := kill(t, Mark{Root: identify(t, root)})
	if len(r.Killed) < 3 || len(r.Left) > 0 {
		t.Errorf("%+v", r)
	}
}

func TestKillCgroup(t *testing.T) {
	var dir string
	for _, parent := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		try := filepath.Join(parent, fmt.Sprint("proctree-test-", os.Getpid()))
		if err := os.MkdirAll(filepath.Join(try, "below"), 0o755); err != nil {
			continue
		}
		defer os.Remove(try)
		defer os.Remove(filepath.Join(try, "below"))
		if _, err := os.Stat(filepath.Join(try, "cgroup.procs")); err == nil {
			dir = try
		}
	}
	if dir == "" {
		t.Skip("no control group can be made here")
	}
	in := func(dir string) string {
		return "echo $$ >" + dir + "/cgroup.procs && (setsid env -i sleep 1000 &) ; echo ready; exec sleep 1000"
	}
	a, _ := tree(t, in(dir))
	b, _ := tree(t, in(dir+"/below"))
	first, second := identify(t, a), identify(t, b)
	r := kill(t, Mark{Cgroup: dir})
	wantGone(t, r, first, second)
	if len(r.Killed) != 4 {
		t.Errorf("%+v", r.Killed)
	}
}

// cpu is what this process has used.
func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkSample is one sample of 1,000 programs. The promise is 15 ms of CPU.
func BenchmarkSample(b *testing.B) {
	const programs = 1000
	root, _ := tree(b, "i=0; while [ $i -lt "+strconv.Itoa(programs)+" ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait")
	list, err := Tree(root)
	if err != nil {
		b.Fatal(err)
	}
	var roots []int
	for _, p := range list {
		if p.PID != root {
			roots = append(roots, p.PID)
		}
	}
	usage := make([]Usage, len(roots))
	for _, test := range []struct {
		name        string
		what        What
		descriptors int
	}{{"all", WithFiles | WithIO, 2 * programs}, {"all, nothing kept open", WithFiles | WithIO, 0}, {"memory", 0, programs}} {
		b.Run(test.name, func(b *testing.B) {
			s := newSampler(b, test.descriptors)
			for range 2 { // whoever follows the figures has done so for a while
				if err := s.Sample(roots, test.what, usage); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				if err := s.Sample(roots, test.what, usage); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu()-before)/1e6/float64(b.N), "cpu-ms/op")
			for i, u := range usage {
				if u.Processes != 1 {
					b.Fatalf("%d: %+v", roots[i], u)
				}
			}
		})
	}
}

// untilNames waits until the programs of a tree, which a shell starts, are executed.
func untilNames(t *testing.T, root int, want string) {
	t.Helper()
	until(t, want, func() bool {
		list, err := Tree(root)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range list {
			names = append(names, p.Name)
		}
		return strings.Join(names, " ") == want
	})
}

// What is kept from one sample to the next is no more than allowed, is given up when nobody
// asks for a tree any more, and never stands for what has changed.
func TestKeeps(t *testing.T) {
	a, _ := tree(t, "sleep 1000 & sleep 1000 & echo ready; wait")
	b, _ := tree(t, "sleep 1000 & echo ready; read x; wait")
	untilNames(t, a, "sh sleep sleep")
	untilNames(t, b, "sh sleep")
	for _, most := range []int{0, 3, 100} {
		s := newSampler(t, most)
		for range 4 {
			if u := sample(t, s, WithFiles|WithIO, a)[0]; u.Processes != 3 || u.Hidden > 0 {
				t.Fatalf("%+v", u)
			}
		}
		if want := min(most, 6); s.kept != want {
			t.Errorf("%d descriptors are kept, want %d", s.kept, want)
		}
		child, _ := tree(t, "sleep 1000 & echo ready; wait")
		untilNames(t, child, "sh sleep")
		fresh := newSampler(t, 0)
		if u := sample(t, s, WithFiles, a, b)[1]; u.Processes != 2 || u.RSS == 0 || u.Files < 6 {
			t.Errorf("a tree that nobody has asked for before: %+v", u)
		}
		// b was there all the time, but nobody has asked for it; child is new, and may still
		// be loading its program.
		until(t, "the same figures as of who asks for the first time", func() bool {
			got, want := sample(t, s, WithFiles|WithIO, a, b, child), sample(t, fresh, WithFiles|WithIO, a, b, child)
			for i := range got {
				got[i].CPU, want[i].CPU = 0, 0
			}
			return slices.Equal(got, want) && got[2].Processes == 2
		})
		sample(t, s, WithFiles|WithIO, a, b, child)
		if s.kept > most {
			t.Errorf("%d descriptors are kept, more than %d", s.kept, most)
		}
		if u := sample(t, s, 0, 1<<30)[0]; u != (Usage{}) || s.kept != 0 {
			t.Errorf("nobody asks: %+v, %d descriptors are kept", u, s.kept)
		}
		sample(t, s, WithIO, a)
		sample(t, s, WithIO, a)
		s.Close()
		s.proc.dir = -1 // it is closed again in the end
		if s.kept != 0 {
			t.Errorf("%d descriptors are left", s.kept)
		}
	}
}

// A process that ends is missed at once, and its descriptor is closed.
func TestEnds(t *testing.T) {
	s := newSampler(t, 100)
	root, words := tree(t, "sleep 1000 & a=$!; sleep 1000 & echo ready $a $!; wait $a; wait")
	for range 3 {
		sample(t, s, WithIO, root)
	}
	kept := s.kept
	_ = syscall.Kill(pids(words)[0], syscall.SIGKILL) // it is there
	until(t, "2 of 3 processes", func() bool { return sample(t, s, WithIO, root)[0].Processes == 2 })
	until(t, "2 descriptors fewer", func() bool { sample(t, s, WithIO, root); return s.kept == kept-2 })
}
