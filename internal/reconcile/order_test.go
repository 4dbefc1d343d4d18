package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
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

// The door closes also where AWS lets nobody else in: neither a quota that is
// used up nor a principal that AWS refuses keeps the one who has to go. An
// account that stays keeps its old principal until its new one is let in.
func TestDoorClosesBesideARefusedPrincipal(t *testing.T) {
	const stranger, assumed = "arn:aws:iam::999999999999:root", "arn:aws:sts::200000000000:assumed-role/linkfleet/session"
	tests := map[string]struct {
		change func(*schema.Service)
		failed bool
		want   []string
	}{
		"the quota is used up": {func(s *schema.Service) {
			delete(s.Consumers, "c1")
			s.Consumers["partner"] = &schema.Consumer{Name: "partner", Account: "partner", Principals: []string{stranger}}
		}, false, []string{"arn:aws:iam::200000000000:role/linkfleet", stranger}},
		"AWS refuses one": {func(s *schema.Service) {
			delete(s.Consumers, "c1")
			s.Consumers["c0"].Principals = []string{assumed}
		}, true, []string{"arn:aws:iam::200000000000:role/linkfleet"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				grid := stage.Grid{Services: 1, Consumers: 2}
				world := grid.World()
				world.Knobs.Quotas["principalsPerService"] = 2
				s := stage.New(t, world, grid.Fleet())
				s.Fleet.Accounts["partner"] = &schema.Account{Name: "partner", ID: "999999999999", External: true}
				s.Converge()
				test.change(s.Fleet.Services["s0"])
				if err := s.Apply().Err(); (err != nil) != test.failed {
					t.Errorf("the apply ends with %v", err)
				}
				if got := principals(s); !slices.Equal(got, test.want) {
					t.Errorf("let in are %q, want %q", got, test.want)
				}
			})
		})
	}
}

// principals are those who may connect to the one service of a stage.
func principals(s *stage.Stage) (all []string) {
	hand := s.Hands(stage.GridProvider, stage.GridRegion)
	services, err := hand.EC2.DescribeVpcEndpointServiceConfigurations(s.T.Context(), &ec2.DescribeVpcEndpointServiceConfigurationsInput{})
	if err != nil || len(services.ServiceConfigurations) != 1 {
		s.T.Fatalf("reading the service: %v", err)
	}
	out, err := hand.EC2.DescribeVpcEndpointServicePermissions(s.T.Context(), &ec2.DescribeVpcEndpointServicePermissionsInput{
		ServiceId: services.ServiceConfigurations[0].ServiceId,
	})
	if err != nil {
		s.T.Fatal(err)
	}
	for _, allowed := range out.AllowedPrincipals {
		all = append(all, aws.ToString(allowed.Principal))
	}
	slices.Sort(all)
	return all
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

// Nor where the listener that takes the port is a new one: a listener that is
// called otherwise is another one.
func TestListenerIsRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.OnGrid(t, stage.Grid{Services: 1, Consumers: 1})
		s.Converge()
		svc := s.Fleet.Services["s0"]
		web := *svc.Listeners["api"]
		web.Name = "web"
		delete(svc.Listeners, "api")
		svc.Listeners["web"] = &web
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

// A service that went between the list and the look at who may connect makes
// nobody else of its place unread.
func TestServiceGoesWhileItIsRead(t *testing.T) {
	onExample(t, func(t *testing.T, s *stage.Stage) {
		if err := s.Sim.Inject(awssim.Fault{
			Operation: "DescribeVpcEndpointServicePermissions", Nth: 1, Effect: awssim.FaultError,
			Status: 400, Code: "InvalidVpcEndpointServiceId.NotFound",
		}); err != nil {
			t.Fatal(err)
		}
		if plan := s.Plan(); len(plan.Unread) > 0 {
			t.Errorf("unread: %v", plan.Unread)
		}
	})
}
