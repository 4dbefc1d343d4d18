// Package reconcile is one run of linkfleet: read, plan, apply, look again.
// Every way to start a run goes through it.
package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Run is one fleet at one commit and the AWS it is compared with.
type Run struct {
	Fleet  *schema.Fleet
	Commit string // empty when unknown
	API    *awsapi.API
	Log    *slog.Logger // nil: silent

	// Parallelism is how many steps run side by side; 0 is the applier's own.
	Parallelism int
	// Timeout bounds the waiting of each step; 0 is the applier's own.
	Timeout time.Duration
	// Speed is how much faster than the wall AWS's clock runs: 1 (or 0) but
	// for a simulator.
	Speed float64
	// Lease, if set, is held while Apply acts, for Holder.
	Lease  lease.Lease
	Holder lease.Holder
	// Held, if set, is asked when the lease is held whether to act still; its
	// error ends the apply before anything is changed.
	Held func(context.Context) error
	// Targets, if any, are the only parts of the fleet that are planned and
	// applied, besides what these need.
	Targets []planner.Group
	// Shard, if set, is the part of the fleet that is planned and applied; see
	// Divide.
	Shard *Shard
	// Allow is how many of a tally Apply may take away, whatever the fleet's
	// limits say.
	Allow map[planner.Tally]int
	// Paused are the services that nothing is to be changed of, and why, in
	// one sentence.
	Paused map[string]string
	// Observe hears every event of an apply, one at a time.
	Observe func(applier.Event)
	// Within, if set, gives the context of the calls that change something for
	// a step.
	Within func(context.Context, planner.StepKey) context.Context
}

// Plan reads every place and says what is to be done. Places that could not
// be read are in the plan, not in the error.
func (r *Run) Plan(ctx context.Context) (*planner.Plan, error) {
	review, err := r.look(ctx, nil)
	if err != nil {
		return nil, err
	}
	return review.Plan, nil
}

// planAgain is Plan for a run that has planned before: what its targets name
// may be gone by now, which is what was meant.
func (r *Run) planAgain(ctx context.Context) (*planner.Plan, error) {
	places := kinds.NewPlaces(r.API, r.Fleet)
	live, err := r.read(ctx, places, nil)
	if err != nil {
		return nil, err
	}
	review, err := r.compare(ctx, places, live)
	if err != nil {
		return nil, err
	}
	return review.Plan, nil
}

// look plans from what stands in some places; nil are all.
func (r *Run) look(ctx context.Context, within map[planner.Place]bool) (*Review, error) {
	places := kinds.NewPlaces(r.API, r.Fleet)
	live, err := r.read(ctx, places, within)
	if err != nil {
		return nil, err
	}
	if err := r.checkTargets(live); err != nil {
		return nil, err
	}
	return r.compare(ctx, places, live)
}

func (r *Run) read(ctx context.Context, places *kinds.Places, within map[planner.Place]bool) (planner.State, error) {
	began := time.Now()
	live, err := kinds.Read(ctx, places, r.Fleet, within)
	if err != nil {
		return live, fmt.Errorf("reading AWS: %w", err)
	}
	r.log().Debug("read", "unread", len(live.Unread), "resources", len(live.Live), "took", time.Since(began))
	return live, nil
}

// compare plans from what stands.
func (r *Run) compare(ctx context.Context, places *kinds.Places, live planner.State) (*Review, error) {
	wishes := kinds.Want(r.Fleet, live)
	in := planner.Input{
		Fleet: r.Fleet.Name, Commit: r.Commit,
		Want: wishes.Want, Live: wishes.Live, Notes: wishes.Notes, Rules: wishes.Rules,
		Remarks: wishes.Remarks, Limits: wishes.Limits, Targets: r.Targets,
		Traits: kinds.Traits(),
	}
	if r.Shard != nil {
		in.Shard = r.Shard.of(r.Fleet)
	}
	if len(r.Paused) > 0 {
		in.Rules = append(in.Rules, r.pausing)
	}
	plan, err := planner.Diff(in)
	if err != nil {
		return nil, err
	}
	refused, coverage, err := kinds.Preflight(ctx, places, r.Fleet, plan)
	if err != nil {
		return nil, fmt.Errorf("checking AWS before anything is changed: %w", err)
	}
	if len(refused) > 0 {
		in.Rules = append(in.Rules, func(*planner.Plan) []planner.Blocked { return refused })
		if plan, err = planner.Diff(in); err != nil {
			return nil, err
		}
	}
	return &Review{Plan: plan, Coverage: coverage}, nil
}

// A Result is what a run came to.
type Result struct {
	Reports []*applier.Report // one for each round
	// Left is the plan after the last round: empty, or what is still to do
	// or waited for. It is nil if AWS could not be looked at again.
	Left *planner.Plan
	// Lost is that the lease was lost on the way: a [lease.LostError].
	Lost error
}

// Err joins what failed; it is nil when everything was done.
func (r *Result) Err() error {
	if r.Lost != nil && r.Interrupted() {
		return r.Lost
	}
	for _, rep := range r.Reports {
		if err := rep.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Interrupted tells whether the run was stopped before its end.
func (r *Result) Interrupted() bool {
	return slices.ContainsFunc(r.Reports, func(rep *applier.Report) bool { return rep.Interrupted != nil })
}

// Report is one report of all rounds, or nil if there was none.
func (r *Result) Report() *applier.Report {
	if len(r.Reports) == 0 {
		return nil
	}
	all := *r.Reports[0]
	for _, next := range r.Reports[1:] {
		all.Results = append(all.Results[:len(all.Results):len(all.Results)], next.Results...)
		all.Took = next.Began.Add(next.Took).Sub(all.Began)
		all.Interrupted = next.Interrupted
	}
	return &all
}

func (r *Run) log() *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return slog.New(slog.DiscardHandler)
}

// Accounts are the accounts of a fleet in which it has a role, each with the
// role for plans if that is all there is to do.
func Accounts(f *schema.Fleet, readOnly bool) map[string]awsapi.Account {
	accounts := map[string]awsapi.Account{}
	for name, a := range f.Accounts {
		if a.External {
			continue
		}
		role := a.RoleARN()
		if readOnly {
			role = a.ReadOnlyRoleARN()
		}
		accounts[name] = awsapi.Account{ID: a.ID, RoleARN: role, ExternalID: a.ExternalID}
	}
	return accounts
}
