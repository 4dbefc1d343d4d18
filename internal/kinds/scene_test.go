package kinds_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

const (
	exampleDir  = "../../fleet.example"
	fleetName   = "payments-platform"
	region      = "us-east-1"
	platformID  = "111111111111"
	riskID      = "222222222222"
	dnsID       = "444444444444"
	partnerID   = "333333333333"
	strangerID  = "101010101010"
	publicZone  = "Z0PAYMENTSEXAMPLE000"
	platformVPC = "vpc-0f0000000000000a1"
	riskVPC     = "vpc-0a0000000000000b1"
	certificate = "arn:aws:acm:us-east-1:111111111111:certificate/one"
)

// A scene is a fleet that stands in a simulated AWS, in virtual time, and
// somebody with hands in its accounts.
type scene struct {
	*testing.T
	*stage.Stage
	fraud    *schema.Service
	known    map[planner.Addr][]planner.Resource // what was live before the hands moved; nil: not read
	shared   string                              // the record set that a stranger shares
	platform *awsapi.Place                       // the provider's account
	risk     *awsapi.Place                       // a managed consumer's
	dns      *awsapi.Place
}

// onStage plays on the example with its fleet cut as wanted, applied.
func onStage(t *testing.T, cut func(*schema.Fleet), play func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, cut)
		s.Converge()
		play(s)
	})
}

// newScene must be called in a synctest bubble. Nothing is applied yet.
func newScene(t *testing.T, cut func(*schema.Fleet)) *scene {
	t.Helper()
	world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
	if err != nil {
		t.Fatal(err)
	}
	fleet := exampleFleet(t)
	addRoom(world)
	if cut != nil {
		cut(fleet)
	}
	s := &scene{T: t, Stage: stage.New(t, world, fleet)}
	s.fraud = s.Fleet.Services["fraud"]
	s.platform = s.Hands(platformID, region)
	s.risk = s.Hands(riskID, region)
	s.dns = s.Hands(dnsID, planner.Global)
	return s
}

func exampleFleet(t *testing.T) *schema.Fleet {
	t.Helper()
	fleet, _, err := schema.Load(t.Context(), exampleDir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return fleet
}

// addRoom adds what the example has no use for to its world: second networks
// and subnets beside the first, another zone.
func addRoom(world awssim.World) {
	on := true
	for _, n := range []struct{ account, vpc, second, beside, cidr, block string }{
		{platformID, platformVPC, "vpc-0f0000000000000f1", "subnet-0f0000000000000f", "10.20.9.0/24", "10.21"},
		{riskID, riskVPC, "vpc-0a0000000000000f1", "subnet-0a0000000000000f", "10.30.9.0/24", "10.31"},
	} {
		vpcs := world.Accounts[n.account].Regions[region].VPCs
		vpcs[n.vpc].Subnets[n.beside+"9"] = awssim.WorldSubnet{CIDR: n.cidr, ZoneID: "use1-az1"}
		vpcs[n.second] = awssim.WorldVPC{
			CIDR: n.block + ".0.0/16", EnableDNSSupport: &on, EnableDNSHostnames: &on,
			Subnets: map[string]awssim.WorldSubnet{
				n.beside + "1": {CIDR: n.block + ".1.0/24", ZoneID: "use1-az1"},
				n.beside + "2": {CIDR: n.block + ".2.0/24", ZoneID: "use1-az2"},
			},
		}
	}
	none, few := 0, 5
	world.Accounts[riskID].Regions[region].VPCs[riskVPC].Subnets["subnet-0a000000000000full"] = awssim.WorldSubnet{
		CIDR: "10.30.10.0/24", ZoneID: "use1-az2", AvailableIPs: &none,
	}
	world.Accounts[platformID].Regions[region].VPCs[platformVPC].Subnets["subnet-0f0000000000tight"] = awssim.WorldSubnet{
		CIDR: "10.20.10.0/28", ZoneID: "use1-az1", AvailableIPs: &few,
	}
	world.Accounts[dnsID].HostedZones["Z0OTHER"] = awssim.WorldZone{Name: "example.net"}
}

// The cuts of the example's fleet.

// pair leaves one service with one managed consumer and one that makes its
// own endpoint.
func pair(f *schema.Fleet) {
	delete(f.Services, "payments")
	only(f.Services["fraud"].Consumers, "risk", "partner-a")
}

// alone leaves one service that nobody uses: AWS changes more of it.
func alone(f *schema.Fleet) {
	delete(f.Services, "payments")
	clear(f.Services["fraud"].Consumers)
}

// aloneTLS is alone with a TLS listener.
func aloneTLS(f *schema.Fleet) {
	alone(f)
	l := f.Services["fraud"].Listeners["https"]
	l.Protocol, l.Certificate, l.SSLPolicy, l.IdleTimeout = "TLS", certificate, "ELBSecurityPolicy-TLS13-1-2-2021-06", 0
}

func only[V any](m map[string]V, keys ...string) {
	for k := range m {
		if !slices.Contains(keys, k) {
			delete(m, k)
		}
	}
}

// Both of a scene's parts are a testing.TB.

func (s *scene) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// plans wants the plan to be exactly these steps, in [stage.Short]'s words.
func (s *scene) plans(want string) {
	s.T.Helper()
	plan := s.Plan()
	if got := stage.Short(plan); got != want || len(plan.Blocked) > 0 {
		s.T.Errorf("planned:\n%swant:\n%s\n%s", got, want, stage.Text(plan))
	}
}

// heals wants a disturbance to be found as exactly these steps, and to be
// gone after one apply.
func (s *scene) heals(want string) {
	s.T.Helper()
	s.converge(func(plan *planner.Plan) {
		s.T.Helper()
		if got := stage.Short(plan); got != want || len(plan.Blocked) > 0 {
			s.T.Errorf("planned:\n%swant:\n%s\n%s", got, want, stage.Text(plan))
		}
	})
}

// Converge wants one apply to succeed and to leave nothing to do.
func (s *scene) Converge() {
	s.T.Helper()
	s.converge(func(*planner.Plan) {})
}

func (s *scene) converge(see func(*planner.Plan)) {
	s.T.Helper()
	s.known = nil
	run := s.Stage.Run()
	plan, err := run.Plan(s.T.Context())
	s.must(err)
	see(plan)
	res, err := run.Apply(s.T.Context(), nil, plan)
	s.must(err)
	if err := res.Err(); err != nil {
		s.T.Fatalf("applying: %v\n%s", err, stage.Text(plan))
	}
	if left := res.Left; len(left.Steps)+len(left.Blocked)+len(left.Unread) > 0 {
		s.T.Fatalf("want nothing left to do, but:\n%s", stage.Text(left))
	}
}

// tidy wants AWS's index of tags to know of nothing of the fleet's but what
// linkfleet knows of.
func (s *scene) tidy() {
	s.T.Helper()
	known := 0
	for addr, rs := range s.Live().Live {
		for _, k := range kinds.All() {
			if k.Name == addr.Kind && k.Type != "" {
				known += len(rs)
			}
		}
	}
	tagged := 0
	for _, p := range []*awsapi.Place{s.platform, s.risk, s.dns} {
		out, err := p.Tagging.GetResources(s.T.Context(), &tagging.GetResourcesInput{
			TagFilters: []tagtypes.TagFilter{{Key: aws.String(kinds.TagFleet), Values: []string{fleetName}}},
		})
		s.must(err)
		tagged += len(out.ResourceTagMappingList)
	}
	if tagged != known {
		s.T.Errorf("%d objects have the fleet's tag, and linkfleet knows %d", tagged, known)
	}
}

// one is the only resource that was live, when it was last looked for, at a path such as "endpoint/fraud/risk".
func (s *scene) one(path string) planner.Resource {
	s.T.Helper()
	rs := s.all(path)
	if len(rs) != 1 {
		s.T.Fatalf("there are %d of %s", len(rs), path)
	}
	return rs[0]
}

func (s *scene) all(path string) []planner.Resource {
	s.T.Helper()
	if s.known == nil {
		s.known = s.Live().Live
	}
	for addr, rs := range s.known {
		if addr.Path() == path {
			return rs
		}
	}
	return nil
}

func (s *scene) id(path string) *string { s.T.Helper(); return aws.String(s.one(path).ID) }

// settle lets AWS finish what a hand has begun.
func (s *scene) settle() { time.Sleep(10 * time.Minute) }

// The hands' tools.

// modifyEndpoint changes the endpoint of risk.
func (s *scene) modifyEndpoint(in *ec2.ModifyVpcEndpointInput) {
	s.T.Helper()
	in.VpcEndpointId = s.id("endpoint/fraud/risk")
	_, err := s.risk.EC2.ModifyVpcEndpoint(s.T.Context(), in)
	s.must(err)
	s.settle()
}

func (s *scene) modifyService(in *ec2.ModifyVpcEndpointServiceConfigurationInput) {
	s.T.Helper()
	in.ServiceId = s.id("endpoint-service/fraud")
	_, err := s.platform.EC2.ModifyVpcEndpointServiceConfiguration(s.T.Context(), in)
	s.must(err)
	s.settle()
}

func (s *scene) setSubnets(ids ...string) {
	s.T.Helper()
	_, err := s.platform.ELB.SetSubnets(s.T.Context(), &elb.SetSubnetsInput{LoadBalancerArn: s.id("load-balancer/fraud"), Subnets: ids})
	s.must(err)
	s.settle()
}

// defaultGroup is the default security group of a VPC.
func (s *scene) defaultGroup(p *awsapi.Place, vpc string) string {
	s.T.Helper()
	out, err := p.EC2.DescribeSecurityGroups(s.T.Context(), &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{vpc}}, {Name: aws.String("group-name"), Values: []string{"default"}},
	}})
	s.must(err)
	return aws.ToString(out.SecurityGroups[0].GroupId)
}

// decide accepts or rejects a connection as the provider, past linkfleet.
func (s *scene) decide(accept bool, endpoint string) {
	s.T.Helper()
	service, ids := s.id("endpoint-service/fraud"), []string{endpoint}
	var err error
	if accept {
		_, err = s.platform.EC2.AcceptVpcEndpointConnections(s.T.Context(), &ec2.AcceptVpcEndpointConnectionsInput{ServiceId: service, VpcEndpointIds: ids})
	} else {
		_, err = s.platform.EC2.RejectVpcEndpointConnections(s.T.Context(), &ec2.RejectVpcEndpointConnectionsInput{ServiceId: service, VpcEndpointIds: ids})
	}
	s.must(err)
	s.settle()
}

// proof is the TXT record set that holds the service's token.
func (s *scene) proof() dnstypes.ResourceRecordSet {
	s.T.Helper()
	name := s.one("verification-record/fraud").Outputs["name"]
	out, err := s.dns.Route53.ListResourceRecordSets(s.T.Context(), &route53.ListResourceRecordSetsInput{
		HostedZoneId: aws.String(publicZone), StartRecordName: aws.String(name), StartRecordType: dnstypes.RRTypeTxt, MaxItems: aws.Int32(1),
	})
	s.must(err)
	return out.ResourceRecordSets[0]
}

func (s *scene) changeRecord(action dnstypes.ChangeAction, set dnstypes.ResourceRecordSet) {
	s.T.Helper()
	_, err := s.dns.Route53.ChangeResourceRecordSets(s.T.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(publicZone),
		ChangeBatch:  &dnstypes.ChangeBatch{Changes: []dnstypes.Change{{Action: action, ResourceRecordSet: &set}}},
	})
	s.must(err)
	s.settle()
}
