package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
)

// historiesVariable says how many histories TestFaultyHistories goes through;
// LINKFLEET_SEED asks for one.
const (
	historiesVariable = "LINKFLEET_HISTORIES"
	defaultHistories  = 2000
)

// Whatever AWS and the network do to the runs, and wherever they die: once
// that is over, one or two runs bring the fleet to where it should be, with
// nothing twice, nothing of a stranger's touched and nobody let in. Half of the
// fleets stand before the weather turns; in a third, strangers come in disguise.
func TestFaultyHistories(t *testing.T) {
	seeds(t, historiesVariable, defaultHistories, func(t *testing.T, seed uint64) {
		h := newFaultyHistory(t, seed)
		if seed%2 == 0 {
			h.turn(h.lottery.Next())
		}
		h.stormyTurn()
	})
}

// A faultyHistory is a history in bad weather.
type faultyHistory struct {
	*history
	rng *rand.Rand
}

func newFaultyHistory(t *testing.T, seed uint64) *faultyHistory {
	l := stage.NewSmallLottery(seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	world := l.World()
	world.Knobs.Latencies = unhurried(rng)
	return &faultyHistory{history: beginHistory(t, l, world, seed%3 == 0), rng: rng}
}

// unhurried draws how far AWS lags behind itself.
func unhurried(rng *rand.Rand) map[string]time.Duration {
	draw := func(seconds ...int) time.Duration {
		return time.Duration(seconds[rng.IntN(len(seconds))]) * time.Second
	}
	return map[string]time.Duration{
		"listLag":            draw(0, 0, 10, 30),
		"attributeLag":       draw(0, 0, 10, 30),
		"dnsSync":            draw(1, 30),
		"domainVerification": draw(5, 60),
		"taggingLag":         draw(0, 30),
		"tagLag":             draw(0, 0, 5, 30),
		"serviceUnavailable": draw(0, 20),
		"serviceDelete":      draw(0, 30),
		"privateDNSDetach":   draw(0, 60),
		"targetGroupRelease": draw(0, 15, 60),
		"endpointDelete":     draw(10, 60, 180),
		"endpointModify":     draw(1, 30, 90),
		"endpointProvision":  draw(5, 60),

		"loadBalancerProvision": draw(5, 30, 120),
		"loadBalancerDetach":    draw(5, 120),

		"idLag": draw(0, 0, 5, 20),
	}
}

// stormyTurn changes the fleet, has one or two runs fail at it, and wants the
// next to succeed.
func (h *faultyHistory) stormyTurn() {
	h.t.Helper()
	was := h.Fleet
	h.before = h.connections()
	h.Sim.ResetCalls()
	h.Fleet = h.lottery.Next()
	h.admit(h.Fleet)
	storm := awssim.Storm{Seed: h.rng.Uint64(), Rate: []float64{0.02, 0.1, 0.4}[h.rng.IntN(3)]}
	if err := h.Sim.Begin(storm); err != nil {
		h.t.Fatal(err)
	}
	for range 1 + h.rng.IntN(2) {
		h.disturbed()
	}
	if err := h.Sim.Begin(awssim.Storm{}); err != nil {
		h.t.Fatal(err)
	}
	h.wantSound()
	h.recover()
	h.wantSound()
	h.wantSafe(was, h.Fleet)
}

// disturbed is a run in the storm, which may also be killed.
func (h *faultyHistory) disturbed() {
	h.t.Helper()
	if h.rng.IntN(3) == 0 {
		plan, res, _ := h.Crash(1+h.rng.IntN(200), h.rng.IntN(2) == 0)
		wantAccounted(h.t, plan, res)
		return
	}
	r := h.Run()
	plan, err := r.Plan(h.t.Context())
	if err != nil {
		return // nothing could be planned, so nothing was done
	}
	res, _ := r.Apply(h.t.Context(), nil, plan) // what kept it from looking again is the storm
	wantAccounted(h.t, plan, res)
}

// recover runs in good weather: the second run succeeds, if the first did not,
// and soon there is nothing to do.
func (h *faultyHistory) recover() {
	h.t.Helper()
	var plans []string
	for run := range 5 {
		plan, res := h.apply()
		wantAccounted(h.t, plan, res)
		plans = append(plans, stage.Text(plan))
		if err := res.Err(); err != nil && run > 0 {
			h.t.Fatalf("run %d in good weather: %v\n%s", run+1, err, strings.Join(plans, "\n"))
		}
		time.Sleep(time.Minute) // virtual; partners come, and lists catch up
		if last := h.Plan(); len(last.Steps) == 0 && len(last.Unread) == 0 {
			return
		}
	}
	h.t.Fatalf("there is always more to do:\n%s", strings.Join(plans, "\n"))
}

// wantSound counts in the simulator itself, whose lists may lag: nothing
// stands twice and nothing of others has changed.
func (h *faultyHistory) wantSound() {
	h.t.Helper()
	seen := map[string]string{}
	for _, o := range h.Sim.Inventory() {
		key := o.Tags[kinds.TagAddress]
		switch {
		case o.Type == "notification":
			key = o.Parent
		case o.Tags[kinds.TagFleet] != h.Fleet.Name, key == "" || o.State == "failed" || o.State == "expired" || o.State == "rejected":
			continue
		}
		key = fmt.Sprintf("%s %s@%s/%s %s", o.Type, key, o.Account, o.Region, hashed(o))
		if twin := seen[key]; twin != "" {
			h.t.Fatalf("%s stands twice: %s and %s", key, twin, o.ID)
		}
		seen[key] = o.ID
	}
	h.wantUntouched()
}

// hashed tells apart an object and its replacement, which stand side by side
// for a while.
func hashed(o awssim.Object) string {
	if o.VPC != "" { // one in each VPC, and for each service
		return o.Parent + o.VPC
	}
	if i := strings.LastIndex(o.ID, "-"); i >= 0 && strings.HasPrefix(o.ID, "arn:") {
		return strings.Split(o.ID[i:], "/")[0]
	}
	return ""
}
