package kinds_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/schema"
)

// TestStrangersObjectsStayAsTheyAre goes through a fleet's whole life beside
// what others have in the same accounts, another fleet among them whose
// addresses are the same.
func TestStrangersObjectsStayAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, pair)
		s.makeStrangers()
		rival := s.rival()
		rival.Converge()
		s.settle()
		before := s.rows()

		s.Converge()
		s.keeps(before, "the way up")
		for _, d := range slices.Concat(groupDrifts(), serviceDrifts(), topicDrifts()[2:5]) {
			if d.refused == nil {
				d.hand(s)
			}
		}
		s.shareProof()
		s.Converge()
		s.keeps(before, "healing")

		clear(s.Fleet.Services)
		s.Converge()
		s.keeps(before, "the way down")
		s.takeBackProof()
		time.Sleep(time.Hour) // what AWS shows of deleted endpoints is gone
		after := s.rows()
		maps.DeleteFunc(after, func(row, text string) bool { return before[row] != "" || s.byHand(row) })
		if len(after) > 0 {
			t.Errorf("left over: %v", slices.Sorted(maps.Keys(after)))
		}
		rival.WantEmpty()
	})
}

// makeStrangers makes one untagged object of each kind.
func (s *scene) makeStrangers() {
	s.T.Helper()
	ctx := s.T.Context()
	for p, vpc := range map[*ec2.Client]string{s.platform.EC2: platformVPC, s.risk.EC2: riskVPC} {
		out, err := p.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("fraud"), Description: aws.String("theirs"), VpcId: aws.String(vpc)})
		s.must(err)
		_, err = p.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: out.GroupId, IpPermissions: rule(22, "10.0.0.0/8")})
		s.must(err)
	}
	balancer := s.makeBalancer("theirs", s.fraud.LoadBalancer.Subnets...)
	group := s.makeTargetGroup("theirs")
	_, err := s.platform.ELB.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: &balancer, Port: aws.Int32(8443), Protocol: elbtypes.ProtocolEnumTcp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &group}},
	})
	s.must(err)
	topic, err := s.platform.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("theirs")})
	s.must(err)
	_, err = s.platform.SNS.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")})
	s.must(err)
	service, err := s.platform.EC2.CreateVpcEndpointServiceConfiguration(ctx, &ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{balancer}, AcceptanceRequired: aws.Bool(true), PrivateDnsName: aws.String("theirs.payments.example.com"),
	})
	s.must(err)
	_, err = s.platform.EC2.ModifyVpcEndpointServicePermissions(ctx, &ec2.ModifyVpcEndpointServicePermissionsInput{
		ServiceId: service.ServiceConfiguration.ServiceId, AddAllowedPrincipals: []string{"arn:aws:iam::" + riskID + ":root"},
	})
	s.must(err)
	_, err = s.platform.EC2.CreateVpcEndpointConnectionNotification(ctx, &ec2.CreateVpcEndpointConnectionNotificationInput{
		ServiceId: service.ServiceConfiguration.ServiceId, ConnectionNotificationArn: topic.TopicArn, ConnectionEvents: []string{"Accept"},
	})
	s.must(err)
	_, err = s.risk.EC2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
		ServiceName: service.ServiceConfiguration.ServiceName, VpcId: aws.String(riskVPC), VpcEndpointType: ec2types.VpcEndpointTypeInterface,
		SubnetIds: s.riskEndpoint().Subnets[:1],
	})
	s.must(err)
	s.changeRecord(dnstypes.ChangeActionCreate, txt("payments.example.com", `"v=spf1 -all"`))
	s.settle()
}

func txt(name string, values ...string) dnstypes.ResourceRecordSet {
	set := dnstypes.ResourceRecordSet{Name: &name, Type: dnstypes.RRTypeTxt, TTL: aws.Int64(77)}
	for _, v := range values {
		set.ResourceRecords = append(set.ResourceRecords, dnstypes.ResourceRecord{Value: &v})
	}
	return set
}

// rival is another fleet on the same stage: other names where AWS wants them
// unique, and the same addresses.
func (s *scene) rival() *stage.Stage {
	s.T.Helper()
	f := exampleFleet(s.T)
	pair(f)
	f.Name = "rival"
	fraud := f.Services["fraud"]
	fraud.PrivateDNS = &schema.PrivateDNS{Name: "rival.payments.example.com", Zone: "payments.example.com"}
	fraud.Notifications.Topic = "rival-events"
	delete(fraud.Consumers, "partner-a")
	return &stage.Stage{T: s.T, Sim: s.Sim, Fleet: f}
}

// shareProof puts a stranger's value beside the token, and takeBackProof
// wants it to be all that is left.
func (s *scene) shareProof() {
	s.T.Helper()
	set := s.proof()
	set.ResourceRecords = append([]dnstypes.ResourceRecord{{Value: aws.String(`"theirs" "too"`)}}, set.ResourceRecords...)
	set.TTL = aws.Int64(77)
	s.changeRecord(dnstypes.ChangeActionUpsert, set)
	s.shared = aws.ToString(set.Name)
}

func (s *scene) takeBackProof() {
	s.T.Helper()
	s.changeRecord(dnstypes.ChangeActionDelete, txt(s.shared, `"theirs" "too"`)) // refused if it is another set
}

// byHand tells what the drifts leave.
func (s *scene) byHand(row string) bool { return strings.HasSuffix(row, ":elsewhere") }

// keeps wants rows to be as they were.
func (s *scene) keeps(before map[string]string, when string) {
	s.T.Helper()
	s.settle()
	now := s.rows()
	for row, text := range before {
		if now[row] != text {
			s.T.Errorf("%s changed %s:\n%s\nnow\n%s", when, row, text, now[row])
		}
	}
}

// rows are what the simulator keeps of the fleet's accounts, but for what it
// keeps of its own: each object as JSON, by place, table and id.
func (s *scene) rows() map[string]string {
	s.T.Helper()
	answer := httptest.NewRecorder()
	s.Sim.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/_sim/world", nil))
	type table struct{ Rows map[string]json.RawMessage }
	var world struct {
		Cells map[string]struct {
			Network     struct{ SecurityGroups, Interfaces table }
			PrivateLink struct{ Services, Endpoints, Notifications table }
			Balancing   struct{ LoadBalancers, TargetGroups, Listeners table }
			Topics      struct{ Topics table }
		}
		Accounts map[string]struct {
			DNS struct {
				Zones struct {
					Rows map[string]struct{ Records map[string]json.RawMessage }
				}
			}
		}
	}
	s.must(json.Unmarshal(answer.Body.Bytes(), &world))
	rows := map[string]string{}
	add := func(at string, of map[string]json.RawMessage) {
		for id, text := range of {
			rows[at+" "+id] = string(text)
		}
	}
	for _, account := range []string{platformID, riskID} {
		at := account + "/" + region
		c := world.Cells[at]
		for _, t := range []table{
			c.Network.SecurityGroups, c.Network.Interfaces, c.PrivateLink.Services, c.PrivateLink.Endpoints, c.PrivateLink.Notifications,
			c.Balancing.LoadBalancers, c.Balancing.TargetGroups, c.Balancing.Listeners, c.Topics.Topics,
		} {
			add(at, t.Rows)
		}
	}
	add(dnsID, world.Accounts[dnsID].DNS.Zones.Rows[publicZone].Records)
	if len(rows) < 5 {
		s.T.Fatal("the simulator's world is read wrongly")
	}
	return rows
}
