package kinds_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/reconcile"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A provider is one service on a simulated AWS, in virtual time, and somebody
// with hands in the same accounts.
type provider struct {
	*testing.T
	sim     *awssim.Sim
	fleet   *schema.Fleet
	service *schema.Service
	hands   *awsapi.Place // in the service's place
	dns     *awsapi.Place
}

func onProvider(t *testing.T, play func(*provider)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim, err := awssim.New(awssim.Options{World: providerWorld()})
		if err != nil {
			t.Fatal(err)
		}
		p := &provider{T: t, sim: sim, fleet: oneServiceFleet()}
		p.service = p.fleet.Services["fraud"]
		p.as("admin")
		p.hands = p.place(planner.Place{Account: "platform", Region: "us-east-1"})
		p.dns = p.place(planner.Place{Account: "dns", Region: planner.Global})
		p.as("linkfleet")
		play(p)
	})
}

// providerWorld lets the role "linkfleet" do what the kinds say they need,
// and the role "reader" what they say they need for reading.
func providerWorld() awssim.World {
	var reads, all []string
	for _, k := range kinds.All() {
		reads, all = append(reads, k.Reads...), slices.Concat(all, k.Reads, k.Writes)
	}
	role := map[string]awssim.WorldRole{
		"linkfleet": {Trust: []string{"*"}, Actions: all},
		"reader":    {Trust: []string{"*"}, Actions: reads},
		"admin":     {Trust: []string{"*"}},
	}
	return awssim.World{Accounts: map[string]awssim.WorldAccount{
		"111111111111": {Roles: role, Regions: map[string]awssim.WorldRegion{"us-east-1": {VPCs: map[string]awssim.WorldVPC{
			"vpc-0a": {CIDR: "10.0.0.0/16", Subnets: map[string]awssim.WorldSubnet{
				"subnet-0a1": {CIDR: "10.0.1.0/24", Zone: "us-east-1a"},
				"subnet-0a2": {CIDR: "10.0.2.0/24", Zone: "us-east-1a"},
				"subnet-0b1": {CIDR: "10.0.3.0/24", Zone: "us-east-1b"},
				"subnet-0b2": {CIDR: "10.0.4.0/24", Zone: "us-east-1b"},
				"subnet-0c1": {CIDR: "10.0.5.0/24", Zone: "us-east-1c"},
			}},
		}}}},
		"222222222222": {Roles: role, HostedZones: map[string]awssim.WorldZone{"Z1": {Name: "example.com"}}},
	}}
}

func oneServiceFleet() *schema.Fleet {
	return &schema.Fleet{
		Name: "payments", Regions: []string{"us-east-1"},
		Accounts: map[string]*schema.Account{
			"platform": {Name: "platform", ID: "111111111111", Role: "linkfleet"},
			"dns":      {Name: "dns", ID: "222222222222", Role: "linkfleet"},
		},
		Zones: map[string]*schema.Zone{"example.com": {Domain: "example.com", Account: "dns", ID: "Z1"}},
		Services: map[string]*schema.Service{"fraud": {
			Name: "fraud", Account: "platform", Region: "us-east-1", AcceptanceRequired: true,
			LoadBalancer: schema.LoadBalancer{
				VPC: "vpc-0a", Subnets: []string{"subnet-0a1", "subnet-0b1"}, CrossZone: true,
				SecurityGroup: schema.LoadBalancerSecurityGroup{From: []string{"10.0.0.0/8"}},
			},
			Listeners:     map[string]*schema.Listener{"https": tcpListener()},
			Notifications: &schema.Notifications{Topic: "events", Events: []string{"Accept", "Connect"}},
			PrivateDNS:    &schema.PrivateDNS{Name: "fraud.example.com", Zone: "example.com"},
		}},
	}
}

func tcpListener() *schema.Listener {
	return &schema.Listener{
		Name: "https", Port: 443, Protocol: "TCP", IdleTimeout: 400,
		Targets: schema.Targets{
			Type: "ip", Port: 8443, Protocol: "TCP", Addresses: []string{"10.0.1.10", "10.0.3.10"},
			DeregistrationDelay: 30, PreserveClientIP: true,
		},
		HealthCheck: schema.HealthCheck{
			Protocol: "HTTP", Port: "traffic-port", Path: "/health", Interval: 10, Timeout: 5, HealthyThreshold: 3, UnhealthyThreshold: 3,
		},
	}
}

// as makes what comes act in another role.
func (p *provider) as(role string) {
	for _, a := range p.fleet.Accounts {
		a.Role = role
	}
}

// run is a fresh process looking at AWS.
func (p *provider) run() *reconcile.Run {
	p.Helper()
	accounts := map[string]awsapi.Account{}
	for name, a := range p.fleet.Accounts {
		accounts[name] = awsapi.Account{ID: a.ID, RoleARN: a.RoleARN()}
	}
	api, err := awsapi.New(p.Context(), awsapi.Options{
		Accounts: accounts, SessionName: "linkfleet",
		Credentials: &awsapi.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"},
		Transport:   p.sim.Client().Transport,
	})
	if err != nil {
		p.Fatal(err)
	}
	return &reconcile.Run{Fleet: p.fleet, API: api}
}

func (p *provider) place(at planner.Place) *awsapi.Place {
	p.Helper()
	place, err := p.run().API.Place(p.Context(), at)
	if err != nil {
		p.Fatal(err)
	}
	return place
}

// apply brings AWS to the fleet in one go and gives the steps it took, as
// "update listener/fraud/https" and so on.
func (p *provider) apply() []string {
	p.Helper()
	steps, err := p.try()
	if err != nil {
		p.Fatal(err)
	}
	return steps
}

func (p *provider) try() ([]string, error) {
	p.Helper()
	run := p.run()
	plan, err := run.Plan(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	var steps []string
	for _, s := range plan.Steps {
		steps = append(steps, string(s.Action)+" "+s.Addr.Path())
	}
	slices.Sort(steps)
	result, err := run.Apply(p.Context(), nil, plan)
	if err != nil {
		return steps, err
	}
	if err := result.Err(); err != nil {
		return steps, err
	}
	if left, err := p.run().Plan(p.Context()); err != nil || len(left.Steps)+len(left.Blocked) > 0 {
		var text bytes.Buffer
		_ = planner.Text(&text, left, planner.TextOptions{})
		p.Fatalf("left to do: %v\n%s", err, text.String())
	}
	return steps, nil
}

// takes applies and checks which steps that took.
func (p *provider) takes(want ...string) {
	p.Helper()
	if got := p.apply(); !slices.Equal(got, want) {
		p.Errorf("steps are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (p *provider) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// balancer, group and listener are the only ones of the place.

func (p *provider) balancer() elbtypes.LoadBalancer {
	p.Helper()
	out, err := p.hands.ELB.DescribeLoadBalancers(p.Context(), &elb.DescribeLoadBalancersInput{})
	p.must(err)
	return out.LoadBalancers[0]
}

func (p *provider) group() *string {
	p.Helper()
	out, err := p.hands.ELB.DescribeTargetGroups(p.Context(), &elb.DescribeTargetGroupsInput{})
	p.must(err)
	return out.TargetGroups[0].TargetGroupArn
}

func (p *provider) listener() *string {
	p.Helper()
	out, err := p.hands.ELB.DescribeListeners(p.Context(), &elb.DescribeListenersInput{LoadBalancerArn: p.balancer().LoadBalancerArn})
	p.must(err)
	return out.Listeners[0].ListenerArn
}

func (p *provider) serviceID() *string {
	p.Helper()
	out, err := p.hands.EC2.DescribeVpcEndpointServiceConfigurations(p.Context(), &ec2.DescribeVpcEndpointServiceConfigurationsInput{})
	p.must(err)
	return out.ServiceConfigurations[0].ServiceId
}

// txt are the TXT record sets of the zone: TTL and values by name.
func (p *provider) txt() map[string]dnstypes.ResourceRecordSet {
	p.Helper()
	out, err := p.dns.Route53.ListResourceRecordSets(p.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: aws.String("Z1")})
	p.must(err)
	sets := map[string]dnstypes.ResourceRecordSet{}
	for _, set := range out.ResourceRecordSets {
		if set.Type == dnstypes.RRTypeTxt {
			sets[aws.ToString(set.Name)] = set
		}
	}
	return sets
}

func (p *provider) upsert(set dnstypes.ResourceRecordSet) {
	p.Helper()
	_, err := p.dns.Route53.ChangeResourceRecordSets(p.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String("Z1"), ChangeBatch: &dnstypes.ChangeBatch{Changes: []dnstypes.Change{
			{Action: dnstypes.ChangeActionUpsert, ResourceRecordSet: &set},
		}},
	})
	p.must(err)
}

func TestProviderUpAndDown(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.takes("create connection-notification/fraud", "create domain-verification/fraud", "create endpoint-service/fraud",
			"create listener/fraud/https", "create load-balancer/fraud", "create private-dns-name/fraud",
			"create security-group/fraud", "create target-group/fraud/https", "create topic/events", "create verification-record/fraud")
		p.removeAll()
		p.takes("delete connection-notification/fraud", "delete endpoint-service/fraud",
			"delete listener/fraud/https", "delete load-balancer/fraud", "delete private-dns-name/fraud",
			"delete security-group/fraud", "delete target-group/fraud/https", "delete topic/events", "delete verification-record/fraud")
		if left := p.txt(); len(left) > 0 {
			t.Errorf("left in the zone: %v", slices.Collect(maps.Keys(left)))
		}
	})
}

func TestReadActionsSufficeForAPlan(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		p.as("reader")
		plan, err := p.run().Plan(p.Context())
		if err != nil || len(plan.Unread)+len(plan.Steps) > 0 {
			t.Errorf("the plan of a reader: %v, %+v", err, plan)
		}
	})
}

// TestProviderDrift changes one thing by hand at a time.
func TestProviderDrift(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		ctx := p.Context()
		for _, d := range []struct {
			name string
			hand func() error
			want string
		}{
			{"enforcement", func() error {
				_, err := p.hands.ELB.SetSecurityGroups(ctx, &elb.SetSecurityGroupsInput{
					LoadBalancerArn: p.balancer().LoadBalancerArn, SecurityGroups: p.balancer().SecurityGroups,
					EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: "on",
				})
				return err
			}, "update load-balancer/fraud"},
			{"deletion protection", func() error {
				_, err := p.hands.ELB.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{
					LoadBalancerArn: p.balancer().LoadBalancerArn,
					Attributes:      []elbtypes.LoadBalancerAttribute{{Key: aws.String("deletion_protection.enabled"), Value: aws.String("true")}},
				})
				return err
			}, "update load-balancer/fraud"},
			{"a target gone", func() error {
				_, err := p.hands.ELB.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{
					TargetGroupArn: p.group(), Targets: []elbtypes.TargetDescription{{Id: aws.String("10.0.1.10")}},
				})
				return err
			}, "update target-group/fraud/https"},
			{"a stranger's target", func() error {
				_, err := p.hands.ELB.RegisterTargets(ctx, &elb.RegisterTargetsInput{
					TargetGroupArn: p.group(), Targets: []elbtypes.TargetDescription{{Id: aws.String("10.0.1.99")}},
				})
				return err
			}, "update target-group/fraud/https"},
			{"health check", func() error {
				_, err := p.hands.ELB.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{
					TargetGroupArn: p.group(), HealthCheckPath: aws.String("/other"), HealthyThresholdCount: aws.Int32(9),
				})
				return err
			}, "update target-group/fraud/https"},
			{"target group attributes", func() error {
				_, err := p.hands.ELB.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
					TargetGroupArn: p.group(),
					Attributes:     []elbtypes.TargetGroupAttribute{{Key: aws.String("proxy_protocol_v2.enabled"), Value: aws.String("true")}},
				})
				return err
			}, "update target-group/fraud/https"},
			{"listener port", func() error {
				_, err := p.hands.ELB.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: p.listener(), Port: aws.Int32(444)})
				return err
			}, "update listener/fraud/https"},
			{"idle timeout", func() error {
				_, err := p.hands.ELB.ModifyListenerAttributes(ctx, &elb.ModifyListenerAttributesInput{
					ListenerArn: p.listener(),
					Attributes:  []elbtypes.ListenerAttribute{{Key: aws.String("tcp.idle_timeout.seconds"), Value: aws.String("60")}},
				})
				return err
			}, "update listener/fraud/https"},
			{"listener gone", func() error {
				_, err := p.hands.ELB.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: p.listener()})
				return err
			}, "create listener/fraud/https"},
			{"topic policy", func() error {
				_, err := p.hands.SNS.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
					TopicArn: aws.String(eventsTopic), AttributeName: aws.String("Policy"), AttributeValue: aws.String(""),
				})
				return err
			}, "update topic/events"},
			{"notification events", func() error {
				_, err := p.hands.EC2.ModifyVpcEndpointConnectionNotification(ctx, &ec2.ModifyVpcEndpointConnectionNotificationInput{
					ConnectionNotificationId: p.notification(), ConnectionEvents: []string{"Delete"},
				})
				return err
			}, "update connection-notification/fraud"},
			{"notification gone", p.dropNotification, "create connection-notification/fraud"},
			{"notification gone again", p.dropNotification, "create connection-notification/fraud"},
			{"token gone, claim left", func() error {
				for _, set := range p.txt() {
					set.ResourceRecords = set.ResourceRecords[1:]
					p.upsert(set)
				}
				return nil
			}, "update domain-verification/fraud,update verification-record/fraud"},
			{"name gone", func() error {
				_, err := p.hands.EC2.ModifyVpcEndpointServiceConfiguration(ctx, &ec2.ModifyVpcEndpointServiceConfigurationInput{
					ServiceId: p.serviceID(), RemovePrivateDnsName: aws.Bool(true),
				})
				return err
			}, "create domain-verification/fraud,create private-dns-name/fraud,create verification-record/fraud,delete verification-record/fraud"},
		} {
			p.must(d.hand())
			if got := strings.Join(p.apply(), ","); got != d.want {
				t.Errorf("%s: steps are %s, want %s", d.name, got, d.want)
			}
		}
	})
}

const eventsTopic = "arn:aws:sns:us-east-1:111111111111:events"

func (p *provider) notification() *string {
	p.Helper()
	out, err := p.hands.EC2.DescribeVpcEndpointConnectionNotifications(p.Context(), &ec2.DescribeVpcEndpointConnectionNotificationsInput{})
	p.must(err)
	return out.ConnectionNotificationSet[0].ConnectionNotificationId
}

func (p *provider) dropNotification() error {
	_, err := p.hands.EC2.DeleteVpcEndpointConnectionNotifications(p.Context(), &ec2.DeleteVpcEndpointConnectionNotificationsInput{
		ConnectionNotificationIds: []string{aws.ToString(p.notification())},
	})
	return err
}

func TestSubnetsAreSwappedWithinTheirZones(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		before := aws.ToString(p.balancer().LoadBalancerArn)
		for _, next := range [][]string{
			{"subnet-0a2", "subnet-0b1"},
			{"subnet-0a1", "subnet-0b2"},
			{"subnet-0a1", "subnet-0b2", "subnet-0c1"},
			{"subnet-0b1", "subnet-0c1"},
		} {
			p.service.LoadBalancer.Subnets = next
			p.apply()
			var got []string
			for _, z := range p.balancer().AvailabilityZones {
				got = append(got, aws.ToString(z.SubnetId))
			}
			slices.Sort(got)
			if !slices.Equal(got, next) || aws.ToString(p.balancer().LoadBalancerArn) != before {
				t.Fatalf("subnets are %v on %s, want %v on %s", got, aws.ToString(p.balancer().LoadBalancerArn), next, before)
			}
		}
	})
}

func TestListenerBecomesTLS(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		l := p.service.Listeners["https"]
		l.Protocol, l.Targets.Protocol, l.IdleTimeout = "TLS", "TLS", 0
		l.Certificate, l.SSLPolicy = "arn:aws:acm:us-east-1:111111111111:certificate/1", "ELBSecurityPolicy-TLS13-1-2-2021-06"
		p.takes("create target-group/fraud/https", "delete target-group/fraud/https", "update listener/fraud/https")
		p.service.Listeners["https"] = tcpListener()
		p.takes("create target-group/fraud/https", "delete target-group/fraud/https", "update listener/fraud/https")
	})
}

func TestListenersPassAPortOn(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		p.service.Listeners["https"].Port = 8443
		second := tcpListener()
		second.Name = "web"
		p.service.Listeners["web"] = second
		p.takes("create listener/fraud/web", "create target-group/fraud/web", "update listener/fraud/https", "update security-group/fraud")
	})
}

func TestTargetsOutsideTheVPC(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.service.Listeners["https"].Targets.Addresses = []string{"10.0.1.10", "10.0.3.10", "192.168.0.7"}
		p.apply()
	})
}

func TestStrangersValuesStay(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		for _, set := range p.txt() {
			set.TTL = aws.Int64(77)
			set.ResourceRecords = append([]dnstypes.ResourceRecord{{Value: aws.String(`"theirs" "too"`)}}, set.ResourceRecords...)
			p.upsert(set)
		}
		p.takes() // a TTL is whose who set it
		p.removeAll()
		p.apply()
		for name, set := range p.txt() {
			if len(set.ResourceRecords) != 1 || aws.ToString(set.ResourceRecords[0].Value) != `"theirs" "too"` || aws.ToInt64(set.TTL) != 77 {
				t.Errorf("%s is left with %+v", name, set)
			}
		}
		if len(p.txt()) != 1 {
			t.Error("the stranger's record set is gone")
		}
	})
}

func TestStrangersTopicIsNotTouched(t *testing.T) {
	onProvider(t, func(p *provider) {
		_, err := p.hands.SNS.CreateTopic(p.Context(), &sns.CreateTopicInput{Name: aws.String("events")})
		p.must(err)
		before, err := p.hands.SNS.GetTopicAttributes(p.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(eventsTopic)})
		p.must(err)
		if _, err := p.try(); err == nil || !strings.Contains(err.Error(), "is not of fleet payments") {
			t.Fatalf("the error is %v", err)
		}
		after, err := p.hands.SNS.GetTopicAttributes(p.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(eventsTopic)})
		p.must(err)
		if before.Attributes["Policy"] != after.Attributes["Policy"] {
			t.Error("a stranger's topic was given a policy")
		}
		p.service.Notifications.Topic = eventsTopic
		p.takes("create connection-notification/fraud")
	})
}

// The protection goes in a step of its own, and the balancer after it.
func TestProtectedBalancerGoesInTwoSteps(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.service.LoadBalancer.DeletionProtection = true
		p.apply()
		p.fleet.Services = nil
		if steps := p.plan().Steps; len(steps) > 0 {
			t.Fatalf("nothing is to be removed by name, and %s is planned", steps[0].StepKey)
		}
		p.removeAll()
		var steps []string
		for _, st := range p.plan().Steps {
			if st.Addr.Kind == "load-balancer" {
				steps = append(steps, string(st.Action))
			}
		}
		if !slices.Equal(steps, []string{"update", "delete"}) {
			t.Errorf("the balancer's steps are %q", steps)
		}
		p.apply()
	})
}

func (p *provider) plan() *planner.Plan {
	p.Helper()
	plan, err := p.run().Plan(p.Context())
	p.must(err)
	return plan
}

// removeAll takes the service out of the fleet, and says so by name.
func (p *provider) removeAll() {
	p.fleet.Services, p.fleet.Removed = nil, []schema.Removal{{Service: "fraud"}}
}

func TestPrivateNameChangesAndGoes(t *testing.T) {
	onProvider(t, func(p *provider) {
		p.apply()
		p.service.PrivateDNS.Name = "*.fraud.example.com"
		p.takes("create verification-record/fraud", "delete verification-record/fraud",
			"update domain-verification/fraud", "update private-dns-name/fraud")
		p.service.PrivateDNS = nil
		p.takes("delete private-dns-name/fraud", "delete verification-record/fraud")
	})
}

// TestLostAnswersMakeNoDuplicates: AWS does what it was asked to, and the
// answer is lost, more often than the SDK asks again.
func TestLostAnswersMakeNoDuplicates(t *testing.T) {
	for _, op := range []string{
		"CreateLoadBalancer", "CreateTargetGroup", "CreateListener", "CreateTopic", "CreateVpcEndpointConnectionNotification",
		"ModifyVpcEndpointServiceConfiguration", "ChangeResourceRecordSets", "RegisterTargets", "SetSecurityGroups",
		"StartVpcEndpointServicePrivateDnsVerification",
	} {
		t.Run(op, func(t *testing.T) {
			onProvider(t, func(p *provider) {
				p.must(p.sim.Inject(awssim.Fault{Operation: op, Effect: awssim.FaultLost, Times: 10}))
				p.apply()
				out, err := p.hands.EC2.DescribeVpcEndpointConnectionNotifications(p.Context(), &ec2.DescribeVpcEndpointConnectionNotificationsInput{})
				p.must(err)
				if n := len(out.ConnectionNotificationSet); n != 1 {
					t.Errorf("there are %d notifications", n)
				}
				for name, set := range p.txt() {
					if len(set.ResourceRecords) != 2 {
						t.Errorf("%s holds %d values, want the token and the claim", name, len(set.ResourceRecords))
					}
				}
				p.removeAll()
				p.apply()
			})
		})
	}
}
