package kinds_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/planner"
)

// A duplicate is a second object with the tags of one that stands: a crash
// after a create, or a lost answer, may leave it.
type duplicate struct {
	kind, path string
	make       func(*scene, map[string]string)
	want       string // the plan; empty where ids are in it
}

func duplicates() []duplicate {
	return []duplicate{
		{"security-group", "security-group/fraud", func(s *scene, tags map[string]string) {
			_, err := s.platform.EC2.CreateSecurityGroup(s.T.Context(), &ec2.CreateSecurityGroupInput{
				GroupName: aws.String("twin"), Description: aws.String("twin"), VpcId: aws.String(platformVPC),
				TagSpecifications: ec2Tags(ec2types.ResourceTypeSecurityGroup, tags),
			})
			s.must(err)
		}, "delete security-group/fraud\n"},
		{"load-balancer", "load-balancer/fraud", func(s *scene, tags map[string]string) {
			_, err := s.platform.ELB.CreateLoadBalancer(s.T.Context(), &elb.CreateLoadBalancerInput{
				Name: aws.String("twin"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
				Subnets: s.fraud.LoadBalancer.Subnets, SecurityGroups: []string{s.one("security-group/fraud").ID}, Tags: elbTags(tags),
			})
			s.must(err)
			s.settle()
		}, "delete load-balancer/fraud\n"},
		{"target-group", "target-group/fraud/https", func(s *scene, tags map[string]string) {
			_, err := s.platform.ELB.CreateTargetGroup(s.T.Context(), &elb.CreateTargetGroupInput{
				Name: aws.String("twin"), Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(8443), VpcId: aws.String(platformVPC),
				TargetType: elbtypes.TargetTypeEnumIp, Tags: elbTags(tags),
			})
			s.must(err)
		}, "delete target-group/fraud/https\n"},
		{"listener", "listener/fraud/https", func(s *scene, tags map[string]string) {
			_, err := s.platform.ELB.CreateListener(s.T.Context(), &elb.CreateListenerInput{
				LoadBalancerArn: s.id("load-balancer/fraud"), Port: aws.Int32(9), Protocol: elbtypes.ProtocolEnumTcp, Tags: elbTags(tags),
				DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: s.id("target-group/fraud/https")}},
			})
			s.must(err)
		}, "delete listener/fraud/https\n"},
		{"topic", "topic/privatelink-events", func(s *scene, tags map[string]string) {
			in := &sns.CreateTopicInput{Name: aws.String("twin")}
			for k, v := range tags {
				in.Tags = append(in.Tags, snstypes.Tag{Key: aws.String(k), Value: aws.String(v)})
			}
			_, err := s.platform.SNS.CreateTopic(s.T.Context(), in)
			s.must(err)
		}, "delete topic/privatelink-events\n"},
		{"endpoint-service", "endpoint-service/fraud", func(s *scene, _ map[string]string) { s.makeTwin() },
			"delete service-permissions/fraud\ndelete connection-notification/fraud\ndelete private-dns-name/fraud\ndelete endpoint-service/fraud\n"},
		{"endpoint", "endpoint/fraud/risk", func(s *scene, tags map[string]string) {
			// As the fleet's own role: nobody else of the account is admitted.
			p, err := s.API().Place(s.T.Context(), planner.Place{Account: "risk", Region: region})
			s.must(err)
			_, err = p.EC2.CreateVpcEndpoint(s.T.Context(), &ec2.CreateVpcEndpointInput{
				ServiceName: aws.String(s.one("endpoint-service/fraud").Outputs["name"]), VpcId: aws.String(riskVPC),
				VpcEndpointType: ec2types.VpcEndpointTypeInterface, SubnetIds: s.riskEndpoint().Subnets,
				TagSpecifications: ec2Tags(ec2types.ResourceTypeVpcEndpoint, tags),
			})
			s.must(err)
			s.settle()
		}, ""},
	}
}

func ec2Tags(typ ec2types.ResourceType, tags map[string]string) []ec2types.TagSpecification {
	spec := ec2types.TagSpecification{ResourceType: typ}
	for k, v := range tags {
		spec.Tags = append(spec.Tags, ec2types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return []ec2types.TagSpecification{spec}
}

func elbTags(tags map[string]string) []elbtypes.Tag {
	var all []elbtypes.Tag
	for k, v := range tags {
		all = append(all, elbtypes.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	return all
}

func TestDuplicatesAreRemoved(t *testing.T) {
	for _, d := range duplicates() {
		t.Run(d.kind, func(t *testing.T) {
			t.Parallel()
			onStage(t, pair, func(s *scene) {
				first := s.one(d.path).ID
				d.make(s, map[string]string{kinds.TagFleet: fleetName, kinds.TagAddress: d.path})
				if d.want != "" {
					s.plans(d.want)
				}
				s.Converge()
				if left := s.one(d.path).ID; left != first {
					t.Errorf("%s is left, want the one in use, %s", left, first)
				}
				s.tidy()
			})
		})
	}
}

func TestEveryTaggedKindIsDuplicated(t *testing.T) {
	var has, want []string
	for _, d := range duplicates() {
		has = append(has, d.kind)
	}
	for _, k := range kinds.All() {
		if k.Type != "" {
			want = append(want, k.Name)
		}
	}
	sameFields(t, "duplicate", has, want)
}
