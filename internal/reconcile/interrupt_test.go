package reconcile_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
)

// Stopped at any moment, gently or at once, a run accounts for every step,
// and the next run does the rest.
func TestInterrupts(t *testing.T) {
	const interrupts = 3
	eachSeed(t, func(t *testing.T, seed uint64) {
		h := newHistory(t, seed)
		rng := rand.New(rand.NewPCG(seed, 2))
		for range interrupts {
			h.Fleet = h.lottery.Next()
			h.admit(h.Fleet)
			h.interrupted(rng.IntN(120), rng.IntN(2) == 0)
		}
		time.Sleep(time.Minute) // virtual: for lists that lag and calls that were cut off
		h.turn(h.Fleet)
		h.turn(h.lottery.None())
		if left := h.Live().Live; len(left) > 0 {
			t.Errorf("%d addresses left behind", len(left))
		}
	})
}

// interrupted applies until so many events have happened.
func (h *history) interrupted(events int, gently bool) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	stop := make(chan struct{})
	interrupt := cancel
	if gently {
		interrupt = func() { close(stop) }
	}
	r, plans := h.Run(), 0
	r.Observe = func(applier.Event) {
		if plans++; plans == events {
			interrupt()
		}
	}
	plan, err := r.Plan(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	result, err := r.Apply(ctx, stop, plan)
	if err != nil && !errors.Is(err, context.Canceled) {
		h.t.Fatalf("interrupted after %d events: %v", events, err)
	}
	h.wantAccounted(plan, result)
}

// wantAccounted wants a result for each step of the first round, and none
// that says it is still running.
func (h *history) wantAccounted(plan *planner.Plan, result *reconcile.Result) {
	h.t.Helper()
	if len(result.Reports) == 0 || len(result.Reports[0].Results) != len(plan.Steps) {
		h.t.Fatalf("a plan of %d steps has the reports %+v", len(plan.Steps), result.Reports)
	}
	final := []applier.State{applier.Done, applier.Failed, applier.Skipped, applier.Unfinished, applier.NotStarted}
	for i, rep := range result.Reports {
		for j, res := range rep.Results {
			if !slices.Contains(final, res.State) || res.State == applier.Failed {
				h.t.Errorf("%s is %s: %v", res.StepKey, res.State, res.Err)
			}
			if i == 0 && res.StepKey != plan.Steps[j].StepKey {
				h.t.Errorf("result %d is of %s, want %s", j, res.StepKey, plan.Steps[j].StepKey)
			}
		}
		if rep.Interrupted == nil && rep.Count(applier.NotStarted)+rep.Count(applier.Unfinished) > 0 {
			h.t.Errorf("not all was done, and nothing was interrupted: %s", rep.Summary())
		}
	}
}

// A stop between the halves of a change, of which the first alone is an
// outage, waits for the second.
func TestStopBetweenHalves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hiding(t, map[string]time.Duration{"listLag": 0})
		s.Converge()
		s.Fleet.Services["s0"].PrivateDNS.Name = "other.grid.example.com"
		stop, stopped := make(chan struct{}), false
		r := s.Run()
		r.Observe = func(e applier.Event) {
			if e.Addr.Kind == "endpoint-private-dns" && e.Kind == applier.StepWaiting && !stopped {
				stopped = true
				close(stop)
			}
		}
		res, err := r.Apply(t.Context(), stop, mustPlan(t, r))
		if err != nil || res.Err() != nil && !errors.Is(res.Err(), applier.ErrStopped) || !stopped {
			t.Fatalf("stopped is %v: %v, %v", stopped, err, res.Err())
		}
		for addr, rs := range s.Live().Live {
			if addr.Kind == "endpoint-private-dns" && len(rs) == 1 {
				return
			}
		}
		t.Errorf("the name stays off: %s", res.Report().Summary())
	})
}
