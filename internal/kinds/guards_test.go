package kinds_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/schema"
)

// moveRisk moves risk's endpoint to another VPC, which replaces it.
func moveRisk(f *schema.Fleet) {
	e := f.Services["fraud"].Consumers["risk"].Endpoint
	e.VPC, e.Subnets, e.AllowReplace = "vpc-0a0000000000000f1", []string{"subnet-0a0000000000000f1", "subnet-0a0000000000000f2"}, true
}

// endpoints are the ids of all endpoints of risk's account.
func (s *scene) endpoints() (ids []string) {
	for _, o := range s.Sim.Inventory() {
		if o.Type == "vpc-endpoint" && o.Account == riskID {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// The successor of an endpoint that a run made before it died is taken up by
// the next, and not tidied away by it as well, which sees that it is no use
// beside the one that serves.
func TestSuccessorIsTakenUpOnly(t *testing.T) {
	onStage(t, pair, func(s *scene) {
		moveRisk(s.Fleet)
		if !s.CrashAt("CreateVpcEndpoint", 1) {
			t.Fatal("the run does not come so far")
		}
		s.must(s.Sim.Inject(awssim.Fault{Operation: "DeleteVpcEndpoints", Effect: awssim.FaultThrottle, Times: 3}))
		made := s.endpoints()
		s.Converge()
		if left := s.endpoints(); len(made) != 2 || len(left) != 1 || !slices.Contains(made, left[0]) {
			t.Errorf("of the endpoints %v %v is left", made, left)
		}
	})
}

// Where it cannot be taken up, it goes: it may be what takes the room.
func TestSuccessorGoesWhereThereIsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, map[string]int{"endpointsPerVpc": 1}, func(w awssim.World, f *schema.Fleet) {
			addRoom(w)
			pair(f)
		})
		s.Converge()
		moveRisk(s.Fleet)
		if !s.CrashAt("CreateVpcEndpoint", 1) {
			t.Fatal("the run does not come so far")
		}
		if err := s.Apply().Err(); err != nil {
			t.Errorf("applying what can be done: %v\n%s", err, stage.Text(s.Plan()))
		}
		time.Sleep(time.Hour)
		s.Converge()
	})
}
