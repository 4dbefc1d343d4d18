package reconcile_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// The sizes of a company's fleet. With -short only the smaller two.
const benchConsumers = 120

func benchSizes() []int {
	if testing.Short() {
		return []int{1, 10}
	}
	return []int{1, 10, 100, 200}
}

func eachSize(b *testing.B, do func(b *testing.B, g stage.Grid)) {
	for _, n := range benchSizes() {
		g := stage.Grid{Services: n, Consumers: benchConsumers}
		b.Run(fmt.Sprintf("%dx%d", n, benchConsumers), func(b *testing.B) { do(b, g) })
	}
}

// BenchmarkLoad reads a fleet from its files.
func BenchmarkLoad(b *testing.B) {
	eachSize(b, func(b *testing.B, g stage.Grid) {
		files := gridFiles(b, g.Fleet())
		size := 0
		for _, f := range files {
			size += len(f.Data)
		}
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := schema.LoadFS(b.Context(), files, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// gridFiles are a fleet's files, one for each service.
func gridFiles(b *testing.B, f *schema.Fleet) fstest.MapFS {
	b.Helper()
	fresh, err := schema.Files(f.Name)
	if err != nil {
		b.Fatal(err)
	}
	head, err := schema.PrintFleet(f, "")
	if err != nil {
		b.Fatal(err)
	}
	files := fstest.MapFS{"fleet.cue": {Data: head}}
	for _, name := range []string{"schema.cue", "cue.mod/module.cue"} {
		files[name] = &fstest.MapFile{Data: fresh[name]}
	}
	for name, s := range f.Services {
		text, err := schema.PrintService(s, f.Accounts, nil, "")
		if err != nil {
			b.Fatal(err)
		}
		files["services/"+name+".cue"] = &fstest.MapFile{Data: text}
	}
	return files
}

// BenchmarkRead reads a fleet that stands from AWS, without a difference, and
// sees that it takes the calls that page sizes force. The calls and the bytes
// are AWS's answers; the time is theirs and the simulator's together.
func BenchmarkRead(b *testing.B) {
	eachSize(b, func(b *testing.B, g stage.Grid) {
		v := gridUp(b, g)
		b.ReportAllocs()
		for b.Loop() {
			v.do(b, func(s *stage.Stage) { s.Live() })
		}
		v.do(b, func(s *stage.Stage) {
			time.Sleep(time.Minute) // virtual: what AWS refuses counts twice
			calls := s.Calls(s.WantEmpty)
			wantForcedCalls(s.T, g, calls)
			b.ReportMetric(float64(len(calls)), "calls/op")
		})
	})
}

// BenchmarkDiff plans: up from nothing, and when nothing is to be done.
func BenchmarkDiff(b *testing.B) {
	eachSize(b, func(b *testing.B, g stage.Grid) {
		fleet := g.Fleet()
		b.Run("from nothing", func(b *testing.B) { benchDiff(b, fleet, planner.State{}) })
		b.Run("nothing to do", func(b *testing.B) {
			var live planner.State
			gridUp(b, g).do(b, func(s *stage.Stage) { live = s.Live() })
			benchDiff(b, fleet, live)
		})
	})
}

func benchDiff(b *testing.B, f *schema.Fleet, live planner.State) {
	b.ReportAllocs()
	steps := 0
	for b.Loop() {
		w := kinds.Want(f, live)
		plan, err := planner.Diff(planner.Input{
			Fleet: f.Name, Want: w.Want, Live: w.Live, Notes: w.Notes, Rules: w.Rules, Traits: kinds.Traits(),
		})
		if err != nil {
			b.Fatal(err)
		}
		steps = len(plan.Steps)
	}
	b.ReportMetric(float64(steps), "steps/op")
}

// BenchmarkApply brings a fleet up from empty accounts: plan, apply, look
// again. AWS's own time is virtual and reported apart.
func BenchmarkApply(b *testing.B) {
	eachSize(b, func(b *testing.B, g stage.Grid) {
		b.ReportAllocs()
		var calls, took float64
		for b.Loop() {
			v := newVirtual(b, func(t *testing.T) *stage.Stage { return stage.OnGrid(t, g) })
			v.do(b, func(s *stage.Stage) {
				began := time.Now()
				if err := s.Apply().Err(); err != nil {
					s.T.Fatal(err)
				}
				took, calls = time.Since(began).Seconds(), totalCalls(s)
			})
			v.end()
		}
		b.ReportMetric(calls, "calls/op")
		b.ReportMetric(took, "aws-sec/op")
	})
}

// totalCalls is how many calls the simulator has served, also when its log is
// too short for them.
func totalCalls(s *stage.Stage) float64 {
	r, err := http.NewRequestWithContext(s.T.Context(), http.MethodGet, "http://aws.example/_sim/calls", nil)
	if err != nil {
		s.T.Fatal(err)
	}
	answer, err := s.Sim.Client().Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer answer.Body.Close()
	var counts struct{ Total float64 }
	if err := json.NewDecoder(answer.Body).Decode(&counts); err != nil {
		s.T.Fatal(err)
	}
	return counts.Total
}

// A virtual is a stage in a bubble of virtual time, which benchmarks have no
// way into: they stay outside, where time can be measured, and send in what
// is to be done.
type virtual struct {
	work chan func(*stage.Stage)
	done chan bool // true after each piece of work; closed at the end
}

func newVirtual(b *testing.B, set func(*testing.T) *stage.Stage) *virtual {
	b.Helper()
	v := &virtual{work: make(chan func(*stage.Stage)), done: make(chan bool)}
	bubble := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := set(t)
			for do := range v.work {
				do(s)
				v.done <- true
			}
		})
	}
	go func() {
		defer close(v.done)
		all := func(string, string) (bool, error) { return true, nil }
		testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: bubble}})
	}()
	return v
}

// do has something done in virtual time. What fails there fails b.
func (v *virtual) do(b *testing.B, what func(*stage.Stage)) {
	b.Helper()
	select {
	case v.work <- what:
	case <-v.done:
		b.Fatal("failed in virtual time")
	}
	if !<-v.done {
		b.Fatal("failed in virtual time")
	}
}

func (v *virtual) end() {
	close(v.work)
	<-v.done
}

// stood are the fleets that benchmarks have brought up already.
var stood struct {
	sync.Mutex
	of map[stage.Grid]*virtual
}

// gridUp is the grid's fleet, up.
func gridUp(b *testing.B, g stage.Grid) *virtual {
	b.Helper()
	stood.Lock()
	defer stood.Unlock()
	if v, ok := stood.of[g]; ok {
		return v
	}
	v := newVirtual(b, func(t *testing.T) *stage.Stage {
		s := stage.OnGrid(t, g)
		s.Converge()
		return s
	})
	v.do(b, func(*stage.Stage) {})
	if stood.of == nil {
		stood.of = map[stage.Grid]*virtual{}
	}
	stood.of[g] = v
	return v
}
