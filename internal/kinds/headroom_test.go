package kinds_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/linkfleet/linkfleet/internal/awssim"
	"github.com/linkfleet/linkfleet/internal/stage"
	"github.com/linkfleet/linkfleet/planner"
	"github.com/linkfleet/linkfleet/schema"
)

// tight is the example with quotas of its world's own.
func tight(t *testing.T, quotas map[string]int, change func(awssim.World, *schema.Fleet)) *stage.Stage {
	t.Helper()
	world, err := awssim.LoadWorld(exampleDir + "/sandbox/world.cue")
	if err != nil {
		t.Fatal(err)
	}
	fleet := exampleFleet(t)
	world.Knobs.Quotas = quotas
	if change != nil {
		change(world, fleet)
	}
	return stage.New(t, world, fleet)
}

// refusals are the reasons for which steps of a kind are refused, and the ways
// out.
func refusals(plan *planner.Plan, kind string) (all []string) {
	for _, b := range plan.Blocked {
		if b.Addr.Kind == kind && b.Cause == planner.CauseRefused {
			all = append(all, b.Reason+"; "+b.Mend)
		}
	}
	return all
}

// What would go over one of AWS's quotas is refused before anything is made,
// with the command that raises it; the rest is done.
func TestQuotasLeaveRoom(t *testing.T) {
	const raise = " is 1, and as many are there or planned already; raise quota %[2]s with aws service-quotas request-service-quota-increase" +
		" --region us-east-1 --service-code %[1]s --quota-code %[2]s --desired-value N, or make room"
	for _, c := range []struct {
		knob, kind, mend string
		of               []string
	}{
		{"endpointsPerVpc", "endpoint", fmt.Sprintf(raise, "vpc", "L-29B6F2EB"), []string{
			"AWS's quota of interface endpoints in vpc-0a0000000000000b1", "AWS's quota of interface endpoints in vpc-0a0000000000000c1"}},
		{"loadBalancersPerRegion", "load-balancer", fmt.Sprintf(raise, "elasticloadbalancing", "L-69A177A2"), []string{
			"AWS's quota of Network Load Balancers in account platform, region us-east-1"}},
	} {
		var want []string
		for _, of := range c.of {
			want = append(want, of+c.mend)
		}
		t.Run(c.knob, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := tight(t, map[string]int{c.knob: 1}, nil)
				if got := refusals(s.Plan(), c.kind); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
					t.Fatalf("refused: %q\nwant %q", got, want)
				}
				if err := s.Apply().Err(); err != nil {
					t.Fatalf("applying what there is room for: %v", err)
				}
				plan := s.Plan()
				if len(refusals(plan, c.kind)) != len(want) || len(plan.Steps) > 0 {
					t.Errorf("what is left:\n%s", stage.Text(plan))
				}
			})
		})
	}
}

// What a plan takes away makes room for the next: what goes takes its place
// until it has gone, and nothing that is made waits for that.
func TestRemovalsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, map[string]int{"endpointsPerVpc": 1}, func(_ awssim.World, f *schema.Fleet) { pair(f) })
		s.Converge()
		consumers := s.Fleet.Services["fraud"].Consumers
		next := *consumers["risk"]
		next.Name = "risk-two"
		consumers["risk-two"] = &next
		const later = ", or plan again when what this plan takes away is gone"
		if got := refusals(s.Plan(), "endpoint"); len(got) != 1 || strings.Contains(got[0], later) {
			t.Errorf("beside the other it is refused by %q", got)
		}
		delete(consumers, "risk")
		if got := refusals(s.Plan(), "endpoint"); len(got) != 1 || !strings.HasSuffix(got[0], later) {
			t.Errorf("in the other's place it is refused by %q", got)
		}
		if err := s.Apply().Err(); err != nil {
			t.Fatalf("applying the rest: %v", err)
		}
		s.Converge()
	})
}

// A replacement needs room for both: the old goes when the new stands.
func TestReplacementsNeedRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, map[string]int{"loadBalancersPerRegion": 1}, func(w awssim.World, f *schema.Fleet) {
			addRoom(w)
			alone(f)
		})
		s.Converge()
		lb := &s.Fleet.Services["fraud"].LoadBalancer
		lb.VPC, lb.Subnets = "vpc-0f0000000000000f1", []string{"subnet-0f0000000000000f1", "subnet-0f0000000000000f2"}
		got := refusals(s.Plan(), "load-balancer")
		if len(got) != 1 || !strings.HasPrefix(got[0], "AWS's quota of Network Load Balancers in account platform, region us-east-1 is 1, ") {
			t.Errorf("it is refused by %q", got)
		}
		if err := s.Apply().Err(); err != nil {
			t.Errorf("applying the rest: %v", err)
		}
	})
}

// What AWS is still deleting takes its place until it has gone.
func TestWhatIsBeingDeletedTakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, map[string]int{"endpointsPerVpc": 1}, func(_ awssim.World, f *schema.Fleet) { pair(f) })
		s.Converge()
		for addr, rs := range s.Live().Live {
			if addr.Path() != "endpoint/fraud/risk" {
				continue
			}
			_, err := s.Hands(riskID, region).EC2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{rs[0].ID}})
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := refusals(s.Plan(), "endpoint"); len(got) != 1 {
			t.Errorf("while the old one is being deleted the new one is refused by %q", got)
		}
		time.Sleep(10 * time.Minute)
		s.Converge()
	})
}

// Where the role may not read quotas, AWS itself says what is too much.
func TestUnreadQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, nil, func(w awssim.World, f *schema.Fleet) {
			pair(f)
			for _, name := range []string{"platform", "risk"} {
				a := f.Accounts[name]
				role := w.Accounts[a.ID].Roles[a.Role]
				role.Actions = slices.DeleteFunc(allowed(t, f, name, false), func(action string) bool { return strings.HasPrefix(action, "servicequotas:") })
				w.Accounts[a.ID].Roles[a.Role] = role
			}
		})
		s.Converge()
	})
}

// A step that is refused for another reason leaves its place to the next.
func TestWhatIsRefusedTakesNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, map[string]int{"endpointsPerVpc": 1}, func(w awssim.World, f *schema.Fleet) {
			addRoom(w)
			f.Services["fraud"].Consumers["risk"].Endpoint.Subnets[0] = "subnet-0a000000000000full"
		})
		if got := refusals(s.Plan(), "endpoint"); len(got) != 2 || strings.Contains(strings.Join(got, "\n"), "quota of interface endpoints in "+riskVPC) {
			t.Errorf("refused are %q", got)
		}
	})
}

// However many VPCs of an account get endpoints, its quota is read once.
func TestQuotaIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tight(t, map[string]int{"endpointsPerVpc": 7}, func(w awssim.World, f *schema.Fleet) {
			pair(f)
			addRoom(w)
			consumers := f.Services["fraud"].Consumers
			next, endpoint := *consumers["risk"], *consumers["risk"].Endpoint
			endpoint.VPC, endpoint.Subnets = "vpc-0a0000000000000f1", []string{"subnet-0a0000000000000f1", "subnet-0a0000000000000f2"}
			next.Name, next.Endpoint = "risk-two", &endpoint
			consumers["risk-two"] = &next
		})
		s.Plan()
		n := 0
		for _, c := range s.Sim.Calls() {
			if c.Operation == "GetServiceQuota" && c.Account == riskID {
				n++
			}
		}
		if n != 1 {
			t.Errorf("it was read %d times", n)
		}
	})
}
