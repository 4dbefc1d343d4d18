package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
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

// A principal that was added by hand goes also where another change of the
// service is refused: the door does not stay open for it.
func TestDoorClosesBesideARefusal(t *testing.T) {
	onExample(t, func(t *testing.T, s *stage.Stage) {
		fraud := s.Fleet.Services["fraud"]
		fraud.LoadBalancer.Subnets = fraud.LoadBalancer.Subnets[:2] // refused: endpoints are connected
		delete(fraud.Consumers, "partner-c")
		plan := s.Plan()
		if !strings.Contains(stage.Short(plan), "update service-permissions/fraud: principals\n") {
			t.Errorf("the principal stays:\n%s", stage.Text(plan))
		}
		if err := s.Apply().Err(); err != nil {
			t.Error(err)
		}
	})
}

// Listeners that swap their ports do not wait for each other for ever.
func TestListenersSwapPorts(t *testing.T) {
	onExample(t, func(t *testing.T, s *stage.Stage) {
		fraud := s.Fleet.Services["fraud"]
		second := *fraud.Listeners["https"]
		second.Name, second.Port = "second", 9443
		fraud.Listeners["second"] = &second
		s.Converge()
		first := *fraud.Listeners["https"]
		first.Port, second.Port = second.Port, first.Port
		fraud.Listeners["https"] = &first
		s.Converge()
	})
}

// A listener takes the port of one that goes, beside a change of the service
// that both are of: nothing waits for what waits for it.
func TestListenerTakesThePortOfOneThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.OnGrid(t, stage.Grid{Services: 1, Consumers: 1})
		svc := s.Fleet.Services["s0"]
		admin := *svc.Listeners["api"]
		admin.Name, admin.Port = "admin", 9443
		svc.Listeners["admin"] = &admin
		s.Converge()
		delete(svc.Listeners, "admin")
		svc.Listeners["api"].Port = 9443
		svc.AcceptanceRequired = false
		s.Converge()
	})
}

// An endpoint whose successor cannot be made goes on answering to the private
// name.
func TestFailedReplacementKeepsTheName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hiding(t, map[string]time.Duration{"listLag": 0})
		s.Converge()
		name := planner.Addr{Kind: "endpoint-private-dns", Name: "s0/c0", Place: planner.Place{Account: "consumer-0", Region: stage.GridRegion}}
		before := s.Live().Live[name]
		moved := *stage.Grid{Services: 2, Consumers: 1}.Fleet().Services["s1"].Consumers["c0"].Endpoint
		moved.AllowReplace = true
		s.Fleet.Services["s0"].Consumers["c0"].Endpoint = &moved
		refusal := awssim.Fault{Operation: "CreateVpcEndpoint", Effect: awssim.FaultError, Status: 403, Code: "UnauthorizedOperation", Times: 1}
		if err := s.Sim.Inject(refusal); err != nil {
			t.Fatal(err)
		}
		if err := s.Apply().Err(); err == nil {
			t.Fatal("the endpoint was made, though AWS refused")
		}
		if after := s.Live().Live[name]; len(before) != 1 || len(after) != 1 || after[0].ID != before[0].ID {
			t.Errorf("the name was on at %v and is at %v", before, after)
		}
		s.Converge()
	})
}
