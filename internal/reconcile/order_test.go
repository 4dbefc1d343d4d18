package reconcile_test

import (
	"testing"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// A service that cannot be deleted yet keeps the ports it is reached through.
func TestServiceKeepsItsListenersWhileItStands(t *testing.T) {
	onExample(t, func(t *testing.T, s *stage.Stage) {
		s.Fleet.Accounts["risk"].Role = "nobody" // cannot be assumed: unread
		delete(s.Fleet.Services, "fraud")
		s.Apply()
		live := s.Live().Live
		for _, kind := range []string{"endpoint-service", "load-balancer", "listener", "target-group", "security-group"} {
			at := planner.Addr{Kind: kind, Name: "fraud", Place: planner.Place{Account: "platform", Region: "us-east-1"}}
			if kind == "listener" || kind == "target-group" {
				at.Name = "fraud/https"
			}
			if len(live[at]) == 0 {
				t.Errorf("%s is gone, while the service stands for a consumer nobody could look at", at)
			}
		}
		s.Fleet.Accounts["risk"].Role = "linkfleet"
		s.Converge()
	})
}
