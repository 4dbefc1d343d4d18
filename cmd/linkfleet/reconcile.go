package main

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/internal/rollout"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

type reconcileFlags struct {
	repo     repoFlags
	aws      awsFlags
	healOnly bool
	dryRun   bool
	back     bool
	shard    shardFlag
	format   string
	pace     paceFlags
	allow    allowFlags
}

func newReconcileCommand(a *app) *cobra.Command {
	var f reconcileFlags
	cmd := &cobra.Command{
		Use:   "reconcile --repo URL",
		Short: "Make AWS as the fleet's repository says, once",
		Long: `reconcile is one run driven by the fleet's Git repository: it fetches the branch,
reads the fleet at the commit the branch is at, plans, applies, looks again, and
keeps in the state folder what came of it, for linkfleet status and linkfleet
history. It is what a job of cron, of a pipeline or of Kubernetes runs. It asks
nobody: what was merged is what was agreed on. The fleet's limits hold, and
rules may refuse parts of the plan.

With --shard it rolls out one of several parts of the fleet, beside runs of the
others: services by their provider's account, dealt out to as many shards as
there are. Each reads everything, so as not to overlook anything, and changes its
own services only. Shards of one commit act side by side, nobody else beside
them; the fleet must name a table for its lease. What a shard finds is not kept
for linkfleet status.

With --heal-only it goes back to the commit that was applied last, corrects what
drifted from that, and rolls out nothing newer. With --dry-run it only looks for
such drift.

` + repoHelp + `

` + leaseHelp + `

` + exitHelp,
		Example: `  linkfleet reconcile --repo https://git.example.com/net/fleet.git
  linkfleet reconcile --repo git@git.example.com:net/fleet.git --heal-only
  linkfleet reconcile --repo https://git.example.com/net/fleet.git --shard 0/4`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.reconcile(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.healOnly, "heal-only", false, "correct what drifted from the commit applied last, and roll out nothing newer")
	flags.BoolVar(&f.dryRun, "dry-run", false, "find what drifted from the commit applied last, and change nothing; exits with 2 if something did")
	flags.BoolVar(&f.back, "allow-back", false, "let the branch be at an older commit than was applied last")
	flags.Var(&f.shard, "shard", "roll out this shard alone, with I from 0 to N-1")
	flags.StringVar(&f.format, "format", "text", "text, or json for the report alone")
	cmd.MarkFlagsMutuallyExclusive("heal-only", "dry-run", "shard")
	f.pace.add(cmd)
	f.repo.add(cmd)
	f.repo.addSigners(cmd)
	f.allow.add(cmd)
	f.aws.add(cmd)
	return cmd
}

func (f *reconcileFlags) check(a *app) error {
	return errors.Join(f.pace.check(), checkFormat(f.format, "text", "json"), f.repo.check(), f.aws.check(a))
}

// kind is what the run is for.
func (f *reconcileFlags) kind() ledger.RunKind {
	switch {
	case f.healOnly:
		return ledger.HealRun
	case f.dryRun:
		return ledger.DriftRun
	case f.shard.shard != nil:
		return ledger.ShardRun
	}
	return ledger.ApplyRun
}

func (a *app) reconcile(ctx context.Context, f reconcileFlags) error {
	if err := f.check(a); err != nil {
		return err
	}
	t, done, err := a.track(ctx, &f.repo, f.aws)
	if err != nil {
		return err
	}
	defer done()
	out, err := a.roll(ctx, t, f)
	if out == nil {
		return err
	}
	if result := cameTo(out); result != nil {
		err = errors.Join(a.showResult(result, f.format), err)
	}
	if err != nil {
		return a.rolled(err, &f.repo)
	}
	return rolledOut(out)
}

// cameTo is what happened and what is left, or nil where there was no plan. Of
// a run that carried nothing out, all that was planned is left.
func cameTo(out *rollout.Outcome) *reconcile.Result {
	if out.Result == nil && out.Plan != nil {
		return &reconcile.Result{Left: out.Plan}
	}
	return out.Result
}

// roll carries the order out and shows how it goes. The first signal stops in
// order.
func (a *app) roll(ctx context.Context, t *rollout.Track, f reconcileFlags) (*rollout.Outcome, error) {
	p := a.newProgress()
	defer p.close()
	stop := make(chan struct{})
	undo := a.interrupts.orderly(func() {
		close(stop)
		p.say("finishing running steps; press again to stop now")
	})
	defer undo()
	t.Planned = func(plan *planner.Plan) {
		stream := a.planStream(f.format)
		_ = a.showPlan(stream, plan) // a stream that is gone shows nothing; the run goes on
	}
	t.Stepped = func(run ledger.Run, e applier.Event) { p.observe(a.ofRun(run), e) }
	return t.Roll(ctx, stop, rollout.Order{Kind: f.kind(), Back: f.back, Prepare: func(run *reconcile.Run) error {
		f.pace.set(run)
		return errors.Join(f.shard.divide(run), f.allow.set(run))
	}})
}

// track prepares what runs of a repository's fleet need. Done gives back what
// it holds.
func (a *app) track(ctx context.Context, f *repoFlags, aws awsFlags) (t *rollout.Track, done func(), err error) {
	state, err := a.state(f.stateDir)
	if err != nil {
		return nil, nil, err
	}
	keys, err := f.keys()
	if err != nil {
		return nil, nil, err
	}
	kept, err := ledger.Open(ctx, state)
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = kept.Close() } // everything stands on the disk already
	repo, err := a.openRepo(ctx, f, state)
	if err == nil {
		_, err = kept.Recover(ctx, a.now())
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	tracer, flush, err := a.tracer(ctx)
	if err != nil {
		done()
		return nil, nil, err
	}
	closed := done
	done = func() { flush(); closed() }
	return &rollout.Track{
		Repo: repo, Ref: f.ref, Folder: f.tree(), Signers: keys, Ledger: kept,
		Evaluate: schema.LoadFS,
		Reach: func(ctx context.Context, fleet *schema.Fleet, commit string) (*reconcile.Run, error) {
			run, err := a.reach(ctx, fleet, commit, sessionOf(commit), aws, false)
			if err != nil {
				return nil, err
			}
			return run, a.takeLease(ctx, run, state, func(text string) { a.say(slog.LevelInfo, text) })
		},
		Warn:   func(warnings []schema.Warning) { a.warn(f.tree(), warnings) },
		Tracer: tracer,
		Now:    a.now,
	}, done, nil
}

// rolled is an error of a run as the command ends with it.
func (a *app) rolled(err error, f *repoFlags) error {
	if faults := schema.Faults(err); len(faults) > 0 {
		return &faultyFleet{dir: path.Clean(filepath.ToSlash(f.folder)), faults: faults}
	}
	if no, ok := errors.AsType[*rollout.RefusedError](err); ok {
		return refused("%w", no)
	}
	if over, ok := errors.AsType[*reconcile.OverError](err); ok {
		return refused("%w", over)
	}
	return refusedTurn(err)
}

// rolledOut is what a run ends with that came to its end.
func rolledOut(out *rollout.Outcome) error {
	switch {
	case out.Result != nil:
		return outcome(out.Result)
	case out.Plan != nil && len(out.Plan.Unread) > 0:
		return unreadError(out.Plan)
	case out.Run.Kind == ledger.DriftRun && len(out.Plan.Steps) > 0:
		return &verdict{status: exitChanges}
	case out.Plan != nil && len(out.Plan.Blocked) > 0:
		return refused("%s not be taken; the reasons stand above", canOrNot(len(out.Plan.Blocked)))
	}
	return nil
}
