package web

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"supervisor/xmlrpc"
)

func TestMatches(t *testing.T) {
	tests := []struct {
		filter, name, state string
		want                bool
	}{
		{"", "web:a", "running", true},
		{"  ", "web:a", "running", true},
		{"EB", "web:a", "running", true},
		{"web:", "web:a", "running", true},
		{"web:", "myweb:a", "running", false},
		{"web: run", "web:a", "running", true},
		{"web: fatal", "web:a", "running", false},
		{"fatal", "x", "fatal", true},
		{"Grün", "grün", "stopped", true},
		{"x", "web:a", "running", false},
	}
	for _, tt := range tests {
		if got := matches(tt.filter, tt.name, tt.state); got != tt.want {
			t.Errorf("%q, %s, %s: %v", tt.filter, tt.name, tt.state, got)
		}
	}
}

func TestHistory(t *testing.T) {
	zooUI(t, newZoo()) // for its time zone
	at := noon.Unix()
	const zero, three, killed = "exit status 0", "exit status 3", "terminated by SIGKILL"
	tests := []struct {
		name          string
		p             xmlrpc.ProcessInfo
		exit, history string
		bad           bool
	}{
		{"never started", xmlrpc.ProcessInfo{State: xmlrpc.Stopped}, "", "", false},
		{"first run", xmlrpc.ProcessInfo{State: xmlrpc.Running, PID: 1, Start: at}, "", "started 2026-11-22 12:00:00", false},
		{"later run", xmlrpc.ProcessInfo{State: xmlrpc.Running, PID: 1, Start: at, Stop: at - 60, Ended: three, Restarts: 1},
			"", "started 2026-11-22 12:00:00; 1 restart; last exit: exit status 3 at 2026-11-22 11:59:00", false},
		{"exited", xmlrpc.ProcessInfo{State: xmlrpc.Exited, Start: at, Stop: at, Ended: three, SpawnErr: "Bad exit code 3"},
			three + " at 2026-11-22 12:00:00", "started 2026-11-22 12:00:00", true},
		{"exited well", xmlrpc.ProcessInfo{State: xmlrpc.Exited, Start: at, Stop: at, Ended: zero},
			zero + " at 2026-11-22 12:00:00", "started 2026-11-22 12:00:00", false},
		{"killed", xmlrpc.ProcessInfo{State: xmlrpc.Stopped, Start: at, Stop: at, Ended: killed},
			killed + " at 2026-11-22 12:00:00", "started 2026-11-22 12:00:00", false},
		{"too quick", xmlrpc.ProcessInfo{State: xmlrpc.Fatal, Start: at, Stop: at, Ended: three, SpawnErr: "Exited too quickly", Restarts: 3},
			three + " at 2026-11-22 12:00:00", "started 2026-11-22 12:00:00; 3 restarts", true},
		{"between two tries", xmlrpc.ProcessInfo{State: xmlrpc.Backoff, Start: at, Stop: at, Ended: killed, SpawnErr: "Exited too quickly"},
			killed + " at 2026-11-22 12:00:00", "started 2026-11-22 12:00:00", true},
		{"could not be started again", xmlrpc.ProcessInfo{State: xmlrpc.Fatal, Start: at, Stop: at - 60, Ended: zero, SpawnErr: "no such file"},
			"", "started 2026-11-22 12:00:00; last exit: exit status 0 at 2026-11-22 11:59:00", false},
	}
	for _, tt := range tests {
		r := makeRow(&tt.p, 0, "")
		exit := r.Exit
		if exit != "" {
			exit += " at " + r.ExitTime
		}
		if got := strings.Join(r.History, "; "); exit != tt.exit || got != tt.history || r.Bad != tt.bad {
			t.Errorf("%s: %q, %q, bad %v; want %q, %q, bad %v", tt.name, exit, got, r.Bad, tt.exit, tt.history, tt.bad)
		}
	}
}

// Every action has its place in every state, so that what is pressed twice is
// never something else the second time.
func TestRowActions(t *testing.T) {
	for state, want := range map[xmlrpc.State]string{
		xmlrpc.Running:  "(Start) Restart Stop Clear Log",
		xmlrpc.Starting: "(Start) (Restart) Stop Clear Log",
		xmlrpc.Backoff:  "(Start) (Restart) Stop Clear Log",
		xmlrpc.Stopping: "(Start) (Restart) (Stop) Clear Log",
		xmlrpc.Unknown:  "(Start) (Restart) (Stop) Clear Log",
		xmlrpc.Stopped:  "Start (Restart) (Stop) Clear Log",
		xmlrpc.Exited:   "Start (Restart) (Stop) Clear Log",
		xmlrpc.Fatal:    "Start (Restart) (Stop) Clear Log",
	} {
		var labels []string
		for _, b := range rowActions(state, "x", "") {
			if b.Off {
				b.Label = "(" + b.Label + ")"
			}
			labels = append(labels, b.Label)
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("%v: %s, want %s", state, got, want)
		}
	}
}

// A page that is looked at while nothing happens learns that somebody is there.
func TestLiveBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := newZoo()
		r, w := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.CloseWithError(zooUILive(z, fingerprint(z.processes...)).Stream(ctx, w))
		}()
		begin := time.Now()
		d := make([]byte, 1<<20)
		for i := range 4 {
			n, err := r.Read(d)
			if got := string(d[:n]); err != nil || got != ":\n\n" {
				t.Fatalf("%q, %v", got, err)
			}
			if i == 1 {
				begin = time.Now()
			}
		}
		if took := time.Since(begin); took != 2*liveBeat {
			t.Errorf("two beats in %v", took)
		}
		z.StopProcess(ctx, "api", true)
		if n, _ := r.Read(d); !strings.HasPrefix(string(d[:n]), "data: ") {
			t.Errorf("after a change: %q", d[:n])
		}
		cancel()
		r.Close()
		<-done
	})
}

// events reads the live view of z until the test ends. With a mark that is up
// to date it returns only when the view is, too.
func events(t *testing.T, z *zoo, mark string) func() update {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(zooUILive(z, mark).Stream(ctx, w))
	}()
	t.Cleanup(func() { cancel(); r.Close(); <-done })
	d := make([]byte, 1<<20)
	if mark == fingerprint(z.processes...) {
		if _, err := r.Read(d); err != nil {
			t.Fatal(err)
		}
	}
	return func() update {
		t.Helper()
		for {
			n, err := r.Read(d)
			if err != nil {
				t.Fatal(err)
			}
			if data, ok := strings.CutPrefix(string(d[:n]), "data: "); ok {
				var u update
				if err := json.Unmarshal([]byte(data), &u); err != nil {
					t.Fatal(err)
				}
				return u
			}
		}
	}
}

func zooUILive(z *zoo, mark string) reply {
	r, _ := newUI(z, "", &fakeLog{}).serve(context.Background(), &request{Method: "GET", Path: "/live", Query: "mark=" + mark})
	return r
}

func TestLiveSendsWhatChanged(t *testing.T) {
	z := newZoo()
	next := events(t, z, fingerprint(z.processes...))
	z.StopProcess(t.Context(), "api", true)
	u := next()
	if len(u.Rows) != 1 || !strings.Contains(u.Rows[0], `data-name="api" data-state="stopped"`) || u.Table != "" {
		t.Errorf("after one stop: %+v", u)
	}
	if !strings.Contains(u.Head, "<b>2</b> <span>stopped</span>") {
		t.Errorf("summary: %s", u.Head)
	}

	z.mu.Lock()
	z.processes = append(z.processes, xmlrpc.ProcessInfo{Group: "zz", Name: "zz", Description: "Not started"})
	z.touch()
	z.mu.Unlock()
	if u := next(); !strings.Contains(u.Table, `data-name="zz"`) || len(u.Rows) != 0 {
		t.Errorf("after a program came: %+v", u)
	}
}

func TestLiveBeginsWithWhatThePageMissed(t *testing.T) {
	z := newZoo()
	if u := events(t, z, "old")(); !strings.Contains(u.Table, `data-name="web:a"`) {
		t.Errorf("first event: %+v", u)
	}
}

func TestLiveEndsWithTheDaemon(t *testing.T) {
	z := newZoo()
	z.stopping = true
	if err := zooUILive(z, "").Stream(t.Context(), io.Discard); code(err) != xmlrpc.ShutdownState {
		t.Errorf("error %v", err)
	}
}

// An uptime that grows is no reason to send anything.
func TestFingerprint(t *testing.T) {
	a := xmlrpc.ProcessInfo{State: xmlrpc.Running, Description: "pid 1, uptime 0:00:01", Now: 1}
	b := a
	b.Description, b.Now = "pid 1, uptime 0:00:02", 2
	if fingerprint(a) != fingerprint(b) {
		t.Error("time alone changes the mark")
	}
	b.PID = 2
	if fingerprint(a) == fingerprint(b) {
		t.Error("another pid leaves the mark as it is")
	}
}

func BenchmarkStatusPage(b *testing.B) {
	z := newZoo()
	for len(z.processes) < 1000 {
		z.processes = append(z.processes, z.processes[:9]...)
	}
	u := newUI(z, "", &fakeLog{})
	for b.Loop() {
		u.serve(context.Background(), &request{Method: "GET", Path: "/"})
	}
}
