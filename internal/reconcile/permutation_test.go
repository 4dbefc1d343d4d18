package reconcile_test

import (
	"bytes"
	"testing"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// Whatever the order in which AWS lists things, maps are gone through and
// answers come, the plan is the same to the byte.
func TestPlansAreTheSameBytes(t *testing.T) {
	const plans = 6
	eachSeed(t, func(t *testing.T, seed uint64) {
		h := newHistory(t, seed)
		h.turn(h.lottery.Next())
		h.openDoors()
		h.Fleet = h.lottery.Next()
		want := planBytes(t, h.Plan())
		for i := range plans {
			h.Wire = stage.Shuffled(seed*plans + uint64(i))
			if got := planBytes(t, h.Plan()); got != want {
				t.Fatalf("one plan is\n%s\nand another\n%s", want, got)
			}
		}
	})
}

// planBytes are a plan's text, JSON and digest.
func planBytes(t *testing.T, plan *planner.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := planner.JSON(&b, plan); err != nil {
		t.Fatal(err)
	}
	return stage.Text(plan) + b.String() + plan.Digest()
}
