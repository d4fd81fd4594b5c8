package order

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][]Need{
		"":                                       nil,
		" \n\t":                                  nil,
		"db:ready, migrate:done, cache, 'web:*'": {{"db", Ready}, {"migrate", Done}, {"cache", Started}, {"web:*", Started}},
		"app:db":                                 {{"app:db", Started}},
		"app:db:done":                            {{"app:db", Done}},
		" a : ready ,\n  b:started":              {{"a", Ready}, {"b", Started}},
		"db:ready:started":                       {{"db:ready", Started}},
		`"a,b":done, 'c:ready', d'e'`:            {{"a,b", Done}, {"c", Ready}, {"de", Started}},
		"'web:*':ready":                          {{"web:*", Ready}},
		"ready":                                  {{"ready", Started}},
		"größe:READY":                            {{"größe:READY", Started}},
	} {
		got, err := Parse(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	const empty = "there is an empty name: write names with one comma between them, such as db:ready, cache"
	for text, want := range map[string]string{
		",":          empty,
		"a,":         empty,
		"a,,b":       empty,
		"''":         empty,
		":ready":     empty,
		"a:":         "'a:' is not a name: write NAME or GROUP:NAME, and :started, :ready or :done behind it",
		":a":         "':a' is not a name: write NAME or GROUP:NAME, and :started, :ready or :done behind it",
		"a:b:c":      "'a:b:c' is not a name: write NAME or GROUP:NAME, and :started, :ready or :done behind it",
		"a:b:c:done": "'a:b:c' is not a name: write NAME or GROUP:NAME, and :started, :ready or :done behind it",
		"a, 'b":      `"a, 'b" has a quotation that does not end: write another '`,
	} {
		if got, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
}

// What was read can be written, and reads the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"db:ready, migrate:done, cache, 'web:*'", "a:b:c", `"x,y":done`, "''", "a:ready:done"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		needs, err := Parse(text)
		if err != nil {
			return
		}
		var parts []string
		for _, n := range needs {
			if n.Name == "" || strings.Count(n.Name, ":") > 1 || n.Condition.String() == "" || strings.Contains(n.Condition.String(), ",") {
				t.Fatalf("%q: %+v", text, n)
			}
			quote := "'"
			if strings.Contains(n.Name, "'") {
				quote = `"`
			}
			if strings.Contains(n.Name, `"`) && quote == `"` {
				return // by several quotations
			}
			parts = append(parts, quote+n.Name+quote+":"+n.Condition.String())
		}
		again, err := Parse(strings.Join(parts, ","))
		if err != nil || !slices.Equal(again, needs) {
			t.Errorf("%q: %v, then %v, %v", text, needs, again, err)
		}
	})
}

// program is "NAME", "GROUP:NAME" or "GROUP:NAME of SECTION", and behind " <- " its
// depends_on.
func program(t testing.TB, text string) Program {
	text, needs, _ := strings.Cut(text, " <- ")
	text, section, named := strings.Cut(text, " of ")
	group, name, colon := strings.Cut(text, ":")
	if !colon {
		name = group
	}
	if !named {
		section = name
	}
	parsed, err := Parse(needs)
	if err != nil {
		t.Fatal(err)
	}
	return Program{Group: group, Name: name, Section: section, Needs: parsed}
}

func programs(t testing.TB, texts ...string) []Program {
	var all []Program
	for _, text := range texts {
		all = append(all, program(t, text))
	}
	return all
}

func graph(t testing.TB, texts ...string) *Graph {
	g, errs := New(programs(t, texts...))
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return g
}

// Each name stands for what it should.
func TestNames(t *testing.T) {
	others := []string{"db", "web:web_0 of web", "web:web_1 of web", "app:worker_0 of worker", "app:worker_1 of worker", "app:mail", "a*b", "mail:other", "axb", "solo:s_0 of single"}
	for _, test := range []struct{ needs, want string }{
		{"db", "db (started)"},
		{"web", "web:web_0 (started), web:web_1 (started)"},
		{"web_1:done", "web:web_1 (done)"},
		{"web:web_1:ready", "web:web_1 (ready)"},
		{"app", "app:worker_0 (started), app:worker_1 (started), app:mail (started)"},
		{"worker", "app:worker_0 (started), app:worker_1 (started)"},
		{"app:worker", "app:worker_0 (started), app:worker_1 (started)"},
		{"mail", "app:mail (started)"}, // a program comes before a group
		{"mail:other", "mail:other (started)"},
		{"'web:*'", "web:web_0 (started), web:web_1 (started)"},
		{"app:w*:ready", "app:worker_0 (ready), app:worker_1 (ready)"},
		{"'*:*_1'", "web:web_1 (started), app:worker_1 (started)"},
		{"'[wd]*'", "db (started), web:web_0 (started), web:web_1 (started) and 2 others"},
		{"'?b'", "db (started)"},
		{"a*b", "a*b (started)"}, // literally, if there is such a name
		{"[!w]?b", "a*b (started), axb (started)"},
		{"'sing*'", "solo:s_0 (started)"},
		{"'sol?'", "solo:s_0 (started)"},
		{"'s_?'", "solo:s_0 (started)"},
		{"'solo:sing*'", "solo:s_0 (started)"},
		{"web, app:worker", "web:web_0 (started), web:web_1 (started), app:worker_0 (started), app:worker_1 (started)"},
		{"db:ready, db, 'd*:done'", "db (started, ready, done)"},
		{"web_1, web_0", "web:web_1 (started), web:web_0 (started)"},
	} {
		all := programs(t, append([]string{"x <- " + test.needs}, others...)...)
		g, errs := New(all)
		if len(errs) > 0 {
			t.Errorf("%s: %v", test.needs, errs[0])
			continue
		}
		if got := NewBoard(g).WaitingText(0); got != test.want {
			t.Errorf("%s: got %s, want %s", test.needs, got, test.want)
		}
	}
}

// A pattern, or a group, does not mean the program itself.
func TestNotItself(t *testing.T) {
	g := graph(t, "main <- '*'", "db", "g:last <- g", "g:first")
	b := NewBoard(g)
	if got, want := b.WaitingText(0), "db (started), g:last (started), g:first (started)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := b.WaitingText(2), "g:first (started)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if b = NewBoard(graph(t, "alone <- '*'")); !b.MayStart(0) {
		t.Errorf("it waits for %s", b.WaitingText(0))
	}
}

func TestErrors(t *testing.T) {
	const instead = ": write NAME or GROUP:NAME of one that is in the configuration"
	for _, test := range []struct {
		name     string
		programs []string
		want     []string // with the program in front
	}{
		{"unknown", []string{"a", "b <- dbb, a, x:y:ready"}, []string{"b: there is no program and no group 'dbb'" + instead, "b: there is no program and no group 'x:y'" + instead}},
		{"nothing fits", []string{"b <- 'x*'"}, []string{"b: no program fits 'x*'" + instead}},
		{"no condition", []string{"a", "b <- a:healthy"}, []string{"b: there is no program and no group 'a:healthy', and 'healthy' is no condition: write a, a:ready or a:done"}},
		{"not of that group", []string{"g:a", "h:b", "c <- g:b"}, []string{"c: there is no program and no group 'g:b', and 'b' is no condition: write g, g:ready or g:done"}},
		{"itself", []string{"x", "a <- a"}, []string{"a: depends on itself: a → a"}},
		{"its other processes", []string{"a:a_0 of a <- a", "a:a_1 of a <- a"}, []string{"a:a_0: depends on itself: a:a_0 → a:a_0"}},
		{"cycle", []string{"x <- db", "web <- api", "api <- x, db:done", "db <- web:ready"}, []string{"x: depends on itself: x → db → web → api → x"}},
		{"cycle behind others", []string{"x <- db", "web <- api", "api <- db", "db <- web"}, []string{"web: depends on itself: web → api → db → web"}},
		{"everybody for everybody", []string{"a <- '*'", "b <- '*'"}, []string{"a: depends on itself: a → b → a"}},
		{"no cycle", []string{"a <- b, c", "b <- d", "c <- d", "d"}, nil},
	} {
		all := programs(t, test.programs...)
		g, errs := New(all)
		var got []string
		for _, err := range errs {
			got = append(got, all[err.Program].spec()+": "+err.Error())
		}
		if !slices.Equal(got, test.want) || (g == nil) != (len(errs) > 0) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// A cycle of all programs is found quickly, and shown whole.
func TestLongCycle(t *testing.T) {
	const n = 1000
	var all []Program
	for i := range n {
		all = append(all, program(t, fmt.Sprintf("p%d <- p%d", i, (i+1)%n)))
	}
	begun := time.Now()
	_, errs := New(all)
	if took := time.Since(begun); took > 50*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if len(errs) != 1 || strings.Count(errs[0].Text, " → ") != n || !strings.HasPrefix(errs[0].Text, "depends on itself: p0 → p1 → ") || !strings.HasSuffix(errs[0].Text, " → p999 → p0") {
		t.Errorf("got %.200v", errs)
	}
}

func TestBoard(t *testing.T) {
	g := graph(t, "web <- db:ready, migrate:done, cache", "db", "migrate <- db:ready", "cache", "other <- web, cache")
	const web, db, migrate, cache, other = 0, 1, 2, 3, 4
	b := NewBoard(g)
	for i, step := range []struct {
		program int
		holds   Conditions
		free    []int
		waiting string // web
	}{
		{db, Started, nil, "db (ready), migrate (done), cache (started)"},
		{db, Started | Ready, []int{migrate}, "migrate (done), cache (started)"},
		{db, Started | Ready, nil, "migrate (done), cache (started)"},
		{migrate, Started | Ready, nil, "migrate (done), cache (started)"},
		{cache, Started | Ready, nil, "migrate (done)"},
		{db, Started, nil, "db (ready), migrate (done)"},
		{migrate, Done, nil, "db (ready)"},
		{db, Started | Ready, []int{web, migrate}, ""},
		{web, Started, []int{other}, ""},
		{cache, 0, nil, "cache (started)"},
		{cache, Started, []int{web, other}, ""},
	} {
		if got := b.Set(nil, step.program, step.holds); !slices.Equal(got, step.free) {
			t.Errorf("step %d: %v may start, want %v", i, got, step.free)
		}
		if b.Holds(step.program) != step.holds {
			t.Errorf("step %d: %v holds", i, b.Holds(step.program))
		}
		if got := b.WaitingText(web); got != step.waiting || b.MayStart(web) != (step.waiting == "") {
			t.Errorf("step %d: waiting for %q, want %q", i, got, step.waiting)
		}
	}
}

func TestToStart(t *testing.T) {
	g := graph(t, "web <- api, db:ready", "api <- db", "db <- disk", "disk", "other <- disk")
	const web, api, db, disk, other = 0, 1, 2, 3, 4
	b := NewBoard(g)
	check := func(want []int, programs ...int) {
		t.Helper()
		if got := b.ToStart(programs...); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", programs, got, want)
		}
	}
	check([]int{disk, db, api, web}, web)
	check([]int{disk, other, db, api, web}, other, web)
	check([]int{disk}, disk)
	b.Set(nil, db, Started) // whatever disk does; enough for api, but not for web
	check([]int{api, disk, db, web}, web)
	b.Set(nil, api, Started)
	b.Set(nil, db, Started|Ready)
	check([]int{web}, web)
	check(nil)
}

// Whatever happens in whatever graph, the board says what looking at everything says.
func TestAlways(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		n := 1 + random.IntN(20)
		var all []Program
		for i := range n {
			p := Program{Group: fmt.Sprint("p", i), Name: fmt.Sprint("p", i), Section: fmt.Sprint("p", i)}
			for range random.IntN(4) {
				if i > 0 {
					p.Needs = append(p.Needs, Need{fmt.Sprint("p", random.IntN(i)), Conditions(1) << random.IntN(3)})
				}
			}
			all = append(all, p)
		}
		g, errs := New(all)
		if len(errs) > 0 {
			t.Fatal(errs[0])
		}
		b := NewBoard(g)
		may := func(p int) bool {
			for _, e := range g.Needs(p) {
				if e.Conditions&^b.Holds(e.Program) != 0 {
					return false
				}
			}
			return true
		}
		for range 100 {
			var before []bool
			for p := range n {
				before = append(before, may(p))
			}
			free := b.Set(nil, random.IntN(n), Conditions(random.IntN(8)))
			var want []int
			for p := range n {
				if b.MayStart(p) != may(p) || (b.WaitingText(p) == "") != may(p) {
					t.Fatalf("program %d: %v", p, b.MayStart(p))
				}
				if may(p) && !before[p] {
					want = append(want, p)
				}
			}
			if !slices.Equal(free, want) {
				t.Fatalf("%v may start, want %v", free, want)
			}
			checkToStart(t, b, random.IntN(n))
		}
	}
}

// checkToStart has the condition of each program hold in that order: then each may start
// when it is its turn.
func checkToStart(t *testing.T, b *Board, program int) {
	t.Helper()
	order := b.ToStart(program)
	copied := &Board{b.graph, slices.Clone(b.holds), slices.Clone(b.missing)}
	for _, p := range order {
		if !copied.MayStart(p) {
			t.Fatalf("%v: when it comes to %d it waits for %s", order, p, copied.WaitingText(p))
		}
		copied.Set(nil, p, Started|Ready|Done)
	}
	if len(order) == 0 || order[len(order)-1] != program {
		t.Fatalf("to start %d: %v", program, order)
	}
}

// Of a hundred thousand programs only the dependents are looked at, without allocations.
func BenchmarkSet(b *testing.B) {
	const n = 100_000
	all := make([]Program, n)
	for i := range all {
		name := fmt.Sprint("p", i)
		all[i] = Program{Group: name, Name: name, Section: name}
		if i > 0 {
			all[i].Needs = []Need{{fmt.Sprint("p", i-1), Started}}
		}
	}
	g, errs := New(all)
	if len(errs) > 0 {
		b.Fatal(errs[0])
	}
	board := NewBoard(g)
	var free []int
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		free = board.Set(free[:0], i%n, Started)
		free = board.Set(free, i%n, 0)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, shape := range []string{"chain", "fan", "pattern"} {
		b.Run(shape, func(b *testing.B) {
			all := programs(b, "p0")
			for i := 1; i < 1000; i++ {
				on := map[string]string{"chain": fmt.Sprint("p", i-1), "fan": "p0", "pattern": "'p?'"}[shape]
				if shape == "pattern" && i < 10 {
					on = ""
				}
				all = append(all, program(b, fmt.Sprintf("p%d <- %s", i, on)))
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, errs := New(all); len(errs) > 0 {
					b.Fatal(errs[0])
				}
			}
		})
	}
}
