package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// pausedFor is how long a job waits before it looks whether the fleet is
// paused still: another process resumes it.
const pausedFor = 15 * time.Second

// A bar is what keeps the fleet from being changed.
type bar struct {
	why    string    // empty: nothing does
	until  time.Time // when to look again
	paused bool      // by somebody, rather than by a window
}

// wait is what becomes of a job that is barred.
func (b bar) wait() end { return end{again: b.until, untried: true, why: b.why} }

// barred tells whether the fleet may be changed now.
func (s *Server) barred(ctx context.Context) (bar, error) {
	pauses, err := s.Ledger.Pauses(ctx, "")
	if err != nil {
		return bar{}, err
	}
	for _, p := range pauses {
		if p.Service == "" {
			return bar{why: pauseText(p), until: s.Now().Add(pausedFor), paused: true}, nil
		}
	}
	if s.Window == nil {
		return bar{}, nil
	}
	open, until, why := s.Window(s.Now())
	if open {
		return bar{}, nil
	}
	if until.IsZero() { // for ever, as far as the window knows
		until = s.Now().Add(idle)
	}
	return bar{why: why, until: until}, nil
}

// pauseText tells of the fleet's pause in one sentence.
func pauseText(p ledger.Pause) string {
	text := fmt.Sprintf("the fleet is paused since %s by %s", p.Since.UTC().Format(time.RFC3339), p.Who)
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// resumer has the branch rolled out after something was resumed: what was held
// up meanwhile may have been given up.
func (s *Server) resumer() func(context.Context) (time.Time, error) {
	paused := map[string]bool{} // services; "" is the whole fleet
	return func(ctx context.Context) (time.Time, error) {
		pauses, err := s.Ledger.Pauses(ctx, "")
		if err != nil {
			return time.Time{}, err
		}
		still := map[string]bool{}
		for _, p := range pauses {
			still[p.Service] = true
		}
		for service := range paused {
			if still[service] {
				continue
			}
			if err := s.queueNew(ctx, s.applying, s.pushed("")); err != nil {
				return time.Time{}, err
			}
			break
		}
		paused = still
		return s.Now().Add(pausedFor), nil
	}
}
