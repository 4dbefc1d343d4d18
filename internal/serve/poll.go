package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// remembered is how many previews are looked through for the heads that need
// none.
const remembered = 1000

// poller looks at the repository for what no webhook has told of: at the
// start, at each poll, and whenever it is roused.
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
	return s.queueNew(ctx, s.applying, s.pushed(tip.Hash))
}

// pollPulls queues the heads of pull requests that were not previewed yet.
func (s *Server) pollPulls(ctx context.Context) error {
	if s.Pulls == nil || s.Previewer == nil {
		return nil
	}
	pulls, err := s.Pulls.OpenPullRequests(ctx)
	if err != nil {
		return fmt.Errorf("listing pull requests: %w", err)
	}
	runs, err := s.Ledger.Runs(ctx, ledger.RunFilter{Kind: ledger.PreviewRun, Limit: remembered})
	if err != nil {
		return err
	}
	var jobs []ledger.Job
	for _, p := range pulls {
		previewed := func(r ledger.Run) bool { return r.Pull == p.Number && r.Commit == p.Head.Commit }
		if p.Base.Branch == s.Ref && !slices.ContainsFunc(runs, previewed) {
			jobs = append(jobs, s.pulled(p.Number, p.Head.Commit))
		}
	}
	return s.queueNew(ctx, s.previewing, jobs...)
}

// queueNew queues the jobs that neither wait nor run already.
func (s *Server) queueNew(ctx context.Context, loop chan struct{}, jobs ...ledger.Job) error {
	all, err := s.Ledger.Jobs(ctx, "")
	if err != nil {
		return err
	}
	jobs = slices.DeleteFunc(jobs, func(j ledger.Job) bool {
		return slices.ContainsFunc(all, func(k ledger.Job) bool {
			return j.Kind == k.Kind && j.Key == k.Key && j.Commit == k.Commit
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
