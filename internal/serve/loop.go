package serve

import (
	"context"
	"math/rand/v2"
	"time"
)

// idle is how long a loop waits that knows of nothing to wait for: another
// process may have queued something, or a clock been set.
const idle = 5 * time.Minute

// A loop does a step over and over: when it is roused, and at the time that
// the step before gave.
type loop struct {
	name  string
	rouse <-chan struct{} // nil: it is never
	step  func(context.Context) (next time.Time, err error)
	// abroad tells that what fails in it is others': a server started anew
	// would fail as well.
	abroad bool
}

// loop runs until ctx ends. A step that fails is said once, and tried again
// ever less often.
func (s *Server) loop(ctx context.Context, l loop) {
	for failures := 0; ctx.Err() == nil; {
		next, err := l.step(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil && failures > 0:
			s.Log.InfoContext(ctx, "it goes on", "loop", l.name, "failures", failures)
			failures = 0
		case err != nil:
			failures++
			next = s.Now().Add(backoff(time.Second, time.Minute, failures))
			s.Log.ErrorContext(ctx, "a loop failed and will try again", "loop", l.name, "failures", failures, "next", next, "error", err)
		}
		if !l.abroad {
			s.trouble.set(l.name, err)
		}
		s.await(ctx, l.rouse, next)
	}
}

// await waits for a token, a time or the end of ctx; the zero time is never.
func (s *Server) await(ctx context.Context, token <-chan struct{}, until time.Time) {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(until.Sub(s.Now()))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-token:
	case <-due:
	}
}

// backoff is how long to wait after the nth failure in a row: twice as long
// each time, up to a bound, give or take a fifth, so that many who failed
// together do not come back together.
func backoff(first, most time.Duration, nth int) time.Duration {
	wait := most
	if shift := max(nth, 1) - 1; shift < 20 {
		wait = min(first<<shift, most)
	}
	return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
}
