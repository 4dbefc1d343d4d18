package rollout

import (
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// A RefusedError is that a run did not begin, because somebody said so or
// because it cannot be right. Nothing was changed.
type RefusedError struct {
	Why string
	// Passes tells that another run is why, so that it is worth trying again
	// soon.
	Passes bool
}

func (e *RefusedError) Error() string { return e.Why }

func refusef(format string, args ...any) error {
	return &RefusedError{Why: fmt.Sprintf(format, args...)}
}

// notNow refuses what may be done when another run is over.
func notNow(format string, args ...any) error {
	return &RefusedError{Why: fmt.Sprintf(format, args...), Passes: true}
}

// A BehindError is that the repository does not have the commit yet that a
// run was asked for. It passes: forges answer from copies that lag.
type BehindError struct{ Ref, Commit string }

func (e *BehindError) Error() string {
	return fmt.Sprintf("branch %s does not have commit %.12s yet; try again in a little while", e.Ref, e.Commit)
}

// paused tells of a pause in one sentence.
func paused(what string, p ledger.Pause) string {
	text := fmt.Sprintf("%s is paused since %s by %s", what, p.Since.UTC().Format(time.RFC3339), p.Who)
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}
