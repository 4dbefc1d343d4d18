package rollout

import (
	"context"
	"slices"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/schema"
)

// pauses holds up a paused fleet, and the paused services of another.
func (t *Track) pauses(ctx context.Context, run *reconcile.Run, o Order) error {
	all, err := t.Ledger.Pauses(ctx, run.Fleet.Name)
	if err != nil {
		return err
	}
	run.Paused = map[string]string{}
	for _, p := range all {
		if p.Service == "" {
			return refusef("%s; go on with linkfleet resume", paused("fleet "+p.Fleet, p))
		}
		run.Paused[p.Service] = paused("service "+p.Service, p)
		if o.Kind == ledger.DriftRun {
			continue // it changes nothing
		}
		if err := t.meant(ctx, run.Fleet, p); err != nil {
			return err
		}
	}
	return nil
}

// meant refuses to act on a pause that is of no service: whoever misspelt its
// name holds for paused what is not. A service that the fleet had when it was
// paused may be gone since, and its pause is in nobody's way.
func (t *Track) meant(ctx context.Context, fleet *schema.Fleet, p ledger.Pause) error {
	if fleet.Services[p.Service] != nil || slices.ContainsFunc(fleet.Removed, func(r schema.Removal) bool { return r.Service == p.Service }) {
		return nil
	}
	runs, err := t.Ledger.Runs(ctx, ledger.RunFilter{Fleet: fleet.Name})
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.Kind != ledger.ApplyRun && r.Kind != ledger.ShardRun || !r.Outcome.Well() || r.Ended.After(p.Since) {
			continue
		}
		quiet := *t
		quiet.Warn = nil // that is of today's files
		then, err := quiet.load(ctx, gitsource.Commit{Hash: r.Commit}, r.Began)
		if err != nil || then.Services[p.Service] != nil {
			return nil // it is gone since, or nobody can tell any more
		}
		break
	}
	return refusef("%s, but fleet %s has no such service, so nothing of the fleet is changed: end that pause with linkfleet resume --service %s, and pause the service that is meant",
		paused("service "+p.Service, p), fleet.Name, p.Service)
}
