package rollout

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/lease"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// An Order is what a run is asked to do.
type Order struct {
	// Kind: Apply rolls the branch out; Shard does so with the shard that
	// Prepare divides the run to; Heal corrects what drifted from the
	// commit applied last and rolls out nothing newer; Look finds drift and
	// changes nothing.
	Kind ledger.RunKind
	// Commit, if set, must be in the branch for an Apply to begin: what a
	// webhook told of.
	Commit string
	// Back lets an Apply go back to an older commit than was applied last.
	Back bool
	// Prepare, if set, changes the run before it plans: what it may pass of
	// limits. Not its targets, nor, of any kind but Shard, a shard: a commit
	// counts as applied when all of it is, and drift as healed when it is
	// nowhere to be seen.
	Prepare func(*reconcile.Run) error
}

// An Outcome is what came of a run.
type Outcome struct {
	Run     ledger.Run
	Fleet   *schema.Fleet     // nil: it could not be loaded
	Plan    *planner.Plan     // nil: there was none
	Result  *reconcile.Result // nil: nothing was carried out
	Drifted ledger.Drifted
	Waits   []ledger.Wait      // what the fleet waits for after the run
	Calls   []awsapi.CallCount // to AWS
}

// Roll carries out an order, and keeps what came of it. Closing stop lets
// running steps finish and starts no other. The error is of what kept the run
// from its end; what failed in it is in the outcome's Result.
func (t *Track) Roll(ctx context.Context, stop <-chan struct{}, o Order) (out *Outcome, err error) {
	name, err := Fleet(ctx, t.Ledger)
	if err != nil {
		return nil, err
	}
	out = &Outcome{Run: ledger.Run{Fleet: name, Kind: o.Kind, Ref: t.Ref, Began: t.Now()}}
	ctx, end := t.span(ctx, "run", attribute.String("linkfleet.kind", string(o.Kind)), attribute.String("linkfleet.fleet", name))
	defer func() { end(cause(out, err)) }()
	run, err := t.prepare(ctx, out, o)
	out.Run.ID, err = t.begin(ctx, out, err)
	if out.Run.ID == 0 {
		return out, err
	}
	if err == nil {
		err = t.carryOut(ctx, stop, out, run, o)
		out.Calls = run.API.Calls()
	}
	err = errors.Join(err, t.end(ctx, out, err))
	return out, err
}

// begin keeps that the run has begun, also one that got no further than that.
// That a repository lags is no run.
func (t *Track) begin(ctx context.Context, out *Outcome, failed error) (int64, error) {
	if _, behind := errors.AsType[*BehindError](failed); behind {
		return 0, failed
	}
	id, err := t.Ledger.BeginRun(context.WithoutCancel(ctx), out.Run)
	return id, errors.Join(failed, err)
}

// prepare comes as far as one can without asking AWS.
func (t *Track) prepare(ctx context.Context, out *Outcome, o Order) (*reconcile.Run, error) {
	at, err := t.fetch(ctx, o, out.Run.Fleet)
	out.Run.Commit, out.Run.Subject = at.Hash, at.Subject
	if err != nil {
		return nil, err
	}
	if err := t.signed(at.Commit); err != nil {
		return nil, err
	}
	if out.Fleet, err = t.load(ctx, at.Commit, at.day); err != nil {
		return nil, err
	}
	if err := sameFleet(out.Run.Fleet, out.Fleet.Name, at.Commit); err != nil {
		return nil, err
	}
	out.Run.Fleet = out.Fleet.Name
	if t.Loaded != nil {
		t.Loaded(out.Fleet)
	}
	run, err := t.Reach(ctx, out.Fleet, at.Hash)
	if err != nil {
		return nil, err
	}
	if err := t.pauses(ctx, run, o); err != nil {
		return nil, err
	}
	t.rolls(ctx, run, o, at)
	if t.Prepare != nil {
		t.Prepare(run)
	}
	if o.Prepare != nil {
		err = o.Prepare(run)
	}
	return run, err
}

// sameFleet refuses a fleet that changed its name: by its tags nothing of the
// old one would be its own, and all of it would be made a second time.
func sameFleet(was, is string, at gitsource.Commit) error {
	if was != "" && was != is {
		return refusef("the fleet was called %s and is %s at commit %.12s: all of it would be made anew beside the old one; give it its name back, or begin with another state folder", was, is, at.Hash)
	}
	return nil
}

// carryOut plans, and applies unless it is only to look.
func (t *Track) carryOut(ctx context.Context, stop <-chan struct{}, out *Outcome, run *reconcile.Run, o Order) error {
	plan, err := t.plan(ctx, run)
	if err != nil {
		return err
	}
	out.Plan, out.Run.Digest = plan, plan.Digest()
	if err := unreadable(run, plan); err != nil {
		return err
	}
	if t.Planned != nil {
		t.Planned(plan)
	}
	if o.Kind == ledger.HealRun || o.Kind == ledger.DriftRun {
		if out.Drifted, err = t.observeDrift(ctx, out, plan); err != nil {
			return err
		}
	}
	if o.Kind == ledger.DriftRun || len(plan.Steps) == 0 {
		return t.observe(ctx, out, plan)
	}
	if t.Stepped != nil {
		run.Observe = func(e applier.Event) { t.Stepped(out.Run, e) }
	}
	if out.Result, err = t.apply(ctx, stop, run, plan); err != nil {
		return err
	}
	return t.lookBack(ctx, out, o)
}

func (t *Track) plan(ctx context.Context, run *reconcile.Run) (*planner.Plan, error) {
	ctx, end := t.span(ctx, "plan")
	plan, err := run.Plan(ctx)
	end(err)
	return plan, err
}

func (t *Track) apply(ctx context.Context, stop <-chan struct{}, run *reconcile.Run, plan *planner.Plan) (*reconcile.Result, error) {
	ctx, end := t.span(ctx, "apply", attribute.Int("linkfleet.steps", len(plan.Steps)))
	t.traceSteps(ctx, run)
	res, err := run.Apply(ctx, stop, plan)
	end(err)
	return res, err
}

// unreadable is that no place of the fleet could be read: there is no plan to
// speak of.
func unreadable(run *reconcile.Run, plan *planner.Plan) error {
	if why := run.AllUnread(plan); why != "" {
		return fmt.Errorf("no place of the fleet could be read: %s", why)
	}
	return nil
}

// refusal tells whether an error is of somebody's who keeps a run from acting.
func refusal(err error) bool {
	_, refused := errors.AsType[*RefusedError](err)
	_, over := errors.AsType[*reconcile.OverError](err)
	_, changed := errors.AsType[*reconcile.ChangedError](err)
	_, held := errors.AsType[*lease.HeldError](err)
	return refused || over || changed || held
}
