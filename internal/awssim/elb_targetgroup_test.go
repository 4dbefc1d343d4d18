package awssim

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// tcpGroup is the input of a target group of addresses.
func tcpGroup(name string) *elb.CreateTargetGroupInput {
	return &elb.CreateTargetGroupInput{
		Name: &name, Protocol: types.ProtocolEnumTcp, Port: aws.Int32(8443),
		VpcId: aws.String(vpcA), TargetType: types.TargetTypeEnumIp,
	}
}

func (s *stage) group(in *elb.CreateTargetGroupInput) types.TargetGroup {
	s.Helper()
	out, err := s.elb().CreateTargetGroup(s.Context(), in)
	return must(s, out, err).TargetGroups[0]
}

func (s *stage) dropTargetGroup(g types.TargetGroup) error {
	_, err := s.elb().DeleteTargetGroup(s.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: g.TargetGroupArn})
	return err
}

func TestTargetGroupDefaults(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		if g.HealthCheckProtocol != "TCP" || *g.HealthCheckPort != "traffic-port" || *g.HealthCheckIntervalSeconds != 30 ||
			*g.HealthCheckTimeoutSeconds != 10 || *g.HealthyThresholdCount != 5 || *g.UnhealthyThresholdCount != 2 || g.HealthCheckPath != nil {
			t.Errorf("health check %+v", g)
		}
		in := tcpGroup("http-checked")
		in.HealthCheckProtocol = "HTTP"
		if g := s.group(in); *g.HealthCheckPath != "/" || *g.Matcher.HttpCode != "200-399" || *g.HealthCheckTimeoutSeconds != 6 {
			t.Errorf("HTTP health check %+v", g)
		}
		plain := tcpGroup("no-type")
		plain.TargetType = ""
		if g := s.group(plain); g.TargetType != types.TargetTypeEnumInstance {
			t.Errorf("the target type is %s by default", g.TargetType)
		}
	})
}

func TestCreateTargetGroupIdempotent(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		first := s.group(tcpGroup("fraud"))
		if again := s.group(tcpGroup("fraud")); *again.TargetGroupArn != *first.TargetGroupArn {
			t.Error("the same settings made a second group")
		}
		other := tcpGroup("fraud")
		other.HealthCheckIntervalSeconds = aws.Int32(10)
		_, err := s.elb().CreateTargetGroup(s.Context(), other)
		s.refused(err, "DuplicateTargetGroupName", "A target group with the same name 'fraud' exists, but with different settings")
	})
}

func TestCreateTargetGroupRefusals(t *testing.T) {
	tests := []struct {
		change     func(*elb.CreateTargetGroupInput)
		code, text string
	}{
		{func(in *elb.CreateTargetGroupInput) { in.Name = aws.String(strings.Repeat("x", 33)) }, "ValidationError", "32"},
		{func(in *elb.CreateTargetGroupInput) { in.Protocol = "" }, "ValidationError", "protocol must be specified"},
		{func(in *elb.CreateTargetGroupInput) { in.Port = nil }, "ValidationError", "port must be specified"},
		{func(in *elb.CreateTargetGroupInput) { in.VpcId = nil }, "ValidationError", "VPC ID must be specified"},
		{func(in *elb.CreateTargetGroupInput) { in.VpcId = aws.String("vpc-0dead00000000beef") }, "ValidationError", "is not found"},
		{func(in *elb.CreateTargetGroupInput) { in.HealthCheckTimeoutSeconds = aws.Int32(31) }, "ValidationError", "smaller than the interval '30'"},
		{func(in *elb.CreateTargetGroupInput) { in.HealthCheckIntervalSeconds = aws.Int32(4) }, "ValidationError", ""},
		{func(in *elb.CreateTargetGroupInput) { in.HealthyThresholdCount = aws.Int32(11) }, "ValidationError", ""},
		{func(in *elb.CreateTargetGroupInput) { in.HealthCheckProtocol = "UDP" }, "ValidationError", "'UDP' is not supported"},
		{func(in *elb.CreateTargetGroupInput) { in.HealthCheckPath = aws.String("/up") }, "InvalidConfigurationRequest", "path and matcher"},
		{func(in *elb.CreateTargetGroupInput) { in.HealthCheckPort = aws.String("http") }, "ValidationError", "traffic-port"},
		{func(in *elb.CreateTargetGroupInput) { in.HealthCheckEnabled = aws.Bool(false) }, "InvalidConfigurationRequest", "cannot be disabled"},
		{func(in *elb.CreateTargetGroupInput) { in.TargetType, in.Protocol = "alb", "UDP" }, "InvalidConfigurationRequest", "'alb'"},
	}
	onStage(t, nil, func(s *stage) {
		for _, test := range tests {
			in := tcpGroup("fraud")
			test.change(in)
			_, err := s.elb().CreateTargetGroup(s.Context(), in)
			s.refused(err, test.code, test.text)
		}
	})
}

func TestModifyTargetGroup(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		g := s.group(tcpGroup("fraud"))
		modify := func(in *elb.ModifyTargetGroupInput) (types.TargetGroup, error) {
			in.TargetGroupArn = g.TargetGroupArn
			out, err := s.elb().ModifyTargetGroup(s.Context(), in)
			if err != nil {
				return types.TargetGroup{}, err
			}
			return out.TargetGroups[0], nil
		}
		got := try(modify(&elb.ModifyTargetGroupInput{HealthCheckIntervalSeconds: aws.Int32(10), HealthyThresholdCount: aws.Int32(3)})).must(s)
		if *got.HealthCheckIntervalSeconds != 10 || *got.HealthyThresholdCount != 3 || *got.UnhealthyThresholdCount != 2 {
			t.Errorf("after the change: %+v", got)
		}
		_, err := modify(&elb.ModifyTargetGroupInput{HealthCheckIntervalSeconds: aws.Int32(5)})
		s.refused(err, "ValidationError", "smaller than the interval '5'")
		got = try(modify(&elb.ModifyTargetGroupInput{HealthCheckProtocol: "HTTP", HealthCheckPath: aws.String("/up")})).must(s)
		if *got.HealthCheckPath != "/up" || *got.Matcher.HttpCode != "200-399" {
			t.Errorf("HTTP check: %+v", got)
		}
	})
}

// A target group stays in use for a while after its listener has gone.
func TestDeleteTargetGroupInUse(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b, g := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("fraud"))
		l := s.listener(b, g, 8443)
		out, err := s.elb().DescribeTargetGroups(s.Context(), &elb.DescribeTargetGroupsInput{LoadBalancerArn: b.LoadBalancerArn})
		if got := must(s, out, err).TargetGroups; len(got) != 1 || len(got[0].LoadBalancerArns) != 1 || got[0].LoadBalancerArns[0] != *b.LoadBalancerArn {
			t.Errorf("groups of the balancer: %+v", got)
		}
		s.refused(s.dropTargetGroup(g), "ResourceInUse", "is currently in use by a listener or a rule")
		_, err = s.elb().DeleteListener(s.Context(), &elb.DeleteListenerInput{ListenerArn: l.ListenerArn})
		must(s, 0, err)
		s.refused(s.dropTargetGroup(g), "ResourceInUse", "is currently in use by a listener or a rule")
		s.pass(15 * time.Second)
		for range 2 {
			if err := s.dropTargetGroup(g); err != nil {
				t.Error(err)
			}
		}
		_, err = s.elb().DescribeTargetGroups(s.Context(), &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{*g.TargetGroupArn}})
		s.refused(err, "TargetGroupNotFound", "One or more target groups not found")
	})
}
