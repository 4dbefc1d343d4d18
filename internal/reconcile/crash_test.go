package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	walk "github.com/linkfleet/linkfleet/applier" // applier is a function of these tests
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// standing counts what stands in AWS by everything that does not differ from
// one world to the next. A duplicate and an orphan both show in it.
func standing(s *stage.Stage) map[string]int {
	counts := map[string]int{}
	for _, o := range s.Sim.Inventory() {
		var tags []string
		for _, key := range slices.Sorted(maps.Keys(o.Tags)) {
			tags = append(tags, key+"="+o.Tags[key])
		}
		if o.Type == "record" {
			name, _, _ := strings.Cut(o.ID, " ") // proofs differ
			tags = append(tags, o.Parent, name[strings.Index(name, "."):])
		}
		counts[fmt.Sprintf("%s %s/%s %s %s", o.Type, o.Account, o.Region, o.State, strings.Join(tags, " "))]++
	}
	return counts
}

// wantStanding compares what stands with what would without the crash.
func wantStanding(t *testing.T, s *stage.Stage, want map[string]int) {
	t.Helper()
	got := standing(s)
	for what, n := range got {
		if want[what] != n {
			t.Errorf("%d × %s, want %d", n, what, want[what])
		}
	}
	for what, n := range want {
		if got[what] == 0 {
			t.Errorf("no %s, want %d", what, n)
		}
	}
}

// wantAccounted wants one result for each step of the plan, in its order, and
// no step still running.
func wantAccounted(t *testing.T, plan *planner.Plan, res *reconcile.Result) {
	t.Helper()
	if res == nil {
		return
	}
	if len(res.Reports) == 0 {
		t.Errorf("a plan of %d steps has no report", len(plan.Steps))
		return
	}
	var planned, told []planner.StepKey
	for _, st := range plan.Steps {
		planned = append(planned, st.StepKey)
	}
	for _, r := range res.Reports[0].Results {
		told = append(told, r.StepKey)
	}
	if !slices.Equal(told, planned) {
		t.Errorf("the steps\n%v\nhave the results\n%v", planned, told)
	}
	final := []walk.State{walk.Done, walk.Failed, walk.Skipped, walk.Unfinished, walk.NotStarted}
	for _, rep := range res.Reports {
		for _, r := range rep.Results {
			switch {
			case !slices.Contains(final, r.State):
				t.Errorf("%s is not accounted for: it is %q", r.StepKey, r.State)
			case (r.State == walk.Failed) != (r.Err != nil):
				t.Errorf("%s is %s and its error is %v", r.StepKey, r.State, r.Err)
			case r.State == walk.Skipped && r.Because == nil:
				t.Errorf("%s was skipped for no reason", r.StepKey)
			case (r.State == walk.NotStarted) && rep.Interrupted == nil:
				t.Errorf("%s was not started, and nothing interrupted the run", r.StepKey)
			}
		}
	}
}

// patience is longer than anything in AWS takes to settle.
const patience = 10 * time.Minute

// A crashRun is the apply or the destroy of a fleet, to be cut short.
type crashRun struct {
	make    func(t *testing.T) *stage.Stage
	destroy bool
}

// begin brings the stage to where the run in question starts.
func (c crashRun) begin(t *testing.T) *stage.Stage {
	s := c.make(t)
	if c.destroy {
		s.Converge()
		s.Fleet.Services = nil
	}
	return s
}

// reference runs to the end and tells what then stands, and the calls it took.
func (c crashRun) reference(t *testing.T) (want map[string]int, calls []awssim.Call) {
	synctest.Test(t, func(t *testing.T) {
		s := c.begin(t)
		calls = s.Calls(func() { s.Apply() })
		time.Sleep(patience)
		want = standing(s)
	})
	return want, calls
}

// at crashes at one call and wants the next start to mend all.
func (c crashRun) at(t *testing.T, nth int, after bool, want map[string]int) {
	synctest.Test(t, func(t *testing.T) {
		s := c.begin(t)
		plan, res, died := s.Crash(nth, after)
		if !died {
			return
		}
		wantAccounted(t, plan, res)
		s.Converge()
		time.Sleep(patience) // partners' endpoints come up, virtually
		wantStanding(t, s, want)
	})
}

// everywhere asks for a crash at every call.
var everywhere = os.Getenv("LINKFLEET_CRASHES") == "all"

// crashEverywhere kills a process after every call that changes something:
// between two such calls AWS is the same whenever the process dies. With LINKFLEET_CRASHES=all
// it dies before and after every call.
func crashEverywhere(t *testing.T, c crashRun) {
	if _, err := theExample(); err != nil { // read it outside any bubble
		t.Fatal(err)
	}
	want, calls := c.reference(t)
	for i, call := range calls {
		if reads(call.Operation) && !everywhere {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", i+1, call.Operation), func(t *testing.T) {
			t.Parallel()
			c.at(t, i+1, true, want)
			if everywhere {
				c.at(t, i+1, false, want)
			}
		})
	}
}

func reads(op string) bool {
	return strings.HasPrefix(op, "Describe") || strings.HasPrefix(op, "List") || strings.HasPrefix(op, "Get") || op == "AssumeRole"
}

// theExample is read once: reading takes longer than applying it.
var theExample = sync.OnceValues(func() (example, error) {
	world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
	if err != nil {
		return example{}, err
	}
	fleet, _, err := schema.Load(context.Background(), exampleDir, time.Now())
	return example{world, fleet}, err
})

type example struct {
	world awssim.World
	fleet *schema.Fleet
}

func onTheExample(t *testing.T) *stage.Stage {
	e, err := theExample()
	if err != nil {
		t.Fatal(err)
	}
	fleet := *e.fleet
	return stage.New(t, e.world, &fleet)
}

func TestCrashWhileApplying(t *testing.T) {
	crashEverywhere(t, crashRun{make: onTheExample})
}

func TestCrashWhileDestroying(t *testing.T) {
	crashEverywhere(t, crashRun{make: onTheExample, destroy: true})
}
