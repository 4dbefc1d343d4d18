package awssim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// nlb is the input of an internal network load balancer.
func nlb(name string, subnets ...string) *elb.CreateLoadBalancerInput {
	return &elb.CreateLoadBalancerInput{
		Name: &name, Type: types.LoadBalancerTypeEnumNetwork,
		Scheme: types.LoadBalancerSchemeEnumInternal, Subnets: subnets,
	}
}

func (s *stage) balancer(in *elb.CreateLoadBalancerInput) types.LoadBalancer {
	s.Helper()
	out, err := s.elb().CreateLoadBalancer(s.Context(), in)
	return must(s, out, err).LoadBalancers[0]
}

func (s *stage) describe(arn *string) types.LoadBalancer {
	s.Helper()
	out, err := s.elb().DescribeLoadBalancers(s.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*arn}})
	return must(s, out, err).LoadBalancers[0]
}

func (s *stage) dropBalancer(arn *string) error {
	_, err := s.elb().DeleteLoadBalancer(s.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: arn})
	return err
}

// interfaces lists the interfaces of a balancer.
func (s *stage) interfaces(b types.LoadBalancer) []ec2types.NetworkInterface {
	s.Helper()
	_, path, _ := strings.Cut(*b.LoadBalancerArn, ":loadbalancer/")
	out, err := s.ec2().DescribeNetworkInterfaces(s.Context(), &ec2.DescribeNetworkInterfacesInput{
		Filters: []ec2types.Filter{{Name: aws.String("description"), Values: []string{"ELB " + path}}},
	})
	return must(s, out, err).NetworkInterfaces
}

func TestLoadBalancerBecomesActive(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b := s.balancer(nlb("fraud", subnet1, subnet2))
		if b.State.Code != types.LoadBalancerStateEnumProvisioning {
			t.Errorf("new balancer is %s", b.State.Code)
		}
		if want := "fraud-"; !strings.HasPrefix(*b.DNSName, want) || !strings.HasSuffix(*b.DNSName, ".elb.us-east-1.amazonaws.com") {
			t.Errorf("DNS name %s", *b.DNSName)
		}
		if !strings.Contains(*b.LoadBalancerArn, ":111111111111:loadbalancer/net/fraud/") {
			t.Errorf("ARN %s", *b.LoadBalancerArn)
		}
		if len(b.SecurityGroups) != 0 || *b.VpcId != vpcA || b.IpAddressType != types.IpAddressTypeIpv4 {
			t.Errorf("groups %v, VPC %s, addresses %s", b.SecurityGroups, *b.VpcId, b.IpAddressType)
		}
		s.pass(119 * time.Second)
		if state := s.describe(b.LoadBalancerArn).State.Code; state != types.LoadBalancerStateEnumProvisioning {
			t.Errorf("after 119 s it is %s", state)
		}
		s.pass(time.Second)
		if state := s.describe(b.LoadBalancerArn).State.Code; state != types.LoadBalancerStateEnumActive {
			t.Errorf("after 120 s it is %s", state)
		}
	})
}

// AWS's defaults are an application load balancer that faces the internet.
func TestLoadBalancerDefaults(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b := s.balancer(&elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{subnet1, subnet2}})
		if b.Type != types.LoadBalancerTypeEnumApplication || b.Scheme != types.LoadBalancerSchemeEnumInternetFacing {
			t.Errorf("type %s, scheme %s", b.Type, b.Scheme)
		}
		if len(b.SecurityGroups) != 1 {
			t.Errorf("groups %v, want the VPC's default", b.SecurityGroups)
		}
	})
}

func TestCreateLoadBalancerIdempotent(t *testing.T) {
	tag := func(in *elb.CreateLoadBalancerInput) {
		in.Tags = []types.Tag{{Key: aws.String("owner"), Value: aws.String("else")}}
	}
	tests := []struct {
		name   string
		change func(*elb.CreateLoadBalancerInput)
		same   bool
	}{
		{"same settings", func(*elb.CreateLoadBalancerInput) {}, true},
		{"subnets in another order", func(in *elb.CreateLoadBalancerInput) { slices.Reverse(in.Subnets) }, true},
		{"other tags are no other settings", tag, true},
		{"other subnets", func(in *elb.CreateLoadBalancerInput) { in.Subnets = []string{subnet1} }, false},
		{"security groups", func(in *elb.CreateLoadBalancerInput) { in.SecurityGroups = []string{group1} }, false},
		{"scheme", func(in *elb.CreateLoadBalancerInput) { in.Scheme = types.LoadBalancerSchemeEnumInternetFacing }, false},
	}
	onStage(t, nil, func(s *stage) {
		first := s.balancer(nlb("fraud", subnet1, subnet2))
		for _, test := range tests {
			in := nlb("fraud", subnet1, subnet2)
			test.change(in)
			out, err := s.elb().CreateLoadBalancer(s.Context(), in)
			if !test.same {
				s.refused(err, "DuplicateLoadBalancerName", "A load balancer with the same name 'fraud' exists, but with different settings")
				continue
			}
			if got := must(s, out, err).LoadBalancers[0]; *got.LoadBalancerArn != *first.LoadBalancerArn {
				t.Errorf("%s: made a second balancer", test.name)
			}
		}
		if n := len(s.interfaces(first)); n != 2 {
			t.Errorf("%d interfaces, want 2", n)
		}
	})
}

func TestCreateLoadBalancerRefusals(t *testing.T) {
	with := func(change func(*elb.CreateLoadBalancerInput)) *elb.CreateLoadBalancerInput {
		in := nlb("fraud", subnet1, subnet2)
		change(in)
		return in
	}
	tests := []struct {
		in         *elb.CreateLoadBalancerInput
		code, text string
	}{
		{nlb(strings.Repeat("x", 33), subnet1), "ValidationError", "cannot be longer than '32' characters"},
		{nlb("-fraud", subnet1), "ValidationError", "cannot begin or end with a hyphen"},
		{nlb("fraud_api", subnet1), "ValidationError", "alphanumeric"},
		{nlb("internal-fraud", subnet1), "ValidationError", "internal-"},
		{nlb("fraud"), "ValidationError", "At least one subnet"},
		{nlb("fraud", subnet1, subnet1b), "InvalidConfigurationRequest", "multiple subnets in the same Availability Zone"},
		{nlb("fraud", subnet1, subnetB), "InvalidConfigurationRequest", "same VPC"},
		{nlb("fraud", "subnet-0dead00000000beef"), "SubnetNotFound", "The subnet ID 'subnet-0dead00000000beef' does not exist"},
		{nlb("fraud", subnetFull), "InvalidSubnet", "at least 8 free IP addresses"},
		{with(func(in *elb.CreateLoadBalancerInput) { in.SecurityGroups = []string{"sg-0dead00000000beef"} }), "InvalidSecurityGroup", "does not exist"},
		{with(func(in *elb.CreateLoadBalancerInput) { in.SecurityGroups = []string{groupB} }), "InvalidConfigurationRequest", "One or more security groups are invalid"},
		{with(func(in *elb.CreateLoadBalancerInput) {
			in.SubnetMappings = []types.SubnetMapping{{SubnetId: aws.String(subnet3)}}
		}), "ValidationError", "not both"},
		{with(func(in *elb.CreateLoadBalancerInput) { in.IpAddressType = types.IpAddressTypeDualstack }), "InvalidConfigurationRequest", "IPv6"},
		{with(func(in *elb.CreateLoadBalancerInput) { in.Type, in.Subnets = "application", []string{subnet1} }), "ValidationError", "At least two subnets"},
		{with(func(in *elb.CreateLoadBalancerInput) {
			in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")}}
		}), "DuplicateTagKeys", "'a'"},
	}
	onStage(t, nil, func(s *stage) {
		for _, test := range tests {
			_, err := s.elb().CreateLoadBalancer(s.Context(), test.in)
			s.refused(err, test.code, test.text)
		}
		out, err := s.elb().DescribeLoadBalancers(s.Context(), nil)
		if n := len(must(s, out, err).LoadBalancers); n != 0 {
			t.Errorf("refused creates left %d balancers", n)
		}
	})
}

func TestPinnedAddress(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		in := nlb("pinned")
		in.SubnetMappings = []types.SubnetMapping{{SubnetId: aws.String(subnet1), PrivateIPv4Address: aws.String("10.20.1.77")}}
		b := s.balancer(in)
		if got := b.AvailabilityZones[0].LoadBalancerAddresses; len(got) != 1 || *got[0].PrivateIPv4Address != "10.20.1.77" {
			t.Errorf("addresses %+v", got)
		}
		if eni := s.interfaces(b)[0]; *eni.PrivateIpAddress != "10.20.1.77" {
			t.Errorf("interface has %s", *eni.PrivateIpAddress)
		}
	})
}

func TestLoadBalancerQuota(t *testing.T) {
	onStage(t, func(w *World) { w.Knobs.Quotas = map[string]int{"loadBalancersPerRegion": 1} }, func(s *stage) {
		b := s.balancer(nlb("one", subnet1))
		_, err := s.elb().CreateLoadBalancer(s.Context(), nlb("two", subnet1))
		s.refused(err, "TooManyLoadBalancers", "")
		must(s, 0, s.dropBalancer(b.LoadBalancerArn))
		s.balancer(nlb("two", subnet1))
	})
}

// The interfaces of a deleted balancer hold their security groups for a while.
func TestDeletedLoadBalancerHoldsItsGroups(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		in := nlb("fraud", subnet1, subnet2)
		in.SecurityGroups = []string{group1}
		b := s.balancer(in)
		for _, eni := range s.interfaces(b) {
			if *eni.RequesterId != "amazon-elb" || !*eni.RequesterManaged || *eni.Groups[0].GroupId != group1 {
				t.Errorf("interface %s is not the balancer's: %+v", *eni.NetworkInterfaceId, eni)
			}
		}
		dropGroup := func() error {
			_, err := s.ec2().DeleteSecurityGroup(s.Context(), &ec2.DeleteSecurityGroupInput{GroupId: aws.String(group1)})
			return err
		}
		must(s, 0, s.dropBalancer(b.LoadBalancerArn))
		_, err := s.elb().DescribeLoadBalancers(s.Context(), &elb.DescribeLoadBalancersInput{Names: []string{"fraud"}})
		s.refused(err, "LoadBalancerNotFound", "Load balancers '[fraud]' not found")
		s.refused(dropGroup(), "DependencyViolation", "")
		s.pass(2 * time.Minute)
		if n := len(s.interfaces(b)); n != 0 {
			t.Errorf("%d interfaces left", n)
		}
		if err := dropGroup(); err != nil {
			t.Error(err)
		}
	})
}

func TestDeleteLoadBalancer(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b := s.balancer(nlb("fraud", subnet1))
		protect := func(value string) {
			_, err := s.elb().ModifyLoadBalancerAttributes(s.Context(), &elb.ModifyLoadBalancerAttributesInput{
				LoadBalancerArn: b.LoadBalancerArn,
				Attributes:      []types.LoadBalancerAttribute{{Key: aws.String("deletion_protection.enabled"), Value: &value}},
			})
			must(s, 0, err)
		}
		protect("true")
		s.refused(s.dropBalancer(b.LoadBalancerArn), "OperationNotPermitted", "because deletion protection is enabled")
		protect("false")
		for range 2 { // the second time it is gone already, which is success
			if err := s.dropBalancer(b.LoadBalancerArn); err != nil {
				t.Error(err)
			}
		}
		s.refused(s.dropBalancer(aws.String("fraud")), "ValidationError", "'fraud' is not a valid load balancer ARN")
	})
}

func TestServiceHoldsItsLoadBalancer(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b := s.balancer(nlb("fraud", subnet1, subnet2))
		s.pass(2 * time.Minute)
		out, err := s.ec2().CreateVpcEndpointServiceConfiguration(s.Context(), &ec2.CreateVpcEndpointServiceConfigurationInput{
			NetworkLoadBalancerArns: []string{*b.LoadBalancerArn},
		})
		service := must(s, out, err).ServiceConfiguration.ServiceId
		s.refused(s.dropBalancer(b.LoadBalancerArn), "ResourceInUse", "cannot be deleted because it is currently associated with another service")
		_, err = s.ec2().DeleteVpcEndpointServiceConfigurations(s.Context(), &ec2.DeleteVpcEndpointServiceConfigurationsInput{ServiceIds: []string{*service}})
		must(s, 0, err)
		s.pass(time.Minute)
		must(s, 0, s.dropBalancer(b.LoadBalancerArn))
	})
}

func TestSetSubnets(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b := s.balancer(nlb("fraud", subnet1, subnet2))
		s.pass(2 * time.Minute)
		set := func(subnets ...string) ([]types.AvailabilityZone, error) {
			out, err := s.elb().SetSubnets(s.Context(), &elb.SetSubnetsInput{LoadBalancerArn: b.LoadBalancerArn, Subnets: subnets})
			if err != nil {
				return nil, err
			}
			return out.AvailabilityZones, nil
		}
		kept := s.interfaces(b)[0]

		zones := try(set(subnet1, subnet2, subnet3)).must(s)
		if len(zones) != 3 || s.describe(b.LoadBalancerArn).State.Code != types.LoadBalancerStateEnumProvisioning {
			t.Errorf("adding gave %d zones in state %s", len(zones), s.describe(b.LoadBalancerArn).State.Code)
		}
		s.pass(time.Minute)
		if state := s.describe(b.LoadBalancerArn).State.Code; state != types.LoadBalancerStateEnumActive {
			t.Errorf("a minute after adding it is %s", state)
		}
		if n := len(s.interfaces(b)); n != 3 {
			t.Errorf("%d interfaces, want 3", n)
		}
		_, err := set(subnet1b, subnet2, subnet3)
		s.refused(err, "InvalidConfigurationRequest", "remove '"+subnet1+"', then add '"+subnet1b+"'")

		try(set(subnet1)).must(s)
		s.pass(time.Minute)
		left := s.interfaces(b)
		if len(left) != 1 || *left[0].NetworkInterfaceId != *kept.NetworkInterfaceId {
			t.Errorf("removing left %d interfaces, want the first alone", len(left))
		}
		_, err = set()
		s.refused(err, "ValidationError", "At least one subnet")
	})
}

func TestSetSecurityGroups(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		bare := s.balancer(nlb("bare", subnet1))
		in := nlb("guarded", subnet1)
		in.SecurityGroups = []string{group1}
		guarded := s.balancer(in)
		if got := guarded.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic; got != nil {
			t.Errorf("enforcement is %q before anybody has set it", *got)
		}
		set := func(b types.LoadBalancer, enforce types.EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnum, groups ...string) error {
			_, err := s.elb().SetSecurityGroups(s.Context(), &elb.SetSecurityGroupsInput{
				LoadBalancerArn: b.LoadBalancerArn, SecurityGroups: groups,
				EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: enforce,
			})
			return err
		}
		s.refused(set(bare, "", group1), "InvalidConfigurationRequest",
			"You cannot set security groups on a Network Load Balancer which was created without any security groups.")
		s.refused(set(guarded, "", groupB), "InvalidConfigurationRequest", "One or more security groups are invalid")
		s.refused(set(guarded, "", []string{}...), "InvalidConfigurationRequest", "You cannot remove all security groups")
		must(s, 0, set(guarded, "off", group2))
		got := s.describe(guarded.LoadBalancerArn)
		if aws.ToString(got.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic) != "off" || !slices.Equal(got.SecurityGroups, []string{group2}) {
			t.Errorf("groups %v, enforcement %v", got.SecurityGroups, got.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic)
		}
		if eni := s.interfaces(guarded)[0]; *eni.Groups[0].GroupId != group2 {
			t.Errorf("the interface carries %s", *eni.Groups[0].GroupId)
		}
	})
}

func TestDescribeLoadBalancers(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		var arns []string
		for i := range 5 {
			arns = append(arns, *s.balancer(nlb(fmt.Sprintf("lb-%d", 9-i), subnet1)).LoadBalancerArn)
		}
		var got []string
		pages := elb.NewDescribeLoadBalancersPaginator(s.elb(), &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(2)})
		for pages.HasMorePages() {
			out, err := pages.NextPage(s.Context())
			for _, b := range must(s, out, err).LoadBalancers {
				got = append(got, *b.LoadBalancerArn)
			}
		}
		if !slices.Equal(got, arns) {
			t.Errorf("pages of 2 gave %v, want %v", got, arns)
		}
		many := slices.Repeat(arns, 5)
		_, err := s.elb().DescribeLoadBalancers(s.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: many[:21]})
		s.refused(err, "ValidationError", "20")
		_, err = s.elb().DescribeLoadBalancers(s.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: arns[:1], Names: []string{"lb-9"}})
		s.refused(err, "ValidationError", "same time")
		_, err = s.elb().DescribeLoadBalancers(s.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{arns[0] + "0"}})
		s.refused(err, "LoadBalancerNotFound", "One or more load balancers not found")
	})
}

// With a lag, lists do not show what is new and still show what is gone.
func TestLoadBalancerListLag(t *testing.T) {
	lag := func(w *World) { w.Knobs.Latencies = map[string]time.Duration{"listLag": 10 * time.Second} }
	onStage(t, lag, func(s *stage) {
		count := func() int {
			out, err := s.elb().DescribeLoadBalancers(s.Context(), nil)
			return len(must(s, out, err).LoadBalancers)
		}
		b := s.balancer(nlb("fraud", subnet1))
		if n := count(); n != 0 {
			t.Errorf("the new balancer shows at once")
		}
		s.pass(10 * time.Second)
		if n := count(); n != 1 {
			t.Errorf("after the lag the list has %d", n)
		}
		must(s, 0, s.dropBalancer(b.LoadBalancerArn))
		if n := count(); n != 1 {
			t.Errorf("the deleted balancer is off the list at once")
		}
		s.balancer(nlb("fraud", subnet2)) // the name is free meanwhile
		s.pass(10 * time.Second)
		if n := count(); n != 1 {
			t.Errorf("after the lag the list has %d, want the new one", n)
		}
	})
}

// The simulator's subnets have no IPv6 blocks, so nothing can be dualstack.
func TestSetIPAddressType(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		b := s.balancer(nlb("fraud", subnet1))
		set := func(kind types.IpAddressType) error {
			_, err := s.elb().SetIpAddressType(s.Context(), &elb.SetIpAddressTypeInput{LoadBalancerArn: b.LoadBalancerArn, IpAddressType: kind})
			return err
		}
		s.refused(set(types.IpAddressTypeDualstack), "InvalidSubnet", "IPv6 CIDR block")
		must(s, 0, set(types.IpAddressTypeIpv4))
	})
}
