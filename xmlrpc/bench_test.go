package xmlrpc

import (
	"context"
	"fmt"
	"testing"
)

// thousand returns what a daemon with 1,000 programs tells of them.
func thousand() []ProcessInfo {
	infos := make([]ProcessInfo, 1000)
	for i := range infos {
		infos[i] = demo
		infos[i].Name = fmt.Sprintf("program_%04d", i)
		infos[i].Group = "program"
		infos[i].StdoutLogfile = fmt.Sprintf("/var/log/supervisor/program_%04d-stdout---supervisor-abcdefgh.log", i)
		infos[i].StderrLogfile = fmt.Sprintf("/var/log/supervisor/program_%04d-stderr---supervisor-abcdefgh.log", i)
	}
	return infos
}

func BenchmarkEncodeAllProcessInfo(b *testing.B) {
	infos := thousand()
	dst := appendResponse(nil, infos)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst = appendResponse(dst[:0], infos)
	}
}

func BenchmarkDecodeAllProcessInfo(b *testing.B) {
	answer := string(appendResponse(nil, thousand()))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeProcessInfos(answer); err != nil {
			b.Fatal(err)
		}
	}
}

// The same answer by way of the decoder that knows every layout.
func BenchmarkDecodeAnyLayout(b *testing.B) {
	answer := string(appendResponse(nil, thousand()))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeResponse(answer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeLog(b *testing.B) {
	log := ""
	for i := range 10000 {
		log += fmt.Sprintf("2026-11-22 09:09:53,123 INFO request %d <GET /index.html> served in 3 ms\n", i)
	}
	dst := appendResponse(nil, log)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		dst = appendResponse(dst[:0], log)
	}
}

func BenchmarkServeGetState(b *testing.B) {
	s := NewServer(new(trace), Namespace{Name: "supervisor", Methods: []Method{{
		Name: "getState",
		Call: func(context.Context, Args) (any, error) { return StateInfo{1, "RUNNING"}, nil },
	}}})
	body := AppendCall(nil, "supervisor.getState")
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = s.Serve(b.Context(), body, dst[:0], nil)
	}
}
