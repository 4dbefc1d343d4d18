package kinds_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/kinds"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/schema"
)

// example is the fleet of the repository.
const example = "../../fleet.example"

// narrowExample is the example in a world whose roles may do just what the
// policies of its fleet say. Each account also has a role that only reads.
func narrowExample(t *testing.T) *stage.Stage {
	t.Helper()
	world, err := awssim.LoadWorld(example + "/sandbox/world.cue")
	if err != nil {
		t.Fatal(err)
	}
	fleet, _, err := schema.Load(t.Context(), example, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range fleet.Accounts {
		if a.External {
			continue
		}
		role := world.Accounts[a.ID].Roles[a.Role]
		role.Actions = allowed(t, fleet, name, false)
		reader := role
		reader.Actions = allowed(t, fleet, name, true)
		world.Accounts[a.ID].Roles[a.Role], world.Accounts[a.ID].Roles["reader"] = role, reader
	}
	return stage.New(t, world, fleet)
}

// act makes linkfleet act as a role, in every account.
func act(s *stage.Stage, role string) {
	for _, a := range s.Fleet.Accounts {
		if !a.External {
			a.Role = role
		}
	}
}

// allowed are all actions that an account's policy allows.
func allowed(t *testing.T, f *schema.Fleet, account string, readOnly bool) []string {
	t.Helper()
	p, err := kinds.Policy(f, account, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, s := range p.Statement {
		actions = append(actions, s.Action...)
	}
	return actions
}

// TestPolicySuffices brings the example up, takes parts out of it, and takes
// it down, with no more rights than the policies give.
func TestPolicySuffices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := narrowExample(t)
		s.Converge()
		fraud := s.Fleet.Services["fraud"]
		delete(fraud.Consumers, "risk")
		delete(fraud.Consumers, "partner-a")
		fraud.Notifications = nil
		for _, c := range fraud.Consumers {
			if c.Endpoint != nil {
				c.Endpoint.PrivateDNS = false
			}
		}
		s.Converge()
		s.Fleet.Services = nil
		s.Converge()
	})
}

func TestReadOnlyPolicySufficesToPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := narrowExample(t)
		act(s, "reader")
		if plan := s.Plan(); len(plan.Unread) > 0 || len(plan.Steps) == 0 {
			t.Fatalf("planning from empty accounts:\n%s", stage.Text(plan))
		}
		act(s, "linkfleet")
		s.Converge()
		act(s, "reader")
		s.WantEmpty()
	})
}

func TestPolicyByWhatAnAccountIs(t *testing.T) {
	f, _, err := schema.Load(t.Context(), example, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.Accounts["idle"] = &schema.Account{Name: "idle", ID: "121212121212", Role: "linkfleet"}
	for _, tt := range []struct {
		account, has, hasNot string
	}{
		{"platform", "ec2:CreateVpcEndpointServiceConfiguration", "ec2:CreateVpcEndpoint"},
		{"platform", "elasticloadbalancing:CreateLoadBalancer", "route53:ChangeResourceRecordSets"},
		{"risk", "ec2:CreateVpcEndpoint", "ec2:AcceptVpcEndpointConnections"},
		{"dns", "route53:ChangeResourceRecordSets", "ec2:DescribeSubnets"},
		{"idle", "tag:GetResources", "ec2:DescribeVpcEndpoints"},
	} {
		got := allowed(t, f, tt.account, false)
		if !slices.Contains(got, tt.has) || slices.Contains(got, tt.hasNot) {
			t.Errorf("%s: got %v; want %s and not %s", tt.account, got, tt.has, tt.hasNot)
		}
	}
	for _, name := range []string{"partner-a", "nobody"} {
		if p, err := kinds.Policy(f, name, false); err == nil {
			t.Errorf("%s: got policy %v; want an error", name, p)
		}
	}
}

// However many accounts a fleet has, IAM takes the caller's policy.
func TestCallerPolicyFits(t *testing.T) {
	f := &schema.Fleet{Accounts: map[string]*schema.Account{}}
	for n := range 300 {
		name := fmt.Sprintf("account-%03d", n)
		f.Accounts[name] = &schema.Account{Name: name, ID: fmt.Sprintf("%012d", n), Role: "team/linkfleet", ReadOnlyRole: "reader"}
	}
	f.Accounts["account-007"].Role = "own"
	p, patterns := kinds.CallerPolicy(f, false)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"arn:aws:iam::*:role/team/linkfleet", "arn:aws:iam::*:role/reader", "arn:aws:iam::000000000007:role/own"}
	if got := p.Statement[0].Resource; !patterns || !slices.Equal(got, want) || len(text) > 6144 {
		t.Errorf("%d characters, patterns %v: %.300q", len(text), patterns, got)
	}
	if p, _ := kinds.CallerPolicy(f, true); !slices.Equal(p.Statement[0].Resource, want[1:2]) {
		t.Errorf("who only plans may assume %.300q", p.Statement[0].Resource)
	}
	for n := range 290 {
		delete(f.Accounts, fmt.Sprintf("account-%03d", n))
	}
	if p, patterns := kinds.CallerPolicy(f, false); patterns || len(p.Statement[0].Resource) != 20 {
		t.Errorf("of ten accounts, patterns %v: %q", patterns, p.Statement[0].Resource)
	}
}

// TestPolicyRefusesWhatItLeavesOut makes sure that the simulator holds roles
// to their actions, or the tests above would prove nothing.
func TestPolicyRefusesWhatItLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := narrowExample(t)
		act(s, "reader")
		if err := s.Apply().Err(); err == nil {
			t.Error("roles that only read could apply")
		}
	})
}
