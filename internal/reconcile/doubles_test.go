package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/schema"
)

// creates are AWS's calls that make what a fleet has.
var creates = []string{
	"CreateSecurityGroup", "CreateLoadBalancer", "CreateTargetGroup", "CreateListener",
	"CreateVpcEndpointServiceConfiguration", "CreateVpcEndpointConnectionNotification", "CreateTopic",
	"ChangeResourceRecordSets", "CreateVpcEndpoint",
}

// hiding is a fleet of one service with everything in an AWS that does not
// show for half a minute what was made, and is quick at everything else: no
// wait for a load balancer outlasts the lag by chance.
func hiding(t *testing.T, lags map[string]time.Duration) *stage.Stage {
	grid := stage.Grid{Services: 2, Consumers: 1}
	world, fleet := grid.World(), grid.Fleet()
	delete(fleet.Services, "s1")
	world.Knobs.Latencies = map[string]time.Duration{
		"listLag": 30 * time.Second, "dnsSync": time.Second, "domainVerification": time.Second,
		"loadBalancerProvision": time.Second, "endpointProvision": time.Second, "endpointModify": time.Second,
		"loadBalancerDetach": time.Second, "endpointDelete": time.Second, "targetGroupRelease": 0,
	}
	for knob, lag := range lags {
		world.Knobs.Latencies[knob] = lag
	}
	fleet.Services["s0"].Notifications = &schema.Notifications{Topic: "events", Events: []string{"Accept", "Connect"}}
	return stage.New(t, world, fleet)
}

// twins counts the objects of each address in the simulator itself, whose
// lists may lag, and names those that stand more than once. Of types that a
// test replaces, a successor stands beside what it replaces for a while.
func twins(s *stage.Stage, replaced ...string) []string {
	counts := map[string]int{}
	var found []string
	for _, o := range s.Sim.Inventory() {
		key := o.Tags[kinds.TagAddress]
		switch {
		case o.Type == "notification":
			key = o.Parent
		case o.Type == "record" && strings.Contains(o.ID, kinds.TagAddress):
			key = o.ID
		case key == "" || slices.Contains(replaced, o.Type):
			continue
		}
		key = fmt.Sprintf("%s %s@%s/%s", o.Type, key, o.Account, o.Region)
		if counts[key]++; counts[key] == 2 {
			found = append(found, key)
		}
	}
	return found
}

// neverTwice looks every second, until the test is over, that nothing stands
// twice: not even until a later run tidies up.
func neverTwice(t *testing.T, s *stage.Stage, replaced ...string) {
	over := make(chan struct{})
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for {
			if found := twins(s, replaced...); len(found) > 0 {
				t.Errorf("twice there: %v", found)
				return
			}
			select {
			case <-over:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	t.Cleanup(func() { close(over); <-looked })
}

// A mishap befalls the call of an operation in the first run or runs.
type mishap struct {
	name   string
	befall func(s *stage.Stage, operation string)
}

func mishaps() []mishap {
	lose := func(times int) func(*stage.Stage, string) {
		return func(s *stage.Stage, operation string) {
			if err := s.Sim.Inject(awssim.Fault{Operation: operation, Effect: awssim.FaultLost, Times: times}); err != nil {
				s.T.Fatal(err)
			}
		}
	}
	return []mishap{
		{"the answer is lost", lose(1)},
		{"every answer is lost until the run gives up", func(s *stage.Stage, operation string) {
			lose(12)(s, operation)
			s.Apply()
			if err := s.Sim.Inject(awssim.Fault{Operation: "none of AWS's", Effect: awssim.FaultLost}); err != nil {
				s.T.Fatal(err)
			}
		}},
		{"the process dies", func(s *stage.Stage, operation string) { wantDead(s, operation) }},
		{"the process dies, and the next as well", func(s *stage.Stage, operation string) {
			wantDead(s, operation)
			s.CrashAt(operation, 1) // it may come through without that call
		}},
	}
}

func wantDead(s *stage.Stage, operation string) {
	s.T.Helper()
	if !s.CrashAt(operation, 1) {
		s.T.Fatalf("no run calls %s", operation)
	}
}

// Whatever is made and not heard of is found again and not made a second time,
// also while AWS does not show it.
func TestNothingIsMadeTwice(t *testing.T) {
	lags := map[string]map[string]time.Duration{
		"lists lag":           nil,
		"tags lag with lists": {"taggingLag": 30 * time.Second, "tagLag": 30 * time.Second},
	}
	for lag, knobs := range lags {
		for _, m := range mishaps() {
			for _, operation := range creates {
				t.Run(strings.Join([]string{lag, m.name, operation}, "/"), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := hiding(t, knobs)
						neverTwice(t, s)
						m.befall(s, operation)
						wantOnce(t, s)
					})
				})
			}
		}
	}
}

// wantOnce applies at once, as the next process does, and wants the fleet to
// stand then, each thing once.
func wantOnce(t *testing.T, s *stage.Stage) {
	t.Helper()
	if err := s.Apply().Err(); err != nil {
		t.Fatalf("applying: %v", err)
	}
	time.Sleep(time.Minute) // virtual; every list has caught up
	s.WantEmpty()
	if found := twins(s); len(found) > 0 {
		t.Errorf("twice there: %v", found)
	}
}

// An edit is what somebody changes in the files between a run that died and
// the next.
type edit struct {
	name, operation string // the run dies when AWS has done this
	begin, change   func(*schema.Service)
	replaced        []string // types
}

func edits() []edit {
	endpoint := func(s *schema.Service) *schema.Endpoint { return s.Consumers["c0"].Endpoint }
	return []edit{
		{"an endpoint's subnets", "CreateVpcEndpoint",
			func(s *schema.Service) { endpoint(s).Subnets = endpoint(s).Subnets[:1] },
			func(s *schema.Service) { endpoint(s).Subnets = endpoint(s).Subnets[:2] }, nil},
		{"an endpoint's clients", "CreateVpcEndpoint", nil,
			func(s *schema.Service) { endpoint(s).From = []string{"10.1.0.0/16"} }, nil},
		{"an endpoint's private DNS", "CreateVpcEndpoint", nil,
			func(s *schema.Service) { endpoint(s).PrivateDNS = false }, nil},
		{"whether a service asks for acceptance", "CreateVpcEndpointServiceConfiguration",
			func(s *schema.Service) { s.AcceptanceRequired = false },
			func(s *schema.Service) { s.AcceptanceRequired = true }, nil},
		{"what is to become of connections", "CreateVpcEndpointServiceConfiguration", nil,
			func(s *schema.Service) { s.OnRevoke = schema.Keep }, nil},
		{"a notification's events", "CreateVpcEndpointConnectionNotification", nil,
			func(s *schema.Service) { s.Notifications.Events = []string{"Delete"} }, nil},
		{"a notification's topic", "CreateVpcEndpointConnectionNotification", nil,
			func(s *schema.Service) { s.Notifications.Topic = "others" }, nil},
		{"a load balancer's subnets", "CreateLoadBalancer",
			func(s *schema.Service) {
				endpoint(s).Subnets, s.LoadBalancer.Subnets = endpoint(s).Subnets[:1], s.LoadBalancer.Subnets[:1]
			},
			func(s *schema.Service) { s.LoadBalancer.Subnets = s.LoadBalancer.Subnets[:2] }, nil},
		{"a load balancer's attributes", "CreateLoadBalancer", nil,
			func(s *schema.Service) { s.LoadBalancer.CrossZone = false }, nil},
		{"a target group's health check", "CreateTargetGroup", nil, oneListener(func(l *schema.Listener) { l.HealthCheck.Interval = 30 }), nil},
		{"a target group's targets", "CreateTargetGroup", nil, oneListener(func(l *schema.Listener) { l.Targets.Addresses = []string{"10.0.0.11"} }), nil},
		{"a listener's port", "CreateListener", nil, oneListener(func(l *schema.Listener) { l.Port = 9443 }), nil},
		{"a listener's idle timeout", "CreateListener", nil, oneListener(func(l *schema.Listener) { l.IdleTimeout = 60 }), nil},
		{"a load balancer's VPC", "CreateVpcEndpointServiceConfiguration", nil,
			func(s *schema.Service) {
				elsewhere := stage.Grid{Services: 2, Consumers: 1}.Fleet().Services["s1"].LoadBalancer
				s.LoadBalancer.VPC, s.LoadBalancer.Subnets = elsewhere.VPC, elsewhere.Subnets
			}, []string{"security-group", "loadbalancer", "targetgroup", "listener"}},
		{"a security group's rules", "CreateSecurityGroup", nil,
			func(s *schema.Service) { s.LoadBalancer.SecurityGroup.From = []string{"10.0.0.0/16"} }, nil},
	}
}

func oneListener(change func(*schema.Listener)) func(*schema.Service) {
	return func(s *schema.Service) { change(s.Listeners["api"]) }
}

// The files may have changed when the next process starts: what the last one
// made is not made again in the new form, but found and changed.
func TestNothingIsMadeTwiceAfterAnEdit(t *testing.T) {
	for _, e := range edits() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := hiding(t, map[string]time.Duration{"taggingLag": 30 * time.Second})
				neverTwice(t, s, e.replaced...)
				if e.begin != nil {
					e.begin(s.Fleet.Services["s0"])
				}
				wantDead(s, e.operation)
				e.change(s.Fleet.Services["s0"])
				wantOnce(t, s)
			})
		})
	}
}
