package rollout

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/schema"
)

// Latest fetches the branch and gives the commit it is at.
func (t *Track) Latest(ctx context.Context) (gitsource.Commit, error) {
	if err := t.Repo.Fetch(ctx, t.Ref); err != nil {
		return gitsource.Commit{}, err
	}
	return t.Repo.Commit(t.Ref)
}

// Applied is the fleet at the commit that was applied last, as far as the
// mirror has it; nil if there was none.
func (t *Track) Applied(ctx context.Context) (*schema.Fleet, error) {
	name, err := Fleet(ctx, t.Ledger)
	if err != nil {
		return nil, err
	}
	last, found, err := t.Ledger.LastApplied(ctx, name)
	if err != nil || !found {
		return nil, err
	}
	return t.load(ctx, gitsource.Commit{Hash: last.Commit})
}

// fetch is version, as a span.
func (t *Track) fetch(ctx context.Context, o Order, fleet string) (gitsource.Commit, error) {
	ctx, end := t.span(ctx, "fetch")
	at, err := t.version(ctx, o, fleet)
	end(err)
	return at, err
}

// version is the commit that an order is about.
func (t *Track) version(ctx context.Context, o Order, fleet string) (gitsource.Commit, error) {
	at, err := t.Latest(ctx)
	if err != nil {
		return gitsource.Commit{}, err
	}
	last, applied, err := t.Ledger.LastApplied(ctx, fleet)
	switch {
	case err != nil:
		return gitsource.Commit{}, err
	case o.Kind == ledger.ApplyRun, o.Kind == ledger.ShardRun:
		return at, t.forward(at, last, o)
	case !applied:
		return gitsource.Commit{}, refusef("no commit was applied with this state folder yet, so nothing can have drifted from one; run linkfleet reconcile without --heal-only first, or give the state folder that it had")
	}
	at, err = t.Repo.Commit(last.Commit)
	if errors.Is(err, gitsource.ErrUnknownRef) {
		return at, refusef("commit %.12s, which was applied last, is not in the repository any more; run linkfleet reconcile without --heal-only to apply what branch %s is at", last.Commit, t.Ref)
	}
	return at, err
}

// forward holds up a branch that shows less than was there before: a copy of
// the repository that lags, which passes, or a branch that was moved back,
// which takes a commit to undo what the later ones did.
func (t *Track) forward(at gitsource.Commit, last ledger.Run, o Order) error {
	if o.Commit != "" && o.Commit != at.Hash {
		if contained, err := t.Repo.Ancestor(o.Commit, at.Hash); err != nil || !contained {
			return &BehindError{t.Ref, o.Commit}
		}
	}
	if last.Commit == "" || last.Commit == at.Hash || o.Back {
		return nil
	}
	back, err := t.Repo.Ancestor(at.Hash, last.Commit)
	switch {
	case errors.Is(err, gitsource.ErrUnknownRef): // rewritten, not lagged behind
		return nil
	case err != nil || !back:
		return err
	}
	return refusef("branch %s is at commit %.12s, which is older than %.12s, applied last: the server may lag, or the branch was moved back; commit a revert, or let this run go back with --allow-back", t.Ref, at.Hash, last.Commit)
}

// rolls has the lease tell others what is rolled out, and heed what they told.
func (t *Track) rolls(ctx context.Context, run *reconcile.Run, o Order) {
	commit := run.Commit
	if o.Kind == ledger.HealRun {
		commit = "" // it is nothing new
	}
	if o.Back {
		run.Rolls(commit, nil)
		return
	}
	run.Rolls(commit, func(last string) error { return t.follows(ctx, run, last) })
}

// follows refuses to take back what was rolled out with another state folder:
// this one is an old one then, or of somebody who knows less.
func (t *Track) follows(ctx context.Context, run *reconcile.Run, last string) error {
	newer, err := t.Repo.Ancestor(run.Commit, last)
	switch {
	case last == run.Commit, errors.Is(err, gitsource.ErrUnknownRef): // of another branch, or rewritten
		return nil
	case err != nil || !newer:
		return err
	}
	known, err := t.Ledger.RolledOut(ctx, run.Fleet.Name, last)
	if err != nil || known {
		return err
	}
	return refusef("commit %.12s was rolled out since, with another state folder than this one, which knows no newer commit than %.12s; run linkfleet reconcile without --heal-only to apply what branch %s is at, or give the state folder that knows it", last, run.Commit, t.Ref)
}

// signed refuses a commit that nobody known has signed.
func (t *Track) signed(at gitsource.Commit) error {
	if t.Signers == nil {
		return nil
	}
	if _, err := t.Repo.Verify(at.Hash, *t.Signers); err != nil {
		return refusef("commit %.12s is not applied: %s", at.Hash, err)
	}
	return nil
}

// load reads the fleet at a commit.
func (t *Track) load(ctx context.Context, at gitsource.Commit) (_ *schema.Fleet, err error) {
	ctx, end := t.span(ctx, "load", attribute.String("linkfleet.commit", at.Hash))
	defer func() { end(err) }()
	files, err := t.Repo.Tree(at.Hash, t.Folder)
	if err != nil {
		return nil, err
	}
	fleet, warnings, err := t.Evaluate(ctx, files)
	if t.Warn != nil && len(warnings) > 0 {
		t.Warn(warnings)
	}
	if err != nil {
		return nil, fmt.Errorf("the fleet at commit %.12s: %w", at.Hash, err)
	}
	return fleet, nil
}
