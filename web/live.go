package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"supervisor/xmlrpc"
)

// livePause is how long the live view rests between two updates, so that a
// thousand processes starting at once are not a thousand updates.
const livePause = 100 * time.Millisecond

// liveBeat is how often a view says that it is still there when nothing changes.
// The page takes three missed ones for a lost contact; proxies close what is silent.
const liveBeat = 15 * time.Second

// liveStall is how long a view may take for an update. It takes us for gone before that.
const liveStall = 4 * liveBeat

// update is one event of the live view: what to put where in the status page.
// Fragments of HTML are left out where nothing has changed.
type update struct {
	Mark  string   `json:"mark"`
	Now   int64    `json:"now"`
	Table string   `json:"table,omitempty"` // all of it: processes have come or gone
	Head  string   `json:"head,omitempty"`  // summary and groups
	Rows  []string `json:"rows,omitempty"`  // those that have changed
}

// live streams changes of the process table as server-sent events. The
// parameter mark is that of the table which the page shows already.
func (u *ui) live(p params) reply {
	return reply{
		Status: 200,
		Header: []field{
			{"Content-Type", "text/event-stream"},
			{"Cache-Control", "no-store"},
			{"X-Accel-Buffering", "no"}, // or nginx would hold events back
		},
		Stream: func(ctx context.Context, w io.Writer) error { return u.follow(ctx, w, p["mark"]) },
	}
}

// follow writes an event for each change until ctx ends or the daemon stops.
func (u *ui) follow(ctx context.Context, w io.Writer, mark string) error {
	var shown []seen
	for version := uint64(0); ; {
		// The version first: a change while the table is read counts as new.
		next, err := u.nextChange(ctx, w, version)
		if err != nil {
			return err
		}
		var processes []xmlrpc.ProcessInfo
		var now []seen
		var event update
		u.inTurn(func() {
			if processes, err = u.backend.AllProcessInfo(ctx); err == nil {
				event, err = u.update(shown, processes, mark)
				now = look(processes)
			}
		})
		if err != nil {
			return err
		}
		if event.Mark != mark {
			err = writeEvent(w, event)
		} else if version == 0 {
			err = writeBeat(w) // so that the client knows it is through
		}
		if err != nil {
			return err
		}
		version, shown, mark = next, now, event.Mark
		select {
		case <-time.After(livePause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// nextChange returns the version after that of the table, as soon as there is one.
// Until then it lets the client know that somebody is there.
func (u *ui) nextChange(ctx context.Context, w io.Writer, version uint64) (uint64, error) {
	for {
		beat, cancel := context.WithTimeout(ctx, liveBeat)
		next, err := u.backend.Changed(beat, version)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return next, err
		}
		if err := writeBeat(w); err != nil {
			return 0, err
		}
	}
}

// update returns what takes a page from old to new. Without old, or if other
// processes are there now, that is the whole table.
func (u *ui) update(old []seen, new []xmlrpc.ProcessInfo, mark string) (update, error) {
	t := makeTable(new, u.now(), "")
	event := update{Mark: t.Mark, Now: t.Now}
	if event.Mark == mark {
		return event, nil
	}
	if !sameProcesses(old, new) {
		var err error
		event.Table, err = u.fragment("table", t)
		return event, err
	}
	var err error
	if event.Head, err = u.fragment("head", t); err != nil {
		return event, err
	}
	for i := range new {
		if old[i].fingerprint == fingerprint(new[i]) {
			continue
		}
		html, err := u.fragment("row", t.Rows[i])
		if err != nil {
			return event, err
		}
		event.Rows = append(event.Rows, html)
	}
	return event, nil
}

// seen is what a view remembers of a process: there may be many of both.
type seen struct{ group, name, fingerprint string }

func look(processes []xmlrpc.ProcessInfo) []seen {
	all := make([]seen, len(processes))
	for i, p := range processes {
		all[i] = seen{p.Group, p.Name, fingerprint(p)}
	}
	return all
}

func sameProcesses(a []seen, b []xmlrpc.ProcessInfo) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].group != b[i].Group || a[i].name != b[i].Name {
			return false
		}
	}
	return true
}

// fragment renders a part of the status page.
func (u *ui) fragment(name string, data any) (string, error) {
	var b bytes.Buffer
	err := u.templates().ExecuteTemplate(&b, name, data)
	return b.String(), err
}

// writeBeat writes what is no event.
func writeBeat(w io.Writer) error {
	_, err := io.WriteString(w, ":\n\n")
	return err
}

// writeEvent writes a value as a server-sent event, in one piece.
func writeEvent(w io.Writer, v any) error {
	var b bytes.Buffer
	b.WriteString("data: ")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // six bytes for each "<" add up, and no one takes it for HTML
	if err := e.Encode(v); err != nil {
		return err
	}
	b.WriteByte('\n') // the second one, after that of Encode
	_, err := w.Write(b.Bytes())
	return err
}
