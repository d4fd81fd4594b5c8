//go:build linux && amd64

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// result is what one playing of the story came to.
type result struct {
	hit   *call  // where the fault was made; nil if the story did not come by
	wrong string // what is wrong, "" for nothing
}

// player plays the story once.
type player struct {
	dir     string
	self    string // this program, which plays the children
	binary  string // the one under test
	marker  string // in the environment of all that belongs to this playing
	client  *http.Client
	port    int
	started time.Time
	stalled bool // a call takes longer, and nobody else may wait for it
}

// The most that a step may take when a fault is about, that everything is as it
// should be, and that the end may take.
const (
	stepTime   = 3 * time.Second
	normalTime = 6 * time.Second
	endTime    = 8 * time.Second
)

const firstConfig = `[supervisord]
logfile=%(here)s/supervisord.log
logfile_maxbytes=8KB
logfile_backups=50
loglevel=debug
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
nodaemon=true
[unix_http_server]
file=%(here)s/sock
[inet_http_server]
port=127.0.0.1:PORT
username=u
password=p
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:steady]
command=SELF count 10ms
stdout_logfile=%(here)s/steady.log
stdout_logfile_maxbytes=2KB
stdout_logfile_backups=200
redirect_stderr=true
startsecs=0
[program:auto]
command=SELF count 20ms
stdout_capture_maxbytes=1KB
startsecs=0
[program:crash]
command=SELF count 5ms 20
stdout_logfile=%(here)s/crash.log
autorestart=true
startsecs=0
restart_delay=0
[program:crash2]
command=SELF count 5ms 20
stdout_logfile=%(here)s/crash2.log
autorestart=true
startsecs=0
restart_delay=0
[eventlistener:ears]
command=SELF listener %(here)s/ears.txt
events=PROCESS_STATE,REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE
stdout_logfile=NONE
startsecs=0
[fcgi-program:fast]
command=SELF accept
socket=unix://%(here)s/fast.sock
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
`

const added = `[program:late]
command=SELF count 20ms
stdout_logfile=%(here)s/late.log
startsecs=0
`

func (p *player) path(name string) string { return filepath.Join(p.dir, name) }

func (p *player) writeConfig(more string) {
	text := strings.NewReplacer("SELF", p.self, "PORT", strconv.Itoa(p.port)).Replace(firstConfig + more)
	if err := os.WriteFile(p.path("supervisord.conf"), []byte(text), 0o600); err != nil {
		panic(err)
	}
}

// play runs the daemon through the story, with the fault if there is one, and says
// what came of it. seen gets each call.
func (p *player) play(f *fault, seen func(*call)) (r result) {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	p.dir, p.marker = dir, "FAULTS_MARKER="+filepath.Base(dir)
	p.port = freePort()
	p.writeConfig("")
	p.client = &http.Client{Timeout: stepTime, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", p.path("sock"))
		},
	}}
	output, err := os.Create(p.path("output"))
	if err != nil {
		panic(err)
	}
	defer output.Close()

	hit := make(chan *call, 1)
	ended := make(chan syscall.WaitStatus, 1)
	pid := make(chan int, 1)
	go func() { // a thread of its own, which ends with it
		t := &tracer{plan: f, saw: seen, hit: func(c *call) { hit <- c }}
		cmd := exec.Command(p.binary, "-c", p.path("supervisord.conf"))
		cmd.Args[0] = "supervisord"
		cmd.Env = append(os.Environ(), p.marker)
		cmd.Stdout, cmd.Stderr = output, output
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := t.start(cmd); err != nil {
			panic(err)
		}
		pid <- t.pid
		ws, err := t.run()
		if err != nil {
			panic(err)
		}
		ended <- ws
	}()
	d := &daemon{pid: <-pid, ended: ended}
	p.started = time.Now()
	p.stalled = f != nil && f.delay > 0
	r.wrong = p.story(d)
	select {
	case r.hit = <-hit:
	default:
	}
	if left := p.leftovers(); left != "" {
		if r.wrong == "" {
			r.wrong = "left behind: " + left
		}
		p.killAll(d.pid)
	}
	if r.wrong != "" {
		if keep := os.Getenv("FAULTS_KEEP"); keep != "" {
			_ = os.CopyFS(filepath.Join(keep, filepath.Base(dir)), os.DirFS(dir))
		}
	}
	return r
}

// daemon is the program under test.
type daemon struct {
	pid   int
	ended chan syscall.WaitStatus
	how   *syscall.WaitStatus // it has ended; nil as long as nobody has heard of that
}

func (d *daemon) alive() bool {
	if d.how != nil {
		return false
	}
	select {
	case how := <-d.ended:
		d.how = &how
		return false
	default:
		return true
	}
}

// story goes through the steps. What a step answers does not count, since a fault
// may be about; what counts is how things are afterwards.
func (p *player) story(d *daemon) (wrong string) {
	up := p.await(normalTime, func() bool { return !d.alive() || p.running() })
	if !d.alive() {
		return p.failedStart(*d.how)
	}
	if !up {
		p.killAll(d.pid)
		return "does not come up: " + p.status()
	}
	before := descriptors(d.pid)
	probed := p.probe()
	for _, step := range p.steps(d.pid) {
		step()
		if !d.alive() {
			return p.death("in the story", *d.how)
		}
	}
	waited := probed()
	well := p.await(normalTime, func() bool { return !d.alive() || p.repaired() })
	if !d.alive() {
		return p.death("after the story", *d.how)
	}
	if !well {
		wrong = "not normal again: " + p.status()
	}
	if wrong == "" {
		wrong = p.leaks(d.pid, before)
	}
	if wrong == "" {
		wrong = p.lost()
	}
	if wrong == "" && p.stalled {
		wrong = p.heldUp(waited)
	}
	if bad := p.end(d); bad != "" {
		return bad
	}
	return wrong
}

// steps are what the daemon is asked to do.
func (p *player) steps(daemon int) []func() {
	return []func(){
		func() {
			p.get("/")
			p.get("/tail.html?processname=steady")
			p.get("/nothing")
			p.get("/stylesheets/supervisor.css")
		},
		func() {
			p.tcp("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			p.tcp("GARBAGE\r\n\r\n")
		},
		func() { p.call("supervisor.getAllProcessInfo"); p.call("supervisor.getAllConfigInfo") },
		func() { p.call("supervisor.stopProcess", "late"); p.call("supervisor.sendRemoteCommEvent", "a", "b") },
		func() { p.call("supervisor.stopProcess", "steady"); p.call("supervisor.startProcess", "steady") },
		func() {
			p.call("supervisor.sendProcessStdin", "steady", "x")
			p.call("supervisor.signalProcess", "auto", "HUP")
		},
		func() {
			p.call("supervisor.tailProcessStdoutLog", "steady", 0, 100)
			p.call("supervisor.readLog", 0, 0)
		},
		func() { p.call("supervisor.clearProcessLogs", "auto"); p.call("supervisor.clearProcessLog", "crash") },
		func() {
			p.writeConfig(added)
			p.call("supervisor.reloadConfig")
			p.call("supervisor.addProcessGroup", "late")
		},
		func() { _ = syscall.Kill(daemon, syscall.SIGUSR2) },
		func() { p.follow() },
		func() {
			p.call("supervisor.stopProcess", "late")
			p.call("supervisor.removeProcessGroup", "late")
			p.writeConfig("")
			p.call("supervisor.reloadConfig")
		},
		func() { p.call("supervisor.stopProcessGroup", "fast"); p.call("supervisor.startProcessGroup", "fast") },
		func() { _ = syscall.Kill(daemon, syscall.SIGHUP); p.await(stepTime, p.isUp) },
	}
}

// leaks says that the daemon has more descriptors than before. What starts and ends by
// the way has some for a moment.
func (p *player) leaks(daemon, before int) string {
	more := 0
	if p.await(normalTime, func() bool { more = descriptors(daemon) - before; return more <= 8 }) {
		return ""
	}
	return fmt.Sprintf("%d descriptors more", more)
}

// end ends the daemon and says what was wrong with that, "" for nothing.
func (p *player) end(d *daemon) string {
	_ = syscall.Kill(d.pid, syscall.SIGTERM)
	select {
	case how := <-d.ended:
		if !how.Exited() || how.ExitStatus() != 0 {
			return p.death("at the end", how)
		}
		return ""
	case <-time.After(endTime):
	}
	// The first may have been the fault's victim; the second has it say what it does.
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT} {
		_ = syscall.Kill(d.pid, sig)
		select {
		case <-d.ended:
			return "does not end"
		case <-time.After(endTime):
		}
	}
	p.killAll(d.pid)
	<-d.ended
	return "does not end, not even by SIGQUIT"
}

// failedStart judges a daemon that has ended before it was up: it may, with a
// sentence and a status.
func (p *player) failedStart(ws syscall.WaitStatus) string {
	output := p.output()
	switch {
	case !ws.Exited() || ws.ExitStatus() == 0:
		return p.death("at the start", ws)
	case strings.Contains(output, "goroutine ") || strings.TrimSpace(output) == "":
		return p.death("at the start without a sentence", ws)
	}
	for _, name := range []string{"sock", "supervisord.pid", "fast.sock"} {
		if _, err := os.Lstat(p.path(name)); err == nil {
			return "failed to start and left " + name + " behind: " + output
		}
	}
	return ""
}

func (p *player) death(when string, ws syscall.WaitStatus) string {
	text := fmt.Sprintf("died %s (exited %v %d, signal %v): %.600s", when, ws.Exited(), ws.ExitStatus(), ws.Signal(), p.output())
	return text
}

func (p *player) output() string {
	data, _ := os.ReadFile(p.path("output"))
	return string(data)
}

// await looks at a condition until it holds. The daemon is stopped at each of its
// calls, so there is nothing to be told by.
func (p *player) await(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

var states = regexp.MustCompile(`<name>statename</name>\s*<value><string>([A-Z]*)</string>`)

func (p *player) isUp() bool {
	text, err := p.call("supervisor.getState")
	return err == nil && strings.Contains(text, "RUNNING")
}

// running reports whether all programs run, those that crash apart.
func (p *player) running() bool {
	text, err := p.call("supervisor.getAllProcessInfo")
	if err != nil {
		return false
	}
	var down int
	for _, m := range states.FindAllStringSubmatch(text, -1) {
		if m[1] != "RUNNING" {
			down++
		}
	}
	return strings.Contains(text, "steady") && down <= 2
}

// repaired makes what a fault may have left stopped run again, as an operator does,
// and reports whether all is well.
func (p *player) repaired() bool {
	p.call("supervisor.startAllProcesses", false)
	return p.running()
}

func (p *player) status() string {
	text, err := p.call("supervisor.getAllProcessInfo")
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(states.FindAllStringSubmatch(text, -1))
}

// counted is how the daemon tells of lost output.
var counted = regexp.MustCompile(`bytes (were )?lost`)

// lost returns what the log of the steady program lacks, but for what the daemon
// has counted as lost.
func (p *player) lost() string {
	names, _ := filepath.Glob(p.path("steady.log*"))
	slices.SortFunc(names, func(a, b string) int { return backup(b) - backup(a) })
	var text bytes.Buffer
	for _, name := range names {
		data, _ := os.ReadFile(name)
		text.Write(data)
	}
	logs, _ := filepath.Glob(p.path("supervisord.log*"))
	for _, name := range logs {
		if data, _ := os.ReadFile(name); counted.Match(data) {
			return ""
		}
	}
	last := map[string]int{}
	for line := range strings.Lines(text.String()) {
		pid, rest, _ := strings.Cut(line, " ")
		number, _, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			return "a torn line: " + strconv.Quote(line)
		}
		if last[pid] != 0 && n != last[pid]+1 {
			return fmt.Sprintf("line %d of pid %s comes after %d", n, pid, last[pid])
		}
		last[pid] = n
	}
	return ""
}

func backup(name string) int {
	_, number, _ := strings.Cut(filepath.Base(name), ".log.")
	n, _ := strconv.Atoi(number)
	return n
}

func (p *player) get(path string) {
	resp, err := p.client.Get("http://localhost" + path)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

func (p *player) tcp(request string) {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(p.port), stepTime)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(stepTime))
	_, _ = io.WriteString(conn, request)
	_, _ = io.Copy(io.Discard, conn)
}

// follow reads a log stream for a moment and leaves.
func (p *player) follow() {
	conn, err := net.DialTimeout("unix", p.path("sock"), stepTime)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	_, _ = io.WriteString(conn, "GET /logtail/steady HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r := bufio.NewReader(conn)
	for range 20 {
		if _, err = r.ReadString('\n'); err != nil {
			return
		}
	}
}

func (p *player) call(method string, params ...any) (string, error) {
	var body strings.Builder
	body.WriteString("<methodCall><methodName>" + method + "</methodName><params>")
	for _, v := range params {
		switch v := v.(type) {
		case int:
			fmt.Fprintf(&body, "<param><value><int>%d</int></value></param>", v)
		case bool:
			fmt.Fprintf(&body, "<param><value><boolean>%d</boolean></value></param>", map[bool]int{true: 1}[v])
		default:
			fmt.Fprintf(&body, "<param><value><string>%v</string></value></param>", v)
		}
	}
	body.WriteString("</params></methodCall>")
	resp, err := p.client.Post("http://localhost/RPC2", "text/xml", strings.NewReader(body.String()))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// probe asks for the state again and again, and returns a function that ends this and
// returns the longest time an answer has taken.
func (p *player) probe() func() time.Duration {
	if !p.stalled {
		return func() time.Duration { return 0 }
	}
	stop, longest := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		var worst time.Duration
		defer func() { longest <- worst }()
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			begin := time.Now()
			if _, err := p.call("supervisor.getState"); err == nil {
				worst = max(worst, time.Since(begin))
			}
		}
	}()
	return func() time.Duration { close(stop); return <-longest }
}

// heldUp says who else has waited for the stalled call: clients, or both of the
// programs that crash, of which it can only have been about one.
func (p *player) heldUp(waited time.Duration) string {
	const much = stall / 2 * time.Millisecond
	if waited > much {
		return fmt.Sprintf("getState took %v", waited)
	}
	a, b := p.longestGap("crash.log"), p.longestGap("crash2.log")
	if min(a, b) > much {
		return fmt.Sprintf("both programs were held up, for %v and %v", a, b)
	}
	return ""
}

// longestGap returns the longest time between two lines of a program.
func (p *player) longestGap(name string) (longest time.Duration) {
	data, _ := os.ReadFile(p.path(name))
	var last int64
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 3 {
			continue
		}
		at, err := strconv.ParseInt(words[2], 10, 64)
		if err == nil && last != 0 {
			longest = max(longest, time.Duration(at-last)*time.Millisecond)
		}
		last = at
	}
	return longest
}

// leftovers names the processes of this playing that are still there.
func (p *player) leftovers() string {
	var left []string
	clean := func() bool {
		left = nil
		for _, pid := range p.ours() {
			stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			left = append(left, string(stat[:min(len(stat), 40)]))
		}
		return len(left) == 0
	}
	if p.await(time.Second, clean) {
		return ""
	}
	return strings.Join(left, "; ")
}

// ours returns the pids of what has our marker in its environment.
func (p *player) ours() []int {
	var pids []int
	names, _ := filepath.Glob("/proc/[0-9]*")
	for _, name := range names {
		env, err := os.ReadFile(name + "/environ")
		if err == nil && bytes.Contains(env, []byte(p.marker)) {
			pid, _ := strconv.Atoi(filepath.Base(name))
			pids = append(pids, pid)
		}
	}
	return pids
}

func (p *player) killAll(daemon int) {
	_ = syscall.Kill(daemon, syscall.SIGKILL)
	for _, pid := range p.ours() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func descriptors(pid int) int {
	names, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(names)
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
