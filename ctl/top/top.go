// Package top is supervisorctl top without a terminal and without a server: what is known
// of the programs and what keys are pressed go in, what is to be done and frames come out.
// Nothing here waits, reads a clock or writes.
//
//	m := top.New(top.Options{})
//	m.Resize(80, 24)
//	m.SetPrograms(list)                      // and again with each event
//	requests := m.Press(top.Down)            // to be carried out by the caller
//	bytes = screen.Draw(bytes, m.Frame(now)) // to be sent to the terminal
//
// A frame is made whole each time, which takes about a millisecond with 1,000 programs; Screen sends what
// has changed. So what is shown follows from the model alone, and tests look at frames.
//
// The terminal (its size, its modes, its keys as bytes, signals) and the server (events,
// figures, logs, actions) are the caller's. Begin reading at Model, then at Model.Frame.
package top

import (
	"time"

	"supervisor/xmlrpc"
)

// Program is what is known of one program.
type Program struct {
	Name     string // group:name, or the name alone where they are the same
	Group    string
	Short    string // the name in the group
	State    xmlrpc.State
	PID      int       // 0 for none
	Start    time.Time // of the process that runs; zero for none
	Restarts int
	// Event is the last thing that happened to it, in words: "exit status 1 at 12:05:07".
	Event string
	// Waiting is what it waits for, in words; "" if it does not. It is shown in place of
	// Event.
	Waiting string
	// Alarm says that something is wrong that the state does not tell: it is unhealthy, or
	// has exited unexpectedly.
	Alarm bool
}

// Usage is what the processes of one program use.
type Usage struct {
	Name string
	CPU  float64 // percent of one processor
	RSS  int64   // bytes
}

// Server is what is known of supervisord.
type Server struct {
	Identifier string
	CPU        float64 // percent of one processor
	RSS        int64   // bytes
	// Lost is why nothing comes from it any more; "" as long as something does.
	Lost string
}

// Options are what does not change while the view is open.
type Options struct {
	ASCII bool // the terminal shows nothing else
}

// Action is what a request asks for.
type Action int

// The actions. Follow asks for the logs of its one name, both streams from now on and some
// lines before; Unfollow for an end of that. Suspend is Ctrl-Z. Redraw says that the
// terminal may show something else than it should.
const (
	Quit Action = iota
	Suspend
	Redraw
	Start
	Stop
	Restart
	Follow
	Unfollow
)

// Request is something that the caller is to do.
type Request struct {
	Action Action
	Names  []string // as in Program.Name
}

// Model is the state of the view. It belongs to one goroutine.
type Model struct {
	o             Options
	width, height int

	server   Server
	programs []Program
	usage    map[string]*history

	rows   []row
	stale  bool  // rows have to be made again
	shown  int   // programs that match the filter
	cursor rowID // what is selected
	at     int   // where that is, or was, in rows
	first  int   // the first row on the screen

	sort     order
	reversed bool
	folded   map[string]bool
	marked   map[string]bool
	filter   string

	mode    mode
	input   string // what is typed in a prompt
	before  string // the filter before that
	pending Request
	pane    *pane
	message string
	alarm   bool // the message is bad news

	frame Frame
}

// mode is what keys mean at the moment.
type mode int

const (
	browsing  mode = iota
	reading        // the pane has the keys
	filtering      // a filter is typed
	searching      // what to search for in the pane is typed
	asking         // yes or no
	helping
)

// New returns a model in which there is nothing yet.
func New(o Options) *Model {
	return &Model{o: o, width: 80, height: 24, usage: map[string]*history{}, folded: map[string]bool{}, marked: map[string]bool{}}
}

// Resize tells the size of the terminal, in characters.
func (m *Model) Resize(width, height int) {
	m.width, m.height = max(width, 1), max(height, 1)
}

// SetServer tells what is known of supervisord.
func (m *Model) SetServer(s Server) { m.server = s }

// SetPrograms tells of all programs there are, in the server's order. The model keeps the
// slice.
func (m *Model) SetPrograms(list []Program) {
	m.programs, m.stale = list, true
	there := make(map[string]bool, len(list))
	for i := range list {
		there[list[i].Name] = true
		list[i].Event, list[i].Waiting = clean(list[i].Event), clean(list[i].Waiting)
	}
	for name := range m.usage {
		if !there[name] {
			delete(m.usage, name)
		}
	}
	for name := range m.marked {
		if !there[name] {
			delete(m.marked, name)
		}
	}
}

// SetUsage tells what programs use at this moment. Who is not in the list uses nothing.
func (m *Model) SetUsage(list []Usage) {
	for _, h := range m.usage {
		h.now = Usage{}
	}
	for _, u := range list {
		h := m.usage[u.Name]
		if h == nil {
			h = &history{}
			m.usage[u.Name] = h
		}
		h.now = u
	}
	for _, h := range m.usage {
		h.add(h.now.CPU)
	}
	m.stale = true
}

// Say shows a message until the next key, for example what has come of a request.
func (m *Model) Say(text string, bad bool) { m.message, m.alarm = text, bad }

// Due returns when a frame will look different if nothing happens: when the next second
// begins, if an uptime is on the screen that shows seconds, or else the next minute.
func (m *Model) Due(now time.Time) time.Time {
	m.arrange()
	step := time.Minute
	for i := m.first; i < min(m.first+m.listHeight(), len(m.rows)); i++ {
		if p := m.program(m.rows[i]); p != nil && p.State.Up() && !p.Start.IsZero() && now.Sub(p.Start) < 24*time.Hour {
			step = time.Second
		}
	}
	return now.Truncate(step).Add(step)
}

// history is what a program has used.
type history struct {
	now    Usage
	values [historySize]float32 // of the CPU, the last ones, in a circle
	n      int                  // how many there have been
}

// historySize is how many figures a spark line has at most.
const historySize = 40

func (h *history) add(cpu float64) {
	h.values[h.n%historySize] = float32(cpu)
	h.n++
}

// sparks are the levels of a spark line.
var sparks = [2][]string{
	{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
	{"_", ".", "-", "~", "=", "+", "*", "#"},
}

// spark returns the last figures as so many characters. The highest one is full, but never
// less than a tenth of a processor, so that an idle program shows a flat line.
func (h *history) spark(width int, ascii bool) string {
	levels := sparks[0]
	if ascii {
		levels = sparks[1]
	}
	count := min(h.n, historySize, width)
	top := float32(10)
	for i := h.n - count; i < h.n; i++ {
		top = max(top, h.values[i%historySize])
	}
	var b []byte
	for i := h.n - count; i < h.n; i++ {
		b = append(b, levels[min(int(h.values[i%historySize]/top*float32(len(levels))), len(levels)-1)]...)
	}
	return string(b)
}
