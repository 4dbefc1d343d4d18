package serve

import (
	"context"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// driftTimer asks for a look for drift whenever it is time. A time that passed
// while no server ran is made up for at the start.
func (s *Server) driftTimer() func(context.Context) (time.Time, error) {
	var since time.Time // the last look
	return func(ctx context.Context) (next time.Time, err error) {
		if since.IsZero() {
			if since, err = s.lastLook(ctx); err != nil {
				return time.Time{}, err
			}
		}
		now := s.Now()
		next = s.Drift(since)
		if next.IsZero() || next.After(now) {
			return s.soon(next), nil
		}
		if _, err := s.Ledger.Enqueue(ctx, ledger.Job{Kind: ledger.DriftJob, Key: s.Ref, Enqueued: now}); err != nil {
			return time.Time{}, err
		}
		s.Log.InfoContext(ctx, "it is time to look for drift", "due", next)
		since = now
		rouse(s.applying)
		rouse(s.looking) // for what a webhook that was lost told of
		return s.soon(s.Drift(now)), nil
	}
}

// lastLook is when AWS was last compared with the fleet; now, if never.
func (s *Server) lastLook(ctx context.Context) (time.Time, error) {
	name, err := s.fleet(ctx)
	if err != nil {
		return time.Time{}, err
	}
	last, found, err := s.Ledger.LastSuccess(ctx, name)
	if err != nil || !found {
		return s.Now(), err
	}
	return last.Began, nil
}

// How long the ledger keeps what nobody asks for any more.
const (
	tidyEvery      = 10 * time.Minute
	keepRuns       = 1000 // however old
	keepHistory    = 400 * 24 * time.Hour
	keepNotices    = 30 * 24 * time.Hour
	keepDeliveries = 400 * 24 * time.Hour // a replay after that could be of an older commit only, which is refused
)

// tidier tidies the ledger now and then.
func (s *Server) tidier() func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		err := s.tidy(ctx)
		return s.Now().Add(tidyEvery), err
	}
}

// tidy takes up what dead processes left behind, and forgets what is old.
func (s *Server) tidy(ctx context.Context) error {
	now := s.Now()
	r, err := s.Ledger.Recover(ctx, now)
	if err != nil {
		return err
	}
	if n := len(r.Runs) + len(r.Jobs) + len(r.Superseded) + int(r.Notices); n > 0 {
		s.Log.WarnContext(ctx, "a process died and left work behind, which is taken up", "runs", len(r.Runs), "jobs", len(r.Jobs),
			"superseded", len(r.Superseded), "notices", r.Notices)
		rouse(s.applying)
		rouse(s.previewing)
		rouse(s.telling)
	}
	for _, forget := range []func() (int64, error){
		func() (int64, error) { return s.Ledger.PruneRuns(ctx, keepRuns, now.Add(-keepHistory)) },
		func() (int64, error) { return s.Ledger.PruneDrifts(ctx, now.Add(-keepHistory)) },
		func() (int64, error) { return s.Ledger.PruneNotices(ctx, now.Add(-keepNotices)) },
		func() (int64, error) { return s.Ledger.PruneDeliveries(ctx, now.Add(-keepDeliveries)) },
	} {
		if _, err := forget(); err != nil {
			return err
		}
	}
	return nil
}
