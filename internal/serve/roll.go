package serve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// pausedFor is how long a job waits before it looks whether the fleet is
// paused still: another process resumes it.
const pausedFor = 15 * time.Second

// roll does a job that may change the fleet.
func (s *Server) roll(ctx context.Context, stop <-chan struct{}, j ledger.Job) end {
	order, e, err := s.order(ctx, j)
	if err != nil {
		return s.ledgerFailed(j, err)
	}
	if order == nil {
		return e
	}
	began := s.Now()
	out, err := s.Track.Roll(ctx, stop, *order)
	s.rolled(ctx, j, out, err, began)
	return s.verdict(j, out, err, stopped(ctx, stop))
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
	closed, until, err := s.closed(ctx)
	if err != nil {
		return nil, end{}, err
	}
	later := end{again: until, untried: true, why: closed}
	switch {
	case j.Kind == ledger.PushJob && j.Commit != "" && j.Commit == h.applied.Commit:
		return nil, end{}, nil // by another job
	case j.Kind == ledger.PushJob && closed != "":
		return nil, later, nil
	case j.Kind == ledger.PushJob:
		return &rollout.Order{Kind: ledger.ApplyRun, Commit: j.Commit}, end{}, nil
	case h.unfinished() && closed == "":
		return &rollout.Order{Kind: ledger.ApplyRun}, end{}, nil
	case h.applied.ID == 0, h.unfinished() && j.Kind == ledger.DriftJob:
		return nil, end{}, nil // there is nothing that it could have drifted from
	case j.Kind == ledger.ArrivalJob && closed != "":
		return nil, later, nil
	case closed != "":
		return &rollout.Order{Kind: ledger.DriftRun}, end{}, nil
	}
	return &rollout.Order{Kind: ledger.HealRun}, end{}, nil
}

// closed says why the fleet may not be changed now, and when to look again;
// empty: it may.
func (s *Server) closed(ctx context.Context) (why string, until time.Time, err error) {
	pauses, err := s.Ledger.Pauses(ctx, "")
	if err != nil {
		return "", time.Time{}, err
	}
	for _, p := range pauses {
		if p.Service == "" {
			return paused(p), s.Now().Add(pausedFor), nil
		}
	}
	if s.Window == nil {
		return "", time.Time{}, nil
	}
	open, until, why := s.Window(s.Now())
	if open {
		return "", time.Time{}, nil
	}
	if until.IsZero() { // for ever, as far as the window knows
		until = s.Now().Add(idle)
	}
	return why, until, nil
}

// paused tells of the fleet's pause in one sentence.
func paused(p ledger.Pause) string {
	text := fmt.Sprintf("the fleet is paused since %s by %s", p.Since.UTC().Format(time.RFC3339), p.Who)
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// rolled tells everybody of a run. One that was not begun is only logged.
func (s *Server) rolled(ctx context.Context, j ledger.Job, out *rollout.Outcome, err error, began time.Time) {
	log := s.Log.With("trigger", j.Kind, "job", j.ID)
	if out == nil || out.Run.ID == 0 {
		log.WarnContext(ctx, "a run could not begin", "commit", j.Commit, "error", err)
		return
	}
	run, took := out.Run, s.Now().Sub(began)
	log.InfoContext(ctx, "run ended", "run", run.ID, "kind", run.Kind, "fleet", run.Fleet, "commit", run.Commit, "outcome", run.Outcome,
		"seconds", took.Seconds(), "created", run.Counts.Created, "changed", run.Counts.Changed, "replaced", run.Counts.Replaced,
		"deleted", run.Counts.Deleted, "blocked", run.Counts.Blocked, "waiting", run.Counts.Waiting, "error", run.Error)
	s.Observer.RunEnded(Ended{Trigger: j.Kind, Run: run, Took: took, Calls: out.Calls})
	if err := errors.Join(s.tellRun(ctx, out, err), s.tellDrift(ctx, out)); err != nil {
		log.ErrorContext(ctx, "what the run changed could not be told", "run", run.ID, "error", err)
	}
}
