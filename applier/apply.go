package applier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/planner/dag"
)

// ErrStopped is among the errors of a run that was asked to stop before every
// step was done.
var ErrStopped = errors.New("stopped before every step was done; run again to go on")

// An Applier carries out plans. The zero value of every field but Actuators
// is usable.
type Applier struct {
	// Actuators by kind. A plan with a step of another kind is refused whole.
	Actuators map[string]Actuator
	// Parallelism is how many creates, updates and deletes may be under way
	// at the same time: 16 if it is 0 or less. Steps that merely wait do not
	// count, else a hundred endpoints coming up would hold up all the rest.
	Parallelism int
	// Timeout bounds each single wait of a step: for a neighbour that keeps
	// it busy, until its resource is usable (or gone), and, counted from when
	// the last step has been taken, until it is ready. 15 minutes if it is 0:
	// AWS takes up to ten to verify a private DNS name and to let go of a
	// deleted load balancer's network interfaces.
	Timeout time.Duration
	// Poll says how often AWS is asked about what is being waited for.
	Poll Poll
	// Speed is how many times faster than the wall AWS's clock runs. It
	// divides every wait. It is 1, also if it is 0, but for the simulator.
	Speed float64
	// Observe, if set, is told what happens, one event after the other. The
	// run stands still meanwhile.
	Observe func(Event)
	// Within, if set, gives the context of the calls that change something for
	// a step, after Observe was told that it started. Several ask side by side.
	Within func(context.Context, planner.StepKey) context.Context
}

// Poll is a range of intervals. They start at First, grow by half each time
// and stop growing at Longest. A newcomer among those waiting starts them
// afresh.
type Poll struct {
	First   time.Duration // 1 second if 0
	Longest time.Duration // 15 seconds if 0
}

// Apply takes the steps of plan p, independent ones side by side.
//
// A failed step does not end the run: what waits for it is skipped, the rest
// goes on. Closing stop (which may be nil) interrupts: no further step starts
// and nothing is tried again but what is half done (see [Busy]), while steps
// under way are seen through. When ctx ends, calls in flight are cancelled and
// nothing is waited for.
//
// Whatever happens, Apply returns when nothing of it runs any more, and the
// report has one result for each step of the plan. The error is that of
// [Report.Err], or says why the plan was refused before its first step.
func (a *Applier) Apply(ctx context.Context, p *planner.Plan, stop <-chan struct{}) (*Report, error) {
	r := newRun(a, p, stop)
	g, err := r.graph()
	if err == nil {
		walking, walked := context.WithCancel(ctx)
		r.groundwork(walking, p)
		_, err = dag.Walk(ctx, g, dag.Options{Workers: len(p.Steps), Stop: stop}, r.step)
		walked()
		r.settle()
	}
	rep := r.report(ctx, p)
	if err != nil {
		rep.Interrupted = nil
		return rep, fmt.Errorf("the plan cannot be applied: %w", err)
	}
	return rep, rep.Err()
}

// graph is the plan's order over the steps' indices. It refuses what could
// only come to a halt half way.
func (r *run) graph() (*dag.Graph[int], error) {
	index := make(map[planner.StepKey]int, len(r.steps))
	g := &dag.Graph[int]{}
	for i, s := range r.steps {
		if r.actuators[s.Addr.Kind] == nil {
			return nil, fmt.Errorf("%s: there is no way to change resources of kind %q", s.Addr, s.Addr.Kind)
		}
		g.Add(i)
		for _, key := range s.WaitsFor {
			j, ok := index[key]
			if !ok {
				return nil, fmt.Errorf("%s: it waits for the %s of %s, which does not come before it", s.Addr, key.Action, key.Addr)
			}
			g.Edge(i, j)
			r.waiters[j] = append(r.waiters[j], i)
		}
		if _, twice := index[s.StepKey]; twice {
			return nil, fmt.Errorf("%s: its %s is there twice", s.Addr, s.Action)
		}
		index[s.StepKey] = i
	}
	return g, nil
}

func (a *Applier) parallelism() int {
	if a.Parallelism > 0 {
		return a.Parallelism
	}
	return 16
}

func (a *Applier) timeout() time.Duration {
	if a.Timeout > 0 {
		return a.Timeout
	}
	return 15 * time.Minute
}

// A pace is how long to wait, in the time of the wall.
type pace struct {
	timeout, first, longest, gather time.Duration
}

func (a *Applier) pace() pace {
	scale := func(d, otherwise time.Duration) time.Duration {
		if d <= 0 {
			d = otherwise
		}
		if a.Speed > 0 {
			d = time.Duration(float64(d) / a.Speed)
		}
		// However fast AWS's clock, asking without a pause burns a core.
		return max(d, time.Millisecond)
	}
	return pace{
		timeout: scale(a.timeout(), 0),
		first:   scale(a.Poll.First, time.Second),
		longest: scale(a.Poll.Longest, 15*time.Second),
		// Long enough to ask once about all that was made at the same
		// moment, short enough that nobody notices.
		gather: scale(0, 100*time.Millisecond),
	}
}

// longer is the interval after d.
func (p pace) longer(d time.Duration) time.Duration {
	return max(p.first, min(d+d/2, p.longest))
}
