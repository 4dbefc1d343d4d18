package applier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/planner"
)

// A trial is a random plan in a random world.
type trial struct {
	plan    *planner.Plan
	natures map[string]nature
	waits   [][]int // by step
}

func randomTrial(rng *rand.Rand) trial {
	tr := trial{natures: map[string]nature{}}
	n := 1 + rng.IntN(25)
	var parts []string
	for i := range n {
		action := []string{"", "", "~", "-"}[rng.IntN(4)]
		part := fmt.Sprintf("%skind%d/s%d@acct%d/us-east-1:", action, rng.IntN(3), i, rng.IntN(2))
		on := map[int]bool{}
		for range rng.IntN(4) {
			if j := rng.IntN(n); j < i && !on[j] {
				on[j] = true
				part += fmt.Sprintf(" s%d", j)
			}
		}
		var waits []int
		for j := range i {
			if on[j] {
				waits = append(waits, j)
			}
		}
		tr.waits = append(tr.waits, waits)
		tr.natures[fmt.Sprint("s", i)] = randomNature(rng, action == "-")
		parts = append(parts, part)
	}
	tr.plan = planText(strings.Join(parts, ";"))
	return tr
}

func randomNature(rng *rand.Rand, deleted bool) nature {
	n := nature{
		call:   time.Duration(rng.IntN(5)) * 700 * time.Millisecond,
		usable: time.Duration(rng.IntN(4)) * 11 * time.Second,
		busy:   max(0, rng.IntN(8)-5),
	}
	trouble := rng.IntN(25)
	switch {
	case trouble == 0:
		n.err = errRefused
	case trouble == 1:
		n.stuck = true
	case trouble == 2:
		n.busy = 1e6
	case deleted:
	case trouble == 3:
		n.broken = "rejected"
	case trouble == 4:
		n.limbo = true
	case trouble == 5:
		n.late = "expired"
	case trouble < 12:
		n.ready = time.Duration(rng.IntN(60)) * time.Second
	}
	return n
}

// possible are the states each step may end in, when nobody interrupts.
func (tr trial) possible() [][]State {
	states := make([][]State, len(tr.waits))
	lost := make([]bool, len(tr.waits))  // fails before it is usable, or is skipped
	shaky := make([]bool, len(tr.waits)) // may be skipped, for a root may break late
	for i, waits := range tr.waits {
		n := tr.natures[fmt.Sprint("s", i)]
		skipped := false
		for _, j := range waits {
			skipped = skipped || lost[j]
			late := tr.natures[fmt.Sprint("s", j)].late != ""
			shaky[i] = shaky[i] || shaky[j] || late
		}
		fails := n.err != nil || n.stuck || n.broken != "" || n.busy > 1000
		lost[i] = skipped || fails
		switch {
		case skipped:
			states[i] = []State{Skipped}
		case fails:
			states[i] = []State{Failed}
		case n.limbo || n.late != "":
			states[i] = []State{Failed, Unfinished}
		case n.ready > 0:
			states[i] = []State{Done, Unfinished}
		default:
			states[i] = []State{Done}
		}
		if shaky[i] {
			states[i] = append(states[i], Skipped)
		}
	}
	return states
}

func (tr trial) check(t *testing.T, rep *Report) {
	t.Helper()
	for i, allowed := range tr.possible() {
		res := rep.Results[i]
		ok := false
		for _, s := range allowed {
			ok = ok || res.State == s
		}
		if !ok {
			t.Errorf("%s is %s (%s); possible: %v\n%s", res.Addr, res.State, res.Reason, allowed, states(rep))
		}
		if res.State == Skipped && !tr.rootOf(rep, i) {
			t.Errorf("%s is skipped because of %s, which is no failure it waits for", res.Addr, res.Because.Addr)
		}
	}
}

// rootOf tells whether what step i is said to be skipped for has failed, and
// leads to it.
func (tr trial) rootOf(rep *Report, i int) bool {
	for _, j := range tr.waits[i] {
		res := rep.Results[j]
		if res.StepKey == *rep.Results[i].Because && res.State == Failed || res.State == Skipped && tr.rootOf(rep, j) {
			return true
		}
	}
	return false
}

// Any plan in any world: every step is accounted for once, no step starts
// before what it waits for is usable, never are more calls under way than
// allowed, and each step ends as its nature and its ancestors' say.
func TestRandomPlans(t *testing.T) {
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 2))
			tr := randomTrial(rng)
			w := newWorld(tr.natures)
			w.askTakes = time.Duration(rng.IntN(3)) * 900 * time.Millisecond
			parallelism := 1 + rng.IntN(5)
			rep, _ := w.apply(t, Applier{Parallelism: parallelism}, tr.plan, nil)
			tr.check(t, rep)
			if w.mostCalls > parallelism || rep.Interrupted != nil || rep.Count(NotStarted) > 0 {
				t.Errorf("%d calls at a time of %d; %s", w.mostCalls, parallelism, rep.Summary())
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// The same, interrupted at a random event, and cancelled at a later one.
func TestRandomInterruptions(t *testing.T) {
	for seed := range uint64(500) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 3))
			tr := randomTrial(rng)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := make(chan struct{})
			n, stopAt := 0, 1+rng.IntN(3*len(tr.waits))
			cancelAt := stopAt + rng.IntN(5)
			observe := func(Event) {
				if n++; n == stopAt {
					close(stop)
				}
				if n == cancelAt {
					cancel()
				}
			}
			w := newWorld(tr.natures)
			w.askTakes = time.Duration(rng.IntN(3)) * 900 * time.Millisecond
			rep, err := w.applyIn(ctx, t, Applier{Parallelism: 3, Observe: observe}, tr.plan, stop)
			if rep.Interrupted == nil && rep.Count(NotStarted) > 0 || rep.Interrupted != nil && err == nil {
				t.Errorf("interrupted %v, error %v: %s", rep.Interrupted, err, rep.Summary())
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// BenchmarkApply is the applier's own cost: actuators answer at once.
func BenchmarkApply(b *testing.B) {
	for _, services := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			var parts []string
			for s := range services {
				parts = append(parts, fmt.Sprintf("service/s%d", s))
				for c := range 120 {
					parts = append(parts, fmt.Sprintf("endpoint/s%dc%d: s%d", s, c, s), fmt.Sprintf("connection/s%da%d: s%dc%d", s, c, s, c))
				}
			}
			p := planText(strings.Join(parts, ";"))
			for b.Loop() {
				w := newWorld(nil)
				a := Applier{Actuators: w.everyKind(p), Speed: 1e6, Timeout: 1e6 * time.Hour}
				if rep, err := a.Apply(b.Context(), p, nil); err != nil || rep.Count(Done) != len(p.Steps) {
					b.Fatal(err)
				}
			}
		})
	}
}
