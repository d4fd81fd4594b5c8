//go:build linux && amd64

// Command faults makes each system call of supervisord fail once at each place of
// the program, in each way that the kernel can have it fail, while a story is
// played with it, and looks whether it is well afterwards.
//
//	go run ./testdata/faults -binary ./supervisor            # 300 points, spread over all
//	go run ./testdata/faults -binary ./supervisor -points 0  # all of them, for hours
//	go run ./testdata/faults -binary ./supervisor -list      # the places
//	go run ./testdata/faults -binary ./supervisor -only 'write file ENOSPC'
//
// It reads the calls with ptrace. A place is the call, the kind of descriptor and
// the ten innermost callers. It ends with 1 if something was wrong.
package main

import (
	"debug/elf"
	"debug/gosym"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		if role := children[os.Args[1]]; role != nil {
			os.Exit(role(os.Args[2:]))
		}
	}
	os.Exit(run())
}

func run() int {
	binary := flag.String("binary", "", "the supervisor to be tested")
	points := flag.Int("points", 300, "how many faults to make, 0 for all")
	seed := flag.Uint64("seed", 1, "of the choice")
	jobs := flag.Int("jobs", 2, "playings at a time")
	list := flag.Bool("list", false, "list the points and end")
	stalls := flag.Bool("stalls", false, "have calls take 2 s longer, instead of failing")
	only := flag.String("only", "", "only points whose description has this in it")
	flag.Parse()
	file, err := filepath.Abs(*binary)
	if err != nil || *binary == "" {
		flag.Usage()
		return 2
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	h := &harness{binary: file, self: self, symbols: symbols(file), stalls: *stalls}
	all, ok := h.collect()
	if !ok {
		return 1
	}
	if *only != "" {
		all = slices.DeleteFunc(all, func(p point) bool { return !strings.Contains(h.describe(p), *only) })
	}
	if *list {
		for _, p := range all {
			fmt.Println(h.describe(p))
		}
		fmt.Println(len(all), "points")
		return 0
	}
	return h.inject(choose(all, *points, *seed), *jobs, len(all))
}

// point is a fault at a place that the story comes by.
type point struct {
	fault
	at *call
}

type harness struct {
	binary, self string
	symbols      *gosym.Table
	stalls       bool
}

func (h *harness) player() *player { return &player{binary: h.binary, self: h.self} }

// rounds is how often the story is played to find the places: not each of them is
// come by each time.
const rounds = 3

// collect plays the story without a fault and returns the points, in a stable order.
func (h *harness) collect() (all []point, ok bool) {
	places := map[uint64]*call{}
	for range rounds {
		r := h.player().play(nil, func(c *call) {
			if places[c.site()] == nil {
				places[c.site()] = c
			}
		})
		if r.wrong != "" {
			fmt.Println("without a fault:", r.wrong)
			return nil, false
		}
	}
	for _, c := range places {
		if h.fatal(c) {
			continue
		}
		faults := faultsOf(c)
		if h.stalls {
			faults = stallsOf(c)
		}
		for _, f := range faults {
			all = append(all, point{f, c})
		}
	}
	slices.SortFunc(all, func(a, b point) int { return strings.Compare(h.describe(a), h.describe(b)) })
	return all, true
}

// fatal reports whether a call is one without which Go's runtime ends the program.
func (h *harness) fatal(c *call) bool {
	return slices.ContainsFunc(c.stack, func(pc uint64) bool {
		_, _, fn := h.symbols.PCToLine(pc - 1)
		return fn != nil && fn.Name == "runtime.netpollinit"
	})
}

// choose takes n of the points, evenly spread after a shuffle.
func choose(all []point, n int, seed uint64) []point {
	if n == 0 || n >= len(all) {
		return all
	}
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

// inject plays the story once for each point and prints what went wrong.
func (h *harness) inject(points []point, jobs, of int) int {
	queue := make(chan point)
	var mu sync.Mutex
	made, missed, wrong := 0, 0, 0
	var group sync.WaitGroup
	begin := time.Now()
	for range jobs {
		group.Go(func() {
			for p := range queue {
				r := h.player().play(&p.fault, nil)
				mu.Lock()
				switch {
				case r.hit == nil && r.wrong == "":
					missed++
				case r.wrong != "":
					wrong++
					fmt.Printf("WRONG %s\n  %s\n", h.describe(p), r.wrong)
				default:
					made++
				}
				mu.Unlock()
			}
		})
	}
	for _, p := range points {
		queue <- p
	}
	close(queue)
	group.Wait()
	fmt.Printf("faults: %d of %d points tried in %.0f s: %d survived, %d not come by, %d wrong\n",
		len(points), of, time.Since(begin).Seconds(), made, missed, wrong)
	if wrong > 0 {
		return 1
	}
	return 0
}

// describe names a point: call, kind, errno and callers.
func (h *harness) describe(p point) string {
	how := errnoNames[p.errno]
	switch {
	case p.short:
		how = "short"
	case p.delay > 0:
		how = "slow"
	}
	var callers []string
	for _, pc := range p.at.stack {
		name := fmt.Sprintf("%x", pc)
		if _, line, fn := h.symbols.PCToLine(pc - 1); fn != nil {
			name = fmt.Sprintf("%s:%d", fn.Name, line)
		}
		if strings.HasPrefix(name, "internal/runtime/") || strings.HasPrefix(name, "syscall.") {
			continue
		}
		callers = append(callers, name)
	}
	return fmt.Sprintf("%s %s %s at %s", calls[p.at.number].name, p.at.kind, how, strings.Join(callers, " < "))
}

// symbols reads the table of functions that every Go program has.
func symbols(file string) *gosym.Table {
	f, err := elf.Open(file)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	data, err := f.Section(".gopclntab").Data()
	if err != nil {
		panic(err)
	}
	t, err := gosym.NewTable(nil, gosym.NewLineTable(data, f.Section(".text").Addr))
	if err != nil {
		panic(err)
	}
	return t
}
