//go:build linux && amd64

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// children are the programs that the daemon runs in the played story; the harness
// plays them itself.
var children = map[string]func(args []string) int{
	"count":    count,
	"listener": listener,
	"accept":   accept,
}

// count PERIOD [LIVES] writes a line with pid, number and time each PERIOD; with LIVES it ends with
// status 1 after so many.
func count(args []string) int {
	period, err := time.ParseDuration(args[0])
	if err != nil {
		return 64
	}
	last := 0
	if len(args) > 1 {
		if last, err = strconv.Atoi(args[1]); err != nil {
			return 64
		}
	}
	for i := 1; last == 0 || i <= last; i++ {
		fmt.Printf("%d %d %d\n", os.Getpid(), i, time.Now().UnixMilli())
		time.Sleep(period)
	}
	return 1
}

// listener FILE appends the header of each event to FILE.
func listener(args []string) int {
	record, err := os.OpenFile(args[0], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 1
	}
	in := bufio.NewReader(os.Stdin)
	for {
		fmt.Print("READY\n")
		header, err := in.ReadString('\n')
		if err != nil {
			return 1
		}
		_, size, _ := strings.Cut(header, " len:")
		n, err := strconv.Atoi(strings.TrimSpace(size))
		if err != nil {
			return 1
		}
		if _, err = io.CopyN(io.Discard, in, int64(n)); err != nil {
			return 1
		}
		fmt.Fprint(record, header)
		fmt.Print("RESULT 2\nOK")
	}
}

// accept answers connections to the socket on fd 0.
func accept([]string) int {
	l, err := net.FileListener(os.Stdin)
	if err != nil {
		return 1
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		fmt.Fprintln(conn, os.Getpid())
		conn.Close()
	}
}
