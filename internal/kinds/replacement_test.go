package kinds_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// A replacement is a change of what AWS cannot change.
type replacement struct {
	name   string
	fields string // "kind: field", those that force a replacement
	cut    func(*schema.Fleet)
	change func(*scene)
	// refused is the address whose replacement is refused, mend a part of
	// the way out, and permit what takes it. No permit: undo and go on.
	refused, mend string
	permit        func(*scene)
	undo          func(*scene)
	want          string // the plan once it is permitted
	// twins: the fields tell which of two live objects at an address is the
	// one to keep, and nothing is replaced.
	twins bool
}

func replacements() []replacement {
	toOther := func(s *scene) {
		lb := &s.fraud.LoadBalancer
		lb.VPC, lb.Subnets = "vpc-0f0000000000000f1", []string{"subnet-0f0000000000000f1", "subnet-0f0000000000000f2"}
		s.fraud.Listeners["https"].Targets.Addresses = []string{"10.21.1.10"}
	}
	return []replacement{
		{
			name: "another VPC for a service", cut: alone, change: toOther,
			fields: "security-group: vpc, load-balancer: vpc, target-group: vpc, listener: loadBalancer",
			want: "create security-group/fraud: vpc\ncreate load-balancer/fraud: vpc, subnets, securityGroups\ncreate target-group/fraud/https: vpc, targets\n" +
				"create listener/fraud/https: loadBalancer, targetGroup\nupdate endpoint-service/fraud: loadBalancers, zones\n" +
				"delete listener/fraud/https: loadBalancer, targetGroup\ndelete load-balancer/fraud: vpc, subnets, securityGroups\n" +
				"delete security-group/fraud: vpc\ndelete target-group/fraud/https: vpc, targets\n",
		},
		{
			name: "another VPC for a service in use", cut: pair, change: toOther,
			refused: "load-balancer/fraud", mend: "declare a second service",
			undo: func(s *scene) { s.restart(pair) },
		},
		{
			name: "a balancer that somebody made public", cut: alone, fields: "load-balancer: scheme",
			change: (*scene).makePublic,
			want: "create load-balancer/fraud: scheme, crossZone\ndelete load-balancer/fraud: scheme, crossZone\ncreate listener/fraud/https\n" +
				whatFollowsAService,
		},
		{
			name: "another target port", fields: "target-group: port", cut: pair,
			change: func(s *scene) { s.fraud.Listeners["https"].Targets.Port = 9443 },
			want: "create target-group/fraud/https: port, targets\nupdate listener/fraud/https: targetGroup\n" +
				"delete target-group/fraud/https: port, targets\n",
		},
		{
			name: "another target protocol", fields: "target-group: protocol", cut: aloneTLS,
			change: func(s *scene) { s.fraud.Listeners["https"].Targets.Protocol = "TLS" },
			want: "create target-group/fraud/https: protocol\nupdate listener/fraud/https: targetGroup\n" +
				"delete target-group/fraud/https: protocol\n",
		},
		{
			name: "another type of target", fields: "target-group: targetType", cut: pair,
			change: func(s *scene) {
				t := &s.fraud.Listeners["https"].Targets
				t.Type, t.Addresses = "instance", nil
			},
			want: "create target-group/fraud/https: targetType, targets\nupdate listener/fraud/https: targetGroup\n" +
				"delete target-group/fraud/https: targetType, targets\n",
		},
		{
			name: "another zone", fields: "verification-record: zone, verification-record: name", cut: pair,
			change: func(s *scene) {
				s.Fleet.Zones["example.net"] = &schema.Zone{Domain: "example.net", Account: "dns", ID: "Z0OTHER"}
				s.fraud.PrivateDNS = &schema.PrivateDNS{Name: "fraud.example.net", Zone: "example.net"}
			},
			want: "update private-dns-name/fraud: name\ncreate verification-record/fraud: zone, name, value\nupdate domain-verification/fraud: record\n" +
				"delete verification-record/fraud: zone, name, value\nupdate endpoint-private-dns/fraud/risk: name\n",
		},
		{
			name: "another VPC for a consumer", cut: pair,
			fields: "security-group: vpc, endpoint: vpc, connection: endpoint, endpoint-private-dns: endpoint",
			change: func(s *scene) {
				e := s.riskEndpoint()
				e.VPC, e.Subnets = "vpc-0a0000000000000f1", []string{"subnet-0a0000000000000f1", "subnet-0a0000000000000f2"}
			},
			refused: "endpoint/fraud/risk", mend: "allowReplace: true",
			permit: func(s *scene) { s.riskEndpoint().AllowReplace = true },
			want: "create security-group/fraud/risk: vpc\ncreate endpoint/fraud/risk: vpc, subnets, securityGroups\n" +
				"create connection/fraud/risk: endpoint\ndelete endpoint-private-dns/fraud/risk: endpoint\n" +
				"delete connection/fraud/risk: endpoint\ncreate endpoint-private-dns/fraud/risk: endpoint\n" +
				"delete endpoint/fraud/risk: vpc, subnets, securityGroups\ndelete security-group/fraud/risk: vpc\n",
		},
		{
			name: "a service lost under its consumers", cut: pair,
			fields: "endpoint: service",
			change: func(s *scene) {
				s.decide(false, s.one("endpoint/fraud/risk").ID)
				s.decide(false, s.external())
				s.deleteService()
			},
			refused: "endpoint/fraud/risk", mend: "allowReplace: true",
			permit: func(s *scene) { s.riskEndpoint().AllowReplace = true },
			want: "create endpoint/fraud/risk: service\ndelete endpoint/fraud/risk: service\n" +
				"create connection/fraud/risk\ncreate endpoint-private-dns/fraud/risk\n",
		},
		{
			name: "a second service at the address", cut: pair, twins: true,
			fields: "service-permissions: service, connection-notification: service, private-dns-name: service, " +
				"domain-verification: privateDNSName, connection: service",
			change: (*scene).makeTwin,
		},
	}
}

// makePublic puts a public load balancer with the fleet's tags where the
// service's was.
func (s *scene) makePublic() {
	s.T.Helper()
	s.deleteService()
	s.deleteBalancer()
	_, err := s.platform.ELB.CreateLoadBalancer(s.T.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("public"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Scheme: elbtypes.LoadBalancerSchemeEnumInternetFacing,
		Subnets: s.fraud.LoadBalancer.Subnets, SecurityGroups: []string{s.one("security-group/fraud").ID},
		Tags: []elbtypes.Tag{
			{Key: aws.String(kinds.TagFleet), Value: aws.String(fleetName)},
			{Key: aws.String(kinds.TagAddress), Value: aws.String("load-balancer/fraud")},
		},
	})
	s.must(err)
	s.settle()
}

// makeTwin makes a second endpoint service with the fleet's tags, and all
// that hangs on one.
func (s *scene) makeTwin() {
	s.T.Helper()
	ctx := s.T.Context()
	out, err := s.platform.EC2.CreateVpcEndpointServiceConfiguration(ctx, &ec2.CreateVpcEndpointServiceConfigurationInput{
		NetworkLoadBalancerArns: []string{s.makeBalancer("twin", s.fraud.LoadBalancer.Subnets...)},
		PrivateDnsName:          aws.String("twin.internal.payments.example.com"),
		TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVpcEndpointService, Tags: []ec2types.Tag{
			{Key: aws.String(kinds.TagFleet), Value: aws.String(fleetName)},
			{Key: aws.String(kinds.TagAddress), Value: aws.String("endpoint-service/fraud")},
		}}},
	})
	s.must(err)
	twin := out.ServiceConfiguration.ServiceId
	_, err = s.platform.EC2.ModifyVpcEndpointServicePermissions(ctx, &ec2.ModifyVpcEndpointServicePermissionsInput{
		ServiceId: twin, AddAllowedPrincipals: []string{"arn:aws:iam::101010101010:role/nobody"},
	})
	s.must(err)
	_, err = s.platform.EC2.CreateVpcEndpointConnectionNotification(ctx, &ec2.CreateVpcEndpointConnectionNotificationInput{
		ServiceId: twin, ConnectionNotificationArn: aws.String(topicARN), ConnectionEvents: []string{"Connect"},
	})
	s.must(err)
}

// restart takes the fleet's files as they were.
func (s *scene) restart(cut func(*schema.Fleet)) {
	s.T.Helper()
	s.Stage.Fleet = exampleFleet(s.T)
	cut(s.Stage.Fleet)
	s.fraud = s.Stage.Fleet.Services["fraud"]
}

func TestReplacements(t *testing.T) {
	for _, r := range replacements() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			onStage(t, r.cut, func(s *scene) { s.replace(r) })
		})
	}
}

func (s *scene) replace(r replacement) {
	s.T.Helper()
	r.change(s)
	if r.refused != "" {
		s.refuses(r.refused, r.mend)
		if r.permit == nil {
			r.undo(s)
			s.Converge()
			return
		}
		r.permit(s)
	}
	plan := s.Plan()
	if got := stage.Short(plan); got != r.want && !r.twins || len(plan.Blocked) > 0 {
		s.T.Errorf("planned:\n%swant:\n%s\n%s", got, r.want, stage.Text(plan))
	}
	for _, f := range fieldList(r.fields) {
		if !r.twins && !forces(plan, f) {
			s.T.Errorf("%s does not force a replacement:\n%s", f, stage.Text(plan))
		}
	}
	s.Converge()
	s.tidy()
}

// refuses wants a replacement refused with the way out, and the rest of the
// plan to do no harm.
func (s *scene) refuses(at, mend string) {
	s.T.Helper()
	plan := s.Plan()
	if !slices.ContainsFunc(plan.Blocked, func(b planner.Blocked) bool {
		return b.Addr.Path() == at && b.Cause == planner.CauseRefused && strings.Contains(b.Mend, mend)
	}) {
		s.T.Errorf("want %s refused, and the way out %q:\n%s", at, mend, stage.Text(plan))
	}
	if err := s.Apply().Err(); err != nil {
		s.T.Errorf("the rest of the plan fails: %v\n%s", err, stage.Text(plan))
	}
}

// forces tells whether a plan has a replacement because of "kind: field".
func forces(plan *planner.Plan, field string) bool {
	kind, path, _ := strings.Cut(field, ": ")
	return slices.ContainsFunc(plan.Steps, func(st planner.Step) bool {
		return st.Addr.Kind == kind && st.Replaces && slices.ContainsFunc(st.Fields, func(f planner.Field) bool { return f.Path == path && f.Replace })
	})
}

func TestEveryImmutableFieldIsReplaced(t *testing.T) {
	var has, want []string
	for _, r := range replacements() {
		if r.fields != "" {
			has = append(has, fieldList(r.fields)...)
		}
	}
	for _, f := range kinds.SpecFields() {
		if f.Replace {
			want = append(want, f.String())
		}
	}
	sameFields(t, "replacement", has, want)
}
