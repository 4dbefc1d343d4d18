package rollout

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/schema"
)

// Latest fetches the branch and gives the commit it is at.
func (t *Track) Latest(ctx context.Context) (gitsource.Commit, error) {
	if err := t.Repo.Fetch(ctx, t.branch()); err != nil {
		return gitsource.Commit{}, err
	}
	return t.Repo.Commit(t.branch())
}

var wholeName = regexp.MustCompile(`^(refs/.*|HEAD|[0-9a-f]{40})$`)

// branch is what Ref names: a branch, and not the tag that has its name when
// it is gone.
func (t *Track) branch() string {
	if wholeName.MatchString(t.Ref) {
		return t.Ref
	}
	return "refs/heads/" + t.Ref
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
	return t.load(ctx, gitsource.Commit{Hash: last.Commit}, last.Began)
}

// A target is what an order is about.
type target struct {
	gitsource.Commit
	// day is what waivers are held against. One that ended since the commit was
	// rolled out keeps the next from being rolled out, and lets this one be kept
	// up.
	day time.Time
	// other is the rollout of another commit that had begun last by then.
	other ledger.Run
}

// fetch is version, as a span.
func (t *Track) fetch(ctx context.Context, o Order, fleet string) (target, error) {
	ctx, end := t.span(ctx, "fetch")
	at, err := t.version(ctx, o, fleet)
	end(err)
	return at, err
}

// version is the commit that an order is about.
func (t *Track) version(ctx context.Context, o Order, fleet string) (at target, err error) {
	tip, err := t.Latest(ctx)
	if err != nil {
		return at, err
	}
	last, applied, err := t.Ledger.LastApplied(ctx, fleet)
	if err != nil {
		return at, err
	}
	rolls := o.Kind == ledger.ApplyRun || o.Kind == ledger.ShardRun
	switch {
	case rolls:
		at.Commit, at.day = tip, t.Now()
	case !applied:
		return at, refusef("no commit was applied with this state folder yet, so nothing can have drifted from one; run linkfleet reconcile without --heal-only first, or give the state folder that it had")
	default:
		at.Hash, at.day = last.Commit, last.Began
	}
	if at.other, _, err = t.Ledger.RolledOther(ctx, fleet, at.Hash); err != nil {
		return at, err
	}
	if rolls {
		return at, t.forward(ctx, at, last, o)
	}
	if at.other.ID > last.ID {
		return at, notNow("commit %.12s was begun to be rolled out and is not finished, and to go back to %.12s, applied last, would undo what was done of it; run linkfleet reconcile without --heal-only to go on", at.other.Commit, last.Commit)
	}
	at.Commit, err = t.kept(ctx, last)
	return at, err
}

// kept is the commit that was applied last.
func (t *Track) kept(ctx context.Context, last ledger.Run) (gitsource.Commit, error) {
	there, err := t.has(ctx, last.Commit)
	switch {
	case err != nil:
		return gitsource.Commit{}, err
	case !there:
		return gitsource.Commit{}, refusef("commit %.12s, which was applied last, is not in the repository any more; run linkfleet reconcile without --heal-only to apply what branch %s is at", last.Commit, t.Ref)
	}
	return t.Repo.Commit(last.Commit)
}

// has tells whether a commit can be had: one that the branch does not hold any
// more may be missing in a new mirror alone.
func (t *Track) has(ctx context.Context, commit string) (bool, error) {
	_, err := t.Repo.Commit(commit)
	if errors.Is(err, gitsource.ErrUnknownRef) {
		err = t.Repo.Fetch(ctx, commit)
	}
	if errors.Is(err, gitsource.ErrUnknownRef) || errors.Is(err, gitsource.ErrNoRepository) {
		return false, nil // the latter is what some servers' refusal is taken for
	}
	return err == nil, err
}

// forward holds up a branch that shows less than was there before: a copy of
// the repository that lags, which passes, or a branch that was moved back,
// which takes a commit to undo what the later ones did.
func (t *Track) forward(ctx context.Context, at target, last ledger.Run, o Order) error {
	if o.Commit != "" && o.Commit != at.Hash {
		if contained, err := t.Repo.Ancestor(o.Commit, at.Hash); err != nil || !contained {
			return &BehindError{t.Ref, o.Commit}
		}
	}
	if o.Back {
		return nil
	}
	err := t.follow(ctx, at.Hash, last.Commit, "applied last")
	if err == nil && at.other.ID > last.ID {
		err = t.follow(ctx, at.Hash, at.other.Commit, "begun to be applied since")
	}
	return err
}

// follow refuses a commit that is older than one that was rolled out before.
func (t *Track) follow(ctx context.Context, commit, before, how string) error {
	if before == "" || before == commit {
		return nil
	}
	there, err := t.has(ctx, before)
	switch {
	case err != nil:
		return err
	case !there:
		return refusef("commit %.12s, %s, is not in the repository any more, so nothing tells whether branch %s was moved back to %.12s; if that is meant to be rolled out, let this run go back with --allow-back", before, how, t.Ref, commit)
	}
	back, err := t.Repo.Ancestor(commit, before)
	if err != nil || !back {
		return err
	}
	return refusef("branch %s is at commit %.12s, which is older than %.12s, %s: the server may lag, or the branch was moved back; commit a revert, or let this run go back with --allow-back", t.Ref, commit, before, how)
}

// rolls has the lease tell others what is rolled out, and heed what they told.
func (t *Track) rolls(ctx context.Context, run *reconcile.Run, o Order, at target) {
	run.Held = func(ctx context.Context) error { return t.alone(ctx, run, o, at) }
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

// alone refuses to act after a run that rolled another commit out while this
// one did not hold the lease yet, where its plan would take that back.
func (t *Track) alone(ctx context.Context, run *reconcile.Run, o Order, at target) error {
	now, _, err := t.Ledger.RolledOther(ctx, run.Fleet.Name, at.Hash)
	if err != nil || now.ID == at.other.ID && now.Outcome == at.other.Outcome {
		return err
	}
	if o.Kind != ledger.HealRun {
		there, err := t.has(ctx, now.Commit)
		if err != nil {
			return err
		}
		if there {
			if newer, err := t.Repo.Ancestor(at.Hash, now.Commit); err != nil || !newer {
				return err
			}
		}
	}
	return notNow("another run rolled commit %.12s out since this one began, so nothing was changed; run again", now.Commit)
}

// follows refuses to take back what was rolled out with another state folder:
// this one is an old one then, or of somebody who knows less.
func (t *Track) follows(ctx context.Context, run *reconcile.Run, last string) error {
	if last == run.Commit {
		return nil
	}
	if known, err := t.Ledger.RolledOut(ctx, run.Fleet.Name, last); err != nil || known {
		return err
	}
	there, err := t.has(ctx, last)
	switch {
	case err != nil:
		return err
	case !there:
		return refusef("commit %.12s was rolled out last, with another state folder than this one, and is not in the repository any more, so nothing tells whether %.12s takes it back; if that is meant, let a linkfleet reconcile go back with --allow-back", last, run.Commit)
	}
	newer, err := t.Repo.Ancestor(run.Commit, last)
	if err != nil || !newer { // of another branch, or rewritten
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

// load reads the fleet at a commit, as its waivers hold on a day.
func (t *Track) load(ctx context.Context, at gitsource.Commit, day time.Time) (_ *schema.Fleet, err error) {
	ctx, end := t.span(ctx, "load", attribute.String("linkfleet.commit", at.Hash))
	defer func() { end(err) }()
	files, err := t.Repo.Tree(at.Hash, t.Folder)
	if err != nil {
		return nil, err
	}
	fleet, warnings, err := t.Evaluate(ctx, files, day)
	if t.Warn != nil && len(warnings) > 0 {
		t.Warn(warnings)
	}
	if err != nil {
		return nil, fmt.Errorf("the fleet at commit %.12s: %w", at.Hash, err)
	}
	return fleet, nil
}
