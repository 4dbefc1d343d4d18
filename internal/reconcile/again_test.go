package reconcile_test

import (
	"testing"
	"time"

	"github.com/linkfleet/linkfleet/internal/stage"
)

// AWS keeps idempotency tokens for a day. What was removed and is wanted
// again must not be answered with what is gone.
func TestRemovedAndWantedAgain(t *testing.T) {
	for _, pause := range []time.Duration{0, 3 * time.Hour} {
		t.Run(pause.String(), func(t *testing.T) {
			onExample(t, func(t *testing.T, s *stage.Stage) {
				services := s.Fleet.Services
				s.Fleet.Services = nil
				s.Converge()
				time.Sleep(pause) // virtual
				s.Fleet.Services = services
				s.Converge()
			})
		})
	}
}
