package kinds_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/schema"
)

// A deletion takes one kind's object away by hand, and what AWS makes go
// before it.
type deletion struct {
	kind string
	cut  func(*schema.Fleet)
	hand func(*scene)
	want string // the plan that heals it
}

// deleteGroup is what the hand tries on a group that is in use.
func (s *scene) deleteGroup(path string) error {
	s.T.Helper()
	_, err := s.platform.EC2.DeleteSecurityGroup(s.T.Context(), &ec2.DeleteSecurityGroupInput{GroupId: s.id(path)})
	return err
}

func (s *scene) deleteListener() {
	s.T.Helper()
	_, err := s.platform.ELB.DeleteListener(s.T.Context(), &elb.DeleteListenerInput{ListenerArn: s.id("listener/fraud/https")})
	s.must(err)
}

func (s *scene) deleteService() {
	s.T.Helper()
	out, err := s.platform.EC2.DeleteVpcEndpointServiceConfigurations(s.T.Context(), &ec2.DeleteVpcEndpointServiceConfigurationsInput{
		ServiceIds: []string{s.one("endpoint-service/fraud").ID},
	})
	s.must(err)
	s.must(awsapi.Unsuccessful(out.Unsuccessful))
}

func (s *scene) deleteBalancer() {
	s.T.Helper()
	_, err := s.platform.ELB.DeleteLoadBalancer(s.T.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: s.id("load-balancer/fraud")})
	s.must(err)
	s.settle()
}

func (s *scene) deleteTargetGroup() {
	s.T.Helper()
	_, err := s.platform.ELB.DeleteTargetGroup(s.T.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: s.id("target-group/fraud/https")})
	s.must(err)
}

// whatFollowsAService is made again with a service that nobody uses.
const whatFollowsAService = "create endpoint-service/fraud\nupdate topic/privatelink-events: publishers\n" +
	"create connection-notification/fraud\ncreate private-dns-name/fraud\ncreate verification-record/fraud: name, value\n" +
	"delete verification-record/fraud: name, value\ncreate domain-verification/fraud\n"

func deletions() []deletion {
	return []deletion{
		{
			kind: "listener", cut: pair, want: "create listener/fraud/https\n",
			hand: (*scene).deleteListener,
		},
		{
			kind: "target-group", cut: pair, want: "create target-group/fraud/https\ncreate listener/fraud/https\n",
			hand: func(s *scene) { s.deleteListener(); s.settle(); s.deleteTargetGroup() },
		},
		{
			kind: "endpoint-service", cut: alone, want: whatFollowsAService,
			hand: (*scene).deleteService,
		},
		{
			kind: "load-balancer", cut: alone, want: "create load-balancer/fraud\ncreate listener/fraud/https\n" + whatFollowsAService,
			hand: func(s *scene) { s.deleteService(); s.deleteBalancer() },
		},
		{
			kind: "security-group", cut: alone,
			want: "create security-group/fraud\ncreate load-balancer/fraud\ncreate listener/fraud/https\n" + whatFollowsAService,
			hand: func(s *scene) { s.deleteService(); s.deleteBalancer(); s.must(s.deleteGroup("security-group/fraud")) },
		},
		{kind: "security-group", cut: pair, want: "", hand: func(s *scene) {
			if err := s.deleteGroup("security-group/fraud"); awsapi.Code(err) != "DependencyViolation" {
				s.T.Errorf("AWS answers %v", err)
			}
		}},
		{kind: "service-permissions", cut: pair, want: "create service-permissions/fraud\n", hand: func(s *scene) {
			_, err := s.platform.EC2.ModifyVpcEndpointServicePermissions(s.T.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
				ServiceId: s.id("endpoint-service/fraud"), RemoveAllowedPrincipals: principals(s.fraud),
			})
			s.must(err)
		}},
		{kind: "topic", cut: pair, want: "create topic/privatelink-events\nupdate connection-notification/fraud: topic\n", hand: func(s *scene) {
			_, err := s.platform.SNS.DeleteTopic(s.T.Context(), &sns.DeleteTopicInput{TopicArn: aws.String(topicARN)})
			s.must(err)
		}},
		{kind: "connection-notification", cut: pair, want: "create connection-notification/fraud\n", hand: func(s *scene) {
			_, err := s.platform.EC2.DeleteVpcEndpointConnectionNotifications(s.T.Context(), &ec2.DeleteVpcEndpointConnectionNotificationsInput{
				ConnectionNotificationIds: []string{s.one("connection-notification/fraud").ID},
			})
			s.must(err)
		}},
		{
			kind: "private-dns-name, domain-verification", cut: alone, want: "create private-dns-name/fraud\ncreate verification-record/fraud: name, value\n" +
				"delete verification-record/fraud: name, value\ncreate domain-verification/fraud\n",
			hand: func(s *scene) {
				s.modifyService(&ec2.ModifyVpcEndpointServiceConfigurationInput{RemovePrivateDnsName: aws.Bool(true)})
			},
		},
		{kind: "verification-record", cut: pair, want: "create verification-record/fraud\nupdate domain-verification/fraud: record\n", hand: func(s *scene) {
			s.changeRecord(dnstypes.ChangeActionDelete, s.proof())
		}},
		{
			kind: "endpoint, connection, endpoint-private-dns", cut: pair,
			want: "create endpoint/fraud/risk\ncreate connection/fraud/risk\ncreate endpoint-private-dns/fraud/risk\n",
			hand: func(s *scene) {
				_, err := s.risk.EC2.DeleteVpcEndpoints(s.T.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{s.one("endpoint/fraud/risk").ID}})
				s.must(err)
			},
		},
		{kind: "endpoint-private-dns", cut: pair, want: "create endpoint-private-dns/fraud/risk\n", hand: func(s *scene) {
			s.modifyEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
		}},
	}
}

func principals(s *schema.Service) []string {
	var all []string
	for _, c := range s.Consumers {
		all = append(all, c.Principals...)
	}
	return all
}

func TestWhatIsDeletedByHandIsMadeAgain(t *testing.T) {
	for _, d := range deletions() {
		t.Run(d.kind, func(t *testing.T) {
			t.Parallel()
			onStage(t, d.cut, func(s *scene) {
				d.hand(s)
				s.heals(d.want)
			})
		})
	}
}

// external is the endpoint of the one consumer who makes it alone.
func (s *scene) external() string {
	s.T.Helper()
	for _, rs := range s.Live().Live {
		for _, r := range rs {
			if r.Outputs["owner"] == partnerID {
				return r.Outputs["endpoint"]
			}
		}
	}
	s.T.Fatal("the partner has no connection")
	return ""
}

func TestEveryKindIsDeleted(t *testing.T) {
	var has, want []string
	for _, d := range deletions() {
		has = append(has, fieldList(d.kind)...)
	}
	for _, k := range kinds.All() {
		want = append(want, k.Name)
	}
	sameFields(t, "deletion", has, want)
}
