package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
)

// rounds bounds how often a run goes on to accept the connections that
// appeared while it applied.
const rounds = 5

// lagTime is how long AWS's lists may show less than was done before that
// counts as a difference.
const lagTime = time.Minute

// Apply carries plan out and looks again. Connections of declared consumers
// that appeared in the meantime, because the plan let their owners in, are
// accepted in the same run. Closing stop lets running steps finish and
// starts no other; when ctx ends the run stops at once. The result accounts
// for every step either way; the error is of what kept Apply from looking.
//
// It acts under the run's lease: while somebody else holds that it does
// nothing, and the error is a [lease.HeldError]. What was done between the
// plan and the lease is seen by planning again; if the plan is another one
// then, the error is a [ChangedError]. When the lease is lost it stops.
//
// A plan that goes over the fleet's limits it refuses with an [OverError].
func (r *Run) Apply(ctx context.Context, stop <-chan struct{}, plan *planner.Plan) (*Result, error) {
	if err := r.CheckLimits(plan); err != nil {
		return &Result{Left: plan}, err
	}
	if r.Lease == nil {
		return r.apply(ctx, stop, plan)
	}
	return r.underLease(ctx, stop, plan)
}

// apply is Apply without a lease, or under one.
func (r *Run) apply(ctx context.Context, stop <-chan struct{}, plan *planner.Plan) (*Result, error) {
	res := &Result{}
	for range rounds {
		report, err := r.walk(ctx, stop, plan)
		res.Reports = append(res.Reports, report)
		if err != nil && report.Err() == nil { // not of a step: the plan was refused
			return res, err
		}
		if report.Interrupted != nil {
			return res, nil
		}
		left, err := r.lookAgain(ctx, report)
		if err != nil {
			return res, err
		}
		res.Left = left
		if plan = arrivals(left); len(plan.Steps) == 0 {
			return res, nil
		}
	}
	return res, nil
}

func (r *Run) walk(ctx context.Context, stop <-chan struct{}, plan *planner.Plan) (*applier.Report, error) {
	places := kinds.NewPlaces(r.API, r.Fleet)
	places.Speed = r.Speed
	a := &applier.Applier{
		Actuators:   kinds.Actuators(places),
		Parallelism: r.Parallelism,
		Timeout:     r.Timeout,
		Speed:       r.Speed,
		Observe:     r.Observe,
		Within:      r.Within,
	}
	return a.Apply(ctx, plan, stop)
}

// lookAgain plans until AWS shows what the report says was done, or has had
// the time to.
func (r *Run) lookAgain(ctx context.Context, report *applier.Report) (*planner.Plan, error) {
	speed := max(r.Speed, 1)
	waited := time.Duration(0)
	for wait := time.Second; ; wait *= 2 {
		left, err := r.planAgain(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking again after the apply: %w", err)
		}
		if waited >= lagTime || !redoes(left, report) {
			return left, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(float64(wait) / speed)):
			waited += wait
		}
	}
}

// redoes tells whether the plan has a step at an address where the report
// says a step was done.
func redoes(plan *planner.Plan, report *applier.Report) bool {
	done := map[planner.Addr]bool{}
	for _, res := range report.Results {
		if res.State == applier.Done {
			done[res.Addr] = true
		}
	}
	for _, st := range plan.Steps {
		if done[st.Addr] {
			return true
		}
	}
	return false
}

// arrivals is the part of a plan that accepts connections of consumers who
// make their own endpoints: nothing else may follow a reviewed plan without
// being reviewed itself.
func arrivals(left *planner.Plan) *planner.Plan {
	part := *left
	part.Steps = nil
	for _, st := range left.Steps {
		if kinds.IsArrival(st) {
			part.Steps = append(part.Steps, st)
		}
	}
	part.Blocked = nil
	return &part
}
