package kinds_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// TestPreflight plans, from empty accounts, what AWS would refuse half-way.
func TestPreflight(t *testing.T) {
	const balancer, endpoint, name = "load-balancer/fraud", "endpoint/fraud/risk", "endpoint-private-dns/fraud/risk"
	switchOff := func(attribute *ec2.ModifyVpcAttributeInput) func(*scene) {
		return func(s *scene) {
			attribute.VpcId = aws.String(riskVPC)
			_, err := s.risk.EC2.ModifyVpcAttribute(s.T.Context(), attribute)
			s.must(err)
		}
	}
	off := &ec2types.AttributeBooleanValue{Value: aws.Bool(false)}
	for _, c := range []struct {
		name         string
		set          func(*scene)
		at           string
		reason, mend string
	}{
		{
			"a subnet of another account", func(s *scene) { s.fraud.LoadBalancer.Subnets[0] = "subnet-0a0000000000000b1" }, balancer,
			"subnet subnet-0a0000000000000b1 is not in account platform, region us-east-1", "services/fraud/service.cue",
		},
		{
			"a subnet of another VPC", func(s *scene) { s.fraud.LoadBalancer.Subnets[0] = "subnet-0f0000000000000f1" }, balancer,
			"subnet-0f0000000000000f1 is in vpc-0f0000000000000f1, not in " + platformVPC, "make vpc and subnets agree",
		},
		{
			"two subnets in a zone", func(s *scene) { s.fraud.LoadBalancer.Subnets[1] = "subnet-0f0000000000000f9" }, balancer,
			"subnets subnet-0f0000000000000a1 and subnet-0f0000000000000f9 are both in zone use1-az1", "keep one subnet",
		},
		{
			"an endpoint's subnet of another VPC", func(s *scene) { s.riskEndpoint().Subnets[0] = "subnet-0a0000000000000f1" }, endpoint,
			"subnet-0a0000000000000f1 is in vpc-0a0000000000000f1, not in " + riskVPC, "services/fraud/consumers.cue",
		},
		{
			"a zone that the service is not offered in", func(s *scene) { s.fraud.LoadBalancer.Subnets = s.fraud.LoadBalancer.Subnets[:2] }, endpoint,
			"subnet-0a0000000000000b3 is in zone use1-az4, where fraud has no load balancer subnet (it is in use1-az1, use1-az2)",
			"add a subnet in use1-az4 to the load balancer at services/fraud/service.cue",
		},
		{
			"a full subnet", func(s *scene) { s.riskEndpoint().Subnets[1] = "subnet-0a000000000000full" }, endpoint,
			"subnet subnet-0a000000000000full has no address left", "free addresses in it",
		},
		{
			"a subnet too full for a load balancer", func(s *scene) { s.fraud.LoadBalancer.Subnets[0] = "subnet-0f0000000000tight" }, balancer,
			"subnet subnet-0f0000000000tight has 5 addresses left, and a load balancer needs 8", "free addresses in it, or name another subnet of its zone at services/fraud/service.cue",
		},
		{
			"DNS hostnames off", switchOff(&ec2.ModifyVpcAttributeInput{EnableDnsHostnames: off}), name,
			riskVPC + " has enableDnsHostnames off", "aws ec2 modify-vpc-attribute --vpc-id " + riskVPC + " --enable-dns-hostnames",
		},
		{
			"DNS support off", switchOff(&ec2.ModifyVpcAttributeInput{EnableDnsSupport: off}), name,
			riskVPC + " has enableDnsSupport off", "or set privateDNS: false at services/fraud/consumers.cue",
		},
		{
			"a VPC that does not exist", func(s *scene) { s.riskEndpoint().VPC = "vpc-0a0000000000000e0" }, name,
			"vpc-0a0000000000000e0 is not in account risk, region us-east-1", "name a VPC of that account and region at services/fraud/consumers.cue",
		},
		{
			"a security group in it", func(s *scene) { s.riskEndpoint().VPC = "vpc-0a0000000000000e0" }, "security-group/fraud/risk",
			"vpc-0a0000000000000e0 is not in account risk, region us-east-1", "name a VPC of that account and region at services/fraud/consumers.cue",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, pair)
				c.set(s)
				plan := s.Plan()
				i := slices.IndexFunc(plan.Blocked, func(b planner.Blocked) bool { return b.Addr.Path() == c.at })
				if i < 0 || plan.Blocked[i].Cause != planner.CauseRefused || !strings.Contains(plan.Blocked[i].Reason, c.reason) || !strings.Contains(plan.Blocked[i].Mend, c.mend) {
					t.Fatalf("want %s refused because %q, mended by %q:\n%s", c.at, c.reason, c.mend, stage.Text(plan))
				}
			})
		})
	}
}

// What AWS does not tell keeps back the steps that it is about, and no others;
// a quota that it does not tell keeps back none.
func TestPreflightIsNotAnswered(t *testing.T) {
	denied := awssim.Fault{Account: riskID, Effect: awssim.FaultError, Status: 403, Code: "UnauthorizedOperation", Message: "You are not authorized."}
	for _, c := range []struct {
		operation string
		held      []string
	}{
		{"DescribeSubnets", []string{"endpoint/fraud/risk"}},
		{"DescribeVpcAttribute", []string{"endpoint-private-dns/fraud/risk"}},
		{"GetServiceQuota", nil},
		{"GetAWSDefaultServiceQuota", nil},
	} {
		t.Run(c.operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, pair)
				fault := denied
				if fault.Operation = c.operation; c.held == nil {
					fault.Account, fault.Status, fault.Code = "", 500, "InternalFailure"
				}
				s.must(s.Sim.Inject(fault))
				plan := s.Plan()
				var held []string
				for _, b := range plan.Blocked {
					if b.Cause == planner.CauseUnread && strings.Contains(b.Reason, "account risk") {
						held = append(held, b.Addr.Path())
					}
				}
				if !slices.Equal(held, c.held) || !strings.Contains(stage.Short(plan), "create load-balancer/fraud\n") {
					t.Errorf("held back are %q, want %q:\n%s", held, c.held, stage.Text(plan))
				}
				if err := s.Apply().Err(); err != nil {
					t.Errorf("applying the rest: %v", err)
				}
			})
		})
	}
}

// A plan that is not to go on asking says so.
func TestPreflightIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, pair)
		plan := s.Plan()
		ctx, interrupt := context.WithCancel(t.Context())
		interrupt()
		if _, _, err := kinds.Preflight(ctx, kinds.NewPlaces(s.API(), s.Fleet), s.Fleet, plan); !errors.Is(err, context.Canceled) {
			t.Errorf("it says %v", err)
		}
	})
}

// What stands already is not asked about again: a subnet that has filled up
// since, an attribute that somebody has turned off.
func TestPreflightAsksOnlyOfWhatChanges(t *testing.T) {
	onStage(t, pair, func(s *scene) {
		_, err := s.risk.EC2.ModifyVpcAttribute(s.T.Context(), &ec2.ModifyVpcAttributeInput{
			VpcId: aws.String(riskVPC), EnableDnsHostnames: &ec2types.AttributeBooleanValue{Value: aws.Bool(false)},
		})
		s.must(err)
		s.fraud.LoadBalancer.CrossZone = false
		before := asked(s.Sim)
		s.plans("update load-balancer/fraud: crossZone\n")
		if n := asked(s.Sim) - before; n != 0 {
			t.Errorf("%d calls about subnets and VPCs of which no step says anything", n)
		}
	})
}

func asked(sim *awssim.Sim) int {
	n := 0
	for _, c := range sim.Calls() {
		if c.Operation == "DescribeSubnets" || c.Operation == "DescribeVpcAttribute" {
			n++
		}
	}
	return n
}
