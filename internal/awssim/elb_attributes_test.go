package awssim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func (s *stage) balancerAttributes(arn *string) map[string]string {
	s.Helper()
	out, err := s.elb().DescribeLoadBalancerAttributes(s.Context(), &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: arn})
	got := map[string]string{}
	for _, a := range must(s, out, err).Attributes {
		got[*a.Key] = aws.ToString(a.Value)
	}
	return got
}

func TestLoadBalancerAttributes(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		arn := s.balancer(nlb("fraud", subnet1)).LoadBalancerArn
		modify := func(pairs ...string) error {
			in := &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: arn}
			for i := 0; i < len(pairs); i += 2 {
				in.Attributes = append(in.Attributes, types.LoadBalancerAttribute{Key: &pairs[i], Value: &pairs[i+1]})
			}
			_, err := s.elb().ModifyLoadBalancerAttributes(s.Context(), in)
			return err
		}
		for key, want := range map[string]string{
			"deletion_protection.enabled":            "false",
			"load_balancing.cross_zone.enabled":      "false",
			"dns_record.client_routing_policy":       "any_availability_zone",
			"secondary_ips.auto_assigned.per_subnet": "0",
			"zonal_shift.config.enabled":             "false",
			"ipv6.deny_all_igw_traffic":              "true",
		} {
			if got, ok := s.balancerAttributes(arn)[key]; !ok || got != want {
				t.Errorf("%s is %q by default, want %q", key, got, want)
			}
		}
		for _, test := range []struct{ key, value, text string }{
			{"load_balancing.cross_zone.enabled", "yes", "true, false"},
			{"dns_record.client_routing_policy", "everywhere", "any_availability_zone"},
			{"secondary_ips.auto_assigned.per_subnet", "8", "between 0 and 7"},
			{"idle_timeout.timeout_seconds", "60", "not recognized"},
			{"access_logs.s3.enabled", "true", "S3bucket permission"},
		} {
			s.refused(modify(test.key, test.value), "ValidationError", test.text)
		}
		s.refused(modify("load_balancing.cross_zone.enabled", "true", "no.such", "1"), "ValidationError", "'no.such'")
		if got := s.balancerAttributes(arn)["load_balancing.cross_zone.enabled"]; got != "false" {
			t.Error("a refused call changed an attribute")
		}
		must(s, 0, modify("load_balancing.cross_zone.enabled", "true", "secondary_ips.auto_assigned.per_subnet", "3"))
		if got := s.balancerAttributes(arn)["load_balancing.cross_zone.enabled"]; got != "true" {
			t.Errorf("cross zone is %s", got)
		}
		s.refused(modify("secondary_ips.auto_assigned.per_subnet", "2"), "ValidationError", "cannot be decreased")
	})
}

func TestTargetGroupAttributes(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		attributes := func(in *elb.CreateTargetGroupInput) map[string]string {
			out, err := s.elb().DescribeTargetGroupAttributes(s.Context(), &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: s.group(in).TargetGroupArn})
			got := map[string]string{}
			for _, a := range must(s, out, err).Attributes {
				got[*a.Key] = aws.ToString(a.Value)
			}
			return got
		}
		tests := []struct {
			protocol types.ProtocolEnum
			kind     types.TargetTypeEnum
			key      string
			want     string
		}{
			{"TCP", "ip", "preserve_client_ip.enabled", "false"},
			{"TCP", "instance", "preserve_client_ip.enabled", "true"},
			{"UDP", "ip", "preserve_client_ip.enabled", "true"},
			{"TCP", "ip", "deregistration_delay.timeout_seconds", "300"},
			{"TCP", "ip", "proxy_protocol_v2.enabled", "false"},
			{"TCP", "ip", "stickiness.type", "source_ip"},
			{"UDP", "ip", "deregistration_delay.connection_termination.enabled", "true"},
		}
		for i, test := range tests {
			in := tcpGroup("tg-" + string(rune('a'+i)))
			in.Protocol, in.TargetType = test.protocol, test.kind
			if got := attributes(in)[test.key]; got != test.want {
				t.Errorf("%s %s: %s is %q, want %q", test.protocol, test.kind, test.key, got, test.want)
			}
		}
		g := s.group(tcpGroup("fraud"))
		modify := func(key, value string) error {
			_, err := s.elb().ModifyTargetGroupAttributes(s.Context(), &elb.ModifyTargetGroupAttributesInput{
				TargetGroupArn: g.TargetGroupArn, Attributes: []types.TargetGroupAttribute{{Key: &key, Value: &value}},
			})
			return err
		}
		s.refused(modify("deregistration_delay.timeout_seconds", "3601"), "ValidationError", "between 0 and 3600")
		s.refused(modify("stickiness.type", "lb_cookie"), "ValidationError", "source_ip")
		s.refused(modify("slow_start.duration_seconds", "30"), "ValidationError", "not recognized")
		must(s, 0, modify("proxy_protocol_v2.enabled", "true"))
	})
}

func TestListenerAttributes(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b, g := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("fraud"))
		l := s.listener(b, g, 8443)
		modify := func(value string) error {
			_, err := s.elb().ModifyListenerAttributes(s.Context(), &elb.ModifyListenerAttributesInput{
				ListenerArn: l.ListenerArn,
				Attributes:  []types.ListenerAttribute{{Key: aws.String("tcp.idle_timeout.seconds"), Value: &value}},
			})
			return err
		}
		timeout := func() string {
			out, err := s.elb().DescribeListenerAttributes(s.Context(), &elb.DescribeListenerAttributesInput{ListenerArn: l.ListenerArn})
			return *must(s, out, err).Attributes[0].Value
		}
		if got := timeout(); got != "350" {
			t.Errorf("idle timeout %s by default", got)
		}
		s.refused(modify("59"), "ValidationError", "between 60 and 6000")
		s.refused(modify("6001"), "ValidationError", "between 60 and 6000")
		must(s, 0, modify("6000"))
		if got := timeout(); got != "6000" {
			t.Errorf("idle timeout %s", got)
		}
	})
}
