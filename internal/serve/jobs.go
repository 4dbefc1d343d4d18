package serve

import (
	"context"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// An end is what becomes of a job that was taken.
type end struct {
	again time.Time // zero: it is done or given up
	// untried tells that the job did not get its turn: it may not run yet, or
	// the server stops. That counts as no attempt.
	untried bool
	why     string
}

// work takes a job, if one is due, and does it. It gives the time to look
// again at.
func (s *Server) work(ctx context.Context, do func(ledger.Job) end, kinds ...ledger.JobKind) (time.Time, error) {
	j, found, err := s.Ledger.Take(ctx, s.Now(), kinds...)
	if err != nil {
		return time.Time{}, err
	}
	if !found {
		at, _, err := s.Ledger.NextDue(ctx, kinds...)
		return s.soon(at), err
	}
	rouse(s.previewing) // there may be one for the next worker
	s.settle(ctx, j, do(j))
	return s.Now(), nil
}

// soon is a time that something is due at, but no further away than a loop may
// sleep; a job that another process took meanwhile may show the past.
func (s *Server) soon(at time.Time) time.Time {
	now := s.Now()
	if latest := now.Add(idle); at.IsZero() || at.After(latest) {
		return latest
	}
	if earliest := now.Add(10 * time.Millisecond); at.Before(earliest) {
		return earliest
	}
	return at
}

// settle keeps what became of a job.
func (s *Server) settle(ctx context.Context, j ledger.Job, e end) {
	log := s.Log.With("job", j.ID, "kind", j.Kind, "commit", j.Commit, "attempt", j.Attempts)
	s.insist(ctx, "keeping what became of a job", func(ctx context.Context) (err error) {
		kept := true
		switch {
		case e.again.IsZero():
			err = s.Ledger.Done(ctx, j)
		case e.untried:
			kept, err = s.Ledger.Defer(ctx, j, e.again, e.why)
		default:
			kept, err = s.Ledger.Fail(ctx, j, e.again, e.why)
		}
		if err == nil && !kept {
			log.InfoContext(ctx, "a newer job does it instead")
		}
		return err
	})
	switch {
	case !e.again.IsZero():
		log.InfoContext(ctx, "the job waits", "until", e.again, "why", e.why)
	case e.why != "":
		log.WarnContext(ctx, "the job is given up", "why", e.why)
	}
}

// insist keeps something in the ledger that nobody else could: it tries until
// that is done, or the server ends and leaves it to the next.
func (s *Server) insist(ctx context.Context, what string, keep func(context.Context) error) {
	for failures := 1; ; failures++ {
		err := keep(context.WithoutCancel(ctx))
		s.trouble.set(what, err)
		if err == nil {
			return
		}
		s.Log.ErrorContext(ctx, "the ledger failed", "doing", what, "error", err)
		if s.await(ctx, nil, s.Now().Add(backoff(time.Second, time.Minute, failures))); ctx.Err() != nil {
			return
		}
	}
}
