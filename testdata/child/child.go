// Package child is the programs that the stories supervise where a shell would
// be too vague: they ignore signals, flood a pipe, leave a grandchild behind or
// speak the event listener protocol. The test binary plays them.
package child

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// Run plays the program that argv[1] names, with the arguments after it, and
// returns its exit status; 64 for a program or an argument it does not know.
func Run(argv []string) int {
	programs := map[string]func(args []string) int{
		"accept":   accept,
		"connect":  connect,
		"fcgi":     fastCGI,
		"lines":    lines,
		"listener": listener,
		"orphan":   orphan,
		"stubborn": stubborn,
		"trap":     trap,
	}
	maps.Copy(programs, systemPrograms())
	if len(argv) < 2 || programs[argv[1]] == nil {
		fmt.Fprintf(os.Stderr, "child: unknown program in %q\n", argv)
		return 64
	}
	return programs[argv[1]](argv[2:])
}

// trap SIGNAL STATUS says "ready", waits for the signal, says so and exits.
func trap(args []string) int {
	if len(args) != 2 {
		return 64
	}
	sig, ok := map[string]os.Signal{
		"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
		"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	}[args[0]]
	status, err := strconv.Atoi(args[1])
	if !ok || err != nil {
		return 64
	}
	got := make(chan os.Signal, 1)
	signal.Notify(got, sig)
	fmt.Println("ready")
	<-got
	fmt.Println("got " + args[0])
	return status
}

// stubborn ignores SIGTERM, says "ready" and stays until its stdin ends, which
// under supervisord is never.
func stubborn([]string) int {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin) // an error is an end, too
	return 0
}

// lines N [WIDTH] writes N lines that begin with their number, each WIDTH bytes
// long (default: as short as they are), as fast as the pipe takes them.
func lines(args []string) int {
	count, width := 0, 0
	for i, to := range []*int{&count, &width} {
		if i < len(args) {
			n, err := strconv.Atoi(args[i])
			if err != nil {
				return 64
			}
			*to = n
		}
	}
	w := bufio.NewWriterSize(os.Stdout, 64<<10)
	for i := 1; i <= count; i++ {
		line := strconv.Itoa(i)
		fmt.Fprint(w, line, strings.Repeat(".", max(0, width-len(line)-1)), "\n")
	}
	if w.Flush() != nil {
		return 1
	}
	return 0
}

// orphan STATUS starts a "sleep 60" that keeps stdout and stderr open, prints
// the sleeper's pid and exits with the status.
func orphan(args []string) int {
	if len(args) != 1 {
		return 64
	}
	sleeper := exec.Command("sleep", "60")
	sleeper.Stdout, sleeper.Stderr = os.Stdout, os.Stderr
	if err := sleeper.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(sleeper.Process.Pid)
	status, err := strconv.Atoi(args[0])
	if err != nil {
		return 64
	}
	return status
}

// listener FILE [ANSWER...] speaks the event listener protocol. It appends
// header, payload and a newline of every event to FILE. The n-th event gets the
// n-th answer, all later ones OK. An answer is the text of a result (OK, FAIL),
// or "bad" for a malformed result line, "die" for an exit with the event in
// hand, "mute" for no answer at all, or "echo": from then on the payload is the answer.
func listener(args []string) int {
	if len(args) == 0 {
		return 64
	}
	record, err := os.OpenFile(args[0], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer record.Close()
	answers, in := args[1:], bufio.NewReader(os.Stdin)
	for {
		fmt.Print("READY\n")
		header, payload, err := readEvent(in)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Fprintf(record, "%s%s\n", header, payload)
		answer := "OK"
		if len(answers) > 0 && answers[0] == "echo" {
			answer = payload
		} else if len(answers) > 0 {
			answer, answers = answers[0], answers[1:]
		}
		switch answer {
		case "bad":
			fmt.Print("RESULT many\n")
		case "die":
			return 3
		case "mute":
			io.Copy(io.Discard, in) // an error is an end, too
			return 0
		default:
			fmt.Printf("RESULT %d\n%s", len(answer), answer)
		}
	}
}

// readEvent reads one header line and the payload, whose length it states in
// characters, not in bytes.
func readEvent(in *bufio.Reader) (header, payload string, err error) {
	if header, err = in.ReadString('\n'); err != nil {
		return header, "", err
	}
	at := strings.LastIndex(header, " len:")
	if at < 0 {
		return header, "", fmt.Errorf("no length in header %q", header)
	}
	length, err := strconv.Atoi(strings.TrimSpace(header[at+len(" len:"):]))
	if err != nil {
		return header, "", err
	}
	var text strings.Builder
	for range length {
		r, _, err := in.ReadRune()
		if err != nil {
			return header, text.String(), err
		}
		text.WriteRune(r)
	}
	return header, text.String(), nil
}

// accept answers each connection to the listening socket on fd 0 with its own
// name and the pid, as a stand-in for a FastCGI application.
func accept([]string) int {
	l, err := net.FileListener(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Fprintf(conn, "%s %d\n", os.Getenv("SUPERVISOR_PROCESS_NAME"), os.Getpid())
		conn.Close()
	}
}

// connect ADDRESS... connects to each unix socket or host:port and prints what it
// is told.
func connect(args []string) int {
	for _, address := range args {
		network := "unix"
		if _, _, err := net.SplitHostPort(address); err == nil {
			network = "tcp"
		}
		conn, err := net.Dial(network, address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		_, err = io.Copy(os.Stdout, conn)
		conn.Close()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// fcgi answers FastCGI requests on fd 0: with the name of its process and what
// was asked for.
func fastCGI([]string) int {
	handler := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s has %s\n", os.Getenv("SUPERVISOR_PROCESS_NAME"), r.URL.Path)
	}
	if err := fcgi.Serve(nil, http.HandlerFunc(handler)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
