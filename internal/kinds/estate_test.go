package kinds_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
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
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/estate"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
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
func onHandMade(t *testing.T, play func(*handMade)) {
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

// imports imports into a new folder, as a new process.
func (h *handMade) imports(only ...string) (string, *estate.Imported) {
	h.T.Helper()
	dir := filepath.Join(h.TempDir(), "fleet")
	base := *h.Fleet
	in := estate.Import{API: h.API(), Fleet: &base, Dir: dir, Only: only, Today: time.Now()}
	done, err := in.Run(h.Context())
	h.must(err)
	return dir, done
}

// loads makes the fleet of a folder the stage's.
func (h *handMade) loads(dir string) {
	h.T.Helper()
	fleet, _, err := schema.Load(h.Context(), dir, time.Now())
	h.must(err)
	h.Fleet = fleet
}

// adopts adopts all that the folder says.
func (h *handMade) adopts(dir string) *estate.Adoption {
	h.T.Helper()
	objects, err := estate.ReadClaims(dir)
	h.must(err)
	a, err := estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "")
	h.must(err)
	if len(a.Left.Steps)+len(a.Left.Blocked) > 0 {
		h.Fatalf("adoption leaves something to do:\n%s", stage.Text(a.Left))
	}
	h.must(a.Do(h.Context(), func(estate.Object) {}))
	time.Sleep(10 * time.Minute) // AWS's index of tags lags
	return a
}

// changing are the operations among calls that change something, sorted.
func changing(calls []awssim.Call) []string {
	var ops []string
	for _, c := range calls {
		reads := slices.ContainsFunc([]string{"Describe", "List", "Get", "AssumeRole"}, func(p string) bool { return strings.HasPrefix(c.Operation, p) })
		if !reads && !slices.Contains(ops, c.Operation) {
			ops = append(ops, c.Operation)
		}
	}
	slices.Sort(ops)
	return ops
}

func wantOperations(t *testing.T, calls []awssim.Call, want ...string) {
	t.Helper()
	if got := changing(calls); !slices.Equal(got, want) {
		t.Errorf("operations that change AWS: %v, want %v", got, want)
	}
}

func TestHandMadeEstate(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		before := h.records()
		var dir string
		var done *estate.Imported
		wantOperations(t, h.Calls(func() { dir, done = h.imports() }))
		if len(done.Whole) != 2 || len(done.Drafts) != 1 || done.Drafts[0].Service.Name != "legacy" {
			for _, f := range done.Drafts {
				t.Logf("%s: %v", f.Service.Name, f.Faults)
			}
			t.Fatalf("%d whole and %d drafts, want two and legacy", len(done.Whole), len(done.Drafts))
		}
		goldenFleet(t, dir)
		h.loads(dir)

		calls := h.Calls(func() { h.adopts(dir) })
		wantOperations(t, calls, "AddTags", "ChangeResourceRecordSets", "CreateTags", "TagResource")
		wantOperations(t, h.Calls(h.WantEmpty))
		if again := h.adopts(dir); len(again.Objects) != 0 {
			t.Errorf("a second adoption has %v to do", again.Objects)
		}

		service := done.Whole[0].Service.Name
		calls = h.Calls(func() { h.releases(service) })
		wantOperations(t, calls, "ChangeResourceRecordSets", "DeleteTags", "RemoveTags", "UntagResource")
		kept := h.Fleet.Services[service]
		delete(h.Fleet.Services, service)
		h.WantEmpty()
		h.Fleet.Services[service] = kept

		h.adopts(dir)
		h.WantEmpty()
		for name := range h.Fleet.Services {
			h.releases(name)
		}
		if after := h.records(); !slices.Equal(before, after) {
			t.Errorf("TXT values before %q, after %q", before, after)
		}
		h.loads(dir)
		if _, again := h.imports(); len(again.Whole) != 2 {
			t.Errorf("after release %d services can be imported, want 2", len(again.Whole))
		}
	})
}

// releases lets go of a service.
func (h *handMade) releases(service string) *estate.Release {
	h.T.Helper()
	r, err := estate.PlanRelease(h.Context(), h.API(), h.Fleet, service)
	h.must(err)
	h.must(r.Do(h.Context(), func(estate.Object) {}))
	time.Sleep(10 * time.Minute)
	return r
}

// records are the TXT values and TTLs of the public zone.
func (h *handMade) records() []string {
	h.T.Helper()
	out, err := h.dns.Route53.ListResourceRecordSets(h.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String(publicZone)})
	h.must(err)
	var all []string
	for _, set := range out.ResourceRecordSets {
		for _, r := range set.ResourceRecords {
			all = append(all, aws.ToString(set.Name)+" "+time.Duration(aws.ToInt64(set.TTL)).String()+" "+aws.ToString(r.Value))
		}
	}
	slices.Sort(all)
	return all
}

// goldenFleet compares the services' files with testdata/estate.
func goldenFleet(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"fleet.cue", "services/fraud-scoring.cue", "services/pay-front.cue", "services/legacy.cue.draft"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "estate", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s is\n%s\nwant (see %s)\n%s", name, got, golden, want)
		}
	}
}

// What marks are read and written with is in the list of actions that people
// give their roles.
func TestMarkActionsAreListed(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.example()
		dir, _ := h.imports()
		h.loads(dir)
		calls := h.Calls(func() {
			h.adopts(dir)
			for name := range h.Fleet.Services {
				h.releases(name)
			}
		})
		for _, op := range changing(calls) {
			if !slices.ContainsFunc(kinds.MarkActions(), func(a string) bool { return strings.HasSuffix(a, ":"+op) }) {
				t.Errorf("%s is called and not listed in %v", op, kinds.MarkActions())
			}
		}
	})
}

// Whatever the language has no words for makes a service a draft, for the
// reason that it is.
func TestDrafts(t *testing.T) {
	clients := func(h *handMade) string { return h.groupID(platformVPC, "pay-clients") }
	rule := func(port int32, block string) []ec2types.IpPermission {
		return []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(port), ToPort: aws.Int32(port), IpRanges: []ec2types.IpRange{{CidrIp: aws.String(block)}}}}
	}
	for _, tc := range []struct {
		name, want string
		odd        func(h *handMade, balancer, service string)
	}{
		{"a rule for no listener", "linkfleet's rules are of TCP", func(h *handMade, _, _ string) {
			_, err := h.platform.EC2.AuthorizeSecurityGroupIngress(h.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String(clients(h)), IpPermissions: rule(22, "10.0.0.0/8")})
			h.must(err)
		}},
		{"closed to the inside", "linkfleet's let everything out", func(h *handMade, _, _ string) {
			_, err := h.platform.EC2.RevokeSecurityGroupEgress(h.Context(), &ec2.RevokeSecurityGroupEgressInput{GroupId: aws.String(clients(h)), IpPermissions: []ec2types.IpPermission{{
				IpProtocol: aws.String("-1"), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
			}}})
			h.must(err)
		}},
		{"a port for some", "some listeners' ports but not on 9000", func(h *handMade, lb, _ string) {
			h.listener(lb, "second", 9000, &elb.CreateTargetGroupInput{Port: aws.Int32(9000)}, "10.20.1.21")
		}},
		{"two security groups", "2 security groups", func(h *handMade, lb, _ string) {
			_, err := h.platform.ELB.SetSecurityGroups(h.Context(), &elb.SetSecurityGroupsInput{LoadBalancerArn: &lb, SecurityGroups: []string{clients(h), h.group(h.platform, platformVPC, "more", nil)}})
			h.must(err)
		}},
		{"the default security group", "default security group", func(h *handMade, lb, _ string) {
			_, err := h.platform.ELB.SetSecurityGroups(h.Context(), &elb.SetSecurityGroupsInput{LoadBalancerArn: &lb, SecurityGroups: []string{h.groupID(platformVPC, "default")}})
			h.must(err)
		}},
		{"two listeners, one group", "forwards to the target group of", func(h *handMade, lb, _ string) {
			out, err := h.platform.ELB.DescribeTargetGroups(h.Context(), &elb.DescribeTargetGroupsInput{LoadBalancerArn: &lb})
			h.must(err)
			_, err = h.platform.ELB.CreateListener(h.Context(), &elb.CreateListenerInput{
				LoadBalancerArn: &lb, Port: aws.Int32(9000), Protocol: elbtypes.ProtocolEnumTcp,
				DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: out.TargetGroups[0].TargetGroupArn}},
			})
			h.must(err)
		}},
		{"a target's own port", "has a port of its own", func(h *handMade, lb, _ string) {
			out, err := h.platform.ELB.DescribeTargetGroups(h.Context(), &elb.DescribeTargetGroupsInput{LoadBalancerArn: &lb})
			h.must(err)
			_, err = h.platform.ELB.RegisterTargets(h.Context(), &elb.RegisterTargetsInput{TargetGroupArn: out.TargetGroups[0].TargetGroupArn, Targets: []elbtypes.TargetDescription{
				{Id: aws.String("10.20.1.20"), Port: aws.Int32(8444)},
			}})
			h.must(err)
		}},
		{"everybody", "* may connect", func(h *handMade, _, id string) {
			_, err := h.platform.EC2.ModifyVpcEndpointServicePermissions(h.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{ServiceId: &id, AddAllowedPrincipals: []string{"*"}})
			h.must(err)
		}},
		{"a root that is let in unasked", "acceptanceRequired", func(h *handMade, _, id string) {
			_, err := h.platform.EC2.ModifyVpcEndpointServiceConfiguration(h.Context(), &ec2.ModifyVpcEndpointServiceConfigurationInput{ServiceId: &id, AcceptanceRequired: aws.Bool(false)})
			h.must(err)
			_, err = h.platform.EC2.ModifyVpcEndpointServicePermissions(h.Context(), &ec2.ModifyVpcEndpointServicePermissionsInput{ServiceId: &id, AddAllowedPrincipals: []string{"arn:aws:iam::333333333333:root"}})
			h.must(err)
		}},
		{"a zone of the balancer's alone", "linkfleet would update it as endpoint-service/pay", func(h *handMade, lb, _ string) {
			_, err := h.platform.ELB.SetSubnets(h.Context(), &elb.SetSubnetsInput{LoadBalancerArn: &lb, Subnets: subnets("subnet-0f0000000000000a", 3)})
			h.must(err)
		}},
		{"one who waits", "waits for acceptance", func(h *handMade, _, id string) {
			h.must(h.knock(id))
		}},
		{"a part of another fleet's", "security-group/x of fleet other", func(h *handMade, _, _ string) {
			h.tag(clients(h), "other", "security-group/x")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onHandMade(t, func(h *handMade) {
				balancer, service := h.pay()
				tc.odd(h, balancer, service)
				time.Sleep(10 * time.Minute)
				_, done := h.imports("pay")
				if len(done.Whole) > 0 || len(done.Drafts) != 1 {
					t.Fatalf("%d whole, %d drafts", len(done.Whole), len(done.Drafts))
				}
				var reasons []string
				for _, r := range done.Drafts[0].Faults {
					reasons = append(reasons, r.String())
				}
				if text := strings.Join(reasons, "\n"); !strings.Contains(text, tc.want) {
					t.Errorf("the reasons are\n%s\nwant one with %q", text, tc.want)
				}
			})
		})
	}
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

// What the claims say must be true, and nobody else's.
func TestAdoptionRefuses(t *testing.T) {
	at := planner.Place{Account: "platform", Region: region}
	group := planner.Addr{Kind: "security-group", Name: "pay", Place: at}
	service := planner.Addr{Kind: "endpoint-service", Name: "pay", Place: at}
	for _, tc := range []struct {
		name, want string
		wrong      func(h *handMade, objects map[planner.Addr]string)
	}{
		{"what is another fleet's", "endpoint-service/theirs of fleet other", func(h *handMade, objects map[planner.Addr]string) {
			h.tag(objects[service], "other", "endpoint-service/theirs")
		}},
		{"what is another resource of the fleet", "endpoint-service/old of fleet imported", func(h *handMade, objects map[planner.Addr]string) {
			h.tag(objects[service], "imported", "endpoint-service/old")
		}},
		{"what does not exist", "there is no object sg-0123456789abcdef0", func(_ *handMade, objects map[planner.Addr]string) {
			objects[group] = "sg-0123456789abcdef0"
		}},
		{"what nobody wants", "ask for no topic/events", func(_ *handMade, objects map[planner.Addr]string) {
			objects[planner.Addr{Kind: "topic", Name: "events", Place: at}] = "arn:aws:sns:us-east-1:111111111111:events"
		}},
		{"what shows no mark of its own", "ask for no service-permissions/pay", func(_ *handMade, objects map[planner.Addr]string) {
			objects[planner.Addr{Kind: "service-permissions", Name: "pay", Place: at}] = objects[service]
		}},
		{"a second of a resource", "the fleet has one already", func(h *handMade, _ map[planner.Addr]string) {
			h.tag(h.group(h.platform, platformVPC, "another", nil), "imported", "security-group/pay")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onHandMade(t, func(h *handMade) {
				h.pay()
				dir, _ := h.imports()
				h.loads(dir)
				objects, err := estate.ReadClaims(dir)
				h.must(err)
				tc.wrong(h, objects)
				time.Sleep(10 * time.Minute)
				calls := h.Calls(func() { _, err = estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "") })
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("the error is %v, want %q", err, tc.want)
				}
				wantOperations(t, calls)
			})
		})
	}
}

// What was changed after the import shows as what adoption would leave to do.
func TestAdoptionShowsWhatIsLeft(t *testing.T) {
	onHandMade(t, func(h *handMade) {
		h.pay()
		dir, _ := h.imports()
		h.loads(dir)
		h.Fleet.Services["pay"].Listeners["tcp-8443"].IdleTimeout = 700
		objects, err := estate.ReadClaims(dir)
		h.must(err)
		a, err := estate.PlanAdoption(h.Context(), h.API(), h.Fleet, objects, "pay")
		h.must(err)
		if got := stage.Short(a.Left); got != "update listener/pay/tcp-8443: idleTimeout\n" {
			t.Errorf("left is %s", got)
		}
	})
}

// A topic that two services share goes with the one that goes.
func TestReleaseOfASharedTopic(t *testing.T) {
	onStage(t, nil, func(s *scene) {
		r, err := estate.PlanRelease(s.T.Context(), s.API(), s.Fleet, "fraud")
		s.must(err)
		if len(r.Topics) != 1 || !slices.Equal(r.Topics[0].Services, []string{"payments"}) {
			s.T.Fatalf("shared topics are %+v", r.Topics)
		}
		calls := s.Calls(func() { s.must(r.Do(s.T.Context(), func(estate.Object) {})) })
		wantOperations(s.T, calls, "ChangeResourceRecordSets", "DeleteTags", "RemoveTags", "UntagResource")
		delete(s.Fleet.Services, "fraud")
		s.Fleet.Services["payments"].Notifications.Topic = r.Topics[0].ARN
		time.Sleep(10 * time.Minute)
		s.WantEmpty()
	})
}
