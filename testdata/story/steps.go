package story

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// play plays one step.
func (p *player) play(text string) error {
	want := byte(0) // "!": has to fail; "?": may
	if strings.HasPrefix(text, "! ") || strings.HasPrefix(text, "? ") {
		want, text = text[0], strings.TrimSpace(text[2:])
	}
	argv, err := words(p.expand(text))
	if err != nil {
		return err
	}
	name, args := argv[0], argv[1:]
	if run, ok := programs[name]; ok {
		if err := run(p, args, want); err != nil {
			return err
		}
		switch {
		case want == 0 && p.status != 0:
			return fmt.Errorf("exit status %d", p.status)
		case want == '!' && p.status == 0:
			return errors.New("it succeeded")
		}
		return nil
	}
	if name == "grep" && want == '!' {
		name = "no-grep"
	} else if want != 0 {
		return fmt.Errorf("%c makes no sense here", want)
	}
	s, ok := steps[name]
	if !ok {
		return fmt.Errorf("there is no step %q", name)
	}
	if len(args) < s.min || s.max >= 0 && len(args) > s.max {
		return fmt.Errorf("%s with %d words", name, len(args))
	}
	return s.do(p, args)
}

// programs are the steps that end with a status.
var programs = map[string]func(p *player, args []string, want byte) error{
	"supervisord": (*player).supervisord,
	"ctl": func(p *player, args []string, _ byte) error {
		return p.run(append([]string{p.roles["supervisorctl"], "-c", p.path("supervisord.conf")}, args...)...)
	},
	"exec": func(p *player, args []string, _ byte) error { return p.run(args...) },
	"rpc":  (*player).rpc,
	"http": (*player).http,
}

// steps are all others; max -1 is any number of words.
var steps = map[string]struct {
	min, max int
	do       func(p *player, args []string) error
}{
	"append":     {2, 2, (*player).append},
	"background": {1, -1, (*player).background},
	"cmp":        {2, 2, (*player).cmp},
	"conf":       {1, 1, (*player).conf},
	"count":      {3, 3, (*player).count},
	"exit":       {1, 1, (*player).exit},
	"grep":       {2, 2, (*player).grep},
	"idle":       {1, 1, (*player).idle},
	"match":      {2, 2, (*player).match},
	"mkdir":      {1, 1, func(p *player, args []string) error { return os.Mkdir(p.path(args[0]), 0o777) }},
	"no-grep":    {2, 2, (*player).noGrep},
	"order":      {2, -1, (*player).order},
	"program": {2, 2, func(p *player, args []string) error {
		p.roles[args[0]] = args[1]
		return nil
	}},
	"rename":    {2, 2, func(p *player, args []string) error { return os.Rename(p.path(args[0]), p.path(args[1])) }},
	"rm":        {1, 1, func(p *player, args []string) error { return os.Remove(p.path(args[0])) }},
	"set":       {2, 3, (*player).set},
	"signal":    {1, 2, (*player).signal},
	"stop":      {0, 0, (*player).stop},
	"threads":   {1, 1, (*player).threads},
	"wait":      {2, 2, (*player).wait},
	"wait-exit": {0, 0, (*player).waitExit},
	"wait-file": {1, 1, (*player).waitFile},
	"wait-gone": {1, 1, (*player).waitGone},
	"wait-http": {2, 2, (*player).waitHTTP},
	"wait-log":  {1, 3, (*player).waitLog},
	"write": {2, 2, func(p *player, args []string) error {
		return os.WriteFile(p.path(args[0]), []byte(args[1]+"\n"), 0o644)
	}},
}

// missing says what of a need is not there; empty: nothing.
func (p *player) missing(need string) string {
	kind, rest, _ := strings.Cut(need, " ")
	switch kind {
	case "root":
		if os.Geteuid() != 0 {
			return "this is another user"
		}
	case "nonroot":
		if os.Geteuid() == 0 {
			return "this is root"
		}
	case "linux":
		if _, err := os.Stat("/proc/self/task"); err != nil {
			return "this is another system"
		}
	case "original":
		if p.programs.Debian == "" {
			return "Debian's package supervisor is not installed"
		}
	case "program":
		for _, name := range strings.Fields(rest) {
			if _, err := exec.LookPath(name); err != nil {
				return err.Error()
			}
		}
	case "library":
		if found, _ := filepath.Glob("/lib/*/" + rest); len(found) == 0 {
			return rest + " is not installed"
		}
	case "env":
		if os.Getenv(rest) == "" {
			return rest + " is not set"
		}
	case "python":
		for _, module := range strings.Fields(rest) {
			if err := exec.Command("/usr/bin/python3", "-c", "import "+module).Run(); err != nil {
				return fmt.Sprintf("/usr/bin/python3 cannot import %s", module)
			}
		}
	case "node":
		for _, name := range strings.Fields(rest) {
			if err := exec.Command("node", "-e", "require.resolve(process.argv[1])", name).Run(); err != nil {
				return fmt.Sprintf("node cannot find the package %s (NODE_PATH=%s)", name, os.Getenv("NODE_PATH"))
			}
		}
	case "module":
		cmd := exec.Command("go", "mod", "download")
		cmd.Dir = p.programs.Root + "/" + rest
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Sprintf("go mod download: %v\n%s", err, out)
		}
	default:
		return "nobody knows this need"
	}
	return ""
}

// supervisord starts the daemon and waits until it answers. With "!" it waits
// for its end instead.
func (p *player) supervisord(args []string, want byte) error {
	argv := []string{p.roles["supervisord"], "-n", "-c", p.path("supervisord.conf")}
	detach := len(args) > 0 && args[0] == "-daemon"
	if detach {
		argv, args = slices.Delete(argv, 1, 2), args[1:]
	}
	argv = append(argv, args...)
	if want != 0 {
		return p.run(argv...)
	}
	if detach {
		if err := p.run(argv...); err != nil || p.status != 0 {
			return err
		}
		return p.answers()
	}
	proc, err := p.start("supervisord", argv...)
	if err != nil {
		return err
	}
	p.daemon, p.status = proc, 0
	return p.answers()
}

func (p *player) answers() error {
	return until("an answer", func() (bool, error) {
		if p.daemon != nil && p.daemon.ended() {
			stderr, _ := os.ReadFile(p.path("supervisord.err")) // it is for the message
			return false, fmt.Errorf("the daemon has ended: %s\n%s", p.daemon.cmd.ProcessState, stderr)
		}
		_, err := p.call("supervisor.getState")
		return err == nil, nil
	})
}

func (p *player) rpc(args []string, _ byte) error {
	if len(args) == 0 {
		return errors.New("no method")
	}
	method := args[0]
	if !strings.Contains(method, ".") {
		method = "supervisor." + method
	}
	p.stderr = nil
	result, err := p.call(method, jsonArgs(args[1:])...)
	var f *fault
	if errors.As(err, &f) {
		p.stdout, p.status = []byte(f.Error()+"\n"), 1
		return nil
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(result) // keys are sorted
	p.stdout, p.status = append(text, '\n'), 0
	return err
}

// http asks the inet server. The step succeeds with any status; $HTTP tells it.
func (p *player) http(args []string, _ byte) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("http METHOD PATH [USER:PASSWORD]")
	}
	req, err := http.NewRequest(args[0], "http://127.0.0.1:"+p.vars["PORT"]+args[1], nil)
	if err != nil {
		return err
	}
	if len(args) == 3 {
		user, password, _ := strings.Cut(args[2], ":")
		req.SetBasicAuth(user, password)
	}
	client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	p.stdout, err = io.ReadAll(resp.Body)
	p.stderr, p.status = nil, 0
	p.vars["HTTP"] = strconv.Itoa(resp.StatusCode)
	return err
}

func (p *player) background(args []string) error {
	_, err := p.start("background", args...) // tearDown finds it by its mark
	return err
}

func (p *player) append(args []string) error {
	f, err := os.OpenFile(p.path(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(args[1] + "\n")
	return errors.Join(err, f.Close())
}

func (p *player) conf(args []string) error {
	data, err := os.ReadFile(p.path(args[0]))
	if err != nil {
		return err
	}
	return os.WriteFile(p.path("supervisord.conf"), append([]byte(p.preamble()), data...), 0o644)
}

func (p *player) set(args []string) error {
	name, what := args[0], args[1]
	value := ""
	switch {
	case what == "pid" && len(args) == 2:
		pid, err := p.daemonPID()
		if err != nil {
			return err
		}
		value = strconv.Itoa(pid)
	case what == "pid":
		pid, err := p.pid(args[2])
		if err != nil {
			return err
		}
		value = strconv.Itoa(pid)
	case what == "stdout":
		value = strings.TrimSpace(string(p.stdout))
	case what == "file" && len(args) == 3:
		data, err := os.ReadFile(p.path(args[2]))
		if err != nil {
			return err
		}
		value = strings.TrimSpace(string(data))
	default:
		return fmt.Errorf("cannot keep %q", args[1:])
	}
	p.vars[name] = value
	return nil
}

// pid is the pid of a supervised process.
func (p *player) pid(name string) (int, error) {
	info, err := p.call("supervisor.getProcessInfo", name)
	if err != nil {
		return 0, err
	}
	members, _ := info.(map[string]any)
	number, _ := members["pid"].(json.Number)
	pid, err := number.Int64()
	if err != nil || pid == 0 {
		return 0, fmt.Errorf("%s has no pid: %v", name, info)
	}
	return int(pid), nil
}

var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "CONT": syscall.SIGCONT, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL,
	"QUIT": syscall.SIGQUIT, "STOP": syscall.SIGSTOP, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

func (p *player) signal(args []string) error {
	sig, ok := signals[args[0]]
	if !ok {
		return fmt.Errorf("no signal %q", args[0])
	}
	pid, err := 0, error(nil)
	if len(args) == 1 {
		pid, err = p.daemonPID()
	} else if pid, err = strconv.Atoi(args[1]); err != nil {
		pid, err = p.pid(args[1])
	}
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}

func (p *player) stop([]string) error {
	pid, err := p.daemonPID() // while there is a file that says so
	if err != nil {
		return err
	}
	if err = p.signal([]string{"TERM"}); err != nil {
		return err
	}
	if p.daemon == nil {
		p.status = 0
		return p.waitGone([]string{strconv.Itoa(pid)})
	}
	if err = p.waitExit(nil); err != nil {
		return err
	}
	if p.status != 0 {
		return fmt.Errorf("exit status %d", p.status)
	}
	return nil
}

func (p *player) waitExit([]string) error {
	if p.daemon == nil {
		pid, err := p.daemonPID()
		if err != nil {
			return err
		}
		p.status = 0
		return p.waitGone([]string{strconv.Itoa(pid)})
	}
	if err := p.daemon.wait(); err != nil {
		return err
	}
	p.status = p.daemon.cmd.ProcessState.ExitCode()
	return nil
}

func (p *player) wait(args []string) error {
	name, states := args[0], strings.Split(args[1], ",")
	last := any("no answer")
	err := until("state "+args[1], func() (bool, error) {
		info, err := p.call("supervisor.getProcessInfo", name)
		if err != nil {
			last = err
			return false, nil
		}
		last = info
		members, _ := info.(map[string]any)
		state, _ := members["statename"].(string)
		return slices.Contains(states, state), nil
	})
	if err != nil {
		return fmt.Errorf("%w; last seen: %v", err, last)
	}
	return nil
}

func (p *player) waitLog(args []string) error {
	file, count := "supervisord.log", 1
	if len(args) > 1 {
		file = args[1]
	}
	if len(args) > 2 {
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		count = n
	}
	re, err := pattern(args[0])
	if err != nil {
		return err
	}
	return until("the line", func() (bool, error) {
		data, err := p.file(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		return len(re.FindAllIndex(data, -1)) >= count, nil
	})
}

func (p *player) waitFile(args []string) error {
	return until("the file", func() (bool, error) {
		_, err := os.Stat(p.path(args[0]))
		return err == nil, nil
	})
}

// waitGone waits until a process, or else a file, is no more.
func (p *player) waitGone(args []string) error {
	if pid, err := strconv.Atoi(args[0]); err == nil {
		return until("the end of "+args[0], func() (bool, error) {
			return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid), nil
		})
	}
	return until("the file's end", func() (bool, error) {
		_, err := os.Lstat(p.path(args[0]))
		return errors.Is(err, fs.ErrNotExist), nil
	})
}

// zombie reports whether a process has ended and only waits to be reaped, by
// somebody who is none of ours.
func zombie(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(data, []byte(") Z "))
}

func (p *player) waitHTTP(args []string) error {
	re, err := pattern(args[1])
	if err != nil {
		return err
	}
	return until("the page", func() (bool, error) {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil // not there yet
		}
		defer resp.Body.Close()
		p.stdout, err = io.ReadAll(resp.Body)
		return err == nil && re.Match(p.stdout), nil
	})
}

func (p *player) exit(args []string) error {
	if got := strconv.Itoa(p.status); got != args[0] {
		return fmt.Errorf("exit status %s", got)
	}
	return nil
}

// pattern compiles a regexp; ^ and $ stand for the ends of lines.
func pattern(text string) (*regexp.Regexp, error) {
	return regexp.Compile("(?m)" + text)
}

func (p *player) cmp(args []string) error {
	got, err := p.file(args[0])
	if err != nil {
		return err
	}
	want, err := p.file(args[1])
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("got\n%s\nwant\n%s", got, want)
	}
	return nil
}

func (p *player) match(args []string) error {
	got, err := p.file(args[0])
	if err != nil {
		return err
	}
	want, err := p.file(args[1])
	if err != nil {
		return err
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i, line := range wantLines {
		re, err := regexp.Compile("^(?:" + line + ")$")
		if err != nil {
			return err
		}
		if i >= len(gotLines) || !re.MatchString(gotLines[i]) {
			return fmt.Errorf("line %d differs; got\n%s\nwant\n%s", i+1, got, want)
		}
	}
	if len(gotLines) != len(wantLines) {
		return fmt.Errorf("more lines than wanted; got\n%s\nwant\n%s", got, want)
	}
	return nil
}

// matches counts the matches of a regexp in a file.
func (p *player) matches(re, file string) (int, []byte, error) {
	compiled, err := pattern(re)
	if err != nil {
		return 0, nil, err
	}
	data, err := p.file(file)
	if err != nil {
		return 0, nil, err
	}
	return len(compiled.FindAllIndex(data, -1)), data, nil
}

func (p *player) grep(args []string) error {
	n, data, err := p.matches(args[0], args[1])
	if err == nil && n == 0 {
		err = fmt.Errorf("no line matches in\n%s", tail(data))
	}
	return err
}

func (p *player) noGrep(args []string) error {
	n, data, err := p.matches(args[0], args[1])
	if err == nil && n != 0 {
		err = fmt.Errorf("a line matches in\n%s", tail(data))
	}
	return err
}

func (p *player) count(args []string) error {
	n, data, err := p.matches(args[1], args[2])
	if err == nil && strconv.Itoa(n) != args[0] {
		err = fmt.Errorf("%d lines match in\n%s", n, tail(data))
	}
	return err
}

func (p *player) order(args []string) error {
	data, err := p.file(args[0])
	if err != nil {
		return err
	}
	rest := data
	for _, text := range args[1:] {
		re, err := pattern(text)
		if err != nil {
			return err
		}
		at := re.FindIndex(rest)
		if at == nil {
			return fmt.Errorf("%s does not follow in\n%s", text, tail(data))
		}
		rest = rest[at[1]:]
	}
	return nil
}

// idle watches the daemon for some seconds. That nothing happens can be seen in no
// other way than by letting the time pass. Two wake-ups are let pass: the last
// request's connection is being put away, and the Go runtime may collect.
func (p *player) idle(args []string) error {
	seconds, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	pid, err := p.daemonPID()
	if err != nil {
		return err
	}
	// What the daemon did last makes the Go runtime tidy up for some seconds, the
	// longer the busier the machine is. One that polls has no quiet window, ever.
	const windows = 8
	wakeUps := 0
	for range windows {
		before, err := switches(pid)
		if err != nil {
			return err
		}
		<-time.After(time.Duration(seconds) * time.Second)
		after, err := switches(pid)
		if err != nil {
			return err
		}
		if wakeUps = after - before; wakeUps <= 1 {
			return nil
		}
	}
	return fmt.Errorf("%d wake-ups in %d s, and as many before", wakeUps, seconds)
}

func (p *player) threads(args []string) error {
	most, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	pid, err := p.daemonPID()
	if err != nil {
		return err
	}
	n, err := threads(pid)
	if err == nil && n > most {
		err = fmt.Errorf("%d threads", n)
	}
	return err
}
