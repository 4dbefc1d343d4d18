package awssim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func tcpListener(b types.LoadBalancer, g types.TargetGroup, port int32) *elb.CreateListenerInput {
	return &elb.CreateListenerInput{
		LoadBalancerArn: b.LoadBalancerArn, Port: &port, Protocol: types.ProtocolEnumTcp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: g.TargetGroupArn}},
	}
}

func (s *stage) listener(b types.LoadBalancer, g types.TargetGroup, port int32) types.Listener {
	s.Helper()
	out, err := s.elb().CreateListener(s.Context(), tcpListener(b, g, port))
	return must(s, out, err).Listeners[0]
}

func TestCreateListener(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b, g, other := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("fraud")), s.group(tcpGroup("other"))
		first := s.listener(b, g, 8443)
		if action := first.DefaultActions[0]; *action.TargetGroupArn != *g.TargetGroupArn || *action.ForwardConfig.TargetGroups[0].TargetGroupArn != *g.TargetGroupArn {
			t.Errorf("action %+v", action)
		}
		if again := s.listener(b, g, 8443); *again.ListenerArn != *first.ListenerArn {
			t.Error("the same settings made a second listener")
		}
		refuse := func(in *elb.CreateListenerInput, code, text string) {
			t.Helper()
			_, err := s.elb().CreateListener(s.Context(), in)
			s.refused(err, code, text)
		}
		refuse(tcpListener(b, other, 8443), "DuplicateListener", "A listener already exists on this port for this load balancer")
		udp := tcpListener(b, g, 53)
		udp.Protocol = types.ProtocolEnumUdp
		refuse(udp, "IncompatibleProtocols", *g.TargetGroupArn)
		http := tcpListener(b, g, 80)
		http.Protocol = types.ProtocolEnumHttp
		refuse(http, "UnsupportedProtocol", "network")
		tls := tcpListener(b, g, 443)
		tls.Protocol = types.ProtocolEnumTls
		refuse(tls, "CertificateNotFound", "certificate")
		refuse(tcpListener(s.balancer(nlb("second", subnet1)), g, 8443), "TargetGroupAssociationLimit", "more than one load balancer")
		foreign := tcpGroup("foreign")
		foreign.VpcId = aws.String(vpcB)
		refuse(tcpListener(b, s.group(foreign), 9443), "InvalidConfigurationRequest", "not in the same VPC")
		gone := *g.TargetGroupArn + "0"
		refuse(tcpListener(b, types.TargetGroup{TargetGroupArn: &gone}, 9443), "TargetGroupNotFound", "Target groups '["+gone+"]' not found")
	})
}

func TestModifyListener(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b, g, next := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("fraud")), s.group(tcpGroup("fraud-2"))
		l := s.listener(b, g, 8443)
		s.listener(b, g, 9443)
		_, err := s.elb().ModifyListener(s.Context(), &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, Port: aws.Int32(9443)})
		s.refused(err, "DuplicateListener", "")
		out, err := s.elb().ModifyListener(s.Context(), &elb.ModifyListenerInput{
			ListenerArn: l.ListenerArn, Port: aws.Int32(443),
			DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: next.TargetGroupArn}},
		})
		if got := must(s, out, err).Listeners[0]; *got.Port != 443 || *got.DefaultActions[0].TargetGroupArn != *next.TargetGroupArn || got.Protocol != "TCP" {
			t.Errorf("after the change: %+v", got)
		}
		s.refused(s.dropTargetGroup(next), "ResourceInUse", "")
	})
}

func TestListenersOfLoadBalancer(t *testing.T) {
	onStage(t, func(w *World) { w.Knobs.Quotas = map[string]int{"listenersPerLoadBalancer": 2} }, func(s *stage) {
		b, g := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("fraud"))
		l := s.listener(b, g, 1)
		s.listener(b, g, 2)
		_, err := s.elb().CreateListener(s.Context(), tcpListener(b, g, 3))
		s.refused(err, "TooManyListeners", "")
		_, err = s.elb().DescribeListeners(s.Context(), &elb.DescribeListenersInput{})
		s.refused(err, "ValidationError", "You must specify either")
		out, err := s.elb().DescribeListeners(s.Context(), &elb.DescribeListenersInput{LoadBalancerArn: b.LoadBalancerArn})
		if n := len(must(s, out, err).Listeners); n != 2 {
			t.Errorf("%d listeners", n)
		}
		must(s, 0, s.dropBalancer(b.LoadBalancerArn))
		_, err = s.elb().DescribeListeners(s.Context(), &elb.DescribeListenersInput{ListenerArns: []string{*l.ListenerArn}})
		s.refused(err, "ListenerNotFound", "One or more listeners not found")
	})
}

func TestBalancingTags(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		in := nlb("fraud", subnet1)
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("risk")}}
		b, g := s.balancer(in), s.group(tcpGroup("fraud"))
		both := []string{*b.LoadBalancerArn, *g.TargetGroupArn}
		_, err := s.elb().AddTags(s.Context(), &elb.AddTagsInput{ResourceArns: both, Tags: []types.Tag{{Key: aws.String("env"), Value: aws.String("prod")}}})
		must(s, 0, err)
		_, err = s.elb().RemoveTags(s.Context(), &elb.RemoveTagsInput{ResourceArns: both, TagKeys: []string{"team"}})
		must(s, 0, err)
		out, err := s.elb().DescribeTags(s.Context(), &elb.DescribeTagsInput{ResourceArns: both})
		for i, d := range must(s, out, err).TagDescriptions {
			if *d.ResourceArn != both[i] || len(d.Tags) != 1 || *d.Tags[0].Key != "env" || *d.Tags[0].Value != "prod" {
				t.Errorf("tags of %s: %+v", *d.ResourceArn, d.Tags)
			}
		}
		many := make([]string, 21)
		for i := range many {
			many[i] = both[0]
		}
		_, err = s.elb().DescribeTags(s.Context(), &elb.DescribeTagsInput{ResourceArns: many})
		s.refused(err, "ValidationError", "20")
		_, err = s.elb().DescribeTags(s.Context(), &elb.DescribeTagsInput{ResourceArns: []string{both[0] + "x"}})
		s.refused(err, "LoadBalancerNotFound", "not found")
		_, err = s.elb().AddTags(s.Context(), &elb.AddTagsInput{ResourceArns: both, Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("1")}}})
		s.refused(err, "ValidationError", "reserved")
	})
}

func TestDescribeAccountLimits(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		out, err := s.elb().DescribeAccountLimits(s.Context(), nil)
		for _, l := range must(s, out, err).Limits {
			if *l.Name == "network-load-balancers" && *l.Max == "50" {
				return
			}
		}
		t.Errorf("limits %+v", out.Limits)
	})
}

// A listener may forward to several target groups by weight.
func TestWeightedForward(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b, one, two := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("one")), s.group(tcpGroup("two"))
		in := tcpListener(b, one, 8443)
		in.DefaultActions[0].TargetGroupArn = nil
		in.DefaultActions[0].ForwardConfig = &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{
			{TargetGroupArn: one.TargetGroupArn, Weight: aws.Int32(9)}, {TargetGroupArn: two.TargetGroupArn, Weight: aws.Int32(1)},
		}}
		out, err := s.elb().CreateListener(s.Context(), in)
		action := must(s, out, err).Listeners[0].DefaultActions[0]
		if tuples := action.ForwardConfig.TargetGroups; action.TargetGroupArn != nil || len(tuples) != 2 || *tuples[0].Weight != 9 {
			t.Errorf("action %+v", action)
		}
		for _, g := range []types.TargetGroup{one, two} {
			s.refused(s.dropTargetGroup(g), "ResourceInUse", "")
		}
	})
}

// A gateway load balancer has neither scheme nor listener port.
func TestGatewayLoadBalancer(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		in := nlb("gate", subnet1)
		in.Type = types.LoadBalancerTypeEnumGateway
		_, err := s.elb().CreateLoadBalancer(s.Context(), in)
		s.refused(err, "ValidationError", "Scheme cannot be specified")
		in.Scheme = ""
		b := s.balancer(in)
		group := tcpGroup("gate")
		group.Protocol, group.Port = types.ProtocolEnumGeneve, aws.Int32(6081)
		listener := tcpListener(b, s.group(group), 6081)
		_, err = s.elb().CreateListener(s.Context(), listener)
		s.refused(err, "ValidationError", "cannot specify a port or protocol")
		listener.Port, listener.Protocol = nil, ""
		out, err := s.elb().CreateListener(s.Context(), listener)
		if l := must(s, out, err).Listeners[0]; l.Port != nil || l.Protocol != "" {
			t.Errorf("listener %+v", l)
		}
	})
}

func TestTLSListener(t *testing.T) {
	const certificate = "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
	onStage(t, nil, func(s *stage) {
		b, g := s.balancer(nlb("fraud", subnet1)), s.group(tcpGroup("fraud"))
		in := tcpListener(b, g, 443)
		in.Certificates = []types.Certificate{{CertificateArn: aws.String(certificate)}}
		_, err := s.elb().CreateListener(s.Context(), in)
		s.refused(err, "ValidationError", "not supported for listeners of protocol 'TCP'")
		in.Protocol, in.AlpnPolicy = types.ProtocolEnumTls, []string{"HTTP2Preferred"}
		out, err := s.elb().CreateListener(s.Context(), in)
		l := must(s, out, err).Listeners[0]
		if *l.Certificates[0].CertificateArn != certificate || *l.SslPolicy == "" || l.AlpnPolicy[0] != "HTTP2Preferred" {
			t.Errorf("listener %+v", l)
		}
		changed, err := s.elb().ModifyListener(s.Context(), &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, Protocol: types.ProtocolEnumTcp})
		if l := must(s, changed, err).Listeners[0]; len(l.Certificates) != 0 || l.SslPolicy != nil {
			t.Errorf("after the change to TCP: %+v", l)
		}
	})
}
