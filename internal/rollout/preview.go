package rollout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/gitsource"
	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/preview"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A Previewer tells pull requests what they would do. It takes no lease, and
// its runs cannot write to AWS.
type Previewer struct {
	*Track
	Forge forge.Forge
	// EvaluateStranger loads a fleet that anybody may have written.
	EvaluateStranger func(context.Context, fs.FS) (*schema.Fleet, []schema.Warning, error)
	// ReachToRead prepares a run that only reads. What it plans is of no
	// commit: that of the merge does not exist yet.
	ReachToRead func(ctx context.Context, fleet *schema.Fleet, head string) (*reconcile.Run, error)
	// Trusted is the hash of the commit that somebody has looked at: a fork's
	// change of accounts is planned if that is its head. Where the head is
	// another, nothing is planned at all.
	Trusted string
	// MoreURL is where the whole plan can be read, if anywhere.
	MoreURL string
}

// A Previewed is what a pull request was told.
type Previewed struct {
	Run        ledger.Run
	PullNumber int
	// Skipped is why the pull request is none of ours; nothing was posted
	// then.
	Skipped string
	State   forge.StatusState
	Summary string // in one line
	URL     string // of the comment
	Input   preview.Input
	Calls   []awsapi.CallCount // what it asked of AWS

	ref string // that has the commit, where branches may not
}

// Preview plans what merging a pull request would do, and tells it in one
// comment, a status and annotations. That the fleet is invalid or does not
// merge is told there and no error; an error is that it could not be told.
func (p *Previewer) Preview(ctx context.Context, number int) (*Previewed, error) {
	pull, err := p.Forge.PullRequest(ctx, number)
	if err != nil {
		return nil, err
	}
	told := &Previewed{PullNumber: number, Skipped: p.none(pull)}
	if told.Skipped != "" {
		return told, nil
	}
	name, err := Fleet(ctx, p.Ledger)
	if err != nil {
		return nil, err
	}
	if pull.Fork {
		told.ref = pull.Head.Ref
	}
	told.Run = ledger.Run{Fleet: name, Kind: ledger.PreviewRun, Pull: number, Ref: pull.Base.Branch, Began: p.Now()}
	ctx, end := p.span(ctx, "preview", attribute.Int("linkfleet.pull", number), attribute.String("linkfleet.fleet", name))
	err = p.look(ctx, told, pull)
	end(err)
	return told, errors.Join(err, p.keep(ctx, told, err))
}

// none says why a pull request is not to be previewed.
func (p *Previewer) none(pull forge.PullRequest) string {
	switch {
	case pull.State != forge.Open:
		return fmt.Sprintf("it is %s", pull.State)
	case pull.Base.Branch != p.Ref:
		return fmt.Sprintf("it is to be merged into %s, and not into %s, which is rolled out", pull.Base.Branch, p.Ref)
	}
	return ""
}

// look finds out what the pull request does, and tells it.
func (p *Previewer) look(ctx context.Context, told *Previewed, pull forge.PullRequest) error {
	head, err := p.head(ctx, pull)
	if err != nil {
		return err
	}
	told.Run.Commit, told.Run.Subject = head.Hash, head.Subject
	if p.Trusted != "" && p.Trusted != head.Hash {
		return fmt.Errorf("pull request %d is at commit %s now, and not at %s: look at what was pushed, and trust that", pull.Number, head.Hash, p.Trusted)
	}
	in := &told.Input
	*in = preview.Input{Base: p.Ref, Pull: pull.Number, Folder: p.Folder, Confined: pull.Fork, MoreURL: p.MoreURL, Fleet: told.Run.Fleet}
	if err := p.plan(ctx, told, pull, head); err != nil {
		told.State, told.Summary = forge.Errored, sentence(err)
		return errors.Join(err, p.status(ctx, told))
	}
	return p.post(ctx, told)
}

// head fetches what a pull request is of.
func (p *Previewer) head(ctx context.Context, pull forge.PullRequest) (head gitsource.Commit, err error) {
	ctx, end := p.span(ctx, "fetch")
	defer func() { end(err) }()
	if err := p.Repo.Fetch(ctx, p.Ref, pull.Head.Ref); err != nil {
		return gitsource.Commit{}, err
	}
	return p.Repo.Commit(pull.Head.Ref)
}

// plan fills in the input: the merge's fleet, and what applying it would do.
// What is amiss with the pull request is in the input too.
func (p *Previewer) plan(ctx context.Context, told *Previewed, pull forge.PullRequest, head gitsource.Commit) error {
	in := &told.Input
	merged, err := p.Repo.Merge(ctx, p.Ref, head.Hash) // another preview may fetch what was pushed since
	if conflict, ok := errors.AsType[*gitsource.ConflictError](err); ok {
		in.Conflicts = conflict.Paths
		return nil
	}
	if unrelated, ok := errors.AsType[*gitsource.UnrelatedError](err); ok {
		in.Invalid = unrelated
		return nil
	}
	if err != nil {
		return err
	}
	if in.Was, err = p.base(ctx, merged.Base); err != nil {
		return err
	}
	if err := p.is(ctx, in, merged.Tree); err != nil || in.Invalid != nil {
		return err
	}
	if err := sameFleet(told.Run.Fleet, in.Fleet, head); err != nil {
		in.Invalid = err
		return nil
	}
	if told.Summary = p.pending(in, pull, head); told.Summary != "" {
		in.Invalid = errors.New(told.Summary)
		return nil
	}
	told.State = forge.Pending
	_ = p.status(ctx, told) // what keeps it from being set, the last one tells
	return p.diff(ctx, told, head)
}

// base is the fleet before the merge; nil if it is none: the merge may be what
// makes it, or mends it.
func (p *Previewer) base(ctx context.Context, at gitsource.Commit) (*schema.Fleet, error) {
	files, err := p.Repo.Tree(at.Hash, p.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	fleet, _, err := p.EvaluateStranger(ctx, files)
	switch {
	case err == nil:
		return fleet, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(schema.Faults(err)) > 0:
		return nil, nil
	}
	return nil, fmt.Errorf("loading the fleet before the merge: %w", err)
}

// is loads the fleet after the merge.
func (p *Previewer) is(ctx context.Context, in *preview.Input, tree string) error {
	files, err := p.Repo.Tree(tree, p.Folder)
	if err != nil {
		in.Invalid = err
		return nil
	}
	in.Is, in.Warnings, err = p.EvaluateStranger(ctx, files)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		in.Is, in.Invalid = nil, err
	default:
		in.Fleet = in.Is.Name
	}
	return nil
}

// pending says why a stranger's change is not planned before somebody known
// has looked at it: it decides which roles would be assumed, and so whose
// accounts would be looked into.
func (p *Previewer) pending(in *preview.Input, pull forge.PullRequest, head gitsource.Commit) string {
	if !pull.Fork || p.Trusted != "" || in.Was != nil && sameAccounts(in.Was, in.Is) {
		return ""
	}
	return "This pull request is from a fork and changes accounts, so it is planned only after a look at it: " + p.trusting(pull.Number, head)
}

// trusting is the command that plans just what was looked at.
func (p *Previewer) trusting(number int, head gitsource.Commit) string {
	words := []string{"linkfleet", "preview", "--repo", p.Repo.URL()}
	if p.Ref != "main" {
		words = append(words, "--ref", p.Ref)
	}
	if p.Folder != "." {
		words = append(words, "--folder", p.Folder)
	}
	return preview.Command(append(words, "--pull", strconv.Itoa(number), "--trust", head.Hash)...)
}

func sameAccounts(was, is *schema.Fleet) bool {
	of := func(f *schema.Fleet) *schema.Fleet {
		return &schema.Fleet{Accounts: f.Accounts, Zones: f.Zones, Regions: f.Regions}
	}
	_, differ := schema.Changed(of(was), of(is))
	return !differ
}

// diff plans the merge's fleet: only the services that the pull request
// changes, if it changes nothing else.
func (p *Previewer) diff(ctx context.Context, told *Previewed, head gitsource.Commit) error {
	in := &told.Input
	run, err := p.ReachToRead(ctx, in.Is, head.Hash)
	if err != nil {
		return err
	}
	review, err := p.review(ctx, run, in)
	told.Calls = run.API.Calls()
	if err != nil {
		return err
	}
	if err := unreadable(run, review.Plan); err != nil {
		return err
	}
	in.Plan = review.Plan
	for _, c := range review.Coverage {
		in.Coverage = append(in.Coverage, preview.Coverage{Service: c.Group.Service, Consumer: c.Group.Consumer, Zones: c.Zones, Offered: c.Offered})
	}
	return nil
}

func (p *Previewer) review(ctx context.Context, run *reconcile.Run, in *preview.Input) (_ *reconcile.Review, err error) {
	ctx, end := p.span(ctx, "plan")
	defer func() { end(err) }()
	services, partly := p.part(in)
	if !partly {
		return run.Review(ctx)
	}
	for _, name := range services {
		run.Targets = append(run.Targets, planner.Group{Service: name})
	}
	return run.ReviewPart(ctx, in.Was, services)
}

// part are the services that are all a pull request changes.
func (p *Previewer) part(in *preview.Input) ([]string, bool) {
	if in.Was == nil {
		return nil, false
	}
	services, beyond := schema.Changed(in.Was, in.Is)
	gone := func(name string) bool { return in.Is.Services[name] == nil }
	return services, !beyond && len(services) > 0 && !slices.ContainsFunc(services, gone)
}

// post tells the pull request.
func (p *Previewer) post(ctx context.Context, told *Previewed) (err error) {
	ctx, end := p.span(ctx, "post")
	defer func() { end(err) }()
	in, limits := told.Input, p.Forge.Limits()
	unit := preview.Runes
	if limits.Unit == forge.Bytes {
		unit = preview.Bytes
	}
	state, summary := preview.Status(in)
	told.State, told.Summary = forge.StatusState(state), summary
	body := preview.Comment(in, preview.Limit{N: limits.Comment, Unit: unit})
	if told.URL, err = p.Forge.Comment(ctx, told.PullNumber, preview.Marker(in.Folder), body); err != nil {
		return err
	}
	return errors.Join(p.annotate(ctx, told), p.status(ctx, told))
}

func (p *Previewer) annotate(ctx context.Context, told *Previewed) error {
	if !p.Forge.Limits().Annotations {
		return nil
	}
	var notes []forge.Annotation
	for _, a := range preview.Annotations(told.Input) {
		notes = append(notes, forge.Annotation{Path: a.Path, Line: a.Line, Message: a.Message, Warning: a.Level == preview.LevelWarning})
	}
	return p.Forge.Annotate(ctx, told.Run.Commit, p.context(), notes)
}

func (p *Previewer) status(ctx context.Context, told *Previewed) error {
	return p.Forge.SetStatus(ctx, told.Run.Commit, forge.Status{
		Context: p.context(), State: told.State, Description: told.Summary, TargetURL: told.URL, Ref: told.ref,
	})
}

// context is under which name statuses stand: of the fleet's folder, which is
// there even where the fleet is broken.
func (p *Previewer) context() string {
	if p.Folder == "." {
		return forge.Context("preview")
	}
	return forge.Context(p.Folder)
}

// keep records the preview.
func (p *Previewer) keep(ctx context.Context, told *Previewed, failed error) error {
	run, in := &told.Run, told.Input
	kept := context.WithoutCancel(ctx)
	id, err := p.Ledger.BeginRun(kept, *run)
	if err != nil {
		return err
	}
	run.ID, run.Ended, run.Outcome = id, p.Now(), ledger.Done
	if in.Plan != nil {
		run.Digest = in.Plan.Digest()
		run.Counts.Blocked = len(in.Plan.Blocked)
	}
	switch {
	case failed != nil && ctx.Err() != nil:
		run.Outcome, run.Error = ledger.Interrupted, sentence(failed)
	case failed != nil:
		run.Outcome, run.Error = ledger.Failed, sentence(failed)
	case told.State == forge.Failure:
		run.Outcome, run.Error = ledger.Failed, told.Summary
	}
	if run.Report, err = report(&Outcome{Plan: in.Plan}); err != nil {
		return err
	}
	return p.Ledger.EndRun(kept, *run)
}
