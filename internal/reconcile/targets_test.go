package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// A target that names nothing is refused; that nothing is known of it is not
// taken for that nothing is there.
func TestUnknownTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.OnGrid(t, stage.Grid{Services: 1, Consumers: 1})
		s.Guarded = true
		plans := func() error {
			r := s.Run()
			r.Targets = []planner.Group{{Service: "gone"}}
			_, err := r.Plan(t.Context())
			return err
		}
		if err := plans(); err == nil || !strings.Contains(err.Error(), "neither in the fleet nor in AWS") {
			t.Errorf("got %v", err)
		}
		s.Fleet.Accounts["consumer-0"].Role = "nobody" // cannot be assumed: unread
		if err := plans(); err == nil || strings.Contains(err.Error(), "nor in AWS") || !strings.Contains(err.Error(), "such as consumer-0/us-east-1: ") {
			t.Errorf("got %v", err)
		}
	})
}
