package kinds_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
)

// handMade is the example's fleet as people made it before they had
// linkfleet: with names, options and tags of their own.
type handMade struct {
	*testing.T
	*stage.Stage
	platform, dns *awsapi.Place
	token         map[string]string // of private names, by service id
}

// onHandMade plays in the example's world, where nothing stands yet.
func onHandMade(t *testing.T, play func(*handMade), edits ...func(awssim.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
		if err != nil {
			t.Fatal(err)
		}
		world.Actors = nil
		partner := world.Accounts[partnerID]
		partner.Roles = map[string]awssim.WorldRole{"fraud-client-prod": {Trust: []string{"*"}}}
		world.Accounts[partnerID] = partner
		for _, edit := range edits {
			edit(world)
		}
		example := stage.Example(t, exampleDir)
		clear(example.Fleet.Services)
		clear(example.Fleet.Zones)
		example.Fleet.Name = "imported"
		h := &handMade{T: t, Stage: stage.New(t, world, example.Fleet), token: map[string]string{}}
		h.platform, h.dns = h.Hands(platformID, region), h.Hands(dnsID, planner.Global)
		play(h)
	})
}

func (h *handMade) must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
}

func named(name string) []ec2types.TagSpecification {
	return []ec2types.TagSpecification{{
		ResourceType: ec2types.ResourceTypeVpcEndpointService,
		Tags:         []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String(name)}, {Key: aws.String("team"), Value: aws.String("scoring")}},
	}}
}

// group makes a security group that lets each of the blocks in on the ports,
// a permission for each port.
func (h *handMade) group(at *awsapi.Place, vpc, name string, ports []int32, blocks ...string) string {
	h.T.Helper()
	out, err := at.EC2.CreateSecurityGroup(h.Context(), &ec2.CreateSecurityGroupInput{
		VpcId: aws.String(vpc), GroupName: aws.String(name), Description: aws.String("made by hand"),
	})
	h.must(err)
	for _, port := range ports {
		perm := ec2types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(port), ToPort: aws.Int32(port)}
		for _, b := range blocks {
			perm.IpRanges = append(perm.IpRanges, ec2types.IpRange{CidrIp: aws.String(b), Description: aws.String("clients")})
		}
		_, err = at.EC2.AuthorizeSecurityGroupIngress(h.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: out.GroupId, IpPermissions: []ec2types.IpPermission{perm},
		})
		h.must(err)
	}
	return aws.ToString(out.GroupId)
}

func (h *handMade) Context() context.Context { return h.T.Context() }

// balancer makes a load balancer; without groups it can have none later.
func (h *handMade) balancer(name string, subnets []string, groups ...string) string {
	h.T.Helper()
	out, err := h.platform.ELB.CreateLoadBalancer(h.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String(name), Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
		Subnets: subnets, SecurityGroups: groups,
	})
	h.must(err)
	time.Sleep(10 * time.Minute)
	return aws.ToString(out.LoadBalancers[0].LoadBalancerArn)
}

func (h *handMade) listener(balancer, group string, port int32, in *elb.CreateTargetGroupInput, targets ...string) string {
	h.T.Helper()
	in.Name, in.VpcId, in.Protocol, in.TargetType = aws.String(group), aws.String(platformVPC), elbtypes.ProtocolEnumTcp, elbtypes.TargetTypeEnumIp
	made, err := h.platform.ELB.CreateTargetGroup(h.Context(), in)
	h.must(err)
	arn := made.TargetGroups[0].TargetGroupArn
	var all []elbtypes.TargetDescription
	for _, id := range targets {
		all = append(all, elbtypes.TargetDescription{Id: aws.String(id)})
	}
	_, err = h.platform.ELB.RegisterTargets(h.Context(), &elb.RegisterTargetsInput{TargetGroupArn: arn, Targets: all})
	h.must(err)
	_, err = h.platform.ELB.ModifyTargetGroupAttributes(h.Context(), &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: arn, Attributes: []elbtypes.TargetGroupAttribute{
		{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("20")},
		{Key: aws.String("proxy_protocol_v2.enabled"), Value: aws.String("true")},
	}})
	h.must(err)
	out, err := h.platform.ELB.CreateListener(h.Context(), &elb.CreateListenerInput{
		LoadBalancerArn: aws.String(balancer), Port: aws.Int32(port), Protocol: elbtypes.ProtocolEnumTcp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{
			TargetGroups: []elbtypes.TargetGroupTuple{{TargetGroupArn: arn}},
		}}},
	})
	h.must(err)
	return aws.ToString(out.Listeners[0].ListenerArn)
}

// service makes an endpoint service with a private name that is proved, if it
// has one, by a TXT record with a TTL of its own and a stranger's value.
func (h *handMade) service(in *ec2.CreateVpcEndpointServiceConfigurationInput, principals ...string) (id, name string) {
	h.T.Helper()
	out, err := h.platform.EC2.CreateVpcEndpointServiceConfiguration(h.Context(), in)
	h.must(err)
	conf := out.ServiceConfiguration
	id = aws.ToString(conf.ServiceId)
	_, err = h.platform.EC2.ModifyVpcEndpointServicePermissions(h.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{
		ServiceId: conf.ServiceId, AddAllowedPrincipals: principals,
	})
	h.must(err)
	if in.PrivateDnsName != nil {
		proof := conf.PrivateDnsNameConfiguration
		h.token[id] = aws.ToString(proof.Value)
		_, err = h.dns.Route53.ChangeResourceRecordSets(h.Context(), &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: aws.String(publicZone),
			ChangeBatch: &dnstypes.ChangeBatch{Changes: []dnstypes.Change{{Action: dnstypes.ChangeActionCreate, ResourceRecordSet: &dnstypes.ResourceRecordSet{
				Name: aws.String(aws.ToString(proof.Name) + "." + *in.PrivateDnsName), Type: dnstypes.RRTypeTxt, TTL: aws.Int64(300),
				ResourceRecords: []dnstypes.ResourceRecord{{Value: aws.String(`"` + h.token[id] + `"`)}, {Value: aws.String(`"somebody's own"`)}},
			}}}},
		})
		h.must(err)
		time.Sleep(time.Hour)
		_, err = h.platform.EC2.StartVpcEndpointServicePrivateDnsVerification(h.Context(), &ec2.StartVpcEndpointServicePrivateDnsVerificationInput{ServiceId: conf.ServiceId})
		h.must(err)
		time.Sleep(time.Hour)
	}
	return id, aws.ToString(conf.ServiceName)
}

// connect makes an endpoint in an account as one of its roles, and accepts it.
func (h *handMade) connect(account, role, serviceID, serviceName, vpc string, subnets []string, private bool, groups ...string) string {
	h.T.Helper()
	at := h.as(account, role)
	out, err := at.EC2.CreateVpcEndpoint(h.Context(), &ec2.CreateVpcEndpointInput{
		VpcEndpointType: ec2types.VpcEndpointTypeInterface, VpcId: aws.String(vpc), ServiceName: aws.String(serviceName),
		SubnetIds: subnets, SecurityGroupIds: groups, PrivateDnsEnabled: aws.Bool(false),
	})
	h.must(err)
	time.Sleep(10 * time.Minute)
	id := aws.ToString(out.VpcEndpoint.VpcEndpointId)
	_, err = h.platform.EC2.AcceptVpcEndpointConnections(h.Context(), &ec2.AcceptVpcEndpointConnectionsInput{ServiceId: aws.String(serviceID), VpcEndpointIds: []string{id}})
	h.must(err)
	time.Sleep(10 * time.Minute)
	if private {
		_, err = at.EC2.ModifyVpcEndpoint(h.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id, PrivateDnsEnabled: aws.Bool(true)})
		h.must(err)
		time.Sleep(10 * time.Minute)
	}
	return id
}

// as reaches an account in one of its roles.
func (h *handMade) as(account, role string) *awsapi.Place {
	h.T.Helper()
	api, err := awsapi.New(h.Context(), awsapi.Options{
		Accounts:    map[string]awsapi.Account{"there": {ID: account, RoleARN: "arn:aws:iam::" + account + ":role/" + role}},
		SessionName: "by-hand", Transport: h.Sim.Client().Transport,
		Credentials: &awsapi.Credentials{AccessKeyID: "AKIAHUB", SecretAccessKey: "secret"},
	})
	h.must(err)
	p, err := api.Place(h.Context(), planner.Place{Account: "there", Region: region})
	h.must(err)
	return p
}

func role(account, name string) string { return "arn:aws:iam::" + account + ":role/" + name }

// notify has a service's connections told to a topic of that name.
func (h *handMade) notify(service, topic string, others []any, events ...string) {
	h.T.Helper()
	made, err := h.platform.SNS.CreateTopic(h.Context(), &sns.CreateTopicInput{Name: aws.String(topic)})
	h.must(err)
	policy, err := h.platform.SNS.GetTopicAttributes(h.Context(), &sns.GetTopicAttributesInput{TopicArn: made.TopicArn})
	h.must(err)
	var doc map[string]any
	h.must(json.Unmarshal([]byte(policy.Attributes["Policy"]), &doc))
	doc["Statement"] = append(append(doc["Statement"].([]any), others...), map[string]any{
		"Sid": "PrivateLink", "Effect": "Allow", "Principal": map[string]any{"Service": "vpce.amazonaws.com"},
		"Action": "sns:Publish", "Resource": *made.TopicArn,
		"Condition": map[string]any{
			"ArnLike":      map[string]any{"aws:SourceArn": "arn:aws:ec2:us-east-1:" + platformID + ":vpc-endpoint-service/" + service},
			"StringEquals": map[string]any{"aws:SourceAccount": platformID},
		},
	})
	text, err := json.Marshal(doc)
	h.must(err)
	_, err = h.platform.SNS.SetTopicAttributes(h.Context(), &sns.SetTopicAttributesInput{TopicArn: made.TopicArn, AttributeName: aws.String("Policy"), AttributeValue: aws.String(string(text))})
	h.must(err)
	_, err = h.platform.EC2.CreateVpcEndpointConnectionNotification(h.Context(), &ec2.CreateVpcEndpointConnectionNotificationInput{
		ServiceId: aws.String(service), ConnectionNotificationArn: made.TopicArn, ConnectionEvents: events,
	})
	h.must(err)
}

const (
	lendingID = "555555555555"
	harborID  = "666666666666"
	summitID  = "777777777777"
)

// example makes the example's two services and their consumers by hand, and
// besides them a service that linkfleet has no words for.
func (h *handMade) example() {
	h.T.Helper()
	h.fraud()
	h.payments()
	h.legacy()
}

func subnets(stem string, n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, stem+string(rune('1'+i)))
	}
	return ids
}

func (h *handMade) fraud() {
	h.T.Helper()
	sg := h.group(h.platform, platformVPC, "scoring-clients", []int32{8443, 9443}, "10.0.0.0/9", "10.128.0.0/9")
	lb := h.balancer("scoring-front", subnets("subnet-0f0000000000000a", 3), sg)
	_, err := h.platform.ELB.ModifyLoadBalancerAttributes(h.Context(), &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &lb, Attributes: []elbtypes.LoadBalancerAttribute{
		{Key: aws.String("load_balancing.cross_zone.enabled"), Value: aws.String("true")},
		{Key: aws.String("deletion_protection.enabled"), Value: aws.String("true")},
	}})
	h.must(err)
	l := h.listener(lb, "scoring-https", 8443, &elb.CreateTargetGroupInput{
		Port: aws.Int32(443), HealthCheckProtocol: elbtypes.ProtocolEnumHttps, HealthCheckPath: aws.String("/alive"),
		HealthCheckIntervalSeconds: aws.Int32(15), HealthCheckTimeoutSeconds: aws.Int32(6),
	}, "10.20.1.10", "10.20.2.10", "10.20.3.10")
	_, err = h.platform.ELB.ModifyListenerAttributes(h.Context(), &elb.ModifyListenerAttributesInput{ListenerArn: &l, Attributes: []elbtypes.ListenerAttribute{
		{Key: aws.String("tcp.idle_timeout.seconds"), Value: aws.String("900")},
	}})
	h.must(err)
	h.listener(lb, "scoring-admin", 9443, &elb.CreateTargetGroupInput{Port: aws.Int32(9443)}, "10.20.1.11")
	id, name := h.service(&ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{lb}, AcceptanceRequired: aws.Bool(true),
		PrivateDnsName: aws.String("fraud.internal.payments.example.com"), TagSpecifications: named("Fraud / Scoring"),
	}, role(riskID, "linkfleet"), role(lendingID, "linkfleet"), role(harborID, "linkfleet"), role(harborID, "batch"),
		"arn:aws:iam::"+summitID+":root", role(partnerID, "fraud-client-prod"), role("999999999999", "fraud-client"), role("121212121212", "unheard-of"))
	h.notify(id, "privatelink-ops", nil, "Connect", "Delete")

	ports := []int32{8443, 9443}
	risk, lending, harbor, summit := h.as(riskID, "linkfleet"), h.as(lendingID, "linkfleet"), h.as(harborID, "linkfleet"), h.as(summitID, "linkfleet")
	h.connect(riskID, "linkfleet", id, name, riskVPC, subnets("subnet-0a0000000000000b", 3), true, h.group(risk, riskVPC, "to-scoring", ports, "10.30.0.0/16"))
	h.connect(lendingID, "linkfleet", id, name, "vpc-0a0000000000000c1", subnets("subnet-0a0000000000000c", 2), true, h.group(lending, "vpc-0a0000000000000c1", "to-scoring", ports, "10.40.16.0/20", "10.40.32.0/20"))
	// harbor's is in two groups, and summit's in one subnet: linkfleet's are not.
	h.connect(harborID, "linkfleet", id, name, "vpc-0a0000000000000d1", subnets("subnet-0a0000000000000d", 2), true,
		h.group(harbor, "vpc-0a0000000000000d1", "a", ports, "10.20.0.0/16"), h.group(harbor, "vpc-0a0000000000000d1", "b", nil))
	h.connect(summitID, "linkfleet", id, name, "vpc-0a0000000000000e1", subnets("subnet-0a0000000000000e", 1), false, h.group(summit, "vpc-0a0000000000000e1", "a", ports, "10.20.0.0/16"))
	h.connect(partnerID, "fraud-client-prod", id, name, "vpc-0b0000000000000a1", subnets("subnet-0b0000000000000a", 2), false)
}

func (h *handMade) payments() {
	h.T.Helper()
	sg := h.group(h.platform, platformVPC, "pay-clients", []int32{8443}, "10.30.0.0/16", "10.40.0.0/16")
	lb := h.balancer("pay-front", subnets("subnet-0f0000000000000a", 2), sg)
	h.listener(lb, "pay-targets", 8443, &elb.CreateTargetGroupInput{Port: aws.Int32(8443)}, "10.20.1.20", "10.20.2.20")
	id, name := h.service(&ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{lb}, AcceptanceRequired: aws.Bool(true), PrivateDnsName: aws.String("api.internal.payments.example.com"),
	}, role(riskID, "linkfleet"), role(lendingID, "linkfleet"))
	billing := map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + riskID + ":root"},
		"Action": "SNS:Publish", "Resource": "arn:aws:sns:us-east-1:" + platformID + ":pay-events",
	}
	h.notify(id, "pay-events", []any{billing}, "Accept", "Connect", "Delete", "Reject")
	risk, lending := h.as(riskID, "linkfleet"), h.as(lendingID, "linkfleet")
	h.connect(riskID, "linkfleet", id, name, riskVPC, subnets("subnet-0a0000000000000b", 2), true, h.group(risk, riskVPC, "to-pay", []int32{8443}, "10.30.0.0/16"))
	h.connect(lendingID, "linkfleet", id, name, "vpc-0a0000000000000c1", subnets("subnet-0a0000000000000c", 2), false, h.group(lending, "vpc-0a0000000000000c1", "to-pay", []int32{8443}, "10.40.16.0/20"))
}

// legacy is older than security groups of load balancers are.
func (h *handMade) legacy() {
	h.T.Helper()
	lb := h.balancer("legacy", subnets("subnet-0f0000000000000a", 2))
	h.listener(lb, "legacy", 7000, &elb.CreateTargetGroupInput{Port: aws.Int32(7000)}, "10.20.1.30")
	h.service(&ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{lb}, AcceptanceRequired: aws.Bool(true), TagSpecifications: named("Legacy"),
	}, role(riskID, "linkfleet"))
}

// pay makes a small service that the language has words for.
func (h *handMade) pay() (balancer, service string) {
	h.T.Helper()
	balancer = h.balancer("pay", subnets("subnet-0f0000000000000a", 2), h.group(h.platform, platformVPC, "pay-clients", []int32{8443}, "10.30.0.0/16"))
	h.listener(balancer, "pay", 8443, &elb.CreateTargetGroupInput{Port: aws.Int32(8443)}, "10.20.1.20")
	service, _ = h.service(&ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{balancer}, AcceptanceRequired: aws.Bool(true), TagSpecifications: named("pay"),
	}, role(riskID, "linkfleet"))
	return balancer, service
}

// knock asks for a connection from risk.
func (h *handMade) knock(service string) error {
	risk := h.as(riskID, "linkfleet")
	_, err := risk.EC2.CreateVpcEndpoint(h.Context(), &ec2.CreateVpcEndpointInput{
		VpcEndpointType: ec2types.VpcEndpointTypeInterface, VpcId: aws.String(riskVPC),
		ServiceName: aws.String("com.amazonaws.vpce.us-east-1." + service), SubnetIds: subnets("subnet-0a0000000000000b", 2),
	})
	return err
}

func (h *handMade) groupID(vpc, name string) string {
	h.T.Helper()
	out, err := h.platform.EC2.DescribeSecurityGroups(h.Context(), &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{vpc}}, {Name: aws.String("group-name"), Values: []string{name}},
	}})
	h.must(err)
	return aws.ToString(out.SecurityGroups[0].GroupId)
}

func (h *handMade) tag(id, fleet, path string) {
	h.T.Helper()
	_, err := h.platform.EC2.CreateTags(h.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []ec2types.Tag{
		{Key: aws.String(kinds.TagFleet), Value: &fleet}, {Key: aws.String(kinds.TagAddress), Value: &path},
	}})
	h.must(err)
}

func (h *handMade) tagBalancer(arn, fleet, path string) {
	h.T.Helper()
	_, err := h.platform.ELB.AddTags(h.Context(), &elb.AddTagsInput{ResourceArns: []string{arn}, Tags: []elbtypes.Tag{
		{Key: aws.String(kinds.TagFleet), Value: &fleet}, {Key: aws.String(kinds.TagAddress), Value: &path},
	}})
	h.must(err)
}
