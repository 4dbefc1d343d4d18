package serve

import (
	"context"
	"errors"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// roll does a job that may change the fleet.
func (s *Server) roll(ctx context.Context, stop <-chan struct{}, j ledger.Job) end {
	order, e, err := s.order(ctx, j)
	if err != nil {
		return s.ledgerFailed(err)
	}
	if order == nil {
		s.trouble.set(beginning, nil)
		return e
	}
	began := s.Now()
	out, err := s.Track.Roll(ctx, stop, *order)
	s.rolled(ctx, j, out, err, began)
	if err == nil && order.Kind == ledger.DriftRun && out.Plan != nil && len(out.Plan.Steps) > 0 {
		return s.healLater(ctx, j)
	}
	return s.verdict(j, out, err, stopped(ctx, stop))
}

// healLater is for a job that found drift when nothing might be changed.
func (s *Server) healLater(ctx context.Context, j ledger.Job) end {
	b, err := s.barred(ctx)
	if err != nil {
		return s.ledgerFailed(err)
	}
	if b.why == "" {
		b = bar{why: "what has drifted may be healed now", until: s.Now()}
	}
	return b.wait()
}

// stopped tells whether the server ends.
func stopped(ctx context.Context, stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// order is what a job has to be done now; nil: nothing, and what becomes of
// the job then.
func (s *Server) order(ctx context.Context, j ledger.Job) (*rollout.Order, end, error) {
	h, err := s.history(ctx)
	if err != nil {
		return nil, end{}, err
	}
	b, err := s.barred(ctx)
	if err != nil {
		return nil, end{}, err
	}
	judge := upkeepOrder
	if j.Kind == ledger.PushJob {
		judge = pushOrder
	}
	order, e := judge(j, h, b)
	return order, e, nil
}

func pushOrder(j ledger.Job, h history, b bar) (*rollout.Order, end) {
	switch {
	case j.Commit != "" && j.Commit == h.applied.Commit:
		return nil, end{} // another job has done it
	case b.why != "":
		return nil, b.wait()
	}
	return &rollout.Order{Kind: ledger.ApplyRun, Commit: j.Commit}, end{}
}

func upkeepOrder(j ledger.Job, h history, b bar) (*rollout.Order, end) {
	switch {
	case b.paused && j.Kind == ledger.DriftJob:
		return nil, end{} // who resumes the fleet has it rolled out
	case b.why != "" && j.Kind == ledger.ArrivalJob:
		return nil, b.wait()
	case h.unfinished.ID != 0 && b.why != "":
		return nil, b.wait() // it is between two commits, and would seem to have drifted
	case h.unfinished.ID != 0:
		return &rollout.Order{Kind: ledger.ApplyRun}, end{}
	case h.applied.ID == 0:
		return nil, end{} // there is nothing that it could have drifted from
	case b.why != "":
		return &rollout.Order{Kind: ledger.DriftRun}, end{}
	}
	return &rollout.Order{Kind: ledger.HealRun}, end{}
}

// rolled tells everybody of a run. One that was not begun is only logged.
func (s *Server) rolled(ctx context.Context, j ledger.Job, out *rollout.Outcome, err error, began time.Time) {
	log := s.Log.With("trigger", j.Kind, "job", j.ID)
	if out == nil || out.Run.ID == 0 {
		log.WarnContext(ctx, "a run could not begin", "commit", j.Commit, "error", err)
		return
	}
	s.trouble.set(beginning, nil)
	run, took := out.Run, s.Now().Sub(began)
	log.InfoContext(ctx, "run ended", "run", run.ID, "kind", run.Kind, "fleet", run.Fleet, "commit", run.Commit, "outcome", run.Outcome,
		"seconds", took.Seconds(), "created", run.Counts.Created, "changed", run.Counts.Changed, "replaced", run.Counts.Replaced,
		"deleted", run.Counts.Deleted, "blocked", run.Counts.Blocked, "waiting", run.Counts.Waiting, "error", run.Error)
	if run.Outcome.Well() && err != nil {
		log.ErrorContext(ctx, "the run's end was not kept", "run", run.ID, "error", err)
	}
	s.Observer.RunEnded(Ended{Trigger: j.Kind, Run: run, Took: took, Calls: out.Calls})
	if run.Kind == ledger.ApplyRun {
		rouse(s.looking) // for pull requests whose previews tell of what was before
	}
	if err := errors.Join(s.tellRun(ctx, out, err), s.tellDrift(ctx, out)); err != nil {
		log.ErrorContext(ctx, "what the run changed could not be told", "run", run.ID, "error", err)
	}
}
