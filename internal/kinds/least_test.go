package kinds_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/linkfleet/linkfleet/internal/awsapi"
	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
)

// TestPoliciesAreTheLeast lives a life in which every kind is made, read,
// changed and deleted, in a world whose roles may do exactly what the policies
// say. Nothing is denied, and there is no action that was not needed: without
// it a call of this life would have been denied.
func TestPoliciesAreTheLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, narrow)
		world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
		if err != nil {
			t.Fatal(err)
		}
		addRoom(world)
		granted := map[string][]string{} // by account id
		for _, name := range []string{"platform", "risk", "dns"} {
			a := s.Stage.Fleet.Accounts[name]
			role := world.Accounts[a.ID].Roles[a.Role]
			role.Actions = allowed(t, s.Stage.Fleet, name, false)
			world.Accounts[a.ID].Roles[a.Role] = role
			granted[a.ID] = role.Actions
		}
		s.Stage.Sim = stage.New(t, world, s.Stage.Fleet).Sim
		s.platform, s.risk = s.Hands(platformID, region), s.Hands(riskID, region)
		s.live()
		for id, actions := range granted {
			needed := s.needed(id)
			for _, action := range actions {
				if !slices.Contains(needed, action) && withoutCall()[action] == "" {
					t.Errorf("account %s may %s, and never needs to", id, action)
				}
			}
		}
	})
}

// live is the life: up, drift healed, edits, and down to nothing.
func (s *scene) live() {
	s.T.Helper()
	s.Converge()
	for _, d := range slices.Concat(groupDrifts()[:2], targetGroupDrifts()[9:]) {
		d.hand(s)
	}
	for p, path := range map[*awsapi.Place]string{s.platform: "security-group/fraud", s.risk: "security-group/fraud/risk"} {
		_, err := p.EC2.AuthorizeSecurityGroupEgress(s.T.Context(), &ec2.AuthorizeSecurityGroupEgressInput{GroupId: s.id(path), IpPermissions: rule(22, "0.0.0.0/0")})
		s.must(err)
		_, err = p.EC2.RevokeSecurityGroupEgress(s.T.Context(), &ec2.RevokeSecurityGroupEgressInput{GroupId: s.id(path), IpPermissions: anywhere})
		s.must(err)
	}
	s.balancerAttribute("load_balancing.cross_zone.enabled", "false")
	s.modifyTargetGroup(&elb.ModifyTargetGroupInput{HealthCheckPort: aws.String("9000")})
	s.targetGroupAttribute("proxy_protocol_v2.enabled", "true")
	s.Converge()
	for _, e := range slices.Concat(balancerEdits(), listenerEdits()[:2], serviceEdits(), topicEdits()[:1], consumerEdits()[:1]) {
		e.edit(s)
	}
	s.Converge()
	for _, s.fraud.PreventDestroy = range []bool{true, false} {
		s.Converge()
	}
	clear(s.Stage.Fleet.Services)
	s.Converge()
}

// withoutCall are actions that a call needs besides those that are named for
// it, or that the simulator has no use for, and why.
func withoutCall() map[string]string {
	return map[string]string{
		"iam:CreateServiceLinkedRole":           "the first load balancer of an account; the simulator has no IAM",
		"route53:AssociateVPCWithHostedZone":    "AWS's own zone, when an endpoint's private name is turned on",
		"ec2:DescribeVpcs":                      "what putting that zone into a VPC asks for",
		"elasticloadbalancing:SetIpAddressType": "no subnet of the simulator has IPv6",
	}
}

// needed are the actions of the calls that an account's role has made.
func (s *scene) needed(account string) []string {
	s.T.Helper()
	needed := map[string]bool{}
	for _, c := range s.Sim.Calls() {
		if c.Account != account || c.Session == "" {
			continue
		}
		if isDenied(c.Code) {
			s.T.Errorf("account %s: %s %s is denied: %s", account, c.Service, c.Operation, c.Code)
		}
		needed[strings.Replace(c.Service, "tagging", "tag", 1)+":"+c.Operation] = true
		for _, action := range awssim.DependentActions(c.Service, c.Operation) {
			needed[action] = true
		}
		if strings.HasPrefix(c.Operation, "Create") { // with tags, always
			needed[map[string]string{"ec2": "ec2:CreateTags", "elasticloadbalancing": "elasticloadbalancing:AddTags", "sns": "sns:TagResource"}[c.Service]] = true
		}
	}
	return slices.Collect(maps.Keys(needed))
}

func isDenied(code string) bool {
	return slices.Contains([]string{"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthorizationError"}, code)
}

// TestPlanningOnlyReads: to plan, an account's role needs no more than reads,
// and linkfleet does nothing else with it.
func TestPlanningOnlyReads(t *testing.T) {
	onStage(t, pair, func(s *scene) {
		for _, d := range groupDrifts() {
			d.hand(s)
		}
		s.Sim.ResetCalls()
		s.Plan()
		for _, account := range []string{platformID, riskID, dnsID} {
			name := map[string]string{platformID: "platform", riskID: "risk", dnsID: "dns"}[account]
			may := allowed(t, s.Stage.Fleet, name, true)
			for _, action := range s.needed(account) {
				if !slices.Contains(may, action) {
					t.Errorf("planning did %s in %s", action, name)
				}
			}
		}
	})
}

// Reading actions change nothing, whatever kind they are of.
func TestReadsOnlyRead(t *testing.T) {
	for _, k := range kinds.All() {
		for _, action := range k.Reads {
			_, operation, _ := strings.Cut(action, ":")
			if !slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(verb string) bool { return strings.HasPrefix(operation, verb) }) {
				t.Errorf("%s reads with %s", k.Name, action)
			}
		}
	}
}
