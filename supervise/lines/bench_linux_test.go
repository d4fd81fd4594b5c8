package lines

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFormats compares the formats for lines of 100 bytes. "pump" is all that a pump
// does: a chunk is read from a pipe that somebody else fills, and written to a file; "raw"
// is what the other formats are measured against there. "filter" is the format alone.
//
// On a machine that has other things to do, MB/cpu-s says more than MB/s: how much one
// processor gets through.
func BenchmarkFormats(b *testing.B) {
	for _, kind := range []struct{ name, line string }{
		{"ascii", strings.Repeat("x", 40) + " 127.0.0.1 GET /index.html?a=b HTTP/1.1 200 "},
		{"utf8", strings.Repeat("größer ", 5) + strings.Repeat("漢字", 8)},
		{"quotes", strings.Repeat(`key="value" `, 8)},
		{"object", `{"level":"info","ts":1772597167.089,"msg":"` + strings.Repeat("y", 50) + `"}`},
	} {
		line := kind.line + strings.Repeat(" ", 99-len(kind.line)) + "\n"
		source := bytes.Repeat([]byte(line), 2600)
		for _, format := range []Format{Raw, Text, JSON} {
			b.Run(fmt.Sprintf("pump/%s/%v", kind.name, format), func(b *testing.B) { benchmarkPump(b, format, source) })
		}
		for _, format := range []Format{Text, JSON} {
			b.Run(fmt.Sprintf("filter/%s/%v", kind.name, format), func(b *testing.B) { benchmarkFilter(b, format, source) })
		}
	}
}

func benchmarkFilter(b *testing.B, format Format, source []byte) {
	f := New(benchmarkSettings(format))
	var buf []byte
	defer measure(b, len(source))()
	for now := moment; b.Loop(); now = now.Add(time.Millisecond) {
		for p := source; len(p) > 0; {
			buf, p = f.Append(buf[:0], p, now)
		}
	}
}

func benchmarkPump(b *testing.B, format Format, source []byte) {
	file, err := os.CreateTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		b.Fatal(err)
	}
	const setPipeSize = 1031
	syscall.Syscall(syscall.SYS_FCNTL, uintptr(ends[0]), setPipeSize, 1<<20) // as the pump does, if it may
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			for p := source; len(p) > 0; {
				n, err := syscall.Write(ends[1], p)
				if err == syscall.EPIPE {
					return // the other end is closed
				}
				p = p[max(n, 0):]
			}
		}
	}()
	defer func() {
		syscall.Close(ends[0])
		<-ended
		syscall.Close(ends[1])
	}()

	f := New(benchmarkSettings(format))
	chunk, now, size := make([]byte, 256<<10), moment, 0
	var buf []byte
	defer measure(b, len(source))()
	for b.Loop() {
		for got := 0; got < len(source); {
			n, err := syscall.Read(ends[0], chunk[:min(len(chunk), len(source)-got)])
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				b.Fatal(err)
			}
			got += n
			now = now.Add(time.Millisecond)
			for p := chunk[:n]; len(p) > 0; {
				out := p
				if p = nil; format != Raw {
					out, p = f.Append(buf[:0], out, now)
					buf = out
				}
				if _, err := syscall.Write(int(file.Fd()), out); err != nil {
					b.Fatal(err)
				}
				size += len(out)
			}
		}
		if size > 64<<20 {
			file.Truncate(0)
			file.Seek(0, 0)
			size = 0
		}
	}
}

func benchmarkSettings(format Format) Settings {
	return Settings{Format: format, Prefix: "web | ", Program: "web", Group: "web", Stream: "stdout"}
}

// measure begins to measure what the calling goroutine does; the function it returns ends
// that. A round has so many bytes.
func measure(b *testing.B, bytes int) func() {
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	runtime.LockOSThread()
	before := threadTime(b)
	return func() {
		used := threadTime(b) - before
		runtime.UnlockOSThread()
		b.ReportMetric(float64(bytes)*float64(b.N)/1e6/used.Seconds(), "MB/cpu-s")
	}
}

// threadTime is how long this thread has had a processor.
func threadTime(b *testing.B) time.Duration {
	const thisThread = 1
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
