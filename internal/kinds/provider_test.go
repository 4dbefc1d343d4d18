package kinds

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/applier"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

func providerService(name, topic string) *schema.Service {
	return &schema.Service{
		Name: name, Account: "platform", Region: "us-east-1",
		LoadBalancer: schema.LoadBalancer{VPC: "vpc-1", Subnets: []string{"subnet-1", "subnet-2"}, CrossZone: true},
		Listeners: map[string]*schema.Listener{"https": {
			Name: "https", Port: 443, Protocol: "TCP", IdleTimeout: 350,
			Targets:     schema.Targets{Type: "ip", Port: 8443, Protocol: "TCP", Addresses: []string{"10.0.1.20", "10.0.1.10"}, DeregistrationDelay: 30},
			HealthCheck: schema.HealthCheck{Protocol: "TCP", Port: "traffic-port", Interval: 10, Timeout: 10, HealthyThreshold: 3, UnhealthyThreshold: 3},
		}},
		Notifications: &schema.Notifications{Topic: topic, Events: []string{"Accept", "Connect"}},
		PrivateDNS:    &schema.PrivateDNS{Name: name + ".example.com", Zone: "example.com"},
	}
}

func providerFleet(services ...*schema.Service) *schema.Fleet {
	f := &schema.Fleet{
		Name: "payments", Services: map[string]*schema.Service{},
		Zones: map[string]*schema.Zone{"example.com": {Domain: "example.com", Account: "dns", ID: "Z1"}},
	}
	for _, s := range services {
		f.Services[s.Name] = s
	}
	return f
}

func TestServicesShareATopic(t *testing.T) {
	f := providerFleet(providerService("a", "events"), providerService("b", "events"), providerService("c", "arn:aws:sns:us-east-1:1:theirs"))
	items := wantTopics(f, planner.State{})
	if len(items) != 1 || len(items[0].Spec.Publishers) != 2 {
		t.Fatalf("topics are %+v, want one with two publishers", items)
	}
	var to []planner.Value
	for _, n := range wantNotifications(f, planner.State{}) {
		to = append(to, n.Spec.Topic)
	}
	if !to[0].IsRef() || to[0].From != items[0].Addr || to[2].Known != "arn:aws:sns:us-east-1:1:theirs" {
		t.Errorf("notifications go to %+v", to)
	}
}

func TestATopicPerRegion(t *testing.T) {
	b := providerService("b", "events")
	b.Region = "us-west-2"
	if items := wantTopics(providerFleet(providerService("a", "events"), b), planner.State{}); len(items) != 2 {
		t.Errorf("topics are %+v, want one in each region", items)
	}
}

func TestNothingWantedOfWhatAServiceDoesWithout(t *testing.T) {
	s := providerService("a", "events")
	s.Notifications, s.PrivateDNS = nil, nil
	f, live := providerFleet(s), planner.State{}
	if n := len(wantTopics(f, live)) + len(wantNotifications(f, live)) + len(wantPrivateNames(f, live)) +
		len(wantRecords(f, live)) + len(wantVerifications(f, live)); n != 0 {
		t.Errorf("%d resources are wanted", n)
	}
}

func TestTargetGroupWish(t *testing.T) {
	s := providerService("a", "events")
	spec := wantTargetGroups(providerFleet(s), planner.State{})[0].Spec
	if !slices.Equal(spec.Targets, []string{"10.0.1.10:8443", "10.0.1.20:8443"}) {
		t.Errorf("targets are %v", spec.Targets)
	}
	l := s.Listeners["https"]
	l.Targets.Type = "alb"
	if spec := targetGroupWish("vpc-1", l); spec.DeregistrationDelay != 0 {
		t.Error("an attribute is wanted that AWS does not let anybody set")
	}
}

func TestTargetsReadBack(t *testing.T) {
	arn := "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/x/1"
	for _, id := range []string{"10.0.1.10", "i-1", arn, "fd00::1"} {
		d, err := parseTarget(target(id, 8443))
		if err != nil || aws.ToString(d.Id) != id || aws.ToInt32(d.Port) != 8443 {
			t.Errorf("%s reads as %v:%v, %v", target(id, 8443), aws.ToString(d.Id), aws.ToInt32(d.Port), err)
		}
	}
	for _, bad := range []string{"", "10.0.0.1", ":80", "a:b"} {
		if _, err := parseTarget(bad); err == nil {
			t.Errorf("%q is taken for a target", bad)
		}
	}
}

func TestDrainingTargetsAreNotRegistered(t *testing.T) {
	described := func(id string, state elbtypes.TargetHealthStateEnum) elbtypes.TargetHealthDescription {
		return elbtypes.TargetHealthDescription{
			Target:       &elbtypes.TargetDescription{Id: aws.String(id), Port: aws.Int32(80)},
			TargetHealth: &elbtypes.TargetHealth{State: state},
		}
	}
	got := registeredTargets([]elbtypes.TargetHealthDescription{
		described("10.0.0.3", elbtypes.TargetHealthStateEnumUnhealthy),
		described("10.0.0.2", elbtypes.TargetHealthStateEnumDraining),
		described("10.0.0.1", elbtypes.TargetHealthStateEnumHealthy),
	})
	if !slices.Equal(got, []string{"10.0.0.1:80", "10.0.0.3:80"}) {
		t.Errorf("registered are %v", got)
	}
}

func TestBalancerStatus(t *testing.T) {
	for code, want := range map[elbtypes.LoadBalancerStateEnum]applier.Readiness{
		"provisioning": applier.Waiting, "active": applier.Ready, "active_impaired": applier.Ready, "failed": applier.Broken,
	} {
		if got := balancerStatus(&elbtypes.LoadBalancerState{Code: code}); got.Readiness != want {
			t.Errorf("%s is %v, want %v", code, got.Readiness, want)
		}
	}
	if got := balancerStatus(nil); got.Readiness != applier.Waiting {
		t.Errorf("an unseen balancer is %v", got.Readiness)
	}
}

func TestVerificationStatus(t *testing.T) {
	for _, tc := range []struct {
		state  ec2types.DnsNameState
		want   applier.Readiness
		failed bool
	}{
		{"verified", applier.Ready, false}, {"Verified", applier.Ready, false},
		{"pendingVerification", applier.Waiting, false}, {"failed", applier.Waiting, true},
	} {
		st, failed := verificationStatus(ec2types.ServiceConfiguration{
			PrivateDnsNameConfiguration: &ec2types.PrivateDnsNameConfiguration{State: tc.state},
		})
		if st.Readiness != tc.want || failed != tc.failed {
			t.Errorf("%s is %v, %v", tc.state, st, failed)
		}
	}
}

func TestListenerForwardsTo(t *testing.T) {
	one := elbtypes.Action{TargetGroupArn: aws.String("tg-1"), ForwardConfig: &elbtypes.ForwardActionConfig{
		TargetGroups: []elbtypes.TargetGroupTuple{{TargetGroupArn: aws.String("tg-1")}},
	}}
	two := elbtypes.Action{ForwardConfig: &elbtypes.ForwardActionConfig{
		TargetGroups: []elbtypes.TargetGroupTuple{{TargetGroupArn: aws.String("tg-2")}, {TargetGroupArn: aws.String("tg-1")}},
	}}
	if got := forwardsTo([]elbtypes.Action{one}); got != "tg-1" {
		t.Errorf("one group is %q", got)
	}
	if got := forwardsTo([]elbtypes.Action{two}); got != "tg-1,tg-2" {
		t.Errorf("two groups are %q", got)
	}
}

func TestProtectionIsTakenOffFirst(t *testing.T) {
	for _, on := range []bool{true, false} {
		spec := loadBalancerSpec{VPC: "vpc-1", DeletionProtection: on}
		got, needed := unprotected(spec)
		if needed != on || got.(loadBalancerSpec).DeletionProtection || got.(loadBalancerSpec).VPC != "vpc-1" {
			t.Errorf("protected %v: %+v, %v", on, got, needed)
		}
	}
}
