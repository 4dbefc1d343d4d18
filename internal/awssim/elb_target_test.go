package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func targets(addresses ...string) []types.TargetDescription {
	var out []types.TargetDescription
	for _, a := range addresses {
		out = append(out, types.TargetDescription{Id: &a})
	}
	return out
}

func (s *stage) register(g types.TargetGroup, targets ...types.TargetDescription) error {
	_, err := s.elb().RegisterTargets(s.Context(), &elb.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: targets})
	return err
}

func (s *stage) deregister(g types.TargetGroup, targets ...types.TargetDescription) error {
	_, err := s.elb().DeregisterTargets(s.Context(), &elb.DeregisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: targets})
	return err
}

// health gives each target's state and reason, by address.
func (s *stage) health(g types.TargetGroup) map[string]string {
	s.Helper()
	out, err := s.elb().DescribeTargetHealth(s.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
	got := map[string]string{}
	for _, d := range must(s, out, err).TargetHealthDescriptions {
		got[*d.Target.Id] = string(d.TargetHealth.State)
		if d.TargetHealth.Reason != "" {
			got[*d.Target.Id] += " " + string(d.TargetHealth.Reason)
		}
	}
	return got
}

func (s *stage) wantHealth(g types.TargetGroup, when string, want map[string]string) {
	s.Helper()
	got := s.health(g)
	for id, state := range want {
		if got[id] != state {
			s.Errorf("%s: %s is %q, want %q", when, id, got[id], state)
		}
	}
	if len(got) != len(want) {
		s.Errorf("%s: targets %v, want %v", when, got, want)
	}
}

func TestTargetHealth(t *testing.T) {
	const good, bad = "10.20.1.10", "10.20.2.66"
	onStage(t, nil, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		must(s, 0, s.register(g, targets(good, bad)...))
		s.wantHealth(g, "without a listener", map[string]string{good: "unused Target.NotInUse", bad: "unused Target.NotInUse"})

		s.listener(s.balancer(nlb("fraud", subnet1, subnet2)), g, 8443)
		s.pass(time.Minute)
		s.wantHealth(g, "balancer provisioning", map[string]string{good: "initial Elb.RegistrationInProgress", bad: "initial Elb.RegistrationInProgress"})
		s.pass(time.Minute + 20*time.Second)
		s.wantHealth(g, "first checks", map[string]string{good: "initial Elb.InitialHealthChecking", bad: "initial Elb.InitialHealthChecking"})
		s.pass(10 * time.Second)
		s.wantHealth(g, "first pass", map[string]string{good: "healthy", bad: "initial Elb.InitialHealthChecking"})
		s.pass(30 * time.Second)
		s.wantHealth(g, "threshold", map[string]string{good: "healthy", bad: "unhealthy Target.FailedHealthChecks"})

		must(s, 0, s.deregister(g, targets(good, "10.20.1.99")...)) // the second was never there
		s.wantHealth(g, "draining", map[string]string{good: "draining Target.DeregistrationInProgress", bad: "unhealthy Target.FailedHealthChecks"})
		s.pass(5 * time.Minute)
		s.wantHealth(g, "drained", map[string]string{bad: "unhealthy Target.FailedHealthChecks"})

		out, err := s.elb().DescribeTargetHealth(s.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn, Targets: targets(good)})
		if got := must(s, out, err).TargetHealthDescriptions[0].TargetHealth; got.Reason != types.TargetHealthReasonEnumNotRegistered {
			t.Errorf("a target that is not there: %+v", got)
		}
	})
}

func TestTargetOutsideServedZones(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		b := s.balancer(nlb("fraud", subnet1))
		s.listener(b, g, 8443)
		must(s, 0, s.register(g, targets("10.20.3.10")...))
		s.pass(10 * time.Minute)
		s.wantHealth(g, "zone not enabled", map[string]string{"10.20.3.10": "unused Target.NotInUse"})
		_, err := s.elb().ModifyLoadBalancerAttributes(s.Context(), &elb.ModifyLoadBalancerAttributesInput{
			LoadBalancerArn: b.LoadBalancerArn,
			Attributes:      []types.LoadBalancerAttribute{{Key: aws.String("load_balancing.cross_zone.enabled"), Value: aws.String("true")}},
		})
		must(s, 0, err)
		s.wantHealth(g, "across zones", map[string]string{"10.20.3.10": "healthy"})
	})
}

func TestRegisterTargetsRefusals(t *testing.T) {
	zoned := func(address, zone string) types.TargetDescription {
		return types.TargetDescription{Id: &address, AvailabilityZone: &zone}
	}
	onStage(t, nil, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		for _, test := range []struct {
			target     types.TargetDescription
			code, text string
		}{
			{zoned("10.20.1.10", "all"), "ValidationError", "is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-east-1"},
			{targets("10.99.0.1")[0], "ValidationError", "since the IP address '10.99.0.1' is outside the VPC"},
			{targets("8.8.8.8")[0], "ValidationError", "'8.8.8.8' must be a private address"},
			{targets("fraud.example.com")[0], "ValidationError", "is not a valid IPv4 address"},
			{targets("fd00::1")[0], "ValidationError", "is not a valid IPv4 address"},
			{zoned("10.99.0.1", "us-east-1q"), "ValidationError", "'us-east-1q'"},
		} {
			s.refused(s.register(g, test.target), test.code, test.text)
		}
		must(s, 0, s.register(g, zoned("10.99.0.1", "all"), zoned("100.64.0.1", "all")))
		instances := tcpGroup("instances")
		instances.TargetType = types.TargetTypeEnumInstance
		s.refused(s.register(s.group(instances), targets("i-0123456789abcdef0")...), "InvalidTarget", "running state")
	})
}

func TestTargetQuota(t *testing.T) {
	onStage(t, func(w *World) { w.Knobs.Quotas = map[string]int{"targetsPerZone": 2, "targetsPerGroup": 3} }, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		s.refused(s.register(g, targets("10.20.1.10", "10.20.1.11", "10.20.1.12")...), "TooManyTargets", "Availability Zone")
		must(s, 0, s.register(g, targets("10.20.1.10", "10.20.1.11", "10.20.2.10")...))
		must(s, 0, s.register(g, targets("10.20.1.10")...)) // again is no matter
		s.refused(s.register(g, targets("10.20.3.10")...), "TooManyTargets", "target group")
	})
}

// A target group of type alb takes one application load balancer, on a port
// that it listens on.
func TestLoadBalancerAsTarget(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		web := s.balancer(&elb.CreateLoadBalancerInput{
			Name: aws.String("web"), Scheme: types.LoadBalancerSchemeEnumInternal, Subnets: []string{subnet1, subnet2},
		})
		plain := tcpGroup("web")
		plain.Protocol = types.ProtocolEnumHttp
		listener := tcpListener(web, s.group(plain), 8443)
		listener.Protocol = types.ProtocolEnumHttp
		in := tcpGroup("front")
		in.TargetType = types.TargetTypeEnumAlb
		front := s.group(in)

		s.refused(s.register(front, targets(*web.LoadBalancerArn)...), "InvalidTarget", "has no listener on port '8443'")
		_, err := s.elb().CreateListener(s.Context(), listener)
		must(s, 0, err)
		must(s, 0, s.register(front, targets(*web.LoadBalancerArn)...))
		s.refused(s.register(front, types.TargetDescription{Id: web.LoadBalancerArn, Port: aws.Int32(1)}), "InvalidTarget", "port '1'")
		s.refused(s.register(front, targets("10.20.1.10")...), "InvalidTarget", "is not an Application Load Balancer")
		_, err = s.elb().ModifyTargetGroupAttributes(s.Context(), &elb.ModifyTargetGroupAttributesInput{
			TargetGroupArn: front.TargetGroupArn,
			Attributes:     []types.TargetGroupAttribute{{Key: aws.String("proxy_protocol_v2.enabled"), Value: aws.String("true")}},
		})
		s.refused(err, "ValidationError", "cannot be changed")
	})
}

// A deregistration delay of zero lets a target go at once, and what comes back
// while it drains begins anew.
func TestDeregistrationDelay(t *testing.T) {
	const address = "10.20.1.10"
	onStage(t, nil, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		s.listener(s.balancer(nlb("fraud", subnet1)), g, 8443)
		must(s, 0, s.register(g, targets(address)...))
		s.pass(5 * time.Minute)
		must(s, 0, s.deregister(g, targets(address)...))
		must(s, 0, s.register(g, targets(address)...))
		s.wantHealth(g, "registered again", map[string]string{address: "initial Elb.RegistrationInProgress"})
		_, err := s.elb().ModifyTargetGroupAttributes(s.Context(), &elb.ModifyTargetGroupAttributesInput{
			TargetGroupArn: g.TargetGroupArn,
			Attributes:     []types.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("0")}},
		})
		must(s, 0, err)
		must(s, 0, s.deregister(g, targets(address)...))
		s.wantHealth(g, "without delay", map[string]string{})
	})
}
