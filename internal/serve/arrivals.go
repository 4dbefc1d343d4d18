package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/linkfleet/linkfleet/internal/ledger"
)

// listen waits for AWS to tell of connections, and asks for a run when some
// have come. What it has told is acknowledged after that stands on the disk.
func (s *Server) listen(ctx context.Context) (time.Time, error) {
	n, ack, err := s.Events(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading AWS's events: %w", err)
	}
	if n > 0 {
		if _, err := s.Ledger.Enqueue(ctx, ledger.Job{Kind: ledger.ArrivalJob, Key: s.Ref, Enqueued: s.Now()}); err != nil {
			return time.Time{}, err
		}
		s.Log.InfoContext(ctx, "AWS tells of connections", "count", n)
		rouse(s.applying)
	}
	if ack != nil {
		if err := ack(ctx); err != nil {
			return time.Time{}, fmt.Errorf("acknowledging AWS's events: %w", err)
		}
	}
	return s.Now(), nil
}
