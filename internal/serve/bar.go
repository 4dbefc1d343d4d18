package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

const (
	// resumeLooks is the time between two looks at whether something was
	// resumed: another process does that.
	resumeLooks = 30 * time.Second
	// pausedFor is how long a job waits that nobody wakes.
	pausedFor = 10 * time.Minute
)

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

// resumer goes on with what was held up by a pause, when that has ended.
func (s *Server) resumer() func(context.Context) (time.Time, error) {
	paused := map[string]bool{} // services; "" is the whole fleet
	return func(ctx context.Context) (time.Time, error) {
		pauses, err := s.Ledger.Pauses(ctx, "")
		if err != nil {
			return time.Time{}, err
		}
		still, resumed := map[string]bool{}, false
		for _, p := range pauses {
			still[p.Service] = true
		}
		for service := range paused {
			resumed = resumed || !still[service]
		}
		if resumed {
			if err := s.goOn(ctx); err != nil {
				return time.Time{}, err
			}
		}
		paused = still
		return s.Now().Add(resumeLooks), nil
	}
}

// goOn has the jobs that wait for their time be due now, and the branch be
// rolled out in any case: what was held up may have been given up.
func (s *Server) goOn(ctx context.Context) error {
	jobs, err := s.Ledger.Jobs(ctx, "")
	if err != nil {
		return err
	}
	var due []ledger.Job
	push := false
	for _, j := range jobs {
		if j.Taken.IsZero() && j.Kind != ledger.PullJob {
			j.NotBefore = time.Time{}
			due = append(due, j)
			push = push || j.Kind == ledger.PushJob
		}
	}
	if !push {
		due = append(due, s.pushed(""))
	}
	if _, err := s.Ledger.Enqueue(ctx, due...); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "something was resumed", "jobs", len(due))
	rouse(s.applying)
	return nil
}
