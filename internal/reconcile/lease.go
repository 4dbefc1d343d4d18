package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A ChangedError is that a plan is no longer the one that was made: somebody
// acted before its turn came.
type ChangedError struct {
	Was, Is string // digests, short
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("AWS has changed since the plan was made, so nothing was changed: the plan was %s and would now be %s; plan again", e.Was, e.Is)
}

// Rolls has the fleet's lease keep which commit is rolled out, if commit is
// set, and asks may before the lease is taken whether the run may act after
// the commit that was rolled out last. A lease that is a file keeps none.
func (r *Run) Rolls(commit string, may func(last string) error) {
	if shared, ok := r.Lease.(*lease.Shared); ok {
		shared.Rollout, shared.Follows = commit, may
	}
}

// releasePatience is how long giving back the lease may take. If it fails the
// lease ends by itself.
const releasePatience = 10 * time.Second

// underLease applies the plan while the lease is held.
func (r *Run) underLease(ctx context.Context, stop <-chan struct{}, plan *planner.Plan) (*Result, error) {
	held, err := r.Lease.Acquire(ctx, r.Holder)
	if err != nil {
		return &Result{}, err
	}
	defer r.release(ctx, held)
	ctx, stop, done := bound(ctx, stop, held)
	defer done()
	if r.Held != nil {
		if err := r.Held(ctx); err != nil {
			return &Result{}, err
		}
	}
	now, err := r.planAgain(ctx)
	switch {
	case err != nil:
		return &Result{}, fmt.Errorf("planning again under the lease: %w", err)
	case now.Digest() != plan.Digest():
		return &Result{Left: now}, &ChangedError{Was: plan.ShortDigest(), Is: now.ShortDigest()}
	}
	res, err := r.apply(ctx, stop, now)
	res.Lost = held.Err()
	if err != nil && res.Lost != nil {
		err = res.Lost // all else follows from it
	}
	return res, err
}

// release gives the lease back, also when ctx has ended.
func (r *Run) release(ctx context.Context, held *lease.Held) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releasePatience)
	defer cancel()
	if err := held.Release(ctx); err != nil {
		r.log().Warn("the lease was not given back", "error", awsapi.Explain(err))
	}
}

// bound ends what ctx and stop govern with the lease: when it is lost no step
// starts, and when it may be another's no call goes on.
func bound(ctx context.Context, stop <-chan struct{}, held *lease.Held) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	either := make(chan struct{})
	go func() {
		defer close(either)
		select {
		case <-stop:
		case <-held.Lost():
		case <-ctx.Done():
		}
	}()
	go func() {
		select {
		case <-held.Over():
			cancel(held.Err())
		case <-ctx.Done():
		}
	}()
	return ctx, either, func() { cancel(nil) }
}

// LeaseOf is the lease of a fleet: in the table that its files name, or else in
// the file at path. Watching is told when it has to be seen whether a holder
// is still there, which takes a while.
func LeaseOf(ctx context.Context, api *awsapi.API, fleet *schema.Fleet, path string, watching func(lease.Holder)) (lease.Lease, error) {
	in := fleet.Lease
	if in == nil {
		return &lease.File{Fleet: fleet.Name, Path: path}, nil
	}
	place, err := api.Place(ctx, planner.Place{Account: in.Account, Region: in.Region})
	if err != nil {
		return nil, fmt.Errorf("reaching the lease of fleet %s: %w", fleet.Name, err)
	}
	return &lease.Shared{Records: place.Records(in.Table), Fleet: fleet.Name, Watching: watching}, nil
}
