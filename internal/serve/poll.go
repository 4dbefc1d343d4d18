package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linkfleet/linkfleet/internal/forge"
	"github.com/linkfleet/linkfleet/internal/ledger"
)

// remembered is how many previews are looked through for the heads that need
// none.
const remembered = 1000

// renewed is how many open pull requests, the newest, are previewed anew when
// the branch has moved: each reads AWS.
const renewed = 50

// poller looks at the repository for what no webhook has told of: at the
// start, at each poll, when a commit was rolled out, and whenever else it is
// roused.
func (s *Server) poller() func(context.Context) (time.Time, error) {
	started, failures := false, 0
	return func(ctx context.Context) (time.Time, error) {
		branch := s.pollBranch(ctx, !started)
		started = started || branch == nil
		err := errors.Join(branch, s.pollPulls(ctx))
		if ctx.Err() != nil {
			return time.Time{}, nil
		}
		failures++
		if err == nil {
			failures = 0
		}
		err = errors.Join(err, s.tellRepository(ctx, failures, err))
		if s.Poll == 0 {
			return time.Time{}, err
		}
		return s.Now().Add(s.Poll), err
	}
}

// pollBranch queues the commit that the branch is at, unless it was tried. At
// the start one is tried again that could not be rolled out: what kept it from
// that may have been in how the server was set up.
func (s *Server) pollBranch(ctx context.Context, start bool) error {
	tip, err := s.Track.Latest(ctx)
	if err != nil {
		return fmt.Errorf("looking at branch %s: %w", s.Ref, err)
	}
	s.fetched.Store(true)
	h, err := s.history(ctx)
	if err != nil {
		return err
	}
	if tip.Hash == h.applied.Commit || tip.Hash == h.attempted.Commit && !start {
		return nil
	}
	return s.queueNew(ctx, s.applying, time.Time{}, s.pushed(tip.Hash))
}

// pollPulls queues the heads of pull requests that were not previewed yet, and
// anew those that were before the branch moved.
func (s *Server) pollPulls(ctx context.Context) error {
	if s.Pulls == nil || s.Previewer == nil {
		return nil
	}
	pulls, err := s.pullsToBranch(ctx)
	if err != nil {
		return fmt.Errorf("listing pull requests: %w", err)
	}
	previews, err := s.Ledger.Runs(ctx, ledger.RunFilter{Kind: ledger.PreviewRun, Limit: remembered})
	if err != nil {
		return err
	}
	applies, err := s.Ledger.Runs(ctx, ledger.RunFilter{Kind: ledger.ApplyRun, Limit: remembered})
	if err != nil {
		return err
	}
	var jobs []ledger.Job
	since := moved(applies)
	for i, p := range pulls {
		last := slices.IndexFunc(previews, func(r ledger.Run) bool { return r.Pull == p.Number && r.Commit == p.Head.Commit })
		switch {
		case last < 0:
			jobs = append(jobs, s.pulled(p.Number, p.Head.Commit))
		case i < renewed && previews[last].Began.Before(since):
			jobs = append(jobs, s.pulled(p.Number, ""))
		}
	}
	return s.queueNew(ctx, s.previewing, since, jobs...)
}

// pullsToBranch are the open pull requests into the branch, the newest first.
func (s *Server) pullsToBranch(ctx context.Context) ([]forge.PullRequest, error) {
	pulls, err := s.Pulls.OpenPullRequests(ctx)
	pulls = slices.DeleteFunc(pulls, func(p forge.PullRequest) bool { return p.Base.Branch != s.Ref })
	slices.SortFunc(pulls, func(a, b forge.PullRequest) int { return cmp.Compare(b.Number, a.Number) })
	return pulls, err
}

// moved is since when the branch and AWS are as they are: since the commit
// that was rolled out last first was so well, or else was first tried. The
// runs are all applies, the newest first.
func moved(applies []ledger.Run) (since time.Time) {
	commit, well := "", false
	for _, r := range applies {
		switch {
		case r.Commit == "", r.Outcome == ledger.Running, r.Outcome == ledger.Interrupted:
			continue // it tells nothing, or is tried again
		case commit != "" && r.Commit != commit:
			return since
		case r.Outcome.Well() || !well:
			since = r.Ended
		}
		commit, well = r.Commit, well || r.Outcome.Well()
	}
	return since
}

// queueNew queues the jobs that neither wait nor run already. A run that began
// before since does not count, and for a job of no commit one of any counts.
func (s *Server) queueNew(ctx context.Context, loop chan struct{}, since time.Time, jobs ...ledger.Job) error {
	all, err := s.Ledger.Jobs(ctx, "")
	if err != nil {
		return err
	}
	jobs = slices.DeleteFunc(jobs, func(j ledger.Job) bool {
		return slices.ContainsFunc(all, func(k ledger.Job) bool {
			return j.Kind == k.Kind && j.Key == k.Key && (j.Commit == k.Commit || j.Commit == "") &&
				(k.Taken.IsZero() || !k.Taken.Before(since))
		})
	})
	if len(jobs) == 0 {
		return nil
	}
	q, err := s.Ledger.Enqueue(ctx, jobs...)
	if err != nil {
		return err
	}
	for _, j := range q.Jobs {
		s.Log.InfoContext(ctx, "polling found work", "job", j.ID, "kind", j.Kind, "key", j.Key, "commit", j.Commit)
	}
	rouse(loop)
	return nil
}
