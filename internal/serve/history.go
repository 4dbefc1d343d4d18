package serve

import (
	"context"

	"github.com/linkfleet/linkfleet/internal/ledger"
	"github.com/linkfleet/linkfleet/internal/rollout"
)

// fleet is what the fleet was called when it was last rolled out; empty before
// that.
func (s *Server) fleet(ctx context.Context) (string, error) { return rollout.Fleet(ctx, s.Ledger) }

// history is what was rolled out so far. A run with ID 0 is that there is none.
type history struct {
	applied   ledger.Run // the apply that ended well last
	attempted ledger.Run // the apply that was begun last
	// unfinished was begun after applied, of another commit, and may have
	// changed something. To heal what drifted from the commit before would undo
	// that; it is to be gone on with.
	unfinished ledger.Run
}

func (s *Server) history(ctx context.Context) (h history, err error) {
	name, err := s.fleet(ctx)
	if err != nil {
		return history{}, err
	}
	if h.applied, _, err = s.Ledger.LastApplied(ctx, name); err != nil {
		return history{}, err
	}
	if h.unfinished, _, err = s.Ledger.Unfinished(ctx, name); err != nil {
		return history{}, err
	}
	runs, err := s.Ledger.Runs(ctx, ledger.RunFilter{Kind: ledger.ApplyRun, Limit: 1})
	if len(runs) > 0 {
		h.attempted = runs[0]
	}
	return h, err
}
